/*
 * scope_digest.c
 *	  Hashes of the schemas of many scopes.
 *
 * Reading the catalogs for each scope would take too long, so the objects of
 * many schemas are read into one image.  The hash of a schema is the sum of its
 * objects' hashes.  An object's hash is that of its identity and properties, in
 * which the schema's name is replaced.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "kinds/kinds.h"
#include "schema/image_read.h"
#include "scope/scope_digest.h"
#include "scope/scope_name.h"
#include "shadow/managed.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/*
 * An image has at most this many schemas and relations, so that it takes about
 * 100 MB.  Each image reads the whole catalogs, so smaller ones would take
 * longer.
 */
#define MOST_SCHEMAS 10000
#define MOST_RELATIONS 20000

/* The number of relations in each schema of an array. */
static CmigQuery sizes_query = {
	.sql = "SELECT count(c.oid)::int4 FROM unnest($1) WITH ORDINALITY s (name, number)"
	" LEFT JOIN pg_namespace n ON n.nspname = s.name::name"
	" LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	" GROUP BY s.number ORDER BY s.number",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID}
};

/* The hash of a schema, while its objects are added. */
typedef struct Digest
{
	Oid			schema;
	int			place;			/* position in the array of schemas */
	const char *quoted;			/* the schema's name as in SQL */
	uint64		sum[2];
} Digest;

/* The schemas of one image. */
typedef struct Batch
{
	const CmigScopeOptions *options;
	int			count;
	Digest	   *digests;		/* sorted by schema */
	bool		is_unknown;		/* true if the schema of an object is not
								 * known */
	StringInfoData text;		/* what is hashed for the current object */
} Batch;

/* qsort and bsearch comparator: by schema. */
static int
compare_digests(const void *a, const void *b)
{
	Oid			x = ((const Digest *) a)->schema;
	Oid			y = ((const Digest *) b)->schema;

	return x < y ? -1 : x > y;
}

/* Add the hash of the text to that of the schema, and clear the text. */
static void
add_text(Batch *batch, Digest *digest)
{
	for (size_t i = 0; i < lengthof(digest->sum); i++)
		digest->sum[i] += hash_bytes_extended((const unsigned char *) batch->text.data, batch->text.len, i);
	resetStringInfo(&batch->text);
}

/* Add the privileges on an object or its sequence, in any order. */
static void
add_grants(Batch *batch, Digest *digest, const CmigObject *object, const char *what, const List *grants)
{
	ListCell   *lc;

	foreach(lc, grants)
	{
		const CmigGrant *grant = lfirst(lc);

		appendStringInfoString(&batch->text, what);
		cmig_scope_name_append(&batch->text, digest->quoted, object->identity);
		cmig_scope_name_append(&batch->text, digest->quoted, grant->grantee);
		cmig_scope_name_append(&batch->text, digest->quoted, grant->privilege);
		cmig_scope_name_append(&batch->text, digest->quoted, grant->grantor);
		appendStringInfo(&batch->text, "%d%d", grant->grantable, grant->granted);
		add_text(batch, digest);
	}
}

/* Returns the position of a column among the columns of its table, or 0. */
static int
position_of(const CmigObject *object)
{
	int			position = 0;

	if (object->parent == NULL ||
		(object->kind != &cmig_kind_column && object->kind != &cmig_kind_foreign_column && object->kind != &cmig_kind_attribute))
		return 0;
	for (const CmigObject *child = object->parent->child; child != NULL && child != object; child = child->sibling)
		position += child->kind == object->kind;
	return position;
}

/* Add an object to the hash of its schema. */
static void
add_object(Batch *batch, Digest *digest, const CmigObject *object)
{
	appendStringInfo(&batch->text, "%s %d %d %d ", object->kind->name, position_of(object), object->inherited, object->linked);
	cmig_scope_name_append(&batch->text, digest->quoted, object->identity);
	for (int i = 0; i < object->kind->nproperties; i++)
		cmig_scope_name_append(&batch->text, digest->quoted, object->values[i]);
	if (batch->options->owners)
		cmig_scope_name_append(&batch->text, digest->quoted, object->owner);
	if (batch->options->comments)
	{
		cmig_scope_name_append(&batch->text, digest->quoted, object->comment);
		cmig_scope_name_append(&batch->text, digest->quoted, object->index_comment);
	}
	add_text(batch, digest);
	if (batch->options->privileges)
	{
		add_grants(batch, digest, object, "object ", object->grants);
		add_grants(batch, digest, object, "sequence ", object->sequence_grants);
	}
}

/* Returns the digest of the schema that contains an object, or NULL. */
static Digest *
digest_of(const Batch *batch, const CmigObject *object)
{
	ObjectAddress address;
	Digest		key;

	while (object->parent != NULL)
		object = object->parent;
	ObjectAddressSubSet(address, object->address.catalog, object->address.object, object->address.sub);
	key.schema = address.classId == NamespaceRelationId ? address.objectId : get_object_namespace(&address);
	return bsearch(&key, batch->digests, batch->count, sizeof(Digest), compare_digests);
}

/* Read the schemas into an image, and hash all objects. */
static void
add_objects(Batch *batch, const CmigManaged *managed)
{
	CmigImage  *image = cmig_image_read(managed);

	initStringInfo(&batch->text);
	for (int i = 0; i < image->count; i++)
	{
		Digest	   *digest = digest_of(batch, image->objects[i]);

		CHECK_FOR_INTERRUPTS();
		if (digest == NULL)
			batch->is_unknown = true;
		else
			add_object(batch, digest, image->objects[i]);
	}
}

/*
 * Set the hashes of a few schemas, allocated in "caller".  If an object cannot
 * be assigned to a schema, the hashes of all of them are different.
 */
static void
hash_schemas(char *const *schemas, int count, const CmigScopeOptions *options, char **result, MemoryContext caller)
{
	CmigNames	names = {.names = (char **) schemas,.count = count};
	CmigManaged *managed = cmig_managed_schemas(&names);
	Batch		batch = {.options = options,.count = managed->count};

	Assert(managed->count == count);
	batch.digests = palloc0(sizeof(Digest) * managed->count);
	for (int i = 0; i < managed->count; i++)
	{
		batch.digests[i].schema = managed->schemas[i].oid;
		batch.digests[i].quoted = quote_identifier(managed->schemas[i].name);
		batch.digests[i].place = i;
	}
	qsort(batch.digests, batch.count, sizeof(Digest), compare_digests);
	add_objects(&batch, managed);
	for (int i = 0; i < batch.count; i++)
	{
		const Digest *digest = &batch.digests[i];
		char	   *hash = psprintf(UINT64_FORMAT " " UINT64_FORMAT "%s%s", digest->sum[0], digest->sum[1],
									batch.is_unknown ? " " : "", batch.is_unknown ? digest->quoted : "");

		result[digest->place] = MemoryContextStrdup(caller, hash);
	}
}

/* Row callback: append the number in the row to an array. */
static void
keep_size(TupleDesc desc, HeapTuple row, void *arg)
{
	int		  **next = arg;

	*(*next)++ = cmig_query_int32(desc, row, 1, 0);
}

/* Returns the number of relations in each schema. */
static int *
read_sizes(char *const *schemas, int count)
{
	Datum	   *names = palloc(sizeof(Datum) * Max(count, 1));
	int		   *sizes = palloc0(sizeof(int) * Max(count, 1));
	int		   *next = sizes;
	Datum		values[1];

	for (int i = 0; i < count; i++)
		names[i] = CStringGetTextDatum(schemas[i]);
	values[0] = PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
	cmig_query_each(&sizes_query, values, NULL, keep_size, &next);
	return sizes;
}

char **
cmig_scope_digest(char *const *schemas, int count, const CmigScopeOptions *options)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig schemas", ALLOCSET_DEFAULT_SIZES);
	char	  **result = palloc0(sizeof(char *) * Max(count, 1));
	int		   *sizes = read_sizes(schemas, count);

	MemoryContextSwitchTo(context);
	for (int first = 0, end = 0; first < count; first = end)
	{
		int			relations = 0;

		while (end < count && end - first < MOST_SCHEMAS && (end == first || relations + sizes[end] <= MOST_RELATIONS))
			relations += sizes[end++];
		hash_schemas(schemas + first, end - first, options, result + first, caller);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return result;
}
