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
} Recorded;

/* of Recorded *, in TopMemoryContext, until the end of the session */
static List *recorded = NIL;

static bool
is_copy(void)
{
	return cmig_text_begins(get_database_name(MyDatabaseId), CMIG_ENGINE_COPY);
}

/* Is it one of the functions that record what they run? */
static bool
can_record(const char *function)
{
	static const char *const names[] = {"add_check", "add_foreign_key", "add_not_null",
		"add_unique", "backfill",
	"disable_rls", "enable_rls", "enable_rls_schema"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (pg_strcasecmp(function, names[i]) == 0)
			return true;
	}
	return false;
}

bool
cmig_record_is_on(void)
{
	const char *client = GetConfigOption("cmig_client.record", true, false);

	/*
	 * Anybody can set it, and preconditions and verify sections are left out
	 * then, so it counts only in a database that cmig has created for this.
	 */
	return client != NULL && strcmp(client, "on") == 0 && is_copy();
}

static Recorded *
find(const char *revision, CmigDirection direction, int statement)
{
	foreach_ptr(Recorded, record, recorded)
	{
		if (record->statement == statement && record->direction == direction &&
			strcmp(record->revision, revision) == 0)
			return record;
	}
	return NULL;
}

void
cmig_record(const char *sql)
{
	MemoryContext caller;
	Recorded   *record;

	if (cmig_running.revision == NULL || cmig_running.verifying || cmig_running.replaying ||
		!cmig_record_is_on())
		return;
	/* as for a superuser of the database, whose role runs no script here */
	if (sql != NULL && strstr(sql, GetUserNameFromId(GetSessionUserId(), false)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a call gives the current role's name to a function of pg_cmig, which has another name in the engine"),
				 errhint("In place of current_user, write the name of the role.")));
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

void
cmig_record_refuse_call(const char *revision, const char *function)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg(cmig_psql_is_relation(function) ?
					"revision \"%s\" reads cmig.%s, which requires the extension in the database" :
					"revision \"%s\" calls cmig.%s, which requires the extension in the database",
					revision, function),
			 cmig_psql_is_relation(function) ?
			 errhint("Without the extension, cmig_engine.version and cmig_engine.journal have the state.") :
			 strstr(function, "ddl") ?
			 errhint("For the same policy without the extension, as a role that may create event triggers: cmig ddl-script deny | psql") :
			 strstr(function, "audit") ?
			 errhint("For the same log without the extension, write the result of cmig.audit_script('<table>') into the revision; it can be called in any database that has the table and pg_cmig.") :
			 recorded == NIL && can_record(function) && is_copy() ?
			 errhint("What the function runs is known only for the state of the database, so without a range: cmig script upgrade head") :
			 errhint("Write the statements that the function runs into the revision. doc/managed.md lists the functions that can be called, each alone in its statement.")));
}

void
cmig_record_check(const char *revision, const CmigStatement *statement)
{
	CmigPsqlFacts facts = {0};
	StringInfoData text;

	if (!cmig_record_is_on())
		return;
	initStringInfo(&text);
	cmig_psql_append_statement(&text, statement->text,
							   IsA(statement->raw->stmt, CreateFunctionStmt), &facts);
	pfree(text.data);
	if (facts.calls_cmig && facts.called[0] != '"' && !can_record(facts.called))
		cmig_record_refuse_call(revision, facts.called);
}

bool
cmig_record_find(const char *revision, CmigDirection direction, int statement, List **sql)
{
	Recorded   *record = find(revision, direction, statement);

	if (record != NULL)
		*sql = record->sql;
	return record != NULL;
}
