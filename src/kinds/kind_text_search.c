/*
 * kind_text_search.c
 *	  Text search parsers, templates, dictionaries, and configurations.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

static const CmigProperty properties[] = {
	{"definition"},
};

/*
 * The query for one kind of text search objects.  "prefix" is the prefix of
 * the catalog's column names; "owner" and "definition" are SQL expressions.
 */
#define SQL(catalog, prefix, owner, definition) \
	"SELECT '" catalog "'::regclass::oid, x.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" x." prefix "name::text, format('%I.%I', n.nspname, x." prefix "name), " owner "::text, false, " definition \
	" FROM " catalog " x JOIN pg_namespace n ON n.oid = x." prefix "namespace" \
	" WHERE x." prefix "namespace = ANY ($1)"

/*
 * SQL expression for the option "word", whose value is a function; SQL null if
 * there is no function.
 */
#define FUNCTION(word, column) "'" word " = ' || nullif(x." column ", 0)::regproc::text"

static const char parser_sql[] =
SQL("pg_ts_parser", "prs", "NULL",
	"concat_ws(', ', " FUNCTION("START", "prsstart") ", " FUNCTION("GETTOKEN", "prstoken") ", "
	FUNCTION("END", "prsend") ", " FUNCTION("HEADLINE", "prsheadline") ", " FUNCTION("LEXTYPES", "prslextype") ")");

static const char template_sql[] =
SQL("pg_ts_template", "tmpl", "NULL",
	"concat_ws(', ', " FUNCTION("INIT", "tmplinit") ", " FUNCTION("LEXIZE", "tmpllexize") ")");

/*
 * SQL expression for the options of a dictionary.  Option names are stored as
 * they were quoted when the dictionary was created, which depends on
 * quote_all_identifiers.  In the result, simple names are not quoted, and
 * apostrophes and backslashes in values are doubled.
 */
#define DICTIONARY_OPTIONS_SQL \
	"(SELECT string_agg(coalesce(m.token[1], m.token[2]), '' ORDER BY m.place)" \
	"  FROM regexp_matches(x.dictinitoption, $re$\"([a-z_][a-z0-9_]*)\"|('(?:[^']|'')*'|.)$re$, 'g') WITH ORDINALITY m(token, place))"

static const char dictionary_sql[] =
SQL("pg_ts_dict", "dict", "pg_get_userbyid(x.dictowner)",
	"concat_ws(', ', (SELECT format('TEMPLATE = %I.%I', tn.nspname, t.tmplname) FROM pg_ts_template t"
	" JOIN pg_namespace tn ON tn.oid = t.tmplnamespace WHERE t.oid = x.dicttemplate), " DICTIONARY_OPTIONS_SQL ")");

static const char configuration_sql[] =
SQL("pg_ts_config", "cfg", "pg_get_userbyid(x.cfgowner)",
	"(SELECT format('PARSER = %I.%I', pn.nspname, p.prsname) FROM pg_ts_parser p"
	" JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = x.cfgparser)");

/* All kinds except mappings are created with a list of options. */
static List *
create(const CmigObject *object)
{
	return cmig_ddl_append(NIL, psprintf("CREATE %s %s (%s)", object->kind->word, object->identity, object->values[0]),
						   cmig_kind_drop(object));
}

CmigKind	cmig_kind_ts_parser = {
	.name = "text search parser",.word = "TEXT SEARCH PARSER",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(properties),.sql = parser_sql,.create = create
};

CmigKind	cmig_kind_ts_template = {
	.name = "text search template",.word = "TEXT SEARCH TEMPLATE",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(properties),.sql = template_sql,.create = create
};

CmigKind	cmig_kind_ts_dictionary = {
	.name = "text search dictionary",.word = "TEXT SEARCH DICTIONARY",
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = dictionary_sql,.create = create
};

CmigKind	cmig_kind_ts_configuration = {
	.name = "text search configuration",.word = "TEXT SEARCH CONFIGURATION",
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(properties),.sql = configuration_sql,.create = create
};

/*
 * Mappings, one for each token type.  In PostgreSQL, the configuration depends
 * on the dictionaries; here, its mappings do.
 */

static const CmigProperty mapping_properties[] = {
	{"dictionaries"},
};

static const char mapping_sql[] =
"SELECT 'pg_ts_config'::regclass::oid, c.oid, t.tokid + 1, 'pg_ts_config'::regclass::oid, c.oid, 0,"
" t.alias, format('%I.%I for %I', n.nspname, c.cfgname, t.alias), NULL::text, false, m.dictionaries"
" FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace"
" CROSS JOIN LATERAL (SELECT cm.maptokentype, string_agg(format('%I.%I', dn.nspname, d.dictname), ', ' ORDER BY cm.mapseqno) AS dictionaries"
"  FROM pg_ts_config_map cm JOIN pg_ts_dict d ON d.oid = cm.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace"
"  WHERE cm.mapcfg = c.oid GROUP BY cm.maptokentype) m"
" JOIN LATERAL ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype WHERE c.cfgnamespace = ANY ($1)";

static const char mapping_depends[] =
"SELECT 'pg_ts_config'::regclass::oid, c.oid, m.maptokentype + 1, 'pg_ts_dict'::regclass::oid, m.mapdict, 0"
" FROM pg_ts_config c JOIN pg_ts_config_map m ON m.mapcfg = c.oid WHERE c.cfgnamespace = ANY ($1)";

static char *
mapping_statement(const CmigObject *mapping, const char *verb, bool with)
{
	return psprintf("ALTER TEXT SEARCH CONFIGURATION %s %s MAPPING FOR %s%s%s", mapping->parent->identity, verb,
					cmig_quote(mapping->name), with ? " WITH " : "", with ? mapping->values[0] : "");
}

static char *
drop_mapping(const CmigObject *mapping)
{
	return mapping_statement(mapping, "DROP", false);
}

static List *
create_mapping(const CmigObject *mapping)
{
	return cmig_ddl_append(NIL, mapping_statement(mapping, "ADD", true), drop_mapping(mapping));
}

CmigKind	cmig_kind_ts_mapping = {
	.name = "text search mapping",.word = "MAPPING",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(mapping_properties),
	.sql = mapping_sql,.depends = mapping_depends,
	.create = create_mapping,.drop = drop_mapping
};
