/*
 * script_locks.c
 *	  Determines the locks that entire scripts would take, without running
 *	  them.
 *
 * Names are looked up with the search_path that is used to run scripts,
 * including the changes that the script makes to it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "base/subtransaction.h"
#include "base/text_list.h"
#include "inspect/script_locks.h"
#include "inspect/script_settings.h"
#include "parse/script.h"
#include "run/session.h"

#include "miscadmin.h"
#include "parser/parser.h"

/* The state of reading a script's locks. */
typedef struct Reading
{
	CmigPlannedLocks *plan;
	const char *sql;
	int			statement;		/* number of the current statement */
	List	   *locks;
	List	   *unknown;		/* of char *: parts that run unknown code */
} Reading;

/*
 * The maximum number of parts with unknown code that are listed by name.  If
 * there are more, another entry says so.
 */
#define MAX_UNKNOWN 100

/* Add a word to a list if it is not there yet and the list is not full. */
static List *
add_word(List *words, const char *word)
{
	if (list_length(words) > MAX_UNKNOWN || cmig_text_list_has(words, word))
		return words;
	return lappend(words, pstrdup(list_length(words) < MAX_UNKNOWN ? word : "other code"));
}

/*
 * Subtransaction callback: read a script as the runner does, and collect its
 * locks.
 */
static void
read_script(void *arg)
{
	Reading    *reading = arg;
	CmigScriptReader *script;
	CmigStatement statement;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
	reading->statement = 1;
	script = cmig_script_open(reading->sql);
	while (cmig_script_next(script, &statement))
	{
		List	   *unknown;
		List	   *locks;
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		reading->statement = statement.number;
		locks = cmig_planned_locks_of(reading->plan, statement.raw->stmt, &unknown);
		reading->locks = cmig_planned_locks_merge(reading->locks, locks);
		foreach(lc, unknown)
			reading->unknown = add_word(reading->unknown, lfirst(lc));
		cmig_script_settings_follow(statement.raw->stmt);
		reading->statement++;
	}
}

/* Append a line to a string.  An empty string is NULL. */
static char *
add_line(char *text, char *line)
{
	return text == NULL ? line : psprintf("%s\n%s", text, line);
}

/*
 * Read a script, and collect its locks.  If an error prevents reading the whole
 * script, returns the error.  Otherwise, returns NULL.
 */
static ErrorData *
read_locks(Reading *reading, CmigPlannedLocks *plan, const char *sql)
{
	ErrorData  *error;

	reading->plan = plan;
	reading->sql = sql;
	error = cmig_subtransaction_rehearse(read_script, reading);
	cmig_planned_locks_end_script(plan);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error;
}

List *
cmig_script_locks_list(CmigPlannedLocks *plan, const char *sql, bool *known)
{
	Reading    *reading = palloc0(sizeof(Reading));

	*known = read_locks(reading, plan, sql) == NULL && reading->unknown == NIL;
	return reading->locks;
}

char *
cmig_script_locks(CmigPlannedLocks *plan, const char *sql)
{
	Reading    *reading = palloc0(sizeof(Reading));
	ErrorData  *error = read_locks(reading, plan, sql);
	ListCell   *lc;
	char	   *text = cmig_planned_locks_text(reading->locks);

	foreach(lc, reading->unknown)
	{
		text = add_line(text, psprintf("unknown for %s", (char *) lfirst(lc)));
	}
	if (error != NULL)
		text = add_line(text, psprintf("unknown from statement %d on: %s", reading->statement,
									   error->message));
	return text;
}
