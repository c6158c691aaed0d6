/*
 * replacer.c
 *	  For t/097_replaced.pl: sleeps, and runs a command of the shell, when pg_cmig is about to
 *	  prepare or to run the query with the given number, of those with the given text.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

typedef void (*Hook) (const char *sql);

static int	calls = 0;			/* of the hook since it was last set to 0 */
static int	point = 0;			/* the call at which the command runs */
static char *command = NULL;
static int	milliseconds = 0;	/* how long to sleep before it */
static char *matches = NULL;	/* only calls for queries with this text count */

void		_PG_init(void);

static void
replace(const char *sql)
{
	if (strstr(sql, matches) == NULL || ++calls != point)
		return;
	pg_usleep(1000L * milliseconds);
	if (system(command) != 0)
		elog(WARNING, "the command failed");
}

void
_PG_init(void)
{
	*(Hook *) load_external_function("$libdir/pg_cmig", "cmig_query_hook", true, NULL) = replace;
	DefineCustomIntVariable("replacer.calls", "", NULL, &calls, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("replacer.point", "", NULL, &point, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("replacer.sleep", "", NULL, &milliseconds, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("replacer.matches", "", NULL, &matches, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("replacer.command", "", NULL, &command, "true", PGC_USERSET, 0, NULL, NULL, NULL);
}
