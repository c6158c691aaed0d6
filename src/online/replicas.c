/*
 * replicas.c
 *	  Waits until the replicas have replayed the WAL: cmig.wait_for_replicas.
 *
 * The function also waits for replicas that disconnect in the meantime, and for
 * replicas that are known only by their replication slots.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_type.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "online/internal.h"
#include "run/run.h"

PG_FUNCTION_INFO_V1(cmig_wait_for_replicas);

/* Time between two checks of the replicas, in milliseconds. */
#define PAUSE 100

/*
 * Returns the replicas, grouped by name and address, because these do not
 * change when a replica reconnects.  Base backups and new connections are left
 * out, because they are not replicas yet.  Programs that only store the WAL,
 * such as pg_receivewal, are left out, because they never replay it.
 */
static CmigQuery replicas_query = {
	.sql = "SELECT r.application_name || coalesce(' (' || host(r.client_addr) || ')', ''), count(*)::int4,"
	" (count(*) FILTER (WHERE r.replay_lsn >= $1 OR r.replay_lag <= make_interval(secs => $2 / 1000)))::int4,"
	" max(coalesce(pg_size_pretty(pg_wal_lsn_diff($1, r.replay_lsn)), 'an unknown distance'))"
	"  FILTER (WHERE r.replay_lsn IS NULL OR r.replay_lsn < $1)"
	" FROM pg_stat_replication r"
	" WHERE r.state IN ('catchup', 'streaming', 'stopping') AND (r.replay_lsn IS NOT NULL"
	" OR r.write_lsn IS NULL)"
	" GROUP BY 1 ORDER BY 1",
	.argtypes = {PG_LSNOID, FLOAT8OID}
};

/*
 * Returns the slots of replicas that are not connected and have not confirmed
 * WAL position $1.  Slots that have never been used, that have lost their WAL,
 * or that a standby copies from its primary (since PostgreSQL 17) are left out.
 */
static CmigQuery slots_query = {
	.sql = "SELECT s.slot_name::text FROM pg_replication_slots s"
	" WHERE NOT s.temporary AND s.wal_status IS DISTINCT FROM 'lost'"
	" AND to_jsonb(s.*) ->> 'synced' IS DISTINCT FROM 'true'"
	" AND CASE s.slot_type WHEN 'logical' THEN s.confirmed_flush_lsn ELSE s.restart_lsn END < $1"
	" AND NOT EXISTS (SELECT FROM pg_stat_replication r WHERE r.pid = s.active_pid"
	" AND r.state IN ('catchup', 'streaming', 'stopping'))"
	" ORDER BY 1",
	.argtypes = {PG_LSNOID}
};

/* A group of replicas with the same application name and address. */
typedef struct Replica
{
	char	   *name;
	int			expected;		/* the largest number of replicas that were
								 * connected at the same time */
	int			connected;
	int			reached;		/* the number of replicas that have replayed
								 * enough WAL */
	char	   *distance;		/* how far one of the lagging replicas is
								 * behind, as text; NULL if no replica lags */
} Replica;

/* The state of a call to cmig.wait_for_replicas. */
typedef struct Wait
{
	XLogRecPtr	position;		/* end of the WAL that the replicas must
								 * replay */
	double		lag_ms;
	TimestampTz deadline;		/* 0: none */
	List	   *replicas;		/* of Replica * */
	List	   *slots;			/* of char **: slots that are not connected */
	MemoryContext context;		/* of "replicas"; each look has its own */
} Wait;

/*
 * Returns the end of the last WAL record, after flushing the WAL up to that
 * position so that the replicas can receive it.  On a standby, returns the
 * replay position.
 */
static XLogRecPtr
end_of_wal(void)
{
	XLogRecPtr	end;

	if (RecoveryInProgress())
		return GetXLogReplayRecPtr(NULL);
	end = GetXLogInsertRecPtr();

	/*
	 * If the position is directly after a page's header, the next record will
	 * begin there, but the last record ends before the header.
	 */
	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		end -= SizeOfXLogLongPHD;
	else if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		end -= SizeOfXLogShortPHD;
	XLogFlush(end);
	return end;
}

/*
 * Query the replicas.  Returns the number of those that have not replayed
 * enough WAL.
 */
static int
count_late(Wait *wait)
{
	Datum		values[2] = {LSNGetDatum(wait->position), Float8GetDatum(wait->lag_ms)};
	int			late;

	foreach_ptr(Replica, replica, wait->replicas)
	{
		replica->connected = replica->reached = 0;
		replica->distance = NULL;
	}

	/*
	 * discard the snapshot of pg_stat_replication, which an earlier query may
	 * have taken in this transaction
	 */
	pgstat_clear_backend_activity_snapshot();
	foreach_ptr(CmigValue, columns, cmig_query_texts(&replicas_query, values, NULL))
	{
		Replica    *replica = NULL;

		foreach_ptr(Replica, each, wait->replicas)
		{
			if (strcmp(each->name, columns[0]) == 0)
				replica = each;
		}
		if (replica == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(wait->context);

			replica = palloc0(sizeof(Replica));
			replica->name = pstrdup(columns[0]);
			wait->replicas = lappend(wait->replicas, replica);
			MemoryContextSwitchTo(old);
		}
		replica->connected = atoi(columns[1]);
		replica->reached = atoi(columns[2]);
		replica->expected = Max(replica->expected, replica->connected);
		replica->distance = columns[3];
	}
	wait->slots = cmig_query_texts(&slots_query, values, NULL);
	late = list_length(wait->slots);
	foreach_ptr(const Replica, replica, wait->replicas)
		late += replica->expected - replica->reached;
	return late;
}

/* Raise 55000, and list the replicas that have not replayed enough WAL. */
static void
refuse_late(const Wait *wait, int late)
{
	CmigListing list;

	cmig_listing_init(&list, CMIG_LISTING_LINES);
	foreach_ptr(const Replica, replica, wait->replicas)
	{
		if (replica->connected < replica->expected)
			cmig_listing_add_format(&list, "Replica %s is no longer connected.", replica->name);
		else if (replica->reached < replica->expected)
			cmig_listing_add_format(&list, "Replica %s is behind by %s.", replica->name,
									replica->distance ? replica->distance : "an unknown distance");
	}
	foreach_ptr(CmigValue, row, wait->slots)
		cmig_listing_add_format(&list,
								"The replica of replication slot \"%s\" is not connected. If it no longer exists, drop the slot.",
								*row);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_plural("%d replica has not replayed the WAL up to %X/%X",
						   "%d replicas have not replayed the WAL up to %X/%X",
						   late, late, LSN_FORMAT_ARGS(wait->position)),
			 errdetail("%s", cmig_listing_text(&list)),
			 list_length(wait->slots) == late
			 ? errhint("SELECT slot_name, slot_type, active, restart_lsn FROM pg_replication_slots")
			 : errhint("SELECT application_name, state, replay_lsn, replay_lag FROM pg_stat_replication")));
}

Datum
cmig_wait_for_replicas(PG_FUNCTION_ARGS)
{
	Wait		wait = {0};
	MemoryContext look;

	if (!PG_ARGISNULL(0))
		wait.lag_ms = cmig_online_milliseconds(fcinfo, 0, "lag");
	if (!PG_ARGISNULL(1))
		wait.deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													(int64) cmig_online_milliseconds(fcinfo, 1, "timeout"));
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the state of the replicas"),
				 errdetail("This requires the privileges of pg_read_all_stats or pg_monitor."),
				 errhint("GRANT pg_read_all_stats TO %s",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	if (cmig_running.replaying)
		PG_RETURN_BOOL(true);
	wait.position = end_of_wal();
	wait.context = CurrentMemoryContext;
	look = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig replicas", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(look);
	for (int late = count_late(&wait); late > 0; late = count_late(&wait))
	{
		if (wait.deadline != 0 && GetCurrentTimestamp() >= wait.deadline)
			refuse_late(&wait, late);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, PAUSE,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(look);
	}
	MemoryContextSwitchTo(wait.context);
	PG_RETURN_BOOL(true);
}
