/*
 * kind_partition.c
 *	  The relationship between a partition and its partitioned table.
 *
 * A partition is attached after both tables have their indexes and
 * constraints, so that PostgreSQL attaches the existing indexes and
 * constraints to each other, and does not create new ones with other names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_partition.h"
#include "kinds/kinds.h"

enum
{
	OF,
	BOUND,
	FOREIGN_KEYS
};

static const CmigProperty properties[] = {
	[OF] = {"partitioned table"},
	[BOUND] = {"bound", CMIG_PROPERTY_EXPRESSION},
	[FOREIGN_KEYS] = {"actions that drop foreign keys of the partitioned table", CMIG_PROPERTY_SILENT},
};

static const char partition_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -2, 'pg_class'::regclass::oid, c.oid, 0,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), NULL::text, false,"
" format('%I.%I', pn.nspname, p.relname), pg_get_expr(c.relpartbound, c.oid),"
" (SELECT string_agg(format('DROP CONSTRAINT IF EXISTS %I', o.conname), ', ' ORDER BY o.conname)"
"  FROM pg_constraint o JOIN pg_constraint q ON q.oid = o.conparentid"
"  WHERE o.conrelid = c.oid AND o.contype = 'f' AND q.conrelid <> o.conrelid)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
" WHERE c.relnamespace = ANY ($1) AND c.relispartition AND c.relkind IN ('r', 'p', 'f')";

static const char partition_depends[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -2, 'pg_class'::regclass::oid, i.inhparent, 0"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" WHERE c.relnamespace = ANY ($1) AND c.relispartition AND c.relkind IN ('r', 'p', 'f')";

/*
 * Query for the order of creation: a partition is attached after the columns,
 * indexes, and constraints of both tables exist, except for invalid indexes of
 * partitioned tables; see kind_index.c.
 */
static const char partition_follows[] =
"WITH i AS (SELECT i.inhrelid, t.oid FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" CROSS JOIN LATERAL (VALUES (i.inhrelid), (i.inhparent)) t (oid)"
" WHERE c.relnamespace = ANY ($1) AND c.relispartition AND c.relkind IN ('r', 'p', 'f'))"
" SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_class'::regclass::oid, x.indexrelid, 0"
" FROM i JOIN pg_index x ON x.indrelid = i.oid JOIN pg_class k ON k.oid = x.indexrelid"
" WHERE x.indisvalid OR (x.indrelid = i.inhrelid AND k.relkind = 'i')"
" UNION ALL SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_class'::regclass::oid, i.oid, a.attnum"
" FROM i JOIN pg_attribute a ON a.attrelid = i.oid AND a.attnum > 0 AND NOT a.attisdropped"
" UNION ALL SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_constraint'::regclass::oid, o.oid, 0"
" FROM i JOIN pg_constraint o ON o.conrelid = i.oid AND o.contype <> 'f'";

const char *
cmig_partition_of(const CmigObject *partition)
{
	return partition->values[OF];
}

/*
 * A detached partition keeps its copies of the partitioned table's foreign
 * keys, so drop them, unless the partition is attached to the same table
 * again.
 */
static char *
detach(const CmigObject *partition)
{
	char	   *sql = psprintf("ALTER TABLE %s DETACH PARTITION %s", partition->values[OF], partition->identity);

	if (!partition->alone || partition->values[FOREIGN_KEYS] == NULL)
		return sql;
	return psprintf("%s;\nALTER TABLE %s %s", sql, partition->identity, partition->values[FOREIGN_KEYS]);
}

static List *
attach(const CmigObject *partition)
{
	List	   *ddl = cmig_ddl_append(NIL, psprintf("ALTER TABLE %s ATTACH PARTITION %s %s", partition->values[OF],
													partition->identity, partition->values[BOUND]),
									  detach(partition));

	cmig_ddl_hazards(ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
	return ddl;
}

CmigKind	cmig_kind_partition = {
	.name = "partition",.word = "TABLE",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_LAST,
	CMIG_PROPERTIES(properties),
	.sql = partition_sql,.depends = partition_depends,.follows = partition_follows,
	.create = attach,.drop = detach
};
