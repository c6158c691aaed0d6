/*
 * related.c
 *	  Relations that the catalogs connect with those that a statement names.
 *
 * All lists of relations are lists of OIDs.  No locks are taken on user
 * relations: PostgreSQL's own functions for finding children and dependents
 * expect the caller to have locked the relations, and raise an internal error
 * if another session drops a relation at the same time.  The queries only read
 * catalogs, so they also work on a standby.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/proclang.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/fmgroids.h"

#include "lint/internal.h"

bool
cmig_domain_is_checked(Oid type)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE base(oid, typnotnull) AS ("
		"SELECT t.oid, t.typnotnull FROM pg_type t WHERE t.oid = $1 AND t.typtype = 'd'"
		" UNION SELECT t.oid, t.typnotnull FROM base"
		"  JOIN pg_type d ON d.oid = base.oid"
		"  JOIN pg_type t ON t.oid = d.typbasetype AND t.typtype = 'd')"
		" SELECT oid FROM base WHERE typnotnull"
		"  OR EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = base.oid AND c.contype = 'c')",
		.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(type);

	return get_typtype(type) == TYPTYPE_DOMAIN && cmig_query_run(&query, &value, NULL) > 0;
}

/*
 * Finds the objects that a DROP removes, and the relations that it locks.
 *
 * Like DROP, this follows pg_depend.  Objects that belong to the dropped object
 * are always dropped.  Other dependent objects are dropped only with CASCADE.
 */

/* The catalogs whose objects are found by a name only. */
static const struct
{
	ObjectType	type;
	Oid			class;
	Oid			(*by_names) (List *names, bool missing_ok);
	Oid			(*by_name) (const char *name, bool missing_ok);
}			named_classes[] = {
	{OBJECT_STATISTIC_EXT, StatisticExtRelationId, get_statistics_object_oid},
	{OBJECT_COLLATION, CollationRelationId, get_collation_oid},
	{OBJECT_TSCONFIGURATION, TSConfigRelationId, get_ts_config_oid},
	{OBJECT_TSDICTIONARY, TSDictionaryRelationId, get_ts_dict_oid},
	{OBJECT_SCHEMA, NamespaceRelationId, NULL, get_namespace_oid},
	{OBJECT_EXTENSION, ExtensionRelationId, NULL, get_extension_oid},
	{OBJECT_FOREIGN_SERVER, ForeignServerRelationId, NULL, get_foreign_server_oid},
	{OBJECT_FDW, ForeignDataWrapperRelationId, NULL, get_foreign_data_wrapper_oid},
	{OBJECT_LANGUAGE, LanguageRelationId, NULL, get_language_oid}
};

bool
cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object)
{
	*object = InvalidObjectAddress;
	for (int i = 0; i < lengthof(named_classes); i++)
		if (named_classes[i].type == type)
			ObjectAddressSet(*object, named_classes[i].class, named_classes[i].by_names != NULL ?
							 named_classes[i].by_names((List *) name, true) :
							 named_classes[i].by_name(strVal(name), true));
	if (type == OBJECT_TYPE || type == OBJECT_DOMAIN)
		ObjectAddressSet(*object, TypeRelationId,
						 LookupTypeNameOid(NULL, castNode(TypeName, name), true));
	else if (type == OBJECT_OPERATOR)
		ObjectAddressSet(*object, OperatorRelationId,
						 LookupOperWithArgs(castNode(ObjectWithArgs, name), true));
	else if (type == OBJECT_FUNCTION || type == OBJECT_PROCEDURE || type == OBJECT_ROUTINE ||
			 type == OBJECT_AGGREGATE)
		ObjectAddressSet(*object, ProcedureRelationId,
						 LookupFuncWithArgs(type, castNode(ObjectWithArgs, name), true));
	else if (type == OBJECT_OPCLASS || type == OBJECT_OPFAMILY)
	{
		/* the first part of the name is the access method */
		Oid			method = get_index_am_oid(strVal(linitial((List *) name)), true);
		List	   *rest = list_copy_tail((List *) name, 1);

		if (OidIsValid(method) && type == OBJECT_OPCLASS)
			ObjectAddressSet(*object, OperatorClassRelationId, get_opclass_oid(method, rest, true));
		else if (OidIsValid(method))
			ObjectAddressSet(*object, OperatorFamilyRelationId,
							 get_opfamily_oid(method, rest, true));
	}
	return OidIsValid(object->objectId);
}

/*
 * The objects that are dropped together with the objects in $1 (classes), $2
 * (OIDs), and $3 (parts), and for each one the relation that is locked and, for
 * an index, its table.  For roles, these are the objects that DROP OWNED drops,
 * and the policies that name the roles.  $4 is true for CASCADE.  The objects in $5, $6, and
 * $7 are left out, and so are objects that depend only on them.  The last column
 * is true for those that only CASCADE drops, but not for parts of them.
 *
 * A view's rule can be dropped only together with the view, a generated
 * column's expression with the column, and a foreign key to a partition with
 * the foreign key to the partitioned table.  The table that a foreign key
 * references is locked because the key's triggers on it are dropped.
 *
 * With NOT IN, both lists are hashed once.  With NOT EXISTS, PostgreSQL 19 reads all of $5 for
 * each object.
 */
static CmigQuery dropped_query = {
	.sql = "WITH RECURSIVE dropped(class, obj, sub, told) AS ("
	"(SELECT class, obj, sub, false FROM unnest($1, $2, $3) o(class, obj, sub)"
	" WHERE class <> 'pg_authid'::regclass"
	" UNION ALL SELECT classid, objid, objsubid, false FROM pg_shdepend"
	"  WHERE $1[1] = 'pg_authid'::regclass AND refclassid = $1[1] AND refobjid = ANY ($2)"
	" AND deptype IN ('o', 'r')"
	"   AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))"
	" UNION SELECT next.class, next.obj, next.sub, next.told FROM dropped d, LATERAL ("
	"  SELECT p.classid, p.objid, p.objsubid, p.deptype = 'n' FROM pg_depend p"
	"   WHERE p.refclassid = d.class AND p.refobjid = d.obj"
	"    AND (d.sub = 0 OR p.refobjsubid = d.sub) AND ($4 OR p.deptype <> 'n')"
	"  UNION ALL SELECT 'pg_class'::regclass, v.oid, 0, d.told FROM pg_rewrite r"
	"   JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')"
	"   WHERE d.class = 'pg_rewrite'::regclass AND r.oid = d.obj"
	"  UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum::int4, d.told FROM pg_attrdef f"
	"   JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum"
	" AND a.attgenerated <> ''"
	"   WHERE d.class = 'pg_attrdef'::regclass AND f.oid = d.obj"
	"  UNION ALL SELECT 'pg_constraint'::regclass, p.oid, 0, d.told FROM pg_constraint c"
	"   JOIN pg_constraint p ON p.oid = c.conparentid AND p.conrelid = c.conrelid"
	"   WHERE d.class = 'pg_constraint'::regclass AND c.oid = d.obj"
	"  ) next(class, obj, sub, told)"
	"  WHERE (next.class, next.obj, 0) NOT IN (SELECT * FROM unnest($5, $6, $7))"
	" AND (next.class, next.obj, next.sub) NOT IN (SELECT * FROM unnest($5, $6, $7))),"
	" found AS (SELECT class, obj, sub, bool_or(told) AS told, CASE class"
	"  WHEN 'pg_class'::regclass THEN obj"
	"  WHEN 'pg_constraint'::regclass THEN (SELECT NULLIF(conrelid, 0) FROM pg_constraint"
	" WHERE oid = obj)"
	"  WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = obj)"
	"  WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = obj)"
	"  WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = obj)"
	"  WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_statistic_ext"
	" WHERE oid = obj)"
	"  WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = obj)"
	" END AS relation"
	" FROM dropped GROUP BY class, obj, sub),"
	" whole AS (SELECT obj AS oid, bool_or(sub = 0) AS itself, array_agg(sub) AS parts FROM found"
	"  WHERE class = 'pg_class'::regclass GROUP BY obj)"
	" SELECT class, obj, sub, relation, CASE WHEN class = 'pg_class'::regclass AND sub = 0"
	"  THEN (SELECT indrelid FROM pg_index WHERE indexrelid = obj) END,"
	" told AND CASE class"
	"  WHEN 'pg_class'::regclass THEN (SELECT relkind IN ('r', 'p', 'f') OR (relkind IN ('v', 'm')"
	" AND sub = 0)"
	"   OR (relkind = 'c' AND sub <> 0) FROM pg_class WHERE oid = obj)"
	"  WHEN 'pg_constraint'::regclass THEN (SELECT conparentid = 0 FROM pg_constraint"
	" WHERE oid = obj)"
	"  WHEN 'pg_trigger'::regclass THEN (SELECT tgparentid = 0 AND NOT tgisinternal FROM pg_trigger"
	" WHERE oid = obj)"
	"  ELSE class IN ('pg_policy'::regclass, 'pg_attrdef'::regclass, 'pg_proc'::regclass) END"
	"  AND NOT coalesce(w.itself AND (class <> 'pg_class'::regclass OR sub <> 0)"
	"   OR class = 'pg_attrdef'::regclass"
	"    AND w.parts @> ARRAY[(SELECT adnum::int4 FROM pg_attrdef WHERE oid = obj)], false)"
	"  AND NOT EXISTS (SELECT FROM unnest($5, $6, $7) spared(class, obj, sub)"
	"   WHERE spared.class = 'pg_class'::regclass AND spared.obj = f.relation AND spared.sub = 0)"
	"  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = obj"
	" AND deptype = 'e')"
	" FROM found f LEFT JOIN whole w ON w.oid = f.relation ORDER BY obj, sub",
	.argtypes = {OIDARRAYOID, OIDARRAYOID, INT4ARRAYOID, BOOLOID, OIDARRAYOID, OIDARRAYOID,
	INT4ARRAYOID}
};

/* The rows of dropped_query. */
typedef struct Dropped
{
	List	   *objects;		/* of ObjectAddress * */
	List	   *told;			/* of ObjectAddress *: see dropped_query */
	List	   *locked;			/* of Oid */
} Dropped;

/* Row callback: add an object, and the relations that are locked. */
static void
add_dropped(const CmigRow *row, void *arg)
{
	Dropped    *dropped = arg;
	ObjectAddress *object = palloc(sizeof(ObjectAddress));
	bool		isnull;

	object->classId = DatumGetObjectId(cmig_query_datum(row, 1, OIDOID, NULL));
	object->objectId = DatumGetObjectId(cmig_query_datum(row, 2, OIDOID, NULL));
	object->objectSubId = cmig_query_int32(row, 3, 0);
	dropped->objects = lappend(dropped->objects, object);
	if (cmig_query_bool(row, 6, false))
		dropped->told = lappend(dropped->told, object);
	for (int column = 4; column <= 5; column++)
	{
		Oid			relation = DatumGetObjectId(cmig_query_datum(row, column, OIDOID,
																 &isnull));

		if (!isnull)
			dropped->locked = list_append_unique_oid(dropped->locked, relation);
	}
}

/* Set three values to arrays of the classes, OIDs, and parts of objects. */
static void
set_objects(Datum *values, List *objects)
{
	int			count = list_length(objects);
	Datum	   *parts = palloc(sizeof(Datum) * 3 * Max(count, 1));

	foreach_ptr(ObjectAddress, object, objects)
	{
		int			i = foreach_current_index(object);

		parts[i] = ObjectIdGetDatum(object->classId);
		parts[count + i] = ObjectIdGetDatum(object->objectId);
		parts[2 * count + i] = Int32GetDatum(object->objectSubId);
	}
	for (int i = 0; i < 3; i++)
		values[i] = PointerGetDatum(construct_array(parts + i * count, count,
													i < 2 ? OIDOID : INT4OID, sizeof(Oid), true,
													TYPALIGN_INT));
}

/* Run dropped_query. */
static Dropped
read_dropped(List *objects, bool cascade, List *spared)
{
	Dropped		result = {0};
	Datum		values[7];

	set_objects(values, objects);
	values[3] = BoolGetDatum(cascade);
	set_objects(values + 4, spared);
	if (objects != NIL)
		cmig_query_each(&dropped_query, values, NULL, add_dropped, &result);
	return result;
}

List *
cmig_dropped_locks(const ObjectAddress *object, bool cascade)
{
	return read_dropped(list_make1(unconstify(ObjectAddress *, object)), cascade, NIL).locked;
}

bool
cmig_is_object_in(const ObjectAddress *object, List *objects)
{
	foreach_ptr(const ObjectAddress, other, objects)
	{
		if (other->classId == object->classId && other->objectId == object->objectId &&
			(other->objectSubId == 0 || other->objectSubId == object->objectSubId))
			return true;
	}
	return false;
}

List *
cmig_dropped_dependents(List *objects, List *spared)
{
	List	   *anyway = read_dropped(objects, false, spared).objects;
	List	   *result = read_dropped(objects, true, spared).told;
	ListCell   *lc;

	foreach(lc, result)
	{
		if (cmig_is_object_in(lfirst(lc), anyway))
			result = foreach_delete_current(result, lc);
	}
	return result;
}

Oid
cmig_part_find(ObjectType type, Oid relation, const char *name, Oid *class)
{
	if (type == OBJECT_TRIGGER)
	{
		*class = TriggerRelationId;
		return get_trigger_oid(relation, name, true);
	}
	if (type == OBJECT_RULE)
	{
		*class = RewriteRelationId;
		return get_rewrite_oid(relation, name, true);
	}
	*class = PolicyRelationId;
	return get_relation_policy_oid(relation, name, true);
}

/*
 * Finds relations that are locked together with another relation.
 */

#define OF_OID(text) {.sql = text,.argtypes = {OIDOID}}

/*
 * The queries of cmig_related(), and the kinds of relations to which they
 * apply; NULL: all, or other objects.
 */
static struct
{
	CmigQuery	query;
	const char *kinds;
}			related[] = {

	[CMIG_RELATED_TREE] =
	{OF_OID("WITH RECURSIVE tree(oid) AS (SELECT $1 UNION SELECT i.inhrelid FROM tree"
			" JOIN pg_inherits i ON i.inhparent = tree.oid) SELECT oid"
			" FROM tree")},
	[CMIG_RELATED_CHILDREN] =
	{OF_OID("SELECT inhrelid FROM pg_inherits WHERE inhparent = $1 ORDER BY inhrelid")},
	[CMIG_RELATED_TYPED] =
	{OF_OID("SELECT t.oid FROM pg_class c JOIN pg_class t ON t.reloftype = c.reltype"
			" WHERE c.oid = $1"), "c"},
	[CMIG_RELATED_INDEXES] = {OF_OID("SELECT indexrelid FROM pg_index WHERE indrelid = $1")},
	[CMIG_RELATED_DEFAULT] =
	{OF_OID("SELECT partdefid FROM pg_partitioned_table WHERE partrelid = $1"
			" AND partdefid <> 0"), "p"},
	[CMIG_RELATED_PARENT] =
	{OF_OID("SELECT r.oid FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
			" JOIN pg_partitioned_table p ON p.partrelid = i.inhparent,"
			" LATERAL (VALUES (i.inhparent), (NULLIF(p.partdefid, 0))) r(oid)"
			" WHERE c.oid = $1 AND c.relispartition"
			" AND r.oid IS NOT NULL")},
	[CMIG_RELATED_VIEWED] =
	{OF_OID("WITH RECURSIVE source(oid) AS (SELECT $1 UNION SELECT d.refobjid FROM source"
			"  JOIN pg_class c ON c.oid = source.oid AND (c.relkind = 'v'"
			" OR c.oid = $1)"
			"  JOIN pg_rewrite r ON r.ev_class = c.oid"
			"  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass"
			" AND d.objid = r.oid"
			"   AND d.refclassid = 'pg_class'::regclass)"
			" SELECT oid FROM source WHERE oid <> $1"), "vm"},
	[CMIG_RELATED_REFERENCED] =
	{OF_OID("SELECT DISTINCT confrelid FROM pg_constraint WHERE conrelid = $1"
			" AND contype = 'f'")},
	[CMIG_RELATED_BY_KEY] =
	{OF_OID("SELECT confrelid FROM pg_constraint WHERE oid = $1 AND contype = 'f'")},
	[CMIG_RELATED_BY_TYPE] =
	{OF_OID("SELECT DISTINCT objid FROM pg_depend WHERE refclassid = 'pg_type'::regclass"
			" AND refobjid = $1 AND classid = 'pg_class'::regclass"
			" AND objsubid <> 0"
			" ORDER BY objid")},
	[CMIG_RELATED_PUBLISHED] =
	{OF_OID("SELECT prrelid FROM pg_publication_rel WHERE prpubid = $1")},
	[CMIG_RELATED_OWNED] =
	{OF_OID("SELECT objid FROM pg_shdepend WHERE classid = 'pg_class'::regclass"
			" AND refclassid = 'pg_authid'::regclass AND refobjid = $1"
			" AND deptype = 'o'"
			" AND dbid = (SELECT oid FROM pg_database"
			" WHERE datname = current_database())")}
};

List *
cmig_related(CmigRelated how, Oid object)
{
	const char *kinds = related[how].kinds;

	return kinds == NULL || strchr(kinds, get_rel_relkind(object)) != NULL ?
		cmig_query_oids(&related[how].query, object) : NIL;
}


List *
cmig_related_retyped(Oid table, const char *column, bool rewrites)
{
	/* constraints on the column and their indexes, and other indexes on it */
	static CmigQuery query = {
		.sql = "SELECT DISTINCT r.oid FROM pg_depend d"
		" LEFT JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid"
		" LEFT JOIN pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid"
		"  AND i.relkind IN ('i', 'I')"
		" CROSS JOIN LATERAL (VALUES (c.conrelid), (i.oid),"
		"  (CASE WHEN c.contype = 'f' THEN c.confrelid ELSE NULLIF(c.conindid, 0) END)) r(oid)"
		" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = $2"
		"  AND r.oid IS NOT NULL",
		.argtypes = {OIDOID, INT4OID}
	};
	AttrNumber	attnum = get_attnum(table, column);
	List	   *result;

	if (attnum == InvalidAttrNumber)
		return NIL;
	result = cmig_query_oids(&query, table, attnum);
	if (rewrites && get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		result = list_concat_unique_oid(result, cmig_related(CMIG_RELATED_INDEXES, table));
	return result;
}
