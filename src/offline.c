/*
 * offline.c
 *	  Moves as a text for psql: cmig.script, Alembic's --sql.
 *
 * The text needs neither pg_cmig nor its catalog where it runs, only a table
 * for the version rows.  Each transaction locks that table and checks that it
 * holds the rows expected at that place, so a text that was run before, runs
 * twice at once, or goes on after an error changes nothing.
 *
 * What the runner does around a script is done by statements of the text:
 * row_security is off, deferred events are fired, temporary objects and
 * prepared statements dropped, settings and roles reset, verify_sql is run.
 * The text does so for the whole session, the runner for what the script
 * itself has made or set (doc/reference.md, cmig.script).
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "compat.h"
#include "errors.h"
#include "move.h"
#include "offline.h"
#include "psql_text.h"
#include "query.h"
#include "script.h"
#include "statement.h"

PG_FUNCTION_INFO_V1(cmig_script);

#define MAX_LISTED 10

/* The table of the version rows, ready to be put into the text. */
typedef struct VersionTable
{
	char	   *table;
	char	   *column;
	char	   *constraint;		/* name for its primary key */
	bool		may_create;
} VersionTable;

typedef struct Offline
{
	const CmigGraph *graph;
	const CmigPlan *plan;
	VersionTable version;
	CmigMarks  *rows;			/* the nodes that have a row at this place */
	bool		transaction_per_revision;
	bool		knows_constraints;	/* no deferrable one existed before */
	StringInfoData out;
	bool		in_transaction;
	bool		checked;		/* the first check is written */
	int			longest;		/* of the ids that get a row, in characters */
	List	   *calling;		/* of char *: revisions that call cmig functions */
	CmigPsqlFacts facts;		/* of all steps so far */
	char	   *start_session;	/* settings that the text needs */
	char	   *start_script;	/* settings that scripts start with */
} Offline;

/* What a script runs as, for errors. */
typedef struct Reading
{
	const char *revision;
	CmigStatement statement;
} Reading;

/*
 * Arguments
 */

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static VersionTable
read_version_table(const char *name)
{
	VersionTable version;
	List	   *names;
	char	   *table;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the version table must not be null"),
				 errhint("Leave it out for public.cmig_version.")));
	names = textToQualifiedNameList(cstring_to_text(name));
	if (list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the name of a table", name),
				 errhint("Say schema.table or table.")));
	table = strVal(llast(names));
	version.table = list_length(names) == 2 ?
		quote_qualified_identifier(strVal(linitial(names)), table) :
		pstrdup(quote_identifier(table));
	/* pg_cmig's own table has another column */
	version.may_create = strcmp(version.table, "cmig.version") != 0;
	version.column = version.may_create ? "version_num" : "revision";
	version.constraint = pstrdup(quote_identifier(makeObjectName(table, NULL, "pkc")));
	return version;
}

/* One end of a range, as the names of version rows. */
static CmigNames *
read_start(const CmigSituation *now, char *from)
{
	CmigNames  *rows = palloc0(sizeof(CmigNames));
	CmigNames	wanted = {1, &from};
	List	   *nodes;
	ListCell   *lc;

	nodes = cmig_target_list(now->graph, &wanted, true);
	rows->names = palloc(sizeof(char *) * (list_length(nodes) + 1));
	foreach(lc, nodes)
		rows->names[rows->count++] = cmig_graph_id(now->graph, lfirst_int(lc));
	return rows;
}

/* Resolve "to" or "from:to"; *now becomes the place where the text starts. */
static CmigPlan *
read_plan(CmigSituation *now, const char *direction, char *target, bool *from_here)
{
	char	   *colon;
	char	   *to = target;
	CmigPlan   *plan;

	if (direction == NULL ||
		(strcmp(direction, "upgrade") != 0 && strcmp(direction, "downgrade") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the direction must be upgrade or downgrade"),
				 errhint("SELECT cmig.script('upgrade', 'head').")));
	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("SELECT cmig.script('upgrade', 'head').")));

	*from_here = true;
	colon = strchr(target, ':');
	if (colon)
	{
		char	   *from = pnstrdup(target, colon - target);

		to = colon + 1;
		if (*from == '\0' || *to == '\0' || strchr(to, ':'))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a range", target),
					 errhint("A range is from:to, such as base:head or 002:004.")));
		if (strcmp(from, "current") != 0)
		{
			*from_here = false;
			now->applied = cmig_target_applied(now->graph, read_start(now, from));
		}
	}

	if (strcmp(direction, "upgrade") == 0)
	{
		CmigNames	wanted = {1, &to};

		plan = cmig_move_plan_upgrade(now, &wanted);
		if (plan->count == 0 && !*from_here && now->applied->rows->count > 0)
		{
			List	   *nodes = cmig_target_upgrade(now->graph, now->applied, &wanted);

			if (nodes == NIL || !list_member_int(now->applied->nodes, linitial_int(nodes)))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_INVALID_TARGET),
						 errmsg("\"%s\" is not above \"%s\"", to,
								pnstrdup(target, colon - target)),
						 errhint("A range for an upgrade goes up; cmig.script('downgrade', ...) goes down.")));
		}
	}
	else
	{
		CmigDowngradeTarget *resolved;

		plan = cmig_move_plan_downgrade(now, to, &resolved);
	}
	return plan;
}

/*
 * What the database holds already
 */

static CmigQuery find_deferrable = {
	"SELECT 1 FROM pg_constraint WHERE condeferrable LIMIT 1", 0
};

/*
 * Settings of the text
 */

static char *
make_start_session(void)
{
	StringInfoData text;

	initStringInfo(&text);
	if (pg_get_client_encoding() != PG_SQL_ASCII)
		appendStringInfo(&text, "SET client_encoding = %s;\n",
						 quote_literal_cstr(pg_get_client_encoding_name()));
	appendStringInfoString(&text, "SET standard_conforming_strings = on;\n");
	return text.data;
}

static char *
make_start_script(void)
{
	const char *role = GetConfigOption("cmig.role", true, false);
	const char *path = GetConfigOption("cmig.search_path", true, false);
	StringInfoData text;

	initStringInfo(&text);
	if (role && *role)
		appendStringInfo(&text, "SET ROLE %s;\n", quote_identifier(role));
	if (path && *path)
	{
		List	   *schemas;
		ListCell   *lc;

		if (!SplitIdentifierString(pstrdup(path), ',', &schemas))
			elog(ERROR, "cmig.search_path is no list of names");
		appendStringInfoString(&text, "SET search_path = ");
		foreach(lc, schemas)
			appendStringInfo(&text, "%s%s", foreach_current_index(lc) ? ", " : "",
							 *(char *) lfirst(lc) ? quote_identifier(lfirst(lc)) : "\"\"");
		appendStringInfoString(&text, ";\n");
	}
	appendStringInfoString(&text, "SET row_security = off;\n");
	return text.data;
}

/*
 * Put the session back after a script.  more: other scripts follow in the
 * same transaction, so deferred events must be fired by hand.
 */
static void
append_end_of_script(Offline *offline, const CmigPsqlFacts *facts, bool more)
{
	StringInfo	out = &offline->out;

	if (facts->declares_cursor)
		appendStringInfoString(out, "CLOSE ALL;\n");
	if (more && (offline->facts.deferrable || !offline->knows_constraints))
		cmig_psql_append_do(out,
							"DECLARE\n"
							"\tnames text;\n"
							"\tmode text;\n"
							"BEGIN\n"
							"\t-- what is deferred happens before the next revision\n"
							"\tFOR mode, names IN\n"
							"\t\tSELECT m.mode, pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ')\n"
							"\t\tFROM pg_catalog.pg_constraint c\n"
							"\t\tJOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace\n"
							"\t\tJOIN (VALUES (1, 'IMMEDIATE'), (2, 'DEFERRED')) m (step, mode)\n"
							"\t\t\tON c.condeferrable AND (m.step = 1 OR c.condeferred)\n"
							"\t\tWHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o\n"
							"\t\t\tWHERE o.conname = c.conname AND o.connamespace = c.connamespace AND NOT o.condeferrable)\n"
							"\t\tGROUP BY m.step, m.mode ORDER BY m.step\n"
							"\tLOOP\n"
							"\t\tEXECUTE 'SET CONSTRAINTS ' || names || ' ' || mode;\n"
							"\tEND LOOP;\n"
							"END");
	if (facts->temp_objects)
		appendStringInfoString(out, "DISCARD TEMP;\n");
	if (facts->prepares)
		appendStringInfoString(out, "DEALLOCATE ALL;\n");
	appendStringInfo(out, "RESET SESSION AUTHORIZATION;\nRESET ROLE;\nRESET ALL;\n%s",
					 offline->start_session);
}

/*
 * Transactions and version rows
 */

/* The rows at this place as an array constant; *text lists them for people. */
static char *
rows_array(const Offline *offline, char **text)
{
	StringInfoData array;
	StringInfoData list;
	int			count = 0;

	initStringInfo(&array);
	initStringInfo(&list);
	appendStringInfoString(&array, "ARRAY[");
	for (int i = 0; i < offline->graph->count; i++)
	{
		const char *id;

		if (!offline->rows->set[i])
			continue;
		id = cmig_graph_id(offline->graph, i);
		appendStringInfo(&array, "%s%s", count ? ", " : "", quote_literal_cstr(id));
		if (count < MAX_LISTED)
			appendStringInfo(&list, "%s%s", count ? ", " : "", id);
		count++;
	}
	if (count > MAX_LISTED)
		appendStringInfo(&list, " and %d more", count - MAX_LISTED);
	appendStringInfoString(&array, "]::text[]");
	*text = count ? list.data : "base";
	return array.data;
}

/* Lock the version table and check what it holds. */
static void
append_check(Offline *offline)
{
	const VersionTable *version = &offline->version;
	char	   *wanted_text;
	char	   *wanted = rows_array(offline, &wanted_text);
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfo(&body, "DECLARE\n\twanted CONSTANT text[] := %s;\n\tfound text[];\n", wanted);
	if (!offline->checked && version->may_create && offline->longest > 0)
		appendStringInfoString(&body, "\twidth integer;\n");
	appendStringInfo(&body, "BEGIN\n");
	if (!offline->checked)
	{
		appendStringInfo(&body, "\tIF pg_catalog.to_regclass(%s) IS NULL THEN\n",
						 quote_literal_cstr(version->table));
		if (offline->rows->count == 0 && version->may_create)
			appendStringInfo(&body, "\t\tCREATE TABLE %s (%s character varying(%d) NOT NULL,\n\t\t\tCONSTRAINT %s PRIMARY KEY (%s));\n",
							 version->table, version->column, CMIG_MAX_ID_LENGTH,
							 version->constraint, version->column);
		else
			appendStringInfo(&body, "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_table',\n\t\t\tMESSAGE = %s,\n\t\t\tHINT = 'Run the text that starts at base first, or give cmig.script the version_table of this database.';\n",
							 quote_literal_cstr(psprintf("version table %s does not exist", version->table)));
		appendStringInfoString(&body, "\tEND IF;\n");
	}
	appendStringInfo(&body, "\tLOCK TABLE %s IN EXCLUSIVE MODE;\n", version->table);
	if (!offline->checked && version->may_create && offline->longest > 0)
		appendStringInfo(&body,
						 "\tSELECT a.atttypmod - 4 INTO width FROM pg_catalog.pg_attribute a\n"
						 "\t\tWHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attname = '%s'\n"
						 "\t\tAND a.atttypid IN ('pg_catalog.varchar'::regtype, 'pg_catalog.bpchar'::regtype) AND a.atttypmod > 0;\n"
						 "\tIF width < %d THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'string_data_right_truncation',\n"
						 "\t\t\tMESSAGE = %s,\n"
						 "\t\t\tDETAIL = 'It holds ' || width || ' characters; the longest revision has %d.',\n"
						 "\t\t\tHINT = %s;\n"
						 "\tEND IF;\n",
						 quote_literal_cstr(version->table), version->column, offline->longest,
						 quote_literal_cstr(psprintf("column %s of %s is too narrow", version->column, version->table)),
						 offline->longest,
						 quote_literal_cstr(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE character varying(%d)",
													 version->table, version->column, CMIG_MAX_ID_LENGTH)));
	appendStringInfo(&body,
					 "\tfound := ARRAY(SELECT v.%s::text FROM %s v ORDER BY v.%s::text COLLATE \"C\");\n"
					 "\tIF found <> wanted THEN\n"
					 "\t\tRAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "\t\t\tMESSAGE = %s,\n"
					 "\t\t\tDETAIL = %s || coalesce(nullif(pg_catalog.array_to_string(found, ', '), ''), 'no row') || '.',\n"
					 "\t\t\tHINT = 'Nothing of this transaction was done. Make the text for where this database is.';\n"
					 "\tEND IF;\nEND",
					 version->column, version->table, version->column,
					 quote_literal_cstr(psprintf("this text goes on from %s, and the database is not there", wanted_text)),
					 quote_literal_cstr(psprintf("%s holds ", version->table)));
	cmig_psql_append_do(&offline->out, body.data);
	offline->checked = true;
	pfree(body.data);
	pfree(wanted);
}

static void
begin_transaction(Offline *offline)
{
	if (offline->in_transaction)
		return;
	appendStringInfoString(&offline->out, "BEGIN ISOLATION LEVEL READ COMMITTED;\n");
	append_check(offline);
	offline->in_transaction = true;
}

static void
commit_transaction(Offline *offline)
{
	if (offline->in_transaction)
		appendStringInfoString(&offline->out, "COMMIT;\n");
	offline->in_transaction = false;
}

static void
append_rows(Offline *offline, const CmigStep *step)
{
	const VersionTable *version = &offline->version;

	for (int i = 0; i < step->removed.count; i++)
	{
		int			node = step->removed.nodes[i];

		appendStringInfo(&offline->out, "DELETE FROM %s WHERE %s = %s;\n",
						 version->table, version->column,
						 quote_literal_cstr(cmig_graph_id(offline->graph, node)));
		if (offline->rows->set[node])
			offline->rows->count--;
		offline->rows->set[node] = false;
	}
	for (int i = 0; i < step->added.count; i++)
	{
		int			node = step->added.nodes[i];

		appendStringInfo(&offline->out, "INSERT INTO %s (%s) VALUES (%s);\n",
						 version->table, version->column,
						 quote_literal_cstr(cmig_graph_id(offline->graph, node)));
		cmig_graph_mark(offline->rows, node);
	}
}

/*
 * Scripts
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

/* Refuse what the runner refuses; top-level statements where they may be. */
static void
check_statement(const CmigRunStep *step, const RawStmt *raw)
{
	const char *reason;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			return;
		case CMIG_STATEMENT_CONCURRENTLY:
		case CMIG_STATEMENT_TOP_LEVEL:
			if (!step->transactional)
				return;
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
					 errmsg("%s cannot run inside a transaction", reason),
					 errhint("Set \"transactional: false\" in revision \"%s\".", step->revision)));
			break;
		case CMIG_STATEMENT_TRANSACTION:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("The transaction belongs to whoever runs the revision."),
					 errhint("Remove it. A part that may fail can stand in a DO block with EXCEPTION.")));
			break;
		case CMIG_STATEMENT_CLIENT_COPY:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("cmig.upgrade could not run it."),
					 errhint("Use INSERT, or COPY with a file on the server.")));
			break;
		case CMIG_STATEMENT_DISCARD_ALL:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s is not allowed in a revision's script", reason),
					 errdetail("It would throw away what belongs to the caller's session."),
					 errhint("Remove it. What a script leaves behind in the session is cleared when it ends.")));
			break;
	}
}

/* Read what follows as the script itself would have it read. */
static void
follow_strings(const RawStmt *raw)
{
	VariableSetStmt *set = (VariableSetStmt *) raw->stmt;
	const char *value = "on";

	if (!cmig_statement_changes_strings(raw))
		return;
	if (set->kind == VAR_SET_VALUE)
		value = ExtractSetVariableArgs(set);
	(void) set_config_option("standard_conforming_strings", value, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

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
		default:
			return false;
	}
}

/*
 * A statement of verify_sql that returns rows.  The row's values are looked
 * at in their order through JSON, which does not tell of what type a null is;
 * so if one comes before any boolean, the types are asked for.
 */
static void
append_verification(Offline *offline, const Reading *reading)
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
	cmig_psql_append_do(&offline->out, body.data);
	pfree(body.data);
}

/* Append a script statement by statement, checking each by its parse tree. */
static void
append_statements(Offline *offline, const CmigRunStep *step, const char *sql,
				  bool verify, CmigPsqlFacts *facts)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	Reading		reading = {.revision = step->revision};
	ErrorContextCallback callback = {
		.previous = error_context_stack,.callback = describe_error,.arg = &reading
	};
	CmigScript *script = cmig_script_open(sql);
	int			behind = 0;
	int			guc_level = NewGUCNestLevel();

	error_context_stack = &callback;
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &reading.statement))
	{
		const CmigStatement *statement = &reading.statement;

		CHECK_FOR_INTERRUPTS();
		check_statement(step, statement->raw);
		cmig_psql_append_comments(&offline->out, sql + behind, statement->offset - behind);
		behind = statement->offset + strlen(statement->text);
		if (verify && returns_rows(statement->raw))
			append_verification(offline, &reading);
		else
			cmig_psql_append_statement(&offline->out, statement->text, facts);
		follow_strings(statement->raw);
		reading.statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	cmig_psql_append_comments(&offline->out, sql + behind, strlen(sql + behind));
	AtEOXact_GUC(false, guc_level);
	cmig_script_close(script);
	MemoryContextDelete(context);
	error_context_stack = callback.previous;
}

/*
 * A script, and what puts the session back after it.  Most are appended as
 * they are, by their tokens alone.
 */
static void
append_script(Offline *offline, const CmigRunStep *step, const char *sql, bool verify,
			  bool more)
{
	CmigPsqlFacts facts = {0};

	appendStringInfoString(&offline->out, offline->start_script);
	if (verify || cmig_statement_may_need_top_level(sql) ||
		!cmig_psql_append(&offline->out, sql, &facts))
		append_statements(offline, step, sql, verify, &facts);
	offline->facts.deferrable |= facts.deferrable;
	if (facts.calls_cmig &&
		(offline->calling == NIL || strcmp(llast(offline->calling), step->revision) != 0))
	{
		/* with the text, which outlives the step */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(offline->out.data));

		offline->calling = lappend(offline->calling, (void *) step->revision);
		MemoryContextSwitchTo(old);
	}
	append_end_of_script(offline, &facts, more);
}

/* Text for a comment: one line. */
static char *
one_line(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *p = copy; *p; p++)
		if ((unsigned char) *p < 0x20 || *p == 0x7F)
			*p = ' ';
	return copy;
}

static void
append_title(Offline *offline, int number)
{
	const CmigNode *node = &offline->graph->nodes[offline->plan->steps[number].node];
	StringInfoData parents;

	initStringInfo(&parents);
	for (int i = 0; i < node->parents.count && i < MAX_LISTED; i++)
		appendStringInfo(&parents, "%s%s", i ? ", " : "",
						 cmig_graph_id(offline->graph, node->parents.nodes[i]));
	if (node->parents.count == 0)
		appendStringInfoString(&parents, "base");
	if (node->parents.count > MAX_LISTED)
		appendStringInfo(&parents, " and %d more", node->parents.count - MAX_LISTED);
	appendStringInfo(&offline->out, "\n-- step %d of %d: ", number + 1, offline->plan->count);
	if (offline->plan->direction == CMIG_UPGRADE)
		appendStringInfo(&offline->out, "upgrade %s -> %s", parents.data, node->revision->id);
	else
		appendStringInfo(&offline->out, "downgrade %s -> %s", node->revision->id, parents.data);
	if (*node->revision->message)
		appendStringInfo(&offline->out, ", %s", one_line(node->revision->message));
	appendStringInfoChar(&offline->out, '\n');
}

static void
append_step(Offline *offline, const CmigSituation *now, int number)
{
	const CmigStep *step = &offline->plan->steps[number];
	CmigRunStep *run = cmig_move_fetch(now, offline->plan, step->node);
	bool		verified = offline->plan->direction == CMIG_UPGRADE && run->verify_sql;
	bool		more = number + 1 < offline->plan->count && !offline->transaction_per_revision;

	append_title(offline, number);
	if (run->transactional)
	{
		begin_transaction(offline);
		append_script(offline, run, run->sql, false, more || verified);
	}
	else
	{
		/* an empty transaction checks where the database is */
		begin_transaction(offline);
		commit_transaction(offline);
		append_script(offline, run, run->sql, false, false);
		begin_transaction(offline);
	}
	if (verified)
		append_script(offline, run, run->verify_sql, true, more);
	append_rows(offline, step);
	if (offline->transaction_per_revision)
		commit_transaction(offline);
}

/*
 * The whole text
 */

/* Is a step's revision run outside of a transaction? */
static bool
leaves_transactions(const Offline *offline)
{
	for (int i = 0; i < offline->plan->count; i++)
		if (!offline->graph->nodes[offline->plan->steps[i].node].revision->transactional)
			return true;
	return false;
}

static char *
list_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
	{
		if (foreach_current_index(lc) == MAX_LISTED)
		{
			appendStringInfo(&text, " and %d more", list_length(names) - MAX_LISTED);
			break;
		}
		appendStringInfo(&text, "%s\"%s\"", foreach_current_index(lc) ? ", " : "",
						 (char *) lfirst(lc));
	}
	return text.data;
}

/* Before the first transaction. */
static void
append_start(const Offline *offline, StringInfo text, const char *from, bool stop, bool session_lock)
{
	StringInfoData body;

	appendStringInfo(text, "-- pg_cmig: %s of %d %s, from %s; version table %s\n",
					 offline->plan->direction == CMIG_UPGRADE ? "upgrade" : "downgrade",
					 offline->plan->count, offline->plan->count == 1 ? "revision" : "revisions",
					 from, one_line(offline->version.table));
	appendStringInfoString(text, "-- psql -X -v ON_ERROR_STOP=1 -f <this file>\n\n");
	if (stop)
		appendStringInfoString(text, "-- some statements run outside of transactions: psql must stop at an error\n\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n");
	appendStringInfoString(text, offline->start_session);

	initStringInfo(&body);
	if (offline->calling != NIL)
	{
		appendStringInfo(&body,
						 "BEGIN\n"
						 "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_cmig') THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_object',\n"
						 "\t\t\tMESSAGE = 'extension pg_cmig is not installed here',\n"
						 "\t\t\tDETAIL = %s,\n"
						 "\t\t\tHINT = 'CREATE EXTENSION pg_cmig.';\n"
						 "\tEND IF;\nEND",
						 quote_literal_cstr(psprintf("Its functions are called by %s.",
													 list_names(offline->calling))));
		cmig_psql_append_do(text, body.data);
		resetStringInfo(&body);
	}
	if (session_lock)
	{
		appendStringInfo(&body,
						 "BEGIN\n"
						 "\tIF NOT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(%s, 0)) THEN\n"
						 "\t\tRAISE EXCEPTION USING ERRCODE = 'lock_not_available',\n"
						 "\t\t\tMESSAGE = 'another session runs such a text in this database',\n"
						 "\t\t\tHINT = 'Wait until it has ended.';\n"
						 "\tEND IF;\nEND",
						 quote_literal_cstr(psprintf("pg_cmig %s", offline->version.table)));
		cmig_psql_append_do(text, body.data);
	}
	pfree(body.data);
}

static text *
make_text(Offline *offline, const CmigSituation *now)
{
	StringInfoData all;
	bool		stop = leaves_transactions(offline);
	bool		session_lock = stop || offline->transaction_per_revision;
	char	   *from;
	text	   *result;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);

	(void) rows_array(offline, &from);
	for (int i = 0; i < offline->plan->count; i++)
	{
		const CmigEdges *added = &offline->plan->steps[i].added;

		for (int j = 0; j < added->count; j++)
			offline->longest = Max(offline->longest,
								   pg_mbstrlen(cmig_graph_id(offline->graph, added->nodes[j])));
	}

	initStringInfo(&offline->out);
	if (offline->plan->count == 0 || !offline->transaction_per_revision)
		begin_transaction(offline);
	for (int i = 0; i < offline->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		append_step(offline, now, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	appendStringInfoChar(&offline->out, '\n');
	commit_transaction(offline);
	if (session_lock)
		cmig_psql_append_do(&offline->out,
							psprintf("BEGIN\n\tPERFORM pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended(%s, 0));\nEND",
									 quote_literal_cstr(psprintf("pg_cmig %s", offline->version.table))));

	initStringInfo(&all);
	append_start(offline, &all, from, stop, session_lock);
	appendBinaryStringInfo(&all, offline->out.data, offline->out.len);
	result = cstring_to_text_with_len(all.data, all.len);
	if (offline->calling != NIL)
		ereport(WARNING,
				(errmsg_plural("revision %s calls functions of pg_cmig",
							   "revisions %s call functions of pg_cmig",
							   list_length(offline->calling), list_names(offline->calling)),
				 errdetail("The text runs only where the extension is installed; it begins with a check.")));
	return result;
}

Datum
cmig_script(PG_FUNCTION_ARGS)
{
	Offline		offline = {0};
	CmigSituation now;
	bool		from_here;
	int			guc_level;
	text	   *result;
	ListCell   *lc;

	offline.version = read_version_table(text_argument(fcinfo, 2));
	offline.transaction_per_revision = PG_ARGISNULL(3) ? false : PG_GETARG_BOOL(3);
	now = cmig_move_read(true);
	offline.plan = read_plan(&now, text_argument(fcinfo, 0), text_argument(fcinfo, 1), &from_here);
	offline.graph = now.graph;
	offline.rows = cmig_graph_marks(now.graph);
	foreach(lc, now.applied->nodes)
		cmig_graph_mark(offline.rows, lfirst_int(lc));
	offline.knows_constraints = offline.rows->count == 0 ||
		(from_here && cmig_query_run(&find_deferrable, NULL, NULL) == 0);
	offline.start_session = make_start_session();
	offline.start_script = make_start_script();

	/* the text is read as the settings that it begins with have it */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = make_text(&offline, &now);
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_TEXT_P(result);
}
