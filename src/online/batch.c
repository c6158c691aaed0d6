/*
 * batch.c
 *	  One batch of a backfill.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "storage/block.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "move/move.h"
#include "online/internal.h"

/* The maximum number of blocks that a batch spans, even if few rows match. */
#define MOST_BLOCKS 8192

/* ----------------------------------------------------------------
 * Finds blocks in which a backfill has updated every row.
 *
 * After the first pass, most blocks contain only old versions of rows that
 * this run has updated.  The next pass looks for rows that other sessions have
 * moved or added, and can skip these blocks.
 *
 * A block can be skipped if each row version in it was replaced by a committed
 * transaction of this run, because no future snapshot sees any row version in
 * such a block.  A row version that another session inserted, updated, or
 * locked does not meet this condition, whether or not that session has
 * committed.  Nor does a row version that a transaction of this run failed to
 * replace, because only committed transactions are recorded.
 * ----------------------------------------------------------------
 */

/* bsearch comparator: in the order in which they began. */
static int
compare_xids(const void *a, const void *b)
{
	TransactionId x = *(const TransactionId *) a;
	TransactionId y = *(const TransactionId *) b;

	return x == y ? 0 : TransactionIdPrecedes(x, y) ? -1 : 1;
}

/* Has this run replaced every row version on the page? */
static bool
is_settled(const CmigBackfill *b, Page page)
{
	TransactionId known = InvalidTransactionId;
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleHeader tuple;
		TransactionId xmax;

		/*
		 * skip unused, dead, and redirected items, which have no row version
		 * of their own
		 */
		if (!ItemIdIsNormal(item))
			continue;
		tuple = (HeapTupleHeader) PageGetItem(page, item);
		if ((tuple->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) != 0 ||
			HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
			return false;
		xmax = HeapTupleHeaderGetRawXmax(tuple);
		if (xmax == known)
			continue;
		if (!TransactionIdIsNormal(xmax) ||
			bsearch(&xmax, b->xids, b->xid_count, sizeof(TransactionId), compare_xids) == NULL)
			return false;
		known = xmax;
	}
	return true;
}

/*
 * Returns the first block between "start" and "end" (exclusive) that may
 * contain a row that this run has not updated.  Examines only MOST_BLOCKS
 * blocks; if all of these can be skipped, returns the block after them.
 */
static BlockNumber
skip_settled(const CmigBackfill *b, Oid table, BlockNumber start, BlockNumber end)
{
	Relation	relation;
	BlockNumber block = start;

	if (b->xid_count == 0)
		return start;
	relation = cmig_query_open(table, AccessShareLock);
	end = Min(end, RelationGetNumberOfBlocks(relation));
	while (relation->rd_rel->relam == HEAP_TABLE_AM_OID && block < end &&
		   block - start < MOST_BLOCKS)
	{
		Buffer		buffer = ReadBuffer(relation, block);
		bool		settled;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		settled = is_settled(b, BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		if (!settled)
			break;
		block++;
	}
	relation_close(relation, AccessShareLock);
	return block;
}

/* ----------------------------------------------------------------
 * Checks the partitions of a backfill that continues.
 * ----------------------------------------------------------------
 */

static CmigNames
names_of_parts(const CmigBackfillTarget *target)
{
	CmigNames	names = {0, palloc(sizeof(char *) * Max(target->count, 1))};

	while (names.count < target->count)
	{
		names.names[names.count] = target->parts[names.count].name;
		names.count++;
	}
	return names;
}

/* Returns the OIDs in a text in which they are separated by colons. */
static List *
oids_of(const char *text)
{
	List	   *oids = NIL;
	char	   *end;

	for (bool more = true; more; text = end + 1)
	{
		oids = lappend_oid(oids, (Oid) strtoul(text, &end, 10));
		more = *end == ':';
	}
	return oids;
}

void
cmig_backfill_parts_require(const CmigBackfillTarget *target, const CmigBackfillRun *run)
{
	static CmigQuery query = {
		"SELECT (SELECT string_agg(n, ', ') FROM (SELECT unnest($1) EXCEPT SELECT unnest($2)"
		" ORDER BY 1) d (n)),"
		" (SELECT string_agg(n, ', ') FROM (SELECT unnest($2) EXCEPT SELECT unnest($1)"
		" ORDER BY 1) d (n))",
		{TEXTARRAYOID, TEXTARRAYOID}
	};
	CmigNames	now = names_of_parts(target);
	List	   *ids = run->part_ids ? oids_of(run->part_ids) : NIL;
	char	  **row;

	if (run->parts.count == 0)
		return;
	for (int i = 0; i < target->count; i++)
		for (int j = 0; j < run->parts.count && ids && list_length(ids) == run->parts.count; j++)
			if (strcmp(target->parts[i].name, run->parts.names[j]) == 0 &&
				list_nth_oid(ids, j) != target->parts[i].oid)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("partition %s is not the one that had this name when the backfill of table %s began",
								target->parts[i].name, target->name),
						 errdetail("It was created again, or partitions have exchanged their names, so pg_cmig cannot tell whether its rows have been backfilled."),
						 cmig_hint("Undo that and repeat the `CALL`. To start over instead: DELETE FROM cmig.backfill_run WHERE id = %lld",
								   (long long) run->id)));
	row = cmig_query_row(&query, &run->parts, &now);
	if (row[0] != NULL && row[1] != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the partitions of table %s have changed during its backfill",
						target->name),
				 errdetail("Removed since the start: %s. Added: %s. If a partition was renamed, pg_cmig cannot tell whether its rows have been backfilled.",
						   row[0], row[1]),
				 cmig_hint("Rename the partition back and repeat the `CALL`. If no partition was renamed: UPDATE cmig.backfill_run SET parts = NULL WHERE id = %lld, then repeat the `CALL`.",
						   (long long) run->id)));
}

void
cmig_backfill_parts_note(const CmigBackfillTarget *target, CmigBackfillRun *run)
{
	StringInfoData ids;

	run->parts = names_of_parts(target);
	initStringInfo(&ids);
	for (int i = 0; i < target->count; i++)
		appendStringInfo(&ids, "%s%u", i > 0 ? ":" : "", target->parts[i].oid);
	run->part_ids = ids.data;
}

/* ----------------------------------------------------------------
 * Builds a backfill's statements and estimates its work.
 * ----------------------------------------------------------------
 */

/*
 * Returns the key's columns, separated by commas, each after "prefix", such as
 * an alias and a period, and before "suffix".
 */
static char *
list_key(const CmigBackfillKey *key, const char *prefix, const char *suffix)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < key->count; i++)
		appendStringInfo(&list, "%s%s%s%s", i > 0 ? ", " : "", prefix, key->columns[i], suffix);
	return list.data;
}

/*
 * Returns a row comparison such as "(a, b) > ($1::t, $2::t)", where "first" is
 * the number of the first parameter, or, if "values" is not NULL, with these
 * constants.
 */
static char *
compare_key(const CmigBackfillKey *key, const char *operator, int first, const CmigNames *values)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "(%s) %s (", list_key(key, "", ""), operator);
	for (int i = 0; i < key->count; i++)
		appendStringInfo(&sql, "%s%s::%s", i > 0 ? ", " : "",
						 values ? quote_literal_cstr(values->names[i]) : psprintf("$%d", first + i),
						 key->types[i]);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* Make a query of the part whose arguments all have the same type. */
static void
make_query(CmigQuery **query, const CmigBackfillPart *part, const char *sql, int nargs, Oid argtype)
{
	Oid			argtypes[CMIG_QUERY_MAX_ARGS];

	for (int i = 0; i < nargs; i++)
		argtypes[i] = argtype;
	if (*query != NULL)
		cmig_query_free(*query);
	*query = cmig_query_make(sql, part ? list_make1_oid(part->oid) : NIL, nargs, argtypes);
	(*query)->users_text = true;
	(*query)->once = false;
}

/* Append the text for use in a format() string, with each % doubled. */
static void
append_for_format(StringInfo result, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '%')
			appendStringInfoChar(result, '%');
		appendStringInfoChar(result, *text);
	}
}

/*
 * The maximum number of batches for which the shards are asked at once: each
 * question opens a connection for each shard.
 */
#define SHARD_ENDS 8

/*
 * Returns the second argument of shard_ends, a query that Citus runs on each
 * shard.  The query returns the key of every row whose number is a multiple of
 * "rows", in the range above "place" and up to "bound".
 */
static char *
ask_shard(const CmigBackfillKey *key, const CmigNames *place, const CmigNames *bound, int rows)
{
	StringInfoData result;

	/*
	 * the result is a format string: Citus passes it to format(), which
	 * replaces %s by the shard's name
	 */
	initStringInfo(&result);
	appendStringInfoString(&result, "SELECT coalesce((SELECT pg_catalog.array_agg(ARRAY[");
	append_for_format(&result, list_key(key, "cmig_rows.", "::pg_catalog.text"));
	appendStringInfoString(&result, "])::pg_catalog.text FROM (SELECT ");
	append_for_format(&result, list_key(key, "cmig_row.", ""));
	appendStringInfoString(&result, ", pg_catalog.row_number() OVER (ORDER BY ");
	append_for_format(&result, list_key(key, "cmig_row.", ""));
	appendStringInfoString(&result, ") AS cmig_n FROM ONLY %s AS cmig_row WHERE ");
	if (place->count > 0)
	{
		append_for_format(&result, compare_key(key, key->greater, 0, place));
		appendStringInfoString(&result, " AND ");
	}
	append_for_format(&result, compare_key(key, key->not_greater, 0, bound));
	appendStringInfoString(&result, " ORDER BY ");
	append_for_format(&result, list_key(key, "cmig_row.", ""));
	appendStringInfo(&result,
					 " LIMIT " INT64_FORMAT ") AS cmig_rows WHERE cmig_n OPERATOR(pg_catalog.%%%%) %d OPERATOR(pg_catalog.=) 0), '')",
					 (int64) rows * SHARD_ENDS, rows);
	return result.data;
}

/* Build the statements for a walk by key. */
static void
prepare_key(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			const CmigBackfillPart *part, int batch_size)
{
	const CmigBackfillKey *key = &part->key;
	char	   *filter = "";
	char	   *from = psprintf("%s AS cmig_row", part->name);
	char	   *prefix = "cmig_row.";
	char	   *columns;
	char	   *order;
	char	   *range;

	if (key->count * 2 > CMIG_QUERY_MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the key of table %s has too many columns for a backfill", part->name),
				 errhint("Specify a where_sql that is true for the rows that remain to be updated.")));
	if (target->where_sql != NULL)
	{
		/* the filter may qualify columns with the target's name */
		filter = psprintf("(%s\n) AND ", target->where_sql);
		from = part->updated;
		prefix = psprintf("%s.", quote_identifier(cmig_query_name(target->oid)));
	}
	columns = list_key(key, prefix, "::pg_catalog.text");
	/* without a prefix, ORDER BY would refer to the result's columns */
	order = list_key(key, prefix, "");
	/* the planner removes the test for null, because the plan is a custom one */
	range = psprintf("%s($1 IS NULL OR %s) AND %s", filter, compare_key(key, key->greater, 1, NULL),
					 compare_key(key, key->not_greater, 1 + key->count, NULL));

	make_query(&q->update, part,
			   psprintf("UPDATE ONLY %s SET %s\n WHERE %s", part->updated, target->set_sql, range),
			   2 * key->count, TEXTOID);
	make_query(&q->matching, part,
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM ONLY %s WHERE %s",
						part->updated, range),
			   2 * key->count, TEXTOID);
	make_query(&q->bound, part,
			   psprintf("SELECT %s FROM ONLY %s WHERE %strue ORDER BY %s LIMIT 1", columns, from,
						filter,
						list_key(key, prefix, " DESC")),
			   0, TEXTOID);
	make_query(&q->end, part,
			   psprintf("SELECT %s FROM ONLY %s WHERE %s ORDER BY %s LIMIT 1 OFFSET %d", columns,
						from, range,
						order, batch_size - 1),
			   2 * key->count, TEXTOID);
	if (part->shards > 1 && target->where_sql == NULL)
	{
		StringInfoData result;
		StringInfoData by;

		initStringInfo(&result);
		initStringInfo(&by);
		for (int i = 0; i < key->count; i++)
		{
			appendStringInfo(&result, "%sk[n][%d]", i > 0 ? ", " : "", i + 1);
			appendStringInfo(&by, ", k[n][%d]::%s", i + 1, key->types[i]);
		}
		make_query(&q->shard_ends, NULL,
				   psprintf("SELECT DISTINCT ON (n) %s FROM (SELECT NULLIF(CASE WHEN r.success THEN r.result END, '')::pg_catalog.text[] AS k"
							" FROM pg_catalog.run_command_on_shards($1::pg_catalog.regclass, $2) AS r) AS s"
							" CROSS JOIN LATERAL pg_catalog.generate_subscripts(k, 1) AS n ORDER BY n%s", result.data, by.data),
				   2, TEXTOID);
		q->shard_ends->argtypes[0] = OIDOID;
	}
}

/* Build the statements for a walk by block. */
static void
prepare_ctid(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			 const CmigBackfillPart *part, int batch_size)
{
	char	   *range = psprintf("\n WHERE ctid >= $1 AND ctid < $2 AND (%s\n)", target->where_sql);
	char	   *update = psprintf("UPDATE ONLY %s SET %s%s", part->updated, target->set_sql, range);

	make_query(&q->update, part, update, 2, TIDOID);
	make_query(&q->checked, part,
			   psprintf("WITH u AS (%s RETURNING (%s\n) AS still) SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE still) FROM u",
						update, target->where_sql),
			   2, TIDOID);
	/* shards count; a LIMIT would have them send the rows to the coordinator */
	make_query(&q->matching, part, part->shards > 0 ?
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM ONLY %s%s",
						part->updated, range) :
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM (SELECT 1 FROM ONLY %s%s LIMIT %d) AS cmig_rows",
						part->updated, range, batch_size + 1),
			   2, TIDOID);
}

void
cmig_backfill_sql_free(CmigBackfillQueries *q)
{
	CmigQuery  *all[] = {q->update, q->checked, q->matching, q->bound, q->end, q->shard_ends};

	for (int i = 0; i < lengthof(all); i++)
		if (all[i] != NULL)
			cmig_query_free(all[i]);
}

/*
 * Returns the number of blocks of a table or, if Citus manages the table, of its
 * largest shard.
 */
static double
blocks_of(const CmigBackfillPart *part)
{
	Relation	rel;
	double		blocks;
	double		rows;

	if (part->shards > 0)
	{
		cmig_citus_size(part->oid, &blocks, &rows);
		return blocks;
	}
	/* what was dropped is noticed when it is its turn */
	rel = try_relation_open(part->oid, AccessShareLock);
	if (rel == NULL)
		return 0;
	blocks = RelationGetNumberOfBlocks(rel);
	relation_close(rel, AccessShareLock);
	return blocks;
}

/*
 * Get the planner's statistics on rows and pages.  The number of rows is 0 if
 * there are no statistics yet.
 */
static void
estimate(Oid relation, double *rows, double *pages)
{
	FormData_pg_class row;
	bool		exists = cmig_role_relation(relation, &row);

	*rows = exists ? Max(row.reltuples, 0) : 0;
	*pages = exists ? row.relpages : 0;
}

double
cmig_backfill_sql_work(const CmigBackfillTarget *target)
{
	double		total = 0;

	for (int i = 0; i < target->count; i++)
	{
		double		rows;
		double		pages;

		estimate(target->parts[i].oid, &rows, &pages);
		if (target->by_key && target->parts[i].shards > 0)
			cmig_citus_size(target->parts[i].oid, &pages, &rows);
		total += target->by_key ? rows : blocks_of(&target->parts[i]);
	}
	return total;
}

/* Up to this number of blocks of a table, all rows are counted. */
#define SAMPLE_BLOCKS 1024

double
cmig_backfill_sql_rows(const CmigBackfillTarget *target)
{
	double		total = 0;

	/* first: the parts are in the order of their names */
	LockRelationOid(target->oid, AccessShareLock);
	for (int i = 0; i < target->count; i++)
	{
		const CmigBackfillPart *part = &target->parts[i];
		double		blocks = part->shards > 0 ? 0 : blocks_of(part);
		double		share = Min(SAMPLE_BLOCKS / Max(blocks, 1), 1);
		double		rows;
		double		pages;
		CmigQuery  *query = NULL;

		estimate(part->oid, &rows, &pages);
		if (part->shards > 0 && target->where_sql != NULL)
			return -1;
		if (part->shards > 0)
			cmig_citus_size(part->oid, &pages, &rows);
		else if (share == 1 || target->where_sql != NULL)
		{
			make_query(&query, part,
					   psprintf("SELECT pg_catalog.count(*) FROM ONLY %s%s WHERE (%s\n)",
								part->updated,
								share == 1 ? "" :
								psprintf(" TABLESAMPLE SYSTEM (%f)", 100 * share),
								target->where_sql ? target->where_sql : "true"), 0,
					   InvalidOid);
			rows = strtod(*(char **) linitial(cmig_query_texts(query, NULL, NULL)), NULL) / share;
			cmig_query_free(query);
		}
		total += rows;
	}
	return floor(total);
}

/* Returns the number of blocks that a batch spans if all rows match. */
static double
blocks_of_batch(const CmigBackfillPart *part, int batch_size)
{
	double		rows;
	double		pages;

	if (part->shards > 0)
		return Max(batch_size / 200 / part->shards, 1);
	estimate(part->oid, &rows, &pages);
	if (rows < 1 || pages < 1)
		return Max(batch_size / 200, 1);
	return Min(Max(floor(batch_size * pages / rows), 1), MOST_BLOCKS);
}

/* ----------------------------------------------------------------
 * Runs a batch of a backfill.
 *
 * The field "run" of CmigBackfill contains the valid state, which is the state
 * after the last commit.  A batch computes the next state and stores it in the
 * batch's transaction.  The next state becomes valid only after the commit, so
 * an attempt that is rolled back starts again from the same position.
 * ----------------------------------------------------------------
 */

/*
 * Run a query that counts rows: "matching" those that match, "checked" those
 * that were updated, and *still those of them that still match.
 */
static int64
count_rows(CmigQuery *query, Datum *values, const char *nulls, int64 *still)
{
	char	  **counts = linitial(cmig_query_texts(query, values, nulls));

	if (still != NULL)
		*still = strtoll(counts[1], NULL, 10);
	return strtoll(counts[0], NULL, 10);
}

/*
 * Fetch keys as text, as a List of char **.  The text must be independent of the
 * session's settings, because another session may resume the backfill.
 */
static List *
fetch_keys(CmigQuery *query, Datum *values, const char *nulls)
{
	List	   *rows;
	int			level = NewGUCNestLevel();

	cmig_settings_pin_forms();
	rows = cmig_query_texts(query, values, nulls);
	AtEOXact_GUC(false, level);
	return rows;
}

/* Returns the first of these keys of "count" columns, or none. */
static CmigNames
first_key(const List *keys, int count)
{
	CmigNames	key = {0};

	if (keys != NIL)
	{
		key.count = count;
		key.names = linitial(keys);
	}
	return key;
}

/*
 * Raise an error because updated rows still match where_sql, so the next pass
 * would update them again.
 */
static void
refuse_still(int64 updated, int64 still)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("where_sql still matches rows that were updated"),
			 errdetail("This batch updated %lld rows and was rolled back. The next pass would update %lld of them again.",
					   (long long) updated, (long long) still),
			 errhint("Use a where_sql that is true only for rows that remain to be updated, such as new_column IS NULL, or leave out where_sql to update each row once.")));
}

/*
 * Is the current part of the table updated in a single batch?  This is true for
 * a part with shards if all batches run in the caller's transaction, because
 * asking for the shards' sizes might wait for a lock held by this transaction.
 */
static bool
is_at_once(const CmigBackfill *b)
{
	return b->one_transaction && b->target->parts[b->part].shards > 0;
}

/*
 * Update the rows in a range of blocks, and return the number of rows updated.
 */
static int64
update_range(CmigBackfill *b, Datum *values)
{
	int64		rows;
	int64		still;

	if (b->next.pass == 1 && b->next.rows > 0)
		return cmig_query_run(b->queries.update, values, NULL);

	/*
	 * raise an error if updated rows still match where_sql, because the
	 * backfill would then never end
	 */
	rows = count_rows(b->queries.checked, values, NULL, &still);
	if (still > 0)
		refuse_still(rows, still);
	return rows;
}

/* Run a batch by block, and return the number of rows updated. */
static int64
update_blocks(CmigBackfill *b)
{
	BlockNumber start = strtoul(b->next.place.names[0], NULL, 10);
	BlockNumber bound = strtoul(b->next.bound.names[0], NULL, 10);
	BlockNumber end;
	ItemPointerData from;
	ItemPointerData to;
	Datum		values[2];
	double		blocks;
	int64		rows;

	if (b->next.pass > 1 && b->target->parts[b->part].shards == 0)
	{
		BlockNumber next = skip_settled(b, b->target->parts[b->part].oid, start, bound);

		b->next.passed += next - start;
		start = next;
	}
	blocks = b->blocks;

	/*
	 * shards send each row of a checked update to the coordinator, so the
	 * first batch only covers some blocks
	 */
	if (b->target->parts[b->part].shards > 0 && !is_at_once(b) && b->next.pass == 1 &&
		b->next.rows == 0 &&
		b->blocks <= b->dense_blocks)
		blocks = Max(floor(blocks / 16), 1);
	end = Min(start + (BlockNumber) blocks, bound);
	ItemPointerSet(&from, start, 0);
	ItemPointerSet(&to, end, 0);
	values[0] = PointerGetDatum(&from);
	values[1] = PointerGetDatum(&to);

	/*
	 * The range is longer than usual because earlier batches found few
	 * matching rows.  Count the matching rows, and shorten the range if there
	 * are too many.
	 */
	if (b->blocks > b->dense_blocks)
	{
		int64		matching = count_rows(b->queries.matching, values, NULL, NULL);

		if (matching == 0)
		{
			b->next.place = *cmig_argument_one(psprintf("%u", end));
			b->next.passed += end - start;
			return 0;
		}
		if (matching > b->batch_rows)
		{
			b->blocks = b->dense_blocks;
			end = Min(start + (BlockNumber) b->blocks, bound);
			ItemPointerSet(&to, end, 0);
		}
	}

	/*
	 * If no row has been updated in this pass, this pass may be the last one.
	 * Therefore, also handle rows that still match.
	 */
	rows = update_range(b, values);
	if (rows == 0 && b->next.rows_of_pass == 0)
	{
		int64		matching = count_rows(b->queries.matching, values, NULL, NULL);

		/*
		 * Another session may have inserted or changed rows in the meantime,
		 * so try the update once more before counting the rows that match as
		 * rows that cannot be updated.
		 */
		if (matching > 0)
			rows = update_range(b, values);
		if (rows == 0)
			b->next.unchanged += matching;
	}

	b->next.place = *cmig_argument_one(psprintf("%u", end));
	b->next.passed += end - start;
	return rows;
}

/*
 * Ask all shards for the ends of the next batches.  Up to the end of batch n,
 * each shard has at most n times as many rows as a batch has in a shard.
 */
static void
ask_shards(CmigBackfill *b, const CmigBackfillPart *part)
{
	MemoryContext old;
	Datum		question[2] = {ObjectIdGetDatum(part->oid)};

	question[1] = CStringGetTextDatum(ask_shard(&part->key, &b->next.place, &b->next.bound,
												b->shard_rows));
	MemoryContextReset(b->ends_context);
	old = MemoryContextSwitchTo(b->ends_context);
	b->ends = fetch_keys(b->queries.shard_ends, question, NULL);
	if (list_length(b->ends) < SHARD_ENDS)
	{
		char	  **last = palloc(sizeof(char *) * part->key.count);

		for (int i = 0; i < part->key.count; i++)
			last[i] = pstrdup(b->next.bound.names[i]);
		b->ends = lappend(b->ends, last);
	}
	MemoryContextSwitchTo(old);
}

/* Run a batch by key, and return the number of rows updated. */
static int64
update_keys(CmigBackfill *b)
{
	const CmigBackfillPart *part = &b->target->parts[b->part];
	const CmigNames *place = &b->next.place;
	const CmigNames *bound = &b->next.bound;
	int			count = bound->count;
	Datum		values[CMIG_QUERY_MAX_ARGS];
	char		nulls[CMIG_QUERY_MAX_ARGS];
	CmigNames	end = {0};
	int64		rows;

	/* the first batch has no lower end */
	for (int i = 0; i < 2 * count; i++)
	{
		const char *value = i >= count ? bound->names[i - count] : place->count > 0 ?
		place->names[i] : NULL;

		cmig_query_bind_text(values, nulls, i, value);
	}
	/* find the last key of the batch; there is none in the last batch */
	if (!is_at_once(b) && (part->shards <= 1 || b->target->where_sql != NULL))
		end = first_key(fetch_keys(b->queries.end, values, nulls), count);
	else if (!is_at_once(b))
	{
		if (b->ends == NIL)
			ask_shards(b, part);
		end = first_key(b->ends, count);
	}
	if (end.count == 0)
		end = *bound;
	for (int i = 0; i < count; i++)
		values[count + i] = CStringGetTextDatum(end.names[i]);
	rows = cmig_query_run(b->queries.update, values, nulls);
	if (b->target->where_sql != NULL)
	{
		int64		still = count_rows(b->queries.matching, values, nulls, NULL);

		/*
		 * some updated rows must no longer match; the others count as
		 * unchanged
		 */
		if (rows > 0 && still >= rows)
			refuse_still(rows, still);
		b->next.unchanged += still;
	}

	/* adapt the rows per shard to the number of rows updated */
	b->next_shard_rows = rows < b->batch_rows / 2 ? Min(b->shard_rows * 2, b->batch_rows) :
		rows > b->batch_rows ? Max(b->shard_rows / 2, 1) : b->shard_rows;
	b->next.place = end;
	b->next.passed += rows;
	return rows;
}

bool
cmig_backfill_batch_part_is_done(const CmigBackfillRun *run, bool by_key)
{
	if (run->bound.count == 0)
		return true;			/* the part was empty */
	if (run->place.count == 0)
		return false;
	if (!by_key)
		return strtoul(run->place.names[0], NULL, 10) >= strtoul(run->bound.names[0], NULL, 10);
	for (int i = 0; i < run->bound.count; i++)
	{
		if (strcmp(run->place.names[i], run->bound.names[i]) != 0)
			return false;
	}
	return true;
}

/*
 * Raise an error if the table was renamed, replaced, or distributed, or has got a rule.
 * This is necessary because the statements find the table by name, but its blocks are
 * found by OID, and because a rule decides what they update.  The lock taken here has
 * the same mode as UPDATE's lock, and prevents such changes until the batch ends.
 */
static void
require_same_table(const CmigBackfillPart *part, const CmigBackfillTarget *target)
{
	char	   *name;

	LockRelationOid(part->oid, RowExclusiveLock);
	name = cmig_backfill_target_name(part->oid);
	if (name == NULL || strcmp(name, part->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s was renamed or dropped during its backfill", part->name),
				 name ? errdetail("It is now named %s.", name) : 0,
				 name && target->by_key ?
				 cmig_hint(part->oid == target->oid ? "Repeat the `CALL` with the new name to continue." :
						   "Rename it back and repeat the `CALL` to continue.") : 0));
	/* where its rows are decides how they are found */
	if (cmig_citus_manages(part->oid) != (part->shards > 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("Citus has distributed table %s during its backfill", part->name),
				 cmig_hint("Repeat the `CALL` to continue.")));
	cmig_backfill_require_no_rules(part->oid, target->by_key);
}

/*
 * Raise an error if the part's key has changed since the backfill began,
 * because the stored position is a position in the order of the old key.
 */
static void
require_same_key(const CmigBackfillRun *run, const CmigBackfillPart *part)
{
	CmigBackfillKey begun = {.count = run->key.count,.columns = run->key.names};

	if (begun.count != part->key.count ||
		strcmp(list_key(&begun, "", ""), list_key(&part->key, "", "")) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of table %s has changed during its backfill", part->name),
				 errdetail("Rows were updated in the order of key (%s). For key (%s), it is unknown which rows are done.",
						   list_key(&begun, "", ""), list_key(&part->key, "", "")),
				 cmig_hint("Restore the original key and repeat the `CALL`. To start over instead: DELETE FROM cmig.backfill_run WHERE id = %lld",
						   (long long) run->id)));
}

/*
 * Begin the given part of the table.  If the stored state is already in this
 * part, continue there.
 */
static void
begin_part(CmigBackfill *b, const CmigBackfillPart *part)
{
	require_same_table(part, b->target);
	if (b->prepared != b->part)
	{
		MemoryContext old = MemoryContextSwitchTo(MemoryContextGetParent(b->batch_context));

		b->batch_rows = Min((int64) b->batch_limit * Max(part->shards, 1), INT_MAX / 2);
		if (b->target->by_key)
			prepare_key(&b->queries, b->target, part, b->batch_rows);
		else
			prepare_ctid(&b->queries, b->target, part, b->batch_rows);
		MemoryContextSwitchTo(old);
		b->blocks = b->dense_blocks = is_at_once(b) ? MaxBlockNumber :
			blocks_of_batch(part, b->batch_rows);
		b->next_shard_rows = b->shard_rows = Max(b->batch_rows / Max(part->shards, 1), 1);
		b->ends = NIL;
		b->prepared = b->part;
	}
	if (b->next.relation != NULL && strcmp(b->next.relation, part->name) == 0)
	{
		require_same_key(&b->next, part);
		return;
	}
	/* few rows still match, so look for them in many blocks of shards */
	if (part->shards > 0 && b->next.pass > 1)
		b->blocks = Max(b->blocks, MOST_BLOCKS);
	b->next.relation = part->name;
	b->next.key.count = part->key.count;
	b->next.key.names = part->key.columns;
	MemSet(&b->next.place, 0, sizeof(CmigNames));
	MemSet(&b->next.bound, 0, sizeof(CmigNames));
	if (b->target->by_key)
		b->next.bound = first_key(fetch_keys(b->queries.bound, NULL, NULL), part->key.count);
	else
	{
		b->next.place = *cmig_argument_one(pstrdup("0"));
		b->next.bound = *cmig_argument_one(psprintf("%.0f", is_at_once(b) ? MaxBlockNumber :
													blocks_of(part)));
	}
}

/* Store the next state in cmig.backfill_run. */
static void
store(CmigBackfill *b)
{
	CmigRole	saved;
	TimestampTz now = GetCurrentTimestamp();

	if (b->one_transaction)
		return;
	cmig_role_act_as_caller(&saved, b->caller);
	cmig_backfill_run_update(&b->next, now - b->last);
	cmig_role_return(&saved);
}

void
cmig_backfill_batch_run(void *arg)
{
	CmigBackfill *b = arg;
	const CmigBackfillPart *part = &b->target->parts[b->part];
	int			level;
	int64		rows;

	if (!b->one_transaction)
		cmig_toplevel_snapshot();
	(void) cmig_citus_use_two_phases();
	level = NewGUCNestLevel();
	cmig_settings_override("row_security", "off");
	b->next = b->run;
	begin_part(b, part);
	if (!cmig_backfill_batch_part_is_done(&b->next, b->target->by_key))
	{
		rows = b->target->by_key ? update_keys(b) : update_blocks(b);
		b->next.rows += rows;
		b->next.rows_of_pass += rows;
		b->next.batches++;
		if (!b->target->by_key && !is_at_once(b))
			b->blocks = Min(Max(rows == 0 ? b->blocks * 2 :
								floor(b->blocks * Min(Max((double) b->batch_rows / rows, 0.5), 2)),
								1), MOST_BLOCKS);
	}
	b->xid = GetTopTransactionIdIfAny();
	AtEOXact_GUC(false, level);

	/* the next batch uses the same connections, unless it may be the last one */
	if (part->shards > 0 && b->next.pass == 1 &&
		!cmig_backfill_batch_part_is_done(&b->next, b->target->by_key))
		cmig_citus_keep_connections();
	store(b);
}

void
cmig_backfill_batch_end(void *arg)
{
	CmigBackfill *b = arg;
	CmigRole	saved;

	b->next = b->run;
	b->next.done = true;
	store(b);
	cmig_role_act_as_caller(&saved, b->caller);
	cmig_control_forget("relation", b->target->name);
	cmig_role_return(&saved);
}

/* Copy a list of names into the current memory context. */
static void
copy_names(CmigNames *names)
{
	char	  **copy = palloc(sizeof(char *) * Max(names->count, 1));

	for (int i = 0; i < names->count; i++)
		copy[i] = pstrdup(names->names[i]);
	names->names = copy;
}

void
cmig_backfill_batch_adopt(CmigBackfill *b)
{
	MemoryContext context = AllocSetContextCreate(MemoryContextGetParent(b->batch_context),
												  "pg_cmig backfill state", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	/* copy the strings, because b->next may share them with b->run */
	b->run = b->next;
	b->ends = list_delete_first(b->ends);
	if (b->ends == NIL)
		b->shard_rows = b->next_shard_rows;
	b->run.method = b->next.method ? pstrdup(b->next.method) : NULL;
	b->run.relation = b->next.relation ? pstrdup(b->next.relation) : NULL;
	copy_names(&b->run.key);
	copy_names(&b->run.place);
	copy_names(&b->run.bound);
	if (TransactionIdIsValid(b->xid) && !b->one_transaction)
	{
		/* the length of the array is a power of two, and at least 64 */
		if (b->xid_count >= 64 && (b->xid_count & (b->xid_count - 1)) == 0)
			b->xids = repalloc(b->xids, 2 * b->xid_count * sizeof(TransactionId));
		b->xids[b->xid_count++] = b->xid;
	}
	b->xid = InvalidTransactionId;
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->batch_context);
	MemoryContextDelete(b->run_context);
	b->run_context = context;
	b->last = GetCurrentTimestamp();
	if (b->run.rows > 0)
		cmig_nontransactional_note_own_work();
}
