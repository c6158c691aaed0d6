/*
 * image_read.c
 *	  Reads all objects of schemas into an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "base/text_list.h"
#include "kinds/bodies.h"
#include "kinds/kinds.h"
#include "kinds/normal.h"
#include "run/lock_wait.h"
#include "schema/image_distribution.h"
#include "schema/image_notes.h"
#include "schema/image_others.h"
#include "schema/image_read.h"
#include "schema/image_reader.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* The number of columns that every kind's query begins with. */
#define FIXED_COLUMNS 10

/* The size of the memory blocks for objects. */
#define BLOCK_SIZE ((Size) 32 * 1024)

/* The maximum number of shared property rows for each kind. */
#define MAX_SHARED 1024

/* The properties of an object, which other objects of the kind can share. */
typedef struct SharedValues
{
	uint32		hash;
	char	  **values;
} SharedValues;

/*
 * Objects
 */

/*
 * Allocate memory for a part of the image.  The many small parts are taken
 * from large blocks, because they are all freed together.
 */
static char *
take(CmigImageReader *reader, Size size)
{
	if (size > BLOCK_SIZE / 8)
		return palloc(size);
	if (size > reader->room)
	{
		reader->block = palloc(BLOCK_SIZE);
		reader->room = BLOCK_SIZE;
	}
	reader->room -= size;
	return reader->block + reader->room;
}

/* Allocate zeroed memory for a part of the image that needs alignment. */
static void *
take_aligned(CmigImageReader *reader, Size size)
{
	/* align the free memory, which may be unaligned after a string */
	reader->room -= reader->room % MAXIMUM_ALIGNOF;
	return memset(take(reader, MAXALIGN(size)), 0, size);
}

/* Returns a column's value in the scratch context, or NULL for an SQL null. */
static char *
read_text(const CmigImageReader *reader, int column)
{
	MemoryContext old = MemoryContextSwitchTo(reader->scratch);
	int			property = column - FIXED_COLUMNS;
	char	   *text = cmig_image_reader_text(reader, column);

	if (text != NULL && property >= 0 && (reader->kind->properties[property].flags & CMIG_PROPERTY_EXPRESSION))
		text = cmig_normal_reloadable(text);
	MemoryContextSwitchTo(old);
	return text;
}

/*
 * Returns a copy of a string, or NULL.  If the string, such as a type name,
 * is the same as in the preceding object, both objects share the copy.
 */
static char *
keep_text(CmigImageReader *reader, int column, const char *text)
{
	if (text == NULL)
		return NULL;
	if (reader->last[column] == NULL || strcmp(reader->last[column], text) != 0)
		reader->last[column] = strcpy(take(reader, strlen(text) + 1), text);
	return reader->last[column];
}

/*
 * Shared values.  Many objects have the same properties, for example all
 * columns of type text without a default.
 */

/* Returns a hash of the properties in the current row. */
static uint32
hash_row(const CmigImageReader *reader)
{
	uint32		hash = 0;

	for (int i = 0; i < reader->kind->nproperties; i++)
	{
		const char *text = reader->row[i];

		hash = hash_combine(hash, text == NULL ? 1 : hash_bytes((const unsigned char *) text, strlen(text)));
	}
	return hash;
}

/* Are the values equal to the properties in the current row? */
static bool
is_row(const CmigImageReader *reader, char *const *values)
{
	for (int i = 0; i < reader->kind->nproperties; i++)
	{
		if (!cmig_text_same(values[i], reader->row[i]))
			return false;
	}
	return true;
}

/* Returns the properties in the current row, shared if possible. */
static char *const *
keep_values(CmigImageReader *reader)
{
	int			count = reader->kind->nproperties;
	uint32		hash;
	SharedValues *shared;
	bool		found;
	char	  **values;

	for (int i = 0; i < count; i++)
		reader->row[i] = read_text(reader, FIXED_COLUMNS + i);
	hash = hash_row(reader);
	shared = hash_search(reader->shared, &hash,
						 hash_get_num_entries(reader->shared) < MAX_SHARED ? HASH_ENTER : HASH_FIND,
						 &found);
	if (found && is_row(reader, shared->values))
		return shared->values;
	values = take_aligned(reader, sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
		values[i] = keep_text(reader, FIXED_COLUMNS + i, reader->row[i]);
	if (shared != NULL)
		shared->values = values;
	return values;
}

/* Row callback: add the row's object, unless it belongs to an extension. */
static void
add_object(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	const CmigKind *kind = reader->kind;
	CmigObject *object,
			   *parent = NULL;
	CmigAddress address,
				parent_address;

	Assert(desc->natts == FIXED_COLUMNS + kind->nproperties);
	cmig_image_reader_row(reader, desc, row);
	address = cmig_image_reader_address(reader, 0);
	parent_address = cmig_image_reader_address(reader, 3);
	if (cmig_image_reader_is_member(reader, address, NULL))
		return;
	if (OidIsValid(parent_address.catalog))
	{
		parent = cmig_image_find_exactly(reader->image, parent_address);
		if (parent == NULL)
			return;
	}

	object = take_aligned(reader, sizeof(CmigObject));
	object->kind = kind;
	object->address = address;
	object->parent = parent;
	object->name = keep_text(reader, 6, read_text(reader, 6));
	object->identity = keep_text(reader, 7, read_text(reader, 7));
	if (kind == &cmig_kind_sequence_owner)
		parent->linked = true;
	object->owner = keep_text(reader, 8, read_text(reader, 8));
	object->inherited = cmig_image_reader_bool(reader, 9);
	object->values = keep_values(reader);
	MemoryContextReset(reader->scratch);
	cmig_image_add(reader->image, object);
}

/*
 * Returns the CmigQuery, with its plan, for one of the kind's queries.
 * "which" is 0, 1, or 2 for the fields sql, depends, and follows.
 */
static CmigQuery *
kind_query(const CmigKind *kind, const char *sql, int which)
{
	static CmigQuery queries[3][64];
	CmigQuery  *query = &queries[which][kind->place];

	Assert(kind->place < 64);
	query->sql = sql;
	query->nargs = 1;
	query->argtypes[0] = OIDARRAYOID;
	return query;
}

/* Read the objects of all kinds. */
static void
read_objects(CmigImageReader *reader, Datum schemas, bool all)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);
	HASHCTL		control = {
		.keysize = sizeof(uint32),.entrysize = sizeof(SharedValues),
		.hcxt = CurrentMemoryContext
	};

	for (int i = 0; i < count; i++)
	{
		if (kinds[i]->sql == NULL || ((kinds[i]->flags & CMIG_KIND_GLOBAL) && !all))
			continue;
		reader->kind = kinds[i];
		reader->last = palloc0(sizeof(char *) * (FIXED_COLUMNS + kinds[i]->nproperties));
		reader->row = palloc(sizeof(char *) * Max(kinds[i]->nproperties, 1));
		reader->shared = hash_create("pg_cmig shared values", 64, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		cmig_query_each(kind_query(kinds[i], kinds[i]->sql, 0), &schemas, NULL,
						add_object, reader);
		hash_destroy(reader->shared);
	}
}

/*
 * Other addresses of the same objects
 */

/*
 * Row callback: the row contains two addresses of the same object.  If the
 * image contains one of these addresses, add the other address.
 */
static void
add_alias(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigAddress one,
				other;
	CmigObject *object;

	cmig_image_reader_row(reader, desc, row);
	one = cmig_image_reader_address(reader, 0);
	other = cmig_image_reader_address(reader, 3);
	object = cmig_image_find_exactly(reader->image, one);
	if (object != NULL)
		cmig_image_alias(reader->image, other, object);
	object = cmig_image_find_exactly(reader->image, other);
	if (object != NULL)
		cmig_image_alias(reader->image, one, object);
}

/*
 * Some parts of objects are not objects themselves: row types, array types,
 * multirange types and their functions and casts, column defaults and
 * generation expressions, view rules, constraint indexes, and identity
 * sequences.  Record the addresses of these parts as additional addresses of
 * the objects that they belong to.
 */
static void
read_aliases(CmigImageReader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "SELECT 'pg_type'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, t.typrelid, 0"
		" FROM pg_type t WHERE t.typnamespace = ANY ($1) AND t.typrelid <> 0"
		" UNION ALL SELECT 'pg_type'::regclass::oid, r.rngmultitypid, 0, 'pg_type'::regclass::oid, r.rngtypid, 0"
		" FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid WHERE t.typnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_type'::regclass::oid, t.typarray, 0, 'pg_type'::regclass::oid, t.oid, 0"
		" FROM pg_type t WHERE t.typnamespace = ANY ($1) AND t.typarray <> 0"
		" UNION ALL SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_class'::regclass::oid, e.adrelid, e.adnum::integer"
		" FROM pg_attrdef e JOIN pg_class c ON c.oid = e.adrelid WHERE c.relnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, r.ev_class, 0"
		" FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = ANY ($1) AND r.rulename = '_RETURN'"
		" UNION ALL SELECT 'pg_class'::regclass::oid, o.conindid, 0, 'pg_constraint'::regclass::oid, o.oid, 0"
		" FROM pg_constraint o WHERE o.connamespace = ANY ($1) AND o.contype IN ('p', 'u', 'x')"
		" UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid"
		" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relnamespace = ANY ($1)"
		" WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'"
		" UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0"
		" FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid AND t.typnamespace = ANY ($1)"
		" WHERE d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass) AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'",
		.nargs = 1,.argtypes = {OIDARRAYOID}
	};

	cmig_query_each(&query, &schemas, NULL, add_alias, reader);
}

/*
 * Dependencies
 */

/*
 * Returns the object with this address or, if it is an extension member, the
 * extension.  Returns NULL if the image contains neither.
 */
static CmigObject *
find_needed(const CmigImageReader *reader, CmigAddress address)
{
	CmigObject *object = cmig_image_find(reader->image, address);
	CmigAddress extension;

	if (object == NULL && cmig_image_reader_is_member(reader, address, &extension))
		object = cmig_image_find(reader->image, extension);
	return object;
}

/*
 * Is the dependency itself an object in the image?  This is the case for a
 * sequence's OWNED BY and for a partition's attachment to its table.
 */
static bool
is_own_kind(const CmigObject *object, const CmigObject *on, char type)
{
	return type == DEPENDENCY_AUTO &&
		((object->kind == &cmig_kind_sequence && on->kind == &cmig_kind_column) ||
		 (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table));
}

/* Row callback: the first object in the row depends on the second one. */
static void
add_depends(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object,
			   *on;
	CmigAddress address;

	cmig_image_reader_row(reader, desc, row);
	address = cmig_image_reader_address(reader, 0);
	object = cmig_image_find(reader->image, address);
	if (object == NULL)
		return;
	on = find_needed(reader, cmig_image_reader_address(reader, 3));
	if (on == NULL || on->parent == object ||
		(desc->natts > 6 && is_own_kind(object, on, DatumGetChar(reader->values[6]))))
		return;

	/*
	 * ignore a base type's dependency on its functions, which are created
	 * before its definition
	 */
	if (object->kind == &cmig_kind_base_type && on->kind == &cmig_kind_function)
		return;
	if (on->kind == &cmig_kind_base_type && object != on && object->kind != &cmig_kind_function && on->child != NULL)
		cmig_image_depend(reader->image, object, on->child);
	cmig_image_depend(reader->image, object, on);
}

/*
 * Row callback: the first object in the row must be created after the second
 * one.
 */
static void
add_follows(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object,
			   *on;

	cmig_image_reader_row(reader, desc, row);
	object = cmig_image_find_exactly(reader->image, cmig_image_reader_address(reader, 0));
	on = cmig_image_find_exactly(reader->image, cmig_image_reader_address(reader, 3));
	if (object != NULL && on != NULL)
		cmig_object_follow(object, on);
}

/* Read the dependencies between the image's objects. */
static void
read_depends(CmigImageReader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype"
		" FROM pg_depend d WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'S')"
	};
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	cmig_query_each(&query, NULL, NULL, add_depends, reader);
	for (int i = 0; i < count; i++)
	{
		if (kinds[i]->depends != NULL)
			cmig_query_each(kind_query(kinds[i], kinds[i]->depends, 1), &schemas, NULL,
							add_depends, reader);
		if (kinds[i]->follows != NULL)
			cmig_query_each(kind_query(kinds[i], kinds[i]->follows, 2), &schemas, NULL,
							add_follows, reader);
	}
}

/* Returns the schemas that exist, as an oid[]. */
static Datum
schema_oids(const CmigManaged *managed)
{
	Datum	   *oids = palloc(sizeof(Datum) * Max(managed->count, 1));
	int			count = 0;

	for (int i = 0; i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid))
			oids[count++] = ObjectIdGetDatum(managed->schemas[i].oid);
	return PointerGetDatum(construct_array(oids, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/*
 * Make PostgreSQL print names and constants in a way that depends neither on
 * the session nor on settings of the target.
 */
static void
print_plainly(void)
{
	cmig_settings_override("quote_all_identifiers", "off");
	cmig_settings_override("extra_float_digits", "1");
	cmig_settings_override("datestyle", "ISO, MDY");
	cmig_settings_override("intervalstyle", "postgres");
	cmig_settings_override("timezone", "UTC");
	cmig_settings_override("bytea_output", "hex");
}

static CmigImage *
read_image(const CmigManaged *managed)
{
	CmigImageReader reader = {.image = cmig_image_new()};
	Datum		schemas = schema_oids(managed);
	int			guc_level = NewGUCNestLevel();

	/*
	 * turn off JIT compilation, which would take longer than running the
	 * queries
	 */
	cmig_settings_override("jit", "off");
	print_plainly();
	cmig_image_reader_find_members(&reader);
	reader.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row", ALLOCSET_SMALL_SIZES);
	read_objects(&reader, schemas, managed->all);
	MemoryContextDelete(reader.scratch);
	read_aliases(&reader, schemas);
	cmig_image_read_comments(&reader);
	cmig_image_read_grants(&reader, schemas);
	cmig_image_read_others(&reader, schemas, managed->all);
	read_depends(&reader, schemas);
	cmig_image_read_distribution(reader.image, schemas);
	AtEOXact_GUC(false, guc_level);
	cmig_image_finish(reader.image);
	cmig_bodies_read(reader.image);
	return reader.image;
}

/* Error context callback: if a lock was not available, say who holds it. */
static void
explain_wait(void *arg)
{
	cmig_lock_wait_explain();
}

CmigImage *
cmig_image_read(const CmigManaged *managed)
{
	CmigImage  *volatile image = NULL;
	ErrorContextCallback callback;

	if (cmig_lock_wait_is_watched())
		return read_image(managed);

	callback.callback = explain_wait;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	cmig_lock_wait_reset();
	PG_TRY();
	{
		cmig_lock_wait_watch(GetUserId());
		image = read_image(managed);
	}
	PG_FINALLY();
	{
		cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	return image;
}
