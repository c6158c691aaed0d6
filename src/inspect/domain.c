/*
 * domain.c
 *	  Determines whether a domain has constraints.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/domain.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

/* Does the domain itself have a CHECK constraint? */
static bool
has_check(Oid domain)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(domain));
	scan = systable_beginscan(catalog, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
		found = ((Form_pg_constraint) GETSTRUCT(row))->contype == CONSTRAINT_CHECK;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

bool
cmig_domain_is_checked(Oid type)
{
	HeapTuple	row;

	while (HeapTupleIsValid(row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type))))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(row);
		bool		is_domain = form->typtype == TYPTYPE_DOMAIN;
		bool		not_null = form->typnotnull;
		Oid			base = form->typbasetype;

		ReleaseSysCache(row);
		if (!is_domain)
			return false;
		if (not_null || has_check(type))
			return true;
		type = base;
	}
	return false;
}

/* expression_tree_walker callback: implements cmig_domain_runs_code(). */
static bool
find_code(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstNormalObjectId)
		return true;
	if (IsA(node, CoerceToDomain) && cmig_domain_is_checked(((CoerceToDomain *) node)->resulttype))
		return true;
	return expression_tree_walker(node, find_code, nothing);
}

bool
cmig_domain_runs_code(Node *expression)
{
	return find_code(expression, NULL);
}
