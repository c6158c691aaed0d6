/*
 * audit_policy.c
 *	  Checks policies on the log, which are evaluated with a reader's
 *	  privileges.
 *
 * A policy may call built-in functions that change nothing and run no queries,
 * with values of built-in types.  That is sufficient for policies of
 * cmig.enable_rls(), which compare a column with the context.  Extensions'
 * functions are not allowed, because some of them execute their argument.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_policy.h"
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/rowsecurity.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/*
 * Returns true for cstring, internal, and record, the types that occur in the
 * declarations of input functions.
 */
static bool
is_of_input(Oid type)
{
	return type == CSTRINGOID || type == INTERNALOID || type == RECORDOID;
}

/*
 * Returns true if the function is, or works like, an input function: it can
 * convert text to a type that does not occur in its declaration.
 */
static bool
is_input(Form_pg_proc form)
{
	for (int i = 0; i < form->pronargs; i++)
		if (is_of_input(form->proargtypes.values[i]))
			return true;
	return is_of_input(form->prorettype) || strncmp(NameStr(form->proname), "pg_input_", strlen("pg_input_")) == 0;
}

/*
 * Returns true if the function can open a table, given the table's OID.  When
 * the server reads a table's partition key, it evaluates the functions in the
 * key.
 */
static bool
takes_table(Form_pg_proc form)
{
	for (int i = 0; i < form->pronargs; i++)
		if (form->proargtypes.values[i] == OIDOID || form->proargtypes.values[i] == REGCLASSOID)
			return true;
	return false;
}

/* Is this a function that a policy on the log must not call? */
static bool
is_foreign_function(Oid function, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		foreign;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_proc) GETSTRUCT(tuple);

	/*
	 * functions that return xml count as foreign, because query_to_xml() and
	 * similar functions execute their argument
	 */
	foreign = function >= FirstNormalObjectId ||
		form->provolatile == PROVOLATILE_VOLATILE || form->prorettype == XMLOID || is_input(form) ||
		takes_table(form);
	ReleaseSysCache(tuple);
	return foreign;
}

/*
 * Returns true if the node has a user-defined type, which can have casts and
 * checks.
 */
static bool
is_foreign_value(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Param:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_RowExpr:
		case T_Var:
			return exprType(node) >= FirstNormalObjectId;
		default:
			return cmig_is_json_expression_compat(node) && exprType(node) >= FirstNormalObjectId;
	}
}

/* Returns true if the expression can run another role's code. */
static bool
is_foreign(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *entry = lfirst(lc);

			/*
			 * a relation in a sub-select can be a view or have policies,
			 * which can call other roles' functions
			 */
			if (OidIsValid(entry->relid))
				return true;

			/*
			 * XMLTABLE and JSON_TABLE convert text to the types of their
			 * columns
			 */
			if (entry->rtekind == RTE_TABLEFUNC)
				return true;
		}
		return query_tree_walker((Query *) node, is_foreign, context, 0);
	}
	if (check_functions_in_node(node, is_foreign_function, context) || is_foreign_value(node))
		return true;
	return expression_tree_walker(node, is_foreign, context);
}

char *
cmig_audit_policy_find_foreign(Oid oid)
{
	Relation	relation;
	char	   *name = NULL;
	ListCell   *lc;

	if (check_enable_rls(oid, InvalidOid, true) != RLS_ENABLED)
		return NULL;
	relation = table_open(oid, AccessShareLock);
	if (relation->rd_rsdesc)
	{
		foreach(lc, relation->rd_rsdesc->policies)
		{
			RowSecurityPolicy *policy = lfirst(lc);

			if (is_foreign((Node *) policy->qual, NULL))
				name = pstrdup(policy->policy_name);
		}
	}
	table_close(relation, NoLock);
	return name;
}
