/*
 * backfill_sql.c
 *	  Builds a backfill's statements and estimates its work.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "online/backfill_sql.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

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
 * Statements for a part
 */

/*
 * Append a row comparison such as "(a, b) > ($1::t, $2::t)".  "first" is the
 * number of the first parameter.
 */
static void
append_comparison(StringInfo sql, const CmigBackfillKey *key, const char *operator, int first)
{
	appendStringInfoChar(sql, '(');
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s%s", i > 0 ? ", " : "", key->columns[i]);
	appendStringInfo(sql, ") %s (", operator);
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s$%d::%s", i > 0 ? ", " : "", first + i, key->types[i]);
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
		append_comparison(sql, key, key->greater, 1);
		appendStringInfoString(sql, " AND ");
	}
	append_comparison(sql, key, key->not_greater, lower ? 1 + key->count : 1);
}

/*
 * Build a statement that updates the rows in a range of keys.  The range has a
 * lower end only if "lower" is true.
 */
static void
make_update(CmigQuery *query, const CmigBackfillTarget *target, const CmigBackfillPart *part,
			bool lower)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s\n WHERE ", part->updated, target->set_sql);
	append_filter(&sql, target);
	append_range(&sql, &part->key, lower);
	make_query(query, sql.data, part->key.count * (lower ? 2 : 1), TEXTOID);
}

/*
 * Build a statement that counts the matching rows in a range of keys.  The
 * range has a lower end only if "lower" is true.
 */
static void
make_still(CmigQuery *query, const CmigBackfillTarget *target, const CmigBackfillPart *part,
		   bool lower)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM ONLY %s WHERE ", part->updated);
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
 * by cmig_backfill_sql_ask_shard().
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

/*
 * Append a row comparison with constants, such as "(a, b) > ('1'::t, '2'::t)".
 */
static void
append_literals(StringInfo sql, const CmigBackfillKey *key, const char *operator,
				const CmigNames *values)
{
	appendStringInfoChar(sql, '(');
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s%s", i > 0 ? ", " : "", key->columns[i]);
	appendStringInfo(sql, ") %s (", operator);
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%s%s::%s", i > 0 ? ", " : "", quote_literal_cstr(values->names[i]),
						 key->types[i]);
	appendStringInfoChar(sql, ')');
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

char *
cmig_backfill_sql_ask_shard(const CmigBackfillPart *part, const CmigNames *place,
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
		append_literals(&condition, &part->key, part->key.greater, place);
		appendStringInfoString(&condition, " AND ");
	}
	append_literals(&condition, &part->key, part->key.not_greater, bound);
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

/* Build the statement that finds the greatest key in a part. */
static void
make_bound(CmigQuery *query, const CmigBackfillTarget *target, const KeySource *source)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, source, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s WHERE ", source->from);
	append_filter(&sql, target);
	appendStringInfoString(&sql, "true ORDER BY ");
	append_key(&sql, source, " DESC");
	appendStringInfoString(&sql, " LIMIT 1");
	make_query(query, sql.data, 0, TEXTOID);
}

/* Build the statements for a walk by key. */
static void
prepare_key(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			const CmigBackfillPart *part, int batch_size)
{
	KeySource	source = {.key = &part->key};

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
	make_update(&q->update, target, part, true);
	make_update(&q->first, target, part, false);
	if (target->where_sql != NULL)
	{
		make_still(&q->still, target, part, true);
		make_still(&q->first_still, target, part, false);
	}
	make_bound(&q->bound, target, &source);
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
	make_query(&q->probe,
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM (SELECT 1 FROM ONLY %s\n"
						" WHERE ctid >= $1 AND ctid < $2 AND (%s\n) LIMIT %d) AS cmig_rows",
						part->updated, target->where_sql, batch_size + 1),
			   2, TIDOID);
}

void
cmig_backfill_sql_prepare(CmigBackfillQueries *queries, const CmigBackfillTarget *target,
						  const CmigBackfillPart *part, int batch_size)
{
	if (target->by_key)
		prepare_key(queries, target, part, batch_size);
	else
		prepare_ctid(queries, target, part, batch_size);
}

void
cmig_backfill_sql_free(CmigBackfillQueries *q)
{
	cmig_query_free(&q->update);
	cmig_query_free(&q->checked);
	cmig_query_free(&q->still);
	cmig_query_free(&q->shard_end);
	cmig_query_free(&q->first_still);
	cmig_query_free(&q->probe);
	cmig_query_free(&q->first);
	cmig_query_free(&q->bound);
	cmig_query_free(&q->end);
	cmig_query_free(&q->first_end);
}

/*
 * Sizes
 */

double
cmig_backfill_sql_size(const CmigBackfillPart *part)
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
		total += target->by_key ? rows : cmig_backfill_sql_size(&target->parts[i]);
	}
	return total;
}

double
cmig_backfill_sql_blocks(const CmigBackfillPart *part, int batch_size)
{
	double		rows;
	double		pages;

	if (part->shards > 0)
		return Max(batch_size / 200 / part->shards, 1);
	estimate(part->oid, &rows, &pages);
	if (rows < 1 || pages < 1)
		return Max(batch_size / 200, 1);
	return Min(Max(floor(batch_size * pages / rows), 1), CMIG_BACKFILL_MOST_BLOCKS);
}
