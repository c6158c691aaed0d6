/*
 * target_extension.c
 *	  Processes extensions and schemas in a target's statements.
 *
 * A PL/pgSQL block with EXCEPTION in the target can roll back changes that
 * are recorded in the shadow's structs, so cmig_target_extension_settle()
 * reads the catalogs again.
 *
 * Extension members are moved between schemas by changing catalog rows, which
 * does not check privileges.  Therefore, this is done only if the current user
 * could do the same with commands: the user must have CREATE on the new schema
 * and, unless the shadow created the old schema, must own the extension.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/base.h"
#include "base/compat.h"
#include "schema/shadow.h"

static CmigExtension *
find_extension(CmigTargetState *state, const char *name)
{
	for (int i = 0; i < state->shadow->nextensions; i++)
		if (strcmp(state->shadow->extensions[i].name, name) == 0)
			return &state->shadow->extensions[i];
	return NULL;
}

/* Does the extension now have its own name instead of the temporary one? */
static bool
is_declared(const CmigExtension *extension)
{
	return get_extension_oid(extension->name, true) == extension->oid;
}

/* Returns the extension's current schema according to pg_extension. */
static Oid
schema_of(const CmigExtension *extension)
{
	static CmigQuery query = {
		.sql = "SELECT extnamespace::text FROM pg_extension WHERE oid = $1",
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(extension->oid);
	char	   *text = NULL;

	cmig_query_each(&query, &value, NULL, cmig_query_keep_text, &text);
	return text == NULL ? InvalidOid : atooid(text);
}

/* Is this one of the empty schemas that replace the live schemas? */
static bool
is_made_by_shadow(const CmigShadow *shadow, Oid schema)
{
	for (int i = 0; i < shadow->count; i++)
		if (get_namespace_oid(shadow->schemas[i].name, true) == schema)
			return true;
	return false;
}

/*
 * Move the extension's members from one schema to another.  If the extension's
 * own schema is "from", change it to "to".
 */
static void
move(CmigTargetState *state, CmigExtension *extension, Oid from, Oid to)
{
	cmig_shadow_members_move(state->shadow->members, extension->oid, from, to);
	if (schema_of(extension) == from)
		cmig_shadow_extension_set_schema(extension, from, to);
}

/*
 * CREATE EXTENSION
 */

/*
 * Returns the schema that the extension's control file names, or NULL if none.
 */
static char *
fixed_schema(const char *name)
{
	static CmigQuery query = {
		.sql = "SELECT schema::text FROM pg_available_extension_versions"
		" WHERE name = $1 AND schema IS NOT NULL LIMIT 1",
		.nargs = 1,.argtypes = {NAMEOID}
	};
	NameData	value;
	Datum		datum;
	char	   *schema = NULL;

	namestrcpy(&value, name);
	datum = NameGetDatum(&value);
	cmig_query_each(&query, &datum, NULL, cmig_query_keep_text, &schema);
	return schema;
}

/*
 * Returns the schema that CREATE EXTENSION without SCHEMA would use: the first
 * schema in search_path.  Returns "from", the extension's current schema, if
 * search_path is empty or the extension's control file names a schema.
 */
static Oid
default_schema(const CmigExtension *extension, Oid from)
{
	List	   *path = fetch_search_path(false);
	Oid			first = path == NIL ? InvalidOid : linitial_oid(path);

	list_free(path);
	if (!OidIsValid(first) || first == from || fixed_schema(extension->name) != NULL)
		return from;
	return first;
}

/* Add a note that an extension stays in its schema. */
static void
note_place(CmigTargetState *state, const CmigExtension *extension, Oid from, const char *why)
{
	cmig_target_note(state, "extension", quote_identifier(extension->name),
					 psprintf("stays in schema \"%s\": %s", get_namespace_name(from), why));
}

/*
 * Move the extension's members to the schema "to" if the current user is
 * allowed to do this.  Otherwise, add a note.
 */
static void
place(CmigTargetState *state, CmigExtension *extension, Oid to)
{
	Oid			from = schema_of(extension);

	if (from == to || !OidIsValid(from))
		return;
	if (!cmig_owns_extension_compat(extension->oid, GetUserId()) &&
		!is_made_by_shadow(state->shadow, from))
		note_place(state, extension, from, "the extension belongs to another role");
	else if (isAnyTempNamespace(to))

		/*
		 * do not move the extension to a temporary schema, because DROP
		 * SCHEMA at the end of the target would then drop the extension's
		 * live objects
		 */
		note_place(state, extension, from, "extensions are not moved to temporary schemas");
	else if (!cmig_may_create_compat(to, GetUserId()))
		note_place(state, extension, from,
				   psprintf("permission denied for schema %s", get_namespace_name(to)));
	else
		move(state, extension, from, to);
}

/*
 * Process CREATE EXTENSION.  Returns true if there is nothing left to create.
 */
static bool
create_extension(CmigTargetState *state, CreateExtensionStmt *create)
{
	CmigExtension *extension = find_extension(state, create->extname);
	ListCell   *cell;
	Oid			to;

	if (extension == NULL)
		/* accept pg_cmig and the extensions that every new database has */
		return OidIsValid(get_extension_oid(create->extname, true));
	if (is_declared(extension))
		return create->if_not_exists;
	/* process CREATE EXTENSION for an installed extension */
	to = InvalidOid;
	cmig_shadow_extension_declare(extension);
	foreach(cell, create->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "schema") == 0)
			to = get_namespace_oid(defGetString(option), false);
		else if (strcmp(option->defname, "new_version") == 0)
			cmig_shadow_extension_set_version(extension, defGetString(option));
	}
	place(state, extension, OidIsValid(to) ? to : default_schema(extension, schema_of(extension)));
	return true;
}

static bool
alter_extension(CmigTargetState *state, AlterExtensionStmt *alter)
{
	CmigExtension *extension = find_extension(state, alter->extname);
	ListCell   *cell;

	if (extension == NULL || !is_declared(extension))
		return strcmp(alter->extname, "pg_cmig") == 0;
	foreach(cell, alter->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "new_version") == 0)
			cmig_shadow_extension_set_version(extension, defGetString(option));
	}
	return true;
}

/* Process ALTER EXTENSION ... ADD or DROP. */
static bool
alter_members(CmigTargetState *state, AlterExtensionContentsStmt *alter)
{
	CmigExtension *extension = find_extension(state, alter->extname);

	if (extension == NULL || !is_declared(extension))
		return strcmp(alter->extname, "pg_cmig") == 0;
	cmig_target_note(state, "extension", quote_identifier(alter->extname),
					 "its members are not changed");
	return true;
}

/* Process ALTER EXTENSION ... SET SCHEMA. */
static bool
set_schema(CmigTargetState *state, AlterObjectSchemaStmt *alter)
{
	CmigExtension *extension;

	if (alter->objectType != OBJECT_EXTENSION)
		return false;
	extension = find_extension(state, strVal(alter->object));
	if (extension == NULL || !is_declared(extension))
		return strcmp(strVal(alter->object), "pg_cmig") == 0;
	place(state, extension, get_namespace_oid(alter->newschema, false));
	return true;
}

/*
 * Process DROP EXTENSION.  Hides again the installed extensions that the
 * statement names.  Returns true if it names no other extensions.
 */
static bool
drop_extensions(CmigTargetState *state, DropStmt *drop)
{
	ListCell   *cell;
	bool		others = false;

	if (drop->removeType != OBJECT_EXTENSION)
		return false;
	foreach(cell, drop->objects)
	{
		CmigExtension *extension = find_extension(state, strVal(lfirst(cell)));

		if (extension != NULL && is_declared(extension))
			cmig_shadow_extension_hide(extension);
		else if (strcmp(strVal(lfirst(cell)), "pg_cmig") == 0)
			cmig_target_leave_out(state, "DROP EXTENSION pg_cmig");
		else
			others = true;
	}
	return !others;
}

/*
 * Process COMMENT ON EXTENSION, which pg_dump writes for each extension,
 * regardless of its owner.
 */
static bool
comment_on(CmigTargetState *state, CommentStmt *comment)
{
	CmigExtension *extension;
	char	   *before;

	if (comment->objtype != OBJECT_EXTENSION)
		return false;
	extension = find_extension(state, strVal(comment->object));
	if (extension == NULL)
	{
		Oid			oid = get_extension_oid(strVal(comment->object), true);

		return OidIsValid(oid) && oid < FirstNormalObjectId ? true :
			strcmp(strVal(comment->object), "pg_cmig") == 0;
	}
	if (!is_declared(extension) || cmig_owns_extension_compat(extension->oid, GetUserId()))
		return false;
	before = GetComment(extension->oid, ExtensionRelationId, 0);
	if (before == NULL ? comment->comment != NULL :
		comment->comment == NULL || strcmp(before, comment->comment) != 0)
		cmig_target_note(state, "comment",
						 psprintf("extension %s", quote_identifier(extension->name)),
						 psprintf("must be owner of extension %s", extension->name));
	return true;
}

bool
cmig_target_extension_run(CmigTargetState *state, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateExtensionStmt:
			return create_extension(state, (CreateExtensionStmt *) statement);
		case T_AlterExtensionStmt:
			return alter_extension(state, (AlterExtensionStmt *) statement);
		case T_AlterExtensionContentsStmt:
			return alter_members(state, (AlterExtensionContentsStmt *) statement);
		case T_AlterObjectSchemaStmt:
			return set_schema(state, (AlterObjectSchemaStmt *) statement);
		case T_DropStmt:
			return drop_extensions(state, (DropStmt *) statement);
		case T_CommentStmt:
			return comment_on(state, (CommentStmt *) statement);
		default:
			return false;
	}
}

/*
 * An extension that is not installed
 */

/*
 * Show the extensions that the target has not created, because PostgreSQL
 * looks up required extensions by name.
 */
void
cmig_target_extension_begin(CmigTargetState *state)
{
	for (int i = 0; i < state->shadow->nextensions; i++)
	{
		CmigExtension *extension = &state->shadow->extensions[i];

		extension->declared = is_declared(extension);
		if (!extension->declared)
		{
			cmig_shadow_extension_declare(extension);
			extension->declared = false;
		}
	}
}

/* Does the extension called "name" require "extension"? */
static bool
is_needed_by(const CmigExtension *extension, const char *name)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE n(oid) AS (SELECT oid FROM pg_extension WHERE extname = $2"
		" UNION SELECT d.refobjid FROM n JOIN pg_depend d ON d.classid = 'pg_extension'::regclass"
		" AND d.objid = n.oid AND d.refclassid = 'pg_extension'::regclass)"
		" SELECT FROM n WHERE oid = $1",
		.nargs = 2,.argtypes = {OIDOID, NAMEOID}
	};
	NameData	value;
	Datum		values[2];

	namestrcpy(&value, name);
	values[0] = ObjectIdGetDatum(extension->oid);
	values[1] = NameGetDatum(&value);
	return cmig_query_run(&query, values, NULL) > 0;
}

void
cmig_target_extension_end(CmigTargetState *state, const char *name)
{
	for (int i = 0; i < state->shadow->nextensions; i++)
	{
		CmigExtension *extension = &state->shadow->extensions[i];

		if (!extension->declared && !is_needed_by(extension, name))
			cmig_shadow_extension_hide(extension);
	}
}

/*
 * Schemas
 */

/* Does the schema contain anything that is not a member of an extension? */
static bool
is_in_use(Oid schema)
{
	static CmigQuery query = {
		.sql = "SELECT FROM pg_depend n WHERE n.refclassid = 'pg_namespace'::regclass"
		" AND n.refobjid = $1 AND NOT EXISTS (SELECT FROM pg_depend e"
		" WHERE e.classid = n.classid AND e.objid = n.objid AND e.deptype = 'e')"
		" AND n.classid <> 'pg_extension'::regclass LIMIT 1",
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(schema);

	return cmig_query_run(&query, &value, NULL) > 0;
}

bool
cmig_target_schema_create(CmigTargetState *state, Node *statement)
{
	CreateSchemaStmt *create = (CreateSchemaStmt *) statement;
	const char *name = create->schemaname != NULL ? create->schemaname :
	create->authrole->rolename;
	CmigShadowSchema *schema = name == NULL ? NULL : cmig_shadow_find(state->shadow, name);
	Oid			oid = schema == NULL ? InvalidOid : get_namespace_oid(name, true);

	if (!OidIsValid(oid) || schema->created)
		return false;

	/*
	 * keep the existing schema if it is public, which every new database has,
	 * or if it cannot be replaced
	 */
	schema->created = true;
	if (strcmp(name, "public") == 0 || is_in_use(oid) ||
		!cmig_may_create_schema_compat(GetUserId()))
		return create->schemaElts == NIL;

	/*
	 * give the empty schema another name, so that PostgreSQL creates a new
	 * one without privileges or a comment
	 */
	cmig_shadow_rows_rename(NamespaceRelationId, oid, Anum_pg_namespace_nspname,
							cmig_shadow_hidden_name(oid));
	CommandCounterIncrement();
	schema->shadow = oid;
	return false;
}

void
cmig_target_schema_created(CmigTargetState *state, Node *statement)
{
	CreateSchemaStmt *create = (CreateSchemaStmt *) statement;
	const char *name = create->schemaname != NULL ? create->schemaname :
	create->authrole->rolename;
	CmigShadowSchema *schema = name == NULL ? NULL : cmig_shadow_find(state->shadow, name);
	Oid			oid = schema == NULL ? InvalidOid : get_namespace_oid(name, true);

	if (!OidIsValid(oid) || oid == schema->shadow)
		return;
	for (int i = 0; i < state->shadow->nextensions; i++)
	{
		move(state, &state->shadow->extensions[i], schema->shadow, oid);
		move(state, &state->shadow->extensions[i], schema->live, oid);
	}
	cmig_shadow_rows_delete(NamespaceRelationId, schema->shadow);
	CommandCounterIncrement();
	schema->shadow = oid;
	schema->created = true;
}

Node *
cmig_target_schema_drop(CmigTargetState *state, Node *statement)
{
	DropStmt   *drop = (DropStmt *) statement;
	ListCell   *cell;
	List	   *kept = NIL;

	foreach(cell, drop->objects)
	{
		Oid			oid = get_namespace_oid(strVal(lfirst(cell)), true);

		if (OidIsValid(oid) && cmig_shadow_is_live_schema(state->shadow, oid))
			continue;
		if (OidIsValid(oid) && cmig_owns_schema_compat(oid, GetUserId()))
		{
			/*
			 * move extension members out of a schema that is about to be
			 * dropped
			 */
			for (int i = 0; i < state->shadow->nextensions; i++)
			{
				CmigExtension *extension = &state->shadow->extensions[i];
				bool		was_here = schema_of(extension) == oid;

				move(state, extension, oid, extension->schema);
				if (was_here && is_declared(extension))
					cmig_shadow_extension_hide(extension);
			}
		}
		kept = lappend(kept, lfirst(cell));
	}
	if (list_length(kept) == list_length(drop->objects))
		return statement;
	if (kept == NIL)
		return NULL;
	drop = copyObject(drop);
	drop->objects = copyObject(kept);
	return (Node *) drop;
}

/* Do the target's objects depend on the extension's members? */
static bool
is_used(const CmigExtension *extension)
{
	static CmigQuery query = {
		.sql = "WITH m AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = $1 AND deptype = 'e')"
		" SELECT true FROM (SELECT * FROM m UNION ALL SELECT m.classid, t.typarray FROM m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid) m"
		" JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype = 'n'"
		" CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i WHERE true"
		" AND age(d.xmin) <= age($2) AND d.classid <> ALL ('{pg_amop,pg_amproc}'::regclass[]) AND i.identity !~ '\\mcmig_away_[0-9]'"
		" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e') LIMIT 1",
		.nargs = 2,.argtypes = {OIDOID, XIDOID}
	};
	Datum		values[2];

	/* consider only rows that were inserted in the shadow */
	values[0] = ObjectIdGetDatum(extension->oid);
	values[1] = TransactionIdGetDatum(GetCurrentTransactionId());
	return cmig_query_run(&query, values, NULL) > 0;
}

void
cmig_target_extension_settle(CmigTargetState *state)
{
	for (int i = 0; i < state->shadow->nextensions; i++)
	{
		CmigExtension *extension = &state->shadow->extensions[i];

		extension->declared = is_declared(extension);
		if (!extension->declared && OidIsValid(extension->schema))
		{
			/*
			 * if the target uses an extension that it does not create, show
			 * the extension, and issue a NOTICE
			 */
			if (is_used(extension))
			{
				cmig_shadow_extension_declare(extension);
				ereport(NOTICE,
						(errmsg("the target uses extension \"%s\", but does not create it", extension->name),
						 errhint("Add it to the target: CREATE EXTENSION %s", quote_identifier(extension->name))));
			}
		}
	}
	for (int i = 0; i < state->shadow->count; i++)
		state->shadow->schemas[i].shadow =
			get_namespace_oid(state->shadow->schemas[i].name, true);
}
