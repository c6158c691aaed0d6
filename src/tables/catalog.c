/*
 * catalog.c
 *	  Reads the table cmig.revision.
 *
 * Only this file and revision_rows.c know the columns of the table.  All
 * queries go through query.c, so they run with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/pack.h"
#include "base/query.h"
#include "run/extension.h"
#include "tables/catalog.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * The casts cost nothing if the table has its original column types.  If the
 * owner has altered a column's type, the casts convert the value or raise an
 * error, so that a datum is never misread.
 */
#define EDGE_COLUMNS \
	"r.revision::text, r.down_revision::text[], r.depends_on::text[]," \
	" r.branch_labels::text[], r.replaces::text[]"
#define DETAIL_COLUMNS \
	EDGE_COLUMNS ", r.message::text, r.created_by::text, r.transactional::boolean"
#define TEXT_COLUMNS \
	DETAIL_COLUMNS ", r.description::text, r.upgrade_sql::text," \
	" r.downgrade_sql::text, r.verify_sql::text, r.created_at::timestamptz, r.precondition_sql::text," \
	" r.repeatable::boolean, r.placeholders::text[], r.previous_sql::text"

#define UPGRADE_COLUMNS \
	"r.revision::text, coalesce(r.upgrade_sql::text, ''), r.verify_sql::text," \
	" r.transactional::boolean, r.precondition_sql::text, r.placeholders::text[], r.previous_sql::text"
#define DOWNGRADE_COLUMNS \
	"r.revision::text, r.downgrade_sql::text, NULL::text, r.transactional::boolean, NULL::text," \
	" r.placeholders::text[], NULL::text"

#define OF_ONE " FROM cmig.revision r WHERE r.revision::text = $1"
#define OF_MANY " FROM cmig.revision r WHERE r.revision::text = ANY ($1)"
#define BY_ID " ORDER BY r.revision::text COLLATE \"C\""

static CmigQuery read_edges = {
	"SELECT " EDGE_COLUMNS ", r.repeatable::boolean FROM cmig.revision r", 0,.all_rows = true
};

static CmigQuery read_details = {
	"SELECT " DETAIL_COLUMNS ", r.downgrade_sql IS NULL, r.repeatable::boolean, r.created_at::timestamptz"
	" FROM cmig.revision r", 0,
	.all_rows = true
};

static CmigQuery read_text = {"SELECT " TEXT_COLUMNS OF_ONE, 1, {TEXTOID}};
static CmigQuery read_texts = {"SELECT " TEXT_COLUMNS " FROM cmig.revision r" BY_ID, 0};
static CmigQuery read_texts_of = {"SELECT " TEXT_COLUMNS OF_MANY BY_ID, 1, {TEXTARRAYOID}};

/*
 * A query with the layout of TEXT_COLUMNS that reads only the columns needed
 * for file names.
 */
static CmigQuery read_file_names = {
	"SELECT r.revision::text, NULL::text[], NULL::text[], NULL::text[], NULL::text[],"
	" r.message::text, NULL::text, true, NULL::text, NULL::text, NULL::text,"
	" NULL::text, r.created_at::timestamptz, NULL::text,"
	" false, NULL::text[], NULL::text FROM cmig.revision r", 0
};

static CmigQuery find_precondition = {
	"SELECT FROM cmig.revision r WHERE r.precondition_sql IS NOT NULL LIMIT 1", 0
};

/* Queries for scripts, indexed by direction. */
static CmigQuery read_script[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS OF_ONE, 1, {TEXTOID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS OF_ONE, 1, {TEXTOID}}
};

static CmigQuery read_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS OF_MANY, 1, {TEXTARRAYOID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS OF_MANY, 1, {TEXTARRAYOID}}
};

/*
 * Queries for all scripts of at most $1 bytes, indexed by direction.
 * octet_length() does not detoast a value.
 */
static CmigQuery read_small_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS " FROM cmig.revision r"
		" WHERE coalesce(octet_length(r.upgrade_sql::text), 0)"
	" + coalesce(octet_length(r.verify_sql::text), 0) <= $1", 1, {INT4OID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS " FROM cmig.revision r"
	" WHERE coalesce(octet_length(r.downgrade_sql::text), 0) <= $1", 1, {INT4OID}}
};

/*
 * Convert a text datum to a string, allocated in "pack", or with palloc if
 * "pack" is NULL.
 */
static char *
keep_text(CmigPack *pack, Datum value)
{
	text	   *plain = DatumGetTextPP(value);
	char	   *kept;

	if (pack == NULL)
		kept = text_to_cstring(plain);
	else
		kept = cmig_pack_string(pack, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	if ((Pointer) plain != DatumGetPointer(value))
		pfree(plain);
	return kept;
}

/* Returns the value of a text column, or "otherwise" if the column is null. */
static char *
read_text_or(CmigPack *pack, TupleDesc desc, HeapTuple row, int column, char *otherwise)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? otherwise : keep_text(pack, value);
}

/*
 * Read a text[] column into *names.  Returns false if the array has more than
 * one dimension or contains nulls.
 */
static bool
read_names(CmigPack *pack, TupleDesc desc, HeapTuple row, int column, CmigNames *names)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	bool		plain = true;
	int			count;

	names->count = 0;
	names->names = NULL;
	if (isnull)
		return true;

	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 0)
	{
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
						  &elements, &nulls, &count);
		plain = (ARR_NDIM(array) == 1);
		names->names = pack ? cmig_pack_alloc(pack, sizeof(char *) * count)
			: palloc(sizeof(char *) * count);
		for (int i = 0; i < count; i++)
		{
			if (nulls[i])
				plain = false;
			else
				names->names[names->count++] = keep_text(pack, elements[i]);
		}
		pfree(elements);
		pfree(nulls);
	}
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);

	return plain;
}

/* Read the columns EDGE_COLUMNS of a row into *revision. */
static void
read_edge_columns(CmigPack *pack, TupleDesc desc, HeapTuple row, CmigRevision *revision)
{
	memset(revision, 0, sizeof(*revision));
	revision->id = read_text_or(pack, desc, row, 1, "");
	revision->malformed = !read_names(pack, desc, row, 2, &revision->parents);
	revision->malformed |= !read_names(pack, desc, row, 3, &revision->depends);
	revision->malformed |= !read_names(pack, desc, row, 4, &revision->labels);
	revision->malformed |= !read_names(pack, desc, row, 5, &revision->replaces);
}

/*
 * Read the columns of DETAIL_COLUMNS that follow EDGE_COLUMNS into *revision.
 * "before" is the revision that was read before, or NULL; if it has the same
 * author, the string with the author's name is shared.
 */
static void
read_detail_columns(CmigPack *pack, TupleDesc desc, HeapTuple row, CmigRevision *revision,
					const CmigRevision *before)
{
	bool		isnull;
	Datum		author;

	revision->message = read_text_or(pack, desc, row, 6, "");
	author = cmig_query_datum(desc, row, 7, &isnull);
	if (!isnull)
	{
		text	   *name = DatumGetTextPP(author);

		if (before && before->created_by &&
			strlen(before->created_by) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(before->created_by, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			revision->created_by = before->created_by;
		else
			revision->created_by = keep_text(pack, author);
	}
	revision->transactional = cmig_query_bool(desc, row, 8, true);
}

/* The state of cmig_catalog_read_revisions(). */
typedef struct ReadSet
{
	CmigRevisionSet *set;
	int			allocated;
	int			repeatables_allocated;
	bool		with_details;
	CmigPack	pack;
} ReadSet;

/* Append an uninitialized revision to an array, and return a pointer to it. */
static CmigRevision *
add_revision(CmigRevision **revisions, int *count, int *allocated)
{
	if (*count == *allocated)
	{
		*allocated = Max(*allocated * 2, 64);
		*revisions = *revisions == NULL ? palloc(sizeof(CmigRevision) * *allocated) :
			repalloc_huge(*revisions, sizeof(CmigRevision) * (Size) *allocated);
	}
	return &(*revisions)[(*count)++];
}

/* Row callback: add a revision to the set. */
static void
collect_revision(TupleDesc desc, HeapTuple row, void *arg)
{
	ReadSet    *read = arg;
	CmigRevisionSet *set = read->set;
	bool		repeatable = cmig_query_bool(desc, row, read->with_details ? 10 : 6, false);
	CmigRevision *revision = repeatable ?
	add_revision(&set->repeatables, &set->repeatable_count, &read->repeatables_allocated) :
	add_revision(&set->revisions, &set->count, &read->allocated);

	read_edge_columns(&read->pack, desc, row, revision);
	revision->repeatable = repeatable;
	if (read->with_details)
	{
		bool		first = (repeatable ? set->repeatable_count : set->count) == 1;
		bool		isnull;

		/*
		 * pass the previous revision, because its author is usually the same
		 */
		read_detail_columns(&read->pack, desc, row, revision, first ? NULL : &revision[-1]);
		revision->irreversible = !repeatable && cmig_query_bool(desc, row, 9, false);
		revision->created_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 11, &isnull));
		revision->has_created_at = !isnull;
	}
}

CmigRevisionSet *
cmig_catalog_read_revisions(bool with_details)
{
	ReadSet		read = {0};

	cmig_extension_share();
	read.with_details = with_details;
	read.set = palloc0(sizeof(CmigRevisionSet));
	read.allocated = 64;
	read.set->revisions = palloc(sizeof(CmigRevision) * read.allocated);
	cmig_query_each(with_details ? &read_details : &read_edges, NULL, NULL,
					collect_revision, &read);
	if (read.set->count + read.set->repeatable_count == 0)
		cmig_citus_warn_worker();
	return read.set;
}

/* Returns a palloc'd revision, given a row with TEXT_COLUMNS. */
static CmigRevisionText *
read_text_columns(TupleDesc desc, HeapTuple row)
{
	CmigRevisionText *text = palloc0(sizeof(CmigRevisionText));
	bool		isnull;

	read_edge_columns(NULL, desc, row, &text->edges);
	read_detail_columns(NULL, desc, row, &text->edges, NULL);
	text->description = cmig_query_text(desc, row, 9);
	text->upgrade_sql = cmig_query_text(desc, row, 10);
	text->downgrade_sql = cmig_query_text(desc, row, 11);
	text->verify_sql = cmig_query_text(desc, row, 12);
	text->created_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 13, &isnull));
	text->has_created_at = !isnull;
	text->precondition_sql = cmig_query_text(desc, row, 14);
	text->edges.repeatable = cmig_query_bool(desc, row, 15, false);
	text->edges.malformed |= !read_names(NULL, desc, row, 16, &text->placeholders);
	text->previous_sql = cmig_query_text(desc, row, 17);
	if (text->description == NULL)
		text->description = pstrdup("");
	if (text->upgrade_sql == NULL)
		text->upgrade_sql = pstrdup("");
	return text;
}

/* Row callback: store the revision in *arg. */
static void
take_text(TupleDesc desc, HeapTuple row, void *arg)
{
	*((CmigRevisionText **) arg) = read_text_columns(desc, row);
}

CmigRevisionText *
cmig_catalog_read_text(const char *revision)
{
	CmigRevisionText *text = NULL;
	Datum		values[1] = {CStringGetTextDatum(revision)};

	cmig_query_each(&read_text, values, NULL, take_text, &text);
	pfree(DatumGetPointer(values[0]));
	return text;
}

bool
cmig_catalog_has_preconditions(void)
{
	return cmig_query_run(&find_precondition, NULL, NULL) > 0;
}

/*
 * Returns a palloc'd script, given a row with UPGRADE_COLUMNS or
 * DOWNGRADE_COLUMNS.
 */
static CmigStoredScript *
read_script_columns(TupleDesc desc, HeapTuple row)
{
	CmigStoredScript *script = palloc0(sizeof(CmigStoredScript));

	script->sql = cmig_query_text(desc, row, 2);
	script->verify_sql = cmig_query_text(desc, row, 3);
	script->transactional = cmig_query_bool(desc, row, 4, true);
	script->precondition_sql = cmig_query_text(desc, row, 5);
	(void) read_names(NULL, desc, row, 6, &script->placeholders);
	script->previous_sql = cmig_query_text(desc, row, 7);
	return script;
}

/* Row callback: store the script in *arg. */
static void
take_script(TupleDesc desc, HeapTuple row, void *arg)
{
	*((CmigStoredScript **) arg) = read_script_columns(desc, row);
}

CmigStoredScript *
cmig_catalog_read_script(const char *revision, CmigDirection direction)
{
	CmigStoredScript *script = NULL;
	Datum		values[1] = {CStringGetTextDatum(revision)};

	cmig_query_each(&read_script[direction], values, NULL, take_script, &script);
	pfree(DatumGetPointer(values[0]));
	return script;
}

/* The state of cmig_catalog_each_script() and similar functions. */
typedef struct EachScript
{
	const char *always;			/* id of the revision whose script is passed
								 * to the callback even if it is large */
	Size		left;			/* number of bytes of scripts that may still
								 * be passed to the callback */
	CmigScriptCallback callback;
	void	   *arg;
	MemoryContext context;
} EachScript;

/* Returns the size of the value in a text column without detoasting it. */
static Size
column_size(TupleDesc desc, HeapTuple row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? 0 : toast_raw_datum_size(value);
}

/*
 * Row callback: pass the script to the caller's callback, unless the script is
 * too large.
 */
static void
hand_over_script(TupleDesc desc, HeapTuple row, void *arg)
{
	EachScript *each = arg;
	MemoryContext old = MemoryContextSwitchTo(each->context);
	char	   *revision = cmig_query_text(desc, row, 1);
	Size		size = column_size(desc, row, 2) + column_size(desc, row, 3);

	if (size <= each->left || strcmp(revision, each->always) == 0)
	{
		each->left -= Min(size, each->left);
		each->callback(revision, read_script_columns(desc, row), each->arg);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(each->context);
}

/*
 * Run a query for scripts, and pass each script on to the caller's callback.
 */
static void
each_script(CmigQuery *query, Datum value, EachScript *each)
{
	each->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_cmig revision script",
										  ALLOCSET_DEFAULT_SIZES);
	cmig_query_each(query, &value, NULL, hand_over_script, each);
	MemoryContextDelete(each->context);
}

void
cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
						 Size most_bytes, CmigScriptCallback callback, void *arg)
{
	EachScript	each = {revisions->names[0], most_bytes, callback, arg, NULL};
	Datum		names = cmig_catalog_names_datum(revisions);

	each_script(&read_scripts[direction], names, &each);
	pfree(DatumGetPointer(names));
}

void
cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
							   CmigScriptCallback callback, void *arg)
{
	EachScript	each = {"", MaxAllocHugeSize, callback, arg, NULL};

	each_script(&read_small_scripts[direction], Int32GetDatum(most_bytes), &each);
}

/* The state of cmig_catalog_each_text() and similar functions. */
typedef struct EachText
{
	CmigRevisionTextCallback callback;
	void	   *arg;
	MemoryContext context;
} EachText;

/* Row callback: pass the revision on to the caller's callback. */
static void
hand_over_text(TupleDesc desc, HeapTuple row, void *arg)
{
	EachText   *each = arg;
	MemoryContext old = MemoryContextSwitchTo(each->context);
	CmigRevisionText *text = read_text_columns(desc, row);

	MemoryContextSwitchTo(old);
	each->callback(text, each->arg);
	MemoryContextReset(each->context);
}

/* Run a query with TEXT_COLUMNS, and pass each revision on to the callback. */
static void
each_text(CmigQuery *query, Datum *values, CmigRevisionTextCallback callback, void *arg)
{
	EachText	each;

	each.callback = callback;
	each.arg = arg;
	each.context = AllocSetContextCreate(CurrentMemoryContext,
										 "pg_cmig revision text",
										 ALLOCSET_DEFAULT_SIZES);
	cmig_query_each(query, values, NULL, hand_over_text, &each);
	MemoryContextDelete(each.context);
}

void
cmig_catalog_each_text(CmigRevisionTextCallback callback, void *arg)
{
	each_text(&read_texts, NULL, callback, arg);
}

void
cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg)
{
	each_text(&read_file_names, NULL, callback, arg);
}

void
cmig_catalog_each_text_of(const CmigNames *ids, CmigRevisionTextCallback callback,
						  void *arg)
{
	Datum		values[1] = {cmig_catalog_names_datum(ids)};

	each_text(&read_texts_of, values, callback, arg);
}

Datum
cmig_catalog_names_datum(const CmigNames *names)
{
	Datum	   *elements;
	ArrayType  *array;

	if (names->count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	elements = palloc(sizeof(Datum) * names->count);
	for (int i = 0; i < names->count; i++)
		elements[i] = CStringGetTextDatum(names->names[i]);
	array = construct_array(elements, names->count, TEXTOID, -1, false, TYPALIGN_INT);
	for (int i = 0; i < names->count; i++)
		pfree(DatumGetPointer(elements[i]));
	pfree(elements);
	return PointerGetDatum(array);
}
