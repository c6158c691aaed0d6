/*
 * lint_foreign_keys.c
 *	  The cmig.lint rule about foreign keys without an index.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text_list.h"
#include "lint/lint_alter.h"
#include "lint/lint_fix.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/memutils.h"

/* A foreign key that has no index, unless a later statement creates one. */
typedef struct ForeignKey
{
	CmigLintTable *table;
	RangeVar   *name;			/* the table's name, used if "table" is NULL */
	char	   *constraint;
} ForeignKey;

/* Callback at the end of the plan: does the foreign key still lack an index? */
static bool
lacks_index(CmigLint *lint, void *arg)
{
	ForeignKey *key = arg;
	CmigLintTable *table = key->table ? key->table : cmig_lint_state_peek(lint, key->name);
	CmigLintConstraint *constraint;

	if (table == NULL)
		return false;
	constraint = cmig_lint_model_constraint(table, key->constraint);
	return constraint && constraint->type == CONSTRAINT_FOREIGN &&
		!cmig_lint_model_has_index_on(table, constraint->columns);
}

/* Does the ALTER TABLE statement itself add one of the columns? */
static bool
adds_column(const CmigLint *lint, List *columns)
{
	ListCell   *lc;

	foreach(lc, ((AlterTableStmt *) lint->statement->raw->stmt)->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddColumn &&
			cmig_text_list_has(columns, ((ColumnDef *) command->def)->colname))
			return true;
	}
	return false;
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

	if (table == NULL)
		return psprintf("%s;\n%s", text, index);
	if (table->kind == RELKIND_PARTITIONED_TABLE)
		return NULL;
	if (adds_column(lint, columns))
		return psprintf(CMIG_LINT_STEPWISE "%s;\n%s", text, index);
	return psprintf(CMIG_LINT_STEPWISE "%s;\n%s", index, text);
}

/* Report a foreign key, unless a later statement creates an index for it. */
static void
report_foreign_key(CmigLint *lint, CmigLintTable *table, const RangeVar *name,
				   Constraint *constraint, const char *column)
{
	MemoryContext old;
	ForeignKey *key;
	CmigLintFinding *finding;
	List	   *columns = column ? list_make1((char *) column) : cmig_lint_model_names(constraint->fk_attrs);
	char	   *on = table ? cmig_lint_text_qualified(table) : cmig_lint_text_range_var(name);
	char	   *index;

	/*
	 * suggest a GiST index for a temporal key, because a B-tree cannot find
	 * overlapping ranges
	 */
	index = psprintf("CREATE INDEX %sON %s %s(%s)", table ? "CONCURRENTLY " : "", on,
					 cmig_is_temporal_compat(constraint) ? "USING gist " : "", cmig_lint_text_names(columns));
	finding = cmig_lint_report(lint, index_fix(lint, table, index, columns),
							   "foreign key (%s) has no index: deletes and updates of keys in %s scan %s",
							   cmig_lint_text_names(columns), cmig_lint_text_range_var(constraint->pktable),
							   table ? cmig_lint_text_table(table) : on);
	old = MemoryContextSwitchTo(lint->context);
	key = palloc0(sizeof(ForeignKey));
	key->table = table;
	key->name = copyObject((RangeVar *) name);
	key->constraint = cmig_lint_alter_constraint_name(table, name->relname, constraint, column, NIL);
	MemoryContextSwitchTo(old);
	cmig_lint_report_later(lint, finding, true, lacks_index, key);
}

/* Check the foreign keys in a list of constraints and column definitions. */
static void
check_keys(CmigLint *lint, CmigLintTable *table, const RangeVar *name, List *constraints, const char *column)
{
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN)
			report_foreign_key(lint, table, name, constraint, column);
		else if (IsA(constraint, ColumnDef))
			check_keys(lint, table, name, ((ColumnDef *) constraint)->constraints,
					   ((ColumnDef *) constraint)->colname);
	}
}

/*
 * Are the new table's indexes unknown?  They are unknown for partitions, child
 * tables, and tables created with LIKE.
 */
static bool
has_unknown_indexes(CreateStmt *create)
{
	ListCell   *lc;

	foreach(lc, create->tableElts)
	{
		if (IsA(lfirst(lc), TableLikeClause))
			return true;
	}
	return create->inhRelations != NIL;
}

/* Implements the rule foreign-key-without-index. */
static void
check_index_missing(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	if (IsA(node, CreateStmt))
	{
		CreateStmt *create = (CreateStmt *) node;

		if (create->relation->relpersistence != RELPERSISTENCE_TEMP && !has_unknown_indexes(create) &&
			(!create->if_not_exists || cmig_lint_state_find(lint, create->relation, true) == NULL))
			check_keys(lint, NULL, create->relation, create->tableElts, NULL);
		return;
	}
	if (lint->target == NULL || lint->target->temporary)
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddConstraint)
			check_keys(lint, lint->target, ((AlterTableStmt *) node)->relation, list_make1(command->def), NULL);
		else if (command->subtype == AT_AddColumn &&
				 (!command->missing_ok ||
				  cmig_lint_model_column(lint->target, ((ColumnDef *) command->def)->colname) == NULL))
			check_keys(lint, lint->target, ((AlterTableStmt *) node)->relation, list_make1(command->def), NULL);
	}
}

const CmigLintRule cmig_lint_foreign_keys[] = {
	{"foreign-key-without-index", CMIG_LINT_WARNING, false, check_index_missing, {T_AlterTableStmt, T_CreateStmt}},
	{NULL}
};
