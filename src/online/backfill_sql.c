/*
 * backfill_sql.c
 *	  Builds a backfill's statements and estimates its work.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

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
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * Statements for a part
 */

/*
 * Append "(a, b) > ($1::t, $2::t)"; "first" is the first parameter's number.
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
append_key(StringInfo sql, const CmigBackfillKey *key, const char *suffix)
{
	/*
	 * qualify the columns, because ORDER BY would refer to the result's
	 * columns otherwise
	 */
	for (int i = 0; i < key->count; i++)
		appendStringInfo(sql, "%scmig_row.%s%s", i > 0 ? ", " : "", key->columns[i], suffix);
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

/* Build the statements for a walk by key. */
static void
prepare_key(CmigBackfillQueries *q, const CmigBackfillTarget *target,
			const CmigBackfillPart *part, int batch_size)
{
	const CmigBackfillKey *key = &part->key;
	StringInfoData sql;

	if (key->count * 2 > CMIG_QUERY_MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the key of table %s has too many columns for a backfill", part->name),
				 errhint("Specify a where_sql that is true for the rows that remain to be updated.")));

	/*
	 * the parameters are the lower end of the range, if any, and the upper
	 * end
	 */
	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s\n WHERE ", part->updated, target->set_sql);
	append_comparison(&sql, key, key->greater, 1);
	appendStringInfoString(&sql, " AND ");
	append_comparison(&sql, key, key->not_greater, 1 + key->count);
	make_query(&q->update, sql.data, key->count * 2, TEXTOID);

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE ONLY %s SET %s\n WHERE ", part->updated, target->set_sql);
	append_comparison(&sql, key, key->not_greater, 1);
	make_query(&q->first, sql.data, key->count, TEXTOID);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, key, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s AS cmig_row ORDER BY ", part->name);
	append_key(&sql, key, " DESC");
	appendStringInfoString(&sql, " LIMIT 1");
	make_query(&q->bound, sql.data, 0, TEXTOID);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, key, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s AS cmig_row WHERE ", part->name);
	append_comparison(&sql, key, key->greater, 1);
	appendStringInfoString(&sql, " AND ");
	append_comparison(&sql, key, key->not_greater, 1 + key->count);
	appendStringInfoString(&sql, " ORDER BY ");
	append_key(&sql, key, "");
	appendStringInfo(&sql, " LIMIT 1 OFFSET %d", batch_size - 1);
	make_query(&q->end, sql.data, key->count * 2, TEXTOID);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, key, "::pg_catalog.text");
	appendStringInfo(&sql, " FROM ONLY %s AS cmig_row WHERE ", part->name);
	append_comparison(&sql, key, key->not_greater, 1);
	appendStringInfoString(&sql, " ORDER BY ");
	append_key(&sql, key, "");
	appendStringInfo(&sql, " LIMIT 1 OFFSET %d", batch_size - 1);
	make_query(&q->first_end, sql.data, key->count, TEXTOID);
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
			   psprintf("SELECT pg_catalog.count(*), 0::pg_catalog.int8 FROM (SELECT FROM ONLY %s\n"
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
cmig_backfill_sql_size(Oid relation)
{
	Relation	rel = relation_open(relation, AccessShareLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);

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
		total += target->by_key ? rows : cmig_backfill_sql_size(target->parts[i].oid);
	}
	return total;
}

double
cmig_backfill_sql_blocks(const CmigBackfillPart *part, int batch_size)
{
	double		rows;
	double		pages;

	estimate(part->oid, &rows, &pages);
	if (rows < 1 || pages < 1)
		return Max(batch_size / 200, 1);
	return Min(Max(floor(batch_size * pages / rows), 1), CMIG_BACKFILL_MOST_BLOCKS);
}
