/*
 * script_run.c
 *	  A script in progress, and what its errors report.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "run/internal.h"

char *
cmig_privilege_hint(const ErrorData *error)
{
	char	   *role = GetUserNameFromId(GetUserId(), true);

	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && role != NULL)
		return psprintf("Scripts run as role %s. To run them as a role that is allowed to do this: SET cmig.role = '<role>'",
						quote_identifier(role));
	if (error->sqlerrcode == ERRCODE_UNDEFINED_SCHEMA && error->message_id != NULL &&
		strcmp(error->message_id, "no schema has been selected to create in") == 0)
		return psprintf("The search_path of scripts is %s. To choose another one: SET cmig.search_path = '<schema>'",
						namespace_search_path[0] != '\0' ? namespace_search_path : "empty");
	return NULL;
}

/* ----------------------------------------------------------------
 * Describes a script in progress and reports errors in it.
 *
 * The message, detail, and hint of PostgreSQL's error are kept, except that a
 * hint about using pg_cmig may replace PostgreSQL's hint.  The context names
 * the revision, the statement, and the line.  The error position refers to the
 * statement.
 * ----------------------------------------------------------------
 */

/* Maximum length of a statement in the context of an error, in bytes. */
#define CONTEXT_LENGTH 200

/*
 * The maximum number of bytes of a statement that are shown around an error
 * position.
 */
#define EXCERPT_LENGTH 4000

bool
cmig_script_run_is_verified(const CmigRunStep *step)
{
	return step->direction == CMIG_UPGRADE && step->verify_sql != NULL;
}

/* Convert a character position (counted from 1) to a byte offset. */
static int
position_to_offset(const char *text, int position)
{
	const char *p = text;

	while (--position > 0 && *p != '\0')
		p += pg_mblen(p);
	return p - text;
}

/* Count the line breaks in the first "length" bytes of the string. */
static int
count_lines(const char *text, int length)
{
	int			lines = 0;

	for (int i = 0; i < length; i++)
	{
		if (text[i] == '\n')
			lines++;
	}
	return lines;
}

/*
 * Returns the statement as a single line for messages, without comments and
 * indentation, and truncated to "limit" bytes.  White space in strings and
 * quoted identifiers is kept, except that line breaks and tabs become blanks.
 */
static char *
one_line(const char *text, int limit)
{
	CmigLexer	lexer;
	const char *behind = text;
	StringInfoData line;

	initStringInfo(&line);
	cmig_lexer_init(&lexer, text);
	while (line.len <= limit && cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		bool		is_code = lexer.type != CMIG_TOKEN_STRING &&
		lexer.type != CMIG_TOKEN_QUOTED;
		bool		gap = lexer.start > behind && line.len > 0;

		for (const char *p = lexer.start; p < lexer.next && line.len <= limit; p++)
		{
			bool		blank = strchr(" \t\r\n\f\v", *p) != NULL;

			if (blank && is_code)
				gap = true;
			else
			{
				if (gap)
					appendStringInfoChar(&line, ' ');
				appendStringInfoChar(&line, blank ? ' ' : *p);
				gap = false;
			}
		}
		behind = lexer.next;
	}

	if (line.len > limit)
	{
		line.len = pg_mbcliplen(line.data, line.len, limit);
		line.data[line.len] = '\0';
		appendStringInfoString(&line, " ...");
	}
	else
	{
		while (line.len > 0 && strchr(" ;", line.data[line.len - 1]) != NULL)
			line.data[--line.len] = '\0';
	}
	return line.data;
}

/*
 * Returns "text" or, if it is long, the part of it around the byte offset
 * "offset".  *position is a character position in "text"; it is changed to the
 * same position in the result.
 */
static const char *
excerpt(const char *text, int offset, int *position)
{
	int			length = strlen(text);
	int			from = 0;
	int			to = length;

	if (length <= EXCERPT_LENGTH)
		return text;

	/*
	 * do not cut a character in half, and start after a line break if
	 * possible
	 */
	if (offset > EXCERPT_LENGTH / 2)
	{
		from = pg_mbcliplen(text, length, offset - EXCERPT_LENGTH / 2);
		for (int i = from; i < offset; i++)
		{
			if (text[i] == '\n')
			{
				from = i + 1;
				break;
			}
		}
	}
	to = from + pg_mbcliplen(text + from, length - from, EXCERPT_LENGTH);
	*position -= pg_mbstrlen_with_len(text, from);
	return pnstrdup(text + from, to - from);
}

void
cmig_script_run_describe_error(void *arg)
{
	CmigScriptRun *run = arg;
	const char *text = run->statement.text;
	int			line = run->statement.line;
	int			position;

	cmig_lock_wait_explain();

	if (text == NULL)
	{
		if (run->phase)
			errcontext("pg_cmig: %s of %s, %s", run->verb, run->step->revision,
					   run->phase);
		else
			errcontext("pg_cmig: %s of %s", run->verb, run->step->revision);
		return;
	}

	position = geterrposition();
	if (position > 0)
	{
		int			offset = position_to_offset(text, position);
		bool		parsing_create = run->statement.raw == NULL &&
		pg_strncasecmp(text, "create", 6) == 0;

		line += count_lines(text, offset);
		errposition(0);

		/*
		 * do not truncate CREATE FUNCTION, because PostgreSQL uses the
		 * position to find the function's body in the statement
		 */
		if (!parsing_create)
			text = excerpt(text, offset, &position);
		internalerrposition(position);
		internalerrquery(text);
	}
	else
		errcontext("SQL statement \"%s\"", one_line(text, CONTEXT_LENGTH));
	errcontext("pg_cmig: %s of %s, statement %d, line %d", run->verb,
			   run->step->revision, run->statement.number, line);
}

char *
cmig_script_run_place(const ErrorData *error)
{
	const char *place = error->context;

	while (place != NULL && strncmp(place, "pg_cmig: ", 9) != 0)
	{
		place = strchr(place, '\n');
		place = place == NULL ? NULL : place + 1;
	}
	return place == NULL ? pstrdup("") : pnstrdup(place, strcspn(place, "\n"));
}

/*
 * Returns the target, as SQL, for a call that performs the step.  "committed"
 * is true if earlier steps have been committed.  In that case, the user's
 * target is replaced, because a relative target would now have a different
 * meaning.
 */
static const char *
target_of_step(const CmigRunStep *step, bool committed)
{
	if (step->target == NULL || committed)
	{
		if (step->direction == CMIG_UPGRADE)
			return step->repeatable ? "'heads'" : quote_literal_cstr(step->revision);
		if (step->target == NULL || strncmp(step->target, "'-", 2) == 0)
			return "'-1'";
	}
	return step->target;
}

const char *
cmig_script_run_stepwise_call(const CmigRunStep *step)
{
	return psprintf("CALL cmig.%s_stepwise(%s)", cmig_direction_name(step->direction),
					target_of_step(step, step->committed));
}

const char *
cmig_script_run_in_doubt_call(const CmigRunStep *step)
{
	return psprintf("CALL cmig.%s_stepwise(%s, in_doubt => 'done')",
					cmig_direction_name(step->direction), target_of_step(step, true));
}

/*
 * Returns the hint for the error that an object already exists, or NULL if
 * there is no hint.
 */
static char *
hint_of_duplicate(const CmigScriptRun *run)
{
	char	   *id = quote_literal_cstr(run->step->revision);
	char	   *scope = cmig_scope_is_set() ? psprintf("SET cmig.scope = %s; ", quote_literal_cstr(cmig_scope_current())) : "";

	if (run->step->repeatable)
		return pstrdup("The script runs again whenever it changes: write CREATE OR REPLACE, or put DROP ... IF EXISTS before the statement.");

	/*
	 * Suggest a stamp only if the first statement has failed: a later one may
	 * have failed because part of the revision had been applied before, or
	 * because the script creates the same object twice.
	 */
	if (run->step->direction != CMIG_UPGRADE || run->verifying || run->statement.number != 1)
		return NULL;
	return psprintf("Compare the database with what SELECT * FROM cmig.show(%s) prints. If the database already has everything in this revision, record the revision as applied without running it: %sSELECT cmig.stamp(%s)",
					id, scope, id);
}

void
cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run)
{
	const CmigRunStep *step = run->step;
	const char *message = error->message_id ? error->message_id : "";

	switch (error->sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			if (strncmp(message, "query would be affected by row-level security policy", 52) == 0)
				error->hint = "Scripts run with row_security = off, so that no row is silently left out. Put ALTER TABLE ... NO FORCE ROW LEVEL SECURITY before the statement and ALTER TABLE ... FORCE ROW LEVEL SECURITY after it, or SET row_security = on in the script to process only the visible rows.";
			break;
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			error->hint = psprintf("A procedure or DO block that commits cannot run in a transaction. Set \"transactional: false\" in the revision and %s",
								   cmig_script_run_stepwise_call(step));
			break;
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			if (strstr(message, "cannot be executed from a function"))
				error->hint = psprintf("The statement cannot run in a transaction. Set \"transactional: false\" in the revision and %s",
									   cmig_script_run_stepwise_call(step));
			break;
		case ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE:
			error->hint = step->committed ?
				pstrdup("New enum values must be committed before they can be used. Use the value in a later revision, or set \"transactional: false\" in this one.") :
				psprintf("New enum values must be committed before they can be used. Use the value in a later revision, and %s, which commits after each revision.",
						 cmig_script_run_stepwise_call(step));
			break;
		case ERRCODE_SYNTAX_ERROR:
			if (error->hint == NULL && error->message != NULL &&
				strstr(error->message, "at or near \"$\"") != NULL && strstr(step->sql, "${") != NULL)
				error->hint = "${name} is replaced only if the header of the file declares it: -- placeholders: name";
			else if (error->hint == NULL && error->message != NULL && strstr(error->message, "at or near \":\"") != NULL)
				error->hint = "psql variables such as :name are not replaced in the server. Write ${name}, and declare it in the header of the file: -- placeholders: name";
			break;
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_FUNCTION:
		case ERRCODE_DUPLICATE_SCHEMA:
			if (error->hint == NULL)
				error->hint = hint_of_duplicate(run);
			break;
		case ERRCODE_OBJECT_IN_USE:
			if (strstr(message, "pending trigger events"))
				error->hint = "The script changed rows whose deferred constraints have not been checked yet. Put SET CONSTRAINTS ALL IMMEDIATE before the statement, or move it to a later revision.";
			break;
		case ERRCODE_OUT_OF_MEMORY:
			if (strcmp(message, "out of shared memory") == 0)
				error->hint = step->committed ?
					pstrdup("A transaction holds a lock on each table that it uses, and this revision runs in a single transaction. Raise max_locks_per_transaction, divide the revision into several, or set \"transactional: false\" in it, so that each statement is committed separately.") :
					psprintf("A transaction holds a lock on each table that it uses. Raise max_locks_per_transaction, or %s, which commits after each revision.",
							 cmig_script_run_stepwise_call(step));
			break;
	}
}

/* ----------------------------------------------------------------
 * Keeps track of the revision whose script is running in this session.
 *
 * This state is static, because triggers, settings, and functions that a
 * script calls need it.  runner.c sets it, and resets it on every path out of
 * a run.
 * ----------------------------------------------------------------
 */

static bool concurrent_ddl = true;

/*
 * The variable of the setting cmig.running_revision.  Its contents are not
 * used, because show_running() provides the value.
 */
static char *running_dummy = NULL;

/* The revision whose script is running, or NULL, and the script's direction. */
static const char *running = NULL;
static CmigDirection running_direction;

/* Is the script being replayed?  See cmig_running_is_replaying(). */
static bool replaying = false;

/*
 * The number of the current or last statement, and whether it is part of
 * verify_sql.
 */
static int	statement_number = 0;
static bool running_verifying = false;

/* GUC show hook of cmig.running_revision. */
static const char *
show_running(void)
{
	return running ? running : "";
}

void
cmig_running_init(void)
{
	DefineCustomBoolVariable("cmig.concurrent_ddl",
							 "Runs statements with CONCURRENTLY unchanged.",
							 "If off, CONCURRENTLY is removed from index statements, so that they can run in a transaction.",
							 &concurrent_ddl, true, PGC_USERSET,
							 0, NULL, NULL, NULL);
	DefineCustomStringVariable("cmig.running_revision",
							   "Shows the revision whose script is running in this session.",
							   NULL,
							   &running_dummy, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, show_running);
}

void
cmig_running_start(const CmigRunStep *step)
{
	running = step->revision;
	running_direction = step->direction;
	replaying = step->replayed;
	running_verifying = false;
}

void
cmig_running_stop(void)
{
	running = NULL;
	replaying = false;
}

void
cmig_running_set_statement(int number)
{
	statement_number = number;
}

void
cmig_running_count_statement(void)
{
	statement_number++;
}

void
cmig_running_set_verifying(void)
{
	running_verifying = true;
}

void
cmig_running_forget_statement(void)
{
	statement_number = 0;
	running_verifying = false;
}

bool
cmig_running_concurrent_ddl(void)
{
	return !replaying && cmig_settings_bool("cmig.concurrent_ddl", concurrent_ddl);
}

bool
cmig_running_is_replaying(void)
{
	return replaying;
}

const char *
cmig_running_revision(void)
{
	return running;
}

void
cmig_running_require_idle(const char *function)
{
	if (cmig_query_is_writing())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called while pg_cmig is writing to its tables", function),
				 errdetail("It is called by a trigger on one of these tables."),
				 errhint("Use a constraint trigger that is DEFERRABLE INITIALLY DEFERRED, which fires when the run has ended.")));
	if (running == NULL && !cmig_session_is_entered())
		return;
	if (running == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called by a target's SQL", function)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by a revision's script", function),
			 errdetail("Revision \"%s\" is running.", running),
			 errhint("Use down_revision and depends_on to order revisions.")));
}

CmigDirection
cmig_running_direction(void)
{
	return running_direction;
}

int
cmig_running_statement(void)
{
	return statement_number;
}

bool
cmig_running_verifying(void)
{
	return running_verifying;
}
