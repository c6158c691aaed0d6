/*
 * script_text.c
 *	  Writes a revision's script as part of a psql script.
 *
 * A psql script contains statements for everything that the runner does before
 * and after a revision's script.  For example, the statements turn off
 * row_security, fire deferred events, drop temporary objects and prepared
 * statements, reset settings and roles, and run verify_sql.  The statements
 * reset the whole session, whereas the runner reverts only what the revision's
 * script has created or set (doc/reference.md, cmig.script).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "run/scope.h"
#include "run/session.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"
#include "offline/script_text.h"
#include "parse/psql_text.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/precondition.h"

/* The statement that is being read, for error messages. */
typedef struct Reading
{
	const char *revision;
	CmigStatement statement;
} Reading;

/* Finds a deferrable constraint in the database. */

static CmigQuery find_deferrable = {
	"SELECT 1 FROM pg_constraint WHERE condeferrable LIMIT 1", 0
};

/*
 * Settings
 */

/* Returns the statements that prepare the session for a revision's script. */
static char *
make_start_script(const char *pin)
{
	const char *role = cmig_settings_text("cmig.role", GetConfigOption("cmig.role", true, false));
	const char *path = cmig_session_path_setting();
	StringInfoData text;

	cmig_scope_require_safe(path);
	initStringInfo(&text);
	if (role && *role)
		appendStringInfo(&text, "SET ROLE %s;\n", quote_identifier(role));
	if (cmig_scope_is_set())
		path = cmig_session_search_path();
	if (path && *path)
	{
		List	   *schemas;
		ListCell   *lc;

		if (!SplitIdentifierString(pstrdup(path), ',', &schemas))
			elog(ERROR, "cmig.search_path is not a list of names");
		appendStringInfoString(&text, "SET search_path = ");
		foreach(lc, schemas)
		{
			appendStringInfo(&text, "%s%s", foreach_current_index(lc) ? ", " : "",
							 *(char *) lfirst(lc) ? quote_identifier(lfirst(lc)) : "\"\"");
		}
		appendStringInfoString(&text, ";\n");
	}
	appendStringInfoString(&text, "SET row_security = off;\n");
	cmig_psql_pin(&text, 0, pin);
	return text.data;
}

/*
 * Append the statements that restore the session after a script.  If "more" is
 * true, another script follows in the same transaction, so deferred events
 * must be fired explicitly.
 */
static void
append_end_of_script(StringInfo out, const CmigPsqlScripts *scripts,
					 const CmigPsqlFacts *facts, bool more)
{
	if (facts->declares_cursor)
		appendStringInfoString(out, "CLOSE ALL;\n");
	if (more && (scripts->facts.deferrable || !scripts->knows_constraints))
		cmig_psql_append_do(out,
							"DECLARE\n"
							"\tnames text;\n"
							"\tmode text;\n"
							"BEGIN\n"
							"\t-- run deferred checks before the next revision\n"
							"\tFOR mode, names IN\n"
							"\t\tSELECT m.mode, pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ')\n"
							"\t\tFROM pg_catalog.pg_constraint c\n"
							"\t\tJOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace\n"
							"\t\tJOIN (VALUES (1, 'IMMEDIATE'), (2, 'DEFERRED')) m (step, mode)\n"
							"\t\t\tON c.condeferrable AND (m.step = 1 OR c.condeferred)\n"
							"\t\tWHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')\n"
							"\t\t\tAND (n.oid = pg_catalog.pg_my_temp_schema() OR n.nspname !~ '^pg_temp_')\n"
							"\t\t\tAND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o\n"
							"\t\t\t\tWHERE o.conname = c.conname AND o.connamespace = c.connamespace AND NOT o.condeferrable)\n"
							"\t\tGROUP BY m.step, m.mode ORDER BY m.step\n"
							"\tLOOP\n"
							"\t\tEXECUTE 'SET CONSTRAINTS ' || names || ' ' || mode;\n"
							"\tEND LOOP;\n"
							"END");
	if (facts->temp_objects)
		appendStringInfoString(out, "DISCARD TEMP;\n");
	if (facts->prepares)
		appendStringInfoString(out, "DEALLOCATE ALL;\n");
	appendStringInfoString(out, "RESET SESSION AUTHORIZATION;\nRESET ROLE;\nRESET ALL;\n");
	appendStringInfoString(out, scripts->start_session);
}

/*
 * Scripts
 */

/*
 * Error context callback: name the revision, the statement, and the line.  The
 * argument is a Reading.
 */
static void
describe_error(void *arg)
{
	const Reading *reading = arg;
	int			position = geterrposition();

	if (reading->statement.text == NULL)
	{
		errcontext("pg_cmig: text of %s", reading->revision);
		return;
	}
	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(reading->statement.text);
	}
	errcontext("pg_cmig: text of %s, statement %d, line %d", reading->revision,
			   reading->statement.number, reading->statement.line);
}

/*
 * Raise an error for a statement that the runner rejects.  If the revision is
 * nontransactional, statements that cannot run inside a transaction are
 * allowed.
 */
static void
check_statement(const CmigRunStep *step, const RawStmt *raw)
{
	const char *reason;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			return;
		case CMIG_STATEMENT_CONCURRENTLY:
		case CMIG_STATEMENT_OWN_PROCEDURE:
		case CMIG_STATEMENT_TOP_LEVEL:
			if (!step->transactional)
				return;
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
					 errmsg("%s cannot run inside a transaction", reason),
					 errhint("Set \"transactional: false\" in revision \"%s\".", step->revision)));
			break;
		case CMIG_STATEMENT_TRANSACTION:
		case CMIG_STATEMENT_CLIENT_COPY:
		case CMIG_STATEMENT_DISCARD_ALL:
			cmig_statement_refuse(raw);
			break;
	}
}

/*
 * If the statement changes standard_conforming_strings, apply the change, so
 * that the rest of the script is read correctly.
 */
static void
follow_strings(const RawStmt *raw)
{
	VariableSetStmt *set = (VariableSetStmt *) raw->stmt;
	const char *value = "on";

	if (!cmig_statement_changes_strings(raw))
		return;
	if (set->kind == VAR_SET_VALUE)
		value = ExtractSetVariableArgs(set);
	cmig_settings_override("standard_conforming_strings", value);
}

/* Does the statement return rows? */
static bool
returns_rows(const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_SelectStmt:
			return ((const SelectStmt *) raw->stmt)->intoClause == NULL;
		case T_InsertStmt:
			return cmig_returns_compat((const InsertStmt *) raw->stmt);
		case T_UpdateStmt:
			return cmig_returns_compat((const UpdateStmt *) raw->stmt);
		case T_DeleteStmt:
			return cmig_returns_compat((const DeleteStmt *) raw->stmt);
		case T_MergeStmt:
			return cmig_merge_returns_compat((const MergeStmt *) raw->stmt);
		default:
			return false;
	}
}

/*
 * Append a statement of verify_sql that returns rows.  The generated code
 * converts each row to JSON and examines the row's values in order.  JSON does
 * not show the type of a null, so if a null comes before any boolean, the
 * generated code looks up the type of the null's column with a query.
 */
static void
append_verification(StringInfo out, const Reading *reading)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "DECLARE\n\tquery CONSTANT text := ");
	cmig_psql_append_dollar_quoted(&body, reading->statement.text);
	appendStringInfo(&body,
					 ";\n"
					 "\tline record;\n"
					 "\tcell record;\n"
					 "\tcolumns text;\n"
					 "\tfirst text;\n"
					 "BEGIN\n"
					 "\tFOR line IN EXECUTE query LOOP\n"
					 "\t\tFOR cell IN\n"
					 "\t\t\tSELECT j.ordinality AS number, pg_catalog.json_typeof(j.value) AS type, j.value::text AS value\n"
					 "\t\t\tFROM pg_catalog.json_each(pg_catalog.row_to_json(line)) WITH ORDINALITY j\n"
					 "\t\tLOOP\n"
					 "\t\t\tCONTINUE WHEN cell.type NOT IN ('boolean', 'null');\n"
					 "\t\t\tIF cell.type = 'null' THEN\n"
					 "\t\t\t\tSELECT pg_catalog.string_agg('c' || n, ', ') INTO columns\n"
					 "\t\t\t\t\tFROM pg_catalog.generate_series(1, (SELECT pg_catalog.count(*) FROM pg_catalog.json_each(pg_catalog.row_to_json(line)))) n;\n"
					 "\t\t\t\tEXECUTE 'WITH q (' || columns || ') AS (' || query || E'\\n) SELECT pg_catalog.pg_typeof(c' || cell.number || ') FROM q LIMIT 1' INTO first;\n"
					 "\t\t\t\tCONTINUE WHEN first <> 'boolean';\n"
					 "\t\t\tEND IF;\n"
					 "\t\t\tEXIT WHEN cell.value = 'true';\n"
					 "\t\t\tRAISE EXCEPTION USING MESSAGE = %s,\n"
					 "\t\t\t\tDETAIL = 'Statement %d of verify_sql returned the row: ' || pg_catalog.row_to_json(line)::text || '.';\n"
					 "\t\tEND LOOP;\n"
					 "\tEND LOOP;\n"
					 "END",
					 quote_literal_cstr(psprintf("revision \"%s\" failed its verification", reading->revision)),
					 reading->statement.number);
	cmig_psql_append_do(out, body.data);
	pfree(body.data);
}

/*
 * Append a precondition, which must return exactly one row with one column, the
 * boolean true.
 */
static void
append_precondition(StringInfo out, const Reading *reading)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "DECLARE\n\tquery CONSTANT text := ");
	cmig_psql_append_dollar_quoted(&body, reading->statement.text);
	appendStringInfo(&body,
					 ";\n"
					 "\tline record;\n"
					 "\tlines bigint := 0;\n"
					 "\tholds boolean;\n"
					 "BEGIN\n"
					 "\tFOR line IN EXECUTE query LOOP\n"
					 "\t\tlines := lines + 1;\n"
					 "\t\tSELECT pg_catalog.count(*) = 1 AND pg_catalog.bool_and(pg_catalog.json_typeof(j.value) = 'boolean' AND j.value::text = 'true')\n"
					 "\t\t\tINTO holds FROM pg_catalog.json_each(pg_catalog.row_to_json(line)) j;\n"
					 "\tEND LOOP;\n"
					 "\tIF lines <> 1 OR holds IS DISTINCT FROM true THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = %s,\n"
					 "\t\t\tDETAIL = 'The precondition is: ' || query,\n"
					 "\t\t\tHINT = 'The precondition must return one row with one boolean column, whose value must be true.';\n"
					 "\tEND IF;\n"
					 "END",
					 quote_literal_cstr(psprintf("the precondition of revision \"%s\" is not met", reading->revision)));
	cmig_psql_append_do(out, body.data);
	pfree(body.data);
}

/* Returns the SQL text of one of a step's parts. */
static const char *
text_of(const CmigRunStep *step, CmigScriptPart part)
{
	switch (part)
	{
		case CMIG_SCRIPT_PRECONDITION:
			return step->precondition_sql;
		case CMIG_SCRIPT_VERIFY:
			return step->verify_sql;
		default:
			return step->sql;
	}
}

/*
 * Append one of a step's parts statement by statement, checking each
 * statement's parse tree.
 */
static void
append_statements(StringInfo out, const CmigRunStep *step, CmigScriptPart part,
				  const char *pin, CmigPsqlFacts *facts)
{
	const char *sql = text_of(step, part);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	Reading		reading = {.revision = step->revision};
	ErrorContextCallback callback = {
		.previous = error_context_stack,.callback = describe_error,.arg = &reading
	};
	CmigScriptReader *script = cmig_script_open(sql);
	int			behind = 0;
	int			from;
	int			guc_level = NewGUCNestLevel();

	error_context_stack = &callback;
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &reading.statement))
	{
		const CmigStatement *statement = &reading.statement;

		CHECK_FOR_INTERRUPTS();
		check_statement(step, statement->raw);
		from = out->len;
		cmig_psql_append_comments(out, sql + behind, statement->offset - behind);
		behind = statement->offset + strlen(statement->text);
		if (part == CMIG_SCRIPT_PRECONDITION)
		{
			cmig_precondition_require_select(statement, step);
			append_precondition(out, &reading);
		}
		else if (part == CMIG_SCRIPT_VERIFY && returns_rows(statement->raw))
			append_verification(out, &reading);
		else
			cmig_psql_append_statement(out, statement->text, facts);
		cmig_psql_pin(out, from, pin);
		follow_strings(statement->raw);
		reading.statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	from = out->len;
	cmig_psql_append_comments(out, sql + behind, strlen(sql + behind));
	cmig_psql_pin(out, from, pin);
	AtEOXact_GUC(false, guc_level);
	cmig_script_close(script);
	MemoryContextDelete(context);
	error_context_stack = callback.previous;
}

/*
 * Most upgrade and downgrade scripts need not be parsed and are appended as a
 * whole.
 */
void
cmig_script_text_append(StringInfo out, CmigPsqlScripts *scripts, const CmigRunStep *step,
						CmigScriptPart part, bool more)
{
	CmigPsqlFacts facts = {0};

	appendStringInfoString(out, scripts->start_script);
	if (part != CMIG_SCRIPT_MAIN || !cmig_psql_append(out, step->sql, scripts->pin, &facts))
		append_statements(out, step, part, scripts->pin, &facts);
	scripts->facts.deferrable |= facts.deferrable;
	if (facts.calls_cmig &&
		(scripts->calling == NIL || strcmp(llast(scripts->calling), step->revision) != 0))
	{
		/*
		 * allocate the list in the memory context of "out", which outlives
		 * the step
		 */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(out->data));

		scripts->calling = lappend(scripts->calling, (void *) step->revision);
		MemoryContextSwitchTo(old);
	}
	append_end_of_script(out, scripts, &facts, more);
}

/*
 * Initialization
 */

CmigPsqlScripts *
cmig_script_text_open(const char *pin, bool from_base, bool from_here)
{
	CmigPsqlScripts *scripts = palloc0(sizeof(CmigPsqlScripts));

	scripts->knows_constraints = from_base ||
		(from_here && cmig_query_run(&find_deferrable, NULL, NULL) == 0);
	scripts->pin = pin;
	scripts->start_session = psprintf("%sSET standard_conforming_strings = on;\n%s", pin,
									  cmig_scope_is_set() ?
									  psprintf("SET cmig.scope = %s;\n", quote_literal_cstr(cmig_scope_current())) : "");
	scripts->start_script = make_start_script(pin);
	return scripts;
}
