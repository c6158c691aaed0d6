/*
 * other.c
 *	  All other kinds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_user_mapping.h"

#include "kinds/internal.h"

/* Collations and conversions */

static const CmigProperty definition_properties[] = {
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
" concat_ws(', ', 'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'"
" WHEN 'd' THEN 'default' ELSE 'libc' END,"
"  CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END,"
"  'LOCALE = ' || quote_literal(coalesce(j ->> 'colllocale', j ->> 'colliculocale',"
"   CASE WHEN j ->> 'collcollate' = j ->> 'collctype' THEN j ->> 'collcollate' END)),"
"  CASE WHEN c.collprovider = 'c' AND j ->> 'collcollate' <> j ->> 'collctype' THEN"
"   format('LC_COLLATE = %L, LC_CTYPE = %L', j ->> 'collcollate', j ->> 'collctype') END,"
"  'RULES = ' || quote_literal(j ->> 'collicurules'))"
" FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace CROSS JOIN"
" LATERAL to_jsonb(c.*) j"
" WHERE @c.collnamespace";

static const char conversion_sql[] =
"SELECT 'pg_conversion'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.conname::text, format('%I.%I', n.nspname, c.conname), pg_get_userbyid(c.conowner)::text, false,"
" format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault"
" THEN 'DEFAULT ' END, n.nspname, c.conname,"
"  pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc)"
" FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE @c.connamespace";

CmigKind	cmig_kind_collation = {
	.name = "collation",.word = "COLLATION",.flags = CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(definition_properties),.catalog = CollationRelationId,
	.sql = collation_sql,.creates =
	"CREATE COLLATION {identity} ({definition})"
};

CmigKind	cmig_kind_conversion = {
	.name = "conversion",.word = "CONVERSION",.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(definition_properties),.catalog = ConversionRelationId,
	.sql = conversion_sql,.creates = "{definition}"
};

/* Text search parsers, templates, dictionaries, and configurations */

/*
 * The query for one kind of text search objects.  "prefix" is the prefix of
 * the catalog's column names; "owner" and "definition" are SQL expressions.
 */
#define SQL(catalog, prefix, owner, definition) \
	"SELECT '" catalog "'::regclass::oid, x.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" x." prefix "name::text, format('%I.%I', n.nspname, x." prefix "name), " owner "::text, false, " definition \
	" FROM " catalog " x JOIN pg_namespace n ON n.oid = x." prefix "namespace" \
	" WHERE @x." prefix "namespace"

/*
 * SQL expression for the option "word", whose value is a function; SQL null if
 * there is no function.
 */
#define FUNCTION(word, column) "'" word " = ' || nullif(x." column ", 0)::regproc::text"

static const char parser_sql[] =
SQL("pg_ts_parser", "prs", "NULL",
	"concat_ws(', ', " FUNCTION("START", "prsstart") ", " FUNCTION("GETTOKEN", "prstoken") ", "
	FUNCTION("END", "prsend") ", " FUNCTION("HEADLINE",
											"prsheadline") ", " FUNCTION("LEXTYPES",
																		 "prslextype") ")");

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
	"concat_ws(', ', (SELECT format('TEMPLATE = %I.%I', tn.nspname, t.tmplname)"
	" FROM pg_ts_template t"
	" JOIN pg_namespace tn ON tn.oid = t.tmplnamespace WHERE t.oid = x.dicttemplate), " DICTIONARY_OPTIONS_SQL ")");

static const char configuration_sql[] =
SQL("pg_ts_config", "cfg", "pg_get_userbyid(x.cfgowner)",
	"(SELECT format('PARSER = %I.%I', pn.nspname, p.prsname) FROM pg_ts_parser p"
	" JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = x.cfgparser)");

/* All kinds except mappings are created with a list of options. */
#define CREATE_WITH_OPTIONS "CREATE {word} {identity} ({definition})"

CmigKind	cmig_kind_ts_parser = {
	.name = "text search parser",.word = "TEXT SEARCH PARSER",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(definition_properties),.catalog = TSParserRelationId,
	.sql = parser_sql,.creates = CREATE_WITH_OPTIONS
};

CmigKind	cmig_kind_ts_template = {
	.name = "text search template",.word = "TEXT SEARCH TEMPLATE",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(definition_properties),.catalog = TSTemplateRelationId,
	.sql = template_sql,.creates = CREATE_WITH_OPTIONS
};

CmigKind	cmig_kind_ts_dictionary = {
	.name = "text search dictionary",.word = "TEXT SEARCH DICTIONARY",
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(definition_properties),.catalog = TSDictionaryRelationId,
	.sql = dictionary_sql,.creates = CREATE_WITH_OPTIONS
};

CmigKind	cmig_kind_ts_configuration = {
	.name = "text search configuration",.word = "TEXT SEARCH CONFIGURATION",
	.flags = CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(definition_properties),.catalog = TSConfigRelationId,
	.sql = configuration_sql,.creates = CREATE_WITH_OPTIONS
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
"  FROM pg_ts_config_map cm JOIN pg_ts_dict d ON d.oid = cm.mapdict"
" JOIN pg_namespace dn ON dn.oid = d.dictnamespace"
"  WHERE cm.mapcfg = c.oid GROUP BY cm.maptokentype) m"
" JOIN LATERAL ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype WHERE @c.cfgnamespace";

static const char mapping_depends[] =
"SELECT 'pg_ts_config'::regclass::oid, c.oid, m.maptokentype + 1, 'pg_ts_dict'::regclass::oid, m.mapdict, 0"
" FROM pg_ts_config c JOIN pg_ts_config_map m ON m.mapcfg = c.oid WHERE @c.cfgnamespace";

CmigKind	cmig_kind_ts_mapping = {
	.name = "text search mapping",.word = "MAPPING",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(mapping_properties),
	.catalog = TSConfigRelationId,
	.sql = mapping_sql,.depends = mapping_depends,
	.creates = "ALTER TEXT SEARCH CONFIGURATION {parent} ADD MAPPING FOR {name} WITH {dictionaries}",
	.drops = "ALTER TEXT SEARCH CONFIGURATION {parent} DROP MAPPING FOR {name}"
};

/* Casts, languages, transforms, and access methods */

/*
 * Query for the casts, except those from range types to their multirange
 * types, which PostgreSQL creates itself.
 */
static const char cast_sql[] =
"SELECT 'pg_cast'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer, x.name, x.name, NULL::text, false,"
" concat('CAST ', x.name, CASE c.castmethod WHEN 'f'"
" THEN ' WITH FUNCTION ' || c.castfunc::regprocedure WHEN 'i' THEN ' WITH INOUT' ELSE ' WITHOUT FUNCTION' END,"
"  CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)"
" FROM pg_cast c CROSS JOIN"
" LATERAL (SELECT format('(%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name) x"
" WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d"
" WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')";

/* Casts without a function; those of extensions are there before. */
#define PLAIN_CASTS \
	"(SELECT oid, casttarget FROM pg_cast c WHERE oid >= 16384 AND castmethod <> 'f'" \
	" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass" \
	" AND d.objid = c.oid AND d.deptype = 'e'))"

/* Nodes for which the server has used a cast without a function. */
#define CAST_NODES "\\{(COERCEVIAIO|RELABELTYPE|ARRAYCOERCEEXPR) "

/*
 * Query for the objects that must be created after a cast.  An expression with
 * a cast depends only on the cast's function, but can be parsed again only if
 * the cast exists.  Where there is no function, it depends on nothing, and may
 * need each cast to the type that it has as its result.
 */
static const char cast_follows[] =
"SELECT d.classid, d.objid, d.objsubid, 'pg_cast'::regclass::oid, c.oid, 0 FROM pg_cast c"
" JOIN pg_depend d"
" ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = c.castfunc"
" AND d.classid <> 'pg_cast'::regclass WHERE c.oid >= 16384"
" UNION ALL SELECT e.class, e.oid, 0, 'pg_cast'::regclass::oid, c.oid, 0"
" FROM " PLAIN_CASTS " c CROSS JOIN ("
" SELECT 'pg_attrdef'::regclass::oid, oid, adbin::text FROM pg_attrdef"
" UNION ALL SELECT 'pg_constraint'::regclass::oid, oid, conbin::text FROM pg_constraint"
" UNION ALL SELECT 'pg_rewrite'::regclass::oid, oid, concat(ev_qual, ev_action) FROM pg_rewrite"
" UNION ALL SELECT 'pg_class'::regclass::oid, indexrelid, concat(indexprs, indpred) FROM pg_index"
" UNION ALL SELECT 'pg_class'::regclass::oid, partrelid, partexprs::text FROM pg_partitioned_table"
" UNION ALL SELECT 'pg_policy'::regclass::oid, oid, concat(polqual, polwithcheck) FROM pg_policy"
" UNION ALL SELECT 'pg_proc'::regclass::oid, oid, concat(prosqlbody, proargdefaults) FROM pg_proc"
" WHERE oid >= 16384"
" UNION ALL SELECT 'pg_trigger'::regclass::oid, oid, tgqual::text FROM pg_trigger"
" UNION ALL SELECT 'pg_type'::regclass::oid, oid, typdefaultbin::text FROM pg_type"
" UNION ALL SELECT 'pg_statistic_ext'::regclass::oid, oid, stxexprs::text FROM pg_statistic_ext"
" UNION ALL SELECT 'pg_publication_rel'::regclass::oid, oid, prqual::text FROM pg_publication_rel"
") e (class, oid, tree) WHERE EXISTS " PLAIN_CASTS " AND e.oid >= 16384"
" AND e.tree ~ '" CAST_NODES "' AND strpos(e.tree, format(' :resulttype %s ', c.casttarget)) > 0";

CmigKind	cmig_kind_cast = {
	.name = "cast",.word = "CAST",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(definition_properties),.catalog = CastRelationId,
	.sql = cast_sql,.follows = cast_follows,.creates =
	"CREATE {definition}"
};

static const char language_sql[] =
"SELECT 'pg_language'::regclass::oid, l.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" l.lanname::text, quote_ident(l.lanname), pg_get_userbyid(l.lanowner)::text, false,"
" concat(CASE WHEN l.lanpltrusted"
" THEN 'TRUSTED ' END, 'LANGUAGE ', quote_ident(l.lanname), ' HANDLER ' || nullif(l.lanplcallfoid, 0)::regproc::text,"
"  ' INLINE ' || nullif(l.laninline, 0)::regproc::text, ' VALIDATOR ' || nullif(l.lanvalidator, 0)::regproc::text)"
" FROM pg_language l WHERE l.oid >= 16384 AND l.lanname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_language = {
	.name = "language",.word = "LANGUAGE",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(definition_properties),.catalog = LanguageRelationId,
	.sql = language_sql,.creates = "CREATE {definition}"
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
	CMIG_PROPERTIES(definition_properties),.catalog = TransformRelationId,
	.sql = transform_sql,.creates = "CREATE {definition}"
};

static const char access_method_sql[] =
"SELECT 'pg_am'::regclass::oid, a.oid, 0, NULL::oid, NULL::oid, NULL::integer, a.amname::text, quote_ident(a.amname), NULL::text, false,"
" format('ACCESS METHOD %I TYPE %s HANDLER %s', a.amname, CASE a.amtype WHEN 't' THEN 'TABLE'"
" ELSE 'INDEX' END, a.amhandler::regproc)"
" FROM pg_am a WHERE a.oid >= 16384 AND a.amname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_access_method = {
	.name = "access method",.word = "ACCESS METHOD",.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(definition_properties),.catalog = AccessMethodRelationId,
	.sql = access_method_sql,.creates = "CREATE {definition}"
};

/* Publications, and the tables and schemas in them */

static const CmigProperty publication_properties[] = {
	[CMIG_PUBLICATION_ALL_TABLES] = {"all tables", CMIG_PROPERTY_OPTIONAL},
	[CMIG_PUBLICATION_PUBLISH] = {"publish", CMIG_PROPERTY_REPLACES},
	[CMIG_PUBLICATION_VIA_ROOT] = {"publish via partition root",
	CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_REPLACES},
};

static const char publication_sql[] =
"SELECT 'pg_publication'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.pubname::text, quote_ident(p.pubname), pg_get_userbyid(p.pubowner)::text, false,"
" CASE WHEN p.puballtables THEN 't' END,"
" concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,"
"  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),"
" CASE WHEN p.pubviaroot THEN 'true' END"
" FROM pg_publication p WHERE p.oid >= 16384";

#define PUBLICATION_OPTIONS "publish = '{publish}', publish_via_partition_root = {publish via partition root|false}"

CmigKind	cmig_kind_publication = {
	.name = "publication",.word = "PUBLICATION",
	.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(publication_properties),
	.catalog = PublicationRelationId,
	.sql = publication_sql,
	.creates = "CREATE PUBLICATION {identity}[{?all tables} FOR ALL TABLES] WITH (" PUBLICATION_OPTIONS ")",
	.replaces = "ALTER PUBLICATION {identity} SET (" PUBLICATION_OPTIONS ")"
};

/*
 * Members
 */

static const CmigProperty member_properties[] = {
	[CMIG_MEMBER_NAME] = {"member"},
	[CMIG_MEMBER_PART] = {"columns and rows", CMIG_PROPERTY_EXPRESSION},
};

/* A table's children are separate members. */
static const char publication_table_sql[] =
"SELECT 'pg_publication_rel'::regclass::oid, r.oid, 0, 'pg_publication'::regclass::oid, r.prpubid, 0,"
" c.relname::text, format('%I for %I.%I', p.pubname, n.nspname, c.relname), NULL::text, false,"
" format('TABLE ONLY %I.%I', n.nspname, c.relname),"
" concat((SELECT format(' (%s)', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname))"
"  FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])"
" HAVING count(*) > 0),"
"  ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')"
" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid"
" JOIN pg_class c ON c.oid = r.prrelid"
" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.oid >= 16384";

static const char schema_sql[] =
"SELECT 'pg_publication_namespace'::regclass::oid, r.oid, 0, 'pg_publication'::regclass::oid, r.pnpubid, 0,"
" n.nspname::text, format('%I for %I', p.pubname, n.nspname), NULL::text, false,"
" format('TABLES IN SCHEMA %I', n.nspname), ''"
" FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid"
" JOIN pg_namespace n ON n.oid = r.pnnspid WHERE p.oid >= 16384";

#define MEMBER_TEXTS \
	.creates = "ALTER PUBLICATION {parent} ADD {member}{columns and rows}",.drops = "ALTER PUBLICATION {parent} DROP {member}"

CmigKind	cmig_kind_publication_table = {
	.name = "table of a publication",.word = "TABLE",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED |
	CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(member_properties),
	.catalog = PublicationRelationId,
	.sql = publication_table_sql, MEMBER_TEXTS
};

CmigKind	cmig_kind_publication_schema = {
	.name = "schema of a publication",.word = "SCHEMA",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(member_properties),
	.catalog = PublicationRelationId,
	.sql = schema_sql, MEMBER_TEXTS
};

/* Event triggers */

static const CmigProperty event_trigger_properties[] = {
	{"definition"},
	{"enabled", CMIG_PROPERTY_OPTIONAL, "{}", "ENABLE"},
};

static const char event_trigger_sql[] =
"SELECT 'pg_event_trigger'::regclass::oid, e.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" e.evtname::text, quote_ident(e.evtname), pg_get_userbyid(e.evtowner)::text, false,"
" format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s()', e.evtname, e.evtevent,"
"  (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(t.tag), ', ' ORDER BY t.n))"
" FROM unnest(e.evttags) WITH ORDINALITY t (tag, n) HAVING count(*) > 0),"
"  (SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p"
" JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = e.evtfoid)),"
" CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A'"
" THEN 'ENABLE ALWAYS' END"
" FROM pg_event_trigger e WHERE e.oid >= 16384";

CmigKind	cmig_kind_event_trigger = {
	.name = "event trigger",.word = "EVENT TRIGGER",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(event_trigger_properties),
	.sql = event_trigger_sql,.creates = "{definition}"
};

/* ----------------------------------------------------------------
 * Foreign data wrappers, servers, and user mappings.
 * ----------------------------------------------------------------
 */

/*
 * Foreign-data wrappers
 */

enum
{
	FUNCTIONS,
	OPTIONS
};

static const CmigProperty wrapper_properties[] = {
	[FUNCTIONS] = {"functions"},
	[OPTIONS] = {"options", CMIG_PROPERTY_OPTIONAL},
};

static const char wrapper_sql[] =
"SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" w.fdwname::text, quote_ident(w.fdwname), pg_get_userbyid(w.fdwowner)::text, false,"
" format(' %s %s', coalesce('HANDLER ' || nullif(w.fdwhandler, 0)::regproc::text, 'NO HANDLER'),"
"  coalesce('VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc::text, 'NO VALIDATOR')), " CMIG_FDW_OPTIONS_SQL("w.fdwoptions")
" FROM pg_foreign_data_wrapper w WHERE w.oid >= 16384 AND w.fdwname !~ '^cmig_hidden_'";

/*
 * A single statement must change both the functions and the options, because
 * the new validator checks the new options.
 */
static void
alter_wrapper(CmigAlter *alter)
{
	StringInfoData action;

	initStringInfo(&action);
	if (cmig_alter_differs(alter, FUNCTIONS))
		appendStringInfoString(&action, alter->to->values[FUNCTIONS]);
	if (cmig_alter_differs(alter, OPTIONS))
		appendStringInfo(&action, " OPTIONS (%s)",
						 cmig_options_change(alter->from->values[OPTIONS],
											 alter->to->values[OPTIONS]));
	if (action.len > 0)
		cmig_alter_action(alter, FUNCTIONS, action.data + 1);
}

CmigKind	cmig_kind_foreign_data_wrapper = {
	.name = "foreign-data wrapper",.word = "FOREIGN DATA WRAPPER",.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(wrapper_properties),
	.catalog = ForeignDataWrapperRelationId,
	.sql = wrapper_sql,.creates =
	"CREATE FOREIGN DATA WRAPPER {identity}{functions}[ OPTIONS ({options})]",.alter =
	alter_wrapper
};

/*
 * Servers
 */

static const CmigProperty server_properties[] = {
	{"type", CMIG_PROPERTY_OPTIONAL},
	{"version", CMIG_PROPERTY_OPTIONAL, "VERSION {}", "VERSION NULL"},
	{"wrapper"},
	{"options", CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_FDW_OPTIONS},
};

static const char server_sql[] =
"SELECT 'pg_foreign_server'::regclass::oid, s.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" s.srvname::text, quote_ident(s.srvname), pg_get_userbyid(s.srvowner)::text, false,"
" quote_literal(s.srvtype), quote_literal(s.srvversion), quote_ident(w.fdwname), " CMIG_FDW_OPTIONS_SQL("s.srvoptions")
" FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
" WHERE s.oid >= 16384 AND s.srvname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_server = {
	.name = "server",.word = "SERVER",.grant_word = "FOREIGN SERVER",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(server_properties),
	.catalog = ForeignServerRelationId,
	.sql = server_sql,
	.creates = "CREATE SERVER {identity}[ TYPE {type}][ VERSION {version}] FOREIGN DATA WRAPPER {wrapper}[ OPTIONS ({options})]"
};

/*
 * User mappings.  PostgreSQL shows the options of a mapping to its user and to
 * superusers only, as one of them is a password.  A revision is for everybody
 * to read, so it has only those options that are known not to be a secret.
 */

#define NO_SECRET "(o ~ '^(user|username|password_required)=')"

static const CmigProperty user_mapping_properties[] = {
	{"options", CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_FDW_OPTIONS},
	{"secret", CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_SILENT},
};

static const char user_mapping_sql[] =
"SELECT 'pg_user_mapping'::regclass::oid, m.umid, 0, NULL::oid, NULL::oid, NULL::integer,"
" m.usename::text, format('FOR %s SERVER %I', CASE m.umuser WHEN 0 THEN 'PUBLIC'"
" ELSE quote_ident(m.usename) END, m.srvname),"
" NULL::text, false, " CMIG_FDW_OPTIONS_SQL("ARRAY(SELECT o FROM unnest(m.umoptions) o WHERE " NO_SECRET ")") ","
" (SELECT string_agg(coalesce(substring(o FROM '^[a-z_]+(?==)'), 'another one'), ', ' ORDER BY o COLLATE \"C\") FROM unnest(m.umoptions) o WHERE NOT " NO_SECRET ")"
" FROM pg_user_mappings m WHERE m.umid >= 16384 AND m.srvname !~ '^cmig_hidden_'";

CmigKind	cmig_kind_user_mapping = {
	.name = "user mapping",.word = "USER MAPPING",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE,
	CMIG_PROPERTIES(user_mapping_properties),
	.catalog = UserMappingRelationId,
	.sql = user_mapping_sql,.creates =
	"CREATE USER MAPPING {identity}[ OPTIONS ({options})][ /* without options that may be secret: {secret} */]"
};

/* Default privileges: one object for each privilege granted or revoked */

enum
{
	PLACE,
	PRIVILEGE,
	GRANTABLE,
	GRANTED
};

static const CmigProperty privilege_properties[] = {
	[PLACE] = {"place", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[PRIVILEGE] = {"privilege", CMIG_PROPERTY_SILENT},
	[GRANTABLE] = {"grantable", CMIG_PROPERTY_OPTIONAL},
	[GRANTED] = {"granted", CMIG_PROPERTY_OPTIONAL},
};

/*
 * Query for the default privileges.  Those without a schema replace the
 * built-in privileges, and those for a schema are granted in addition.
 */
static const char default_privileges_sql[] =
"SELECT 'pg_default_acl'::regclass::oid, d.oid, (row_number() OVER (PARTITION BY d.oid) - 1)::integer,"
" NULL::oid, NULL::oid, NULL::integer, e.role, format('%s %s ON %s: %s', p.place, e.privilege, w.word, e.role), pg_get_userbyid(d.defaclrole)::text, false,"
" p.place, format('%s ON %s', e.privilege, w.word), CASE WHEN e.grantable THEN 't' END, CASE"
" WHEN e.granted THEN 't' END"
" FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace"
" CROSS JOIN LATERAL (SELECT concat('FOR ROLE ', quote_ident(pg_get_userbyid(d.defaclrole)), ' IN SCHEMA ' || quote_ident(n.nspname)) AS place) p"
" CROSS JOIN LATERAL (SELECT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'"
" WHEN 'f' THEN 'FUNCTIONS'"
"  WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS word) w"
" CROSS JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC'"
" ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable, g.grantee IS NOT NULL AS granted"
"  FROM aclexplode(d.defaclacl) g FULL JOIN (SELECT *"
" FROM aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'"
" ELSE d.defaclobjtype END, d.defaclrole))"
"   WHERE d.defaclnamespace = 0) b ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
"  WHERE g.grantee IS NULL OR b.grantee IS NULL OR (g.is_grantable"
" AND g.grantee <> d.defaclrole)) e";

/*
 * Query for dependencies: default privileges for a schema depend on the
 * schema, because they are dropped with it.
 */
static const char default_privileges_depends[] =
"SELECT 'pg_default_acl'::regclass::oid, d.oid, i, 'pg_namespace'::regclass::oid, d.defaclnamespace, 0"
" FROM pg_default_acl d CROSS JOIN"
" LATERAL generate_series(0, coalesce(cardinality(d.defaclacl), 0) * 16) i"
" WHERE d.defaclnamespace <> 0";

/* Returns the statement that grants or revokes the privilege. */
static char *
privilege_statement(const CmigObject *object, bool grant)
{
	return cmig_kind_text(!grant ?
						  "[ALTER DEFAULT PRIVILEGES {place} ]REVOKE {privilege} FROM {unquoted}" :
						  "[ALTER DEFAULT PRIVILEGES {place} ]GRANT {privilege} TO {unquoted}[{?grantable} WITH GRANT OPTION]", object);
}

static char *
drop_privilege(const CmigObject *object)
{
	return privilege_statement(object, object->values[GRANTED] == NULL);
}

static List *
create_privilege(const CmigObject *object)
{
	return cmig_ddl_append(NIL, privilege_statement(object, object->values[GRANTED] != NULL),
						   drop_privilege(object));
}

CmigKind	cmig_kind_default_privileges = {
	.name = "default privileges",.word = "DEFAULT PRIVILEGES",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL | CMIG_KIND_FINAL,
	CMIG_PROPERTIES(privilege_properties),
	.catalog = DefaultAclRelationId,
	.sql = default_privileges_sql,.depends = default_privileges_depends,
	.create = create_privilege,.drop = drop_privilege
};

/* ----------------------------------------------------------------
 * Privileges on extension members, except for those that the extension
 * itself grants.
 *
 * Apart from these privileges, members are not compared.  In the shadow, a
 * member keeps its live privileges, so privileges that the target does not
 * mention do not change.
 * ----------------------------------------------------------------
 */

#define MEMBERS(catalog, owner, acl, type, word) \
	"SELECT d.classid, d.objid, d.refobjid, " owner " AS owner, " acl " AS acl, " type "::\"char\" AS type, " word " AS word" \
	" FROM pg_depend d JOIN " catalog " x ON x.oid = d.objid" \
	" WHERE d.classid = '" catalog "'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND " acl " IS NOT NULL"

static const char member_sql[] =
"WITH m AS ("
MEMBERS("pg_proc", "x.proowner", "x.proacl", "'f'",
		"CASE x.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END")
" UNION ALL "
MEMBERS("pg_class", "x.relowner", "x.relacl", "CASE x.relkind WHEN 'S' THEN 's' ELSE 'r' END",
		"CASE x.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END")
" UNION ALL "
MEMBERS("pg_type", "x.typowner", "x.typacl", "'T'", "'TYPE'")
")"
" SELECT 'pg_init_privs'::regclass::oid, m.objid, (row_number() OVER ())::integer, 'pg_extension'::regclass::oid, m.refobjid, 0,"
" e.role, format('%s ON %s %s: %s', e.privilege, m.word, i.identity, e.role), pg_get_userbyid(m.owner)::text, false,"
" NULL::text, format('%s ON %s ', e.privilege, m.word) || i.identity, CASE WHEN e.grantable"
" THEN 't' END, CASE WHEN e.granted THEN 't' END"
" FROM m JOIN pg_extension x ON x.oid = m.refobjid AND x.extname NOT IN (" CMIG_INFRASTRUCTURE ") AND x.extname !~ '^cmig_hidden_' AND x.oid >= 16384"
" LEFT JOIN pg_init_privs p ON p.classoid = m.classid AND p.objoid = m.objid AND p.objsubid = 0"
" CROSS JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC'"
" ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable, g.grantee IS NOT NULL AS granted"
"  FROM (SELECT * FROM aclexplode(m.acl) a WHERE a.grantor = m.owner) g"
"  FULL JOIN aclexplode(coalesce(p.initprivs, acldefault(m.type, m.owner))) b ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
"  WHERE g.grantee IS NULL OR b.grantee IS NULL) e"
" CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) i";

CmigKind	cmig_kind_member_privilege = {
	.name = "privilege",.word = "PRIVILEGE",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL |
	CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(privilege_properties),
	.sql = member_sql,.create = create_privilege,.drop = drop_privilege
};

/* ----------------------------------------------------------------
 * Objects of unsupported kinds, which are only reported.
 *
 * This kind has no query, because schema/image_read.c finds its objects.  Two
 * objects are equal only if their whole catalog rows are equal, with names
 * instead of OIDs.
 * ----------------------------------------------------------------
 */

/*
 * The property "catalog row" is NULL if pg_cmig does not know how to interpret
 * the row.
 */
static const CmigProperty other_properties[] = {
	{"catalog row", CMIG_PROPERTY_OPTIONAL},
};

/* Report objects that differ, or may differ, as unsupported. */
static void
alter_other(CmigAlter *alter)
{
	const char *old = alter->from->values[0];
	const char *new = alter->to->values[0];

	if (old == NULL || new == NULL)
		alter->unsupported = "it may differ; objects of this kind are not compared yet";
	else if (strcmp(old, new) != 0)
		alter->unsupported = "it differs; objects of this kind are not compared yet";
}

CmigKind	cmig_kind_other = {
	.name = "other",.word = "",
	CMIG_PROPERTIES(other_properties),
	.alter = alter_other,.place = 1000
};
