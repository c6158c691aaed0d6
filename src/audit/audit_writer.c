/*
 * audit_writer.c
 *	  Writes rows to cmig_audit.log by direct table access.
 *
 * All entries of a transaction have the same transaction_at, so they all go to
 * one partition, which is looked up once for each statement.  Rows are
 * collected and inserted together.  The parent is locked as for an INSERT, so
 * that the partition cannot be detached in the meantime.
 *
 * Columns are looked up by name and type: a partition may have them in another
 * order, and columns that the owner has added remain null.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_log.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/role.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The limits at which the collected rows are inserted. */
#define BATCH_ROWS 500
#define BATCH_BYTES (256 * 1024)

/* A column of cmig_audit.log. */
typedef struct LogColumn
{
	const char *name;
	Oid			type;
} LogColumn;

/* The columns of the log, in the order of CmigAuditLogColumn. */
static const LogColumn log_columns[CMIG_LOG_COLUMNS] = {
	{"id", INT8OID},
	{"seq", INT8OID},
	{"transaction_id", XID8OID},
	{"transaction_at", TIMESTAMPTZOID},
	{"clock_at", TIMESTAMPTZOID},
	{"row_hash", INT8OID},
	{"old_hash", INT8OID},
	{"table_id", INT4OID},
	{"command_id", INT8OID},
	{"backend_pid", INT4OID},
	{"operation", TEXTOID},
	{"schema_name", TEXTOID},
	{"table_name", TEXTOID},
	{"row_key", JSONBOID},
	{"old_key", JSONBOID},
	{"old_row", JSONBOID},
	{"new_row", JSONBOID},
	{"changed", TEXTARRAYOID},
	{"user_id", TEXTOID},
	{"tenant_id", TEXTOID},
	{"role", TEXTOID},
	{"session_role", TEXTOID},
	{"application_name", TEXTOID},
	{"client_address", INETOID},
	{"revision", TEXTOID},
	{"reason", TEXTOID},
	{"request_id", TEXTOID},
	{"query", TEXTOID}
};

/* A partition of the log, open for writing. */
struct CmigAuditWriter
{
	MemoryContext context;		/* memory context of the writer */
	MemoryContext work;			/* reset after each flush */
	Relation	parent;			/* cmig_audit.log */
	Relation	leaf;			/* the partition */
	Oid			sequence;		/* the sequence for the ids */
	Oid			owner;			/* the owner of the partition */
	int			index_count;
	Relation   *indexes;
	IndexInfo **infos;
	bool		needs_executor; /* does an index require an executor state? */
	EState	   *estate;
	BulkInsertState bulk;
	AttrNumber	map[CMIG_LOG_COLUMNS];	/* indexes into the leaf's columns,
										 * starting at 0 */
	int			count;			/* number of collected rows */
	Size		bytes;
	int			slot_count;
	TupleTableSlot **slots;
};

pg_noreturn static void raise_altered(Relation relation, const char *detail);

static void
raise_altered(Relation relation, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit log cannot be written"),
			 errdetail("Relation \"%s.%s\" was altered. %s", get_namespace_name(RelationGetNamespace(relation)),
					   RelationGetRelationName(relation), detail),
			 errhint("The owner of the log must restore the definition that cmig.enable_audit() created.")));
}

/*
 * Returns the OID of the partition for entries of a transaction that began at
 * the time "at".
 */
static Oid
find_partition(Relation parent, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionDesc desc = RelationGetPartitionDesc(parent, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			part = -1;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 ||
		key->partattrs[0] == 0 || key->parttypid[0] != TIMESTAMPTZOID)
		raise_altered(parent, "It is not partitioned by range of transaction_at.");
	if (desc->nparts > 0)
	{
		int			offset = partition_range_datum_bsearch(key->partsupfunc,
														   key->partcollation,
														   bounds, 1, &value, &equal);

		part = bounds->indexes[offset + 1];
		if (part < 0)
			part = bounds->default_index;
	}
	if (part < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("no partition of the audit log accepts entries of the current transaction"),
				 errhint("To create the partitions, including the default partition: CALL cmig.audit_retain(NULL)")));
	if (!desc->is_leaf[part])
		raise_altered(parent, "A partition is itself partitioned.");
	return desc->oids[part];
}

/*
 * Open the partition for entries of a transaction that began at the time "at".
 * While this session waits for the lock on a partition, another partition that
 * accepts the entries may be created, so look for the partition again
 * afterward.
 */
static Relation
open_partition(Relation parent, TimestampTz at)
{
	Oid			oid = find_partition(parent, at);

	for (;;)
	{
		Relation	leaf = table_open(oid, RowExclusiveLock);

		oid = find_partition(parent, at);
		if (oid == RelationGetRelid(leaf))
			return leaf;
		table_close(leaf, RowExclusiveLock);
	}
}

/* Find out which columns of the partition correspond to the log's columns. */
static void
map_columns(CmigAuditWriter *writer)
{
	TupleDesc	desc = RelationGetDescr(writer->leaf);
	bool		known[MaxHeapAttributeNumber] = {false};

	for (int i = 0; i < CMIG_LOG_COLUMNS; i++)
	{
		/* first look at the column's usual position */
		int			n = i;

		if (n >= desc->natts ||
			strcmp(NameStr(TupleDescAttr(desc, n)->attname), log_columns[i].name) != 0)
		{
			for (n = 0; n < desc->natts; n++)
				if (strcmp(NameStr(TupleDescAttr(desc, n)->attname),
						   log_columns[i].name) == 0)
					break;
		}
		if (n >= desc->natts || TupleDescAttr(desc, n)->attisdropped ||
			TupleDescAttr(desc, n)->atttypid != log_columns[i].type ||
			TupleDescAttr(desc, n)->attgenerated)
			raise_altered(writer->leaf,
						  psprintf("Column \"%s\" is missing or has another type.",
								   log_columns[i].name));
		writer->map[i] = n;
		known[n] = true;
	}
	for (int n = 0; n < desc->natts; n++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, n);

		if (!known[n] && !attribute->attisdropped &&
			(attribute->attnotnull || attribute->attgenerated))
			raise_altered(writer->leaf,
						  psprintf("The added column \"%s\" must be nullable and must not be generated.",
								   NameStr(attribute->attname)));
	}
}

/*
 * Returns true if the function is neither built in nor owned by the given role
 * or a superuser.
 */
static bool
is_foreign_function(Oid function, void *owner)
{
	HeapTuple	tuple;
	Oid			proowner;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	proowner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return proowner != *(Oid *) owner && !superuser_arg(proowner);
}

/*
 * Returns true if the expression checks a domain's constraints, or calls a
 * function for which is_foreign_function() is true.
 */
static bool
calls_foreign(Node *node, void *owner)
{
	return node != NULL &&
		(check_functions_in_node(node, is_foreign_function, owner) ||
		 IsA(node, CoerceToDomain) || expression_tree_walker(node, calls_foreign, owner));
}

static void
open_indexes(CmigAuditWriter *writer)
{
	List	   *oids = RelationGetIndexList(writer->leaf);
	ListCell   *lc;

	writer->indexes = palloc(sizeof(Relation) * Max(1, list_length(oids)));
	writer->infos = palloc(sizeof(IndexInfo *) * Max(1, list_length(oids)));
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);

		if (info->ii_ExclusionOps)
			raise_altered(writer->leaf, "It has an exclusion constraint.");
		if (calls_foreign((Node *) info->ii_Expressions, &writer->owner) ||
			calls_foreign((Node *) info->ii_Predicate, &writer->owner))
			raise_altered(writer->leaf, "An index calls a function of another role.");
		writer->indexes[writer->index_count] = index;
		writer->infos[writer->index_count++] = info;
		if (info->ii_Expressions ||
			(info->ii_Predicate && !IsA(linitial(info->ii_Predicate), NullTest)))
			writer->needs_executor = true;
	}
	list_free(oids);
}

CmigAuditWriter *
cmig_audit_writer_open(Oid extension_owner, TimestampTz at)
{
	CmigAuditWriter *writer = palloc0(sizeof(CmigAuditWriter));
	Oid			log = cmig_audit_log_relation();
	CmigRole	saved;
	int			guc_level;

	if (!OidIsValid(log))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no audit log in this database"),
				 errhint("To create the audit log, call cmig.enable_audit() for the audited table again. To stop auditing the table, call cmig.disable_audit()")));
	writer->context = CurrentMemoryContext;
	writer->parent = table_open(log, RowExclusiveLock);
	if (writer->parent->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		raise_altered(writer->parent, "It is not a partitioned table.");
	if (!cmig_audit_log_trusted(writer->parent->rd_rel->relowner, extension_owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot write to the audit log, because it belongs to role \"%s\"",
						GetUserNameFromId(writer->parent->rd_rel->relowner, true)),
				 errdetail("Entries are written only to a log that belongs to the extension's owner, \"%s\".",
						   GetUserNameFromId(extension_owner, true))));

	/*
	 * The server evaluates functions in the partition key and in indexes when
	 * it reads them into its cache.  These functions run as the owner, not as
	 * the role whose changes are logged.  Settings that the functions change
	 * do not remain in the session.
	 */
	guc_level = NewGUCNestLevel();
	cmig_role_act_as(&saved, writer->parent->rd_rel->relowner);
	writer->leaf = open_partition(writer->parent, at);
	cmig_role_return(&saved);
	if (writer->leaf->rd_rel->relkind != RELKIND_RELATION)
		raise_altered(writer->leaf, "It is not a plain table.");
	writer->owner = writer->leaf->rd_rel->relowner;
	if (writer->owner != writer->parent->rd_rel->relowner &&
		!cmig_audit_log_trusted(writer->owner, extension_owner))
		raise_altered(writer->leaf, "Its owner is not the owner of the log.");
	map_columns(writer);
	cmig_role_act_as(&saved, writer->owner);
	open_indexes(writer);
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
	writer->sequence = get_relname_relid("log_id_seq", RelationGetNamespace(writer->parent));
	if (!OidIsValid(writer->sequence))
		raise_altered(writer->parent, "The sequence \"log_id_seq\" does not exist.");
	writer->slots = palloc(sizeof(TupleTableSlot *) * BATCH_ROWS);
	return writer;
}

bool
cmig_audit_writer_takes(CmigAuditWriter *writer, TimestampTz at)
{
	return find_partition(writer->parent, at) == RelationGetRelid(writer->leaf);
}

/*
 * Ids
 *
 * Restoring a dump over the database sets the sequence back, so that newer
 * entries would sort before older ones.  A session therefore compares its first
 * id with the newest one in the log, and does so again whenever the sequence
 * returns an id that is not greater than the session's last one.
 */

/*
 * Ids of at least this size are ignored: only the log's owner can have written
 * them, by hand.
 */
#define MAX_ID (INT64CONST(1) << 62)

/*
 * If the sequence is further behind the newest id than this, the sequence is
 * set instead of incremented repeatedly.
 */
#define MAX_COUNTED 10000

/* The session's last id, and the sequence from which it comes. */
static Oid	known_sequence = InvalidOid;
static int64 known_id = 0;

/* Can the newest id be read from the end of this index? */
static bool
is_index_of_ids(Relation index, AttrNumber column)
{
	return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		index->rd_index->indkey.values[0] == column &&
		(index->rd_indoption[0] & INDOPTION_DESC) == 0 &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/*
 * Returns the largest id in a partition, or 0 if the partition has no entry or
 * no index on the id.  SnapshotAny is used because uncommitted entries count,
 * too, and because a serializable transaction must not fail because of this
 * read.
 */
static int64
newest_id_of(Relation part)
{
	AttrNumber	column = get_attnum(RelationGetRelid(part), "id");
	int64		newest = 0;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(part))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (is_index_of_ids(index, column))
		{
			ScanKeyData key;
			SysScanDesc scan;
			HeapTuple	tuple;
			bool		isnull = true;

			ScanKeyInit(&key, column, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(MAX_ID));
			scan = systable_beginscan_ordered(part, index, SnapshotAny, 1, &key);
			tuple = systable_getnext_ordered(scan, BackwardScanDirection);
			if (HeapTupleIsValid(tuple))
			{
				Datum		id = heap_getattr(tuple, column, RelationGetDescr(part), &isnull);

				newest = isnull ? newest : Max(newest, DatumGetInt64(id));
			}
			systable_endscan_ordered(scan);
		}
		index_close(index, AccessShareLock);
	}
	return newest;
}

/*
 * Returns the largest id in the log.  Partitions that other sessions have
 * locked to create or drop them are skipped.
 */
static int64
newest_id(const CmigAuditWriter *writer)
{
	PartitionDesc desc = RelationGetPartitionDesc(writer->parent, true);
	int64		newest = 0;

	for (int i = 0; i < desc->nparts; i++)
	{
		Relation	part;

		if (!ConditionalLockRelationOid(desc->oids[i], AccessShareLock))
			continue;
		part = try_relation_open(desc->oids[i], NoLock);
		if (part && part->rd_rel->relkind == RELKIND_RELATION)
			newest = Max(newest, newest_id_of(part));
		if (part)
			relation_close(part, NoLock);
		UnlockRelationOid(desc->oids[i], AccessShareLock);
	}
	return newest;
}

/*
 * Returns an id that is greater than "newest", the newest id in the log.  "id"
 * is the value just taken from the sequence.  Several sessions may run this at
 * the same time: nextval() never moves the sequence back, and neither does the
 * call of setval(), as long as other sessions take fewer than MAX_COUNTED ids
 * in the meantime.
 */
static int64
id_after(CmigAuditWriter *writer, int64 id, int64 newest)
{
	if (newest - id > MAX_COUNTED)
	{
		CmigRole	saved;

		cmig_role_act_as_owner(&saved, writer->parent->rd_rel->relowner);
		(void) DirectFunctionCall2(setval_oid, ObjectIdGetDatum(writer->sequence),
								   Int64GetDatum(newest));
		cmig_role_return(&saved);
	}
	while (id <= newest)
		id = nextval_internal(writer->sequence, false);
	return id;
}

int64
cmig_audit_writer_next_id(CmigAuditWriter *writer)
{
	int64		id = nextval_internal(writer->sequence, false);

	if (known_sequence != writer->sequence)
	{
		known_sequence = writer->sequence;
		known_id = newest_id(writer);
	}
	else if (id <= known_id)
		known_id = Max(known_id, newest_id(writer));
	known_id = id_after(writer, id, known_id);
	return known_id;
}

static void
make_estate(CmigAuditWriter *writer)
{
	MemoryContext old = MemoryContextSwitchTo(writer->context);

	writer->estate = CreateExecutorState();
	MemoryContextSwitchTo(old);
}

/*
 * Returns true if the row belongs in the index.  A predicate of the form
 * "column IS NOT NULL" is evaluated without the executor.
 */
static bool
index_takes(CmigAuditWriter *writer, IndexInfo *info, TupleTableSlot *slot)
{
	Node	   *predicate;

	if (info->ii_Predicate == NIL)
		return true;
	predicate = linitial(info->ii_Predicate);
	if (list_length(info->ii_Predicate) == 1 && IsA(predicate, NullTest) &&
		IsA(((NullTest *) predicate)->arg, Var))
	{
		NullTest   *test = (NullTest *) predicate;
		bool		isnull = slot_attisnull(slot, ((Var *) test->arg)->varattno);

		return test->nulltesttype == IS_NULL ? isnull : !isnull;
	}
	if (writer->estate == NULL)
		make_estate(writer);
	if (info->ii_PredicateState == NULL)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, writer->estate);
	GetPerTupleExprContext(writer->estate)->ecxt_scantuple = slot;
	return ExecQual(info->ii_PredicateState, GetPerTupleExprContext(writer->estate));
}

/* Insert index entries for the row into all of the partition's indexes. */
static void
index_row(CmigAuditWriter *writer, TupleTableSlot *slot)
{
	for (int i = 0; i < writer->index_count; i++)
	{
		Relation	index = writer->indexes[i];
		IndexInfo  *info = writer->infos[i];
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		if (!info->ii_ReadyForInserts || !index_takes(writer, info, slot))
			continue;
		if (info->ii_Expressions)
		{
			if (writer->estate == NULL)
				make_estate(writer);
			GetPerTupleExprContext(writer->estate)->ecxt_scantuple = slot;
		}
		FormIndexDatum(info, slot, writer->estate, values, nulls);
		index_insert(index, values, nulls, &slot->tts_tid, writer->leaf,
					 index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, info);
		if (writer->estate)
			ResetPerTupleExprContext(writer->estate);
	}
}

/* Insert the collected rows, as the log's owner. */
static void
flush(CmigAuditWriter *writer)
{
	MemoryContext old;
	CmigRole	saved;
	int			guc_level = 0;

	if (writer->count == 0)
		return;
	if (writer->count > 1 && writer->bulk == NULL)
	{
		old = MemoryContextSwitchTo(writer->context);
		writer->bulk = GetBulkInsertState();
		writer->work = AllocSetContextCreate(writer->context, "pg_cmig audit flush",
											 ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(writer->work ? writer->work : writer->context);
	cmig_role_act_as_owner(&saved, writer->owner);
	if (writer->needs_executor)
		guc_level = NewGUCNestLevel();

	if (writer->count == 1)
		table_tuple_insert(writer->leaf, writer->slots[0], GetCurrentCommandId(true), 0, NULL);
	else
		table_multi_insert(writer->leaf, writer->slots, writer->count,
						   GetCurrentCommandId(true), 0, writer->bulk);
	for (int i = 0; i < writer->count; i++)
	{
		index_row(writer, writer->slots[i]);
		ExecClearTuple(writer->slots[i]);
	}

	if (guc_level > 0)
		AtEOXact_GUC(false, guc_level);
	cmig_role_return(&saved);
	MemoryContextSwitchTo(old);
	if (writer->work)
		MemoryContextReset(writer->work);
	writer->count = 0;
	writer->bytes = 0;
}

bool
cmig_audit_writer_add(CmigAuditWriter *writer, const Datum *values, const bool *nulls,
					  Size size)
{
	TupleTableSlot *slot;

	if (writer->count == writer->slot_count)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);

		writer->slots[writer->slot_count++] =
			MakeSingleTupleTableSlot(RelationGetDescr(writer->leaf),
									 table_slot_callbacks(writer->leaf));
		MemoryContextSwitchTo(old);
	}
	slot = writer->slots[writer->count++];
	if (slot->tts_tupleDescriptor->natts != CMIG_LOG_COLUMNS)
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < CMIG_LOG_COLUMNS; i++)
	{
		slot->tts_values[writer->map[i]] = values[i];
		slot->tts_isnull[writer->map[i]] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(writer->leaf);
	writer->bytes += size;
	if (writer->count < BATCH_ROWS && writer->bytes < BATCH_BYTES)
		return false;
	flush(writer);
	return true;
}

void
cmig_audit_writer_close(CmigAuditWriter *writer)
{
	flush(writer);
	for (int i = 0; i < writer->slot_count; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	if (writer->bulk)
		FreeBulkInsertState(writer->bulk);
	if (writer->estate)
		FreeExecutorState(writer->estate);
	if (writer->work)
		MemoryContextDelete(writer->work);
	for (int i = 0; i < writer->index_count; i++)
	{
		cmig_index_insert_cleanup_compat(writer->indexes[i], writer->infos[i]);
		index_close(writer->indexes[i], NoLock);
	}
	table_close(writer->leaf, NoLock);
	table_close(writer->parent, NoLock);
}
