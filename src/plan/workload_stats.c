/*
 * workload_stats.c
 *	  Sizes and statistics of another database, which cmig.stats_export() has
 *	  read there, for cmig.workload_check.
 *
 * They contain no values of columns, so that they can be stored beside the
 * revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "plan/workload.h"

/* Statistics of a column. */
typedef struct ColumnStats
{
	char	   *name;
	bool		inherited;		/* of the table with its children */
	float4		null_frac;
	int32		width;
	float4		distinct;
	float4		correlation;	/* 0 if it is not known */
} ColumnStats;

typedef struct RelationName
{
	NameData	schema;
	NameData	relation;
} RelationName;

struct CmigRelationStats
{
	RelationName name;			/* hash key */
	double		pages;			/* -1 if the size is not known */
	double		tuples;
	double		visible;		/* pages */
	List	   *columns;		/* of ColumnStats */
};

/* Returns a number of a row, between these limits. */
static double
read_number(const char *text, double least, double most, double otherwise)
{
	double		number = text ? strtod(text, NULL) : otherwise;

	return isnan(number) ? otherwise : Min(Max(number, least), most);
}

HTAB *
cmig_workload_stats_read(const char *json)
{
	static CmigQuery query = {
		"SELECT s.* FROM jsonb_to_recordset($1::jsonb) AS s (schema name, relation name, column_name name, pages real, tuples real, visible_pages real,"
		" inherited boolean, null_frac real, avg_width real, n_distinct real, correlation real) WHERE s.schema IS NOT NULL AND s.relation IS NOT NULL",
		1, {TEXTOID}
	};
	HASHCTL		control = {.keysize = sizeof(RelationName),.entrysize = sizeof(CmigRelationStats),.hcxt = CurrentMemoryContext};
	HTAB	   *result = hash_create("pg_cmig statistics", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	if (*json != '[')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the statistics must be an array"),
				 errhint("SELECT jsonb_agg(s) FROM cmig.stats_export() s")));
	foreach_ptr(CmigValue, row, cmig_query_list(&query, json))
	{
		RelationName name;
		CmigRelationStats *relation;
		ColumnStats *column;
		bool		found;

		namestrcpy(&name.schema, row[0]);
		namestrcpy(&name.relation, row[1]);
		relation = hash_search(result, &name, HASH_ENTER, &found);
		if (!found)
		{
			relation->pages = -1;
			relation->columns = NIL;
		}
		if (row[2] == NULL)
		{
			relation->pages = read_number(row[3], 0, MaxBlockNumber, 0);
			relation->tuples = read_number(row[4], 0, 1e18, 0);
			relation->visible = read_number(row[5], 0, relation->pages, 0);
			continue;
		}
		column = palloc(sizeof(ColumnStats));
		column->name = row[2];
		column->inherited = row[6] != NULL && *row[6] == 't';
		column->null_frac = read_number(row[7], 0, 1, 0);
		column->width = read_number(row[8], 0, 1e6, 0);
		column->distinct = read_number(row[9], -1, 1e18, 0);
		column->correlation = read_number(row[10], -1, 1, 0);
		relation->columns = lappend(relation->columns, column);
	}
	return result;
}

const CmigRelationStats *
cmig_workload_stats_find(HTAB *stats, Oid relation)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relation));
	char	   *table = get_rel_name(relation);
	RelationName name;

	if (schema == NULL || table == NULL)
		return NULL;
	namestrcpy(&name.schema, schema);
	namestrcpy(&name.relation, table);
	return hash_search(stats, &name, HASH_FIND, NULL);
}

bool
cmig_workload_stats_size(const CmigRelationStats *stats, CmigRelationSize *size)
{
	size->pages = stats->pages;
	size->tuples = stats->tuples;
	size->visible = stats->visible;
	return stats->pages >= 0;
}

static const ColumnStats *
find_column(const CmigRelationStats *stats, const char *name, bool inherited)
{
	foreach_ptr(const ColumnStats, column, stats->columns)
	{
		if (column->inherited == inherited && strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

int32
cmig_workload_stats_width(const CmigRelationStats *stats, const char *name)
{
	const ColumnStats *column = find_column(stats, name, false);

	return column ? column->width : 0;
}

HeapTuple
cmig_workload_stats_row(const CmigRelationStats *stats, const char *name, bool inherited, Oid type, Oid collation)
{
	const ColumnStats *column = find_column(stats, name, inherited);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_LT_OPR);
	Relation	catalog;
	HeapTuple	row;

	if (column == NULL)
		return NULL;
	for (int i = Anum_pg_statistic_stakind1; i <= Natts_pg_statistic; i++)
	{
		nulls[i - 1] = i >= Anum_pg_statistic_stanumbers1;
		values[i - 1] = i < Anum_pg_statistic_staop1 ? Int16GetDatum(0) : ObjectIdGetDatum(InvalidOid);
	}
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(inherited);
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(column->null_frac);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(column->width);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(column->distinct);
	if (column->correlation != 0 && OidIsValid(cache->lt_opr))
	{
		Datum		number = Float4GetDatum(column->correlation);

		values[Anum_pg_statistic_stakind1 - 1] = Int16GetDatum(STATISTIC_KIND_CORRELATION);
		values[Anum_pg_statistic_staop1 - 1] = ObjectIdGetDatum(cache->lt_opr);
		values[Anum_pg_statistic_stacoll1 - 1] = ObjectIdGetDatum(collation);
		values[Anum_pg_statistic_stanumbers1 - 1] = PointerGetDatum(construct_array(&number, 1, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
		nulls[Anum_pg_statistic_stanumbers1 - 1] = false;
	}
	catalog = table_open(StatisticRelationId, AccessShareLock);
	row = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return row;
}
