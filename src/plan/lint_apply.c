/*
 * lint_apply.c
 *	  Lint: what a statement changes in that state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "pgtime.h"
#include "storage/lock.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "plan/internal.h"
#include "plan/lint.h"

/* ----------------------------------------------------------------
 * Determines how a column type change affects the table.
 * ----------------------------------------------------------------
 */

/*
 * If a USING expression consists only of the column and known casts, returns
 * the analyzed expression.  Otherwise, returns NULL.
 */
static Node *
convert(CmigLint *lint, const CmigLintColumn *column, Node *using)
{
	Node	   *from;
	Oid			type;
	int32		typmod;
	const char *new_name;

	if (using == NULL || IsA(using, ColumnRef))
	{
		if (using && (!IsA(llast(((ColumnRef *) using)->fields), String) ||
					  strcmp(strVal(llast(((ColumnRef *) using)->fields)), column->name) != 0))
			return NULL;
		return (Node *) makeVar(1, Max(column->attnum, 1), column->type, column->typmod, column->collation, 0);
	}
	if (!IsA(using, TypeCast))
		return NULL;
	from = convert(lint, column, ((TypeCast *) using)->arg);
	cmig_lint_types_find(lint, ((TypeCast *) using)->typeName, &type, &typmod, &new_name);
	if (from == NULL || !OidIsValid(type))
		return NULL;
	return coerce_to_target_type(NULL, from, exprType(from), type, typmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

/*
 * Does the script's time zone affect conversions between timestamp and
 * timestamptz?
 */
static bool
time_zone_matters(CmigLint *lint)
{
	const char *name = lint->session.time_zone;
	pg_tz	   *zone;
	long		offset;

	if (name == NULL)
		return TimestampTimestampTzRequiresRewrite();
	zone = pg_tzset(name);
	return zone == NULL || !pg_get_timezone_offset(zone, &offset) || offset != 0;
}

/* Can the index be kept when the column changes to the new type? */
static bool
keeps_index(const CmigLintIndex *index, const CmigLintColumn *column, Oid type, Oid collation)
{
	Oid			old_class;

	if (index->has_expression || collation != column->collation)
		return false;
	if (type == column->type || !OidIsValid(index->method))
		return true;
	old_class = GetDefaultOpClass(column->type, index->method);
	return OidIsValid(old_class) && old_class == GetDefaultOpClass(type, index->method) &&
		!IsPolymorphicType(get_opclass_input_type(old_class));
}

CmigLintChange
cmig_lint_type_change(CmigLint *lint, CmigLintTable *table, const CmigLintColumn *column, const ColumnDef *to)
{
	Oid			type;
	int32		typmod;
	const char *new_name;
	Node	   *expression;
	Oid			collation;
	ListCell   *lc;

	cmig_lint_types_find(lint, to->typeName, &type, &typmod, &new_name);
	if (column == NULL || !OidIsValid(column->type) || !OidIsValid(type))
		return CMIG_LINT_CHANGE_REWRITE;
	expression = convert(lint, column, to->raw_default);
	if (expression)
		expression = coerce_to_target_type(NULL, expression, exprType(expression), type, typmod,
										   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (cmig_conversion_rewrites(expression, time_zone_matters(lint)))
		return CMIG_LINT_CHANGE_REWRITE;

	collation = get_typcollation(type);

	/*
	 * ignore a collation name with more than two parts, for which the
	 * statement itself will raise an error
	 */
	if (to->collClause && OidIsValid(collation) && list_length(to->collClause->collname) <= 2)
		collation = get_collation_oid(to->collClause->collname, true);
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_CHECK && constraint->validated &&
			cmig_text_list_has(constraint->columns, column->name))
			return CMIG_LINT_CHANGE_SCAN;
	}
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if ((cmig_text_list_has(index->keys, column->name) ||
			 cmig_text_list_has(index->uses, column->name)) &&
			!keeps_index(index, column, type, collation))
			return CMIG_LINT_CHANGE_INDEX;
	}
	return CMIG_LINT_CHANGE_NOTHING;
}

/* ----------------------------------------------------------------
 * Updates the lint state of a table after ALTER TABLE, and for the
 * elements of CREATE TABLE.
 * ----------------------------------------------------------------
 */

/*
 * Constraints and indexes
 */

/* Join column names as PostgreSQL does in generated names. */
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

/*
 * Does a constraint or an index of the table have this name?  Also returns true
 * if "names" contains the name.
 */
static bool
is_used(const CmigLintTable *table, const char *name, List *names)
{
	return cmig_text_list_has(names, name) ||
		(table != NULL && (cmig_lint_model_constraint(table, name) != NULL ||
						   cmig_lint_model_index(table, name) != NULL));
}

/*
 * Returns the part of the generated name of an unnamed constraint that consists
 * of column names.  Returns NULL if the generated name contains no column
 * names.
 */
static char *
columns_in_name(const Constraint *constraint, const char *column)
{
	List	   *columns;

	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			return NULL;
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->keys);
			return columns ? join_names(columns) : NULL;
		case CONSTR_FOREIGN:
			columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->fk_attrs);
			return join_names(columns);
		case CONSTR_NOTNULL:
			return unconstify(char *, column);
		default:
			columns = cmig_lint_expression_columns(constraint->raw_expr);
			return list_length(columns) == 1 ? linitial(columns) : NULL;
	}
}

/*
 * The types of constraints, with the values of pg_constraint.contype and the
 * last parts of the names that PostgreSQL generates.
 */
typedef struct ConstraintKind
{
	ConstrType	type;
	char		contype;
	const char *label;
}			ConstraintKind;

static const ConstraintKind constraint_kinds[] = {
	{CONSTR_CHECK, CONSTRAINT_CHECK, "check"},
	{CONSTR_PRIMARY, CONSTRAINT_PRIMARY, "pkey"},
	{CONSTR_UNIQUE, CONSTRAINT_UNIQUE, "key"},
	{CONSTR_EXCLUSION, CONSTRAINT_EXCLUSION, "excl"},
	{CONSTR_FOREIGN, CONSTRAINT_FOREIGN, "fkey"},
	{CONSTR_NOTNULL, '\0', "not_null"},
};

/* Returns the kind of a constraint, or NULL for other clauses. */
static const ConstraintKind *
kind_of(const Constraint *constraint)
{
	for (int i = 0; i < lengthof(constraint_kinds); i++)
	{
		if (constraint_kinds[i].type == constraint->contype)
			return &constraint_kinds[i];
	}
	return NULL;
}

char *
cmig_lint_alter_constraint_name(const CmigLintTable *table, const char *table_name,
								const Constraint *constraint, const char *column,
								List *earlier)
{
	const		ConstraintKind *kind = kind_of(constraint);
	const char *label = kind ? kind->label : "check";
	char	   *columns;
	char	   *name;
	int			number = 0;

	if (constraint->conname)
		return pstrdup(constraint->conname);
	columns = columns_in_name(constraint, column);
	name = makeObjectName(table_name, columns, label);
	while (is_used(table, name, earlier))
		name = makeObjectName(table_name, columns, psprintf("%s%d", label, ++number));
	return name;
}

/* Mark the columns as NOT NULL. */
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

/* Record the index of a new PRIMARY KEY, UNIQUE, or EXCLUDE constraint. */
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
	index->usable = constraint->contype != CONSTR_EXCLUSION;
	index->method = BTREE_AM_OID;
	index->keys = columns;
	table->indexes = lappend(table->indexes, index);
	if (constraint->contype == CONSTR_PRIMARY)
		set_not_null(table, columns);
}

/*
 * Add a constraint to a table.  For a column constraint, "column" is the
 * column's name; otherwise, "column" is NULL.
 */
static void
lint_alter_add_constraint(CmigLint *lint, CmigLintTable *table, const Constraint *constraint, const char *column)
{
	const		ConstraintKind *kind = kind_of(constraint);
	CmigLintConstraint *added;

	if (kind == NULL)
		return;
	if (constraint->contype == CONSTR_NOTNULL)
	{
		if (column)
			set_not_null(table, list_make1((char *) column));
		else if (!constraint->skip_validation)
			set_not_null(table, cmig_lint_model_names(constraint->keys));
		return;
	}
	added = palloc0(sizeof(CmigLintConstraint));
	added->name = cmig_lint_alter_constraint_name(table, table->name, constraint, column, NIL);
	added->type = kind->contype;
	added->validated = !constraint->skip_validation;
	added->added_in = lint->revision_number;
	if (constraint->contype == CONSTR_CHECK)
	{
		added->columns = cmig_lint_expression_columns(constraint->raw_expr);
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

/*
 * Columns
 */

/* Add a column together with its column constraints. */
static void
lint_alter_add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition)
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
			lint_alter_add_constraint(lint, table, constraint, column->name);
	}
}

void
cmig_lint_alter_drop_column(CmigLintTable *table, const char *name)
{
	CmigLintColumn *column = cmig_lint_model_column(table, name);
	ListCell   *lc;

	if (column == NULL)
		return;
	table->columns = list_delete_ptr(table->columns, column);
	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if (cmig_text_list_has(index->keys, name) || cmig_text_list_has(index->uses, name))
			table->indexes = foreach_delete_current(table->indexes, lc);
	}
	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (cmig_text_list_has(constraint->columns, name))
			table->constraints = foreach_delete_current(table->constraints, lc);
	}
}

/* Replace the name "from" in a list with the name "to". */
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

/* Rename a column.  "to" is not copied, so it must remain allocated. */
static void
lint_alter_rename_column(CmigLintTable *table, const char *from, const char *to)
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

void
cmig_lint_alter_drop_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);
	CmigLintIndex *index = cmig_lint_model_index(table, name);

	if (constraint)
		table->constraints = list_delete_ptr(table->constraints, constraint);
	if (constraint && constraint->type != CONSTRAINT_CHECK && constraint->type != CONSTRAINT_FOREIGN && index)
		table->indexes = list_delete_ptr(table->indexes, index);
}

/* Update the lint state of a table after one action of ALTER TABLE. */
static void
apply_action(CmigLint *lint, CmigLintTable *table, AlterTableCmd *command)
{
	CmigLintColumn *column = command->name ? cmig_lint_model_column(table, command->name) : NULL;
	CmigLintConstraint *constraint;

	switch (command->subtype)
	{
		case AT_AddColumn:
			if (cmig_lint_model_column(table, ((ColumnDef *) command->def)->colname) == NULL)
				lint_alter_add_column(lint, table, (ColumnDef *) command->def);
			break;
		case AT_DropColumn:
			cmig_lint_alter_drop_column(table, command->name);
			break;
		case AT_AlterColumnType:
			if (column)
			{
				cmig_lint_types_find(lint, ((ColumnDef *) command->def)->typeName, &column->type, &column->typmod,
									 &column->type_name);
				column->collation = get_typcollation(column->type);
			}
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
			lint_alter_add_constraint(lint, table, (Constraint *) command->def, NULL);
			break;
		case AT_DropConstraint:
			cmig_lint_alter_drop_constraint(table, command->name);
			break;
		case AT_ValidateConstraint:
			constraint = cmig_lint_model_constraint(table, command->name);
			if (constraint)
				constraint->validated = true;
			break;
		case AT_SetLogged:
		case AT_SetUnLogged:
			table->logged = command->subtype == AT_SetLogged;
			break;
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
			table->row_security = command->subtype == AT_EnableRowSecurity;
			break;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			table->repartitioned = table->detached = true;
			break;
		case AT_AttachPartition:
			table->repartitioned = true;
			if (((PartitionCmd *) command->def)->bound && ((PartitionCmd *) command->def)->bound->is_default)
				table->has_default_partition = true;
			break;
		default:
			break;
	}
}

/* Reset a table's per-revision fields if they belong to an earlier revision. */
static void
touch(CmigLint *lint, CmigLintTable *table)
{
	if (table->in_revision == lint->revision_number)
		return;
	table->in_revision = lint->revision_number;
	table->altered_at = 0;
	table->altered_text = NULL;
	table->locked_at = 0;
}

bool
cmig_lint_alter_is_combinable(const AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

		if (type == AT_ValidateConstraint || type == AT_AttachPartition || type == AT_DetachPartition)
			return false;
	}
	return true;
}

/*
 * Update the lint state of lint->target after an ALTER TABLE statement.
 */
static void
lint_alter_table(CmigLint *lint, AlterTableStmt *statement)
{
	CmigLintTable *table = lint->target;
	ListCell   *lc;

	if (table == NULL)
		return;
	cmig_lint_state_load(lint, table);

	/* the next ALTER TABLE of the same table might be combined with this one */
	touch(lint, table);
	table->altered_at = cmig_lint_alter_is_combinable(statement) ? lint->statement->number : 0;
	table->altered_text = table->altered_at ? pstrdup(lint->statement->text) : NULL;
	foreach(lc, statement->cmds)
	{
		apply_action(lint, table, lfirst_node(AlterTableCmd, lc));
	}
}

/* ----------------------------------------------------------------
 * Updates the lint state after a statement, so that later statements are
 * checked against the new state.
 * ----------------------------------------------------------------
 */

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
	if (statement->partbound)
	{
		CmigLintTable *parent = cmig_lint_state_find(lint, linitial(statement->inhRelations), false);

		if (parent)
			parent->repartitioned = true;
	}
	foreach(lc, statement->tableElts)
	{
		if (IsA(lfirst(lc), ColumnDef))
			lint_alter_add_column(lint, table, lfirst(lc));
		else if (IsA(lfirst(lc), Constraint))
			lint_alter_add_constraint(lint, table, lfirst(lc), NULL);
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
	char		kind;

	if (lint->target == NULL)
		return;
	cmig_lint_state_load(lint, lint->target);
	if (statement->if_not_exists && statement->idxname && cmig_lint_model_index(lint->target, statement->idxname))
		return;
	index = palloc0(sizeof(CmigLintIndex));
	index->usable = statement->whereClause == NULL;
	index->has_expression = statement->whereClause != NULL;
	index->uses = cmig_lint_expression_columns(statement->whereClause);
	foreach(lc, statement->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		index->keys = lappend(index->keys, pstrdup(element->name ? element->name : ""));
		if (element->expr)
		{
			index->has_expression = true;
			index->uses = list_concat(index->uses, cmig_lint_expression_columns(element->expr));
		}
	}
	lint->target->indexes = lappend(lint->target->indexes, index);
	if (statement->idxname == NULL)
		return;
	index->name = pstrdup(statement->idxname);
	name.relname = statement->idxname;
	name.schemaname = (char *) lint->target->schema;
	kind = lint->target->kind == RELKIND_PARTITIONED_TABLE ? RELKIND_PARTITIONED_INDEX : RELKIND_INDEX;
	cmig_lint_state_add(lint, &name, kind)->index_of = lint->target;
}

/*
 * Add to the lint state a relation whose columns are not listed in the
 * statement, such as a CREATE TABLE AS table.
 */
static void
apply_create_as(CmigLint *lint, RangeVar *name, char kind, bool if_not_exists)
{
	if (if_not_exists && cmig_lint_state_find(lint, name, true))
		return;
	cmig_lint_state_add(lint, name, kind)->partial = true;
}

/* Update the lint state after CREATE VIEW or CREATE MATERIALIZED VIEW. */
static void
apply_view(CmigLint *lint, RangeVar *name, char kind, Node *query, bool replace, bool if_not_exists)
{
	CmigLintTable *view = replace || if_not_exists ? cmig_lint_state_find(lint, name, true) : NULL;

	if (view && if_not_exists)
		return;
	if (view)
		view->redefined = true;
	else
	{
		view = cmig_lint_state_add(lint, name, kind);
		view->partial = true;
	}
	cmig_lint_cascade_note_query(lint, view, query);
}

static void
apply_create_function(CmigLint *lint, CreateFunctionStmt *statement)
{
	CmigLintFunction *function = cmig_lint_objects_function(lint, strVal(llast(statement->funcname)), true);
	ListCell   *lc;

	function->is_volatile = true;
	function->is_dropped = false;
	function->created_at = lint->statement_number;
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
	CmigLintType *type = cmig_lint_objects_type(lint, statement->domainname, true);
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
		cmig_lint_objects_add_schema(lint, statement->schemaname);
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

/* Update the lint state after ALTER TYPE ... ADD VALUE. */
static void
apply_alter_enum(CmigLint *lint, AlterEnumStmt *statement)
{
	CmigLintType *type = cmig_lint_objects_type(lint, statement->typeName, true);

	/* a new enum may already have the value */
	if (type->is_new && (CMIG_OWN_ENUM_VALUES_COMPAT || statement->skipIfNewValExists))
		return;
	if (statement->oldVal == NULL && (type->is_new || !cmig_lint_types_has_value(lint, statement)) &&
		cmig_lint_session_in_transaction(lint))
	{
		CmigLintNewValue *new = palloc(sizeof(CmigLintNewValue));

		new->type = type;
		new->value = pstrdup(statement->newVal);
		new->revision = lint->revision;
		lint->session.values = lappend(lint->session.values, new);
	}
}

/*
 * Tables that become empty or nonempty
 */

/* Update the lint state after TRUNCATE, which leaves tables without rows. */
static void
apply_truncate(CmigLint *lint, TruncateStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->relations)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table)
			table->empty = table->empty_itself = true;
	}
}

/*
 * Update the lint state after INSERT.  A table counts as nonempty after rows
 * from a large table are inserted into it; other inserts are ignored.
 */
static void
apply_insert(CmigLint *lint, InsertStmt *statement)
{
	CmigLintTable *table = cmig_lint_state_find(lint, statement->relation, false);
	ListCell   *lc;

	if (!cmig_lint_model_is_shared(table) || statement->selectStmt == NULL)
		return;
	foreach(lc, cmig_lint_uses_of(statement->selectStmt, NULL))
	{
		if (cmig_lint_model_is_large(cmig_lint_state_find(lint, lfirst(lc), true)))
			table->empty = table->empty_itself = false;
	}
}

/*
 * DROP and RENAME
 */

/* Record that a policy is dropped or changed. */
static void
apply_policy(CmigLint *lint, CmigLintTable *table, const char *name)
{
	if (table && OidIsValid(table->oid))
		(void) cmig_lint_objects_policy_changed(lint, table->oid, name, true);
}

static void
apply_drop(CmigLint *lint, DropStmt *statement)
{
	bool		cascade = statement->behavior == DROP_CASCADE;
	ListCell   *lc;

	foreach(lc, statement->objects)
	{
		List	   *name = lfirst(lc);
		CmigLintTable *table;

		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_INDEX:
			case OBJECT_SEQUENCE:
			case OBJECT_FOREIGN_TABLE:
				table = cmig_lint_state_find_names(lint, name, true);
				if (table && cascade)
					cmig_lint_cascade_relation(lint, table);
				if (table)
					cmig_lint_cascade_forget(lint, table);
				break;
			case OBJECT_POLICY:
				apply_policy(lint, cmig_lint_state_find_names(lint, list_copy_head(name, list_length(name) - 1), true),
							 strVal(llast(name)));
				break;
			default:
				if (cascade)
					cmig_lint_cascade_drop(lint, statement->removeType, lfirst(lc));
				if (IsA(lfirst(lc), ObjectWithArgs) && statement->removeType != OBJECT_OPERATOR)
					cmig_lint_cascade_function(lint, strVal(llast(((ObjectWithArgs *) lfirst(lc))->objname)));
				break;
		}
	}
}

/* Update the lint state after an ALTER TABLE statement with CASCADE. */
static void
apply_alter_cascade(CmigLint *lint, AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (lint->target == NULL || command->behavior != DROP_CASCADE)
			continue;
		cmig_lint_state_load(lint, lint->target);
		if (command->subtype == AT_DropColumn)
			cmig_lint_cascade_column(lint, lint->target, command->name);
		else if (command->subtype == AT_DropConstraint)
			cmig_lint_cascade_constraint(lint, lint->target, command->name);
	}
}

static void
apply_rename(CmigLint *lint, RenameStmt *statement)
{
	CmigLintTable *table = lint->target;
	CmigLintConstraint *constraint;
	List	   *tables;
	ListCell   *lc;

	if (statement->renameType == OBJECT_SCHEMA)
	{
		Oid			schema = lint->reads_facts ? get_namespace_oid(statement->subname, true) : InvalidOid;

		if (cmig_lint_objects_is_new_schema(lint, statement->subname))
			cmig_lint_objects_add_schema(lint, statement->newname);
		tables = cmig_lint_state_in_schema(lint, statement->subname);
		foreach(lc, OidIsValid(schema) ? cmig_lint_catalog_tables_in(schema) : NIL)
		{
			table = cmig_lint_state_find_oid(lint, lfirst_oid(lc));
			if (table && cmig_lint_state_exists(lint, table) && strcmp(table->schema, statement->subname) == 0)
				tables = list_append_unique_ptr(tables, table);
		}
		foreach(lc, tables)
			cmig_lint_state_rename(lint, lfirst(lc), statement->newname, ((CmigLintTable *) lfirst(lc))->name);
		return;
	}
	if (table == NULL)
		return;
	cmig_lint_state_load(lint, table);
	switch (statement->renameType)
	{
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			lint_alter_rename_column(table, statement->subname, pstrdup(statement->newname));
			break;
		case OBJECT_TABCONSTRAINT:
			constraint = cmig_lint_model_constraint(table, statement->subname);
			if (constraint)
				constraint->name = pstrdup(statement->newname);
			break;
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
	ListCell   *lc2;

	foreach(lc, grant->is_grant && grant->objtype == OBJECT_TABLE ? grant->objects : NIL)
	{
		List	   *tables = NIL;

		if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			tables = cmig_lint_state_in_schema(lint, strVal(lfirst(lc)));
		else if (IsA(lfirst(lc), RangeVar))
			tables = list_make1(cmig_lint_state_find(lint, lfirst(lc), true));
		foreach(lc2, tables)
		{
			if (lfirst(lc2))
				((CmigLintTable *) lfirst(lc2))->has_grants = true;
		}
	}
}

/*
 * Update the lint state after SELECT ... INTO or SELECT set_config('name',
 * 'value', is_local).
 */
static void
apply_select(CmigLint *lint, SelectStmt *statement)
{
	ListCell   *lc;

	if (statement->intoClause)
		apply_create_as(lint, statement->intoClause->rel, RELKIND_RELATION, false);
	foreach(lc, statement->targetList)
	{
		FuncCall   *call = cmig_script_settings_call(lfirst_node(ResTarget, lc));
		const char *name;
		const char *value;

		if (call == NULL)
			continue;
		name = cmig_lint_expression_constant(linitial(call->args));
		value = cmig_lint_expression_constant(lsecond(call->args));
		if (name && value)
			cmig_lint_session_set(lint, name, value);
	}
}

/*
 * Record that a query uses tables.  An ALTER TABLE after the query cannot be
 * combined with an ALTER TABLE before the query, because the query may depend
 * on the effects of the earlier ALTER TABLE.
 */
static void
apply_uses(CmigLint *lint, Node *statement)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_uses_of(statement, NULL))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), true);

		if (table)
			table->altered_at = 0;
	}
}

/* Record the locks that the transaction holds after the statement. */
static void
apply_locks(CmigLint *lint)
{
	CmigLintSession *session = &lint->session;
	ListCell   *lc;

	foreach(lc, cmig_lint_session_in_transaction(lint) ? lint->locks : NIL)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->mode != AccessExclusiveLock || lock->dropped)
			continue;
		touch(lint, lock->table);
		if (lock->table->locked_at == 0)
			lock->table->locked_at = lint->statement->number;
		if (session->held == NULL)
		{
			session->held = lock->table;
			session->held_since = lint->statement->number;
		}
	}
}

static void
apply_transaction(CmigLint *lint, TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			lint->session.in_block = lint->statement_number;
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			lint->session.in_block = 0;
			break;
		default:
			return;
	}
	lint->session.held = NULL;
	lint->session.values = NIL;
}

/* Update the lint state after a statement that creates an object. */
static void
apply_creation(CmigLint *lint, Node *statement)
{
	CreateTableAsStmt *create_as;

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			apply_create_table(lint, (CreateStmt *) statement, ((CreateStmt *) statement)->relation);
			break;
		case T_CreateTableAsStmt:
			create_as = (CreateTableAsStmt *) statement;
			if (create_as->objtype == OBJECT_MATVIEW)
				apply_view(lint, create_as->into->rel, RELKIND_MATVIEW, create_as->query, false, create_as->if_not_exists);
			else
				apply_create_as(lint, create_as->into->rel, RELKIND_RELATION, create_as->if_not_exists);
			break;
		case T_ViewStmt:
			apply_view(lint, ((ViewStmt *) statement)->view, RELKIND_VIEW, ((ViewStmt *) statement)->query,
					   ((ViewStmt *) statement)->replace, false);
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
			cmig_lint_objects_type(lint, ((CreateEnumStmt *) statement)->typeName, true)->is_new = true;
			break;
		case T_CreateRangeStmt:
			cmig_lint_objects_type(lint, ((CreateRangeStmt *) statement)->typeName, true)->is_new = true;
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
			apply_alter_cascade(lint, (AlterTableStmt *) statement);
			lint_alter_table(lint, (AlterTableStmt *) statement);
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
		case T_TruncateStmt:
			apply_truncate(lint, (TruncateStmt *) statement);
			break;
		case T_InsertStmt:
			apply_insert(lint, (InsertStmt *) statement);
			break;
		case T_AlterPolicyStmt:
			apply_policy(lint, cmig_lint_state_find(lint, ((AlterPolicyStmt *) statement)->table, true),
						 ((AlterPolicyStmt *) statement)->policy_name);
			break;
		case T_GrantStmt:
			apply_grant(lint, (GrantStmt *) statement);
			break;
		case T_AlterEnumStmt:
			apply_alter_enum(lint, (AlterEnumStmt *) statement);
			break;
		case T_VariableSetStmt:
			cmig_lint_session_apply_set(lint, (VariableSetStmt *) statement);
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
