/*
 * expansion.c
 *	  Rows of cmig.expansion_run: is a revision expanded, and what was
 *	  called since?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "common/string.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "graph/graph.h"
#include "parse/parse.h"
#include "run/run.h"
#include "store/store.h"

Oid			cmig_expansion_fills = InvalidOid;

char *
cmig_versions_database(void)
{
	return psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(),
					get_relname_relid("expansion_run", get_namespace_oid("cmig", false)));
}

bool
cmig_expansion_is_known(void)
{
	Oid			schema = get_namespace_oid("cmig", true);

	if (!OidIsValid(schema))
		cmig_query_raise_changed("The schema cmig was dropped.");
	return OidIsValid(get_relname_relid("expansion_run", schema));
}

/* Read the row of a scope, or of the database. */
static CmigExpansion *
read_row(const char *scope)
{
	static CmigQuery query = {
		"SELECT coalesce(revision, ''), coalesce(state, ''), scope, CASE schemas WHEN '{}' THEN ''"
		" ELSE (SELECT concat_ws(', ', string_agg(quote_ident(cmig.version_schema(revision, s)), ', ' ORDER BY n),"
		" CASE scope WHEN '' THEN string_agg(quote_ident(s), ', ' ORDER BY n) ELSE $2 END)"
		" FROM unnest(schemas) WITH ORDINALITY u (s, n)) END, NULL"
		" FROM cmig.expansion_run WHERE scope = $1", {TEXTOID, TEXTOID}
	};
	static CmigQuery revisions =
	{"SELECT n FROM cmig.expansion_run, unnest(revisions) n WHERE scope = $1 AND n IS NOT NULL",
	{TEXTOID}};
	CmigExpansion *expansion = cmig_expansion_is_known() ?
	(CmigExpansion *) cmig_query_row(&query, scope, cmig_session_search_path()) : NULL;
	List	   *names;
	ListCell   *cell;

	if (expansion == NULL)
		return NULL;
	names = cmig_query_list(&revisions, scope);
	expansion->revisions = palloc(sizeof(CmigNames));
	expansion->revisions->count = 0;
	expansion->revisions->names = palloc(sizeof(char *) * Max(list_length(names), 1));
	foreach(cell, names)
		expansion->revisions->names[expansion->revisions->count++] = *(char **) lfirst(cell);
	return expansion;
}

CmigExpansion *
cmig_expansion_read(void)
{
	return read_row(cmig_scope_current());
}

List *
cmig_expansion_schemas(void)
{
	static CmigQuery query =
	{"SELECT scope, schema, revision FROM cmig.expansion_run, unnest(schemas) schema WHERE schema IS NOT NULL AND scope IS NOT NULL AND revision IS NOT NULL ORDER BY 1, 2"};
	List	   *rows = cmig_expansion_is_known() ? cmig_query_list(&query) : NIL;

	foreach_ptr(CmigValue, row, rows)
	{
		row[2] = cmig_version_schema_name(row[2], row[1]);
	}
	return rows;
}

/*
 * The tables of all expansions, and their hidden columns, of which the default
 * or the comment tells if somebody has renamed them.
 */
#define TABLES_AND_COLUMNS \
	"f AS (SELECT oid, proname IN ('expansion_begin', 'expansion_write') AS fires FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace" \
	"  AND proname IN ('expansion_begin', 'expansion_write', 'expansion_mark', 'expansion_unset'))," \
	" g AS (SELECT t.* FROM f JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid AND f.fires" \
	"   AND d.classid = 'pg_trigger'::regclass JOIN pg_trigger t ON t.oid = d.objid" \
	"   AND t.tgtype & 64 = 0)," /* not INSTEAD OF, of a view */ \
	" hidden AS (SELECT x.adrelid AS relid, x.adnum AS number FROM f JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid" \
	"   AND d.classid = 'pg_attrdef'::regclass JOIN pg_attrdef x ON x.oid = d.objid" \
	"  UNION SELECT objoid, objsubid FROM pg_description WHERE classoid = 'pg_class'::regclass AND objsubid > 0 AND description = '" CMIG_STATE_COMMENT "')"

List *
cmig_expansion_objects(void)
{
	static CmigQuery any = {"SELECT FROM cmig.expansion_run LIMIT 1"};

	/* stored names can be any text, so they are compared as text */
	static CmigQuery query = {
		"WITH RECURSIVE " TABLES_AND_COLUMNS ","
		" t (oid) AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		"   JOIN cmig.expansion_step s ON s.relation = format('%I.%I', n.nspname, c.relname) UNION"
		" SELECT c.oid FROM g JOIN pg_class c ON c.oid = g.tgrelid WHERE EXISTS (SELECT FROM cmig.expansion_run, jsonb_array_elements(columns) e"
		"   JOIN pg_class v ON v.oid IN (" CMIG_RELATION_NAMED("(e->>1)") ", " CMIG_RELATION_NAMED("(e->>8)") ") AND v.relowner = c.relowner"
		"   WHERE position('\\x00'::bytea || convert_to(coalesce(e->>8, e->>1), getdatabaseencoding()) || '\\x00'::bytea IN '\\x00'::bytea || g.tgargs) > 0)"
		"  UNION SELECT i.inhrelid FROM t JOIN pg_inherits i ON i.inhparent = t.oid),"
		" a AS (SELECT t.oid AS relid, a.attnum FROM t JOIN pg_attribute a ON a.attrelid = t.oid"
		" AND a.attnum > 0 AND NOT a.attisdropped"
		"  WHERE a.attname = '" CMIG_STATE_COLUMN "' OR EXISTS (SELECT FROM hidden h WHERE h.relid = a.attrelid AND h.number = a.attnum)"
		"   OR a.attname::text IN (SELECT c->>5"
		" FROM cmig.expansion_run, jsonb_array_elements(columns) c))"
		" SELECT 'pg_class'::regclass::oid, relid, attnum, NULL FROM a"
		" UNION SELECT d.classid, d.objid, 0, NULL FROM a"
		" JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.relid"
		" AND d.refobjsubid = a.attnum"
		"  WHERE d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass)"
		" UNION SELECT 'pg_class'::regclass, c.oid, 0, NULL FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class c ON c.oid = x.indexrelid WHERE strpos(c.relname, '" CMIG_HIDDEN_PREFIX "') > 0"
		" UNION SELECT 'pg_constraint'::regclass, k.oid, 0, NULL FROM t JOIN pg_constraint k ON k.conrelid = t.oid WHERE strpos(k.conname, '" CMIG_HIDDEN_PREFIX "') > 0"
		" UNION SELECT 'pg_trigger'::regclass, g.oid, 0, NULL FROM g JOIN t ON t.oid = g.tgrelid"
		" UNION SELECT 'pg_namespace'::regclass, n.oid, 0, NULL"
		" FROM cmig.expansion_run r, unnest(r.schemas) s, pg_namespace n"
		"  WHERE " CMIG_VERSION_CREATED " AND (" CMIG_VERSION_NAMED " OR " CMIG_VERSION_RENAMED ")"
		" UNION SELECT 0, 0, 0, c->>3 FROM cmig.expansion_run r, jsonb_array_elements(columns) c"
		" WHERE c->>2 = 'created' AND " CMIG_VERSION_CREATED
	};

	return cmig_expansion_is_known() && cmig_query_do(&any) > 0 ? cmig_query_list(&query) : NIL;
}

/*
 * The statements that drop a version's schema, n, and what an expansion creates in it.
 * Without CASCADE, they fail if there is anything else, or if somebody has built on it.
 * If the condition is true, hidden columns still have types of the schema.
 */
#define DROP_VERSION(is_used) \
	"concat((SELECT string_agg(format('DROP %s %s; ', kind, names), '' ORDER BY part) FROM (" \
	" SELECT part, kind, string_agg(name, ', ' ORDER BY name) AS names FROM (" \
	"  SELECT strpos('vmS', c.relkind::text), CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN" \
	" 'SEQUENCE'" \
	"    ELSE 'MATERIALIZED VIEW' END, c.oid::regclass::text FROM pg_class c" \
	"   WHERE c.relnamespace = n.oid AND c.relkind IN ('v', 'm', 'S')" \
	"  UNION ALL SELECT 4, 'ROUTINE', f.oid::regprocedure::text FROM pg_proc f WHERE" \
	" f.pronamespace = n.oid" \
	"  UNION ALL SELECT 5, 'TYPE', y.oid::regtype::text FROM pg_type y WHERE y.typnamespace =" \
	" n.oid AND y.typtype = 'e'" \
	"   AND NOT " is_used \
	"  ) o (part, kind, name) GROUP BY part, kind) k)," \
	" CASE WHEN " is_used " THEN '-- then the tables, and again' ELSE 'DROP SCHEMA ' || n.oid::regnamespace END)"

char *
cmig_expansion_drop_version(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT " DROP_VERSION("false") " FROM pg_namespace n WHERE n.nspname::text = $1"
		" AND obj_description(n.oid, 'pg_namespace') = format('" CMIG_VERSION_COMMENT "', $2, $3)",
		{TEXTOID, TEXTOID, TEXTOID}
	};
	const char *schema = cmig_scope_current();
	List	   *rows = cmig_query_list(&query, cmig_version_schema_name(expansion->revision, schema),
									   schema, expansion->revision);

	return rows ? *(char **) linitial(rows) : NULL;
}

/*
 * Can there be anything that an expansion has created?  Each upgrade asks, and
 * planning the query that finds what is not recorded takes longer.
 */
static bool
has_traces(void)
{
	static CmigQuery query = {
		"SELECT FROM pg_proc f JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid"
		" AND d.classid = 'pg_trigger'::regclass WHERE f.pronamespace = 'cmig'::regnamespace"
		" AND f.proname IN ('expansion_begin', 'expansion_write') UNION ALL SELECT FROM pg_namespace n"
		" JOIN pg_description d ON d.objoid = n.oid AND d.classoid = 'pg_namespace'::regclass"
		" WHERE d.description LIKE format('" CMIG_VERSION_COMMENT "', '%', '%') LIMIT 1"
	};

	return cmig_query_do(&query) > 0;
}

List *
cmig_expansion_orphans(void)
{
	/*
	 * The arguments of a trigger and a comment survive a dump.  Only a role
	 * that may call cmig.expand can create such a trigger, and counts as the
	 * owner of such a schema, if it has the privileges of the owner of the
	 * schema whose version it is, so that no other can stop an upgrade.
	 */
	static CmigQuery query = {
		"WITH " TABLES_AND_COLUMNS " SELECT 'error', 'table ' || g.tgrelid::regclass, 'its triggers belong to an expansion that is not recorded, as after a dump without data',"
		"  string_agg(format('DROP TRIGGER %I ON %s; ', g.tgname, g.tgrelid::regclass), '' ORDER"
		" BY g.tgname)"
		/* the expansion's own foreign keys to hidden columns */
		" || coalesce((SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I; ',"
		" k.conrelid::regclass, k.conname), '')"
		"  FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = g.tgrelid AND"
		" k.conparentid = 0"
		"  AND EXISTS (SELECT FROM hidden h WHERE h.relid = k.confrelid AND h.number = ANY"
		" (k.confkey))"
		"  AND EXISTS (SELECT FROM hidden h WHERE h.relid = k.conrelid AND h.number = ANY"
		" (k.conkey))), '')"
		" || coalesce((SELECT format('ALTER TABLE %s %s', g.tgrelid::regclass,"
		"   string_agg(format('DROP COLUMN %I', a.attname), ', ' ORDER BY a.attnum))"
		" FROM hidden h JOIN pg_attribute a ON a.attrelid = h.relid AND a.attnum = h.number"
		" WHERE h.relid = g.tgrelid), '')"
		" FROM g JOIN pg_class c ON c.oid = g.tgrelid WHERE g.tgparentid = 0"
		" AND $1 IN ('', c.relnamespace::regnamespace::text) AND NOT EXISTS (SELECT"
		" FROM cmig.expansion_run, jsonb_array_elements(columns) e"
		"   WHERE position('\\x00'::bytea || convert_to(coalesce(e->>8, e->>1), getdatabaseencoding()) || '\\x00'::bytea IN '\\x00'::bytea || g.tgargs) > 0) GROUP BY g.tgrelid"
		" UNION ALL SELECT 'error', 'schema ' || n.oid::regnamespace, 'it belongs to an"
		" expansion that is not recorded, as after a dump without data', "
		DROP_VERSION("EXISTS (SELECT FROM hidden h JOIN pg_attribute a ON a.attrelid = h.relid AND a.attnum = h.number"
					 " JOIN pg_type z ON z.oid = a.atttypid WHERE z.typnamespace = n.oid)")
		" FROM pg_description d JOIN pg_namespace n ON n.oid = d.objoid WHERE $1 = '' AND d.classoid = 'pg_namespace'::regclass AND d.description LIKE format('" CMIG_VERSION_COMMENT "', '%', '%')"
		"  AND has_any_column_privilege(n.nspowner, 'cmig.expansion_run', 'INSERT')"
		" AND EXISTS (SELECT FROM pg_namespace b WHERE starts_with(d.description,"
		"   split_part(format('" CMIG_VERSION_COMMENT "', b.nspname, chr(1)), chr(1), 1)) AND pg_has_role(n.nspowner, b.nspowner, 'USAGE'))"
		" AND NOT EXISTS (SELECT FROM cmig.expansion_run r, unnest(r.schemas) s"
		"   WHERE d.description = format('" CMIG_VERSION_COMMENT "', s, r.revision)) ORDER BY 2",
		{TEXTOID}
	};

	return cmig_expansion_is_known() && has_traces() ? cmig_query_list(&query, cmig_scope_current()) : NIL;
}

void
cmig_expansion_require_known(void)
{
	List	   *orphans = cmig_expansion_orphans();
	char	  **row = orphans ? linitial(orphans) : NULL;

	if (row != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s belongs to an expansion that is not recorded", row[1]),
				 errdetail("It was restored without the rows of cmig.expansion_run and cmig.expansion_step, as by a dump without data."),
				 errhint("Restore these rows, too, or remove what the expansion has created: SELECT problem, fix FROM cmig.check() WHERE severity = 'error'")));
}

void
cmig_expansion_require_unhidden(Oid relation, const List *columns)
{
	/* who may call cmig.backfill may not read the rows of expansions */
	static CmigQuery query = {
		"WITH " TABLES_AND_COLUMNS " SELECT attrelid::regclass FROM pg_attribute WHERE attrelid = $1 AND attname = $2::name"
		" AND ((attrelid, attnum) IN (TABLE hidden) OR attname = '" CMIG_STATE_COLUMN "' AND attrelid IN (SELECT tgrelid FROM g))", {OIDOID, TEXTOID}
	};
	ListCell   *cell;

	if (OidIsValid(cmig_expansion_fills) && relation != cmig_expansion_fills)
		cmig_query_raise_changed("The expanded table was replaced before its rows were filled.");
	foreach(cell, OidIsValid(cmig_expansion_fills) ? NIL : columns)
	{
		char	   *table = cmig_query_value(&query, relation, (char *) lfirst(cell));

		if (table != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("column \"%s\" of table %s cannot be filled with cmig.backfill",
							(char *) lfirst(cell), table),
					 errdetail("It is a hidden column of an expanded revision, which only cmig.expand fills without the table's other triggers."),
					 cmig_hint("`SELECT * FROM cmig.expansion()`")));
	}
}

List *
cmig_expansion_relations(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT relation FROM cmig.expansion_step WHERE scope = $1 AND relation <> ''"
		" GROUP BY relation ORDER BY relation COLLATE \"C\"", {TEXTOID}
	};
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, cmig_query_list(&query, expansion->scope))
		names = lappend(names, *(char **) lfirst(cell));
	return names;
}

/* The SQL expression: is g a trigger of the expansion with the column row c? */
#define IS_TRIGGER_OF \
	"position('\\x00'::bytea || convert_to(coalesce(c->>8, c->>1), getdatabaseencoding()) || '\\x00'::bytea IN '\\x00'::bytea || g.tgargs) > 0"

/* The tables that may be free, and the one that is not. */
typedef struct Tables
{
	const CmigNames *names;
	char	  **taken;			/* the other scope, and the table; or NULL */
} Tables;

/* Callback: look at what is committed. */
static void
find_taken(void *arg)
{
	static CmigQuery query = {
		"WITH " TABLES_AND_COLUMNS
		" SELECT r.scope, t.name FROM cmig.expansion_run r, unnest($1) t (name),"
		" LATERAL (SELECT " CMIG_RELATION_NAMED("t.name") ") n (oid)"
		" WHERE r.scope <> $2 AND (EXISTS (SELECT FROM cmig.expansion_step s"
		" JOIN pg_roles o ON o.rolname = s.role JOIN pg_class k ON k.oid = n.oid AND pg_has_role(o.oid,"
		" k.relowner, 'USAGE') WHERE s.scope = r.scope AND s.relation = t.name)"
		"  OR EXISTS (SELECT FROM jsonb_array_elements(r.columns) c"
		" WHERE c->>9 = $3 AND c->>10 = n.oid::text"
		"   OR EXISTS (SELECT FROM g WHERE g.tgrelid = n.oid AND " IS_TRIGGER_OF ")))"
		" ORDER BY 2, 1 LIMIT 1", {TEXTARRAYOID, TEXTOID, TEXTOID}
	};
	Tables	   *tables = arg;

	tables->taken = cmig_query_row(&query, tables->names, cmig_scope_current(),
								   cmig_versions_database());
}

void
cmig_expansion_require_free(const CmigNames *names, bool plan)
{
	Tables		tables = {names};

	/* it conflicts with itself only, and VACUUM */
	if (plan)
		LockRelationOid(get_relname_relid("expansion_run", get_namespace_oid("cmig", false)),
						ShareUpdateExclusiveLock);
	cmig_query_at_once(true, find_taken, &tables);
	if (tables.taken != NULL)
		cmig_expansion_refuse(read_row(tables.taken[0]),
							  psprintf("table %s cannot be expanded %s", tables.taken[1],
									   cmig_scope_is_set() ?
									   psprintf("in %s, too", cmig_scope_text()) : "again"));
}

List *
cmig_expansion_renames(const CmigExpansion *expansion)
{
	/*
	 * The columns of a table were created in the order of their numbers.  A
	 * contraction needs all of them, so they are counted.  Those of another
	 * expansion are its own: it has prepared the table, or has its triggers.
	 */
	static CmigQuery query = {
		"WITH " TABLES_AND_COLUMNS ", own AS (SELECT " CMIG_RELATION_NAMED("relation") " AS relid FROM cmig.expansion_step WHERE scope = $1 AND phase = 'prepare' AND done"
		"  EXCEPT SELECT tgrelid FROM g WHERE NOT EXISTS (SELECT FROM cmig.expansion_run,"
		" jsonb_array_elements(columns) c WHERE scope = $1 AND " IS_TRIGGER_OF ")), named AS (SELECT " CMIG_RELATION_NAMED("(e->>0)") " AS relid, e->>5 AS name, n FROM cmig.expansion_run,"
		"   jsonb_array_elements(columns) WITH ORDINALITY x (e, n) WHERE scope = $1"
		" AND e->>5 IS NOT NULL"
		"  UNION SELECT " CMIG_RELATION_NAMED("(e->>0)") ", '" CMIG_STATE_COLUMN "', 0 FROM cmig.expansion_run, jsonb_array_elements(columns) e WHERE scope = $1 AND e->>8 IS NOT NULL),"
		" missing AS (SELECT relid, name, row_number() OVER w AS place, count(*) OVER (PARTITION BY relid) FROM named WHERE NOT EXISTS ("
		"  SELECT FROM pg_attribute WHERE attrelid = relid AND attname::text = name"
		" AND NOT attisdropped) WINDOW w AS (PARTITION BY relid ORDER BY n)),"
		" renamed AS (SELECT relid, attname, row_number() OVER w AS place, count(*) OVER (PARTITION BY relid) FROM hidden JOIN pg_attribute ON attrelid = relid AND attnum = number"
		"  WHERE (relid, attname::text) NOT IN (SELECT relid, name FROM named"
		" WHERE relid IS NOT NULL) WINDOW w AS (PARTITION BY relid ORDER BY attnum))"
		" SELECT format('ALTER TABLE %s RENAME COLUMN %I TO %I', relid::regclass, attname, name)"
		" FROM missing m JOIN renamed r USING (relid, place) JOIN own USING (relid)"
		" WHERE m.count = r.count OR $2 ORDER BY 1", {TEXTOID, BOOLOID}
	};

	return cmig_query_list(&query, expansion->scope, strcmp(expansion->state, "abandoning") == 0);
}

/* A text in which relations are searched for, and the relations. */
typedef struct Reading
{
	const char *text;
	const char *place;
	const CmigNames *relations;
	const CmigNames *hidden;
	MemoryContext context;
	List	   *found;			/* of char *[2] */
} Reading;

/* Returns the qualified name that a name may stand for, or NULL. */
static const char *
relation_of(const CmigNames *relations, const RangeVar *relation)
{
	const char *name = quote_identifier(relation->relname);

	for (int i = 0; i < relations->count; i++)
		if (relation->schemaname ?
			strcmp(relations->names[i],
				   psprintf("%s.%s", quote_identifier(relation->schemaname), name)) == 0 :
			pg_str_endswith(relations->names[i], psprintf(".%s", name)))
			return relations->names[i];
	return NULL;
}

/* Subtransaction callback: the text can be anything. */
static void
read_text(void *arg)
{
	Reading    *reading = arg;
	MemoryContext old;
	ListCell   *s;

	foreach(s, cmig_raw_parse(reading->text, RAW_PARSE_DEFAULT))
	{
		foreach_ptr(const CmigWholeUse, use, cmig_expand_whole_uses(lfirst(s)))
		{
			const char *name = use->relation ?
			relation_of(use->all_columns ? reading->hidden : reading->relations,
						use->relation) : "";
			char	   *sentence = name &&
			*name ? psprintf("%s %s", use->how, name) : pstrdup(use->how);
			bool		known = name == NULL;
			ListCell   *f;

			foreach(f, reading->found)
				known |= strcmp(((char **) lfirst(f))[0], reading->place) == 0 &&
				strcmp(((char **) lfirst(f))[1], sentence) == 0;
			if (known)
				continue;
			old = MemoryContextSwitchTo(reading->context);
			reading->found = lappend(reading->found, palloc(2 * sizeof(char *)));
			((char **) llast(reading->found))[0] = pstrdup(reading->place);
			((char **) llast(reading->found))[1] = pstrdup(sentence);
			MemoryContextSwitchTo(old);
		}
	}
}

/* The SQL expression: does the text in which names are searched for have one? */
#define MENTIONS(text) \
	"EXISTS (SELECT FROM t WHERE strpos(lower(" text "), lower(t.relname)) > 0 OR t.serial AND " text " ~* 'pg_get_serial_sequence')"
#define TABLES \
	"WITH t AS (SELECT c.oid, c.relname, c.reltype, y.typarray, n, n = ANY ($2) AS hidden," \
	"  regexp_replace(c.relname, '(\\W)', '\\\\\\1', 'g') AS pattern, EXISTS (SELECT FROM pg_depend s WHERE s.classid = 'pg_class'::regclass" \
	"   AND s.refclassid = 'pg_class'::regclass AND s.refobjid = c.oid AND s.refobjsubid > 0 AND s.deptype IN ('a', 'i')" \
	"   AND EXISTS (SELECT FROM pg_class q WHERE q.oid = s.objid AND q.relkind = 'S')) AS serial" \
	" FROM unnest($1) n JOIN pg_class c ON c.oid = " \
	CMIG_RELATION_NAMED("n") " LEFT JOIN pg_type y ON y.oid = c.reltype) "

/* Returns the relations and their partitions. */
static CmigNames *
with_partitions(const CmigNames *relations)
{
	static CmigQuery query = {
		"SELECT DISTINCT format('%I.%I', s.nspname, c.relname) FROM unnest($1) n CROSS JOIN"
		" LATERAL (SELECT " CMIG_RELATION_NAMED("n")
		" UNION SELECT relid FROM pg_partition_tree(" CMIG_RELATION_NAMED("n") ")) x (oid)"
		" JOIN pg_class c USING (oid) JOIN pg_namespace s ON s.oid = c.relnamespace"
		" ORDER BY 1", {TEXTARRAYOID}
	};
	List	   *rows = cmig_query_list(&query, relations);
	CmigNames  *names = palloc0(sizeof(CmigNames));
	ListCell   *cell;

	names->names = palloc(sizeof(char *) * Max(list_length(rows), 1));
	foreach(cell, rows)
		names->names[names->count++] = *(char **) lfirst(cell);
	return names;
}

List *
cmig_expansion_readers(const CmigNames *changed, const CmigNames *with_hidden, char **unseen)
{
	const CmigNames *relations = with_partitions(changed);
	const CmigNames *hidden = with_partitions(with_hidden);

	/* functions whose arguments, result, or variables are rows of a table */
	static CmigQuery rows = {
		TABLES "SELECT format('function %s', p.oid::regprocedure), 'may ' || u.how || ' ' || t.n FROM t JOIN pg_proc p ON t.hidden"
		" AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'cmig'::regnamespace)"
		" JOIN pg_language l ON l.oid = p.prolang CROSS JOIN"
		" LATERAL (SELECT 'use the row type of' AS how WHERE EXISTS (SELECT FROM pg_depend d"
		"   WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
		" AND d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.reltype, t.typarray))"
		"  OR l.lanname = 'plpgsql' AND strpos(lower(p.prosrc), lower(t.relname)) > 0"
		"   AND CASE WHEN strpos(lower(p.prosrc), lower(t.relname)) > 0 THEN (p.prosrc ~* ('\\m' || t.pattern || '\\M\"?\\s*%\\s*rowtype\\M') OR regexp_replace(p.prosrc, '\\mbegin\\M.*', '', 'i') ~* ("
		"    '\\mdeclare\\M.*\\m(?!from\\M|join\\M|into\\M|only\\M|update\\M|table\\M)\\w+\"?\\s+(constant\\s+)?(\\w+\"?\\s*\\.\\s*)?\"?' || t.pattern ||"
		"    '\\M\"?\\s*(\\[\\s*\\]\\s*)?(;|:=|=|default\\M|not\\M)')) END"
		"  UNION ALL SELECT 'read all columns of' WHERE l.lanname = 'plpgsql' AND EXISTS (SELECT"
		" FROM (SELECT CASE WHEN strpos(lower(p.prosrc), lower(t.relname)) > 0 THEN t.pattern END"
		"    UNION ALL SELECT regexp_replace(x, '(\\W)', '\\\\\\1', 'g')"
		" FROM pg_trigger g, unnest(ARRAY[g.tgnewtable, g.tgoldtable]) x WHERE g.tgrelid = t.oid"
		" AND g.tgfoid = p.oid) x (name)"
		"   WHERE CASE WHEN x.name IS NOT NULL THEN p.prosrc ~* ('\\m(insert\\s+into|return\\s+query)\\M[^;]*(\\mselect\\s+|\\.\\s*)\\*[^;]*\\m(from|join)\\M[^;]*\\m' || x.name || '\\M') END)"
		"  UNION ALL SELECT 'use NEW or OLD with all columns of' WHERE l.lanname = 'plpgsql'"
		" AND EXISTS (SELECT FROM pg_trigger g"
		"    WHERE g.tgrelid = t.oid AND g.tgfoid = p.oid AND NOT g.tgisinternal AND g.tgtype & 1 = 1)"
		"   AND regexp_replace(p.prosrc, '\\mcoalesce\\s*\\(\\s*(new|old)\\s*,\\s*(new|old)\\s*\\)', '', 'gi') ~* '\\m(new|old)\\M\\s*(\\.\\s*\\*|[,)])') u"

		/*
		 * stored expressions with a variable for the whole row, which is no
		 * dependency
		 */
		" UNION SELECT concat_ws(' ', i.type, i.identity), 'reads all columns of ' || t.n FROM t"
		" JOIN pg_depend d ON t.hidden AND d.refclassid = 'pg_class'::regclass"
		" AND d.refobjid = t.oid CROSS JOIN LATERAL ("
		"  SELECT d.classid, d.objid, conbin::text FROM pg_constraint"
		" WHERE d.classid = 'pg_constraint'::regclass AND oid = d.objid"
		"  UNION ALL SELECT d.classid, d.objid, concat(indexprs, indpred) FROM pg_index"
		" WHERE d.classid = 'pg_class'::regclass AND indexrelid = d.objid"
		"  UNION ALL SELECT d.classid, d.objid, tgqual::text FROM pg_trigger"
		" WHERE d.classid = 'pg_trigger'::regclass AND oid = d.objid"
		"  UNION ALL SELECT d.classid, d.objid, concat(polqual, polwithcheck) FROM pg_policy"
		" WHERE d.classid = 'pg_policy'::regclass AND oid = d.objid"
		"  UNION ALL SELECT d.classid, d.objid, adbin::text FROM pg_attrdef"
		" WHERE d.classid = 'pg_attrdef'::regclass AND oid = d.objid"
		"  UNION ALL SELECT d.classid, d.objid, prosqlbody::text FROM pg_proc"
		" WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid"
		"  UNION ALL SELECT CASE rulename WHEN '_RETURN' THEN d.refclassid ELSE d.classid END,"
		" CASE rulename WHEN '_RETURN' THEN ev_class ELSE oid END,"
		"   concat(ev_action, ev_qual) FROM pg_rewrite WHERE d.classid = 'pg_rewrite'::regclass AND oid = d.objid"
		" ) x (class, oid, tree) CROSS JOIN LATERAL pg_identify_object(x.class, x.oid, 0) i"
		" WHERE strpos(x.tree, format(':varattno 0 :vartype %s ', t.reltype)) > 0 ORDER BY 1, 2",
		{TEXTARRAYOID, TEXTARRAYOID}
	};
	static CmigQuery bodies = {
		TABLES "SELECT format('function %s', p.oid::regprocedure), p.prosrc FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
		" WHERE l.lanname = 'sql' AND p.prosqlbody IS NULL"
		" AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'cmig'::regnamespace)"
		" AND length(p.prosrc) < 100000 AND " MENTIONS("p.prosrc") " ORDER BY 1", {TEXTARRAYOID, TEXTARRAYOID}
	};

	Reading		reading = {.relations = relations,.hidden = hidden,.context = CurrentMemoryContext};
	char	  **view = cmig_statements_function(unseen);
	List	   *texts;
	ListCell   *cell;
	ErrorData  *error;

	reading.found = cmig_query_list(&rows, relations, hidden);
	texts = cmig_query_list(&bodies, relations, hidden);
	if (*unseen == NULL)
	{
		static const Oid argtypes[] = {TEXTARRAYOID, TEXTARRAYOID};
		CmigQuery  *query = cmig_query_make(
											psprintf(TABLES "SELECT format('statement \"%%s\"', CASE WHEN length(s.line) > 100 THEN left(s.line, 97) || '...' ELSE s.line END), s.query, s.hidden"
													 " FROM (SELECT regexp_replace(btrim(q.query, E' \\n\\r\\t'), '\\s+', ' ', 'g') AS line, q.query, q.query = '<insufficient privilege>' AS hidden"
													 "  FROM %s.pg_stat_statements(true) q"
													 " WHERE q.dbid = (SELECT oid FROM pg_database"
													 " WHERE datname = current_database())"
													 "  AND length(q.query) < 100000) s WHERE s.hidden OR " MENTIONS("s.query") " GROUP BY 1, 2, 3 ORDER BY 1, 2", view[0]),
											NIL, 2, argtypes);

		query->function = strtoul(view[3], NULL, 10);
		foreach(cell, cmig_query_list(query, relations, hidden))
		{
			if (*((char **) lfirst(cell))[2] == 't')
				*unseen = psprintf("those of other roles are not visible before GRANT pg_read_all_stats TO %s", quote_identifier(GetUserNameFromId(GetUserId(), false)));
			else
				texts = lappend(texts, lfirst(cell));
		}
	}
	foreach(cell, texts)
	{
		reading.place = ((char **) lfirst(cell))[0];
		reading.text = ((char **) lfirst(cell))[1];
		/* what cannot be parsed is not SQL of this server */
		error = cmig_subtransaction_try(read_text, &reading);
		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
	}
	return reading.found;
}

void
cmig_expansion_forget(void)
{
	static CmigQuery steps = {"DELETE FROM cmig.expansion_step WHERE scope = $1", {TEXTOID}};
	static CmigQuery run = {"DELETE FROM cmig.expansion_run WHERE scope = $1", {TEXTOID}};

	if (!cmig_expansion_is_known())
		return;
	cmig_query_do(&steps, cmig_scope_current());
	cmig_query_do(&run, cmig_scope_current());
}

/* ----------------------------------------------------------------
 * Calls since a time
 * ----------------------------------------------------------------
 */

char **
cmig_statements_function(char **unusable)
{
	/*
	 * The library's own function, which only a superuser can have made.  The
	 * setting exists only if the library is preloaded.
	 */
	static CmigQuery query = {
		"SELECT quote_ident(n.nspname), EXISTS (SELECT FROM pg_settings s"
		" WHERE s.name = 'pg_stat_statements.max'),"
		" has_function_privilege(p.oid, 'EXECUTE')"
		" AND has_schema_privilege(n.oid, 'USAGE'), p.oid, (SELECT i.oid FROM pg_proc i"
		" WHERE i.pronamespace = n.oid"
		"  AND i.proname = 'pg_stat_statements_info' AND i.prolang = l.oid AND i.probin = p.probin"
		" AND i.pronargs = 0 AND has_function_privilege(i.oid, 'EXECUTE')),"
		" concat_ws('; ', CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE')"
		" THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,"
		"  CASE WHEN NOT has_function_privilege(p.oid, 'EXECUTE')"
		" THEN format('GRANT EXECUTE ON FUNCTION %I.pg_stat_statements(boolean) TO %I', n.nspname, current_user) END)"
		" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
		" JOIN pg_language l ON l.oid = p.prolang WHERE p.proname = 'pg_stat_statements'"
		" AND l.lanname = 'c' AND p.probin = '$libdir/pg_stat_statements'"
		" AND p.pronargs = 1 ORDER BY 1 LIMIT 1"
	};
	char	  **row = cmig_query_row(&query);

	*unusable = row == NULL ? "extension pg_stat_statements is not installed" :
		*row[1] == 'f' ? "pg_stat_statements is not in shared_preload_libraries" :
		*row[2] == 'f' ? "you may not call pg_stat_statements" : NULL;
	return row;
}

const char *
cmig_statements_create(void)
{
	if (RecoveryInProgress())
		return "On the primary, as a superuser: CREATE EXTENSION pg_stat_statements";
	return superuser() ? "CREATE EXTENSION pg_stat_statements" :
		"As a superuser: CREATE EXTENSION pg_stat_statements";
}

char **
cmig_statements_info(void)
{
	char	   *unusable;
	char	  **function = cmig_statements_function(&unusable);
	CmigQuery  *query;

	if (unusable != NULL || function[4] == NULL)
		return NULL;
	query = cmig_query_make(psprintf("SELECT extract(epoch FROM i.stats_reset), i.dealloc FROM %s.pg_stat_statements_info() i", function[0]), NIL, 0, NULL);
	query->function = strtoul(function[4], NULL, 10);
	return cmig_query_row(query);
}

void
cmig_expansion_count(const CmigExpansion *expansion)
{
	static const Oid argtypes[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	char	   *why;
	char	  **function = cmig_statements_function(&why);
	char	  **info = cmig_statements_info();
	CmigQuery  *update =
	cmig_query_make(psprintf("UPDATE cmig.expansion_run SET counted = (SELECT jsonb_build_object('at', extract(epoch FROM clock_timestamp()), 'reset', $3, 'dealloc', $4,"
							 "  'calls', coalesce(jsonb_object_agg(concat(userid, '/', queryid), calls), '{}'), 'why',"
							 "  coalesce($2, CASE WHEN bool_or(queryid IS NULL)"
							 " THEN format('queries of other roles were not visible before GRANT pg_read_all_stats TO %%I', current_user) END))"
							 " FROM (SELECT q.userid, q.queryid, sum(q.calls) AS calls FROM %s"
							 " WHERE q.dbid = (SELECT oid FROM pg_database"
							 " WHERE datname = current_database()) GROUP BY 1, 2) x)"
							 " WHERE scope = $1",
							 info ? psprintf("%s.pg_stat_statements(false) q",
											 function[0]) : "(VALUES (0, 0, 0, 0)) q (dbid, userid, queryid, calls)"), NIL, lengthof(argtypes), argtypes);

	if (info == NULL && why == NULL)
		why = "pg_stat_statements does not tell since when it counts";
	update->function = info ? strtoul(function[3], NULL, 10) : InvalidOid;
	cmig_query_do(update, expansion->scope, why, info ? info[0] : NULL, info ? info[1] : NULL);
}

CmigExpansionCount
cmig_expansion_counted(const CmigExpansion *expansion)
{
	/* counters that were reset begin at 0 */
	static CmigQuery query = {
		"SELECT CASE WHEN at IS NULL THEN NULL WHEN same THEN counted->>'calls'"
		" ELSE '{}' END, date_trunc('second', to_timestamp(at::float8))::text, (extract(epoch FROM now()) - at) / 86400,"
		" CASE WHEN counted->>'why' IS NOT NULL"
		" THEN concat('when cmig.expand was called, ', counted->>'why') WHEN at IS NULL THEN 'calls are counted from the next CALL of cmig.expand on'"
		"  WHEN $3 IS DISTINCT FROM CASE WHEN same THEN counted->>'dealloc' ELSE '0' END"
		" THEN 'pg_stat_statements has discarded entries (increase pg_stat_statements.max)' END"
		" FROM (SELECT *, CASE WHEN counted->>'why' IS NULL AND $2 IS NOT NULL THEN CASE WHEN same"
		" THEN counted->>'at' WHEN counted IS NOT NULL THEN $2 END END::numeric AS at"
		"  FROM (SELECT counted, counted->>'reset' IS NOT DISTINCT FROM $2 AS same"
		" FROM (SELECT) one LEFT JOIN cmig.expansion_run ON scope = $1) r) s",
		{TEXTOID, TEXTOID, TEXTOID}
	};
	CmigExpansionCount count = {0};
	char	  **info = cmig_statements_info();
	char	  **row = cmig_query_row(&query, expansion->scope, info ? info[0] : NULL,
									 info ? info[1] : NULL);

	(void) cmig_statements_function(&count.why);
	if (count.why != NULL)
		return count;
	return (CmigExpansionCount)
	{
		.calls = row[0],.since = row[1],.days = row[2] ? strtod(row[2], NULL) : 0,.why = row[3]
	};
}

void
cmig_expansion_keep(const char *revision)
{
	static CmigQuery query =
	{"SELECT scope FROM cmig.expansion_run WHERE $1 = ANY (revisions) ORDER BY 1 LIMIT 1",
	{TEXTOID}};
	char	   *scope = cmig_expansion_is_known() ? cmig_query_value(&query, revision) : NULL;

	if (scope != NULL)
		cmig_expansion_refuse(read_row(scope), "the scripts of its revisions must not change");
}

void
cmig_expansion_refuse(const CmigExpansion *expansion, const char *what)
{
	const char *scope = expansion->scope;
	const char *set = scope[0] || cmig_scope_is_set() ?
	psprintf("SET cmig.scope = %s; ", quote_literal_cstr(scope)) : "";

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" is expanded%s, so %s", expansion->revision,
					scope[0] ? psprintf(" in scope \"%s\"", scope) :
					cmig_scope_is_set() ? " in the database" : "", what),
			 errdetail("Its state is %s.", expansion->state),
			 strcmp(expansion->state, "expanding") == 0 ?
			 cmig_hint("To go on: `%sCALL cmig.expand(%s)`, then `CALL cmig.contract()`. To undo it: `%sCALL cmig.abandon()`",
					   set, quote_literal_cstr(expansion->revision), set) :
			 cmig_hint("To complete it: `%sCALL cmig.contract()`. To undo it: `%sCALL cmig.abandon()`", set, set)));
}
