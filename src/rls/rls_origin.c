/*
 * rls_origin.c
 *	  Finds the table column from which a value in a sub-select comes.
 *
 * A column is followed through sub-selects in FROM, WITH queries, and joins.
 * For a UNION, only the first query is followed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_node.h"
#include "rls/rls_origin.h"

#include "miscadmin.h"
#include "parser/parsetree.h"

/*
 * Returns the WITH query to which a range table entry refers, and sets *around
 * to the queries that enclose it.
 */
static Query *
named_query(List *queries, const RangeTblEntry *entry, List **around)
{
	ListCell   *lc;

	if (entry->ctelevelsup >= list_length(queries))
		return NULL;
	*around = list_copy_tail(queries, entry->ctelevelsup);
	foreach(lc, linitial_node(Query, *around)->cteList)
	{
		CommonTableExpr *named = lfirst_node(CommonTableExpr, lc);

		if (strcmp(named->ctename, entry->ctename) == 0 && IsA(named->ctequery, Query))
			return (Query *) named->ctequery;
	}
	return NULL;
}

Node *
cmig_rls_origin_output(Query *query, int n, List **queries)
{
	TargetEntry *target;

	*queries = lcons(query, *queries);
	while (query->setOperations)
	{
		Node	   *first = query->setOperations;

		while (IsA(first, SetOperationStmt))
			first = ((SetOperationStmt *) first)->larg;
		query = rt_fetch(castNode(RangeTblRef, first)->rtindex, query->rtable)->subquery;
		*queries = lcons(query, *queries);
	}
	if (n < 1 || n > list_length(query->targetList))
		return NULL;
	target = list_nth_node(TargetEntry, query->targetList, n - 1);
	return target->resjunk ? NULL : (Node *) target->expr;
}

bool
cmig_rls_origin(const List *queries, Node *node, RangeTblEntry **entry, AttrNumber *attno)
{
	Var		   *var = (Var *) cmig_rls_bare(node);
	List	   *around;
	Query	   *inner = NULL;
	Node	   *output;

	check_stack_depth();
	if (var == NULL || !IsA(var, Var) || var->varattno <= 0 || var->varlevelsup > list_length(queries))
		return false;
	*attno = var->varattno;
	*entry = NULL;
	if (var->varlevelsup == list_length(queries))
		return true;
	around = list_copy_tail(queries, var->varlevelsup);
	*entry = rt_fetch(var->varno, linitial_node(Query, around)->rtable);
	switch ((*entry)->rtekind)
	{
		case RTE_RELATION:
			return true;
		case RTE_JOIN:
			return var->varattno <= list_length((*entry)->joinaliasvars) &&
				cmig_rls_origin(around, list_nth((*entry)->joinaliasvars, var->varattno - 1), entry, attno);
		case RTE_SUBQUERY:
			inner = (*entry)->subquery;
			break;
		case RTE_CTE:
			inner = named_query(list_copy(around), *entry, &around);
			break;
		default:
			break;
	}
	if (inner == NULL)
		return false;
	output = cmig_rls_origin_output(inner, var->varattno, &around);
	return output && cmig_rls_origin(around, output, entry, attno);
}
