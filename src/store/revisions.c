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
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "run/run.h"
#include "store/internal.h"

/*
 * The casts cost nothing if the table has its original column types.  If the
 * owner has altered a column's type, the casts convert the value or raise an
 * error, so that a datum is never misread.
 */
#define EDGE_COLUMNS \
	"r.revision::text, r.down_revision::text[], r.depends_on::text[]," \
	" r.branch_labels::text[], r.replaces::text[], r.repeatable::boolean"
#define DETAIL_COLUMNS \
	EDGE_COLUMNS ", r.message::text, r.created_by::name, r.transactional::boolean, r.created_at::timestamptz"
#define TEXT_COLUMNS \
	DETAIL_COLUMNS ", r.description::text, r.upgrade_sql::text," \
	" r.downgrade_sql::text, r.verify_sql::text, r.precondition_sql::text," \
	" r.placeholders::text[], r.previous_sql::text" NEW_COLUMNS

/*
 * The position in a file, and the header "expand".  Before version 1.2, the
 * table did not have these columns: their names are then those of "old".
 */
#define NEW_COLUMNS ", r.new_file_name::text, r.new_file_lines::text[], r.new_expand::text"
#define FROM_REVISION \
	" FROM (SELECT NULL::text AS file_name, NULL::integer[] AS file_lines, NULL::text AS expand) old," \
	" LATERAL (SELECT r.*, file_name AS new_file_name, file_lines AS new_file_lines, expand AS new_expand" \
	" FROM cmig.revision r) r"
/* The columns of the scripts of one direction. */
#define UPGRADE_COLUMNS \
	"r.revision::text, r.transactional::boolean, r.placeholders::text[], r.upgrade_sql::text, NULL::text," \
	" r.verify_sql::text, r.precondition_sql::text" NEW_COLUMNS
#define DOWNGRADE_COLUMNS \
	"r.revision::text, r.transactional::boolean, r.placeholders::text[], ''::text, r.downgrade_sql::text," \
	" NULL::text, NULL::text" NEW_COLUMNS

#define OF_ONE FROM_REVISION " WHERE r.revision::text = $1"
#define OF_MANY FROM_REVISION " WHERE r.revision::text = ANY ($1)"
#define BY_ID " ORDER BY r.revision::text COLLATE \"C\""

/* EDGE_COLUMNS, the rest of DETAIL_COLUMNS, and what read_details reads besides. */
static const CmigTableColumn columns[] = {
	{"revision", TEXTOID}, {"down_revision", TEXTARRAYOID}, {"depends_on", TEXTARRAYOID},
	{"branch_labels", TEXTARRAYOID}, {"replaces", TEXTARRAYOID}, {"repeatable", BOOLOID},
	{"message", TEXTOID}, {"created_by", NAMEOID}, {"transactional", BOOLOID},
	{"created_at", TIMESTAMPTZOID}, {"downgrade_sql", TEXTOID}, {"upgrade_sql", TEXTOID},
	{"expand", TEXTOID}
};

static CmigQuery read_edges = {
	"SELECT " EDGE_COLUMNS " FROM cmig.revision r",
	.all_rows = true,.table = "revision",.columns = columns,.ncolumns = 6
};

static CmigQuery read_details = {
	"SELECT " DETAIL_COLUMNS ", r.downgrade_sql::text, r.upgrade_sql::text, r.new_expand::text" FROM_REVISION,
	.all_rows = true,.table = "revision",.columns = columns,.ncolumns = lengthof(columns)
};

static CmigQuery read_texts = {"SELECT " TEXT_COLUMNS FROM_REVISION BY_ID};
static CmigQuery read_texts_of = {"SELECT " TEXT_COLUMNS OF_MANY BY_ID, {TEXTARRAYOID}};

/*
 * A query with the layout of TEXT_COLUMNS that reads only the columns needed
 * for file names.
 */
static CmigQuery read_file_names = {
	"SELECT r.revision::text, NULL::text[], NULL::text[], NULL::text[], NULL::text[], false,"
	" r.message::text, NULL::name, true, r.created_at::timestamptz, NULL::text, NULL::text, NULL::text,"
" NULL::text, NULL::text, NULL::text[], NULL::text, NULL::text, NULL::text[], NULL::text FROM cmig.revision r"};

/* Queries for scripts, indexed by direction. */
static CmigQuery read_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS OF_MANY, {TEXTARRAYOID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS OF_MANY, {TEXTARRAYOID}}
};

/*
 * Queries for all scripts of at most $1 bytes, indexed by direction.
 * octet_length() does not detoast a value.
 */
static CmigQuery read_small_scripts[] = {
	[CMIG_UPGRADE] = {"SELECT " UPGRADE_COLUMNS FROM_REVISION
		" WHERE coalesce(octet_length(r.upgrade_sql::text), 0)"
	" + coalesce(octet_length(r.verify_sql::text), 0) <= $1", {INT4OID}},
	[CMIG_DOWNGRADE] = {"SELECT " DOWNGRADE_COLUMNS FROM_REVISION
	" WHERE coalesce(octet_length(r.downgrade_sql::text), 0) <= $1", {INT4OID}}
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
read_text_or_empty(CmigPack *pack, const CmigRow *row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTOID, &isnull);

	return isnull ? "" : keep_text(pack, value);
}

/*
 * Read a text[] column into *names.  Returns false if the array has more than
 * one dimension or contains nulls.
 */
static bool
read_names(CmigPack *pack, const CmigRow *row, int column, CmigNames *names)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTARRAYOID, &isnull);
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
read_edge_columns(CmigPack *pack, const CmigRow *row, CmigRevision *revision)
{
	CmigNames  *lists[] = {&revision->parents, &revision->depends, &revision->labels,
	&revision->replaces};

	memset(revision, 0, sizeof(*revision));
	revision->id = read_text_or_empty(pack, row, 1);
	for (int i = 0; i < lengthof(lists); i++)
		revision->malformed |= !read_names(pack, row, 2 + i, lists[i]);
	revision->repeatable = cmig_query_bool(row, 6, false);
}

/*
 * Read the columns of DETAIL_COLUMNS that follow EDGE_COLUMNS into *revision.
 * "before" is the revision that was read before, or NULL; if it has the same
 * author, the string with the author's name is shared.
 */
static void
read_detail_columns(CmigPack *pack, const CmigRow *row, CmigRevision *revision,
					const CmigRevision *before)
{
	bool		isnull;
	Datum		author;

	revision->message = read_text_or_empty(pack, row, 7);
	author = cmig_query_datum(row, 8, NAMEOID, &isnull);
	if (!isnull)
	{
		const char *name = NameStr(*DatumGetName(author));

		if (before && before->created_by && strcmp(before->created_by, name) == 0)
			revision->created_by = before->created_by;
		else
			revision->created_by = pack ? cmig_pack_string(pack, name, strlen(name)) : pstrdup(name);
	}
	revision->transactional = cmig_query_bool(row, 9, true);
	revision->created_at = DatumGetTimestampTz(cmig_query_datum(row, 10, TIMESTAMPTZOID,
																&isnull));
	revision->has_created_at = !isnull;
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

/* Is the script in a column NULL, or does it contain only white space? */
static bool
is_blank(const CmigRow *row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTOID, &isnull);
	text	   *plain;
	bool		blank = true;

	if (isnull)
		return true;
	/* the length of a large script is known without reading it */
	if (toast_raw_datum_size(value) - VARHDRSZ >= 1000)
		return false;
	plain = DatumGetTextPP(value);
	for (int i = 0; i < VARSIZE_ANY_EXHDR(plain) && blank; i++)
		blank = scanner_isspace(VARDATA_ANY(plain)[i]);
	if ((Pointer) plain != DatumGetPointer(value))
		pfree(plain);
	return blank;
}

/* Row callback: add a revision to the set. */
static void
collect_revision(const CmigRow *row, void *arg)
{
	ReadSet    *read = arg;
	CmigRevisionSet *set = read->set;
	bool		repeatable = cmig_query_bool(row, 6, false);
	CmigRevision *revision = repeatable ?
	add_revision(&set->repeatables, &set->repeatable_count, &read->repeatables_allocated) :
	add_revision(&set->revisions, &set->count, &read->allocated);

	read_edge_columns(&read->pack, row, revision);
	if (read->with_details)
	{
		bool		first = (repeatable ? set->repeatable_count : set->count) == 1;
		bool		isnull;

		/*
		 * pass the previous revision, because its author is usually the same
		 */
		read_detail_columns(&read->pack, row, revision, first ? NULL : &revision[-1]);
		(void) cmig_query_datum(row, 11, TEXTOID, &isnull);
		revision->irreversible = !repeatable && isnull;
		revision->reverts_nothing = !repeatable && !isnull && is_blank(row, 11) &&
			!is_blank(row, 12);
		(void) cmig_query_datum(row, 13, TEXTOID, &isnull);
		revision->expands = !isnull;
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

/* Read NEW_COLUMNS, the first of which is "column". */
static void
read_new_columns(const CmigRow *row, int column, CmigRevisionText *text)
{
	CmigNames	lines;

	text->expand = cmig_query_text_or_null(row, column + 2);
	text->file_name = cmig_query_text_or_null(row, column);
	if (text->file_name != NULL && read_names(NULL, row, column + 1, &lines))
		for (int i = 0; i < Min(lines.count, lengthof(text->file_lines)); i++)
			text->file_lines[i] = atoi(lines.names[i]);
}

/* Returns a palloc'd revision, given a row with TEXT_COLUMNS. */
static CmigRevisionText *
read_text_columns(const CmigRow *row)
{
	CmigRevisionText *text = palloc0(sizeof(CmigRevisionText));

	read_edge_columns(NULL, row, &text->edges);
	read_detail_columns(NULL, row, &text->edges, NULL);
	text->description = read_text_or_empty(NULL, row, 11);
	text->upgrade_sql = read_text_or_empty(NULL, row, 12);
	text->downgrade_sql = cmig_query_text_or_null(row, 13);
	text->verify_sql = cmig_query_text_or_null(row, 14);
	text->precondition_sql = cmig_query_text_or_null(row, 15);
	text->edges.malformed |= !read_names(NULL, row, 16, &text->placeholders);
	text->previous_sql = cmig_query_text_or_null(row, 17);
	read_new_columns(row, 18, text);
	return text;
}

/* Row callback: store the revision in *arg. */
static void
keep_text_row(const CmigRow *row, void *arg)
{
	*(CmigRevisionText **) arg = read_text_columns(row);
}

CmigRevisionText *
cmig_catalog_read_text(const char *revision)
{
	static CmigQuery query = {"SELECT " TEXT_COLUMNS OF_ONE, {TEXTOID}};
	Datum		values[1] = {CStringGetTextDatum(revision)};
	CmigRevisionText *text = NULL;

	cmig_query_each(&query, values, NULL, keep_text_row, &text);
	return text;
}

bool
cmig_catalog_has_replacing(void)
{
	static CmigQuery query = {
	"SELECT FROM cmig.revision r WHERE cardinality(r.replaces::text[]) > 0 LIMIT 1"};

	return cmig_query_run(&query, NULL, NULL) > 0;
}

bool
cmig_catalog_has_preconditions(void)
{
	static CmigQuery query =
	{"SELECT FROM cmig.revision r WHERE r.precondition_sql IS NOT NULL LIMIT 1"};

	return cmig_query_run(&query, NULL, NULL) > 0;
}

/* The state of the functions that pass revisions to a callback. */
typedef struct EachText
{
	CmigRevisionTextCallback callback;
	void	   *arg;
	const char *always;			/* id of the revision whose script is passed
								 * to the callback even if it is large */
	Size		left;			/* number of bytes of scripts that may still
								 * be passed to the callback */
	MemoryContext context;
} EachText;

/* Returns the size of the value in a text column without detoasting it. */
static Size
column_size(const CmigRow *row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTOID, &isnull);

	return isnull ? 0 : toast_raw_datum_size(value);
}

/*
 * Row callback: pass the scripts of one direction to the caller's callback,
 * unless they are too large.
 */
static void
hand_over_script(const CmigRow *row, void *arg)
{
	EachText   *each = arg;
	MemoryContext old = MemoryContextSwitchTo(each->context);
	CmigRevisionText *text = palloc0(sizeof(CmigRevisionText));
	Size		size = column_size(row,
								   4) + column_size(row, 5) + column_size(row, 6);

	text->edges.id = cmig_query_text(row, 1);
	if (size <= each->left || strcmp(text->edges.id, each->always) == 0)
	{
		each->left -= Min(size, each->left);
		text->edges.transactional = cmig_query_bool(row, 2, true);
		(void) read_names(NULL, row, 3, &text->placeholders);
		text->upgrade_sql = read_text_or_empty(NULL, row, 4);
		text->downgrade_sql = cmig_query_text_or_null(row, 5);
		text->verify_sql = cmig_query_text_or_null(row, 6);
		text->precondition_sql = cmig_query_text_or_null(row, 7);
		read_new_columns(row, 8, text);
		each->callback(text, each->arg);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(each->context);
}

/* Row callback: pass the revision on to the caller's callback. */
static void
hand_over_text(const CmigRow *row, void *arg)
{
	EachText   *each = arg;
	MemoryContext old = MemoryContextSwitchTo(each->context);
	CmigRevisionText *text = read_text_columns(row);

	MemoryContextSwitchTo(old);
	each->callback(text, each->arg);
	MemoryContextReset(each->context);
}

/* Run a query, and pass each revision on to the caller's callback. */
static void
each_text(CmigQuery *query, Datum value, CmigRowCallback hand_over, EachText *each)
{
	each->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig revision text",
										  ALLOCSET_DEFAULT_SIZES);
	cmig_query_each(query, &value, NULL, hand_over, each);
	MemoryContextDelete(each->context);
}

void
cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
						 Size most_bytes, CmigRevisionTextCallback callback, void *arg)
{
	EachText	each = {callback, arg, revisions->names[0], most_bytes};
	Datum		names = cmig_names_datum(revisions);

	each_text(&read_scripts[direction], names, hand_over_script, &each);
	pfree(DatumGetPointer(names));
}

void
cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
							   CmigRevisionTextCallback callback, void *arg)
{
	EachText	each = {callback, arg, "", MaxAllocHugeSize};

	each_text(&read_small_scripts[direction], Int32GetDatum(most_bytes), hand_over_script, &each);
}

void
cmig_catalog_each_text(const CmigNames *ids, CmigRevisionTextCallback callback, void *arg)
{
	EachText	each = {callback, arg};

	each_text(ids ? &read_texts_of : &read_texts, ids ? cmig_names_datum(ids) : (Datum) 0,
			  hand_over_text, &each);
}

void
cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg)
{
	EachText	each = {callback, arg};

	each_text(&read_file_names, (Datum) 0, hand_over_text, &each);
}

/* ----------------------------------------------------------------
 * Writes the table cmig.revision.
 * ----------------------------------------------------------------
 */

/* Row callback: set the creation time of *arg, a CmigRevision, if it has none. */
static void
keep_created_at(const CmigRow *row, void *arg)
{
	CmigRevision *edges = arg;
	bool		isnull;
	Datum		value = cmig_query_datum(row, 1, TIMESTAMPTZOID, &isnull);

	if (edges->has_created_at || isnull)
		return;
	edges->created_at = DatumGetTimestampTz(value);
	edges->has_created_at = true;
}

/*
 * Should the caller write to cmig.revision as its owner?  A role that can
 * insert revisions can delete or change them only by calling pg_cmig's
 * functions, which check what is allowed.
 */
static bool
begin_as_owner(AclMode mode, CmigRole *caller)
{
	Oid			table = get_relname_relid("revision", get_namespace_oid("cmig", false));
	bool		as_owner = pg_class_aclcheck(table, GetUserId(), mode) != ACLCHECK_OK &&
	pg_attribute_aclcheck(table, get_attnum(table, "revision"), GetUserId(),
						  ACL_INSERT) == ACLCHECK_OK;

	if (as_owner)
		cmig_role_act_as_owner(caller, cmig_role_owner_of(table));
	return as_owner;
}

/*
 * Delete the row of a revision, and set its creation time if it has none.
 * Returns false if there is no such row.
 *
 * Authors do not have the DELETE privilege, because it would also allow them
 * to lock the table in any mode and to delete applied revisions manually.
 */
static bool
delete_row(CmigRevision *edges)
{
	static CmigQuery query = {
		"DELETE FROM cmig.revision WHERE revision::text = $1"
		" RETURNING created_at::timestamptz", {TEXTOID}
	};
	Datum		values[1] = {CStringGetTextDatum(edges->id)};
	CmigRole	caller;
	bool		as_owner = begin_as_owner(ACL_DELETE, &caller);
	bool		deleted;

	deleted = cmig_query_each(&query, values, NULL, keep_created_at, edges) > 0;
	if (as_owner)
		cmig_role_return(&caller);
	return deleted;
}

/* Returns names as the text of an array. */
static char *
names_text(const CmigNames *names)
{
	return names->count == 0 ? "{}" : OidOutputFunctionCall(F_ARRAY_OUT, cmig_names_datum(names));
}

/*
 * The maximum number of rows in a batch, which is inserted with one statement.
 * A batch also ends when the size of its scripts exceeds BATCH_BYTES.
 */
#define BATCH_ROWS 500
#define BATCH_BYTES (4 * 1024 * 1024)
#define BATCH_COLUMNS 16

/*
 * Set the column "expand" of a revision that was inserted.  As the table's
 * owner, because earlier versions did not grant authors the INSERT privilege on
 * the column.
 */
static void
set_expand(const CmigRevisionText *text)
{
	static CmigQuery query = {"UPDATE cmig.revision SET expand = $2 WHERE revision = $1",
	{TEXTOID, TEXTOID}};
	Datum		values[2] = {CStringGetTextDatum(text->edges.id),
	CStringGetTextDatum(text->expand)};
	CmigRole	caller;
	bool		as_owner = begin_as_owner(ACL_UPDATE, &caller);

	cmig_query_run(&query, values, NULL);
	if (as_owner)
		cmig_role_return(&caller);
}

/*
 * Insert as many of the revisions as fit into a batch.  Sets *inserted to the
 * number of rows that were inserted, which is smaller if a trigger or rule has
 * suppressed a row.  Returns the number of revisions that were in the batch.
 *
 * Each column is passed as an array of its values' texts.  unnest() with
 * several arguments must not be schema-qualified.
 */
static int
insert_batch(const CmigRevisionText *const *revisions, int count, uint64 *inserted)
{
	static CmigQuery query = {
		"INSERT INTO cmig.revision (revision, down_revision, depends_on,"
		" branch_labels, message, description, upgrade_sql, downgrade_sql,"
		" verify_sql, replaces, precondition_sql, placeholders, previous_sql, transactional,"
		" repeatable, created_at)"
		" SELECT u.revision, u.parents::text[], u.depends::text[], u.labels::text[],"
		" u.message, u.description, u.upgrade, u.downgrade, u.verify, u.replaces::text[], u.precondition,"
		" u.placeholders::text[], u.previous, u.transactional::boolean, u.repeatable::boolean,"
		" coalesce(u.created_at::timestamptz, pg_catalog.now())"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
		" AS u (revision, parents, depends, labels, message, description, upgrade, downgrade,"
		" verify, replaces, precondition, placeholders, previous, transactional, repeatable, created_at)",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
			TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
	};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig revision rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CmigNames	columns[BATCH_COLUMNS] = {0};
	Datum		values[BATCH_COLUMNS];
	Size		bytes = 0;
	int			rows;

	for (int i = 0; i < BATCH_COLUMNS; i++)
		columns[i].names = palloc(sizeof(char *) * Min(count, BATCH_ROWS));
	for (rows = 0; rows < Min(count, BATCH_ROWS) && bytes < BATCH_BYTES; rows++)
	{
		const CmigRevisionText *text = revisions[rows];
		const CmigRevision *edges = &text->edges;
		char	   *row[BATCH_COLUMNS] = {
			edges->id, names_text(&edges->parents), names_text(&edges->depends),
			names_text(&edges->labels),
			edges->message ? edges->message : "", text->description ? text->description : "",
			text->upgrade_sql ? text->upgrade_sql : "", text->downgrade_sql, text->verify_sql,
			names_text(&edges->replaces), text->precondition_sql, names_text(&text->placeholders),
			text->previous_sql, edges->transactional ? "t" : "f", edges->repeatable ? "t" : "f",
			edges->has_created_at ? pstrdup(timestamptz_to_str(edges->created_at)) : NULL
		};

		for (int i = 0; i < BATCH_COLUMNS; i++)
		{
			columns[i].names[columns[i].count++] = row[i];
			bytes += row[i] ? strlen(row[i]) : 0;
		}
	}
	for (int i = 0; i < BATCH_COLUMNS; i++)
		values[i] = cmig_names_datum(&columns[i]);
	*inserted = cmig_query_run(&query, values, NULL);
	for (int i = 0; i < rows; i++)
		if (revisions[i]->expand != NULL)
			set_expand(revisions[i]);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
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

	if (!delete_row(&row.edges))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" could not be replaced", revision->edges.id),
				 errdetail("Its row in cmig.revision no longer exists."),
				 errhint("Load the file again.")));
	cmig_revision_rows_insert(&row);
}

void
cmig_revision_rows_delete(const char *revision)
{
	CmigRevision row = {.id = unconstify(char *, revision)};

	(void) delete_row(&row);
}

/* Subtransaction callback: store the positions of *arg, an array of values. */
static void
place_rows(void *arg)
{
	/* another session may have locked a row, such as a load that goes on */
	static CmigQuery query = {
		"UPDATE cmig.revision r SET file_name = u.name, file_lines = u.lines::integer[]"
		" FROM unnest($1, $2, $3) AS u (revision, name, lines)"
		" WHERE r.revision = u.revision AND r.revision IN (SELECT l.revision FROM cmig.revision l"
		" WHERE l.revision = ANY ($1) FOR NO KEY UPDATE SKIP LOCKED)",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
	};
	CmigRole	caller;
	bool		as_owner = begin_as_owner(ACL_UPDATE, &caller);

	cmig_query_run(&query, arg, NULL);
	if (as_owner)
		cmig_role_return(&caller);
}

void
cmig_revision_rows_place(const CmigRevisionText *const *revisions, int count)
{
	Oid			table = get_relname_relid("revision", get_namespace_oid("cmig", false));
	CmigNames	columns[3] = {0};
	Datum		values[3];
	ErrorData  *error;

	if (count == 0 || XactReadOnly || RecoveryInProgress() ||
		get_attnum(table, "file_name") == InvalidAttrNumber ||
		!ConditionalLockRelationOid(table, RowExclusiveLock))
		return;
	for (int i = 0; i < lengthof(columns); i++)
		columns[i].names = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
	{
		const int  *lines = revisions[i]->file_lines;
		char	   *row[] = {
			revisions[i]->edges.id, revisions[i]->file_name,
			psprintf("{%d,%d,%d}", lines[0], lines[1], lines[2])
		};

		for (int j = 0; j < lengthof(columns); j++)
			columns[j].names[columns[j].count++] = row[j];
	}
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = cmig_names_datum(&columns[i]);
	error = cmig_subtransaction_try(place_rows, values);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
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

/* Does the script, which may be NULL, have this checksum? */
static bool
is_script(const char *sql, const char *checksum)
{
	return sql != NULL && strcmp(cmig_repeatable_checksum(sql, true, true), checksum) == 0;
}

CmigRepeatableState
cmig_repeatable_state(const CmigGraph *graph, int node)
{
	const char *id = cmig_graph_id(graph, node);
	CmigJournalRepeatable last = cmig_journal_read_repeatable(id);
	CmigRevisionText *text;

	if (last.checksum == NULL)
		return CMIG_REPEATABLE_NEW;
	if (last.reverted)
		return CMIG_REPEATABLE_REVERTED;
	text = cmig_catalog_read_text(id);
	return text && is_script(text->upgrade_sql, last.checksum) ? CMIG_REPEATABLE_CURRENT :
		CMIG_REPEATABLE_CHANGED;
}

void
cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan,
						bool all)
{
	MemoryContext context;
	MemoryContext caller;

	if (graph->repeatable_count == 0 || !cmig_plan_reaches_heads(graph, applied, plan))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig repeatable",
									ALLOCSET_DEFAULT_SIZES);
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

List *
cmig_repeatable_runs(const CmigGraph *graph)
{
	List	   *runs = NIL;

	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigJournalRepeatable last = cmig_journal_read_repeatable(cmig_graph_id(graph, node));
		CmigRevisionText *text = last.checksum == NULL ? NULL :
		cmig_catalog_read_text(cmig_graph_id(graph, node));
		CmigRepeatableRun *run;

		if (text == NULL)
			continue;
		run = palloc(sizeof(CmigRepeatableRun));
		run->node = node;
		run->reverted = last.reverted;
		run->placeholders = text->placeholders;
		run->sql = is_script(text->upgrade_sql, last.checksum) ? text->upgrade_sql :
			is_script(text->previous_sql, last.checksum) ? text->previous_sql : NULL;
		if (run->sql != NULL)
			runs = lappend(runs, run);
	}
	return runs;
}
