/*
 * partitions.c
 *	  The partitions and children that an expanded table has now, and their indexes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "versions/internal.h"
#include "versions/versions.h"

/* The index of a table, and all that are attached to it. */
#define TREE(index) \
	"WITH RECURSIVE x (id, relid, depth) AS (SELECT indexrelid, indrelid, 0 FROM pg_index" \
	" WHERE indexrelid = " index " UNION ALL SELECT i.indexrelid, i.indrelid, depth + 1 FROM x" \
	" JOIN pg_inherits h ON h.inhparent = x.id JOIN pg_index i ON i.indexrelid = h.inhrelid)"

/* Returns the index of a step that builds it for a partitioned table, or InvalidOid. */
static Oid
partitioned_index(const Node *stmt)
{
	const IndexStmt *index = (const IndexStmt *) stmt;
	Oid			table;
	Oid			oid;

	if (!IsA(stmt, IndexStmt) || index->concurrent)
		return InvalidOid;
	table = RangeVarGetRelid(index->relation, NoLock, true);
	oid = OidIsValid(table) ? get_relname_relid(index->idxname, get_rel_namespace(table)) :
		InvalidOid;
	return OidIsValid(oid) && IndexGetRelation(oid, true) == table ? oid : InvalidOid;
}

/*
 * The indexes of all partitions are attached.  PostgreSQL looks at that only when it
 * attaches one, but a partition may have been dropped or detached since then.
 */
static void
set_valid(Oid index)
{
	static CmigQuery query = {
		TREE("$1") " SELECT x.id FROM x JOIN pg_index i ON i.indexrelid = x.id JOIN pg_class c ON c.oid = x.id"
		" WHERE c.relkind = 'I' AND NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_inherits h"
		" JOIN pg_index p ON p.indexrelid = h.inhrelid WHERE h.inhparent = x.id AND NOT p.indisvalid)"
		" ORDER BY x.depth DESC LIMIT 1", {OIDOID}
	};
	char	   *found;

	while ((found = cmig_query_value(&query, index)) != NULL)
	{
		Oid			table = IndexGetRelation(atooid(found), false);

		if (!cmig_owns_compat(RelationRelationId, table, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
		index_set_state_flags(atooid(found), INDEX_CREATE_SET_VALID);
		CacheInvalidateRelcacheByRelid(table);
		CommandCounterIncrement();
	}
}

/*
 * Returns a CREATE INDEX for the partition, as PostgreSQL does it in ATTACH PARTITION:
 * with what the parent's index has, so that nothing is looked up by its name.
 */
static RawStmt *
make_index(Oid parent, Relation partition, char *name, const char **sql)
{
	Relation	index = index_open(parent, AccessShareLock);
	Relation	table = table_open(index->rd_index->indrelid, AccessShareLock);
	AttrMap    *map = cmig_attrmap_compat(RelationGetDescr(partition), RelationGetDescr(table));
	char	   *schema = get_namespace_name(RelationGetNamespace(partition));
	RangeVar   *range = makeRangeVar(schema, pstrdup(RelationGetRelationName(partition)), -1);
	IndexStmt  *stmt = generateClonedIndexStmt(range, index, map, NULL);
	bool		leaf = partition->rd_rel->relkind != RELKIND_PARTITIONED_TABLE;
	RawStmt    *raw = makeNode(RawStmt);

	stmt->relation->inh = leaf;
	stmt->concurrent = leaf;
	stmt->idxname = name;
	raw->stmt = (Node *) stmt;
	*sql = psprintf("CREATE %sINDEX %s%s ON %s%s", stmt->unique ? "UNIQUE " : "",
					leaf ? "CONCURRENTLY " : "", quote_identifier(name), leaf ? "" : "ONLY ",
					cmig_query_relation_name(RelationGetRelid(partition)));
	table_close(table, NoLock);
	index_close(index, NoLock);
	return raw;
}

/* Returns the name, or one like it, if a relation that is not an index of the partition has it. */
static char *
free_name(char *name, Relation partition)
{
	char	   *found = name;

	for (int i = 1;; i++)
	{
		Oid			relation = get_relname_relid(found, RelationGetNamespace(partition));

		if (!OidIsValid(relation) ||
			IndexGetRelation(relation, true) == RelationGetRelid(partition))
			return found;
		found = makeObjectName(name, NULL, psprintf("%d", i));
	}
}

RawStmt *
cmig_versions_lacking(const RawStmt *step, const char **sql, char **relation)
{
	static CmigQuery query = {
		TREE("$1") " SELECT x.id, c.oid FROM x JOIN pg_inherits h ON h.inhparent = x.relid"
		" JOIN pg_class c ON c.oid = h.inhrelid WHERE c.relkind IN ('r', 'p')"
		" AND NOT h.inhdetachpending AND NOT EXISTS (SELECT FROM x y WHERE y.relid = c.oid)"
		" ORDER BY x.depth, c.oid LIMIT 1", {OIDOID}
	};
	Oid			index = partitioned_index(step->stmt);
	char	  **row;
	CmigLeftover leftover = {0};
	Relation	partition;
	char	   *name;
	Oid			built;
	RawStmt    *raw = NULL;

	if (!OidIsValid(index))
		return NULL;
	/* nothing is attached or detached meanwhile */
	LockRelationOid(IndexGetRelation(index, false), ShareUpdateExclusiveLock);
	cmig_toplevel_snapshot();
	row = cmig_query_row(&query, index);
	if (row == NULL)
	{
		set_valid(index);
		return NULL;
	}
	partition = try_relation_open(atooid(row[1]), AccessShareLock);
	if (partition == NULL)
		cmig_query_raise_changed("A partition was dropped.");
	*relation = cmig_query_relation_name(RelationGetRelid(partition));
	name = castNode(IndexStmt, step->stmt)->idxname;
	if (strncmp(name, CMIG_HIDDEN_PREFIX, strlen(CMIG_HIDDEN_PREFIX)) == 0)
		name += strlen(CMIG_HIDDEN_PREFIX);
	name = cmig_versions_partition_index(RelationGetRelationName(partition),
										 cmig_query_relation_name(IndexGetRelation(index, false)), name);
	name = free_name(cmig_version_hidden_name(name), partition);
	built = get_relname_relid(name, RelationGetNamespace(partition));
	leftover.table = RelationGetRelid(partition);
	leftover.index = cmig_resume_invalid_index(leftover.table, name);
	if (OidIsValid(built) && IndexGetRelation(built, true) == leftover.table &&
		(!OidIsValid(leftover.index) || partition->rd_rel->relkind == RELKIND_PARTITIONED_TABLE))
	{
		*sql = psprintf("ALTER INDEX %s ATTACH PARTITION %s",
						cmig_query_relation_name(atooid(row[0])), cmig_query_relation_name(built));
		raw = cmig_raw_parse_one(*sql);
	}
	else if (!OidIsValid(leftover.index))
		raw = make_index(atooid(row[0]), partition, name, sql);
	relation_close(partition, NoLock);
	if (raw != NULL)
		return raw;
	cmig_resume_remove(&leftover);
	return cmig_versions_lacking(step, sql, relation);
}

/*
 * Returns the error of a step whose index is missing or not valid, or NULL.  What is
 * attached to the index belongs to it.  REINDEX CONCURRENTLY exchanges the names of
 * indexes, so one snapshot has to see names and states.
 */
static char *
find_unbuilt_index(Oid table, const IndexStmt *step, const char **hint)
{
	static CmigQuery query = {
		TREE("(SELECT c.oid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
			 " WHERE i.indrelid = $1 AND c.relname = $2::name)")
		" (SELECT x.id::regclass, x.relid::regclass, c.relkind FROM x"
		" JOIN pg_index i ON i.indexrelid = x.id JOIN pg_class c ON c.oid = x.id"
		" WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) ORDER BY x.depth DESC, 1 LIMIT 1)"
		" UNION ALL SELECT NULL, $1::regclass, NULL WHERE NOT EXISTS (SELECT FROM x)",
		{OIDOID, TEXTOID}
	};
	char	  **row = cmig_query_row(&query, table, step->idxname);

	if (row == NULL)
		return NULL;
	if (row[0] == NULL)
		return psprintf("index %s of table %s does not exist", quote_identifier(step->idxname),
						row[1]);
	if (*row[2] == 'i')
		*hint = psprintf("REINDEX INDEX CONCURRENTLY %s", row[0]);
	return psprintf("index %s of table %s is not valid", row[0], row[1]);
}

/* The same for a constraint. */
static char *
find_unbuilt_constraint(Oid table, const AlterTableStmt *step)
{
	static CmigQuery query = {
		"SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = $1 AND conname = $2::name",
		{OIDOID, TEXTOID}
	};
	const AlterTableCmd *cmd = linitial_node(AlterTableCmd, step->cmds);
	bool		validates = cmd->subtype == AT_ValidateConstraint;
	char	   *name;
	char	   *validated;

	if (step->objtype != OBJECT_TABLE || (!validates && cmd->subtype != AT_AddConstraint))
		return NULL;
	name = validates ? cmd->name : castNode(Constraint, cmd->def)->conname;
	validated = cmig_query_value(&query, table, name);
	if (validated != NULL && (!validates || *validated == 't'))
		return NULL;
	return psprintf("constraint %s of table %s %s", quote_identifier(name),
					cmig_query_relation_name(table),
					validated ? "is not validated" : "does not exist");
}

char *
cmig_versions_unbuilt(const List *steps, bool checks, LOCKMODE lock, const char **hint)
{
	*hint = NULL;
	foreach_ptr(CmigValue, step, steps)
	{
		char	   *relation = step[2];
		const Node *node;
		const RangeVar *range;
		Oid			table;
		char	   *error;

		if (strcmp(step[1], CMIG_PHASE_BUILD) != 0 &&
			!(checks && strcmp(step[1], CMIG_PHASE_CHECK) == 0))
			continue;
		node = cmig_raw_parse_one(step[3])->stmt;
		range = IsA(node, IndexStmt) ? ((const IndexStmt *) node)->relation :
			IsA(node, AlterTableStmt) ? ((const AlterTableStmt *) node)->relation : NULL;

		/*
		 * what a partition has belongs to the index or constraint of the
		 * table
		 */
		if (range == NULL || !cmig_versions_is_table(range, relation))
			continue;
		table = RangeVarGetRelid(range, lock, true);
		if (!OidIsValid(table))
			cmig_query_raise_changed(psprintf("Table %s was renamed or dropped.", relation));
		error = IsA(node, IndexStmt) ?
			find_unbuilt_index(table, (const IndexStmt *) node, hint) :
			find_unbuilt_constraint(table, (const AlterTableStmt *) node);
		if (error != NULL)
			return error;
	}
	return NULL;
}

void
cmig_versions_require_built(const CmigExpansion *expansion, const List *steps, bool contract)
{
	const char *hint;
	char	   *error = cmig_versions_unbuilt(steps, contract, AccessShareLock, &hint);
	const char *call = contract ? "cmig.contract()" :
	psprintf("cmig.expand(%s)", quote_literal_cstr(expansion->revision));

	if (error != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg_internal("%s", error),
				 errdetail("Revision \"%s\" needs it.", expansion->revision),
				 hint ? errhint("%s", hint) : cmig_hint("`CALL %s` completes it.", call)));
}

/* Raise an error: the index, of which this is the row of the query below, is not valid. */
static void
refuse_index(const CmigObject *index, CmigValue *row, const char *revision)
{
	const char *table = index->parent->identity;
	bool		of_constraint = OidIsValid(get_index_constraint(atooid(row[0])));
	const char *name = of_constraint ? quote_identifier(index->name) : index->identity;
	const char *why = psprintf("Revision \"%s\" replaces a column of it, so it would be built for the new version, which could fail.", revision);

	LOCKTAG		tag;
	char	   *blockers;
	char	   *logged;
	int			pid;

	/* what builds an index concurrently holds this lock until it ends */
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, index->parent->address.object);
	logged = cmig_lock_wait_blockers(&tag, ShareUpdateExclusiveLock, 0, InvalidOid, &pid);
	blockers = cmig_lock_wait_blockers(&tag, ShareUpdateExclusiveLock, 0, GetUserId(), &pid);
	if (blockers != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("index %s of table %s is not valid yet", name, table),
				 errdetail("%s\n%s", why, blockers),
				 errdetail_log("%s\n%s", why, logged ? logged : ""),
				 errhint("Repeat the CALL when that statement has ended.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index %s of table %s is not valid", name, table),
			 errdetail_internal("%s", why),
			 of_constraint && *row[1] == 'I' ? errhint("ALTER TABLE %s DROP CONSTRAINT %s", table, name) :
			 of_constraint ? errhint("REINDEX TABLE CONCURRENTLY %s", table) :
			 *row[1] == 'I' ? errhint("DROP INDEX %s", name) :
			 *row[2] == 't' ? errhint("REINDEX INDEX CONCURRENTLY %s", name) :
	/* what REINDEX CONCURRENTLY leaves if it fails is of no use */
			 *row[3] == 't' ? errhint("DROP INDEX CONCURRENTLY %s", name) :
			 errhint("DROP INDEX CONCURRENTLY %s, or, if it is needed, after fixing the cause: REINDEX INDEX CONCURRENTLY %s",
					 name, name)));
}

void
cmig_versions_require_indexes(const CmigPlanning *p)
{
	/* an index of a partitioned table that some partitions lack may be built */
	static CmigQuery query = {
		"SELECT i.oid, i.relkind, i.relispartition, i.relname ~ '_cc(new|old)[0-9]*$'"
		" FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
		" WHERE NOT x.indisvalid AND (i.relkind = 'i' OR x.indisunique)"
		" AND x.indrelid IN (SELECT $1 UNION ALL SELECT relid FROM pg_partition_tree($1))"
		" AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.indrelid"
		"  AND a.attname = ANY ($2) AND (a.attnum = ANY (x.indkey) OR EXISTS"
		"  (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid"
		"   AND d.refclassid = d.classid AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum)))"
		" ORDER BY i.relname COLLATE \"C\", i.oid",
		{OIDOID, TEXTARRAYOID}
	};

	for (int i = 0; i < p->live->count; i++)
	{
		const CmigObject *object = p->live->objects[i];
		CmigNames	replaced = {0};

		if (cmig_index_is_invalid(object) &&
			!cmig_text_same(object->name, get_rel_name(object->address.object)))
			cmig_query_raise_changed(psprintf("Index %s was dropped or renamed.",
											  object->identity));
		foreach_ptr(const CmigVersionTable, table, p->tables)
		{
			if (object->kind != &cmig_kind_table ||
				strcmp(object->identity, table->a->qualified) != 0)
				continue;
			replaced.names = palloc(sizeof(char *) * Max(list_length(table->columns), 1));
			foreach_ptr(const CmigVersionColumn, column, table->columns)
			{
				if (column->hidden != NULL && column->a != NULL)
					replaced.names[replaced.count++] = column->a->name;
			}
		}
		if (replaced.count == 0)
			continue;
		foreach_ptr(CmigValue, row, cmig_query_list(&query, object->address.object, &replaced))
		{
			CmigAddress address = {RelationRelationId, atooid(row[0]), 0};
			const CmigObject *index = cmig_image_find_exactly(p->live, address);

			if (index != NULL && index->parent != NULL)
				refuse_index(index, row, p->result->revision);
		}
	}
}

void
cmig_versions_require_partitions(const List *relations, const char *revision)
{
	/* a partition that is being detached is in no tree */
	static CmigQuery query = {
		"SELECT c.oid::regclass, h.inhparent::regclass, h.inhdetachpending FROM"
		" unnest($1) n JOIN pg_class r ON r.oid ="
		" " CMIG_RELATION_NAMED("n")
		", LATERAL (SELECT r.oid UNION SELECT relid FROM pg_partition_tree(r.oid)) y"
		" (id) JOIN pg_inherits h ON h.inhparent = y.id JOIN pg_class c ON c.oid = h.inhrelid"
		" WHERE h.inhdetachpending OR r.relkind <> 'p' ORDER BY 2, 1 LIMIT 1",
		{TEXTARRAYOID}
	};
	CmigNames	names = {.names = palloc(sizeof(char *) * Max(list_length(relations), 1))};
	char	  **row;

	foreach_ptr(char, relation, relations)
		names.names[names.count++] = relation;
	row = cmig_query_row(&query, &names);
	if (row == NULL)
		return;
	if (*row[2] == 't')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition %s is being detached from table %s, which revision \"%s\" expands",
						row[0], row[1], revision),
				 errdetail("DETACH PARTITION CONCURRENTLY was interrupted. The columns of the new version would not be added to it."),
				 errhint("ALTER TABLE %s DETACH PARTITION %s FINALIZE", row[1], row[0])));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s inherits from table %s, which revision \"%s\" expands", row[0], row[1],
					revision),
			 errdetail("Only rows of partitions are kept the same in both versions."),
			 errhint("ALTER TABLE %s NO INHERIT %s", row[0], row[1])));
}
