/*
 * psql_table.c
 *	  What the script of cmig.script does before it uses the version table, or the
 *	  tables of an engine.
 *
 * Any role that can create a table in the schema could have made it before the first
 * script ran, and any role with the privilege TRIGGER could put code on it, which
 * would run as the role that runs the script.  The owner of the schema could rename
 * it while the script runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "move/internal.h"
#include "parse/parse.h"

/* share/cmig/engine_lock.sql and engine_shape.sql, which make copies */
static const char lock[] =
#include "move/engine_lock.inc"
		   ;
static const char shape[] =
#include "move/engine_shape.inc"
		   ;

/* Returns a query for the schema of the table that search_path finds. */
static char *
schema_in_path(const char *table, const char *condition)
{
	return psprintf("(SELECT n.nspname FROM pg_catalog.pg_namespace n"
					" JOIN pg_catalog.pg_class c ON c.relnamespace " OP("=") " n.oid\n"
					"\t\tWHERE c.oid " OP("=") " pg_catalog.to_regclass(%s)%s)",
					quote_literal_cstr(quote_identifier(table)), condition);
}

/* sets search_path to the schema; pg_temp would be searched first if it were not last */
#define PIN_SCHEMA \
	"\tPERFORM pg_catalog.set_config('search_path'," \
	" pg_catalog.concat(pg_catalog.quote_ident(cmig_schema), ', pg_temp'), true);\n"

/*
 * The queries have no qualified names, so search_path is pinned meanwhile.  A table
 * that is missing could be created by another session after the check.
 */
char *
cmig_psql_table_check(const char *schema, const char *table)
{
	bool		engine = schema != NULL && strcmp(schema, "cmig_engine") == 0 && table == NULL;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text,
					 "\tcmig_schema := %s;\n"
					 "\tcmig_names := ARRAY[%s];\n"
					 "\tPERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);\n"
					 "%s"
					 "\tSELECT * INTO cmig_item FROM (\n%s\t) q;\n",
					 schema ? quote_literal_cstr(schema) : schema_in_path(table, ""),
					 engine ? "'format', 'journal', 'progress', 'version'" : quote_literal_cstr(table),
					 lock, shape);
	appendStringInfo(&text,
					 "\tIF cmig_item.what IS NOT NULL THEN\n"
					 "\t\tRAISE insufficient_privilege USING MESSAGE = cmig_item.what, HINT = cmig_item.repair,\n"
					 "\t\t\tDETAIL = pg_catalog.format('Code of others could run as %%I, or skip revisions.', CURRENT_USER);\n"
					 "\tELSIF NOT cmig_locked " OP("@>") " pg_catalog.array_remove(cmig_names, 'format') THEN\n"
					 "\t\tRAISE insufficient_privilege USING"
					 " MESSAGE = pg_catalog.format('role %%I cannot read table %%s%%I, or it"
					 " does not exist', CURRENT_USER,\n"
					 "\t\t\t\tpg_catalog.quote_ident(cmig_schema) " OP("||") " '.', (SELECT pg_catalog.min(n) FROM pg_catalog.unnest(cmig_names) n WHERE n " OP("<>") " ALL (cmig_locked)));\n"
					 "\tEND IF;\n");
	appendStringInfoString(&text, schema ? CMIG_TABLE_RESTORE : PIN_SCHEMA);
	return text.data;
}

void
cmig_psql_table_append_changes(StringInfo out, const char *table, const char *changes)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfo(&body,
					 "DECLARE\n"
					 "\tcmig_path CONSTANT pg_catalog.text :="
					 " pg_catalog.current_setting('search_path');\n"
					 "\tcmig_schema CONSTANT pg_catalog.name := %s;\n"
					 "BEGIN\n"
					 "\tIF cmig_schema IS NULL THEN\n"
					 "\t\tRAISE SQLSTATE 'MG025' USING MESSAGE = %s,\n"
					 "\t\t\tHINT = %s;\n"
					 "\tEND IF;\n" PIN_SCHEMA "%s" CMIG_TABLE_RESTORE "END",
					 schema_in_path(table, " AND EXISTS (SELECT FROM pg_catalog.pg_locks l"
									" WHERE l.relation " OP("=") " c.oid\n"
									"\t\t\tAND l.pid " OP("=") " pg_catalog.pg_backend_pid()"
									" AND l.mode " OP("=") " 'ExclusiveLock')"),
					 quote_literal_cstr(psprintf("%s is no longer the table that this transaction has checked",
												 quote_identifier(table))),
					 quote_literal_cstr(psprintf("Generate the script again, with the schema:"
												 " version_table => 'schema.%s'",
												 quote_identifier(table))),
					 changes);
	cmig_psql_append_do(out, body.data);
}

void
cmig_psql_table_store_check(StringInfo out, const char *check)
{
	out->len -= strlen(";\n");
	appendStringInfoString(out, "\\;\nSELECT ");
	cmig_psql_append_dollar_quoted(out, psprintf("\nDECLARE\n" CMIG_TABLE_VARIABLES "BEGIN\n%sEND\n", check));
	appendStringInfoString(out, " AS cmig_check \\gset\n");
}

void
cmig_psql_table_append_width(StringInfo body, const char *table, const char *column, int longest)
{
	appendStringInfo(body,
					 "\tWITH RECURSIVE base (type, modifier) AS (\n"
					 "\t\tSELECT a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a\n"
					 "\t\t\tWHERE a.attrelid " OP("=") " pg_catalog.to_regclass(%s) AND a.attname " OP("=") " '%s'\n"
					 "\t\tUNION ALL SELECT t.typbasetype, t.typtypmod FROM base b\n"
					 "\t\t\tJOIN pg_catalog.pg_type t ON t.oid " OP("=") " b.type AND t.typtype " OP("=") " 'd'\n"
					 "\t) SELECT b.modifier " OP("-") " 4 INTO width FROM base b\n"
					 "\t\tWHERE (b.type " OP("=") " 'pg_catalog.varchar'::pg_catalog.regtype OR b.type " OP("=") " 'pg_catalog.bpchar'::pg_catalog.regtype)\n"
					 "\t\t\tAND b.modifier " OP(">") " 0;\n"
					 "\tIF width " OP("<") " %d THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'string_data_right_truncation',\n"
					 "\t\t\tMESSAGE = %s,\n"
					 "\t\t\tDETAIL = pg_catalog.format('The column can hold %%s characters, but the longest revision ID has %d.', width),\n"
					 "\t\t\tHINT = %s;\n"
					 "\tEND IF;\n",
					 quote_literal_cstr(table), column, longest,
					 quote_literal_cstr(psprintf("column %s of table %s is too narrow",
												 column, table)),
					 longest,
					 quote_literal_cstr(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE character varying(%d)",
												 table, column, CMIG_MAX_ID_LENGTH)));
}
