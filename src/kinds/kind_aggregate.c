/*
 * kind_aggregate.c
 *	  Aggregates.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	ARGUMENTS,
	DEFINITION
};

static const CmigProperty properties[] = {
	[ARGUMENTS] = {"arguments"},
	[DEFINITION] = {"definition"},
};

#define FUNCTION_OPTION(word, column) \
	" CASE WHEN a." column " <> 0 THEN '" word " = ' || a." column "::regproc::text END,"

/*
 * Query for the aggregates.  The identity has the form of a function's
 * identity, as GRANT requires.
 */
static const char aggregate_sql[] =
"SELECT 'pg_proc'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.proname::text, format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),"
" pg_get_userbyid(p.proowner)::text, false,"
" format('%I.%I(%s)', n.nspname, p.proname, coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*')),"
" concat_ws(', ', 'SFUNC = ' || a.aggtransfn::regproc::text, 'STYPE = ' || format_type(a.aggtranstype, NULL),"
" CASE WHEN a.aggtransspace <> 0 THEN 'SSPACE = ' || a.aggtransspace END,"
FUNCTION_OPTION("FINALFUNC", "aggfinalfn")
" CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,"
" CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END"
"  THEN 'FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'"
"  ELSE 'READ_WRITE' END END,"
FUNCTION_OPTION("COMBINEFUNC", "aggcombinefn")
FUNCTION_OPTION("SERIALFUNC", "aggserialfn")
FUNCTION_OPTION("DESERIALFUNC", "aggdeserialfn")
" 'INITCOND = ' || quote_literal(a.agginitval),"
FUNCTION_OPTION("MSFUNC", "aggmtransfn")
FUNCTION_OPTION("MINVFUNC", "aggminvtransfn")
" CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END,"
" CASE WHEN a.aggmtransspace <> 0 THEN 'MSSPACE = ' || a.aggmtransspace END,"
FUNCTION_OPTION("MFINALFUNC", "aggmfinalfn")
" CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,"
" CASE WHEN a.aggmtransfn <> 0 AND a.aggmfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END"
"  THEN 'MFINALFUNC_MODIFY = ' || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'"
"  ELSE 'READ_WRITE' END END,"
" 'MINITCOND = ' || quote_literal(a.aggminitval),"
" (SELECT format('SORTOP = OPERATOR(%I.%s)', sn.nspname, o.oprname) FROM pg_operator o"
"  JOIN pg_namespace sn ON sn.oid = o.oprnamespace WHERE o.oid = a.aggsortop),"
" CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,"
" CASE a.aggkind WHEN 'h' THEN 'HYPOTHETICAL' END)"
" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_aggregate a ON a.aggfnoid = p.oid"
" WHERE p.pronamespace = ANY ($1)";

static char *
reference(const CmigObject *aggregate)
{
	return psprintf("AGGREGATE %s", aggregate->values[ARGUMENTS]);
}

static List *
create_aggregate(const CmigObject *aggregate)
{
	return cmig_ddl_append(NIL, psprintf("CREATE AGGREGATE %s (%s)", aggregate->values[ARGUMENTS],
										 aggregate->values[DEFINITION]),
						   cmig_kind_drop(aggregate));
}

CmigKind	cmig_kind_aggregate = {
	.name = "aggregate",.word = "AGGREGATE",.grant_word = "FUNCTION",.default_type = 'f',
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),
	.sql = aggregate_sql,.create = create_aggregate,.reference = reference
};
