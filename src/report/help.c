/*
 * help.c
 *	  Implements cmig.help, which explains functions, tables, and settings.
 *
 * The explanations are the comments that pg_cmig--1.0.sql sets on functions,
 * tables, and columns, and the descriptions of the settings.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/result.h"

PG_FUNCTION_INFO_V1(cmig_help);

#define LINE_WIDTH 80

static const char *const overview[] = {
	"pg_cmig runs schema migrations inside the database. SELECT * FROM cmig.status()",
	"shows its state and what to type; SELECT cmig.help('upgrade') explains a name.",
	"",
	"  look      status  current  heads  branches  history  graph  show  log  help",
	"  write     draft  create_revision  merge  load  export  autogenerate  squash",
	"  check     check  lint  plan  dry_run  diff  drift  round_trip  verify  require",
	"  move      upgrade  downgrade  stamp  reset  repair  set_protect",
	"  live      upgrade_stepwise  backfill  add_not_null  add_check  add_unique",
	"  rows      enable_rls  set_context  rls_status  rls_check  rls_test",
	"  audit     enable_audit  audit_history  audit_as_of  audit_report  audit_retain",
	"  access    grant_access  revoke_access  allow_ddl  set_ddl_policy",
	"  other     baseline  capture  script  schema_sql  import_files  import_state",
	"  tables    revision  version  journal  progress  ddl_log",
	"",
	"  SELECT * FROM cmig.upgrade('head');      CALL cmig.upgrade_stepwise('head');"
};

/*
 * Finds the help entries for a function.  An entry has three parts: the call
 * syntax, the result, and the comment.  Overloaded functions that only raise
 * an error are left out.
 */
static CmigQuery functions_query = {
	"WITH form AS (SELECT p.oid, p.proname, p.prokind, p.proretset, d.description,"
	" regexp_replace(pg_get_function_arguments(p.oid), '::[a-z ]+(\\[\\])?|\\mIN ', '', 'g') AS arguments,"
	" pg_get_function_result(p.oid) AS result"
	" FROM pg_proc p JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass"
	" WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname::text = $1"
	" AND d.description NOT LIKE 'Not meant to be called%')"
	" SELECT CASE prokind WHEN 'p' THEN 'CALL ' ELSE '' END || 'cmig.' || proname"
	" || '(' || regexp_replace(arguments, '(, )?OUT .*$', '') || ')',"
	" CASE WHEN prokind = 'p' THEN NULL"
	" WHEN arguments ~ 'OUT ' THEN CASE WHEN proretset THEN 'Rows: ' ELSE 'Row: ' END"
	" || replace(substring(arguments FROM 'OUT (.*)$'), ', OUT ', ', ')"
	" ELSE 'Returns ' || result END, description FROM form ORDER BY arguments COLLATE \"C\"",
	1, {TEXTOID}
};

static CmigQuery tables_query = {
	"SELECT CASE WHEN a.attnum IS NULL THEN 'cmig.' || c.relname ELSE '    ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) END,"
	" NULL, coalesce(d.description, '')"
	" FROM pg_class c"
	" CROSS JOIN LATERAL (SELECT NULL::smallint, NULL::name, NULL::oid, NULL::integer UNION ALL"
	" SELECT attnum, attname, atttypid, atttypmod FROM pg_attribute"
	" WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a (attnum, attname, atttypid, atttypmod)"
	" LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass"
	" AND d.objsubid = coalesce(a.attnum, 0)"
	" WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname::text = $1"
	" ORDER BY a.attnum NULLS FIRST",
	1, {TEXTOID}
};

static CmigQuery settings_query = {
	"SELECT name, concat_ws(', ', vartype, 'now ' || coalesce(nullif(setting, ''), 'not set'),"
	" 'one of ' || array_to_string(enumvals, ', ')),"
	" concat_ws(' ', short_desc, extra_desc) FROM pg_settings"
	" WHERE name = 'cmig.' || $1",
	1, {TEXTOID}
};

static CmigQuery similar_query = {
	"SELECT string_agg(name, ', ') FROM (SELECT name FROM"
	" (SELECT proname::text FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace"
	" UNION ALL SELECT relname::text FROM pg_class"
	" WHERE relnamespace = 'cmig'::regnamespace AND relkind IN ('r', 'v')) n (name)"
	" WHERE $1 <> '' AND (strpos(name, lower($1)) > 0 OR strpos(lower($1), name) > 0)"
	" GROUP BY name ORDER BY name COLLATE \"C\" LIMIT 10) n",
	1, {TEXTOID}
};

/* The result of a call to cmig.help. */
typedef struct Help
{
	FunctionCallInfo fcinfo;
	int			entries;
} Help;

/*
 * Add text to the result, wrapped into lines.  The first line is indented by
 * "first" columns, and the other lines by "rest" columns.
 */
static void
put_wrapped(FunctionCallInfo fcinfo, const char *text, int first, int rest)
{
	StringInfoData line;
	int			indent = first;

	initStringInfo(&line);
	while (*text)
	{
		int			length = strcspn(text, " ");

		if (line.len > indent && line.len + 1 + length > LINE_WIDTH)
		{
			cmig_result_add_text(fcinfo, line.data);
			resetStringInfo(&line);
		}
		if (line.len == 0)
		{
			appendStringInfoSpaces(&line, indent);
			indent = rest;
		}
		else if (line.len > 0 && line.data[line.len - 1] != ' ')
			appendStringInfoChar(&line, ' ');
		appendBinaryStringInfo(&line, text, length);
		text += length;
		while (*text == ' ')
			text++;
	}
	if (line.len > 0)
		cmig_result_add_text(fcinfo, line.data);
	pfree(line.data);
}

/* Row callback: add an entry to the result. */
static void
put_entry(TupleDesc desc, HeapTuple row, void *arg)
{
	Help	   *help = arg;
	char	   *title = cmig_query_text(desc, row, 1);
	char	   *result = cmig_query_text(desc, row, 2);
	char	   *comment = cmig_query_text(desc, row, 3);
	int			indent;

	if (title == NULL)
		return;
	if (help->entries++ > 0 && title[0] != ' ')
		cmig_result_add_text(help->fcinfo, "");
	indent = strspn(title, " ");
	put_wrapped(help->fcinfo, title + indent, indent, indent + 8);
	if (result)
		put_wrapped(help->fcinfo, result, indent + 4, indent + 8);
	if (comment)
		put_wrapped(help->fcinfo, comment, indent + 4, indent + 4);
}

/* Raise 22023 for a name that does not exist. */
static void
raise_unknown(const char *name, Datum *values)
{
	char	   *similar = NULL;

	cmig_query_each(&similar_query, values, NULL, cmig_query_keep_text, &similar);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("pg_cmig has no function, table, or setting \"%s\"",
					strlen(name) > NAMEDATALEN ? "..." : name),
			 similar ? errhint("Similar names are: %s.", similar)
			 : errhint("SELECT cmig.help() lists the functions.")));
}

Datum
cmig_help(PG_FUNCTION_ARGS)
{
	CmigQuery  *queries[] = {&functions_query, &tables_query, &settings_query};
	char	   *name = cmig_argument_text(fcinfo, 0);
	Help		help = {.fcinfo = fcinfo};
	Datum		values[1];

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (name == NULL)
	{
		for (int i = 0; i < lengthof(overview); i++)
			cmig_result_add_text(fcinfo, overview[i]);
		return (Datum) 0;
	}
	if (strncmp(name, "cmig.", 5) == 0)
		name += 5;
	name[strcspn(name, "(")] = '\0';
	values[0] = CStringGetTextDatum(name);
	for (int i = 0; i < lengthof(queries); i++)
		cmig_query_each(queries[i], values, NULL, put_entry, &help);
	if (help.entries == 0)
		raise_unknown(name, values);
	return (Datum) 0;
}
