/*
 * retain.c
 *	  Creates and drops the partitions of the audit log.
 *
 * Everything runs as the log's owner, in steps, in one session at a time, and
 * with a short lock_timeout.  At top level, audit_retain commits after each
 * step, so that no lock is held for long, and repeats a step that could not
 * acquire a lock.  Each step determines what remains to be done, so a call
 * continues where a canceled one ended.
 *
 * Each partition is a month in UTC.  Partitions are created by enable_audit
 * and audit_retain, and at the end of an upgrade, but never by the trigger.
 * Entries after the last partition go to the default partition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "audit/internal.h"
#include "run/run.h"

PG_FUNCTION_INFO_V1(cmig_audit_retain);

#define MONTHS_AHEAD 6

/* There are no times before 4713 BC. */
#define MAX_YEARS 6000
#define LOCK_ATTEMPTS 10

/* Keeps other sessions from adding rows to the default partition. */
#define LOCK_LOG \
	"LOCK TABLE cmig_audit.log IN SHARE UPDATE EXCLUSIVE MODE;" \
	" LOCK TABLE cmig_audit.log_default IN ACCESS EXCLUSIVE MODE"

/* SQL for a time as a literal that does not depend on settings. */
#define UTC_TEXT(time) \
	"to_char(" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'"

/* SQL for the first free name: "name", or with a suffix if it is taken. */
#define FREE_NAME(name) \
	"(SELECT f.f FROM generate_series(1, 1 + (SELECT count(*) FROM pg_class c" \
	"   WHERE c.relnamespace = 'cmig_audit'::regnamespace)) n, LATERAL" \
	"  (SELECT " name " || CASE WHEN n = 1 THEN '' ELSE 'x' || n::text END) f(f)" \
	"  WHERE NOT EXISTS (SELECT FROM pg_class c" \
	"   WHERE c.relnamespace = 'cmig_audit'::regnamespace AND c.relname = f.f)" \
	"  ORDER BY n LIMIT 1)"

/*
 * A partition of the log, which exists or is to be created: a row of one of the
 * following queries, some of which have fewer columns.
 */
typedef struct Part
{
	char	   *name;
	char	   *low;			/* the bounds */
	char	   *high;
	char	   *oldest;			/* the time of the default partition's oldest
								 * row between the bounds, or NULL */
} Part;

/*
 * The months, beginning with the current one, that have no partition.  A month
 * for which the default partition contains rows is left out; if it is the
 * current month, its partition begins tomorrow.
 */
static CmigQuery missing_months = {
	"SELECT " FREE_NAME("m.name || CASE WHEN d.taken THEN to_char(m.tomorrow, '\"d\"DD') ELSE '' END") ","
	" to_char(CASE WHEN d.taken THEN m.tomorrow ELSE m.m END, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" to_char(m.m + '1 month'::interval, 'YYYY-MM-DD') || ' 00:00:00+00'"
	" FROM (SELECT s.m, 'log_y' || to_char(s.m, 'YYYY\"m\"MM') AS name,"
	"   date_trunc('day', now() AT TIME ZONE 'UTC') + '1 day'::interval AS tomorrow"
	"  FROM date_trunc('month', now() AT TIME ZONE 'UTC') t,"
	"   generate_series(t, t + make_interval(0, $1), '1 month') s(m)"
	"  WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
	"   WHERE i.inhparent = 'cmig_audit.log'::regclass"
	" AND c.relnamespace = 'cmig_audit'::regnamespace"
	"   AND c.relname LIKE 'log\\_y' || to_char(s.m, 'YYYY\"m\"MM') || '%') OFFSET 0) m,"
	" LATERAL (SELECT EXISTS (SELECT FROM cmig_audit.log_default d"
	" WHERE d.transaction_at >= m.m AT TIME ZONE 'UTC'"
	"  AND d.transaction_at < (m.m + '1 month'::interval) AT TIME ZONE 'UTC') OFFSET 0) d(taken)"
	" WHERE NOT d.taken OR date_trunc('month', m.tomorrow) = m.m ORDER BY m.m",
	{INT4OID},.latest = true
};

/*
 * The oldest month, or part of a month, that has no partition although the
 * default partition contains rows for it.  Only the past is considered.  The
 * name is that of the month's partition or, if that name is taken, the first
 * free name; the last column is the time of the oldest row.
 */
static CmigQuery stranded_rows = {
	.sql = "WITH bound AS (SELECT"
	"  coalesce(substring(b.b, 'FROM \\(''([^'']+)''\\)'), '-infinity')::timestamptz AS low,"
	"  coalesce(substring(b.b, 'TO \\(''([^'']+)''\\)'), 'infinity')::timestamptz AS high"
	"  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,"
	"  pg_get_expr(c.relpartbound, c.oid) AS b(b)"
	"  WHERE i.inhparent = 'cmig_audit.log'::regclass AND b.b <> 'DEFAULT'),"
	" oldest AS (SELECT min(d.transaction_at) AS at FROM cmig_audit.log_default d"
	"  WHERE isfinite(d.transaction_at)),"
	" month AS (SELECT o.at, date_trunc('month', o.at AT TIME ZONE 'UTC') AS m FROM oldest o),"
	" gap AS (SELECT m.at, 'log_y' || to_char(m.m, 'YYYY\"m\"MM') AS name,"
	"  greatest(m.m AT TIME ZONE 'UTC', (SELECT max(b.high) FROM bound b"
	" WHERE b.high <= m.at)) AS low,"
	"  least((m.m + '1 month'::interval) AT TIME ZONE 'UTC', (SELECT min(b.low) FROM bound b"
	" WHERE b.low > m.at)) AS high"
	"  FROM month m WHERE m.at IS NOT NULL)"
	" SELECT " FREE_NAME("g.name") ","
	" " UTC_TEXT("g.low") ", " UTC_TEXT("g.high") ", " UTC_TEXT("g.at")
	" FROM gap g WHERE g.high <= now()",
	.latest = true
};

/*
 * The end of a batch of $3 rows that begins at $1, if there are more rows
 * before $2.  The entries of one transaction have the same time and stay
 * together.  $4 is the time of the batch's first row.
 */
static CmigQuery end_of_batch = {
	"SELECT " UTC_TEXT("e.at") " FROM (SELECT CASE WHEN b.at > $4::timestamptz THEN b.at"
	"  ELSE (SELECT min(d.transaction_at) FROM cmig_audit.log_default d"
	"   WHERE d.transaction_at > $4::timestamptz AND d.transaction_at < $2::timestamptz) END AS at"
	" FROM (SELECT d.transaction_at AS at FROM cmig_audit.log_default d"
	"  WHERE d.transaction_at >= $1::timestamptz AND d.transaction_at < $2::timestamptz"
	"  ORDER BY d.transaction_at OFFSET $3 LIMIT 1) b) e WHERE e.at IS NOT NULL",
	{TEXTOID, TEXTOID, INT4OID, TEXTOID},.latest = true
};

/*
 * The oldest partition that contains only entries older than the interval $1.
 */
static CmigQuery expired_partition = {
	"SELECT p.name FROM (SELECT c.relname::text AS name,"
	" substring(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)')::timestamptz AS high"
	" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
	" WHERE i.inhparent = 'cmig_audit.log'::regclass) p"
	" WHERE p.high <= now() - $1::interval ORDER BY p.high LIMIT 1",
	{TEXTOID}
};

static CmigQuery delete_expired = {
	"DELETE FROM cmig_audit.log_default d WHERE d.ctid = ANY (ARRAY("
	" SELECT x.ctid FROM cmig_audit.log_default x WHERE x.transaction_at < now() - $1::interval"
	" LIMIT $2))",
	{TEXTOID, INT4OID}
};

static void
close_access(const char *name)
{
	CommandCounterIncrement();
	cmig_audit_log_close_access(get_relname_relid(name, get_namespace_oid("cmig_audit", false)));
}

/* The state that is passed to each step. */
typedef struct Retain
{
	void		(*step) (struct Retain *);
	Oid			owner;
	bool		commits;		/* commit after each step? */
	int			lock_timeout;	/* in milliseconds, for one attempt to run a
								 * step */
	int			batch_rows;
	char	   *keep;			/* how long entries are kept, as text; NULL:
								 * forever */
	bool		done;			/* true if the last step found nothing to do */
	char	   *part;			/* name of the last step's partition; NULL:
								 * none */
} Retain;

/* Run the step as the log's owner, with a limit for lock waits. */
static void
run_as_owner(void *arg)
{
	Retain	   *retain = arg;
	CmigRole	saved;
	int			guc_level = NewGUCNestLevel();

	cmig_settings_override("lock_timeout", psprintf("%d", retain->lock_timeout));

	/*
	 * use ISO format, because partition bounds are parsed from their text
	 * form
	 */
	cmig_settings_override("datestyle", "ISO");
	cmig_run_lock_audit();
	cmig_role_act_as_owner(&saved, retain->owner);
	retain->step(retain);
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
}

/*
 * Run a step as the log's owner, in one session at a time and with short lock
 * waits.  Returns false if a lock wait was too long.
 */
static bool
try_step(Retain *retain, void (*step) (Retain *))
{
	retain->step = step;
	retain->lock_timeout = LockTimeout > 0 ? LockTimeout : 2000;
	return cmig_lock_wait_try(run_as_owner, retain) == NULL;
}

/* Does the schema cmig_audit contain a relation with this name? */
static bool
is_made(const char *name)
{
	return OidIsValid(get_relname_relid(name, get_namespace_oid("cmig_audit", false)));
}

/*
 * Create a partition, and attach it.  CREATE TABLE … PARTITION OF would wait for
 * all who write to the log, who may be waiting for its default partition.
 */
static void
make_part(const Part *part)
{
	/* LIKE does not take the tablespace along, as PARTITION OF does */
	static CmigQuery tablespace = {
		"SELECT ' TABLESPACE ' || quote_ident(t.spcname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace"
		" WHERE c.oid = to_regclass('cmig_audit.log') AND has_tablespace_privilege(c.relowner, t.oid, 'CREATE')"
	};
	const char *clause = cmig_query_value(&tablespace);

	cmig_audit_log_execute(psprintf("CREATE TABLE cmig_audit.%s (LIKE cmig_audit.log INCLUDING ALL)%s",
									quote_identifier(part->name), clause ? clause : ""));
	close_access(part->name);
}

static void
attach_part(const Part *part)
{
	cmig_audit_log_execute(psprintf("ALTER TABLE cmig_audit.log ATTACH PARTITION cmig_audit.%s FOR VALUES FROM (%s) TO (%s)",
									quote_identifier(part->name), quote_literal_cstr(part->low),
									quote_literal_cstr(part->high)));
}

/* Create the default partition and the next months' partitions. */
static void
make_ahead(Retain *retain)
{
	if (!is_made("log_default"))
	{
		cmig_audit_log_execute("CREATE TABLE cmig_audit.log_default PARTITION OF cmig_audit.log DEFAULT");
		cmig_audit_log_execute("ALTER TABLE cmig_audit.log_default REPLICA IDENTITY FULL");
		close_access("log_default");
	}

	/*
	 * keep other sessions from adding rows to the default partition that
	 * belong in the new partitions
	 */
	cmig_audit_log_execute(LOCK_LOG);
	foreach_ptr(Part, part, cmig_query_list(&missing_months, MONTHS_AHEAD))
	{
		/*
		 * look up the name, because the partition may be newer than the
		 * snapshot that the query uses
		 */
		if (is_made(part->name))
			continue;
		make_part(part);
		attach_part(part);
	}
	CommandCounterIncrement();
}

/*
 * Returns true if the default partition or a partition for one of the next
 * "at_least" months is missing.
 */
static bool
needs_ahead(Oid log_owner, int at_least)
{
	CmigRole	saved;
	bool		needed;

	cmig_role_act_as_owner(&saved, log_owner);
	needed = !is_made("log_default") || cmig_query_list(&missing_months, at_least) != NIL;
	cmig_role_return(&saved);
	return needed;
}

/*
 * Create the audit log's partitions for the next months, as the log's owner,
 * if any of the partitions for the next "at_least" months are missing.  Issues
 * a warning if other sessions hold locks on the log for too long.
 */
void
cmig_audit_retain_ahead(Oid log_owner, int at_least)
{
	Retain		retain = {0};

	if (!needs_ahead(log_owner, at_least))
		return;
	retain.owner = log_owner;
	if (!try_step(&retain, make_ahead))
		ereport(WARNING,
				(errmsg("could not create the audit log's partitions for the next months"),
				 errdetail("Other sessions held locks on the log for %d ms.", retain.lock_timeout),
				 errhint("Entries without a monthly partition go to cmig_audit.log_default. When the log is less busy: CALL cmig.audit_retain(NULL)")));
}

/*
 * Create the partitions for the next months at the end of an upgrade.  Does
 * nothing if there is no log, and issues a warning if the log cannot be used.
 */
void
cmig_audit_retain_after_upgrade(void)
{
	Oid			owner;
	CmigAuditLogFault *fault;

	if (!OidIsValid(cmig_audit_log_relation()))
		return;
	owner = cmig_audit_log_extension_owner();
	fault = cmig_audit_log_fault(owner);
	if (fault == NULL)
	{
		cmig_audit_retain_ahead(cmig_audit_log_require(owner), 2);
		return;
	}

	/*
	 * This is only a warning: any role that may create schemas may have
	 * created a schema named cmig_audit, and that must not prevent upgrades.
	 */
	ereport(WARNING,
			(errmsg("could not create the audit log's partitions for the next months"),
			 errdetail("The log cannot be used: %s.", fault->problem),
			 errhint("%s", fault->fix)));
}

/* Commit the work done so far, if commits are allowed. */
static void
end_step(const Retain *retain)
{
	if (!retain->commits)
		return;
	cmig_query_commit();
	EnsurePortalSnapshotExists();
}

/*
 * Move a batch of rows from the default partition to a new partition.  A
 * partition must contain all rows between its bounds, so a batch covers a range
 * of time.
 */
static void
move_batch(Retain *retain)
{
	Part	   *part = (Part *) cmig_query_row(&stranded_rows);
	const char *name;
	char	   *move;
	char	   *end;
	CmigQuery  *query;
	int			guc_level;

	retain->done = part == NULL;
	if (part == NULL)
		return;
	end = cmig_query_value(&end_of_batch, part->low, part->high, retain->batch_rows, part->oldest);
	part->high = end ? end : part->high;
	name = quote_identifier(part->name);
	retain->part = part->name;

	cmig_audit_log_execute(LOCK_LOG);
	make_part(part);
	move = psprintf("WITH moved AS (DELETE FROM cmig_audit.log_default"
					" WHERE transaction_at >= %s AND transaction_at < %s RETURNING *)"
					" INSERT INTO cmig_audit.%s SELECT * FROM moved",
					quote_literal_cstr(part->low), quote_literal_cstr(part->high), name);
	guc_level = cmig_audit_log_silence();
	query = cmig_query_make(move, NIL, 0, NULL);
	query->latest = true;
	cmig_query_do(query);
	AtEOXact_GUC(false, guc_level);
	attach_part(part);
	CommandCounterIncrement();
}

/* Delete a batch of expired rows from the default partition. */
static void
delete_batch(Retain *retain)
{
	int			guc_level = cmig_audit_log_silence();

	retain->part = "log_default";
	retain->done = cmig_query_do(&delete_expired, retain->keep,
								 retain->batch_rows) < retain->batch_rows;
	AtEOXact_GUC(false, guc_level);
}

/* Drop the oldest partition if all of its rows are expired. */
static void
drop_partition(Retain *retain)
{
	char	   *name = cmig_query_value(&expired_partition, retain->keep);

	retain->done = name == NULL;
	if (name == NULL)
		return;
	retain->part = name;
	cmig_audit_log_drop_part(name);
	CommandCounterIncrement();
}

/*
 * Run a step, and try again if it could not acquire a lock.  Returns false if
 * there was nothing to do.
 */
static bool
run_step(Retain *retain, void (*step) (Retain *), const char *what)
{
	retain->done = false;
	retain->part = NULL;
	for (int attempt = 1; !try_step(retain, step); attempt++)
	{
		if (attempt == LOCK_ATTEMPTS || !retain->commits)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 retain->part ?
					 errmsg("could not %s partition \"%s\" of the audit log", what, retain->part) :
					 errmsg("could not %s partitions of the audit log", what),
					 errdetail("Other sessions held locks on the log during %d attempts of %d ms each.",
							   attempt, retain->lock_timeout),
					 errhint("Call cmig.audit_retain() again when the log is less busy. The work done so far is kept.")));
		/* let sessions that waited behind this attempt go first */
		end_step(retain);
		pg_usleep(1000L * Min(100 * attempt, 1000));
		CHECK_FOR_INTERRUPTS();
	}
	end_step(retain);
	return !retain->done;
}

Datum
cmig_audit_retain(PG_FUNCTION_ARGS)
{
	Retain		retain = {0};

	retain.owner = cmig_audit_log_require(cmig_audit_log_extension_owner());
	retain.commits = fcinfo->context && IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic && !cmig_query_in_procedure();
	if (!has_privs_of_role(GetUserId(), retain.owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the audit log"),
				 errdetail("Only roles with privileges of the log's owner, role \"%s\", can remove entries.",
						   GetUserNameFromId(retain.owner, true))));
	if (!PG_ARGISNULL(0))
	{
		Interval   *keep = PG_GETARG_INTERVAL_P(0);

		double		years = keep->month / 12.0 + (keep->day + keep->time / USECS_PER_DAY) / 365.0;

		if (keep->month < 0 || keep->day < 0 || keep->time < 0 ||
			(keep->month == 0 && keep->day == 0 && keep->time == 0) || years > MAX_YEARS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 years > MAX_YEARS ?
					 errmsg("keep must not be longer than %d years", MAX_YEARS) :
					 errmsg("keep must be positive"),
					 errhint("To keep everything, use NULL: CALL cmig.audit_retain(NULL)")));
		retain.keep = DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(keep)));
	}
	if (PG_ARGISNULL(1) || PG_GETARG_INT32(1) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_rows must be positive")));
	retain.batch_rows = PG_GETARG_INT32(1);
	cmig_audit_log_refuse_foreign_code(retain.owner);

	if (needs_ahead(retain.owner, MONTHS_AHEAD))
		(void) run_step(&retain, make_ahead, "create");

	/*
	 * First delete expired rows from the default partition, so that they are
	 * not moved to a new partition only to be dropped.
	 */
	while (retain.keep && run_step(&retain, delete_batch, "empty"))
		;
	while (run_step(&retain, move_batch, "fill"))
		;
	while (retain.keep && run_step(&retain, drop_partition, "drop"))
		ereport(NOTICE,
				(errmsg("dropped partition \"%s\" of the audit log", retain.part)));
	PG_RETURN_VOID();
}
