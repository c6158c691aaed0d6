/*
 * related.c
 *	  Finds relations that are locked together with another relation, according
 *	  to the catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/catalog_rows.h"
#include "base/compat.h"
#include "inspect/column_rewrite.h"
#include "inspect/dropped_locks.h"
#include "inspect/related.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_publication.h"
#include "commands/defrem.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

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
		cmig_column_type_rewrites(table, column, type, converts))
		result = list_concat_unique_oid(result, cmig_related_indexes(table));
	return result;
}
