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
#define REVISION_COLUMNS 16		/* number of columns that are written */
#define REVISION_TEXTS 13		/* number of leading columns that a batch
								 * stores as text */
#define REVISION_TYPES \
	{TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, \
	TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, TEXTARRAYOID, TEXTOID, BOOLOID, BOOLOID, TIMESTAMPTZOID}

static CmigQuery insert_revision = {
	INSERT_INTO_REVISION " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	" $12, $13, $14, $15, coalesce($16, pg_catalog.now()))",
	REVISION_COLUMNS, REVISION_TYPES
};

/*
 * Arrays of arrays cannot be unnested in parallel, so names are passed joined
 * by commas.  unnest with several arguments must not be schema-qualified.
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

/* Returns a string as a text datum, and sets *null to 'n' or ' ' for SPI. */
static Datum
text_or_null(const char *text, char *null)
{
	*null = text ? ' ' : 'n';
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Insert a row.  Returns the number of rows that were inserted. */
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
 * Must the table's owner delete rows on behalf of the current role?
 *
 * The DELETE privilege also allows a role to lock the table in any mode and to
 * delete applied revisions by hand.  Authors therefore do not have it.  A role
 * that can insert revisions can delete them by calling pg_cmig's functions,
 * which check that the revision may be deleted.
 */
static bool
must_act_as_owner(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_DELETE) != ACLCHECK_OK &&
		pg_attribute_aclcheck(table, get_attnum(table, "revision"), GetUserId(),
							  ACL_INSERT) == ACLCHECK_OK;
}

/* A row callback that stores created_at in a CmigRevisionText. */
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
 * An UPDATE could not set created_by, because authors do not have the privilege
 * to write that column.  Therefore, delete the row and insert a new one, in
 * which the column has its default, the current user.
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

/* Returns the names joined by commas, as insert_revisions expects them. */
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
 * The maximum number of revisions that one statement inserts.  A batch ends
 * earlier if its strings exceed BATCH_BYTES.
 */
#define BATCH_ROWS 500
#define BATCH_BYTES (4 * 1024 * 1024)

/*
 * The rows that one statement inserts, stored by column as insert_revisions
 * expects.
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

/* Set a text column of the row being added.  "text" may be NULL. */
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
 * Insert the batch's rows.  Each string is freed once it has been copied into
 * its array, because scripts can be large.
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
