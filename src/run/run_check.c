/*
 * run_check.c
 *	  Checks, before a step runs, that its statements can run.
 *
 * Statements run below the top level, so PostgreSQL rejects those that cannot
 * run inside a transaction.  A statement whose parse tree shows this is
 * rejected before anything runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "parse/statement.h"
#include "run/run_check.h"
#include "run/running.h"
#include "run/session.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define OFF_MODE_HINT_OWN \
	"In tests and fresh installs, everything can run in the transaction: SET cmig.concurrent_ddl = off"
#define OFF_MODE_HINT \
	"In tests and fresh installs, everything can run in the transaction, without CONCURRENTLY: SET cmig.concurrent_ddl = off"

/*
 * Is this a REINDEX or CLUSTER of a partitioned relation, which cannot run
 * inside a transaction?  Sets *reason to a description of the statement.
 */
static bool
is_partitioned_command(const Node *node, const char **reason)
{
	RangeVar   *name;
	Oid			relation;
	char		kind;

	if (IsA(node, ReindexStmt))
	{
		name = ((const ReindexStmt *) node)->relation;
		*reason = "REINDEX of a partitioned relation";
	}
	else if (IsA(node, ClusterStmt))
	{
		name = ((const ClusterStmt *) node)->relation;
		*reason = "CLUSTER of a partitioned table";
	}
	else
		return false;
	if (name == NULL)
		return false;

	relation = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(relation))
		return false;
	kind = get_rel_relkind(relation);
	return kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;
}

/*
 * Raise error MG007 because a statement cannot run inside a transaction.
 * "reason" describes the statement.  "off_mode" is NULL or a sentence for the
 * hint that is about cmig.concurrent_ddl = off.
 */
static void
refuse_top_level(const CmigRunStep *step, const char *reason, const char *off_mode)
{
	off_mode = off_mode ? psprintf(" instead. %s", off_mode) : "";

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
			 errmsg("%s cannot run inside a transaction", reason),
			 step->transactional ?
			 errhint("Set \"transactional: false\" in revision \"%s\" and %s%s",
					 step->revision, cmig_script_run_stepwise_call(step), off_mode) :
			 errhint("Use %s%s", cmig_script_run_stepwise_call(step), off_mode)));
}

RawStmt *
cmig_run_check_statement(const CmigRunStep *step, RawStmt *raw)
{
	const char *reason;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			if (step->top_level)
				break;
			if (is_partitioned_command(raw->stmt, &reason))
				refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_CONCURRENTLY:
			if (step->top_level)
				break;
			if (cmig_running_concurrent_ddl())
				refuse_top_level(step, reason, OFF_MODE_HINT);
			raw = cmig_statement_without_concurrently(raw);
			if (is_partitioned_command(raw->stmt, &reason))
				refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (!step->top_level && cmig_running_concurrent_ddl())
				refuse_top_level(step, reason, OFF_MODE_HINT_OWN);
			break;

		case CMIG_STATEMENT_TOP_LEVEL:
			if (step->top_level)
				break;
			refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_TRANSACTION:
		case CMIG_STATEMENT_CLIENT_COPY:
		case CMIG_STATEMENT_DISCARD_ALL:
			cmig_statement_refuse(raw);
			break;
	}
	return raw;
}

/*
 * Check each statement of a script, as far as the script can be parsed without
 * running it.
 */
static void
check_script(CmigScriptRun *run, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	CmigScriptReader *script;

	/* always check a script whose statements are committed one by one */
	if (!run->step->top_level && !cmig_statement_may_need_top_level(sql))
		return;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_cmig statement", ALLOCSET_DEFAULT_SIZES);
	script = cmig_script_open(sql);
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &run->statement))
	{
		(void) cmig_run_check_statement(run->step, run->statement.raw);

		/*
		 * stop here, because the rest of the script can be parsed only after
		 * this statement has run
		 */
		if (cmig_statement_changes_strings(run->statement.raw))
			break;
		run->statement.text = NULL;
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);
}

void
cmig_run_check_step(const CmigRunStep *step)
{
	CmigScriptRun run = {.step = step,.verb = cmig_direction_name(step->direction)};
	ErrorContextCallback callback;
	char	   *path = cmig_session_search_path();
	int			guc_level;

	if (!step->transactional && cmig_running_concurrent_ddl() && !step->top_level)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
				 errmsg("revision \"%s\" is not transactional", step->revision),
				 errdetail("Its statements cannot run in the transaction of this call. No revision has been run."),
				 errhint("Use %s instead. %s", cmig_script_run_stepwise_call(step), OFF_MODE_HINT)));

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/*
	 * use the search_path of the script, because the check looks up relation
	 * names
	 */
	guc_level = cmig_session_read_quietly();
	if (strcmp(path, namespace_search_path) != 0)
		cmig_settings_override("search_path", path);
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
	check_script(&run, step->sql);
	if (cmig_script_run_is_verified(step))
	{
		run.verb = "verify";
		check_script(&run, step->verify_sql);
	}
	AtEOXact_GUC(false, guc_level);

	error_context_stack = callback.previous;
	pfree(path);
}
