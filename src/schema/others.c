/*
 * others.c
 *	  Objects that a difference must not change, or that prevent it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/scansup.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "parse/parse.h"
#include "schema/internal.h"
#include "schema/shadow.h"
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

/* The state of moving extensions to their schemas in the target. */
typedef struct Move
{
	const CmigManaged *managed;
	const CmigImage *to;
	CmigDiffCallback callback;
	void	   *arg;
} Move;

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

/* Returns the schema with this quoted name; creates it if it is missing. */
static Oid
find_schema(Move *move, const char *quoted)
{
	char	   *name = strVal(linitial(textToQualifiedNameList(cstring_to_text(quoted))));
	Oid			oid = get_namespace_oid(name, true);
	CmigDiffRow row = {"create", cmig_kind_schema.name, quoted};

	if (OidIsValid(oid))
		return oid;
	oid = NamespaceCreate(name, GetUserId(), false);
	CommandCounterIncrement();
	move->managed = cmig_managed_with(move->managed, name, oid);
	row.subject = cmig_image_lookup(move->to, &cmig_kind_schema, quoted);
	row.upgrade = psprintf("CREATE SCHEMA %s", quoted);
	row.downgrade = psprintf("DROP SCHEMA %s", quoted);
	move->callback(&row, move->arg);
	return oid;
}

/* Move one extension in the catalogs, and pass its row to the callback. */
static void
move_extension(Move *move, const CmigObject *object, const char *schema)
{
	CmigDiffRow row = {"alter", object->kind->name, object->identity,.subject = object};
	Oid			extension = object->address.object;

	cmig_shadow_extension_move(extension, cmig_shadow_extension_schema(extension), find_schema(move, schema));
	row.upgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, schema);
	row.downgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, object->values[CMIG_EXTENSION_SCHEMA]);
	move->callback(&row, move->arg);
}

const CmigManaged *
cmig_extension_move(const CmigManaged *managed, const CmigImage *from, const CmigImage *to,
					CmigDiffCallback callback, void *arg)
{
	Move		move = {.managed = managed,.to = to,.callback = callback,.arg = arg};

	for (int i = 0; i < from->count; i++)
	{
		const char *schema = new_schema(from->objects[i], to);

		if (schema != NULL)
			move_extension(&move, from->objects[i], schema);
	}
	CommandCounterIncrement();
	return move.managed;
}

/* Does the server have an update path from version "to" back to "from"? */
static bool
has_path_back(const CmigChange *change)
{
	static CmigQuery query = {
		.sql = "SELECT FROM pg_extension_update_paths($1) WHERE source = $2 AND target = $3 AND path IS NOT NULL",
		.nargs = 3,.argtypes = {NAMEOID, TEXTOID, TEXTOID}
	};
	Datum		values[3];

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(change->from->name));
	values[1] = CStringGetTextDatum(change->to->values[CMIG_EXTENSION_VERSION]);
	values[2] = CStringGetTextDatum(change->from->values[CMIG_EXTENSION_VERSION]);
	return cmig_query_run(&query, values, NULL) > 0;
}

void
cmig_extension_check_updates(const CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		ListCell   *cell;

		if (change->action != CMIG_ALTER || change->to == NULL || change->to->kind != &cmig_kind_extension ||
			strcmp(change->from->values[CMIG_EXTENSION_VERSION], change->to->values[CMIG_EXTENSION_VERSION]) == 0 || has_path_back(change))
			continue;
		foreach(cell, change->ddl)
		{
			CmigDdl    *ddl = lfirst(cell);

			if (ddl->undo == NULL || strstr(ddl->undo, " UPDATE TO ") == NULL)
				continue;
			ddl->undo = NULL;
			ddl->hazard = psprintf("cannot be reverted: extension %s has no update path from version %s back to %s",
								   change->from->identity, change->to->values[CMIG_EXTENSION_VERSION], change->from->values[CMIG_EXTENSION_VERSION]);
		}
	}
}

/*
 * Extensions that no revision has created
 */

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

List *
cmig_extension_created(const CmigSituation *now)
{
	List	   *created = NIL;
	CmigNames	applied = {0};

	applied.names = palloc(sizeof(char *) * Max(now->graph->count, 1));
	for (int i = 0; i < now->graph->count; i++)
		if (now->applied->applied->set[i])
			applied.names[applied.count++] = (char *) now->graph->nodes[i].revision->id;
	cmig_catalog_each_text_of(&applied, find_created_by, &created);
	return created;
}

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

/* A CmigKeepCandidate: returns true if the object is in the list. */
static bool
is_listed(const CmigObject *object, void *arg)
{
	return list_member_ptr(arg, object);
}

void
cmig_extension_keep(const CmigImage *live, CmigImage *target)
{
	List	   *created = NIL;
	List	   *kept = NIL;
	List	   *names = NIL;
	bool		read = false;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];

		if (object->kind != &cmig_kind_extension || object->foreign ||
			cmig_image_lookup(target, object->kind, object->identity) != NULL)
			continue;
		if (!read)
		{
			CmigSituation now = cmig_move_read(false);

			created = cmig_extension_created(&now);
			read = true;
		}
		if (cmig_text_list_has(created, object->name))
			continue;
		names = lappend(names, (char *) object->name);
		kept = lappend(kept, (void *) object);
		for (int j = 0; j < object->ndepends; j++)
			if (object->depends[j]->kind == &cmig_kind_schema)
				kept = list_append_unique_ptr(kept, (void *) object->depends[j]);
	}
	if (kept != NIL)
		cmig_keep(live, target, is_listed, kept);
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
	char	   *identity;		/* qualified and quoted */
} LogUse;

/* The image being read, and the uses found so far. */
typedef struct Reader
{
	const CmigImage *image;
	List	   *uses;
} Reader;

/* Row callback: record the use if its object is in the image. */
static void
add_use(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigAddress address = {0};
	CmigObject *object;
	LogUse	   *use;
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	object = cmig_image_find(reader->image, address);
	if (object == NULL)
		return;
	use = palloc(sizeof(LogUse));
	use->object = object;
	use->relation = cmig_query_text(desc, row, 3);
	use->identity = cmig_query_text(desc, row, 4);
	reader->uses = lappend(reader->uses, use);
}

List *
cmig_log_use_read(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT d.classid, d.objid, c.relname::text, format('%I.%I', n.nspname, c.relname)"
		" FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
		" JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
		" WHERE n.nspname = '" LOG_SCHEMA "'"
	};
	Reader		reader = {image, NIL};

	if (OidIsValid(get_namespace_oid(LOG_SCHEMA, true)))
		cmig_query_each(&query, NULL, NULL, add_use, &reader);
	return reader.uses;
}

/*
 * Returns the field "needs" of the object's parent or of an object that it
 * depends on.  Returns NULL if none of these fields is set.
 */
static const char *
needed(const CmigObject *object)
{
	if (object->parent != NULL && object->parent->needs != NULL)
		return object->parent->needs;
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i]->needs != NULL)
			return object->depends[i]->needs;
	return NULL;
}

/*
 * Mark the objects that depend on marked objects, because they cannot be
 * created, either.
 */
static void
spread(CmigImage *image)
{
	bool		found;

	do
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];

			if (object->needs == NULL)
			{
				object->needs = needed(object);
				found |= object->needs != NULL;
			}
		}
	} while (found);
}

void
cmig_log_use_mark(CmigImage *image, const List *uses)
{
	Oid			schema = get_namespace_oid(LOG_SCHEMA, true);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, uses)
	{
		LogUse	   *use = lfirst(cell);

		if (OidIsValid(schema) && OidIsValid(get_relname_relid(use->relation, schema)))
			continue;
		use->object->needs = psprintf("it needs %s, which cmig.enable_audit creates", use->identity);
		found = true;
	}
	if (found)
		spread(image);
}

/* ----------------------------------------------------------------
 * Handles other roles' objects, which the caller is not allowed to alter.
 * ----------------------------------------------------------------
 */

/*
 * Ownership
 */

/* The owner for which acts_for() was last called, and the result. */
typedef struct OwnerCheck
{
	const char *owner;
	bool		has;
} OwnerCheck;

/*
 * Returns true if the caller can act as this owner, or if there is no such
 * role.
 */
static bool
acts_for(OwnerCheck *last, const char *owner)
{
	Oid			role;

	if (last->owner != NULL && strcmp(last->owner, owner) == 0)
		return last->has;
	role = get_role_oid(owner, true);
	last->owner = owner;
	last->has = !OidIsValid(role) || has_privs_of_role(GetUserId(), role);
	return last->has;
}

/* Returns the schema of a live object, or InvalidOid. */
static Oid
schema_of(const CmigObject *object)
{
	ObjectAddress address = {object->address.catalog, object->address.object, 0};

	return is_objectclass_supported(address.classId) ? get_object_namespace(&address) : InvalidOid;
}

/* Can the caller drop the object as the owner of its schema? */
static bool
owns_schema(const CmigObject *object)
{
	HeapTuple	tuple;
	Oid			schema = schema_of(object);
	bool		owns;

	if (!OidIsValid(schema))
		return false;
	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		return false;
	owns = has_privs_of_role(GetUserId(), ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner);
	ReleaseSysCache(tuple);
	return owns;
}

void
cmig_others_mark(CmigImage *image)
{
	OwnerCheck	last = {0};

	if (superuser())
		return;
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->owner != NULL && !acts_for(&last, object->owner))
		{
			object->foreign = true;
			object->may_drop = owns_schema(object);
		}
		if (object->kind == &cmig_kind_materialized_view && object->owner != NULL)
		{
			Oid			role = get_role_oid(object->owner, true);
			Oid			schema = schema_of(object);

			object->unownable = OidIsValid(role) && OidIsValid(schema) &&
				!cmig_may_create_compat(schema, role);
		}
	}
}

/*
 * Notes
 */

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

/* Returns the live object of another role that the note is about, or NULL. */
static const CmigObject *
find_foreign(const CmigImage *live, const CmigTargetNote *note)
{
	for (int i = 0; i < live->count; i++)
		if (live->objects[i]->foreign && is_about(note, live->objects[i]))
			return live->objects[i];
	return NULL;
}

/*
 * Returns the only object of this kind with this unqualified name, or NULL
 * if there is none or more than one.
 */
static CmigObject *
find_unqualified(const CmigImage *image, const CmigKind *kind, const char *name)
{
	CmigObject *found = NULL;

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind != kind || strcmp(cmig_quote(object->name), name) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = object;
	}
	return found;
}

/* Returns the image's object named "table public.a" or "table a", or NULL. */
static CmigObject *
find_named(const CmigImage *image, const char *name)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	for (int i = 0; i < count; i++)
	{
		size_t		length = strlen(kinds[i]->name);
		CmigObject *object;

		if (strncmp(name, kinds[i]->name, length) != 0 || name[length] != ' ')
			continue;
		object = cmig_image_lookup(image, kinds[i], name + length + 1);
		if (object == NULL)
			object = find_unqualified(image, kinds[i], name + length + 1);
		if (object != NULL)
			return object;
	}
	return NULL;
}

/*
 * Handle a note that says that the caller cannot make a role the owner of an
 * object.  Returns true if this role already owns the live object, so that
 * there is no difference.
 */
static bool
settle_owner(const CmigImage *live, const CmigImage *target, const CmigTargetNote *note)
{
	const CmigObject *from = note->role ? find_named(live, note->object) : NULL;
	CmigObject *to;

	if (from == NULL || from->owner == NULL || strcmp(from->owner, note->role) != 0)
		return false;
	to = find_named(target, note->object);
	if (to != NULL)
		to->owner = from->owner;
	return true;
}

/*
 * The note says that a statement of the target was skipped.  The objects that
 * the statement would have created or altered, and their parts, are neither
 * compared nor dropped: give "target" the live ones.
 */
static void
keep_skipped(const CmigImage *live, CmigImage *target, const CmigTargetNote *note)
{
	List	   *kept = NIL;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];
		const CmigObject *whole = object;
		CmigObject *other;

		while (whole != NULL && !is_about(note, whole))
			whole = whole->parent;
		if (whole == NULL)
			continue;
		other = cmig_image_lookup(target, object->kind, object->identity);
		if (other == NULL)
			kept = lappend(kept, (void *) object);

		/*
		 * another statement may have created this overload of a function, and
		 * the version of an extension is compared even if its schema is not
		 */
		else if (object == whole && object->kind != &cmig_kind_function && object->kind != &cmig_kind_extension)
			for (int j = 0; j < object->kind->nproperties; j++)
				cmig_object_set(other, j, object->values[j]);
	}
	if (kept != NIL)
		cmig_keep(live, target, is_listed, kept);
}

List *
cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
				   const CmigDiffOptions *options)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, notes)
	{
		CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, "owner") == 0 && (!options->owners || settle_owner(live, target, note)))
			continue;
		if (strcmp(note->kind, "privilege") == 0 && !options->privileges)
			continue;
		if (strcmp(note->kind, "comment") == 0 && !options->comments)
			continue;
		keep_skipped(live, target, note);
		if (find_foreign(live, note) == NULL)
			kept = lappend(kept, note);
	}
	return kept;
}

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

/* The difference whose changes are examined. */
typedef struct Outside
{
	const CmigDifference *difference;
	CmigChange **changes;		/* the changes that the query is about */
}			Outside;

#define SCHEMA_OF(catalog, column, relation) \
	" WHEN '" catalog "'::regclass THEN (SELECT k.relnamespace FROM " catalog " x JOIN pg_class k ON k.oid = x." relation " WHERE x." column " = d.objid)"

/*
 * Query for the dependents of the given objects.  Each row contains the number
 * of the given object, counting from 1, and the catalog, the OID, and the
 * description of the dependent.  Dependents that have no schema (casts, event
 * triggers, languages, and transforms) are found even if they are compared.
 * For a column whose type changes, so are dependents of the same column in a
 * partition ("below"), because the partition may be left out of the difference.
 */
static const char dependents_sql[] =
"SELECT c.n, d.classid, d.objid, coalesce("
" (SELECT pg_describe_object('pg_class'::regclass, x.ev_class, 0) FROM pg_rewrite x WHERE d.classid = 'pg_rewrite'::regclass AND x.oid = d.objid),"
" (SELECT pg_describe_object('pg_type'::regclass, x.contypid, 0) FROM pg_constraint x WHERE d.classid = 'pg_constraint'::regclass AND x.oid = d.objid AND x.contypid <> 0),"
" pg_describe_object(d.classid, d.objid, d.objsubid))"
", o.below FROM unnest($1, $2, $3, $4) WITH ORDINALITY c (class, object, sub, retyped, n)"
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
" ELSE (o.below OR s.schema <> ALL ($5)) AND (SELECT n.nspname !~ '^pg_(toast|temp)' FROM pg_namespace n WHERE n.oid = s.schema) END"
" AND NOT EXISTS (SELECT FROM pg_trigger x WHERE o.below AND d.classid = 'pg_trigger'::regclass AND x.oid = d.objid AND x.tgparentid <> 0)"
" ORDER BY c.n, d.classid, d.objid";

/* Row callback: mark the change as unsupported. */
static void
refuse(TupleDesc desc, HeapTuple row, void *arg)
{
	Outside    *outside = arg;
	CmigChange *change = outside->changes[cmig_query_int64(desc, row, 1, 1) - 1];
	CmigAddress address = {0};
	const CmigObject *compared;
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 3, &isnull));
	compared = cmig_image_find_exactly(outside->difference->from, address);
	if (change->action == CMIG_UNSUPPORTED ||
		(compared != NULL && (!cmig_query_bool(desc, row, 5, false) || cmig_change_drops(outside->difference->of_from[compared->index]))))
		return;
	change->reason = psprintf("%s%s depends on it", cmig_query_text(desc, row, 4), compared ? "" : ", which is not compared,");
	change->action = CMIG_UNSUPPORTED;
	change->ddl = change->first = change->last = NIL;
	change->late = false;
}

/*
 * Does the change drop an object by a statement of its own, or change the type
 * of a column?  Objects without a catalog row of their own, such as the
 * attachment of a partition, have a negative column number.
 */
static bool
is_examined(const CmigChange *change)
{
	return change->from != NULL && change->host == NULL && change->from->address.sub >= 0 &&
		change->from->kind != &cmig_kind_schema &&
		(cmig_change_drops(change) || (change->action == CMIG_ALTER && change->disturbs));
}

/* Returns the elements as an array. */
static Datum
make_array(Datum *elements, int count, Oid type)
{
	bool		is_bool = type == BOOLOID;

	return PointerGetDatum(construct_array(elements, count, type, is_bool ? 1 : 4, true, is_bool ? TYPALIGN_CHAR : TYPALIGN_INT));
}

void
cmig_outside_refuse(CmigDifference *difference, const CmigManaged *managed)
{
	static CmigQuery query = {
		.sql = dependents_sql,
		.nargs = 5,.argtypes = {OIDARRAYOID, OIDARRAYOID, INT4ARRAYOID, BOOLARRAYOID, OIDARRAYOID}
	};
	Datum	   *parts[5];
	Datum		values[5];
	Outside		outside = {difference, palloc(sizeof(CmigChange *) * (difference->count + 1))};
	int			count = 0;

	for (int i = 0; i < 5; i++)
		parts[i] = palloc(sizeof(Datum) * (Max(difference->count, managed->count) + 1));
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (!is_examined(change))
			continue;
		parts[0][count] = ObjectIdGetDatum(change->from->address.catalog);
		parts[1][count] = ObjectIdGetDatum(change->from->address.object);
		parts[2][count] = Int32GetDatum(change->from->address.sub);
		parts[3][count] = BoolGetDatum(!cmig_change_drops(change));
		outside.changes[count++] = change;
	}
	if (count == 0)
		return;
	for (int i = 0; i < managed->count; i++)
		parts[4][i] = ObjectIdGetDatum(managed->schemas[i].oid);
	values[0] = make_array(parts[0], count, OIDOID);
	values[1] = make_array(parts[1], count, OIDOID);
	values[2] = make_array(parts[2], count, INT4OID);
	values[3] = make_array(parts[3], count, BOOLOID);
	values[4] = make_array(parts[4], managed->count, OIDOID);
	cmig_query_each(&query, values, NULL, refuse, &outside);
}

/* ----------------------------------------------------------------
 * Finds out which tables are audited, and how, for cmig.drift.
 *
 * Images leave out the audit log's triggers, because these contain ids.
 * ----------------------------------------------------------------
 */

/* An audited table, and how it is audited. */
typedef struct CmigAudited
{
	char	   *table;			/* qualified and quoted */
	char	   *how;			/* level, operations, options, and triggers
								 * that are disabled, or enabled ALWAYS or
								 * REPLICA */
} CmigAudited;

/* Row callback: add the table to the list. */
static void
keep(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **list = arg;
	CmigAudited *audited = palloc(sizeof(CmigAudited));

	audited->table = cmig_query_text(desc, row, 1);
	audited->how = cmig_query_text(desc, row, 2);
	*list = lappend(*list, audited);
}

List *
cmig_audited_read(void)
{
	/*
	 * In a shadow, schemas named cmig_away_* contain the live tables.  Leave
	 * them out, so that only the shadow's tables are read.
	 */
	static CmigQuery query = {
		.sql = "SELECT s.target, concat_ws(', ', 'by ' || s.level, s.operations, nullif(s.options, '{}'),"
		" substring(s.problem FROM 'rows cannot be written[^;]*'),"
		" (SELECT string_agg(format('trigger %s is %s', t.tgname, CASE t.tgenabled WHEN 'D' THEN 'disabled'"
		" WHEN 'R' THEN 'enabled on replicas' ELSE 'always enabled' END), ', ' ORDER BY t.tgname)"
		" FROM pg_trigger t WHERE t.tgrelid = s.target::regclass AND t.tgenabled <> 'O'"
		" AND t.tgfoid = 'cmig.audit_trigger()'::regprocedure))"
		" FROM cmig.audit_status() s WHERE s.level IS NOT NULL AND s.target !~ '^cmig_away_[0-9]' ORDER BY s.target COLLATE \"C\""
	};
	List	   *list = NIL;

	if (OidIsValid(get_namespace_oid("cmig_audit", true)))
		cmig_query_each(&query, NULL, NULL, keep, &list);
	return list;
}

/*
 * Returns a message that says how the table's auditing differs from the
 * revisions, and how to fix it.
 */
static char *
reason_for(const char *table, const CmigAudited *live, const CmigAudited *revisions)
{
	char	   *name = quote_literal_cstr(table);
	size_t		length = revisions ? strlen(revisions->how) : 0;

	if (revisions == NULL)
		return psprintf("it is audited, but no revision calls cmig.enable_audit for it: SELECT cmig.disable_audit(%s), or call cmig.enable_audit in a revision", name);
	if (live == NULL)
		return "a revision calls cmig.enable_audit for it, but it is not audited: repeat that call";
	if (strncmp(live->how, revisions->how, length) == 0 && live->how[length] == ',')
		return psprintf("it is audited as in the revisions, but %s; call cmig.enable_audit again as the revisions do",
						live->how + length + 2);
	return psprintf("it is audited %s, but the revisions audit it %s; call cmig.enable_audit again as the revisions do",
					live->how, revisions->how);
}

void
cmig_audited_compare(const List *live, const List *revisions, CmigAuditedCallback callback, void *arg)
{
	int			i = 0;
	int			j = 0;

	while (i < list_length(live) || j < list_length(revisions))
	{
		const CmigAudited *a = i < list_length(live) ? list_nth(live, i) : NULL;
		const CmigAudited *b = j < list_length(revisions) ? list_nth(revisions, j) : NULL;
		int			order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->table, b->table);
		const char *table = order <= 0 ? a->table : b->table;

		i += order <= 0;
		j += order >= 0;
		if (order == 0 && strcmp(a->how, b->how) == 0)
			continue;
		callback(table, reason_for(table, order <= 0 ? a : NULL, order >= 0 ? b : NULL), arg);
	}
}
