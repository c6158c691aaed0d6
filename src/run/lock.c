/*
 * lock.c
 *	  Locks of a run: one run at a time, and no DROP EXTENSION during a run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_depend.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "tcop/tcopprot.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "run/internal.h"

/* ----------------------------------------------------------------
 * Prevents pg_cmig itself from being dropped during a run.
 *
 * DROP EXTENSION locks the extension before it locks the extension's members.
 * Therefore, all code that uses the extension's tables takes a lock on the
 * extension first, before it locks tables and before it takes the run lock.  A
 * waiting DROP then holds nothing that the other session needs, so no deadlock
 * is possible.
 *
 * A stepwise run holds the lock at session level, which covers the time between
 * its transactions.  PostgreSQL releases session-level locks when a transaction
 * aborts.  The run then takes the lock again, but a waiting DROP may get it
 * first.  The lock is also released while a statement with CONCURRENTLY runs.
 * Such a statement waits for all older snapshots, and a DROP that waits for the
 * run would hold such a snapshot, which would be a deadlock.
 * ----------------------------------------------------------------
 */

/*
 * The OID of the extension during a stepwise run, even if the run has lost its
 * lock on the extension; otherwise InvalidOid.
 */
static Oid	held = InvalidOid;

/*
 * Has cmig_extension_lend() released the session-level lock on the extension?
 * A transaction-level lock may remain.
 */
static bool lent = false;

/* The table whose backfill this session runs, or InvalidOid. */
static Oid	locked_table = InvalidOid;

/*
 * The OID of the extension and a digest of its members when the script began.
 */
static Oid	noted_oid = InvalidOid;
static uint64 noted_members = 0;

/*
 * The transaction in which a run has taken this digest, which is valid until
 * the next run begins; InvalidLocalTransactionId if none has.
 */
static LocalTransactionId noted_in = InvalidLocalTransactionId;

bool		cmig_extension_suspected = false;

/* Returns the OID of extension pg_cmig, or InvalidOid if it does not exist. */
static Oid
current_oid(void)
{
	return get_extension_oid("pg_cmig", true);
}

/* Returns the tag of the lock that DROP EXTENSION takes. */
static LOCKTAG
extension_tag(Oid extension)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	return tag;
}

/*
 * Does this session hold the lock on the extension "held", at session or
 * transaction level?
 */
static bool
is_held(void)
{
	LOCKTAG		tag = extension_tag(held);

	return cmig_lock_held_compat(&tag, AccessShareLock);
}

/*
 * Raise error 55000 because another session has dropped the extension during
 * the run.
 */
pg_noreturn static void
raise_dropped(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("extension pg_cmig was dropped by another session during the run"),
			 errdetail("The revisions and their records are gone. What the run has committed remains."),
			 cmig_hint("Restore the revisions and their records from a dump. Or CREATE EXTENSION pg_cmig, load the revisions again, and `SELECT cmig.stamp('<current revision>')`")));
}

/*
 * Lock the extension at session level.  Returns false if "wait" is false and
 * the lock is not available, or if the extension no longer exists or was
 * dropped and created again, in which case its OID has changed.
 */
static bool
lock(Oid extension, bool wait)
{
	LOCKTAG		tag = extension_tag(extension);

	/*
	 * release our snapshot, for which a session that is dropping the
	 * extension may be waiting
	 */
	InvalidateCatalogSnapshot();
	if (LockAcquire(&tag, AccessShareLock, true, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	lent = false;
	if (current_oid() == extension)
		return true;
	LockRelease(&tag, AccessShareLock, true);
	return false;
}

void
cmig_extension_share(void)
{
	Oid			extension = current_oid();
	LOCKTAG		tag = extension_tag(extension);

	if (OidIsValid(extension) && LockAcquire(&tag, AccessShareLock, false, false) == LOCKACQUIRE_OK)
		AcceptInvalidationMessages();
}

void
cmig_extension_hold(void)
{
	Oid			extension = current_oid();

	cmig_call_require_guard();
	held = InvalidOid;
	if (!OidIsValid(extension) || !lock(extension, true))
		raise_dropped();
	held = extension;
}

void
cmig_extension_release(void)
{
	cmig_extension_lend();
	held = InvalidOid;
	lent = false;
}

void
cmig_extension_lend(void)
{
	LOCKTAG		tag = extension_tag(held);

	if (!OidIsValid(held) || lent || !is_held())
		return;
	LockRelease(&tag, AccessShareLock, true);
	lent = true;
}

void
cmig_extension_try_again(void)
{
	if (OidIsValid(held) && (lent || !is_held()))
		(void) lock(held, false);
}

void
cmig_extension_hold_again(void)
{
	if (OidIsValid(held) && (lent || !is_held()) && !lock(held, true))
		raise_dropped();
}

/*
 * Row callback: if the pg_depend row is for a member of the extension, add the
 * member to the digest.
 */
static void
digest_member(HeapTuple row, void *digest)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

	/* compute a sum, which does not depend on the order of the rows */
	if (form->deptype == DEPENDENCY_EXTENSION)
		*(uint64 *) digest += hash_bytes_uint32_extended(form->objid, form->classid);
}

/* Returns a digest that changes if the extension gains or loses a member. */
static uint64
digest_members(Oid extension)
{
	uint64		digest = 0;

	cmig_catalog_rows_referring(ExtensionRelationId, extension, digest_member, &digest);
	return digest;
}

void
cmig_extension_note(void)
{
	Oid			extension = current_oid();

	cmig_extension_suspected = false;
	if (extension == noted_oid && LocalTransactionIdIsValid(noted_in) &&
		noted_in == cmig_lxid_compat())
		return;
	noted_oid = extension;
	noted_members = digest_members(noted_oid);
	noted_in = cmig_lxid_compat();
}

void
cmig_extension_forget(void)
{
	noted_in = InvalidLocalTransactionId;
}

void
cmig_extension_require(const char *revision)
{
	/* if the extension was dropped and created again, its OID has changed */
	if (current_oid() != noted_oid)
	{
		if (OidIsValid(held) && !is_held())
			raise_dropped();
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" drops extension pg_cmig, which is running it", revision),
				 errdetail("The revisions and their records would be lost."),
				 errhint("Drop the extension outside of revisions.")));
	}
	if (cmig_extension_suspected && digest_members(noted_oid) != noted_members)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" changes the members of extension pg_cmig, which is running it", revision),
				 errdetail("A later call might not find a function or table that it needs."),
				 errhint("Do not change the extension in a revision.")));
}

/* ----------------------------------------------------------------
 * Ensures that only one run is in progress in a database, or in a scope.
 *
 * A "function" below is a run in the caller's transaction, such as SELECT
 * cmig.upgrade(), and a stepwise run is a CALL that commits.
 *
 * This module uses two advisory locks whose tags SQL functions cannot produce:
 * the gate and the run lock.  A function takes the gate in share mode without
 * waiting, and then the run lock in exclusive mode, for which it may wait
 * until another function's transaction has ended.  It holds both until the end
 * of the transaction.  A stepwise run queues for the run lock at session
 * level, without a snapshot, and then takes the gate in exclusive mode without
 * waiting.  If functions hold the gate at that point, the stepwise run
 * releases the run lock for them and queues again.
 *
 * As a result, a function never waits for a stepwise run in progress, but
 * fails with error 55P03.  If it waited, its snapshot, which it cannot release,
 * could deadlock with a concurrent index build.  A stepwise run that is only
 * waiting does not block functions, unless functions keep overlapping without
 * a pause.  In that case, after several attempts, the stepwise run queues for
 * the gate without holding the run lock, and functions that start from then on
 * fail, too.
 *
 * Each scope has its own gate and run lock, so runs in several scopes do not
 * wait for each other.  The scopes share two more locks, which functions that
 * write revisions take in exclusive mode.
 *
 * PostgreSQL's advisory lock functions set the lock tag's fourth field to 1 or
 * 2, so they cannot conflict with this module's locks.  pg_locks shows this
 * module's locks as advisory locks with the objsubid values defined below.
 * ----------------------------------------------------------------
 */

/*
 * Tags of the locks of a database: classid is KEY_CLASS, objid is one of the
 * following keys, and objsubid is KEY_FIELD4.
 */
#define KEY_CLASS 0x636d6967
#define KEY_GATE 1
#define KEY_RUN 2
#define KEY_AUDIT 3
#define KEY_SHADOW 4
#define KEY_FIELD4 0x4347
#define KEY_SCOPE_GATE 5
#define KEY_SCOPE_RUNS 6

/* In the tag of a table lock, objid is the OID of the table. */
#define KEY_FIELD4_TABLE 0x4348

/*
 * In the tags of a scope's gate and run lock, classid and objid are a hash of
 * the scope's name.
 */
#define KEY_FIELD4_SCOPE 0x4349

/*
 * How long a stepwise run gives way to functions each time, in microseconds,
 * and how many times it does so before it queues for the gate (see
 * run.h).
 */
#define YIELD_US 10000
#define MAX_YIELDS 10

/*
 * Returns the tag of the lock with the given key (KEY_GATE, KEY_RUN, ...).  In
 * a scope, KEY_GATE and KEY_RUN stand for the scope's own locks, whose tags are
 * hashes of its name with different seeds.
 */
static LOCKTAG
tag_of(uint32 key)
{
	const char *scope = key == KEY_GATE || key == KEY_RUN ? cmig_scope_current() : "";
	uint64		hash = ((uint64) KEY_CLASS << 32) | key;
	LOCKTAG		tag;

	if (scope[0] != '\0')
		hash = hash_bytes_extended((const unsigned char *) scope, strlen(scope), key);
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash,
						 scope[0] != '\0' ? KEY_FIELD4_SCOPE : KEY_FIELD4);
	return tag;
}

/* A lock that the session is waiting for. */
typedef struct Wait
{
	LOCKTAG		tag;
	const char *what;			/* detail of an error during the wait */
	TimestampTz since;
} Wait;

/*
 * Error context callback: add a detail that says what the session was waiting
 * for and names the lock holder.  The argument is a Wait.
 */
static void
name_holder(void *arg)
{
	Wait	   *wait = arg;

	cmig_lock_wait_explain_tag(&wait->tag, ExclusiveLock, wait->since, GetUserId(), wait->what);
}

/* The keys whose locks were requested at session level, as bits. */
static int	at_session = 0;

static void
note_session(uint32 key, bool session)
{
	at_session |= session ? 1 << key : 0;
}

/*
 * Take the lock with this key in exclusive mode, waiting if necessary.  "what"
 * is the detail of an error during the wait.
 */
static void
queue(uint32 key, bool session, const char *what)
{
	Wait		wait = {tag_of(key), what, GetCurrentTimestamp()};
	ErrorContextCallback callback = {error_context_stack, name_holder, &wait};

	error_context_stack = &callback;
	note_session(key, session);
	(void) LockAcquire(&wait.tag, ExclusiveLock, session, false);
	error_context_stack = callback.previous;
}

/* Take the lock with this key, unless that requires waiting. */
static bool
try_lock(uint32 key, LOCKMODE mode, bool session)
{
	LOCKTAG		tag = tag_of(key);

	note_session(key, session);
	return LockAcquire(&tag, mode, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

static bool
is_locked(uint32 key, LOCKMODE mode)
{
	LOCKTAG		tag = tag_of(key);

	return cmig_lock_held_compat(&tag, mode);
}

/*
 * Take the lock with this key in exclusive mode, waiting if necessary.
 * Reports a wait of more than one second.  "command" is shown in
 * pg_stat_activity during the wait.
 */
static void
take(uint32 key, bool session, const char *command)
{
	LOCKTAG		tag = tag_of(key);
	const bool	watched = cmig_lock_wait_is_watched();
	char	   *blockers;
	char		activity[200];
	int			pid;

	Assert(!session || !ActiveSnapshotSet());
	if (try_lock(key, ExclusiveLock, session))
		return;
	blockers = cmig_lock_wait_blockers(&tag, ExclusiveLock, 0, GetUserId(), &pid);
	snprintf(activity, sizeof(activity), "pg_cmig: %s waits for %s", command,
			 pid != 0 ? psprintf("the run of process %d", pid) : "a prepared transaction");
	if (blockers != NULL)
		pgstat_report_activity(STATE_RUNNING, activity);

	/*
	 * release our snapshot, because an index build of the other run would
	 * wait for it
	 */
	InvalidateCatalogSnapshot();
	PG_TRY();
	{
		if (!watched)
			cmig_lock_wait_tell("waiting for another run of pg_cmig in this database", blockers);
		queue(key, session, "It waited for another run of pg_cmig in this database.");
	}
	PG_FINALLY();
	{
		if (!watched)
			cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
	pgstat_report_activity(STATE_RUNNING, debug_query_string ? debug_query_string : "");
}

/*
 * For a run in a scope, take the locks that keep other sessions from writing
 * revisions during the run.  "session" is true for a stepwise run, which takes
 * them at session level.
 */
static void
join_scope_runs(bool session)
{
	LOCKTAG		gate = tag_of(KEY_SCOPE_GATE);
	LOCKTAG		runs = tag_of(KEY_SCOPE_RUNS);

	if (!cmig_scope_is_set())
		return;
	note_session(KEY_SCOPE_GATE, session);
	note_session(KEY_SCOPE_RUNS, session);
	if (session)
		(void) LockAcquire(&gate, ShareLock, true, false);
	(void) LockAcquire(&runs, ShareLock, session, false);
}

/* Raise error 55P03 because a stepwise run holds the lock with this key. */
pg_noreturn static void
refuse_beside(uint32 key, LOCKMODE mode, const char *message, const char *command)
{
	LOCKTAG		tag = tag_of(key);
	int			pid;
	char	   *blockers;

	blockers = cmig_lock_wait_blockers(&tag, mode, 0, GetUserId(), &pid);
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg_internal("%s", message),
			 blockers != NULL ? errdetail("%s", blockers) : 0,
			 errhint("The other run is a stepwise run, which %s cannot wait for. Try again when it has ended.",
					 command)));
}

void
cmig_run_lock_require_possible(const char *command)
{
	cmig_require_writable(command);
	cmig_citus_require_coordinator(command);
}

void
cmig_run_lock_transaction(const char *command)
{
	cmig_run_lock_require_possible(command);

	/*
	 * The gate is not available if a stepwise run holds it, or if a stepwise
	 * run is waiting for it after giving way to functions too many times.
	 */
	if (!try_lock(KEY_GATE, ShareLock, false))
		refuse_beside(KEY_GATE, ShareLock, cmig_scope_is_set() ?
					  psprintf("another run of pg_cmig is in progress in scope \"%s\"",
							   cmig_scope_current()) :
					  "another run of pg_cmig is in progress in this database", command);

	/*
	 * Lock the extension only now that this transaction holds the gate.
	 * Therefore, no stepwise run can start while a DROP EXTENSION waits for
	 * this transaction.
	 */
	cmig_extension_share();
	take(KEY_RUN, false, command);
	join_scope_runs(false);
}

bool
cmig_run_lock_try(void)
{
	if (!try_lock(KEY_GATE, ShareLock, false))
		return false;
	cmig_extension_share();
	if (!try_lock(KEY_RUN, ExclusiveLock, false))
		return false;
	join_scope_runs(false);
	return true;
}

void
cmig_run_lock_revisions(const char *command)
{
	/*
	 * Lock the gate in a mode that conflicts with the lock of a stepwise run,
	 * but not with the lock of another session that writes revisions, because
	 * that session may be about to release its lock.
	 */
	if (!try_lock(KEY_SCOPE_GATE, RowExclusiveLock, false))
		refuse_beside(KEY_SCOPE_GATE, RowExclusiveLock,
					  "a run of pg_cmig is in progress in a scope of this database", command);
	take(KEY_SCOPE_RUNS, false, command);
}

void
cmig_run_lock_session(const char *command)
{
	LOCKTAG		run = tag_of(KEY_RUN);

	cmig_call_require_guard();
	for (int yields = 0; yields < MAX_YIELDS; yields++)
	{
		take(KEY_RUN, true, command);
		if (try_lock(KEY_GATE, ExclusiveLock, true))
		{
			join_scope_runs(true);
			return;
		}

		/*
		 * Functions that wait for the run lock may hold snapshots, so let
		 * them go first.  The pause gives functions that are about to queue
		 * the time to do so.
		 */
		LockRelease(&run, ExclusiveLock, true);
		InvalidateCatalogSnapshot();
		CHECK_FOR_INTERRUPTS();
		pg_usleep(YIELD_US);
	}

	/*
	 * The gate is still not free, because new functions have taken it each
	 * time.  Queue for the gate instead: functions that already hold it go
	 * first, but functions that start from now on fail.
	 */
	take(KEY_GATE, true, command);
	take(KEY_RUN, true, command);
	join_scope_runs(true);
}

bool
cmig_run_lock_held(void)
{
	/*
	 * an exclusive lock with KEY_SCOPE_RUNS counts as the run lock, too,
	 * because it keeps runs in all scopes from starting
	 */
	return is_locked(KEY_RUN, ExclusiveLock) ||
		(cmig_scope_is_set() && is_locked(KEY_SCOPE_RUNS, ExclusiveLock));
}

/*
 * Release the lock with this key at session level, if the session holds it.  If
 * only the transaction does, the server would warn of that.
 */
static void
release(uint32 key, LOCKMODE mode)
{
	LOCKTAG		tag = tag_of(key);

	if ((at_session & (1 << key)) != 0 && cmig_lock_held_compat(&tag, mode))
		LockRelease(&tag, mode, true);
	at_session &= ~(1 << key);
}

void
cmig_run_lock_release(void)
{
	if (cmig_scope_is_set())
	{
		release(KEY_SCOPE_RUNS, ShareLock);
		release(KEY_SCOPE_GATE, ShareLock);
	}
	release(KEY_GATE, ExclusiveLock);
	release(KEY_RUN, ExclusiveLock);
}

void
cmig_run_lock_keep(void)
{
	if ((!is_locked(KEY_RUN, ExclusiveLock) && !try_lock(KEY_RUN, ExclusiveLock, true)) ||
		(!is_locked(KEY_GATE, ExclusiveLock) && !try_lock(KEY_GATE, ExclusiveLock, true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the run lock was lost"),
				 errdetail("The script released all advisory locks of the session, and another run has started since then."),
				 errhint("Remove pg_advisory_unlock_all() from the script, and call the procedure again.")));
	if (!is_locked(KEY_SCOPE_RUNS, ShareLock))
		join_scope_runs(true);
}

/*
 * Returns the process ID of a session that holds the lock with this key in a
 * mode that conflicts with "mode", or 0 if there is none.  If a prepared
 * transaction holds such a lock, sets *prepared to its transaction ID;
 * otherwise, sets *prepared to InvalidTransactionId.
 */
static int
find_holder(uint32 key, LOCKMODE mode, TransactionId *prepared)
{
	LOCKTAG		tag = tag_of(key);
	VirtualTransactionId *holders;
	int			count;
	int			pid = 0;

	*prepared = InvalidTransactionId;
	holders = GetLockConflicts(&tag, mode, &count);
	for (int i = 0; i < count; i++)
	{
		TransactionId xid = cmig_lock_wait_prepared(holders[i]);
		PGPROC	   *proc = cmig_vxid_get_proc_compat(holders[i]);

		if (TransactionIdIsValid(xid))
			*prepared = xid;
		else if (proc != NULL && pid == 0)
			pid = proc->pid;
	}
	return pid;
}

int
cmig_run_lock_holder(void)
{
	TransactionId prepared;

	/*
	 * search for a conflict with share mode, because only a stepwise run
	 * takes the gate in a conflicting mode
	 */
	return find_holder(KEY_GATE, ShareLock, &prepared);
}

int
cmig_run_lock_transaction_holder(TransactionId *prepared)
{
	*prepared = InvalidTransactionId;
	return cmig_run_lock_holder() != 0 ? 0 : find_holder(KEY_RUN, ExclusiveLock, prepared);
}

void
cmig_run_lock_table(Oid table)
{
	LOCKTAG		tag;
	int			pid;
	char	   *blockers;

	cmig_call_require_guard();
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, KEY_CLASS, table, KEY_FIELD4_TABLE);
	if (LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
	{
		locked_table = table;
		return;
	}
	blockers = cmig_lock_wait_blockers(&tag, ExclusiveLock, 0, GetUserId(), &pid);
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("a backfill of table \"%s\" is already running", get_rel_name(table)),
			 blockers != NULL ? errdetail("%s", blockers) : 0,
			 cmig_hint("`SELECT * FROM cmig.backfill_progress` shows its progress.")));
}

void
cmig_run_lock_table_release(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, KEY_CLASS, locked_table, KEY_FIELD4_TABLE);
	locked_table = InvalidOid;
	if (cmig_lock_held_compat(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
}

void
cmig_run_lock_audit(void)
{
	queue(KEY_AUDIT, false,
		  "It waited for another session that creates, moves, or drops partitions of the audit log.");
	AcceptInvalidationMessages();
}

void
cmig_run_lock_shadow(void)
{
	queue(KEY_SHADOW, false,
		  "It waited for another session that compares schemas in this database.");
	AcceptInvalidationMessages();
}

/* ----------------------------------------------------------------
 * Lists the relation locks that the current subtransaction holds.
 *
 * pg_locks shows the lock table shared by all sessions.  This module reads the
 * backend's local lock table instead.  Reading the local table does not block
 * other sessions, and the local table also shows which subtransactions hold a
 * lock.
 *
 * PostgreSQL does not export the hash table that holds a backend's local
 * locks.  This module finds the hash table by the name of its memory context.
 * It ignores the memory context of a function in a procedural language, which
 * can have the same name because it is named after the function.  The name is
 * stored right after the hash table's header, and the size of the header is
 * determined by creating another hash table.
 * ----------------------------------------------------------------
 */

#define TABLE_NAME "LOCALLOCK hash"

/* Returns the distance from a hash table's header to the table's name. */
static Size
header_size(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Oid)};
	HTAB	   *table = hash_create("pg_cmig probe", 16, &control, HASH_ELEM | HASH_BLOBS);
	Size		size = GetMemoryChunkContext(table)->ident - (char *) table;

	hash_destroy(table);
	return size;
}

/* Returns the backend's local lock table, or raises an error. */
static HTAB *
local_locks(void)
{
	static HTAB *found = NULL;

	if (found != NULL)
		return found;

	/*
	 * Use the last matching context, which is the oldest one, because new
	 * contexts are added at the front.  Users can choose the identifiers of
	 * some contexts, but not those of hash tables.
	 */
	for (MemoryContext child = TopMemoryContext->firstchild; child != NULL; child = child->nextchild)
	{
		if (strcmp(child->name, "dynahash") == 0 &&
			child->ident != NULL && strcmp(child->ident, TABLE_NAME) == 0)
			found = (HTAB *) (child->ident - header_size());
	}
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("pg_cmig cannot read the locks of this server"),
				 errdetail("The server has no lock table named \"%s\".", TABLE_NAME),
				 cmig_hint("To see the expected locks without running anything: `SELECT revision, locks FROM cmig.plan()`")));
	return found;
}

List *
cmig_locks_held(void)
{
	HASH_SEQ_STATUS scan;
	LOCALLOCK  *lock;
	List	   *result = NIL;

	hash_seq_init(&scan, local_locks());
	while ((lock = hash_seq_search(&scan)) != NULL)
	{
		const LOCKTAG *tag = &lock->tag.lock;
		bool		ours = false;
		bool		of_transaction = false;
		CmigHeldLock *held;

		if (lock->nLocks == 0 || tag->locktag_type != LOCKTAG_RELATION ||
			tag->locktag_field1 != MyDatabaseId)
			continue;
		for (int i = 0; i < lock->numLockOwners; i++)
		{
			ResourceOwner owner = lock->lockOwners[i].owner;

			of_transaction |= owner == TopTransactionResourceOwner;
			/* of the current subtransaction, or of one of its cursors? */
			while (owner != NULL && owner != CurTransactionResourceOwner)
				owner = ResourceOwnerGetParent(owner);
			ours |= owner != NULL;
		}
		if (!ours && !of_transaction)
			continue;
		held = palloc(sizeof(CmigHeldLock));
		held->relation = tag->locktag_field2;
		held->mode = lock->tag.mode;
		held->of_transaction = !ours;
		result = lappend(result, held);
	}
	return result;
}
