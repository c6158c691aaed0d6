/*
 * psql_verify.c
 *	  Preconditions and verify sections in a psql script.
 *
 * In an upgrade, the queries of both run in DO statements that raise an error if
 * the result is not the expected one.  On their own, verify sections run as
 * with cmig.verify: each in a DO statement that rolls back what the section has
 * done, and adds what it has found to a setting of the transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "move/internal.h"
#include "parse/parse.h"

/* The setting, a JSON array with a row for each section. */
#define FOUND "cmig_client.verified"

/*
 * Append a block that runs a query of verify_sql or a precondition.  It converts
 * each row to JSON.  Of a row of verify_sql, it examines the values in order;
 * JSON does not show the type of a null, so if a null comes before any boolean,
 * it looks up the type of the null's column with a query.  A precondition must
 * return exactly one row with one column, the boolean true.
 */
static void
append_block(StringInfo out, const char *revision, const CmigStatement *statement,
			 bool precondition)
{
	appendStringInfoString(out, "DECLARE\n\tquery CONSTANT pg_catalog.text := ");
	cmig_psql_append_dollar_quoted(out, statement->text);
	appendStringInfoString(out, ";\n\tline pg_catalog.record;\n");
	if (!precondition)
		appendStringInfo(out,
						 "\tcell pg_catalog.record;\n"
						 "\tcolumns pg_catalog.text;\n"
						 "\tfirst pg_catalog.text;\n"
						 "BEGIN\n"
						 "\tFOR line IN EXECUTE query LOOP\n"
						 "\t\tFOR cell IN\n"
						 "\t\t\tSELECT j.ordinality AS number, pg_catalog.json_typeof(j.value) AS type, j.value::pg_catalog.text AS value\n"
						 "\t\t\tFROM pg_catalog.json_each(pg_catalog.row_to_json(line)) WITH ORDINALITY j\n"
						 "\t\tLOOP\n"
						 "\t\t\tCONTINUE WHEN cell.type " OP("<>") " 'boolean' AND cell.type " OP("<>") " 'null';\n"
						 "\t\t\tIF cell.type " OP("=") " 'null' THEN\n"
						 "\t\t\t\tSELECT pg_catalog.string_agg(pg_catalog.concat('c', n), ', ') INTO columns\n"
						 "\t\t\t\t\tFROM pg_catalog.generate_series(1, (SELECT pg_catalog.count(*)"
						 " FROM pg_catalog.json_each(pg_catalog.row_to_json(line)))) n;\n"
						 "\t\t\t\tEXECUTE pg_catalog.concat('WITH q (', columns, ') AS (', query, E'\\n) SELECT pg_catalog.pg_typeof(c', cell.number, ') FROM q LIMIT 1') INTO first;\n"
						 "\t\t\t\tCONTINUE WHEN first " OP("<>") " 'boolean';\n"
						 "\t\t\tEND IF;\n"
						 "\t\t\tEXIT WHEN cell.value " OP("=") " 'true';\n"
						 "\t\t\tRAISE EXCEPTION USING ERRCODE = 'MG009', MESSAGE = %s,\n"
						 "\t\t\t\tDETAIL = pg_catalog.concat('Statement %d of verify_sql returned the row: ',"
						 " (SELECT pg_catalog.string_agg(pg_catalog.concat(j.key, ' = ', CASE"
						 " WHEN pg_catalog.json_typeof(j.value) " OP("=") " 'boolean'"
						 " THEN pg_catalog.left(j.value::pg_catalog.text, 1)"
						 " ELSE coalesce(j.value " OP("#>>") " '{}', 'NULL') END), ', ' ORDER BY j.ordinality)"
						 " FROM pg_catalog.json_each(pg_catalog.row_to_json(line)) WITH ORDINALITY j), '.');\n"
						 "\t\tEND LOOP;\n"
						 "\tEND LOOP;\n"
						 "END",
						 quote_literal_cstr(psprintf("revision \"%s\" failed its verification",
													 revision)),
						 statement->number);
	else
		appendStringInfo(out,
						 "\tlines bigint := 0;\n"
						 "\tholds boolean;\n"
						 "BEGIN\n"
						 "\tFOR line IN EXECUTE query LOOP\n"
						 "\t\tlines := lines " OP("+") " 1;\n"
						 "\t\tSELECT pg_catalog.count(*) " OP("=") " 1 AND pg_catalog.bool_and(pg_catalog.json_typeof(j.value) " OP("=") " 'boolean' AND j.value::pg_catalog.text " OP("=") " 'true')\n"
						 "\t\t\tINTO holds FROM pg_catalog.json_each(pg_catalog.row_to_json(line)) j;\n"
						 "\tEND LOOP;\n"
						 "\tIF lines " OP("<>") " 1 OR holds IS NOT TRUE THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
						 "\t\t\tMESSAGE = %s,\n"
						 "\t\t\tDETAIL = pg_catalog.concat('The precondition is: ', query),\n"
						 "\t\t\tHINT = 'The precondition must return one row with one boolean column, whose value must be true.';\n"
						 "\tEND IF;\n"
						 "END",
						 quote_literal_cstr(psprintf("the precondition of revision \"%s\" is not met", revision)));
}


void
cmig_psql_append_query(StringInfo out, const char *revision, const CmigStatement *statement,
					   bool precondition)
{
	StringInfoData body;

	initStringInfo(&body);
	append_block(&body, revision, statement, precondition);
	cmig_psql_append_do(out, body.data);
	pfree(body.data);
}

/* With exit_on_error, no error could be caught: that of each section ends the session. */
void
cmig_psql_section_open(StringInfo out)
{
	appendStringInfoString(out, "SET LOCAL " FOUND " = '[]';\nSET LOCAL exit_on_error = off;\n");
}

void
cmig_psql_section_begin(StringInfo body)
{
	appendStringInfoString(body,
						   "DECLARE\n"
						   "\tplace pg_catalog.text;\n"
						   "\tcomplete boolean := false;\n"
						   "\tmessage pg_catalog.text;\n"
						   "\tdetail pg_catalog.text;\n"
						   "\tstate pg_catalog.text;\n"
						   "BEGIN\n"
						   "\tBEGIN\n");
}

void
cmig_psql_section_append(StringInfo body, const CmigRunStep *step, const CmigStatement *statement,
						 bool returns_rows)
{
	char	   *place = cmig_run_step_place(step, "verify", true, statement->number, statement->line);

	appendStringInfo(body, "place := %s;\n", quote_literal_cstr(psprintf("pg_cmig: %s", place)));
	if (returns_rows)
		append_block(body, step->revision, statement, false);
	else
	{
		appendStringInfoString(body, "EXECUTE ");
		cmig_psql_append_dollar_quoted(body, statement->text);
	}
	appendStringInfoString(body, ";\n");
}

/* What must not count as a failure of the section is raised again. */
void
cmig_psql_section_end(StringInfo body, const char *revision)
{
	appendStringInfo(body,
					 "\t\tSET CONSTRAINTS ALL IMMEDIATE;\n"
					 "\t\tcomplete := true;\n"
					 "\t\tRAISE EXCEPTION 'to be rolled back';\n"
					 "\tEXCEPTION WHEN OTHERS OR assert_failure THEN\n"
					 "\t\tIF NOT complete THEN\n"
					 "\t\t\tGET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;\n"
					 "\t\t\tIF state " OP("~") " '^5[357]' THEN\n"
					 "\t\t\t\tRAISE;\n"
					 "\t\t\tEND IF;\n"
					 "\t\t\tIF state " OP("=") " 'MG009' THEN\n"
					 "\t\t\t\tmessage := detail;\n"
					 "\t\t\tEND IF;\n"
					 "\t\tEND IF;\n"
					 "\tEND;\n"
					 "\tPERFORM pg_catalog.set_config('" FOUND "', (pg_catalog.current_setting('" FOUND "')::pg_catalog.jsonb " OP("||") "\n"
					 "\t\tpg_catalog.jsonb_build_object('revision', %s::pg_catalog.text, 'ok', complete,\n"
					 "\t\t'message', CASE WHEN NOT complete"
					 " THEN pg_catalog.concat_ws(E'\\n', message, place) END))::pg_catalog.text, true);\n"
					 "END", quote_literal_cstr(revision));
}

void
cmig_psql_section_close(StringInfo out)
{
	appendStringInfoString(out,
						   "SELECT NOT pg_catalog.bool_and(v.ok) AS cmig_failed FROM pg_catalog.jsonb_to_recordset(pg_catalog.current_setting('" FOUND "')::pg_catalog.jsonb) AS v (ok boolean) \\gset\n"
						   "SELECT v.* FROM pg_catalog.jsonb_to_recordset(pg_catalog.current_setting('" FOUND "')::pg_catalog.jsonb) AS v (revision pg_catalog.text, ok boolean, message pg_catalog.text);\n");
}
