/*
 * lint_uses.c
 *	  Finds the relations that queries read and write.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_state.h"
#include "lint/lint_uses.h"

#include "nodes/nodeFuncs.h"

/* A search for a query's relations. */
typedef struct Search
{
	List	   *relations;		/* of RangeVar * */
	List	   *with;			/* of char *: names of WITH queries */
	List	   *updated;		/* of RangeVar *: targets of UPDATE */
} Search;

/* raw_expression_tree_walker callback: collect a query's relations. */
static bool
walk(Node *node, void *context)
{
	Search	   *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		search->relations = lappend(search->relations, node);
	else if (IsA(node, CommonTableExpr))
		search->with = lappend(search->with, ((CommonTableExpr *) node)->ctename);
	else if (IsA(node, UpdateStmt))
		search->updated = lappend(search->updated, ((UpdateStmt *) node)->relation);
	return raw_expression_tree_walker(node, walk, search);
}

/* Returns the statement's query, or NULL if the statement has none. */
static Node *
query_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return statement;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->query;
		case T_ExplainStmt:
			return query_of(((ExplainStmt *) statement)->query);
		default:
			return NULL;
	}
}

/* Find the relations that a statement uses. */
static Search
search_in(Node *statement)
{
	Search		search = {0};
	Node	   *query = query_of(statement);

	/*
	 * skip EXECUTE and similar statements, which the walker does not support
	 */
	if (query && query_of(query))
		(void) walk(query, &search);
	if (IsA(statement, CopyStmt))
	{
		CopyStmt   *copy = (CopyStmt *) statement;

		if (copy->relation)
			search.relations = lappend(search.relations, copy->relation);
		if (copy->query && query_of(copy->query))
			(void) walk(copy->query, &search);
	}
	return search;
}

List *
cmig_lint_uses_of(Node *statement)
{
	Search		search = search_in(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, search.relations)
	{
		RangeVar   *name = lfirst(lc);

		if (name->schemaname || !cmig_text_list_has(search.with, name->relname))
			result = lappend(result, name);
	}
	return result;
}

bool
cmig_lint_uses_shared(CmigLint *lint, Node *statement)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_uses_of(statement))
	{
		if (cmig_lint_model_is_shared(cmig_lint_state_find(lint, lfirst(lc), false)))
			return true;
	}
	return false;
}

List *
cmig_lint_uses_updated(CmigLint *lint, Node *statement)
{
	Search		search = search_in(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, search.updated)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table)
			result = list_append_unique_ptr(result, table);
	}
	return result;
}
