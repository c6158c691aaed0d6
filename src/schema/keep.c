/*
 * keep.c
 *	  Objects that a difference leaves alone: what ORMs cannot define, partitions
 *	  that a target does not create, and the tables of other migration tools.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "schema/internal.h"

/*
 * Returns the target's object with the same kind and identity as "object", or
 * NULL.
 */
static CmigObject *
counterpart(const CmigImage *to, const CmigObject *object)
{
	return cmig_image_lookup(to, object->kind, object->identity);
}

/*
 * Add objects in "from" to "to".  "wanted" has an element for each object in
 * "from".  An object is left out if "to" lacks its parent or an object on which
 * it depends.
 */
void
cmig_keep(const CmigImage *from, CmigImage *to, const bool *wanted)
{
	/* for each object in "from": the object in "to", and whether it is added */
	CmigObject **copies = palloc0(sizeof(CmigObject *) * Max(from->count, 1));
	bool	   *kept = palloc0(sizeof(bool) * Max(from->count, 1));
	bool		changed = true,
				any = false;

	for (int i = 0; i < from->count; i++)
	{
		copies[i] = counterpart(to, from->objects[i]);
		kept[i] = wanted[i] && copies[i] == NULL;
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < from->count; i++)
		{
			const CmigObject *object = from->objects[i];
			bool		stays = kept[i];

			for (int j = object->parent ? -1 : 0; stays && j < object->ndepends; j++)
			{
				const CmigObject *on = j < 0 ? object->parent : object->depends[j];

				stays = copies[on->index] != NULL || kept[on->index];
			}
			changed |= kept[i] && !stays;
			kept[i] = stays;
		}
	}
	for (int i = 0; i < from->count; i++)
		if (kept[i])
		{
			copies[i] = cmig_object_copy(from->objects[i]);
			copies[i]->parent = copies[i]->child = copies[i]->last_child = copies[i]->sibling = NULL;
		}
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		CmigObject *result = copies[i];

		if (!kept[i])
			continue;
		/* make the copy refer to objects in the target */
		if (object->parent != NULL)
			result->parent = copies[object->parent->index];
		result->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
		for (int j = 0; j < object->ndepends; j++)
			result->depends[j] = copies[object->depends[j]->index];
		result->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
		result->nsoft = 0;
		for (int j = 0; j < object->nsoft; j++)
			if (copies[object->soft[j]->index] != NULL)
				result->soft[result->nsoft++] = copies[object->soft[j]->index];
		cmig_image_add(to, result);
		any = true;
	}
	if (any)
		cmig_image_sort(to);
	pfree(copies);
	pfree(kept);
}

/*
 * Returns true for an index that cmig.enable_rls created, for an object that
 * ORMs cannot define, and for an object that belongs to such an object.
 */
static bool
is_unknown(const CmigObject *object)
{
	if (object->kind == &cmig_kind_index && object->comment != NULL &&
		strstr(object->comment, "[cmig.enable_rls index]") != NULL)
		return true;
	for (; object != NULL; object = object->parent)
		if ((object->kind->flags & CMIG_KIND_MODEL) == 0)
			return object->kind != &cmig_kind_other;
	return false;
}

/*
 * Keep the objects that a target which contains only models cannot have; see
 * is_unknown().  They are then re-created if an object that they depend on
 * changes.
 */
void
cmig_keep_unknown(const CmigImage *from, CmigImage *to)
{
	static CmigKind *const kinds[] = {&cmig_kind_table, &cmig_kind_sequence, &cmig_kind_index, &cmig_kind_enum};
	bool	   *wanted = palloc(sizeof(bool) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
		wanted[i] = is_unknown(from->objects[i]);
	cmig_keep(from, to, wanted);
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *kept = from->objects[i];

		/*
		 * if a kept object has the name of an object that models define, mark
		 * the latter object as impossible to create
		 */
		for (int j = 0; j < lengthof(kinds) && wanted[i] && counterpart(to, kept) != NULL; j++)
		{
			CmigObject *object = cmig_image_lookup(to, kinds[j], kept->identity);

			if (object != NULL && kinds[j] != kept->kind &&
				(kinds[j]->flags & kept->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0)
				object->needs = psprintf("%s %s has the same name, and ORMs cannot define it", kept->kind->name, kept->identity);
		}
	}
	pfree(wanted);
}

/*
 * Keep the live database's distributions, because the target does not say how
 * tables are distributed.
 */
void
cmig_keep_distribution(const CmigImage *from, CmigImage *to)
{
	bool	   *wanted = palloc(sizeof(bool) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
		wanted[i] = from->objects[i]->kind == &cmig_kind_distribution;
	cmig_keep(from, to, wanted);
	pfree(wanted);
}

/*
 * If cmig_keep_unknown() did not add the object to "to" because "to" lacks an
 * object that it depends on, returns the missing object.  Otherwise returns
 * NULL, even if the object's parent is missing.
 */
const CmigObject *
cmig_keep_missing(const CmigObject *object, const CmigImage *to)
{
	if (!is_unknown(object) || counterpart(to, object) != NULL ||
		(object->parent != NULL && counterpart(to, object->parent) == NULL))
		return NULL;
	for (int i = 0; i < object->ndepends; i++)
		if (counterpart(to, object->depends[i]) == NULL)
			return object->depends[i];
	return NULL;
}

/* Partitions */

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

/* Returns the partitioned table if "link" attaches a partition, or NULL. */
static const CmigObject *
whole_of(const CmigImage *image, const CmigObject *link)
{
	return link->kind == &cmig_kind_partition ? cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]) : NULL;
}

/*
 * Remove from "image" the partitions of each table that "target" has without
 * any partitions, and everything that belongs to them, so that they are not
 * compared.  A NOTICE says how many there are.  "creates" begins a sentence,
 * such as "The target creates".
 */
void
cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates)
{
	bool	   *marked = palloc0(Max(image->count, 1)),
			   *listed = palloc0(Max(image->count, 1)),
			   *divided = palloc0(Max(target->count, 1));	/* by index in "target" */
	CmigListing tables;
	int			count = 0;
	bool		changed = true;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);
	for (int i = 0; i < target->count; i++)
	{
		const CmigObject *table = whole_of(target, target->objects[i]);

		if (table != NULL)
			divided[table->index] = true;
	}

	/*
	 * Mark the partitions of tables whose partitions the target does not
	 * create, and their own partitions, and list the topmost of these tables.
	 */
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *link = image->objects[i];
			const CmigObject *table = whole_of(image, link);
			const CmigObject *other = table ? counterpart(target, table) : NULL;

			if (table == NULL || marked[link->parent->index] || counterpart(target, link->parent) != NULL ||
				(!marked[table->index] && (other == NULL || divided[other->index] ||
										   other->values[CMIG_TABLE_PARTITION_KEY] == NULL || !cmig_object_same(table, other, CMIG_TABLE_PARTITION_KEY))))
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

/*
 * Does the table belong to another migration tool?  Alembic's table can have
 * any name, and may have been renamed after the change to pg_cmig, so it is
 * recognized by its only column, "version_num".
 */
static bool
is_tool_table(const CmigObject *object)
{
	int			columns = 0;

	if (object->kind != &cmig_kind_table)
		return false;
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		columns += child->kind == &cmig_kind_column;
	if (columns == 1 && cmig_object_child(object, &cmig_kind_column, "version_num"))
		return true;
	for (int i = 0; i < lengthof(tool_tables); i++)
	{
		const CmigToolTable *entry = &tool_tables[i];

		if (strcmp(object->name, entry->name) == 0 && cmig_object_child(object, &cmig_kind_column, entry->column) &&
			(entry->schema == NULL ||
			 strcmp(object->identity,
					psprintf("%s.%s", cmig_quote(entry->schema), cmig_quote(object->name))) == 0))
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
		if (is_tool_table(live->objects[i]) && counterpart(other, live->objects[i]) == NULL)
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
