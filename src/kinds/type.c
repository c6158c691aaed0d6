/*
 * type.c
 *	  Types.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/internal.h"

/* Enumerations, domains, and composite types */

#define TYPE_SQL(values, condition) \
	"SELECT 'pg_type'::regclass::oid, t.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" t.typname::text, format('%I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner)::text, false" values \
	" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace" \
	" WHERE @t.typnamespace AND " condition

/*
 * Enumerations
 */

static const CmigProperty enum_properties[] = {
	{"labels", CMIG_PROPERTY_OPTIONAL},
};

static const char enum_sql[] =
TYPE_SQL(", (SELECT string_agg(format('''%s''', replace(e.enumlabel::text, '''', '''''')), ', ' ORDER BY e.enumsortorder)"
		 " FROM pg_enum e WHERE e.enumtypid = t.oid)", "t.typtype = 'e'");

/*
 * Returns the labels of an enum as a list of char *.  The quotes around a label
 * are removed, but quotes within a label are still doubled.  As in expressions
 * that PostgreSQL prints, a backslash is a backslash.
 */
static List *
labels_of(const CmigObject *type)
{
	List	   *labels = NIL;
	const char *next = type->values[0];

	while (next != NULL && (next = strchr(next, '\'')) != NULL)
	{
		const char *end = ++next;

		while (end[0] != '\'' || end[1] == '\'')
			end += end[0] == '\'' ? 2 : 1;
		labels = lappend(labels, pnstrdup(next, end - next));
		next = end + 1;
	}
	return labels;
}

List *
cmig_enum_new(const CmigObject *from, const CmigObject *to)
{
	List	   *old = labels_of(from),
			   *new = NIL;

	foreach_ptr(char, name, labels_of(to))
	{
		if (!cmig_text_list_has(old, name))
			new = lappend(new, name);
	}
	return new;
}

List *
cmig_enum_added(const CmigObject *from, const CmigObject *to)
{
	List	   *old = labels_of(from);
	int			kept = 0;

	foreach_ptr(char, name, labels_of(to))
	{
		if (kept < list_length(old) && strcmp(list_nth(old, kept), name) == 0)
			kept++;
	}
	return kept == list_length(old) ? cmig_enum_new(from, to) : NIL;
}

void
cmig_enum_unite(const CmigObject *from, CmigObject *to)
{
	List	   *labels = labels_of(from);
	int			place = 0;
	StringInfoData list;

	foreach_ptr(char, name, labels_of(to))
	{
		int			known = 0;

		while (known < list_length(labels) && strcmp(list_nth(labels, known), name) != 0)
			known++;
		if (known == list_length(labels))
			labels = list_insert_nth(labels, known = place, name);
		place = known + 1;
	}
	initStringInfo(&list);
	foreach_ptr(char, label, labels)
		appendStringInfo(&list, "%s'%s'", list.len > 0 ? ", " : "", label);
	cmig_object_set(to, 0, list.data);
}

/*
 * If labels were only added, each is added after the preceding one, which
 * exists by then.  A new first label is added before the first old one.
 */
static void
alter_enum(CmigAlter *alter)
{
	List	   *old = labels_of(alter->from);
	StringInfoData sql;
	const char *before = NULL;

	if (cmig_enum_added(alter->from, alter->to) == NIL)
	{
		alter->again = true;
		return;
	}
	initStringInfo(&sql);
	foreach_ptr(const char, label, labels_of(alter->to))
	{
		if (!cmig_text_list_has(old, label))
		{
			appendStringInfo(&sql, "%sALTER TYPE %s ADD VALUE '%s'", sql.len > 0 ? ";\n" : "",
							 alter->to->identity, label);
			if (before != NULL)
				appendStringInfo(&sql, " AFTER '%s'", before);
			else if (old != NIL)
				appendStringInfo(&sql, " BEFORE '%s'", (char *) linitial(old));
		}
		before = label;
	}
	alter->late = true;
	cmig_alter_add(alter, 0, sql.data);
}

CmigKind	cmig_kind_enum = {
	.name = "enum",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_MODEL | CMIG_KIND_TYPE |
	CMIG_KIND_SWAPS,
	CMIG_PROPERTIES(enum_properties),
	.sql = enum_sql,.creates = "CREATE TYPE {identity} AS ENUM ({labels})",.alter = alter_enum
};

/*
 * Domains
 */

static const CmigProperty domain_properties[] = {
	[CMIG_DOMAIN_BASE] = {"base type"},
	[CMIG_DOMAIN_COLLATION] = {"collation", CMIG_PROPERTY_OPTIONAL},
	[CMIG_DOMAIN_DEFAULT] = {"default", CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL,
	"SET DEFAULT {}", "DROP DEFAULT"},
	[CMIG_DOMAIN_NOT_NULL] = {"not null", CMIG_PROPERTY_OPTIONAL, "SET NOT NULL", "DROP NOT NULL"},
};

#define COLLATION_SQL(collation, otherwise) \
	"CASE WHEN " collation " <> " otherwise " THEN (SELECT format('%I.%I', kn.nspname, k.collname)" \
	" FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace WHERE k.oid = " collation ") END"

static const char domain_sql[] =
TYPE_SQL(", nullif(format_type(t.typbasetype, t.typtypmod), '?\?\?'),"
		 COLLATION_SQL("t.typcollation",
					   "(SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)") ","
		 "pg_get_expr(t.typdefaultbin, 0), CASE WHEN t.typnotnull THEN 't' END", "t.typtype = 'd'");

static char *
add_domain_constraint(const CmigObject *constraint)
{
	return cmig_kind_text("ALTER DOMAIN {parent} ADD CONSTRAINT {name} {definition}", constraint);
}

/* CREATE DOMAIN cannot contain NOT VALID constraints, so they are added to it. */
static List *
create_domain(const CmigObject *domain)
{
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   cmig_kind_text("CREATE DOMAIN {identity} AS {base type}[ COLLATE {collation}][ DEFAULT {default}]"
										  "[{?not null} NOT NULL]", domain));
	for (const CmigObject *child = domain->child; child != NULL; child = child->sibling)
		if (child->folded && !cmig_is_not_valid(child->values[0]))
			appendStringInfo(&sql, "\n\tCONSTRAINT %s %s", cmig_quote(child->name),
							 child->values[0]);
	ddl = cmig_ddl_append(NIL, sql.data, cmig_kind_drop(domain));
	for (const CmigObject *child = domain->child; child != NULL; child = child->sibling)
		if (child->folded && cmig_is_not_valid(child->values[0]))
			ddl = cmig_ddl_append(ddl, add_domain_constraint(child), cmig_kind_drop(child));
	return ddl;
}

static void
alter_domain(CmigAlter *alter)
{
	cmig_kind_alter(alter);
	if (alter->zone != NULL && (cmig_type_loss(alter->from, alter->to) & CMIG_LOSS_ZONE))
		alter->unsupported =
			"the time zone of the values is not known; change the columns to another domain";
	if (!alter->again && cmig_alter_differs(alter, CMIG_DOMAIN_NOT_NULL) &&
		alter->to->values[CMIG_DOMAIN_NOT_NULL] != NULL)
		cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
}

CmigKind	cmig_kind_domain = {
	.name = "domain",.word = "DOMAIN",.default_type = 'T',.flags = CMIG_KIND_TYPE | CMIG_KIND_SWAPS,
	CMIG_PROPERTIES(domain_properties),
	.sql = domain_sql,.create = create_domain,.alter = alter_domain
};

static const CmigProperty domain_constraint_properties[] = {
	{"definition", CMIG_PROPERTY_EXPRESSION},
};

static const char domain_constraint_sql[] =
"SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_type'::regclass::oid, t.oid, 0,"
" o.conname::text, format('%I on %I.%I', o.conname, n.nspname, t.typname), NULL::text, false,"
" pg_get_constraintdef(o.oid)"
" FROM pg_constraint o JOIN pg_type t ON t.oid = o.contypid"
" JOIN pg_namespace n ON n.oid = t.typnamespace"
" WHERE @t.typnamespace AND o.contype = 'c' AND o.contypid > 0"
" ORDER BY t.oid, o.conname COLLATE \"C\"";

static List *
create_domain_constraint(const CmigObject *constraint)
{
	List	   *ddl;

	if (constraint->folded)
		return NIL;
	ddl = cmig_ddl_append(NIL, add_domain_constraint(constraint), cmig_kind_drop(constraint));
	if (!cmig_is_not_valid(constraint->values[0]))
		cmig_ddl_hazards(ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
	return ddl;
}

CmigKind	cmig_kind_domain_constraint = {
	.name = "domain constraint",.word = "CONSTRAINT",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(domain_constraint_properties),
	.sql = domain_constraint_sql,.create = create_domain_constraint,
	.drops = "ALTER DOMAIN {parent} DROP CONSTRAINT {name}",.refers =
	"CONSTRAINT {name} ON DOMAIN {parent}"
};

/*
 * Composite types
 */

#define TYPED 0

static const CmigProperty composite_properties[] = {
	[TYPED] = {"has typed tables", CMIG_PROPERTY_OPTIONAL},
};

static const char composite_sql[] =
TYPE_SQL(", CASE WHEN t.oid IN (SELECT tc.reloftype FROM pg_class tc WHERE tc.reloftype <> 0) THEN 't' END", "t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')");

enum
{
	TYPE,
	COLLATION
};

static const CmigProperty attribute_properties[] = {
	[TYPE] = {"type"},
	[COLLATION] = {"collation", CMIG_PROPERTY_OPTIONAL},
};

static const char attribute_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_type'::regclass::oid, c.reltype, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, false,"
" nullif(format_type(a.atttypid, a.atttypmod), '?\?\?'), " COLLATION_SQL("a.attcollation",
																		 "t.typcollation")
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_type t ON t.oid = a.atttypid"
" WHERE @c.relnamespace AND c.relkind = 'c' ORDER BY a.attrelid, a.attnum";

static void
attribute_definition(StringInfo buf, const CmigObject *attribute, const char *word)
{
	appendStringInfo(buf, "%s %s%s", cmig_quote(attribute->name), word, attribute->values[TYPE]);
	if (attribute->values[COLLATION])
		appendStringInfo(buf, " COLLATE %s", attribute->values[COLLATION]);
}

static List *
create_composite(const CmigObject *type)
{
	StringInfoData sql;
	const char *separator = "\n\t";

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TYPE %s AS (", type->identity);
	for (const CmigObject *child = type->child; child != NULL; child = child->sibling)
	{
		appendStringInfoString(&sql, separator);
		attribute_definition(&sql, child, "");
		separator = ",\n\t";
	}
	appendStringInfoString(&sql, type->child ? "\n)" : ")");
	return cmig_ddl_append(NIL, sql.data, psprintf("DROP TYPE %s", type->identity));
}

/*
 * Having typed tables is the only property of a composite type, so this
 * function is called only if one version of the type has typed tables and the
 * other does not.  Treat both versions as if they had typed tables, so that
 * their attributes are altered with CASCADE.
 */
static void
alter_composite(CmigAlter *alter)
{
	cmig_object_set((CmigObject *) alter->from, TYPED, "t");
	cmig_object_set((CmigObject *) alter->to, TYPED, "t");
}

/*
 * Does casting the text of a value convert it to the other type?  For
 * composite types, this is true only if their attributes have the same names
 * in the same order.
 */
bool
cmig_type_can_convert(const CmigObject *from, const CmigObject *to)
{
	const CmigObject *a = from->child,
			   *b = to->child;

	if (to->kind != &cmig_kind_composite || from->kind != to->kind)
		return true;
	while (a != NULL && b != NULL && strcmp(a->name, b->name) == 0)
	{
		a = a->sibling;
		b = b->sibling;
	}
	return a == NULL && b == NULL;
}

char *
cmig_type_convert(const char *column, const CmigObject *from, const CmigObject *to,
				  const char *type)
{
	StringInfoData sql;
	const char *separator = "";

	if (cmig_type_can_convert(from, to))
		return psprintf("%s::text::%s", column, type);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CASE WHEN %s::text IS NOT NULL THEN ROW(", column);
	for (const CmigObject *child = to->child; child != NULL; child = child->sibling)
	{
		if (cmig_object_child(from, &cmig_kind_attribute, child->name) == NULL)
			appendStringInfo(&sql, "%sNULL", separator);
		else
			appendStringInfo(&sql, "%s(%s).%s::text", separator, column, cmig_quote(child->name));
		separator = ", ";
	}
	appendStringInfo(&sql, ")::%s END", type);
	return sql.data;
}

CmigKind	cmig_kind_composite = {
	.name = "composite type",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_TYPE |
	CMIG_KIND_RELATION | CMIG_KIND_SWAPS,
	CMIG_PROPERTIES(composite_properties),
	.sql = composite_sql,.create = create_composite,.alter = alter_composite
};

/* Typed tables are altered with their type. */
static const char *
cascade(const CmigObject *attribute)
{
	return attribute->parent->values[TYPED] ? " CASCADE" : "";
}

/*
 * Returns ALTER TYPE with "verb" for the attribute.  "word" comes before the
 * attribute's type.
 */
static char *
attribute_statement(const CmigObject *attribute, const char *verb, const char *word)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TYPE %s %s ATTRIBUTE ", attribute->parent->identity, verb);
	attribute_definition(&sql, attribute, word);
	appendStringInfoString(&sql, cascade(attribute));
	return sql.data;
}

static char *
drop_attribute(const CmigObject *attribute)
{
	return psprintf("ALTER TYPE %s DROP ATTRIBUTE %s%s", attribute->parent->identity,
					cmig_quote(attribute->name), cascade(attribute));
}

static List *
create_attribute(const CmigObject *attribute)
{
	if (attribute->folded)
		return NIL;
	return cmig_ddl_append(NIL, attribute_statement(attribute, "ADD", ""),
						   drop_attribute(attribute));
}

static void
alter_attribute(CmigAlter *alter)
{
	alter->disturbs = true;
	cmig_alter_add(alter, TYPE, attribute_statement(alter->to, "ALTER", "TYPE "));
}

CmigKind	cmig_kind_attribute = {
	.name = "attribute",.word = "COLUMN",.flags = CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(attribute_properties),
	.sql = attribute_sql,.create = create_attribute,.drop = drop_attribute,.alter = alter_attribute
};

/* Range types */

static const CmigProperty range_properties[] = {
	{"definition"},
	{"multirange type", CMIG_PROPERTY_SILENT},
};

/*
 * Query for the range types.  The operator class is left out if it is the
 * default.
 */
static const char range_sql[] =
"SELECT 'pg_type'::regclass::oid, t.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" t.typname::text, format('%I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner)::text, false,"
" concat_ws(', ', 'SUBTYPE = ' || format_type(r.rngsubtype, NULL),"
"  (SELECT format('SUBTYPE_OPCLASS = %I.%I', cn.nspname, c.opcname) FROM pg_opclass c"
" JOIN pg_namespace cn ON cn.oid = c.opcnamespace"
"   WHERE c.oid = r.rngsubopc AND NOT c.opcdefault),"
"  (SELECT format('COLLATION = %I.%I', cn.nspname, c.collname) FROM pg_collation c"
" JOIN pg_namespace cn ON cn.oid = c.collnamespace"
"   WHERE c.oid = r.rngcollation AND c.oid <> (SELECT s.typcollation FROM pg_type s"
" WHERE s.oid = r.rngsubtype)),"
"  'CANONICAL = ' || nullif(r.rngcanonical, 0)::regproc::text, 'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff, 0)::regproc::text,"
"  'MULTIRANGE_TYPE_NAME = ' || m.name), m.name"
" FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid"
" JOIN pg_namespace n ON n.oid = t.typnamespace"
" CROSS JOIN LATERAL (SELECT format('%I.%I', mn.nspname, x.typname) AS name FROM pg_type x"
" JOIN pg_namespace mn ON mn.oid = x.typnamespace"
"  WHERE x.oid = r.rngmultitypid) m"
" WHERE @t.typnamespace";

CmigKind	cmig_kind_range = {
	.name = "range type",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_TYPE |
	CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(range_properties),.sql = range_sql,.creates =
	"CREATE TYPE {identity} AS RANGE ({definition})",.index = 2
};

/* ----------------------------------------------------------------
 * Base types, and shell types.
 *
 * A base type is created twice: as a shell, which its functions need, and then
 * with its definition, which needs the functions.  Therefore, the definition
 * is a separate object, a child of the type.  Only DROP TYPE ... CASCADE can
 * drop the type; this also drops the functions.
 * ----------------------------------------------------------------
 */

static const CmigProperty type_properties[] = {
	[CMIG_DEFINITION] = {"definition", CMIG_PROPERTY_OPTIONAL},
};

static const CmigProperty definition_properties[] = {
	[CMIG_DEFINITION] = {"definition", CMIG_PROPERTY_SILENT},
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
	" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE @t.typnamespace" \
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
"WITH f AS (SELECT t.oid AS type, d.refobjid AS function FROM pg_type t"
" JOIN pg_depend d ON d.classid = 'pg_type'::regclass"
"  AND d.objid = t.oid AND d.refclassid = 'pg_proc'::regclass"
"  WHERE @t.typnamespace AND t.typtype = 'b' AND t.typisdefined)"
" SELECT 'pg_type'::regclass::oid, type, -1, 'pg_proc'::regclass::oid, function, 0 FROM f"
" UNION ALL SELECT 'pg_proc'::regclass::oid, d.objid, 0, 'pg_type'::regclass::oid, d.refobjid, -1"
" FROM (SELECT DISTINCT type FROM f) b JOIN pg_depend d ON d.classid = 'pg_proc'::regclass"
" AND d.refclassid = 'pg_type'::regclass AND d.refobjid = b.type"
" WHERE d.deptype = 'n' AND NOT EXISTS (SELECT FROM f WHERE f.type = b.type"
" AND f.function = d.objid)";

CmigKind	cmig_kind_base_type = {
	.name = "type",.word = "TYPE",.default_type = 'T',.flags = CMIG_KIND_TYPE | CMIG_KIND_DETOUR,
	CMIG_PROPERTIES(type_properties),
	.sql = type_sql,.creates = "CREATE TYPE {identity}",.drops =
	"DROP TYPE {identity}[{?definition} CASCADE]"
};

CmigKind	cmig_kind_base_definition = {
	.name = "definition of a type",.word = "TYPE",.flags = CMIG_KIND_DISPOSABLE |
	CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(definition_properties),
	.sql = definition_sql,.depends = definition_depends,.creates =
	"CREATE TYPE {identity} ({definition})",
	/* dropping the definition leaves a shell type, without its functions */
	.drops = "DROP TYPE {identity} CASCADE;\nCREATE TYPE {identity}"
};
