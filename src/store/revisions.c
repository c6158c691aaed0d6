/*
 * revisions.c
 *	  Rows of cmig.revision.
 *
 * Only this file knows the columns of the table.  Nothing is cached between
 * calls, because rows can be changed manually at any time.  All queries go
 * through base/query.c, so they run with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "graph/graph.h"
#include "parse/parse.h"
#include "run/run.h"
#include "store/internal.h"

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
	"SELECT " DETAIL_COLUMNS ", r.downgrade_sql IS NULL, r.repeatable::boolean, r.created_at::timestamptz,"
	/* the length of a large script is known without reading it */
	" octet_length(r.downgrade_sql::text) < 1000 AND r.downgrade_sql::text !~ '\\S'"
	" AND (octet_length(r.upgrade_sql::text) >= 1000 OR r.upgrade_sql::text ~ '\\S')"
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

static CmigQuery find_replacing = {
	"SELECT FROM cmig.revision r WHERE cardinality(r.replaces::text[]) > 0 LIMIT 1", 0
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
		revision->reverts_nothing = !repeatable && cmig_query_bool(desc, row, 12, false);
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
	text->description = cmig_query_text_or_null(desc, row, 9);
	text->upgrade_sql = cmig_query_text_or_null(desc, row, 10);
	text->downgrade_sql = cmig_query_text_or_null(desc, row, 11);
	text->verify_sql = cmig_query_text_or_null(desc, row, 12);
	text->edges.created_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 13, &isnull));
	text->edges.has_created_at = !isnull;
	text->precondition_sql = cmig_query_text_or_null(desc, row, 14);
	text->edges.repeatable = cmig_query_bool(desc, row, 15, false);
	text->edges.malformed |= !read_names(NULL, desc, row, 16, &text->placeholders);
	text->previous_sql = cmig_query_text_or_null(desc, row, 17);
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

bool
cmig_catalog_has_replacing(void)
{
	return cmig_query_run(&find_replacing, NULL, NULL) > 0;
}

/*
 * Returns a palloc'd script, given a row with UPGRADE_COLUMNS or
 * DOWNGRADE_COLUMNS.
 */
static CmigStoredScript *
read_script_columns(TupleDesc desc, HeapTuple row)
{
	CmigStoredScript *script = palloc0(sizeof(CmigStoredScript));

	script->sql = cmig_query_text_or_null(desc, row, 2);
	script->verify_sql = cmig_query_text_or_null(desc, row, 3);
	script->transactional = cmig_query_bool(desc, row, 4, true);
	script->precondition_sql = cmig_query_text_or_null(desc, row, 5);
	(void) read_names(NULL, desc, row, 6, &script->placeholders);
	script->previous_sql = cmig_query_text_or_null(desc, row, 7);
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
	Datum		names = cmig_names_datum(revisions);

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
	Datum		values[1] = {cmig_names_datum(ids)};

	each_text(&read_texts_of, values, callback, arg);
}

/* ----------------------------------------------------------------
 * Writes the table cmig.revision.
 * ----------------------------------------------------------------
 */

#define REVISION_COLUMNS 16		/* number of columns to write */
#define REVISION_TEXTS 13		/* number of leading columns that
								 * insert_revisions receives as text */

/*
 * A query that inserts several revisions.  unnest() cannot expand an array of
 * arrays into arrays, so each list of names is passed as the text of an array.
 * unnest with several arguments must not be schema-qualified.
 */
static CmigQuery insert_revisions = {
	"INSERT INTO cmig.revision (revision, down_revision, depends_on,"
	" branch_labels, message, description, upgrade_sql, downgrade_sql,"
	" verify_sql, replaces, precondition_sql, placeholders, previous_sql, transactional,"
	" repeatable, created_at)"
	" SELECT u.revision, u.parents::text[], u.depends::text[], u.labels::text[],"
	" u.message, u.description, u.upgrade, u.downgrade, u.verify, u.replaces::text[], u.precondition,"
	" u.placeholders::text[], u.previous, u.transactional, u.repeatable,"
	" coalesce(u.created_at, pg_catalog.now())"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
	" AS u (revision, parents, depends, labels, message, description, upgrade, downgrade,"
	" verify, replaces, precondition, placeholders, previous, transactional, repeatable, created_at)",
	REVISION_COLUMNS, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID, BOOLARRAYOID,
	TIMESTAMPTZARRAYOID}
};

static CmigQuery delete_revision = {
	"DELETE FROM cmig.revision WHERE revision::text = $1 RETURNING created_at::timestamptz", 1, {TEXTOID}
};

/*
 * Row callback for delete_revision: store created_at in the CmigRevisionText
 * to which "arg" points.
 */
static void
keep_created_at(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRevisionText *revision = arg;
	bool		isnull;
	Datum		created_at = cmig_query_datum(desc, row, 1, &isnull);

	revision->edges.has_created_at = !isnull;
	revision->edges.created_at = isnull ? 0 : DatumGetTimestampTz(created_at);
}

/*
 * Delete the row of a revision, and store its created_at in *deleted.  Returns
 * false if there is no such row.
 *
 * Authors do not have the DELETE privilege, because it would also allow them
 * to lock the table in any mode and to delete applied revisions manually.  A
 * role that can insert revisions can delete them only by calling pg_cmig's
 * functions, which check whether a revision can be deleted; the row is then
 * deleted with the privileges of the table's owner.
 */
static bool
delete_row(const char *id, CmigRevisionText *deleted)
{
	Oid			table = get_relname_relid("revision", get_namespace_oid("cmig", false));
	bool		as_owner = pg_class_aclcheck(table, GetUserId(), ACL_DELETE) != ACLCHECK_OK &&
	pg_attribute_aclcheck(table, get_attnum(table, "revision"), GetUserId(),
						  ACL_INSERT) == ACLCHECK_OK;
	Datum		values[1] = {CStringGetTextDatum(id)};
	CmigRole	caller;
	uint64		rows;

	if (as_owner)
		cmig_role_act_as_owner(&caller, cmig_role_owner_of(table));
	rows = cmig_query_each(&delete_revision, values, NULL, keep_created_at, deleted);
	if (as_owner)
		cmig_role_return(&caller);
	pfree(DatumGetPointer(values[0]));
	return rows > 0;
}

/* Returns names as the text of an array. */
static Datum
names_text(const CmigNames *names)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < names->count; i++)
	{
		appendStringInfoString(&text, i > 0 ? ",\"" : "\"");
		for (const char *p = names->names[i]; *p; p++)
		{
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&text, '\\');
			appendStringInfoChar(&text, *p);
		}
		appendStringInfoChar(&text, '"');
	}
	appendStringInfoChar(&text, '}');
	return CStringGetTextDatum(text.data);
}

/*
 * The maximum number of rows in a batch.  A batch also ends when the size of
 * its strings exceeds BATCH_BYTES.
 */
#define BATCH_ROWS 500
#define BATCH_BYTES (4 * 1024 * 1024)

/*
 * A batch of rows to insert with one statement, stored by column as
 * insert_revisions expects.
 */
typedef struct RevisionBatch
{
	int			rows;
	Size		bytes;
	Datum	   *columns[REVISION_COLUMNS];
	bool	   *nulls[REVISION_COLUMNS];
} RevisionBatch;

/*
 * Set a text column in the row that is being added to the batch.  "text" may
 * be NULL.
 */
static void
put_text(RevisionBatch *batch, int column, const char *text)
{
	batch->nulls[column][batch->rows] = text == NULL;
	if (text)
		batch->columns[column][batch->rows] = CStringGetTextDatum(text);
}

/* Add the row of a revision to the batch. */
static void
add_to_batch(RevisionBatch *batch, const CmigRevisionText *text)
{
	int			row = batch->rows;

	put_text(batch, 0, text->edges.id);
	batch->columns[1][row] = names_text(&text->edges.parents);
	batch->columns[2][row] = names_text(&text->edges.depends);
	batch->columns[3][row] = names_text(&text->edges.labels);
	put_text(batch, 4, text->edges.message ? text->edges.message : "");
	put_text(batch, 5, text->description ? text->description : "");
	put_text(batch, 6, text->upgrade_sql ? text->upgrade_sql : "");
	put_text(batch, 7, text->downgrade_sql);
	put_text(batch, 8, text->verify_sql);
	batch->columns[9][row] = names_text(&text->edges.replaces);
	put_text(batch, 10, text->precondition_sql);
	batch->columns[11][row] = names_text(&text->placeholders);
	put_text(batch, 12, text->previous_sql);
	batch->columns[13][row] = BoolGetDatum(text->edges.transactional);
	batch->columns[14][row] = BoolGetDatum(text->edges.repeatable);
	batch->columns[15][row] = TimestampTzGetDatum(text->edges.created_at);
	batch->nulls[15][row] = !text->edges.has_created_at;
	for (int i = 0; i < REVISION_TEXTS; i++)
		if (!batch->nulls[i][row])
			batch->bytes += VARSIZE_ANY(DatumGetPointer(batch->columns[i][row]));
	batch->rows++;
}

/*
 * Insert as many of the revisions as fit into a batch.  Sets *inserted to the
 * number of rows that were inserted, which is smaller if a trigger or rule has
 * suppressed a row.  Returns the number of revisions that were in the batch.
 */
static int
insert_batch(const CmigRevisionText *const *revisions, int count, uint64 *inserted)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig revision rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RevisionBatch batch = {0};
	Datum		values[REVISION_COLUMNS];

	count = Min(count, BATCH_ROWS);
	for (int i = 0; i < REVISION_COLUMNS; i++)
	{
		batch.columns[i] = palloc(sizeof(Datum) * count);
		batch.nulls[i] = palloc0(sizeof(bool) * count);
	}
	while (batch.rows < count && batch.bytes < BATCH_BYTES)
		add_to_batch(&batch, revisions[batch.rows]);

	for (int i = 0; i < REVISION_COLUMNS; i++)
	{
		Oid			type = get_element_type(insert_revisions.argtypes[i]);
		int			lower = 1;
		int16		length;
		bool		by_value;
		char		align;

		get_typlenbyvalalign(type, &length, &by_value, &align);
		values[i] = PointerGetDatum(construct_md_array(batch.columns[i], batch.nulls[i], 1, &batch.rows,
													   &lower, type, length, by_value, align));
		/* scripts can be large, so free each string once it has been copied */
		for (int row = 0; i < REVISION_TEXTS && row < batch.rows; row++)
			if (!batch.nulls[i][row])
				pfree(DatumGetPointer(batch.columns[i][row]));
	}
	*inserted = cmig_query_run(&insert_revisions, values, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return batch.rows;
}

void
cmig_revision_rows_insert_many(const CmigRevisionText *const *revisions, int count)
{
	uint64		inserted;

	for (int done = 0; done < count;)
		done += insert_batch(revisions + done, count - done, &inserted);
}

void
cmig_revision_rows_insert(const CmigRevisionText *revision)
{
	uint64		inserted;

	insert_batch(&revision, 1, &inserted);
	if (inserted != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be stored", revision->edges.id),
				 errdetail("A rule or trigger on cmig.revision suppressed the row."),
				 errhint("\\d cmig.revision lists the rules and triggers.")));
}

/*
 * An UPDATE could not set created_by, because authors do not have the
 * privilege to write to that column.  Therefore, this function deletes the row
 * and inserts a new one, in which created_by has its default, the current
 * user.
 */
void
cmig_revision_rows_replace(const CmigRevisionText *revision)
{
	CmigRevisionText row = *revision;
	CmigRevisionText deleted = {0};

	if (!delete_row(revision->edges.id, &deleted))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be replaced", revision->edges.id),
				 errdetail("Its row in cmig.revision no longer exists."),
				 errhint("Load the file again.")));
	if (!row.edges.has_created_at)
	{
		row.edges.has_created_at = deleted.edges.has_created_at;
		row.edges.created_at = deleted.edges.created_at;
	}
	cmig_revision_rows_insert(&row);
}

void
cmig_revision_rows_delete(const char *revision)
{
	CmigRevisionText deleted = {0};

	(void) delete_row(revision, &deleted);
}

/* ----------------------------------------------------------------
 * Determines which repeatable revisions have to run.
 *
 * The last row for a repeatable revision in cmig.journal contains the checksum
 * of the script that was run.  The checksum is a SHA-256 hash of the script's
 * bytes, so even a changed comment makes the revision run again.  A repeatable
 * revision also runs again in the first upgrade after a downgrade, because the
 * downgrade may have dropped objects that the revision created.
 * ----------------------------------------------------------------
 */

char *
cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable)
{
	pg_cryptohash_ctx *checksum;

	if (!repeatable)
		return cmig_script_checksum(sql, transactional);
	checksum = cmig_checksum_start();
	cmig_checksum_add(checksum, sql, strlen(sql));
	return cmig_checksum_finish(checksum);
}

CmigRepeatableState
cmig_repeatable_state(const CmigGraph *graph, int node)
{
	const char *id = cmig_graph_id(graph, node);
	CmigJournalRepeatable last = cmig_journal_read_repeatable(id);
	CmigStoredScript *script;

	if (last.checksum == NULL)
		return CMIG_REPEATABLE_NEW;
	if (last.reverted)
		return CMIG_REPEATABLE_REVERTED;
	script = cmig_catalog_read_script(id, CMIG_UPGRADE);
	if (script == NULL ||
		strcmp(last.checksum, cmig_repeatable_checksum(script->sql, script->transactional, true)) != 0)
		return CMIG_REPEATABLE_CHANGED;
	return CMIG_REPEATABLE_CURRENT;
}

void
cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all)
{
	MemoryContext context;
	MemoryContext caller;

	if (graph->repeatable_count == 0 || !cmig_plan_reaches_heads(graph, applied, plan))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig repeatable", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CHECK_FOR_INTERRUPTS();
		if (all || cmig_repeatable_state(graph, node) != CMIG_REPEATABLE_CURRENT)
			cmig_plan_add_repeatable(plan, node);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Does the script, which may be NULL, have this checksum? */
static bool
is_script(const char *sql, const char *checksum)
{
	return sql != NULL && strcmp(cmig_repeatable_checksum(sql, true, true), checksum) == 0;
}

List *
cmig_repeatable_runs(const CmigGraph *graph)
{
	List	   *runs = NIL;

	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigJournalRepeatable last = cmig_journal_read_repeatable(cmig_graph_id(graph, node));
		CmigStoredScript *script = last.checksum == NULL ? NULL :
		cmig_catalog_read_script(cmig_graph_id(graph, node), CMIG_UPGRADE);
		CmigRepeatableRun *run;

		if (script == NULL)
			continue;
		run = palloc(sizeof(CmigRepeatableRun));
		run->node = node;
		run->reverted = last.reverted;
		run->placeholders = script->placeholders;
		run->sql = is_script(script->sql, last.checksum) ? script->sql :
			is_script(script->previous_sql, last.checksum) ? script->previous_sql : NULL;
		if (run->sql != NULL)
			runs = lappend(runs, run);
	}
	return runs;
}
