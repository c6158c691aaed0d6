/*
 * psql_script.c
 *	  Writes an upgrade or downgrade as a psql script: cmig.script.
 *
 * This corresponds to Alembic's --sql option.  The database in which the script
 * runs does not need pg_cmig, only a table for the version rows.  This file
 * decides where the script starts and ends, and in which order its parts
 * appear. offline.c writes the statements for the version table;
 * offline.c writes the revisions' scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "common/string.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "move/internal.h"
#include "parse/parse.h"
#include "run/run.h"
#include "store/store.h"

PG_FUNCTION_INFO_V1(cmig_script);
PG_FUNCTION_INFO_V1(cmig_script_wrong);

/*
 * The space reserved for the statements before and after a revision's script.
 */
#define TEXT_MARGIN ((Size) 16 * 1024 * 1024)

/* A psql script that is being generated. */
typedef struct Offline
{
	const CmigGraph *graph;
	const CmigPlan *plan;
	CmigVersionTable *table;
	CmigPsqlScripts *scripts;
	bool		transaction_per_revision;
	StringInfoData text;
} Offline;

/*
 * The start and the end of the script
 */

/*
 * Returns the ids of the version rows that correspond to "from", the first part
 * of a range "from:to".
 */
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
	{
		rows->names[rows->count++] = cmig_graph_id(now->graph, lfirst_int(lc));
	}
	return rows;
}

/*
 * Raise an error if "to", the target of a downgrade, is above the state in
 * *now, which is the start of "range".
 */
static void
require_downward(const CmigSituation *now, const char *range, const char *to)
{
	/*
	 * without version rows, the range starts at base, so only "base" is a
	 * valid target
	 */
	if (now->applied->rows->count > 0)
	{
		int			node = cmig_target_downgrade(now->graph, now->applied, to)->node;

		if (node < 0 || now->applied->applied->set[node])
			return;
	}
	else if (strcmp(to, "base") == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("downgrade target \"%s\" is not below \"%s\"", to,
					pnstrdup(range, strlen(range) - strlen(to) - 1)),
			 errhint("The range of a downgrade goes from a later revision to an earlier one. To go up, use cmig.script('upgrade', ...)")));
}

/*
 * Resolve the target "to" or "from:to" to a plan.  Sets *from_here to true if
 * the script starts from the state of this database.  If the script starts
 * from a different state, *now is changed to that state.
 */
static CmigPlan *
read_plan(CmigSituation *now, CmigDirection direction, char *target, bool *from_here)
{
	char	   *colon;
	char	   *to = target;
	CmigPlan   *plan;

	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 direction == CMIG_UPGRADE ? errhint("SELECT cmig.script('upgrade', 'head')")
				 : errhint("SELECT cmig.script('downgrade', '-1')")));

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
					 errhint("A range has the form from:to, such as base:head or 002:004.")));
		if (strcmp(from, "current") != 0)
		{
			*from_here = false;
			now->elsewhere = true;
			now->applied = cmig_applied_find(now->graph, read_start(now, from));
		}
	}

	if (direction == CMIG_UPGRADE)
	{
		CmigNames	wanted = {1, &to};

		plan = cmig_move_plan_upgrade(now, &wanted);
		if (plan->count == 0 && !*from_here && now->applied->rows->count > 0)
		{
			List	   *nodes = cmig_target_upgrade(now->graph, now->applied, &wanted);

			if (nodes == NIL || !list_member_int(now->applied->nodes, linitial_int(nodes)))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_INVALID_TARGET),
						 errmsg("upgrade target \"%s\" is not above \"%s\"", to,
								pnstrdup(target, colon - target)),
						 errhint("The range of an upgrade goes from an earlier revision to a later one. To go down, use cmig.script('downgrade', ...)")));
		}
	}
	else
	{
		CmigDowngradeTarget *resolved;

		if (!*from_here)
			require_downward(now, target, to);
		plan = cmig_move_plan_downgrade(now, to, &resolved);
	}
	return plan;
}

/* Append text to a comment, replacing line breaks. */
static void
append_one_line(StringInfo out, const char *text)
{
	int			from = out->len;

	appendStringInfoString(out, text);
	for (int i = from; i < out->len; i++)
		if ((unsigned char) out->data[i] < 0x20 || out->data[i] == 0x7F)
			out->data[i] = ' ';
}

/* Append a revision's parents, or "base" if it has none. */
static void
append_parents(StringInfo out, const CmigGraph *graph, const CmigNode *node)
{
	if (node->parents.count == 0)
		appendStringInfoString(out, "base");
	else
		appendStringInfoString(out, cmig_graph_ids_text(graph, node->parents.nodes,
														node->parents.count));
}

/* Append the comment before a step. */
static void
append_title(Offline *offline, int number)
{
	const CmigNode *node = &offline->graph->nodes[offline->plan->steps[number].node];
	StringInfo	out = &offline->text;

	appendStringInfo(out, "\n-- step %d of %d: ", number + 1, offline->plan->count);
	if (node->revision->repeatable)
	{
		appendStringInfoString(out, "repeatable ");
		appendStringInfoString(out, node->revision->id);
	}
	else if (offline->plan->direction == CMIG_UPGRADE)
	{
		appendStringInfoString(out, "upgrade ");
		append_parents(out, offline->graph, node);
		appendStringInfoString(out, " -> ");
		appendStringInfoString(out, node->revision->id);
	}
	else
	{
		appendStringInfoString(out, "downgrade ");
		appendStringInfoString(out, node->revision->id);
		appendStringInfoString(out, " -> ");
		append_parents(out, offline->graph, node);
	}
	if (*node->revision->message)
	{
		appendStringInfoString(out, ", ");
		append_one_line(out, node->revision->message);
	}
	appendStringInfoChar(out, '\n');
}

/* Append a step, and the statements for its changes to the version table. */
static void
append_step(Offline *offline, int number, const CmigRunStep *run)
{
	const CmigPlanStep *step = &offline->plan->steps[number];
	bool		upgrade = offline->plan->direction == CMIG_UPGRADE;
	bool		verified = upgrade && run->verify_sql;
	bool		more = number + 1 < offline->plan->count && !offline->transaction_per_revision;

	if ((Size) offline->text.len + strlen(run->sql) + (verified ? strlen(run->verify_sql) : 0) +
		(run->precondition_sql ? strlen(run->precondition_sql) : 0) >
		MaxAllocSize - TEXT_MARGIN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the script would be larger than 1 GB"),
				 errdetail("Revision \"%s\" does not fit into the script.", run->revision),
				 errhint("Generate several scripts, each for a range from:to.")));
	append_title(offline, number);
	cmig_version_table_begin(&offline->text, offline->table);
	if (upgrade && run->precondition_sql)
		cmig_script_text_append(&offline->text, offline->scripts, run, CMIG_SCRIPT_PRECONDITION, true);
	if (run->transactional)
		cmig_script_text_append(&offline->text, offline->scripts, run, CMIG_SCRIPT_MAIN, more || verified);
	else
	{
		/*
		 * commit the transaction, which has only checked the version rows and
		 * the precondition
		 */
		cmig_version_table_commit(&offline->text, offline->table);
		cmig_script_text_append(&offline->text, offline->scripts, run, CMIG_SCRIPT_MAIN, false);
		cmig_version_table_begin(&offline->text, offline->table);
	}
	if (verified)
		cmig_script_text_append(&offline->text, offline->scripts, run, CMIG_SCRIPT_VERIFY, more);
	cmig_version_table_move_rows(&offline->text, offline->table, step);
	cmig_version_table_record(&offline->text, offline->table, run->revision,
							  offline->plan->direction == CMIG_UPGRADE ?
							  cmig_repeatable_checksum(run->stored_sql, run->transactional, run->repeatable) : NULL);
	if (offline->transaction_per_revision)
		cmig_version_table_commit(&offline->text, offline->table);
}

/*
 * The whole script
 */

/* Does any step run outside a transaction? */
static bool
leaves_transactions(const Offline *offline)
{
	for (int i = 0; i < offline->plan->count; i++)
		if (!offline->graph->nodes[offline->plan->steps[i].node].revision->transactional)
			return true;
	return false;
}

/* Returns a list of names for a message. */
static char *
list_names(List *names)
{
	CmigListing text;
	ListCell   *lc;

	cmig_listing_init(&text, CMIG_LISTING_QUOTED);
	foreach(lc, names)
	{
		cmig_listing_add(&text, lfirst(lc));
	}
	return cmig_listing_text(&text);
}

/*
 * Returns a literal that contains the name from which the session lock's key is
 * derived.
 */
static char *
lock_key(const Offline *offline)
{
	return quote_literal_cstr(psprintf("pg_cmig %s", offline->table->name));
}

/*
 * Append the part of the script before the first transaction.  If "stop" is
 * true, this part makes psql stop when an error occurs.
 */
static void
append_start(Offline *offline, bool stop)
{
	StringInfo	text = &offline->text;

	appendStringInfo(text, "-- pg_cmig: %s of %d %s, from %s; version table ",
					 cmig_direction_name(offline->plan->direction),
					 offline->plan->count, offline->plan->count == 1 ? "revision" : "revisions",
					 cmig_version_table_place(offline->table));
	append_one_line(text, offline->table->name);
	appendStringInfoString(text, "\n-- psql -X -v ON_ERROR_STOP=1 -f <this file>\n\n");
	if (stop)
		appendStringInfoString(text, "-- some statements run outside of transactions: psql must stop at an error\n\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n");
	appendStringInfoString(text, offline->scripts->start_session);
}

/*
 * Append a statement that acquires a session-level lock.  The lock prevents
 * two sessions from running generated scripts at the same time.
 */
static void
append_session_lock(Offline *offline)
{
	cmig_psql_append_do(&offline->text,
						psprintf("BEGIN\n"
								 "\tIF NOT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(%s, 0)) THEN\n"
								 "\t\tRAISE EXCEPTION USING ERRCODE = 'lock_not_available',\n"
								 "\t\t\tMESSAGE = 'another session is running a generated script in this database',\n"
								 "\t\t\tHINT = 'Wait until that session has finished.';\n"
								 "\tEND IF;\nEND", lock_key(offline)));
}

/* Append a statement that releases the session-level lock. */
static void
append_session_unlock(Offline *offline)
{
	int			from = offline->text.len;

	cmig_psql_append_do(&offline->text,
						psprintf("BEGIN\n\tPERFORM pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended(%s, 0));\nEND",
								 lock_key(offline)));
	cmig_psql_pin(&offline->text, from, offline->scripts->pin);
}

/*
 * Insert statements that check whether the extension pg_cmig is installed.
 * "place" is the position in the text at which they are inserted.
 */
static void
insert_extension_check(Offline *offline, int place)
{
	StringInfo	text = &offline->text;
	StringInfoData check;

	initStringInfo(&check);
	cmig_psql_append_do(&check,
						psprintf("BEGIN\n"
								 "\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_cmig') THEN\n"
								 "\t\tRAISE EXCEPTION USING ERRCODE = 'undefined_object',\n"
								 "\t\t\tMESSAGE = 'extension \"pg_cmig\" is not installed in this database',\n"
								 "\t\t\tDETAIL = %s,\n"
								 "\t\t\tHINT = 'CREATE EXTENSION pg_cmig';\n"
								 "\tEND IF;\nEND",
								 quote_literal_cstr(psprintf("Functions of the extension are called by %s.",
															 list_names(offline->scripts->calling)))));
	enlargeStringInfo(text, check.len);
	memmove(text->data + place + check.len, text->data + place, text->len - place);
	memcpy(text->data + place, check.data, check.len);
	text->len += check.len;
}

/* Returns the name of the encoding in which the client receives the script. */
static const char *
text_encoding_name(void)
{
	return pg_get_client_encoding() == PG_SQL_ASCII ? GetDatabaseEncodingName() :
		pg_get_client_encoding_name();
}

/*
 * Raise an error if the script is not ASCII and the client encoding is one that
 * servers do not support.  In such an encoding, the second byte of a character
 * can be a backslash or a brace, so psql must use the same encoding to read the
 * script correctly.  The script cannot always set this encoding, because a
 * database rejects an encoding for which it has no conversion.
 */
static void
check_encoding(const Offline *offline)
{
	if (!PG_VALID_BE_ENCODING(pg_get_client_encoding()) &&
		!pg_is_ascii(offline->text.data + VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot generate a script with non-ASCII characters in encoding %s",
						pg_get_client_encoding_name()),
				 errdetail("psql could interpret part of a character as a quote or a backslash."),
				 errhint("SET client_encoding = 'UTF8'")));
}

/* Generate the whole script. */
static text *
make_text(Offline *offline)
{
	CmigStepTexts *texts = cmig_step_texts_make(offline->graph, offline->plan);
	bool		stop = leaves_transactions(offline);
	bool		session_lock = stop || offline->transaction_per_revision;
	int			behind_start;
	text	   *result;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);

	cmig_step_texts_read_small(texts);

	/*
	 * leave space for the varlena header, because the buffer becomes the
	 * function's result
	 */
	initStringInfo(&offline->text);
	appendStringInfoSpaces(&offline->text, VARHDRSZ);
	append_start(offline, stop);
	behind_start = offline->text.len;
	if (session_lock)
		append_session_lock(offline);
	if (offline->plan->count == 0 || !offline->transaction_per_revision)
		cmig_version_table_begin(&offline->text, offline->table);
	for (int i = 0; i < offline->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		append_step(offline, i, cmig_step_texts_get(texts, i));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	appendStringInfoChar(&offline->text, '\n');
	cmig_version_table_commit(&offline->text, offline->table);
	if (session_lock)
		append_session_unlock(offline);

	/*
	 * Insert the check for the extension only now, because all scripts must
	 * be read to find out whether the check is needed.
	 */
	if (offline->scripts->calling != NIL)
	{
		insert_extension_check(offline, behind_start);
		ereport(WARNING,
				(errmsg_plural("revision %s calls functions of pg_cmig",
							   "revisions %s call functions of pg_cmig",
							   list_length(offline->scripts->calling), list_names(offline->scripts->calling)),
				 errdetail("The script begins with a check for the extension, and runs only in databases that have it.")));
	}
	check_encoding(offline);
	result = (text *) offline->text.data;
	SET_VARSIZE(result, offline->text.len);
	return result;
}

Datum
cmig_script(PG_FUNCTION_ARGS)
{
	Offline		offline = {0};
	CmigDirection direction = cmig_argument_direction(fcinfo, 0, "SELECT cmig.script");
	char	   *target = cmig_argument_text(fcinfo, 1);
	char	   *table = cmig_argument_text(fcinfo, 2);
	CmigSituation now;
	const char *pin;
	bool		from_here;
	int			guc_level;
	text	   *result;

	offline.transaction_per_revision = cmig_argument_bool(fcinfo, 3, false);
	now = cmig_move_read(true);
	offline.plan = read_plan(&now, direction, target, &from_here);
	if (from_here && offline.plan->count > 0)
		cmig_progress_require_none();
	else if (from_here)
		cmig_move_report_nothing(now.graph, now.applied->rows, cmig_direction_name(direction));
	else if (offline.plan->count == 0)
		ereport(NOTICE,
				(errmsg("nothing to %s: the range \"%s\" contains no steps",
						cmig_direction_name(direction), target)));
	offline.graph = now.graph;
	pin = psprintf("SET client_encoding = %s;\n", quote_literal_cstr(text_encoding_name()));
	offline.table = cmig_version_table_open(table, now.graph, now.applied, offline.plan, pin);
	offline.scripts = cmig_script_text_open(pin, offline.table->row_count == 0, from_here);

	/*
	 * read the scripts with the same settings that the generated script sets
	 * at its start
	 */
	guc_level = NewGUCNestLevel();
	cmig_settings_override("standard_conforming_strings", "on");
	result = make_text(&offline);
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_TEXT_P(result);
}

Datum
cmig_script_wrong(PG_FUNCTION_ARGS)
{
	bool		down = cmig_argument_direction(fcinfo, 0, "SELECT cmig.script") == CMIG_DOWNGRADE;

	cmig_wrong_call(fcinfo, 1, 1,
					down ? "SELECT cmig.script('downgrade', " : "SELECT cmig.script('upgrade', ",
					CMIG_SEVERAL_NONE);
}
