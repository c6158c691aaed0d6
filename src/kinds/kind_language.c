/*
 * kind_language.c
 *	  Casts, languages, transforms, and access methods.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

static const CmigProperty properties[] = {
	{"definition"},
};

/* Create an object whose definition is everything after CREATE. */
static List *
create(const CmigObject *object)
{
	return cmig_ddl_append(NIL, psprintf("CREATE %s", object->values[0]), cmig_kind_drop(object));
}

/*
 * Query for the casts, except those from range types to their multirange
 * types, which PostgreSQL creates itself.
 */
static const char cast_sql[] =
"SELECT 'pg_cast'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer, x.name, x.name, NULL::text, false,"
" concat('CAST ', x.name, CASE c.castmethod WHEN 'f' THEN ' WITH FUNCTION ' || c.castfunc::regprocedure WHEN 'i' THEN ' WITH INOUT' ELSE ' WITHOUT FUNCTION' END,"
"  CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)"
" FROM pg_cast c CROSS JOIN LATERAL (SELECT format('(%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name) x"
" WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')";

/*
 * Query for the objects that must be created after a cast.  An expression with
 * a cast depends only on the cast's function, but can be parsed again only if
 * the cast exists.
 */
static const char cast_follows[] =
"SELECT d.classid, d.objid, d.objsubid, 'pg_cast'::regclass::oid, c.oid, 0 FROM pg_cast c JOIN pg_depend d"
" ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = c.castfunc AND d.classid <> 'pg_cast'::regclass WHERE c.oid >= 16384";

CmigKind	cmig_kind_cast = {
	.name = "cast",.word = "CAST",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = cast_sql,.follows = cast_follows,.create = create
};

static const char language_sql[] =
"SELECT 'pg_language'::regclass::oid, l.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" l.lanname::text, quote_ident(l.lanname), pg_get_userbyid(l.lanowner)::text, false,"
" concat(CASE WHEN l.lanpltrusted THEN 'TRUSTED ' END, 'LANGUAGE ', quote_ident(l.lanname), ' HANDLER ' || nullif(l.lanplcallfoid, 0)::regproc::text,"
"  ' INLINE ' || nullif(l.laninline, 0)::regproc::text, ' VALIDATOR ' || nullif(l.lanvalidator, 0)::regproc::text)"
" FROM pg_language l WHERE l.oid >= 16384 AND l.lanname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_language = {
	.name = "language",.word = "LANGUAGE",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = language_sql,.create = create
};

static const char transform_sql[] =
"SELECT 'pg_transform'::regclass::oid, t.oid, 0, NULL::oid, NULL::oid, NULL::integer, x.name, x.name, NULL::text, false,"
" format('TRANSFORM %s (%s)', x.name, concat_ws(', ', 'FROM SQL WITH FUNCTION ' || nullif(t.trffromsql, 0)::regprocedure::text,"
"  'TO SQL WITH FUNCTION ' || nullif(t.trftosql, 0)::regprocedure::text))"
" FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang"
" CROSS JOIN LATERAL (SELECT format('FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname) AS name) x"
" WHERE t.oid >= 16384 AND l.lanname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_transform = {
	.name = "transform",.word = "TRANSFORM",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = transform_sql,.create = create
};

static const char access_method_sql[] =
"SELECT 'pg_am'::regclass::oid, a.oid, 0, NULL::oid, NULL::oid, NULL::integer, a.amname::text, quote_ident(a.amname), NULL::text, false,"
" format('ACCESS METHOD %I TYPE %s HANDLER %s', a.amname, CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, a.amhandler::regproc)"
" FROM pg_am a WHERE a.oid >= 16384 AND a.amname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_access_method = {
	.name = "access method",.word = "ACCESS METHOD",.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(properties),.sql = access_method_sql,.create = create
};
