/*
 * workload_stats.c
 *	  Sizes and statistics of another database, which cmig.stats_export() has
 *	  read there, for cmig.workload_check.
 *
 * Most common values and histograms, if there are any, are texts there.  They are
 * read as values of the column of the same name, if its type is built in, so that
 * no code of a user runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "plan/workload.h"

/*
 * The keys of a row, with the limits of numbers.  Sums of widths must not overflow, and
 * no value in a table is wider than a page.
 */
static const struct
{
	const char *name;
	double		least;
	double		most;
}			keys[] = {
	{"schema"}, {"relation"}, {"column_name"}, {"pages", 0, MaxBlockNumber}, {"tuples", 0, 1e18}, {"visible_pages", 0, MaxBlockNumber},
	{"inherited"}, {"null_frac", 0, 1}, {"avg_width", 0, 32768}, {"n_distinct", -1, 1e18}, {"correlation", -1, 1},
	{"most_common_vals"}, {"most_common_freqs", 0, 1}, {"histogram_bounds"}, {"most_common_elems"}, {"most_common_elem_freqs", 0, 1}, {"elem_count_histogram", 0, MaxAllocSize}
};

enum
{
	SCHEMA, RELATION, COLUMN_NAME, PAGES, TUPLES, VISIBLE_PAGES, INHERITED, NULL_FRAC, AVG_WIDTH, N_DISTINCT, CORRELATION,
	COMMON_VALS, COMMON_FREQS, BOUNDS, COMMON_ELEMS, ELEM_FREQS, ELEM_COUNTS
};

/* What a row of pg_statistic has in its slots. */
static const struct
{
	int			kind;
	int			values;			/* key; 0 if it has none */
	int			numbers;		/* likewise */
	bool		elements;		/* is it about the elements of arrays? */
	bool		sorted;			/* by the operator <, or else about = */
}			slots[STATISTIC_NUM_SLOTS] = {
	{STATISTIC_KIND_MCV, COMMON_VALS, COMMON_FREQS},
	{STATISTIC_KIND_HISTOGRAM, BOUNDS, 0, false, true},
	{STATISTIC_KIND_CORRELATION, 0, CORRELATION, false, true},
	{STATISTIC_KIND_MCELEM, COMMON_ELEMS, ELEM_FREQS, true},
	{STATISTIC_KIND_DECHIST, 0, ELEM_COUNTS, true}
};

/* Statistics of a column. */
typedef struct ColumnStats
{
	char	   *name;
	bool		inherited;		/* of the table with its children */
	float4		null_frac;
	int32		width;
	float4		distinct;
	Oid			type;			/* of the column, or InvalidOid */
	ArrayType  *values[STATISTIC_NUM_SLOTS];	/* or NULL */
	ArrayType  *numbers[STATISTIC_NUM_SLOTS];	/* or NULL */
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

static void
refuse(int number, int key, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("row %d of the statistics is not valid", number),
			 errdetail("\"%s\" %s.", keys[key].name, reason),
			 cmig_hint("`SELECT jsonb_agg(s) FROM cmig.stats_export() s`")));
}

/* Returns the number that is the text, or that it starts with, if "rest" is not NULL. */
static double
read_number(int number, int key, const char *text, char **rest)
{
	char	   *end = NULL;
	double		value = text ? strtod(text, &end) : NAN;

	/* NaN fails, too */
	if (!(value >= keys[key].least && value <= keys[key].most) || end == text || (rest == NULL && *end != '\0'))
		refuse(number, key, psprintf("must be a number from %.10g to %.10g", keys[key].least, keys[key].most));
	if (rest != NULL)
		*rest = end;
	return value;
}

/* Returns the numbers of a JSON array; the correlation is one number. */
static ArrayType *
read_numbers(int number, int key, const char *text)
{
	Datum	   *numbers = palloc(sizeof(Datum) * (strlen(text) / 2 + 1));
	int			count = 0;
	bool		listed = key != CORRELATION;
	char	   *end = unconstify(char *, text);

	do
		numbers[count++] = Float4GetDatum(read_number(number, key, end + listed, &end));
	while (listed && *end == ',');
	if (listed ? *text != '[' || strcmp(end, "]") != 0 : *end != '\0')
		refuse(number, key, listed ? "must be an array of numbers" : "must be one number");
	return construct_array(numbers, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT);
}

/* Returns the values of a built-in type. */
static ArrayType *
read_values(int number, int key, const char *text, Oid type)
{
	MemoryContext caller = CurrentMemoryContext;
	ArrayType  *values = NULL;

	PG_TRY();
	{
		values = DatumGetArrayTypeP(OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(text), ObjectIdGetDatum(type), Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		refuse(number, key, psprintf("must be an array of type %s: %s", format_type_be(type), error->message));
	}
	PG_END_TRY();
	if (ARR_NDIM(values) != 1 || array_contains_nulls(values))
		refuse(number, key, "must be an array with values and without nulls");
	return values;
}

/* Returns the type of what is in a slot, or InvalidOid. */
static Oid
type_of_slot(int slot, Oid type)
{
	return !slots[slot].elements ? type : type == TSVECTOROID ? TEXTOID : get_base_element_type(type);
}

/* Read what a slot of a column has. */
static void
read_slot(ColumnStats *column, int number, int slot, const char *values, const char *numbers)
{
	Oid			type = OidIsValid(column->type) ? type_of_slot(slot, column->type) : InvalidOid;
	int			more = 0;

	if (slots[slot].values && slots[slot].numbers && (values == NULL) != (numbers == NULL))
		refuse(number, values ? slots[slot].numbers : slots[slot].values, "is missing");
	if (numbers != NULL)
		column->numbers[slot] = read_numbers(number, slots[slot].numbers, numbers);
	if (values == NULL || !OidIsValid(type) || type >= FirstNormalObjectId)
		return;
	column->values[slot] = read_values(number, slots[slot].values, values, type);
	if (numbers != NULL)
		more = ARR_DIMS(column->numbers[slot])[0] - ARR_DIMS(column->values[slot])[0];
	/* the least and the greatest frequency of an element, and that of NULLs */
	if (slots[slot].elements ? more != 2 && more != 3 : more != 0)
		refuse(number, slots[slot].values, psprintf("does not have as many values as \"%s\"", keys[slots[slot].numbers].name));
	if (numbers == NULL && ARR_DIMS(column->values[slot])[0] < 2)
		refuse(number, slots[slot].values, "must have two values or more");
}

/* Read a row about a column. */
static ColumnStats *
read_column(int number, const CmigValue *row, Oid relation)
{
	ColumnStats *column = palloc0(sizeof(ColumnStats));

	column->name = row[COLUMN_NAME];
	column->type = OidIsValid(relation) ? get_atttype(relation, get_attnum(relation, column->name)) : InvalidOid;
	if (row[INHERITED] == NULL || (strcmp(row[INHERITED], "true") != 0 && strcmp(row[INHERITED], "false") != 0))
		refuse(number, INHERITED, "must be true or false");
	column->inherited = *row[INHERITED] == 't';
	column->null_frac = read_number(number, NULL_FRAC, row[NULL_FRAC], NULL);
	column->width = read_number(number, AVG_WIDTH, row[AVG_WIDTH], NULL);
	column->distinct = read_number(number, N_DISTINCT, row[N_DISTINCT], NULL);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
		read_slot(column, number, i, slots[i].values ? row[slots[i].values] : NULL, slots[i].numbers ? row[slots[i].numbers] : NULL);
	return column;
}

HTAB *
cmig_workload_stats_read(const char *json)
{
	HASHCTL		control = {.keysize = sizeof(RelationName),.entrysize = sizeof(CmigRelationStats),.hcxt = CurrentMemoryContext};
	HTAB	   *result = hash_create("pg_cmig statistics", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	static CmigQuery query = {
		"SELECT e ->> 'schema', e ->> 'relation', e ->> 'column_name', e ->> 'pages', e ->> 'tuples', e ->> 'visible_pages', e ->> 'inherited', e ->> 'null_frac', e ->> 'avg_width',"
		" e ->> 'n_distinct', e ->> 'correlation', e ->> 'most_common_vals', e ->> 'most_common_freqs', e ->> 'histogram_bounds', e ->> 'most_common_elems', e ->> 'most_common_elem_freqs',"
		" e ->> 'elem_count_histogram' FROM jsonb_array_elements($1::jsonb) e", 1, {TEXTOID}
	};
	int			number = 0;
	bool		known = false;

	foreach_ptr(CmigValue, row, *json == '[' ? cmig_query_list(&query, json) : NIL)
	{
		RelationName name;
		CmigRelationStats *relation;
		Oid			schema,
					oid;
		bool		found;

		number++;
		for (int key = SCHEMA; key <= RELATION; key++)
			if (row[key] == NULL)
				refuse(number, key, "is missing");
		schema = get_namespace_oid(row[SCHEMA], true);
		oid = OidIsValid(schema) ? get_relname_relid(row[RELATION], schema) : InvalidOid;
		known |= OidIsValid(oid);
		namestrcpy(&name.schema, row[SCHEMA]);
		namestrcpy(&name.relation, row[RELATION]);
		relation = hash_search(result, &name, HASH_ENTER, &found);
		if (!found)
		{
			relation->pages = -1;
			relation->columns = NIL;
		}
		if (row[COLUMN_NAME] != NULL)
		{
			relation->columns = lappend(relation->columns, read_column(number, row, oid));
			continue;
		}
		relation->pages = read_number(number, PAGES, row[PAGES], NULL);
		relation->tuples = read_number(number, TUPLES, row[TUPLES], NULL);
		relation->visible = Min(read_number(number, VISIBLE_PAGES, row[VISIBLE_PAGES], NULL), relation->pages);
	}
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(*json == '[' ? "the statistics are about no table of this database" : "the statistics must be an array"),
				 cmig_hint("`SELECT jsonb_agg(s) FROM cmig.stats_export() s`")));
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
	int			used = 0;
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
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		Oid			own = type_of_slot(i, type);
		TypeCacheEntry *cache = OidIsValid(own) ? lookup_type_cache(own, TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR) : NULL;
		Oid			operator = cache == NULL ? InvalidOid : slots[i].sorted ? cache->lt_opr : cache->eq_opr;

		/* the correlation does not depend on the type */
		if (!OidIsValid(operator) || (slots[i].values ? column->values[i] == NULL : column->numbers[i] == NULL) ||
			(column->type != type && slots[i].kind != STATISTIC_KIND_CORRELATION))
			continue;
		values[Anum_pg_statistic_stakind1 - 1 + used] = Int16GetDatum(slots[i].kind);
		values[Anum_pg_statistic_staop1 - 1 + used] = ObjectIdGetDatum(operator);
		values[Anum_pg_statistic_stacoll1 - 1 + used] = ObjectIdGetDatum(type == TSVECTOROID && slots[i].elements ? DEFAULT_COLLATION_OID : collation);
		values[Anum_pg_statistic_stanumbers1 - 1 + used] = PointerGetDatum(column->numbers[i]);
		nulls[Anum_pg_statistic_stanumbers1 - 1 + used] = column->numbers[i] == NULL;
		values[Anum_pg_statistic_stavalues1 - 1 + used] = PointerGetDatum(column->values[i]);
		nulls[Anum_pg_statistic_stavalues1 - 1 + used] = column->values[i] == NULL;
		used++;
	}
	catalog = table_open(StatisticRelationId, AccessShareLock);
	row = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return row;
}
