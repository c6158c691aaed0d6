/*
 * revision_rows.c
 *	  Writes the table cmig.revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"
#include "tables/catalog.h"
#include "tables/revision_rows.h"

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

#define INSERT_INTO_REVISION \
	"INSERT INTO cmig.revision (revision, down_revision, depends_on," \
	" branch_labels, message, description, upgrade_sql, downgrade_sql," \
	" verify_sql, replaces, precondition_sql, placeholders, previous_sql, transactional," \
	" repeatable, created_at)"
#define REVISION_COLUMNS 16		/* number of columns to write */
#define REVISION_TEXTS 13		/* number of leading columns that
								 * insert_revisions receives as text */
#define REVISION_TYPES \
	{TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, \
	TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, TEXTARRAYOID, TEXTOID, BOOLOID, BOOLOID, TIMESTAMPTZOID}

static CmigQuery insert_revision = {
	INSERT_INTO_REVISION " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	" $12, $13, $14, $15, coalesce($16, pg_catalog.now()))",
	REVISION_COLUMNS, REVISION_TYPES
};

/*
 * A query that inserts several revisions.  unnest() cannot expand an array of
 * arrays into arrays, so each list of names is passed as one string, joined by
 * commas.  unnest with several arguments must not be schema-qualified.
 */
static CmigQuery insert_revisions = {
	INSERT_INTO_REVISION
	" SELECT u.revision, pg_catalog.string_to_array(u.parents, ','),"
	" pg_catalog.string_to_array(u.depends, ','),"
	" pg_catalog.string_to_array(u.labels, ','), u.message, u.description,"
	" u.upgrade, u.downgrade, u.verify, pg_catalog.string_to_array(u.replaces, ','), u.precondition,"
	" pg_catalog.string_to_array(u.placeholders, ','), u.previous, u.transactional, u.repeatable,"
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
 * Returns a string as a text datum, and sets *null to ' ', or to 'n' if the
 * string is NULL, as SPI expects.
 */
static Datum
text_or_null(const char *text, char *null)
{
	*null = text ? ' ' : 'n';
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/*
 * Insert the row of a revision.  Returns the number of rows that were
 * inserted, which is 0 if a trigger or rule has suppressed the row.
 */
static uint64
insert_row(const CmigRevisionText *revision)
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
	values[9] = cmig_catalog_names_datum(&revision->edges.replaces);
	values[10] = text_or_null(revision->precondition_sql, &nulls[10]);
	values[11] = cmig_catalog_names_datum(&revision->placeholders);
	values[12] = text_or_null(revision->previous_sql, &nulls[12]);
	values[13] = BoolGetDatum(revision->edges.transactional);
	values[14] = BoolGetDatum(revision->edges.repeatable);
	values[15] = TimestampTzGetDatum(revision->created_at);
	nulls[15] = revision->has_created_at ? ' ' : 'n';
	nulls[REVISION_COLUMNS] = '\0';

	written = cmig_query_run(&insert_revision, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return written;
}

void
cmig_revision_rows_insert(const CmigRevisionText *revision)
{
	if (insert_row(revision) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be stored", revision->edges.id),
				 errdetail("A rule or trigger on cmig.revision suppressed the row."),
				 errhint("\\d cmig.revision lists the rules and triggers.")));
}

/*
 * Must rows be deleted with the privileges of the table's owner, because the
 * current role is an author?
 *
 * Authors do not have the DELETE privilege, because it would also allow them
 * to lock the table in any mode and to delete applied revisions manually.  A
 * role that can insert revisions can delete them only by calling pg_cmig's
 * functions, which check whether a revision can be deleted.
 */
static bool
must_act_as_owner(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_DELETE) != ACLCHECK_OK &&
		pg_attribute_aclcheck(table, get_attnum(table, "revision"), GetUserId(),
							  ACL_INSERT) == ACLCHECK_OK;
}

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

	revision->has_created_at = !isnull;
	revision->created_at = isnull ? 0 : DatumGetTimestampTz(created_at);
}

/*
 * Delete the row of a revision, and store its created_at in *deleted.  Returns
 * false if there is no such row.
 */
static bool
delete_row(const char *id, CmigRevisionText *deleted)
{
	Oid			table = get_relname_relid("revision", get_namespace_oid("cmig", false));
	bool		as_owner = must_act_as_owner(table);
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
	if (!row.has_created_at)
	{
		row.has_created_at = deleted.has_created_at;
		row.created_at = deleted.created_at;
	}
	cmig_revision_rows_insert(&row);
}

void
cmig_revision_rows_delete(const char *revision)
{
	CmigRevisionText deleted = {0};

	(void) delete_row(revision, &deleted);
}

/*
 * Many rows at once
 */

/* Returns names as a string, joined by commas, for insert_revisions. */
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

/* Returns a one-dimensional array for an argument of insert_revisions. */
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

/* Initialize an empty batch. */
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
	batch->columns[1][row] = joined_names(&text->edges.parents);
	batch->columns[2][row] = joined_names(&text->edges.depends);
	batch->columns[3][row] = joined_names(&text->edges.labels);
	put_text(batch, 4, text->edges.message);
	put_text(batch, 5, text->description);
	put_text(batch, 6, text->upgrade_sql);
	put_text(batch, 7, text->downgrade_sql);
	put_text(batch, 8, text->verify_sql);
	batch->columns[9][row] = joined_names(&text->edges.replaces);
	put_text(batch, 10, text->precondition_sql);
	batch->columns[11][row] = joined_names(&text->placeholders);
	put_text(batch, 12, text->previous_sql);
	batch->columns[13][row] = BoolGetDatum(text->edges.transactional);
	batch->columns[14][row] = BoolGetDatum(text->edges.repeatable);
	batch->columns[15][row] = TimestampTzGetDatum(text->created_at);
	batch->nulls[15][row] = !text->has_created_at;
	for (int i = 0; i < REVISION_TEXTS; i++)
		if (!batch->nulls[i][row])
			batch->bytes += VARSIZE_ANY(DatumGetPointer(batch->columns[i][row]));
	batch->rows++;
}

/*
 * Insert the rows in the batch.  Scripts can be large, so each string is freed
 * as soon as it has been copied into an array.
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
cmig_revision_rows_insert_many(const CmigRevisionText *const *revisions, int count)
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
