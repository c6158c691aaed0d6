/*
 * trigger.c
 *	  The audit trigger.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "optimizer/optimizer.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

#include "audit/internal.h"
#include "store/store.h"

/*
 * Determines the position of log entries within a transaction.
 *
 * Entries are ordered by (seq, command_id, id).  Usually, seq is the id.
 * However, if a statement's triggers run other statements, the entries of
 * these inner statements may be written first, but they must sort after the
 * outer statement's entries.  In this case, the outer statement's entries have
 * the id of the first inner entry as their seq.
 */

/*
 * Maximum number of statements whose positions are remembered in a
 * transaction.
 */
#define MAX_POSITIONS 65536

/* The id of a statement's first entry in the log. */
typedef struct Position
{
	CommandId	command;
	int64		id;
} Position;

static Position *positions = NULL;
static int	position_count = 0;
static int	position_size = 0;	/* all three are reset when a transaction ends */

/*
 * Returns the value of seq for an entry with this id.  "command" is the command
 * ID of the statement whose trigger writes the entry.
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
			positions = positions ? repalloc(positions, sizeof(Position) * position_size) :
				MemoryContextAlloc(TopTransactionContext, sizeof(Position) * position_size);
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

/*
 * Caches information about the tables whose audit triggers have fired.
 *
 * The information is built from the trigger's arguments and the table when the
 * trigger first fires, and again after the table, its schema, or a cast has
 * changed.
 *
 * There is one entry for each trigger.  An invalidation only marks an entry: a
 * running call continues to use it, and the next call rebuilds it.  The old
 * information is kept until the end of the transaction.
 */

/* The information that a trigger needs about its table. */
typedef struct CmigAuditTable
{
	MemoryContext context;		/* memory context of everything in this struct */
	bool		valid;			/* if false, the next call rebuilds the
								 * information */
	bool		recorded;		/* is the table's layout in cmig_audit.layout? */
	bool		skip_logged;	/* has this transaction logged an entry SKIP
								 * for the table? */
	Oid			relation;
	Oid			root;			/* for a partition, the audited ancestor;
								 * otherwise the table itself */
	CmigAuditOptions *options;
	CmigAuditShape shape;
	int			virtual_count;	/* the virtual generated columns of the shape */
	int		   *virtuals;		/* zero-based indexes into a slot's values */
	Expr	  **expressions;	/* the planned expressions */
	Datum		schema_name;
	Datum		table_name;
} CmigAuditTable;

/* The cache entry for a trigger. */
typedef struct AuditTableEntry
{
	Oid			trigger;		/* hash key */
	CmigAuditTable *table;
} AuditTableEntry;

static HTAB *tables = NULL;

/*
 * Invalidation callback: mark the entries of the triggers on a table or, if
 * "relation" is InvalidOid, all entries.
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

/*
 * Invalidation callback for changes of schemas (which may be renamed) and of
 * casts to json: mark all entries.
 */
static void
invalidate_all(Datum arg, int cache, uint32 hash)
{
	invalidate_relation(arg, InvalidOid);
}

/*
 * Discard the information that is valid only in the transaction or
 * subtransaction that ends.  If it is rolled back, the layouts that it recorded
 * do not exist.
 */
static void
reset_entries(bool rolled_back)
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
		entry->table->skip_logged = false;
		if (rolled_back)
			entry->table->recorded = false;
	}
}

/* The extension's owner.  It is looked up once in each transaction. */
static Oid	extension_owner = InvalidOid;

static void
at_transaction_end(XactEvent event, void *arg)
{
	/* a prepared transaction can still be rolled back */
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	reset_entries(event != XACT_EVENT_COMMIT);
	extension_owner = InvalidOid;
	positions = NULL;
	position_count = position_size = 0;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		reset_entries(true);
}

/* Build the information that a trigger needs about its table. */
static CmigAuditTable *
build_table(TriggerData *trigger_data)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig audited table",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Trigger    *trigger = trigger_data->tg_trigger;
	CmigAuditTable *table = palloc0(sizeof(CmigAuditTable));
	Relation	relation = trigger_data->tg_relation;
	Relation	root;
	bool		only_included;

	table->context = context;
	table->valid = true;		/* invalidations may clear it from now on */
	table->relation = RelationGetRelid(relation);
	table->options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	table->root = cmig_audit_trigger_root(table->relation, trigger->tgoid);

	root = table_open(table->root, AccessShareLock);
	/* an include list takes effect even if none of its columns is left */
	only_included = table->options->include != NIL;
	cmig_audit_columns_resolve(table->options, table->root, extension_owner, CMIG_AUDIT_WRITING,
							   NULL);
	cmig_audit_row_shape(&table->shape, table->options, only_included, relation,
						 cmig_audit_layout_key(root, NULL));

	/*
	 * Triggers see null in virtual columns; the log has the values that a
	 * query of the table would have returned.  PostgreSQL allows only
	 * built-in immutable functions and types in them, so no user-defined code
	 * can run here.
	 */
	for (int i = 0; i < table->shape.count; i++)
	{
		int			n = table->shape.columns[i].attno;
		Expr	   *expression = (Expr *) cmig_virtual_column_compat(relation, n + 1);

		if (expression == NULL)
			continue;
		if (table->virtual_count == 0)
		{
			table->virtuals = palloc(sizeof(int) * table->shape.count);
			table->expressions = palloc(sizeof(Expr *) * table->shape.count);
		}
		table->virtuals[table->virtual_count] = n;
		table->expressions[table->virtual_count++] = expression_planner(expression);
	}
	table->schema_name = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(root)));
	table->table_name = CStringGetTextDatum(RelationGetRelationName(root));
	table_close(root, AccessShareLock);
	if (table->options->hash)
	{
		bytea	   *key = cmig_audit_log_hash_key(extension_owner);

		if (key == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the key for hashed columns is missing"),
					 errdetail("Table \"cmig.secret\" has no row named \"audit\". Dumps do not contain keys."),
					 errhint("Restore the old key, or call cmig.enable_audit() for the table to create a new key. Hashes from a new key cannot be compared with the old hashes.")));
		table->shape.hash_key = VARDATA(key);
		table->shape.hash_key_len = VARSIZE(key) - VARHDRSZ;
	}

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	return table;
}

static void
start(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(AuditTableEntry)};

	if (tables != NULL)
		return;
	tables = hash_create("pg_cmig audited tables", 64, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, invalidate_all, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/*
 * Returns the information about the table of a firing trigger, which remains
 * in memory at least until the end of the transaction.
 */
static CmigAuditTable *
table_of(TriggerData *trigger_data)
{
	AuditTableEntry *entry;
	bool		found;
	CmigAuditTable *table;

	entry = hash_search(tables, &trigger_data->tg_trigger->tgoid, HASH_ENTER, &found);
	if (!found)
		entry->table = NULL;
	if (entry->table && entry->table->valid)
		return entry->table;

	table = build_table(trigger_data);
	/* look up the entry again, because build_table() may have moved it */
	entry = hash_search(tables, &trigger_data->tg_trigger->tgoid, HASH_ENTER, &found);
	/* calls of the trigger may still be using the old information */
	if (entry->table)
		MemoryContextSetParent(entry->table->context, TopTransactionContext);
	entry->table = table;
	return table;
}

/*
 * Writes the log entries of one call of the audit trigger.
 *
 * All entries of a call share the values that describe the statement and the
 * session.  Each changed row adds its key and its images.
 */

/* One call of the trigger. */
typedef struct CmigAuditCall
{
	CmigAuditTable *table;
	TimestampTz at;
	CommandId	command;
	MemoryContext batch;		/* memory context for values of entries that
								 * are not flushed yet */
	CmigAuditWriter *writer;	/* opened when the first entry is written */
	CmigAuditPiece *old_pieces;
	CmigAuditPiece *new_pieces;
	bool	   *changed;
	Datum	   *names;
	bool		fills;			/* of the hidden columns of an expansion, does
								 * the statement name the state alone? */
	ExprContext *context;		/* NULL if the table has no virtual columns */
	ExprState **states;			/* for the virtual columns */
	Datum		values[CMIG_LOG_COLUMNS];
	bool		nulls[CMIG_LOG_COLUMNS];
} CmigAuditCall;

/*
 * Set one column of all entries to a string, or to null if the string is NULL
 * or empty.
 */
static void
set_text(CmigAuditCall *call, CmigAuditLogColumn column, const char *value)
{
	call->nulls[column] = !cmig_text_is_given(value);
	if (!call->nulls[column])
		call->values[column] = CStringGetTextDatum(value);
}

/* Returns the client's address, or 0.  It is determined once per session. */
static Datum
client_address(void)
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
	return address;
}

/* The revision that the other library runs, or NULL. */
static const char *
running_revision(void)
{
	static const char *const **revision = NULL;

	if (revision == NULL)
		revision = (const char *const **) find_rendezvous_variable(CMIG_RUNNING_REVISION);
	return *revision ? **revision : NULL;
}

/*
 * Initialize a call, and set the values that all of its entries have in
 * common.
 */
static void
call_begin(CmigAuditCall *call, CmigAuditTable *table, const char *operation)
{
	Size		columns = Max(1, table->shape.count);

	memset(call, 0, sizeof(*call));
	memset(call->nulls, true, sizeof(call->nulls));
	call->table = table;
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
	if (table->virtual_count > 0)
	{
		call->context = CreateStandaloneExprContext();
		call->states = palloc(sizeof(ExprState *) * table->virtual_count);
		for (int i = 0; i < table->virtual_count; i++)
			call->states[i] = ExecInitExpr(table->expressions[i], NULL);
	}

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
	set_text(call, CMIG_LOG_REVISION, running_revision());
	call->values[CMIG_LOG_CLIENT_ADDRESS] = client_address();
	call->nulls[CMIG_LOG_CLIENT_ADDRESS] = call->values[CMIG_LOG_CLIENT_ADDRESS] == (Datum) 0;
	if (table->options->query_length > 0 && debug_query_string)
	{
		int			length = pg_mbcliplen(debug_query_string, strlen(debug_query_string),
										  table->options->query_length);

		call->values[CMIG_LOG_QUERY] =
			PointerGetDatum(cstring_to_text_with_len(debug_query_string, length));
		call->nulls[CMIG_LOG_QUERY] = false;
	}
}

/* Write the entries that have not been flushed yet, and close the log. */
static void
call_end(CmigAuditCall *call)
{
	if (call->writer)
		cmig_audit_writer_close(call->writer);
	if (call->context)
		FreeExprContext(call->context, true);
	call->writer = NULL;
	call->context = NULL;
}

/*
 * Complete the entry and add it to the log.  This may reset call->batch.  The
 * first entry opens the log and records the table's layout if it is new.
 */
static void
write_entry(CmigAuditCall *call, Size size)
{
	CmigAuditTable *table = call->table;
	int64		id;

	if (call->writer == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(call->names));

		call->writer = cmig_audit_writer_open(extension_owner, call->at);
		if (!table->recorded)
		{
			Relation	root = table_open(table->root, AccessShareLock);

			cmig_audit_layout_record(table->options->table_id, root,
									 cmig_audit_log_require(extension_owner));
			table_close(root, AccessShareLock);
			table->recorded = true;

			/*
			 * take the time after writing the layout, which must not be newer
			 * than the entry
			 */
			call->values[CMIG_LOG_CLOCK_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
		}
		MemoryContextSwitchTo(old);
	}
	id = cmig_audit_writer_next_id(call->writer);
	call->values[CMIG_LOG_ID] = Int64GetDatum(id);
	call->values[CMIG_LOG_SEQ] = Int64GetDatum(position_of(call->command, id));
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

	if (table->shape.zoned_key)
	{
		CmigAuditPiece *utc = palloc(sizeof(CmigAuditPiece) * shape->count);

		memcpy(utc, pieces, sizeof(CmigAuditPiece) * shape->count);
		for (int i = 0; i < shape->count; i++)
		{
			CmigAuditColumn *c = &shape->columns[i];

			if (table->shape.key[i] && c->type == TIMESTAMPTZOID && c->hide == CMIG_AUDIT_SHOW &&
				!slot->tts_isnull[c->attno])
				cmig_audit_row_encode_utc(slot->tts_values[c->attno], &utc[i]);
		}
		pieces = utc;
	}
	size = set_image(call, column, pieces, table->shape.key);
	call->values[hash] =
		Int64GetDatum(cmig_audit_log_row_hash(table->options->table_id,
											  call->values[column]));
	call->nulls[hash] = false;
	return size;
}

/* Has a column of the new version changed? */
static bool
hidden_changed(const CmigAuditShape *shape, TupleTableSlot *old, TupleTableSlot *new)
{
	foreach_int(number, shape->hidden)
	{
		int			n = number - 1;
		Form_pg_attribute attribute = TupleDescAttr(old->tts_tupleDescriptor, n);
		CmigAuditColumn column = {.byval = attribute->attbyval,.typlen = attribute->attlen};

		if (!cmig_audit_row_same(&column, old->tts_values[n], old->tts_isnull[n],
								 new->tts_values[n], new->tts_isnull[n]))
			return true;
	}
	return false;
}

/* Log a change.  Virtual columns must already be computed. */
static void
log_slots(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
{
	CmigAuditTable *table = call->table;
	CmigAuditShape *shape = &table->shape;
	const bool *wanted = NULL;	/* columns to include in the images, or NULL
								 * for all */
	bool		key_changed = false;
	Size		size = 300;

	call->nulls[CMIG_LOG_CHANGED] = true;
	if (old && new)
	{
		int			count = 0;

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
				key_changed |= column->in_key;
			}
		}
		/* no entry for a row that is filled, but one for each other write */
		if (count == 0 &&
			(call->fills || (table->options->skip_unchanged && !hidden_changed(shape, old, new))))
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

	/*
	 * Encode the wanted columns and the key columns.  Values that did not
	 * change are encoded once.
	 */
	for (int i = 0; i < shape->count; i++)
	{
		CmigAuditColumn *column = &shape->columns[i];
		int			n = column->attno;

		if (wanted && !wanted[i] && !column->in_key)
			continue;
		if (new)
			cmig_audit_row_encode(shape, column, new->tts_values[n], new->tts_isnull[n],
								  &call->new_pieces[i]);
		if (old && new && !call->changed[i])
			call->old_pieces[i] = call->new_pieces[i];
		else if (old)
			cmig_audit_row_encode(shape, column, old->tts_values[n], old->tts_isnull[n],
								  &call->old_pieces[i]);
	}

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
call_log_change(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new)
{
	MemoryContext caller = MemoryContextSwitchTo(call->batch);
	TupleTableSlot *slots[] = {old, new};

	for (int i = 0; i < lengthof(slots); i++)
	{
		if (slots[i] == NULL)
			continue;
		slot_getallattrs(slots[i]);
		for (int v = 0; v < call->table->virtual_count; v++)
		{
			int			n = call->table->virtuals[v];

			call->context->ecxt_scantuple = slots[i];
			slots[i]->tts_values[n] = ExecEvalExpr(call->states[v], call->context,
												   &slots[i]->tts_isnull[n]);
		}
	}
	log_slots(call, old, new);

	/*
	 * clear the computed values, because other triggers may use the same
	 * slots
	 */
	for (int i = 0; i < lengthof(slots) && call->context; i++)
	{
		for (int v = 0; slots[i] && v < call->table->virtual_count; v++)
		{
			slots[i]->tts_values[call->table->virtuals[v]] = (Datum) 0;
			slots[i]->tts_isnull[call->table->virtuals[v]] = true;
		}
	}
	MemoryContextSwitchTo(caller);
}

/*
 * The trigger that writes the audit log.
 *
 * The same function serves row-level triggers and statement-level triggers
 * with transition tables.  It runs as the role that fires the trigger.  This
 * role needs no privileges, because the log is written by direct table access
 * (log.c).
 */

PG_FUNCTION_INFO_V1(cmig_audit_trigger);

/*
 * Is cmig.audit_skip set?  It is defined by the other library, which is loaded
 * if there is a value: what a role set before that is not valid unless it may
 * set it.
 */
static bool
skips(void)
{
	static bool loaded = false;

	if (!loaded && GetConfigOption("cmig.audit_skip", true, false) == NULL)
		return false;
	if (!loaded)
		load_file("$libdir/pg_cmig", false);
	loaded = true;
	return strcmp(GetConfigOption("cmig.audit_skip", false, false), "on") == 0;
}

/*
 * Returns a slot for the rows of a transition table, and prepares to read them
 * from the first one, or returns NULL if there is no table.
 */
static TupleTableSlot *
begin_transition(Tuplestorestate *store, TupleDesc desc)
{
	if (store == NULL)
		return NULL;
	tuplestore_select_read_pointer(store,
								   tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
	return MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
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
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;

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
	old_slot = begin_transition(old_rows, desc);
	new_slot = begin_transition(new_rows, desc);

	for (;;)
	{
		bool		more_old = old_rows && tuplestore_gettupleslot(old_rows, true, false, old_slot);
		bool		more_new = new_rows && tuplestore_gettupleslot(new_rows, true, false, new_slot);

		if (old_rows && new_rows && more_old != more_new)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the audit cannot log an UPDATE that loses rows of partitioned table \"%s\"",
							RelationGetRelationName(trigger_data->tg_relation)),
					 errdetail("A trigger has discarded a row that moved to another partition."),
					 errhint("To log each row: SELECT cmig.enable_audit(%s, level => 'row')",
							 quote_literal_cstr(cmig_query_relation_name(table)))));
		if (!more_old && !more_new)
			break;
		if (old_slot)
			old_slot->tts_tableOid = table;
		if (new_slot)
			new_slot->tts_tableOid = table;
		call_log_change(call, old_slot, new_slot);
		CHECK_FOR_INTERRUPTS();
	}
	call_end(call);
	if (old_slot)
		ExecDropSingleTupleTableSlot(old_slot);
	if (new_slot)
		ExecDropSingleTupleTableSlot(new_slot);
	MemoryContextDelete(call->batch);
}

/*
 * Returns true if another trigger, which was cloned from a partitioned table,
 * logs the same change, so that the partition's own trigger must not log it
 * again.
 */
static bool
is_logged_by_clone(const TriggerData *trigger_data, Oid function)
{
	TriggerDesc *triggers;
	TriggerEvent event = trigger_data->tg_event;

	if (trigger_data->tg_trigger->tgisclone || !trigger_data->tg_relation->rd_rel->relispartition)
		return false;
	triggers = CopyTriggerDesc(trigger_data->tg_relation->trigdesc);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];
		bool		fires = other->tgenabled == TRIGGER_FIRES_ALWAYS ||
		other->tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
							 TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);

		if (fires && other->tgisclone && other->tgfoid == function && other->tgqual == NULL &&
			other->tgnattr == 0 &&
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
	TriggerEvent event;
	List	   *named = NIL;
	int			guc_level;
	bool		skip;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger_data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.audit_trigger() can only be called as an AFTER trigger"),
				 errhint("Use cmig.enable_audit() to create audit triggers.")));

	if (trigger_data->tg_relation->rd_rel->relispartition &&
		is_logged_by_clone(trigger_data, fcinfo->flinfo->fn_oid))
		return PointerGetDatum(NULL);
	event = trigger_data->tg_event;
	start();
	skip = skips();
	if (!OidIsValid(extension_owner))
		extension_owner = cmig_audit_log_extension_owner();
	table = table_of(trigger_data);
	if (skip && table->skip_logged)
		return PointerGetDatum(NULL);

	guc_level = cmig_audit_row_pin(table->shape.utc, table->shape.names);
	call_begin(&call, table,
			   skip ? "SKIP" :
			   TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" :
			   TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
			   TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE");
	foreach_int(number, TRIGGER_FIRED_BY_UPDATE(event) ? table->shape.hidden : NIL)
	{
		if (bms_is_member(number - FirstLowInvalidHeapAttributeNumber,
						  trigger_data->tg_updatedcols))
			named = lappend_int(named, number);
	}
	call.fills = list_length(named) == 1 &&
		linitial_int(named) == get_attnum(table->relation, CMIG_STATE_COLUMN);
	if (skip || TRIGGER_FIRED_BY_TRUNCATE(event))
	{
		/* an operation on the whole table */
		call.values[CMIG_LOG_ROW_HASH] =
			Int64GetDatum((int64) ((uint64) (uint32) table->options->table_id << 32));
		call.nulls[CMIG_LOG_ROW_KEY] = true;
		write_entry(&call, 300);
		table->skip_logged |= skip;
	}
	else if (TRIGGER_FIRED_FOR_ROW(event))
		call_log_change(&call,
						TRIGGER_FIRED_BY_INSERT(event) ? NULL : trigger_data->tg_trigslot,
						TRIGGER_FIRED_BY_INSERT(event) ? trigger_data->tg_trigslot :
						TRIGGER_FIRED_BY_UPDATE(event) ? trigger_data->tg_newslot : NULL);
	else
		log_statement_rows(&call, trigger_data);
	call_end(&call);
	if (guc_level > 0)
		AtEOXact_GUC(false, guc_level);
	return PointerGetDatum(NULL);
}
