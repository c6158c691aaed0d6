/*
 * rls_rows.c
 *	  Reads the rows of the table under test without SQL.
 *
 * The caller of cmig.rls_test may see these rows, but the table belongs to
 * another role.  Therefore, no statement is run with the caller's privileges:
 * the rows are read by direct table access, and only values of built-in types
 * are compared and printed, by built-in functions.  No cast, operator, policy,
 * rule, or view that belongs to the owner can interfere, not even after the
 * table's triggers have run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/local_rows.h"
#include "rls/rls_rows.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * A function that is called for each row of the table under test or of one of
 * its child tables.  Returns false to end the scan.
 */
typedef bool (*Visitor) (Relation relation, TupleTableSlot *slot, void *arg);

/*
 * Returns true if the caller may see every row of the table.  The owner always
 * may, because the owner could disable the policies with ALTER TABLE.  Other
 * roles may if they have the privilege SELECT and no policy applies to them.
 */
static bool
may_read(Oid relid)
{
	return cmig_owns_relation_compat(relid, GetUserId()) ||
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		 check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED);
}

void
cmig_rls_rows_open(CmigRlsRows *rows, Oid relid)
{
	rows->relation = table_open(relid, AccessShareLock);
	rows->nspname = get_namespace_name(RelationGetNamespace(rows->relation));
	rows->relname = pstrdup(RelationGetRelationName(rows->relation));
	rows->relkind = rows->relation->rd_rel->relkind;
	rows->owner = rows->relation->rd_rel->relowner;
	rows->readable = may_read(relid);
}

void
cmig_rls_rows_close(CmigRlsRows *rows)
{
	table_close(rows->relation, NoLock);
}

bool
cmig_rls_rows_same(const CmigRlsRows *rows)
{
	Oid			relid = RelationGetRelid(rows->relation);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			namespace = get_namespace_oid(rows->nspname, true);
	bool		same = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		same = form->relkind == rows->relkind && form->relowner == rows->owner;
		ReleaseSysCache(tuple);
	}
	return same && OidIsValid(namespace) && get_relname_relid(rows->relname, namespace) == relid;
}

/*
 * Reading rows
 */

/*
 * Call the visitor for each row of one relation until *going is false.
 * Returns false if the relation's rows are not stored on this server.
 */
static bool
visit_relation(Oid relid, Visitor visit, void *arg, bool *going)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	bool		known = true;

	if (!cmig_local_rows_here(relid))
		known = false;
	else if (relation->rd_rel->relkind == RELKIND_RELATION)
	{
		TupleTableSlot *slot = table_slot_create(relation, NULL);
		TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);

		while (*going && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			*going = visit(relation, slot, arg);
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
	}
	else
		known = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	relation_close(relation, NoLock);
	return known;
}

/*
 * Call the visitor for all rows of the table and its children, including
 * uncommitted rows of this transaction.  Returns false if some rows cannot be
 * read.
 */
static bool
visit_all(const CmigRlsRows *rows, Visitor visit, void *arg)
{
	bool		known = rows->readable;
	bool		going = true;
	ListCell   *lc;

	if (!known)
		return false;
	CommandCounterIncrement();
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	foreach(lc, find_all_inheritors(RelationGetRelid(rows->relation), AccessShareLock, NULL))
	{
		if (going)
			known &= visit_relation(lfirst_oid(lc), visit, arg, &going);
	}
	PopActiveSnapshot();
	return known;
}

/*
 * Returns the attribute number of a column in the table or in a child.  Raises
 * an error if the attempt (see rls_try.h) has renamed the column or changed
 * its type.
 */
static AttrNumber
column_of(Relation relation, const char *name, Oid type)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(relation), name);
	Oid			there = attnum > 0 ?
	TupleDescAttr(RelationGetDescr(relation), attnum - 1)->atttypid : InvalidOid;

	if (there != type && getBaseType(there) != type)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" was renamed or replaced during the test",
						name, RelationGetRelationName(relation))));
	return attnum;
}

/*
 * Keys
 */

Datum *
cmig_rls_rows_datum(const CmigRlsKey *key, const char *text)
{
	Datum	   *datum = palloc(sizeof(Datum));
	int64		number;

	switch (key->base_type)
	{
		case UUIDOID:
			*datum = DirectFunctionCall1(uuid_in, CStringGetDatum(text));
			break;
		case TEXTOID:
		case VARCHAROID:
			*datum = CStringGetTextDatum(text);
			break;
		default:
			number = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));
			if (key->base_type == INT2OID && (number < PG_INT16_MIN || number > PG_INT16_MAX))
				return NULL;
			if (key->base_type == INT4OID && (number < PG_INT32_MIN || number > PG_INT32_MAX))
				return NULL;
			*datum = key->base_type == INT2OID ? Int16GetDatum((int16) number) :
				key->base_type == INT4OID ? Int32GetDatum((int32) number) : Int64GetDatum(number);
			break;
	}
	return datum;
}

/*
 * Returns true if the key is stored.  A virtual generated column cannot be
 * read without executing its expression.
 */
static bool
is_stored(const CmigRlsRows *rows, const CmigRlsKey *key)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rows->relation), key->name);

	return attnum <= 0 || cmig_virtual_column_compat(rows->relation, attnum) == NULL;
}

/* The arguments and results of a search. */
typedef struct Search
{
	const CmigRlsKey *key;		/* NULL: any row */
	Datum	   *value;			/* the key's value */
	MemoryContext context;		/* memory context of the result */
	int64		count;
	Datum		least;
	bool		found;
} Search;

/*
 * Compare two values with the built-in comparison function.  A key's base type
 * is always a built-in type.
 */
static int
compare(const Search *search, Relation relation, AttrNumber attnum, Datum a, Datum b)
{
	TypeCacheEntry *type = lookup_type_cache(search->key->base_type, TYPECACHE_CMP_PROC_FINFO);

	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo,
										   TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attcollation,
										   a, b));
}

/* A visitor that counts rows. */
static bool
count_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	Search	   *search = arg;
	AttrNumber	attnum;
	bool		isnull;
	Datum		value;

	if (search->key == NULL)
	{
		search->count++;
		return true;
	}
	attnum = column_of(relation, search->key->name, search->key->base_type);
	value = slot_getattr(slot, attnum, &isnull);
	if (!isnull && search->value &&
		compare(search, relation, attnum, value, *search->value) == 0)
		search->count++;
	return true;
}

int64
cmig_rls_rows_count(const CmigRlsRows *rows, const CmigRlsKey *key, const char *value)
{
	Search		search = {.key = key};

	if (key && !is_stored(rows, key))
		return -1;
	if (key)
		search.value = cmig_rls_rows_datum(key, value);
	return visit_all(rows, count_row, &search) ? search.count : -1;
}

/* A visitor that keeps the smallest key that does not match the context. */
static bool
keep_least_strange(Relation relation, TupleTableSlot *slot, void *arg)
{
	Search	   *search = arg;
	AttrNumber	attnum = column_of(relation, search->key->name, search->key->base_type);
	bool		isnull;
	Datum		value = slot_getattr(slot, attnum, &isnull);
	MemoryContext old;
	ListCell   *lc;

	if (isnull)
		return true;
	foreach(lc, search->key->members)
	{
		if (compare(search, relation, attnum, value, *(Datum *) lfirst(lc)) == 0)
			return true;
	}
	if (search->found && compare(search, relation, attnum, value, search->least) >= 0)
		return true;
	old = MemoryContextSwitchTo(search->context);
	search->least = datumCopy(value, get_typbyval(search->key->base_type),
							  get_typlen(search->key->base_type));
	if (get_typlen(search->key->base_type) == -1)
		search->least = PointerGetDatum(PG_DETOAST_DATUM(search->least));
	search->found = true;
	MemoryContextSwitchTo(old);
	return true;
}

char *
cmig_rls_rows_strange(const CmigRlsRows *rows, const CmigRlsKey *key)
{
	Search		search = {.key = key,.context = CurrentMemoryContext};
	Oid			output;
	bool		varlena;

	if (is_stored(rows, key))
		(void) visit_all(rows, keep_least_strange, &search);
	if (!search.found)
		return NULL;
	getTypeOutputInfo(key->base_type, &output, &varlena);
	return OidOutputFunctionCall(output, search.least);
}

/*
 * A row to copy
 */

/* The destination of a copied row. */
typedef struct Copy
{
	List	   *columns;
	const Oid  *types;
	Datum	   *values;
	bool	   *nulls;
	bool		found;
} Copy;

/* A visitor that copies the first row, and then stops. */
static bool
copy_row(Relation relation, TupleTableSlot *slot, void *arg)
{
	Copy	   *copy = arg;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, copy->columns)
	{
		AttrNumber	attnum = column_of(relation, lfirst(lc), copy->types[i]);
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
		Datum		value = slot_getattr(slot, attnum, &copy->nulls[i]);

		if (!copy->nulls[i])
			copy->values[i] = column->attlen == -1 ?
				PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
				datumCopy(value, column->attbyval, column->attlen);
		i++;
	}
	copy->found = true;
	return false;
}

bool
cmig_rls_rows_first(const CmigRlsRows *rows, List *columns, const Oid *types,
					Datum *values, bool *nulls)
{
	Copy		copy = {columns, types, values, nulls, false};

	(void) visit_all(rows, copy_row, &copy);
	return copy.found;
}
