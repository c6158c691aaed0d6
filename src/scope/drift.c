/*
 * drift.c
 *	  cmig.scope_drift.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "schema/schema.h"
#include "scope/internal.h"

/* ----------------------------------------------------------------
 * Computes hashes of the schemas of many scopes.
 *
 * Reading the catalogs for each scope would take too long, so the objects of
 * many schemas are read into one image, a copy of their definitions in memory.
 * The hash of a schema is the sum of its objects' hashes.  The hash of an
 * object covers its identity and properties, in which the schema's name is
 * replaced.
 * ----------------------------------------------------------------
 */

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

/*
 * Returns a hash for each of the schemas, in the same order.  The schemas must
 * exist, and must be sorted by name in byte order.
 *
 * Two schemas that have the same hash have the same objects with the same
 * properties, apart from the schema's name.  Two schemas that have different
 * hashes might also be equal.
 */
static char **
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

/* ----------------------------------------------------------------
 * Implements cmig.scope_drift, which finds scopes whose schema differs from
 * the schema of most other scopes.
 *
 * Scopes that have the same version rows form a group, and are compared with
 * each other by three kinds of hashes.  Fingerprints (see scope.h)
 * are the fastest to compute, then come hashes of the schemas' objects (see
 * scope.h), and then hashes of the SQL that creates the schemas,
 * without the scope's name.  Scopes with the same hash are equal, but scopes
 * with different hashes might also be equal.  Therefore, if the scopes of a
 * group have several hashes, one scope for each hash is compared by the next
 * kind of hash.  The most frequent SQL in a group is considered correct, and
 * each scope with different SQL is compared with a scope that has the correct
 * SQL.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_scope_drift);

#define COLUMNS 8

/*
 * A query for a hash of the SQL that creates a schema.  The scope's name is
 * replaced wherever it is an identifier, so that the hashes of equal schemas
 * are equal.
 */
static CmigQuery digest_query = {
	.sql = "SELECT md5(regexp_replace(cmig.schema_sql(ARRAY[$1], owners => $2, privileges => $3, comments => $4),"
	" '(?<![[:alnum:]_$\"])' || regexp_replace(quote_ident($1), '([^[:alnum:]_])', '\\\\\\1', 'g')"
	" || '(?![[:alnum:]_$\"])', '<scope>', 'g'))",
	.nargs = 4,
	.argtypes = {TEXTOID, BOOLOID, BOOLOID, BOOLOID}
};

static CmigQuery diff_query = {
	.sql = "SELECT $1, $5, d.step, d.kind, d.object, d.upgrade_sql, d.downgrade_sql, d.hazard"
	" FROM cmig.diff_schemas($1, $5, owners => $2, privileges => $3, comments => $4) d ORDER BY d.step",
	.nargs = 5,
	.argtypes = {TEXTOID, BOOLOID, BOOLOID, BOOLOID, TEXTOID}
};

/* A scope to compare. */
typedef struct Compared
{
	const CmigScopeItem *item;
	char	   *digest;			/* the fingerprint of the schema, or a hash of
								 * its objects or of its SQL */
} Compared;

/* Set the first four arguments of digest_query or diff_query. */
static void
set_arguments(Datum *values, const char *scope, const CmigScopeOptions *options)
{
	values[0] = CStringGetTextDatum(scope);
	values[1] = BoolGetDatum(options->owners);
	values[2] = BoolGetDatum(options->privileges);
	values[3] = BoolGetDatum(options->comments);
}

/* Returns the hash of the SQL that creates a scope's schema. */
static char *
hash_sql(const char *scope, const CmigScopeOptions *options)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig scope", ALLOCSET_DEFAULT_SIZES);
	Datum		values[4];
	char	   *digest = NULL;

	MemoryContextSwitchTo(context);
	set_arguments(values, scope, options);
	cmig_query_each(&digest_query, values, NULL, cmig_query_keep_text, &digest);
	MemoryContextSwitchTo(caller);
	digest = pstrdup(digest);
	MemoryContextDelete(context);
	return digest;
}

/* qsort comparator by version rows, hash, and name. */
static int
compare_items(const void *a, const void *b)
{
	const Compared *x = a;
	const Compared *y = b;
	int			order = strcmp(x->item->rows, y->item->rows);

	if (order == 0)
		order = strcmp(x->digest, y->digest);
	return order ? order : strcmp(x->item->name, y->item->name);
}

/*
 * Returns the scopes that can be compared, with their fingerprints.  They are
 * sorted so that scopes with the same version rows are adjacent and, among
 * these, scopes with the same fingerprint.
 */
static Compared *
read_scopes(const CmigScopeOptions *options, int *count)
{
	List	   *items = cmig_scope_list_tried();
	Compared   *scopes = palloc_extended(sizeof(Compared) * Max((Size) list_length(items), 1), MCXT_ALLOC_HUGE);
	CmigFingerprints *fingerprints = cmig_scope_fingerprint_begin(options);
	ListCell   *lc;

	*count = 0;
	foreach(lc, items)
	{
		const CmigScopeItem *item = lfirst(lc);
		CmigFingerprint fingerprint;

		CHECK_FOR_INTERRUPTS();
		if (!item->exists || item->rows[0] == '\0')
			continue;
		fingerprint = cmig_scope_fingerprint(fingerprints, item->name);
		scopes[*count].item = item;
		scopes[(*count)++].digest = fingerprint.is_known ?
			psprintf(UINT64_FORMAT " " UINT64_FORMAT, fingerprint.sum[0], fingerprint.sum[1]) : psprintf("of %s", item->name);
	}
	cmig_scope_fingerprint_end(fingerprints);
	qsort(scopes, *count, sizeof(Compared), compare_items);
	return scopes;
}

/*
 * Returns the index after the last of the consecutive scopes that have the
 * same version rows as scopes[first] and, if same_digest is true, the same
 * hash.
 */
static int
end_of_run(const Compared *scopes, int first, int count, bool same_digest)
{
	int			end = first;

	while (end < count && strcmp(scopes[end].item->rows, scopes[first].item->rows) == 0 &&
		   (!same_digest || strcmp(scopes[end].digest, scopes[first].digest) == 0))
		end++;
	return end;
}

/* qsort comparator for pointers to scopes, by name. */
static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(Compared *const *) a)->item->name, (*(Compared *const *) b)->item->name);
}

/*
 * Find the scopes that must be compared by the next kind of hash: in each
 * group with several hashes, the first scope for each hash.  Stores pointers
 * to them in "firsts", and returns their number.
 */
static int
find_firsts(Compared *scopes, int count, Compared **firsts)
{
	int			found = 0;

	for (int first = 0; first < count;)
	{
		int			end = end_of_run(scopes, first, count, false);

		if (end_of_run(scopes, first, end, true) < end)
			for (int i = first; i < end; i = end_of_run(scopes, i, end, true))
				firsts[found++] = &scopes[i];
		first = end;
	}
	return found;
}

/*
 * In groups with several fingerprints, replace the fingerprints with hashes of
 * the schemas' objects, and sort all scopes again.
 */
static void
refine_all(Compared *scopes, int count, const CmigScopeOptions *options)
{
	Compared  **firsts = palloc_extended(sizeof(Compared *) * Max((Size) count, 1), MCXT_ALLOC_HUGE);
	int			found = find_firsts(scopes, count, firsts);
	char	  **names = palloc(sizeof(char *) * Max(found, 1));
	char	  **digests;

	qsort(firsts, found, sizeof(Compared *), compare_names);
	for (int i = 0; i < found; i++)
		names[i] = firsts[i]->item->name;
	digests = cmig_scope_digest(names, found, options);
	for (int i = 0; i < found; i++)
	{
		Compared   *scope = firsts[i];
		int			end = end_of_run(scopes, scope - scopes, count, true);

		for (; scope < scopes + end; scope++)
			scope->digest = digests[i];
	}
	if (found > 0)
		qsort(scopes, count, sizeof(Compared), compare_items);
}

/*
 * Replace the hashes of the scopes in a group with hashes of the SQL that
 * creates their schemas, and sort the group again.  The group consists of the
 * scopes from the index "first" up to, but not including, "end".
 */
static void
refine_group(Compared *scopes, int first, int end, const CmigScopeOptions *options)
{
	for (int i = first; i < end;)
	{
		int			next = end_of_run(scopes, i, end, true);
		char	   *digest;

		CHECK_FOR_INTERRUPTS();
		digest = hash_sql(scopes[i].item->name, options);
		for (; i < next; i++)
			scopes[i].digest = digest;
	}
	qsort(scopes + first, end - first, sizeof(Compared), compare_items);
}

/* Returns a scope of the group that has the group's most frequent hash. */
static const Compared *
find_majority(const Compared *scopes, int first, int end)
{
	int			best = first;
	int			best_size = 0;

	for (int i = first; i < end;)
	{
		int			next = i;

		while (next < end && strcmp(scopes[next].digest, scopes[i].digest) == 0)
			next++;
		if (next - i > best_size ||
			(next - i == best_size && strcmp(scopes[i].item->name, scopes[best].item->name) < 0))
		{
			best = i;
			best_size = next - i;
		}
		i = next;
	}
	return &scopes[best];
}

/* Compare the scopes of a group, and add their differences to the result. */
static void
put_group(ReturnSetInfo *result, const Compared *scopes, int first, int end, const CmigScopeOptions *options)
{
	const Compared *right = find_majority(scopes, first, end);
	const Compared **others = palloc(sizeof(Compared *) * (end - first));
	int			count = 0;

	for (int i = first; i < end; i++)
		if (strcmp(scopes[i].digest, right->digest) != 0)
			others[count++] = &scopes[i];
	qsort(others, count, sizeof(Compared *), compare_names);
	for (int i = 0; i < count; i++)
	{
		Datum		values[5];

		CHECK_FOR_INTERRUPTS();
		set_arguments(values, others[i]->item->name, options);
		values[4] = CStringGetTextDatum(right->item->name);
		cmig_query_each(&diff_query, values, NULL, cmig_query_return_row, result);
	}
	pfree(others);
}

CMIG_READER(cmig_scope_drift)
{
	CmigScopeOptions options;
	Compared   *scopes;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	options.owners = cmig_argument_bool(fcinfo, 0, false);
	options.privileges = cmig_argument_bool(fcinfo, 1, true);
	options.comments = cmig_argument_bool(fcinfo, 2, true);
	scopes = read_scopes(&options, &count);
	refine_all(scopes, count, &options);
	for (int first = 0; first < count;)
	{
		int			end = end_of_run(scopes, first, count, false);

		if (end_of_run(scopes, first, end, true) < end)
			refine_group(scopes, first, end, &options);
		put_group((ReturnSetInfo *) fcinfo->resultinfo, scopes, first, end, &options);
		first = end;
	}
	return (Datum) 0;
}
