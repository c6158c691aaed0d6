/*
 * history.c
 *	  Reading the log: history, differences, transactions, reports.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "audit/internal.h"

/*
 * Checks that it is safe to read the audit log.
 *
 * Functions that read the log run with their caller's privileges.  Therefore,
 * the log's owner must not be able to make their queries run another role's
 * code by adding something to the log.
 */

static CmigQuery foreign_parts = {
	"SELECT f.code FROM cmig.audit_foreign f WHERE f.kind = $1 AND ($2 = 0::oid OR f.relation = $2)"
	" ORDER BY f.code LIMIT 1",
	{TEXTOID, OIDOID}
};

/* The columns of cmig_audit.layout. */
static const CmigAuditColumnType layout_columns[] = {
	{"table_id", INT4OID}, {"recorded_at", TIMESTAMPTZOID}, {"relation", OIDOID},
	{"schema_name", TEXTOID}, {"table_name", TEXTOID}, {"columns", JSONBOID},
	{"key_columns", TEXTARRAYOID}, {"key_kinds", TEXTARRAYOID}, {"owner", TEXTOID},
	{"database", TEXTOID}
};

/*
 * Raise an error unless a table of the log has its columns with their types.
 * If a column had another type, a query could call one of the owner's casts, or
 * misinterpret values.
 */
static void
require_columns(const char *table, Oid relation, const CmigAuditColumnType *columns, int count)
{
	for (int i = 0; i < count; i++)
	{
		AttrNumber	n = get_attnum(relation, columns[i].name);

		if (n <= 0 || get_atttype(relation, n) != columns[i].type)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the audit log cannot be read"),
					 errdetail("Column cmig_audit.%s.%s is missing or has another type.",
							   table, columns[i].name),
					 errhint("The owner of the log must restore the definition that cmig.enable_audit() created.")));
	}
}

/*
 * Lock a table, its partitions and children, and their indexes, so that the
 * query does not have to wait for a lock between the checks and its execution.
 * Otherwise, the owner could make it wait, and add an index or a constraint
 * meanwhile; and a query finds no rows in a partition that was attached while it
 * waited for the default partition, from which audit_retain has moved them.
 * RowExclusiveLock also keeps CREATE INDEX waiting, and is allowed on a standby.
 * While this function waits for a lock, partitions may be attached, so it looks
 * for them until it finds no more.
 */
static void
lock_tree(Oid table, LOCKMODE mode)
{
	List	   *locked = NIL;

	for (;;)
	{
		List	   *found = list_difference_oid(cmig_inheritors(table, mode), locked);

		if (found == NIL)
			return;
		foreach_oid(oid, found)
		{
			Relation	relation = relation_open(oid, NoLock);

			foreach_oid(each, relation->rd_rel->relhasindex ? RelationGetIndexList(relation) : NIL)
				LockRelationOid(each, AccessShareLock);
			relation_close(relation, NoLock);
		}
		locked = list_concat(locked, found);
	}
}

/*
 * Lock the log, and raise an error unless it exists, is trusted, has its
 * original definition, and can be read by the caller.  Every function that
 * reads the log calls this first.
 */
void
cmig_audit_reader_begin(void)
{
	static const char *const names[] = {"log", "layout"};
	Oid			extension_owner = cmig_audit_log_extension_owner();
	Oid			owner;
	Oid			schema;
	Oid			tables[2];
	Oid			caller = GetUserId();
	bool		allowed;
	bool		trusted;
	char	   *policy;
	char	   *remote;
	char	   *code;
	CmigRole	saved;

	(void) cmig_audit_log_require(extension_owner);

	/*
	 * Raise one error for all missing privileges, with a hint.  PostgreSQL's
	 * own errors would report one table at a time.
	 */
	schema = get_namespace_oid("cmig_audit", false);
	allowed = cmig_may_compat(NamespaceRelationId, schema, GetUserId(), ACL_USAGE);
	for (int i = 0; i < lengthof(tables); i++)
	{
		tables[i] = get_relname_relid(names[i], schema);
		allowed = allowed && pg_class_aclcheck(tables[i], GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	}
	if (!allowed)
	{
		const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the audit log"),
				 errhint("The owner of the log can grant the privileges: GRANT USAGE ON SCHEMA cmig_audit TO %s; GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO %s",
						 role, role)));
	}

	/*
	 * Lock the log and check it again, because the results of the checks must
	 * still hold when the log is read.
	 */
	LockRelationOid(tables[0], AccessShareLock);
	LockRelationOid(tables[1], AccessShareLock);
	owner = cmig_audit_log_require(extension_owner);
	schema = get_namespace_oid("cmig_audit", false);
	for (int i = 0; i < lengthof(tables); i++)
		tables[i] = get_relname_relid(names[i], schema);
	require_columns("log", tables[0], cmig_audit_log_columns, CMIG_LOG_COLUMNS);
	require_columns("layout", tables[1], layout_columns, lengthof(layout_columns));
	trusted = superuser_arg(owner) || GetUserId() == owner;
	lock_tree(tables[0], trusted ? AccessShareLock : RowExclusiveLock);
	if (trusted)
		return;
	lock_tree(tables[1], RowExclusiveLock);
	cmig_role_act_as_owner(&saved, cmig_audit_log_reader(extension_owner));
	for (int i = 0; i < lengthof(tables); i++)
	{
		policy = check_enable_rls(tables[i], caller, true) != RLS_ENABLED ? NULL :
			cmig_query_value(&foreign_parts, "policy", tables[i]);
		if (policy)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("policy \"%s\" on table \"cmig_audit.%s\" can run code of another role",
							policy, names[i]),
					 errdetail("The code would run with your privileges. A policy on the log must not read tables and can call only built-in functions that are not volatile."),
					 errhint("The owner of the log must change or drop the policy.")));
	}
	remote = cmig_query_value(&foreign_parts, "table", InvalidOid);
	code = cmig_query_value(&foreign_parts, "code", InvalidOid);
	cmig_role_return(&saved);
	if (remote)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log contains foreign table \"%s\"", remote),
				 errdetail("Reading it would connect to another server with your privileges."),
				 errhint("The owner of the log must detach or drop it.")));
	if (code)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log %s", code),
				 errdetail("Reading the log could run code of its owner with your privileges."),
				 errhint("The owner of the log must drop the constraint, index, or rule that uses it.")));
}

/*
 * The history of a row, across changes of its key.
 *
 * All functions that read the log run with the privileges of the caller, who
 * needs SELECT on cmig_audit.log and cmig_audit.layout; policies on the log
 * apply.
 */

PG_FUNCTION_INFO_V1(cmig_audit_history);

/* The columns that follow CMIG_ENTRY_COLUMNS in a history. */
#define CMIG_CONTEXT_COLUMNS \
	", l.user_id, l.tenant_id, l.role, l.session_role, l.application_name, l.client_address," \
	" l.revision, l.reason, l.request_id"

/*
 * The entries of one key between two values of seq or, if the key is null, the
 * TRUNCATE entries of a table.
 */
static CmigQuery entries_of_key = {
	"SELECT " CMIG_ENTRY_COLUMNS CMIG_CONTEXT_COLUMNS " FROM cmig_audit.log l"
	" WHERE ((l.row_hash = $1 AND (l.row_key = $2 OR $2 IS NULL AND l.operation = 'TRUNCATE'))"
	"  OR (l.old_hash = $1 AND l.old_key = $2)) AND l.seq BETWEEN $3 AND $4",
	{INT8OID, JSONBOID, INT8OID, INT8OID}
};

/* A key that the row had between two values of seq. */
typedef struct WalkKey
{
	Jsonb	   *key;
	int64		from;
	int64		to;
} WalkKey;

/* Compare entries by the order of their changes. */
int
cmig_audit_place_compare(const CmigAuditPlace *left, const CmigAuditPlace *right)
{
	if (left->seq != right->seq)
		return left->seq < right->seq ? -1 : 1;
	if (left->command != right->command)
		return left->command < right->command ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static int
compare_entries(const ListCell *a, const ListCell *b)
{
	return cmig_audit_place_compare(&((CmigAuditEntry *) lfirst(a))->place,
									&((CmigAuditEntry *) lfirst(b))->place);
}

/* Is this the operation of the entry? */
bool
cmig_audit_entry_is(const CmigAuditEntry *entry, const char *operation)
{
	text	   *t = DatumGetTextPP(entry->values[CMIG_ENTRY_OPERATION]);

	return VARSIZE_ANY_EXHDR(t) == strlen(operation) &&
		memcmp(VARDATA_ANY(t), operation, strlen(operation)) == 0;
}

/*
 * Is the entry's image the whole row, rather than only the changed columns?  An
 * image of only the changed columns does not contain the key.
 */
bool
cmig_audit_entry_is_whole(const CmigAuditEntry *entry, int column)
{
	return !entry->nulls[CMIG_ENTRY_OLD_KEY] || !cmig_audit_entry_is(entry, "UPDATE") ||
		DatumGetBool(DirectFunctionCall2(jsonb_contains, entry->values[column],
										 entry->values[CMIG_ENTRY_ROW_KEY]));
}

/*
 * Read an entry in the current memory context.  Raises an error if it was
 * changed after pg_cmig wrote it: the log's owner may have dropped NOT NULL and
 * inserted any values.
 */
void
cmig_audit_entry_read(CmigAuditEntry *entry, const CmigRow *row)
{
	static const int objects[] = {CMIG_ENTRY_ROW_KEY, CMIG_ENTRY_OLD_KEY, CMIG_ENTRY_OLD_ROW,
	CMIG_ENTRY_NEW_ROW};
	static const Oid types[] = {INT8OID, TIMESTAMPTZOID, XID8OID, TEXTOID, JSONBOID, JSONBOID,
	TEXTARRAYOID, JSONBOID, JSONBOID};
	bool		no_seq;
	bool		no_command;
	bool		sound;

	for (int i = 0; i < row->desc->natts; i++)
	{
		/* seq and command_id follow the columns of the result */
		int			n = i < CMIG_ENTRY_CONTEXT ? i : i - 2;
		Form_pg_attribute attribute = TupleDescAttr(row->desc, i);
		bool		isnull;
		Datum		value;

		if (i == CMIG_ENTRY_CONTEXT || i == CMIG_ENTRY_CONTEXT + 1)
			continue;
		value = cmig_query_datum(row, i + 1,
								 i < lengthof(types) ? types[i] : attribute->atttypid, &isnull);
		entry->nulls[n] = isnull;
		if (!isnull)
			entry->values[n] = attribute->attlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM(value)) :
				value;
	}
	entry->place.seq = DatumGetInt64(cmig_query_datum(row, CMIG_ENTRY_CONTEXT + 1, INT8OID,
													  &no_seq));
	entry->place.command = DatumGetInt64(cmig_query_datum(row, CMIG_ENTRY_CONTEXT + 2,
														  INT8OID, &no_command));
	sound = !no_seq && !no_command && !entry->nulls[CMIG_ENTRY_ID] &&
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
	entry->place.id = DatumGetInt64(entry->values[CMIG_ENTRY_ID]);
	entry->at = DatumGetTimestampTz(entry->values[CMIG_ENTRY_CLOCK_AT]);
}

/* Query callback that appends an entry to the List * to which "arg" points. */
static void
collect_entry(const CmigRow *row, void *arg)
{
	List	  **entries = arg;
	CmigAuditEntry *entry = palloc0(sizeof(CmigAuditEntry));

	cmig_audit_entry_read(entry, row);
	for (int i = 0; i < CMIG_HISTORY_COLUMNS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(row->desc, i < CMIG_ENTRY_CONTEXT ? i : i + 2);

		if (!entry->nulls[i])
			entry->values[i] = datumCopy(entry->values[i], attribute->attbyval, attribute->attlen);
	}
	*entries = lappend(*entries, entry);
}

/* Returns the entries of a key, or the TRUNCATE entries if "key" is NULL. */
static List *
read_entries(const CmigAuditTarget *target, const WalkKey *key)
{
	Datum		values[4];
	List	   *entries = NIL;

	values[0] = Int64GetDatum(key->key ?
							  cmig_audit_log_row_hash(target->table_id, JsonbPGetDatum(key->key)) :
							  (int64) target->table_id << 32);
	values[1] = JsonbPGetDatum(key->key);
	values[2] = Int64GetDatum(key->from);
	values[3] = Int64GetDatum(key->to);
	cmig_query_each(&entries_of_key, values, key->key ? NULL : " n  ", collect_entry, &entries);
	return entries;
}

/*
 * Add a key that the row had between two values of seq, unless the list
 * already contains the key for this whole range.
 */
static void
add_key(List **keys, Jsonb *key, int64 from, int64 to)
{
	WalkKey    *new;

	foreach_ptr(WalkKey, known, *keys)
	{
		if (known->from <= from && known->to >= to &&
			compareJsonbContainers(&known->key->root, &key->root) == 0)
			return;
	}
	new = palloc(sizeof(WalkKey));
	new->key = key;
	new->from = from;
	new->to = to;
	*keys = lappend(*keys, new);
}

/*
 * Returns the history of the rows that had one of the keys, as a List of
 * CmigAuditEntry *: each entry once, in the order of the changes.  If an entry
 * changed the row's key, the history continues with the key that the row had
 * before or after the change.  "truncates" adds the table's TRUNCATE entries.
 */
static List *
history_read(CmigAuditTarget *target, List *forms, bool truncates)
{
	WalkKey		all = {NULL, PG_INT64_MIN, PG_INT64_MAX};
	List	   *entries = truncates ? read_entries(target, &all) : NIL;
	List	   *keys = NIL;
	List	   *history = NIL;

	foreach_ptr(Jsonb, form, forms)
		add_key(&keys, form, PG_INT64_MIN, PG_INT64_MAX);
	for (int i = 0; i < list_length(keys); i++)
	{
		WalkKey    *key = list_nth(keys, i);
		List	   *found = read_entries(target, key);

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(CmigAuditEntry, entry, found)
		{
			Jsonb	   *row_key;

			/* one of the two keys of the entry is this key; add the other */
			if (entry->nulls[CMIG_ENTRY_OLD_KEY])
				continue;
			row_key = DatumGetJsonbP(entry->values[CMIG_ENTRY_ROW_KEY]);
			if (compareJsonbContainers(&row_key->root, &key->key->root) == 0)
				add_key(&keys, DatumGetJsonbP(entry->values[CMIG_ENTRY_OLD_KEY]), PG_INT64_MIN,
						entry->place.seq);
			else
				add_key(&keys, row_key, entry->place.seq, PG_INT64_MAX);
		}
		entries = list_concat(entries, found);
	}

	list_sort(entries, compare_entries);
	foreach_ptr(CmigAuditEntry, each, entries)
	{
		if (history == NIL || ((CmigAuditEntry *) llast(history))->place.id != each->place.id)
			history = lappend(history, each);
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
 * Begin a call whose first two arguments are a table and a key, and return the
 * history of the rows that had the key.  If the key cannot be read, the error
 * context names the table.  "call" is an example of a correct call, for hints.
 */
static List *
history_argument(FunctionCallInfo fcinfo, const char *call, bool truncates,
				 CmigAuditTarget **target)
{
	ErrorContextCallback callback = {error_context_stack, describe_key, NULL};
	List	   *keys;

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	cmig_argument_require(fcinfo, 0, "the table", call);
	callback.arg = *target = cmig_audit_target_argument(fcinfo);
	error_context_stack = &callback;
	keys = cmig_audit_key_argument(fcinfo, 1, *target);
	error_context_stack = callback.previous;
	if (keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key must not be null"),
				 errhint("%s", call)));
	return history_read(*target, keys, truncates);
}

Datum
cmig_audit_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigAuditTarget *target;

	foreach_ptr(CmigAuditEntry, entry,
				history_argument(fcinfo, "SELECT * FROM cmig.audit_history('<table>', '<key>')",
								 false, &target))
	{
		cmig_result_add(result, CMIG_HISTORY_COLUMNS, entry->values, entry->nulls);
	}
	return (Datum) 0;
}

/*
 * The differences between a row's states at two times
 */

PG_FUNCTION_INFO_V1(cmig_audit_diff);

/* A correct call, for hints. */
#define AUDIT_DIFF_CALL "SELECT * FROM cmig.audit_diff('<table>', '<key>', now() - interval '1 day')"

/* The columns that differ between two objects, those of the first one first. */
static CmigQuery differences = {
	"SELECT coalesce(a.key, b.key), a.value, b.value"
	" FROM jsonb_each($1) WITH ORDINALITY a(key, value, n)"
	" FULL JOIN jsonb_each($2) WITH ORDINALITY b(key, value, n) USING (key)"
	" WHERE a.value IS DISTINCT FROM b.value ORDER BY a.n, b.n",
	{JSONBOID, JSONBOID}
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

	foreach_ptr(CmigAuditEntry, entry, history)
	{
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

Datum
cmig_audit_diff(PG_FUNCTION_ARGS)
{
	CmigAuditTarget *target;
	List	   *history;
	Datum		values[2];
	char		nulls[3] = "  ";

	history = history_argument(fcinfo, AUDIT_DIFF_CALL, true, &target);
	for (int i = 0; i < lengthof(values); i++)
	{
		Jsonb	   *state;

		cmig_argument_require(fcinfo, 2 + i, "the times", AUDIT_DIFF_CALL);
		state = state_at(target, history, PG_GETARG_TIMESTAMPTZ(2 + i));
		values[i] = JsonbPGetDatum(state);
		nulls[i] = state ? ' ' : 'n';
	}
	cmig_query_each(&differences, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}

/*
 * The entries of a transaction, and a report
 */

PG_FUNCTION_INFO_V1(cmig_audit_transaction);
PG_FUNCTION_INFO_V1(cmig_audit_report);

static CmigQuery entries_of_transaction = {
	"SELECT l.id, l.clock_at, l.schema_name, l.table_name, l.operation, l.row_key,"
	" l.old_key, l.changed, l.old_row, l.new_row, l.user_id, l.tenant_id, l.role,"
	" l.revision, l.reason, l.request_id"
	" FROM cmig_audit.log l WHERE l.transaction_id = $1 ORDER BY l.seq, l.command_id, l.id",
	{XID8OID}
};

static CmigQuery report = {
	"SELECT pg_catalog.date_trunc('hour', l.clock_at), l.schema_name, l.table_name,"
	" l.operation, l.user_id, l.role, pg_catalog.count(*),"
	" pg_catalog.count(DISTINCT l.transaction_id)"
	" FROM cmig_audit.log l"
	" WHERE ($1 IS NULL OR l.clock_at >= $1) AND ($2 IS NULL OR l.clock_at < $2)"
	" AND ($3 IS NULL OR l.row_hash >= $3) AND ($4 IS NULL OR l.row_hash < $4)"
	" GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5 NULLS FIRST, 6",
	{TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID}
};

/* The argument has type xid8, text, or an integer type. */
Datum
cmig_audit_transaction(PG_FUNCTION_ARGS)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	bool		known = type == TEXTOID || type == INT2OID || type == INT4OID || type == INT8OID;
	Datum		id = PG_GETARG_DATUM(0);

	InitMaterializedSRF(fcinfo, 0);
	cmig_audit_reader_begin();
	if (type == TEXTOID)
		cmig_argument_require(fcinfo, 0, "the transaction ID",
							  "SELECT * FROM cmig.audit_transaction('<transaction_id>')");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	if (type != XID8OID && OidIsValid(type))
	{
		Oid			output;
		bool		varlena;
		char	   *digits;

		getTypeOutputInfo(type, &output, &varlena);
		digits = known ? OidOutputFunctionCall(output, id) : "";
		if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
			ereport(ERROR,
					(errcode(type == TEXTOID ? ERRCODE_INVALID_TEXT_REPRESENTATION :
							 ERRCODE_INVALID_PARAMETER_VALUE),
					 type == TEXTOID ? errmsg("invalid transaction ID: \"%s\"", digits) :
					 errmsg("a transaction ID must be an xid8, text, or an integer that is not negative"),
					 errhint("SELECT * FROM cmig.audit_transaction('<transaction_id>')")));
		id = DirectFunctionCall1(xid8in, CStringGetDatum(digits));
	}
	cmig_query_each(&entries_of_transaction, &id, NULL, cmig_query_return_row, fcinfo->resultinfo);
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
		CmigAuditTarget *target = cmig_audit_target_argument(fcinfo);

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
