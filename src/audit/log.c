/*
 * log.c
 *	  The audit log's tables, and the only code that adds rows to them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "audit/internal.h"

/*
 * The schema cmig_audit: the log, its partitions, and writing to it.
 *
 * The schema and its tables belong to the extension's owner and are not members
 * of the extension.  They are created by fixed statements that run as that
 * owner in a security-restricted operation.  Rows are written by direct table
 * access: triggers, rules, defaults, checks, and policies on the log have no
 * effect, and expressions of an index that the owner has added are evaluated
 * as the owner.
 *
 * A role that can change the log's tables could read what is audited and forge
 * entries.  Therefore, the tables are used only if they belong to the
 * extension's owner (or to a role that could do both anyway), and everything
 * in the schema is created by the extension's owner, without granting anything
 * to others.
 */

/*
 * Keep triggers and rules on pg_cmig's tables from firing, except those that
 * the table's owner has set to ENABLE ALWAYS.  Otherwise, a role that has the
 * TRIGGER privilege on one of the tables could create a trigger with its own
 * function, which would run with the owner's privileges.  Returns the GUC nest
 * level, for AtEOXact_GUC().
 */
int
cmig_audit_log_silence(void)
{
	int			guc_level = NewGUCNestLevel();

	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
		cmig_settings_set("session_replication_role", "replica", PGC_SUSET, GUC_ACTION_SAVE);
	return guc_level;
}

/* Returns the owner of the extension pg_cmig, as recorded in pg_extension. */
Oid
cmig_audit_log_extension_owner(void)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	NameData	extension_name;
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	namestrcpy(&extension_name, "pg_cmig");
	ScanKeyInit(&key[0], Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&extension_name));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_cmig\" was dropped while one of its functions was running"),
				 errhint("Do not change the extension in a revision.")));
	return owner;
}

/*
 * Can a log that belongs to "owner" be trusted?  Returns true for the
 * extension's owner, for superusers, and for the database's owner, who may have
 * owned the extension before another role restored a dump.
 */
static bool
is_trusted(Oid owner, Oid extension_owner)
{
	return owner == extension_owner || superuser_arg(owner) ||
		owner == cmig_role_owner_in(DatabaseRelationId, MyDatabaseId);
}

/* Returns the OID of cmig_audit.log, or InvalidOid if it does not exist. */
Oid
cmig_audit_log_relation(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	return OidIsValid(schema) ? get_relname_relid("log", schema) : InvalidOid;
}

/* Returns the owner of a table, which may have been dropped in the meantime. */
Oid
cmig_audit_log_table_owner(Oid relation)
{
	Oid			owner = cmig_role_owner_of(relation);

	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return owner;
}

static CmigAuditLogFault *
make_fault(int sqlstate, char *problem, char *fix)
{
	CmigAuditLogFault *fault = palloc0(sizeof(CmigAuditLogFault));

	fault->sqlstate = sqlstate;
	fault->problem = problem;
	fault->fix = fix;
	return fault;
}

/*
 * Returns the fault of a part of the log that belongs to the wrong role, or
 * NULL if its owner is trusted.  "kind" and "name" are written as in messages.
 */
static CmigAuditLogFault *
foreign_owner(const char *kind, const char *name, Oid owner, Oid extension_owner)
{
	char	   *right_owner = GetUserNameFromId(extension_owner, true);
	CmigAuditLogFault *fault;

	if (is_trusted(owner, extension_owner))
		return NULL;
	fault = make_fault(ERRCODE_INSUFFICIENT_PRIVILEGE,
					   psprintf("%s \"%s\" belongs to role \"%s\"", kind, name,
								GetUserNameFromId(owner, true)),
					   psprintf("ALTER %s %s OWNER TO %s -- or drop or rename it if pg_cmig did not create it",
								strcmp(kind, "schema") == 0 ? "SCHEMA" : "TABLE", name,
								right_owner ? quote_identifier(right_owner) : "<owner>"));
	fault->detail = psprintf("An audit log is trusted only if it belongs to the extension's owner, \"%s\", because the owner of a log can read and change it.",
							 right_owner);
	return fault;
}

/* The relations that make up the log. */
static const struct
{
	const char *name;
	char		kind;			/* as pg_class.relkind */
	bool		needed;
}			parts[] = {
	{"log", RELKIND_PARTITIONED_TABLE, true},
	{"layout", RELKIND_RELATION, true},
	{"log_id_seq", RELKIND_SEQUENCE, true},
	{"table_id_seq", RELKIND_SEQUENCE, true},
	{"log_default", RELKIND_RELATION, false}	/* not needed, because
												 * audit_retain can create it */
};

/* Returns the reason why the log cannot be used, or NULL if it can be used. */
CmigAuditLogFault *
cmig_audit_log_fault(Oid extension_owner)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);
	CmigAuditLogFault *fault = !OidIsValid(schema) ? NULL :
	foreign_owner("schema", "cmig_audit", cmig_role_owner_in(NamespaceRelationId, schema),
				  extension_owner);

	for (int i = 0; OidIsValid(schema) && fault == NULL && i < lengthof(parts); i++)
	{
		Oid			relation = get_relname_relid(parts[i].name, schema);

		if (!OidIsValid(relation))
			continue;
		fault = foreign_owner("relation", psprintf("cmig_audit.%s", parts[i].name),
							  cmig_role_owner_of(relation), extension_owner);
		if (fault == NULL && get_rel_relkind(relation) != parts[i].kind)
			fault = make_fault(ERRCODE_WRONG_OBJECT_TYPE,
							   psprintf("relation \"cmig_audit.%s\" was not created by pg_cmig",
										parts[i].name),
							   psprintf("ALTER TABLE cmig_audit.%s RENAME TO %s_old -- then restore the audit log from a backup, if there was one",
										parts[i].name, parts[i].name));
	}
	if (fault == NULL && !OidIsValid(cmig_audit_log_relation()))
	{
		fault = make_fault(ERRCODE_UNDEFINED_TABLE, "there is no audit log in this database",
						   "SELECT * FROM cmig.enable_audit('<table>') -- creates an empty one; or restore the log from a backup");
		fault->missing = true;
	}
	for (int i = 0; fault == NULL && i < lengthof(parts); i++)
		if (parts[i].needed && !OidIsValid(get_relname_relid(parts[i].name, schema)))
			fault = make_fault(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							   psprintf("relation \"cmig_audit.%s\" does not exist", parts[i].name),
							   "ALTER SCHEMA cmig_audit RENAME TO cmig_audit_old -- then cmig.enable_audit creates an empty log; or restore the relation from a backup");
	return fault;
}

/*
 * Raise an error if the log cannot be used.  If "may_be_missing" is true, the
 * log need not exist.
 */
void
cmig_audit_log_raise_fault(Oid extension_owner, bool may_be_missing)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault(extension_owner);

	if (fault && !(fault->missing && may_be_missing))
		ereport(ERROR,
				(errcode(fault->sqlstate),
				 errmsg("%s", fault->problem),
				 fault->detail ? errdetail("%s", fault->detail) : 0,
				 errhint("%s", fault->fix)));
}

/*
 * Functions that belong neither to the owner nor to a superuser, but would be
 * called with the owner's privileges by SQL on the log, its partitions, and
 * the layouts.  Such functions exist if another role created the tables
 * beforehand and gave them to the owner.
 */
static CmigQuery foreign_code = {
	"WITH RECURSIVE part (id) AS (SELECT c.oid FROM pg_depend m JOIN pg_class c ON c.oid = m.objid"
	"  WHERE m.refclassid = 'pg_namespace'::regclass AND m.refobjid = to_regnamespace('cmig_audit')"
	"  AND m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p')"
	"  UNION SELECT i.inhrelid FROM pg_inherits i JOIN part ON i.inhparent = part.id)"
	" SELECT CASE d.refclassid WHEN 'pg_proc'::regclass"
	" THEN 'function ' || d.refobjid::regprocedure::text"
	"  WHEN 'pg_operator'::regclass THEN 'operator ' || (SELECT " CMIG_OPERATOR_SQL("o")
	"   FROM pg_operator o WHERE o.oid = d.refobjid)"
	"  ELSE 'type ' || pg_catalog.format_type(d.refobjid, -1) END FROM part"
	/* OFFSET: by the indexes, however many partitions the planner expects */
	" CROSS JOIN LATERAL (SELECT 'pg_class'::regclass, part.id"
	"  UNION ALL SELECT 'pg_class'::regclass, x.indexrelid FROM pg_index x WHERE x.indrelid = part.id"
	"  UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE k.conrelid = part.id"
	"  UNION ALL SELECT 'pg_attrdef'::regclass, f.oid FROM pg_attrdef f WHERE f.adrelid = part.id"
	"  OFFSET 0) s (class, id)"
	" CROSS JOIN LATERAL (SELECT * FROM pg_depend d WHERE d.classid = s.class AND d.objid = s.id"
	"  AND d.refobjid >= 16384 OFFSET 0) d"
	" JOIN pg_roles r ON r.oid = CASE d.refclassid"
	"  WHEN 'pg_proc'::regclass THEN (SELECT p.proowner FROM pg_proc p WHERE p.oid = d.refobjid)"
	"  WHEN 'pg_operator'::regclass THEN (SELECT p.proowner FROM pg_operator o"
	"   JOIN pg_proc p ON p.oid = o.oprcode WHERE o.oid = d.refobjid)"
	"  WHEN 'pg_type'::regclass THEN (SELECT y.typowner FROM pg_type y WHERE y.oid = d.refobjid) END"
	" WHERE r.oid <> $1 AND NOT r.rolsuper"
	" ORDER BY 1 LIMIT 1",
	{OIDOID}
};

/*
 * Raise an error if SQL on the log would run another role's code as the log's
 * owner.
 */
void
cmig_audit_log_refuse_foreign_code(Oid log_owner)
{
	char	   *code = cmig_query_value(&foreign_code, log_owner);

	if (code)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log uses %s, which belongs to another role", code),
				 errdetail("It would run with the privileges of the log's owner, role \"%s\".",
						   GetUserNameFromId(log_owner, true)),
				 errhint("Drop the default, constraint, index, or column that uses it.")));
}

/*
 * Returns the log's owner, for reading and maintaining the log.  Raises an
 * error if the log is missing or cannot be used.
 */
Oid
cmig_audit_log_require(Oid extension_owner)
{
	cmig_audit_log_raise_fault(extension_owner, false);
	return cmig_role_owner_of(cmig_audit_log_relation());
}

/* Returns the value of row_hash for a key of a table. */
int64
cmig_audit_log_row_hash(int32 table_id, Datum key)
{
	uint64		hash = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended, key,
														  Int64GetDatum(0)));

	return (int64) (((uint64) (uint32) table_id << 32) | (hash & 0xFFFFFFFF));
}

/*
 * Writes rows to cmig_audit.log by direct table access.
 *
 * All entries of a transaction have the same transaction_at, so they all go to
 * one partition, which is looked up once for each statement.  Rows are
 * collected and inserted together.  The parent is locked as for an INSERT, so
 * that the partition cannot be detached in the meantime.
 *
 * Columns are looked up by name and type: a partition may have them in another
 * order, and columns that the owner has added remain null.
 */

/* The limits at which the collected rows are inserted. */
#define BATCH_ROWS 500
#define BATCH_BYTES (256 * 1024)

const CmigAuditColumnType cmig_audit_log_columns[CMIG_LOG_COLUMNS] = {
	{"id", INT8OID}, {"seq", INT8OID}, {"transaction_id", XID8OID},
	{"transaction_at", TIMESTAMPTZOID}, {"clock_at", TIMESTAMPTZOID}, {"row_hash", INT8OID},
	{"old_hash", INT8OID}, {"table_id", INT4OID}, {"command_id", INT8OID},
	{"backend_pid", INT4OID}, {"operation", TEXTOID}, {"schema_name", TEXTOID},
	{"table_name", TEXTOID}, {"row_key", JSONBOID}, {"old_key", JSONBOID},
	{"old_row", JSONBOID}, {"new_row", JSONBOID}, {"changed", TEXTARRAYOID},
	{"user_id", TEXTOID}, {"tenant_id", TEXTOID}, {"role", TEXTOID},
	{"session_role", TEXTOID}, {"application_name", TEXTOID}, {"client_address", INETOID},
	{"revision", TEXTOID}, {"reason", TEXTOID}, {"request_id", TEXTOID},
	{"query", TEXTOID}
};

/* A partition of the log, open for writing. */
struct CmigAuditWriter
{
	MemoryContext context;		/* memory context of the writer */
	MemoryContext work;			/* reset after each flush */
	Relation	parent;			/* cmig_audit.log */
	Relation	leaf;			/* the partition */
	Oid			sequence;		/* the sequence for the ids */
	Oid			owner;			/* the owner of the partition */
	int			index_count;
	Relation   *indexes;
	IndexInfo **infos;
	EState	   *estate;
	BulkInsertState bulk;
	AttrNumber	map[CMIG_LOG_COLUMNS];	/* indexes into the leaf's columns,
										 * starting at 0 */
	int			count;			/* number of collected rows */
	Size		bytes;
	int			slot_count;
	TupleTableSlot **slots;
};

pg_noreturn static void raise_altered(Relation relation, const char *detail);

static void
raise_altered(Relation relation, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit log cannot be written"),
			 errdetail("Relation \"%s.%s\" was altered. %s",
					   get_namespace_name(RelationGetNamespace(relation)),
					   RelationGetRelationName(relation), detail),
			 errhint("The owner of the log must restore the definition that cmig.enable_audit() created.")));
}

/*
 * Returns the OID of the partition for entries of a transaction that began at
 * the time "at".
 */
static Oid
find_partition(Relation parent, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionDesc desc = RelationGetPartitionDesc(parent, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Datum		value = TimestampTzGetDatum(at);
	bool		equal;
	int			part = -1;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 ||
		key->partattrs[0] == 0 || key->parttypid[0] != TIMESTAMPTZOID)
		raise_altered(parent, "It is not partitioned by range of transaction_at.");
	if (desc->nparts > 0)
	{
		int			offset = partition_range_datum_bsearch(key->partsupfunc,
														   key->partcollation,
														   bounds, 1, &value, &equal);

		part = bounds->indexes[offset + 1];
		if (part < 0)
			part = bounds->default_index;
	}
	if (part < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("no partition of the audit log accepts entries of the current transaction"),
				 errhint("To create the partitions, including the default partition: CALL cmig.audit_retain(NULL)")));
	if (!desc->is_leaf[part])
		raise_altered(parent, "A partition is itself partitioned.");
	return desc->oids[part];
}

/* Find out which columns of the partition correspond to the log's columns. */
static void
map_columns(CmigAuditWriter *writer)
{
	TupleDesc	desc = RelationGetDescr(writer->leaf);
	bool		known[MaxHeapAttributeNumber] = {false};

	for (int i = 0; i < CMIG_LOG_COLUMNS; i++)
	{
		/* first look at the column's usual position */
		int			n = i;

		if (n >= desc->natts ||
			strcmp(NameStr(TupleDescAttr(desc, n)->attname), cmig_audit_log_columns[i].name) != 0)
		{
			for (n = 0; n < desc->natts; n++)
				if (strcmp(NameStr(TupleDescAttr(desc, n)->attname),
						   cmig_audit_log_columns[i].name) == 0)
					break;
		}
		if (n >= desc->natts || TupleDescAttr(desc, n)->attisdropped ||
			TupleDescAttr(desc, n)->atttypid != cmig_audit_log_columns[i].type ||
			TupleDescAttr(desc, n)->attgenerated)
			raise_altered(writer->leaf,
						  psprintf("Column \"%s\" is missing or has another type.",
								   cmig_audit_log_columns[i].name));
		writer->map[i] = n;
		known[n] = true;
	}
	for (int n = 0; n < desc->natts; n++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, n);

		if (!known[n] && !attribute->attisdropped &&
			(attribute->attnotnull || attribute->attgenerated))
			raise_altered(writer->leaf,
						  psprintf("The added column \"%s\" must be nullable and must not be generated.",
								   NameStr(attribute->attname)));
	}
}

/*
 * Returns true if the function is neither built in nor owned by the given role
 * or a superuser.
 */
static bool
is_foreign_function(Oid function, void *owner)
{
	HeapTuple	tuple;
	Oid			proowner;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	proowner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return proowner != *(Oid *) owner && !superuser_arg(proowner);
}

/*
 * Returns true if the expression checks a domain's constraints, or calls a
 * function for which is_foreign_function() is true.
 */
static bool
calls_foreign(Node *node, void *owner)
{
	return node != NULL &&
		(check_functions_in_node(node, is_foreign_function, owner) ||
		 IsA(node, CoerceToDomain) || expression_tree_walker(node, calls_foreign, owner));
}

static void
open_indexes(CmigAuditWriter *writer)
{
	List	   *oids = RelationGetIndexList(writer->leaf);

	writer->indexes = palloc(sizeof(Relation) * Max(1, list_length(oids)));
	writer->infos = palloc(sizeof(IndexInfo *) * Max(1, list_length(oids)));
	foreach_oid(oid, oids)
	{
		Relation	index = index_open(oid, RowExclusiveLock);
		IndexInfo  *info = BuildIndexInfo(index);

		if (info->ii_ExclusionOps)
			raise_altered(writer->leaf, "It has an exclusion constraint.");
		if (calls_foreign((Node *) info->ii_Expressions, &writer->owner) ||
			calls_foreign((Node *) info->ii_Predicate, &writer->owner))
			raise_altered(writer->leaf, "An index calls a function of another role.");
		writer->indexes[writer->index_count] = index;
		writer->infos[writer->index_count++] = info;
	}
	list_free(oids);
}

/*
 * Open the log for entries of a transaction that began at the time "at".
 * Raises an error if the log is missing or belongs to a role that is not
 * trusted.
 */
CmigAuditWriter *
cmig_audit_writer_open(Oid extension_owner, TimestampTz at)
{
	CmigAuditWriter *writer = palloc0(sizeof(CmigAuditWriter));
	Oid			log = cmig_audit_log_relation();
	Oid			partition;
	CmigRole	saved;

	if (!OidIsValid(log))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no audit log in this database"),
				 errhint("To create the audit log, call cmig.enable_audit() for the audited table again. To stop auditing the table, call cmig.disable_audit()")));
	writer->context = CurrentMemoryContext;
	writer->parent = table_open(log, RowExclusiveLock);
	if (writer->parent->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		raise_altered(writer->parent, "It is not a partitioned table.");
	if (!is_trusted(writer->parent->rd_rel->relowner, extension_owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot write to the audit log, because it belongs to role \"%s\"",
						GetUserNameFromId(writer->parent->rd_rel->relowner, true)),
				 errdetail("Entries are written only to a log that belongs to the extension's owner, \"%s\".",
						   GetUserNameFromId(extension_owner, true))));

	/*
	 * The server evaluates functions in the partition key and in indexes when
	 * it reads them into its cache.  These functions run as the owner, not as
	 * the role whose changes are logged.
	 */
	cmig_role_look_up_as(&saved, writer->parent->rd_rel->relowner);
	partition = find_partition(writer->parent, at);

	/*
	 * While this session waits for the lock on a partition, another partition
	 * that accepts the entries may be created, so look for the partition
	 * again.
	 */
	for (;;)
	{
		writer->leaf = table_open(partition, RowExclusiveLock);
		partition = find_partition(writer->parent, at);
		if (partition == RelationGetRelid(writer->leaf))
			break;
		table_close(writer->leaf, RowExclusiveLock);
	}
	cmig_role_return(&saved);
	if (writer->leaf->rd_rel->relkind != RELKIND_RELATION)
		raise_altered(writer->leaf, "It is not a plain table.");
	writer->owner = writer->leaf->rd_rel->relowner;
	if (writer->owner != writer->parent->rd_rel->relowner &&
		!is_trusted(writer->owner, extension_owner))
		raise_altered(writer->leaf, "Its owner is not the owner of the log.");
	map_columns(writer);
	cmig_role_look_up_as(&saved, writer->owner);
	open_indexes(writer);
	cmig_role_return(&saved);
	writer->sequence = get_relname_relid("log_id_seq", RelationGetNamespace(writer->parent));
	if (!OidIsValid(writer->sequence))
		raise_altered(writer->parent, "The sequence \"log_id_seq\" does not exist.");
	writer->slots = palloc(sizeof(TupleTableSlot *) * BATCH_ROWS);
	return writer;
}

/*
 * Returns true if the writer's partition accepts entries of a transaction that
 * began at the time "at".
 */
bool
cmig_audit_writer_takes(CmigAuditWriter *writer, TimestampTz at)
{
	return find_partition(writer->parent, at) == RelationGetRelid(writer->leaf);
}

/*
 * Ids
 *
 * Restoring a dump over the database sets the sequence back, so that newer
 * entries would sort before older ones.  A session therefore compares its first
 * id with the newest one in the log, and does so again whenever the sequence
 * returns an id that is not greater than the session's last one.
 */

/*
 * Ids of at least this size are ignored: only the log's owner can have written
 * them, by hand.
 */
#define MAX_ID (INT64CONST(1) << 62)

/*
 * If the sequence is further behind the newest id than this, the sequence is
 * set instead of incremented repeatedly.
 */
#define MAX_COUNTED 10000

/* The session's last id, and the sequence from which it comes. */
static Oid	known_sequence = InvalidOid;
static int64 known_id = 0;

/*
 * Returns the largest id in a partition, or 0 if the partition has no entry or
 * no index on the id.  SnapshotAny is used because uncommitted entries count,
 * too, and because a serializable transaction must not fail because of this
 * read.
 */
static int64
newest_id_of(Relation part)
{
	AttrNumber	column = get_attnum(RelationGetRelid(part), "id");
	int64		newest = 0;

	foreach_oid(oid, RelationGetIndexList(part))
	{
		Relation	index = index_open(oid, AccessShareLock);
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;
		bool		isnull = true;

		if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
			index->rd_index->indkey.values[0] == column &&
			(index->rd_indoption[0] & INDOPTION_DESC) == 0 &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		{
			ScanKeyInit(&key, column, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(MAX_ID));
			scan = systable_beginscan_ordered(part, index, SnapshotAny, 1, &key);
			tuple = systable_getnext_ordered(scan, BackwardScanDirection);
			if (HeapTupleIsValid(tuple))
			{
				Datum		id = cmig_getattr_compat(tuple, column, RelationGetDescr(part),
													 &isnull);

				newest = isnull ? newest : Max(newest, DatumGetInt64(id));
			}
			systable_endscan_ordered(scan);
		}
		index_close(index, AccessShareLock);
	}
	return newest;
}

/*
 * Returns the largest id in the log.  Partitions that other sessions have
 * locked to create or drop them are skipped.
 */
static int64
newest_id(const CmigAuditWriter *writer)
{
	PartitionDesc desc = RelationGetPartitionDesc(writer->parent, true);
	int64		newest = 0;

	for (int i = 0; i < desc->nparts; i++)
	{
		Relation	part;

		if (!ConditionalLockRelationOid(desc->oids[i], AccessShareLock))
			continue;
		part = try_relation_open(desc->oids[i], NoLock);
		if (part && part->rd_rel->relkind == RELKIND_RELATION)
			newest = Max(newest, newest_id_of(part));
		if (part)
			relation_close(part, NoLock);
		UnlockRelationOid(desc->oids[i], AccessShareLock);
	}
	return newest;
}

/*
 * Returns the id of the next entry, which is greater than the newest id in the
 * log.  Several sessions may run this at the same time: nextval() never moves
 * the sequence back, and neither does the call of setval(), as long as other
 * sessions take fewer than MAX_COUNTED ids in the meantime.
 */
int64
cmig_audit_writer_next_id(CmigAuditWriter *writer)
{
	int64		id = nextval_internal(writer->sequence, false);

	if (known_sequence != writer->sequence)
	{
		known_sequence = writer->sequence;
		known_id = newest_id(writer);
	}
	else if (id <= known_id)
		known_id = Max(known_id, newest_id(writer));
	if (known_id - id > MAX_COUNTED)
	{
		CmigRole	saved;

		cmig_role_act_as_owner(&saved, writer->parent->rd_rel->relowner);
		(void) DirectFunctionCall2(setval_oid, ObjectIdGetDatum(writer->sequence),
								   Int64GetDatum(known_id));
		cmig_role_return(&saved);
	}
	while (id <= known_id)
		id = nextval_internal(writer->sequence, false);
	known_id = id;
	return known_id;
}

/* Prepare to evaluate expressions of indexes for a row. */
static void
make_estate(CmigAuditWriter *writer, TupleTableSlot *slot)
{
	cmig_settings_pin_search_path();
	if (writer->estate == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);

		writer->estate = CreateExecutorState();
		MemoryContextSwitchTo(old);
	}
	GetPerTupleExprContext(writer->estate)->ecxt_scantuple = slot;
}

/*
 * Returns true if the row belongs in the index.  A predicate of the form
 * "column IS NOT NULL" is evaluated without the executor.
 */
static bool
index_takes(CmigAuditWriter *writer, IndexInfo *info, TupleTableSlot *slot)
{
	Node	   *predicate;

	if (info->ii_Predicate == NIL)
		return true;
	predicate = linitial(info->ii_Predicate);
	if (list_length(info->ii_Predicate) == 1 && IsA(predicate, NullTest) &&
		IsA(((NullTest *) predicate)->arg, Var))
	{
		NullTest   *test = (NullTest *) predicate;
		bool		isnull = slot_attisnull(slot, ((Var *) test->arg)->varattno);

		return test->nulltesttype == IS_NULL ? isnull : !isnull;
	}
	make_estate(writer, slot);
	if (info->ii_PredicateState == NULL)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, writer->estate);
	return ExecQual(info->ii_PredicateState, GetPerTupleExprContext(writer->estate));
}

/* Insert index entries for the row into all of the partition's indexes. */
static void
index_row(CmigAuditWriter *writer, TupleTableSlot *slot)
{
	for (int i = 0; i < writer->index_count; i++)
	{
		Relation	index = writer->indexes[i];
		IndexInfo  *info = writer->infos[i];
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		if (!info->ii_ReadyForInserts || !index_takes(writer, info, slot))
			continue;
		if (info->ii_Expressions)
			make_estate(writer, slot);
		FormIndexDatum(info, slot, writer->estate, values, nulls);
		index_insert(index, values, nulls, &slot->tts_tid, writer->leaf,
					 index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, info);
		if (writer->estate)
			ResetPerTupleExprContext(writer->estate);
	}
}

/* Insert the collected rows, as the log's owner. */
static void
flush(CmigAuditWriter *writer)
{
	MemoryContext old;
	CmigRole	saved;
	int			guc_level;

	if (writer->count == 0)
		return;
	if (writer->count > 1 && writer->bulk == NULL)
	{
		old = MemoryContextSwitchTo(writer->context);
		writer->bulk = GetBulkInsertState();
		writer->work = AllocSetContextCreate(writer->context, "pg_cmig audit flush",
											 ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(writer->work ? writer->work : writer->context);
	/* make_estate() pins search_path if anything is evaluated */
	cmig_role_look_up_as(&saved, writer->owner);
	guc_level = NewGUCNestLevel();
	if (writer->count == 1)
		table_tuple_insert(writer->leaf, writer->slots[0], GetCurrentCommandId(true), 0, NULL);
	else
		table_multi_insert(writer->leaf, writer->slots, writer->count,
						   GetCurrentCommandId(true), 0, writer->bulk);
	for (int i = 0; i < writer->count; i++)
	{
		index_row(writer, writer->slots[i]);
		ExecClearTuple(writer->slots[i]);
	}

	AtEOXact_GUC(false, guc_level);
	cmig_role_return(&saved);
	MemoryContextSwitchTo(old);
	if (writer->work)
		MemoryContextReset(writer->work);
	writer->count = 0;
	writer->bytes = 0;
}

/*
 * Add an entry of about "size" bytes.  The data to which the values point must
 * live until the entry is flushed.  Returns true if all entries were flushed.
 */
bool
cmig_audit_writer_add(CmigAuditWriter *writer, const Datum *values, const bool *nulls,
					  Size size)
{
	TupleTableSlot *slot;

	if (writer->count == writer->slot_count)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);

		writer->slots[writer->slot_count++] =
			MakeSingleTupleTableSlot(RelationGetDescr(writer->leaf),
									 table_slot_callbacks(writer->leaf));
		MemoryContextSwitchTo(old);
	}
	slot = writer->slots[writer->count++];
	if (slot->tts_tupleDescriptor->natts != CMIG_LOG_COLUMNS)
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < CMIG_LOG_COLUMNS; i++)
	{
		slot->tts_values[writer->map[i]] = values[i];
		slot->tts_isnull[writer->map[i]] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(writer->leaf);
	writer->bytes += size;
	if (writer->count < BATCH_ROWS && writer->bytes < BATCH_BYTES)
		return false;
	flush(writer);
	return true;
}

/* Flush the entries and close the log. */
void
cmig_audit_writer_close(CmigAuditWriter *writer)
{
	flush(writer);
	for (int i = 0; i < writer->slot_count; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	if (writer->bulk)
		FreeBulkInsertState(writer->bulk);
	if (writer->estate)
		FreeExecutorState(writer->estate);
	if (writer->work)
		MemoryContextDelete(writer->work);
	for (int i = 0; i < writer->index_count; i++)
	{
		cmig_index_insert_cleanup_compat(writer->indexes[i], writer->infos[i]);
		index_close(writer->indexes[i], NoLock);
	}
	table_close(writer->leaf, NoLock);
	table_close(writer->parent, NoLock);
}

/* Subtransaction callback: open the log for an entry of the current transaction. */
static void
try_writing(void *arg)
{
	TimestampTz at = GetCurrentTransactionStartTimestamp();
	Oid			log = cmig_audit_log_relation();
	Relation	parent;
	CmigRole	saved;
	Oid			partition;
	bool		waits = false;

	if (!ConditionalLockRelationOid(log, RowExclusiveLock))
		return;
	parent = table_open(log, NoLock);
	if (parent->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		cmig_role_look_up_as(&saved, parent->rd_rel->relowner);
		partition = find_partition(parent, at);
		cmig_role_return(&saved);
		waits = !ConditionalLockRelationOid(partition, RowExclusiveLock);
	}
	table_close(parent, NoLock);
	if (!waits)
		cmig_audit_writer_close(cmig_audit_writer_open(*(Oid *) arg, at));
}

/*
 * Also looks at the partition for entries of the current transaction, unless this would
 * wait for another session.
 */
CmigAuditLogFault *
cmig_audit_log_fault_now(Oid extension_owner)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault(extension_owner);
	ErrorData  *error = fault != NULL || RecoveryInProgress() ? NULL :
	cmig_subtransaction_rehearse(try_writing, &extension_owner);

	if (error == NULL || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return fault;
	if (cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	return make_fault(error->sqlerrcode,
					  error->detail ? psprintf("%s. %s", error->message, error->detail) : error->message,
					  error->hint ? error->hint : "SELECT * FROM cmig.check()");
}

static CmigQuery read_hash_key = {
	.sql = "SELECT s.value::bytea FROM cmig.secret s WHERE s.name::text = 'audit'",.latest = true
};

/*
 * Returns the role as which the tables of pg_cmig are read: the extension's owner or, if that
 * role lacks access to them, as it can after REASSIGN OWNED, the owner of their schema.
 */
Oid
cmig_audit_log_reader(Oid extension_owner)
{
	Oid			space = get_namespace_oid("cmig", false);
	Oid			secret = get_relname_relid("secret", space);

	if (cmig_may_compat(NamespaceRelationId, space, extension_owner, ACL_USAGE) &&
		OidIsValid(secret) &&
		pg_class_aclcheck(secret, extension_owner, ACL_SELECT) == ACLCHECK_OK)
		return extension_owner;
	return cmig_role_owner_in(NamespaceRelationId, space);
}

/*
 * Returns a palloc'd copy of the secret key with which the values of hashed
 * columns are hashed, or NULL if there is no such key.
 */
bytea *
cmig_audit_log_hash_key(Oid extension_owner)
{
	CmigRole	saved;
	char	   *value;

	cmig_role_act_as_owner(&saved, cmig_audit_log_reader(extension_owner));
	value = cmig_query_value(&read_hash_key);
	cmig_role_return(&saved);
	return value ? DatumGetByteaPP(DirectFunctionCall1(byteain, CStringGetDatum(value))) : NULL;
}
