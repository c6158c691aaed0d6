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
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "workload/internal.h"

/* What a row of pg_statistic has in its slots. */
static const struct
{
	int			kind;
	const char *values;			/* key; NULL if it has none */
	const char *numbers;		/* likewise */
	bool		elements;		/* is it about the elements of arrays? */
	bool		sorted;			/* by the operator <, or else about = */
}			slots[STATISTIC_NUM_SLOTS] = {
	{STATISTIC_KIND_MCV, "most_common_vals", "most_common_freqs"},
	{STATISTIC_KIND_HISTOGRAM, "histogram_bounds", NULL, false, true},
	{STATISTIC_KIND_CORRELATION, NULL, "correlation", false, true},
	{STATISTIC_KIND_MCELEM, "most_common_elems", "most_common_elem_freqs", true},
	{STATISTIC_KIND_DECHIST, NULL, "elem_count_histogram", true}
};

/*
 * The columns of a row: what has its names in this database, or NULL, and what it
 * says.  At SLOTS begin the values and numbers of each slot, as arrays.
 */
enum
{
	ROW, KEY, REASON, OID, NUMBER, TYPE, COLLATION, COLUMN_NAME, PAGES, TUPLES, VISIBLE_PAGES,
	INHERITED, NULL_FRAC, AVG_WIDTH, N_DISTINCT, SLOTS
};

static void
refuse(const char *row, const char *key, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("row %s of the statistics is not valid", row),
			 errdetail("\"%s\" %s.", key, reason),
			 cmig_hint("`SELECT jsonb_agg(s) FROM cmig.stats_export() s`")));
}

/* Returns the values of a built-in type. */
static ArrayType *
read_values(const char *row, const char *key, const char *text, Oid type)
{
	MemoryContext caller = CurrentMemoryContext;
	ArrayType  *values = NULL;

	PG_TRY();
	{
		values = DatumGetArrayTypeP(OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(text),
													 ObjectIdGetDatum(type), Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(caller);

		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		refuse(row, key,
			   psprintf("must be an array of type %s: %s", format_type_be(type), error->message));
	}
	PG_END_TRY();
	if (ARR_NDIM(values) != 1 || array_contains_nulls(values))
		refuse(row, key, "must be an array with values and without nulls");
	return values;
}

/* Returns the type of what is in a slot, or InvalidOid. */
static Oid
type_of_slot(int slot, Oid type)
{
	return !slots[slot].elements ? type : type == TSVECTOROID ? TEXTOID :
		get_base_element_type(type);
}

/*
 * Read what a slot of a column has.  "type" is InvalidOid if the values are not to be read.
 */
static void
read_slot(const CmigValue *row, int slot, Oid type, ArrayType **values, ArrayType **numbers)
{
	const char *value = row[SLOTS + 2 * slot];
	const char *number = row[SLOTS + 2 * slot + 1];
	int			more = 0;

	if (slots[slot].values && slots[slot].numbers && (value == NULL) != (number == NULL))
		refuse(row[ROW], value ? slots[slot].numbers : slots[slot].values, "is missing");
	*numbers = number ? read_values(row[ROW], slots[slot].numbers, number, FLOAT4OID) : NULL;
	*values = value &&
		OidIsValid(type) ? read_values(row[ROW], slots[slot].values, value, type) : NULL;
	if (*values == NULL)
		return;
	if (*numbers != NULL)
		more = ARR_DIMS(*numbers)[0] - ARR_DIMS(*values)[0];
	/* the least and the greatest frequency of an element, and that of NULLs */
	if (slots[slot].elements ? more != 2 && more != 3 : more != 0)
		refuse(row[ROW], slots[slot].values,
			   psprintf("does not have as many values as \"%s\"", slots[slot].numbers));
	if (*numbers == NULL && ARR_DIMS(*values)[0] < 2)
		refuse(row[ROW], slots[slot].values, "must have two values or more");
}

/* Returns a row like those of pg_statistic.  The column may not exist here. */
static HeapTuple
read_column(const CmigValue *row)
{
	Oid			type = row[TYPE] ? strtoul(row[TYPE], NULL, 10) : InvalidOid;
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	int			used = 0;
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	HeapTuple	result;

	for (int i = Anum_pg_statistic_stanumbers1; i <= Natts_pg_statistic; i++)
		nulls[i - 1] = true;
	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(strtod(row[NULL_FRAC], NULL));
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(strtod(row[AVG_WIDTH], NULL));
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(strtod(row[N_DISTINCT], NULL));
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		Oid			own = OidIsValid(type) ? type_of_slot(i, type) : InvalidOid;
		TypeCacheEntry *cache = OidIsValid(own) ?
		lookup_type_cache(own, TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR) : NULL;
		Oid			operator = cache == NULL ? InvalidOid : slots[i].sorted ? cache->lt_opr :
		cache->eq_opr;
		ArrayType  *slot_values;
		ArrayType  *slot_numbers;

		read_slot(row, i, own, &slot_values, &slot_numbers);
		if (!OidIsValid(operator) || (slot_values == NULL && slot_numbers == NULL))
			continue;
		values[Anum_pg_statistic_stakind1 - 1 + used] = Int16GetDatum(slots[i].kind);
		values[Anum_pg_statistic_staop1 - 1 + used] = ObjectIdGetDatum(operator);
		values[Anum_pg_statistic_stacoll1 - 1 + used] = slots[i].elements &&
			type == TSVECTOROID ? ObjectIdGetDatum(DEFAULT_COLLATION_OID) :
			ObjectIdGetDatum(strtoul(row[COLLATION], NULL, 10));
		values[Anum_pg_statistic_stanumbers1 - 1 + used] = PointerGetDatum(slot_numbers);
		nulls[Anum_pg_statistic_stanumbers1 - 1 + used] = slot_numbers == NULL;
		values[Anum_pg_statistic_stavalues1 - 1 + used] = PointerGetDatum(slot_values);
		nulls[Anum_pg_statistic_stavalues1 - 1 + used] = slot_values == NULL;
		used++;
	}
	result = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return result;
}

HTAB *
cmig_workload_stats_read(const char *json)
{
	HASHCTL		control =
	{.keysize = sizeof(CmigStatsKey),.entrysize = sizeof(CmigStats),.hcxt = CurrentMemoryContext};
	HTAB	   *result = hash_create("pg_cmig statistics", 256, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/*
	 * Sums of widths must not overflow, and no value in a table is wider than
	 * a page.  The entries of an index can have another type than the values
	 * of its expression.
	 */
	static CmigQuery query = {
		"SELECT n, w.key, w.reason, c.oid, a.attnum, CASE WHEN a.atttypid < 16384"
		" AND (c.relkind <> 'i' OR o.opckeytype = 0) THEN a.atttypid END, a.attcollation, e->>'column_name',"
		" e->>'pages', e->>'tuples', e->>'visible_pages', e->>'inherited', e->>'null_frac', e->>'avg_width', e->>'n_distinct',"
		" e->>'most_common_vals', translate(e->>'most_common_freqs', '[]', '{}'), e->>'histogram_bounds', NULL, NULL, '{' || (e->>'correlation') || '}',"
		" e->>'most_common_elems', translate(e->>'most_common_elem_freqs', '[]', '{}'), NULL, translate(e->>'elem_count_histogram', '[]', '{}')"
		" FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY j (e, n) LEFT"
		" JOIN pg_namespace s ON s.nspname = e->>'schema'"
		" LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = e->>'relation'"
		" LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = e->>'column_name'"
		" AND a.attnum > 0 AND NOT a.attisdropped"
		" LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT"
		" JOIN pg_opclass o ON o.oid = i.indclass[a.attnum - 1]"
		" LEFT JOIN LATERAL (SELECT key, CASE type WHEN 'string' THEN 'is missing' WHEN 'boolean'"
		" THEN 'must be true or false' "
		"   ELSE concat('must be ', CASE type WHEN 'array' THEN 'an array of numbers'"
		" ELSE 'a number' END, ' from ', least, ' to ', most) END AS reason"
		"  FROM (VALUES (1, 'schema', 'string', '', '', NULL, true), (2, 'relation', 'string', '', '', NULL, true), (3, 'pages', 'number', '0', '4294967294', false, true), (4, 'tuples', 'number', '0', '1e18', false, true),"
		"   (5, 'visible_pages', 'number', '0', '4294967294', false, true), (6, 'inherited', 'boolean', '', '', true, true), (7, 'null_frac', 'number', '0', '1', true, true), (8, 'avg_width', 'number', '0', '32768', true, true),"
		"   (9, 'n_distinct', 'number', '-1', '1e18', true, true), (10, 'correlation', 'number', '-1', '1', true, false), (11, 'most_common_freqs', 'array', '0', '1', true, false),"
		"   (12, 'most_common_elem_freqs', 'array', '0', '1', true, false), (13, 'elem_count_histogram', 'array', '0', '1073741823', true, false)) k (place, key, type, least, most, of_column, required)"
		"  WHERE of_column IS DISTINCT FROM (e->>'column_name' IS NULL) AND CASE"
		" WHEN e->>key IS NULL THEN required WHEN type = 'string' THEN false"
		" WHEN jsonb_typeof(e->key) <> type THEN true WHEN type = 'boolean' THEN false"
		"   ELSE (SELECT bool_and(CASE jsonb_typeof(v) WHEN 'number'"
		" THEN v::numeric BETWEEN least::numeric AND most::numeric ELSE false END)"
		" FROM jsonb_path_query(e->key, '$[*]') v) IS NOT TRUE END"
		"  ORDER BY place LIMIT 1) w ON true ORDER BY n", {TEXTOID}
	};

	foreach_ptr(CmigValue, row, *json == '[' ? cmig_query_list(&query, json) : NIL)
	{
		CmigStatsKey key = {.relation = row[OID] ? strtoul(row[OID], NULL, 10) : InvalidOid};
		CmigRelationSize size = {-1, -1, -1};
		HeapTuple	column = NULL;
		bool		found;

		if (row[REASON] != NULL)
			refuse(row[ROW], row[KEY], row[REASON]);
		if (row[COLUMN_NAME] != NULL)
			column = read_column(row);
		else
		{
			size.pages = strtod(row[PAGES], NULL);
			size.tuples = strtod(row[TUPLES], NULL);
			size.visible = Min(strtod(row[VISIBLE_PAGES], NULL), size.pages);
		}
		if (OidIsValid(key.relation))
		{
			CmigStats  *relation = hash_search(result, &key, HASH_ENTER, &found);

			if (!found || column == NULL)
				relation->size = size;
		}
		if (column != NULL && row[NUMBER] != NULL)
		{
			key.column = strtol(row[NUMBER], NULL, 10);
			key.inherited = *row[INHERITED] == 't';
			((CmigStats *) hash_search(result, &key, HASH_ENTER, &found))->row = column;
		}
	}
	if (hash_get_num_entries(result) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(*json == '[' ? "the statistics are about no table of this database" :
						"the statistics must be an array"),
				 cmig_hint("`SELECT jsonb_agg(s) FROM cmig.stats_export() s`")));
	return result;
}

const CmigStats *
cmig_workload_stats_find(HTAB *stats, Oid relation, AttrNumber column, bool inherited)
{
	CmigStatsKey key = {relation, column, inherited};

	return hash_search(stats, &key, HASH_FIND, NULL);
}

/* Returns the place of a type among the numbers of which each can be every one before it. */
static int
width_of(Oid type)
{
	static const Oid numbers[] = {INT2OID, INT4OID, INT8OID, NUMERICOID};
	int			i = lengthof(numbers);

	while (i > 0 && numbers[i - 1] != type)
		i--;
	return i;
}

bool
cmig_workload_stats_convert(HeapTuple *row, Oid from, Oid to)
{
	TypeCacheEntry *cache;
	Relation	catalog;
	Datum		values[Natts_pg_statistic];
	bool		nulls[Natts_pg_statistic];

	if (from == to || (from == VARCHAROID && to == TEXTOID) || (from == TEXTOID && to == VARCHAROID))
		return true;
	if (width_of(from) == 0 || width_of(to) < width_of(from))
		return false;
	cache = lookup_type_cache(to, TYPECACHE_LT_OPR | TYPECACHE_EQ_OPR);
	catalog = table_open(StatisticRelationId, AccessShareLock);
	heap_deform_tuple(*row, RelationGetDescr(catalog), values, nulls);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		const int16 kind = DatumGetInt16(values[Anum_pg_statistic_stakind1 - 1 + i]);
		const int	place = Anum_pg_statistic_stavalues1 - 1 + i;

		if (kind != 0)
			values[Anum_pg_statistic_staop1 - 1 + i] =
				ObjectIdGetDatum(kind == STATISTIC_KIND_MCV ? cache->eq_opr : cache->lt_opr);
		if (!nulls[place])
			values[place] = OidFunctionCall3(F_ARRAY_IN,
											 CStringGetDatum(OidOutputFunctionCall(F_ARRAY_OUT,
																				   values[place])),
											 ObjectIdGetDatum(to), Int32GetDatum(-1));
	}
	*row = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return true;
}
