/*
 * audit_call.c
 *	  Writes the log entries of one call of the audit trigger.
 *
 * All entries of a call share the values that describe the statement and the
 * session.  Each changed row adds its key and its images.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_call.h"
#include "audit/audit_layout.h"
#include "audit/audit_position.h"
#include "base/compat.h"
#include "run/running.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
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
#include "utils/xid8.h"

/*
 * Values that all entries of a call share
 */

/*
 * Set one column of all entries to a string, or to null if the string is NULL
 * or empty.
 */
static void
set_text(CmigAuditCall *call, CmigAuditLogColumn column, const char *value)
{
	call->nulls[column] = value == NULL || value[0] == '\0';
	if (!call->nulls[column])
		call->values[column] = CStringGetTextDatum(value);
}

/*
 * Set the client's address in all entries.  It is determined once per session.
 */
static void
set_client_address(CmigAuditCall *call)
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

/*
 * Set the client's query in all entries, up to the length that the options
 * allow.
 */
static void
set_query(CmigAuditCall *call)
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

void
cmig_audit_call_begin(CmigAuditCall *call, CmigAuditTable *table, Oid extension_owner, const char *operation)
{
	Size		columns = Max(1, table->shape.count);

	memset(call, 0, sizeof(*call));
	memset(call->nulls, true, sizeof(call->nulls));
	call->table = table;
	call->extension_owner = extension_owner;
	call->at = GetCurrentTransactionStartTimestamp();
	call->batch = CurrentMemoryContext;

	/*
	 * Use the command ID in the active snapshot, which identifies the
	 * statement that fired the trigger; other statements may have run since
	 * then.
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

void
cmig_audit_call_end(CmigAuditCall *call)
{
	if (call->writer)
		cmig_audit_writer_close(call->writer);
	cmig_audit_virtual_end(&call->virtuals);
}

/*
 * Log entries
 */

/* Open the log, and record the table's layout if it is new. */
static void
open_log(CmigAuditCall *call)
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
write_entry(CmigAuditCall *call, Size size)
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
	call->values[CMIG_LOG_SEQ] = Int64GetDatum(cmig_audit_position_of(call->command, id));
	if (cmig_audit_writer_add(call->writer, call->values, call->nulls, size) &&
		call->batch != GetMemoryChunkContext(call->names))
		MemoryContextReset(call->batch);
}

/*
 * Set a column of the entry to the image of the chosen columns, and return the
 * image's size.
 */
static Size
set_image(CmigAuditCall *call, CmigAuditLogColumn column, const CmigAuditPiece *pieces,
		  const bool *chosen)
{
	Jsonb	   *image = cmig_audit_row_image(&call->table->shape, pieces, chosen);

	call->values[column] = JsonbPGetDatum(image);
	call->nulls[column] = false;
	return VARSIZE(image);
}

/*
 * Set a column of the entry to the key of a row, and the column "hash" to the
 * key's row_hash.  Returns the key's size.  Unlike the images, the key must
 * not depend on the session's time zone.
 */
static Size
set_key(CmigAuditCall *call, CmigAuditLogColumn column, CmigAuditLogColumn hash,
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
		Int64GetDatum(cmig_audit_log_row_hash(table->options->table_id,
											  call->values[column]));
	call->nulls[hash] = false;
	return size;
}

/*
 * Encode the wanted columns of a row (all columns if "wanted" is NULL) and its
 * key columns.  If "others", which contains the other row's pieces, is not
 * NULL, columns that did not change are copied from it.
 */
static void
encode_row(CmigAuditCall *call, TupleTableSlot *slot, const bool *wanted,
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
compare_rows(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new, bool *key_changed)
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
log_slots(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
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

void
cmig_audit_call_log_change(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
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

void
cmig_audit_call_log_table(CmigAuditCall *call)
{
	call->values[CMIG_LOG_ROW_HASH] =
		Int64GetDatum((int64) ((uint64) (uint32) call->table->options->table_id << 32));
	call->nulls[CMIG_LOG_ROW_KEY] = true;
	write_entry(call, 300);
}
