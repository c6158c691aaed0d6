/*
 * rls_made_rows.c
 *	  Invents rows for the tables that a policy's sub-selects read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_made_rows.h"
#include "rls/rls_node.h"
#include "rls/rls_owner.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_ROWS 24				/* maximum number of rows for each tenant in a
								 * table */

/* The policies that apply to a role when it reads a table. */
static CmigQuery read_quals = {
	"SELECT p.polpermissive, p.polqual::text FROM pg_policy p"
	" WHERE p.polrelid = $1 AND p.polcmd IN ('*', 'r') AND (p.polroles = '{0}' OR ($2 <> 0"
	"  AND EXISTS (SELECT FROM unnest(p.polroles) u(oid) WHERE pg_has_role($2, u.oid, 'USAGE')))) ORDER BY p.polname",
	2, {OIDOID, OIDOID}
};

/* Returns the values to try for a column in one tenant's rows. */
static List *
column_values(CmigRlsMaker *maker, RangeTblEntry *entry, AttrNumber attno, Oid type, int whose)
{
	CmigRlsInput input = {0};
	Const	   *value;
	List	   *values;

	input.attno = attno;
	input.type = getBaseType(type);
	input.form = maker->model->form;
	value = cmig_rls_sample(input.type, maker->model->form, whose);
	if (value == NULL)
		return list_make1(cmig_rls_sample_null(type));
	cmig_rls_hints_apply(maker->hints, entry, &input);
	if (input.members)
		value = cmig_rls_sample_document(input.type, maker->model->form, whose, input.members);
	else if (input.form != maker->model->form)
		value = cmig_rls_sample(input.type, input.form, whose);
	if (cmig_rls_input_is_shared(&input, entry->relid))
	{
		maker->model->joins_by_shared = true;
		if (maker->model->tables == CMIG_RLS_TABLES_SHARED)
			value = cmig_rls_sample(input.type, input.form, CMIG_RLS_OWN);
	}
	values = list_make1(value);
	if (input.type == BOOLOID)
		values = list_make2(cmig_rls_sample(BOOLOID, 0, 0), cmig_rls_sample(BOOLOID, 0, 1));
	values = list_concat(values, input.equals);
	values = list_concat(values, input.compares);

	/*
	 * add a value that is likely to be greater than the constants in the
	 * policy
	 */
	if (input.compares && TypeCategory(input.type) == TYPCATEGORY_NUMERIC)
		values = lappend(values, cmig_rls_sample_const(input.type, "30000"));
	if (TypeCategory(input.type) == TYPCATEGORY_DATETIME && (input.type == DATEOID || input.type == TIMESTAMPOID || input.type == TIMESTAMPTZOID))
		values = lappend(values, cmig_rls_sample_const(input.type, "2199-01-01"));
	if (input.null_tested)
		values = lappend(values, cmig_rls_sample_null(input.type));
	return values;
}

RangeTblEntry *
cmig_rls_made_rows(CmigRlsMaker *maker, RangeTblEntry *entry)
{
	int			natts = cmig_rls_columns(entry->relid);
	RangeTblEntry *values = makeNode(RangeTblEntry);
	List	   *types = NIL;
	List	   *names = NIL;

	for (int attno = 1; attno <= natts; attno++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(entry->relid), Int16GetDatum(attno));

		type = HeapTupleIsValid(tuple) ? ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid : InvalidOid;
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
		type = OidIsValid(type) ? getBaseType(type) : INT4OID;
		typmod = -1;
		collation = get_typcollation(type);
		types = lappend_oid(types, type);
		values->coltypes = lappend_oid(values->coltypes, type);
		values->coltypmods = lappend_int(values->coltypmods, typmod);
		values->colcollations = lappend_oid(values->colcollations, collation);
		names = lappend(names, makeString(psprintf("column%d", attno)));
	}
	for (int n = 0; n <= CMIG_RLS_STRANGERS; n++)
	{
		int			whose = n < CMIG_RLS_STRANGERS ? n : CMIG_RLS_OWN;
		List	  **candidates = palloc(sizeof(List *) * natts);
		int			count = 1;
		int			most = maker->tables == 1 ? MAX_ROWS : maker->tables == 2 ? MAX_ROWS / 4 : 1;

		for (int i = 0; i < natts; i++)
		{
			candidates[i] = column_values(maker, entry, i + 1, list_nth_oid(types, i), whose);
			count = Min(count * list_length(candidates[i]), most);
		}
		for (int combination = 0; combination < count; combination++)
		{
			List	   *row = NIL;
			int			rest = combination;

			for (int i = 0; i < natts; i++)
			{
				int			length = list_length(candidates[i]);

				row = lappend(row, copyObject(list_nth(candidates[i], rest % length)));
				rest /= length;
			}
			values->values_lists = lappend(values->values_lists, row);
		}
	}
	values->rtekind = RTE_VALUES;
	values->eref = makeAlias("rows", names);
	values->inFromCl = true;
	return values;
}

/* A policy's USING expression. */
typedef struct Qual
{
	bool		permissive;
	Node	   *tree;
} Qual;

/* Callback that adds the USING expression in a row of the query read_quals. */
static void
take_qual(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **quals = arg;
	Qual	   *qual = palloc(sizeof(Qual));
	bool		isnull;
	char	   *text = cmig_query_text(desc, row, 2);

	qual->permissive = DatumGetBool(cmig_query_datum(desc, row, 1, &isnull));
	qual->tree = text ? stringToNode(text) : NULL;
	*quals = lappend(*quals, qual);
}

Node *
cmig_rls_made_rows_visible(const CmigRlsMaker *maker, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	bool		bound;
	Datum		values[2] = {ObjectIdGetDatum(relid), ObjectIdGetDatum(maker->role)};
	List	   *quals = NIL;
	List	   *permissive = NIL;
	List	   *all;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	class = (Form_pg_class) GETSTRUCT(tuple);
	bound = class->relrowsecurity && !maker->definer &&
		(!OidIsValid(maker->role) || class->relforcerowsecurity ||
		 superuser_arg(maker->role) || !has_privs_of_role(maker->role, class->relowner));
	ReleaseSysCache(tuple);
	if (!bound)
		return NULL;
	cmig_query_each(&read_quals, values, NULL, take_qual, &quals);
	all = NIL;
	foreach(lc, quals)
	{
		Qual	   *qual = lfirst(lc);

		if (qual->tree == NULL)
			continue;
		if (qual->permissive)
			permissive = lappend(permissive, qual->tree);
		else
			all = lappend(all, qual->tree);
	}
	all = lappend(all, permissive ? (Node *) makeBoolExpr(OR_EXPR, permissive, -1) : makeBoolConst(false, false));
	return (Node *) makeBoolExpr(AND_EXPR, list_concat(all, list_make1(makeBoolConst(true, false))), -1);
}
