/*
 * extension.c
 *	  Prevents pg_cmig itself from being dropped during a run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/catalog_rows.h"
#include "base/compat.h"
#include "run/extension.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

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

/*
 * The OID of the extension and a digest of its members when the script began.
 */
static Oid	noted_oid = InvalidOid;
static uint64 noted_members = 0;

/*
 * Returns the current OID of extension pg_cmig, or InvalidOid if it does not
 * exist.
 */
static Oid
current_oid(void)
{
	return get_extension_oid("pg_cmig", true);
}

/* Set the tag of the lock that DROP EXTENSION takes. */
static void
set_tag(LOCKTAG *tag, Oid extension)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, ExtensionRelationId, extension, 0);
}

/*
 * Does this session hold the lock on the extension "held", at session or
 * transaction level?
 */
static bool
is_held(void)
{
	LOCKTAG		tag;

	set_tag(&tag, held);
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
			 errhint("Restore the revisions and their records from a dump. Or CREATE EXTENSION pg_cmig, load the revisions again, and SELECT cmig.stamp('<current revision>')")));
}

/*
 * Lock the extension at session level.  Returns false if "wait" is false and
 * the lock is not available, or if the extension no longer exists or was
 * dropped and created again, in which case its OID has changed.
 */
static bool
lock(Oid extension, bool wait)
{
	LOCKTAG		tag;

	/*
	 * release our snapshot, for which a session that is dropping the
	 * extension may be waiting
	 */
	InvalidateCatalogSnapshot();
	set_tag(&tag, extension);
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
	LOCKTAG		tag;

	if (!OidIsValid(extension))
		return;
	set_tag(&tag, extension);
	if (LockAcquire(&tag, AccessShareLock, false, false) == LOCKACQUIRE_OK)
		AcceptInvalidationMessages();
}

void
cmig_extension_hold(void)
{
	Oid			extension = current_oid();

	held = InvalidOid;
	if (!OidIsValid(extension) || !lock(extension, true))
		raise_dropped();
	held = extension;
}

void
cmig_extension_release(void)
{
	LOCKTAG		tag;

	if (OidIsValid(held) && !lent && is_held())
	{
		set_tag(&tag, held);
		LockRelease(&tag, AccessShareLock, true);
	}
	held = InvalidOid;
	lent = false;
}

void
cmig_extension_lend(void)
{
	LOCKTAG		tag;

	if (!OidIsValid(held) || lent || !is_held())
		return;
	set_tag(&tag, held);
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
	noted_oid = current_oid();
	noted_members = digest_members(noted_oid);
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
	if (digest_members(noted_oid) != noted_members)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" changes the members of extension pg_cmig, which is running it", revision),
				 errdetail("A later call might not find a function or table that it needs."),
				 errhint("Do not change the extension in a revision.")));
}
