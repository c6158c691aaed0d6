/*
 * audit_trigger.c
 *	  The trigger that writes the audit log.
 *
 * The same function serves row-level triggers and statement-level triggers
 * with transition tables.  It runs as the role that fires the trigger.  This
 * role needs no privileges, because the log is written by direct table access
 * (audit_writer.c).  audit_table.c caches what the trigger needs to know about
 * its table, and audit_call.c writes the entries.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_call.h"
#include "audit/audit_position.h"
#include "audit/audit_trigger.h"
#include "base/errors.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(cmig_audit_trigger);

static bool audit_skip = false;

void
cmig_audit_trigger_init(void)
{
	/*
	 * cmig.audit_skip turns logging off for bulk loads.  Only superusers and
	 * roles to which they have granted the privilege can set it.  One entry
	 * for each transaction and table records that the setting was used.
	 */
	DefineCustomBoolVariable("cmig.audit_skip",
							 "Turns off logging of changes to audited tables.",
							 "For each table, one entry with operation SKIP is logged in each transaction.",
							 &audit_skip, false, PGC_SUSET, 0, NULL, NULL, NULL);
	cmig_audit_table_init();
	cmig_audit_position_init();
}

/*
 * Prepare to read all rows of a transition table, beginning with the first
 * one.
 */
static void
rewind_transition(Tuplestorestate *store)
{
	tuplestore_select_read_pointer(store,
								   tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

/*
 * Log the rows of a statement.  The transition tables of an update contain the
 * old and the new rows in the same order.
 */
static void
log_statement_rows(CmigAuditCall *call, TriggerData *trigger_data)
{
	Tuplestorestate *old_rows = trigger_data->tg_oldtable;
	Tuplestorestate *new_rows = trigger_data->tg_newtable;
	TupleDesc	desc = RelationGetDescr(trigger_data->tg_relation);
	Oid			table = RelationGetRelid(trigger_data->tg_relation);
	TupleTableSlot *old_slot = NULL;
	TupleTableSlot *new_slot = NULL;

	/*
	 * Raise an error if a transition table is missing, because the entries
	 * would lack the old or the new rows.
	 */
	if ((old_rows == NULL && !TRIGGER_FIRED_BY_INSERT(trigger_data->tg_event)) ||
		(new_rows == NULL && !TRIGGER_FIRED_BY_DELETE(trigger_data->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("a statement-level audit trigger requires transition tables"),
				 errdetail("INSERT needs the new rows, DELETE needs the old rows, and UPDATE needs both."),
				 errhint("Use cmig.enable_audit() to create audit triggers.")));
	call->batch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig audit batch",
										ALLOCSET_DEFAULT_SIZES);
	if (old_rows)
	{
		rewind_transition(old_rows);
		old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	}
	if (new_rows)
	{
		rewind_transition(new_rows);
		new_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	}

	for (;;)
	{
		bool		more_old = old_rows && tuplestore_gettupleslot(old_rows, true, false, old_slot);
		bool		more_new = new_rows && tuplestore_gettupleslot(new_rows, true, false, new_slot);

		if (old_rows && new_rows && more_old != more_new)
			elog(ERROR, "transition tables of an update differ in length");
		if (!more_old && !more_new)
			break;
		if (old_slot)
			old_slot->tts_tableOid = table;
		if (new_slot)
			new_slot->tts_tableOid = table;
		cmig_audit_call_log_change(call, old_slot, new_slot);
		CHECK_FOR_INTERRUPTS();
	}
	cmig_audit_call_end(call);
	call->writer = NULL;
	if (old_slot)
		ExecDropSingleTupleTableSlot(old_slot);
	if (new_slot)
		ExecDropSingleTupleTableSlot(new_slot);
	MemoryContextDelete(call->batch);
}

static void
log_row(CmigAuditCall *call, TriggerData *trigger_data)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger_data->tg_event))
		cmig_audit_call_log_change(call, NULL, trigger_data->tg_trigslot);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger_data->tg_event))
		cmig_audit_call_log_change(call, trigger_data->tg_trigslot, trigger_data->tg_newslot);
	else
		cmig_audit_call_log_change(call, trigger_data->tg_trigslot, NULL);
}

static const char *
operation_of(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" :
		TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* Does the trigger fire with the session's replication role? */
static bool
fires_now(const Trigger *trigger)
{
	switch (trigger->tgenabled)
	{
		case TRIGGER_FIRES_ALWAYS:
			return true;
		case TRIGGER_FIRES_ON_ORIGIN:
			return SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
		case TRIGGER_FIRES_ON_REPLICA:
			return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
		default:
			return false;
	}
}

/*
 * Returns true if another trigger, which was cloned from a partitioned table,
 * logs the same change, so that the partition's own trigger must not log it
 * again.
 */
static bool
is_logged_by_clone(const TriggerData *trigger_data, Oid function)
{
	TriggerDesc *triggers = trigger_data->tg_relation->trigdesc;
	TriggerEvent event = trigger_data->tg_event;

	if (trigger_data->tg_trigger->tgisclone || triggers == NULL)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];

		if (other->tgisclone && other->tgfoid == function && other->tgqual == NULL &&
			other->tgnattr == 0 && fires_now(other) &&
			(TRIGGER_FIRED_BY_INSERT(event) ? TRIGGER_FOR_INSERT(other->tgtype) :
			 TRIGGER_FIRED_BY_UPDATE(event) ? TRIGGER_FOR_UPDATE(other->tgtype) :
			 TRIGGER_FIRED_BY_DELETE(event) ? TRIGGER_FOR_DELETE(other->tgtype) : false))
			return true;
	}
	return false;
}

Datum
cmig_audit_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger_data = (TriggerData *) fcinfo->context;
	CmigAuditTable *table;
	CmigAuditCall call;
	Oid			extension_owner;
	int			guc_level;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger_data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.audit_trigger() can only be called as an AFTER trigger"),
				 errhint("Use cmig.enable_audit() to create audit triggers.")));

	if (trigger_data->tg_relation->rd_rel->relispartition &&
		is_logged_by_clone(trigger_data, fcinfo->flinfo->fn_oid))
		return PointerGetDatum(NULL);
	extension_owner = cmig_audit_log_extension_owner();
	table = cmig_audit_table_get(trigger_data, extension_owner);
	if (audit_skip && table->skip_logged)
		return PointerGetDatum(NULL);

	table->busy++;
	guc_level = cmig_audit_row_pin_output();
	cmig_audit_call_begin(&call, table, extension_owner,
						  audit_skip ? "SKIP" : operation_of(trigger_data->tg_event));
	if (audit_skip)
	{
		cmig_audit_call_log_table(&call);
		table->skip_logged = true;
	}
	else if (TRIGGER_FIRED_BY_TRUNCATE(trigger_data->tg_event))
		cmig_audit_call_log_table(&call);
	else if (TRIGGER_FIRED_FOR_ROW(trigger_data->tg_event))
		log_row(&call, trigger_data);
	else
		log_statement_rows(&call, trigger_data);
	cmig_audit_call_end(&call);
	if (guc_level > 0)
		AtEOXact_GUC(false, guc_level);
	table->busy--;
	return PointerGetDatum(NULL);
}
