/*
 * control.c
 *	  Controls running backfills from another session: cmig.pause,
 *	  cmig.resume_run, cmig.throttle.
 *
 * These functions write a row of cmig.run_control, which a backfill reads
 * before each batch.  A row is about a revision, a table, or everything.  It
 * remains until it is taken back, or until the table's backfill or the revision
 * has ended; so an interrupted backfill is still paused when it is resumed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "move/move.h"
#include "online/internal.h"

PG_FUNCTION_INFO_V1(cmig_pause);
PG_FUNCTION_INFO_V1(cmig_resume_run);
PG_FUNCTION_INFO_V1(cmig_throttle);

/* Time between two looks at the row while a backfill is paused, in milliseconds. */
#define CONTROL_PAUSE 500

/* ----------------------------------------------------------------
 * The functions that write the row
 * ----------------------------------------------------------------
 */

/* Returns the name of the table as it is stored, or NULL if there is none. */
static char *
find_table(const char *what)
{
	List	   *names;
	RangeVar   *range;
	Oid			relation;

	if (!SplitIdentifierString(pstrdup(what), '.', &names) || names == NIL ||
		list_length(names) > 2)
		return NULL;
	range = list_length(names) == 1 ? makeRangeVar(NULL, pstrdup(linitial(names)), -1) :
		makeRangeVar(pstrdup(linitial(names)), pstrdup(lsecond(names)), -1);
	relation = RangeVarGetRelid(range, NoLock, true);
	if (!OidIsValid(relation))
		return NULL;
	if (get_rel_relkind(relation) != RELKIND_RELATION &&
		get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", what),
				 errhint("SELECT target, revision, state FROM cmig.backfill_progress")));
	return cmig_backfill_target_name(relation);
}

/* Reads argument 0, which names a revision, a table, or "all". */
static CmigControlTarget
read_target(FunctionCallInfo fcinfo, const char *function)
{
	char	   *what = cmig_argument_text(fcinfo, 0);
	CmigControlTarget target = {"all", "all"};

	cmig_require_writable(psprintf("cmig.%s()", function));
	cmig_citus_require_coordinator(psprintf("cmig.%s()", function));
	cmig_extension_share();
	if (what == NULL || what[strspn(what, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a revision or a table must not be empty"),
				 errhint("SELECT * FROM cmig.%s('all'%s)", function,
						 strcmp(function, "throttle") == 0 ? ", 1000" : "")));
	if (strcmp(what, "all") == 0)
		return target;
	target.kind = "revision";
	target.name = what;
	if (!cmig_control_is_revision(what))
	{
		target.kind = "relation";
		target.name = find_table(what);
	}
	if (target.name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no revision or table \"%s\"",
						cmig_text_shortened(what, NAMEDATALEN * 2)),
				 errhint("SELECT target, revision, state FROM cmig.backfill_progress")));
	return target;
}

/*
 * Return the backfills that the row is about.  If there are none, says what
 * "effect" the row has on one that starts, unless that is NULL, and how to
 * "undo" it.
 */
static Datum
show_target(FunctionCallInfo fcinfo, const CmigControlTarget *target, const char *effect,
			const char *undo)
{
	InitMaterializedSRF(fcinfo, 0);
	if (cmig_control_return(target, (ReturnSetInfo *) fcinfo->resultinfo) == 0 && effect != NULL)
		ereport(NOTICE,
				(strcmp(target->kind, "all") == 0 ?
				 errmsg("no backfill is running or interrupted") :
				 errmsg("no backfill of %s %s is running or interrupted",
						strcmp(target->kind, "revision") == 0 ? "revision" : "table", target->name),
				 errdetail("%s", effect), cmig_hint(undo, quote_literal_cstr(target->name))));
	return (Datum) 0;
}

Datum
cmig_pause(PG_FUNCTION_ARGS)
{
	CmigControlTarget target = read_target(fcinfo, "pause");

	cmig_control_pause(&target);
	return show_target(fcinfo, &target, "One that starts will wait.",
					   "`SELECT * FROM cmig.resume_run(%s)`");
}

Datum
cmig_resume_run(PG_FUNCTION_ARGS)
{
	CmigControlTarget target = read_target(fcinfo, "resume_run");

	if (!cmig_control_resume(&target))
		ereport(NOTICE,
				(strcmp(target.kind, "all") == 0 ? errmsg("nothing is paused") :
				 errmsg("%s is not paused", target.name)));
	return show_target(fcinfo, &target, NULL, NULL);
}

Datum
cmig_throttle(PG_FUNCTION_ARGS)
{
	CmigControlTarget target = read_target(fcinfo, "throttle");
	int			rate = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	int			all;

	if (!PG_ARGISNULL(1) && rate < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows_per_second must be at least 1"),
				 cmig_hint("To stop it for a while: `SELECT * FROM cmig.pause(%s)`",
						   quote_literal_cstr(target.name))));
	all = cmig_control_throttle(&target, rate);
	if (all > 0)
		ereport(NOTICE,
				(errmsg("the limit of all backfills, %d rows per second, applies", all),
				 cmig_hint("To lift all limits: `SELECT * FROM cmig.throttle('all', NULL)`")));
	return show_target(fcinfo, &target, rate == 0 ? NULL :
					   psprintf("One that starts will update at most %d rows per second.",
								all > 0 ? all : rate),
					   "`SELECT * FROM cmig.throttle(%s, NULL)`");
}

/* ----------------------------------------------------------------
 * The backfill, which reads the row
 * ----------------------------------------------------------------
 */

/* Read the rows that are about the backfill, in a transaction of its own. */
static void
look(CmigBackfill *b)
{
	MemoryContext old = MemoryContextSwitchTo(b->batch_context);
	CmigRole	saved;
	CmigControl control;

	cmig_toplevel_snapshot();
	cmig_role_act_as_caller(&saved, b->caller);
	control = cmig_control_read(&b->identity);
	cmig_role_return(&saved);
	strlcpy(b->paused_by, control.paused_by ? control.paused_by : "", sizeof(b->paused_by));
	b->max_rate = control.max_rows_per_second;
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->batch_context);
	cmig_toplevel_commit();
}

void
cmig_backfill_control_obey(CmigBackfill *b)
{
	bool		told = false;

	for (look(b); b->paused_by[0] != '\0'; look(b))
	{
		if (!told)
		{
			ereport(NOTICE,
					(errmsg("backfill of %s is paused after %lld rows", b->target->name,
							(long long) b->run.rows),
					 cmig_hint("`SELECT * FROM cmig.resume_run(%s)`",
							   quote_literal_cstr(b->paused_by))));
			cmig_backfill_report(b, ", paused");
		}
		told = true;
		cmig_toplevel_sleep(CONTROL_PAUSE);
		/* the pause is not part of the time spent */
		b->last = GetCurrentTimestamp();
	}
	if (told)
	{
		ereport(NOTICE,
				(errmsg("backfill of %s continues", b->target->name)));
		cmig_backfill_report(b, "");
	}
	/* a batch takes at most about a second */
	if (b->max_rate > 0 && b->batch_limit > b->max_rate)
	{
		b->batch_limit = b->max_rate;
		b->prepared = -1;
	}
}

void
cmig_backfill_control_limit(CmigBackfill *b, int64 rows, TimestampTz began)
{
	while (b->max_rate > 0)
	{
		double		due = rows * 1000.0 / b->max_rate;
		double		left = due - TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());

		if (left < 1)
			break;
		cmig_toplevel_sleep((long) Min(left, CONTROL_PAUSE));
		/* the limit may be changed or lifted during a long wait */
		if (left > CONTROL_PAUSE)
			look(b);
		if (b->paused_by[0] != '\0')
			break;
	}
}
