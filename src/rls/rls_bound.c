/*
 * rls_bound.c
 *	  Limits the queries in a policy's expression so that trying them is
 *	  quick.
 *
 * A recursive query or generate_series() may return any number of rows, so
 * limits are added.  This module also makes sub-selects return the row that is
 * most likely to show a leak.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/rls_bound.h"
#include "rls/rls_node.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#define MAX_RECURSION 1000		/* maximum number of rows of a recursive query */
#define MAX_SERIES 2000			/* maximum number of rows of generate_series() */

/* Returns a constant for a query's limitCount. */
static Node *
row_count(int64 count)
{
	return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(count), false, FLOAT8PASSBYVAL);
}

/*
 * Remove ORDER BY from a sub-select with LIMIT, so that it returns the first of
 * the made-up rows.  This row belongs to a stranger (another tenant).  In the
 * real tables, any row could come first, so this is the worst case.
 */
void
cmig_rls_bound_any_row(Query *query)
{
	if (query->limitCount != NULL && query->distinctClause == NIL)
		query->sortClause = NIL;
}

/*
 * Returns a range table entry for "SELECT * FROM recursive_query LIMIT ...".
 * A recursive query may never end, but PostgreSQL evaluates a recursive query
 * only until enough rows have been read.
 */
RangeTblEntry *
cmig_rls_bound_recursion(RangeTblEntry *entry)
{
	RangeTblEntry *limited = makeNode(RangeTblEntry);
	RangeTblEntry *inner = copyObject(entry);
	RangeTblRef *reference = makeNode(RangeTblRef);
	Query	   *query = makeNode(Query);
	ListCell   *lc;

	inner->ctelevelsup++;
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(inner);
	query->jointree = makeFromExpr(list_make1(reference), NULL);
	foreach(lc, entry->coltypes)
	{
		int			n = foreach_current_index(lc);
		Oid			type = getBaseType(lfirst_oid(lc));

		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) makeVar(1, n + 1, type, -1, list_nth_oid(entry->colcollations, n), 0),
													n + 1, pstrdup(strVal(list_nth(entry->eref->colnames, n))), false));
	}
	query->limitCount = row_count(MAX_RECURSION);
	query->limitOption = LIMIT_OPTION_COUNT;
	limited->rtekind = RTE_SUBQUERY;
	limited->subquery = query;
	limited->alias = entry->alias;
	limited->eref = entry->eref;
	limited->inFromCl = entry->inFromCl;
	return limited;
}

/*
 * Add LIMIT 1 to a scalar sub-select.  With the real tables, the sub-select
 * presumably returns at most one row.  With the made-up rows, it may return
 * several, which would raise an error.
 */
void
cmig_rls_bound_one_row(SubLink *link)
{
	Query	   *query = (Query *) link->subselect;

	if (link->subLinkType != EXPR_SUBLINK || !IsA(query, Query) || query->limitCount != NULL)
		return;
	query->limitCount = row_count(1);
	query->limitOption = LIMIT_OPTION_COUNT;
	cmig_rls_bound_any_row(query);
}

/*
 * Limit the length of a series by moving its end close to its start.  "call" is
 * the original call of generate_series(), and "made" is the converted call,
 * which is modified in place.  Returns false if the step is not a small
 * constant.
 */
bool
cmig_rls_bound_series(FuncExpr *call, FuncExpr *made)
{
	bool		is_int8 = call->funcresulttype == INT8OID;
	MinMaxExpr *end = makeNode(MinMaxExpr);
	int64		step = 1;
	int64		reach;
	bool		known = true;

	if (list_length(call->args) == 3)
	{
		Const	   *given = (Const *) cmig_rls_bare(lthird(call->args));

		if (IsA(given, Const) && !given->constisnull && (given->consttype == INT4OID || given->consttype == INT8OID))
			step = given->consttype == INT8OID ? DatumGetInt64(given->constvalue) : DatumGetInt32(given->constvalue);
		else
			known = false;
		if (step < -MAX_SERIES || step > MAX_SERIES)
			known = false;
	}
	reach = known ? step * MAX_SERIES : 0;
	end->minmaxtype = call->funcresulttype;
	end->op = step > 0 ? IS_LEAST : IS_GREATEST;
	end->location = -1;
	end->args = list_make2(lsecond(made->args),
						   makeFuncExpr(is_int8 ? F_INT8PL : F_INT4PL, call->funcresulttype,
										list_make2(copyObject(linitial(made->args)),
												   is_int8 ? (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(reach), false, FLOAT8PASSBYVAL) :
												   (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum((int32) reach), false, true)),
										InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
	lsecond(made->args) = end;
	return known;
}
