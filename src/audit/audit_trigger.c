/*
 * audit_trigger.c
 *	  The trigger that writes the audit log.
 *
 * The same function serves row-level triggers and statement-level triggers
 * with transition tables.  It runs with the privileges of the role that fires
 * it, which needs none, because the log is written by direct table access
 * (audit_writer.c).  audit_table.c caches what the trigger needs to know about
 * its table.
 *
 * Entries are ordered by (seq, command_id, id).  Usually, seq is the id.
 * However, if a statement's triggers run other statements, the entries of
 * these inner statements may be written first, but they must sort after the
 * outer statement's entries.  In this case, the outer statement's entries have
 * the id of the first inner entry as their seq.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_table.h"
#include "audit/audit_trigger.h"
#include "base/compat.h"
#include "base/errors.h"
#include "run/running.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

/*
 * Maximum number of a transaction's statements that are remembered to order
 * the entries.
 */
#define MAX_POSITIONS 65536

PG_FUNCTION_INFO_V1(cmig_audit_trigger);

static bool audit_skip = false;

/* One call of the trigger. */
typedef struct AuditCall
{
	CmigAuditTable *table;
	Oid			extension_owner;
	TimestampTz at;
	CommandId	command;
	MemoryContext batch;		/* memory context for values of entries that
								 * are not flushed yet */
	CmigAuditWriter *writer;	/* opened by the first entry */
	CmigAuditPiece *old_pieces;
	CmigAuditPiece *new_pieces;
	bool	   *changed;
	Datum	   *names;
	CmigAuditVirtualState virtuals;
	Datum		values[CMIG_LOG_COLUMNS];
	bool		nulls[CMIG_LOG_COLUMNS];
} AuditCall;

/* The id of a statement's first entry in the log. */
typedef struct Position
{
	CommandId	command;
	int64		id;
} Position;

static Position *positions = NULL;
static int	position_count = 0;
static int	position_size = 0;

/*
 * Callback for the end of a transaction: discard the positions, which are
 * valid only within the transaction.
 */
static void
forget_positions(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_COMMIT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (positions)
		pfree(positions);
	positions = NULL;
	position_count = position_size = 0;
}

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
	RegisterXactCallback(forget_positions, NULL);
}

/*
 * Values that all entries of a call share
 */

static void
set_text(AuditCall *call, CmigAuditLogColumn column, const char *value)
{
	call->nulls[column] = value == NULL || value[0] == '\0';
	if (!call->nulls[column])
		call->values[column] = CStringGetTextDatum(value);
}

/* Set the client's address, which is read once in a session. */
static void
set_client_address(AuditCall *call)
{
	static bool known = false;
	static Datum address = (Datum) 0;

	if (!known)
	{
		LOCAL_FCINFO(fcinfo, 0);
		Datum		value;

		InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
		value = inet_client_addr(fcinfo);
		if (!fcinfo->isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			address = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
			MemoryContextSwitchTo(old);
		}
		known = true;
	}
	call->values[CMIG_LOG_CLIENT_ADDRESS] = address;
	call->nulls[CMIG_LOG_CLIENT_ADDRESS] = address == (Datum) 0;
}

/* Set the client's query, up to the length that the options allow. */
static void
set_query(AuditCall *call)
{
	const char *query = debug_query_string;
	int			length = call->table->options->query_length;

	call->nulls[CMIG_LOG_QUERY] = true;
	if (length <= 0 || query == NULL)
		return;
	length = pg_mbcliplen(query, strlen(query), length);
	call->values[CMIG_LOG_QUERY] = PointerGetDatum(cstring_to_text_with_len(query, length));
	call->nulls[CMIG_LOG_QUERY] = false;
}

/*
 * Initialize a call, and set the values that all of its entries have in
 * common.
 */
static void
begin_call(AuditCall *call, CmigAuditTable *table, Oid extension_owner, const char *operation)
{
	Size		columns = Max(1, table->shape.count);

	memset(call, 0, sizeof(*call));
	memset(call->nulls, true, sizeof(call->nulls));
	call->table = table;
	call->extension_owner = extension_owner;
	call->at = GetCurrentTransactionStartTimestamp();
	call->batch = CurrentMemoryContext;

	/*
	 * The command ID in the active snapshot identifies the statement that
	 * fired the trigger; other statements may have run since.
	 */
	call->command = ActiveSnapshotSet() ? GetActiveSnapshot()->curcid :
		GetCurrentCommandId(false);
	call->old_pieces = palloc(sizeof(CmigAuditPiece) * columns);
	call->new_pieces = palloc(sizeof(CmigAuditPiece) * columns);
	call->changed = palloc(sizeof(bool) * columns);
	call->names = palloc(sizeof(Datum) * columns);
	cmig_audit_virtual_begin(&call->virtuals, &table->virtuals);

	set_text(call, CMIG_LOG_OPERATION, operation);
	call->values[CMIG_LOG_TRANSACTION_ID] =
		FullTransactionIdGetDatum(GetTopFullTransactionId());
	call->values[CMIG_LOG_TRANSACTION_AT] = TimestampTzGetDatum(call->at);
	call->values[CMIG_LOG_CLOCK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	call->values[CMIG_LOG_TABLE_ID] = Int32GetDatum(table->options->table_id);
	call->values[CMIG_LOG_COMMAND_ID] = Int64GetDatum((int64) call->command);
	call->values[CMIG_LOG_BACKEND_PID] = Int32GetDatum(MyProcPid);
	call->values[CMIG_LOG_SCHEMA_NAME] = table->schema_name;
	call->values[CMIG_LOG_TABLE_NAME] = table->table_name;
	for (int i = CMIG_LOG_ID; i <= CMIG_LOG_TABLE_NAME; i++)
		call->nulls[i] = false;
	call->nulls[CMIG_LOG_OLD_HASH] = true;

	set_text(call, CMIG_LOG_USER_ID, GetConfigOption("app.current_user_id", true, false));
	set_text(call, CMIG_LOG_TENANT_ID, GetConfigOption("app.current_tenant_id", true, false));
	set_text(call, CMIG_LOG_REASON, GetConfigOption("app.audit_reason", true, false));
	set_text(call, CMIG_LOG_REQUEST_ID, GetConfigOption("app.request_id", true, false));
	set_text(call, CMIG_LOG_ROLE, GetUserNameFromId(GetUserId(), true));
	if (GetSessionUserId() == GetUserId())
	{
		call->values[CMIG_LOG_SESSION_ROLE] = call->values[CMIG_LOG_ROLE];
		call->nulls[CMIG_LOG_SESSION_ROLE] = call->nulls[CMIG_LOG_ROLE];
	}
	else
		set_text(call, CMIG_LOG_SESSION_ROLE, GetUserNameFromId(GetSessionUserId(), true));
	set_text(call, CMIG_LOG_APPLICATION_NAME, application_name);
	set_text(call, CMIG_LOG_REVISION, cmig_running_revision());
	set_client_address(call);
	set_query(call);
}

static void
end_call(AuditCall *call)
{
	if (call->writer)
		cmig_audit_writer_close(call->writer);
	cmig_audit_virtual_end(&call->virtuals);
}

/*
 * Entries
 */

/*
 * Returns the value of seq for an entry of a statement; see the top of this
 * file.
 */
static int64
position_of(CommandId command, int64 id)
{
	int			low = 0;
	int			high = position_count;

	if (position_count > 0 && positions[position_count - 1].command == command)
		return id;
	if (position_count == 0 || positions[position_count - 1].command < command)
	{
		if (position_count == MAX_POSITIONS)
		{
			position_count /= 2;
			memmove(positions, positions + MAX_POSITIONS - position_count,
					sizeof(Position) * position_count);
		}
		if (position_count == position_size)
		{
			position_size = position_size ? position_size * 2 : 16;
			if (positions)
				positions = repalloc(positions, sizeof(Position) * position_size);
			else
				positions = MemoryContextAlloc(TopMemoryContext,
											   sizeof(Position) * position_size);
		}
		positions[position_count].command = command;
		positions[position_count++].id = id;
		return id;
	}
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (positions[middle].command > command)
			high = middle;
		else
			low = middle + 1;
	}
	return positions[low].id;
}

/* Open the log, and record the table's layout if it is new. */
static void
open_log(AuditCall *call)
{
	CmigAuditTable *table = call->table;

	call->writer = cmig_audit_writer_open(call->extension_owner, call->at);
	if (!table->recorded)
	{
		Relation	root = table_open(table->root, AccessShareLock);

		cmig_audit_layout_record(table->options->table_id, root,
								 cmig_audit_log_require(call->extension_owner));
		table_close(root, AccessShareLock);
		table->recorded = true;

		/*
		 * take the time after writing the layout, which must not be newer
		 * than the entry
		 */
		call->values[CMIG_LOG_CLOCK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	}
}

/* Complete the entry and add it to the log.  This may reset call->batch. */
static void
write_entry(AuditCall *call, Size size)
{
	int64		id;

	if (call->writer == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(call->names));

		open_log(call);
		MemoryContextSwitchTo(old);
	}
	id = cmig_audit_writer_next_id(call->writer);
	call->values[CMIG_LOG_ID] = Int64GetDatum(id);
	call->values[CMIG_LOG_SEQ] = Int64GetDatum(position_of(call->command, id));
	if (cmig_audit_writer_add(call->writer, call->values, call->nulls, size) &&
		call->batch != GetMemoryChunkContext(call->names))
		MemoryContextReset(call->batch);
}

int64
cmig_audit_trigger_row_hash(int32 table_id, Datum key)
{
	uint64		hash = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended, key,
														  Int64GetDatum(0)));

	return (int64) (((uint64) (uint32) table_id << 32) | (hash & 0xFFFFFFFF));
}

/* Set an image of the chosen columns, and return its size. */
static Size
set_image(AuditCall *call, CmigAuditLogColumn column, const CmigAuditPiece *pieces,
		  const bool *chosen)
{
	Jsonb	   *image = cmig_audit_row_image(&call->table->shape, pieces, chosen);

	call->values[column] = JsonbPGetDatum(image);
	call->nulls[column] = false;
	return VARSIZE(image);
}

/*
 * Set the key of a row, and return its size.  Unlike the images, the key must
 * not depend on the session's time zone.
 */
static Size
set_key(AuditCall *call, CmigAuditLogColumn column, CmigAuditLogColumn hash,
		TupleTableSlot *slot, const CmigAuditPiece *pieces)
{
	CmigAuditTable *table = call->table;
	CmigAuditShape *shape = &table->shape;
	Size		size;

	if (table->zoned_key)
	{
		CmigAuditPiece *utc = palloc(sizeof(CmigAuditPiece) * shape->count);

		memcpy(utc, pieces, sizeof(CmigAuditPiece) * shape->count);
		for (int i = 0; i < shape->count; i++)
		{
			CmigAuditColumn *c = &shape->columns[i];

			if (table->key[i] && c->type == TIMESTAMPTZOID && c->hide == CMIG_AUDIT_SHOW &&
				!slot->tts_isnull[c->attno])
				cmig_audit_row_encode_utc(slot->tts_values[c->attno], &utc[i]);
		}
		pieces = utc;
	}
	size = set_image(call, column, pieces, table->key);
	call->values[hash] =
		Int64GetDatum(cmig_audit_trigger_row_hash(table->options->table_id,
												  call->values[column]));
	call->nulls[hash] = false;
	return size;
}

/*
 * Encode the wanted columns of a row (all columns if "wanted" is NULL) and its
 * key columns.  If "others" is not NULL, columns that did not change are
 * copied from it.
 */
static void
encode_row(AuditCall *call, TupleTableSlot *slot, const bool *wanted,
		   CmigAuditPiece *pieces, const CmigAuditPiece *others)
{
	CmigAuditShape *shape = &call->table->shape;

	for (int i = 0; i < shape->count; i++)
	{
		CmigAuditColumn *column = &shape->columns[i];

		if (wanted && !wanted[i] && !column->in_key)
			continue;
		if (others && !call->changed[i])
			pieces[i] = others[i];
		else
			cmig_audit_row_encode(shape, column, slot->tts_values[column->attno],
								  slot->tts_isnull[column->attno], &pieces[i]);
	}
}

/* Find the columns that an update changed, and return their number. */
static int
compare_rows(AuditCall *call, TupleTableSlot *old, TupleTableSlot *new, bool *key_changed)
{
	CmigAuditShape *shape = &call->table->shape;
	int			count = 0;

	*key_changed = false;
	for (int i = 0; i < shape->count; i++)
	{
		CmigAuditColumn *column = &shape->columns[i];
		int			n = column->attno;

		call->changed[i] = !cmig_audit_row_same(column,
												old->tts_values[n], old->tts_isnull[n],
												new->tts_values[n], new->tts_isnull[n]);
		if (call->changed[i])
		{
			call->names[count++] = column->name_text;
			if (column->in_key)
				*key_changed = true;
		}
	}
	return count;
}

/* Log a change.  Virtual columns must already be computed. */
static void
log_slots(AuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
{
	CmigAuditTable *table = call->table;
	const bool *wanted = NULL;	/* columns to include in the images, or NULL
								 * for all */
	bool		key_changed = false;
	Size		size = 300;

	call->nulls[CMIG_LOG_CHANGED] = true;
	if (old && new)
	{
		int			count = compare_rows(call, old, new, &key_changed);

		if (count == 0 && table->options->skip_unchanged)
			return;
		call->values[CMIG_LOG_CHANGED] =
			PointerGetDatum(construct_array(call->names, count, TEXTOID, -1, false,
											TYPALIGN_INT));
		call->nulls[CMIG_LOG_CHANGED] = false;

		/*
		 * If the key changed, log both rows completely, as if a different row
		 * had replaced the old row.
		 */
		if (table->options->changes_only && !key_changed)
			wanted = call->changed;
	}

	if (new)
		encode_row(call, new, wanted, call->new_pieces, NULL);
	if (old)
		encode_row(call, old, wanted, call->old_pieces, new ? call->new_pieces : NULL);

	call->nulls[CMIG_LOG_OLD_ROW] = call->nulls[CMIG_LOG_NEW_ROW] = true;
	if (old)
		size += set_image(call, CMIG_LOG_OLD_ROW, call->old_pieces, wanted);
	if (new)
		size += set_image(call, CMIG_LOG_NEW_ROW, call->new_pieces, wanted);

	size += set_key(call, CMIG_LOG_ROW_KEY, CMIG_LOG_ROW_HASH, new ? new : old,
					new ? call->new_pieces : call->old_pieces);
	call->nulls[CMIG_LOG_OLD_KEY] = call->nulls[CMIG_LOG_OLD_HASH] = true;
	if (key_changed)
		size += set_key(call, CMIG_LOG_OLD_KEY, CMIG_LOG_OLD_HASH, old, call->old_pieces);
	write_entry(call, size);
}

/*
 * Log the change of one row.  "old" is NULL for an insert, and "new" is NULL
 * for a delete.
 */
static void
log_change(AuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
{
	MemoryContext caller = MemoryContextSwitchTo(call->batch);

	if (old)
	{
		slot_getallattrs(old);
		cmig_audit_virtual_fill(&call->virtuals, old);
	}
	if (new)
	{
		slot_getallattrs(new);
		cmig_audit_virtual_fill(&call->virtuals, new);
	}
	log_slots(call, old, new);

	/*
	 * clear the computed values, because other triggers may use the same
	 * slots
	 */
	if (old)
		cmig_audit_virtual_clear(&call->virtuals, old);
	if (new)
		cmig_audit_virtual_clear(&call->virtuals, new);
	MemoryContextSwitchTo(caller);
}

/* Log an operation on the whole table: TRUNCATE or SKIP. */
static void
log_table(AuditCall *call)
{
	call->values[CMIG_LOG_ROW_HASH] =
		Int64GetDatum((int64) ((uint64) (uint32) call->table->options->table_id << 32));
	call->nulls[CMIG_LOG_ROW_KEY] = true;
	write_entry(call, 300);
}

/* Prepare to read the rows of a transition table from the start. */
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
log_statement_rows(AuditCall *call, TriggerData *trigger_data)
{
	Tuplestorestate *old_rows = trigger_data->tg_oldtable;
	Tuplestorestate *new_rows = trigger_data->tg_newtable;
	TupleDesc	desc = RelationGetDescr(trigger_data->tg_relation);
	Oid			table = RelationGetRelid(trigger_data->tg_relation);
	TupleTableSlot *old_slot = NULL;
	TupleTableSlot *new_slot = NULL;

	/*
	 * Without a transition table, the entries would lack the old or the new
	 * rows.
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
		log_change(call, old_slot, new_slot);
		CHECK_FOR_INTERRUPTS();
	}
	end_call(call);
	call->writer = NULL;
	if (old_slot)
		ExecDropSingleTupleTableSlot(old_slot);
	if (new_slot)
		ExecDropSingleTupleTableSlot(new_slot);
	MemoryContextDelete(call->batch);
}

static void
log_row(AuditCall *call, TriggerData *trigger_data)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger_data->tg_event))
		log_change(call, NULL, trigger_data->tg_trigslot);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger_data->tg_event))
		log_change(call, trigger_data->tg_trigslot, trigger_data->tg_newslot);
	else
		log_change(call, trigger_data->tg_trigslot, NULL);
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
	AuditCall	call;
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
	begin_call(&call, table, extension_owner,
			   audit_skip ? "SKIP" : operation_of(trigger_data->tg_event));
	if (audit_skip)
	{
		log_table(&call);
		table->skip_logged = true;
	}
	else if (TRIGGER_FIRED_BY_TRUNCATE(trigger_data->tg_event))
		log_table(&call);
	else if (TRIGGER_FIRED_FOR_ROW(trigger_data->tg_event))
		log_row(&call, trigger_data);
	else
		log_statement_rows(&call, trigger_data);
	end_call(&call);
	if (guc_level > 0)
		AtEOXact_GUC(false, guc_level);
	table->busy--;
	return PointerGetDatum(NULL);
}
