/*
 * lint_volatile.c
 *	  Finds volatile functions in a script's expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"
#include "lint/lint_volatile.h"

#include "access/htup_details.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Can the function be called with this number of arguments? */
static bool
takes_arguments(Form_pg_proc form, int count)
{
	if (OidIsValid(form->provariadic))
		return count >= form->pronargs - 1 - form->pronargdefaults;
	return count <= form->pronargs && count >= form->pronargs - form->pronargdefaults;
}

/*
 * Is the function in the given schema or, if "schema" is NULL, in search_path?
 */
static bool
is_visible(CmigLint *lint, Form_pg_proc form, const char *schema)
{
	const char *actual;

	if (form->pronamespace == PG_CATALOG_NAMESPACE)
		return schema == NULL || strcmp(schema, "pg_catalog") == 0;
	if (!lint->reads_facts)
		return false;
	actual = get_namespace_name(form->pronamespace);
	if (actual == NULL)
		return false;
	if (schema)
		return strcmp(actual, schema) == 0;
	return cmig_text_list_has(cmig_lint_session_path(lint), actual);
}

/*
 * Does the call run a volatile function?  If several functions match, returns
 * true only if all of them are volatile.  An unknown function counts as
 * volatile.
 */
static bool
calls_volatile(CmigLint *lint, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	const char *schema = list_length(call->funcname) > 1 ?
	strVal(list_nth(call->funcname, list_length(call->funcname) - 2)) : NULL;
	CmigLintFunction *created = cmig_lint_objects_function(lint, name);
	CatCList   *functions;
	bool		found = false;
	bool		all_volatile = true;

	if (created && !created->is_dropped)
		return created->is_volatile;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (!is_visible(lint, form, schema) || !takes_arguments(form, list_length(call->args)))
			continue;
		found = true;
		if (form->provolatile != PROVOLATILE_VOLATILE)
			all_volatile = false;
	}
	ReleaseSysCacheList(functions);
	return !found || all_volatile;
}

/* The argument of find_volatile(), and its result. */
typedef struct VolatileSearch
{
	CmigLint   *lint;
	const char *found;
} VolatileSearch;

/* raw_expression_tree_walker callback: find a call to a volatile function. */
static bool
find_volatile(Node *node, void *context)
{
	VolatileSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && calls_volatile(search->lint, (FuncCall *) node))
	{
		search->found = strVal(llast(((FuncCall *) node)->funcname));
		return true;
	}
	return raw_expression_tree_walker(node, find_volatile, search);
}

const char *
cmig_lint_volatile_function(CmigLint *lint, Node *expression)
{
	VolatileSearch search = {lint, NULL};

	(void) find_volatile(expression, &search);
	return search.found;
}
