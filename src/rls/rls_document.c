/*
 * rls_document.c
 *	  Finds the members of a JSON document that an expression reads.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_calls.h"
#include "rls/rls_constants.h"
#include "rls/rls_document.h"
#include "rls/rls_node.h"
#include "rls/rls_sample.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_NAMES 8				/* the maximum number of names in a path */

bool
cmig_rls_document_is(Node *node)
{
	Oid			type = node ? getBaseType(exprType(node)) : InvalidOid;

	return type == JSONOID || type == JSONBOID;
}

/*
 * Returns the member names in a constant operand, such as 'a', '{a,b}', or
 * '$.a.b'.
 */
static List *
member_names(Const *value)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (value->constisnull)
		return NIL;
	if (value->consttype == TEXTOID)
		return list_make1(TextDatumGetCString(value->constvalue));
	if (value->consttype == TEXTARRAYOID)
	{
		foreach(lc, cmig_rls_constants((Node *) value))
		{
			names = lappend(names, TextDatumGetCString(((Const *) lfirst(lc))->constvalue));
		}
	}

	/*
	 * parse the output form of the jsonpath, which shows each member as
	 * ."name"
	 */
	else if (value->consttype == JSONPATHOID)
	{
		char	   *path = cmig_rls_sample_text(value);

		for (char *at = strstr(path, ".\""); at; at = strstr(at, ".\""))
		{
			char	   *end = strchr(at + 2, '"');

			if (end == NULL)
				break;
			names = lappend(names, pnstrdup(at + 2, end - at - 2));
			at = end;
		}
	}
	return names;
}

/*
 * Collect the member names in the constant parts of a concatenated path, such
 * as ('$.a ?  (@ > ' || x || ')')::jsonpath.
 */
static bool
path_walker(Node *node, void *context)
{
	List	  **names = context;

	if (node == NULL || cmig_rls_calls_setting(node))
		return false;
	if (IsA(node, Const) && ((Const *) node)->consttype == TEXTOID && !((Const *) node)->constisnull)
		for (char *at = strchr(TextDatumGetCString(((Const *) node)->constvalue), '.'); at; at = strchr(at, '.'))
		{
			int			length;

			at++;
			length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
			if (length > 0)
				*names = lappend(*names, pnstrdup(at, length));
		}
	return expression_tree_walker(node, path_walker, context);
}

/*
 * Returns the path that an expression such as "data -> 'a' ->> 'b'" reads from
 * a document, and sets *column to the document's column, if there is one.
 */
static List *
member_path(Node *node, Node **column)
{
	List	   *args;
	List	   *path;
	ListCell   *lc;

	node = cmig_rls_bare(node);
	if (node == NULL || IsA(node, Var))
	{
		*column = node;
		return NIL;
	}
	*column = NULL;
	if (IsA(node, SubscriptingRef) && cmig_rls_document_is((Node *) ((SubscriptingRef *) node)->refexpr))
		args = lcons(((SubscriptingRef *) node)->refexpr, list_copy(((SubscriptingRef *) node)->refupperindexpr));
	else
		args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : IsA(node, FuncExpr) ? ((FuncExpr *) node)->args : NIL;
	if (list_length(args) < 2 || !cmig_rls_document_is(linitial(args)))
		return NIL;
	path = member_path(linitial(args), column);
	if (*column == NULL)
		return NIL;
	for_each_from(lc, args, 1)
	{
		ListCell   *name;

		if (IsA(lfirst(lc), Const))
			path = list_concat(path, member_names(lfirst(lc)));
		else if (IsA(lfirst(lc), ArrayExpr))
			foreach(name, cmig_rls_constants(lfirst(lc)))
		{
			path = list_concat(path, member_names(lfirst(name)));
		}
		else if (exprType(lfirst(lc)) == JSONPATHOID)
			(void) path_walker(lfirst(lc), &path);
	}
	return path;
}

/*
 * Returns true for "document ?| names" and "document ?& names", in which the
 * names are alternatives rather than a path.
 */
static bool
asks_for_names(Node *node)
{
	char	   *name = IsA(node, OpExpr) ? get_opname(((OpExpr *) node)->opno) : NULL;

	return name && (strcmp(name, "?|") == 0 || strcmp(name, "?&") == 0);
}

List *
cmig_rls_document_paths(Node *node, Node **column)
{
	List	   *path = member_path(node, column);
	List	   *paths = NIL;
	ListCell   *lc;

	if (path == NIL || list_length(path) > MAX_NAMES)
		return NIL;
	if (!asks_for_names(node))
		return list_make1(path);
	foreach(lc, path)
	{
		paths = lappend(paths, list_make1(lfirst(lc)));
	}
	return paths;
}
