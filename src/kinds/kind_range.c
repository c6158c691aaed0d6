/*
 * kind_range.c
 *	  Range types.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_range.h"
#include "kinds/kinds.h"

static const CmigProperty properties[] = {
	{"definition"},
};

#define MULTIRANGE "MULTIRANGE_TYPE_NAME = "

/*
 * Query for the range types.  The operator class is left out if it is the
 * default.
 */
static const char range_sql[] =
"SELECT 'pg_type'::regclass::oid, t.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" t.typname::text, format('%I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner)::text, false,"
" concat_ws(', ', 'SUBTYPE = ' || format_type(r.rngsubtype, NULL),"
"  (SELECT format('SUBTYPE_OPCLASS = %I.%I', cn.nspname, c.opcname) FROM pg_opclass c JOIN pg_namespace cn ON cn.oid = c.opcnamespace"
"   WHERE c.oid = r.rngsubopc AND NOT c.opcdefault),"
"  (SELECT format('COLLATION = %I.%I', cn.nspname, c.collname) FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace"
"   WHERE c.oid = r.rngcollation AND c.oid <> (SELECT s.typcollation FROM pg_type s WHERE s.oid = r.rngsubtype)),"
"  'CANONICAL = ' || nullif(r.rngcanonical, 0)::regproc::text, 'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff, 0)::regproc::text,"
"  (SELECT format('" MULTIRANGE "%I.%I', mn.nspname, m.typname) FROM pg_type m JOIN pg_namespace mn ON mn.oid = m.typnamespace"
"   WHERE m.oid = r.rngmultitypid))"
" FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace"
" WHERE t.typnamespace = ANY ($1)";

static List *
create_range(const CmigObject *range)
{
	return cmig_ddl_append(NIL, psprintf("CREATE TYPE %s AS RANGE (%s)", range->identity, range->values[0]),
						   cmig_kind_drop(range));
}

/*
 * Returns the qualified name of the multirange type, which is created and
 * dropped together with the range type.
 */
static const char *
multirange_name(const CmigObject *range)
{
	const char *start = strstr(range->values[0], MULTIRANGE);

	return start ? start + strlen(MULTIRANGE) : NULL;
}

bool
cmig_range_shares_multirange(const CmigObject *range, const CmigObject *other)
{
	const char *name = multirange_name(range),
			   *others = multirange_name(other);

	return name != NULL && others != NULL && strcmp(name, others) == 0;
}

CmigKind	cmig_kind_range = {
	.name = "range type",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_TYPE | CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(properties),.sql = range_sql,.create = create_range,.index_name = multirange_name
};
