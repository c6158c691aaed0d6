/*
 * audit_retain.c
 *	  The partitions of the audit log: made ahead, emptied of what is old.
 *
 * Everything runs as the log's owner.  audit_retain commits after each step
 * when it is called at top level, so that no lock is held for long: what
 * needs an exclusive lock on the log is done under lock_timeout and tried
 * again.  Rows leave the default partition month by month.
 */
#include "postgres.h"

#include "compat.h"
#include "errors.h"
#include "query.h"
#include "audit_log.h"
#include "audit_retain.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(cmig_audit_retain);

#define MONTHS_AHEAD 6
#define LOCK_ATTEMPTS 10

/* A partition to make, or one that is there. */
typedef struct Part
{
	char	   *name;
	char	   *low;
	char	   *high;
	bool		filled;			/* the default partition has rows of it */
} Part;

/* The months from this one on that have no partition. */
static CmigQuery missing_months = {
	"SELECT 'log_y' || pg_catalog.to_char(m.m, 'YYYY\"m\"MM'),"
	" pg_catalog.to_char(m.m, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" pg_catalog.to_char(m.m + '1 month'::interval, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" EXISTS (SELECT FROM cmig_audit.log_default d"
	"  WHERE d.transaction_at >= m.m AT TIME ZONE 'UTC'"
	"  AND d.transaction_at < (m.m + '1 month'::interval) AT TIME ZONE 'UTC')"
	" FROM pg_catalog.generate_series("
	"  pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC'),"
	"  pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC') + pg_catalog.make_interval(0, $1),"
	"  '1 month') AS m(m)"
	" WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"  AND c.relname LIKE 'log\\_y' || pg_catalog.to_char(m.m, 'YYYY\"m\"MM') || '%')"
	" ORDER BY m.m",
	1, {INT4OID}
};

/* From tomorrow to the end of the month, where the month has rows elsewhere. */
static CmigQuery rest_of_month = {
	"SELECT 'log_y' || pg_catalog.to_char(t.t, 'YYYY\"m\"MM\"d\"DD'),"
	" pg_catalog.to_char(t.t, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" pg_catalog.to_char(pg_catalog.date_trunc('month', t.t) + '1 month'::interval, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" false"
	" FROM (SELECT pg_catalog.date_trunc('day', pg_catalog.now() AT TIME ZONE 'UTC') + '1 day'::interval) AS t(t)"
	" WHERE pg_catalog.date_trunc('month', t.t) = pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC')",
	0
};

/* Stretches of the past, at most a month each, whose rows are in the default partition. */
static CmigQuery stranded_months = {
	"SELECT 'log_y' || pg_catalog.to_char(h.low, 'YYYY\"m\"MM') || CASE WHEN h.taken THEN 'x' ELSE '' END,"
	" pg_catalog.to_char(h.low, 'YYYY-MM-DD') || ' 00:00:00+00',"
	" pg_catalog.to_char(h.high, 'YYYY-MM-DD') || ' 00:00:00+00', true"
	" FROM (SELECT m.m AS low, p.name IS NOT NULL AS taken,"
	"   coalesce(p.low, m.m + '1 month'::interval) AS high"
	"  FROM (SELECT DISTINCT pg_catalog.date_trunc('month', d.transaction_at AT TIME ZONE 'UTC')"
	"    FROM cmig_audit.log_default d WHERE pg_catalog.isfinite(d.transaction_at)) AS m(m)"
	"  LEFT JOIN LATERAL (SELECT c.relname AS name,"
	"     pg_catalog.to_timestamp(pg_catalog.substr(c.relname, 6), 'YYYY\"m\"MM\"d\"DD') AT TIME ZONE pg_catalog.current_setting('TimeZone') AS low"
	"    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid"
	"    WHERE i.inhparent = 'cmig_audit.log'::regclass"
	"    AND c.relname ~ ('^log_y' || pg_catalog.to_char(m.m, 'YYYY\"m\"MM') || 'd[0-9]+$')"
	"    ORDER BY 2 LIMIT 1) p ON true) h"
	" WHERE h.high <= pg_catalog.now() AT TIME ZONE 'UTC' AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"  AND c.relname = 'log_y' || pg_catalog.to_char(h.low, 'YYYY\"m\"MM') || CASE WHEN h.taken THEN 'x' ELSE '' END)"
	" ORDER BY h.low",
	0
};

/* Partitions whose last entry is older than $1. */
static CmigQuery expired_partitions = {
	"SELECT p.name, '', '', false FROM (SELECT c.relname::text AS name,"
	" pg_catalog.substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'TO \\(''([^'']+)''\\)')::timestamptz AS high"
	" FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
	" WHERE i.inhparent = 'cmig_audit.log'::regclass) p"
	" WHERE p.high <= pg_catalog.now() - $1 ORDER BY p.high",
	1, {INTERVALOID}
};

static CmigQuery delete_expired = {
	"DELETE FROM cmig_audit.log_default d WHERE d.transaction_at < pg_catalog.now() - $1",
	1, {INTERVALOID}
};

static void
collect_part(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **parts = arg;
	Part	   *part = palloc0(sizeof(Part));
	bool		isnull;

	part->name = cmig_query_text(desc, row, 1);
	part->low = cmig_query_text(desc, row, 2);
	part->high = cmig_query_text(desc, row, 3);
	part->filled = DatumGetBool(cmig_query_datum(desc, row, 4, &isnull));
	*parts = lappend(*parts, part);
}

static void
close_access(const char *name)
{
	CommandCounterIncrement();
	cmig_audit_log_close_access(get_relname_relid(name, get_namespace_oid("cmig_audit", false)));
}

static void
make_partition(const Part *part)
{
	cmig_audit_log_execute(psprintf("CREATE TABLE cmig_audit.%s PARTITION OF cmig_audit.log FOR VALUES FROM (%s) TO (%s)",
									quote_identifier(part->name),
									quote_literal_cstr(part->low),
									quote_literal_cstr(part->high)));
	close_access(part->name);
}

void
cmig_audit_retain_ahead(Oid log_owner, int at_least)
{
	Datum		values[1] = {Int32GetDatum(at_least)};
	CmigAuditRole saved;
	List	   *parts = NIL;
	ListCell   *lc;

	cmig_audit_log_become(&saved, log_owner);
	if (!OidIsValid(get_relname_relid("log_default", get_namespace_oid("cmig_audit", false))))
	{
		cmig_audit_log_execute("CREATE TABLE cmig_audit.log_default PARTITION OF cmig_audit.log DEFAULT");
		close_access("log_default");
	}
	cmig_query_each(&missing_months, values, NULL, collect_part, &parts);
	if (parts != NIL)
	{
		parts = NIL;
		values[0] = Int32GetDatum(MONTHS_AHEAD);
		cmig_query_each(&missing_months, values, NULL, collect_part, &parts);
	}
	foreach(lc, parts)
	{
		Part	   *part = lfirst(lc);
		List	   *rest = NIL;

		if (!part->filled)
		{
			make_partition(part);
			continue;
		}
		/* only this month can have rows already */
		cmig_query_each(&rest_of_month, NULL, NULL, collect_part, &rest);
		if (rest && lc == list_head(parts))
			make_partition(linitial(rest));
	}
	if (parts != NIL)
		CommandCounterIncrement();
	cmig_audit_log_return(&saved);
}

void
cmig_audit_retain_after_upgrade(Oid function)
{
	Oid			owner;

	if (!OidIsValid(cmig_audit_log_relation()))
		return;
	owner = cmig_audit_log_extension_owner(function);
	cmig_audit_retain_ahead(cmig_audit_log_require(owner), 2);
}

/*
 * Retaining
 */

typedef struct Retain
{
	Oid			owner;
	bool		commits;		/* called at top level */
	int			lock_timeout;	/* milliseconds for one attempt */
} Retain;

static void
end_step(const Retain *retain)
{
	if (!retain->commits)
		return;
	cmig_query_commit();
	EnsurePortalSnapshotExists();
}

/* Move a month's rows out of the default partition into one of their own. */
static void
move_month(void *arg)
{
	Part	   *part = arg;
	const char *name = quote_identifier(part->name);

	cmig_audit_log_execute("LOCK TABLE cmig_audit.log IN SHARE UPDATE EXCLUSIVE MODE");
	cmig_audit_log_execute("LOCK TABLE cmig_audit.log_default IN ACCESS EXCLUSIVE MODE");
	cmig_audit_log_execute(psprintf("CREATE TABLE cmig_audit.%s (LIKE cmig_audit.log INCLUDING ALL)", name));
	close_access(part->name);
	cmig_audit_log_execute(psprintf("WITH moved AS (DELETE FROM cmig_audit.log_default"
									" WHERE transaction_at >= %s AND transaction_at < %s RETURNING *)"
									" INSERT INTO cmig_audit.%s SELECT * FROM moved",
									quote_literal_cstr(part->low), quote_literal_cstr(part->high),
									name));
	cmig_audit_log_execute(psprintf("ALTER TABLE cmig_audit.log ATTACH PARTITION cmig_audit.%s FOR VALUES FROM (%s) TO (%s)",
									name, quote_literal_cstr(part->low),
									quote_literal_cstr(part->high)));
}

static void
detach_partition(void *arg)
{
	Part	   *part = arg;

	cmig_audit_log_execute(psprintf("ALTER TABLE cmig_audit.log DETACH PARTITION cmig_audit.%s",
									quote_identifier(part->name)));
}

static void
drop_partition(void *arg)
{
	Part	   *part = arg;

	cmig_audit_log_execute(psprintf("DROP TABLE cmig_audit.%s", quote_identifier(part->name)));
}

/* Run a step as the log's owner with short lock waits; false if one was too long. */
static bool
try_step(const Retain *retain, void (*step) (void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction("cmig_audit_retain");
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		CmigAuditRole saved;

		(void) set_config_option("lock_timeout", psprintf("%d", retain->lock_timeout),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
		cmig_audit_log_become(&saved, retain->owner);
		step(arg);
		cmig_audit_log_return(&saved);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static void
run_step(const Retain *retain, void (*step) (void *), Part *part, const char *what)
{
	for (int attempt = 1; !try_step(retain, step, part); attempt++)
	{
		if (attempt == LOCK_ATTEMPTS || !retain->commits)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not %s partition \"%s\" of the audit log", what, part->name),
					 errdetail("Other sessions held locks on the log during %d attempts of %d ms each.",
							   attempt, retain->lock_timeout),
					 errhint("Call cmig.audit_retain() again when the log is less busy; what is done stays done.")));
		/* let those who queue behind the attempt go first */
		end_step(retain);
		pg_usleep(1000L * Min(100 * attempt, 1000));
		CHECK_FOR_INTERRUPTS();
	}
	end_step(retain);
}

static List *
as_owner(const Retain *retain, CmigQuery *query, Datum *values)
{
	CmigAuditRole saved;
	List	   *parts = NIL;

	cmig_audit_log_become(&saved, retain->owner);
	cmig_query_each(query, values, NULL, collect_part, &parts);
	cmig_audit_log_return(&saved);
	return parts;
}

Datum
cmig_audit_retain(PG_FUNCTION_ARGS)
{
	Retain		retain = {0};
	Datum		values[1];
	ListCell   *lc;
	List	   *parts;

	retain.owner = cmig_audit_log_require(cmig_audit_log_extension_owner(fcinfo->flinfo->fn_oid));
	retain.commits = fcinfo->context && IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic && !cmig_query_in_procedure();
	retain.lock_timeout = atoi(GetConfigOption("lock_timeout", false, false));
	if (retain.lock_timeout <= 0)
		retain.lock_timeout = 2000;
	if (!has_privs_of_role(GetUserId(), retain.owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the audit log"),
				 errdetail("Only members of its owner, role \"%s\", can remove entries.",
						   GetUserNameFromId(retain.owner, true))));
	if (!PG_ARGISNULL(0))
	{
		Interval   *keep = PG_GETARG_INTERVAL_P(0);

		if (keep->month < 0 || keep->day < 0 || keep->time < 0 ||
			(keep->month == 0 && keep->day == 0 && keep->time == 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the time to keep must be positive"),
					 errhint("CALL cmig.audit_retain('2 years'); NULL keeps everything.")));
	}

	cmig_audit_retain_ahead(retain.owner, MONTHS_AHEAD);
	end_step(&retain);

	parts = as_owner(&retain, &stranded_months, NULL);
	foreach(lc, parts)
		run_step(&retain, move_month, lfirst(lc), "fill");

	if (!PG_ARGISNULL(0))
	{
		CmigAuditRole saved;

		values[0] = PG_GETARG_DATUM(0);
		parts = as_owner(&retain, &expired_partitions, values);
		foreach(lc, parts)
		{
			Part	   *part = lfirst(lc);

			run_step(&retain, detach_partition, part, "detach");
			run_step(&retain, drop_partition, part, "drop");
			ereport(NOTICE,
					(errmsg("dropped partition \"%s\" of the audit log", part->name)));
		}
		cmig_audit_log_become(&saved, retain.owner);
		cmig_query_run(&delete_expired, values, NULL);
		cmig_audit_log_return(&saved);
	}
	PG_RETURN_VOID();
}
