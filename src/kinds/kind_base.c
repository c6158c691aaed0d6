/*
 * kind_base.c
 *	  Base types, and shell types.
 *
 * A base type is created twice: as a shell, which its functions need, and then
 * with its definition, which needs the functions.  Therefore, the definition
 * is a separate object, a child of the type.  Only DROP TYPE ... CASCADE can
 * drop the type; this also drops the functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	DEFINITION
};

static const CmigProperty type_properties[] = {
	[DEFINITION] = {"definition"},
};

static const CmigProperty definition_properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_SILENT},
};

#define FUNCTION_SQL(word, column) "'" word " = ' || nullif(" column ", 0)::regproc::text"

/* The definition of a base type; NULL for a shell type. */
#define DEFINITION_SQL \
	"CASE WHEN t.typisdefined THEN concat_ws(', '," \
	FUNCTION_SQL("INPUT", "t.typinput") "," FUNCTION_SQL("OUTPUT", "t.typoutput") "," \
	FUNCTION_SQL("RECEIVE", "t.typreceive") "," FUNCTION_SQL("SEND", "t.typsend") "," \
	FUNCTION_SQL("TYPMOD_IN", "t.typmodin") "," FUNCTION_SQL("TYPMOD_OUT", "t.typmodout") "," \
	FUNCTION_SQL("ANALYZE", "t.typanalyze") "," "'SUBSCRIPT = ' || CASE WHEN t.typsubscript >= 16384 THEN t.typsubscript::regproc::text END" "," \
	" 'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'VARIABLE' ELSE t.typlen::text END," \
	" CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END," \
	" 'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4' ELSE 'double' END," \
	" 'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END," \
	" 'CATEGORY = ' || nullif(quote_literal(t.typcategory::text), quote_literal('U')), CASE WHEN t.typispreferred THEN 'PREFERRED = true' END," \
	" 'DEFAULT = ' || quote_literal(t.typdefault), 'ELEMENT = ' || format_type(nullif(t.typelem, 0), NULL)," \
	" 'DELIMITER = ' || nullif(quote_literal(t.typdelim::text), quote_literal(',')), CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END) END"

#define FROM_SQL \
	" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typnamespace = ANY ($1)" \
	" AND t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)"

static const char type_sql[] =
"SELECT 'pg_type'::regclass::oid, t.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" t.typname::text, format('%I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner)::text, false, " DEFINITION_SQL
FROM_SQL;

static const char definition_sql[] =
"SELECT 'pg_type'::regclass::oid, t.oid, -1, 'pg_type'::regclass::oid, t.oid, 0,"
" t.typname::text, format('%I.%I', n.nspname, t.typname), NULL::text, false, " DEFINITION_SQL
FROM_SQL " AND t.typisdefined";

/*
 * Query for dependencies: a base type's definition depends on the functions
 * that it names, and other functions that use the type depend on the
 * definition.
 */
static const char definition_depends[] =
"WITH f AS (SELECT t.oid AS type, d.refobjid AS function FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass"
"  AND d.objid = t.oid AND d.refclassid = 'pg_proc'::regclass"
"  WHERE t.typnamespace = ANY ($1) AND t.typtype = 'b' AND t.typisdefined)"
" SELECT 'pg_type'::regclass::oid, type, -1, 'pg_proc'::regclass::oid, function, 0 FROM f"
" UNION ALL SELECT 'pg_proc'::regclass::oid, d.objid, 0, 'pg_type'::regclass::oid, d.refobjid, -1"
" FROM (SELECT DISTINCT type FROM f) b JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass AND d.refobjid = b.type"
" WHERE d.deptype = 'n' AND NOT EXISTS (SELECT FROM f WHERE f.type = b.type AND f.function = d.objid)";

/*
 * Returns DROP TYPE.  For a base type, CASCADE also drops the type's
 * functions.
 */
static char *
drop_type(const CmigObject *type)
{
	return psprintf("DROP TYPE %s%s", type->identity, type->values[DEFINITION] ? " CASCADE" : "");
}

/* Create the shell type, which a base type's functions need. */
static List *
create_shell(const CmigObject *type)
{
	return cmig_ddl_append(NIL, psprintf("CREATE TYPE %s", type->identity), drop_type(type));
}

/*
 * Create the type's definition.  The undo makes the type a shell type again,
 * without its functions.
 */
static List *
create_definition(const CmigObject *definition)
{
	return cmig_ddl_append(NIL, psprintf("CREATE TYPE %s (%s)", definition->identity, definition->values[DEFINITION]),
						   psprintf("DROP TYPE %s CASCADE;\nCREATE TYPE %s", definition->identity, definition->identity));
}

CmigKind	cmig_kind_base_type = {
	.name = "type",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_TYPE | CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(type_properties),
	.sql = type_sql,.create = create_shell,.drop = drop_type
};

CmigKind	cmig_kind_base_definition = {
	.name = "definition of a type",.word = "TYPE",.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(definition_properties),
	.sql = definition_sql,.depends = definition_depends,.create = create_definition
};
