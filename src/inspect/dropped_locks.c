/*
 * dropped_locks.c
 *	  Finds the objects that a DROP removes, and the relations that the DROP
 *	  locks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/dropped_locks.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
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
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "foreign/foreign.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The state of a search for dropped objects. */
typedef struct Drop
{
	bool		cascade;
	HTAB	   *seen;			/* of ObjectAddress: objects found so far */
	List	   *queue;			/* of ObjectAddress *: objects to drop */
	List	   *locked;			/* of Oid: locked relations */
	CmigDroppedSpared spared;	/* callback, or NULL */
	void	   *arg;			/* argument of the callback */
} Drop;

/*
 * Find an operator class or family.  The first part of "name" is the access
 * method.
 */
static void
find_operator_class(ObjectType type, List *name, ObjectAddress *object)
{
	Oid			method = get_index_am_oid(strVal(linitial(name)), true);

	if (!OidIsValid(method))
		return;
	name = list_copy_tail(name, 1);
	object->classId = type == OBJECT_OPCLASS ? OperatorClassRelationId : OperatorFamilyRelationId;
	object->objectId = type == OBJECT_OPCLASS ? get_opclass_oid(method, name, true) :
		get_opfamily_oid(method, name, true);
}

/* Returns the OID of a type, or InvalidOid if the type does not exist. */
static Oid
find_type(const TypeName *name)
{
	Type		found = LookupTypeName(NULL, name, NULL, true);
	Oid			result = InvalidOid;

	if (found != NULL)
	{
		result = typeTypeId(found);
		ReleaseSysCache(found);
	}
	return result;
}

/*
 * Find an object that does not belong to a schema, so that its name is a single
 * string.
 */
static void
find_by_name(ObjectType type, Node *name, ObjectAddress *object)
{
	switch (type)
	{
		case OBJECT_SCHEMA:
			object->classId = NamespaceRelationId;
			object->objectId = get_namespace_oid(strVal(name), true);
			break;
		case OBJECT_EXTENSION:
			object->classId = ExtensionRelationId;
			object->objectId = get_extension_oid(strVal(name), true);
			break;
		case OBJECT_FOREIGN_SERVER:
			object->classId = ForeignServerRelationId;
			object->objectId = get_foreign_server_oid(strVal(name), true);
			break;
		case OBJECT_FDW:
			object->classId = ForeignDataWrapperRelationId;
			object->objectId = get_foreign_data_wrapper_oid(strVal(name), true);
			break;
		case OBJECT_LANGUAGE:
			object->classId = LanguageRelationId;
			object->objectId = get_language_oid(strVal(name), true);
			break;
		default:
			break;
	}
}

bool
cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object)
{
	object->objectSubId = 0;
	object->objectId = InvalidOid;
	switch (type)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			object->classId = TypeRelationId;
			object->objectId = find_type(castNode(TypeName, name));
			break;
		case OBJECT_STATISTIC_EXT:
			object->classId = StatisticExtRelationId;
			object->objectId = get_statistics_object_oid((List *) name, true);
			break;
		case OBJECT_COLLATION:
			object->classId = CollationRelationId;
			object->objectId = get_collation_oid((List *) name, true);
			break;
		case OBJECT_TSCONFIGURATION:
			object->classId = TSConfigRelationId;
			object->objectId = get_ts_config_oid((List *) name, true);
			break;
		case OBJECT_TSDICTIONARY:
			object->classId = TSDictionaryRelationId;
			object->objectId = get_ts_dict_oid((List *) name, true);
			break;
		case OBJECT_OPCLASS:
		case OBJECT_OPFAMILY:
			find_operator_class(type, (List *) name, object);
			break;
		case OBJECT_OPERATOR:
			object->classId = OperatorRelationId;
			object->objectId = LookupOperWithArgs(castNode(ObjectWithArgs, name), true);
			break;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			object->classId = ProcedureRelationId;
			object->objectId = LookupFuncWithArgs(type, castNode(ObjectWithArgs, name), true);
			break;
		default:
			find_by_name(type, name, object);
	}
	return OidIsValid(object->objectId);
}

/* Add a relation to the list of locked relations.  Ignores InvalidOid. */
static void
add_locked(Drop *drop, Oid relation)
{
	if (OidIsValid(relation))
		drop->locked = lappend_oid(drop->locked, relation);
}

/*
 * Add a dropped object to the queue, unless it has been found before or is
 * spared by the callback.
 */
static void
add_dropped(Drop *drop, Oid class, Oid object, int32 sub)
{
	ObjectAddress key;
	bool		found;
	ObjectAddress *address;

	memset(&key, 0, sizeof(key));
	key.classId = class;
	key.objectId = object;
	key.objectSubId = sub;
	(void) hash_search(drop->seen, &key, HASH_ENTER, &found);
	if (found || (drop->spared != NULL && drop->spared(&key, drop->arg)))
		return;
	address = palloc(sizeof(ObjectAddress));
	*address = key;
	drop->queue = lappend(drop->queue, address);
}

/*
 * Returns the relation to which a row of pg_rewrite, pg_trigger, or a similar
 * catalog belongs.
 */
static Oid
relation_of_row(Oid catalog, HeapTuple row)
{
	switch (catalog)
	{
		case RewriteRelationId:
			return ((Form_pg_rewrite) GETSTRUCT(row))->ev_class;
		case TriggerRelationId:
			return ((Form_pg_trigger) GETSTRUCT(row))->tgrelid;
		case PolicyRelationId:
			return ((Form_pg_policy) GETSTRUCT(row))->polrelid;
		case StatisticExtRelationId:
			return ((Form_pg_statistic_ext) GETSTRUCT(row))->stxrelid;
		default:
			return InvalidOid;
	}
}

/*
 * Returns the relation to which a trigger, rule, or similar object belongs, or
 * InvalidOid if the object no longer exists.
 */
static Oid
relation_of_part(Oid catalog_oid, Oid index, AttrNumber key_column, Oid part)
{
	Relation	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(part));
	scan = systable_beginscan(catalog, index, true, NULL, 1, &key);
	if (HeapTupleIsValid(row = systable_getnext(scan)))
		result = relation_of_row(catalog_oid, row);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* Returns the table of a constraint, or InvalidOid if there is none. */
static Oid
table_of_constraint(Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid			result = InvalidOid;

	if (HeapTupleIsValid(row))
	{
		result = ((Form_pg_constraint) GETSTRUCT(row))->conrelid;
		ReleaseSysCache(row);
	}
	return result;
}

/*
 * Add the table that is locked when a constraint is dropped.  The table that a
 * foreign key references is not added here: it is locked when the key's
 * triggers are dropped.  A foreign key to a partition can be dropped only
 * together with the foreign key to the partitioned table, so the latter is
 * added to the queue of dropped objects.
 */
static void
lock_constraint(Drop *drop, Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(row))
		return;
	form = (Form_pg_constraint) GETSTRUCT(row);
	add_locked(drop, form->conrelid);
	if (OidIsValid(form->conparentid) && table_of_constraint(form->conparentid) == form->conrelid)
		add_dropped(drop, ConstraintRelationId, form->conparentid, 0);
	ReleaseSysCache(row);
}

/* Add the relations that are locked when a relation or a column is dropped. */
static void
lock_relation(Drop *drop, const ObjectAddress *object)
{
	char		kind = get_rel_relkind(object->objectId);

	add_locked(drop, object->objectId);
	if (object->objectSubId == 0 && (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX))
		add_locked(drop, IndexGetRelation(object->objectId, true));
}

/*
 * Add the relation that is locked when a rule is dropped.  A view's rule can be
 * dropped only together with the view, so the view is added to the queue of
 * dropped objects.
 */
static void
lock_rule(Drop *drop, Oid rule)
{
	Oid			relation = relation_of_part(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid,
											rule);
	char		kind = get_rel_relkind(relation);

	add_locked(drop, relation);
	if (kind == RELKIND_VIEW || kind == RELKIND_MATVIEW)
		add_dropped(drop, RelationRelationId, relation, 0);
}

/*
 * Add the table that is locked when a column default is dropped.  A generated
 * column is dropped together with its expression.
 */
static void
lock_default(Drop *drop, Oid attrdef)
{
	ObjectAddress column = GetAttrDefaultColumnAddress(attrdef);

	add_locked(drop, column.objectId);
	if (OidIsValid(column.objectId) && get_attgenerated(column.objectId, column.objectSubId) != '\0')
		add_dropped(drop, column.classId, column.objectId, column.objectSubId);
}

/* Add the relations that are locked when an object is dropped. */
static void
lock_object(Drop *drop, const ObjectAddress *object)
{
	switch (object->classId)
	{
		case RelationRelationId:
			lock_relation(drop, object);
			break;
		case ConstraintRelationId:
			lock_constraint(drop, object->objectId);
			break;
		case RewriteRelationId:
			lock_rule(drop, object->objectId);
			break;
		case TriggerRelationId:
			add_locked(drop, relation_of_part(TriggerRelationId, TriggerOidIndexId,
											  Anum_pg_trigger_oid, object->objectId));
			break;
		case PolicyRelationId:
			add_locked(drop, relation_of_part(PolicyRelationId, PolicyOidIndexId,
											  Anum_pg_policy_oid, object->objectId));
			break;
		case StatisticExtRelationId:
			add_locked(drop, relation_of_part(StatisticExtRelationId, StatisticExtOidIndexId,
											  Anum_pg_statistic_ext_oid, object->objectId));
			break;
		case AttrDefaultRelationId:
			lock_default(drop, object->objectId);
			break;
		default:
			break;
	}
}

/*
 * Is a dependent object dropped together with the object on which it depends?
 * The answer depends on CASCADE and on the type of the dependency
 * (pg_depend.deptype).
 */
static bool
is_dropped(const Drop *drop, char deptype)
{
	return drop->cascade || deptype != DEPENDENCY_NORMAL;
}

/*
 * Add the objects that are dropped together with "object" because they depend
 * on it.
 */
static void
add_dependents(Drop *drop, const ObjectAddress *object)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	int			count = object->objectSubId == 0 ? 2 : 3;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(object->objectSubId));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL, count, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

		if (is_dropped(drop, form->deptype))
			add_dropped(drop, form->classid, form->objid, form->objsubid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Process the objects in the queue, including those that are added during the
 * process.  Returns the locked relations.
 */
static List *
follow(Drop *drop)
{
	ListCell   *lc;

	/* the queue grows during the loop */
	foreach(lc, drop->queue)
	{
		ObjectAddress *object = lfirst(lc);

		lock_object(drop, object);
		add_dependents(drop, object);
	}
	list_sort(drop->locked, list_oid_cmp);
	list_deduplicate_oid(drop->locked);
	return drop->locked;
}

/* Returns the initial state of a search for dropped objects. */
static Drop
start(bool cascade)
{
	HASHCTL		control = {.keysize = sizeof(ObjectAddress),.entrysize = sizeof(ObjectAddress),
	.hcxt = CurrentMemoryContext};
	Drop		drop = {.cascade = cascade};

	drop.seen = hash_create("pg_cmig dropped objects", 64, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return drop;
}

List *
cmig_dropped_locks(const ObjectAddress *object, bool cascade)
{
	Drop		drop = start(cascade);

	add_dropped(&drop, object->classId, object->objectId, object->objectSubId);
	return follow(&drop);
}

List *
cmig_dropped_objects(const ObjectAddress *object, CmigDroppedSpared spared, void *arg)
{
	Drop		drop = start(true);

	add_dropped(&drop, object->classId, object->objectId, object->objectSubId);
	drop.spared = spared;
	drop.arg = arg;
	(void) follow(&drop);
	return drop.queue;
}

List *
cmig_dropped_locks_column(Oid table, const char *column, bool cascade)
{
	AttrNumber	attnum = get_attnum(table, column);
	ObjectAddress object;

	if (attnum == InvalidAttrNumber)
		return NIL;
	ObjectAddressSubSet(object, RelationRelationId, table, attnum);
	return cmig_dropped_locks(&object, cascade);
}

List *
cmig_dropped_locks_constraint(Oid table, const char *constraint, bool cascade)
{
	Oid			oid = get_relation_constraint_oid(table, constraint, true);
	ObjectAddress object;

	if (!OidIsValid(oid))
		return NIL;
	ObjectAddressSet(object, ConstraintRelationId, oid);
	return cmig_dropped_locks(&object, cascade);
}
