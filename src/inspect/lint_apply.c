/*
 * lint_apply.c
 *	  What a statement changes for those that follow it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/lint_apply.h"
#include "inspect/lint_locks.h"
#include "inspect/lint_state.h"
#include "inspect/lint_types.h"
#include "inspect/lint_uses.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/*
 * Expressions
 */

static bool
collect_columns(Node *node, List **columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(((ColumnRef *) node)->fields);

		if (IsA(last, String) && !cmig_lint_model_has_name(*columns, strVal(last)))
			*columns = lappend(*columns, pstrdup(strVal(last)));
		return false;
	}
	return raw_expression_tree_walker(node, collect_columns, columns);
}

List *
cmig_lint_apply_columns_in(Node *expression)
{
	List	   *columns = NIL;

	(void) collect_columns(expression, &columns);
	return columns;
}

const char *
cmig_lint_apply_constant(Node *node)
{
	A_Const    *constant;

	while (node && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	if (node == NULL || !IsA(node, A_Const))
		return NULL;
	constant = (A_Const *) node;
	if (constant->isnull)
		return NULL;
	switch (nodeTag(&constant->val))
	{
		case T_Integer:
			return psprintf("%d", intVal(&constant->val));
		case T_Float:
			return constant->val.fval.fval;
		case T_String:
			return strVal(&constant->val);
		default:
			return NULL;
	}
}

/*
 * Constraints and indexes
 */

/* Names joined as the server does it. */
static char *
join_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
	{
		if (text.len > 0)
			appendStringInfoChar(&text, '_');
		appendStringInfoString(&text, lfirst(lc));
		if (text.len >= NAMEDATALEN)
			break;
	}
	return text.data;
}

char *
cmig_lint_apply_constraint_name(const char *table, const Constraint *constraint, const char *column)
{
	List	   *columns;

	if (constraint->conname)
		return pstrdup(constraint->conname);
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			return makeObjectName(table, NULL, "pkey");
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->keys);
			return makeObjectName(table, columns ? join_names(columns) : NULL,
								  constraint->contype == CONSTR_UNIQUE ? "key" : "excl");
		case CONSTR_FOREIGN:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->fk_attrs);
			return makeObjectName(table, join_names(columns), "fkey");
		case CONSTR_NOTNULL:
			return makeObjectName(table, column, "not_null");
		default:
			columns = cmig_lint_apply_columns_in(constraint->raw_expr);
			return makeObjectName(table, list_length(columns) == 1 ? linitial(columns) : NULL, "check");
	}
}

static char
constraint_type(ConstrType type)
{
	switch (type)
	{
		case CONSTR_PRIMARY:
			return CONSTRAINT_PRIMARY;
		case CONSTR_UNIQUE:
			return CONSTRAINT_UNIQUE;
		case CONSTR_EXCLUSION:
			return CONSTRAINT_EXCLUSION;
		case CONSTR_FOREIGN:
			return CONSTRAINT_FOREIGN;
		default:
			return CONSTRAINT_CHECK;
	}
}

/* The columns are NOT NULL from now on. */
static void
set_not_null(CmigLintTable *table, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		CmigLintColumn *column = cmig_lint_model_column(table, lfirst(lc));

		if (column)
			column->not_null = true;
	}
}

/* The index of a new PRIMARY KEY, UNIQUE, or EXCLUDE constraint. */
static void
add_constraint_index(CmigLintTable *table, const char *name, const Constraint *constraint, List *columns)
{
	CmigLintIndex *index;

	if (constraint->indexname)
	{
		index = cmig_lint_model_index(table, constraint->indexname);
		if (index)
			index->name = name;
		if (index && constraint->contype == CONSTR_PRIMARY)
			set_not_null(table, index->keys);
		return;
	}
	index = palloc0(sizeof(CmigLintIndex));
	index->name = name;
	index->is_new = true;
	index->unique = constraint->contype != CONSTR_EXCLUSION;
	index->usable = constraint->contype != CONSTR_EXCLUSION;
	index->method = BTREE_AM_OID;
	index->keys = columns;
	table->indexes = lappend(table->indexes, index);
	if (constraint->contype == CONSTR_PRIMARY)
		set_not_null(table, columns);
}

/* Add a constraint; column is the one whose definition contains it, or NULL. */
static void
add_constraint(CmigLint *lint, CmigLintTable *table, const Constraint *constraint, const char *column)
{
	CmigLintConstraint *added;

	switch (constraint->contype)
	{
		case CONSTR_NOTNULL:
			if (column)
				set_not_null(table, list_make1((char *) column));
			else if (!constraint->skip_validation)
				set_not_null(table, cmig_lint_model_names(constraint->keys));
			return;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
			break;
		default:
			return;
	}
	added = palloc0(sizeof(CmigLintConstraint));
	added->name = cmig_lint_apply_constraint_name(table->name, constraint, column);
	added->type = constraint_type(constraint->contype);
	added->validated = !constraint->skip_validation;
	added->added_in = lint->revision_number;
	if (constraint->contype == CONSTR_CHECK)
	{
		added->columns = cmig_lint_apply_columns_in(constraint->raw_expr);
		added->proves_not_null = cmig_lint_model_not_null_columns(constraint->raw_expr);
	}
	else if (constraint->contype == CONSTR_FOREIGN)
		added->columns = column ? list_make1(pstrdup(column)) : cmig_lint_model_names(constraint->fk_attrs);
	else
	{
		added->columns = column ? list_make1(pstrdup(column)) : cmig_lint_model_names(constraint->keys);
		add_constraint_index(table, added->name, constraint, added->columns);
	}
	table->constraints = lappend(table->constraints, added);
}

/* Add a column, and the constraints in its definition. */
static void
add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition)
{
	CmigLintColumn *column = palloc0(sizeof(CmigLintColumn));
	ListCell   *lc;

	column->name = pstrdup(definition->colname);
	column->is_new = true;
	if (definition->typeName)
		cmig_lint_types_find(lint, definition->typeName, &column->type, &column->typmod, &column->type_name);
	column->collation = get_typcollation(column->type);
	column->not_null = definition->is_not_null;
	if (definition->typeName && cmig_lint_types_serial(definition->typeName) != CMIG_LINT_NOT_SERIAL)
		column->not_null = column->has_default = true;
	table->columns = lappend(table->columns, column);
	foreach(lc, definition->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_IDENTITY)
			column->not_null = column->has_default = true;
		else if (constraint->contype == CONSTR_DEFAULT || constraint->contype == CONSTR_GENERATED)
			column->has_default = true;
		else
			add_constraint(lint, table, constraint, column->name);
	}
}

/* Forget a column with its indexes and constraints. */
static void
remove_column(CmigLintTable *table, const char *name)
{
	CmigLintColumn *column = cmig_lint_model_column(table, name);
	ListCell   *lc;

	if (column == NULL)
		return;
	table->columns = list_delete_ptr(table->columns, column);
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if (cmig_lint_model_has_name(index->keys, name) || cmig_lint_model_has_name(index->uses, name))
			table->indexes = foreach_delete_current(table->indexes, lc);
	}
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (cmig_lint_model_has_name(constraint->columns, name))
			table->constraints = foreach_delete_current(table->constraints, lc);
	}
}

/* Change a name wherever it is in a list. */
static void
rename_in(List *names, const char *from, const char *to)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), from) == 0)
			lfirst(lc) = (char *) to;
	}
}

static void
rename_column(CmigLintTable *table, const char *from, const char *to)
{
	CmigLintColumn *column = cmig_lint_model_column(table, from);
	ListCell   *lc;

	if (column)
		column->name = to;
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		rename_in(index->keys, from, to);
		rename_in(index->uses, from, to);
	}
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		rename_in(constraint->columns, from, to);
		rename_in(constraint->proves_not_null, from, to);
	}
}

/*
 * ALTER TABLE
 */

static void
change_type(CmigLint *lint, CmigLintColumn *column, const ColumnDef *definition)
{
	cmig_lint_types_find(lint, definition->typeName, &column->type, &column->typmod, &column->type_name);
	column->collation = get_typcollation(column->type);
}

static void
drop_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);
	CmigLintIndex *index = cmig_lint_model_index(table, name);

	if (constraint)
		table->constraints = list_delete_ptr(table->constraints, constraint);
	if (constraint && constraint->type != CONSTRAINT_CHECK && constraint->type != CONSTRAINT_FOREIGN && index)
		table->indexes = list_delete_ptr(table->indexes, index);
}

static void
validate_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);

	if (constraint)
		constraint->validated = true;
}

static void
apply_action(CmigLint *lint, CmigLintTable *table, AlterTableCmd *command)
{
	CmigLintColumn *column = command->name ? cmig_lint_model_column(table, command->name) : NULL;

	switch (command->subtype)
	{
		case AT_AddColumn:
			if (cmig_lint_model_column(table, ((ColumnDef *) command->def)->colname) == NULL)
				add_column(lint, table, (ColumnDef *) command->def);
			break;
		case AT_DropColumn:
			remove_column(table, command->name);
			break;
		case AT_AlterColumnType:
			if (column)
				change_type(lint, column, (ColumnDef *) command->def);
			break;
		case AT_SetNotNull:
			set_not_null(table, list_make1(command->name));
			break;
		case AT_DropNotNull:
			if (column)
				column->not_null = false;
			break;
		case AT_ColumnDefault:
			if (column)
				column->has_default = command->def != NULL;
			break;
		case AT_AddConstraint:
			add_constraint(lint, table, (Constraint *) command->def, NULL);
			break;
		case AT_DropConstraint:
			drop_constraint(table, command->name);
			break;
		case AT_ValidateConstraint:
			validate_constraint(table, command->name);
			break;
		case AT_SetLogged:
		case AT_SetUnLogged:
			table->logged = command->subtype == AT_SetLogged;
			break;
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
			table->row_security = command->subtype == AT_EnableRowSecurity;
			break;
		case AT_AttachPartition:
			if (((PartitionCmd *) command->def)->bound && ((PartitionCmd *) command->def)->bound->is_default)
				table->has_default_partition = true;
			break;
		default:
			break;
	}
}

/* Remember that the next ALTER TABLE of the table could be combined with this one. */
static void
note_alter(CmigLint *lint, AlterTableStmt *statement)
{
	CmigLintTable *table = lint->target;

	cmig_lint_state_touch(lint, table);
	table->altered_at = cmig_lint_state_is_combinable(statement) ? lint->statement->number : 0;
	table->altered_text = table->altered_at ? pstrdup(lint->statement->text) : NULL;
}

static void
apply_alter_table(CmigLint *lint, AlterTableStmt *statement)
{
	ListCell   *lc;

	if (lint->target == NULL)
		return;
	cmig_lint_state_load(lint, lint->target);
	note_alter(lint, statement);
	foreach(lc, statement->cmds)
	{
		apply_action(lint, lint->target, lfirst_node(AlterTableCmd, lc));
	}
}

/*
 * CREATE
 */

static void
apply_create_table(CmigLint *lint, CreateStmt *statement, RangeVar *name)
{
	CmigLintTable *table;
	ListCell   *lc;

	if (statement->if_not_exists && cmig_lint_state_find(lint, name, true))
		return;
	table = cmig_lint_state_add(lint, name,
								statement->partspec ? RELKIND_PARTITIONED_TABLE : RELKIND_RELATION);
	table->partial = statement->inhRelations != NIL || statement->ofTypename != NULL;
	foreach(lc, statement->tableElts)
	{
		if (IsA(lfirst(lc), ColumnDef))
			add_column(lint, table, lfirst(lc));
		else if (IsA(lfirst(lc), Constraint))
			add_constraint(lint, table, lfirst(lc), NULL);
		else
			table->partial = true;
	}
}

static void
apply_create_index(CmigLint *lint, IndexStmt *statement)
{
	CmigLintIndex *index;
	ListCell   *lc;
	RangeVar	name = *statement->relation;

	if (lint->target == NULL)
		return;
	cmig_lint_state_load(lint, lint->target);
	if (statement->if_not_exists && statement->idxname && cmig_lint_model_index(lint->target, statement->idxname))
		return;
	index = palloc0(sizeof(CmigLintIndex));
	index->is_new = true;
	index->unique = statement->unique;
	index->usable = statement->whereClause == NULL;
	index->has_expression = statement->whereClause != NULL;
	index->uses = cmig_lint_apply_columns_in(statement->whereClause);
	foreach(lc, statement->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		index->keys = lappend(index->keys, pstrdup(element->name ? element->name : ""));
		if (element->expr)
		{
			index->has_expression = true;
			index->uses = list_concat(index->uses, cmig_lint_apply_columns_in(element->expr));
		}
	}
	lint->target->indexes = lappend(lint->target->indexes, index);
	if (statement->idxname == NULL)
		return;
	index->name = pstrdup(statement->idxname);
	name.relname = statement->idxname;
	name.schemaname = (char *) lint->target->schema;
	cmig_lint_state_add(lint, &name, RELKIND_INDEX)->index_of = lint->target;
}

/* A relation whose columns come from a query. */
static void
apply_create_as(CmigLint *lint, RangeVar *name, char kind, bool if_not_exists)
{
	if (if_not_exists && cmig_lint_state_find(lint, name, true))
		return;
	cmig_lint_state_add(lint, name, kind)->partial = true;
}

static void
apply_create_function(CmigLint *lint, CreateFunctionStmt *statement)
{
	CmigLintFunction *function = cmig_lint_state_add_function(lint, strVal(llast(statement->funcname)));
	ListCell   *lc;

	function->is_volatile = true;
	function->is_dropped = false;
	function->created_at = cmig_lint_state_statements(lint);
	foreach(lc, statement->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "volatility") == 0)
			function->is_volatile = strcmp(strVal(option->arg), "volatile") == 0;
	}
}

static void
apply_create_domain(CmigLint *lint, CreateDomainStmt *statement)
{
	CmigLintType *type = cmig_lint_state_add_type(lint, statement->domainname);
	ListCell   *lc;

	type->is_new = true;
	foreach(lc, statement->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_CHECK || constraint->contype == CONSTR_NOTNULL)
			type->has_constraint = true;
		else if (constraint->contype == CONSTR_DEFAULT)
			type->has_default = true;
	}
}

static void
apply_create_schema(CmigLint *lint, CreateSchemaStmt *statement)
{
	ListCell   *lc;

	if (statement->schemaname == NULL)
		return;
	if (!statement->if_not_exists || !lint->reads_facts || !OidIsValid(get_namespace_oid(statement->schemaname, true)))
		cmig_lint_state_add_schema(lint, statement->schemaname);
	foreach(lc, statement->schemaElts)
	{
		if (IsA(lfirst(lc), CreateStmt))
		{
			CreateStmt *create = lfirst(lc);
			RangeVar	name = *create->relation;

			name.schemaname = statement->schemaname;
			apply_create_table(lint, create, &name);
		}
	}
}

static void
apply_alter_enum(CmigLint *lint, AlterEnumStmt *statement)
{
	CmigLintType *type = cmig_lint_state_add_type(lint, statement->typeName);

	if (statement->oldVal == NULL && !type->is_new && !cmig_lint_types_has_value(lint, statement) &&
		cmig_lint_state_in_transaction(lint))
		cmig_lint_state_add_value(lint, type, statement->newVal);
}

/*
 * DROP and RENAME
 */

static void
apply_drop_relation(CmigLint *lint, List *name)
{
	CmigLintTable *table = cmig_lint_state_find_names(lint, name, true);
	CmigLintIndex *index;

	if (table == NULL)
		return;
	if (table->index_of)
	{
		cmig_lint_state_load(lint, table->index_of);
		index = cmig_lint_model_index(table->index_of, table->name);
		if (index)
			table->index_of->indexes = list_delete_ptr(table->index_of->indexes, index);
	}
	cmig_lint_state_remove(lint, table);
}

static void
apply_drop(CmigLint *lint, DropStmt *statement)
{
	ListCell   *lc;

	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			foreach(lc, statement->objects)
			{
				apply_drop_relation(lint, lfirst(lc));
			}
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			foreach(lc, statement->objects)
			{
				cmig_lint_state_drop_function(lint, strVal(llast(lfirst_node(ObjectWithArgs, lc)->objname)));
			}
			break;
		default:
			break;
	}
}

static void
apply_rename(CmigLint *lint, RenameStmt *statement)
{
	CmigLintTable *table = lint->target;

	if (statement->renameType == OBJECT_SCHEMA)
		cmig_lint_state_rename_schema(lint, statement->subname, statement->newname);
	if (table == NULL)
		return;
	cmig_lint_state_load(lint, table);
	switch (statement->renameType)
	{
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			rename_column(table, statement->subname, pstrdup(statement->newname));
			break;
		case OBJECT_TABCONSTRAINT:
			{
				CmigLintConstraint *constraint = cmig_lint_model_constraint(table, statement->subname);

				if (constraint)
					constraint->name = pstrdup(statement->newname);
				break;
			}
		default:
			if (table->index_of && cmig_lint_model_index(table->index_of, table->name))
				cmig_lint_model_index(table->index_of, table->name)->name = pstrdup(statement->newname);
			cmig_lint_state_rename(lint, table, table->schema, statement->newname);
			break;
	}
}

static void
apply_grant(CmigLint *lint, GrantStmt *grant)
{
	ListCell   *lc;

	if (!grant->is_grant || grant->objtype != OBJECT_TABLE)
		return;
	foreach(lc, grant->objects)
	{
		if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			cmig_lint_state_grant_in_schema(lint, strVal(lfirst(lc)));
		else if (IsA(lfirst(lc), RangeVar))
		{
			CmigLintTable *table = cmig_lint_state_peek(lint, lfirst(lc));

			if (table)
				table->has_grants = true;
		}
	}
}

/*
 * Settings and transactions
 */

/* The values of SET as one text. */
static char *
setting_text(List *values)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, values)
	{
		const char *value = cmig_lint_apply_constant(lfirst(lc));

		if (value == NULL)
			return "?";
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", value);
	}
	return text.data;
}

static void
apply_set(CmigLint *lint, VariableSetStmt *statement)
{
	switch (statement->kind)
	{
		case VAR_SET_VALUE:
			cmig_lint_state_set(lint, statement->name, setting_text(statement->args));
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			cmig_lint_state_set(lint, statement->name, NULL);
			break;
		case VAR_RESET_ALL:
			cmig_lint_state_set(lint, "lock_timeout", NULL);
			cmig_lint_state_set(lint, "statement_timeout", NULL);
			cmig_lint_state_set(lint, "timezone", NULL);
			cmig_lint_state_set(lint, "search_path", NULL);
			break;
		default:
			break;
	}
}

/* SELECT set_config('name', 'value', local) */
static void
apply_select(CmigLint *lint, SelectStmt *statement)
{
	ListCell   *lc;

	if (statement->intoClause)
		apply_create_as(lint, statement->intoClause->rel, RELKIND_RELATION, false);
	foreach(lc, statement->targetList)
	{
		FuncCall   *call = (FuncCall *) lfirst_node(ResTarget, lc)->val;
		const char *name;
		const char *value;

		if (call == NULL || !IsA(call, FuncCall) || list_length(call->args) != 3 ||
			strcmp(strVal(llast(call->funcname)), "set_config") != 0)
			continue;
		name = cmig_lint_apply_constant(linitial(call->args));
		value = cmig_lint_apply_constant(lsecond(call->args));
		if (name && value)
			cmig_lint_state_set(lint, name, value);
	}
}

static void
apply_transaction(CmigLint *lint, TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			cmig_lint_state_set_block(lint, lint->statement->number);
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			cmig_lint_state_set_block(lint, 0);
			break;
		default:
			break;
	}
}

/*
 * A query between two ALTER TABLEs of a table may need the first one, so they
 * cannot be joined.
 */
static void
apply_uses(CmigLint *lint, Node *statement)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_uses_of(statement))
	{
		CmigLintTable *table = cmig_lint_state_peek(lint, lfirst(lc));

		if (table)
			table->altered_at = 0;
	}
}

/* Locks that the transaction holds from now on. */
static void
apply_locks(CmigLint *lint)
{
	ListCell   *lc;

	if (!cmig_lint_state_in_transaction(lint))
		return;
	foreach(lc, lint->locks)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->mode == AccessExclusiveLock && !lock->dropped)
			cmig_lint_state_hold(lint, lock->table);
	}
}

/* A statement that creates something. */
static void
apply_creation(CmigLint *lint, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			apply_create_table(lint, (CreateStmt *) statement, ((CreateStmt *) statement)->relation);
			break;
		case T_CreateForeignTableStmt:
			apply_create_table(lint, (CreateStmt *) statement, ((CreateStmt *) statement)->relation);
			break;
		case T_CreateTableAsStmt:
			apply_create_as(lint, ((CreateTableAsStmt *) statement)->into->rel,
							((CreateTableAsStmt *) statement)->objtype == OBJECT_MATVIEW ?
							RELKIND_MATVIEW : RELKIND_RELATION,
							((CreateTableAsStmt *) statement)->if_not_exists);
			break;
		case T_ViewStmt:
			if (!((ViewStmt *) statement)->replace ||
				cmig_lint_state_find(lint, ((ViewStmt *) statement)->view, true) == NULL)
				apply_create_as(lint, ((ViewStmt *) statement)->view, RELKIND_VIEW, false);
			break;
		case T_CreateSeqStmt:
			apply_create_as(lint, ((CreateSeqStmt *) statement)->sequence, RELKIND_SEQUENCE,
							((CreateSeqStmt *) statement)->if_not_exists);
			break;
		case T_IndexStmt:
			apply_create_index(lint, (IndexStmt *) statement);
			break;
		case T_CreateFunctionStmt:
			apply_create_function(lint, (CreateFunctionStmt *) statement);
			break;
		case T_CreateDomainStmt:
			apply_create_domain(lint, (CreateDomainStmt *) statement);
			break;
		case T_CreateEnumStmt:
			cmig_lint_state_add_type(lint, ((CreateEnumStmt *) statement)->typeName)->is_new = true;
			break;
		case T_CreateRangeStmt:
			cmig_lint_state_add_type(lint, ((CreateRangeStmt *) statement)->typeName)->is_new = true;
			break;
		case T_CompositeTypeStmt:
			apply_create_as(lint, ((CompositeTypeStmt *) statement)->typevar, RELKIND_COMPOSITE_TYPE, false);
			break;
		case T_CreateSchemaStmt:
			apply_create_schema(lint, (CreateSchemaStmt *) statement);
			break;
		default:
			break;
	}
}

void
cmig_lint_apply(CmigLint *lint, Node *statement)
{
	MemoryContext old;

	apply_uses(lint, statement);
	old = MemoryContextSwitchTo(lint->context);
	apply_locks(lint);
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			apply_alter_table(lint, (AlterTableStmt *) statement);
			break;
		case T_RenameStmt:
			apply_rename(lint, (RenameStmt *) statement);
			break;
		case T_DropStmt:
			apply_drop(lint, (DropStmt *) statement);
			break;
		case T_AlterObjectSchemaStmt:
			if (lint->target)
				cmig_lint_state_rename(lint, lint->target, ((AlterObjectSchemaStmt *) statement)->newschema,
									   lint->target->name);
			break;
		case T_GrantStmt:
			apply_grant(lint, (GrantStmt *) statement);
			break;
		case T_AlterEnumStmt:
			apply_alter_enum(lint, (AlterEnumStmt *) statement);
			break;
		case T_VariableSetStmt:
			apply_set(lint, (VariableSetStmt *) statement);
			break;
		case T_SelectStmt:
			apply_select(lint, (SelectStmt *) statement);
			break;
		case T_TransactionStmt:
			apply_transaction(lint, (TransactionStmt *) statement);
			break;
		default:
			apply_creation(lint, statement);
			break;
	}
	MemoryContextSwitchTo(old);
}
