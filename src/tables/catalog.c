/*
 * catalog.c
 *	  The tables cmig.revision and cmig.version.
 *
 * The only file that knows their columns.  Everything goes through
 * cmig_query_*, that is with the caller's rights.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "tables/catalog.h"
#include "catalog/pg_type.h"
#include "base/compat.h"
#include "base/errors.h"
#include "run/extension.h"
#include "lib/stringinfo.h"
#include "base/pack.h"
#include "base/query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/*
 * The casts cost nothing while the tables are as installed; when their owner
 * has altered a column they make it an error instead of a misread datum.
 */
#define EDGE_COLUMNS \
	"r.revision::text, r.down_revision::text[], r.depends_on::text[]," \
	" r.branch_labels::text[]"
#define DETAIL_COLUMNS \
	EDGE_COLUMNS ", r.message::text, r.created_by::text, r.transactional::boolean"
#define TEXT_COLUMNS \
	DETAIL_COLUMNS ", r.description::text, r.upgrade_sql::text," \
	" r.downgrade_sql::text, r.verify_sql::text, r.created_at::timestamptz"

static CmigQuery read_edges = {
	"SELECT " EDGE_COLUMNS " FROM cmig.revision r", 0,.all_rows = true
};

static CmigQuery read_details = {
	"SELECT " DETAIL_COLUMNS ", r.downgrade_sql IS NULL FROM cmig.revision r", 0,
	.all_rows = true
};

static CmigQuery read_text = {
	"SELECT " TEXT_COLUMNS
	" FROM cmig.revision r WHERE r.revision::text = $1", 1, {TEXTOID}
};

static CmigQuery read_texts = {
	"SELECT " TEXT_COLUMNS " FROM cmig.revision r"
	" ORDER BY r.revision::text COLLATE \"C\"", 0
};

static CmigQuery read_upgrade = {
	"SELECT coalesce(r.upgrade_sql::text, ''), r.verify_sql::text, r.transactional::boolean"
	" FROM cmig.revision r WHERE r.revision::text = $1", 1, {TEXTOID}
};

static CmigQuery read_downgrade = {
	"SELECT r.downgrade_sql::text, NULL::text, r.transactional::boolean"
	" FROM cmig.revision r WHERE r.revision::text = $1", 1, {TEXTOID}
};

/* the columns of TEXT_COLUMNS, but only what names a file */
static CmigQuery read_file_names = {
	"SELECT r.revision::text, NULL::text[], NULL::text[], NULL::text[],"
	" r.message::text, NULL::text, true, NULL::text, NULL::text, NULL::text,"
	" NULL::text, r.created_at::timestamptz FROM cmig.revision r", 0
};

static CmigQuery read_texts_of = {
	"SELECT " TEXT_COLUMNS
	" FROM cmig.revision r WHERE r.revision::text = ANY ($1)"
	" ORDER BY r.revision::text COLLATE \"C\"", 1, {TEXTARRAYOID}
};

static CmigQuery read_upgrades = {
	"SELECT r.revision::text, coalesce(r.upgrade_sql::text, ''), r.verify_sql::text,"
	" r.transactional::boolean"
	" FROM cmig.revision r WHERE r.revision::text = ANY ($1)", 1, {TEXTARRAYOID}
};

static CmigQuery read_downgrades = {
	"SELECT r.revision::text, r.downgrade_sql::text, NULL::text,"
	" r.transactional::boolean"
	" FROM cmig.revision r WHERE r.revision::text = ANY ($1)", 1, {TEXTARRAYOID}
};

/* octet_length() of a large value does not fetch it */
static CmigQuery read_small_upgrades = {
	"SELECT r.revision::text, coalesce(r.upgrade_sql::text, ''), r.verify_sql::text,"
	" r.transactional::boolean FROM cmig.revision r"
	" WHERE coalesce(octet_length(r.upgrade_sql::text), 0)"
	" + coalesce(octet_length(r.verify_sql::text), 0) <= $1", 1, {INT4OID}
};

static CmigQuery read_small_downgrades = {
	"SELECT r.revision::text, r.downgrade_sql::text, NULL::text,"
	" r.transactional::boolean FROM cmig.revision r"
	" WHERE coalesce(octet_length(r.downgrade_sql::text), 0) <= $1", 1, {INT4OID}
};

static CmigQuery insert_revision = {
	"INSERT INTO cmig.revision (revision, down_revision, depends_on,"
	" branch_labels, message, description, upgrade_sql, downgrade_sql,"
	" verify_sql, transactional, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" coalesce($11, pg_catalog.now()))",
	11, {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID, BOOLOID, TIMESTAMPTZOID}
};

/*
 * Arrays of arrays cannot be unnested side by side, so names are joined.
 * unnest with several arguments must not be qualified.
 */
static CmigQuery insert_revisions = {
	"INSERT INTO cmig.revision (revision, down_revision, depends_on,"
	" branch_labels, message, description, upgrade_sql, downgrade_sql,"
	" verify_sql, transactional, created_at)"
	" SELECT u.revision, pg_catalog.string_to_array(u.parents, ','),"
	" pg_catalog.string_to_array(u.depends, ','),"
	" pg_catalog.string_to_array(u.labels, ','), u.message, u.description,"
	" u.upgrade, u.downgrade, u.verify, u.transactional,"
	" coalesce(u.created_at, pg_catalog.now())"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	" AS u (revision, parents, depends, labels, message, description,"
	" upgrade, downgrade, verify, transactional, created_at)",
	11, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID,
	TIMESTAMPTZARRAYOID}
};

/*
 * Not an UPDATE: who may add and delete revisions need not be able to write
 * created_by, which then is the default, the current user.
 */
static CmigQuery replace_revision = {
	"WITH gone AS (DELETE FROM cmig.revision WHERE revision::text = $1 RETURNING created_at::timestamptz)"
	" INSERT INTO cmig.revision (revision, down_revision, depends_on,"
	" branch_labels, message, description, upgrade_sql, downgrade_sql,"
	" verify_sql, transactional, created_at)"
	" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" coalesce($11, gone.created_at) FROM gone",
	11, {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID, BOOLOID, TIMESTAMPTZOID}
};

static CmigQuery delete_revision = {
	"DELETE FROM cmig.revision WHERE revision::text = $1", 1, {TEXTOID}
};

static CmigQuery read_version = {
	"SELECT v.revision::text FROM cmig.version v", 0,.all_rows = true
};

static CmigQuery read_unknown_version = {
	"SELECT v.revision::text FROM cmig.version v WHERE NOT EXISTS"
	" (SELECT FROM cmig.revision r WHERE r.revision::text = v.revision::text)", 0
};

static CmigQuery insert_version = {
	"INSERT INTO cmig.version (revision) VALUES ($1) ON CONFLICT DO NOTHING",
	1, {TEXTOID}
};

static CmigQuery delete_version = {
	"DELETE FROM cmig.version WHERE revision::text = $1", 1, {TEXTOID}
};

static CmigQuery replace_version = {
	"UPDATE cmig.version SET revision = $2 WHERE revision::text = $1"
	" AND NOT EXISTS (SELECT FROM cmig.version v WHERE v.revision::text = $2)",
	2, {TEXTOID, TEXTOID}
};

static CmigQuery clear_version = {
	"DELETE FROM cmig.version", 0
};

/* One value that changes whenever a row of the two tables does. */
static CmigQuery fingerprint = {
	"SELECT (SELECT pg_catalog.count(*)::text || ' ' ||"
	" coalesce(pg_catalog.sum(pg_catalog.hashtextextended(v.revision::text || ' ' || v.xmin::text, 0)), 0)::text"
	" FROM cmig.version v) || ' ' ||"
	" (SELECT pg_catalog.count(*)::text || ' ' ||"
	" coalesce(pg_catalog.sum(pg_catalog.hashtextextended(r.revision::text || ' ' || r.xmin::text, 0)), 0)::text"
	" FROM cmig.revision r)", 0,.all_rows = true
};

/* A text datum as a string: packed, or palloc'd if there is no pack. */
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

/* A text column, otherwise (a constant) where it is NULL. */
static char *
read_text_or(CmigPack *pack, TupleDesc desc, HeapTuple row, int column, char *otherwise)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? otherwise : keep_text(pack, value);
}

/* A text[] column; false when it is not a plain list of texts. */
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

static void
read_edge_columns(CmigPack *pack, TupleDesc desc, HeapTuple row, CmigRevision *revision)
{
	memset(revision, 0, sizeof(*revision));
	revision->id = read_text_or(pack, desc, row, 1, "");
	revision->malformed = !read_names(pack, desc, row, 2, &revision->parents);
	revision->malformed |= !read_names(pack, desc, row, 3, &revision->depends);
	revision->malformed |= !read_names(pack, desc, row, 4, &revision->labels);
}

/* before: a revision whose author may be shared, or NULL. */
static void
read_detail_columns(CmigPack *pack, TupleDesc desc, HeapTuple row, CmigRevision *revision,
					const CmigRevision *before)
{
	bool		isnull;
	Datum		author;

	revision->message = read_text_or(pack, desc, row, 5, "");
	author = cmig_query_datum(desc, row, 6, &isnull);
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
	revision->transactional = DatumGetBool(cmig_query_datum(desc, row, 7, &isnull));
	if (isnull)
		revision->transactional = true;
}

typedef struct ReadSet
{
	CmigRevisionSet *set;
	int			allocated;
	bool		with_details;
	CmigPack	pack;
} ReadSet;

static void
collect_revision(TupleDesc desc, HeapTuple row, void *arg)
{
	ReadSet    *read = arg;
	CmigRevisionSet *set = read->set;
	CmigRevision *revision;

	if (set->count == read->allocated)
	{
		read->allocated *= 2;
		set->revisions = repalloc_huge(set->revisions,
									   sizeof(CmigRevision) * (Size) read->allocated);
	}
	revision = &set->revisions[set->count++];
	read_edge_columns(&read->pack, desc, row, revision);
	if (read->with_details)
	{
		bool		isnull;

		/* most revisions have the author of the one before */
		read_detail_columns(&read->pack, desc, row, revision,
							set->count > 1 ? &revision[-1] : NULL);
		revision->irreversible = DatumGetBool(cmig_query_datum(desc, row, 8, &isnull));
	}
}

CmigRevisionSet *
cmig_catalog_read_revisions(bool with_details)
{
	ReadSet		read = {0};

	cmig_extension_share();
	read.with_details = with_details;
	read.allocated = 64;
	read.set = palloc0(sizeof(CmigRevisionSet));
	read.set->revisions = palloc(sizeof(CmigRevision) * read.allocated);
	cmig_query_each(with_details ? &read_details : &read_edges, NULL, NULL,
					collect_revision, &read);
	return read.set;
}

static CmigRevisionText *
read_text_columns(TupleDesc desc, HeapTuple row)
{
	CmigRevisionText *text = palloc0(sizeof(CmigRevisionText));
	bool		isnull;

	read_edge_columns(NULL, desc, row, &text->edges);
	read_detail_columns(NULL, desc, row, &text->edges, NULL);
	text->description = cmig_query_text(desc, row, 8);
	text->upgrade_sql = cmig_query_text(desc, row, 9);
	text->downgrade_sql = cmig_query_text(desc, row, 10);
	text->verify_sql = cmig_query_text(desc, row, 11);
	text->created_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 12, &isnull));
	text->has_created_at = !isnull;
	if (text->description == NULL)
		text->description = pstrdup("");
	if (text->upgrade_sql == NULL)
		text->upgrade_sql = pstrdup("");
	return text;
}

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

/* sql, verify_sql and transactional, in columns from first on */
static CmigStoredScript *
read_script_columns(TupleDesc desc, HeapTuple row, int first)
{
	CmigStoredScript *script = palloc0(sizeof(CmigStoredScript));
	bool		isnull;

	script->sql = cmig_query_text(desc, row, first);
	script->verify_sql = cmig_query_text(desc, row, first + 1);
	script->transactional = DatumGetBool(cmig_query_datum(desc, row, first + 2, &isnull));
	if (isnull)
		script->transactional = true;
	return script;
}

static void
take_script(TupleDesc desc, HeapTuple row, void *arg)
{
	*((CmigStoredScript **) arg) = read_script_columns(desc, row, 1);
}

CmigStoredScript *
cmig_catalog_read_script(const char *revision, CmigDirection direction)
{
	CmigStoredScript *script = NULL;
	Datum		values[1] = {CStringGetTextDatum(revision)};

	cmig_query_each(direction == CMIG_UPGRADE ? &read_upgrade : &read_downgrade,
					values, NULL, take_script, &script);
	pfree(DatumGetPointer(values[0]));
	return script;
}

typedef struct EachScript
{
	const char *always;
	Size		left;			/* bytes that may still be handed over */
	CmigScriptCallback callback;
	void	   *arg;
	MemoryContext context;
} EachScript;

/* The size of a text column; a large value is not fetched for it. */
static Size
column_size(TupleDesc desc, HeapTuple row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? 0 : toast_raw_datum_size(value);
}

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
		each->callback(revision, read_script_columns(desc, row, 2), each->arg);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(each->context);
}

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

	each_script(direction == CMIG_UPGRADE ? &read_upgrades : &read_downgrades,
				names, &each);
	pfree(DatumGetPointer(names));
}

void
cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
							   CmigScriptCallback callback, void *arg)
{
	EachScript	each = {"", MaxAllocHugeSize, callback, arg, NULL};

	each_script(direction == CMIG_UPGRADE ? &read_small_upgrades : &read_small_downgrades,
				Int32GetDatum(most_bytes), &each);
}

typedef struct EachText
{
	CmigRevisionTextCallback callback;
	void	   *arg;
	MemoryContext context;
} EachText;

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

static Datum
text_or_null(const char *text, char *null)
{
	*null = text ? ' ' : 'n';
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Run insert_revision or replace_revision. */
static uint64
write_revision(CmigQuery *query, const CmigRevisionText *revision)
{
	Datum		values[11];
	char		nulls[12];
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig revision row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	uint64		written;

	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(revision->edges.id);
	values[1] = cmig_catalog_names_datum(&revision->edges.parents);
	values[2] = cmig_catalog_names_datum(&revision->edges.depends);
	values[3] = cmig_catalog_names_datum(&revision->edges.labels);
	values[4] = CStringGetTextDatum(revision->edges.message ? revision->edges.message : "");
	values[5] = CStringGetTextDatum(revision->description ? revision->description : "");
	values[6] = CStringGetTextDatum(revision->upgrade_sql ? revision->upgrade_sql : "");
	values[7] = text_or_null(revision->downgrade_sql, &nulls[7]);
	values[8] = text_or_null(revision->verify_sql, &nulls[8]);
	values[9] = BoolGetDatum(revision->edges.transactional);
	values[10] = TimestampTzGetDatum(revision->created_at);
	nulls[10] = revision->has_created_at ? ' ' : 'n';
	nulls[11] = '\0';

	written = cmig_query_run(query, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return written;
}

void
cmig_catalog_insert_revision(const CmigRevisionText *revision)
{
	if (write_revision(&insert_revision, revision) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be stored", revision->edges.id),
				 errdetail("A rule or trigger on cmig.revision kept its row out."),
				 errhint("\\d cmig.revision lists the rules and triggers.")));
}

static Datum
joined_names(const CmigNames *names)
{
	StringInfoData joined;

	if (names->count == 0)
		return CStringGetTextDatum("");
	initStringInfo(&joined);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(&joined, "%s%s", i > 0 ? "," : "", names->names[i]);
	return CStringGetTextDatum(joined.data);
}

/* A one-dimensional array of one of insert_revisions' argument types. */
static Datum
column_array(Oid array_type, Datum *elements, bool *nulls, int count)
{
	int			lower = 1;

	switch (array_type)
	{
		case BOOLARRAYOID:
			return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower,
													  BOOLOID, 1, true, TYPALIGN_CHAR));
		case TIMESTAMPTZARRAYOID:
			return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower,
													  TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL,
													  TYPALIGN_DOUBLE));
		default:
			return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower,
													  TEXTOID, -1, false, TYPALIGN_INT));
	}
}

#define BATCH_ROWS 500
#define BATCH_BYTES (4 * 1024 * 1024)

void
cmig_catalog_insert_revisions(const CmigRevisionText *const *revisions, int count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig revision rows",
												  ALLOCSET_DEFAULT_SIZES);
	int			done = 0;

	while (done < count)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Datum	   *columns[11];
		bool	   *nulls[11];
		Datum		values[11];
		Size		bytes = 0;
		int			rows = 0;

		for (int i = 0; i < lengthof(columns); i++)
		{
			columns[i] = palloc(sizeof(Datum) * BATCH_ROWS);
			nulls[i] = palloc0(sizeof(bool) * BATCH_ROWS);
		}
		for (; done < count && rows < BATCH_ROWS && bytes < BATCH_BYTES; done++, rows++)
		{
			const CmigRevisionText *text = revisions[done];

			columns[0][rows] = CStringGetTextDatum(text->edges.id);
			columns[1][rows] = joined_names(&text->edges.parents);
			columns[2][rows] = joined_names(&text->edges.depends);
			columns[3][rows] = joined_names(&text->edges.labels);
			columns[4][rows] = CStringGetTextDatum(text->edges.message);
			columns[5][rows] = CStringGetTextDatum(text->description);
			columns[6][rows] = CStringGetTextDatum(text->upgrade_sql);
			nulls[7][rows] = text->downgrade_sql == NULL;
			if (text->downgrade_sql)
				columns[7][rows] = CStringGetTextDatum(text->downgrade_sql);
			nulls[8][rows] = text->verify_sql == NULL;
			if (text->verify_sql)
				columns[8][rows] = CStringGetTextDatum(text->verify_sql);
			columns[9][rows] = BoolGetDatum(text->edges.transactional);
			nulls[10][rows] = !text->has_created_at;
			columns[10][rows] = TimestampTzGetDatum(text->created_at);
			for (int i = 0; i < 9; i++)
				if (!nulls[i][rows])
					bytes += VARSIZE_ANY(DatumGetPointer(columns[i][rows]));
		}
		for (int i = 0; i < lengthof(columns); i++)
		{
			values[i] = column_array(insert_revisions.argtypes[i], columns[i],
									 nulls[i], rows);
			/* a script can be large */
			for (int row = 0; i < 9 && row < rows; row++)
				if (!nulls[i][row])
					pfree(DatumGetPointer(columns[i][row]));
		}
		cmig_query_run(&insert_revisions, values, NULL);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

void
cmig_catalog_replace_revision(const CmigRevisionText *revision)
{
	if (write_revision(&replace_revision, revision) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be replaced", revision->edges.id),
				 errdetail("Its row in cmig.revision is gone."),
				 errhint("Load again.")));
}

static uint64
run_with_id(CmigQuery *query, const char *revision)
{
	Datum		values[1] = {CStringGetTextDatum(revision)};
	uint64		processed = cmig_query_run(query, values, NULL);

	pfree(DatumGetPointer(values[0]));
	return processed;
}

void
cmig_catalog_delete_revision(const char *revision)
{
	(void) run_with_id(&delete_revision, revision);
}

static void
collect_row(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **rows = arg;
	char	   *id = cmig_query_text(desc, row, 1);

	if (id)
		*rows = lappend(*rows, id);
}

CmigNames *
cmig_catalog_read_version(void)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	List	   *rows = NIL;
	ListCell   *lc;

	cmig_extension_share();
	cmig_query_each(&read_version, NULL, NULL, collect_row, &rows);
	names->names = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach(lc, rows)
	{
		names->names[names->count++] = lfirst(lc);
	}
	cmig_names_sort(names);
	return names;
}

char *
cmig_catalog_unknown_version(void)
{
	List	   *rows = NIL;

	cmig_query_each(&read_unknown_version, NULL, NULL, collect_row, &rows);
	return rows != NIL ? linitial(rows) : NULL;
}

void
cmig_catalog_delete_version(const char *revision)
{
	if (run_with_id(&delete_version, revision) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cmig.version was changed during the run"),
				 errdetail("The row of revision \"%s\" is gone.", revision),
				 errhint("Only cmig.upgrade, cmig.downgrade and cmig.stamp should write cmig.version; a script must not.")));
}

void
cmig_catalog_insert_version(const char *revision)
{
	if (run_with_id(&insert_version, revision) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cmig.version was changed during the run"),
				 errdetail("Revision \"%s\" has a row already.", revision),
				 errhint("Only cmig.upgrade, cmig.downgrade and cmig.stamp should write cmig.version; a script must not.")));
}

void
cmig_catalog_replace_version(const char *from, const char *to)
{
	Datum		values[2] = {CStringGetTextDatum(from), CStringGetTextDatum(to)};
	uint64		replaced = cmig_query_run(&replace_version, values, NULL);

	pfree(DatumGetPointer(values[0]));
	pfree(DatumGetPointer(values[1]));
	if (replaced == 1)
		return;

	/* one of them raises the error that fits */
	cmig_catalog_delete_version(from);
	cmig_catalog_insert_version(to);
}

void
cmig_catalog_clear_version(void)
{
	(void) cmig_query_run(&clear_version, NULL, NULL);
}

void
cmig_catalog_check_snapshot(void)
{
	char	   *then;
	char	   *now;

	if (!IsolationUsesXactSnapshot())
		return;

	then = cmig_query_at_snapshot(&fingerprint, GetTransactionSnapshot());
	now = cmig_query_at_snapshot(&fingerprint, GetLatestSnapshot());
	if (then == NULL || now == NULL || strcmp(then, now) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access: another run changed the revisions or versions"),
				 errdetail("This transaction's snapshot is older than that run."),
				 errhint("Roll back and try again, or use READ COMMITTED.")));
}
