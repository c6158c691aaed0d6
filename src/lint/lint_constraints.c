/*
 * lint_constraints.c
 *	  Lint: rules about indexes and constraints.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parser/parse_target.h"

#include "lint/internal.h"

/*
 * cmig.lint rules about indexes.
 */

/* Does CREATE INDEX IF NOT EXISTS name an index that already exists? */
static bool
index_exists(CmigLint *lint, IndexStmt *index)
{
	RangeVar	name = *index->relation;

	if (!index->if_not_exists || index->idxname == NULL)
		return false;
	name.relname = index->idxname;
	name.schemaname = (char *) lint->target->schema;
	return cmig_lint_state_find(lint, &name, true) != NULL;
}

/* Returns the unused name that PostgreSQL would choose for an unnamed index. */
static char *
chosen_name(CmigLint *lint, const IndexStmt *index, const CmigLintTable *table)
{
	StringInfoData columns;

	initStringInfo(&columns);
	foreach_node(IndexElem, element,
				 list_concat_copy(index->indexParams, index->indexIncludingParams))
	{
		const char *name = element->name ? element->name : FigureIndexColname(element->expr);

		appendStringInfo(&columns, "%s%s", columns.len > 0 ? "_" : "", name ? name : "expr");
	}
	for (int pass = 0;; pass++)
	{
		char	   *label = pass == 0 ? "idx" : psprintf("idx%d", pass);
		char	   *name = makeObjectName(table->name, columns.data, label);

		if (cmig_lint_state_find(lint, makeRangeVar((char *) table->schema, name, -1),
								 true) == NULL)
			return name;
	}
}

/*
 * Append statements that create the index on all partitions of a table and
 * attach these indexes to the table's index, given its qualified name.
 * Subpartitions are included.  Returns false if the partitions are not known,
 * or if one is a foreign table.
 */
static bool
append_partitions(CmigLint *lint, const IndexStmt *index, const CmigLintTable *table,
				  const char *parent, const char *definition, StringInfo fix)
{
	if (!OidIsValid(table->oid) || table->repartitioned)
		return false;
	foreach_oid(child, cmig_related(CMIG_RELATED_CHILDREN, table->oid))
	{
		CmigLintTable *partition = cmig_lint_state_find_oid(lint, child);
		bool		divided;
		char	   *name;
		char	   *qualified;

		if (cmig_lint_state_is_gone(lint, child))
			continue;
		divided = partition && partition->kind == RELKIND_PARTITIONED_TABLE;
		if (partition == NULL || (!divided && partition->kind != RELKIND_RELATION))
			return false;
		name = chosen_name(lint, index, partition);
		qualified = quote_qualified_identifier(partition->schema, name);
		appendStringInfo(fix, ";\nCREATE %sINDEX %s%s ON %s%s%s", index->unique ? "UNIQUE " : "",
						 divided ? "" : "CONCURRENTLY ", quote_identifier(name),
						 divided ? "ONLY " : "",
						 cmig_lint_text_qualified(partition), definition);
		if (divided && !append_partitions(lint, index, partition, qualified, definition, fix))
			return false;
		appendStringInfo(fix, ";\nALTER INDEX %s ATTACH PARTITION %s", parent, qualified);
	}
	return true;
}

/*
 * Returns a fix for a partitioned table: statements that create an index on the
 * parent with ON ONLY, create an index on each partition, and attach these
 * indexes.  If that is not possible, the fix contains instructions instead of
 * SQL for the partitions.  "text" is the statement without CONCURRENTLY.
 */
static char *
partitioned_index_fix(CmigLint *lint, const IndexStmt *index, const char *text)
{
	char	   *name = index->idxname ? index->idxname : chosen_name(lint, index, lint->target);
	const char *definition = cmig_lint_source_behind_name(lint->statement->text,
														  index->relation->location);
	StringInfoData fix;

	if (!cmig_lint_model_is_large_itself(lint->target) || !index->relation->inh)
		return pstrdup(text);
	initStringInfo(&fix);
	appendStringInfo(&fix, CMIG_LINT_STEPWISE "CREATE %sINDEX %s ON ONLY %s%s",
					 index->unique ? "UNIQUE " : "",
					 quote_identifier(name), cmig_lint_text_qualified(lint->target), definition);
	if (append_partitions(lint, index, lint->target,
						  quote_qualified_identifier(lint->target->schema, name),
						  definition, &fix))
		return fix.data;
	return psprintf(CMIG_LINT_STEPWISE
					"-- then the same with CREATE INDEX CONCURRENTLY on each partition,\n"
					"-- and ALTER INDEX ... ATTACH PARTITION for each of these indexes\n%s",
					cmig_lint_source_insert(text, "on", " ONLY"));
}

/* Implements the rule require-concurrent-index-creation. */
static void
check_creation(CmigLint *lint, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;
	CmigLintTable *table = lint->target;
	char	   *fix;

	if (index->concurrent || !cmig_lint_model_is_large_itself(table) || index_exists(lint, index))
		return;
	if (table->kind == RELKIND_PARTITIONED_TABLE)
	{
		if (!index->relation->inh)
			return;
		fix = partitioned_index_fix(lint, index, lint->statement->text);
	}
	else
		fix = psprintf(CMIG_LINT_STEPWISE "%s",
					   cmig_lint_source_insert(lint->statement->text, "index", " CONCURRENTLY"));
	cmig_lint_report(lint, fix, "CREATE INDEX blocks writes to %s while the index is built",
					 cmig_lint_text_table(table));
}

/*
 * Implements the rule require-concurrent-index-deletion.  The fix has one DROP
 * INDEX CONCURRENTLY per index, because the command accepts only one index, and
 * none that is partitioned.
 */
static void
check_deletion(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	CmigLintTable *first = NULL;
	StringInfoData fix;

	if (drop->removeType != OBJECT_INDEX || drop->concurrent)
		return;
	initStringInfo(&fix);
	appendStringInfoString(&fix, CMIG_LINT_STEPWISE);
	foreach_ptr(List, object, drop->objects)
	{
		CmigLintTable *index =
		cmig_lint_state_find_if(lint, cmig_locks_relation(object), drop->missing_ok);
		bool		partitioned = index && index->kind == RELKIND_PARTITIONED_INDEX;

		appendStringInfo(&fix, "%sDROP INDEX %s%s%s",
						 foreach_current_index(object) == 0 ? "" : ";\n",
						 partitioned ? "" : "CONCURRENTLY ",
						 drop->missing_ok ? "IF EXISTS " : "", NameListToQuotedString(object));
		if (first == NULL && cmig_lint_model_is_shared(index) && !partitioned &&
			(index->index_of == NULL || cmig_lint_model_is_shared(index->index_of)))
			first = index;
	}
	if (first)
		cmig_lint_report(lint, fix.data, "DROP INDEX locks %s against reads and writes",
						 first->index_of ? cmig_lint_text_table(first->index_of) : "its table");
}

/* Implements the rule require-concurrent-reindex. */
static void
check_reindex(CmigLint *lint, Node *node)
{
	ReindexStmt *reindex = (ReindexStmt *) node;
	bool		is_schema = reindex->kind == REINDEX_OBJECT_SCHEMA;
	const char *word = is_schema ? "schema" : reindex->relation == NULL ? "database" :
	reindex->kind == REINDEX_OBJECT_INDEX ? "index" : "table";
	bool		large = false;
	CmigLintTable *table = NULL;
	Oid			schema;
	char	   *fix;

	if (cmig_statement_option(reindex->params, "concurrently", false) ||
		reindex->kind == REINDEX_OBJECT_SYSTEM ||
		(is_schema && cmig_lint_objects_schema_is_new(lint, reindex->name, false)))
		return;
	if (reindex->relation)
	{
		table = cmig_lint_state_find(lint, reindex->relation, false);
		if (table && table->index_of)
			table = table->index_of;
		lint->slow = table;
		large = cmig_lint_model_is_large(table);
	}
	else
	{
		schema = is_schema &&
			lint->reads_facts ? get_namespace_oid(reindex->name, true) : InvalidOid;
		large = !lint->reads_facts || (is_schema && !OidIsValid(schema));
		foreach_oid(oid, large ? NIL : cmig_lint_catalog_tables_in(schema))
			large |= cmig_lint_model_is_large(cmig_lint_state_find_oid(lint, oid));
	}
	if (!large)
		return;
	fix = psprintf(CMIG_LINT_STEPWISE "%s",
				   cmig_lint_source_insert(lint->statement->text, word, " CONCURRENTLY"));
	if (table)
		cmig_lint_report(lint, fix,
						 "REINDEX blocks writes to %s, and reads that would use the index, while indexes are rebuilt",
						 cmig_lint_text_table(table));
	else
		cmig_lint_report(lint, fix,
						 "REINDEX blocks writes to each table while its indexes are rebuilt");
}

/* Implements the rule ban-concurrently-on-partitioned-table. */
static void
check_partitioned(CmigLint *lint, Node *node)
{
	char	   *failure = cmig_lint_state_concurrently_failure(lint, node, false);
	char	   *fix;

	if (failure == NULL)
		return;
	fix = cmig_lint_source_remove(lint->statement->text, "concurrently");
	if (IsA(node, IndexStmt))
		fix = partitioned_index_fix(lint, (IndexStmt *) node, fix);
	else if (!lint->session.timeouts[CMIG_LINT_LOCK_TIMEOUT])
		fix = psprintf("SET lock_timeout = '2s';\n%s", fix);
	cmig_lint_report(lint, fix, "%s", failure);
}

/* Implements the rule index-with-many-columns. */
static void
check_many_columns(CmigLint *lint, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;

	if (index->unique || list_length(index->indexParams) <= 3 || lint->target == NULL ||
		lint->target->temporary || index_exists(lint, index))
		return;
	cmig_lint_report(lint, NULL,
					 "the index has %d columns of %s; a non-unique index with more than three columns seldom helps",
					 list_length(index->indexParams), cmig_lint_text_name(lint->target));
}

const CmigLintRule cmig_lint_indexes[] = {
	{"require-concurrent-index-creation", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FILL,
	check_creation, {T_IndexStmt}},
	{"require-concurrent-index-deletion", CMIG_LINT_WARNING, CMIG_LINT_FILL, check_deletion,
	{T_DropStmt}},
	{"ban-concurrently-on-partitioned-table", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_partitioned,
	{T_IndexStmt, T_DropStmt, T_AlterTableStmt}},
	{"require-concurrent-reindex", CMIG_LINT_ERROR, CMIG_LINT_SLOW, check_reindex, {T_ReindexStmt}},
	{"index-with-many-columns", CMIG_LINT_NOTICE, 0, check_many_columns, {T_IndexStmt}},
	{NULL}
};

/*
 * cmig.lint rules about constraints.
 */

List *
cmig_lint_added(const CmigLint *lint, Node *node)
{
	bool		alters = IsA(node, AlterTableStmt);
	List	   *result = NIL;

	foreach_ptr(AlterTableCmd, element,
				alters ? ((AlterTableStmt *) node)->cmds :
				IsA(node, CreateStmt) ? ((CreateStmt *) node)->tableElts : NIL)
	{
		Node	   *definition = !alters ? (Node *) element :
		element->subtype == AT_AddColumn ||
		element->subtype == AT_AddConstraint ? element->def : NULL;
		ColumnDef  *column = definition &&
		IsA(definition, ColumnDef) ? (ColumnDef *) definition : NULL;

		if (column && alters && element->missing_ok && lint->target &&
			cmig_lint_model_column(lint->target, column->colname))
			continue;
		foreach_node(Constraint, constraint,
					 column ? column->constraints :
					 definition && IsA(definition, Constraint) ? list_make1(definition) : NIL)
		{
			CmigLintAdded *added = palloc0(sizeof(CmigLintAdded));

			added->constraint = constraint;
			added->column = column;
			added->action = foreach_current_index(element);
			result = lappend(result, added);
		}
	}
	return result;
}

/* Returns the columns of the constraint, as a List of char *. */
static List *
columns_of(const CmigLintAdded *added)
{
	return cmig_lint_alter_columns(added->constraint,
								   added->column ? added->column->colname : NULL);
}

/* Returns the name that the constraint will have. */
static char *
name_of(const CmigLint *lint, const CmigLintAdded *added)
{
	return cmig_lint_alter_constraint_name(lint->target, lint->target->name, added->constraint,
										   added->column ? added->column->colname : NULL,
										   added->earlier);
}

/* Returns the statement without the constraint: "" if no action remains. */
static char *
statement_without(CmigLint *lint, const CmigLintAdded *added)
{
	if (added->column == NULL)
		return cmig_lint_fix_replace(lint, added->action, NULL);
	return cmig_lint_fix_replace(lint, added->action,
								 cmig_lint_fix_without(lint, added->action, added->column,
													   list_make1(added->constraint)));
}

/*
 * Returns a fix that adds the constraint as NOT VALID and then validates it in
 * another transaction.  Returns NULL for a named column constraint.
 */
static char *
not_valid_fix(CmigLint *lint, const CmigLintAdded *added)
{
	const char *name = quote_identifier(name_of(lint, added));
	char	   *table = cmig_lint_text_qualified(lint->target);
	char	   *first;
	Constraint *constraint = added->constraint;

	if (added->column == NULL)
		first = cmig_lint_fix_replace(lint, added->action,
									  psprintf("%s NOT VALID",
											   cmig_lint_fix_action(lint, added->action)));
	else
	{
		char	   *clause = cmig_lint_fix_clause(lint, added->column, constraint);

		/* add FOREIGN KEY, which a column constraint does not have */
		if (constraint->contype == CONSTR_FOREIGN)
			clause = psprintf("FOREIGN KEY (%s) %s", quote_identifier(added->column->colname),
							  clause);
		if (constraint->conname)
			return NULL;
		first = psprintf("%sALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;\n",
						 statement_without(lint, added), table, name, clause);
	}
	return psprintf(CMIG_LINT_STEPWISE "%sALTER TABLE %s VALIDATE CONSTRAINT %s", first, table,
					name);
}

/* Implements the rule constraint-missing-not-valid for a new constraint. */
static void
check_check(CmigLint *lint, const CmigLintAdded *added)
{
	if (!added->constraint->skip_validation)
		cmig_lint_report(lint, not_valid_fix(lint, added),
						 "CHECK constraint %s scans %s under an AccessExclusiveLock",
						 quote_identifier(name_of(lint, added)),
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule constraint-missing-not-valid for VALIDATE CONSTRAINT. */
static void
check_validate(CmigLint *lint, AlterTableCmd *command, int number)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(lint->target, command->name);
	bool		added = constraint && constraint->added_in == lint->revision_number &&
	cmig_lint_session_in_transaction(lint);

	foreach_node(AlterTableCmd, other, ((AlterTableStmt *) lint->statement->raw->stmt)->cmds)
	{
		added |= other->subtype == AT_AddConstraint && ((Constraint *) other->def)->conname &&
			strcmp(((Constraint *) other->def)->conname, command->name) == 0;
	}
	if (added && cmig_lint_model_is_large(lint->target))
		cmig_lint_report(lint,
						 psprintf("-- in a later revision\nALTER TABLE %s VALIDATE CONSTRAINT %s",
								  cmig_lint_text_qualified(lint->target),
								  quote_identifier(command->name)),
						 "VALIDATE CONSTRAINT %s scans %s while the transaction still holds the lock of the statement that added the constraint",
						 quote_identifier(command->name), cmig_lint_text_table(lint->target));
}

/*
 * Implements the rule adding-foreign-key-constraint.  PostgreSQL does not check
 * the foreign key of a new column that is null in all existing rows.
 */
static void
check_foreign_key(CmigLint *lint, const CmigLintAdded *added)
{
	bool		can_wait = lint->target->kind != RELKIND_PARTITIONED_TABLE ||
	CMIG_PARTITIONED_NOT_VALID_KEYS_COMPAT;
	bool		has_values = added->column == NULL ||
	cmig_lint_types_serial(added->column->typeName) != CMIG_LINT_NOT_SERIAL;

	foreach_node(Constraint, key, added->column ? added->column->constraints : NIL)
	{
		ConstrType	type = key->contype;

		has_values |= type == CONSTR_DEFAULT || type == CONSTR_IDENTITY || type == CONSTR_GENERATED;
	}
	if (has_values && !added->constraint->skip_validation)
		cmig_lint_report(lint, can_wait ? not_valid_fix(lint, added) : NULL,
						 "foreign key %s blocks writes to %s and to %s while it scans the rows",
						 quote_identifier(name_of(lint, added)), cmig_lint_text_table(lint->target),
						 cmig_lint_text_range_var(added->constraint->pktable));
}

/* Returns a call to cmig.add_not_null for each column that is not yet NOT NULL. */
static char *
not_null_fix(const CmigLint *lint, List *columns)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(char, name, columns)
	{
		CmigLintColumn *column = cmig_lint_model_column(lint->target, name);

		if (column && !column->not_null)
			appendStringInfo(&text, "%s;\n", cmig_lint_fix_not_null(lint, name));
	}
	return text.data;
}

/*
 * Returns a fix that creates the constraint's index with CREATE UNIQUE INDEX
 * CONCURRENTLY and then adds the constraint with USING INDEX.  Returns NULL if
 * the table or the constraint does not allow this.
 */
static char *
using_index_fix(CmigLint *lint, const CmigLintAdded *added)
{
	Constraint *constraint = added->constraint;
	const char *name = quote_identifier(name_of(lint, added));
	char	   *table = cmig_lint_text_qualified(lint->target);
	bool		primary = constraint->contype == CONSTR_PRIMARY;
	StringInfoData fix;

	if (constraint->options != NIL || constraint->indexspace || (primary && added->column) ||
		lint->target->kind == RELKIND_PARTITIONED_TABLE || cmig_is_temporal_compat(constraint))
		return NULL;
	initStringInfo(&fix);
	appendStringInfo(&fix, CMIG_LINT_STEPWISE "%s", statement_without(lint, added));
	if (primary)
		appendStringInfoString(&fix,
							   not_null_fix(lint,
											columns_of(added)));
	appendStringInfo(&fix, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", name, table,
					 cmig_text_join(columns_of(added), quote_identifier));
	if (constraint->including != NIL)
		appendStringInfo(&fix, " INCLUDE (%s)",
						 cmig_text_join(cmig_lint_model_names(constraint->including),
										quote_identifier));
	if (constraint->nulls_not_distinct)
		appendStringInfoString(&fix, " NULLS NOT DISTINCT");
	appendStringInfo(&fix, ";\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s", table, name,
					 primary ? "PRIMARY KEY" : "UNIQUE", name);
	if (constraint->deferrable)
		appendStringInfo(&fix, " DEFERRABLE%s",
						 constraint->initdeferred ? " INITIALLY DEFERRED" : "");
	return fix.data;
}

/* Implements the rule adding-serial-primary-key-field. */
static void
check_primary_key(CmigLint *lint, const CmigLintAdded *added)
{
	if (added->constraint->indexname == NULL)
		cmig_lint_report(lint, using_index_fix(lint, added),
						 "PRIMARY KEY builds its index on %s under an AccessExclusiveLock",
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule disallowed-unique-constraint. */
static void
check_unique(CmigLint *lint, const CmigLintAdded *added)
{
	if (added->constraint->indexname == NULL)
		cmig_lint_report(lint, using_index_fix(lint, added),
						 "UNIQUE constraint %s builds its index on %s under an AccessExclusiveLock",
						 quote_identifier(name_of(lint, added)),
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule adding-exclusion-constraint. */
static void
check_exclusion(CmigLint *lint, const CmigLintAdded *added)
{
	cmig_lint_report(lint, NULL,
					 "an exclusion constraint builds its index on %s under an AccessExclusiveLock and cannot be NOT VALID; create a new table with the constraint, and copy the rows",
					 cmig_lint_text_table(lint->target));
}

/* Implements the rule primary-key-sets-not-null. */
static void
check_sets_not_null(CmigLint *lint, const CmigLintAdded *added)
{
	const char *name = added->constraint->indexname;
	CmigLintIndex *index = name ? cmig_lint_model_index(lint->target, name) : NULL;
	List	   *columns = NIL;

	foreach_ptr(char, each, index ? index->keys : NIL)
	{
		CmigLintColumn *column = cmig_lint_model_column(lint->target, each);

		if (column && !column->not_null &&
			!cmig_lint_model_proves_not_null(lint->target, column->name, NULL))
			columns = lappend(columns, (char *) column->name);
	}
	if (columns != NIL)
		cmig_lint_report(lint,
						 psprintf(CMIG_LINT_STEPWISE "%s%s", not_null_fix(lint, columns),
								  lint->statement->text),
						 "PRIMARY KEY USING INDEX scans %s to make column %s NOT NULL",
						 cmig_lint_text_table(lint->target),
						 cmig_text_join(columns, quote_identifier));
}

/*
 * Implements the rules about constraints of one type that are added to a large
 * table.  Ordinary child tables inherit only CHECK constraints.  For other
 * constraint types, only the size of the table itself matters.
 */
static void
check_added(CmigLint *lint, Node *node)
{
	static const struct
	{
		const char *rule;
		ConstrType	type;
		void		(*check) (CmigLint *lint, const CmigLintAdded *added);
	}			checks[] =

	{
		{"constraint-missing-not-valid", CONSTR_CHECK, check_check},
		{"adding-foreign-key-constraint", CONSTR_FOREIGN, check_foreign_key},
		{"adding-serial-primary-key-field", CONSTR_PRIMARY, check_primary_key},
		{"primary-key-sets-not-null", CONSTR_PRIMARY, check_sets_not_null},
		{"disallowed-unique-constraint", CONSTR_UNIQUE, check_unique},
		{"adding-exclusion-constraint", CONSTR_EXCLUSION, check_exclusion},
	};
	List	   *earlier = NIL;
	int			i = 0;

	while (strcmp(checks[i].rule, lint->rule->name) != 0)
		i++;
	if (checks[i].type == CONSTR_CHECK && ((AlterTableStmt *) node)->relation->inh ?
		!cmig_lint_model_is_large(lint->target) : !cmig_lint_model_is_large_itself(lint->target))
		return;
	foreach_ptr(CmigLintAdded, added, cmig_lint_added(lint, node))
	{
		added->earlier = earlier;
		if (added->constraint->contype == checks[i].type)
			checks[i].check(lint, added);
		earlier = lappend(earlier, name_of(lint, added));
	}
}

/*
 * The cmig.lint rule about foreign keys without an index.
 */

/* Is there a usable index that starts with these columns, in any order? */
static bool
has_index_on(const CmigLintTable *table, List *columns)
{
	foreach_ptr(const CmigLintIndex, index, table->indexes)
	{
		int			i = 0;

		if (!index->usable || list_length(index->keys) < list_length(columns))
			continue;
		while (i < list_length(columns) && cmig_text_list_has(columns, list_nth(index->keys, i)))
			i++;
		if (i == list_length(columns))
			return true;
	}
	return false;
}

/* Callback at the end of the plan: does the foreign key still lack an index? */
static bool
lacks_index(CmigLint *lint, const CmigLintDeferred *key)
{
	CmigLintTable *table = key->table ? key->table : cmig_lint_state_find(lint, key->name, true);
	CmigLintConstraint *constraint = table ? cmig_lint_model_constraint(table, key->part) : NULL;

	return constraint && constraint->type == CONSTRAINT_FOREIGN &&
		!has_index_on(table, constraint->columns);
}

/*
 * Returns a fix that creates an index before the foreign key or, if the columns
 * do not exist yet, after the foreign key.  Returns NULL for a partitioned
 * table, on which an index cannot be created with CONCURRENTLY.  "table" is
 * NULL for a new table.
 */
static char *
index_fix(const CmigLint *lint, const CmigLintTable *table, const char *index, List *columns)
{
	const char *text = lint->statement->text;
	bool		first = table != NULL;

	if (table && table->kind == RELKIND_PARTITIONED_TABLE)
		return NULL;
	foreach_node(AlterTableCmd, command,
				 table ? ((AlterTableStmt *) lint->statement->raw->stmt)->cmds : NIL)
	{
		if (command->subtype == AT_AddColumn &&
			cmig_text_list_has(columns, ((ColumnDef *) command->def)->colname))
			first = false;
	}
	return psprintf("%s%s;\n%s", table ? CMIG_LINT_STEPWISE : "", first ? index : text,
					first ? text : index);
}

/* Report a foreign key, unless a later statement creates an index for it. */
static void
report_foreign_key(CmigLint *lint, CmigLintTable *table, const RangeVar *name,
				   const CmigLintAdded *key)
{
	Constraint *constraint = key->constraint;
	CmigLintFinding *finding;
	List	   *columns = columns_of(key);
	char	   *on = table ? cmig_lint_text_qualified(table) : cmig_lint_text_range_var(name);
	char	   *index;

	/*
	 * suggest a GiST index for a temporal key, because a B-tree cannot find
	 * overlapping ranges
	 */
	index = psprintf("CREATE INDEX %sON %s %s(%s)", table ? "CONCURRENTLY " : "", on,
					 cmig_is_temporal_compat(constraint) ? "USING gist " : "",
					 cmig_text_join(columns, quote_identifier));
	finding = cmig_lint_report(lint, index_fix(lint, table, index, columns),
							   "foreign key (%s) has no index: deletes and updates of keys in %s scan %s",
							   cmig_text_join(columns, quote_identifier),
							   cmig_lint_text_range_var(constraint->pktable),
							   table ? cmig_lint_text_table(table) : on);
	cmig_lint_report_later(lint, finding, true, lacks_index, table, name,
						   cmig_lint_alter_constraint_name(table, name->relname, constraint,
														   key->column ? key->column->colname :
														   NULL,
														   NIL));
}

/*
 * Implements the rule foreign-key-without-index.  The indexes of a new partition,
 * child table, or table created with LIKE are unknown.
 */
static void
check_index_missing(CmigLint *lint, Node *node)
{
	bool		creates = IsA(node, CreateStmt);
	CreateStmt *create = (CreateStmt *) node;
	RangeVar   *name = creates ? create->relation : ((AlterTableStmt *) node)->relation;
	bool		known = creates ? create->inhRelations == NIL &&
	name->relpersistence != RELPERSISTENCE_TEMP &&
	!(create->if_not_exists && cmig_lint_state_find(lint, name, true)) :
	lint->target && !lint->target->temporary;

	foreach_ptr(Node, element, creates ? create->tableElts : NIL)
		known &= !IsA(element, TableLikeClause);
	foreach_ptr(const CmigLintAdded, key, known ? cmig_lint_added(lint, node) : NIL)
	{
		if (key->constraint->contype == CONSTR_FOREIGN)
			report_foreign_key(lint, creates ? NULL : lint->target, name, key);
	}
}

/*
 * cmig.lint rules about domains.
 */

/* Implements the rule ban-create-domain-with-constraint. */
static void
check_create_domain(CmigLint *lint, Node *node)
{
	foreach_node(Constraint, constraint, ((CreateDomainStmt *) node)->constraints)
	{
		ConstrType	type = constraint->contype;

		if (type != CONSTR_CHECK && type != CONSTR_NOTNULL)
			continue;
		cmig_lint_report(lint, NULL,
						 "changing the constraint of domain %s will scan every table that uses the domain; use a constraint of the column, which can be NOT VALID",
						 NameListToQuotedString(((CreateDomainStmt *) node)->domainname));
		return;
	}
}

/* Implements the rule ban-alter-domain-with-add-constraint. */
static void
check_alter_domain(CmigLint *lint, Node *node)
{
	AlterDomainStmt *alter = (AlterDomainStmt *) node;
	Constraint *constraint = (Constraint *) alter->def;
	bool		adds = alter->subtype == 'C';
	const char *name = NameListToQuotedString(alter->typeName);
	CmigLintTable *table = NULL;
	CmigLintMeaning domain;
	char	   *fix = NULL;

	if ((!adds && alter->subtype != 'O') || (adds && constraint->skip_validation))
		return;
	/* find a large table that uses the domain, unless the domain is unknown */
	domain = cmig_lint_types_find(lint, makeTypeNameFromNameList(alter->typeName));
	foreach_oid(each, cmig_lint_catalog_tables_with_type(domain.oid))
	{
		CmigLintTable *user = cmig_lint_state_find_oid(lint, each);

		if (table == NULL && cmig_lint_model_is_large(user))
			table = user;
	}
	if (table == NULL && (domain.new_name || OidIsValid(domain.oid)))
		return;
	if (adds && constraint->contype == CONSTR_CHECK && constraint->conname)
		fix = psprintf("%s NOT VALID;\n-- in a later revision, when writes can wait:\nALTER DOMAIN %s VALIDATE CONSTRAINT %s",
					   lint->statement->text, name, quote_identifier(constraint->conname));
	cmig_lint_report(lint, fix, "the new constraint of domain %s scans %s and blocks writes to it",
					 name,
					 table ? cmig_lint_text_table(table) : "every table that uses it");
}

const CmigLintRule cmig_lint_constraints[] = {
	{"constraint-missing-not-valid", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FILL, check_added,
	{T_AlterTableStmt}},
	{"constraint-missing-not-valid", CMIG_LINT_ERROR, CMIG_LINT_SLOW, NULL, {T_AlterTableStmt},
	AT_ValidateConstraint, check_validate},
	{"adding-foreign-key-constraint", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FILL, check_added,
	{T_AlterTableStmt}},
	{"adding-serial-primary-key-field", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FILL,
	check_added, {T_AlterTableStmt}},
	{"primary-key-sets-not-null", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FACTS, check_added,
	{T_AlterTableStmt}},
	{"disallowed-unique-constraint", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FILL, check_added,
	{T_AlterTableStmt}},
	{"adding-exclusion-constraint", CMIG_LINT_ERROR, CMIG_LINT_SLOW, check_added,
	{T_AlterTableStmt}},
	{"foreign-key-without-index", CMIG_LINT_WARNING, CMIG_LINT_CALLED, check_index_missing,
	{T_AlterTableStmt, T_CreateStmt}},
	{"ban-create-domain-with-constraint", CMIG_LINT_WARNING, 0, check_create_domain,
	{T_CreateDomainStmt}},
	{"ban-alter-domain-with-add-constraint", CMIG_LINT_WARNING, 0, check_alter_domain,
	{T_AlterDomainStmt}},
	{NULL}
};
