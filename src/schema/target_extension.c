/*
 * target_extension.c
 *	  Extensions and schemas while a target runs.
 *
 * Extension scripts can run with privileges that the caller does not have, so
 * extensions are not re-created in the shadow.  Instead, the name of an
 * installed extension is hidden until the target creates the extension, and its
 * members are moved to another schema by changing catalog rows.  This does not
 * check privileges.  Therefore, a target's statement moves members only if the
 * current user could do the same with commands: the user must have CREATE on
 * the new schema and, unless the shadow created the old schema, must own the
 * extension.
 *
 * A PL/pgSQL block with EXCEPTION in the target can roll back changes that
 * are recorded in the shadow's structs, so cmig_target_extension_settle()
 * reads the catalogs again.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "schema/internal.h"

/*
 * Move an object, or the extensions in the schema and their members, together
 * with what belongs to them: row types, array types, constraints, indexes, and
 * owned sequences.
 */
static void
move(Oid catalog, Oid moved, Oid from, Oid to)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE m(classid, objid) AS ("
		/* not by a join, for which all objects of the schema could be read */
		"SELECT d.classid, d.objid FROM pg_depend d WHERE $3 = 'pg_extension'::regclass"
		" AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = ANY (ARRAY("
		"  SELECT e.oid FROM pg_extension e WHERE $2 IN (0, e.oid) AND e.extname <> 'pg_cmig'))"
		" AND (SELECT n.refobjid FROM pg_depend n WHERE n.classid = d.classid AND n.objid = d.objid"
		"  AND n.refclassid = 'pg_namespace'::regclass LIMIT 1) = $1"
		" UNION SELECT $3, $2 WHERE $3 <> 'pg_extension'::regclass"
		" UNION "
		"SELECT d.classid, d.objid FROM m"
		" JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid"
		" LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid"
		" WHERE d.deptype = 'i' AND d.classid <> 'pg_extension'::regclass"
		" OR d.deptype = 'a' AND (d.classid = 'pg_constraint'::regclass OR c.relkind IN ('i', 'I', 'S')))"
		" SELECT classid, objid FROM m"
		" UNION ALL SELECT 'pg_extension'::regclass::oid, oid FROM pg_extension"
		" WHERE extnamespace = $1 AND $2 IN (0, oid) AND $3 = 'pg_extension'::regclass",
		.argtypes = {OIDOID, OIDOID, OIDOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query, from, moved, catalog))
	{
		Oid			object = atooid(row[1]);
		AttrNumber	column = Anum_pg_extension_extnamespace;

		catalog = atooid(row[0]);
		if (catalog != ExtensionRelationId)
		{
			if (cmig_shadow_rows_schema(catalog, object) != from)
				continue;
			column = get_object_attnum_namespace(catalog);
		}
		cmig_shadow_rows_set(catalog, object, column, ObjectIdGetDatum(to));
		(void) changeDependencyFor(catalog, object, NamespaceRelationId, from, to);
	}
	CommandCounterIncrement();
}

void
cmig_shadow_extension_move(Oid extension, Oid from, Oid to)
{
	move(ExtensionRelationId, extension, from, to);
}

void
cmig_shadow_object_move(Oid catalog, Oid object, Oid to)
{
	move(catalog, object, cmig_shadow_rows_schema(catalog, object), to);
}

/* Show the extension's name, or hide it. */
static void
set_declared(CmigExtension *extension, bool declared)
{
	cmig_shadow_rows_rename(ExtensionRelationId, extension->oid, Anum_pg_extension_extname,
							declared ? extension->name : cmig_shadow_hidden_name(extension->oid));
	CommandCounterIncrement();
}

/*
 * A target has to create all extensions except pg_cmig and those that every new
 * database has.
 */
void
cmig_shadow_extension_hide(CmigShadow *shadow)
{
	static CmigQuery query = {
		"SELECT oid, extname::text, extnamespace FROM pg_extension WHERE oid >= 16384"
		" AND extname <> 'pg_cmig'"
		" AND (NOT $1 OR extnamespace::regnamespace::text ~ '^cmig_away_') ORDER BY 1", {BOOLOID}
	};

	StaticAssertStmt(FirstNormalObjectId == 16384, "as in the query");
	/* a scope's revisions find the extensions of the database */
	foreach_ptr(CmigValue, row, cmig_query_list(&query, cmig_scope_is_set()))
	{
		CmigExtension *extension = palloc0(sizeof(CmigExtension));

		extension->oid = atooid(row[0]);
		extension->name = row[1];
		extension->schema = atooid(row[2]);
		shadow->extensions = lappend(shadow->extensions, extension);
	}
	for (int i = 0; i < shadow->count; i++)
		cmig_shadow_extension_move(InvalidOid, shadow->schemas[i].live, shadow->schemas[i].shadow);
	foreach_ptr(CmigExtension, each, shadow->extensions)
		set_declared(each, false);
}

Oid
cmig_shadow_extension_schema(Oid extension)
{
	static CmigQuery query = {
		.sql = "SELECT extnamespace::text FROM pg_extension WHERE oid = $1",
		.argtypes = {OIDOID}
	};
	char	   *text = cmig_query_value(&query, extension);

	return text == NULL ? InvalidOid : atooid(text);
}

static void
set_version(const CmigExtension *extension, DefElem *version)
{
	cmig_shadow_rows_set(ExtensionRelationId, extension->oid, Anum_pg_extension_extversion,
						 CStringGetTextDatum(defGetString(version)));
	CommandCounterIncrement();
}

static CmigExtension *
find_extension(CmigTargetState *state, const char *name)
{
	foreach_ptr(CmigExtension, extension, state->shadow->extensions)
	{
		if (strcmp(extension->name, name) == 0)
			return extension;
	}
	return NULL;
}

/* Does the extension now have its own name instead of the temporary one? */
static bool
is_declared(const CmigExtension *extension)
{
	return get_extension_oid(extension->name, true) == extension->oid;
}

/*
 * Move the extension's members to the schema "to" if the current user is
 * allowed to do this.  Otherwise, add a note.
 */
static void
place(CmigTargetState *state, CmigExtension *extension, Oid to)
{
	Oid			from = cmig_shadow_extension_schema(extension->oid);
	bool		may_leave = cmig_owns_compat(ExtensionRelationId, extension->oid, GetUserId());
	const char *why;

	if (from == to || !OidIsValid(from))
		return;
	for (int i = 0; i < state->shadow->count && !may_leave; i++)
		may_leave = get_namespace_oid(state->shadow->schemas[i].name, true) == from;
	if (!may_leave)
		why = "the extension belongs to another role";
	else if (isAnyTempNamespace(to))

		/*
		 * do not move the extension to a temporary schema, because DROP
		 * SCHEMA at the end of the target would then drop the extension's
		 * live objects
		 */
		why = "extensions are not moved to temporary schemas";
	else if (!cmig_may_compat(NamespaceRelationId, to, GetUserId(), ACL_CREATE))
		why = psprintf("permission denied for schema %s", get_namespace_name(to));
	else
	{
		cmig_shadow_extension_move(extension->oid, from, to);
		return;
	}
	cmig_target_note(state, "extension", quote_identifier(extension->name),
					 psprintf("stays in schema \"%s\": %s", get_namespace_name(from), why));
}

/*
 * Process CREATE EXTENSION for an installed extension.  Without SCHEMA, the
 * extension is moved to the first schema in search_path, unless its control
 * file names a schema.
 */
static void
create_extension(CmigTargetState *state, CmigExtension *extension, CreateExtensionStmt *create)
{
	static CmigQuery query = {
		.sql = "SELECT FROM pg_available_extension_versions WHERE name = $1::name AND schema IS NOT NULL LIMIT 1",
		.argtypes = {TEXTOID}
	};
	List	   *path;
	Oid			to = InvalidOid;

	set_declared(extension, true);
	foreach_node(DefElem, option, create->options)
	{
		if (strcmp(option->defname, "schema") == 0)
			to = get_namespace_oid(defGetString(option), false);
		else if (strcmp(option->defname, "new_version") == 0)
			set_version(extension, option);
	}
	if (!OidIsValid(to))
	{
		path = fetch_search_path(false);
		if (path == NIL || cmig_query_do(&query, create->extname) > 0)
			return;
		to = linitial_oid(path);
	}
	place(state, extension, to);
}

/*
 * Do the target's objects, whose rows were inserted in the shadow or in the
 * transaction "since", depend on the extension's members?
 */
static bool
is_used(const CmigExtension *extension, TransactionId since)
{
	static CmigQuery query = {
		.sql = "WITH m AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = $1 AND deptype = 'e')"
		" SELECT true FROM (SELECT * FROM m UNION ALL SELECT m.classid, t.typarray FROM m"
		" JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid) m"
		" JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype = 'n'"
		" CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i WHERE true"
		" AND age(d.xmin) <= age($2) AND d.classid <> ALL ('{pg_amop,pg_amproc}'::regclass[])"
		" AND i.identity !~ '\\mcmig_away_[0-9]'"
		" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid"
		" AND e.deptype = 'e') LIMIT 1",
		.argtypes = {OIDOID, XIDOID}
	};
	Datum		values[2];

	/* consider only rows that were inserted in the shadow */
	values[0] = ObjectIdGetDatum(extension->oid);
	values[1] = TransactionIdGetDatum(since);
	return cmig_query_run(&query, values, NULL) > 0;
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

	foreach(cell, drop->objects)
	{
		CmigExtension *extension = find_extension(state, strVal(lfirst(cell)));

		if (extension != NULL && is_declared(extension) && drop->behavior == DROP_RESTRICT &&
			is_used(extension, state->shadow->xid))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop extension %s because other objects depend on it",
							strVal(lfirst(cell))),
					 errhint("Drop these objects first.")));
		if (extension != NULL && is_declared(extension))
			set_declared(extension, false);
		else if (strcmp(strVal(lfirst(cell)), "pg_cmig") == 0)
			cmig_target_leave_out(state, "DROP EXTENSION pg_cmig");
		else
			others = true;
	}
	return !others;
}

/* Raise the server's error if the extension cannot be updated to the version that the statement names. */
static void
require_update_path(const char *name, const AlterExtensionStmt *statement)
{
	static CmigQuery query = {
		.sql = "SELECT e.extversion FROM pg_extension e WHERE e.extname = $1 AND e.extversion <> $2"
		" AND NOT EXISTS (SELECT FROM pg_extension_update_paths(e.extname) p"
		" WHERE p.source = e.extversion AND p.target = $2 AND p.path IS NOT NULL)",
		.argtypes = {TEXTOID, TEXTOID}
	};

	foreach_node(DefElem, option, statement->options)
	{
		Datum		values[2] = {CStringGetTextDatum(name)};

		if (strcmp(option->defname, "new_version") != 0)
			continue;
		values[1] = CStringGetTextDatum(defGetString(option));
		foreach_ptr(CmigValue, row, cmig_query_texts(&query, values, NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("extension \"%s\" has no update path from version \"%s\" to version \"%s\"", name, row[0], defGetString(option))));
	}
}

bool
cmig_target_extension_run(CmigTargetState *state, Node *statement)
{
	CmigSubject subject;
	CmigExtension *extension;
	const char *name;
	const char *comment;
	const char *before;
	Oid			oid;
	ListCell   *cell;

	if (!cmig_target_subject(statement, &subject) || subject.type != OBJECT_EXTENSION)
		return false;
	if (IsA(statement, DropStmt))
		return drop_extensions(state, (DropStmt *) statement);
	name = strVal(subject.object);
	oid = get_extension_oid(name, true);
	extension = find_extension(state, name);
	if (IsA(statement, CreateExtensionStmt))
	{
		/* accept pg_cmig and the extensions that every new database has */
		if (extension == NULL)
			return OidIsValid(oid);
		if (is_declared(extension))
			return ((CreateExtensionStmt *) statement)->if_not_exists;
		create_extension(state, extension, (CreateExtensionStmt *) statement);
		return true;
	}
	if (state->exact && IsA(statement, AlterExtensionStmt))
		require_update_path(name, (AlterExtensionStmt *) statement);
	if (extension == NULL || !is_declared(extension))
		return strcmp(name, "pg_cmig") == 0 ||
			(IsA(statement, CommentStmt) && OidIsValid(oid) && oid < FirstNormalObjectId);
	switch (nodeTag(statement))
	{
		case T_AlterExtensionStmt:
			foreach(cell, ((AlterExtensionStmt *) statement)->options)
			{
				if (strcmp(lfirst_node(DefElem, cell)->defname, "new_version") == 0)
					set_version(extension, lfirst(cell));
			}
			return true;
		case T_AlterExtensionContentsStmt:
			cmig_target_note(state, "extension", quote_identifier(name),
							 "its members are not changed");
			return true;
		case T_AlterObjectSchemaStmt:
			place(state, extension,
				  get_namespace_oid(((AlterObjectSchemaStmt *) statement)->newschema, false));
			return true;
		case T_CommentStmt:
			/* pg_dump writes it for each extension, regardless of its owner */
			if (cmig_owns_compat(ExtensionRelationId, extension->oid, GetUserId()))
				return false;
			before = GetComment(extension->oid, ExtensionRelationId, 0);
			comment = ((CommentStmt *) statement)->comment;
			if (!cmig_text_same(before, comment))
				cmig_target_note(state, "comment", psprintf("extension %s", quote_identifier(name)),
								 psprintf("must be owner of extension %s", name));
			return true;
		default:
			return false;
	}
}

void
cmig_target_extension_begin(CmigTargetState *state)
{
	foreach_ptr(CmigExtension, extension, state->shadow->extensions)
	{
		extension->declared = is_declared(extension);
		if (!extension->declared)
			set_declared(extension, true);
	}
}

/* Hide the extensions again, except those that the new one requires. */
void
cmig_target_extension_end(CmigTargetState *state, const char *name)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE n(oid) AS (SELECT $2 UNION"
		" SELECT d.refobjid FROM n JOIN pg_depend d ON d.classid = 'pg_extension'::regclass"
		" AND d.objid = n.oid AND d.refclassid = 'pg_extension'::regclass)"
		" SELECT FROM n WHERE oid = $1",
		.argtypes = {OIDOID, OIDOID}
	};

	foreach_ptr(CmigExtension, extension, state->shadow->extensions)
	{
		if (!extension->declared &&
			cmig_query_do(&query, extension->oid, get_extension_oid(name, true)) == 0)
			set_declared(extension, false);
	}
}

/*
 * Returns the entry of a schema that the shadow has created, or NULL.  Sets
 * *oid to the schema that now has its name.
 */
static CmigShadowSchema *
find_schema(CmigTargetState *state, const Node *statement, Oid *oid)
{
	const char *name = cmig_target_created_schema(statement);
	CmigShadowSchema *schema = cmig_shadow_find(state->shadow, name);

	*oid = get_namespace_oid(name, true);
	return OidIsValid(*oid) ? schema : NULL;
}

bool
cmig_target_schema_create(CmigTargetState *state, Node *statement)
{
	Oid			oid;
	CmigShadowSchema *schema = find_schema(state, statement, &oid);
	bool		plain = IsA(statement, CreateSchemaStmt) &&
	((CreateSchemaStmt *) statement)->schemaElts == NIL;

	if (schema == NULL || schema->created)
		return false;

	/*
	 * keep the existing schema if it is public, which every new database has,
	 * or if it cannot be replaced
	 */
	schema->created = true;
	if (strcmp(schema->name, "public") == 0 || cmig_shadow_is_in_use(oid, false) ||
		!cmig_may_compat(DatabaseRelationId, MyDatabaseId, GetUserId(), ACL_CREATE))
	{
		if (plain)
			cmig_distribution_record_schema(oid);
		return plain;
	}

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
	Oid			oid;
	CmigShadowSchema *schema = find_schema(state, statement, &oid);

	if (IsA(statement, CreateSchemaStmt))
		cmig_distribution_record_schema(oid);
	/* it may have had another name */
	for (int i = 0; i < state->shadow->count; i++)
		if (state->shadow->schemas[i].shadow == oid && &state->shadow->schemas[i] != schema)
			state->shadow->schemas[i].shadow = InvalidOid;
	if (schema == NULL || oid == schema->shadow)
		return;
	cmig_shadow_extension_move(InvalidOid, schema->live, oid);
	if (OidIsValid(schema->shadow))
	{
		cmig_shadow_extension_move(InvalidOid, schema->shadow, oid);
		cmig_shadow_rows_delete(NamespaceRelationId, schema->shadow);
	}
	CommandCounterIncrement();
	schema->shadow = oid;
	schema->created = true;
}

Node *
cmig_target_schema_drop(CmigTargetState *state, Node *statement)
{
	DropStmt   *drop = (DropStmt *) copyObject(statement);
	ListCell   *cell;

	foreach(cell, drop->objects)
	{
		Oid			oid = get_namespace_oid(strVal(lfirst(cell)), true);

		if (OidIsValid(oid) && cmig_shadow_is_live_schema(state->shadow, oid))
			drop->objects = foreach_delete_current(drop->objects, cell);
		else if (OidIsValid(oid) && cmig_owns_compat(NamespaceRelationId, oid, GetUserId()))
		{
			foreach_ptr(CmigExtension, extension, state->shadow->extensions)
			{
				bool		was_here = cmig_shadow_extension_schema(extension->oid) == oid;

				cmig_shadow_extension_move(extension->oid, oid, extension->schema);
				if (was_here && is_declared(extension))
					set_declared(extension, false);
			}
		}
	}
	return drop->objects == NIL ? NULL : (Node *) drop;
}

void
cmig_target_extension_settle(CmigTargetState *state)
{
	foreach_ptr(CmigExtension, extension, state->shadow->extensions)
	{
		bool		compared = state->shadow->managed->all;

		if (is_declared(extension) || !is_used(extension, GetCurrentTransactionId()))
			continue;
		set_declared(extension, true);
		for (int i = 0; i < state->shadow->count; i++)
			compared |= state->shadow->schemas[i].live == extension->schema;
		if (!compared)
			continue;
		ereport(NOTICE,
				(errmsg("the target uses extension \"%s\", but does not create it",
						extension->name),
				 errhint("Add it to the target: CREATE EXTENSION %s",
						 quote_identifier(extension->name))));
	}
	for (int i = 0; i < state->shadow->count; i++)
		state->shadow->schemas[i].shadow =
			get_namespace_oid(state->shadow->schemas[i].name, true);
}
