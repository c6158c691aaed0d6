/*
 * kind_locale.c
 *	  Collations and conversions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

static const CmigProperty properties[] = {
	{"definition"},
};

/*
 * Query for the collations.  Some columns of pg_collation exist only in
 * certain PostgreSQL versions.  Therefore, they are read from the row as
 * jsonb.
 */
static const char collation_sql[] =
"SELECT 'pg_collation'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.collname::text, format('%I.%I', n.nspname, c.collname), pg_get_userbyid(c.collowner)::text, false,"
" concat_ws(', ', 'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'd' THEN 'default' ELSE 'libc' END,"
"  CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END,"
"  'LOCALE = ' || quote_literal(coalesce(j ->> 'colllocale', j ->> 'colliculocale',"
"   CASE WHEN j ->> 'collcollate' = j ->> 'collctype' THEN j ->> 'collcollate' END)),"
"  CASE WHEN c.collprovider = 'c' AND j ->> 'collcollate' <> j ->> 'collctype' THEN"
"   format('LC_COLLATE = %L, LC_CTYPE = %L', j ->> 'collcollate', j ->> 'collctype') END,"
"  'RULES = ' || quote_literal(j ->> 'collicurules'))"
" FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace CROSS JOIN LATERAL to_jsonb(c) j"
" WHERE c.collnamespace = ANY ($1)";

static const char conversion_sql[] =
"SELECT 'pg_conversion'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.conname::text, format('%I.%I', n.nspname, c.conname), pg_get_userbyid(c.conowner)::text, false,"
" format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' END, n.nspname, c.conname,"
"  pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc)"
" FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.connamespace = ANY ($1)";

static List *
create_collation(const CmigObject *collation)
{
	return cmig_ddl_append(NIL, psprintf("CREATE COLLATION %s (%s)", collation->identity, collation->values[0]),
						   cmig_kind_drop(collation));
}

CmigKind	cmig_kind_collation = {
	.name = "collation",.word = "COLLATION",.flags = CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(properties),.sql = collation_sql,.create = create_collation
};

static List *
create_conversion(const CmigObject *conversion)
{
	return cmig_ddl_append(NIL, conversion->values[0], cmig_kind_drop(conversion));
}

CmigKind	cmig_kind_conversion = {
	.name = "conversion",.word = "CONVERSION",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = conversion_sql,.create = create_conversion
};
