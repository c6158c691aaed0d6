/*
 * kind_distribution.c
 *	  How Citus distributes a table, or the tables of a schema.
 *
 * The objects are read by image_distribution.c.  A distribution is an object of
 * its own, because a table is distributed after its primary key and unique
 * indexes are created, and before its foreign keys.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/column_inherit.h"
#include "kinds/kind_constraint.h"
#include "kinds/kind_distribution.h"
#include "kinds/kind_index.h"
#include "kinds/kinds.h"

enum
{
	METHOD = CMIG_DISTRIBUTION_METHOD,
	COLUMN = CMIG_DISTRIBUTION_COLUMN,
	COLOCATED = CMIG_DISTRIBUTION_COLOCATED,
	SHARDS = CMIG_DISTRIBUTION_SHARDS,
	GROUP = CMIG_DISTRIBUTION_GROUP,
	COUNT = CMIG_DISTRIBUTION_COUNT,
	DEFAULT = CMIG_DISTRIBUTION_DEFAULT
};

static const CmigProperty properties[] = {
	[METHOD] = {"method"},
	[COLUMN] = {"distribution column"},
	[COLOCATED] = {"co-located with"},
	[SHARDS] = {"number of shards"},
	[GROUP] = {"group", CMIG_PROPERTY_SILENT},
	[COUNT] = {"effective number of shards", CMIG_PROPERTY_SILENT},
	[DEFAULT] = {"default group", CMIG_PROPERTY_SILENT},
};

bool
cmig_distribution_is(const CmigObject *distribution, const char *method)
{
	return strcmp(distribution->values[METHOD], method) == 0;
}

bool
cmig_distribution_has_group(const CmigObject *distribution)
{
	return cmig_distribution_is(distribution, CMIG_DISTRIBUTED_BY_COLUMN) ||
		cmig_distribution_is(distribution, CMIG_DISTRIBUTED_SINGLE);
}

/*
 * Returns the call of a Citus function for the distribution's table or schema.
 */
static char *
call(const CmigObject *distribution, const char *function, const char *arguments)
{
	return psprintf("SELECT pg_catalog.%s(%s%s)", function, cmig_literal(distribution->identity), arguments);
}

/*
 * Returns the argument colocate_with for a new distribution; "" if not needed.
 */
static const char *
colocation_argument(const CmigObject *distribution)
{
	if (distribution->values[COLOCATED] != NULL)
		return psprintf(", colocate_with => %s", cmig_literal(distribution->values[COLOCATED]));
	return distribution->values[DEFAULT] != NULL ? "" : ", colocate_with => 'none'";
}

/*
 * Returns the argument shard_count for a new distribution, or "" if it is not
 * needed.  A table has as many shards as the tables that it is co-located
 * with.
 */
static const char *
shards_argument(const CmigObject *distribution)
{
	if (distribution->values[COLOCATED] != NULL || distribution->values[SHARDS] == NULL ||
		!cmig_distribution_is(distribution, CMIG_DISTRIBUTED_BY_COLUMN))
		return "";
	return psprintf(", shard_count => %s", distribution->values[SHARDS]);
}

/* Returns the statement that distributes the table or schema. */
static char *
distribute(const CmigObject *distribution)
{
	const char *column = distribution->values[COLUMN];

	if (cmig_distribution_is(distribution, CMIG_DISTRIBUTED_BY_SCHEMA))
		return call(distribution, "citus_schema_distribute", "");
	if (cmig_distribution_is(distribution, CMIG_DISTRIBUTED_REFERENCE))
		return call(distribution, "create_reference_table", "");
	if (cmig_distribution_is(distribution, CMIG_DISTRIBUTED_LOCAL))
		return call(distribution, "citus_add_local_table_to_metadata", "");
	return call(distribution, "create_distributed_table",
				psprintf(", %s%s%s", column ? cmig_literal(column) : "NULL",
						 colocation_argument(distribution), shards_argument(distribution)));
}

static char *
undistribute(const CmigObject *distribution)
{
	return call(distribution, cmig_distribution_is(distribution, CMIG_DISTRIBUTED_BY_SCHEMA) ?
				"citus_schema_undistribute" : "undistribute_table", "");
}

static List *
create_distribution(const CmigObject *distribution)
{
	List	   *ddl = cmig_ddl_append(NIL, distribute(distribution), undistribute(distribution));
	CmigDdl    *entry = cmig_ddl_hazards(ddl, CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS);

	entry->undo_hazards = CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS;
	return ddl;
}

/*
 * Is the child a constraint or index whose columns must include the
 * distribution column?
 */
static bool
is_unique(const CmigObject *child)
{
	return (child->kind == &cmig_kind_constraint && strncmp(cmig_constraint_text(child), "CHECK ", 6) != 0) ||
		(child->kind == &cmig_kind_index && strncmp(cmig_index_definition(child), "CREATE UNIQUE ", 14) == 0);
}

/*
 * Returns the table's child with the same kind and identity as "like", or
 * NULL.
 */
static const CmigObject *
child_of(const CmigObject *table, const CmigObject *like)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == like->kind && strcmp(child->identity, like->identity) == 0)
			return child;
	return NULL;
}

/* Returns the text that defines a unique constraint or index. */
static const char *
definition(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ? cmig_index_definition(object) : cmig_constraint_text(object);
}

/* Does the table "other" have all unique constraints and indexes of "table"? */
static bool
has_keys(const CmigObject *table, const CmigObject *other)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		const CmigObject *match = is_unique(child) ? child_of(other, child) : NULL;

		if (is_unique(child) && (match == NULL || strcmp(definition(match), definition(child)) != 0))
			return false;
	}
	return true;
}

/*
 * Can alter_distributed_table() change the distribution column?  This requires
 * that both columns exist before and after the change, and that no unique
 * constraint or index changes, because each must include the distribution
 * column.
 */
static bool
can_change_column(const CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	return cmig_column_find(from->parent, to->values[COLUMN]) && cmig_column_find(to->parent, from->values[COLUMN]) &&
		has_keys(from->parent, to->parent) && has_keys(to->parent, from->parent);
}

/*
 * Returns the call of a Citus function that gives the table the properties of
 * "to".
 */
static char *
change(const CmigAlter *alter, const CmigObject *to)
{
	bool		column = cmig_alter_differs(alter, COLUMN),
				moves = cmig_alter_differs(alter, COLOCATED);
	StringInfoData arguments;

	initStringInfo(&arguments);
	if (column)
		appendStringInfo(&arguments, ", distribution_column => %s", cmig_literal(to->values[COLUMN]));
	if (column || moves)
		appendStringInfo(&arguments, ", colocate_with => %s",
						 cmig_literal(to->values[COLOCATED] ? to->values[COLOCATED] : "none"));
	if (cmig_alter_differs(alter, SHARDS) && to->values[COLOCATED] == NULL)
		appendStringInfo(&arguments, ", shard_count => %s, cascade_to_colocated => %s", to->values[SHARDS],
						 column || moves ? "false" : "true");
	return call(to, "alter_distributed_table", arguments.data);
}

static void
alter_distribution(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_distribution_is(from, CMIG_DISTRIBUTED_OTHERWISE) || cmig_distribution_is(to, CMIG_DISTRIBUTED_OTHERWISE))
		alter->unsupported = "the table is not distributed by hash; distribute it again with undistribute_table and create_distributed_table";
	else if (cmig_alter_differs(alter, METHOD) || !cmig_distribution_is(to, CMIG_DISTRIBUTED_BY_COLUMN))
		alter->again = true;
	else if (cmig_alter_differs(alter, COLUMN) && !can_change_column(alter))
		alter->again = true;
	else
	{
		cmig_alter_add_hazard(alter, change(alter, to), change(alter, from),
							  psprintf("moves all rows, blocks writes: %s", to->identity));
		((CmigDdl *) llast(alter->ddl))->undo_hazards = CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS;
		alter->disturbs = alter->recasts = cmig_alter_differs(alter, COLUMN) || cmig_alter_differs(alter, COLOCATED);
	}
}

/*
 * If a distribution is dropped or changed, the foreign keys that depend on it
 * are dropped first and re-created afterwards: a foreign key cannot stay while
 * its table is undistributed, and must be checked again if the table moves to
 * other shards.
 */
CmigKind	cmig_kind_distribution = {
	.name = "distribution",.word = "TABLE",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_LAST | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(properties),
	.create = create_distribution,.drop = undistribute,.alter = alter_distribution
};
