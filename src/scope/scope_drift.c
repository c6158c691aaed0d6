/*
 * scope_drift.c
 *	  Implements cmig.scope_drift, which finds scopes whose schema differs from
 *	  the schema of most other scopes.
 *
 * Scopes that have the same version rows form a group, and are compared with
 * each other by three kinds of hashes.  Fingerprints (see scope_fingerprint.h)
 * are the fastest to compute, then come hashes of the schemas' objects (see
 * scope_digest.h), and then hashes of the SQL that creates the schemas,
 * without the scope's name.  Scopes with the same hash are equal, but scopes
 * with different hashes might also be equal.  Therefore, if the scopes of a
 * group have several hashes, one scope for each hash is compared by the next
 * kind of hash.  The most frequent SQL in a group is considered correct, and
 * each scope with different SQL is compared with a scope that has the correct
 * SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"
#include "scope/scope_digest.h"
#include "scope/scope_fingerprint.h"
#include "scope/scope_list.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

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

Datum
cmig_scope_drift(PG_FUNCTION_ARGS)
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
