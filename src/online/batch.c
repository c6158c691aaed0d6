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
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "storage/block.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "move/move.h"
#include "online/internal.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Builds a backfill's statements and estimates its work.
 * ----------------------------------------------------------------
 */

/* The maximum number of blocks that a batch spans, even if few rows match. */
#define MOST_BLOCKS 8192

/*
 * The key by which a table is walked, and the FROM item from which the key is
 * read.
 */
typedef struct KeySource
{
	const CmigBackfillKey *key;
	const char *from;			/* FROM item: a table, with or without an
								 * alias */
	const char *alias;			/* name that qualifies the key's columns */
} KeySource;

/*
 * Append a row comparison such as "(a, b) > ($1::t, $2::t)", where "first" is
 * the number of the first parameter, or, if "values" is not NULL, with these
 * constants.
 */
static void
append_comparison(StringInfo sql, const CmigBackfillKey *key, const char *operator, int first,
				  const CmigNames *values)
{
	appendStringInfoChar(sql, '(');
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s%s", i > 0 ? ", " : "", key->columns[i]);
	appendStringInfo(sql, ") %s (", operator);
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s%s::%s", i > 0 ? ", " : "",
						 values ? quote_literal_cstr(values->names[i]) : psprintf("$%d", first + i),
						 key->types[i]);
	appendStringInfoChar(sql, ')');
}

/* Append the key's columns, separated by commas. */
static void
append_key(StringInfo sql, const KeySource *source, const char *suffix)
{
	/*
	 * Qualify the columns; otherwise, ORDER BY would refer to the result's
	 * columns.
	 */
	for (int i = 0; i < source->key->count; i++)
		appendStringInfo(sql, "%s%s.%s%s", i > 0 ? ", " : "", source->alias,
						 source->key->columns[i], suffix);
}

/* If there is a filter (where_sql), append it, followed by AND. */
static void
append_filter(StringInfo sql, const CmigBackfillTarget *target)
{
	if (target->where_sql != NULL)
		appendStringInfo(sql, "(%s\n) AND ", target->where_sql);
}

/* Initialize a query whose arguments all have the same type. */
static void
make_query(CmigQuery *query, const char *sql, int nargs, Oid argtype)
{
	cmig_query_free(query);
	memset(query, 0, sizeof(*query));
	query->users_text = true;
	query->sql = sql;
	query->nargs = nargs;
	for (int i = 0; i < nargs; i++)
		query->argtypes[i] = argtype;
}

/*
 * Append the condition that a key is in a range.  Its parameters are the lower
 * end of the range, which is present only if "lower" is true, and the upper
 * end.
 */
static void
append_range(StringInfo sql, const CmigBackfillKey *key, bool lower)
{
	if (lower)
	{
		append_comparison(sql, key, key->greater, 1, NULL);
		appendStringInfoString(sql, " AND ");
	}
	append_comparison(sql, key, key->not_greater, lower ? 1 + key->count : 1, NULL);
}

/*
 * Build a statement for the rows in a range of keys that begins with "start",
 * such as "UPDATE ... SET ...".  The range has a lower end only if "lower" is
 * true.
 */
static void
make_range(CmigQuery *query, const CmigBackfillTarget *target, const CmigBackfillPart *part,
		   const char *start, bool lower)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s WHERE ", start);
	append_filter(&sql, target);
	append_range(&sql, &part->key, lower);
	make_query(query, sql.data, part->key.count * (lower ? 2 : 1), TEXTOID);
}

/*
 * Build a statement that finds the last key of a batch.  "lower" is false for
 * the first batch, which has no lower end.
 */
static void
make_end(CmigQuery *query, const CmigBackfillTarget *target, const KeySource *source, bool lower,
		 int batch_size)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, source, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s WHERE ", source->from);
	append_filter(&sql, target);
	append_range(&sql, source->key, lower);
	appendStringInfoString(&sql, " ORDER BY ");
	append_key(&sql, source, "");
	appendStringInfo(&sql, " LIMIT 1 OFFSET %d", batch_size - 1);
	make_query(query, sql.data, source->key->count * (lower ? 2 : 1), TEXTOID);
}

/*
 * Build the statement that asks each shard for a key and returns the least of
 * these keys.  The statement's arguments are the table and the query returned
 * by ask_shard().
 */
static void
make_shard_end(CmigQuery *query, const CmigBackfillKey *key)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < key->count; i++)
		appendStringInfo(&sql, "%sk[%d]", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, " FROM (SELECT NULLIF(CASE WHEN r.success THEN r.result END, '')::pg_catalog.text[] AS k"
						   " FROM pg_catalog.run_command_on_shards($1::pg_catalog.regclass, $2) AS r) AS s"
						   " WHERE k IS NOT NULL ORDER BY ");
	for (int i = 0; i < key->count; i++)
		appendStringInfo(&sql, "%sk[%d]::%s", i > 0 ? ", " : "", i + 1, key->types[i]);
	appendStringInfoString(&sql, " LIMIT 1");
	make_query(query, sql.data, 2, TEXTOID);
	query->argtypes[0] = OIDOID;
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
 * Returns the second argument of shard_end, a query that Citus runs on each
 * shard.  The query returns the key of row number "rows" in the range above
 * "place" and up to "bound".
 */
static char *
ask_shard(const CmigBackfillPart *part, const CmigNames *place,
		  const CmigNames *bound, int rows)
{
	KeySource	source = {.key = &part->key,.alias = "cmig_row"};
	StringInfoData columns;
	StringInfoData condition;
	StringInfoData result;

	initStringInfo(&columns);
	append_key(&columns, &source, "::pg_catalog.text");
	initStringInfo(&condition);
	if (place->count > 0)
	{
		append_comparison(&condition, &part->key, part->key.greater, 0, place);
		appendStringInfoString(&condition, " AND ");
	}
	append_comparison(&condition, &part->key, part->key.not_greater, 0, bound);
	appendStringInfoString(&condition, " ORDER BY ");
	append_key(&condition, &source, "");

	/*
	 * the result is a format string: Citus passes it to format(), which
	 * replaces %s by the shard's name
	 */
	initStringInfo(&result);
	appendStringInfoString(&result, "SELECT coalesce((SELECT ARRAY[");
	append_for_format(&result, columns.data);
	appendStringInfoString(&result, "]::pg_catalog.text FROM ONLY %s AS cmig_row WHERE ");
	append_for_format(&result, condition.data);
	appendStringInfo(&result, " LIMIT 1 OFFSET %d), '')", rows - 1);
	return result.data;
}

/* Build the statements for a walk by key. */
static void
prepare_key(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			const CmigBackfillPart *part, int batch_size)
{
	KeySource	source = {.key = &part->key};
	char	   *start;
	StringInfoData sql;

	if (part->key.count * 2 > CMIG_QUERY_MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the key of table %s has too many columns for a backfill", part->name),
				 errhint("Specify a where_sql that is true for the rows that remain to be updated.")));

	/*
	 * with a filter, use the target's name as the alias, because the filter
	 * may qualify columns with this name
	 */
	source.alias = target->where_sql ? quote_identifier(get_rel_name(target->oid)) : "cmig_row";
	source.from = target->where_sql ? part->updated : psprintf("%s AS cmig_row", part->name);
	start = psprintf("UPDATE ONLY %s SET %s\n", part->updated, target->set_sql);
	make_range(&q->update, target, part, start, true);
	make_range(&q->first, target, part, start, false);
	if (target->where_sql != NULL)
	{
		start = psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM ONLY %s", part->updated);
		make_range(&q->still, target, part, start, true);
		make_range(&q->first_still, target, part, start, false);
	}

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, &source, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s WHERE ", source.from);
	append_filter(&sql, target);
	appendStringInfoString(&sql, "true ORDER BY ");
	append_key(&sql, &source, " DESC");
	appendStringInfoString(&sql, " LIMIT 1");
	make_query(&q->bound, sql.data, 0, TEXTOID);
	if (part->shards > 1 && target->where_sql == NULL)
		make_shard_end(&q->shard_end, &part->key);
	make_end(&q->end, target, &source, true, batch_size);
	make_end(&q->first_end, target, &source, false, batch_size);
}

/* Build the statements for a walk by block. */
static void
prepare_ctid(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			 const CmigBackfillPart *part, int batch_size)
{
	char	   *update = psprintf("UPDATE ONLY %s SET %s\n WHERE ctid >= $1 AND ctid < $2 AND (%s\n)",
								  part->updated, target->set_sql, target->where_sql);

	make_query(&q->update, update, 2, TIDOID);
	make_query(&q->checked,
			   psprintf("WITH u AS (%s RETURNING (%s\n) AS still) SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE still) FROM u",
						update, target->where_sql),
			   2, TIDOID);
	/* shards count; a LIMIT would have them send the rows to the coordinator */
	make_query(&q->probe, part->shards > 0 ?
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM ONLY %s\n"
						" WHERE ctid >= $1 AND ctid < $2 AND (%s\n)", part->updated, target->where_sql) :
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM (SELECT 1 FROM ONLY %s\n"
						" WHERE ctid >= $1 AND ctid < $2 AND (%s\n) LIMIT %d) AS cmig_rows",
						part->updated, target->where_sql, batch_size + 1),
			   2, TIDOID);
}

void
cmig_backfill_sql_free(CmigBackfillQueries *q)
{
	CmigQuery  *all[] = {
		&q->update, &q->checked, &q->still, &q->first_still, &q->probe,
		&q->first, &q->bound, &q->end, &q->first_end, &q->shard_end
	};

	for (int i = 0; i < lengthof(all); i++)
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
	BlockNumber blocks;

	if (part->shards > 0)
		return cmig_citus_blocks(part->oid);
	rel = relation_open(part->oid, AccessShareLock);
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
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	*rows = *pages = 0;
	if (!HeapTupleIsValid(tuple))
		return;
	*rows = Max(((Form_pg_class) GETSTRUCT(tuple))->reltuples, 0);
	*pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
	ReleaseSysCache(tuple);
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
			rows = cmig_citus_rows(target->parts[i].oid);
		total += target->by_key ? rows : blocks_of(&target->parts[i]);
	}
	return total;
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

/* Returns a list that contains one name. */
static CmigNames
one_name(char *name)
{
	CmigNames	names = {.count = 1,.names = palloc(sizeof(char *))};

	names.names[0] = name;
	return names;
}

/*
 * Run a query that counts rows: "probe" and "still" count those that match,
 * "checked" those that were updated, and *still those of them that still
 * match.
 */
static int64
count_rows(CmigQuery *query, Datum *values, int64 *still)
{
	char	  **counts = linitial(cmig_query_texts(query, values, NULL));

	if (still != NULL)
		*still = strtoll(counts[1], NULL, 10);
	return strtoll(counts[0], NULL, 10);
}

/*
 * Fetch a key of "count" columns as text.  The text must be independent of the
 * session's settings, because another session may resume the backfill.
 */
static CmigNames
fetch_key(CmigQuery *query, Datum *values, int count)
{
	CmigNames	key = {0};
	List	   *rows;
	int			level = NewGUCNestLevel();

	cmig_settings_override("datestyle", "ISO, MDY");
	cmig_settings_override("intervalstyle", "postgres");
	cmig_settings_override("extra_float_digits", "1");
	rows = cmig_query_texts(query, values, NULL);
	AtEOXact_GUC(false, level);
	if (rows != NIL)
	{
		key.count = count;
		key.names = linitial(rows);
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
		return cmig_query_run(&b->queries.update, values, NULL);

	/*
	 * raise an error if updated rows still match where_sql, because the
	 * backfill would then never end
	 */
	rows = count_rows(&b->queries.checked, values, &still);
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
		BlockNumber next = cmig_backfill_skip_next(b->skip, b->target->parts[b->part].oid,
												   start, bound);

		b->next.passed += next - start;
		start = next;
	}
	blocks = b->blocks;

	/*
	 * shards send each row of a checked update to the coordinator, so the
	 * first batch only covers some blocks
	 */
	if (b->target->parts[b->part].shards > 0 && !is_at_once(b) && b->next.pass == 1 && b->next.rows == 0 &&
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
		int64		matching = count_rows(&b->queries.probe, values, NULL);

		if (matching == 0)
		{
			b->next.place = one_name(psprintf("%u", end));
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
		int64		matching = count_rows(&b->queries.probe, values, NULL);

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

	b->next.place = one_name(psprintf("%u", end));
	b->next.passed += end - start;
	return rows;
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
	CmigNames	end = {0};
	int			lower = place->count;	/* number of parameters for the lower
										 * end; 0 in the first batch */
	int64		rows;

	for (int i = 0; i < lower; i++)
		values[i] = CStringGetTextDatum(place->names[i]);
	for (int i = 0; i < count; i++)
		values[lower + i] = CStringGetTextDatum(bound->names[i]);
	/* find the last key of the batch; there is none in the last batch */
	if (!is_at_once(b) && (part->shards <= 1 || b->target->where_sql != NULL))
		end = fetch_key(lower ? &b->queries.end : &b->queries.first_end, values, count);
	else if (!is_at_once(b))
	{
		Datum		question[2] = {ObjectIdGetDatum(part->oid)};

		question[1] = CStringGetTextDatum(ask_shard(part, place, bound, b->shard_rows));
		end = fetch_key(&b->queries.shard_end, question, count);
	}
	if (end.count == 0)
		end = *bound;
	for (int i = 0; i < count; i++)
		values[lower + i] = CStringGetTextDatum(end.names[i]);
	rows = cmig_query_run(lower ? &b->queries.update : &b->queries.first, values, NULL);
	if (b->target->where_sql != NULL)
	{
		int64		still = count_rows(lower ? &b->queries.still : &b->queries.first_still, values, NULL);

		/*
		 * some updated rows must no longer match; the others count as
		 * unchanged
		 */
		if (rows > 0 && still >= rows)
			refuse_still(rows, still);
		b->next.unchanged += still;
	}

	/* adapt the rows per shard to the number of rows updated */
	if (rows < b->batch_rows / 2)
		b->shard_rows = Min(b->shard_rows * 2, b->batch_rows);
	else if (rows > b->batch_rows)
		b->shard_rows = Max(b->shard_rows / 2, 1);
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
 * Raise an error if the table was renamed or replaced.  This is necessary
 * because the statements find the table by name, but its blocks are found by
 * OID.  The lock taken here has the same mode as UPDATE's lock, and prevents
 * such changes until the batch ends.
 */
static void
require_same_table(const CmigBackfillPart *part, bool by_key)
{
	char	   *name;

	LockRelationOid(part->oid, RowExclusiveLock);
	name = cmig_backfill_target_name(part->oid);
	if (name == NULL || strcmp(name, part->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s was renamed or dropped during its backfill", part->name),
				 name ? errdetail("It is now named %s.", name) : 0,
				 name && by_key ? errhint("Rename it back and repeat the CALL to continue. Under the new name, all its rows would be updated again.") : 0));
}

/*
 * Begin the given part of the table.  If the stored state is already in this
 * part, continue there.
 */
static void
begin_part(CmigBackfill *b, const CmigBackfillPart *part)
{
	require_same_table(part, b->target->by_key);
	if (b->prepared != b->part)
	{
		MemoryContext old = MemoryContextSwitchTo(MemoryContextGetParent(b->batch_context));

		b->batch_rows = Min((int64) b->batch_size * Max(part->shards, 1), INT_MAX / 2);
		if (b->target->by_key)
			prepare_key(&b->queries, b->target, part, b->batch_rows);
		else
			prepare_ctid(&b->queries, b->target, part, b->batch_rows);
		MemoryContextSwitchTo(old);
		b->blocks = b->dense_blocks = is_at_once(b) ? MaxBlockNumber :
			blocks_of_batch(part, b->batch_rows);
		b->shard_rows = Max(b->batch_rows / Max(part->shards, 1), 1);
		b->prepared = b->part;
	}
	if (b->next.relation != NULL && strcmp(b->next.relation, part->name) == 0)
	{
		cmig_backfill_resume_require_key(&b->next, part);
		return;
	}
	b->next.relation = part->name;
	b->next.key.count = part->key.count;
	b->next.key.names = part->key.columns;
	MemSet(&b->next.place, 0, sizeof(CmigNames));
	MemSet(&b->next.bound, 0, sizeof(CmigNames));
	if (b->target->by_key)
		b->next.bound = fetch_key(&b->queries.bound, NULL, part->key.count);
	else
	{
		b->next.place = one_name(pstrdup("0"));
		b->next.bound = one_name(psprintf("%.0f", is_at_once(b) ? MaxBlockNumber :
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
	store(b);
}

void
cmig_backfill_batch_end(void *arg)
{
	CmigBackfill *b = arg;

	b->next = b->run;
	b->next.done = true;
	store(b);
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
	MemoryContext previous = b->run_context;
	MemoryContext old = MemoryContextSwitchTo(b->spare_context);

	/* copy the strings, because b->next may share them with b->run */
	b->run = b->next;
	b->run.method = b->next.method ? pstrdup(b->next.method) : NULL;
	b->run.relation = b->next.relation ? pstrdup(b->next.relation) : NULL;
	copy_names(&b->run.key);
	copy_names(&b->run.place);
	copy_names(&b->run.bound);
	MemoryContextSwitchTo(MemoryContextGetParent(b->batch_context));
	if (TransactionIdIsValid(b->xid) && !b->one_transaction)
		cmig_backfill_skip_add(b->skip, b->xid);
	b->xid = InvalidTransactionId;
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->batch_context);
	MemoryContextReset(previous);
	b->run_context = b->spare_context;
	b->spare_context = previous;
	b->last = GetCurrentTimestamp();
	if (b->run.rows > 0)
		cmig_nontransactional_note_own_work();
}
