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
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "adopt/adopt.h"
#include "schema/internal.h"

/* Extensions: keeps those that no revision has created */

/*
 * Mark the updates of extensions whose downgrade is not possible, because the
 * server has no update path back to the old version.
 */
void
cmig_extension_check_updates(const CmigDifference *difference)
{
	static CmigQuery path_back = {
		.sql = "SELECT FROM pg_extension_update_paths($1::name) WHERE source = $2 AND target = $3 AND path IS NOT NULL",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const char *old,
				   *new;

		if (change->action != CMIG_ALTER || change->to == NULL ||
			change->to->kind != &cmig_kind_extension)
			continue;
		old = change->from->values[CMIG_EXTENSION_VERSION];
		new = change->to->values[CMIG_EXTENSION_VERSION];
		if (strcmp(old, new) == 0 || cmig_query_do(&path_back, change->from->name, new, old) > 0)
			continue;
		foreach_ptr(CmigDdl, ddl, change->alter.ddl)
		{
			if (ddl->part != CMIG_EXTENSION_VERSION)
				continue;
			ddl->undo = NULL;
			ddl->hazard = psprintf("cannot be reverted: extension %s has no update path from version %s back to %s",
								   change->from->identity, new, old);
		}
	}
}

/*
 * Returns the names of the extensions that applied revisions have created.
 * Scripts are only searched for CREATE EXTENSION outside of comments, also in
 * the bodies of functions and DO blocks.
 */
List *
cmig_extension_created(const CmigSituation *now)
{
	static CmigQuery query = {
		.sql = "SELECT CASE WHEN m[2] ~ '^\"' THEN btrim(m[2], '\"') ELSE lower(m[2]) END FROM cmig.revision r"
		" CROSS JOIN LATERAL regexp_matches(regexp_replace(r.upgrade_sql::text, '--[^\n]*|/[*]([^*]|[*][^/])*[*]/', ' ', 'g'),"
		"  '\\mcreate\\s+extension\\s+(if\\s+not\\s+exists\\s+)?(\"[^\"]+\"|[[:alnum:]_$]+)', 'gi') m"
		" WHERE r.revision::text = ANY ($1) AND r.upgrade_sql::text ~* 'extension'",
		.argtypes = {TEXTARRAYOID}
	};
	List	   *created = NIL;
	CmigNames	applied = {0};

	applied.names = palloc(sizeof(char *) * Max(now->graph->count, 1));
	for (int i = 0; i < now->graph->count; i++)
		if (now->applied->applied->set[i])
			applied.names[applied.count++] = (char *) now->graph->nodes[i].revision->id;
	foreach_ptr(CmigValue, row, cmig_query_list(&query, &applied))
		created = lappend(created, *row);
	return created;
}

static const char *
list_names(List *names)
{
	CmigListing listing;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(char, name, names)
		cmig_listing_add(&listing, quote_identifier(name));
	return cmig_listing_text(&listing);
}

/* Issue a NOTICE about extensions that no applied revision has created. */
void
cmig_extension_tell_kept(List *names)
{
	if (names != NIL)
		ereport(NOTICE,
				(errmsg_plural("an extension that no applied revision has created was left unchanged: %s",
							   "extensions that no applied revision has created were left unchanged: %s",
							   list_length(names), list_names(names)),
				 errhint("To create or drop an extension in all databases, put CREATE EXTENSION IF NOT EXISTS or DROP EXTENSION IF EXISTS into a revision.")));
}

/*
 * Add to "target" the extensions that only "live" contains and that no applied
 * revision has created, or that belong to others, as those of a managed service
 * do that a baseline has found; and their schemas.
 */
void
cmig_extension_keep(const CmigImage *live, CmigImage *target)
{
	bool	   *kept = palloc0(sizeof(bool) * Max(live->count, 1));
	List	   *candidates = NIL;
	List	   *created;
	List	   *names = NIL;
	List	   *foreign = NIL;
	CmigSituation now;

	for (int i = 0; i < live->count; i++)
		if (live->objects[i]->kind == &cmig_kind_extension && !live->objects[i]->foreign &&
			cmig_image_lookup(target, &cmig_kind_extension, live->objects[i]->identity) == NULL)
			candidates = lappend(candidates, live->objects[i]);
	if (candidates == NIL)
		return;
	now = cmig_move_read(false);
	created = cmig_extension_created(&now);
	foreach_ptr(const CmigObject, object, candidates)
	{
		if (!cmig_text_list_has(created, object->name))
			names = lappend(names, object->name);
		else if (!cmig_owns_compat(ExtensionRelationId, get_extension_oid(object->name, false),
								   GetUserId()))
			foreign = lappend(foreign, object->name);
		else
			continue;
		kept[object->index] = true;

		for (int j = 0; j < object->ndepends; j++)
			kept[object->depends[j]->index] |= object->depends[j]->kind == &cmig_kind_schema;
	}
	cmig_keep(live, target, kept);
	cmig_extension_tell_kept(names);
	if (foreign != NIL)
		ereport(NOTICE,
				(errmsg_plural("an extension that belongs to another role was left unchanged: %s",
							   "extensions that belong to other roles were left unchanged: %s",
							   list_length(foreign), list_names(foreign))));
}

/* ----------------------------------------------------------------
 * Marks target objects that need what the database lacks, and what no statement
 * will create: an audit log, because its schema is not compared, but created by
 * cmig.enable_audit, and what the target creates in other schemas that are not compared,
 * or without a schema, unless all schemas are compared.
 * ----------------------------------------------------------------
 */

#define LOG_SCHEMA "cmig_audit"

/*
 * Returns rows of a catalog, an OID, a column's number or 0, the relation in the audit
 * log's schema that the object uses, or NULL, and what it needs otherwise, for
 * cmig_lacking_mark().  Call this in the shadow.
 */
List *
cmig_lacking_read(CmigShadow *shadow)
{
	static CmigQuery schemas = {
		"SELECT oid FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'"
	};
	static CmigQuery query = {
		.sql = "WITH o AS (SELECT m.classid AS class, m.objid AS id, m.refobjid AS schema"
		" FROM pg_depend m WHERE m.refclassid = 'pg_namespace'::regclass"
		" AND m.refobjid = ANY ($1::oid[]) UNION SELECT 'pg_class'::regclass, oid, relnamespace"
		" FROM pg_class WHERE relnamespace = ANY ($1::oid[])"
		" UNION SELECT 'pg_type'::regclass, oid, typnamespace"
		" FROM pg_type WHERE typnamespace = ANY ($1::oid[])"
		" UNION SELECT g.class, g.id, 0 FROM (SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server"
		"  UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language"
		"  UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am"
		"  UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform) g (class, id)"
		" WHERE g.id >= 16384 AND g.id <> ALL ($2::oid[]))"
		" SELECT DISTINCT ON (1, 2, 3, 4) d.classid, d.objid, d.objsubid,"
		" CASE WHEN n.nspname = '" LOG_SCHEMA "' THEN c.relname::text END,"
		" i.type || ' ' || i.identity, o.class, i.identity"
		" FROM o LEFT JOIN pg_namespace n ON n.oid = o.schema"
		" JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.id"
		" LEFT JOIN pg_class c ON o.class = 'pg_class'::regclass AND c.oid = o.id"
		" CROSS JOIN LATERAL pg_identify_object(o.class, o.id, 0) i"
		" WHERE CASE WHEN n.nspname = '" LOG_SCHEMA "' THEN c.oid IS NOT NULL"
		" ELSE NOT EXISTS (SELECT FROM pg_depend e"
		"  WHERE e.classid = o.class AND e.objid = o.id AND e.deptype = 'e') END"
		" ORDER BY 1, 2, 3, 4, i.type = 'table' DESC, 5",
		.argtypes = {TEXTOID, TEXTOID}
	};
	const CmigManaged *managed = cmig_shadow_managed(shadow);
	Oid			log = get_namespace_oid(LOG_SCHEMA, true);
	StringInfoData oids;
	StringInfoData others;
	List	   *uses;
	ListCell   *cell;

	initStringInfo(&oids);
	initStringInfo(&others);
	foreach_oid(oid, cmig_query_oids(&schemas))
	{
		bool		compared = oid != log && cmig_shadow_is_live_schema(shadow, oid);

		for (int i = 0; i < managed->count; i++)
			compared |= managed->schemas[i].oid == oid;
		if (!compared)
			appendStringInfo(&oids, "%s%u", oids.len == 0 ? "" : ",", oid);
	}
	if (oids.len == 0 && managed->all)
		return NIL;
	foreach_ptr(const CmigHidden, each, shadow->hidden)
		appendStringInfo(&others, "%s%u", others.len == 0 ? "" : ",", each->object);
	uses = cmig_query_list(&query, psprintf("{%s}", oids.data),
						   managed->all ? NULL : psprintf("{%s}", others.data));

	/* a transform of a compared type was created again, but exists */
	foreach(cell, uses)
	{
		const CmigValue *use = lfirst(cell);
		bool		exists = false;

		foreach_ptr(const CmigHidden, each, shadow->hidden)
			exists |= each->catalog == atooid(use[5]) && cmig_text_same(each->identity, use[6]);
		if (exists)
			uses = foreach_delete_current(uses, cell);
	}
	return uses;
}

/*
 * Set the field "obstacle" of the objects that need what the database lacks, and
 * of the objects that depend on them.  If a table or type exists, this prevents only
 * the change of its column.  Call this after the shadow has ended.
 */
void
cmig_lacking_mark(const CmigImage *from, CmigImage *image, const List *uses)
{
	Oid			schema = get_namespace_oid(LOG_SCHEMA, true);
	bool		found = false;

	foreach_ptr(CmigValue, use, uses)
	{
		CmigAddress address = {atooid(use[0]), atooid(use[1]), atoi(use[2])};
		CmigObject *object = cmig_image_find(image, address);

		if (object == NULL || (use[3] != NULL && OidIsValid(schema) &&
							   OidIsValid(get_relname_relid(use[3], schema))))
			continue;
		if (address.sub > 0 && object->parent != NULL &&
			((!cmig_table_is(object->parent) && object->kind != &cmig_kind_attribute) ||
			 cmig_image_counterpart(from, object->parent) == NULL))
			object = object->parent;
		object->obstacle = use[3] != NULL ?
			psprintf("it needs " LOG_SCHEMA ".%s, which cmig.enable_audit creates",
					 quote_identifier(use[3])) :
			psprintf("it needs %s, which does not exist and is not compared", use[4]);
		found = true;
	}
	while (found)
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];
			const char *needs = object->obstacle;

			if (needs == NULL && object->parent != NULL)
				needs = object->parent->obstacle;
			for (int j = 0; needs == NULL && j < object->ndepends; j++)
				needs = object->depends[j]->obstacle;
			found |= needs != object->obstacle;
			object->obstacle = needs;
		}
	}
}

/* Handles other roles' objects, which the caller is not allowed to alter */

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
			object->may_drop = OidIsValid(schema) &&
				cmig_owns_compat(NamespaceRelationId, schema, GetUserId());
		}
		if (object->kind == &cmig_kind_materialized_view)
			object->unownable = !cmig_may_compat(NamespaceRelationId, schema_of(object), role,
												 ACL_CREATE);
	}
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
		if (strcmp(quote_identifier(object->name), name + length + 1) != 0)
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

		while (whole != NULL && !cmig_keep_is_about(note->kind, note->object, whole))
			whole = whole->parent;
		if (whole == NULL)
			continue;
		foreign |= whole->foreign;
		other = cmig_image_counterpart(target, object);
		kept[i] = other == NULL;
		any |= kept[i];

		/*
		 * another statement may have created this overload of a function, and
		 * the version of an extension is compared even if its schema is not
		 */
		if (other == NULL || object != whole || object->kind == &cmig_kind_function ||
			object->kind == &cmig_kind_extension)
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
cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
				   const CmigDiffOptions *options)
{
	List	   *differences = NIL;

	foreach_ptr(CmigTargetNote, note, notes)
	{
		if (strcmp(note->kind, "owner") == 0)
		{
			const CmigObject *from = note->role ? find_named(live, note->object) : NULL;
			bool		same = from != NULL && from->owner != NULL &&
			strcmp(from->owner, note->role) == 0;
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

		if (change->to != NULL || !change->from->foreign ||
			!(change->from->kind->flags & CMIG_KIND_GLOBAL))
			continue;
		cmig_listing_add_format(&list, "%s %s", change->from->kind->name, change->from->identity);
	}
	if (list.count > 0)
		ereport(NOTICE,
				(errmsg("objects that belong to other roles are left unchanged"),
				 errdetail_internal("%s", cmig_listing_text(&list))));
}

/* Finds objects outside the compared schemas that prevent a change */

#define SCHEMA_OF(catalog, column, relation) \
	" WHEN '" catalog "'::regclass THEN (SELECT k.relnamespace FROM " catalog " x JOIN pg_class k ON k.oid = x." relation " WHERE x." column " = d.objid)"

/*
 * Query for the dependents of the given objects.  Each row contains the index of
 * the given object's change, and the catalog, the OID, and the description of
 * the dependent.  Dependents that have no schema (casts, event triggers,
 * languages, and transforms) are found even if they are compared.  Dependents of
 * the row type, the array type, and the index of what is dropped are its dependents.
 * For a column, dependents of the same column in a partition or child ("below") are
 * found, too, because that may be left out of the difference; what it inherits is not.
 * Also found are tables that store the row type of "rows", or of its children.
 * If $3 is true, dependents in the compared schemas $2 are also found, and partitions.
 */
static const char dependents_sql[] =
"SELECT c.n, d.classid, d.objid, coalesce("
" (SELECT pg_describe_object('pg_class'::regclass, x.ev_class, 0) FROM pg_rewrite x"
" WHERE d.classid = 'pg_rewrite'::regclass AND x.oid = d.objid),"
" (SELECT pg_describe_object('pg_type'::regclass, x.contypid, 0) FROM pg_constraint x"
" WHERE d.classid = 'pg_constraint'::regclass AND x.oid = d.objid AND x.contypid <> 0),"
" pg_describe_object(d.classid, d.objid, d.objsubid))"
", coalesce(o.below OR s.schema <> ALL ($2::oid[]), true), o.below"
" FROM jsonb_to_recordset($1::jsonb)"
"  c (n integer, class oid, object oid, sub integer, retyped boolean, rows oid)"
" CROSS JOIN LATERAL (SELECT c.class, c.object, c.sub, false, false UNION ALL"
" SELECT 'pg_type'::regclass, t.id, 0, false, false FROM (SELECT reltype, typarray FROM pg_class k"
"   JOIN pg_type y ON y.oid = k.reltype WHERE c.class = 'pg_class'::regclass AND k.oid = c.object"
"   UNION ALL SELECT NULL, typarray FROM pg_type y"
"   WHERE c.class = 'pg_type'::regclass AND y.oid = c.object) r, unnest(ARRAY[reltype, typarray]) t (id)"
"  WHERE NOT c.retyped AND c.sub = 0 UNION ALL SELECT 'pg_type'::regclass, y.id, 0, false, true"
"  FROM (WITH RECURSIVE h (id) AS (SELECT c.rows WHERE c.rows <> 0 UNION"
"    SELECT i.inhrelid FROM h JOIN pg_inherits i ON i.inhparent = h.id),"
"   y (id) AS (SELECT k.reltype FROM h JOIN pg_class k ON k.oid = h.id UNION SELECT"
"    CASE q.classid WHEN 'pg_type'::regclass THEN q.objid ELSE (SELECT k.reltype FROM pg_class k"
"     WHERE k.oid = q.objid AND k.relkind NOT IN ('r', 'p', 'm')) END"
"    FROM y CROSS JOIN LATERAL (SELECT * FROM pg_depend q"
"     WHERE q.refclassid = 'pg_type'::regclass AND q.refobjid = y.id OFFSET 0) q"
"    WHERE q.classid = 'pg_type'::regclass"
"     OR (q.classid = 'pg_class'::regclass AND q.objsubid > 0))"
"   SELECT y.id FROM y WHERE y.id <> 0) y"
" UNION ALL SELECT 'pg_class'::regclass, k.conindid, 0, false, false"
"  FROM pg_constraint k WHERE c.class = 'pg_constraint'::regclass AND k.oid = c.object"
"   AND k.contype IN ('p', 'u') UNION ALL SELECT c.class, k.oid, q.attnum::integer, true, false"
"  FROM pg_attribute a JOIN pg_attribute q ON q.attname = a.attname"
"  JOIN pg_class k ON k.oid = q.attrelid"
"  WHERE c.class = 'pg_class'::regclass AND a.attrelid = c.object AND a.attnum = c.sub"
"  AND q.attrelid IN (WITH RECURSIVE h AS (SELECT c.object UNION"
"    SELECT i.inhrelid FROM h JOIN pg_inherits i ON i.inhparent = h.object)"
"   SELECT h.object FROM h WHERE h.object <> c.object)"
"  AND CASE WHEN k.relispartition THEN true WHEN c.retyped THEN k.relnamespace <> ALL ($2::oid[])"
" ELSE NOT q.attislocal AND q.attinhcount = 1 END) o (class, object, sub, below, stored)"
/* OFFSET: by the index, however many objects the planner expects */
" CROSS JOIN LATERAL (SELECT * FROM pg_depend d WHERE d.refclassid = o.class"
"  AND d.refobjid = o.object AND (o.sub = 0 OR d.refobjsubid = o.sub) OFFSET 0) d"
" CROSS JOIN LATERAL (SELECT CASE d.classid"
SCHEMA_OF("pg_rewrite", "oid", "ev_class")
SCHEMA_OF("pg_attrdef", "oid", "adrelid")
SCHEMA_OF("pg_policy", "oid", "polrelid")
SCHEMA_OF("pg_trigger", "oid", "tgrelid")
SCHEMA_OF("pg_class", "oid", "oid")
" WHEN 'pg_constraint'::regclass THEN (SELECT x.connamespace FROM pg_constraint x"
" WHERE x.oid = d.objid)"
" WHEN 'pg_amop'::regclass THEN (SELECT f.opfnamespace FROM pg_amop x"
"  JOIN pg_opfamily f ON f.oid = x.amopfamily WHERE x.oid = d.objid)"
" WHEN 'pg_amproc'::regclass THEN (SELECT f.opfnamespace FROM pg_amproc x"
"  JOIN pg_opfamily f ON f.oid = x.amprocfamily WHERE x.oid = d.objid)"
" ELSE (SELECT to_regnamespace(i.schema) FROM pg_identify_object(d.classid, d.objid, 0) i)"
" END AS schema) s"
" WHERE (d.deptype = 'n' OR d.deptype = 'a' AND CASE"
" WHEN NOT o.below AND s.schema <> ALL ($2::oid[]) THEN true"
" WHEN d.classid = 'pg_class'::regclass THEN"
"  (SELECT CASE WHEN o.below THEN NOT x.relispartition"
"   ELSE $3 AND x.relispartition AND x.relkind IN ('r', 'p', 'f') END"
"  FROM pg_class x WHERE x.oid = d.objid)"
" WHEN d.classid = 'pg_constraint'::regclass THEN o.below AND"
"  (SELECT x.coninhcount = 0 AND x.contype <> 'n' FROM pg_constraint x WHERE x.oid = d.objid)"
" WHEN d.classid = 'pg_attrdef'::regclass THEN o.below AND"
"  (SELECT pg_get_expr(x.adbin, x.adrelid) IS DISTINCT FROM"
"   (SELECT pg_get_expr(y.adbin, y.adrelid) FROM pg_attrdef y"
"    WHERE y.adrelid = c.object AND y.adnum = c.sub)"
"  FROM pg_attrdef x WHERE x.oid = d.objid) ELSE o.below END)"
" AND CASE WHEN o.stored THEN d.classid = 'pg_class'::regclass"
"  AND (SELECT x.relkind IN ('r', 'p', 'm') FROM pg_class x WHERE x.oid = d.objid)"
" ELSE NOT c.retyped OR d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass,"
"  'pg_trigger'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass) END"
" AND CASE WHEN s.schema IS NULL"
" THEN d.classid IN ('pg_cast'::regclass, 'pg_event_trigger'::regclass, 'pg_language'::regclass, 'pg_transform'::regclass)"
"  OR (d.classid = 'pg_publication_rel'::regclass AND o.sub > 0)"
" ELSE ($3 OR o.below OR s.schema <> ALL ($2::oid[])) AND (SELECT n.nspname !~ '^pg_(toast|temp)'"
" FROM pg_namespace n WHERE n.oid = s.schema) END"
" AND NOT EXISTS (SELECT FROM pg_trigger x WHERE o.below AND d.classid = 'pg_trigger'::regclass"
" AND x.oid = d.objid AND x.tgparentid <> 0)"
" ORDER BY c.n, d.classid, d.objid";

/* Has the domain, or one below it, a default or a constraint? */
static bool
is_restricted(const CmigObject *domain)
{
	bool		result = domain->values[CMIG_DOMAIN_DEFAULT] != NULL ||
	domain->values[CMIG_DOMAIN_NOT_NULL] != NULL || domain->child != NULL;

	for (int i = 0; i < domain->ndepends && !result; i++)
		result = domain->depends[i]->kind == &cmig_kind_domain && is_restricted(domain->depends[i]);
	return result;
}

/* Does ALTER TABLE ADD COLUMN compute the column's values, even if they are all the same? */
static bool
is_computed(const CmigObject *column)
{
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);
	bool		result = column->values[CMIG_COLUMN_GENERATED] != NULL ||
	column->values[CMIG_COLUMN_IDENTITY] != NULL || (value != NULL && value->folded);

	for (int i = 0; i < column->ndepends && !result; i++)
		result = column->depends[i]->kind == &cmig_kind_domain && is_restricted(column->depends[i]);
	return result;
}

/*
 * Returns the table or composite type that cannot be changed in this way while a
 * table stores its row type, or InvalidOid.  PostgreSQL refuses each change of a
 * column's type, even if rows are not rewritten.  It drops an attribute, but with it
 * what is stored, and the columns of typed tables with their dependents.
 */
static Oid
rows_of(const CmigChange *change)
{
	const CmigObject *table = change->from;
	bool		fails = change->alter.disturbs;

	if (change->action == CMIG_CREATE && change->to->kind == &cmig_kind_column)
	{
		table = change->to->parent->change->from;
		return table != NULL && table->kind == &cmig_kind_table && is_computed(change->to) ?
			table->address.object : InvalidOid;
	}
	if (table != NULL && table->kind == &cmig_kind_attribute && cmig_change_drops(change))
		return table->address.object;
	if (table == NULL || change->action != CMIG_ALTER ||
		(!cmig_table_is(table) && table->kind != &cmig_kind_column &&
		 table->kind != &cmig_kind_attribute))
		return InvalidOid;
	foreach_ptr(const CmigDdl, ddl, change->alter.ddl)
		fails |= (ddl->hazards & CMIG_HAZARD_REWRITE) != 0;
	return fails ? table->address.object : InvalidOid;
}

/* A difference, the images of which copies were compared, and whether an obstacle was found. */
typedef struct Outside
{
	const CmigDifference *difference;
	CmigImage  *from,
			   *to;
	bool		found;
} Outside;

/* Record why the change cannot be made, unless a reason is already known. */
static void
mark_obstacle(Outside *outside, const CmigChange *change, const char *reason)
{
	CmigObject *object = change->from != NULL ?
	outside->from->objects[change->from->index] : outside->to->objects[change->to->index];

	if (object->obstacle != NULL)
		return;
	object->obstacle = reason;
	outside->found = true;
}

/*
 * If a partitioned table is not compared, its partitions keep their columns, what they
 * inherit, and their parents.  Their places were kept by cmig_keep_places().
 */
static void
mark_partitions(Outside *outside)
{
	const CmigDifference *difference = outside->difference;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *object = change->from ? change->from : change->to;
		const CmigChange *table = object->parent != NULL ? object->parent->change : change;
		const CmigObject *link;

		if (table->from == NULL || table->to == NULL || table->from->kind != &cmig_kind_table ||
			cmig_change_drops(table) ||
			(link = cmig_object_child(table->from, &cmig_kind_partition, NULL)) == NULL ||
			cmig_image_lookup(difference->from, &cmig_kind_table,
							  link->values[CMIG_PARTITION_OF]) != NULL)
			continue;
		if (change == table ?
			!cmig_object_same(change->from, change->to, CMIG_TABLE_INHERITS) :
			object->kind == &cmig_kind_column ?
			change->from == NULL || change->to == NULL ||
			(change->action == CMIG_ALTER && change->alter.disturbs) :
			object->inherited && cmig_change_drops(change))
			mark_obstacle(outside, change, psprintf("%s is a partition of %s, which is not compared",
													table->from->identity,
													link->values[CMIG_PARTITION_OF]));
	}
}

/* Returns the name that the object, or its index or sequence, has as a relation or type, or NULL. */
static const char *
relation_name(const CmigObject *object)
{
	const char *name = cmig_object_index(object);

	if (name == NULL && (object->parent == NULL || object->kind == &cmig_kind_index) &&
		(object->address.catalog == RelationRelationId ||
		 object->address.catalog == TypeRelationId))
		name = object->identity;
	return name;
}

/* Does the object stay, although the target lacks it, because its change or its parent's is refused? */
static bool
is_kept(const CmigObject *object)
{
	CmigAction	action = cmig_change_whole(object->change)->action;

	if (object->change->to != NULL || (action != CMIG_UNSUPPORTED && action != CMIG_NO_CHANGE))
		return false;
	while (object != NULL && cmig_change_whole(object->change)->action != CMIG_UNSUPPORTED)
		object = object->parent;
	return object != NULL;
}

/*
 * An object stays although the target lacks it.  Returns why another one therefore
 * cannot be created, such as one of the same name, or NULL.
 */
static const char *
collision(const CmigObject *kept, const CmigObject *new)
{
	const char *name = relation_name(kept);

	if (new->kind == &cmig_kind_partition &&
		(kept->kind == new->kind ?
		 cmig_object_same(kept, new, CMIG_PARTITION_OF) &&
		 cmig_object_same(kept, new, CMIG_PARTITION_BOUND) :
		 kept->kind == &cmig_kind_column && kept->parent->change == new->parent->change))
		return psprintf("%s cannot be dropped", cmig_object_title(kept));
	if (new->change->from == NULL && (name != NULL ? cmig_text_same(relation_name(new), name) :
									  new->kind == kept->kind &&
									  strcmp(new->identity, kept->identity) == 0))
		return psprintf("its name is that of %s, which cannot be dropped", cmig_object_title(kept));
	return NULL;
}

static void
mark_collisions(Outside *outside)
{
	const CmigDifference *difference = outside->difference;

	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *object = difference->from->objects[i];

		for (int j = is_kept(object) ? 0 : difference->count; j < difference->count; j++)
		{
			CmigChange *change = &difference->changes[j];
			const char *reason = cmig_change_creates(change) ? collision(object, change->to) : NULL;

			if (reason != NULL)
				mark_obstacle(outside, cmig_change_whole(change), reason);
		}
	}
}

/*
 * Does the object stay as it was, or is it part of one that does, so that what needs
 * its new version fails?  Tables of the same kind and types can still be used, and
 * a foreign object may only differ in its comment.
 */
static bool
is_as_before(const CmigObject *object)
{
	const CmigChange *change = object->change;

	if (change->action == CMIG_NO_CHANGE && change->from == NULL && object->parent != NULL)
		return object->parent->change->action == CMIG_UNSUPPORTED;
	if (change->action != CMIG_UNSUPPORTED || change->from == NULL || change->to == NULL ||
		change->from->foreign || object->kind == &cmig_kind_schema)
		return false;
	return cmig_table_is(object) ?
		!cmig_object_same(change->from, change->to, CMIG_TABLE_PARTITION_KEY) :
		(object->kind->flags & (CMIG_KIND_TYPE | CMIG_KIND_RELATION)) != CMIG_KIND_TYPE;
}

/* A primary key stays: its columns stay NOT NULL, and its table gets no other one. */
static void
mark_primary_key(Outside *outside, const CmigObject *key)
{
	const CmigChange *table = key->parent->change;

	for (int i = 0; i < key->ndepends; i++)
	{
		const CmigChange *column = key->depends[i]->change;

		if (column->action == CMIG_ALTER && column->to->kind == &cmig_kind_column &&
			column->to->values[CMIG_COLUMN_NOT_NULL] == NULL)
			mark_obstacle(outside, column, psprintf("%s depends on it", cmig_object_title(key)));
	}
	for (const CmigObject *other = table->to != NULL ? table->to->child : NULL; other != NULL;
		 other = other->sibling)
		if (cmig_constraint_type(other) == 'p' && cmig_change_creates(other->change))
			mark_obstacle(outside, other->change,
						  psprintf("%s cannot be dropped", cmig_object_title(key)));
}

/* A table gets a child only if both have the same columns, so none of its columns may stay as it was. */
static void
mark_child(Outside *outside, const CmigChange *child, const CmigObject *table)
{
	const CmigObject *old = table->change->from;

	for (const CmigObject *column = old != NULL ? old->child : NULL; column != NULL;
		 column = column->sibling)
		if (column->kind == &cmig_kind_column && column->change->action == CMIG_UNSUPPORTED)
			mark_obstacle(outside, child,
						  psprintf("it depends on %s, which cannot be %s",
								   cmig_object_title(column),
								   column->change->to != NULL ? "changed" : "dropped"));
}

/* Look for tables that are attached to others, or that inherit from others than before. */
static void
mark_children(Outside *outside)
{
	for (int i = 0; i < outside->difference->count; i++)
	{
		const CmigChange *change = &outside->difference->changes[i];
		const CmigObject *object = change->to;

		if (object == NULL ||
			(object->kind == &cmig_kind_partition ?
			 !cmig_change_creates(change) ||
			 (change->from != NULL &&
			  cmig_object_same(change->from, object, CMIG_PARTITION_OF)) :
			 object->kind != &cmig_kind_table || change->action != CMIG_ALTER ||
			 cmig_object_same(change->from, object, CMIG_TABLE_INHERITS)))
			continue;
		for (int j = 0; j < object->ndepends; j++)
			if (object->depends[j]->kind == &cmig_kind_table && object->depends[j] != object->parent)
				mark_child(outside, change, object->depends[j]);
	}
}

/* What needs the new version of an object that stays as it was is not created or changed. */
static void
mark_dependents(Outside *outside)
{
	for (int i = 0; i < outside->difference->count; i++)
	{
		const CmigChange *change = &outside->difference->changes[i];

		if (change->action == CMIG_UNSUPPORTED && change->from != NULL &&
			cmig_constraint_type(change->from) == 'p')
			mark_primary_key(outside, change->from);
		/* a new table has the columns that it inherits, whatever their type */
		if (change->to == NULL || cmig_change_stays(change) || !change->differs ||
			(change->to->inherited && cmig_change_creates(change->to->parent->change)))
			continue;
		for (int j = 0; j < change->to->ndepends; j++)
		{
			const CmigObject *on = change->to->depends[j];

			while (on != NULL && !is_as_before(on))
				on = on->parent;
			if (on != NULL)
				mark_obstacle(outside, change, psprintf("it depends on %s, which cannot be changed",
														cmig_object_title(on)));
		}
	}
}

/*
 * A change cannot be made if it would drop or retype an object, and a live
 * object that is not compared, such as a view in another schema, depends on
 * that object.
 */
static void
mark_needed(Outside *outside)
{
	const CmigDifference *difference = outside->difference;
	static const Oid argtypes[] = {TEXTOID, TEXTOID, BOOLOID};

	/* a plan of it that lasts would take almost a megabyte */
	CmigQuery  *query = cmig_query_make(dependents_sql, NIL, lengthof(argtypes), argtypes);
	StringInfoData objects,
				schemas;

	initStringInfo(&objects);
	initStringInfo(&schemas);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		Oid			rows = change->part_of == NULL ? rows_of(change) : InvalidOid;

		/*
		 * An object is examined if it is dropped by a statement of its own,
		 * or if it is a column whose type changes.  Objects without a catalog
		 * row of their own, such as the attachment of a partition, have a
		 * negative column number.
		 */
		bool		examined = change->from != NULL && change->part_of == NULL &&
		change->from->address.sub >= 0 && change->from->kind != &cmig_kind_schema &&
		(cmig_change_drops(change) ||
		 (change->action == CMIG_ALTER && (change->alter.disturbs || change->alter.late)));

		if (examined || OidIsValid(rows))
			appendStringInfo(&objects,
							 "%s{\"n\":%d,\"class\":%u,\"object\":%u,\"sub\":%d,"
							 "\"retyped\":%s,\"rows\":%u}",
							 objects.len > 0 ? "," : "[",
							 i, examined ? change->from->address.catalog : InvalidOid,
							 examined ? change->from->address.object : InvalidOid,
							 examined ? change->from->address.sub : 0,
							 cmig_change_drops(change) || change->alter.late ? "false" : "true", rows);
	}
	if (objects.len == 0)
		return;
	for (int i = 0; i < difference->from->count; i++)
		if (difference->from->objects[i]->kind == &cmig_kind_schema)
			appendStringInfo(&schemas, "%s%u", schemas.len > 0 ? "," : "",
							 difference->from->objects[i]->address.object);
	foreach_ptr(CmigValue, row,
				cmig_query_list(query, psprintf("%s]", objects.data),
								psprintf("{%s}", schemas.data),
								difference->from->excluded != NULL))
	{
		CmigChange *change = &difference->changes[atoi(row[0])];
		CmigAddress address = {atooid(row[1]), atooid(row[2]), 0};
		const CmigObject *compared = cmig_image_find_exactly(difference->from, address);
		bool		excluded = false;

		for (const CmigImage *gone = difference->from->excluded; gone != NULL; gone = gone->excluded)
			excluded |= cmig_image_find_exactly(gone, address) != NULL;
		if (excluded || (compared == NULL && *row[4] != 'f') ||
			(*row[5] == 't' && !cmig_change_drops(change) && !cmig_change_drops(compared->change)))
		{
			const char *reason = psprintf("%s%s depends on it", row[3],
										  excluded ? ", which is excluded," : compared ? "" :
										  ", which is not compared,");
			CmigObject *old = change->alter.late ?
			outside->from->objects[change->from->index] : NULL;

			/* a value can be added to an enum, but it cannot be removed */
			if (old != NULL && old->lasting == NULL)
			{
				old->lasting = psprintf("cannot be reverted: %s", reason);
				outside->found = true;
			}
			else if (old == NULL)
				mark_obstacle(outside, change, reason);
		}
	}
}

/* Set the field "divided" of the tables; the old image is that of the database. */
static void
mark_divided(const CmigImage *image, const CmigImage *to)
{
	static CmigQuery query = {
		.sql = "SELECT inhparent, inhrelid FROM pg_inherits WHERE inhparent = ANY ($1::oid[])",
		.argtypes = {TEXTOID}
	};
	StringInfoData tables;

	initStringInfo(&tables);
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == &cmig_kind_table &&
			image->objects[i]->values[CMIG_TABLE_PARTITION_KEY] != NULL)
			appendStringInfo(&tables, "%s%u", tables.len > 0 ? "," : "",
							 image->objects[i]->address.object);
	foreach_ptr(CmigValue, row, tables.len > 0 ?
				cmig_query_list(&query, psprintf("{%s}", tables.data)) : NIL)
	{
		CmigAddress address = {RelationRelationId, atooid(row[0]), 0},
					partition = {RelationRelationId, atooid(row[1]), 0};
		CmigObject *table = cmig_image_find(image, address),
				   *other = cmig_image_counterpart(to, table);

		table->divided |= cmig_image_find_exactly(image, partition) == NULL;
		if (other != NULL)
			other->divided = table->divided;
	}
}

/*
 * Compare copies of the images, again for as long as something is found that
 * prevents a change.  "live": the old image is that of the database.
 */
CmigDifference *
cmig_outside_compare(CmigImage *from, CmigImage *to, const CmigDiffOptions *options, bool live)
{
	Outside		outside = {.from = from,.to = to};
	CmigDifference *difference;

	if (live)
		mark_divided(from, to);
	do
	{
		outside.found = false;
		outside.difference = difference = cmig_compare(cmig_image_copy(from), cmig_image_copy(to),
													   options);
		if (!live)
			return difference;
		mark_partitions(&outside);
		mark_needed(&outside);
		mark_collisions(&outside);
		mark_dependents(&outside);
		mark_children(&outside);
	} while (outside.found);
	return difference;
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
		" (SELECT string_agg(format('trigger %s is %s', t.tgname, CASE t.tgenabled WHEN 'D'"
		" THEN 'disabled'"
		" WHEN 'R' THEN 'enabled on replicas' ELSE 'always enabled' END), ', ' ORDER BY t.tgname)"
		" FROM pg_trigger t WHERE t.tgrelid = s.target::regclass AND t.tgenabled <> 'O'"
		" AND t.tgfoid = 'cmig.audit_trigger()'::regprocedure)))::text"
		" FROM cmig.audit_status() s WHERE s.level IS NOT NULL AND s.target !~ '^cmig_away_[0-9]'"
	};
	char	   *audited = OidIsValid(get_namespace_oid(LOG_SCHEMA, true)) ?
	cmig_query_value(&query) : NULL;

	return audited ? audited : "{}";
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
		.argtypes = {TEXTOID, TEXTOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query, live, revisions))
		cmig_diff_line_add_unsupported(lines, "audit", row[0], row[1]);
}

/* ----------------------------------------------------------------
 * Recognizes the bookkeeping tables of other migration tools.
 *
 * No target contains these tables, and no revision creates them, but they
 * must stay as long as the tool is in use.
 *
 * A table is recognized by its name and one of its columns; see adopt/tools.c.
 * ----------------------------------------------------------------
 */

/*
 * Does the table belong to another migration tool?  Alembic's table can have
 * any name, and may have been renamed after the change to pg_cmig, so it is
 * recognized by its only column, "version_num".
 */
static bool
is_tool_table(const CmigObject *object)
{
	int			columns = 0,
				count;
	const CmigTool *tools = cmig_tool_all(&count);

	if (object->kind != &cmig_kind_table)
		return false;
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		columns += child->kind == &cmig_kind_column;
	if (columns == 1 && cmig_object_child(object, &cmig_kind_column, "version_num"))
		return true;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < 2 * CMIG_TOOL_MAX_TABLES; j++)
		{
			const CmigToolTable *table = j < CMIG_TOOL_MAX_TABLES ? &tools[i].tables[j] :
			&tools[i].other_tables[j - CMIG_TOOL_MAX_TABLES];

			if (table->name != NULL && strcmp(object->name, table->name) == 0 &&
				cmig_object_child(object, &cmig_kind_column, table->column) &&
				(table->schema == NULL ||
				 strcmp(object->identity,
						psprintf("%s.%s", cmig_quote(table->schema), cmig_quote(object->name))) == 0))
				return true;
		}
	return false;
}

/* Mark a table, its parts, and the sequences and schema that it needs. */
static void
mark(bool *marked, const CmigObject *object)
{
	marked[object->index] = true;
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (on->kind == &cmig_kind_sequence && !marked[on->index])
			mark(marked, on);
		else if (on->kind == &cmig_kind_schema)
			marked[on->index] = true;
	}
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		mark(marked, child);
}

/*
 * Add to "other" the tables of other migration tools that only "live"
 * contains, so that these tables do not count as differences.
 */
void
cmig_tool_table_keep(const CmigImage *live, CmigImage *other)
{
	bool	   *marked = palloc0(sizeof(bool) * Max(live->count, 1));
	CmigListing tables;
	const char *names;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);
	for (int i = 0; i < live->count; i++)
		if (is_tool_table(live->objects[i]) &&
			cmig_image_counterpart(other, live->objects[i]) == NULL)
		{
			mark(marked, live->objects[i]);
			cmig_listing_add(&tables, live->objects[i]->identity);
		}
	if (tables.count == 0)
		return;
	cmig_keep(live, other, marked);
	names = cmig_listing_text(&tables);
	ereport(NOTICE,
			(errmsg_plural("a table of another migration tool was left unchanged: %s",
						   "tables of other migration tools were left unchanged: %s",
						   tables.count, names),
			 errhint_plural("If it is no longer used: DROP TABLE %s",
							"If they are no longer used: DROP TABLE %s",
							tables.count, names)));
}
