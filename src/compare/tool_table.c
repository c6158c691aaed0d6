/*
 * tool_table.c
 *	  Recognizes the bookkeeping tables of other migration tools.
 *
 * A table is recognized by its name and one of its columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "compare/keep.h"
#include "compare/tool_table.h"
#include "kinds/column_inherit.h"
#include "kinds/kinds.h"

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

/* Is the table in the schema? */
static bool
is_in_schema(const CmigObject *table, const char *schema)
{
	return strcmp(table->identity, psprintf("%s.%s", cmig_quote(schema), cmig_quote(table->name))) == 0;
}

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
			(entry->schema == NULL || is_in_schema(object, entry->schema)))
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
