/*
 * tool_table.c
 *	  The tables in which other migration tools record what they have applied.
 *
 * A table is recognized by its name and one of its columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "schema/keep.h"
#include "schema/kinds.h"
#include "schema/tool_table.h"

/* How the table of a tool is recognized. */
typedef struct ToolTable
{
	const char *name;
	const char *column;
} ToolTable;

static const ToolTable tool_tables[] = {
	{"alembic_version", "version_num"},
	{"cmig_version", "version_num"},	/* the texts of cmig.script() */
	{"django_migrations", "applied"},
	{"flyway_schema_history", "installed_rank"},
	{"schema_version", "installed_rank"},	/* Flyway before version 5 */
	{"databasechangelog", "orderexecuted"}, /* Liquibase */
	{"databasechangeloglock", "lockgranted"},
	{"schema_migrations", "version"},	/* Rails, golang-migrate, dbmate,
										 * Ecto, Supabase */
	{"ar_internal_metadata", "key"},	/* Rails */
	{"goose_db_version", "version_id"},
	{"_prisma_migrations", "migration_name"},
	{"__drizzle_migrations", "hash"},
	{"knex_migrations", "batch"},
	{"knex_migrations_lock", "is_locked"},
	{"SequelizeMeta", "name"},
	{"pgmigrations", "run_on"}, /* node-pg-migrate */
	{"mikro_orm_migrations", "executed_at"},
	{"__EFMigrationsHistory", "MigrationId"},
	{"_sqlx_migrations", "checksum"},
	{"__diesel_schema_migrations", "version"},
	{"refinery_schema_history", "checksum"},
	{"gorp_migrations", "applied_at"},
	{"atlas_schema_revisions", "executed_at"},
	{"doctrine_migration_versions", "executed_at"},
	{"phinxlog", "migration_name"},
	{"_yoyo_migration", "migration_id"},
	{"_yoyo_log", "migration_id"},
	{"_yoyo_version", "version"},
	{"yoyo_lock", "locked"}
};

/* The tables that are kept, with what belongs to them. */
typedef struct ToolTables
{
	bool	   *set;			/* by the index of the object */
	CmigListing names;
} ToolTables;

static bool
has_column(const CmigObject *table, const char *name)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && strcmp(child->name, name) == 0)
			return true;
	return false;
}

/* Is it a table of another migration tool? */
static bool
is_tool_table(const CmigObject *object)
{
	if (object->kind != &cmig_kind_table)
		return false;
	for (int i = 0; i < lengthof(tool_tables); i++)
		if (strcmp(object->name, tool_tables[i].name) == 0 && has_column(object, tool_tables[i].column))
			return true;
	return false;
}

/* Mark the table, its parts, and the sequences and the schema that they need. */
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

/* A CmigKeepCandidate */
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
			(errmsg_plural("left a table of another migration tool as it is: %s",
						   "left tables of other migration tools as they are: %s",
						   tables.names.count, names),
			 errhint("When nothing uses it any more: DROP TABLE %s", names)));
}
