/*
 * rls_node.c
 *	  Simple functions about expression nodes and table columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/rls_node.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

bool
cmig_rls_is_equality(Oid opno)
{
	char	   *name = get_opname(opno);

	return name && strcmp(name, "=") == 0;
}

Node *
cmig_rls_strip(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/*
 * If the node is "(SELECT expression)" without any other clause, returns the
 * expression; otherwise, returns NULL.
 */
static Node *
selected(Node *node)
{
	SubLink    *link = (SubLink *) node;
	Query	   *query;
	Node	   *expression;

	if (!IsA(node, SubLink) || link->subLinkType != EXPR_SUBLINK)
		return NULL;
	query = castNode(Query, link->subselect);
	if (query->rtable != NIL || query->cteList != NIL || query->jointree->quals != NULL ||
		query->setOperations != NULL || query->hasAggs || query->hasTargetSRFs ||
		query->havingQual != NULL || query->limitCount != NULL || query->limitOffset != NULL ||
		query->targetList == NIL)
		return NULL;

	/*
	 * decrement varlevelsup of the columns, because the expression is moved
	 * out of the sub-select
	 */
	expression = copyObject((Node *) linitial_node(TargetEntry, query->targetList)->expr);
	IncrementVarSublevelsUp(expression, -1, 1);
	return expression;
}

Node *
cmig_rls_unwrap(Node *node)
{
	Node	   *inner;

	for (;;)
	{
		if (node == NULL)
			return NULL;
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else if ((inner = selected(node)) != NULL)
			node = inner;
		else
			return node;
	}
}

Node *
cmig_rls_bare(Node *node)
{
	for (;;)
	{
		node = cmig_rls_unwrap(node);
		if (node == NULL)
			return NULL;
		if (IsA(node, CoerceViaIO))
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->args != NIL &&
				 (((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST ||
				  ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST))
			node = linitial(((FuncExpr *) node)->args);
		else
			return node;
	}
}

int
cmig_rls_columns(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			count;

	if (!HeapTupleIsValid(tuple))
		return 0;
	count = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return count;
}

bool
cmig_rls_is_not_null(Oid relid, AttrNumber column)
{
	HeapTuple	tuple;
	bool		not_null;

	/* system columns are never null (column 0, the whole row, can be null) */
	if (column < 0)
		return true;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(column));
	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}
