/*
 * audit_trigger.c
 *	  The trigger that writes the audit log.
 *
 * One C function for row level and for statement level with transition
 * tables.  It runs with the rights of whoever fires it and needs none: the
 * log is written by direct table access (audit_writer.c).  What a trigger
 * needs to know of its table is kept in the session until the table changes.
 *
 * Entries are ordered by (seq, command_id, id).  seq is the id, except that a
 * statement whose entries are written after those of statements that it fired
 * sorts before them: it then takes the id of the first of those.
 */
#include "postgres.h"

#include "compat.h"
#include "errors.h"
#include "query.h"
#include "runner.h"
#include "audit_layout.h"
#include "audit_log.h"
#include "audit_options.h"
#include "audit_row.h"
#include "audit_trigger.h"
#include "audit_virtual.h"

#include "access/table.h"
#include "access/xact.h"
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
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

/* So many statements of a transaction are remembered for the order. */
#define MAX_POSITIONS 65536

PG_FUNCTION_INFO_V1(cmig_audit_trigger);

static bool audit_skip = false;

/* What a trigger knows of its table. */
typedef struct AuditTable
{
	MemoryContext context;		/* holds everything here */
	bool		valid;
	int			busy;			/* calls that use it now */
	bool		recorded;		/* its layout is in cmig_audit.layout */
	bool		skip_logged;	/* in this transaction */
	Oid			relation;
	Oid			root;			/* of a partition, otherwise the same */
	CmigAuditOptions *options;
	CmigAuditShape shape;
	CmigAuditVirtual virtuals;
	bool	   *key;			/* which columns are the key */
	bool		whole_row_key;
	bool		zoned_key;		/* a key column is a timestamptz */
	Datum		schema_name;
	Datum		table_name;
} AuditTable;

typedef struct AuditTableEntry
{
	Oid			trigger;		/* hash key */
	AuditTable *table;
} AuditTableEntry;

/* One call of the trigger. */
typedef struct AuditCall
{
	AuditTable *table;
	Oid			extension_owner;
	TimestampTz at;
	CommandId	command;
	MemoryContext batch;		/* what entries point to, until flushed */
	CmigAuditWriter *writer;	/* opened by the first entry */
	CmigAuditPiece *old_pieces;
	CmigAuditPiece *new_pieces;
	bool	   *changed;
	Datum	   *names;
	CmigAuditVirtualState virtuals;
	Datum		values[CMIG_LOG_COLUMNS];
	bool		nulls[CMIG_LOG_COLUMNS];
} AuditCall;

/* The first entry of each statement of this transaction. */
typedef struct Position
{
	CommandId	command;
	int64		id;
} Position;

static HTAB *tables = NULL;
static Position *positions = NULL;
static int	position_count = 0;
static int	position_size = 0;

/*
 * The session's knowledge of tables
 */

static void
invalidate_relation(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	AuditTableEntry *entry;

	if (tables == NULL)
		return;
	hash_seq_init(&status, tables);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->table && (!OidIsValid(relation) || entry->table->relation == relation ||
							 entry->table->root == relation))
			entry->table->valid = false;
	}
}

/* A schema was renamed, or a cast to json made. */
static void
invalidate_all(Datum arg, int cache, uint32 hash)
{
	invalidate_relation(arg, InvalidOid);
}

/* What was written in a transaction that is rolled back is not there. */
static void
forget_written(bool end)
{
	HASH_SEQ_STATUS status;
	AuditTableEntry *entry;

	if (tables == NULL)
		return;
	hash_seq_init(&status, tables);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->table == NULL)
			continue;
		entry->table->recorded = false;
		entry->table->skip_logged = false;
		if (end)
			entry->table->busy = 0;
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS status;
	AuditTableEntry *entry;

	switch (event)
	{
		case XACT_EVENT_ABORT:
			forget_written(true);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			if (tables == NULL)
				break;
			hash_seq_init(&status, tables);
			while ((entry = hash_seq_search(&status)) != NULL)
			{
				if (entry->table == NULL)
					continue;
				entry->table->skip_logged = false;
				/* a prepared transaction may still be rolled back */
				if (event == XACT_EVENT_PREPARE)
					entry->table->recorded = false;
			}
			break;
		default:
			return;
	}
	if (positions)
		pfree(positions);
	positions = NULL;
	position_count = position_size = 0;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_written(false);
}

void
cmig_audit_trigger_init(void)
{
	/*
	 * cmig.audit_skip: changes are not logged, for bulk loads.  Superusers
	 * set it, and those to whom it was granted; one entry a transaction and
	 * table says that it was used.
	 */
	DefineCustomBoolVariable("cmig.audit_skip",
							 "Changes of audited tables are not logged.",
							 "One entry with the operation SKIP is logged in each transaction and table.",
							 &audit_skip, false, PGC_SUSET, 0, NULL, NULL, NULL);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, invalidate_all, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static CmigQuery read_hash_key = {
	"SELECT s.value::bytea FROM cmig.secret s WHERE s.name = 'audit'", 0
};

static void
take_key(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, 1, &isnull);

	if (!isnull)
		*(bytea **) arg = DatumGetByteaPCopy(value);
}

bytea *
cmig_audit_trigger_hash_key(Oid extension_owner)
{
	CmigAuditRole saved;
	bytea	   *key = NULL;

	cmig_audit_log_become(&saved, extension_owner);
	cmig_query_each(&read_hash_key, NULL, NULL, take_key, &key);
	cmig_audit_log_return(&saved);
	return key;
}

static void
set_hash_key(AuditTable *table, Oid extension_owner)
{
	bytea	   *key;

	if (table->options->hash == NIL)
		return;
	key = cmig_audit_trigger_hash_key(extension_owner);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key for hashed columns is missing"),
				 errdetail("cmig.secret has no row \"audit\"; keys are not part of a dump."),
				 errhint("Put the old key back, or call cmig.enable_audit() for the table: it makes a new one, whose hashes cannot be compared with the old ones.")));
	table->shape.hash_key = VARDATA(key);
	table->shape.hash_key_len = VARSIZE(key) - VARHDRSZ;
}

/* Is a column part of the log's images? */
static bool
is_shown(const CmigAuditOptions *options, const List *key, const char *name)
{
	ListCell   *lc;

	if (cmig_audit_options_has(options->exclude, name))
		return false;
	if (options->include == NIL || cmig_audit_options_has(options->include, name) ||
		cmig_audit_options_has(options->redact, name) ||
		cmig_audit_options_has(options->hash, name))
		return true;
	foreach(lc, key)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

static void
build_shape(AuditTable *table, TupleDesc desc, List *key)
{
	CmigAuditShape *shape = &table->shape;
	int			key_count = 0;

	shape->truncate = table->options->truncate;
	shape->columns = palloc0(sizeof(CmigAuditColumn) * Max(1, desc->natts));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		CmigAuditColumn *column = &shape->columns[shape->count];
		const char *name = NameStr(attribute->attname);
		ListCell   *lc;

		if (attribute->attisdropped || !is_shown(table->options, key, name))
			continue;
		column->hide = cmig_audit_options_has(table->options->hash, name) ? CMIG_AUDIT_HASH :
			cmig_audit_options_has(table->options->redact, name) ? CMIG_AUDIT_REDACT :
			CMIG_AUDIT_SHOW;
		cmig_audit_row_column(column, attribute);
		foreach(lc, key)
		{
			if (strcmp(lfirst(lc), name) == 0)
				column->in_key = true;
		}
		key_count += column->in_key;
		shape->count++;
	}
	cmig_audit_row_sort(shape);

	/* Without a key the whole row is one. */
	table->whole_row_key = key_count == 0;
	table->key = palloc0(sizeof(bool) * Max(1, shape->count));
	for (int i = 0; i < shape->count; i++)
	{
		if (table->whole_row_key)
			shape->columns[i].in_key = true;
		table->key[i] = shape->columns[i].in_key;
		if (table->key[i] && shape->columns[i].kind == CMIG_AUDIT_DATETIME &&
			shape->columns[i].type == TIMESTAMPTZOID)
			table->zoned_key = true;
	}
}

static AuditTable *
build_table(TriggerData *trigger_data, Oid extension_owner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig audited table",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Trigger    *trigger = trigger_data->tg_trigger;
	AuditTable *table = palloc0(sizeof(AuditTable));
	Relation	root;

	table->context = context;
	table->valid = true;		/* an invalidation on the way clears it */
	table->relation = RelationGetRelid(trigger_data->tg_relation);
	table->options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	table->root = cmig_audit_options_root(table->relation, trigger->tgoid);

	root = table_open(table->root, AccessShareLock);
	cmig_audit_options_resolve(table->options, root);
	build_shape(table, RelationGetDescr(trigger_data->tg_relation),
				cmig_audit_layout_key(root));
	cmig_audit_virtual_find(&table->virtuals, trigger_data->tg_relation, &table->shape);
	table->schema_name = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(root)));
	table->table_name = CStringGetTextDatum(RelationGetRelationName(root));
	table_close(root, AccessShareLock);
	set_hash_key(table, extension_owner);

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	return table;
}

static AuditTable *
get_table(TriggerData *trigger_data, Oid extension_owner)
{
	AuditTableEntry *entry;
	bool		found;
	AuditTable *table;

	if (tables == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(AuditTableEntry);
		tables = hash_create("pg_cmig audited tables", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(tables, &trigger_data->tg_trigger->tgoid, HASH_ENTER, &found);
	if (!found)
		entry->table = NULL;
	if (entry->table && entry->table->valid)
		return entry->table;

	table = build_table(trigger_data, extension_owner);
	/* building may have moved the entries */
	entry = hash_search(tables, &trigger_data->tg_trigger->tgoid, HASH_ENTER, &found);
	if (entry->table && entry->table->busy == 0)
		MemoryContextDelete(entry->table->context);
	entry->table = table;
	return table;
}

/*
 * What is the same for all entries of a call
 */

static void
set_text(AuditCall *call, CmigAuditLogColumn column, const char *value)
{
	call->nulls[column] = value == NULL || value[0] == '\0';
	if (!call->nulls[column])
		call->values[column] = CStringGetTextDatum(value);
}

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

static void
begin_call(AuditCall *call, AuditTable *table, Oid extension_owner, const char *operation)
{
	Size		columns = Max(1, table->shape.count);

	memset(call, 0, sizeof(*call));
	memset(call->nulls, true, sizeof(call->nulls));
	call->table = table;
	call->extension_owner = extension_owner;
	call->at = GetCurrentTransactionStartTimestamp();
	call->batch = CurrentMemoryContext;

	/*
	 * The snapshot of the statement that fired the trigger tells which
	 * statement it was; others may have run in between.
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
	set_text(call, CMIG_LOG_REVISION, cmig_runner_current());
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

/* Where an entry of a statement stands in the order; see above. */
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

static void
open_log(AuditCall *call)
{
	AuditTable *table = call->table;

	call->writer = cmig_audit_writer_open(call->extension_owner, call->at);
	if (!table->recorded)
	{
		Relation	root = table_open(table->root, AccessShareLock);

		cmig_audit_layout_record(table->options->table_id, root,
								 cmig_audit_log_require(call->extension_owner));
		table_close(root, AccessShareLock);
		table->recorded = true;
		/* not before the layout was recorded */
		call->values[CMIG_LOG_CLOCK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	}
}

/* Complete the entry and hand it over; the batch's memory may be freed. */
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
 * The key of a row.  It must not depend on the session's time zone, as the
 * images do.
 */
static Size
set_key(AuditCall *call, CmigAuditLogColumn column, CmigAuditLogColumn hash,
		TupleTableSlot *slot, const CmigAuditPiece *pieces)
{
	AuditTable *table = call->table;
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

/* The pieces of a row, where wanted; those that are the same are taken over. */
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

/* Which columns did an update change?  Returns how many. */
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

/* The entry of log_change(), from slots that are complete. */
static void
log_slots(AuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
{
	AuditTable *table = call->table;
	const bool *wanted = NULL;	/* columns of the images; NULL is all */
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
		/* with a new key, the images are those of two rows */
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
 * Log the change of one row: old is NULL for an insert, new for a delete.
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
	/* other triggers may get the same slots */
	if (old)
		cmig_audit_virtual_clear(&call->virtuals, old);
	if (new)
		cmig_audit_virtual_clear(&call->virtuals, new);
	MemoryContextSwitchTo(caller);
}

/* An entry for the table as a whole: TRUNCATE and SKIP. */
static void
log_table(AuditCall *call)
{
	call->values[CMIG_LOG_ROW_HASH] =
		Int64GetDatum((int64) ((uint64) (uint32) call->table->options->table_id << 32));
	call->nulls[CMIG_LOG_ROW_KEY] = true;
	write_entry(call, 300);
}

static void
rewind_transition(Tuplestorestate *store)
{
	tuplestore_select_read_pointer(store,
								   tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

/*
 * The rows of a statement.  The old and new rows of an update stand in the
 * same order in their transition tables.
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

	if (old_rows == NULL && new_rows == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("an audit trigger at statement level needs transition tables"),
				 errhint("Audit triggers are made by cmig.enable_audit().")));
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

Datum
cmig_audit_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger_data = (TriggerData *) fcinfo->context;
	AuditTable *table;
	AuditCall	call;
	Oid			extension_owner;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger_data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.audit_trigger() can only be called as an AFTER trigger"),
				 errhint("Audit triggers are made by cmig.enable_audit().")));

	extension_owner = cmig_audit_log_extension_owner(fcinfo->flinfo->fn_oid);
	table = get_table(trigger_data, extension_owner);
	if (audit_skip && table->skip_logged)
		return PointerGetDatum(NULL);

	table->busy++;
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
	table->busy--;
	return PointerGetDatum(NULL);
}
