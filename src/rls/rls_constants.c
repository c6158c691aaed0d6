/*
 * rls_constants.c
 *	  Finds the constants that an expression can have as its value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_constants.h"
#include "rls/rls_node.h"
#include "rls/rls_sample.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

List *
cmig_rls_constants(Node *node)
{
	List	   *values = NIL;
	Const	   *value;
	Oid			element;
	ListCell   *lc;

	node = cmig_rls_bare(node);
	if (node == NULL)
		return NIL;
	if (IsA(node, ArrayExpr))
	{
		foreach(lc, ((ArrayExpr *) node)->elements)
		{
			if (IsA(cmig_rls_bare(lfirst(lc)), Const))
				values = lappend(values, cmig_rls_bare(lfirst(lc)));
		}
		return values;
	}
	if (!IsA(node, Const) || ((Const *) node)->constisnull)
		return NIL;
	value = (Const *) node;
	element = get_element_type(value->consttype);
	if (OidIsValid(element) && cmig_rls_sample_is_builtin(element))
	{
		int16		length;
		bool		by_value;
		char		align;
		Datum	   *elements;
		bool	   *nulls;
		int			count;

		get_typlenbyvalalign(element, &length, &by_value, &align);
		deconstruct_array(DatumGetArrayTypeP(value->constvalue), element, length, by_value, align, &elements, &nulls, &count);
		for (int i = 0; i < count; i++)
			if (!nulls[i])
				values = lappend(values, makeConst(element, -1, get_typcollation(element), length, elements[i], false, by_value));
		return values;
	}
	return list_make1(value);
}

List *
cmig_rls_constants_of_query(Query *query, int n)
{
	List	   *values = NIL;
	ListCell   *lc;
	ListCell   *row;

	if (query->setOperations == NULL && n <= list_length(query->targetList))
		values = cmig_rls_constants((Node *) list_nth_node(TargetEntry, query->targetList, n - 1)->expr);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_VALUES)
			foreach(row, entry->values_lists)
		{
			if (n <= list_length(lfirst(row)))
				values = list_concat(values, cmig_rls_constants(list_nth(lfirst(row), n - 1)));
		}
		if (entry->rtekind == RTE_SUBQUERY && query->setOperations)
			values = list_concat(values, cmig_rls_constants_of_query(entry->subquery, n));
	}
	return values;
}
