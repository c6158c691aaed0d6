/*
 * journal_trigger.c
 *	  Implements the trigger on cmig.journal, which checks manually written
 *	  rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "run/run_lock.h"
#include "run/scope.h"
#include "tables/journal.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(cmig_journal_trigger);

/*
 * Ids up to this one are always accepted, because enough ids remain after
 * them.  Therefore, the last id need not be looked up for each row.
 */
#define ALWAYS_NEAR (INT64CONST(1) << 40)

/*
 * Is the caller allowed to run scripts as this role?  If so, the caller may
 * also write a row that contains the role.
 */
static bool
may_run_as(const char *name)
{
	Oid			role = get_role_oid(name, true);

	return OidIsValid(role) &&
		(role == GetUserId() || cmig_can_set_role_compat(GetSessionUserId(), role));
}

/*
 * Get the value of a column in the new row.  Returns false if the value is
 * null, or if the column does not exist or has a type other than "type".
 */
static bool
value_of(const TriggerData *trigger, HeapTuple row, const char *name, Oid type, Datum *value)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			column = get_attnum(RelationGetRelid(trigger->tg_relation), name);
	bool		isnull;

	if (column == InvalidAttrNumber || TupleDescAttr(desc, column - 1)->atttypid != type)
		return false;
	*value = heap_getattr(row, column, desc, &isnull);
	return !isnull;
}

/*
 * Raise error 42501 unless the caller is allowed to write a row that contains
 * this role.
 */
static void
require_role(const char *role)
{
	if (!may_run_as(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to insert a row into cmig.journal for role \"%s\"", role),
				 errdetail("Role \"%s\" cannot SET ROLE to that role.",
						   GetUserNameFromId(GetSessionUserId(), true)),
				 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
}

/*
 * Raise error 42501 if the id is so far beyond the last id that too few ids
 * might remain after it.
 */
static void
require_near(int64 id)
{
	int64		last;

	if (id <= ALWAYS_NEAR)
		return;
	last = Max(cmig_journal_last_id(), 0);
	if (id - last > CMIG_JOURNAL_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to insert a row into cmig.journal with id " INT64_FORMAT, id),
				 errdetail("The next row has id " INT64_FORMAT ".", last + 1),
				 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
}

/* Does the row belong to a scope other than the current one? */
static bool
is_of_other_scope(const TriggerData *trigger, HeapTuple row)
{
	Datum		value;

	return value_of(trigger, row, "scope", TEXTOID, &value) &&
		strcmp(TextDatumGetCString(value), cmig_scope_current()) != 0;
}

/*
 * Raise error 42501 because the row belongs to a scope other than the current
 * one.
 */
static void
refuse_scope(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to insert a row into cmig.journal for another scope"),
			 errdetail("The current scope is %s.", cmig_scope_text()),
			 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
}

/*
 * The BEFORE INSERT trigger on cmig.journal.  If a session writes a row
 * manually, the trigger waits for a run in progress, because the run could use
 * the same id.  A role with the INSERT privilege on the whole table, such as
 * the owner or a role that restores a dump, is allowed to write any row.  If
 * such a role writes a row of another scope, the trigger does not wait,
 * because a dump can contain rows of more scopes than there are locks.  Other
 * roles are allowed to write only rows of the current scope, for runs that
 * they could have started.
 */
Datum
cmig_journal_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	Datum		value;
	bool		may_write_all;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.journal_trigger() must be called before each INSERT into cmig.journal"),
				 errhint("CREATE EXTENSION pg_cmig creates the trigger. Do not create another one.")));
	row = trigger->tg_trigtuple;

	may_write_all = pg_class_aclcheck(RelationGetRelid(trigger->tg_relation), GetUserId(), ACL_INSERT) == ACLCHECK_OK;
	if (is_of_other_scope(trigger, row))
	{
		if (may_write_all)
			return PointerGetDatum(row);
		refuse_scope();
	}
	if (!cmig_run_lock_held())
		cmig_run_lock_transaction("an INSERT into cmig.journal");
	if (may_write_all)
		return PointerGetDatum(row);

	if (value_of(trigger, row, "role", NAMEOID, &value))
		require_role(NameStr(*DatumGetName(value)));
	if (value_of(trigger, row, "id", INT8OID, &value))
		require_near(DatumGetInt64(value));
	return PointerGetDatum(row);
}
