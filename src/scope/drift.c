/*
 * drift.c
 *	  cmig.scope_drift, which finds scopes whose schema differs from the schema
 *	  of most other scopes.
 *
 * Scopes that have the same version rows form a group.  Scopes of a group with
 * the same digest (see digest.c) are equal.  If a group has several digests,
 * one scope for each is compared by the SQL that creates its schema, without
 * the scope's name, because scopes with different digests might also be equal.
 * The most frequent SQL in a group is considered correct, and each scope with
 * different SQL is compared with a scope that has the correct SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "scope/internal.h"

PG_FUNCTION_INFO_V1(cmig_scope_drift);

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
	char	   *digest;			/* the digest of the schema, or a hash of its
								 * SQL */
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
 * Returns the scopes that can be compared, with their digests.  They are sorted
 * so that scopes with the same version rows are adjacent and, among these,
 * scopes with the same digest.
 */
static Compared *
read_scopes(const CmigScopeOptions *options, int *count)
{
	List	   *items = cmig_scope_list_tried();
	Size		most = Max((Size) list_length(items), 1);
	Compared   *scopes = palloc_extended(sizeof(Compared) * most, MCXT_ALLOC_HUGE);
	const char **names = palloc_extended(sizeof(char *) * most, MCXT_ALLOC_HUGE);
	char	  **digests;
	ListCell   *lc;

	*count = 0;
	foreach(lc, items)
	{
		const CmigScopeItem *item = lfirst(lc);

		if (!item->exists || item->rows[0] == '\0')
			continue;
		names[*count] = item->name;
		scopes[(*count)++].item = item;
	}
	digests = cmig_scope_digests(names, *count, options);
	for (int i = 0; i < *count; i++)
		scopes[i].digest = digests[i] ? digests[i] : psprintf("of %s", names[i]);
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
 * Replace the digests of the scopes in a group with hashes of the SQL that
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
