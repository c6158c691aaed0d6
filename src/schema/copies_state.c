/*
 * copies_state.c
 *	  What the copies were before and after a statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "schema/internal.h"

static bool
default_exists(Oid oid)
{
	Relation	catalog = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		exists;

	ScanKeyInit(&key, Anum_pg_attrdef_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog, AttrDefaultOidIndexId, true, NULL, 1, &key);
	exists = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return exists;
}

/* Returns a value that differs if the table has other policies, or other rules. */
static uint64
parts_of(Oid table, Oid catalog_id, Oid index, int column)
{
	Relation	catalog = table_open(catalog_id, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	uint64		result = 0;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, index, true, NULL, 1, &key);
	/* both catalogs begin with the OID */
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		result += (uint64) *(Oid *) GETSTRUCT(row) << 24;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

uint64
cmig_copies_row(const CmigObject *object)
{
	CmigAddress address = object->address;
	Relation	catalog;
	HeapTuple	row;
	uint64		result = 1;

	if (address.catalog == AttrDefaultRelationId)
		return default_exists(address.object);
	if (address.sub < 0 || !is_objectclass_supported(address.catalog))
		return result;
	catalog = table_open(address.sub > 0 ? AttributeRelationId : address.catalog, AccessShareLock);
	row = address.sub > 0 ? SearchSysCacheCopyAttNum(address.object, address.sub) :
		get_catalog_object_by_oid(catalog, get_object_attnum_oid(address.catalog), address.object);
	if (!HeapTupleIsValid(row))
		result = 0;
	else if (address.catalog == RelationRelationId && address.sub == 0)
	{
		/* the rest of it changes with columns and indexes, too */
		const Form_pg_class form = (Form_pg_class) GETSTRUCT(row);
		const char *access = (const char *) form + CLASS_TUPLE_SIZE;

		if (form->relrowsecurity)
			result += parts_of(address.object, PolicyRelationId, PolicyPolrelidPolnameIndexId,
							   Anum_pg_policy_polrelid);
		if (form->relhasrules && form->relkind != RELKIND_VIEW && form->relkind != RELKIND_MATVIEW)
			result += parts_of(address.object, RewriteRelationId, RewriteRelRulenameIndexId,
							   Anum_pg_rewrite_ev_class);
		result += form->relrowsecurity + 2 * form->relforcerowsecurity + 4 * form->relpersistence +
			((uint64) form->relreplident << 40) +
			((uint64) form->relnamespace << 10) + ((uint64) form->relowner << 20) +
			hash_bytes_extended((unsigned char *) NameStr(form->relname), NAMEDATALEN, 1) +
			hash_bytes_extended((const unsigned char *) access,
								(const char *) row->t_data + row->t_len - access, 2);
	}
	else
		result += ((uint64) HeapTupleHeaderGetRawXmin(row->t_data) << 32) +
			(ItemPointerGetBlockNumberNoCheck(&row->t_self) << 11) +
			ItemPointerGetOffsetNumberNoCheck(&row->t_self);
	if (HeapTupleIsValid(row))
		heap_freetuple(row);
	table_close(catalog, AccessShareLock);
	return result;
}

Oid
cmig_copies_file(const CmigObject *object)
{
	FormData_pg_class row;

	return object->kind == &cmig_kind_table &&
		cmig_role_relation(object->address.object, &row) ? row.relfilenode : InvalidOid;
}

/* The addresses of objects, not much more than CMIG_IMAGE_PART: of their catalogs, and of themselves. */
typedef struct Roots
{
	List	   *catalogs;		/* list of Oid */
	List	   *objects;		/* list of Oid */
} Roots;

static void
roots_add(Roots *roots, Oid catalog, Oid object)
{
	for (int i = 0; i < list_length(roots->objects); i++)
		if (list_nth_oid(roots->objects, i) == object &&
			list_nth_oid(roots->catalogs, i) == catalog)
			return;
	roots->catalogs = lappend_oid(roots->catalogs, catalog);
	roots->objects = lappend_oid(roots->objects, object);
}

/* Add what the schemas contain, except for what the image, which may be NULL, has. */
static void
roots_add_new(Roots *roots, const CmigManaged *managed, const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = ANY ($1)",
		.argtypes = {OIDARRAYOID}
	};
	Datum		values[] = {cmig_managed_oids(managed)};

	foreach_ptr(CmigValue, row, cmig_query_texts(&query, values, NULL))
	{
		CmigAddress address = {atooid(row[0]), atooid(row[1]), 0};

		if (list_length(roots->objects) < CMIG_IMAGE_PART &&
			(image == NULL || cmig_image_find_exactly(image, address) == NULL))
			roots_add(roots, address.catalog, address.object);
	}
}

/* Returns the OIDs of the objects and their parts, or NIL if this is much. */
static List *
read_contents(const Roots *roots)
{
	Roots		found = {list_copy(roots->catalogs), list_copy(roots->objects)};
	Relation	depend = table_open(DependRelationId, AccessShareLock);

	for (int i = 0; i < list_length(found.objects) &&
		 list_length(found.objects) < CMIG_IMAGE_PART; i++)
	{
		ScanKeyData keys[2];
		SysScanDesc scan;
		HeapTuple	row;

		ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(list_nth_oid(found.catalogs, i)));
		ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(list_nth_oid(found.objects, i)));
		scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, lengthof(keys), keys);
		while (HeapTupleIsValid(row = systable_getnext(scan)))
		{
			const Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

			if (form->deptype != DEPENDENCY_NORMAL)
				roots_add(&found, form->classid, form->objid);
		}
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	/* a list that is not empty */
	return list_length(found.objects) < CMIG_IMAGE_PART ? lcons_oid(InvalidOid, found.objects) :
		NIL;
}

/* Returns the schemas of the copies. */
static CmigManaged *
schemas_of(CmigShadow *shadow)
{
	CmigManaged *managed = cmig_shadow_managed(shadow);
	int			kept = 0;

	for (int i = 0; i < managed->count; i++)
		if (managed->schemas[i].owned)
			managed->schemas[kept++] = managed->schemas[i];
	managed->count = kept;
	return managed;
}

/* Set what is kept of the object beside the image. */
static void
state_note(CmigCopiesState *state, const CmigObject *object)
{
	state->files[object->index] = cmig_copies_file(object);
	state->rows[object->index] = cmig_copies_row(object);
	state->conditions[object->index] = cmig_condition_read(object);
}

static void
state_begin(CmigCopiesState *state)
{
	state->files = palloc0(sizeof(Oid) * Max(state->image->count, 1));
	state->rows = palloc0(sizeof(uint64) * Max(state->image->count, 1));
	state->conditions = palloc0(sizeof(CmigCondition *) * Max(state->image->count, 1));
}

CmigCopiesState
cmig_copies_read(CmigShadow *shadow, MemoryContext context, bool empty)
{
	CmigCopiesState state = {.context = AllocSetContextCreate(context, "pg_cmig copies",
															  ALLOCSET_DEFAULT_SIZES)};
	MemoryContext caller = MemoryContextSwitchTo(state.context);
	const CmigManaged *managed = schemas_of(shadow);
	Roots		roots = {NIL};

	state.texts = state.context;
	if (empty)
		cmig_image_finish(state.image = cmig_image_new());
	else
	{
		roots_add_new(&roots, managed, NULL);
		state.image = cmig_image_read_part(managed, read_contents(&roots));
	}
	state_begin(&state);
	for (int i = 0; i < state.image->count; i++)
		state_note(&state, state.image->objects[i]);
	MemoryContextSwitchTo(caller);
	return state;
}

/* Mark the object that this one is a part of.  Returns whether this was new. */
static bool
mark_root(bool *marked, const CmigObject *object)
{
	const int	root = cmig_object_root(unconstify(CmigObject *, object))->index;
	const bool	is_new = !marked[root];

	marked[root] = true;
	return is_new;
}

/*
 * If objects that were read again have other names, mark those that depend on them,
 * too, because their definitions have these names.
 */
static bool
mark_dependents(const CmigImage *image, const CmigImage *part, bool *marked)
{
	bool		found = false;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->ndepends; j++)
		{
			const CmigObject *same = cmig_image_find_exactly(part, object->depends[j]->address);

			if (same != NULL && strcmp(same->identity, object->depends[j]->identity) != 0)
				found |= mark_root(marked, object);
		}
	}
	return found;
}

CmigCopiesState
cmig_copies_update(CmigShadow *shadow, MemoryContext context, const CmigCopiesState *before,
				   const uint64 *rows, bool *marked)
{
	const CmigImage *image = before->image;
	CmigCopiesState state = {.context = AllocSetContextCreate(context, "pg_cmig copies",
															  ALLOCSET_DEFAULT_SIZES),.texts = before->texts};
	MemoryContext caller = MemoryContextSwitchTo(before->texts);
	const CmigManaged *managed = schemas_of(shadow);
	CmigImage  *part;

	do
	{
		Roots		roots = {NIL};
		List	   *contents;
		bool		gone = false;

		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];

			/* a sequence knows the column that it belongs to */
			for (int j = 0; marked[i] && object->child &&
				 object->child->kind == &cmig_kind_sequence_owner &&
				 j < object->child->ndepends; j++)
				(void) mark_root(marked, object->child->depends[j]);
			if (marked[i])
				roots_add(&roots, object->address.catalog, object->address.object);
			gone |= marked[i] && rows[i] == 0;
		}
		if (gone)
			roots_add_new(&roots, managed, image);
		contents = read_contents(&roots);
		if (contents == NIL)
		{
			MemoryContextSwitchTo(caller);
			MemoryContextDelete(state.context);
			return cmig_copies_read(shadow, context, false);
		}
		part = cmig_image_read_part(managed, contents);
	} while (mark_dependents(image, part, marked));
	MemoryContextSwitchTo(state.context);
	state.image = cmig_image_replace(image, marked, part);
	state_begin(&state);
	for (int i = 0; i < state.image->count; i++)
	{
		const CmigObject *object = state.image->objects[i];
		const CmigObject *same = cmig_image_find_exactly(part, object->address) == object ? NULL :
		cmig_image_find_exactly(image, object->address);

		if (same == NULL)
		{
			MemoryContextSwitchTo(before->texts);
			state_note(&state, object);
			MemoryContextSwitchTo(state.context);
			continue;
		}
		state.files[i] = before->files[same->index];
		state.rows[i] = rows[same->index];
		state.conditions[i] = before->conditions[same->index];
	}
	MemoryContextSwitchTo(caller);
	return state;
}

const CmigObject *
cmig_copies_counterpart(const CmigCopiesState *state, const CmigObject *object)
{
	const CmigObject *same = cmig_image_find_exactly(state->image, object->address);

	if (same == NULL || same->kind != object->kind)
		same = cmig_image_counterpart(state->image, object);
	return same != NULL && state->rows[same->index] != 0 ? same : NULL;
}

bool *
cmig_copies_changed(const CmigCopiesState *old, const CmigCopiesState *new)
{
	bool	   *changed = palloc0(Max(old->image->count, 1));

	for (int i = 0; i < old->image->count; i++)
	{
		const CmigObject *same = cmig_image_find_exactly(new->image,
														 old->image->objects[i]->address);

		if (same == NULL || new->rows[same->index] != old->rows[i])
			(void) mark_root(changed, old->image->objects[i]);
	}
	return changed;
}
