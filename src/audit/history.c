/*
 * history.c
 *	  Reading the log: history, differences, transactions, reports.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup.h"
#include "access/relation.h"
#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * Checks that it is safe to read the audit log.
 *
 * Functions that read the log run with their caller's privileges.  Therefore,
 * the log's owner must not be able to make their queries run another role's
 * code by adding something to the log.
 * ----------------------------------------------------------------
 */

/*
 * User-defined functions, operators, and types in constraints, indexes,
 * statistics, and generated columns of the log, its partitions, and children in
 * any schema.  The planner would evaluate them with the reader's privileges:
 * for a conversion to a domain, it evaluates the functions in the domain's
 * checks.  The types of columns that are not read do not matter.
 * satisfies_hash_partition() (OID 5028) is built in, but it can read any
 * partition key, which evaluates the functions in that key.
 */
static CmigQuery foreign_code = {
	"WITH RECURSIVE part AS (SELECT c.oid FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid),"
	" kin AS (SELECT part.oid FROM part UNION"
	"  SELECT x.indexrelid FROM pg_catalog.pg_index x JOIN part ON x.indrelid = part.oid)"
	" SELECT c.code FROM (SELECT CASE d.refclassid WHEN 'pg_catalog.pg_proc'::regclass"
	"  THEN 'calls function ' || d.refobjid::regprocedure::text"
	"  WHEN 'pg_catalog.pg_operator'::regclass"
	"  THEN 'calls operator ' || d.refobjid::regoperator::text"
	"  ELSE 'uses type ' || pg_catalog.format_type(d.refobjid, -1) END FROM pg_catalog.pg_depend d"
	" WHERE (d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)"
	"  OR d.refclassid = 'pg_catalog.pg_type'::regclass AND d.objsubid = 0)"
	" AND d.refobjid >= 16384"
	" AND (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (SELECT kin.oid FROM kin)"
	"  OR d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid IN"
	"   (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT part.oid FROM part))"
	"  OR d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid IN"
	"   (SELECT f.oid FROM pg_catalog.pg_attrdef f JOIN part ON part.oid = f.adrelid"
	"    JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '')"
	"  OR d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid IN"
	"   (SELECT w.oid FROM pg_catalog.pg_rewrite w WHERE w.ev_class IN (SELECT part.oid FROM part))"
	"  OR d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid IN"
	"   (SELECT t.oid FROM pg_catalog.pg_statistic_ext t WHERE t.stxrelid IN (SELECT part.oid FROM part)))"
	" UNION ALL SELECT 'calls function satisfies_hash_partition' FROM ("
	"  SELECT pg_catalog.concat(x.indexprs, x.indpred) FROM pg_catalog.pg_index x JOIN part ON x.indrelid = part.oid"
	"  UNION ALL SELECT k.conbin::text FROM pg_catalog.pg_constraint k JOIN part ON k.conrelid = part.oid"
	"  UNION ALL SELECT f.adbin::text FROM pg_catalog.pg_attrdef f JOIN part ON f.adrelid = part.oid"
	"  UNION ALL SELECT t.stxexprs::text FROM pg_catalog.pg_statistic_ext t JOIN part ON t.stxrelid = part.oid"
	"  UNION ALL SELECT p.partexprs::text FROM pg_catalog.pg_partitioned_table p JOIN part ON p.partrelid = part.oid"
	" ) e (expression) WHERE pg_catalog.strpos(e.expression, ':funcid 5028 ') > 0) c (code)"
	" ORDER BY 1 LIMIT 1",
	0
};

/*
 * Foreign tables among the partitions and children of the log's tables.
 * Reading them would connect to a server that the log's owner has chosen, as a
 * role that the owner has chosen, and could run that owner's code there.
 */
static CmigQuery foreign_tables = {
	"WITH RECURSIVE part AS (SELECT c.oid FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"   AND c.relname IN ('log', 'layout')"
	"  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid)"
	" SELECT c.oid::regclass::text FROM part JOIN pg_catalog.pg_class c ON c.oid = part.oid"
	" WHERE c.relkind = 'f' ORDER BY 1 LIMIT 1",
	0
};

/*
 * The columns that are read, and their types.  If a column had another type, a
 * query could call one of the owner's casts, or misinterpret values.
 */
static const struct
{
	const char *relation;
	const char *name;
	Oid			type;
}			columns_read[] = {
	{"log", "id", INT8OID},
	{"log", "seq", INT8OID},
	{"log", "transaction_id", XID8OID},
	{"log", "clock_at", TIMESTAMPTZOID},
	{"log", "row_hash", INT8OID},
	{"log", "old_hash", INT8OID},
	{"log", "command_id", INT8OID},
	{"log", "operation", TEXTOID},
	{"log", "schema_name", TEXTOID},
	{"log", "table_name", TEXTOID},
	{"log", "row_key", JSONBOID},
	{"log", "old_key", JSONBOID},
	{"log", "old_row", JSONBOID},
	{"log", "new_row", JSONBOID},
	{"log", "changed", TEXTARRAYOID},
	{"log", "user_id", TEXTOID},
	{"log", "tenant_id", TEXTOID},
	{"log", "role", TEXTOID},
	{"log", "session_role", TEXTOID},
	{"log", "application_name", TEXTOID},
	{"log", "client_address", INETOID},
	{"log", "revision", TEXTOID},
	{"log", "reason", TEXTOID},
	{"log", "request_id", TEXTOID},
	{"layout", "table_id", INT4OID},
	{"layout", "recorded_at", TIMESTAMPTZOID},
	{"layout", "relation", OIDOID},
	{"layout", "schema_name", TEXTOID},
	{"layout", "table_name", TEXTOID},
	{"layout", "columns", JSONBOID},
	{"layout", "key_columns", TEXTARRAYOID},
	{"layout", "key_kinds", TEXTARRAYOID},
	{"layout", "owner", TEXTOID},
	{"layout", "database", TEXTOID}
};

/*
 * Raise an error unless the log has the columns that are read, with their
 * types.
 */
static void
require_columns(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", false);

	for (int i = 0; i < lengthof(columns_read); i++)
	{
		Oid			relation = get_relname_relid(columns_read[i].relation, schema);
		AttrNumber	n = get_attnum(relation, columns_read[i].name);

		if (n <= 0 || get_atttype(relation, n) != columns_read[i].type)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the audit log cannot be read"),
					 errdetail("Column cmig_audit.%s.%s is missing or has another type.",
							   columns_read[i].relation, columns_read[i].name),
					 errhint("The owner of the log must restore the definition that cmig.enable_audit() created.")));
	}
}

/*
 * Raise one error for all missing privileges, with a hint.  PostgreSQL's own
 * errors would report one table at a time.
 */
static void
require_privileges(void)
{
	static const char *const tables[] = {"log", "layout"};
	Oid			schema = get_namespace_oid("cmig_audit", false);
	bool		allowed = cmig_may_use_schema_compat(schema, GetUserId());
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

	for (int i = 0; i < lengthof(tables); i++)
	{
		Oid			relation = get_relname_relid(tables[i], schema);

		allowed = allowed && (!OidIsValid(relation) ||
							  pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
	}
	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the audit log"),
				 errhint("The owner of the log can grant the privileges: GRANT USAGE ON SCHEMA cmig_audit TO %s; GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO %s",
						 role, role)));
}

/*
 * Lock a table, its partitions and children, and their indexes, so that the
 * query does not have to wait for a lock between the checks and its execution.
 * Otherwise, the owner could make it wait, and add an index or a constraint
 * meanwhile.  RowExclusiveLock also keeps CREATE INDEX waiting, and is allowed
 * on a standby.  While this function waits for a lock, partitions may be
 * attached, so it looks for them until it finds no more.
 */
static void
lock_tree(Oid table)
{
	List	   *locked = NIL;

	for (;;)
	{
		List	   *found = list_difference_oid(find_all_inheritors(table, RowExclusiveLock, NULL), locked);
		ListCell   *lc;

		if (found == NIL)
			return;
		foreach(lc, found)
		{
			Relation	relation = relation_open(lfirst_oid(lc), NoLock);
			ListCell   *index;

			foreach(index, relation->rd_rel->relhasindex ? RelationGetIndexList(relation) : NIL)
			{
				LockRelationOid(lfirst_oid(index), AccessShareLock);
			}
			relation_close(relation, NoLock);
		}
		locked = list_concat(locked, found);
	}
}

void
cmig_audit_reader_begin(void)
{
	Oid			extension_owner = cmig_audit_log_extension_owner();
	Oid			owner;
	Oid			schema;
	Oid			tables[2];
	char	   *foreign = NULL;
	char	   *code = NULL;

	(void) cmig_audit_log_require(extension_owner);
	require_privileges();

	/*
	 * Lock the log and check it again, because the results of the checks must
	 * still hold when the log is read.
	 */
	schema = get_namespace_oid("cmig_audit", false);
	tables[0] = get_relname_relid("log", schema);
	tables[1] = get_relname_relid("layout", schema);
	LockRelationOid(tables[0], AccessShareLock);
	LockRelationOid(tables[1], AccessShareLock);
	owner = cmig_audit_log_require(extension_owner);
	require_columns();
	if (superuser_arg(owner) || GetUserId() == owner)
		return;
	tables[0] = get_relname_relid("log", schema);
	tables[1] = get_relname_relid("layout", schema);
	lock_tree(tables[0]);
	lock_tree(tables[1]);
	for (int i = 0; i < lengthof(tables); i++)
	{
		char	   *policy = cmig_audit_policy_find_foreign(tables[i]);

		if (policy)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("policy \"%s\" on table \"cmig_audit.%s\" can run code of another role",
							policy, i == 0 ? "log" : "layout"),
					 errdetail("The code would run with your privileges. A policy on the log must not read tables and can call only built-in functions that are not volatile."),
					 errhint("The owner of the log must change or drop the policy.")));
	}
	cmig_query_each(&foreign_tables, NULL, NULL, cmig_query_keep_text, &foreign);
	if (foreign)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log contains foreign table \"%s\"", foreign),
				 errdetail("Reading it would connect to another server with your privileges."),
				 errhint("The owner of the log must detach or drop it.")));
	cmig_query_each(&foreign_code, NULL, NULL, cmig_query_keep_text, &code);
	if (code)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log %s", code),
				 errdetail("Reading the log could run code of its owner with your privileges."),
				 errhint("The owner of the log must drop the constraint, index, or rule that uses it.")));
}

/* ----------------------------------------------------------------
 * Returns the history of a row, across changes of its key.
 *
 * cmig.audit_history() runs with the privileges of its caller, who needs SELECT
 * on cmig_audit.log and cmig_audit.layout; policies on the log apply.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_history);

/* The columns that follow CMIG_ENTRY_COLUMNS in a history. */
#define CMIG_CONTEXT_COLUMNS \
	", l.user_id, l.tenant_id, l.role, l.session_role, l.application_name, l.client_address," \
	" l.revision, l.reason, l.request_id"

/* A correct call, for hints. */
#define AUDIT_HISTORY_CALL "SELECT * FROM cmig.audit_history('<table>', '<key>')"

/*
 * Query for the entries of one key.  It is run for each key that a row has
 * had.
 */
static CmigQuery entries_of_key = {
	"SELECT " CMIG_ENTRY_COLUMNS CMIG_CONTEXT_COLUMNS " FROM cmig_audit.log l"
	" WHERE ((l.row_hash = $1 AND l.row_key = $2) OR (l.old_hash = $1 AND l.old_key = $2))"
	" AND l.seq BETWEEN $3 AND $4",
	4, {INT8OID, JSONBOID, INT8OID, INT8OID}
};

/* The state while a row's entries are collected across changes of its key. */
typedef struct Walk
{
	CmigAuditTarget *target;
	List	   *entries;		/* of CmigAuditEntry */
	List	   *keys;			/* of WalkKey: all known keys */
} Walk;

/* A key that the row had between two values of seq. */
typedef struct WalkKey
{
	Jsonb	   *key;
	int64		from;
	int64		to;
} WalkKey;

/* Compare entries by the order of their changes. */
static int
compare_entries(const ListCell *a, const ListCell *b)
{
	const CmigAuditEntry *left = lfirst(a);
	const CmigAuditEntry *right = lfirst(b);

	if (left->seq != right->seq)
		return left->seq < right->seq ? -1 : 1;
	if (left->command != right->command)
		return left->command < right->command ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

/*
 * Raise an error for an invalid entry: the log's owner may have dropped NOT
 * NULL and inserted any values.
 */
static void
check_entry(const CmigAuditEntry *entry, bool position_known)
{
	static const int objects[] = {CMIG_ENTRY_ROW_KEY, CMIG_ENTRY_OLD_KEY, CMIG_ENTRY_OLD_ROW, CMIG_ENTRY_NEW_ROW};
	bool		sound = position_known && !entry->nulls[CMIG_ENTRY_ID] &&
	!entry->nulls[CMIG_ENTRY_CLOCK_AT] && !entry->nulls[CMIG_ENTRY_OPERATION] &&
	(entry->nulls[CMIG_ENTRY_OLD_KEY] || !entry->nulls[CMIG_ENTRY_ROW_KEY]);

	for (int i = 0; i < lengthof(objects); i++)
		sound = sound && (entry->nulls[objects[i]] ||
						  JB_ROOT_IS_OBJECT(DatumGetJsonbP(entry->values[objects[i]])));
	if (!sound)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("an entry of the audit log was changed after pg_cmig wrote it"),
				 entry->nulls[CMIG_ENTRY_ID] ? 0 :
				 errdetail("The entry has ID " INT64_FORMAT ".",
						   DatumGetInt64(entry->values[CMIG_ENTRY_ID]))));
}

bool
cmig_audit_entry_is(const CmigAuditEntry *entry, const char *operation)
{
	text	   *t = DatumGetTextPP(entry->values[CMIG_ENTRY_OPERATION]);

	return VARSIZE_ANY_EXHDR(t) == strlen(operation) &&
		memcmp(VARDATA_ANY(t), operation, strlen(operation)) == 0;
}

bool
cmig_audit_entry_is_whole(const CmigAuditEntry *entry, int column)
{
	return !entry->nulls[CMIG_ENTRY_OLD_KEY] || !cmig_audit_entry_is(entry, "UPDATE") ||
		DatumGetBool(DirectFunctionCall2(jsonb_contains, entry->values[column],
										 entry->values[CMIG_ENTRY_ROW_KEY]));
}

void
cmig_audit_entry_read(CmigAuditEntry *entry, TupleDesc desc, HeapTuple row)
{
	bool		no_seq;
	bool		no_command;

	for (int i = 0; i < desc->natts; i++)
	{
		/* seq and command_id follow the columns of the result */
		int			n = i < CMIG_ENTRY_CONTEXT ? i : i - 2;
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		bool		isnull;
		Datum		value = cmig_query_datum(desc, row, i + 1, &isnull);

		if (i == CMIG_ENTRY_CONTEXT || i == CMIG_ENTRY_CONTEXT + 1)
			continue;
		entry->nulls[n] = isnull;
		if (!isnull)
			entry->values[n] = attribute->attlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM(value)) : value;
	}
	entry->seq = DatumGetInt64(cmig_query_datum(desc, row, CMIG_ENTRY_CONTEXT + 1, &no_seq));
	entry->command = DatumGetInt64(cmig_query_datum(desc, row, CMIG_ENTRY_CONTEXT + 2, &no_command));
	check_entry(entry, !no_seq && !no_command);
	entry->id = DatumGetInt64(entry->values[CMIG_ENTRY_ID]);
	entry->at = DatumGetTimestampTz(entry->values[CMIG_ENTRY_CLOCK_AT]);
}

/* Query callback that appends an entry to the List * to which "arg" points. */
static void
history_collect(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **entries = arg;
	CmigAuditEntry *entry = palloc0(sizeof(CmigAuditEntry));

	cmig_audit_entry_read(entry, desc, row);
	for (int i = 0; i < CMIG_HISTORY_COLUMNS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i < CMIG_ENTRY_CONTEXT ? i : i + 2);

		if (!entry->nulls[i])
			entry->values[i] = datumCopy(entry->values[i], attribute->attbyval, attribute->attlen);
	}
	*entries = lappend(*entries, entry);
}

/* Returns true if the given column of the entry contains the key. */
static bool
same_key(const CmigAuditEntry *entry, int column, Jsonb *key)
{
	Jsonb	   *other = entry->nulls[column] ? NULL : DatumGetJsonbP(entry->values[column]);

	return other && compareJsonbContainers(&other->root, &key->root) == 0;
}

/*
 * Add a key that the row had between two values of seq, unless the list
 * already contains the key for this whole range.
 */
static void
add_key(Walk *walk, Jsonb *key, int64 from, int64 to)
{
	WalkKey    *new;
	ListCell   *lc;

	foreach(lc, walk->keys)
	{
		WalkKey    *known = lfirst(lc);

		if (known->from <= from && known->to >= to &&
			compareJsonbContainers(&known->key->root, &key->root) == 0)
			return;
	}
	new = palloc(sizeof(WalkKey));
	new->key = key;
	new->from = from;
	new->to = to;
	walk->keys = lappend(walk->keys, new);
}

/*
 * Add the entries of one key to the history.  If an entry changed the row's
 * key, also add the key that the row had before or after the change.
 */
static void
walk_key(Walk *walk, const WalkKey *from)
{
	Datum		values[4];
	List	   *found = NIL;
	ListCell   *lc;

	values[0] = Int64GetDatum(cmig_audit_log_row_hash(walk->target->table_id,
													  JsonbPGetDatum(from->key)));
	values[1] = JsonbPGetDatum(from->key);
	values[2] = Int64GetDatum(from->from);
	values[3] = Int64GetDatum(from->to);
	cmig_query_each(&entries_of_key, values, NULL, history_collect, &found);
	foreach(lc, found)
	{
		CmigAuditEntry *entry = lfirst(lc);

		if (!entry->nulls[CMIG_ENTRY_OLD_KEY])
		{
			/*
			 * if the entry changed the row's key, one of its two keys is
			 * from->key; add the other one
			 */
			if (same_key(entry, CMIG_ENTRY_ROW_KEY, from->key))
				add_key(walk, DatumGetJsonbP(entry->values[CMIG_ENTRY_OLD_KEY]), PG_INT64_MIN, entry->seq);
			else
				add_key(walk, DatumGetJsonbP(entry->values[CMIG_ENTRY_ROW_KEY]), entry->seq, PG_INT64_MAX);
		}
	}
	walk->entries = list_concat(walk->entries, found);
}

/*
 * Returns the history of the rows that had one of the keys, as a List of
 * CmigAuditEntry *: each entry once, in the order of the changes.
 */
static List *
history_read(CmigAuditTarget *target, List *keys)
{
	Walk		walk = {0};
	List	   *history = NIL;
	ListCell   *lc;

	walk.target = target;
	foreach(lc, keys)
	{
		add_key(&walk, lfirst(lc), PG_INT64_MIN, PG_INT64_MAX);
	}
	for (int i = 0; i < list_length(walk.keys); i++)
	{
		CHECK_FOR_INTERRUPTS();
		walk_key(&walk, list_nth(walk.keys, i));
	}

	list_sort(walk.entries, compare_entries);
	foreach(lc, walk.entries)
	{
		if (history == NIL || ((CmigAuditEntry *) llast(history))->id != ((CmigAuditEntry *) lfirst(lc))->id)
			history = lappend(history, lfirst(lc));
	}
	return history;
}

/* Error context callback: names the argument that could not be read. */
static void
describe_key(void *arg)
{
	int			code = geterrcode();

	if (code == ERRCODE_INVALID_TEXT_REPRESENTATION || code == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
		errcontext("reading the second argument as the key of table \"%s\"",
				   ((CmigAuditTarget *) arg)->name);
}

/*
 * Returns the key in argument n, as cmig_audit_key_argument() does, but raises
 * an error if the argument is null.  If the argument cannot be read, the error
 * context names the table.  "call" is an example of a correct call, for the
 * hint.
 */
static List *
history_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target, const char *call)
{
	ErrorContextCallback callback = {error_context_stack, describe_key, target};
	List	   *keys;

	error_context_stack = &callback;
	keys = cmig_audit_key_argument(fcinfo, n, target);
	error_context_stack = callback.previous;
	if (keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key must not be null"),
				 errhint("%s", call)));
	return keys;
}

Datum
cmig_audit_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigAuditTarget *target;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	cmig_argument_require(fcinfo, 0, "the table", AUDIT_HISTORY_CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	foreach(lc, history_read(target, history_key(fcinfo, 1, target, AUDIT_HISTORY_CALL)))
	{
		CmigAuditEntry *entry = lfirst(lc);

		tuplestore_putvalues(result->setResult, result->setDesc, entry->values, entry->nulls);
	}
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * Returns the differences between a row's states at two times.
 *
 * cmig.audit_diff() runs with the privileges of its caller, who needs SELECT on
 * cmig_audit.log and cmig_audit.layout; policies on the log apply.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_diff);

/* A correct call, for hints. */
#define AUDIT_DIFF_CALL "SELECT * FROM cmig.audit_diff('<table>', '<key>', now() - interval '1 day')"

static CmigQuery truncates = {
	"SELECT " CMIG_ENTRY_COLUMNS CMIG_CONTEXT_COLUMNS " FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE'",
	1, {INT8OID}
};

/* Returns an image of the entry with the columns' current names. */
static Jsonb *
renamed(CmigAuditTarget *target, const CmigAuditEntry *entry, int column)
{
	return cmig_audit_target_image(target, DatumGetJsonbP(entry->values[column]), entry->at);
}

/*
 * Merge two objects, either of which can be NULL.  Values in "b" take
 * precedence.
 */
static Jsonb *
joined(Jsonb *a, Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a ? a : b;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(a), JsonbPGetDatum(b)));
}

/*
 * Returns the row as it was at the time "at", or NULL if it did not exist.
 * The row is assembled forward from the entries up to that time.  If these
 * entries contain only changed columns, the other columns are taken from the
 * old rows of the later entries.
 */
static Jsonb *
state_at(CmigAuditTarget *target, List *history, TimestampTz at)
{
	Jsonb	   *state = NULL;
	Jsonb	   *later = NULL;
	bool		alive = false;
	bool		whole = false;
	bool		any_before = false;
	ListCell   *lc;

	foreach(lc, history)
	{
		CmigAuditEntry *entry = lfirst(lc);

		if (entry->at <= at)
		{
			any_before = true;
			alive = !entry->nulls[CMIG_ENTRY_NEW_ROW];
			if (!alive)
			{
				state = NULL;
				whole = false;
			}
			else if (cmig_audit_entry_is_whole(entry, CMIG_ENTRY_NEW_ROW))
			{
				state = renamed(target, entry, CMIG_ENTRY_NEW_ROW);
				whole = true;
			}
			else
				state = joined(state, renamed(target, entry, CMIG_ENTRY_NEW_ROW));
		}
		else
		{
			if (whole || (any_before ? !alive : cmig_audit_entry_is(entry, "INSERT")) ||
				entry->nulls[CMIG_ENTRY_OLD_ROW])
				break;
			alive = any_before = true;

			/*
			 * add the entry's old values; values of the entries read before
			 * take precedence over them
			 */
			later = joined(renamed(target, entry, CMIG_ENTRY_OLD_ROW), later);
			if (cmig_audit_entry_is_whole(entry, CMIG_ENTRY_OLD_ROW))
				break;
		}
	}
	return alive ? joined(state, later) : NULL;
}

static Jsonb *
member_of(Jsonb *object, const char *name, int len)
{
	JsonbValue *value = object ? getKeyJsonValueFromContainer(&object->root, name, len, NULL) : NULL;

	return value ? JsonbValueToJsonb(value) : NULL;
}

/*
 * Return one row of audit_diff() for each column of "image" whose value in
 * "old" differs from the value in "new".  If "only_new" is true, columns that
 * "old" contains are skipped.
 */
static void
put_differences(ReturnSetInfo *result, Jsonb *image, Jsonb *old, Jsonb *new, bool only_new)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (image == NULL)
		return;
	it = JsonbIteratorInit(&image->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		Jsonb	   *a,
				   *b;
		Datum		values[3];
		bool		nulls[3] = {false};

		if (token != WJB_KEY)
			continue;
		a = member_of(old, v.val.string.val, v.val.string.len);
		b = member_of(new, v.val.string.val, v.val.string.len);
		if ((only_new && a) || (a && b && compareJsonbContainers(&a->root, &b->root) == 0))
			continue;
		values[0] = PointerGetDatum(cstring_to_text_with_len(v.val.string.val, v.val.string.len));
		values[1] = JsonbPGetDatum(a);
		values[2] = JsonbPGetDatum(b);
		nulls[1] = a == NULL;
		nulls[2] = b == NULL;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * Add the table's TRUNCATE entries to a row's history, because a TRUNCATE also
 * removes the row.
 */
static List *
add_truncates(CmigAuditTarget *target, List *history)
{
	Datum		values[1] = {Int64GetDatum((int64) target->table_id << 32)};

	cmig_query_each(&truncates, values, NULL, history_collect, &history);
	list_sort(history, compare_entries);
	return history;
}

Datum
cmig_audit_diff(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigAuditTarget *target;
	List	   *history;
	Jsonb	   *old,
			   *new;

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	cmig_argument_require(fcinfo, 0, "the table", AUDIT_DIFF_CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	history = add_truncates(target, history_read(target, history_key(fcinfo, 1, target, AUDIT_DIFF_CALL)));
	cmig_argument_require(fcinfo, 2, "the times", AUDIT_DIFF_CALL);
	cmig_argument_require(fcinfo, 3, "the times", AUDIT_DIFF_CALL);
	old = state_at(target, history, PG_GETARG_TIMESTAMPTZ(2));
	new = state_at(target, history, PG_GETARG_TIMESTAMPTZ(3));
	put_differences(result, old, old, new, false);
	put_differences(result, new, old, new, true);
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * Queries the audit log: the entries of a transaction, and a report.
 *
 * These functions run with the privileges of the caller, who needs SELECT on
 * cmig_audit.log and cmig_audit.layout; policies on the log apply.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_transaction);
PG_FUNCTION_INFO_V1(cmig_audit_report);

static CmigQuery entries_of_transaction = {
	"SELECT l.id, l.clock_at, l.schema_name, l.table_name, l.operation, l.row_key,"
	" l.old_key, l.changed, l.old_row, l.new_row, l.user_id, l.tenant_id, l.role,"
	" l.revision, l.reason, l.request_id"
	" FROM cmig_audit.log l WHERE l.transaction_id = $1 ORDER BY l.seq, l.command_id, l.id",
	1, {XID8OID}
};

static CmigQuery report = {
	"SELECT pg_catalog.date_trunc('hour', l.clock_at), l.schema_name, l.table_name,"
	" l.operation, l.user_id, l.role, pg_catalog.count(*),"
	" pg_catalog.count(DISTINCT l.transaction_id)"
	" FROM cmig_audit.log l"
	" WHERE ($1 IS NULL OR l.clock_at >= $1) AND ($2 IS NULL OR l.clock_at < $2)"
	" AND ($3 IS NULL OR l.row_hash >= $3) AND ($4 IS NULL OR l.row_hash < $4)"
	" GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5 NULLS FIRST, 6",
	4, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID}
};

/*
 * Returns the transaction ID given as the first argument, which has type xid8,
 * text, or an integer type.
 */
static Datum
transaction_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Datum		value = PG_GETARG_DATUM(0);
	char	   *digits;
	int64		number;

	switch (type)
	{
		case TEXTOID:
			digits = TextDatumGetCString(value);
			if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						 errmsg("invalid transaction ID: \"%s\"", digits),
						 errhint("SELECT * FROM cmig.audit_transaction('<transaction_id>')")));
			return DirectFunctionCall1(xid8in, CStringGetDatum(digits));
		case INT2OID:
			number = DatumGetInt16(value);
			break;
		case INT4OID:
			number = DatumGetInt32(value);
			break;
		case INT8OID:
			number = DatumGetInt64(value);
			break;
		case XID8OID:
		case InvalidOid:
			return value;
		default:
			number = -1;
	}
	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transaction ID must be an xid8, text, or an integer that is not negative"),
				 errhint("SELECT * FROM cmig.audit_transaction('<transaction_id>')")));
	return FullTransactionIdGetDatum(FullTransactionIdFromU64((uint64) number));
}

Datum
cmig_audit_transaction(PG_FUNCTION_ARGS)
{
	Datum		values[1];

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	if (PG_ARGISNULL(0) && get_fn_expr_argtype(fcinfo->flinfo, 0) == TEXTOID)
		cmig_argument_require(fcinfo, 0, "the transaction ID",
							  "SELECT * FROM cmig.audit_transaction('<transaction_id>')");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	values[0] = transaction_argument(fcinfo);
	cmig_query_each(&entries_of_transaction, values, NULL, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
cmig_audit_report(PG_FUNCTION_ARGS)
{
	Datum		values[4] = {0};
	char		nulls[5] = "nnnn";

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	if (!PG_ARGISNULL(0))
	{
		CmigAuditTarget *target = cmig_audit_target_argument(fcinfo, 0);

		values[2] = Int64GetDatum((int64) target->table_id << 32);
		values[3] = Int64GetDatum(((int64) target->table_id + 1) << 32);
		nulls[2] = nulls[3] = ' ';
	}
	for (int i = 0; i < 2; i++)
	{
		if (PG_ARGISNULL(i + 1))
			continue;
		values[i] = PG_GETARG_DATUM(i + 1);
		nulls[i] = ' ';
	}
	cmig_query_each(&report, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}
