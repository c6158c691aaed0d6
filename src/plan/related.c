/*
 * related.c
 *	  Relations that the catalogs connect with those that a statement names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_func.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "plan/internal.h"

/* ----------------------------------------------------------------
 * Determines whether a domain has constraints.
 * ----------------------------------------------------------------
 */

/* Does the domain itself have a CHECK constraint? */
static bool
has_check(Oid domain)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(domain));
	scan = systable_beginscan(catalog, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
		found = ((Form_pg_constraint) GETSTRUCT(row))->contype == CONSTRAINT_CHECK;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

bool
cmig_domain_is_checked(Oid type)
{
	HeapTuple	row;

	while (HeapTupleIsValid(row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type))))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(row);
		bool		is_domain = form->typtype == TYPTYPE_DOMAIN;
		bool		not_null = form->typnotnull;
		Oid			base = form->typbasetype;

		ReleaseSysCache(row);
		if (!is_domain)
			return false;
		if (not_null || has_check(type))
			return true;
		type = base;
	}
	return false;
}

/* expression_tree_walker callback: implements cmig_domain_runs_code(). */
static bool
find_code(Node *node, void *nothing)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstNormalObjectId)
		return true;
	if (IsA(node, CoerceToDomain) && cmig_domain_is_checked(((CoerceToDomain *) node)->resulttype))
		return true;
	return expression_tree_walker(node, find_code, nothing);
}

bool
cmig_domain_runs_code(Node *expression)
{
	return find_code(expression, NULL);
}

/* ----------------------------------------------------------------
 * Decides whether adding a column or changing a column's type requires a
 * table rewrite.
 *
 * An expression that calls a user-defined function, or that converts to a
 * domain with constraints, is analyzed but not simplified, because
 * simplification would call the immutable functions in the expression.
 * ----------------------------------------------------------------
 */

/*
 * Types
 */

/*
 * Does the function convert between timestamp and timestamptz without changing
 * any values?  The answer depends on the time zone.
 */
static bool
is_same_instant(const FuncExpr *call)
{
	return (call->funcid == F_TIMESTAMPTZ_TIMESTAMP || call->funcid == F_TIMESTAMP_TIMESTAMPTZ) &&
		!TimestampTimestampTzRequiresRewrite();
}

/*
 * Does ALTER COLUMN TYPE rewrite the table if it converts values with this
 * expression?
 */
static bool
expression_rewrites(Node *node)
{
	for (;;)
	{
		if (IsA(node, Var))
			return false;
		else if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceToDomain))
		{
			if (cmig_domain_is_checked(((CoerceToDomain *) node)->resulttype))
				return true;
			node = (Node *) ((CoerceToDomain *) node)->arg;
		}
		else if (IsA(node, FuncExpr) && is_same_instant((FuncExpr *) node))
			node = linitial(((FuncExpr *) node)->args);
		else
			return true;
	}
}

/*
 * Does ALTER COLUMN TYPE to this type rewrite the table?  "converts" is true if
 * the statement has a USING clause.
 */
static bool
column_type_rewrites(Oid table, const char *column, const TypeName *type, bool converts)
{
	AttrNumber	attnum = get_attnum(table, column);
	Oid			old_type;
	int32		old_typmod;
	Oid			collation;
	int32		typmod;
	Type		new_type;
	Oid			new_oid;
	Node	   *value;

	if (converts || attnum == InvalidAttrNumber)
		return true;
	new_type = LookupTypeName(NULL, type, &typmod, true);
	if (new_type == NULL)
		return true;
	new_oid = typeTypeId(new_type);
	ReleaseSysCache(new_type);
	get_atttypetypmodcoll(table, attnum, &old_type, &old_typmod, &collation);
	value = (Node *) makeVar(1, attnum, old_type, old_typmod, collation, 0);
	value = coerce_to_target_type(NULL, value, old_type, new_oid, typmod,
								  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	return value == NULL || cmig_domain_runs_code(value) ||
		expression_rewrites((Node *) expression_planner((Expr *) value));
}

/*
 * New columns
 */

/* Is the type serial or one of its variants, which create a sequence? */
static bool
is_serial(const TypeName *type)
{
	static const char *const names[] = {
		"smallserial", "serial2", "serial", "serial4", "bigserial", "serial8"
	};

	if (list_length(type->names) != 1)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	}
	return false;
}

/* Is the type a domain with constraints? */
static bool
is_checked_domain(const TypeName *name)
{
	Type		type = LookupTypeName(NULL, name, NULL, true);
	bool		result;

	if (type == NULL)
		return false;
	result = cmig_domain_is_checked(typeTypeId(type));
	ReleaseSysCache(type);
	return result;
}

/* A column default to analyze. */
typedef struct Default
{
	Node	   *raw;
	bool		is_volatile;
} Default;

/* Callback: determine whether a default is volatile. */
static void
analyze_default(void *arg)
{
	Default    *value = arg;
	Node	   *raw = copyObject(value->raw);
	Node	   *expression;

	cmig_raw_parse_blank_strings(raw);
	expression = transformExpr(make_parsestate(NULL), raw, EXPR_KIND_COLUMN_DEFAULT);
	value->is_volatile = contain_volatile_functions(expression);
}

/*
 * Must the default be computed for each row?  A default counts as volatile if
 * it cannot be analyzed, for example because it calls a function that an
 * earlier statement will create.
 */
static bool
is_volatile_default(Node *raw)
{
	Default    *value = palloc0(sizeof(Default));
	ErrorData  *error;

	value->raw = raw;
	value->is_volatile = true;
	error = cmig_subtransaction_rehearse(analyze_default, value);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return value->is_volatile;
}

/*
 * Returns the default expression of a new column, or NULL if there is none.
 * Sets *computed to true if the column is an identity column or a stored
 * generated column.
 */
static Node *
find_default(const ColumnDef *column, bool *computed)
{
	Node	   *found = column->raw_default;
	ListCell   *lc;

	*computed = false;
	foreach(lc, column->constraints)
	{
		const Constraint *constraint = lfirst(lc);

		if (!IsA(constraint, Constraint))
			continue;
		if (constraint->contype == CONSTR_DEFAULT)
			found = constraint->raw_expr;
		else if (constraint->contype == CONSTR_IDENTITY ||
				 (constraint->contype == CONSTR_GENERATED && cmig_is_stored_compat(constraint)))
			*computed = true;
	}
	return found;
}

bool
cmig_column_rewrites(const ColumnDef *column)
{
	bool		computed;
	Node	   *value = find_default(column, &computed);

	return computed || is_serial(column->typeName) || is_checked_domain(column->typeName) ||
		(value != NULL && is_volatile_default(value));
}

/* ----------------------------------------------------------------
 * Finds the objects that a DROP removes, and the relations that it locks.
 *
 * Like DROP, this module follows pg_depend.  Objects that belong to the dropped
 * object are always dropped.  Other dependent objects are dropped only with
 * CASCADE.  Locked relations are returned as lists of OIDs.
 *
 * 	  Finds the objects that a DROP removes, and the relations that the DROP
 * 	  locks.
 * ----------------------------------------------------------------
 */

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

/* ----------------------------------------------------------------
 * Finds relations that are locked together with another relation, according
 * to the catalogs.
 *
 * All results are lists of OIDs.  No locks are taken on user relations.
 * ----------------------------------------------------------------
 */

/*
 * Children
 *
 * PostgreSQL's own functions for finding children are not used here.  They
 * expect the caller to have locked the relations, and raise an internal error
 * if another session drops a relation at the same time.
 */

/* Add the child in a pg_inherits row to a list. */
static void
add_child(HeapTuple row, void *list)
{
	*(List **) list = lappend_oid(*(List **) list, ((Form_pg_inherits) GETSTRUCT(row))->inhrelid);
}

/* Returns the direct children of a relation, ordered by OID. */
static List *
children_of(Oid relation)
{
	static const AttrNumber columns[] = {Anum_pg_inherits_inhparent};
	List	   *result = NIL;

	cmig_catalog_rows_each(InheritsRelationId, InheritsParentIndexId, 1, columns, &relation, add_child, &result);
	list_sort(result, list_oid_cmp);
	return result;
}

List *
cmig_related_children(Oid relation)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Oid),.hcxt = CurrentMemoryContext};
	HTAB	   *seen = hash_create("pg_cmig children", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	List	   *result = list_make1_oid(relation);

	(void) hash_search(seen, &relation, HASH_ENTER, NULL);
	/* the list grows during the loop */
	for (int i = 0; i < list_length(result); i++)
	{
		ListCell   *lc;

		foreach(lc, children_of(list_nth_oid(result, i)))
		{
			bool		found;

			(void) hash_search(seen, &lfirst_oid(lc), HASH_ENTER, &found);
			if (!found)
				result = lappend_oid(result, lfirst_oid(lc));
		}
	}
	hash_destroy(seen);
	return result;
}

List *
cmig_related_direct_children(Oid relation)
{
	return lcons_oid(relation, children_of(relation));
}

/* A search for the tables of a composite type. */
typedef struct Typed
{
	Oid			type;
	List	   *tables;
} Typed;

/* If the row in pg_class belongs to a table of the type, add the table. */
static void
add_typed(HeapTuple row, void *arg)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(row);
	Typed	   *typed = arg;

	if (form->reloftype == typed->type)
		typed->tables = lappend_oid(typed->tables, form->oid);
}

List *
cmig_related_typed(Oid type_relation)
{
	Typed		typed = {.type = get_rel_type_id(type_relation)};

	if (OidIsValid(typed.type))
		cmig_catalog_rows_each(RelationRelationId, InvalidOid, 0, NULL, NULL, add_typed, &typed);
	return typed.tables;
}

/* Add the index in a pg_index row to a list. */
static void
add_index(HeapTuple row, void *list)
{
	*(List **) list = lappend_oid(*(List **) list, ((Form_pg_index) GETSTRUCT(row))->indexrelid);
}

List *
cmig_related_indexes(Oid table)
{
	static const AttrNumber columns[] = {Anum_pg_index_indrelid};
	List	   *result = NIL;

	cmig_catalog_rows_each(IndexRelationId, IndexIndrelidIndexId, 1, columns, &table, add_index, &result);
	return result;
}

List *
cmig_related_sequences(Oid table)
{
	return getOwnedSequences(table);
}

List *
cmig_related_identity(Oid table, const char *column)
{
	AttrNumber	attnum = get_attnum(table, column);
	ListCell   *lc;

	foreach(lc, getOwnedSequences(table))
	{
		Oid			owner;
		int32		owned;

		if (sequenceIsOwned(lfirst_oid(lc), DEPENDENCY_INTERNAL, &owner, &owned) && owned == attnum)
			return list_make1_oid(lfirst_oid(lc));
	}
	return NIL;
}

/*
 * A search for the objects owned by a role, and for the policies that name the
 * role.
 */
typedef struct RoleUse
{
	CmigRelatedOwned callback;
	void	   *arg;
	List	   *policed;
} RoleUse;

/*
 * Process a row of pg_shdepend that refers to the role.  If the role owns the
 * object, calls the callback.  If the object is a policy that names the role,
 * adds the relations that are locked to change the policy.
 */
static void
use_role(HeapTuple row, void *arg)
{
	Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(row);
	RoleUse    *use = arg;
	ObjectAddress object;

	if (form->dbid != MyDatabaseId)
		return;
	ObjectAddressSubSet(object, form->classid, form->objid, form->objsubid);
	if (form->deptype == SHARED_DEPENDENCY_OWNER && use->callback != NULL)
		use->callback(&object, use->arg);
	if (form->deptype == SHARED_DEPENDENCY_POLICY)
		use->policed = list_concat(use->policed, cmig_dropped_locks(&object, false));
}

/*
 * Call the callback, unless it is NULL, for each object owned by the role.
 * Returns the relations that are locked to change the policies that name the
 * role.
 */
static List *
each_use(Oid role, CmigRelatedOwned callback, void *arg)
{
	static const AttrNumber columns[] = {Anum_pg_shdepend_refclassid, Anum_pg_shdepend_refobjid};
	Oid			values[] = {AuthIdRelationId, role};
	RoleUse		use = {callback, arg};

	cmig_catalog_rows_each(SharedDependRelationId, SharedDependReferenceIndexId, 2, columns, values, use_role, &use);
	return use.policed;
}

void
cmig_related_owned(Oid role, CmigRelatedOwned callback, void *arg)
{
	(void) each_use(role, callback, arg);
}

List *
cmig_related_policed(Oid role)
{
	return each_use(role, NULL, NULL);
}

bool
cmig_related_has_method(Oid table, const char *method)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			found = InvalidOid;

	if (HeapTupleIsValid(row))
	{
		found = ((Form_pg_class) GETSTRUCT(row))->relam;
		ReleaseSysCache(row);
	}
	return OidIsValid(found) &&
		found == get_am_oid(method ? method : default_table_access_method, true);
}

List *
cmig_related_published(const char *publication)
{
	Publication *found = GetPublicationByName(publication, true);

	return found != NULL ? GetPublicationRelations(found->oid, PUBLICATION_PART_ROOT) : NIL;
}

Oid
cmig_related_table(Oid index)
{
	return IndexGetRelation(index, true);
}

List *
cmig_related_default(Oid table)
{
	Oid			partition;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	partition = get_default_partition_oid(table);
	return OidIsValid(partition) ? list_make1_oid(partition) : NIL;
}

List *
cmig_related_parent(Oid partition)
{
	Oid			parent;

	if (!get_rel_relispartition(partition))
		return NIL;
	parent = get_partition_parent(partition, true);
	return lcons_oid(parent, cmig_related_default(parent));
}

/*
 * Views
 */

/* Add the rule in a pg_rewrite row to a list. */
static void
add_rule(HeapTuple row, void *list)
{
	*(List **) list = lappend_oid(*(List **) list, ((Form_pg_rewrite) GETSTRUCT(row))->oid);
}

/* Add the relation in a pg_depend row to a list. */
static void
add_dependency(HeapTuple row, void *list)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

	if (form->refclassid == RelationRelationId)
		*(List **) list = list_append_unique_oid(*(List **) list, form->refobjid);
}

/* Returns the relations that a view's rules depend on. */
static List *
view_sources(Oid view)
{
	static const AttrNumber rule_columns[] = {Anum_pg_rewrite_ev_class};
	static const AttrNumber columns[] = {Anum_pg_depend_classid, Anum_pg_depend_objid};
	List	   *rules = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	cmig_catalog_rows_each(RewriteRelationId, RewriteRelRulenameIndexId, 1, rule_columns, &view, add_rule, &rules);
	foreach(lc, rules)
	{
		Oid			key[] = {RewriteRelationId, lfirst_oid(lc)};

		cmig_catalog_rows_each(DependRelationId, DependDependerIndexId, 2, columns, key, add_dependency, &result);
	}
	return list_delete_oid(result, view);
}

List *
cmig_related_viewed(Oid view)
{
	List	   *result = NIL;
	ListCell   *lc;
	char		kind = get_rel_relkind(view);

	if (kind != RELKIND_VIEW && kind != RELKIND_MATVIEW)
		return NIL;
	result = view_sources(view);
	/* the list grows during the loop */
	foreach(lc, result)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_VIEW)
			result = list_concat_unique_oid(result, view_sources(lfirst_oid(lc)));
	}
	return result;
}

/*
 * Foreign keys
 */

List *
cmig_related_referencing(List *tables)
{
	List	   *result = list_copy(tables);
	List	   *more = tables;

	while (more != NIL)
	{
		more = list_difference_oid(heap_truncate_find_FKs(result), result);
		result = list_concat_unique_oid(result, more);
	}
	return result;
}

List *
cmig_related_keys(Oid table)
{
	return heap_truncate_find_FKs(list_make1_oid(table));
}

/*
 * If a pg_constraint row belongs to a foreign key, add the referenced table to
 * a list.
 */
static void
add_referenced(HeapTuple row, void *list)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(row);

	if (form->contype == CONSTRAINT_FOREIGN)
		*(List **) list = list_append_unique_oid(*(List **) list, form->confrelid);
}

List *
cmig_related_referenced(Oid table)
{
	static const AttrNumber columns[] = {Anum_pg_constraint_conrelid};
	List	   *result = NIL;

	cmig_catalog_rows_each(ConstraintRelationId, ConstraintRelidTypidNameIndexId, 1, columns, &table,
						   add_referenced, &result);
	return result;
}

List *
cmig_related_validated(Oid table, const char *constraint)
{
	Oid			oid = get_relation_constraint_oid(table, constraint, true);
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	List	   *result = NIL;

	if (HeapTupleIsValid(row))
	{
		add_referenced(row, &result);
		ReleaseSysCache(row);
	}
	return result;
}

/*
 * Column types
 */

/* If a pg_depend row belongs to a column, add the column's table to a list. */
static void
add_column(HeapTuple row, void *list)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

	if (form->classid == RelationRelationId && form->objsubid != 0)
		*(List **) list = list_append_unique_oid(*(List **) list, form->objid);
}

List *
cmig_related_with_type(Oid type)
{
	List	   *result = NIL;

	cmig_catalog_rows_referring(TypeRelationId, type, add_column, &result);
	return result;
}

/* Objects that depend on a column. */
typedef struct Dependents
{
	AttrNumber	attnum;
	List	   *indexes;		/* of Oid */
	List	   *constraints;	/* of Oid */
} Dependents;

/*
 * If a pg_depend row refers to the column dependents->attnum, add the object
 * that depends on the column.
 */
static void
add_dependent(HeapTuple row, void *arg)
{
	Dependents *dependents = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

	if (form->refobjsubid != dependents->attnum)
		return;
	if (form->classid == ConstraintRelationId)
		dependents->constraints = list_append_unique_oid(dependents->constraints, form->objid);
	else if (form->classid == RelationRelationId)
		dependents->indexes = list_append_unique_oid(dependents->indexes, form->objid);
}

/* Add the relations that are locked when a constraint is re-created. */
static void
add_constraint(List **result, Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(row))
		return;
	form = (Form_pg_constraint) GETSTRUCT(row);
	*result = list_append_unique_oid(*result, form->conrelid);
	if (form->contype == CONSTRAINT_FOREIGN)
		*result = list_append_unique_oid(*result, form->confrelid);
	else if (OidIsValid(form->conindid))
		*result = list_append_unique_oid(*result, form->conindid);
	ReleaseSysCache(row);
}

List *
cmig_related_retyped(Oid table, const char *column, const TypeName *type, bool converts)
{
	Dependents	dependents = {.attnum = get_attnum(table, column)};
	List	   *result = NIL;
	ListCell   *lc;

	if (dependents.attnum == InvalidAttrNumber)
		return NIL;
	cmig_catalog_rows_referring(RelationRelationId, table, add_dependent, &dependents);
	foreach(lc, dependents.constraints)
	{
		add_constraint(&result, lfirst_oid(lc));
	}
	foreach(lc, dependents.indexes)
	{
		char		kind = get_rel_relkind(lfirst_oid(lc));

		if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
			result = list_append_unique_oid(result, lfirst_oid(lc));
	}
	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE &&
		column_type_rewrites(table, column, type, converts))
		result = list_concat_unique_oid(result, cmig_related_indexes(table));
	return result;
}
