/*
 * lint_constraints.c
 *	  cmig.lint rules about constraints.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "lint/lint_alter.h"
#include "lint/lint_fix.h"
#include "lint/lint_rules.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "lint/lint_types.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* A constraint that ALTER TABLE adds. */
typedef struct Added
{
	Constraint *constraint;
	ColumnDef  *column;			/* for a column constraint; otherwise NULL */
	int			action;			/* the number of the ALTER TABLE action,
								 * starting at 0 */
	List	   *earlier;		/* of char *: names of the constraints that
								 * the statement has already added */
} Added;

typedef void (*AddedCheck) (CmigLint *lint, const Added *added);

/* Returns the name that the constraint will have. */
static char *
name_of(const CmigLint *lint, const Added *added)
{
	return cmig_lint_alter_constraint_name(lint->target, lint->target->name, added->constraint,
										   added->column ? added->column->colname : NULL, added->earlier);
}

/* Call "check" for an added constraint if the constraint has this type. */
static void
check_added(CmigLint *lint, Added *added, ConstrType type, AddedCheck check)
{
	if (added->constraint->contype == type)
		check(lint, added);
	added->earlier = lappend(added->earlier, name_of(lint, added));
}

/*
 * Call "check" for each constraint of this type that the statement adds to a
 * large table.  Ordinary child tables inherit only CHECK constraints.  For
 * other constraint types, only the size of the table itself matters.
 */
static void
each_added(CmigLint *lint, Node *node, ConstrType type, AddedCheck check)
{
	Added		added = {0};
	ListCell   *lc;
	ListCell   *lc2;

	if (type == CONSTR_CHECK && ((AlterTableStmt *) node)->relation->inh ?
		!cmig_lint_model_is_large(lint->target) : !cmig_lint_model_is_large_itself(lint->target))
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddConstraint)
		{
			added.column = NULL;
			added.constraint = (Constraint *) command->def;
			check_added(lint, &added, type, check);
		}
		else if (command->subtype == AT_AddColumn)
		{
			added.column = (ColumnDef *) command->def;
			if (command->missing_ok && cmig_lint_model_column(lint->target, added.column->colname))
				continue;
			foreach(lc2, added.column->constraints)
			{
				added.constraint = lfirst_node(Constraint, lc2);
				check_added(lint, &added, type, check);
			}
		}
		added.action++;
	}
}

/* Returns the constraint's key columns. */
static List *
columns_of(const Added *added)
{
	return added->column ? list_make1(added->column->colname) : cmig_lint_model_names(added->constraint->keys);
}

/*
 * Returns the statement without the added constraint.  Returns an empty string
 * if no action remains.
 */
static char *
statement_without(CmigLint *lint, const Added *added)
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
not_valid_fix(CmigLint *lint, const Added *added)
{
	const char *name = quote_identifier(name_of(lint, added));
	char	   *table = cmig_lint_text_qualified(lint->target);
	char	   *first;
	Constraint *constraint = added->constraint;

	if (added->column == NULL)
		first = cmig_lint_fix_replace(lint, added->action,
									  psprintf("%s NOT VALID", cmig_lint_fix_action(lint, added->action)));
	else
	{
		char	   *clause = cmig_lint_fix_clause(lint, added->column, constraint);

		/* add FOREIGN KEY, which a column constraint does not have */
		if (constraint->contype == CONSTR_FOREIGN)
			clause = psprintf("FOREIGN KEY (%s) %s", quote_identifier(added->column->colname), clause);
		if (constraint->conname)
			return NULL;
		first = psprintf("%sALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;\n",
						 statement_without(lint, added), table, name, clause);
	}
	return psprintf(CMIG_LINT_STEPWISE "%sALTER TABLE %s VALIDATE CONSTRAINT %s", first, table, name);
}

/*
 * constraint-missing-not-valid
 */

static void
check_check(CmigLint *lint, const Added *added)
{
	if (!added->constraint->skip_validation)
		cmig_lint_report(lint, not_valid_fix(lint, added),
						 "CHECK constraint %s scans %s under an AccessExclusiveLock",
						 quote_identifier(name_of(lint, added)), cmig_lint_text_table(lint->target));
}

/* Does the statement itself add a constraint called "name"? */
static bool
is_added_here(AlterTableStmt *statement, const char *name)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		Constraint *constraint = (Constraint *) command->def;

		if (command->subtype == AT_AddConstraint && constraint->conname &&
			strcmp(constraint->conname, name) == 0)
			return true;
	}
	return false;
}

static void
check_validate(CmigLint *lint, AlterTableStmt *statement, AlterTableCmd *command)
{
	CmigLintConstraint *constraint = cmig_lint_model_constraint(lint->target, command->name);
	bool		before = constraint && constraint->added_in == lint->revision_number &&
	cmig_lint_session_in_transaction(lint);

	if (before || is_added_here(statement, command->name))
		cmig_lint_report(lint, psprintf("-- in a later revision\nALTER TABLE %s VALIDATE CONSTRAINT %s",
										cmig_lint_text_qualified(lint->target), quote_identifier(command->name)),
						 "VALIDATE CONSTRAINT %s scans %s while the transaction still holds the lock of the statement that added the constraint",
						 quote_identifier(command->name), cmig_lint_text_table(lint->target));
}

/* Implements the rule constraint-missing-not-valid. */
static void
check_missing_not_valid(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	each_added(lint, node, CONSTR_CHECK, check_check);
	if (!cmig_lint_model_is_large(lint->target))
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_ValidateConstraint)
			check_validate(lint, (AlterTableStmt *) node, command);
	}
}

/*
 * adding-foreign-key-constraint
 */

/*
 * Is the new column null in all existing rows, so that PostgreSQL does not
 * check the foreign key?
 */
static bool
is_null_everywhere(const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		ConstrType	type = lfirst_node(Constraint, lc)->contype;

		if (type == CONSTR_DEFAULT || type == CONSTR_IDENTITY || type == CONSTR_GENERATED)
			return false;
	}
	return cmig_lint_types_serial(column->typeName) == CMIG_LINT_NOT_SERIAL;
}

static void
check_foreign_key(CmigLint *lint, const Added *added)
{
	bool		can_wait = lint->target->kind != RELKIND_PARTITIONED_TABLE ||
	CMIG_PARTITIONED_NOT_VALID_KEYS_COMPAT;

	if (added->constraint->skip_validation || (added->column && is_null_everywhere(added->column)))
		return;
	cmig_lint_report(lint, can_wait ? not_valid_fix(lint, added) : NULL,
					 "foreign key %s blocks writes to %s and to %s while it scans the rows",
					 quote_identifier(name_of(lint, added)), cmig_lint_text_table(lint->target),
					 cmig_lint_text_range_var(added->constraint->pktable));
}

/* Implements the rule adding-foreign-key-constraint. */
static void
check_foreign_keys(CmigLint *lint, Node *node)
{
	each_added(lint, node, CONSTR_FOREIGN, check_foreign_key);
}

/*
 * Constraints with an index
 */

/*
 * Returns a call to cmig.add_not_null for each column that is not yet NOT NULL.
 */
static char *
not_null_fix(const CmigLint *lint, List *columns)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, columns)
	{
		CmigLintColumn *column = cmig_lint_model_column(lint->target, lfirst(lc));

		if (column && !column->not_null)
			appendStringInfo(&text, "CALL cmig.add_not_null(%s, %s);\n",
							 quote_literal_cstr(cmig_lint_text_qualified(lint->target)),
							 quote_literal_cstr(lfirst(lc)));
	}
	return text.data;
}

/*
 * Returns a fix that creates the constraint's index with CREATE UNIQUE INDEX
 * CONCURRENTLY and then adds the constraint with USING INDEX.  Returns NULL if
 * the table or the constraint does not allow this.
 */
static char *
using_index_fix(CmigLint *lint, const Added *added)
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
		appendStringInfoString(&fix, not_null_fix(lint, columns_of(added)));
	appendStringInfo(&fix, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", name, table,
					 cmig_lint_text_names(columns_of(added)));
	if (constraint->including != NIL)
		appendStringInfo(&fix, " INCLUDE (%s)", cmig_lint_text_names(cmig_lint_model_names(constraint->including)));
	if (constraint->nulls_not_distinct)
		appendStringInfoString(&fix, " NULLS NOT DISTINCT");
	appendStringInfo(&fix, ";\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s", table, name,
					 primary ? "PRIMARY KEY" : "UNIQUE", name);
	if (constraint->deferrable)
		appendStringInfo(&fix, " DEFERRABLE%s", constraint->initdeferred ? " INITIALLY DEFERRED" : "");
	return fix.data;
}

static void
check_primary_key(CmigLint *lint, const Added *added)
{
	if (added->constraint->indexname == NULL)
		cmig_lint_report(lint, using_index_fix(lint, added),
						 "PRIMARY KEY builds its index on %s under an AccessExclusiveLock",
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule adding-serial-primary-key-field. */
static void
check_primary_keys(CmigLint *lint, Node *node)
{
	each_added(lint, node, CONSTR_PRIMARY, check_primary_key);
}

static void
check_unique(CmigLint *lint, const Added *added)
{
	if (added->constraint->indexname == NULL)
		cmig_lint_report(lint, using_index_fix(lint, added),
						 "UNIQUE constraint %s builds its index on %s under an AccessExclusiveLock",
						 quote_identifier(name_of(lint, added)), cmig_lint_text_table(lint->target));
}

/* Implements the rule disallowed-unique-constraint. */
static void
check_uniques(CmigLint *lint, Node *node)
{
	each_added(lint, node, CONSTR_UNIQUE, check_unique);
}

static void
check_exclusion(CmigLint *lint, const Added *added)
{
	cmig_lint_report(lint, NULL, "an exclusion constraint builds its index on %s under an AccessExclusiveLock and cannot be NOT VALID; create a new table with the constraint, and copy the rows",
					 cmig_lint_text_table(lint->target));
}

/* Implements the rule adding-exclusion-constraint. */
static void
check_exclusions(CmigLint *lint, Node *node)
{
	each_added(lint, node, CONSTR_EXCLUSION, check_exclusion);
}

/* Returns the index's key columns that may contain nulls. */
static List *
nullable_keys(const CmigLint *lint, const CmigLintIndex *index)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, index->keys)
	{
		CmigLintColumn *column = cmig_lint_model_column(lint->target, lfirst(lc));

		if (column && !column->not_null && !cmig_lint_model_proves_not_null(lint->target, column->name))
			result = lappend(result, (char *) column->name);
	}
	return result;
}

static void
check_sets_not_null(CmigLint *lint, const Added *added)
{
	CmigLintIndex *index;
	List	   *columns;

	if (added->constraint->indexname == NULL)
		return;
	index = cmig_lint_model_index(lint->target, added->constraint->indexname);
	columns = index ? nullable_keys(lint, index) : NIL;
	if (columns != NIL)
		cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s%s", not_null_fix(lint, columns), lint->statement->text),
						 "PRIMARY KEY USING INDEX scans %s to make column %s NOT NULL",
						 cmig_lint_text_table(lint->target), cmig_lint_text_names(columns));
}

/* Implements the rule primary-key-sets-not-null. */
static void
check_sets_not_nulls(CmigLint *lint, Node *node)
{
	each_added(lint, node, CONSTR_PRIMARY, check_sets_not_null);
}

const CmigLintRule cmig_lint_constraints[] = {
	{"constraint-missing-not-valid", CMIG_LINT_ERROR, false, check_missing_not_valid, {T_AlterTableStmt}},
	{"adding-foreign-key-constraint", CMIG_LINT_ERROR, false, check_foreign_keys, {T_AlterTableStmt}},
	{"adding-serial-primary-key-field", CMIG_LINT_ERROR, false, check_primary_keys, {T_AlterTableStmt}},
	{"primary-key-sets-not-null", CMIG_LINT_ERROR, false, check_sets_not_nulls, {T_AlterTableStmt}},
	{"disallowed-unique-constraint", CMIG_LINT_ERROR, false, check_uniques, {T_AlterTableStmt}},
	{"adding-exclusion-constraint", CMIG_LINT_ERROR, false, check_exclusions, {T_AlterTableStmt}},
	{NULL}
};
