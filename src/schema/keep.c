/*
 * keep.c
 *	  Objects that a difference leaves alone.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Refuses changes to objects that belong to other roles.
 *
 * Such objects are called foreign objects here; others.c finds them.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/*
 * If the changed object is a foreign object or part of one, returns the
 * foreign object.  Otherwise returns NULL.
 */
static const CmigObject *
foreign_root(const CmigDifference *difference, const CmigChange *change)
{
	for (;;)
	{
		const CmigObject *object = change->from ? change->from : change->to;

		if (change->from != NULL && change->from->foreign)
			return change->from;
		if (object->owner != NULL || object->parent == NULL)
			return NULL;
		change = change->from ? difference->of_from[object->parent->index] : difference->of_to[object->parent->index];
	}
}

void
cmig_foreign_refuse(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE)
		{
			CmigChange *change = &difference->changes[i];
			const CmigObject *to = change->to;

			/*
			 * mark the change as unsupported if the database lacks something
			 * that the new object needs
			 */
			if (to != NULL && to->needs != NULL)
			{
				change->action = to->parent != NULL && to->parent->needs != NULL ? CMIG_NO_CHANGE : CMIG_UNSUPPORTED;
				change->reason = unconstify(char *, to->needs);
				change->disturbs = change->recasts = change->late = false;
			}
		}
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE && difference->changes[i].action != CMIG_UNSUPPORTED)
		{
			CmigChange *change = &difference->changes[i];
			const CmigObject *root = foreign_root(difference, change);
			const CmigChange *root_change;

			/* mark the change as unsupported if it affects a foreign object */
			if (root == NULL)
				continue;
			root_change = difference->of_from[root->index];
			if (root_change->to == NULL && root->may_drop)
				continue;
			if (root_change->to == NULL && (root->kind->flags & CMIG_KIND_GLOBAL))
			{
				change->action = CMIG_NO_CHANGE;
				continue;
			}
			change->action = CMIG_UNSUPPORTED;
			change->reason = root == change->from ? psprintf("it belongs to role %s", cmig_quote(root->owner)) :
				psprintf("%s %s belongs to role %s", root->kind->name, root->identity, cmig_quote(root->owner));
			change->disturbs = change->recasts = change->late = false;
		}
}

bool
cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *root = foreign_root(difference, change);

	return root != NULL && !(difference->of_from[root->index]->to == NULL && root->may_drop);
}

void
cmig_foreign_prevents(CmigChange *change, const CmigChange *stays)
{
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("%s %s depends on it, and belongs to role %s", stays->from->kind->name,
							  stays->from->identity, cmig_quote(stays->from->owner ? stays->from->owner :
																stays->from->parent->owner));
	change->disturbs = change->recasts = change->late = false;
}

/* ----------------------------------------------------------------
 * Keeps objects that the target lacks.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/* The state of copying objects from one image to another. */
typedef struct Keep
{
	const CmigImage *from;
	CmigImage  *to;
	CmigObject **copies;		/* indexed like from->objects: the object in
								 * "to", or NULL */
	bool	   *kept;			/* indexed like from->objects: true if the
								 * object is kept */
} Keep;

/*
 * Returns the target's object with the same kind and identity as "object", or
 * NULL.
 */
static CmigObject *
counterpart(const CmigImage *to, const CmigObject *object)
{
	return cmig_image_lookup(to, object->kind, object->identity);
}

/* Does the target contain the object, or is the object kept? */
static bool
remains(const Keep *keep, const CmigObject *object)
{
	return keep->copies[object->index] != NULL || keep->kept[object->index];
}

/* Do the object's parent and all objects on which it depends remain? */
static bool
can_stay(const Keep *keep, const CmigObject *object)
{
	if (object->parent != NULL && !remains(keep, object->parent))
		return false;
	for (int i = 0; i < object->ndepends; i++)
		if (!remains(keep, object->depends[i]))
			return false;
	return true;
}

/*
 * A CmigKeepCandidate: returns true for an index that cmig.enable_rls created,
 * for an object that ORMs cannot define, and for an object that belongs to
 * such an object.
 */
static bool
is_unknown(const CmigObject *object, void *arg)
{
	if (object->kind == &cmig_kind_index && object->comment != NULL &&
		strstr(object->comment, "[cmig.enable_rls index]") != NULL)
		return true;
	for (; object != NULL; object = object->parent)
		if ((object->kind->flags & CMIG_KIND_MODEL) == 0)
			return object->kind != &cmig_kind_other;
	return false;
}

/* Make "result", the copy of "object", refer to objects in the target. */
static void
connect_to(const Keep *keep, const CmigObject *object, CmigObject *result)
{
	if (object->parent != NULL)
		result->parent = keep->copies[object->parent->index];
	result->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
	for (int i = 0; i < object->ndepends; i++)
		result->depends[i] = keep->copies[object->depends[i]->index];
	result->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
	result->nsoft = 0;
	for (int i = 0; i < object->nsoft; i++)
		if (keep->copies[object->soft[i]->index] != NULL)
			result->soft[result->nsoft++] = keep->copies[object->soft[i]->index];
}

void
cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg)
{
	Keep		keep = {from, to};
	bool		any = false;
	bool		changed;

	keep.copies = palloc0(sizeof(CmigObject *) * Max(from->count, 1));
	keep.kept = palloc0(sizeof(bool) * Max(from->count, 1));

	/*
	 * Decide which objects are kept: all candidates except those that cannot
	 * stay.
	 */
	changed = true;
	for (int i = 0; i < keep.from->count; i++)
	{
		keep.copies[i] = counterpart(keep.to, keep.from->objects[i]);
		keep.kept[i] = keep.copies[i] == NULL && is_candidate(keep.from->objects[i], arg);
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < keep.from->count; i++)
		{
			if (!keep.kept[i] || can_stay(&keep, keep.from->objects[i]))
				continue;
			keep.kept[i] = false;
			changed = true;
		}
	}
	for (int i = 0; i < from->count; i++)
		if (keep.kept[i])
		{
			CmigObject *result = cmig_object_copy(from->objects[i]);

			result->parent = result->child = result->last_child = result->sibling = NULL;
			keep.copies[i] = result;
		}
	for (int i = 0; i < from->count; i++)
	{
		if (!keep.kept[i])
			continue;
		connect_to(&keep, from->objects[i], keep.copies[i]);
		cmig_image_add(to, keep.copies[i]);
		any = true;
	}
	if (any)
		cmig_image_sort(to);
	pfree(keep.copies);
	pfree(keep.kept);
}

/* Mark an object and its children as impossible to create. */
static void
set_needs(CmigObject *object, const char *reason)
{
	object->needs = reason;
	for (CmigObject *child = object->child; child != NULL; child = child->sibling)
		set_needs(child, reason);
}

void
cmig_keep_unknown(const CmigImage *from, CmigImage *to)
{
	cmig_keep(from, to, is_unknown, NULL);
	for (int i = 0; i < from->count; i++)
		if (is_unknown(from->objects[i], NULL) && counterpart(to, from->objects[i]) != NULL)
		{
			const CmigObject *kept = from->objects[i];
			static CmigKind *const kinds[] = {&cmig_kind_table, &cmig_kind_sequence, &cmig_kind_index, &cmig_kind_enum};

			/*
			 * if a kept object has the name of an object that models define,
			 * mark the latter object as impossible to create
			 */
			for (int j = 0; j < lengthof(kinds); j++)
			{
				CmigObject *object = cmig_image_lookup(to, kinds[j], kept->identity);

				if (object != NULL && kinds[j] != kept->kind &&
					(kinds[j]->flags & kept->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0)
					set_needs(object, psprintf("%s %s has the same name, and ORMs cannot define it", kept->kind->name, kept->identity));
			}
		}
}

const CmigObject *
cmig_keep_missing(const CmigObject *object, const CmigImage *to)
{
	if (!is_unknown(object, NULL) || counterpart(to, object) != NULL ||
		(object->parent != NULL && counterpart(to, object->parent) == NULL))
		return NULL;
	for (int i = 0; i < object->ndepends; i++)
		if (counterpart(to, object->depends[i]) == NULL)
			return object->depends[i];
	return NULL;
}

/*
 * Partitions
 */

/*
 * Also mark what belongs to marked objects: their children, the sequences that
 * their columns own, and their places in publications; and what they need but
 * the target lacks, such as a schema or a function.
 */
static void
mark_parts(const CmigImage *image, const CmigImage *target, bool *marked)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];
			int			whole = object->kind == &cmig_kind_sequence_owner ? object->parent->index :
			object->kind == &cmig_kind_publication_table ? i : -1;
			bool		mark = object->parent != NULL && marked[object->parent->index];

			for (int j = 0; whole >= 0 && !marked[whole] && j < object->ndepends; j++)
				if (marked[object->depends[j]->index])
					marked[whole] = changed = true;
			if (mark && !marked[i])
				marked[i] = changed = true;
			for (int j = 0; marked[i] && !object->inherited && j < object->ndepends; j++)
			{
				const CmigObject *on = object->depends[j];

				if (on->parent == NULL && !marked[on->index] && counterpart(target, on) == NULL)
					marked[on->index] = changed = true;
			}
		}
	}
}

/* Remove the marked objects from an array of objects.  Returns the new length. */
static int
remove_marked(CmigObject **objects, int count, const bool *marked)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (!marked[objects[i]->index])
			objects[kept++] = objects[i];
	return kept;
}

void
cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates)
{
	bool	   *marked = palloc0(Max(image->count, 1));
	CmigListing tables;
	int			count;
	bool	   *divided;		/* by index in "target" */
	bool	   *listed;
	bool		changed;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);

	/*
	 * Mark the partitions that are left out: those of a table whose
	 * partitions the target does not create, and their own partitions.  Adds
	 * the topmost of these tables to the listing, and returns the number of
	 * partitions.
	 */
	divided = palloc0(Max(target->count, 1));
	listed = palloc0(Max(image->count, 1));
	changed = true;
	count = 0;
	for (int i = 0; i < target->count; i++)
	{
		const CmigObject *link = target->objects[i];
		const CmigObject *table = link->kind != &cmig_kind_partition ? NULL :
		cmig_image_lookup(target, &cmig_kind_table, link->values[CMIG_PARTITION_OF]);

		if (table != NULL)
			divided[table->index] = true;
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *link = image->objects[i];
			const CmigObject *table = link->kind != &cmig_kind_partition || marked[link->parent->index] ? NULL :
			cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]);
			const CmigObject *other = table ? counterpart(target, table) : NULL;

			if (table == NULL || counterpart(target, link->parent) != NULL ||
				(!marked[table->index] && (other == NULL || divided[other->index] || !cmig_table_same_key(table, other))))
				continue;
			if (!marked[table->index] && !listed[table->index])
				cmig_listing_add(&tables, table->identity);
			listed[table->index] = marked[link->parent->index] = changed = true;
			count++;
		}
	}
	if (count == 0)
		return;
	mark_parts(image, target, marked);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		CmigObject **next = &object->child;

		if (marked[i])
			(void) hash_search(image->addresses, &object->address, HASH_REMOVE, NULL);
		object->ndepends = remove_marked(object->depends, object->ndepends, marked);
		object->nsoft = remove_marked(object->soft, object->nsoft, marked);
		object->last_child = NULL;
		while (*next != NULL)
		{
			if (marked[(*next)->index])
				*next = (*next)->sibling;
			else
			{
				object->last_child = *next;
				next = &(*next)->sibling;
			}
		}
	}
	image->count = remove_marked(image->objects, image->count, marked);
	cmig_image_sort(image);
	ereport(NOTICE,
			(errmsg_plural("%d partition was left unchanged", "%d partitions were left unchanged", count, count),
			 errdetail("%s no partitions of %s.", creates, cmig_listing_text(&tables))));
}

/* ----------------------------------------------------------------
 * Recognizes the bookkeeping tables of other migration tools.
 *
 * No target contains these tables, and no revision creates them, but they
 * must stay as long as the tool is in use.
 *
 * A table is recognized by its name and one of its columns.
 * ----------------------------------------------------------------
 */

static const CmigToolTable tool_tables[] = {
	{"alembic", NULL, "alembic_version", "version_num"},
	{NULL, NULL, "cmig_version", "version_num"},	/* for scripts generated
													 * by cmig.script() */
	{NULL, NULL, "django_migrations", "applied"},
	{"flyway", NULL, "flyway_schema_history", "installed_rank"},
	{"flyway", NULL, "schema_version", "installed_rank"},	/* before Flyway 5 */
	{"liquibase", NULL, "databasechangelog", "orderexecuted"},
	{NULL, NULL, "databasechangeloglock", "lockgranted"},
	{"golang-migrate", NULL, "schema_migrations", "version"},
	{"dbmate", NULL, "schema_migrations", "version"},	/* also used by Ecto */
	{"rails", NULL, "schema_migrations", "version"},
	{NULL, NULL, "ar_internal_metadata", "key"},	/* Rails */
	{"supabase", "supabase_migrations", "schema_migrations", "version"},
	{"goose", NULL, "goose_db_version", "version_id"},
	{"prisma", NULL, "_prisma_migrations", "migration_name"},
	{"drizzle", "drizzle", "__drizzle_migrations", "hash"},
	{"drizzle", NULL, "__drizzle_migrations", "hash"},
	{"graphile-migrate", "graphile_migrate", "migrations", "previous_hash"},
	{NULL, "graphile_migrate", "current", "content"},
	{NULL, NULL, "knex_migrations", "batch"},
	{NULL, NULL, "knex_migrations_lock", "is_locked"},
	{NULL, NULL, "SequelizeMeta", "name"},
	{"node-pg-migrate", NULL, "pgmigrations", "run_on"},
	{NULL, NULL, "mikro_orm_migrations", "executed_at"},
	{NULL, NULL, "__EFMigrationsHistory", "MigrationId"},
	{"sqitch", "sqitch", "changes", "planned_at"},
	{NULL, "sqitch", "dependencies", "dependency_id"},
	{NULL, "sqitch", "events", "change_id"},
	{NULL, "sqitch", "projects", "creator_email"},
	{NULL, "sqitch", "releases", "installer_email"},
	{NULL, "sqitch", "tags", "tag_id"},
	{"sqlx", NULL, "_sqlx_migrations", "checksum"},
	{"diesel", NULL, "__diesel_schema_migrations", "version"},
	{"refinery", NULL, "refinery_schema_history", "checksum"},
	{NULL, NULL, "gorp_migrations", "applied_at"},
	{NULL, NULL, "atlas_schema_revisions", "executed_at"},
	{NULL, NULL, "doctrine_migration_versions", "executed_at"},
	{NULL, NULL, "phinxlog", "migration_name"},
	{"yoyo", NULL, "_yoyo_migration", "migration_id"},
	{NULL, NULL, "_yoyo_log", "migration_id"},
	{NULL, NULL, "_yoyo_version", "version"},
	{NULL, NULL, "yoyo_lock", "locked"}
};

const CmigToolTable *
cmig_tool_table_next(const char *tool, const CmigToolTable *last)
{
	for (int i = last ? last - tool_tables + 1 : 0; i < lengthof(tool_tables); i++)
		if (tool_tables[i].tool != NULL && strcmp(tool_tables[i].tool, tool) == 0)
			return &tool_tables[i];
	return NULL;
}

/* The objects to keep, and a list of the tables among them. */
typedef struct ToolTables
{
	bool	   *set;			/* for each object, by its index: true if it
								 * is kept */
	CmigListing names;
} ToolTables;

/*
 * Is "version_num" the table's only column?  Alembic's table can have any name,
 * and may have been renamed after the change to pg_cmig.
 */
static bool
is_version_table(const CmigObject *table)
{
	int			columns = 0;

	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		columns += child->kind == &cmig_kind_column;
	return columns == 1 && cmig_column_find(table, "version_num");
}

/* Does the table belong to another migration tool? */
static bool
is_tool_table(const CmigObject *object)
{
	if (object->kind != &cmig_kind_table)
		return false;
	if (is_version_table(object))
		return true;
	for (int i = 0; i < lengthof(tool_tables); i++)
	{
		const CmigToolTable *entry = &tool_tables[i];

		if (strcmp(object->name, entry->name) == 0 && cmig_column_find(object, entry->column) &&
			(entry->schema == NULL ||
			 strcmp(object->identity,
					psprintf("%s.%s", cmig_quote(entry->schema),
							 cmig_quote(object->name))) == 0))
			return true;
	}
	return false;
}

/* Mark a table, its parts, and the sequences and schema that it needs. */
static void
mark(ToolTables *tables, const CmigObject *object)
{
	tables->set[object->index] = true;
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (tables->set[on->index])
			continue;
		if (on->kind == &cmig_kind_sequence)
			mark(tables, on);
		else if (on->kind == &cmig_kind_schema)
			tables->set[on->index] = true;
	}
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		mark(tables, child);
}

/* A CmigKeepCandidate: returns true if the object is marked. */
static bool
is_marked(const CmigObject *object, void *arg)
{
	return ((ToolTables *) arg)->set[object->index];
}

void
cmig_tool_table_keep(const CmigImage *live, CmigImage *other)
{
	ToolTables	tables = {0};
	const char *names;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];

		if (!is_tool_table(object) || cmig_image_lookup(other, object->kind, object->identity) != NULL)
			continue;
		if (tables.set == NULL)
		{
			tables.set = palloc0(sizeof(bool) * live->count);
			cmig_listing_init(&tables.names, CMIG_LISTING_PLAIN);
		}
		mark(&tables, object);
		cmig_listing_add(&tables.names, object->identity);
	}
	if (tables.set == NULL)
		return;
	cmig_keep(live, other, is_marked, &tables);
	names = cmig_listing_text(&tables.names);
	ereport(NOTICE,
			(errmsg_plural("a table of another migration tool was left unchanged: %s",
						   "tables of other migration tools were left unchanged: %s",
						   tables.names.count, names),
			 errhint_plural("If it is no longer used: DROP TABLE %s",
							"If they are no longer used: DROP TABLE %s",
							tables.names.count, names)));
}
