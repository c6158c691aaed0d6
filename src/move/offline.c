/*
 * offline.c
 *	  A plan as a script: the texts of its steps and the version table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "move/internal.h"
#include "parse/parse.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * Writes a psql script's statements for the version table.
 *
 * Each transaction of the psql script locks the version table and checks that
 * it contains the rows expected at that point.  Therefore, nothing changes if
 * the script has already been run, if it is run twice at the same time, or if
 * it continues after an error.
 * ----------------------------------------------------------------
 */

/*
 * Transactions and version rows
 */

/*
 * Append an array constant with the version rows at the current point of the
 * psql script.
 */
static void
append_rows(StringInfo out, const CmigVersionTable *table)
{
	appendStringInfoString(out, "ARRAY[");
	for (int i = 0; i < table->row_count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		cmig_psql_append_literal(out, cmig_graph_id(table->graph, table->rows[i]));
	}
	appendStringInfoString(out, "]::text[]");
}

char *
cmig_version_table_place(const CmigVersionTable *table)
{
	return table->row_count == 0 ? pstrdup("base") :
		cmig_graph_ids_text(table->graph, table->rows, table->row_count);
}

/*
 * Append a check for a version table other than cmig.version.  The check fails
 * if cmig.revision contains revisions in the database where the psql script
 * runs, because cmig.upgrade would run those revisions again.  The check is
 * skipped if the role that runs the script is not allowed to read
 * cmig.revision, because such a role cannot run cmig.upgrade, either.
 */
static void
append_extension_check(StringInfo body, const CmigVersionTable *table)
{
	appendStringInfo(body,
					 "\tIF EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_cmig') THEN\n"
					 "\t\tIF pg_catalog.has_schema_privilege('cmig', 'USAGE') THEN\n"
					 "\t\t\tIF pg_catalog.has_table_privilege('cmig.revision', 'SELECT') THEN\n"
					 "\t\t\t\tIF EXISTS (SELECT FROM cmig.revision) THEN\n"
					 "\t\t\t\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\t\t\t\tMESSAGE = 'pg_cmig manages the version rows of this database',\n"
					 "\t\t\t\t\t\tDETAIL = %s,\n"
					 "\t\t\t\t\t\tHINT = 'Use cmig.%s, or generate the script with version_table => ''cmig.version''';\n"
					 "\t\t\t\tEND IF;\n\t\t\tEND IF;\n\t\tEND IF;\n\tEND IF;\n",
					 quote_literal_cstr(psprintf("This script would keep separate version rows in %s.", table->name)),
					 table->direction);
}

/*
 * Append statements that only the first check needs: they check whether the
 * version table exists and whether its column is wide enough.
 */
static void
append_first_check(StringInfo body, const CmigVersionTable *table)
{
	if (table->may_create)
		append_extension_check(body, table);
	appendStringInfo(body, "\tIF pg_catalog.to_regclass(%s) IS NULL THEN\n",
					 quote_literal_cstr(table->name));
	if (table->row_count == 0 && table->may_create)
		appendStringInfo(body, "\t\tCREATE TABLE %s (%s character varying(%d) NOT NULL,\n\t\t\tCONSTRAINT %s PRIMARY KEY (%s));\n",
						 table->name, table->column, CMIG_MAX_ID_LENGTH,
						 table->constraint, table->column);
	else
		appendStringInfo(body, "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_table',\n\t\t\tMESSAGE = %s,\n\t\t\tHINT = 'First run the script that starts at base, or call cmig.script with the version_table of this database.';\n",
						 quote_literal_cstr(psprintf("version table %s does not exist", table->name)));
	appendStringInfoString(body, "\tEND IF;\n");
	appendStringInfoString(body, table->lock);
	if (table->may_create && table->longest > 0)
		appendStringInfo(body,
						 "\tWITH RECURSIVE base (type, modifier) AS (\n"
						 "\t\tSELECT a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a\n"
						 "\t\t\tWHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attname = '%s'\n"
						 "\t\tUNION ALL SELECT t.typbasetype, t.typtypmod FROM base b\n"
						 "\t\t\tJOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd'\n"
						 "\t) SELECT b.modifier - 4 INTO width FROM base b\n"
						 "\t\tWHERE b.type IN ('pg_catalog.varchar'::regtype, 'pg_catalog.bpchar'::regtype) AND b.modifier > 0;\n"
						 "\tIF width < %d THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'string_data_right_truncation',\n"
						 "\t\t\tMESSAGE = %s,\n"
						 "\t\t\tDETAIL = 'The column can hold ' || width || ' characters, but the longest revision ID has %d.',\n"
						 "\t\t\tHINT = %s;\n"
						 "\tEND IF;\n",
						 quote_literal_cstr(table->name), table->column, table->longest,
						 quote_literal_cstr(psprintf("column %s of table %s is too narrow", table->column, table->name)),
						 table->longest,
						 quote_literal_cstr(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE character varying(%d)",
													 table->name, table->column, CMIG_MAX_ID_LENGTH)));
}

/*
 * Append the statements that lock the version table and check its rows.  The
 * first check reports which rows were found and what to do.  Later checks are
 * short, because there may be thousands of them.  The part that they share is
 * built only once.
 */
static void
append_check(StringInfo out, CmigVersionTable *table)
{
	StringInfo	body = &table->body;
	char	   *place = cmig_version_table_place(table);

	resetStringInfo(&table->message);
	appendStringInfoString(&table->message, "this script starts from ");
	appendStringInfoString(&table->message, place);
	appendStringInfoString(&table->message, ", but the database is in a different state");
	pfree(place);

	resetStringInfo(body);
	if (table->checked)
	{
		appendStringInfoString(body, table->compare);
		append_rows(body, table);
		appendStringInfoString(body, " THEN\n\t\tRAISE SQLSTATE '55000' USING MESSAGE = ");
		cmig_psql_append_literal(body, table->message.data);
		appendStringInfoString(body, ";\n\tEND IF;\nEND");
	}
	else
	{
		appendStringInfoString(body, "DECLARE\n\twanted CONSTANT text[] := ");
		append_rows(body, table);
		appendStringInfoString(body, ";\n\tfound text[];\n");
		if (table->may_create && table->longest > 0)
			appendStringInfoString(body, "\twidth integer;\n");
		appendStringInfoString(body, "BEGIN\n");
		append_first_check(body, table);
		appendStringInfo(body,
						 "\tfound := %s;\n"
						 "\tIF found <> wanted THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = ",
						 table->found);
		cmig_psql_append_literal(body, table->message.data);
		appendStringInfo(body,
						 ",\n"
						 "\t\t\tDETAIL = %s || coalesce(nullif(pg_catalog.array_to_string(found, ', '), ''), 'no row') || '.',\n"
						 "\t\t\tHINT = 'Generate the script for the state of this database.';\n"
						 "\tEND IF;\nEND",
						 quote_literal_cstr(psprintf("%s contains ", table->name)));
	}
	cmig_psql_append_do(out, body->data);
	table->checked = true;
}

/* Build the parts of the psql script that occur repeatedly. */
static void
make_parts(CmigVersionTable *table)
{
	table->lock = psprintf("\tLOCK TABLE %s IN EXCLUSIVE MODE;\n", table->name);
	table->found = psprintf("ARRAY(SELECT v.%s::text COLLATE \"C\" FROM %s v%s ORDER BY 1)",
							table->column, table->name,
							table->scope ? psprintf(" WHERE v.scope = %s", table->scope) : "");
	table->compare = psprintf("BEGIN\n%s\tIF %s <> ", table->lock, table->found);
	table->remove = psprintf("DELETE FROM %s WHERE %s%s = ", table->name,
							 table->scope ? psprintf("scope = %s AND ", table->scope) : "", table->column);
	table->add = psprintf("INSERT INTO %s (%s%s) VALUES (%s", table->name,
						  table->scope ? "scope, " : "", table->column,
						  table->scope ? psprintf("%s, ", table->scope) : "");
	initStringInfo(&table->body);
	initStringInfo(&table->message);
}

void
cmig_version_table_begin(StringInfo out, CmigVersionTable *table)
{
	if (table->in_transaction)
		return;

	/*
	 * set the encoding again, because a trigger fired by the last commit may
	 * have changed the encoding
	 */
	if (table->checked)
		appendStringInfoString(out, table->pin);
	appendStringInfoString(out, "BEGIN ISOLATION LEVEL READ COMMITTED;\n");
	append_check(out, table);
	table->in_transaction = true;
}

void
cmig_version_table_commit(StringInfo out, CmigVersionTable *table)
{
	if (table->in_transaction)
		appendStringInfoString(out, "COMMIT;\n");
	table->in_transaction = false;
}

/*
 * Returns the index in table->rows of the first node that is not less than
 * "node".
 */
static int
find_row(const CmigVersionTable *table, int node)
{
	int			low = 0;
	int			high = table->row_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (table->rows[middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Add a node to the version rows. */
static void
add_row(CmigVersionTable *table, int node)
{
	int			place = find_row(table, node);

	memmove(table->rows + place + 1, table->rows + place,
			sizeof(int) * (table->row_count - place));
	table->rows[place] = node;
	table->row_count++;
}

/* Remove a node from the version rows. */
static void
remove_row(CmigVersionTable *table, int node)
{
	int			place = find_row(table, node);

	if (place == table->row_count || table->rows[place] != node)
		elog(ERROR, "revision \"%s\" has no row", cmig_graph_id(table->graph, node));
	table->row_count--;
	memmove(table->rows + place, table->rows + place + 1,
			sizeof(int) * (table->row_count - place));
}

void
cmig_version_table_move_rows(StringInfo out, CmigVersionTable *table, const CmigPlanStep *step)
{
	for (int i = 0; i < step->removed.count; i++)
	{
		int			node = step->removed.nodes[i];
		int			from = out->len;

		appendStringInfoString(out, table->remove);
		cmig_psql_append_literal(out, cmig_graph_id(table->graph, node));
		appendStringInfoString(out, ";\n");
		cmig_psql_pin(out, from, table->pin);
		remove_row(table, node);
	}
	for (int i = 0; i < step->added.count; i++)
	{
		int			node = step->added.nodes[i];
		int			from = out->len;

		appendStringInfoString(out, table->add);
		cmig_psql_append_literal(out, cmig_graph_id(table->graph, node));
		appendStringInfoString(out, ");\n");
		cmig_psql_pin(out, from, table->pin);
		add_row(table, node);
	}
}

void
cmig_version_table_record(StringInfo out, const CmigVersionTable *table, const char *revision,
						  const char *checksum)
{
	int			from = out->len;

	if (table->may_create)
		return;
	appendStringInfo(out, "INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, session_role,\n"
					 "\tapplication_name, client_address, transaction_id, checksum, search_path%s)\n"
					 "SELECT coalesce(pg_catalog.max(j.id), 0) OPERATOR(pg_catalog.+) 1, ",
					 table->scope ? ", scope" : "");
	cmig_psql_append_literal(out, revision);
	appendStringInfo(out, ", '%s', 'done', pg_catalog.clock_timestamp(), CURRENT_USER, SESSION_USER,\n"
					 "\tpg_catalog.current_setting('application_name'), pg_catalog.inet_client_addr(), pg_catalog.pg_current_xact_id(),\n"
					 "\t%s, pg_catalog.current_setting('search_path')%s\nFROM cmig.journal j%s;\n",
					 table->direction, checksum ? quote_literal_cstr(checksum) : "NULL",
					 table->scope ? psprintf(", %s", table->scope) : "",
					 table->scope ? psprintf(" WHERE j.scope = %s", table->scope) : "");
	cmig_psql_pin(out, from, table->pin);
}

/*
 * Initialization
 */

/*
 * Use a version table for the current scope.  Replace cmig.version with
 * cmig.scope_version, which has separate rows for each scope.  Replace the
 * default table, and any table named without a schema, with a table in the
 * scope's schema.
 */
static void
use_scope(CmigVersionTable *version, bool without_schema, const char *table)
{
	if (!version->may_create)
	{
		version->name = "cmig.scope_version";
		version->scope = quote_literal_cstr(cmig_scope_current());
	}
	else if (without_schema || strcmp(version->name, "public.cmig_version") == 0)
		version->name = quote_qualified_identifier(cmig_scope_current(), table);
}

CmigVersionTable *
cmig_version_table_open(const char *name, const CmigGraph *graph, const CmigApplied *applied,
						const CmigPlan *plan, const char *pin)
{
	CmigVersionTable *version = palloc0(sizeof(CmigVersionTable));
	ListCell   *lc;
	List	   *names;
	char	   *table;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the version table must not be null"),
				 errhint("Omit the argument to use public.cmig_version.")));
	if (!SplitIdentifierString(pstrdup(name), '.', &names) ||
		names == NIL || list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the name of a table", name),
				 errhint("Use schema.table or table, with double quotes where SQL needs them.")));
	table = llast(names);
	version->name = list_length(names) == 2 ?
		quote_qualified_identifier(linitial(names), table) :
		pstrdup(quote_identifier(table));

	/*
	 * do not create cmig.version, which belongs to the extension and whose
	 * column has a different name
	 */
	version->may_create = strcmp(version->name, "cmig.version") != 0;
	if (cmig_scope_is_set())
		use_scope(version, list_length(names) == 1, table);
	version->column = version->may_create ? "version_num" : "revision";
	version->constraint = pstrdup(quote_identifier(makeObjectName(table, NULL, "pkc")));

	version->pin = pin;
	version->direction = cmig_direction_name(plan->direction);
	version->graph = graph;
	version->rows = palloc_extended(sizeof(int) * ((Size) graph->count + 1), MCXT_ALLOC_HUGE);
	foreach(lc, applied->nodes)
	{
		add_row(version, lfirst_int(lc));
	}
	for (int i = 0; i < plan->count; i++)
	{
		const CmigEdges *added = &plan->steps[i].added;

		for (int j = 0; j < added->count; j++)
			version->longest = Max(version->longest,
								   pg_mbstrlen(cmig_graph_id(graph, added->nodes[j])));
	}
	make_parts(version);
	return version;
}

/* ----------------------------------------------------------------
 * Writes a revision's script as part of a psql script.
 *
 * A psql script contains statements for everything that the runner does before
 * and after a revision's script.  For example, the statements turn off
 * row_security, fire deferred events, drop temporary objects and prepared
 * statements, reset settings and roles, and run verify_sql.  The statements
 * reset the whole session, whereas the runner reverts only what the revision's
 * script has created or set (doc/reference.md, cmig.script).
 * ----------------------------------------------------------------
 */

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
