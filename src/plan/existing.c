/*
 * existing.c
 *	  Describes the relations that existed when a dry run began, and how the
 *	  dry run changed them.
 *
 * The catalogs are read with a snapshot taken when the dry run started, so
 * objects that the dry run creates, renames, or drops do not affect the result.
 *
 * The state that a relation had when the dry run started is read only when the
 * relation is first needed.  System catalogs, TOAST tables, composite types,
 * and the extension's own relations are not reported.  These relations are
 * treated as if they did not exist.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/base.h"
#include "base/compat.h"
#include "plan/internal.h"

/* The relations that a dry run has looked up. */
struct CmigExistingSet
{
	MemoryContext context;
	Snapshot	snapshot;
	Oid			own_schema;		/* the extension's schema */
	HTAB	   *relations;		/* of CmigExisting, by OID */
	List	   *sequences;		/* of CmigExisting *: the sequences in
								 * "relations" */
	HTAB	   *counted;		/* of Counted: the relations' counters when
								 * the dry run started */
	HTAB	   *estimates;		/* of Estimate: the tables' estimates when the
								 * dry run started */
};

/* A relation's counters when the dry run started. */
typedef struct Counted
{
	Oid			oid;
	CmigCounters counters;
} Counted;

/* A table's estimates in pg_class when the dry run started. */
typedef struct Estimate
{
	Oid			oid;
	int32		pages;
	float4		rows;
	int32		visible;
	int32		frozen;
} Estimate;

CmigCounters
cmig_existing_count(Oid relation)
{
	CmigCounters counters = {0};
	PgStat_TableStatus *status = find_tabstat_entry(relation);

	if (status != NULL)
	{
		counters.scans = cmig_counted_scans_compat(status);
		counters.blocks = cmig_counted_blocks_compat(status);
		counters.dead = cmig_counted_dead_compat(status);
		counters.written = cmig_counted_written_compat(status);

		/*
		 * In PostgreSQL 16 and later, the counts already include those of
		 * open transactions, and "trans" is NULL.
		 */
		for (PgStat_TableXactStatus *open = status->trans; open != NULL; open = open->upper)
			counters.written += open->tuples_inserted + open->tuples_updated;
	}
	return counters;
}

/* Create a hash table that uses OIDs as keys. */
static HTAB *
make_table(const char *name, Size entry)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = entry,.hcxt = CurrentMemoryContext};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Record the tables' estimates in pg_class, because a rollback does not restore
 * them.  Also record the statistics that this session
 * has already collected in this transaction, so that they are not attributed to
 * the dry run.
 */
static void
note_counters(CmigExistingSet *set)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, set->snapshot, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		CmigCounters counters;

		if (form->oid < FirstNormalObjectId || !RELKIND_HAS_STORAGE(form->relkind))
			continue;
		if (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW)
		{
			Estimate   *estimate = hash_search(set->estimates, &form->oid, HASH_ENTER, NULL);

			estimate->pages = form->relpages;
			estimate->rows = form->reltuples;
			estimate->visible = form->relallvisible;
			estimate->frozen = cmig_frozen_pages_compat(form);
		}
		counters = cmig_existing_count(form->oid);
		if (counters.scans != 0 || counters.blocks != 0 || counters.dead != 0 || counters.written != 0)
		{
			Counted    *entry = hash_search(set->counted, &form->oid, HASH_ENTER, NULL);

			entry->counters = counters;
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

CmigExistingSet *
cmig_existing_start(void)
{
	CmigExistingSet *set = palloc0(sizeof(CmigExistingSet));

	set->context = CurrentMemoryContext;
	set->snapshot = RegisterSnapshot(GetLatestSnapshot());
	set->own_schema = get_namespace_oid("cmig", true);
	set->relations = make_table("pg_cmig existing relations", sizeof(CmigExisting));
	set->counted = make_table("pg_cmig counters", sizeof(Counted));
	set->estimates = make_table("pg_cmig estimates", sizeof(Estimate));
	note_counters(set);
	return set;
}

/*
 * Returns a copy of the catalog row that had this OID when the dry run
 * started.  Returns NULL if there was none.
 */
static HeapTuple
read_row(CmigExistingSet *set, Oid catalog_oid, Oid index, AttrNumber key_column, Oid oid)
{
	Relation	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog, index, true, set->snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* Returns the size in bytes of a relation's main fork. */
static int64
file_size(Form_pg_class form)
{
	if (!RELKIND_HAS_STORAGE(form->relkind) || !OidIsValid(form->relfilenode) ||
		form->relpersistence == RELPERSISTENCE_TEMP)
		return 0;
	return cmig_file_size_compat(OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace,
								 form->relfilenode);
}

/*
 * Fill in a relation's entry in the hash table with the state that the relation
 * had when the dry run started.
 */
static void
read_relation(CmigExistingSet *set, CmigExisting *relation)
{
	HeapTuple	row;
	HeapTuple	schema;
	Form_pg_class form;
	Counted    *counted;

	relation->existed = false;
	if (relation->oid < FirstNormalObjectId ||
		!HeapTupleIsValid(row = read_row(set, RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, relation->oid)))
		return;
	form = (Form_pg_class) GETSTRUCT(row);
	if (form->relnamespace == set->own_schema || IsToastNamespace(form->relnamespace) ||
		form->relkind == RELKIND_COMPOSITE_TYPE)
		return;

	relation->existed = true;
	relation->kind = form->relkind;
	schema = read_row(set, NamespaceRelationId, NamespaceOidIndexId, Anum_pg_namespace_oid, form->relnamespace);
	relation->name = quote_qualified_identifier(HeapTupleIsValid(schema) ?
												NameStr(((Form_pg_namespace) GETSTRUCT(schema))->nspname) : NULL,
												NameStr(form->relname));
	relation->tablespace = form->reltablespace;
	relation->first_filenode = relation->filenode = form->relfilenode;
	relation->locked = false;
	relation->rewritten = false;
	relation->dead = 0;
	relation->held = NoLock;
	relation->size = file_size(form);
	relation->pages = relation->size / BLCKSZ;
	if (OidIsValid(form->reltoastrelid))
	{
		HeapTuple	toast = read_row(set, RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, form->reltoastrelid);

		if (HeapTupleIsValid(toast))
			relation->size += file_size((Form_pg_class) GETSTRUCT(toast));
	}
	counted = hash_search(set->counted, &relation->oid, HASH_FIND, NULL);
	memset(&relation->first, 0, sizeof(relation->first));
	if (counted != NULL)
		relation->first = counted->counters;
	relation->last = relation->first;
	if (relation->kind == RELKIND_SEQUENCE)
		set->sequences = lappend(set->sequences, relation);
}

CmigExisting *
cmig_existing_get(CmigExistingSet *set, Oid relation)
{
	bool		found;
	CmigExisting *existing = hash_search(set->relations, &relation, HASH_ENTER, &found);

	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(set->context);

		read_relation(set, existing);
		MemoryContextSwitchTo(old);
	}
	return existing;
}

/* list_sort comparator: by name. */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(((CmigExisting *) lfirst(a))->name, ((CmigExisting *) lfirst(b))->name);
}

List *
cmig_existing_all(CmigExistingSet *set)
{
	HASH_SEQ_STATUS scan;
	CmigExisting *relation;
	List	   *result = NIL;

	hash_seq_init(&scan, set->relations);
	while ((relation = hash_seq_search(&scan)) != NULL)
	{
		if (relation->existed)
			result = lappend(result, relation);
	}
	list_sort(result, compare_names);
	return result;
}

List *
cmig_existing_sequences(const CmigExistingSet *set)
{
	return set->sequences;
}

Oid
cmig_existing_filenode(Oid relation)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			filenode = InvalidOid;

	if (HeapTupleIsValid(row))
	{
		filenode = ((Form_pg_class) GETSTRUCT(row))->relfilenode;
		ReleaseSysCache(row);
	}
	return filenode;
}

void
cmig_existing_rolled_back(CmigExistingSet *set)
{
	HASH_SEQ_STATUS scan;
	CmigExisting *relation;

	hash_seq_init(&scan, set->relations);
	while ((relation = hash_seq_search(&scan)) != NULL)
	{
		if (relation->existed)
			relation->filenode = cmig_existing_filenode(relation->oid);
	}
}

/*
 * Set a table's estimates to the values that they had when the dry run started.
 */
static void
restore_estimate(const Estimate *estimate)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(estimate->oid));
	Form_pg_class form;
	bool		changed;

	if (!HeapTupleIsValid(row))
		return;
	form = (Form_pg_class) GETSTRUCT(row);
	changed = form->relpages != estimate->pages || form->reltuples != estimate->rows ||
		form->relallvisible != estimate->visible;
	ReleaseSysCache(row);

	/*
	 * skip a table that another session has locked, because that session is
	 * maintaining the table and sets these estimates itself
	 */
	if (changed && ConditionalLockRelationOid(estimate->oid, ShareUpdateExclusiveLock))
	{
		Relation	table = try_relation_open(estimate->oid, NoLock);

		if (table != NULL)
		{
			cmig_set_row_counts_compat(table, estimate->pages, estimate->rows,
									   estimate->visible, estimate->frozen);
			relation_close(table, NoLock);
		}
		UnlockRelationOid(estimate->oid, ShareUpdateExclusiveLock);
	}
}

void
cmig_existing_restore(CmigExistingSet *set)
{
	HASH_SEQ_STATUS scan;
	CmigExisting *relation;

	hash_seq_init(&scan, set->relations);
	while ((relation = hash_seq_search(&scan)) != NULL)
	{
		const Estimate *estimate;

		if (!relation->existed || relation->held < ShareLock)
			continue;
		estimate = hash_search(set->estimates, &relation->oid, HASH_FIND, NULL);
		if (estimate != NULL)
			restore_estimate(estimate);
	}
}

bool
cmig_existing_is_reported(Oid relation, char kind)
{
	Oid			schema = get_rel_namespace(relation);

	return relation >= FirstNormalObjectId && kind != '\0' && kind != RELKIND_COMPOSITE_TYPE &&
		!IsToastNamespace(schema) && schema != get_namespace_oid("cmig", true);
}

/*
 * Returns the relation's size without TOAST.  Sets *toast to the OID of its
 * TOAST table.
 */
static int64
own_size(Oid relation, Oid *toast)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	int64		size = 0;

	*toast = InvalidOid;
	if (HeapTupleIsValid(row))
	{
		size = file_size((Form_pg_class) GETSTRUCT(row));
		*toast = ((Form_pg_class) GETSTRUCT(row))->reltoastrelid;
		ReleaseSysCache(row);
	}
	return size;
}

int64
cmig_existing_size_now(Oid relation)
{
	Oid			toast;
	Oid			nothing;
	int64		size = own_size(relation, &toast);

	/*
	 * do not query the shards' sizes, because the query would run in another
	 * transaction, which would wait if this transaction has locked the shards
	 */
	if (size == 0 && cmig_citus_manages(relation))
		return -1;
	return OidIsValid(toast) ? size + own_size(toast, &nothing) : size;
}

char *
cmig_existing_size_text(int64 size)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum(size)));
}
