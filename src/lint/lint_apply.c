/*
 * lint_apply.c
 *	  Updates the lint state after a statement, so that later statements are
 *	  checked against the new state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/script_settings.h"
#include "lint/lint_alter.h"
#include "lint/lint_apply.h"
#include "lint/lint_cascade.h"
#include "lint/lint_expression.h"
#include "lint/lint_locks.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"
#include "lint/lint_uses.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "storage/lock.h"
#include "utils/memutils.h"

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
			cmig_lint_alter_add_column(lint, table, lfirst(lc));
		else if (IsA(lfirst(lc), Constraint))
			cmig_lint_alter_add_constraint(lint, table, lfirst(lc), NULL);
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
	index->is_new = true;
	index->unique = statement->unique;
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
apply_create_table_as(CmigLint *lint, CreateTableAsStmt *statement)
{
	if (statement->objtype == OBJECT_MATVIEW)
		apply_view(lint, statement->into->rel, RELKIND_MATVIEW, statement->query, false, statement->if_not_exists);
	else
		apply_create_as(lint, statement->into->rel, RELKIND_RELATION, statement->if_not_exists);
}

static void
apply_create_function(CmigLint *lint, CreateFunctionStmt *statement)
{
	CmigLintFunction *function = cmig_lint_objects_add_function(lint, strVal(llast(statement->funcname)));
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
	CmigLintType *type = cmig_lint_objects_add_type(lint, statement->domainname);
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
	CmigLintType *type = cmig_lint_objects_add_type(lint, statement->typeName);

	if (statement->oldVal == NULL && !type->is_new && !cmig_lint_types_has_value(lint, statement) &&
		cmig_lint_session_in_transaction(lint))
		cmig_lint_session_add_value(lint, type, statement->newVal);
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
	foreach(lc, cmig_lint_uses_of(statement->selectStmt))
	{
		if (cmig_lint_model_is_large(cmig_lint_state_find(lint, lfirst(lc), true)))
			table->empty = table->empty_itself = false;
	}
}

/*
 * DROP and RENAME
 */

/* Update the lint state after one relation is dropped. */
static void
apply_drop_relation(CmigLint *lint, List *name, DropBehavior behavior)
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
	if (behavior == DROP_CASCADE)
		cmig_lint_cascade_relation(lint, table);
	cmig_lint_state_remove(lint, table);
}

/* Record that a policy is dropped or changed. */
static void
apply_policy(CmigLint *lint, CmigLintTable *table, const char *name)
{
	if (table && OidIsValid(table->oid))
		cmig_lint_objects_change_policy(lint, table->oid, name);
}

/* Update the lint state after DROP POLICY. */
static void
apply_drop_policy(CmigLint *lint, List *name)
{
	List	   *table = list_truncate(list_copy(name), list_length(name) - 1);

	apply_policy(lint, cmig_lint_state_find_names(lint, table, true), strVal(llast(name)));
}

/*
 * Update the lint state after DROP FUNCTION, DROP PROCEDURE, or DROP ROUTINE.
 */
static void
apply_drop_function(CmigLint *lint, const ObjectWithArgs *function, DropBehavior behavior)
{
	const char *name = strVal(llast(function->objname));

	if (behavior == DROP_CASCADE)
		cmig_lint_cascade_function(lint, name);
	cmig_lint_objects_drop_function(lint, name);
}

/*
 * Update the lint state after DROP ... CASCADE for an object that is not in the
 * lint state.
 */
static void
apply_drop_cascade(CmigLint *lint, ObjectType type, Node *object)
{
	switch (type)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			cmig_lint_cascade_type(lint, (TypeName *) object);
			break;
		case OBJECT_SCHEMA:
			cmig_lint_cascade_schema(lint, strVal(object));
			break;
		case OBJECT_EXTENSION:
		case OBJECT_COLLATION:
		case OBJECT_FOREIGN_SERVER:
		case OBJECT_FDW:
			cmig_lint_cascade_other(lint, type, object);
			break;
		default:
			break;
	}
}

static void
apply_drop(CmigLint *lint, DropStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->objects)
	{
		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_INDEX:
			case OBJECT_SEQUENCE:
			case OBJECT_FOREIGN_TABLE:
				apply_drop_relation(lint, lfirst(lc), statement->behavior);
				break;
			case OBJECT_POLICY:
				apply_drop_policy(lint, lfirst(lc));
				break;
			case OBJECT_FUNCTION:
			case OBJECT_PROCEDURE:
			case OBJECT_ROUTINE:
				apply_drop_function(lint, lfirst_node(ObjectWithArgs, lc), statement->behavior);
				break;
			default:
				if (statement->behavior == DROP_CASCADE)
					apply_drop_cascade(lint, statement->removeType, lfirst(lc));
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

	if (statement->renameType == OBJECT_SCHEMA)
		cmig_lint_state_rename_schema(lint, statement->subname, statement->newname);
	if (table == NULL)
		return;
	cmig_lint_state_load(lint, table);
	switch (statement->renameType)
	{
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			cmig_lint_alter_rename_column(table, statement->subname, pstrdup(statement->newname));
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

	foreach(lc, cmig_lint_uses_of(statement))
	{
		CmigLintTable *table = cmig_lint_state_peek(lint, lfirst(lc));

		if (table)
			table->altered_at = 0;
	}
}

/* Record the locks that the transaction holds after the statement. */
static void
apply_locks(CmigLint *lint)
{
	ListCell   *lc;

	if (!cmig_lint_session_in_transaction(lint))
		return;
	foreach(lc, lint->locks)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->mode == AccessExclusiveLock && !lock->dropped)
			cmig_lint_state_hold(lint, lock->table);
	}
}

/* Update the lint state after a statement that creates an object. */
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
			apply_create_table_as(lint, (CreateTableAsStmt *) statement);
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
			cmig_lint_objects_add_type(lint, ((CreateEnumStmt *) statement)->typeName)->is_new = true;
			break;
		case T_CreateRangeStmt:
			cmig_lint_objects_add_type(lint, ((CreateRangeStmt *) statement)->typeName)->is_new = true;
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
			cmig_lint_alter_table(lint, (AlterTableStmt *) statement);
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
			cmig_lint_session_apply_transaction(lint, (TransactionStmt *) statement);
			break;
		default:
			apply_creation(lint, statement);
			break;
	}
	MemoryContextSwitchTo(old);
}
