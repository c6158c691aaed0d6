/*
 * kind_index.c
 *	  Indexes that do not belong to a constraint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_constraint.h"
#include "kinds/kind_index.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

enum
{
	DEFINITION,
	TABLESPACE,
	CLUSTERED,
	REPLICA_IDENTITY,
	STATISTICS,
	ATTACHED,
	PARTIAL,
	NOT_VALID,
	CONSTRAINTS
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION},
	[TABLESPACE] = {"tablespace", CMIG_PROPERTY_NO_MODEL},
	[CLUSTERED] = {"clustered", CMIG_PROPERTY_NO_MODEL},
	[REPLICA_IDENTITY] = {"replica identity", CMIG_PROPERTY_NO_MODEL},
	[STATISTICS] = {"statistics targets", CMIG_PROPERTY_NO_MODEL},
	[ATTACHED] = {"attached to", CMIG_PROPERTY_SILENT},
	[PARTIAL] = {"is in some partitions"},
	[NOT_VALID] = {"invalid"},
	[CONSTRAINTS] = {"has attached constraints", CMIG_PROPERTY_SILENT},
};

/*
 * Condition for an invalid index without attached indexes.  Such an index was
 * created with ON ONLY, or was left behind when a partition was dropped.
 */
#define ON_ONLY "(NOT x.indisvalid AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = x.indexrelid))"

static const char index_sql[] =
"SELECT 'pg_class'::regclass::oid, i.oid, 0, 'pg_class'::regclass::oid, x.indrelid, 0,"
" i.relname::text, format('%I.%I', n.nspname, i.relname), NULL::text, i.relispartition,"
" CASE WHEN i.relkind = 'I' AND NOT " ON_ONLY " THEN replace(pg_get_indexdef(i.oid), ' ON ONLY ' || format('%I.%I ', tn.nspname, t.relname), ' ON ' || format('%I.%I ', tn.nspname, t.relname)) ELSE pg_get_indexdef(i.oid) END,"
" (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = i.reltablespace),"
" CASE WHEN x.indisclustered THEN 't' END, CASE WHEN x.indisreplident THEN 't' END,"
" CASE WHEN x.indexprs IS NOT NULL THEN"
"  (SELECT string_agg(a.attnum || ' ' || a.attstattarget, ', ' ORDER BY a.attnum)"
"   FROM pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0) END,"
" CASE WHEN i.relispartition THEN " CMIG_ATTACHED_SQL("i.oid") " END,"
" CASE WHEN i.relkind = 'I' AND NOT x.indisvalid THEN"
"  (SELECT string_agg(format('%I.%I', hn.nspname, h.relname), ', ' ORDER BY hn.nspname, h.relname) FROM pg_inherits s"
"   JOIN pg_class h ON h.oid = s.inhrelid JOIN pg_namespace hn ON hn.oid = h.relnamespace WHERE s.inhparent = i.oid) END,"
" CASE WHEN i.relkind = 'i' AND NOT x.indisvalid THEN 't' END,"
" CASE WHEN i.relkind = 'I' AND x.indisunique THEN (WITH RECURSIVE h AS"
"  (SELECT inhrelid FROM pg_inherits WHERE inhparent = i.oid UNION ALL SELECT p.inhrelid FROM pg_inherits p JOIN h ON p.inhparent = h.inhrelid)"
"  SELECT 't' WHERE EXISTS (SELECT FROM h JOIN pg_constraint o ON o.conindid = h.inhrelid AND o.contype IN ('p', 'u'))) END"
" FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace"
" JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace"
" WHERE i.relnamespace = ANY ($1) AND i.relkind IN ('i', 'I')"
" AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.oid AND o.contype IN ('p', 'u', 'x') AND o.conrelid = x.indrelid)";

/*
 * Query for the order in which invalid indexes of partitioned tables are
 * created.  If such an index existed, ATTACH PARTITION would create it in the
 * partition, too.  Therefore, it is created after the partitions are attached,
 * and after the indexes that are attached to it.
 */
static const char index_follows[] =
"SELECT 'pg_class'::regclass::oid, x.indexrelid, 0, 'pg_class'::regclass::oid, p.inhrelid, -2"
" FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_inherits p ON p.inhparent = x.indrelid"
" WHERE i.relnamespace = ANY ($1) AND i.relkind = 'I' AND NOT x.indisvalid"
" UNION ALL SELECT 'pg_class'::regclass::oid, h.inhparent, 0, 'pg_class'::regclass::oid, i.oid, 0"
" FROM pg_class i JOIN pg_inherits h ON h.inhrelid = i.oid JOIN pg_index x ON x.indexrelid = h.inhparent"
" WHERE i.relnamespace = ANY ($1) AND i.relispartition AND i.relkind IN ('i', 'I') AND NOT x.indisvalid";

/*
 * Query for dependencies: an attached index depends on its parent index, and
 * can be created together with it.
 */
static const char index_depends[] =
"SELECT 'pg_class'::regclass::oid, h.inhrelid, 0, 'pg_class'::regclass::oid, h.inhparent, 0"
" FROM pg_class i JOIN pg_inherits h ON h.inhrelid = i.oid JOIN pg_index x ON x.indexrelid = h.inhparent"
" WHERE i.relnamespace = ANY ($1) AND i.relkind IN ('i', 'I') AND i.relispartition AND x.indisvalid";

const char *
cmig_index_parent(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ? object->values[ATTACHED] : cmig_constraint_attached(object);
}

bool
cmig_index_is_like(const CmigObject *attached, const CmigObject *index)
{
	const char *one = attached->values[TABLESPACE],
			   *other = index->values[TABLESPACE];

	if (attached->kind != &cmig_kind_index)
		return cmig_constraint_is_like(attached, index);
	return (one == other || (one != NULL && other != NULL && strcmp(one, other) == 0)) &&
		attached->values[CLUSTERED] == NULL && attached->values[REPLICA_IDENTITY] == NULL &&
		attached->values[STATISTICS] == NULL;
}

const char *
cmig_index_definition(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ? object->values[DEFINITION] : cmig_constraint_text(object);
}

/* Add ALTER TABLE with an action for the index's table, and its undo. */
static void
add_action(CmigAlter *alter, const char *action, const char *undo)
{
	const char *table = alter->to->parent->identity;

	cmig_alter_add(alter, psprintf("ALTER %s %s %s", alter->to->parent->kind->word, table, action),
				   psprintf("ALTER %s %s %s", alter->to->parent->kind->word, table, undo));
}

/*
 * Returns the action CLUSTER ON if the table is clustered on the index.
 * Otherwise returns the action SET WITHOUT CLUSTER.
 */
static const char *
cluster_action(const CmigObject *index)
{
	return index->values[CLUSTERED] ? psprintf("CLUSTER ON %s", cmig_quote(index->name)) : "SET WITHOUT CLUSTER";
}

/*
 * Returns the action that sets the table's replica identity: to the index if
 * that is the replica identity, and otherwise to the default.
 */
static const char *
identity_action(const CmigObject *index)
{
	return index->values[REPLICA_IDENTITY] ?
		psprintf("REPLICA IDENTITY USING INDEX %s", cmig_quote(index->name)) : "REPLICA IDENTITY DEFAULT";
}

/*
 * Returns a single statement that resets the statistics targets in "old" and
 * sets those in "new".  Both are lists such as "1 100, 2 50", for columns 1
 * and 2.
 */
static char *
statistics_sql(const CmigObject *index, const char *old, const char *new)
{
	StringInfoData sql;
	const char *separator = "";

	initStringInfo(&sql);

	/*
	 * use ALTER TABLE ONLY, because ALTER INDEX would also alter the attached
	 * indexes
	 */
	appendStringInfo(&sql, "ALTER %s %s ", index->parent->kind == &cmig_kind_table && cmig_table_is_partitioned(index->parent) ?
					 "TABLE ONLY" : "INDEX", index->identity);
	for (int pass = 0; pass < 2; pass++)
	{
		const char *p = pass == 0 ? old : new;

		while (p != NULL)
		{
			int			column,
						target;

			if (sscanf(p, "%d %d", &column, &target) != 2)
				break;
			appendStringInfo(&sql, "%sALTER COLUMN %d SET STATISTICS %d", separator, column, pass == 0 ? -1 : target);
			separator = ", ";
			p = strstr(p, ", ");
			if (p != NULL)
				p += 2;
		}
	}
	return sql.data;
}

/* Alter the properties that do not require a new index. */
static void
alter_details(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	cmig_alter_value(alter, TABLESPACE, "SET TABLESPACE", "pg_default");
	if (cmig_alter_differs(alter, CLUSTERED))
		add_action(alter, cluster_action(to), cluster_action(from));
	if (cmig_alter_differs(alter, REPLICA_IDENTITY))
		add_action(alter, identity_action(to), identity_action(from));
	if (cmig_alter_differs(alter, STATISTICS))
		cmig_alter_add(alter, statistics_sql(to, from->values[STATISTICS], to->values[STATISTICS]),
					   statistics_sql(to, to->values[STATISTICS], from->values[STATISTICS]));
}

bool
cmig_index_is_partial(const CmigObject *index)
{
	return index->kind == &cmig_kind_index && index->values[PARTIAL] != NULL;
}

static bool
is_unique(const CmigObject *index)
{
	return strncmp(index->values[DEFINITION], "CREATE UNIQUE ", 14) == 0;
}

/*
 * Rebuild an index that is invalid because CREATE INDEX CONCURRENTLY has
 * failed.  There is nothing to revert, so the undo rebuilds the index, too.
 */
static void
rebuild(CmigAlter *alter)
{
	char	   *sql = psprintf("REINDEX INDEX %s", alter->to->identity);

	cmig_alter_add(alter, sql, pstrdup(sql));
	cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_INVALID | CMIG_HAZARD_BLOCKS |
					 (is_unique(alter->to) ? CMIG_HAZARD_MAY_FAIL : 0));
}

static void
alter_index(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, PARTIAL) || cmig_alter_differs(alter, DEFINITION))
	{
		alter->again = true;
		return;
	}
	if (alter->from->values[NOT_VALID] && !alter->to->values[NOT_VALID])
		rebuild(alter);
	alter_details(alter);
}

/*
 * Returns the definition, with ON ONLY if only some of the partitions have the
 * index.
 */
static char *
definition_of(const CmigObject *index)
{
	const char *place = psprintf(" ON %s ", index->parent->identity);
	char	   *definition = index->values[DEFINITION];
	const char *found = index->values[PARTIAL] ? strstr(definition, place) : NULL;

	if (found == NULL)
		return definition;
	return psprintf("%s ON ONLY %s", pnstrdup(definition, found - definition), found + strlen(" ON "));
}

/*
 * Returns DROP INDEX.  PostgreSQL requires CASCADE if constraints of
 * partitions are attached to the index.
 */
static char *
drop_index(const CmigObject *index)
{
	return psprintf("DROP INDEX %s%s", index->identity, index->values[CONSTRAINTS] ? " CASCADE" : "");
}

static List *
create_index(const CmigObject *index)
{
	List	   *ddl = cmig_ddl_append(NIL, definition_of(index), drop_index(index));

	cmig_ddl_hazards(ddl, CMIG_HAZARD_BLOCKS | (is_unique(index) ? CMIG_HAZARD_MAY_FAIL : 0));
	return cmig_kind_complete(index, ddl, alter_details);
}

CmigKind	cmig_kind_index = {
	.name = "index",.word = "INDEX",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_RELATION | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = index_sql,.depends = index_depends,.follows = index_follows,.create = create_index,.drop = drop_index,.alter = alter_index
};
