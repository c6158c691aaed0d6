/*
 * lint_cascade.c
 *	  Lint: what depends on an object, and what is dropped with it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "utils/regproc.h"

#include "plan/lint.h"

/*
 * Finds the code in the live database that uses a table or a column.
 *
 * PostgreSQL records the objects used by views and policies, but not the
 * objects used by a function whose body is a string.  Such function bodies are
 * searched for identifiers.
 */

/* Kinds of objects that can depend on a relation or a type. */
typedef enum DependentKind
{
	DEPENDENT_VIEW,
	DEPENDENT_POLICY,
	DEPENDENT_FUNCTION,			/* a function with a parsed body */
	DEPENDENT_KEY,				/* a foreign key of another table */
	DEPENDENT_COLUMN			/* a column of a given type */
} DependentKind;

/* An object that depends on a relation, a column, or a type. */
typedef struct Dependent
{
	DependentKind kind;
	ObjectAddress object;
	char	   *description;	/* such as "view v"; may be NULL */
	Oid			relation;		/* for a view, the view itself; for a policy,
								 * foreign key, or column, its table */
	char	   *name;			/* name of a policy, function, or foreign key */
	AttrNumber	column;			/* for a column, its attribute number */
	Oid			type;			/* for a column, its type */
} Dependent;

/* Row callback: add a dependent object to a list. */
static void
add_dependent(TupleDesc desc, HeapTuple row, void *found)
{
	Dependent  *dependent = palloc0(sizeof(Dependent));
	bool		isnull;

	dependent->kind = cmig_query_int32(desc, row, 1, 0);
	dependent->relation = DatumGetObjectId(cmig_query_datum(desc, row, 2, OIDOID, &isnull));
	dependent->name = cmig_query_text_or_null(desc, row, 3);
	dependent->column = cmig_query_int32(desc, row, 4, 0);
	dependent->type = DatumGetObjectId(cmig_query_datum(desc, row, 5, OIDOID, &isnull));
	ObjectAddressSubSet(dependent->object, DatumGetObjectId(cmig_query_datum(desc, row, 6, OIDOID, NULL)),
						DatumGetObjectId(cmig_query_datum(desc, row, 7, OIDOID, NULL)), dependent->column);
	*(List **) found = lappend(*(List **) found, dependent);
}

/*
 * Returns the relevant objects that depend on the object (class, object, sub)
 * or, if "sub" is 0, on any part of it.  If "itself" is true, returns the object
 * itself.
 */
static List *
read_dependents(Oid class, Oid object, int sub, bool itself)
{
	/* the first column is a DependentKind */
	static CmigQuery query = {
		.sql = "SELECT k.kind, k.relation, k.name, d.sub, d.type, k.class, k.object"
		" FROM (SELECT $1, $2, $3, 0::oid, 0 WHERE $4"
		"  UNION ALL SELECT classid, objid, objsubid, refobjid, min(refobjsubid) FROM pg_depend"
		"  WHERE NOT $4 AND refclassid = $1 AND refobjid = $2 AND ($3 = 0 OR refobjsubid = $3)"
		"  GROUP BY classid, objid, objsubid, refobjid) d(class, object, sub, type, of_column),"
		" LATERAL (SELECT 0, ev_class, NULL, 'pg_class'::regclass::oid, ev_class FROM pg_rewrite"
		"   WHERE d.class = 'pg_rewrite'::regclass AND oid = d.object"
		"  UNION ALL SELECT 1, polrelid, polname::text, d.class, d.object FROM pg_policy"
		"   WHERE d.class = 'pg_policy'::regclass AND oid = d.object"
		"  UNION ALL SELECT 2, 0, proname::text, d.class, d.object FROM pg_proc"
		"   WHERE d.class = 'pg_proc'::regclass AND oid = d.object"
		"  UNION ALL SELECT 3, conrelid, conname::text, d.class, d.object FROM pg_constraint"
		"   WHERE d.class = 'pg_constraint'::regclass AND oid = d.object AND contype = 'f'"
		"  UNION ALL SELECT 4, oid, NULL, d.class, d.object FROM pg_class"
		"   WHERE d.class = 'pg_class'::regclass AND oid = d.object AND d.sub <> 0 AND relkind IN ('r', 'p', 'f', 'c')"
		"    AND $1 = 'pg_type'::regclass"
		" ) k(kind, relation, name, class, object)"

		/*
		 * without what belongs to the table, except for policies that use the
		 * column
		 */
		" WHERE $4 OR $1 <> 'pg_class'::regclass OR k.relation <> $2 OR (k.kind = 1 AND $3 <> 0)"
		" ORDER BY d.of_column, d.object, d.sub",
		.nargs = 4,.argtypes = {OIDOID, OIDOID, INT4OID, BOOLOID}
	};
	Datum		values[] = {ObjectIdGetDatum(class), ObjectIdGetDatum(object), Int32GetDatum(sub), BoolGetDatum(itself)};
	List	   *result = NIL;
	ListCell   *lc;

	cmig_query_each(&query, values, NULL, add_dependent, &result);
	foreach(lc, itself ? NIL : result)
	{
		Dependent  *dependent = lfirst(lc);

		/* here, because it depends on search_path */
		dependent->description = getObjectDescription(&dependent->object, true);
		if (dependent->description == NULL)
			result = foreach_delete_current(result, lc);
	}
	return result;
}

/* Returns the dependent object at an address, or NULL if it is not relevant. */
static Dependent *
dependent_at(const ObjectAddress *object)
{
	List	   *found = read_dependents(object->classId, object->objectId, 0, true);

	return found == NIL ? NULL : linitial(found);
}

/*
 * Returns all user-defined SQL and PL/pgSQL functions with a string body: a List
 * of arrays of OID, name, and body.  The catalog is read only once.
 */
static List *
read_bodies(CmigLint *lint)
{
	static CmigQuery query = {
		.sql = "SELECT p.oid::text, p.proname::text, p.prosrc FROM pg_proc p"
		" JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')"
		" WHERE p.oid >= 16384 AND p.prosqlbody IS NULL AND p.prosrc IS NOT NULL"
		"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
		"   AND d.objid = p.oid AND d.deptype = 'e')"
		" ORDER BY p.proname, p.oid"
	};
	MemoryContext old = MemoryContextSwitchTo(lint->context);

	if (lint->bodies == NIL)
		lint->bodies = cmig_query_list(&query);
	MemoryContextSwitchTo(old);
	return lint->bodies;
}

/*
 * Finds the objects that depend on an object at some point in the plan,
 * and applies CASCADE to them.
 *
 * The dependencies of objects that exist in the database come from the
 * catalogs.  The dependencies of a view that the plan creates or replaces come
 * from the view's query.
 */

/* Returns the column with this attribute number, or NULL if there is none. */
static CmigLintColumn *
find_column(CmigLint *lint, CmigLintTable *table, AttrNumber attnum)
{
	cmig_lint_state_load(lint, table);
	foreach_ptr(CmigLintColumn, column, table->columns)
	{
		if (column->attnum == attnum)
			return column;
	}
	return NULL;
}

/*
 * Has the plan dropped or changed the dependent object, so that the dependency
 * might no longer exist?
 */
static bool
is_free(CmigLint *lint, const Dependent *dependent)
{
	CmigLintTable *table;
	CmigLintColumn *column;

	if (dependent->kind == DEPENDENT_FUNCTION)
		return cmig_lint_objects_function(lint, dependent->name, false) != NULL;
	if (cmig_lint_state_is_gone(lint, dependent->relation))
		return true;
	table = cmig_lint_state_find_oid(lint, dependent->relation);
	switch (dependent->kind)
	{
		case DEPENDENT_POLICY:
			return cmig_lint_objects_policy_changed(lint, dependent->relation, dependent->name, false);
		case DEPENDENT_KEY:
			cmig_lint_state_load(lint, table);
			return cmig_lint_model_constraint(table, dependent->name) == NULL;
		case DEPENDENT_COLUMN:

			/*
			 * assume that an attribute of a composite type is unchanged,
			 * because these are not read
			 */
			column = find_column(lint, table, dependent->column);
			return table->kind != RELKIND_COMPOSITE_TYPE && (column == NULL || column->type != dependent->type);
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

	view->uses = view->uses_columns = NIL;
	if (!IsA(query, SelectStmt))
		return;
	old = MemoryContextSwitchTo(lint->context);
	foreach_ptr(RangeVar, name, cmig_lint_uses_of(query, NULL))
	{
		CmigLintTable *table = cmig_lint_state_find(lint, name, false);

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
 * Returns the plan's views that use a relation or, if "column" is not NULL,
 * that column of the relation, as a List of CmigLintTable *.  If "maybe" is
 * true, the result includes views that might use the column.
 */
static List *
users_of_table(CmigLint *lint, const CmigLintTable *table, const char *column, bool maybe)
{
	List	   *result = NIL;

	foreach_ptr(CmigLintTable, view, table->users)
	{
		if (list_member_ptr(view->uses, table) && cmig_lint_state_exists(lint, view) &&
			(column == NULL || (maybe && view->uses_all_columns) ||
			 ((maybe || list_length(view->uses) == 1) && cmig_text_list_has(view->uses_columns, column))))
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
	foreach_ptr(CmigLintTable, view, users_of_table(lint, table, column, true))
	{
		cmig_lint_state_remove(lint, view);
		cmig_lint_cascade_relation(lint, view);
	}
}

/*
 * Objects that exist in the database
 */

/* cmig_dropped_objects callback: has the plan dropped or changed the object? */
static bool
is_spared(const ObjectAddress *object, void *lint)
{
	Dependent  *dependent = dependent_at(object);

	return dependent != NULL && is_free(lint, dependent);
}

/* Update the lint state for an object that CASCADE drops. */
static void
drop_object(CmigLint *lint, const ObjectAddress *object)
{
	ObjectAddress of = *object;
	Dependent  *dependent;
	CmigLintTable *table;
	CmigLintColumn *column;
	HeapTuple	row;
	char	   *name = NULL;

	switch (object->classId)
	{
		case PolicyRelationId:
		case ProcedureRelationId:
			dependent = dependent_at(object);
			if (dependent && dependent->kind == DEPENDENT_POLICY)
				(void) cmig_lint_objects_policy_changed(lint, dependent->relation, dependent->name, true);
			else if (dependent)
				cmig_lint_cascade_function(lint, dependent->name);
			return;
		case ConstraintRelationId:
			row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(object->objectId));
			if (!HeapTupleIsValid(row))
				return;
			of.objectId = ((Form_pg_constraint) GETSTRUCT(row))->conrelid;
			name = pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(row))->conname));
			ReleaseSysCache(row);
			break;
		case AttrDefaultRelationId:
			of = GetAttrDefaultColumnAddress(object->objectId);
			break;
		case RelationRelationId:
			break;
		default:
			return;
	}
	table = OidIsValid(of.objectId) ? cmig_lint_state_find_oid(lint, of.objectId) : NULL;
	if (table == NULL)
		return;
	cmig_lint_state_load(lint, table);
	column = of.objectSubId != 0 ? find_column(lint, table, of.objectSubId) : NULL;
	if (name)
		cmig_lint_alter_drop_constraint(table, name);
	else if (object->classId == AttrDefaultRelationId)
	{
		if (column)
			column->has_default = false;
	}
	else if (cmig_lint_state_exists(lint, table))
	{
		if (column)
		{
			drop_views(lint, table, column->name);
			cmig_lint_alter_drop_column(table, column->name);
		}
		else if (of.objectSubId == 0)
		{
			cmig_lint_cascade_forget(lint, table);
			drop_views(lint, table, NULL);
		}
	}
}

/* Update the lint state for all objects that CASCADE drops with an object. */
static void
cascade(CmigLint *lint, Oid class, Oid oid, int32 sub)
{
	ObjectAddress first;

	if (!lint->reads_facts || !OidIsValid(oid))
		return;
	ObjectAddressSubSet(first, class, oid, sub);
	foreach_ptr(ObjectAddress, object, cmig_dropped_objects(&first, is_spared, lint))
		drop_object(lint, object);
}

void
cmig_lint_cascade_forget(CmigLint *lint, CmigLintTable *table)
{
	if (table->index_of)
	{
		cmig_lint_state_load(lint, table->index_of);
		table->index_of->indexes = list_delete_ptr(table->index_of->indexes,
												   cmig_lint_model_index(table->index_of, table->name));
	}
	cmig_lint_state_remove(lint, table);
}

void
cmig_lint_cascade_function(CmigLint *lint, const char *name)
{
	cmig_lint_objects_function(lint, name, true)->created_at = 0;
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
	search.search_path = cmig_text_join(lint->session.path, quote_identifier);
	error = cmig_subtransaction_rehearse(find_object, &search);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error == NULL ? search.found : InvalidObjectAddress;
}

void
cmig_lint_cascade_drop(CmigLint *lint, ObjectType type, Node *name)
{
	ObjectAddress object = find_other(lint, type, name);

	/*
	 * a function or a schema that the plan has created or replaced is not the
	 * live one
	 */
	if (object.classId == ProcedureRelationId ?
		cmig_lint_objects_function(lint, strVal(llast(castNode(ObjectWithArgs, name)->objname)), false) == NULL :
		type != OBJECT_SCHEMA || !cmig_lint_objects_schema_is_new(lint, strVal(name), false))
		cascade(lint, object.classId, object.objectId, 0);
	foreach_ptr(CmigLintTable, view, type == OBJECT_SCHEMA ? cmig_lint_state_in_schema(lint, strVal(name)) : NIL)
		cmig_lint_state_remove(lint, view);
}

/*
 * cmig.lint rules about dropping, renaming, or changing something that
 * views, policies, or functions use.
 */

/*
 * Add to the listing those dependent objects that the plan has not dropped or
 * changed, without those that belong to the relations in "dropped", which the
 * same statement drops.  If "type_change" is true, foreign keys are left out,
 * because a type change re-creates them.
 */
static void
add_live(CmigLint *lint, CmigListing *listing, List *dependents, bool type_change, List *dropped)
{
	foreach_ptr(Dependent, dependent, dependents)
	{
		if (!(type_change && dependent->kind == DEPENDENT_KEY) && !is_free(lint, dependent) &&
			!list_member_ptr(dropped, cmig_lint_state_find_oid(lint, dependent->relation)))
			cmig_listing_add(listing, dependent->description);
	}
}

/*
 * Find the objects that depend on a relation or, if "name" is not NULL, on its
 * column "name".
 */
static CmigListing
all_dependents(CmigLint *lint, const CmigLintTable *table, const char *name, bool type_change, List *dropped)
{
	CmigListing listing;
	CmigLintColumn *column = name ? cmig_lint_model_column(table, name) : NULL;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	if (OidIsValid(table->oid) && (name == NULL || (column && column->attnum != 0)))
		add_live(lint, &listing, read_dependents(RelationRelationId, table->oid, column ? column->attnum : 0, false), type_change, dropped);
	foreach_ptr(CmigLintTable, view, users_of_table(lint, table, name, false))
	{
		if (!list_member_ptr(dropped, view))
			cmig_listing_add_format(&listing, "%s %s", view->kind == RELKIND_MATVIEW ? "materialized view" : "view",
									quote_identifier(view->name));
	}
	return listing;
}

/*
 * Add the views that CASCADE drops because they use a view that depends on the
 * object, except for those in "dropped".
 */
static void
add_views_of_views(CmigLint *lint, CmigListing *listing, const CmigLintTable *table, int sub, List *dropped)
{
	List	   *direct = NIL;
	ObjectAddress first;

	if (!lint->reads_facts || !OidIsValid(table->oid))
		return;
	foreach_ptr(Dependent, dependent, read_dependents(RelationRelationId, table->oid, sub, false))
		direct = lappend_oid(direct, dependent->relation);
	ObjectAddressSubSet(first, RelationRelationId, table->oid, sub);
	foreach_ptr(const ObjectAddress, object, cmig_dropped_objects(&first, is_spared, lint))
	{
		CmigLintTable *view = object->classId == RelationRelationId && object->objectSubId == 0 ?
		cmig_lint_state_find_oid(lint, object->objectId) : NULL;

		if (view && (view->kind == RELKIND_VIEW || view->kind == RELKIND_MATVIEW) && cmig_lint_state_exists(lint, view) &&
			!list_member_oid(direct, view->oid) && !list_member_ptr(dropped, view))
			cmig_listing_add_format(listing, "%s %s", view->kind == RELKIND_MATVIEW ? "materialized view" : "view",
									cmig_lint_text_name(view));
	}
}

/* Report how a DROP affects the objects that depend on the dropped object. */
static void
report_dropped(CmigLint *lint, const char *object, CmigListing *dependents, DropBehavior behavior)
{
	if (dependents->count > 0)
		cmig_lint_report(lint, NULL, behavior == DROP_CASCADE ? "CASCADE also drops what depends on %s: %s" :
						 "dropping %s fails, because it is used by %s", object, cmig_listing_text(dependents));
}

/* Check ALTER TABLE for the rule dependent-objects. */
static void
check_altered(CmigLint *lint, AlterTableStmt *alter)
{
	List	   *dropped = NIL;	/* constraints that the statement has dropped */

	foreach_node(AlterTableCmd, command, lint->target ? alter->cmds : NIL)
	{
		const char *name = command->name ? quote_identifier(command->name) : NULL;
		CmigLintConstraint *constraint;
		CmigLintColumn *column;
		CmigListing listing;

		switch (command->subtype)
		{
			case AT_DropConstraint:

				/*
				 * the foreign keys that depend on a constraint of a live
				 * table
				 */
				constraint = cmig_lint_model_constraint(lint->target, command->name);
				cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
				foreach_ptr(Dependent, key, constraint && constraint->added_in == 0 && OidIsValid(lint->target->oid) ?
							read_dependents(RelationRelationId, get_constraint_index(get_relation_constraint_oid(lint->target->oid, command->name, true)), 0, false) : NIL)
				{
					if (key->relation != lint->target->oid || !cmig_text_list_has(dropped, key->name))
						add_live(lint, &listing, list_make1(key), false, NIL);
				}
				report_dropped(lint, psprintf("constraint %s", name), &listing, command->behavior);
				dropped = lappend(dropped, command->name);
				break;
			case AT_DropColumn:
				listing = all_dependents(lint, lint->target, command->name, false, NIL);
				column = cmig_lint_model_column(lint->target, command->name);
				if (command->behavior == DROP_CASCADE && column && column->attnum != 0)
					add_views_of_views(lint, &listing, lint->target, column->attnum, NIL);
				report_dropped(lint, psprintf("column %s", name), &listing, command->behavior);
				break;
			case AT_AlterColumnType:
				listing = all_dependents(lint, lint->target, command->name, true, NIL);
				if (listing.count > 0)
					cmig_lint_report(lint, NULL, "changing the type of column %s fails, because it is used by %s",
									 name, cmig_listing_text(&listing));
				break;
			default:
				break;
		}
	}
}

/*
 * Is this a trigger, policy, default, or constraint of a table, or a function,
 * that neither the plan nor the same statement drops with its table?
 */
static bool
is_part_lost(CmigLint *lint, const ObjectAddress *object, List *all)
{
	static CmigQuery query = {
		.sql = "SELECT tgrelid, tgname::text, 0 FROM pg_trigger WHERE $1 = 'pg_trigger'::regclass AND oid = $2 AND NOT tgisinternal"
		" UNION ALL SELECT polrelid, polname::text, 0 FROM pg_policy WHERE $1 = 'pg_policy'::regclass AND oid = $2"
		" UNION ALL SELECT adrelid, '', adnum FROM pg_attrdef WHERE $1 = 'pg_attrdef'::regclass AND oid = $2"
		" UNION ALL SELECT conrelid, conname::text, 0 FROM pg_constraint WHERE $1 = 'pg_constraint'::regclass AND oid = $2"
		" UNION ALL SELECT 0, proname::text, 0 FROM pg_proc WHERE $1 = 'pg_proc'::regclass AND oid = $2",
		.nargs = 2,.argtypes = {OIDOID, OIDOID}
	};
	char	  **row = cmig_query_row(&query, object->classId, object->objectId);
	Oid			table = row ? atooid(row[0]) : InvalidOid;

	if (row == NULL || OidIsValid(getExtensionOfObject(object->classId, object->objectId)))
		return false;
	if (OidIsValid(table) && (cmig_lint_state_is_gone(lint, table) || cmig_lint_objects_policy_changed(lint, table, row[1], false)))
		return false;
	foreach_ptr(const ObjectAddress, other, all)
	{
		if (other->classId == RelationRelationId && other->objectId == table &&
			(other->objectSubId == 0 || other->objectSubId == atoi(row[2])))
			return false;
	}
	return true;
}

/*
 * Check DROP EXTENSION, DROP FUNCTION, and similar statements with CASCADE,
 * which can drop columns, tables, views, and parts of tables that clients may
 * use, and DROP EXTENSION without CASCADE, which these prevent.
 */
static void
check_dropped_other(CmigLint *lint, ObjectType type, Node *name, DropBehavior behavior)
{
	ObjectAddress first = find_other(lint, type, name);
	CmigListing listing;
	List	   *all;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	all = OidIsValid(first.objectId) ? cmig_dropped_objects(&first, is_spared, lint) : NIL;
	foreach_ptr(const ObjectAddress, object, all)
	{
		CmigLintTable *table = object->classId == RelationRelationId ? cmig_lint_state_find_oid(lint, object->objectId) : NULL;
		char	   *text;

		if (object->classId != RelationRelationId)
		{
			if (behavior != DROP_CASCADE || !is_part_lost(lint, object, all))
				continue;
		}
		else if (table == NULL || !cmig_lint_state_exists(lint, table) || strchr("rpfvm", table->kind) == NULL ||
				 OidIsValid(getExtensionOfObject(RelationRelationId, object->objectId)) ||
				 (object->objectSubId != 0 && find_column(lint, table, object->objectSubId) == NULL))
			continue;
		text = getObjectDescription(object, true);
		if (text != NULL)
			cmig_listing_add(&listing, text);
	}
	if (listing.count > 0)
		report_dropped(lint, getObjectDescription(&first, false), &listing, behavior);
}

/* Implements the rule dependent-objects. */
static void
check_dependents(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	List	   *dropped = NIL;
	CmigListing listing;
	ListCell   *lc;

	if (!IsA(node, DropStmt))
	{
		check_altered(lint, (AlterTableStmt *) node);
		return;
	}
	foreach(lc, drop->objects)
	{
		TypeName   *type = lfirst(lc);
		CmigLintTable *table;
		Oid			oid;

		switch (drop->removeType)
		{
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
				oid = lint->reads_facts ? cmig_lint_types_oid(lint, type) : InvalidOid;
				cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
				for (int i = 0; i < 2 && OidIsValid(oid); i++)
				{
					add_live(lint, &listing, read_dependents(TypeRelationId, oid, 0, false), false, NIL);
					oid = get_array_type(oid);
				}
				report_dropped(lint, psprintf("%s %s", drop->removeType == OBJECT_DOMAIN ? "domain" : "type",
											  NameListToQuotedString(type->names)), &listing, drop->behavior);
				break;
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
				table = cmig_lint_state_find_names(lint, lfirst(lc), drop->missing_ok);
				if (table)
					dropped = lappend(dropped, table);
				break;
			case OBJECT_EXTENSION:
			case OBJECT_FUNCTION:
			case OBJECT_PROCEDURE:
			case OBJECT_ROUTINE:
			case OBJECT_AGGREGATE:
			case OBJECT_OPERATOR:
			case OBJECT_COLLATION:
			case OBJECT_FOREIGN_SERVER:
			case OBJECT_FDW:
				if (drop->behavior == DROP_CASCADE || drop->removeType == OBJECT_EXTENSION)
					check_dropped_other(lint, drop->removeType, lfirst(lc), drop->behavior);
				break;
			default:
				break;
		}
	}
	foreach_ptr(CmigLintTable, view, dropped)
	{
		listing = all_dependents(lint, view, NULL, false, dropped);
		if (drop->behavior == DROP_CASCADE)
			add_views_of_views(lint, &listing, view, 0, dropped);
		report_dropped(lint, cmig_lint_text_name(view), &listing, drop->behavior);
	}
}

/*
 * Callback at the end of the plan: do functions still use the dropped or
 * renamed object?  If so, adds these functions to the finding's message.
 */
static bool
is_still_used(CmigLint *lint, const CmigLintDeferred *missing)
{
	const char *column = missing->part;
	static CmigQuery query = {
		.sql = "SELECT DISTINCT tgfoid FROM pg_trigger WHERE tgrelid = $1",
		.nargs = 1,.argtypes = {OIDOID}
	};
	List	   *triggers;
	CmigLintTable *table = cmig_lint_state_find(lint, missing->name, true);
	CmigListing listing;

	/*
	 * report nothing if the plan has re-created the table or column, or has
	 * renamed it back
	 */
	if (column ? cmig_lint_model_column(table ? table : missing->table, column) != NULL : table != NULL)
		return false;
	triggers = cmig_query_oids(&query, missing->table->oid);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigValue, body, read_bodies(lint))
	{
		Oid			oid = atooid(body[0]);
		CmigLintFunction *replaced = cmig_lint_objects_function(lint, body[1], false);
		const char *source = replaced ? replaced->body : body[2];

		if (!(replaced && (replaced->created_at == 0 || replaced->created_at >= missing->since)) && source &&
			cmig_lint_body_uses(source, missing->name, column, list_member_oid(triggers, oid)))
			cmig_listing_add(&listing, format_procedure(oid));
	}
	if (listing.count > 0)
		missing->finding->message = psprintf("%s: %s", missing->finding->message, cmig_listing_text(&listing));
	return listing.count > 0;
}

/*
 * Record that a table or, if "column" is not NULL, a column no longer exists
 * under its name.  "what" is "dropped" or "renamed".
 */
static void
note_missing(CmigLint *lint, CmigLintTable *table, const char *column, const char *what)
{
	CmigLintColumn *found = table && column ? cmig_lint_model_column(table, column) : NULL;

	if (table == NULL || table->origin != CMIG_LINT_LIVE || !lint->reads_facts ||
		(column && (found == NULL || found->is_new)))
		return;
	cmig_lint_report_later(lint,
						   cmig_lint_report(lint, NULL, "%s%s is %s, but functions still use it",
											column ? psprintf("column %s of ", quote_identifier(column)) : "",
											cmig_lint_text_name(table), what),
						   true, is_still_used, table,
						   makeRangeVar((char *) table->schema, (char *) table->name, -1), column);
}

/* Implements the rule code-uses-dropped for DROP and RENAME. */
static void
check_code(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;
	ObjectType	type = IsA(node, DropStmt) ? ((DropStmt *) node)->removeType : rename->renameType;

	if (IsA(node, RenameStmt))
	{
		if (type == OBJECT_COLUMN || type == OBJECT_TABLE || type == OBJECT_VIEW)
			note_missing(lint, lint->target, type == OBJECT_COLUMN ? rename->subname : NULL, "renamed");
		return;
	}
	foreach_ptr(List, item, type == OBJECT_TABLE || type == OBJECT_VIEW ? ((DropStmt *) node)->objects : NIL)
		note_missing(lint, cmig_lint_state_find_names(lint, item, true), NULL, "dropped");
}

/* Implements the rule code-uses-dropped for DROP COLUMN. */
static void
check_code_column(CmigLint *lint, AlterTableCmd *command, int number)
{
	note_missing(lint, lint->target, command->name, "dropped");
}

const CmigLintRule cmig_lint_dependents[] = {
	{"dependent-objects", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_dependents, {T_AlterTableStmt, T_DropStmt}},
	{"code-uses-dropped", CMIG_LINT_WARNING, CMIG_LINT_FACTS, check_code, {T_RenameStmt, T_DropStmt}},
	{"code-uses-dropped", CMIG_LINT_WARNING, CMIG_LINT_FACTS, NULL, {T_AlterTableStmt}, AT_DropColumn, check_code_column},
	{NULL}
};
