/*
 * lint_cascade.c
 *	  Lint: what depends on an object that a statement drops or changes, and the
 *	  functions that still use it.
 *
 * The catalogs tell what depends on the objects of the live database.  Objects
 * that earlier statements have dropped or changed are in lint->changed, and are
 * left out.  Of the objects that the plan itself creates, only views and the
 * relations in their queries are known; the rest shows in a rehearsal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "utils/regproc.h"

#include "lint/internal.h"

/*
 * Views that the plan creates or replaces
 */

void
cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query)
{
	view->uses = NIL;
	foreach_ptr(RangeVar, name, IsA(query, SelectStmt) ? cmig_lint_uses_of(query) : NIL)
	{
		CmigLintTable *table = cmig_lint_state_find(lint, name, false);

		if (table == NULL || table == view)
			continue;
		view->uses = list_append_unique_ptr(view->uses, table);
		table->users = list_append_unique_ptr(table->users, view);
	}
}

/* Returns the plan's views whose queries name the relation. */
static List *
users_of(CmigLint *lint, const CmigLintTable *table)
{
	List	   *result = NIL;

	foreach_ptr(CmigLintTable, view, table->users)
	{
		if (list_member_ptr(view->uses, table) && cmig_lint_state_exists(lint, view))
			result = lappend(result, view);
	}
	return result;
}

/*
 * Objects of the live database
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
	(void) cmig_dropped_locks_find(search->type, search->name, &search->found);
}

/*
 * Returns the live object that a DROP statement names.  An object counts as
 * missing if the plan has created it, or if looking up its name raises an error.
 * For a relation, sets *table, also if it is not live.
 */
static ObjectAddress
object_of(CmigLint *lint, const DropStmt *drop, Node *name, CmigLintTable **table)
{
	ObjectType	type = drop->removeType;
	Search		search = {.type = type,.name = name,.found = InvalidObjectAddress};
	List	   *names = (List *) name;
	ErrorData  *error;

	*table = NULL;
	if (cmig_is_relation_type(type))
	{
		*table = cmig_lint_state_find_if(lint, cmig_locks_relation(names), drop->missing_ok);
		if (*table && OidIsValid((*table)->oid))
			ObjectAddressSet(search.found, RelationRelationId, (*table)->oid);
	}
	else if (!lint->reads_facts)
		return InvalidObjectAddress;
	else if (type == OBJECT_TRIGGER || type == OBJECT_POLICY || type == OBJECT_RULE)
	{
		CmigLintTable *owner = cmig_lint_state_find_if(lint, cmig_locks_owner(name), true);

		if (owner && OidIsValid(owner->oid))
			search.found.objectId = cmig_part_find(type, owner->oid, strVal(llast(names)),
												   &search.found.classId);
	}
	else if (type == OBJECT_TYPE || type == OBJECT_DOMAIN)
		ObjectAddressSet(search.found, TypeRelationId,
						 cmig_lint_types_find(lint, castNode(TypeName, name)).oid);
	else if (!(IsA(name, ObjectWithArgs) && type != OBJECT_OPERATOR &&
			   cmig_lint_objects_function(lint, strVal(llast(((ObjectWithArgs *) name)->objname)),
										  false)) &&
			 !(type == OBJECT_SCHEMA && cmig_lint_objects_schema_is_new(lint, strVal(name), false)))
	{
		search.search_path = cmig_text_join(lint->session.path, quote_identifier);
		error = cmig_subtransaction_rehearse(find_object, &search);
		if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		if (error != NULL)
			return InvalidObjectAddress;
	}
	return search.found;
}

/* Returns what DROP COLUMN, DROP CONSTRAINT, or ALTER COLUMN TYPE names in a live table. */
static ObjectAddress
part_of(const CmigLintTable *table, const AlterTableCmd *command)
{
	ObjectAddress object = InvalidObjectAddress;
	CmigLintColumn *column;
	CmigLintConstraint *constraint;

	switch (OidIsValid(table->oid) ? command->subtype : AT_AddColumn)
	{
		case AT_DropColumn:
		case AT_AlterColumnType:
			column = cmig_lint_model_column(table, command->name);
			if (column && column->attnum != 0)
				ObjectAddressSubSet(object, RelationRelationId, table->oid, column->attnum);
			break;
		case AT_DropConstraint:
			constraint = cmig_lint_model_constraint(table, command->name);
			if (constraint && constraint->added_in == 0)
				ObjectAddressSet(object, ConstraintRelationId,
								 get_relation_constraint_oid(table->oid, command->name, true));
			break;
		default:
			break;
	}
	return object;
}

static List *
add_object(List *objects, ObjectAddress object)
{
	ObjectAddress *added;

	if (!OidIsValid(object.objectId))
		return objects;
	added = palloc(sizeof(ObjectAddress));
	*added = object;
	return lappend(objects, added);
}

void
cmig_lint_cascade_changed(CmigLint *lint, Oid class, Oid oid)
{
	ObjectAddress object;

	ObjectAddressSet(object, class, oid);
	lint->changed = add_object(lint->changed, object);
}

/* Record that a relation is dropped and, with CASCADE, the plan's views on it. */
static void
forget(CmigLint *lint, CmigLintTable *table, bool cascade)
{
	if (table->index_of)
	{
		cmig_lint_state_load(lint, table->index_of);
		table->index_of->indexes = list_delete_ptr(table->index_of->indexes,
												   cmig_lint_model_index(table->index_of,
																		 table->name));
	}
	cmig_lint_state_remove(lint, table);
	foreach_ptr(CmigLintTable, view, cascade ? users_of(lint, table) : NIL)
		forget(lint, view, true);
}

/* Record that objects are dropped and, with CASCADE, what depends on them. */
static void
drop_objects(CmigLint *lint, List *objects, bool cascade)
{
	List	   *more = cascade ? cmig_dropped_dependents(objects, lint->changed) : NIL;

	foreach_ptr(ObjectAddress, object, more)
	{
		CmigLintTable *table = object->classId == RelationRelationId && object->objectSubId == 0 ?
		cmig_lint_state_find_oid(lint, object->objectId) : NULL;

		if (table && cmig_lint_state_exists(lint, table))
			forget(lint, table, true);
	}
	lint->changed = list_concat(list_concat(lint->changed, objects), more);
}

void
cmig_lint_cascade_contract(CmigLint *lint)
{
	List	   *objects = NIL;

	foreach_ptr(CmigValue, row, cmig_expansion_objects())
	{
		ObjectAddress object;

		if (row[3] != NULL)
			continue;			/* what has a name only is in a version's
								 * schema */
		ObjectAddressSubSet(object, atooid(row[0]), atooid(row[1]), atoi(row[2]));
		objects = add_object(objects, object);
	}
	drop_objects(lint, objects, true);
}

void
cmig_lint_cascade_drop(CmigLint *lint, DropStmt *drop)
{
	bool		cascade = drop->behavior == DROP_CASCADE;
	List	   *objects = NIL;
	CmigLintTable *table;

	foreach_ptr(Node, name, drop->objects)
	{
		objects = add_object(objects, object_of(lint, drop, name, &table));
		if (table)
			forget(lint, table, cascade);
		if (IsA(name, ObjectWithArgs) && drop->removeType != OBJECT_OPERATOR)
			cmig_lint_objects_function(lint, strVal(llast(((ObjectWithArgs *) name)->objname)),
									   true)->created_at = 0;
		foreach_ptr(CmigLintTable, member,
					drop->removeType == OBJECT_SCHEMA ?
					cmig_lint_state_in_schema(lint, strVal(name)) : NIL)
			cmig_lint_state_remove(lint, member);
	}
	drop_objects(lint, objects, cascade);
}

void
cmig_lint_cascade_alter(CmigLint *lint, CmigLintTable *table, const AlterTableCmd *command)
{
	List	   *objects = add_object(NIL, part_of(table, command));

	/* which of the plan's views use the column is not known */
	if (command->subtype == AT_DropColumn && command->behavior == DROP_CASCADE)
		table->users = NIL;
	if (command->subtype == AT_AlterColumnType)
		lint->changed = list_concat(lint->changed, objects);
	else if (command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint)
		drop_objects(lint, objects, command->behavior == DROP_CASCADE);
}

/*
 * cmig.lint rules about dropping, renaming, or changing something that
 * views, policies, or functions use.
 */

/* Add descriptions of objects, and of the plan's views. */
static void
describe(CmigListing *listing, List *objects, List *views)
{
	foreach_ptr(const ObjectAddress, object, objects)
	{
		char	   *text = getObjectDescription(object, true);

		if (text != NULL)
			cmig_listing_add(listing, text);
	}
	foreach_ptr(const CmigLintTable, view, views)
		cmig_listing_add_format(listing, "%s %s",
								view->kind == RELKIND_MATVIEW ? "materialized view" : "view",
								quote_identifier(view->name));
}

/* Report how a DROP affects the objects that depend on the dropped objects. */
static void
report_dropped(CmigLint *lint, const char *dropped, CmigListing *dependents, DropBehavior behavior)
{
	if (dependents->count > 0)
		cmig_lint_report(lint, NULL,
						 behavior == DROP_CASCADE ? "CASCADE also drops what depends on %s: %s" :
						 "dropping %s fails, because it is used by %s", dropped,
						 cmig_listing_text(dependents))->fails = behavior != DROP_CASCADE;
}

/* Implements the rule dependent-objects for ALTER TABLE. */
static void
check_altered(CmigLint *lint, Node *node)
{
	List	   *spared = list_copy(lint->changed);

	foreach_node(AlterTableCmd, command, lint->target ? ((AlterTableStmt *) node)->cmds : NIL)
	{
		const char *name = command->name ? quote_identifier(command->name) : NULL;
		bool		retypes = command->subtype == AT_AlterColumnType;
		List	   *objects;
		List	   *dependents;
		CmigListing listing;
		ListCell   *lc;

		if (!retypes && command->subtype != AT_DropColumn && command->subtype != AT_DropConstraint)
			continue;
		objects = add_object(NIL, part_of(lint->target, command));
		dependents = cmig_dropped_dependents(objects, spared);
		/* a type change creates constraints again */
		foreach(lc, dependents)
		{
			if (retypes && ((ObjectAddress *) lfirst(lc))->classId == ConstraintRelationId)
				dependents = foreach_delete_current(dependents, lc);
		}
		cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
		describe(&listing, dependents, NIL);
		if (!retypes)
			report_dropped(lint,
						   psprintf("%s %s",
									command->subtype == AT_DropColumn ? "column" : "constraint",
									name),
						   &listing, command->behavior);
		else if (listing.count > 0)
			cmig_lint_report(lint, NULL,
							 "changing the type of column %s fails, because it is used by %s",
							 name, cmig_listing_text(&listing))->fails = true;
		spared = list_concat(spared, objects);
	}
}

/* Implements the rule dependent-objects for DROP. */
static void
check_dropped(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	List	   *objects = NIL;
	List	   *tables = NIL;
	List	   *views = NIL;
	CmigListing names;
	CmigListing listing;

	cmig_listing_init(&names, CMIG_LISTING_PLAIN);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(Node, name, drop->removeType == OBJECT_SCHEMA ? NIL : drop->objects)
	{
		CmigLintTable *table;
		ObjectAddress object = object_of(lint, drop, name, &table);
		char	   *text = table ? cmig_lint_text_name(table) :
		OidIsValid(object.objectId) ? getObjectDescription(&object, true) : NULL;

		if (text == NULL)
			continue;
		cmig_listing_add(&names, text);
		objects = add_object(objects, object);
		if (table)
			tables = lappend(tables, table);
	}
	foreach_ptr(const CmigLintTable, each, tables)
		views = list_concat_unique_ptr(views, users_of(lint, each));
	describe(&listing, cmig_dropped_dependents(objects, lint->changed),
			 list_difference_ptr(views, tables));
	report_dropped(lint, cmig_listing_text(&names), &listing, drop->behavior);
}

/*
 * PostgreSQL does not record the objects used by a function whose body is a
 * string.  Such function bodies are searched for identifiers.
 */

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
 * Callback at the end of the plan: do functions still use the dropped or
 * renamed object?  If so, adds these functions to the finding's message.
 */
static bool
is_still_used(CmigLint *lint, const CmigLintDeferred *missing)
{
	const char *column = missing->part;
	static CmigQuery query = {
		.sql = "SELECT DISTINCT tgfoid FROM pg_trigger WHERE tgrelid = $1",
		.argtypes = {OIDOID}
	};
	List	   *triggers;
	CmigLintTable *table = cmig_lint_state_find(lint, missing->name, true);
	CmigListing listing;

	/*
	 * report nothing if the plan has re-created the table or column, or has
	 * renamed it back
	 */
	if (column ? cmig_lint_model_column(table ? table : missing->table, column) != NULL :
		table != NULL)
		return false;
	triggers = cmig_query_oids(&query, missing->table->oid);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigValue, body, read_bodies(lint))
	{
		Oid			oid = atooid(body[0]);
		CmigLintFunction *replaced = cmig_lint_objects_function(lint, body[1], false);
		const char *source = replaced ? replaced->body : body[2];

		ObjectAddress object;

		ObjectAddressSet(object, ProcedureRelationId, oid);
		if (!(replaced ? replaced->created_at == 0 || replaced->created_at >= missing->since :
			  cmig_is_object_in(&object, lint->changed)) && source &&
			cmig_lint_body_uses(source, missing->name, column, list_member_oid(triggers, oid)))
			cmig_listing_add(&listing, format_procedure(oid));
	}
	if (listing.count > 0)
		missing->finding->message = psprintf("%s: %s", missing->finding->message,
											 cmig_listing_text(&listing));
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
											column ? psprintf("column %s of ",
															  quote_identifier(column)) : "",
											cmig_lint_text_name(table), what),
						   true, is_still_used, table,
						   makeRangeVar((char *) table->schema, (char *) table->name, -1), column);
}

/* Implements the rule code-uses-dropped. */
static void
check_code(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;
	DropStmt   *drop = (DropStmt *) node;
	ObjectType	type = IsA(node, DropStmt) ? drop->removeType : rename->renameType;

	if (IsA(node, AlterTableStmt))
	{
		foreach_node(AlterTableCmd, command, ((AlterTableStmt *) node)->cmds)
		{
			if (command->subtype == AT_DropColumn)
				note_missing(lint, lint->target, command->name, "dropped");
		}
	}
	else if (IsA(node, RenameStmt) && type == OBJECT_COLUMN)
		note_missing(lint, lint->target, rename->subname, "renamed");
	else if (type != OBJECT_TABLE && type != OBJECT_VIEW)
		return;
	else if (IsA(node, RenameStmt))
		note_missing(lint, lint->target, NULL, "renamed");
	else
		foreach_ptr(List, name, drop->objects)
			note_missing(lint, cmig_lint_state_find_if(lint, cmig_locks_relation(name), true), NULL,
						 "dropped");
}

const CmigLintRule cmig_lint_dependents[] = {
	{"dependent-objects", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_altered, {T_AlterTableStmt}},
	{"dependent-objects", CMIG_LINT_ERROR, CMIG_LINT_FACTS, check_dropped, {T_DropStmt}},
	{"code-uses-dropped", CMIG_LINT_WARNING, CMIG_LINT_FACTS, check_code,
	{T_RenameStmt, T_DropStmt, T_AlterTableStmt}},
	{NULL}
};
