/*
 * record.c
 *	  What pg_cmig's functions run, recorded for databases that do not have them.
 *
 * cmig upgrades such a database by a script that another server, the engine,
 * generates.  If a revision calls a function such as cmig.enable_rls, cmig
 * first runs the revisions in the engine, on a copy of the database's schema.
 * Meanwhile it sets the placeholder cmig_client.record, and each of these
 * functions records the statements that it runs.  cmig.script, in the same
 * session, writes them in place of the call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "run/run.h"

/* how the names of these copies begin; share/cmig/engine.bash creates them */
#define CMIG_ENGINE_COPY "cmig_copy_"

/* What a statement of a revision has run. */
typedef struct Recorded
{
	char	   *revision;
	CmigDirection direction;
	int			statement;
	List	   *sql;			/* of char * */
}			Recorded;

/* of Recorded *, in TopMemoryContext, until the end of the session */
static List *recorded = NIL;

bool
cmig_record_is_on(void)
{
	const char *client = GetConfigOption("cmig_client.record", true, false);

	/*
	 * Anybody can set it, and preconditions and verify sections are left out
	 * then, so it counts only in a database that cmig has created for this.
	 */
	return client != NULL && strcmp(client, "on") == 0 && cmig_text_begins(get_database_name(MyDatabaseId), CMIG_ENGINE_COPY);
}

static Recorded *
find(const char *revision, CmigDirection direction, int statement)
{
	foreach_ptr(Recorded, record, recorded)
	{
		if (record->statement == statement && record->direction == direction && strcmp(record->revision, revision) == 0)
			return record;
	}
	return NULL;
}

void
cmig_record(const char *sql)
{
	MemoryContext caller;
	Recorded   *record;

	if (cmig_running.revision == NULL || cmig_running.verifying || cmig_running.replaying || !cmig_record_is_on())
		return;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	record = find(cmig_running.revision, cmig_running.direction, cmig_running.statement);
	if (record == NULL)
	{
		record = palloc0(sizeof(Recorded));
		record->revision = pstrdup(cmig_running.revision);
		record->direction = cmig_running.direction;
		record->statement = cmig_running.statement;
		recorded = lappend(recorded, record);
	}
	if (sql != NULL)
		record->sql = lappend(record->sql, pstrdup(sql));
	MemoryContextSwitchTo(caller);
}

bool
cmig_record_find(const char *revision, CmigDirection direction, int statement, List **sql)
{
	Recorded   *record = find(revision, direction, statement);

	if (record != NULL)
		*sql = record->sql;
	return record != NULL;
}
