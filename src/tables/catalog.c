/*
 * catalog.c
 *	  The table cmig.revision.
 *
 * This is the only file that knows the table's columns.  All queries go
 * through cmig_query_*, that is, they run with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
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
 * The casts cost nothing as long as the tables are as installed.  If their
 * owner has altered a column, they raise an error instead of misreading a
 * datum.
 */
#define EDGE_COLUMNS \
	"r.revision::text, r.down_revision::text[], r.depends_on::text[]," \
	" r.branch_labels::text[]"
#define DETAIL_COLUMNS \
	EDGE_COLUMNS ", r.message::text, r.created_by::text, r.transactional::boolean"
#define TEXT_COLUMNS \
	DETAIL_COLUMNS ", r.description::text, r.upgrade_sql::text," \
	" r.downgrade_sql::text, r.verify_sql::text, r.created_at::timestamptz"

#define UPGRADE_COLUMNS \
	"r.revision::text, coalesce(r.upgrade_sql::text, ''), r.verify_sql::text," \
	" r.transactional::boolean"
#define DOWNGRADE_COLUMNS \
	"r.revision::text, r.downgrade_sql::text, NULL::text, r.transactional::boolean"

#define OF_ONE " FROM cmig.revision r WHERE r.revision::text = $1"
#define OF_MANY " FROM cmig.revision r WHERE r.revision::text = ANY ($1)"
#define BY_ID " ORDER BY r.revision::text COLLATE \"C\""

static CmigQuery read_edges = {
	"SELECT " EDGE_COLUMNS " FROM cmig.revision r", 0,.all_rows = true
};

static CmigQuery read_details = {
	"SELECT " DETAIL_COLUMNS ", r.downgrade_sql IS NULL FROM cmig.revision r", 0,
	.all_rows = true
};

static CmigQuery read_text = {"SELECT " TEXT_COLUMNS OF_ONE, 1, {TEXTOID}};
static CmigQuery read_texts = {"SELECT " TEXT_COLUMNS " FROM cmig.revision r" BY_ID, 0};
static CmigQuery read_texts_of = {"SELECT " TEXT_COLUMNS OF_MANY BY_ID, 1, {TEXTARRAYOID}};

/* the columns of TEXT_COLUMNS, but only those that file names depend on */
static CmigQuery read_file_names = {
	"SELECT r.revision::text, NULL::text[], NULL::text[], NULL::text[],"
	" r.message::text, NULL::text, true, NULL::text, NULL::text, NULL::text,"
	" NULL::text, r.created_at::timestamptz FROM cmig.revision r", 0
};

/* Scripts, by direction. */
static CmigQuery read_script[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS OF_ONE, 1, {TEXTOID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS OF_ONE, 1, {TEXTOID}}
};

static CmigQuery read_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS OF_MANY, 1, {TEXTARRAYOID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS OF_MANY, 1, {TEXTARRAYOID}}
};

/* octet_length() does not fetch a large value */
static CmigQuery read_small_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS " FROM cmig.revision r"
		" WHERE coalesce(octet_length(r.upgrade_sql::text), 0)"
	" + coalesce(octet_length(r.verify_sql::text), 0) <= $1", 1, {INT4OID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS " FROM cmig.revision r"
	" WHERE coalesce(octet_length(r.downgrade_sql::text), 0) <= $1", 1, {INT4OID}}
};

#define INSERT_INTO_REVISION \
	"INSERT INTO cmig.revision (revision, down_revision, depends_on," \
	" branch_labels, message, description, upgrade_sql, downgrade_sql," \
	" verify_sql, transactional, created_at)"
#define REVISION_COLUMNS 11		/* the columns that these statements write */
#define REVISION_TEXTS 9		/* the first of them are texts */
#define REVISION_TYPES \
	{TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, \
	TEXTOID, TEXTOID, TEXTOID, BOOLOID, TIMESTAMPTZOID}

static CmigQuery insert_revision = {
	INSERT_INTO_REVISION " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" coalesce($11, pg_catalog.now()))",
	REVISION_COLUMNS, REVISION_TYPES
};

/*
 * Arrays of arrays cannot be unnested side by side, so names are joined by
 * commas. unnest with several arguments must not be schema-qualified.
 */
static CmigQuery insert_revisions = {
	INSERT_INTO_REVISION
	" SELECT u.revision, pg_catalog.string_to_array(u.parents, ','),"
	" pg_catalog.string_to_array(u.depends, ','),"
	" pg_catalog.string_to_array(u.labels, ','), u.message, u.description,"
	" u.upgrade, u.downgrade, u.verify, u.transactional,"
	" coalesce(u.created_at, pg_catalog.now())"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	" AS u (revision, parents, depends, labels, message, description,"
	" upgrade, downgrade, verify, transactional, created_at)",
	REVISION_COLUMNS, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID,
	TIMESTAMPTZARRAYOID}
};

/*
 * Not an UPDATE, because created_by would keep its old value: a role that may
 * insert and delete revisions need not have the privilege to write it.  In a
 * new row it is the default, the current user.
 */
static CmigQuery replace_revision = {
	"WITH gone AS (DELETE FROM cmig.revision WHERE revision::text = $1 RETURNING created_at::timestamptz) "
	INSERT_INTO_REVISION " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" coalesce($11, gone.created_at) FROM gone",
	REVISION_COLUMNS, REVISION_TYPES
};

static CmigQuery delete_revision = {
	"DELETE FROM cmig.revision WHERE revision::text = $1", 1, {TEXTOID}
};

/* A text datum as a string: in the pack, or palloc'd if pack is NULL. */
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

/* The value of a text column, or otherwise (a constant) if it is NULL. */
static char *
read_text_or(CmigPack *pack, TupleDesc desc, HeapTuple row, int column, char *otherwise)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? otherwise : keep_text(pack, value);
}

/* Read a text[] column; false if it is not a plain list of texts. */
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

/* Read EDGE_COLUMNS. */
static void
read_edge_columns(CmigPack *pack, TupleDesc desc, HeapTuple row, CmigRevision *revision)
{
	memset(revision, 0, sizeof(*revision));
	revision->id = read_text_or(pack, desc, row, 1, "");
	revision->malformed = !read_names(pack, desc, row, 2, &revision->parents);
	revision->malformed |= !read_names(pack, desc, row, 3, &revision->depends);
	revision->malformed |= !read_names(pack, desc, row, 4, &revision->labels);
}

/*
 * Read the rest of DETAIL_COLUMNS. before is a revision with which the
 * author's name may be shared, or NULL.
 */
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
	revision->transactional = cmig_query_bool(desc, row, 7, true);
}

/* The set that cmig_catalog_read_revisions() is reading. */
typedef struct ReadSet
{
	CmigRevisionSet *set;
	int			allocated;
	bool		with_details;
	CmigPack	pack;
} ReadSet;

/* Add one row to the set. */
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
		/* most revisions have the same author as the one before */
		read_detail_columns(&read->pack, desc, row, revision,
							set->count > 1 ? &revision[-1] : NULL);
		revision->irreversible = cmig_query_bool(desc, row, 8, false);
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

/* A palloc'd revision from a row of TEXT_COLUMNS. */
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

/* Keep the revision that the row describes. */
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

/* A row of UPGRADE_COLUMNS or DOWNGRADE_COLUMNS. */
static CmigStoredScript *
read_script_columns(TupleDesc desc, HeapTuple row)
{
	CmigStoredScript *script = palloc0(sizeof(CmigStoredScript));

	script->sql = cmig_query_text(desc, row, 2);
	script->verify_sql = cmig_query_text(desc, row, 3);
	script->transactional = cmig_query_bool(desc, row, 4, true);
	return script;
}

/* Keep the script in the row. */
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

/* State of cmig_catalog_each_script(). */
typedef struct EachScript
{
	const char *always;			/* the revision whose script is never skipped */
	Size		left;			/* how many bytes may still be passed on */
	CmigScriptCallback callback;
	void	   *arg;
	MemoryContext context;
} EachScript;

/* The size of a text column, without fetching a large value. */
static Size
column_size(TupleDesc desc, HeapTuple row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, column, &isnull);

	return isnull ? 0 : toast_raw_datum_size(value);
}

/* Call back with the script in the row, unless it is too large. */
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

/* Run a query of scripts and call back for each row. */
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

/* A callback for revisions, and the context for each of them. */
typedef struct EachText
{
	CmigRevisionTextCallback callback;
	void	   *arg;
	MemoryContext context;
} EachText;

/* Call back with the revision that the row describes. */
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

/* Run a query of TEXT_COLUMNS and call back for each row. */
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

/* A text datum, with its entry in an array of nulls. */
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
	Datum		values[REVISION_COLUMNS];
	char		nulls[REVISION_COLUMNS + 1];
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
	nulls[REVISION_COLUMNS] = '\0';

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
				 errdetail("A rule or trigger on cmig.revision suppressed the row."),
				 errhint("\\d cmig.revision lists the rules and triggers.")));
}

/* The names with commas between them, as insert_revisions takes them. */
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

/* A one-dimensional array of a type that insert_revisions takes. */
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

/*
 * How many revisions one statement inserts; fewer if they have this many
 * bytes.
 */
#define BATCH_ROWS 500
#define BATCH_BYTES (4 * 1024 * 1024)

/* The rows of one statement, column by column as insert_revisions takes them. */
typedef struct RevisionBatch
{
	int			rows;
	Size		bytes;
	Datum	   *columns[REVISION_COLUMNS];
	bool	   *nulls[REVISION_COLUMNS];
} RevisionBatch;

/* An empty batch. */
static void
init_batch(RevisionBatch *batch)
{
	batch->rows = 0;
	batch->bytes = 0;
	for (int i = 0; i < REVISION_COLUMNS; i++)
	{
		batch->columns[i] = palloc(sizeof(Datum) * BATCH_ROWS);
		batch->nulls[i] = palloc0(sizeof(bool) * BATCH_ROWS);
	}
}

/* Set a text column of the row that is being added; text may be NULL. */
static void
put_text(RevisionBatch *batch, int column, const char *text)
{
	batch->nulls[column][batch->rows] = text == NULL;
	if (text)
		batch->columns[column][batch->rows] = CStringGetTextDatum(text);
}

/* Add a row to the batch. */
static void
add_to_batch(RevisionBatch *batch, const CmigRevisionText *text)
{
	int			row = batch->rows;

	put_text(batch, 0, text->edges.id);
	batch->columns[1][row] = joined_names(&text->edges.parents);
	batch->columns[2][row] = joined_names(&text->edges.depends);
	batch->columns[3][row] = joined_names(&text->edges.labels);
	put_text(batch, 4, text->edges.message);
	put_text(batch, 5, text->description);
	put_text(batch, 6, text->upgrade_sql);
	put_text(batch, 7, text->downgrade_sql);
	put_text(batch, 8, text->verify_sql);
	batch->columns[9][row] = BoolGetDatum(text->edges.transactional);
	batch->columns[10][row] = TimestampTzGetDatum(text->created_at);
	batch->nulls[10][row] = !text->has_created_at;
	for (int i = 0; i < REVISION_TEXTS; i++)
		if (!batch->nulls[i][row])
			batch->bytes += VARSIZE_ANY(DatumGetPointer(batch->columns[i][row]));
	batch->rows++;
}

/*
 * Insert the rows.  Each text is freed as soon as it is in its array, since
 * scripts can be large.
 */
static void
insert_batch(RevisionBatch *batch)
{
	Datum		values[REVISION_COLUMNS];

	for (int i = 0; i < REVISION_COLUMNS; i++)
	{
		values[i] = column_array(insert_revisions.argtypes[i], batch->columns[i],
								 batch->nulls[i], batch->rows);
		for (int row = 0; i < REVISION_TEXTS && row < batch->rows; row++)
			if (!batch->nulls[i][row])
				pfree(DatumGetPointer(batch->columns[i][row]));
	}
	cmig_query_run(&insert_revisions, values, NULL);
}

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
		RevisionBatch batch;

		init_batch(&batch);
		while (done < count && batch.rows < BATCH_ROWS && batch.bytes < BATCH_BYTES)
			add_to_batch(&batch, revisions[done++]);
		insert_batch(&batch);
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
				 errdetail("Its row in cmig.revision does not exist any more."),
				 errhint("Load again.")));
}

void
cmig_catalog_delete_revision(const char *revision)
{
	Datum		values[1] = {CStringGetTextDatum(revision)};

	(void) cmig_query_run(&delete_revision, values, NULL);
	pfree(DatumGetPointer(values[0]));
}
