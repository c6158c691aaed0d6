/*
 * version_table.c
 *	  Writes a psql script's statements for the version table.
 *
 * Each transaction of the psql script locks the version table and checks that
 * it contains the rows expected at that point.  Therefore, nothing changes if
 * the script has already been run, if it is run twice at the same time, or if
 * it continues after an error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "offline/version_table.h"
#include "parse/psql_text.h"
#include "run/scope.h"


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
