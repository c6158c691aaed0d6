/*
 * audit_table.c
 *	  Caches information about the tables whose audit triggers have fired.
 *
 * There is one entry for each trigger.  An invalidation only marks an entry: a
 * running call continues to use it, and the next call rebuilds it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_columns.h"
#include "audit/audit_layout.h"
#include "audit/audit_table.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/role.h"
#include "base/text_list.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

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
 * subtransaction that ends.  If "rolled_back" is true, the layouts that the
 * transaction recorded do not exist.  If "end" is true, the entries are no
 * longer in use.
 */
static void
reset_entries(bool rolled_back, bool end)
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
		if (end)
			entry->table->busy = 0;
	}
}

/*
 * Transaction callback: discard information that is valid only in the
 * transaction.
 */
static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:

			/*
			 * treat PREPARE as an abort, because the prepared transaction can
			 * still be rolled back
			 */
		case XACT_EVENT_PREPARE:
			reset_entries(true, true);
			break;
		case XACT_EVENT_COMMIT:
			reset_entries(false, true);
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		reset_entries(true, false);
}

void
cmig_audit_table_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, invalidate_all, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static CmigQuery read_hash_key = {
	"SELECT s.value::bytea FROM cmig.secret s WHERE s.name::text = 'audit'", 0
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
cmig_audit_table_hash_key(Oid extension_owner)
{
	CmigRole	saved;
	bytea	   *key = NULL;

	cmig_role_act_as_owner(&saved, extension_owner);
	cmig_query_each(&read_hash_key, NULL, NULL, take_key, &key);
	cmig_role_return(&saved);
	return key;
}

/* Read the secret key with which values are hashed, if any column is hashed. */
static void
set_hash_key(CmigAuditTable *table, Oid extension_owner)
{
	bytea	   *key;

	if (table->options->hash == NIL)
		return;
	key = cmig_audit_table_hash_key(extension_owner);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key for hashed columns is missing"),
				 errdetail("Table \"cmig.secret\" has no row named \"audit\". Dumps do not contain keys."),
				 errhint("Restore the old key, or call cmig.enable_audit() for the table to create a new key. Hashes from a new key cannot be compared with the old hashes.")));
	table->shape.hash_key = VARDATA(key);
	table->shape.hash_key_len = VARSIZE(key) - VARHDRSZ;
}

/* Is the column part of the log's images? */
static bool
is_shown(const CmigAuditOptions *options, const List *key, const char *name)
{
	if (cmig_audit_options_has(options->exclude, name))
		return false;
	if (!options->only_included || cmig_audit_options_has(options->include, name) ||
		cmig_audit_options_has(options->redact, name) ||
		cmig_audit_options_has(options->hash, name))
		return true;
	return cmig_text_list_has(key, name);
}

/* Determine how each column is written to the log. */
static void
build_shape(CmigAuditTable *table, TupleDesc desc, List *key)
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

		if (attribute->attisdropped || !is_shown(table->options, key, name))
			continue;
		column->hide = cmig_audit_options_has(table->options->hash, name) ? CMIG_AUDIT_HASH :
			cmig_audit_options_has(table->options->redact, name) ? CMIG_AUDIT_REDACT :
			CMIG_AUDIT_SHOW;
		cmig_audit_row_column(column, attribute);
		column->in_key = cmig_text_list_has(key, name);
		key_count += column->in_key;
		shape->count++;
	}
	cmig_audit_row_sort(shape);

	/* without a key, the whole row is the key */
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

/* Build the information that a trigger needs about its table. */
static CmigAuditTable *
build_table(TriggerData *trigger_data, Oid extension_owner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig audited table",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Trigger    *trigger = trigger_data->tg_trigger;
	CmigAuditTable *table = palloc0(sizeof(CmigAuditTable));
	Relation	root;

	table->context = context;
	table->valid = true;		/* invalidations may clear it from now on */
	table->relation = RelationGetRelid(trigger_data->tg_relation);
	table->options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	table->root = cmig_audit_options_root(table->relation, trigger->tgoid);

	root = table_open(table->root, AccessShareLock);
	cmig_audit_columns_resolve(table->options, table->root, extension_owner, CMIG_AUDIT_WRITING);
	build_shape(table, RelationGetDescr(trigger_data->tg_relation),
				cmig_audit_layout_key(root));
	table->shape.owner = trigger_data->tg_relation->rd_rel->relowner;
	cmig_audit_virtual_find(&table->virtuals, trigger_data->tg_relation, &table->shape);
	table->schema_name = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(root)));
	table->table_name = CStringGetTextDatum(RelationGetRelationName(root));
	table_close(root, AccessShareLock);
	set_hash_key(table, extension_owner);

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	return table;
}

CmigAuditTable *
cmig_audit_table_get(TriggerData *trigger_data, Oid extension_owner)
{
	AuditTableEntry *entry;
	bool		found;
	CmigAuditTable *table;

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
	/* look up the entry again, because build_table() may have moved it */
	entry = hash_search(tables, &trigger_data->tg_trigger->tgoid, HASH_ENTER, &found);

	/*
	 * Calls of the trigger may still be using the old information, or may
	 * have failed without resetting "busy".  Therefore, keep the information
	 * until the end of the transaction.
	 */
	if (entry->table && entry->table->busy > 0)
		MemoryContextSetParent(entry->table->context, TopTransactionContext);
	else if (entry->table)
		MemoryContextDelete(entry->table->context);
	entry->table = table;
	return table;
}
