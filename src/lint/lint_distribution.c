/*
 * lint_distribution.c
 *	  cmig.lint rule about functions of Citus that move the rows of a table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "lint/lint_fix.h"
#include "lint/lint_rules.h"
#include "lint/lint_source.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"

#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#define DISTRIBUTE "create_distributed_table"

/*
 * The functions that move the rows of a table, and where they copy the rows.
 * The first argument of each function is the name of the table.
 */
static const struct
{
	const char *name;
	const char *where;
}			functions[] =

{
	{DISTRIBUTE, "to shards"},
	{"create_reference_table", "to all nodes"},
	{"alter_distributed_table", "to new shards"},
	{"undistribute_table", "to the coordinator"},
};

/*
 * Returns where the called function copies rows.  Returns NULL for a function
 * that is not in the list.
 */
static const char *
copies_where(const FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));

	if (list_length(call->funcname) > 1 && strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0)
		return NULL;
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(name, functions[i].name) == 0)
			return functions[i].where;
	}
	return NULL;
}

/*
 * Returns the argument at the given position of a call, or the argument with
 * the given name.  Returns NULL if there is none.
 */
static Node *
argument(const FuncCall *call, int position, const char *name)
{
	for (int i = 0; i < list_length(call->args); i++)
	{
		Node	   *node = list_nth(call->args, i);

		if (!IsA(node, NamedArgExpr))
		{
			if (i == position)
				return node;
		}
		else if (strcmp(((NamedArgExpr *) node)->name, name) == 0)
			return (Node *) ((NamedArgExpr *) node)->arg;
	}
	return NULL;
}

/* Returns the table that a constant names.  Returns NULL for any other node. */
static RangeVar *
named_table(Node *node)
{
	List	   *names;

	while (node != NULL && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	if (node == NULL || !IsA(node, A_Const) || ((A_Const *) node)->isnull || !IsA(&((A_Const *) node)->val, String) ||
		!SplitIdentifierString(pstrdup(strVal(&((A_Const *) node)->val)), '.', &names))
		return NULL;
	switch (list_length(names))
	{
		case 1:
			return makeRangeVar(NULL, linitial(names), -1);
		case 2:
			return makeRangeVar(linitial(names), lsecond(names), -1);
		default:
			return NULL;
	}
}

/*
 * Returns the statement with create_distributed_table_concurrently() in place
 * of create_distributed_table().  Returns NULL if the statement does not allow
 * this.
 */
static char *
concurrently(CmigLint *lint, const FuncCall *call)
{
	Node	   *column = argument(call, 1, "distribution_column");
	const char *sql;

	if (strcmp(strVal(llast(call->funcname)), DISTRIBUTE) != 0 ||
		column == NULL || !IsA(column, A_Const) || ((A_Const *) column)->isnull)
		return NULL;
	sql = cmig_lint_source_extend(lint->statement->text, DISTRIBUTE, "_concurrently");
	return sql ? psprintf(CMIG_LINT_STEPWISE "%s", sql) : NULL;
}

/* Implements the rule distributing-table. */
static void
check_distribution(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	foreach(lc, ((SelectStmt *) node)->targetList)
	{
		FuncCall   *call = (FuncCall *) lfirst_node(ResTarget, lc)->val;
		const char *where = call && IsA(call, FuncCall) ? copies_where(call) : NULL;
		RangeVar   *name = where ? named_table(argument(call, 0, "table_name")) : NULL;
		CmigLintTable *table;

		if (name == NULL || (lint->reads_facts && !cmig_citus_is_installed()))
			continue;
		table = cmig_lint_state_find(lint, name, false);
		if (cmig_lint_model_is_large(table))
			cmig_lint_report(lint, list_length(((SelectStmt *) node)->targetList) == 1 ? concurrently(lint, call) : NULL,
							 "%s copies the rows of %s %s, and blocks writes to it meanwhile",
							 strVal(llast(call->funcname)), cmig_lint_text_table(table), where);
	}
}

const CmigLintRule cmig_lint_distribution[] = {
	{"distributing-table", CMIG_LINT_ERROR, false, check_distribution, {T_SelectStmt}},
	{NULL}
};
