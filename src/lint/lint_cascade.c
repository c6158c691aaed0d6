/*
 * lint_cascade.c
 *	  Finds the objects that depend on an object at some point in the plan,
 *	  and records that CASCADE drops them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "base/text_list.h"
#include "inspect/dropped_locks.h"
#include "lint/lint_alter.h"
#include "lint/lint_cascade.h"
#include "lint/lint_expression.h"
#include "lint/lint_objects.h"
#include "lint/lint_session.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"
#include "lint/lint_uses.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Returns the column with this attribute number, or NULL if there is none. */
static CmigLintColumn *
find_column(CmigLint *lint, CmigLintTable *table, AttrNumber attnum)
{
	ListCell   *lc;

	cmig_lint_state_load(lint, table);
	foreach(lc, table->columns)
	{
		CmigLintColumn *column = lfirst(lc);

		if (column->attnum == attnum)
			return column;
	}
	return NULL;
}

/* Has the plan dropped the column or changed its type? */
static bool
is_column_free(CmigLint *lint, CmigLintTable *table, const CmigLintDependent *dependent)
{
	CmigLintColumn *column = find_column(lint, table, dependent->column);

	/*
	 * assume that the attribute is unchanged, because this module does not
	 * read the attributes of composite types
	 */
	if (table->kind == RELKIND_COMPOSITE_TYPE)
		return false;
	return column == NULL || column->type != dependent->type;
}

bool
cmig_lint_cascade_is_free(CmigLint *lint, const CmigLintDependent *dependent)
{
	CmigLintTable *table;

	if (dependent->kind == CMIG_LINT_FUNCTION)
		return dependent->name && cmig_lint_objects_function(lint, dependent->name) != NULL;
	if (cmig_lint_state_is_gone(lint, dependent->relation))
		return true;
	table = cmig_lint_state_find_oid(lint, dependent->relation);
	switch (dependent->kind)
	{
		case CMIG_LINT_POLICY:
			return cmig_lint_objects_is_policy_changed(lint, dependent->relation, dependent->name);
		case CMIG_LINT_FOREIGN_KEY:
			cmig_lint_state_load(lint, table);
			return cmig_lint_model_constraint(table, dependent->name) == NULL;
		case CMIG_LINT_COLUMN:
			return is_column_free(lint, table, dependent);
		default:
			return table->redefined;
	}
}

/*
 * Views that the plan creates or replaces
 */

/* raw_expression_tree_walker callback: does the query contain a "*"? */
static bool
has_star(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Star))
		return true;
	if (IsA(node, ColumnRef))
		return IsA(llast(((ColumnRef *) node)->fields), A_Star);
	return raw_expression_tree_walker(node, has_star, context);
}

void
cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query)
{
	MemoryContext old;
	ListCell   *lc;

	view->uses = view->uses_columns = NIL;
	if (!IsA(query, SelectStmt))
		return;
	old = MemoryContextSwitchTo(lint->context);
	foreach(lc, cmig_lint_uses_of(query))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, lfirst(lc), false);

		if (table == NULL || table == view)
			continue;
		view->uses = list_append_unique_ptr(view->uses, table);
		table->users = list_append_unique_ptr(table->users, view);
	}
	view->uses_columns = cmig_lint_expression_columns(query);
	view->uses_all_columns = has_star(query, NULL);
	MemoryContextSwitchTo(old);
}

/*
 * Does a view that uses a relation also use the relation's column "column"?  If
 * "maybe" is true, also returns true if the view might use this column.
 */
static bool
uses_column(const CmigLintTable *view, const char *column, bool maybe)
{
	if (maybe)
		return view->uses_all_columns || cmig_text_list_has(view->uses_columns, column);
	return list_length(view->uses) == 1 && cmig_text_list_has(view->uses_columns, column);
}

List *
cmig_lint_cascade_views(CmigLint *lint, const CmigLintTable *table, const char *column, bool maybe)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, table->users)
	{
		CmigLintTable *view = lfirst(lc);

		if (list_member_ptr(view->uses, table) && cmig_lint_state_exists(lint, view) &&
			(column == NULL || uses_column(view, column, maybe)))
			result = lappend(result, view);
	}
	return result;
}

/*
 * Drop the plan's views that use a relation or, if "column" is not NULL, that
 * column of the relation.
 */
static void
drop_views(CmigLint *lint, const CmigLintTable *table, const char *column)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_cascade_views(lint, table, column, true))
	{
		CmigLintTable *view = lfirst(lc);

		cmig_lint_state_remove(lint, view);
		cmig_lint_cascade_relation(lint, view);
	}
}

/*
 * Objects that exist in the database
 */

/* CmigDroppedSpared callback: has the plan dropped or changed the object? */
static bool
is_spared(const ObjectAddress *object, void *lint)
{
	CmigLintDependent *dependent = cmig_lint_code_dependent(object);

	return dependent != NULL && cmig_lint_cascade_is_free(lint, dependent);
}

/* Update the lint state after a relation or a column is dropped. */
static void
drop_relation(CmigLint *lint, const ObjectAddress *object)
{
	CmigLintTable *table = cmig_lint_state_find_oid(lint, object->objectId);
	CmigLintColumn *column;

	if (table == NULL || cmig_lint_state_is_gone(lint, object->objectId))
		return;
	if (object->objectSubId == 0)
	{
		if (table->index_of)
		{
			cmig_lint_state_load(lint, table->index_of);
			table->index_of->indexes = list_delete_ptr(table->index_of->indexes,
													   cmig_lint_model_index(table->index_of, table->name));
		}
		cmig_lint_state_remove(lint, table);
		drop_views(lint, table, NULL);
		return;
	}
	column = find_column(lint, table, object->objectSubId);
	if (column == NULL)
		return;
	drop_views(lint, table, column->name);
	cmig_lint_alter_drop_column(table, column->name);
}

/* Update the lint state after a table constraint is dropped. */
static void
drop_constraint(CmigLint *lint, Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	CmigLintTable *table;

	if (!HeapTupleIsValid(row))
		return;
	table = OidIsValid(((Form_pg_constraint) GETSTRUCT(row))->conrelid) ?
		cmig_lint_state_find_oid(lint, ((Form_pg_constraint) GETSTRUCT(row))->conrelid) : NULL;
	if (table)
	{
		cmig_lint_state_load(lint, table);
		cmig_lint_alter_drop_constraint(table, NameStr(((Form_pg_constraint) GETSTRUCT(row))->conname));
	}
	ReleaseSysCache(row);
}

/* Update the lint state after a column default is dropped. */
static void
drop_default(CmigLint *lint, Oid attrdef)
{
	ObjectAddress address = GetAttrDefaultColumnAddress(attrdef);
	CmigLintTable *table = OidIsValid(address.objectId) ?
	cmig_lint_state_find_oid(lint, address.objectId) : NULL;
	CmigLintColumn *column = table ? find_column(lint, table, address.objectSubId) : NULL;

	if (column)
		column->has_default = false;
}

/* Update the lint state after a policy or a function is dropped. */
static void
drop_code(CmigLint *lint, const ObjectAddress *object)
{
	CmigLintDependent *dependent = cmig_lint_code_dependent(object);

	if (dependent == NULL || dependent->name == NULL)
		return;
	if (dependent->kind == CMIG_LINT_POLICY)
		cmig_lint_objects_change_policy(lint, dependent->relation, dependent->name);
	else
		cmig_lint_objects_drop_function(lint, dependent->name);
}

/*
 * Update the lint state for all objects that CASCADE drops together with the
 * given object.
 */
static void
cascade(CmigLint *lint, Oid class, Oid oid, int32 sub)
{
	ObjectAddress first;
	List	   *dropped;

	if (!lint->reads_facts || !OidIsValid(oid))
		return;
	ObjectAddressSubSet(first, class, oid, sub);
	dropped = cmig_dropped_objects(&first, is_spared, lint);
	for (int i = 1; i < list_length(dropped); i++)
	{
		const ObjectAddress *object = list_nth(dropped, i);

		switch (object->classId)
		{
			case RelationRelationId:
				drop_relation(lint, object);
				break;
			case ConstraintRelationId:
				drop_constraint(lint, object->objectId);
				break;
			case AttrDefaultRelationId:
				drop_default(lint, object->objectId);
				break;
			case PolicyRelationId:
			case ProcedureRelationId:
				drop_code(lint, object);
				break;
			default:
				break;
		}
	}
}

void
cmig_lint_cascade_relation(CmigLint *lint, CmigLintTable *table)
{
	cascade(lint, RelationRelationId, table->oid, 0);
	drop_views(lint, table, NULL);
}

void
cmig_lint_cascade_column(CmigLint *lint, CmigLintTable *table, const char *name)
{
	CmigLintColumn *column = cmig_lint_model_column(table, name);

	if (column && column->attnum != 0)
		cascade(lint, RelationRelationId, table->oid, column->attnum);
	drop_views(lint, table, name);
}

void
cmig_lint_cascade_constraint(CmigLint *lint, CmigLintTable *table, const char *name)
{
	if (OidIsValid(table->oid))
		cascade(lint, ConstraintRelationId, get_relation_constraint_oid(table->oid, name, true), 0);
}

/*
 * The argument types of the dropped function are not known here, so CASCADE is
 * applied only if the database has exactly one function with this name.
 */
void
cmig_lint_cascade_function(CmigLint *lint, const char *name)
{
	CatCList   *functions;
	Oid			function = InvalidOid;

	if (!lint->reads_facts)
		return;
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	if (functions->n_members == 1)
		function = ((Form_pg_proc) GETSTRUCT(&functions->members[0]->tuple))->oid;
	ReleaseSysCacheList(functions);
	if (cmig_lint_objects_function(lint, name) == NULL)
		cascade(lint, ProcedureRelationId, function, 0);
}

void
cmig_lint_cascade_type(CmigLint *lint, TypeName *name)
{
	Oid			type;
	int32		typmod;
	const char *type_name;

	if (!lint->reads_facts)
		return;
	cmig_lint_types_find(lint, name, &type, &typmod, &type_name);
	if (type_name == NULL)
		cascade(lint, TypeRelationId, type, 0);
}

void
cmig_lint_cascade_schema(CmigLint *lint, const char *name)
{
	cascade(lint, NamespaceRelationId, lint->reads_facts ? get_namespace_oid(name, true) : InvalidOid, 0);
	cmig_lint_state_remove_schema(lint, name);
}

/*
 * Other kinds of objects
 */

/* A search for an object by name. */
typedef struct Search
{
	const char *search_path;
	ObjectType	type;
	Node	   *name;
	ObjectAddress found;
} Search;

/* Subtransaction callback: find the object. */
static void
find_object(void *arg)
{
	Search	   *search = arg;

	cmig_settings_override("search_path", search->search_path);
	if (!cmig_dropped_locks_find(search->type, search->name, &search->found))
		search->found = InvalidObjectAddress;
}

/* Returns search_path at this point of the script, as a string. */
static char *
path_text(const CmigLint *lint)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, cmig_lint_session_path(lint))
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", quote_identifier(lfirst(lc)));
	return text.data;
}

/*
 * Find an object.  If looking up the name raises an error, the object counts as
 * missing.
 */
static ObjectAddress
find_other(const CmigLint *lint, ObjectType type, Node *name)
{
	Search		search = {.type = type,.name = name,.found = InvalidObjectAddress};
	ErrorData  *error;

	if (!lint->reads_facts)
		return InvalidObjectAddress;
	search.search_path = path_text(lint);
	error = cmig_subtransaction_rehearse(find_object, &search);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error == NULL ? search.found : InvalidObjectAddress;
}

void
cmig_lint_cascade_other(CmigLint *lint, ObjectType type, Node *name)
{
	ObjectAddress object = find_other(lint, type, name);

	cascade(lint, object.classId, object.objectId, 0);
}

/*
 * Is the object a table, a view, or a column that clients may use?  Returns
 * false if the plan has already dropped the object.
 */
static bool
is_used_by_clients(CmigLint *lint, const ObjectAddress *object)
{
	CmigLintTable *table;

	if (object->classId != RelationRelationId ||
		cmig_lint_state_is_gone(lint, object->objectId) ||
		OidIsValid(getExtensionOfObject(RelationRelationId, object->objectId)))
		return false;
	switch (get_rel_relkind(object->objectId))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			table = cmig_lint_state_find_oid(lint, object->objectId);
			return object->objectSubId == 0 || find_column(lint, table, object->objectSubId) != NULL;
		default:
			return false;
	}
}

char *
cmig_lint_cascade_describe(CmigLint *lint, ObjectType type, Node *name, CmigListing *listing)
{
	ObjectAddress first = find_other(lint, type, name);
	List	   *dropped;

	if (!OidIsValid(first.objectId))
		return NULL;
	dropped = cmig_dropped_objects(&first, is_spared, lint);
	for (int i = 1; i < list_length(dropped); i++)
	{
		const ObjectAddress *object = list_nth(dropped, i);
		char	   *description = is_used_by_clients(lint, object) ? getObjectDescription(object, true) : NULL;

		if (description != NULL)
			cmig_listing_add(listing, description);
	}
	return getObjectDescription(&first, true);
}
