/*
 * psql_script.c
 *	  Writes an upgrade or downgrade as a psql script: cmig.script.
 *
 * This corresponds to Alembic's --sql option.  The database in which the script
 * runs does not need pg_cmig, only a table for the version rows.
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
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "move/internal.h"

PG_FUNCTION_INFO_V1(cmig_script);

/*
 * The space reserved for the statements before and after a revision's script.
 */
#define TEXT_MARGIN ((Size) 16 * 1024 * 1024)

/* The time at which a step began, from the variable that prepare_script() sets. */
#define STARTED "pg_catalog.to_timestamp(:'cmig_started')"

/* A psql script that is being generated. */
typedef struct Offline
{
	StringInfoData text;
	const CmigGraph *graph;
	const CmigPlan *plan;
	const CmigPlan *then;		/* the upgrade of a reset, or NULL */
	int			total;			/* number of steps in both */
	int			done;
	const char *direction;
	bool		transaction_per_revision;
	const char *pin;			/* a line that sets the client encoding */
	char	   *start_session;	/* statements at the start of the psql script,
								 * including pin */
	char	   *start_script;	/* statements that run before each revision's
								 * script */
	char	   *limit;			/* the one of them that sets lock_timeout, or
								 * "" */
	bool		timed;			/* is the time known at which the step began? */
	bool		knows_constraints;	/* true if it is certain that no
									 * deferrable constraint existed when the
									 * psql script started */
	bool		deferrable;		/* have the scripts so far created one? */
	List	   *calling;		/* of char *: revisions that call pg_cmig's
								 * functions */

	/* the version table; the names are quoted where necessary */
	const char *table;
	const char *column;
	const char *scope;			/* the scope as a literal if the table is
								 * cmig.scope_version; otherwise NULL */
	char	   *constraint;		/* name of the primary key */
	bool		may_create;		/* true if the script may create the table;
								 * false for cmig.version */
	bool		engine;			/* is it CMIG_ENGINE_VERSION? */
	bool		only_tables;	/* and has the script no steps? */
	const char *journal;		/* a table like cmig.journal, or NULL */
	int		   *rows;			/* nodes that have a row at the current point,
								 * in ascending order, which is also the byte
								 * order of the ids */
	int			row_count;
	int			longest;		/* number of characters of the longest id that
								 * is inserted */
	bool		in_transaction;
	bool		bound;			/* may one transaction validate what an
								 * earlier one adds? */
	bool		checked;		/* has the first check been written? */
	bool		prepared;		/* is start_script already written? */
	bool		session_lock;	/* does the session hold the advisory lock? */
	char	   *key;			/* the key of that lock, as an expression */

	/* parts that occur repeatedly */
	const char *bare;			/* the table's name, if it has no schema */
	char	   *check;			/* cmig_psql_table_check(), or "" */
	bool		stored;			/* is it in a variable of psql? */
	char	   *lock;
	char	   *found;
	char	   *remove;
	char	   *add;
} Offline;

/* The parts of a step. */
typedef enum Part
{
	PART_PRECONDITION,
	PART_MAIN,					/* the upgrade or downgrade script */
	PART_VERIFY,
	PART_SECTION				/* verify_sql on its own: see psql_verify.c */
} Part;

/* ----------------------------------------------------------------
 * The version table
 * ----------------------------------------------------------------
 */

/*
 * Append an array constant with the version rows at the current point of the
 * psql script.
 */
static void
append_rows(StringInfo out, const Offline *offline)
{
	appendStringInfoString(out, "ARRAY[");
	for (int i = 0; i < offline->row_count; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		appendStringInfoString(out, quote_literal_cstr(cmig_graph_id(offline->graph, offline->rows[i])));
	}
	appendStringInfoString(out, "]::pg_catalog.text[]");
}

/*
 * Make psql send the statement that "out" ends with in one message with the
 * next one.  Each message takes a round trip, of which an engine's database,
 * which is far away, should need as few as psql -f.
 */
static void
join(const Offline *offline, StringInfo out)
{
	if (!offline->engine)
		return;
	out->len -= 2;
	appendStringInfoString(out, "\\;\n");
}

/* Returns the rows at the current point: "a, b" or "base". */
static char *
place_text(const Offline *offline)
{
	return offline->row_count == 0 ? pstrdup("base") :
		cmig_graph_ids_text(offline->graph, offline->rows, offline->row_count);
}

/* Append what only the first check needs: it locks out runs that create the same table. */
static void
append_first_check(StringInfo body, const Offline *offline)
{
	/*
	 * Fail if cmig.revision contains revisions in the database where the psql
	 * script runs, because cmig.upgrade would run those revisions again.  A
	 * role that is not allowed to read cmig.revision cannot run cmig.upgrade,
	 * either.
	 */
	if (offline->may_create && !offline->only_tables)
		appendStringInfo(body,
						 "\tIF EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname " OP("=") " 'pg_cmig') THEN\n"
						 "\t\tIF pg_catalog.has_schema_privilege('cmig', 'USAGE') THEN\n"
						 "\t\t\tIF pg_catalog.has_table_privilege('cmig.revision', 'SELECT') THEN\n"
						 "\t\t\t\tIF EXISTS (SELECT FROM cmig.revision) THEN\n"
						 "\t\t\t\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
						 "\t\t\t\t\t\tMESSAGE = 'pg_cmig manages the version rows of this database',\n"
						 "\t\t\t\t\t\tDETAIL = %s,\n"
						 "\t\t\t\t\t\tHINT = 'Use cmig.%s, or generate the script with version_table => ''cmig.version''';\n"
						 "\t\t\t\tEND IF;\n\t\t\tEND IF;\n\t\tEND IF;\n\tEND IF;\n",
						 quote_literal_cstr(psprintf("This script would keep separate version rows in %s.", offline->table)),
						 offline->direction);
	if (offline->engine && !offline->session_lock)
		cmig_engine_append_lock(body, offline->key, "xact_");
	else if (offline->may_create && offline->row_count == 0 && !offline->session_lock)
		appendStringInfo(body, "\tPERFORM pg_catalog.pg_advisory_xact_lock(%s);\n", offline->key);
	appendStringInfo(body, "\tIF pg_catalog.to_regclass(%s) IS NULL THEN\n",
					 quote_literal_cstr(offline->table));
	if (offline->row_count == 0 && offline->engine)
		cmig_engine_append_schema(body);
	if (offline->row_count == 0 && offline->may_create)
		appendStringInfo(body,
						 "\t\tCREATE TABLE %s (%s character varying(%d) NOT NULL,\n\t\t\tCONSTRAINT %s PRIMARY KEY (%s));\n",
						 offline->table, offline->column, CMIG_MAX_ID_LENGTH,
						 offline->constraint, offline->column);
	else
		appendStringInfo(body,
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_table',\n\t\t\tMESSAGE = %s,\n\t\t\tHINT = %s;\n",
						 quote_literal_cstr(psprintf("version table %s does not exist", offline->table)),
						 offline->may_create ?
						 "'First run the script that starts at base, or call cmig.script with the version_table of this database.'"
						 : "'This database does not have pg_cmig. In the database where the script was generated: SELECT cmig.script(''upgrade'', ''base:head'')'");
	if (offline->row_count == 0 && offline->engine)
		cmig_engine_append_tables(body);
	appendStringInfoString(body, "\tEND IF;\n");
	if (offline->engine)
		cmig_engine_append_check(body,
								 offline->plan->count == 0 ? NULL :
								 cmig_graph_id(offline->graph, offline->plan->steps[0].node),
								 offline->direction);
	else
		appendStringInfoString(body, offline->check);
	appendStringInfoString(body, offline->lock);
	for (int i = 0; offline->may_create && i < offline->row_count; i++)
		cmig_engine_append_replaced(body, offline->table, offline->column,
									offline->graph->nodes[offline->rows[i]].revision);
	if (offline->may_create && offline->longest > 0)
		cmig_psql_table_append_width(body, offline->table, offline->column, offline->longest);
}

/*
 * Append the statements that lock the version table and check its rows.  The
 * first check reports which rows were found and what to do.  Later checks are
 * short, because there may be thousands of them.  The part that they share is
 * built only once.
 */
static void
append_check(Offline *offline)
{
	StringInfoData code;
	StringInfo	body = &code;
	char	   *place = place_text(offline);
	char	   *message = psprintf("this script starts from %s, but the database is in a different state", place);
	bool		expands = false;

	initStringInfo(body);
	for (int i = 0; i < offline->plan->count; i++)
		expands |= offline->graph->nodes[offline->plan->steps[i].node].revision->expands;
	if (offline->checked)
	{
		bool		inlined = *offline->check != '\0' && !offline->stored;

		if (offline->stored)
			appendStringInfoString(&offline->text, "DO :'cmig_check'\\;\n");
		appendStringInfo(body, "%sBEGIN\n%s", inlined ? "DECLARE\n" CMIG_TABLE_VARIABLES : "",
						 inlined ? offline->check : "");
		if (offline->engine && offline->session_lock)
			cmig_engine_append_owner_check(body, offline->key);
		appendStringInfo(body, "%s\tIF %s " OP("<>") " ", offline->lock, offline->found);
		append_rows(body, offline);
		appendStringInfo(body,
						 " THEN\n\t\tRAISE SQLSTATE 'MG025' USING MESSAGE = %s;\n\tEND IF;\n%sEND",
						 quote_literal_cstr(message), offline->bare ? CMIG_TABLE_RESTORE : "");
	}
	else
	{
		appendStringInfoString(body, "DECLARE\n\twanted CONSTANT pg_catalog.text[] := ");
		append_rows(body, offline);
		appendStringInfoString(body, ";\n\tfound pg_catalog.text[];\n");
		appendStringInfo(body, "%sBEGIN\n", offline->may_create ? "\twidth integer;\n" CMIG_TABLE_VARIABLES : "");
		if (offline->engine && offline->session_lock)
			cmig_engine_append_owner_check(body, offline->key);
		append_first_check(body, offline);
		appendStringInfo(body,
						 "\tfound := %s;\n"
						 "\tIF found " OP("<>") " wanted%s THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'MG025', MESSAGE = %s,\n",
						 offline->found, offline->only_tables ? " AND false" : offline->engine ? cmig_engine_other_progress() : "", quote_literal_cstr(message));
		appendStringInfo(body,
						 "\t\t\tDETAIL = pg_catalog.concat(%s, CASE WHEN pg_catalog.cardinality(found) " OP(">") " 0 THEN pg_catalog.array_to_string(found, ', ') ELSE 'no row' END, '.'),\n"
						 "\t\t\tHINT = 'Generate the script for the state of this database.';\n"
						 "\tEND IF;\n%s%sEND",
						 quote_literal_cstr(psprintf("%s contains ", offline->table)),
						 offline->bare ? CMIG_TABLE_RESTORE : "",
						 !expands || strcmp(offline->table, "cmig.version") != 0 ? "" :
						 "\tIF pg_catalog.to_regclass('cmig.expansion_run') IS NOT NULL THEN\n"
						 "\t\tIF EXISTS (SELECT FROM cmig.expansion_run r WHERE r.scope " OP("=") " '') THEN\n"
						 "\t\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = 'a revision is expanded, so this script cannot run',\n"
						 "\t\t\t\tHINT = 'To complete it: CALL cmig.contract(). To undo it: CALL cmig.abandon()';\n"
						 "\t\tEND IF;\n\tEND IF;\n");
	}
	cmig_psql_append_do(&offline->text, body->data);
	if (offline->checked)
		join(offline, &offline->text);
	pfree(body->data);
	pfree(message);
	pfree(place);
	offline->checked = true;
}

/*
 * Start a transaction that locks the version table and checks its rows, unless
 * the psql script is already in a transaction.
 */
static void
begin_transaction(Offline *offline)
{
	bool		first = !offline->checked;

	if (offline->in_transaction)
		return;

	/*
	 * set the encoding again, because a trigger fired by the last commit may
	 * have changed the encoding
	 */
	if (offline->checked)
	{
		appendStringInfoString(&offline->text, offline->pin);
		join(offline, &offline->text);
	}
	appendStringInfoString(&offline->text, CMIG_PSQL_BEGIN ";\n");
	join(offline, &offline->text);
	append_check(offline);
	if (first && offline->engine)
		cmig_engine_append_guard(&offline->text, offline->limit);
	offline->in_transaction = true;
}

/* End the current transaction, if there is one. */
static void
commit_transaction(Offline *offline)
{
	if (offline->in_transaction)
		appendStringInfoString(&offline->text, "COMMIT;\n");
	offline->in_transaction = false;
}

/* Add a node to the version rows, or remove it. */
static void
set_row(Offline *offline, int node, bool present)
{
	int			low = 0;
	int			high = offline->row_count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (offline->rows[middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	if (!present && (low == offline->row_count || offline->rows[low] != node))
		elog(ERROR, "revision \"%s\" has no row", cmig_graph_id(offline->graph, node));
	memmove(offline->rows + low + present, offline->rows + low + !present,
			sizeof(int) * (offline->row_count - low - !present));
	offline->row_count += present ? 1 : -1;
	if (present)
		offline->rows[low] = node;
}

/* Append statements that change the version rows as required by a step. */
static void
move_rows(Offline *offline, const CmigPlanStep *step)
{
	StringInfoData changes;
	StringInfo	out = offline->bare ? &changes : &offline->text;
	int			begin = offline->text.len;

	initStringInfo(&changes);
	for (int i = 0; i < step->removed.count + step->added.count; i++)
	{
		bool		add = i >= step->removed.count;
		int			node = add ? step->added.nodes[i - step->removed.count] : step->removed.nodes[i];
		int			from = out->len;

		appendStringInfo(out, "%s%s%s%s;\n", offline->bare ? "\t" : "",
						 add ? offline->add : offline->remove,
						 quote_literal_cstr(cmig_graph_id(offline->graph, node)), add ? ")" : "");
		set_row(offline, node, add);
		if (offline->bare)
			continue;
		join(offline, out);
		cmig_psql_pin(out, from, offline->pin);
	}
	if (changes.len == 0)
		return;
	cmig_psql_table_append_changes(&offline->text, offline->bare, changes.data);
	cmig_psql_pin(&offline->text, begin, offline->pin);
}

/* Append a statement that adds a step's row to the journal, if there is one. */
static void
record_step(Offline *offline, const char *revision, const char *checksum)
{
	StringInfo	out = &offline->text;
	int			from = out->len;

	if (offline->journal == NULL)
		return;
	offline->timed = false;
	appendStringInfo(out, "INSERT INTO %s (id, revision, direction, outcome, started_at, role, session_role,\n"
					 "\tapplication_name, client_address, transaction_id, checksum, search_path%s)\n"
					 "SELECT coalesce(pg_catalog.max(j.id), 0) " OP("+") " 1, ",
					 offline->journal, offline->scope ? ", scope" : offline->engine ? ", file, elapsed" : "");
	appendStringInfoString(out, quote_literal_cstr(revision));
	appendStringInfo(out, ", '%s', 'done', %s, CURRENT_USER, SESSION_USER,\n"
					 "\tpg_catalog.current_setting('application_name'), pg_catalog.inet_client_addr(), pg_catalog.pg_current_xact_id(),\n"
					 "\t%s, pg_catalog.current_setting('search_path')%s\nFROM %s j%s;\n",
					 offline->direction, offline->engine ? STARTED : "pg_catalog.clock_timestamp()",
					 checksum ? quote_literal_cstr(checksum) : "NULL",
					 offline->scope ? psprintf(", %s", offline->scope) :
					 offline->engine ?
					 psprintf("%s, pg_catalog.clock_timestamp() " OP("-") " " STARTED,
							  cmig_engine_file(checksum ? revision : NULL)) : "",
					 offline->journal,
					 offline->scope ? psprintf(" WHERE j.scope " OP("=") " %s", offline->scope) : "");
	join(offline, out);
	cmig_psql_pin(out, from, offline->pin);
}

/* Find out how long the ids are that a plan inserts. */
static void
find_longest(Offline *offline, const CmigPlan *plan)
{
	for (int i = 0; i < plan->count; i++)
	{
		const CmigEdges *added = &plan->steps[i].added;

		for (int j = 0; j < added->count; j++)
			offline->longest = Max(offline->longest,
								   pg_mbstrlen(cmig_graph_id(offline->graph, added->nodes[j])));
	}
}

/* Set the version table's name, and the rows that exist at the start of the plan. */
static void
open_table(Offline *offline, const char *name, const CmigApplied *applied)
{
	List	   *names;
	char	   *table;
	const char *schema;

	if (!SplitIdentifierString(pstrdup(name), '.', &names) ||
		names == NIL || list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the name of a table", name),
				 errhint("Use schema.table or table, with double quotes where SQL needs them.")));
	table = llast(names);
	schema = list_length(names) == 2 ? linitial(names) : NULL;
	offline->table = schema ? quote_qualified_identifier(schema, table) :
		pstrdup(quote_identifier(table));

	/*
	 * do not create cmig.version, which belongs to the extension and whose
	 * column has a different name
	 */
	offline->may_create = strcmp(offline->table, "cmig.version") != 0;
	offline->engine = strcmp(offline->table, CMIG_ENGINE_VERSION) == 0;
	offline->only_tables = offline->engine && offline->plan->count == 0;
	offline->journal = offline->engine ? CMIG_ENGINE_JOURNAL : offline->may_create ? NULL : "cmig.journal";

	/*
	 * In a scope, use cmig.scope_version, which has separate rows for each
	 * scope, in place of cmig.version, and a table in the scope's schema in
	 * place of the default table and any table named without a schema.
	 */
	if (cmig_scope_is_set() && !offline->may_create)
	{
		offline->table = "cmig.scope_version";
		offline->scope = quote_literal_cstr(cmig_scope_current());
	}
	else if (cmig_scope_is_set() &&
			 (schema == NULL || strcmp(offline->table, "public.cmig_version") == 0))
	{
		schema = cmig_scope_current();
		offline->table = quote_qualified_identifier(schema, table);
	}
	offline->column = offline->may_create ? "version_num" : "revision";
	offline->constraint = pstrdup(quote_identifier(makeObjectName(table, NULL, "pkc")));

	offline->rows = palloc_extended(sizeof(int) * ((Size) offline->graph->count + 1), MCXT_ALLOC_HUGE);
	foreach_int(node, applied->nodes)
		set_row(offline, node, true);
	find_longest(offline, offline->plan);
	if (offline->then != NULL)
		find_longest(offline, offline->then);

	offline->bare = schema == NULL && offline->may_create ? table : NULL;

	/* the parts that occur repeatedly */
	offline->check = !offline->may_create ? "" :
		cmig_psql_table_check(schema, offline->engine ? NULL : table);
	offline->lock = psprintf("\tLOCK TABLE %s IN EXCLUSIVE MODE;\n", offline->table);
	offline->found = psprintf("ARRAY(SELECT v.%s::pg_catalog.text COLLATE pg_catalog.\"C\" FROM %s v%s ORDER BY 1)",
							  offline->column, offline->table,
							  offline->scope ? psprintf(" WHERE v.scope " OP("=") " %s", offline->scope) : "");
	offline->remove = psprintf("DELETE FROM %s WHERE %s%s " OP("=") " ", offline->table,
							   offline->scope ?
							   psprintf("scope " OP("=") " %s AND ", offline->scope) : "",
							   offline->column);
	offline->add = psprintf("INSERT INTO %s (%s%s) VALUES (%s", offline->table,
							offline->scope ? "scope, " : "", offline->column,
							offline->scope ? psprintf("%s, ", offline->scope) : "");
}

/* ----------------------------------------------------------------
 * Revisions' scripts
 *
 * The psql script contains statements for everything that the runner does
 * before and after a revision's script.  For example, the statements turn off
 * row_security, fire deferred events, drop temporary objects and prepared
 * statements, reset settings and roles, and run verify_sql.  The statements
 * reset the whole session, whereas the runner reverts only what the revision's
 * script has created or set (doc/reference/files.md, cmig.script).
 * ----------------------------------------------------------------
 */

/* The statement that is being read, for error messages. */
typedef struct Reading
{
	const CmigRunStep *step;
	const char *verb;
	CmigStatement statement;
} Reading;

static CmigQuery find_deferrable = {
"SELECT 1 FROM pg_constraint WHERE condeferrable LIMIT 1"};

/*
 * Append the statements that restore the session after a script.  If "more" is
 * true, another script follows in the same transaction, so deferred events
 * must be fired explicitly.
 */
static void
append_end_of_script(Offline *offline, const CmigPsqlFacts *facts, bool more)
{
	StringInfo	out = &offline->text;

	if (facts->declares_cursor)
		appendStringInfoString(out, "CLOSE ALL;\n");
	if (more && (offline->deferrable || !offline->knows_constraints))
		cmig_psql_append_do(out,
							"DECLARE\n"
							"\tnames pg_catalog.text;\n"
							"\tmode pg_catalog.text;\n"
							"BEGIN\n"
							"\t-- run deferred checks before the next revision\n"
							"\tFOR mode, names IN\n"
							"\t\tSELECT m.mode, pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ')\n"
							"\t\tFROM pg_catalog.pg_constraint c\n"
							"\t\tJOIN pg_catalog.pg_namespace n ON n.oid " OP("=") " c.connamespace\n"
							"\t\tJOIN (VALUES (1, 'IMMEDIATE'), (2, 'DEFERRED')) m (step, mode)\n"
							"\t\t\tON c.condeferrable AND (m.step " OP("=") " 1 OR c.condeferred)\n"
							"\t\tWHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')\n"
							"\t\t\tAND (n.oid " OP("=") " pg_catalog.pg_my_temp_schema() OR n.nspname " OP("!~") " '^pg_temp_')\n"
							"\t\t\tAND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o\n"
							"\t\t\t\tWHERE o.conname " OP("=") " c.conname AND o.connamespace " OP("=") " c.connamespace AND NOT o.condeferrable)\n"
							"\t\tGROUP BY m.step, m.mode ORDER BY m.step\n"
							"\tLOOP\n"
							"\t\tEXECUTE pg_catalog.concat('SET CONSTRAINTS ', names, ' ', mode);\n"
							"\tEND LOOP;\n"
							"END");
	if (facts->temp_objects)
		appendStringInfoString(out, "DISCARD TEMP;\n");
	if (facts->prepares)
		appendStringInfoString(out, "DEALLOCATE ALL;\n");
	if (offline->engine && offline->in_transaction)
	{
		appendStringInfo(out, "RESET SESSION AUTHORIZATION\\;\nRESET ROLE\\;\nRESET ALL\\;\n%s", offline->pin);
		join(offline, out);
		appendStringInfoString(out, "SET standard_conforming_strings = on;\n");
		join(offline, out);
		return;
	}
	appendStringInfoString(out, "RESET SESSION AUTHORIZATION;\nRESET ROLE;\nRESET ALL;\n");
	appendStringInfoString(out, offline->start_session);
}

/*
 * Error context callback: name the revision, the statement, and the line.  The
 * argument is a Reading.
 */
static void
describe_error(void *arg)
{
	const Reading *reading = arg;
	int			position = geterrposition();

	if (position > 0 && reading->statement.text)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(reading->statement.text);
	}
	if (reading->statement.text == NULL)
		errcontext("pg_cmig: %s of %s", reading->verb, reading->step->revision);
	else
		errcontext("pg_cmig: %s", cmig_run_step_place(reading->step, reading->verb, strcmp(reading->verb, "precondition") != 0,
													  reading->statement.number, reading->statement.line));
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
		case CMIG_STATEMENT_STRINGS:
			cmig_statement_refuse(raw);
			break;
	}
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
 * Append one of a step's parts statement by statement, checking each
 * statement's parse tree.
 */
static void
append_statements(const Offline *offline, StringInfo out, const CmigRunStep *step, Part part,
				  const char *pin, CmigPsqlFacts *facts)
{
	const char *sql = part == PART_PRECONDITION ? step->precondition_sql :
	part == PART_MAIN ? step->sql : step->verify_sql;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	Reading		reading = {.step = step,.verb = part == PART_PRECONDITION ? "precondition" :
	part == PART_MAIN ? offline->direction : "verify"};
	ErrorContextCallback callback = {
		.previous = error_context_stack,.callback = describe_error,.arg = &reading
	};
	CmigScriptReader *script = cmig_script_open(sql);
	CmigEngineStep *recorded = NULL;
	bool		bound = offline->bound && part == PART_MAIN && !step->transactional;
	int			behind = 0;
	int			end = 0;		/* of the last statement in "out" */
	int			from;

	error_context_stack = &callback;
	if (offline->engine && part == PART_MAIN && !step->transactional)
		recorded = cmig_engine_begin_step(out, step->revision, offline->direction, sql, offline->key,
										  offline->bound);
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &reading.statement))
	{
		const CmigStatement *statement = &reading.statement;
		List	   *instead;

		CHECK_FOR_INTERRUPTS();
		check_statement(step, statement->raw);
		if (part == PART_SECTION)
		{
			cmig_psql_section_append(out, step, statement, returns_rows(statement->raw));
			continue;
		}
		if (offline->engine && part != PART_PRECONDITION)
			cmig_engine_append_place(out, step, reading.verb, statement);
		from = out->len;
		cmig_psql_append_comments(out, sql + behind, statement->offset - behind);
		behind = statement->offset + strlen(statement->text);
		if (part == PART_PRECONDITION)
			cmig_precondition_require_select(statement, step);
		if (part == PART_PRECONDITION || (part == PART_VERIFY && returns_rows(statement->raw)))
			cmig_psql_append_query(out, step->revision, statement, part == PART_PRECONDITION);
		else if (offline->engine && part == PART_MAIN &&
				 cmig_record_find(step->revision, step->direction, statement, &instead))
			cmig_engine_append_recorded(out, recorded, statement, instead, facts);
		else
		{
			if (recorded != NULL)
				cmig_engine_begin_statement(out, recorded, statement);
			else if (bound)
				cmig_psql_added_begin_statement(out, statement);
			cmig_psql_append_statement(out, statement->text, IsA(statement->raw->stmt, CreateFunctionStmt), facts);
			if (recorded != NULL)
				cmig_engine_end_statement(out, recorded, statement);
			else if (bound)
				cmig_psql_added_end_statement(out, statement);
		}
		if (offline->engine && facts->calls_cmig)
			cmig_record_refuse(step->revision, statement);
		cmig_psql_pin(out, from, pin);
		if (out->len > from && strcmp(out->data + out->len - strlen(";\n"), ";\n") == 0)
			end = out->len - strlen(";\n");
		if (recorded == NULL)
			behind += cmig_psql_append_line_comment(out, sql + behind);
		reading.statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	from = out->len;
	if (part != PART_SECTION)
		cmig_psql_append_comments(out, sql + behind, strlen(sql + behind));
	cmig_psql_pin(out, from, pin);

	/* send the last statement together with what follows the script */
	if (offline->engine && part == PART_MAIN && step->transactional && end > 0)
	{
		appendStringInfoChar(out, '\0');
		memmove(out->data + end + 1, out->data + end, --out->len - end + 1);
		out->data[end] = '\\';
		out->len++;
	}
	cmig_script_close(script);
	MemoryContextDelete(context);
	error_context_stack = callback.previous;
}

/*
 * Append what prepares the session for a script.  With an engine, the first
 * script of a step also stores the time, for the journal.
 */
static void
prepare_script(Offline *offline)
{
	appendStringInfoString(&offline->text, offline->start_script);
	if (!offline->engine || offline->timed)
		return;
	join(offline, &offline->text);
	appendStringInfoString(&offline->text,
						   "SELECT EXTRACT(epoch FROM pg_catalog.clock_timestamp()) AS cmig_started \\gset\n");
	offline->timed = true;
}

/*
 * Append a part of the step, followed by statements that restore the session.
 * "more" is true if another script follows in the same transaction.  Raises
 * the errors that the runner would raise before running the script.
 */
static void
append_part(Offline *offline, const CmigRunStep *step, Part part, bool more)
{
	StringInfo	out = &offline->text;
	CmigPsqlFacts facts = {0};
	bool		bound = offline->bound && part == PART_MAIN && step->transactional;

	if (!offline->prepared)
		prepare_script(offline);
	offline->prepared = false;
	if (bound)
		cmig_psql_added_require(out, ";\n");
	append_statements(offline, out, step, part, offline->pin, &facts);
	if (bound)
		cmig_psql_added_note(out);
	offline->deferrable |= facts.deferrable;
	if (facts.calls_cmig &&
		(offline->calling == NIL || strcmp(llast(offline->calling), step->revision) != 0))
	{
		/*
		 * allocate the list in the memory context of "out", which outlives
		 * the step
		 */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(out->data));

		offline->calling = lappend(offline->calling, (void *) step->revision);
		MemoryContextSwitchTo(old);
	}
	append_end_of_script(offline, &facts, more);
}

/*
 * Set what all scripts share.  "from_here" is true if the psql script starts
 * from the state of this database, which can be queried in that case.
 */
static void
open_scripts(Offline *offline, bool from_here)
{
	const char *role = cmig_settings_text("cmig.role", GetConfigOption("cmig.role", true, false));
	const char *path = cmig_session_path_setting();
	StringInfoData text;

	offline->knows_constraints = offline->row_count == 0 ||
		(from_here && cmig_query_run(&find_deferrable, NULL, NULL) == 0);
	offline->start_session = psprintf("%sSET standard_conforming_strings = on;\n%s", offline->pin,
									  cmig_scope_is_set() ?
									  psprintf("SET cmig.scope = %s;\n", quote_literal_cstr(cmig_scope_current())) : "");

	/* the statements that prepare the session for a revision's script */
	cmig_scope_require_safe(path);
	initStringInfo(&text);
	if (role && *role)
	{
		appendStringInfo(&text, "SET ROLE %s;\n", quote_identifier(role));
		join(offline, &text);
	}
	if (cmig_scope_is_set())
		path = cmig_session_search_path();
	if (path && *path)
	{
		List	   *schemas;

		if (!SplitIdentifierString(pstrdup(path), ',', &schemas))
			elog(ERROR, "cmig.search_path is not a list of names");
		appendStringInfoString(&text, "SET search_path = ");
		foreach_ptr(char, schema, schemas)
			appendStringInfo(&text, "%s%s", foreach_current_index(schema) ? ", " : "",
							 *schema ? quote_identifier(schema) : "\"\"");
		appendStringInfoString(&text, ";\n");
		join(offline, &text);
	}
	offline->limit = "";
	if (offline->engine)
	{
		const char *limit = cmig_settings_text("cmig.lock_timeout", GetConfigOption("cmig.lock_timeout", true, false));

		if (limit == NULL || strcmp(limit, "0") == 0)
			limit = GetConfigOption("lock_timeout", false, false);
		if (strcmp(limit, "0") != 0)
		{
			offline->limit = psprintf("SET lock_timeout = %s;\n", quote_literal_cstr(limit));
			appendStringInfoString(&text, offline->limit);
			join(offline, &text);
		}
	}
	appendStringInfoString(&text, "SET row_security = off;\n");
	cmig_psql_pin(&text, 0, offline->pin);
	offline->start_script = text.data;
}

/* ----------------------------------------------------------------
 * The whole script
 * ----------------------------------------------------------------
 */

/* Append a comment that introduces a step. */
static void
append_title(Offline *offline, int number)
{
	int			node = offline->plan->steps[number].node;
	char	   *title = cmig_text_one_line(pstrdup(cmig_move_title(offline->graph, offline->plan->direction, node)));

	appendStringInfo(&offline->text, "\n-- step %d of %d: ", ++offline->done, offline->total);
	appendStringInfoString(&offline->text, title);
	appendStringInfoChar(&offline->text, '\n');
	if (!offline->engine)
		return;
	begin_transaction(offline); /* its check must not fail after the title */
	cmig_engine_append_title(&offline->text, title);
}

/*
 * Return only what the revisions contain, for those who review it.  No version
 * table is changed, so this is not to be run.
 */
static text *
make_review(Offline *offline)
{
	CmigStepTexts *texts = cmig_step_texts_make(offline->graph, offline->plan);

	initStringInfo(&offline->text);
	appendStringInfo(&offline->text, "-- pg_cmig: the statements of %d %s, to read, not to run\n",
					 offline->plan->count, offline->plan->count == 1 ? "revision" : "revisions");
	for (int i = 0; i < offline->plan->count; i++)
	{
		const CmigRunStep *run = cmig_step_texts_get(texts, i);

		append_title(offline, i);
		if (!run->transactional)
			appendStringInfoString(&offline->text, "-- outside of a transaction\n");
		appendStringInfo(&offline->text, "%s\n", run->sql);
	}
	return cstring_to_text_with_len(offline->text.data, offline->text.len);
}

/* Append a step, and the statements for its changes to the version table. */
static void
append_step(Offline *offline, int number, const CmigRunStep *run)
{
	const CmigPlanStep *step = &offline->plan->steps[number];
	bool		upgrade = offline->plan->direction == CMIG_UPGRADE;
	bool		verified = upgrade && run->verify_sql;
	bool		more = offline->done + 1 < offline->total && !offline->transaction_per_revision;

	if ((Size) offline->text.len + strlen(run->sql) + (verified ? strlen(run->verify_sql) : 0) +
		(run->precondition_sql ? strlen(run->precondition_sql) : 0) >
		MaxAllocSize - TEXT_MARGIN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the script would be larger than 1 GB"),
				 errdetail("Revision \"%s\" does not fit into the script.", run->revision),
				 errhint("Generate several scripts, each for a range from:to.")));
	append_title(offline, number);
	begin_transaction(offline);
	if (upgrade && run->precondition_sql)
		append_part(offline, run, PART_PRECONDITION, true);
	if (run->transactional)
		append_part(offline, run, PART_MAIN, more || verified);
	else
	{
		/*
		 * commit the transaction, which has only checked the version rows and
		 * the precondition
		 */
		commit_transaction(offline);
		append_part(offline, run, PART_MAIN, false);
		begin_transaction(offline);
	}
	if (verified)
		append_part(offline, run, PART_VERIFY, more);
	if (offline->engine && !run->transactional)
		cmig_engine_end_step(&offline->text, run->revision, offline->direction);
	move_rows(offline, step);
	record_step(offline, run->revision,
				upgrade ? cmig_repeatable_checksum(run->stored_sql, run->transactional, run->repeatable) : NULL);
	if (offline->transaction_per_revision)
		commit_transaction(offline);
	else if (offline->engine && more)
	{
		/* ends the message, before the next title */
		prepare_script(offline);
		offline->prepared = true;
	}
}

/* Append the steps of a plan. */
static void
append_plan(Offline *offline, const CmigPlan *plan)
{
	CmigStepTexts *texts = cmig_step_texts_make(offline->graph, plan);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;

	/* not in the context, which is reset after each step */
	cmig_step_texts_read_small(texts);
	caller = MemoryContextSwitchTo(context);
	offline->plan = plan;
	offline->direction = cmig_direction_name(plan->direction);
	for (int i = 0; i < plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		append_step(offline, i, cmig_step_texts_get(texts, i));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Has the plan a step that runs outside of a transaction? */
static bool
has_outside(const CmigGraph *graph, const CmigPlan *plan)
{
	for (int i = 0; i < plan->count; i++)
		if (!graph->nodes[plan->steps[i].node].revision->transactional)
			return true;
	return false;
}

/* Insert a check for the extension at an offset: steps call its functions. */
static void
insert_extension_check(Offline *offline, int offset)
{
	StringInfo	out = &offline->text;
	StringInfoData check;
	CmigListing listing;
	char	   *calling;

	cmig_listing_init(&listing, CMIG_LISTING_QUOTED);
	foreach_ptr(char, name, offline->calling)
		cmig_listing_add(&listing, name);
	calling = cmig_listing_text(&listing);
	initStringInfo(&check);
	cmig_psql_append_do(&check,
						psprintf("BEGIN\n"
								 "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname " OP("=") " 'pg_cmig') THEN\n"
								 "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_object',\n"
								 "\t\t\tMESSAGE = 'extension \"pg_cmig\" is not installed in this database',\n"
								 "\t\t\tDETAIL = %s,\n"
								 "\t\t\tHINT = 'CREATE EXTENSION pg_cmig';\n"
								 "\tEND IF;\nEND",
								 quote_literal_cstr(psprintf("Functions of the extension are called by %s.", calling))));
	enlargeStringInfo(out, check.len);
	memmove(out->data + offset + check.len, out->data + offset, out->len - offset);
	memcpy(out->data + offset, check.data, check.len);
	out->len += check.len;
	ereport(WARNING,
			(errmsg_plural("revision %s calls functions of pg_cmig",
						   "revisions %s call functions of pg_cmig",
						   list_length(offline->calling), calling),
			 errdetail("The script begins with a check for the extension, and runs only in databases that have it.")));
}

/* Generate the whole script. */
static text *
make_text(Offline *offline)
{
	StringInfo	out = &offline->text;
	int			count = offline->total;
	bool		stop = has_outside(offline->graph, offline->plan) ||
	(offline->then != NULL && has_outside(offline->graph, offline->then));
	int			from;
	int			behind_start;
	text	   *result;

	/*
	 * leave space for the varlena header, because the buffer becomes the
	 * function's result
	 */
	initStringInfo(&offline->text);
	appendStringInfoSpaces(&offline->text, VARHDRSZ);
	if (offline->only_tables)
		appendStringInfoString(out, "-- pg_cmig: creates the tables of the state, if they do not exist; version table ");
	else
		appendStringInfo(out, "-- pg_cmig: %s of %d %s, from %s; version table ",
						 offline->then ? "reset" : offline->direction, count,
						 offline->then ? "steps" : count == 1 ? "revision" : "revisions", place_text(offline));
	appendStringInfoString(out, cmig_text_one_line(pstrdup(offline->table)));
	appendStringInfoString(out, "\n-- psql -X -v ON_ERROR_STOP=1 -f <this file>\n\n");
	if (stop)
		appendStringInfoString(out,
							   "-- some statements run outside of transactions: psql must stop at an error\n\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n");
	appendStringInfoString(out, offline->start_session);
	behind_start = offline->text.len;

	/* a run of several transactions needs a lock of the session */
	offline->session_lock = stop || offline->transaction_per_revision;
	offline->key = psprintf("pg_catalog.hashtextextended(%s, 0)",
							quote_literal_cstr(psprintf("pg_cmig %s", offline->table)));
	if (offline->session_lock)
	{
		cmig_engine_append_session_lock(out, offline->key);
		offline->stored = (stop || offline->engine) && *offline->check != '\0' && !offline->bare;
		if (offline->stored)
			cmig_psql_table_store_check(out, offline->check);
		offline->bound = cmig_psql_added_may_validate(offline->graph, offline->plan) ||
			(offline->then != NULL && cmig_psql_added_may_validate(offline->graph, offline->then));
		if (offline->bound)
			cmig_psql_added_begin(out);
	}
	if (count == 0 || !offline->transaction_per_revision)
		begin_transaction(offline);
	append_plan(offline, offline->plan);
	if (offline->then != NULL)
		append_plan(offline, offline->then);
	appendStringInfoChar(&offline->text, '\n');
	commit_transaction(offline);
	from = out->len;
	if (offline->session_lock)
		cmig_psql_append_do(out, psprintf("BEGIN\n\tPERFORM pg_catalog.pg_advisory_unlock(%s);\nEND", offline->key));
	cmig_psql_pin(out, from, offline->pin);

	/*
	 * Insert the check for the extension only now, because all scripts must
	 * be read to find out whether the check is needed.
	 */
	if (offline->calling != NIL)
		insert_extension_check(offline, behind_start);

	/*
	 * In a client encoding that servers do not support, the second byte of a
	 * character can be a backslash or a brace, so psql must use the same
	 * encoding to read the script correctly.  The script cannot always set
	 * this encoding, because a database rejects an encoding for which it has
	 * no conversion.
	 */
	if (!PG_VALID_BE_ENCODING(pg_get_client_encoding()) && !pg_is_ascii(out->data + VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot generate a script with non-ASCII characters in encoding %s",
						pg_get_client_encoding_name()),
				 errdetail("psql could interpret part of a character as a quote or a backslash."),
				 errhint("SET client_encoding = 'UTF8'")));
	result = (text *) offline->text.data;
	SET_VARSIZE(result, offline->text.len);
	return result;
}

/*
 * Return a script that runs the verify sections of applied revisions, and
 * returns the rows that cmig.verify returns, or an empty string if there are
 * none.
 */
static text *
make_verify(Offline *offline, const CmigSituation *now, const char *target)
{
	int			count;
	int		   *nodes = cmig_move_choose_applied(now, target, &count);
	StringInfoData body;
	bool		any = false;

	initStringInfo(&offline->text);
	initStringInfo(&body);
	appendStringInfoString(&offline->text, offline->start_session);
	appendStringInfoString(&offline->text, CMIG_PSQL_BEGIN ";\n");
	appendStringInfoString(&offline->text, offline->start_script);
	cmig_psql_section_open(&offline->text);
	for (int i = 0; i < count; i++)
	{
		const char *id = cmig_graph_id(now->graph, nodes[i]);
		CmigRunStep step = {.revision = id,.direction = CMIG_UPGRADE,.transactional = true};
		CmigRevisionText *script = cmig_catalog_read_text(id);
		int			from = offline->text.len;

		CHECK_FOR_INTERRUPTS();
		if (script == NULL || script->verify_sql == NULL)
			continue;
		any = true;
		step.verify_sql = cmig_placeholder_values_insert(script->verify_sql, &script->placeholders, id, "verify", NULL);
		step.file_name = script->file_name;
		step.file_lines[1] = script->file_lines[2];
		resetStringInfo(&body);
		cmig_psql_section_begin(&body);
		append_statements(offline, &body, &step, PART_SECTION, offline->pin, NULL);
		cmig_psql_section_end(&body, id);
		cmig_psql_append_do(&offline->text, body.data);
		join(offline, &offline->text);
		cmig_psql_pin(&offline->text, from, offline->pin);
	}
	cmig_psql_section_close(&offline->text);
	appendStringInfoString(&offline->text, "ROLLBACK;\n");
	return any ? cstring_to_text_with_len(offline->text.data, offline->text.len) : cstring_to_text("");
}

CMIG_READER(cmig_script)
{
	Offline		offline = {0};
	const char *what = cmig_argument_text(fcinfo, 0);
	bool		reset = what != NULL && strcmp(what, "reset") == 0;
	bool		verify = what != NULL && strcmp(what, "verify") == 0;
	CmigDirection direction = reset ? CMIG_DOWNGRADE : verify ? CMIG_UPGRADE :
	cmig_argument_direction(fcinfo, "SELECT cmig.script");
	char	   *target = cmig_argument_text(fcinfo, 1);
	char	   *table = cmig_argument_text(fcinfo, 2);
	CmigSituation now = cmig_move_read(true);
	bool		from_here = true;

	offline.transaction_per_revision = cmig_argument_bool(fcinfo, 3, false);
	if (verify)
		offline.plan = palloc0(sizeof(CmigPlan));
	else
		offline.plan = cmig_move_plan_range(&now, direction, reset ? "base" : target, &from_here);
	if (reset)
	{
		CmigSituation then = now;
		bool		then_here;

		offline.then = cmig_move_plan_range(&then, CMIG_UPGRADE,
											psprintf("base:%s", target ? target : "heads"),
											&then_here);
		if (offline.plan->count == 0)
		{
			offline.plan = offline.then;
			offline.then = NULL;
		}
	}
	offline.total = offline.plan->count + (offline.then ? offline.then->count : 0);
	/* what an engine has begun in its database, the script continues */
	if (from_here && offline.plan->count > 0)
		cmig_progress_require_none(!cmig_text_same(table, CMIG_ENGINE_VERSION) ? NULL :
								   cmig_graph_id(now.graph, offline.plan->steps[0].node), direction);
	else if (verify)
		 /* reports it itself */ ;
	else if (from_here)
		cmig_move_report_nothing(now.graph, now.applied->rows, cmig_direction_name(direction));
	else if (offline.plan->count == 0)
		ereport(NOTICE,
				(errmsg("nothing to %s: the range \"%s\" contains no steps",
						cmig_direction_name(direction), target)));
	offline.graph = now.graph;
	offline.direction = cmig_direction_name(direction);
	offline.pin = psprintf("SET client_encoding = %s;\n",
						   quote_literal_cstr(pg_get_client_encoding() == PG_SQL_ASCII ?
											  GetDatabaseEncodingName() : pg_get_client_encoding_name()));
	if (table == NULL && !verify && !reset)
		PG_RETURN_TEXT_P(make_review(&offline));
	open_table(&offline, table ? table : "cmig_version", now.applied);
	open_scripts(&offline, from_here);
	if (verify)
		PG_RETURN_TEXT_P(make_verify(&offline, &now, target == NULL || strcmp(target, "current") == 0 ? NULL : target));
	PG_RETURN_TEXT_P(make_text(&offline));
}
