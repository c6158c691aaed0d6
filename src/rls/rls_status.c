/*
 * rls_status.c
 *	  cmig.rls_status: shows which tables have row-level security, by which
 *	  columns, and for which roles.  (cmig.rls_check reports problems.)
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(cmig_rls_status);

/*
 * Reads the rows of cmig.rls_status. $1 is a schema, or null for all schemas.
 * A bypass policy is a permissive policy whose expression is true.
 */
static CmigQuery read_status = {
	"WITH p AS (SELECT p.oid, p.polrelid, u.oid AS role, p.polpermissive AND p.polcmd = '*' AND p.polroles <> '{0}'"
	"   AND p.polqual::text LIKE '{CONST :consttype 16 %:constvalue 1 [% 1 %' AS bypass,"
	"   coalesce(position('[cmig.enable_rls ' IN d.description) > 0, false) AS made"
	"  FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) u(oid)"
	"  LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0),"
	" s AS (SELECT p.polrelid, count(DISTINCT p.oid) AS n, count(DISTINCT p.oid) FILTER (WHERE NOT p.made) AS by_hand,"
	"   string_agg(DISTINCT r.name, ', ') FILTER (WHERE NOT p.bypass) AS roles,"
	"   string_agg(DISTINCT r.name, ', ') FILTER (WHERE p.bypass) AS bypass_roles"
	"  FROM p CROSS JOIN LATERAL (SELECT CASE WHEN p.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.role)) END) r(name)"
	"  GROUP BY p.polrelid),"
	" k AS (SELECT d.refobjid, string_agg(DISTINCT quote_ident(a.attname), ', ') AS columns"
	"  FROM pg_depend d JOIN pg_policy p ON p.oid = d.objid AND p.polrelid = d.refobjid"
	"  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	"  WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 GROUP BY d.refobjid)"
	" SELECT format('%I.%I', n.nspname, c.relname), c.relrowsecurity, c.relforcerowsecurity, k.columns,"
	"  s.roles, s.bypass_roles, coalesce(s.n, 0)::integer, coalesce(s.by_hand, 0)::integer"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN s ON s.polrelid = c.oid LEFT JOIN k ON k.refobjid = c.oid"
	" WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
	" AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit') ELSE n.nspname = $1 END"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
	" ORDER BY n.nspname, c.relname",
	1, {TEXTOID}
};

Datum
cmig_rls_status(PG_FUNCTION_ARGS)
{
	Datum		values[1];
	char		nulls[2] = {0};

	InitMaterializedSRF(fcinfo, 0);
	values[0] = cmig_argument_schema(fcinfo, 0, nulls);
	cmig_query_each(&read_status, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}
