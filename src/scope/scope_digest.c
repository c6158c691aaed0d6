/*
 * scope_digest.c
 *	  Computes hashes of the schemas of many scopes.
 *
 * Reading the catalogs for each scope would take too long, so the objects of
 * many schemas are read into one image, a copy of their definitions in memory.
 * The hash of a schema is the sum of its objects' hashes.  The hash of an
 * object covers its identity and properties, in which the schema's name is
 * replaced.
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
 * The maximum number of schemas and relations in an image.  With these limits,
 * an image takes about 100 MB.  Smaller images would take more time, because
 * reading an image requires reading the whole catalogs.
 */
#define MOST_SCHEMAS 10000
#define MOST_RELATIONS 20000

/* A query for the number of relations in each schema in an array. */
static CmigQuery sizes_query = {
	.sql = "SELECT count(c.oid)::int4 FROM unnest($1) WITH ORDINALITY s (name, number)"
	" LEFT JOIN pg_namespace n ON n.nspname = s.name::name"
	" LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
	" GROUP BY s.number ORDER BY s.number",
	.nargs = 1,
	.argtypes = {TEXTARRAYOID}
};

/* The hash of a schema while it is being computed. */
typedef struct Digest
{
	Oid			schema;
	int			place;			/* position of the schema in the caller's
								 * array */
	const char *quoted;			/* schema name, quoted if necessary */
	uint64		sum[2];
} Digest;

/* The schemas that are read into one image. */
typedef struct Batch
{
	const CmigScopeOptions *options;
	int			count;
	Digest	   *digests;		/* sorted by the OID of the schema */
	bool		is_unknown;		/* does an object belong to none of the
								 * schemas? */
	StringInfoData text;		/* string to be hashed for the current object */
} Batch;

/* qsort and bsearch comparator by the OID of the schema. */
static int
compare_digests(const void *a, const void *b)
{
	Oid			x = ((const Digest *) a)->schema;
	Oid			y = ((const Digest *) b)->schema;

	return x < y ? -1 : x > y;
}

/* Add the hash of batch->text to the hash of a schema, and clear the text. */
static void
add_text(Batch *batch, Digest *digest)
{
	for (size_t i = 0; i < lengthof(digest->sum); i++)
		digest->sum[i] += hash_bytes_extended((const unsigned char *) batch->text.data, batch->text.len, i);
	resetStringInfo(&batch->text);
}

/*
 * Add an object's privileges to the hash of its schema.  "what" says whether
 * these are privileges on the object itself or on its sequence.  The order of
 * the privileges has no effect on the hash.
 */
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

/*
 * If the object is a column, returns its position among the columns of its
 * table; otherwise 0.
 */
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

/*
 * Returns the digest of the schema that contains an object, or NULL if none of
 * the schemas contains it.
 */
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

/* Read the schemas into an image, and add all objects to the hashes. */
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
 * Set result[i] to the hash of schemas[i], allocated in "caller".  If any
 * object cannot be assigned to a schema, all hashes are made different.
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

/* Row callback of sizes_query: append the number in the row to an array. */
static void
keep_size(TupleDesc desc, HeapTuple row, void *arg)
{
	int		  **next = arg;

	*(*next)++ = cmig_query_int32(desc, row, 1, 0);
}

/* Returns an array with the number of relations in each schema. */
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
