/*
 * outside.c
 *	  Finds objects outside the compared schemas that prevent a change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "kinds/kinds.h"
#include "schema/outside.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

/* The difference whose changes are examined. */
typedef struct Outside
{
	const CmigDifference *difference;
	CmigChange **changes;		/* the changes that the query is about */
}			Outside;

#define SCHEMA_OF(catalog, column, relation) \
	" WHEN '" catalog "'::regclass THEN (SELECT k.relnamespace FROM " catalog " x JOIN pg_class k ON k.oid = x." relation " WHERE x." column " = d.objid)"

/*
 * Query for the dependents of the given objects.  Each row contains the number
 * of the given object, counting from 1, and the catalog, the OID, and the
 * description of the dependent.  Dependents that have no schema (casts, event
 * triggers, languages, and transforms) are found even if they are compared.
 * For a column whose type changes, so are dependents of the same column in a
 * partition ("below"), because the partition may be left out of the difference.
 */
static const char dependents_sql[] =
"SELECT c.n, d.classid, d.objid, coalesce("
" (SELECT pg_describe_object('pg_class'::regclass, x.ev_class, 0) FROM pg_rewrite x WHERE d.classid = 'pg_rewrite'::regclass AND x.oid = d.objid),"
" (SELECT pg_describe_object('pg_type'::regclass, x.contypid, 0) FROM pg_constraint x WHERE d.classid = 'pg_constraint'::regclass AND x.oid = d.objid AND x.contypid <> 0),"
" pg_describe_object(d.classid, d.objid, d.objsubid))"
", o.below FROM unnest($1, $2, $3, $4) WITH ORDINALITY c (class, object, sub, retyped, n)"
" CROSS JOIN LATERAL (SELECT c.object, c.sub, false UNION ALL SELECT p.relid::oid, q.attnum::integer, true"
"  FROM pg_partition_tree(CASE WHEN c.retyped AND c.class = 'pg_class'::regclass THEN c.object END) p"
"  JOIN pg_attribute a ON a.attrelid = c.object AND a.attnum = c.sub"
"  JOIN pg_attribute q ON q.attrelid = p.relid AND q.attname = a.attname WHERE p.relid <> c.object) o (object, sub, below)"
" JOIN pg_depend d ON d.refclassid = c.class AND d.refobjid = o.object AND (o.sub = 0 OR d.refobjsubid = o.sub)"
" CROSS JOIN LATERAL (SELECT CASE d.classid"
SCHEMA_OF("pg_rewrite", "oid", "ev_class")
SCHEMA_OF("pg_attrdef", "oid", "adrelid")
SCHEMA_OF("pg_policy", "oid", "polrelid")
SCHEMA_OF("pg_trigger", "oid", "tgrelid")
SCHEMA_OF("pg_class", "oid", "oid")
" WHEN 'pg_constraint'::regclass THEN (SELECT x.connamespace FROM pg_constraint x WHERE x.oid = d.objid)"
" WHEN 'pg_proc'::regclass THEN (SELECT x.pronamespace FROM pg_proc x WHERE x.oid = d.objid)"
" WHEN 'pg_type'::regclass THEN (SELECT x.typnamespace FROM pg_type x WHERE x.oid = d.objid)"
" WHEN 'pg_operator'::regclass THEN (SELECT x.oprnamespace FROM pg_operator x WHERE x.oid = d.objid)"
" END AS schema) s"
" WHERE d.deptype = 'n' AND (NOT c.retyped OR d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_proc'::regclass))"
" AND CASE WHEN s.schema IS NULL"
" THEN d.classid IN ('pg_cast'::regclass, 'pg_event_trigger'::regclass, 'pg_language'::regclass, 'pg_transform'::regclass)"
" ELSE (o.below OR s.schema <> ALL ($5)) AND (SELECT n.nspname !~ '^pg_(toast|temp)' FROM pg_namespace n WHERE n.oid = s.schema) END"
" AND NOT EXISTS (SELECT FROM pg_trigger x WHERE o.below AND d.classid = 'pg_trigger'::regclass AND x.oid = d.objid AND x.tgparentid <> 0)"
" ORDER BY c.n, d.classid, d.objid";

/* Row callback: mark the change as unsupported. */
static void
refuse(TupleDesc desc, HeapTuple row, void *arg)
{
	Outside    *outside = arg;
	CmigChange *change = outside->changes[cmig_query_int64(desc, row, 1, 1) - 1];
	CmigAddress address = {0};
	const CmigObject *compared;
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 3, &isnull));
	compared = cmig_image_find_exactly(outside->difference->from, address);
	if (change->action == CMIG_UNSUPPORTED ||
		(compared != NULL && (!cmig_query_bool(desc, row, 5, false) || cmig_change_drops(outside->difference->of_from[compared->index]))))
		return;
	change->reason = psprintf("%s%s depends on it", cmig_query_text(desc, row, 4), compared ? "" : ", which is not compared,");
	change->action = CMIG_UNSUPPORTED;
	change->ddl = change->first = change->last = NIL;
	change->late = false;
}

/*
 * Does the change drop an object by a statement of its own, or change the type
 * of a column?  Objects without a catalog row of their own, such as the
 * attachment of a partition, have a negative column number.
 */
static bool
is_examined(const CmigChange *change)
{
	return change->from != NULL && change->host == NULL && change->from->address.sub >= 0 &&
		change->from->kind != &cmig_kind_schema &&
		(cmig_change_drops(change) || (change->action == CMIG_ALTER && change->disturbs));
}

/* Returns the elements as an array. */
static Datum
make_array(Datum *elements, int count, Oid type)
{
	bool		is_bool = type == BOOLOID;

	return PointerGetDatum(construct_array(elements, count, type, is_bool ? 1 : 4, true, is_bool ? TYPALIGN_CHAR : TYPALIGN_INT));
}

void
cmig_outside_refuse(CmigDifference *difference, const CmigManaged *managed)
{
	static CmigQuery query = {
		.sql = dependents_sql,
		.nargs = 5,.argtypes = {OIDARRAYOID, OIDARRAYOID, INT4ARRAYOID, BOOLARRAYOID, OIDARRAYOID}
	};
	Datum	   *parts[5];
	Datum		values[5];
	Outside		outside = {difference, palloc(sizeof(CmigChange *) * (difference->count + 1))};
	int			count = 0;

	for (int i = 0; i < 5; i++)
		parts[i] = palloc(sizeof(Datum) * (Max(difference->count, managed->count) + 1));
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (!is_examined(change))
			continue;
		parts[0][count] = ObjectIdGetDatum(change->from->address.catalog);
		parts[1][count] = ObjectIdGetDatum(change->from->address.object);
		parts[2][count] = Int32GetDatum(change->from->address.sub);
		parts[3][count] = BoolGetDatum(!cmig_change_drops(change));
		outside.changes[count++] = change;
	}
	if (count == 0)
		return;
	for (int i = 0; i < managed->count; i++)
		parts[4][i] = ObjectIdGetDatum(managed->schemas[i].oid);
	values[0] = make_array(parts[0], count, OIDOID);
	values[1] = make_array(parts[1], count, OIDOID);
	values[2] = make_array(parts[2], count, INT4OID);
	values[3] = make_array(parts[3], count, BOOLOID);
	values[4] = make_array(parts[4], managed->count, OIDOID);
	cmig_query_each(&query, values, NULL, refuse, &outside);
}
