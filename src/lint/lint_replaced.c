/*
 * lint_replaced.c
 *	  cmig.lint rules about privileges and row-level security that are lost
 *	  when a table or view is replaced by a new one with the same name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_facts.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"

#include "catalog/pg_class.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/*
 * A live relation, and the name that it had before the plan.  Another relation
 * now has this name.
 */
typedef struct Replaced
{
	CmigLintTable *original;
	RangeVar   *name;
} Replaced;

/*
 * If the statement creates or renames a relation, sets *name to the new name.
 * If a live relation had this name before, returns that live relation;
 * otherwise, returns NULL.
 */
static CmigLintTable *
find_original(CmigLint *lint, Node *node, RangeVar *name)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			*name = *((CreateStmt *) node)->relation;
			break;
		case T_CreateTableAsStmt:
			*name = *((CreateTableAsStmt *) node)->into->rel;
			break;
		case T_ViewStmt:
			*name = *((ViewStmt *) node)->view;
			break;
		case T_RenameStmt:
			if (lint->target == NULL || ((RenameStmt *) node)->relation == NULL ||
				(((RenameStmt *) node)->renameType != OBJECT_TABLE && ((RenameStmt *) node)->renameType != OBJECT_VIEW &&
				 ((RenameStmt *) node)->renameType != OBJECT_MATVIEW))
				return NULL;
			*name = *((RenameStmt *) node)->relation;
			name->schemaname = (char *) lint->target->schema;
			name->relname = ((RenameStmt *) node)->newname;
			break;
		default:
			return NULL;
	}
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return NULL;
	return cmig_lint_state_original(lint, name);
}

/*
 * Defer a finding about the relation that replaces "original" under the name
 * "name".  At the end of the plan, "holds" decides whether the finding applies.
 */
static void
note(CmigLint *lint, CmigLintFinding *finding, CmigLintTable *original, RangeVar *name,
	 bool (*holds) (CmigLint *lint, void *arg))
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	Replaced   *replaced = palloc(sizeof(Replaced));

	replaced->original = original;
	replaced->name = copyObject(name);
	MemoryContextSwitchTo(old);
	cmig_lint_report_later(lint, finding, true, holds, replaced);
}

/*
 * Callback at the end of the plan: does the new relation still lack row-level
 * security?
 */
static bool
lacks_security(CmigLint *lint, void *arg)
{
	Replaced   *replaced = arg;
	CmigLintTable *table = cmig_lint_state_peek(lint, replaced->name);

	return table && table != replaced->original && !table->row_security;
}

/* Implements the rule row-security-lost. */
static void
check_security(CmigLint *lint, Node *node)
{
	RangeVar	name;
	CmigLintTable *original;
	CmigLintFinding *finding;
	ListCell   *lc;

	if (IsA(node, AlterTableStmt))
	{
		if (!cmig_lint_model_is_shared(lint->target) || !lint->target->row_security)
			return;
		foreach(lc, ((AlterTableStmt *) node)->cmds)
		{
			if (lfirst_node(AlterTableCmd, lc)->subtype == AT_DisableRowSecurity)
				cmig_lint_report(lint, NULL, "DISABLE ROW LEVEL SECURITY shows all rows of %s to every role with privileges on it",
								 cmig_lint_text_name(lint->target));
		}
		return;
	}
	if (IsA(node, ViewStmt))
		return;
	original = find_original(lint, node, &name);
	if (original == NULL || !original->row_security)
		return;
	finding = cmig_lint_report(lint, NULL, "the old table %s has row-level security, but the new one does not",
							   cmig_lint_text_range_var(&name));
	note(lint, finding, original, &name, lacks_security);
}

/*
 * Callback at the end of the plan: have no privileges been granted on the new
 * relation?
 */
static bool
lacks_privileges(CmigLint *lint, void *arg)
{
	Replaced   *replaced = arg;
	CmigLintTable *table = cmig_lint_state_peek(lint, replaced->name);

	return table && table != replaced->original && !table->has_grants;
}

/* Implements the rule privileges-lost. */
static void
check_privileges(CmigLint *lint, Node *node)
{
	RangeVar	name;
	CmigLintTable *original = find_original(lint, node, &name);
	char	   *grants;
	CmigLintFinding *finding;

	if (original == NULL || !original->has_grants || cmig_lint_facts_has_default_privileges())
		return;
	grants = cmig_lint_facts_grants(original->oid, cmig_lint_text_range_var(&name));
	finding = cmig_lint_report(lint, psprintf("%s;\n%s", lint->statement->text, grants),
							   "privileges on the old relation %s are not granted on the new one",
							   cmig_lint_text_range_var(&name));
	note(lint, finding, original, &name, lacks_privileges);
}

const CmigLintRule cmig_lint_replaced[] = {
	{"row-security-lost", CMIG_LINT_ERROR, false, check_security,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt, T_AlterTableStmt}},
	{"privileges-lost", CMIG_LINT_WARNING, false, check_privileges,
	{T_CreateStmt, T_CreateTableAsStmt, T_RenameStmt, T_ViewStmt}},
	{NULL}
};
