/*
 * others.c
 *	  Objects that a difference must not change, or that prevent it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/scansup.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "parse/parse.h"
#include "schema/internal.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Moves extensions to the schemas that they have in the target, and keeps
 * those that no revision has created.
 *
 * Extensions are moved before anything else is compared, because other
 * objects' definitions contain the schemas of the extensions' types and
 * functions.
 * ----------------------------------------------------------------
 */

/* Returns the extension's schema in the target, or NULL if it need not move. */
static const char *
new_schema(const CmigObject *extension, const CmigImage *to)
{
	const CmigObject *other = extension->kind != &cmig_kind_extension ? NULL :
	cmig_image_lookup(to, extension->kind, extension->identity);

	if (other == NULL || extension->values[CMIG_EXTENSION_RELOCATABLE] == NULL ||
		strcmp(extension->values[CMIG_EXTENSION_SCHEMA], other->values[CMIG_EXTENSION_SCHEMA]) == 0)
		return NULL;
	return other->values[CMIG_EXTENSION_SCHEMA];
}

bool
cmig_extension_move_needed(const CmigImage *from, const CmigImage *to)
{
	for (int i = 0; i < from->count; i++)
		if (new_schema(from->objects[i], to) != NULL)
			return true;
	return false;
}

/*
 * Returns the schema with this quoted name.  If it is missing, creates it, and
 * adds it to *managed.
 */
static Oid
find_schema(const CmigManaged **managed, const CmigImage *to, const char *quoted, List **lines)
{
	char	   *name = strVal(linitial(textToQualifiedNameList(cstring_to_text(quoted))));
	Oid			oid = get_namespace_oid(name, true);
	CmigDiffLine row = {"create", cmig_kind_schema.name, quoted};

	if (OidIsValid(oid))
		return oid;
	oid = NamespaceCreate(name, GetUserId(), false);
	CommandCounterIncrement();
	*managed = cmig_managed_with(*managed, name, oid);
	row.subject = cmig_image_lookup(to, &cmig_kind_schema, quoted);
	row.upgrade = psprintf("CREATE SCHEMA %s", quoted);
	row.downgrade = psprintf("DROP SCHEMA %s", quoted);
	cmig_diff_line_add(&row, lines);
	return oid;
}

/*
 * Move the extensions in the catalogs, in a subtransaction that the caller
 * rolls back, and append the statements to *lines.  Schemas that do not exist
 * are created.  Returns the schemas to read afterwards.
 */
const CmigManaged *
cmig_extension_move(const CmigManaged *managed, const CmigImage *from, const CmigImage *to, List **lines)
{
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		const char *schema = new_schema(object, to);
		CmigDiffLine row = {"alter", object->kind->name, object->identity,.subject = object};
		Oid			extension = object->address.object;

		if (schema == NULL)
			continue;
		cmig_shadow_extension_move(extension, cmig_shadow_extension_schema(extension), find_schema(&managed, to, schema, lines));
		row.upgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, schema);
		row.downgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, object->values[CMIG_EXTENSION_SCHEMA]);
		cmig_diff_line_add(&row, lines);
	}
	CommandCounterIncrement();
	return managed;
}

/*
 * Mark the updates of extensions whose downgrade is not possible, because the
 * server has no update path back to the old version.
 */
void
cmig_extension_check_updates(const CmigDifference *difference)
{
	static CmigQuery path_back = {
		.sql = "SELECT FROM pg_extension_update_paths($1::name) WHERE source = $2 AND target = $3 AND path IS NOT NULL",
		.nargs = 3,.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const char *old,
				   *new;
		Datum		values[3];
		ListCell   *cell;

		if (change->action != CMIG_ALTER || change->to == NULL || change->to->kind != &cmig_kind_extension)
			continue;
		old = change->from->values[CMIG_EXTENSION_VERSION];
		new = change->to->values[CMIG_EXTENSION_VERSION];
		values[0] = CStringGetTextDatum(change->from->name);
		values[1] = CStringGetTextDatum(new);
		values[2] = CStringGetTextDatum(old);
		if (strcmp(old, new) == 0 || cmig_query_run(&path_back, values, NULL) > 0)
			continue;
		foreach(cell, change->ddl)
		{
			CmigDdl    *ddl = lfirst(cell);

			if (ddl->undo == NULL || strstr(ddl->undo, " UPDATE TO ") == NULL)
				continue;
			ddl->undo = NULL;
			ddl->hazard = psprintf("cannot be reverted: extension %s has no update path from version %s back to %s",
								   change->from->identity, new, old);
		}
	}
}

/*
 * Append the names of the extensions that the SQL creates, and those that SQL
 * in its strings would create.
 */
static void
find_created(const char *sql, List **names)
{
	CmigLexer	lexer;
	int			found = 0;		/* 1 after CREATE, 2 after EXTENSION */

	if (strcasestr(sql, "extension") == NULL)
		return;
	cmig_lexer_init(&lexer, sql);
	lexer.standard_conforming_strings = true;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR)
		{
			const char *from = strchr(lexer.start + 1, *lexer.start == '$' ? '$' : '\'');

			if (*lexer.start == '\'')
				from = lexer.start;
			if (from != NULL && from < lexer.next)
				find_created(pnstrdup(from + 1, lexer.next - from - 1), names);
			found = 0;
		}
		else if (cmig_lexer_is_word(&lexer, "create"))
			found = 1;
		else if (found == 1)
			found = cmig_lexer_is_word(&lexer, "extension") ? 2 : 0;
		else if (found == 2 && !cmig_lexer_is_word(&lexer, "if") && !cmig_lexer_is_word(&lexer, "not") &&
				 !cmig_lexer_is_word(&lexer, "exists"))
		{
			int			length = lexer.next - lexer.start;

			if (lexer.type == CMIG_TOKEN_QUOTED && *lexer.start == '"')
				*names = lappend(*names, pnstrdup(lexer.start + 1, length - 2));
			else if (lexer.type == CMIG_TOKEN_WORD)
				*names = lappend(*names, downcase_truncate_identifier(lexer.start, length, false));
			found = 0;
		}
	}
}

/* A CmigRevisionTextCallback: find the extensions that the revision creates. */
static void
find_created_by(const CmigRevisionText *text, void *arg)
{
	find_created(text->upgrade_sql, arg);
}

/*
 * Returns the names of the extensions that applied revisions have created.
 * Scripts are only searched for CREATE EXTENSION, also in the bodies of
 * functions and DO blocks.
 */
List *
cmig_extension_created(const CmigSituation *now)
{
	List	   *created = NIL;
	CmigNames	applied = {0};

	applied.names = palloc(sizeof(char *) * Max(now->graph->count, 1));
	for (int i = 0; i < now->graph->count; i++)
		if (now->applied->applied->set[i])
			applied.names[applied.count++] = (char *) now->graph->nodes[i].revision->id;
	cmig_catalog_each_text(&applied, find_created_by, &created);
	return created;
}

/* Issue a NOTICE about extensions that no applied revision has created. */
void
cmig_extension_tell_kept(List *names)
{
	CmigListing listing;
	ListCell   *cell;

	if (names == NIL)
		return;
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(cell, names)
		cmig_listing_add(&listing, quote_identifier(lfirst(cell)));
	ereport(NOTICE,
			(errmsg_plural("an extension that no applied revision has created was left unchanged: %s",
						   "extensions that no applied revision has created were left unchanged: %s",
						   list_length(names), cmig_listing_text(&listing)),
			 errhint("To create or drop an extension in all databases, put CREATE EXTENSION IF NOT EXISTS or DROP EXTENSION IF EXISTS into a revision.")));
}

/*
 * Add to "target" the extensions that only "live" contains and that no applied
 * revision has created, and their schemas.
 */
void
cmig_extension_keep(const CmigImage *live, CmigImage *target)
{
	bool	   *kept = palloc0(sizeof(bool) * Max(live->count, 1));
	List	   *candidates = NIL;
	List	   *created;
	List	   *names = NIL;
	ListCell   *cell;
	CmigSituation now;

	for (int i = 0; i < live->count; i++)
		if (live->objects[i]->kind == &cmig_kind_extension && !live->objects[i]->foreign &&
			cmig_image_lookup(target, &cmig_kind_extension, live->objects[i]->identity) == NULL)
			candidates = lappend(candidates, live->objects[i]);
	if (candidates == NIL)
		return;
	now = cmig_move_read(false);
	created = cmig_extension_created(&now);
	foreach(cell, candidates)
	{
		const CmigObject *object = lfirst(cell);

		if (cmig_text_list_has(created, object->name))
			continue;
		names = lappend(names, object->name);
		kept[object->index] = true;

		for (int j = 0; j < object->ndepends; j++)
			kept[object->depends[j]->index] |= object->depends[j]->kind == &cmig_kind_schema;
	}
	cmig_keep(live, target, kept);
	cmig_extension_tell_kept(names);
}

/* ----------------------------------------------------------------
 * Marks target objects that use an audit log that the database lacks.
 *
 * The audit log's schema itself is not compared, because cmig.enable_audit
 * creates it.
 * ----------------------------------------------------------------
 */

#define LOG_SCHEMA "cmig_audit"

/* An object that uses a relation in the audit log's schema. */
typedef struct LogUse
{
	CmigObject *object;
	char	   *relation;		/* unqualified, unquoted */
} LogUse;

/* Row callback: add the use to the list. */
static void
add_use(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **uses = arg;
	LogUse	   *use = palloc(sizeof(LogUse));
	CmigAddress address = {0};
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	use->object = cmig_image_find(linitial(*uses), address);
	use->relation = cmig_query_text(desc, row, 3);
	if (use->object != NULL)
		*uses = lappend(*uses, use);
}

/*
 * Returns the objects in the image that use relations in the audit log's
 * schema, for cmig_log_use_mark().  Call this in the shadow.
 */
List *
cmig_log_use_read(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT d.classid, d.objid, c.relname::text"
		" FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
		" JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
		" WHERE n.nspname = '" LOG_SCHEMA "' ORDER BY 1, 2, 3"
	};
	List	   *uses = list_make1(unconstify(CmigImage *, image));

	if (OidIsValid(get_namespace_oid(LOG_SCHEMA, true)))
		cmig_query_each(&query, NULL, NULL, add_use, &uses);
	return list_delete_first(uses);
}

/*
 * Set the field "needs" of the objects that use a relation that the database
 * lacks, and of the objects that depend on them.  Call this after the shadow
 * has ended.
 */
void
cmig_log_use_mark(CmigImage *image, const List *uses)
{
	Oid			schema = get_namespace_oid(LOG_SCHEMA, true);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, uses)
	{
		const LogUse *use = lfirst(cell);

		if (OidIsValid(schema) && OidIsValid(get_relname_relid(use->relation, schema)))
			continue;
		use->object->needs = psprintf("it needs " LOG_SCHEMA ".%s, which cmig.enable_audit creates", cmig_quote(use->relation));
		found = true;
	}
	while (found)
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];
			const char *needs = object->needs;

			if (needs == NULL && object->parent != NULL)
				needs = object->parent->needs;
			for (int j = 0; needs == NULL && j < object->ndepends; j++)
				needs = object->depends[j]->needs;
			found |= needs != object->needs;
			object->needs = needs;
		}
	}
}

/* ----------------------------------------------------------------
 * Handles other roles' objects, which the caller is not allowed to alter.
 * ----------------------------------------------------------------
 */

/* Returns the schema of a live object, or InvalidOid. */
static Oid
schema_of(const CmigObject *object)
{
	ObjectAddress address = {object->address.catalog, object->address.object, 0};

	return is_objectclass_supported(address.classId) ? get_object_namespace(&address) : InvalidOid;
}

/*
 * Set the fields "foreign", "may_drop", and "unownable" of the objects in an
 * image of the live database.
 */
void
cmig_others_mark(CmigImage *image)
{
	for (int i = 0; i < image->count && !superuser(); i++)
	{
		CmigObject *object = image->objects[i];
		Oid			role = object->owner ? get_role_oid(object->owner, true) : InvalidOid;

		if (!OidIsValid(role))
			continue;
		if (!has_privs_of_role(GetUserId(), role))
		{
			Oid			schema = schema_of(object);

			object->foreign = true;
			object->may_drop = OidIsValid(schema) && cmig_owns_compat(NamespaceRelationId, schema, GetUserId());
		}
		if (object->kind == &cmig_kind_materialized_view)
			object->unownable = !cmig_may_compat(NamespaceRelationId, schema_of(object), role, ACL_CREATE);
	}
}

/*
 * Is the note about this object?  A note names a function without its
 * arguments, and a policy's table as in the target, perhaps without a schema.
 */
static bool
is_about(const CmigTargetNote *note, const CmigObject *object)
{
	const char *kind = strcmp(note->kind, "procedure") == 0 ? "function" : note->kind;
	size_t		length = strlen(note->object);

	if (strcmp(kind, object->kind->name) != 0)
		return false;
	if (object->kind == &cmig_kind_policy &&
		strcmp(note->object, psprintf("%s on %s", cmig_quote(object->name), cmig_quote(object->parent->name))) == 0)
		return true;
	return strcmp(note->object, object->name) == 0 ||
		(strncmp(note->object, object->identity, length) == 0 && strchr(" (", object->identity[length]) != NULL);
}

/*
 * Returns the image's object named "table public.a", or the only one named
 * "table a".  Returns NULL if there is none.
 */
static CmigObject *
find_named(const CmigImage *image, const char *name)
{
	CmigObject *found = NULL;
	int			count = 0;

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		size_t		length = strlen(object->kind->name);

		if (strncmp(name, object->kind->name, length) != 0 || name[length] != ' ')
			continue;
		if (strcmp(object->identity, name + length + 1) == 0)
			return object;
		if (strcmp(cmig_quote(object->name), name + length + 1) != 0)
			continue;
		found = object;
		count++;
	}
	return count == 1 ? found : NULL;
}

/*
 * The note says that a statement of the target was skipped.  The objects that
 * the statement would have created or altered, and their parts, are neither
 * compared nor dropped: give "target" the live ones.  Returns true if one of
 * them belongs to another role.
 */
static bool
keep_skipped(const CmigImage *live, CmigImage *target, const CmigTargetNote *note)
{
	bool	   *kept = palloc0(sizeof(bool) * Max(live->count, 1));
	bool		any = false,
				foreign = false;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];
		const CmigObject *whole = object;
		CmigObject *other;

		while (whole != NULL && !is_about(note, whole))
			whole = whole->parent;
		if (whole == NULL)
			continue;
		foreign |= whole->foreign;
		other = cmig_image_lookup(target, object->kind, object->identity);
		kept[i] = other == NULL;
		any |= kept[i];

		/*
		 * another statement may have created this overload of a function, and
		 * the version of an extension is compared even if its schema is not
		 */
		if (other == NULL || object != whole || object->kind == &cmig_kind_function || object->kind == &cmig_kind_extension)
			continue;
		for (int j = 0; j < object->kind->nproperties; j++)
			cmig_object_set(other, j, object->values[j]);
	}
	if (any)
		cmig_keep(live, target, kept);
	pfree(kept);
	return foreign;
}

/*
 * Apply the target's notes to its image.  Returns the notes that count as
 * differences.  Notes about live objects of other roles, and about anything
 * that the options exclude from the comparison, do not count.
 */
List *
cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes, const CmigDiffOptions *options)
{
	List	   *differences = NIL;
	ListCell   *cell;

	foreach(cell, notes)
	{
		CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, "owner") == 0)
		{
			const CmigObject *from = note->role ? find_named(live, note->object) : NULL;
			bool		same = from != NULL && from->owner != NULL && strcmp(from->owner, note->role) == 0;
			CmigObject *to = same ? find_named(target, note->object) : NULL;

			/* the role that the caller cannot make the owner is the owner */
			if (to != NULL && options->owners)
				to->owner = from->owner;
			if (same || !options->owners)
				continue;
		}
		if (strcmp(note->kind, "privilege") == 0 && !options->privileges)
			continue;
		if (strcmp(note->kind, "comment") == 0 && !options->comments)
			continue;
		if (!keep_skipped(live, target, note))
			differences = lappend(differences, note);
	}
	return differences;
}

/*
 * Issue a NOTICE that lists other roles' objects that belong to no schema
 * and are missing from the target.  These objects are left unchanged.
 */
void
cmig_others_tell(const CmigDifference *difference)
{
	CmigListing list;

	cmig_listing_init(&list, CMIG_LISTING_LINES);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (change->to != NULL || !change->from->foreign || !(change->from->kind->flags & CMIG_KIND_GLOBAL))
			continue;
		cmig_listing_add_format(&list, "%s %s", change->from->kind->name, change->from->identity);
	}
	if (list.count > 0)
		ereport(NOTICE,
				(errmsg("objects that belong to other roles are left unchanged"),
				 errdetail_internal("%s", cmig_listing_text(&list))));
}

/* ----------------------------------------------------------------
 * Finds objects outside the compared schemas that prevent a change.
 * ----------------------------------------------------------------
 */

#define SCHEMA_OF(catalog, column, relation) \
	" WHEN '" catalog "'::regclass THEN (SELECT k.relnamespace FROM " catalog " x JOIN pg_class k ON k.oid = x." relation " WHERE x." column " = d.objid)"

/*
 * Query for the dependents of the given objects.  Each row contains the index of
 * the given object's change, and the catalog, the OID, and the description of
 * the dependent.  Dependents that have no schema (casts, event triggers,
 * languages, and transforms) are found even if they are compared.  For a column
 * whose type changes, so are dependents of the same column in a partition
 * ("below"), because the partition may be left out of the difference.
 */
static const char dependents_sql[] =
"SELECT c.n, d.classid, d.objid, coalesce("
" (SELECT pg_describe_object('pg_class'::regclass, x.ev_class, 0) FROM pg_rewrite x WHERE d.classid = 'pg_rewrite'::regclass AND x.oid = d.objid),"
" (SELECT pg_describe_object('pg_type'::regclass, x.contypid, 0) FROM pg_constraint x WHERE d.classid = 'pg_constraint'::regclass AND x.oid = d.objid AND x.contypid <> 0),"
" pg_describe_object(d.classid, d.objid, d.objsubid))"
", o.below FROM jsonb_to_recordset($1::jsonb) c (n integer, class oid, object oid, sub integer, retyped boolean)"
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
" ELSE (o.below OR s.schema <> ALL ($2::oid[])) AND (SELECT n.nspname !~ '^pg_(toast|temp)' FROM pg_namespace n WHERE n.oid = s.schema) END"
" AND NOT EXISTS (SELECT FROM pg_trigger x WHERE o.below AND d.classid = 'pg_trigger'::regclass AND x.oid = d.objid AND x.tgparentid <> 0)"
" ORDER BY c.n, d.classid, d.objid";

/* Row callback: mark the change as unsupported. */
static void
refuse(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigDifference *difference = arg;
	CmigChange *change = &difference->changes[cmig_query_int32(desc, row, 1, 0)];
	CmigAddress address = {0};
	const CmigObject *compared;
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 3, &isnull));
	compared = cmig_image_find_exactly(difference->from, address);
	if (change->action == CMIG_UNSUPPORTED ||
		(compared != NULL && (!cmig_query_bool(desc, row, 5, false) || cmig_change_drops(difference->of_from[compared->index]))))
		return;
	cmig_change_refuse(change, psprintf("%s%s depends on it", cmig_query_text(desc, row, 4), compared ? "" : ", which is not compared,"));
}

/*
 * Mark a change as unsupported if it would drop or retype an object, and a
 * live object that is not compared, such as a view in another schema, depends
 * on that object.  The old image of the difference must be the live one.
 */
void
cmig_outside_refuse(CmigDifference *difference, const CmigManaged *managed)
{
	static CmigQuery query = {.sql = dependents_sql,.nargs = 2,.argtypes = {TEXTOID, TEXTOID}};
	StringInfoData objects,
				schemas;
	Datum		values[2];

	initStringInfo(&objects);
	initStringInfo(&schemas);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		/*
		 * An object is examined if it is dropped by a statement of its own,
		 * or if it is a column whose type changes.  Objects without a catalog
		 * row of their own, such as the attachment of a partition, have a
		 * negative column number.
		 */
		if (change->from != NULL && change->host == NULL && change->from->address.sub >= 0 &&
			change->from->kind != &cmig_kind_schema &&
			(cmig_change_drops(change) || (change->action == CMIG_ALTER && change->disturbs)))
			appendStringInfo(&objects, "%s{\"n\":%d,\"class\":%u,\"object\":%u,\"sub\":%d,\"retyped\":%s}", objects.len > 0 ? "," : "[",
							 i, change->from->address.catalog, change->from->address.object, change->from->address.sub,
							 cmig_change_drops(change) ? "false" : "true");
	}
	if (objects.len == 0)
		return;
	for (int i = 0; i < managed->count; i++)
		appendStringInfo(&schemas, "%s%u", i > 0 ? "," : "", managed->schemas[i].oid);
	values[0] = CStringGetTextDatum(psprintf("%s]", objects.data));
	values[1] = CStringGetTextDatum(psprintf("{%s}", schemas.data));
	cmig_query_each(&query, values, NULL, refuse, difference);
}

/* ----------------------------------------------------------------
 * Finds out which tables are audited, and how, for cmig.drift.
 *
 * Images leave out the audit log's triggers, because these contain ids.
 * ----------------------------------------------------------------
 */

/*
 * Returns a jsonb object: for each audited table, its level, operations, and
 * options, and triggers that are disabled, or enabled ALWAYS or REPLICA.  In a
 * shadow, these are the tables that are audited in the shadow.
 */
char *
cmig_audited_read(void)
{
	/*
	 * In a shadow, schemas named cmig_away_* contain the live tables.  Leave
	 * them out, so that only the shadow's tables are read.
	 */
	static CmigQuery query = {
		.sql = "SELECT jsonb_object_agg(s.target, concat_ws(', ', 'by ' || s.level, s.operations, nullif(s.options, '{}'),"
		" substring(s.problem FROM 'rows cannot be written[^;]*'),"
		" (SELECT string_agg(format('trigger %s is %s', t.tgname, CASE t.tgenabled WHEN 'D' THEN 'disabled'"
		" WHEN 'R' THEN 'enabled on replicas' ELSE 'always enabled' END), ', ' ORDER BY t.tgname)"
		" FROM pg_trigger t WHERE t.tgrelid = s.target::regclass AND t.tgenabled <> 'O'"
		" AND t.tgfoid = 'cmig.audit_trigger()'::regprocedure)))::text"
		" FROM cmig.audit_status() s WHERE s.level IS NOT NULL AND s.target !~ '^cmig_away_[0-9]'"
	};
	char	   *audited = OidIsValid(get_namespace_oid(LOG_SCHEMA, true)) ? cmig_query_value(&query) : NULL;

	return audited ? audited : "{}";
}

/* Row callback: add a line for the table. */
static void
add_audited(TupleDesc desc, HeapTuple row, void *arg)
{
	cmig_diff_line_add_unsupported(arg, "audit", cmig_query_text(desc, row, 1), cmig_query_text(desc, row, 2));
}

/*
 * Add a line for each table that is audited differently in the database and by
 * the revisions.  It says what to run.
 */
void
cmig_audited_compare(const char *live, const char *revisions, List **lines)
{
	static CmigQuery query = {
		.sql = "SELECT key, CASE WHEN r.value IS NULL THEN format('it is audited, but no revision calls cmig.enable_audit for it:"
		" SELECT cmig.disable_audit(%L), or call cmig.enable_audit in a revision', key)"
		" WHEN l.value IS NULL THEN 'a revision calls cmig.enable_audit for it, but it is not audited: repeat that call'"
		" WHEN starts_with(l.value, r.value || ',') THEN format('it is audited as in the revisions, but %s;"
		" call cmig.enable_audit again as the revisions do', substr(l.value, length(r.value) + 3))"
		" ELSE format('it is audited %s, but the revisions audit it %s; call cmig.enable_audit again as the revisions do', l.value, r.value) END"
		" FROM jsonb_each_text($1::jsonb) l FULL JOIN jsonb_each_text($2::jsonb) r USING (key)"
		" WHERE l.value IS DISTINCT FROM r.value ORDER BY key COLLATE \"C\"",
		.nargs = 2,.argtypes = {TEXTOID, TEXTOID}
	};
	Datum		values[2] = {CStringGetTextDatum(live), CStringGetTextDatum(revisions)};

	cmig_query_each(&query, values, NULL, add_audited, lines);
}
