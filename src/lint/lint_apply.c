/*
 * lint_apply.c
 *	  Lint: what a statement changes in that state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "commands/policy.h"
#include "storage/lmgr.h"

#include "lint/internal.h"

/*
 * The columns, constraints, and indexes of a table.
 *
 * Those of a live table come from the definitions that PostgreSQL prints, which
 * are read like the statements of a plan.
 */

/*
 * The types of constraints, with the values of pg_constraint.contype and the
 * last parts of the names that PostgreSQL generates.
 */
typedef struct ConstraintKind
{
	ConstrType	type;
	char		contype;
	const char *label;
} ConstraintKind;

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
		if (constraint_kinds[i].type == constraint->contype)
			return &constraint_kinds[i];
	return NULL;
}

List *
cmig_lint_alter_columns(const Constraint *constraint, const char *column)
{
	if (constraint->contype == CONSTR_CHECK || kind_of(constraint) == NULL)
		return cmig_lint_expression_columns(constraint->raw_expr);
	if (column)
		return list_make1(pstrdup(column));
	return cmig_lint_model_names(constraint->contype == CONSTR_FOREIGN ? constraint->fk_attrs :
								 constraint->keys);
}

/*
 * A name that PostgreSQL cannot choose for a constraint, and of the numbers with
 * which it makes names like this one, the first that may be free.
 */
typedef struct TakenName
{
	char		name[NAMEDATALEN];	/* hash key */
	int			next;
} TakenName;

/* The names of a table's constraints and indexes. */
struct CmigLintNames
{
	HTAB	   *taken;			/* of TakenName */
	List	   *seen[2];		/* the constraints and indexes, in order */
};

/* Is the longer list the shorter one with more elements? */
static bool
only_grew(const List *shorter, const List *longer)
{
	return shorter == NIL || (list_length(shorter) <= list_length(longer) &&
							  llast(shorter) == list_nth(longer, list_length(shorter) - 1));
}

/*
 * Returns the name's entry, or NULL if it is free.  What was added to the table
 * since the last call is read; if something was removed or renamed, everything.
 */
static TakenName *
find_taken(CmigLintTable *table, const char *name)
{
	const List *now[] = {table->constraints, table->indexes};
	CmigLintNames *names = table->names;
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(table));

	if (names == NULL || !only_grew(names->seen[0], now[0]) || !only_grew(names->seen[1], now[1]))
	{
		HASHCTL		control =
		{.keysize = NAMEDATALEN,.entrysize = sizeof(TakenName),.hcxt = CurrentMemoryContext};

		names = table->names = palloc0(sizeof(CmigLintNames));
		names->taken = hash_create("pg_cmig constraint names", 64, &control,
								   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	for (int i = 0; i < lengthof(now); i++)
	{
		for (int n = list_length(names->seen[i]); n < list_length(now[i]); n++)
		{
			void	   *object = list_nth(now[i], n);
			const char *own = *(const char **) object;
			bool		found = true;
			TakenName  *entry = own ? hash_search(names->taken, own, HASH_ENTER, &found) : NULL;

			if (!found)
				entry->next = 0;
			names->seen[i] = lappend(names->seen[i], object);
		}
	}
	MemoryContextSwitchTo(caller);
	return hash_search(names->taken, name, HASH_FIND, NULL);
}

char *
cmig_lint_alter_constraint_name(CmigLintTable *table, const char *table_name,
								const Constraint *constraint, const char *column,
								List *earlier)
{
	const ConstraintKind *kind = kind_of(constraint);
	const char *label = kind ? kind->label : "check";
	List	   *columns = cmig_lint_alter_columns(constraint, column);
	StringInfoData joined;
	TakenName  *first;
	char	   *name;

	if (constraint->conname)
		return pstrdup(constraint->conname);
	initStringInfo(&joined);
	foreach_ptr(char, each, columns)
		appendStringInfo(&joined, "%s%s", joined.len > 0 ? "_" : "", each);
	if (columns == NIL || constraint->contype == CONSTR_PRIMARY ||
		(constraint->contype == CONSTR_CHECK && list_length(columns) != 1))
		joined.data = NULL;
	name = makeObjectName(table_name, joined.data, label);
	first = table ? find_taken(table, name) : NULL;
	for (int number = first ? first->next : 0;; number++)
	{
		if (number > 0)
			name = makeObjectName(table_name, joined.data, psprintf("%s%d", label, number));
		if (table == NULL || find_taken(table, name) == NULL)
		{
			if (!cmig_text_list_has(earlier, name))
				return name;
		}
		else if (earlier == NIL)
			first->next = number + 1;
	}
}

/* Mark the columns as NOT NULL. */
static void
set_not_null(CmigLintTable *table, List *columns)
{
	foreach_ptr(char, name, columns)
	{
		CmigLintColumn *column = cmig_lint_model_column(table, name);

		if (column)
			column->not_null = true;
	}
}

/*
 * Returns the columns that a raw CHECK expression proves to be not null.  Only
 * IS NOT NULL tests are recognized, alone or combined with AND.
 */
static List *
not_null_columns(Node *expression)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (expression && IsA(expression, NullTest))
	{
		NullTest   *test = (NullTest *) expression;
		ColumnRef  *column = (ColumnRef *) test->arg;

		if (test->nulltesttype == IS_NOT_NULL && IsA(column, ColumnRef) &&
			IsA(llast(column->fields), String))
			return list_make1(pstrdup(strVal(llast(column->fields))));
	}
	foreach(lc, expression && IsA(expression, BoolExpr) &&
			((BoolExpr *) expression)->boolop == AND_EXPR ?
			((BoolExpr *) expression)->args : NIL)
		result = list_concat(result, not_null_columns(lfirst(lc)));
	return result;
}

/*
 * Add a constraint to a table, together with its index.  For a column
 * constraint, "column" is the column's name; otherwise, "column" is NULL.  For a
 * live constraint, "revision" is 0, and the index is not added.
 */
static void
add_constraint(CmigLintTable *table, const Constraint *constraint, const char *column, int revision)
{
	const ConstraintKind *kind = kind_of(constraint);
	CmigLintConstraint *added;
	CmigLintIndex *index = NULL;
	List	   *columns;

	if (kind == NULL)
		return;
	columns = cmig_lint_alter_columns(constraint, column);
	if (constraint->contype == CONSTR_NOTNULL)
	{
		if (column || !constraint->skip_validation)
			set_not_null(table, columns);
		return;
	}
	added = palloc0(sizeof(CmigLintConstraint));
	added->name = cmig_lint_alter_constraint_name(table, table->name, constraint, column, NIL);
	added->type = kind->contype;
	added->validated = !constraint->skip_validation;
	added->added_in = revision;
	added->columns = columns;
	added->key = constraint->contype == CONSTR_FOREIGN ?
		copyObject(unconstify(Constraint *, constraint)) : NULL;
	if (constraint->contype == CONSTR_CHECK)
		added->proves_not_null = not_null_columns(constraint->raw_expr);
	table->constraints = lappend(table->constraints, added);
	if (revision == 0 || constraint->contype == CONSTR_CHECK ||
		constraint->contype == CONSTR_FOREIGN)
		return;
	if (constraint->indexname)
		index = cmig_lint_model_index(table, constraint->indexname);
	else
	{
		index = palloc0(sizeof(CmigLintIndex));
		index->usable = constraint->contype != CONSTR_EXCLUSION;
		index->method = BTREE_AM_OID;
		index->keys = columns;
		table->indexes = lappend(table->indexes, index);
	}
	if (index)
		index->name = added->name;
	if (constraint->indexname)
		table->names = NULL;
	if (index && constraint->contype == CONSTR_PRIMARY)
		set_not_null(table, index->keys);
}

/* Add an index to a table. */
static CmigLintIndex *
add_index(CmigLintTable *table, const IndexStmt *statement)
{
	CmigLintIndex *index = palloc0(sizeof(CmigLintIndex));

	index->name = statement->idxname ? pstrdup(statement->idxname) : NULL;
	index->usable = statement->whereClause == NULL;
	index->has_expression = statement->whereClause != NULL;
	index->uses = cmig_lint_expression_columns(statement->whereClause);
	index->keys = cmig_lint_index_columns(statement);
	foreach_node(IndexElem, element, statement->indexParams)
	{
		if (element->expr)
		{
			index->has_expression = true;
			index->uses = list_concat(index->uses, cmig_lint_expression_columns(element->expr));
		}
	}
	table->indexes = lappend(table->indexes, index);
	return index;
}

/* Row callback: add a column of a live table. */
static void
load_column(const CmigRow *row, void *arg)
{
	CmigLintTable *table = arg;
	CmigLintColumn *column = palloc0(sizeof(CmigLintColumn));

	column->name = cmig_query_text(row, 1);
	column->attnum = cmig_query_int32(row, 2, 0);
	column->type = DatumGetObjectId(cmig_query_datum(row, 3, OIDOID, NULL));
	column->typmod = cmig_query_int32(row, 4, -1);
	column->collation = DatumGetObjectId(cmig_query_datum(row, 5, OIDOID, NULL));
	column->not_null = cmig_query_bool(row, 6, false);
	column->has_default = cmig_query_bool(row, 7, false);
	table->columns = lappend(table->columns, column);
}

/* Row callback: add a constraint or index of a live table. */
static void
load_definition(const CmigRow *row, void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "pg_cmig definition", ALLOCSET_SMALL_SIZES);
	CmigLintTable *table = arg;
	Node	   *node;
	CmigLintIndex *index;

	MemoryContextSwitchTo(context);
	node = cmig_raw_parse_one(cmig_query_text(row, 1))->stmt;
	MemoryContextSwitchTo(old);
	if (IsA(node, IndexStmt))
	{
		index = add_index(table, (IndexStmt *) node);
		index->usable &= cmig_query_bool(row, 2, false);
		index->method = get_index_am_oid(((IndexStmt *) node)->accessMethod, true);
	}
	else
		add_constraint(table,
					   (Constraint *) linitial_node(AlterTableCmd,
													((AlterTableStmt *) node)->cmds)->def, NULL, 0);
	MemoryContextDelete(context);
}

void
cmig_lint_state_load(CmigLint *lint, CmigLintTable *table)
{
	static CmigQuery columns = {
		.sql = "SELECT attname::text, attnum::int4, atttypid, atttypmod, attcollation, attnotnull,"
		"  atthasdef OR attidentity <> ''"
		" FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped"
		" ORDER BY attnum",
		.argtypes = {OIDOID}
	};
	static CmigQuery definitions = {
		.sql = "SELECT format('ALTER TABLE t ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), true"
		" FROM pg_constraint WHERE conrelid = $1 AND contype IN ('c', 'f', 'p', 'u', 'x')"
		" UNION ALL SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index"
		" WHERE indrelid = $1",
		.argtypes = {OIDOID}
	};
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	Datum		value = ObjectIdGetDatum(table->oid);

	if (!table->loaded && OidIsValid(table->oid))
	{
		cmig_query_each(&columns, &value, NULL, load_column, table);
		/* to print definitions, PostgreSQL locks the table for a moment */
		if (ConditionalLockRelationOid(table->oid, AccessShareLock))
		{
			cmig_query_each(&definitions, &value, NULL, load_definition, table);
			UnlockRelationOid(table->oid, AccessShareLock);
		}
	}
	table->loaded = true;
	MemoryContextSwitchTo(old);
}

static void
set_type(CmigLint *lint, CmigLintColumn *column, const TypeName *name)
{
	CmigLintMeaning type = cmig_lint_types_find(lint, name);

	column->type = type.oid;
	column->typmod = type.typmod;
	column->type_name = type.new_name;
	column->collation = get_typcollation(type.oid);
}

/* Add a column together with its column constraints. */
static void
add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition)
{
	CmigLintColumn *column = palloc0(sizeof(CmigLintColumn));

	column->name = pstrdup(definition->colname);
	column->is_new = true;
	if (definition->typeName)
		set_type(lint, column, definition->typeName);
	column->not_null = definition->is_not_null;
	if (definition->typeName &&
		cmig_lint_types_serial(definition->typeName) != CMIG_LINT_NOT_SERIAL)
		column->not_null = column->has_default = true;
	table->columns = lappend(table->columns, column);
	foreach_node(Constraint, constraint, definition->constraints)
	{
		if (constraint->contype == CONSTR_IDENTITY)
			column->not_null = column->has_default = true;
		else if (constraint->contype == CONSTR_DEFAULT || constraint->contype == CONSTR_GENERATED)
			column->has_default = true;
		else
			add_constraint(table, constraint, column->name, lint->revision_number);
	}
}

/* Remove a column together with its indexes and constraints. */
static void
drop_column(CmigLintTable *table, const char *name)
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
rename_column(CmigLintTable *table, const char *from, const char *to)
{
	CmigLintColumn *column = cmig_lint_model_column(table, from);

	if (column)
		column->name = to;
	foreach_ptr(CmigLintIndex, index, table->indexes)
	{
		rename_in(index->keys, from, to);
		rename_in(index->uses, from, to);
	}
	foreach_ptr(CmigLintConstraint, constraint, table->constraints)
	{
		rename_in(constraint->columns, from, to);
		rename_in(constraint->proves_not_null, from, to);
	}
}

/* Remove a constraint together with its index. */
static void
drop_constraint(CmigLintTable *table, const char *name)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(table, name);
	CmigLintIndex *index = cmig_lint_model_index(table, name);

	if (constraint)
		table->constraints = list_delete_ptr(table->constraints, constraint);
	if (constraint && constraint->type != CONSTRAINT_CHECK &&
		constraint->type != CONSTRAINT_FOREIGN && index)
		table->indexes = list_delete_ptr(table->indexes, index);
}

/* The table that is dropped with the parent becomes its partition or child. */
static void
adopt(CmigLintTable *parent, const CmigLintTable *table)
{
	if (parent && table && (cmig_lint_model_is_shared(table) || table->adopts))
		parent->adopts = true;
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
				add_column(lint, table, (ColumnDef *) command->def);
			break;
		case AT_DropColumn:
			drop_column(table, command->name);
			break;
		case AT_AlterColumnType:
			if (column)
				set_type(lint, column, ((ColumnDef *) command->def)->typeName);
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
			add_constraint(table, (Constraint *) command->def, NULL, lint->revision_number);
			break;
		case AT_DropConstraint:
			drop_constraint(table, command->name);
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
		case AT_AddInherit:
			adopt(cmig_lint_state_find(lint, (RangeVar *) command->def, false), table);
			break;
		case AT_AttachPartition:
			adopt(table, cmig_lint_state_find(lint, ((PartitionCmd *) command->def)->name, false));
			table->repartitioned = true;
			if (((PartitionCmd *) command->def)->bound &&
				((PartitionCmd *) command->def)->bound->is_default)
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
	foreach_node(AlterTableCmd, cmd, alter->cmds)
	{
		AlterTableType type = cmd->subtype;

		if (type == AT_ValidateConstraint || type == AT_AttachPartition ||
			type == AT_DetachPartition)
			return false;
	}
	return true;
}

static void
apply_alter_table(CmigLint *lint, AlterTableStmt *statement)
{
	CmigLintTable *table = lint->target;

	if (table == NULL)
		return;

	/* the next ALTER TABLE of the same table might be combined with this one */
	touch(lint, table);
	table->altered_at = cmig_lint_alter_is_combinable(statement) ? lint->statement->number : 0;
	table->altered_text = table->altered_at ? pstrdup(lint->statement->text) : NULL;
	foreach_node(AlterTableCmd, command, statement->cmds)
	{
		cmig_lint_cascade_alter(lint, table, command);
		apply_action(lint, table, command);
	}
}

/*
 * Updates the lint state after a statement, so that later statements are
 * checked against the new state.
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
		CmigLintTable *parent = cmig_lint_state_find(lint, linitial(statement->inhRelations),
													 false);

		if (parent)
			parent->repartitioned = true;
	}
	foreach(lc, statement->tableElts)
	{
		if (IsA(lfirst(lc), ColumnDef))
			add_column(lint, table, lfirst(lc));
		else if (IsA(lfirst(lc), Constraint))
			add_constraint(table, lfirst(lc), NULL, lint->revision_number);
		else
			table->partial = true;
	}
}

static void
apply_create_index(CmigLint *lint, IndexStmt *statement)
{
	CmigLintTable *table = lint->target;
	RangeVar	name = *statement->relation;

	if (table == NULL || (statement->if_not_exists && statement->idxname &&
						  cmig_lint_model_index(table, statement->idxname)))
		return;
	(void) add_index(table, statement);
	if (statement->idxname == NULL)
		return;
	name.relname = statement->idxname;
	name.schemaname = (char *) table->schema;
	cmig_lint_state_add(lint, &name, table->kind == RELKIND_PARTITIONED_TABLE ?
						RELKIND_PARTITIONED_INDEX : RELKIND_INDEX)->index_of = table;
}

static void
apply_create_function(CmigLint *lint, CreateFunctionStmt *statement)
{
	static CmigQuery query = {
		.sql = "SELECT oid FROM pg_proc WHERE proname = $1",.argtypes = {TEXTOID}
	};
	CmigLintFunction *function = cmig_lint_objects_function(lint,
															strVal(llast(statement->funcname)),
															true);

	foreach_oid(oid,
				statement->replace ? cmig_query_oids(&query, strVal(llast(statement->funcname))) :
				NIL)
		cmig_lint_cascade_changed(lint, ProcedureRelationId, oid);
	function->is_volatile = true;
	function->created_at = lint->statement_number;
	function->body = NULL;
	foreach_node(DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "volatility") == 0)
			function->is_volatile = strcmp(strVal(option->arg), "volatile") == 0;
		else if (strcmp(option->defname, "as") == 0)
			function->body = MemoryContextStrdup(lint->context,
												 strVal(linitial((List *) option->arg)));
	}
}

static void
apply_create_schema(CmigLint *lint, CreateSchemaStmt *statement)
{
	ListCell   *lc;

	if (statement->schemaname == NULL)
		return;
	if (!statement->if_not_exists || !lint->reads_facts ||
		!OidIsValid(get_namespace_oid(statement->schemaname, true)))
		(void) cmig_lint_objects_schema_is_new(lint, statement->schemaname, true);
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
	if (statement->oldVal == NULL &&
		(type->is_new || !cmig_lint_types_has_value(lint, statement)) &&
		cmig_lint_session_in_transaction(lint))
	{
		CmigLintNewValue *new = palloc(sizeof(CmigLintNewValue));

		new->type = type;
		new->value = pstrdup(statement->newVal);
		new->revision = lint->revision;
		lint->session.values = lappend(lint->session.values, new);
	}
}

static void
apply_rename(CmigLint *lint, RenameStmt *statement)
{
	CmigLintTable *table = lint->target;
	CmigLintConstraint *constraint;

	if (statement->renameType == OBJECT_SCHEMA)
	{
		if (cmig_lint_objects_schema_is_new(lint, statement->subname, false))
			(void) cmig_lint_objects_schema_is_new(lint, statement->newname, true);
		foreach_ptr(CmigLintTable, view, cmig_lint_state_all_in_schema(lint, statement->subname))
			cmig_lint_state_rename(lint, view, statement->newname, view->name);
		return;
	}
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
			constraint = cmig_lint_model_constraint(table, statement->subname);
			if (constraint)
				constraint->name = pstrdup(statement->newname);
			table->names = NULL;
			break;
		default:
			if (table->index_of && cmig_lint_model_index(table->index_of, table->name))
			{
				cmig_lint_model_index(table->index_of,
									  table->name)->name = pstrdup(statement->newname);
				table->index_of->names = NULL;
			}
			cmig_lint_state_rename(lint, table, table->schema, statement->newname);
			break;
	}
}

static void
apply_grant(CmigLint *lint, GrantStmt *grant)
{
	ListCell   *lc;

	foreach(lc, grant->is_grant && grant->objtype == OBJECT_TABLE ? grant->objects : NIL)
	{
		List	   *tables = NIL;

		if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			tables = cmig_lint_state_in_schema(lint, strVal(lfirst(lc)));
		else if (IsA(lfirst(lc), RangeVar))
			tables = list_make1(cmig_lint_state_find(lint, lfirst(lc), true));
		foreach_ptr(CmigLintTable, table, tables)
		{
			if (table)
				table->has_grants = true;
		}
	}
}

/* Update the lint state after a statement that creates an object. */
static void
apply_creation(CmigLint *lint, Node *statement)
{
	CmigSubject subject = {0};
	RangeVar   *name = NULL;	/* of a relation whose columns are not listed */
	char		kind = RELKIND_RELATION;
	bool		if_not_exists = false;
	bool		replace = false;
	Node	   *query = NULL;	/* of a view */
	CmigLintTable *table;
	CmigLintType *type;

	if (cmig_statement_subject(statement, &subject) && (subject.flags & CMIG_STATEMENT_CREATES) &&
		subject.object && IsA(subject.object, RangeVar))
		name = (RangeVar *) subject.object;
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			apply_create_table(lint, (CreateStmt *) statement, name);
			return;
		case T_CreateTableAsStmt:
			if_not_exists = ((CreateTableAsStmt *) statement)->if_not_exists;
			if (subject.type == OBJECT_MATVIEW)
			{
				kind = RELKIND_MATVIEW;
				query = ((CreateTableAsStmt *) statement)->query;
			}
			break;
		case T_ViewStmt:
			kind = RELKIND_VIEW;
			replace = ((ViewStmt *) statement)->replace;
			query = ((ViewStmt *) statement)->query;
			break;
		case T_CreateSeqStmt:
			kind = RELKIND_SEQUENCE;
			if_not_exists = ((CreateSeqStmt *) statement)->if_not_exists;
			break;
		case T_SelectStmt:
			if (((SelectStmt *) statement)->intoClause)
				name = ((SelectStmt *) statement)->intoClause->rel;
			break;
		case T_CompositeTypeStmt:
			kind = RELKIND_COMPOSITE_TYPE;
			break;
		case T_IndexStmt:
			apply_create_index(lint, (IndexStmt *) statement);
			break;
		case T_CreateFunctionStmt:
			apply_create_function(lint, (CreateFunctionStmt *) statement);
			break;
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateRangeStmt:
			type = cmig_lint_objects_type(lint, (List *) subject.object, true);
			type->is_new = true;
			foreach_node(Constraint, constraint,
						 IsA(statement, CreateDomainStmt) ?
						 ((CreateDomainStmt *) statement)->constraints : NIL)
			{
				ConstrType	does = constraint->contype;

				type->has_constraint |= does == CONSTR_CHECK || does == CONSTR_NOTNULL;
				type->has_default |= does == CONSTR_DEFAULT;
			}
			break;
		case T_CreateSchemaStmt:
			apply_create_schema(lint, (CreateSchemaStmt *) statement);
			break;
		default:
			break;
	}
	table = name && (replace || if_not_exists) ? cmig_lint_state_find(lint, name, true) : NULL;
	if (name == NULL || (table && if_not_exists))
		return;
	if (table)
	{
		table->redefined = true;
		cmig_lint_cascade_changed(lint, RelationRelationId, table->oid);
	}
	else
	{
		table = cmig_lint_state_add(lint, name, kind);
		table->partial = true;
	}
	if (query)
		cmig_lint_cascade_note_query(lint, table, query);
}

/*
 * Update the lint state after a query.  A table counts as nonempty after rows
 * from a large table are inserted into it; other inserts are ignored.
 */
static void
apply_query(CmigLint *lint, Node *statement)
{
	InsertStmt *insert = (InsertStmt *) statement;
	bool		writes = !IsA(statement, SelectStmt) || ((SelectStmt *) statement)->withClause;
	CmigLintTable *table;

	foreach_ptr(RangeVar, name, cmig_lint_uses_of(statement))
	{
		table = cmig_lint_state_find(lint, name, true);
		if (table)
			table->written |= writes;
	}
	lint->ran_code |= lint->runs_code;
	table = IsA(statement, InsertStmt) ? cmig_lint_state_find(lint, insert->relation, false) : NULL;
	foreach_ptr(RangeVar, each, cmig_lint_model_is_shared(table) && insert->selectStmt ?
				cmig_lint_uses_of(insert->selectStmt) : NIL)
	{
		if (cmig_lint_model_is_large(cmig_lint_state_find(lint, each, true)))
			table->empty = table->empty_itself = false;
	}
}

/* Record the locks that the transaction holds after the statement. */
static void
apply_locks(CmigLint *lint)
{
	CmigLintSession *session = &lint->session;

	foreach_ptr(CmigLintLock, lock, cmig_lint_session_in_transaction(lint) ? lint->locks : NIL)
	{
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

void
cmig_lint_apply(CmigLint *lint, Node *statement)
{
	MemoryContext old;
	TransactionStmtKind kind;
	CmigSubject subject;
	CmigLintTable *table;

	/* what comes between may need the first, and the second may need it */
	if (!IsA(statement, AlterTableStmt))
		lint->altering_since = lint->statement->number;
	apply_query(lint, statement);
	cmig_lint_session_follow(lint, statement);
	old = MemoryContextSwitchTo(lint->context);
	apply_locks(lint);
	cmig_lint_citus_apply(lint);
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			apply_alter_table(lint, (AlterTableStmt *) statement);
			break;
		case T_RenameStmt:
			apply_rename(lint, (RenameStmt *) statement);
			break;
		case T_DropStmt:
			cmig_lint_cascade_drop(lint, (DropStmt *) statement);
			break;
		case T_AlterObjectSchemaStmt:
			if (lint->target)
				cmig_lint_state_rename(lint, lint->target,
									   ((AlterObjectSchemaStmt *) statement)->newschema,
									   lint->target->name);
			break;
		case T_DiscardStmt:
			if (((DiscardStmt *) statement)->target == DISCARD_TEMP ||
				((DiscardStmt *) statement)->target == DISCARD_ALL)
				cmig_lint_state_drop_temporary(lint);
			break;
		case T_TruncateStmt:
			foreach_ptr(RangeVar, each, ((TruncateStmt *) statement)->relations)
			{
				table = cmig_lint_state_find(lint, each, false);
				if (table)
					table->empty = table->empty_itself = true;
			}
			break;
		case T_AlterPolicyStmt:
		case T_CreatePolicyStmt:
		case T_CreateTrigStmt:
			(void) cmig_statement_subject(statement, &subject);
			table = cmig_lint_state_find(lint, (RangeVar *) subject.object, true);
			if (table && IsA(statement, AlterPolicyStmt))
				cmig_lint_cascade_changed(lint, PolicyRelationId,
										  get_relation_policy_oid(table->oid,
																  ((AlterPolicyStmt *) statement)->policy_name, true));
			else if (table)
				lint->parts = lappend(lint->parts,
									  cmig_lint_part_key(table, IsA(statement, CreatePolicyStmt),
														 IsA(statement, CreatePolicyStmt) ?
														 ((CreatePolicyStmt *) statement)->policy_name :
														 ((CreateTrigStmt *) statement)->trigname));
			break;
		case T_GrantStmt:
			apply_grant(lint, (GrantStmt *) statement);
			break;
		case T_AlterEnumStmt:
			apply_alter_enum(lint, (AlterEnumStmt *) statement);
			break;
		case T_TransactionStmt:
			kind = ((TransactionStmt *) statement)->kind;
			if (kind == TRANS_STMT_BEGIN || kind == TRANS_STMT_START)
				lint->session.in_block = lint->statement_number;
			else if (kind == TRANS_STMT_COMMIT || kind == TRANS_STMT_ROLLBACK ||
					 kind == TRANS_STMT_PREPARE)
				lint->session.in_block = 0;
			else
				break;
			lint->session.held = NULL;
			lint->session.values = NIL;
			break;
		default:
			apply_creation(lint, statement);
			break;
	}
	MemoryContextSwitchTo(old);
}
