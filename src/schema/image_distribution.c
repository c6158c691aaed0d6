/*
 * image_distribution.c
 *	  Adds the distribution of tables by Citus to an image.
 *
 * For live tables, the distribution is read from the metadata of Citus.
 * Tables in a shadow are not in the metadata, but the target's calls are
 * recorded; see distribution_record.h.
 *
 * Tables in distributed schemas, partitions, and local tables that Citus
 * itself has added to its metadata are left out, because Citus distributes
 * them when they are created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/query.h"
#include "kinds/kind_distribution.h"
#include "kinds/kinds.h"
#include "schema/image_distribution.h"
#include "shadow/distribution_record.h"

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"

/*
 * The "sub" of a distribution's address.  The OID in the address is that of
 * the table.
 */
#define ADDRESS_SUB (-3)

static const char *const methods[] = {
	[CMIG_BY_COLUMN] = CMIG_DISTRIBUTED_BY_COLUMN,
	[CMIG_BY_SCHEMA] = CMIG_DISTRIBUTED_BY_SCHEMA,
	[CMIG_SINGLE_SHARD] = CMIG_DISTRIBUTED_SINGLE,
	[CMIG_REFERENCE] = CMIG_DISTRIBUTED_REFERENCE,
	[CMIG_LOCAL_MANAGED] = CMIG_DISTRIBUTED_LOCAL,
	[CMIG_OTHERWISE] = CMIG_DISTRIBUTED_OTHERWISE
};

/* Returns the table, schema, or column with this address, or NULL. */
static CmigObject *
find(const CmigImage *image, Oid catalog, Oid object, int sub)
{
	CmigAddress address = {catalog, object, sub};

	return cmig_image_find_exactly(image, address);
}

/*
 * Record that a table is distributed after its unique constraints, indexes,
 * and partitions are created.
 */
static void
add_order(CmigImage *image, CmigObject *distribution)
{
	CmigObject *partition = find(image, RelationRelationId, distribution->address.object, -2);

	for (CmigObject *child = distribution->parent->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_constraint || child->kind == &cmig_kind_index)
			cmig_object_follow(distribution, child);
	if (partition != NULL)
		cmig_object_follow(distribution, partition);
}

/*
 * Add a distribution for a record, unless the image lacks the record's table
 * or schema.
 */
static void
add(CmigImage *image, const CmigDistributionRecord *record)
{
	Oid			catalog = record->method == CMIG_BY_SCHEMA ? NamespaceRelationId : RelationRelationId;
	CmigObject *parent = find(image, catalog, record->object, 0),
			   *column = record->column == 0 ? NULL : find(image, catalog, record->object, record->column),
			   *object;
	char	   *shards;

	if (parent == NULL || (record->column != 0 && column == NULL))
		return;
	object = cmig_object_new(&cmig_kind_distribution, parent->name, parent->identity);
	object->parent = parent;
	object->address.catalog = catalog;
	object->address.object = record->object;
	object->address.sub = ADDRESS_SUB;
	shards = record->shards > 0 ? psprintf("%d", record->shards) : NULL;
	cmig_object_set(object, CMIG_DISTRIBUTION_METHOD, pstrdup(methods[record->method]));
	cmig_object_set(object, CMIG_DISTRIBUTION_COLUMN, column ? column->name : NULL);
	cmig_object_set(object, CMIG_DISTRIBUTION_SHARDS, record->counted ? shards : NULL);
	cmig_object_set(object, CMIG_DISTRIBUTION_COUNT, shards);
	if (record->group != 0)
		cmig_object_set(object, CMIG_DISTRIBUTION_GROUP, psprintf("%d", record->group));
	if (record->by_default)
		cmig_object_set(object, CMIG_DISTRIBUTION_DEFAULT, "t");
	cmig_image_add(image, object);
	if (column != NULL)
		cmig_image_depend(image, object, column);
	if (catalog == RelationRelationId)
		add_order(image, object);
}

/* Row callback: add a distribution that is in the metadata. */
static void
add_row(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigDistributionRecord record = {
		.object = cmig_query_int64(desc, row, 1, 0),
		.method = cmig_query_int64(desc, row, 2, 0),
		.column = cmig_query_int64(desc, row, 3, 0),
		.group = cmig_query_int64(desc, row, 4, 0),
		.shards = cmig_query_int64(desc, row, 5, 0),
		.counted = true
	};

	add(arg, &record);
}

/* Add the distributions that are in the metadata of Citus. */
static void
add_live(CmigImage *image, Datum schemas)
{
	Oid			types[1] = {OIDARRAYOID};

	/* the query returns the method as its number in CmigDistributionMethod */
	(void) cmig_query_once("SELECT c.oid::bigint, CASE WHEN d.partmethod = 'h' THEN 0 WHEN d.partmethod <> 'n' THEN 5"
						   "  WHEN d.repmodel = 't' THEN 3 WHEN d.colocationid = 0 THEN 4 ELSE 2 END::bigint,"
						   " (SELECT a.attnum::bigint FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
						   "  AND a.attname = pg_catalog.column_to_column_name(d.logicalrelid, d.partkey)),"
						   " CASE WHEN d.repmodel <> 't' THEN d.colocationid::bigint END,"
						   " CASE WHEN d.partmethod = 'h' THEN g.shardcount::bigint END"
						   " FROM pg_catalog.pg_dist_partition d JOIN pg_catalog.pg_class c ON c.oid = d.logicalrelid::oid"
						   " LEFT JOIN pg_catalog.pg_dist_colocation g ON g.colocationid = d.colocationid"
						   " WHERE c.relnamespace = ANY ($1) AND NOT c.relispartition AND NOT d.autoconverted"
						   " AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_schema s WHERE s.schemaid::oid = c.relnamespace)"
						   " UNION ALL SELECT s.schemaid::oid::bigint, 1, NULL, NULL, NULL"
						   " FROM pg_catalog.pg_dist_schema s WHERE s.schemaid::oid = ANY ($1)",
						   1, types, &schemas, NULL, true, add_row, image);
}

/*
 * Make a foreign key depend on the distributions of its table and of the table
 * that it references.  The foreign key is then created by a separate statement
 * after both tables are distributed, and dropped before either distribution
 * changes.
 */
static void
add_depends(CmigImage *image)
{
	const int	count = image->nedges;

	for (int i = 0; i < count; i++)
	{
		CmigObject *key = image->edges[i].object;
		const CmigObject *on = image->edges[i].on;
		CmigObject *own,
				   *other;

		if (key->kind != &cmig_kind_foreign_key)
			continue;
		while (on->parent != NULL)
			on = on->parent;
		own = find(image, RelationRelationId, key->parent->address.object, ADDRESS_SUB);
		other = on->kind == &cmig_kind_table ? find(image, RelationRelationId, on->address.object, ADDRESS_SUB) : NULL;
		cmig_image_depend(image, key, own);
		cmig_image_depend(image, key, other);
		key->unfolded |= own != NULL || other != NULL;
	}
}

void
cmig_image_read_distribution(CmigImage *image, Datum schemas)
{
	const int	count = image->count;
	ListCell   *cell;

	if (cmig_citus_is_installed())
		add_live(image, schemas);
	foreach(cell, cmig_distribution_record_all())
		add(image, lfirst(cell));
	if (image->count > count)
		add_depends(image);
}
