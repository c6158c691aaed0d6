/*
 * kind_view.c
 *	  Views, materialized or not, and their columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_column.h"
#include "kinds/kinds.h"
#include "kinds/options.h"

enum
{
	DEFINITION,
	COLUMNS,
	OPTIONS,
	/* the following properties exist only for materialized views */
	METHOD,
	TABLESPACE,
	UNPOPULATED
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION},
	[COLUMNS] = {"columns"},
	[OPTIONS] = {"options", CMIG_PROPERTY_LIST},
	[METHOD] = {"access method"},
	[TABLESPACE] = {"tablespace"},
	[UNPOPULATED] = {"without data", CMIG_PROPERTY_SILENT},
};

#define VIEW_SQL(relkind) \
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false," \
	" rtrim(pg_get_viewdef(c.oid), ';')," \
	" (SELECT string_agg(format('%I %s %s', a.attname, format_type(a.atttypid, a.atttypmod)," \
	"   (SELECT format('%I.%I', kn.nspname, k.collname) FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace" \
	"    WHERE k.oid = a.attcollation AND a.attcollation <> 100)), ', ' ORDER BY a.attnum)" \
	"  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)," \
	" " CMIG_OPTIONS_SQL("c.reloptions") "," \
	" CASE WHEN m.amname <> 'heap' THEN quote_ident(m.amname) END, quote_ident(s.spcname)," \
	" CASE WHEN NOT c.relispopulated THEN 't' END" \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace" \
	" WHERE c.relnamespace = ANY ($1) AND c.relkind = '" relkind "'"

static const char view_sql[] = VIEW_SQL("v");
static const char materialized_view_sql[] = VIEW_SQL("m");

bool
cmig_view_is_empty(const CmigObject *view)
{
	return view->values[UNPOPULATED] != NULL;
}

void
cmig_view_leave_empty(CmigObject *view)
{
	cmig_object_set(view, UNPOPULATED, "t");
}

void
cmig_view_fill(CmigObject *view)
{
	cmig_object_set(view, UNPOPULATED, NULL);
}

void
cmig_view_fill_as_owner(const CmigObject *view, List *ddl)
{
	CmigDdl    *create = linitial(ddl);
	CmigDdl    *owner = lsecond(ddl);

	if (cmig_view_is_empty(view))
		return;
	create->sql = psprintf("%s\n  WITH NO DATA", create->sql);
	owner->sql = psprintf("%s;\nREFRESH MATERIALIZED VIEW %s", owner->sql, view->identity);
}

static char *
view_statement(const CmigObject *view, const char *verb)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s VIEW %s", verb, view->identity);
	if (view->values[OPTIONS])
		appendStringInfo(&sql, " WITH (%s)", view->values[OPTIONS]);
	appendStringInfo(&sql, " AS\n%s", view->values[DEFINITION]);
	return sql.data;
}

static List *
create_view(const CmigObject *view)
{
	return cmig_ddl_append(NIL, view_statement(view, "CREATE"), cmig_kind_drop(view));
}

/*
 * Re-create a view whose columns differ, because CREATE OR REPLACE VIEW cannot
 * change existing columns.
 */
static void
alter_view(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, COLUMNS))
		alter->again = true;
	else if (cmig_alter_differs(alter, DEFINITION))
		cmig_alter_add(alter, view_statement(alter->to, "CREATE OR REPLACE"),
					   view_statement(alter->from, "CREATE OR REPLACE"));
	else
		cmig_options_alter(alter, OPTIONS, cmig_kind_reference(alter->to), "");
}

CmigKind	cmig_kind_view = {
	.name = "view",.word = "VIEW",.grant_word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(properties),
	.sql = view_sql,.create = create_view,.alter = alter_view
};

static List *
create_materialized_view(const CmigObject *view)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE MATERIALIZED VIEW %s", view->identity);
	if (view->values[METHOD])
		appendStringInfo(&sql, " USING %s", view->values[METHOD]);
	if (view->values[OPTIONS])
		appendStringInfo(&sql, " WITH (%s)", view->values[OPTIONS]);
	if (view->values[TABLESPACE])
		appendStringInfo(&sql, " TABLESPACE %s", view->values[TABLESPACE]);
	appendStringInfo(&sql, " AS\n%s", view->values[DEFINITION]);
	if (view->values[UNPOPULATED])
		appendStringInfoString(&sql, "\n  WITH NO DATA");
	return cmig_ddl_append(NIL, sql.data, cmig_kind_drop(view));
}

static void
alter_materialized_view(CmigAlter *alter)
{
	const CmigObject *to = alter->to;

	if (cmig_alter_differs(alter, COLUMNS) || cmig_alter_differs(alter, DEFINITION))
	{
		alter->again = true;
		return;
	}
	cmig_alter_value(alter, METHOD, "SET ACCESS METHOD", "heap");
	cmig_alter_value(alter, TABLESPACE, "SET TABLESPACE", "pg_default");
	cmig_options_alter(alter, OPTIONS, cmig_kind_reference(to), "");
}

CmigKind	cmig_kind_materialized_view = {
	.name = "materialized view",.word = "MATERIALIZED VIEW",.grant_word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(properties),
	.sql = materialized_view_sql,.create = create_materialized_view,.alter = alter_materialized_view
};

/*
 * View columns are separate objects, because they have comments, privileges,
 * and dependents.
 */

enum
{
	STATISTICS,
	STORAGE,
	DEFAULT_STORAGE,
	COMPRESSION,
	COLUMN_OPTIONS
};

static const CmigProperty column_properties[] = {
	[STATISTICS] = {"statistics target"},
	[STORAGE] = {"storage"},
	[DEFAULT_STORAGE] = {"the type's storage", CMIG_PROPERTY_SILENT},
	[COMPRESSION] = {"compression"},
	[COLUMN_OPTIONS] = {"options", CMIG_PROPERTY_LIST},
};

static const char column_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, false,"
" CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,"
" CASE WHEN a.attstorage <> t.typstorage AND c.relkind = 'm' THEN " CMIG_STORAGE_SQL("a.attstorage") " END,"
" " CMIG_STORAGE_SQL("t.typstorage") ","
" CASE WHEN c.relkind = 'm' THEN CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END END,"
" CASE WHEN a.attoptions IS NOT NULL THEN " CMIG_OPTIONS_SQL("a.attoptions") " END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
" JOIN pg_type t ON t.oid = a.atttypid"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('v', 'm')"
" ORDER BY a.attrelid, a.attnum";

static void
alter_column(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	char	   *column = psprintf("%s ALTER COLUMN %s", cmig_kind_reference(to->parent), cmig_quote(to->name));

	if (cmig_alter_differs(alter, STATISTICS))
		cmig_alter_add(alter, psprintf("ALTER %s SET STATISTICS %s", column, to->values[STATISTICS] ? to->values[STATISTICS] : "-1"),
					   psprintf("ALTER %s SET STATISTICS %s", column, from->values[STATISTICS] ? from->values[STATISTICS] : "-1"));
	if (cmig_alter_differs(alter, STORAGE))
		cmig_alter_add(alter, psprintf("ALTER %s SET STORAGE %s", column, to->values[STORAGE] ? to->values[STORAGE] : to->values[DEFAULT_STORAGE]),
					   psprintf("ALTER %s SET STORAGE %s", column, from->values[STORAGE] ? from->values[STORAGE] : to->values[DEFAULT_STORAGE]));
	if (cmig_alter_differs(alter, COMPRESSION))
		cmig_alter_add(alter, psprintf("ALTER %s SET COMPRESSION %s", column, to->values[COMPRESSION] ? to->values[COMPRESSION] : "default"),
					   psprintf("ALTER %s SET COMPRESSION %s", column, from->values[COMPRESSION] ? from->values[COMPRESSION] : "default"));
	cmig_options_alter(alter, COLUMN_OPTIONS, column, "");
}

static List *
create_column(const CmigObject *column)
{
	return cmig_kind_complete(column, NIL, alter_column);
}

CmigKind	cmig_kind_view_column = {
	.name = "view column",.word = "COLUMN",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(column_properties),
	.sql = column_sql,.create = create_column,.alter = alter_column
};
