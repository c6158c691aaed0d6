/*
 * audit_read.c
 *	  Queries the audit log: a row's history, a transaction, a report.
 *
 * These functions run with the privileges of the caller, who needs SELECT on
 * cmig_audit.log and cmig_audit.layout; policies on the log apply.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_reader.h"
#include "audit/audit_target.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(cmig_audit_history);
PG_FUNCTION_INFO_V1(cmig_audit_diff);
PG_FUNCTION_INFO_V1(cmig_audit_transaction);
PG_FUNCTION_INFO_V1(cmig_audit_report);

/* Correct calls, for hints. */
#define HISTORY_CALL "SELECT * FROM cmig.audit_history('<table>', '<key>')"
#define DIFF_CALL "SELECT * FROM cmig.audit_diff('<table>', '<key>', now() - interval '1 day')"

/* The columns of audit_history(). */
#define HISTORY_COLUMNS 18
#define ENTRY_COLUMNS \
	"l.id, l.clock_at, l.transaction_id, l.operation, l.row_key, l.old_key," \
	" l.changed, l.old_row, l.new_row, l.user_id, l.tenant_id, l.role," \
	" l.session_role, l.application_name, l.client_address, l.revision," \
	" l.reason, l.request_id"

/* The indexes of the first columns in ENTRY_COLUMNS. */
enum
{
	ENTRY_ID,
	ENTRY_CLOCK_AT,
	ENTRY_TRANSACTION_ID,
	ENTRY_OPERATION,
	ENTRY_ROW_KEY,
	ENTRY_OLD_KEY,
	ENTRY_CHANGED,
	ENTRY_OLD_ROW,
	ENTRY_NEW_ROW
};

/*
 * The entries of one key.  The query is run for each key that a row has had.
 */
static CmigQuery entries_of_key = {
	"SELECT " ENTRY_COLUMNS ", l.seq, l.command_id FROM cmig_audit.log l"
	" WHERE ((l.row_hash = $1 AND l.row_key = $2) OR (l.old_hash = $1 AND l.old_key = $2))"
	" AND l.seq BETWEEN $3 AND $4",
	4, {INT8OID, JSONBOID, INT8OID, INT8OID}
};

static CmigQuery truncates = {
	"SELECT " ENTRY_COLUMNS ", l.seq, l.command_id FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE'",
	1, {INT8OID}
};

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

/* An entry of a row's history. */
typedef struct Entry
{
	int64		id;
	int64		seq;
	int64		command;
	TimestampTz at;
	Datum		values[HISTORY_COLUMNS];
	bool		nulls[HISTORY_COLUMNS];
} Entry;

/* The state while a row's entries are collected across changes of its key. */
typedef struct Walk
{
	CmigAuditTarget *target;
	List	   *entries;		/* of Entry */
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
compare_entries(const void *a, const void *b)
{
	const Entry *left = *(Entry *const *) a;
	const Entry *right = *(Entry *const *) b;

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
check_entry(const Entry *entry, bool position_known)
{
	static const int objects[] = {ENTRY_ROW_KEY, ENTRY_OLD_KEY, ENTRY_OLD_ROW, ENTRY_NEW_ROW};
	bool		sound = position_known && !entry->nulls[ENTRY_ID] &&
	!entry->nulls[ENTRY_CLOCK_AT] && !entry->nulls[ENTRY_OPERATION] &&
	(entry->nulls[ENTRY_OLD_KEY] || !entry->nulls[ENTRY_ROW_KEY]);

	for (int i = 0; i < lengthof(objects); i++)
		sound = sound && (entry->nulls[objects[i]] ||
						  JB_ROOT_IS_OBJECT(DatumGetJsonbP(entry->values[objects[i]])));
	if (!sound)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("an entry of the audit log was changed after pg_cmig wrote it"),
				 entry->nulls[ENTRY_ID] ? 0 :
				 errdetail("The entry has ID " INT64_FORMAT ".",
						   DatumGetInt64(entry->values[ENTRY_ID]))));
}

static void
collect_entry(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **entries = arg;
	Entry	   *entry = palloc0(sizeof(Entry));
	bool		no_seq;
	bool		no_command;

	for (int i = 0; i < HISTORY_COLUMNS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum		value = cmig_query_datum(desc, row, i + 1, &entry->nulls[i]);

		if (entry->nulls[i])
			continue;
		if (attribute->attlen == -1)
			entry->values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		else
			entry->values[i] = datumCopy(value, attribute->attbyval, attribute->attlen);
	}
	entry->id = DatumGetInt64(entry->values[ENTRY_ID]);
	entry->at = DatumGetTimestampTz(entry->values[ENTRY_CLOCK_AT]);
	entry->seq = DatumGetInt64(cmig_query_datum(desc, row, HISTORY_COLUMNS + 1, &no_seq));
	entry->command = DatumGetInt64(cmig_query_datum(desc, row, HISTORY_COLUMNS + 2, &no_command));
	check_entry(entry, !no_seq && !no_command);
	*entries = lappend(*entries, entry);
}

/* Returns true if this column of the entry contains the key. */
static bool
same_key(const Entry *entry, int column, Jsonb *key)
{
	Jsonb	   *other = entry->nulls[column] ? NULL : DatumGetJsonbP(entry->values[column]);

	return other && compareJsonbContainers(&other->root, &key->root) == 0;
}

/*
 * Add a key that the row had between two values of seq, unless the list of
 * keys already covers it.
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
 * Add the entries of one key.  If an entry changed the row's key, also add the
 * key that the row had before or after the change.
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
	cmig_query_each(&entries_of_key, values, NULL, collect_entry, &found);
	foreach(lc, found)
	{
		Entry	   *entry = lfirst(lc);

		if (!entry->nulls[ENTRY_OLD_KEY])
		{
			/*
			 * the entry changed the row's key; add the key that is not
			 * from->key
			 */
			if (same_key(entry, ENTRY_ROW_KEY, from->key))
				add_key(walk, DatumGetJsonbP(entry->values[ENTRY_OLD_KEY]), PG_INT64_MIN, entry->seq);
			else
				add_key(walk, DatumGetJsonbP(entry->values[ENTRY_ROW_KEY]), entry->seq, PG_INT64_MAX);
		}
	}
	walk->entries = list_concat(walk->entries, found);
}

/*
 * Returns the history of the rows that had one of the keys: each entry once,
 * in the order of the changes.
 */
static List *
read_history(CmigAuditTarget *target, List *keys)
{
	Walk		walk = {0};
	Entry	  **sorted;
	List	   *history = NIL;
	ListCell   *lc;
	int			count = 0;

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

	sorted = palloc(sizeof(Entry *) * Max(1, list_length(walk.entries)));
	foreach(lc, walk.entries)
	{
		sorted[count++] = lfirst(lc);
	}
	qsort(sorted, count, sizeof(Entry *), compare_entries);
	for (int i = 0; i < count; i++)
	{
		if (i == 0 || sorted[i]->id != sorted[i - 1]->id)
			history = lappend(history, sorted[i]);
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
 * Returns the keys to look for.  If an argument cannot be read, the error
 * context names the table.
 */
static List *
key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target, const char *call)
{
	ErrorContextCallback callback = {error_context_stack, describe_key, target};
	List	   *keys;

	error_context_stack = &callback;
	keys = cmig_audit_target_key(fcinfo, n, target);
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
	cmig_argument_require(fcinfo, 0, "the table", HISTORY_CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	foreach(lc, read_history(target, key_argument(fcinfo, 1, target, HISTORY_CALL)))
	{
		Entry	   *entry = lfirst(lc);

		tuplestore_putvalues(result->setResult, result->setDesc, entry->values, entry->nulls);
	}
	return (Datum) 0;
}

/*
 * The difference between two times
 */

/* Returns an image with the current names of its columns. */
static Jsonb *
renamed(CmigAuditTarget *target, const Entry *entry, int column)
{
	Jsonb	   *image = DatumGetJsonbP(entry->values[column]);
	int			layout = 0;
	Jsonb	   *renames;
	JsonbParseState *state = NULL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	bool		keep = false;

	for (int i = 0; i < list_length(target->layouts); i++)
	{
		if (((CmigAuditLayout *) list_nth(target->layouts, i))->recorded_at <= entry->at)
			layout = i;
	}
	renames = target->layouts ? cmig_audit_target_renames(target, layout) : NULL;
	if (renames == NULL)
		return image;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	it = JsonbIteratorInit(&image->root);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			JsonbValue *now = getKeyJsonValueFromContainer(&renames->root, v.val.string.val,
														   v.val.string.len, NULL);

			keep = now == NULL || now->type == jbvString;
			if (keep)
				pushJsonbValue(&state, WJB_KEY, now ? now : &v);
		}
		else if (token == WJB_VALUE && keep)
			pushJsonbValue(&state, WJB_VALUE, &v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * Merge two objects, either of which can be NULL.  Values in b take
 * precedence.
 */
static Jsonb *
joined(Jsonb *a, Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a ? a : b;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(a), JsonbPGetDatum(b)));
}

static bool
is_operation(const Entry *entry, const char *operation)
{
	text	   *t = DatumGetTextPP(entry->values[ENTRY_OPERATION]);

	return VARSIZE_ANY_EXHDR(t) == strlen(operation) &&
		memcmp(VARDATA_ANY(t), operation, strlen(operation)) == 0;
}

/*
 * Returns true if the image is the whole row, rather than only its changed
 * columns.
 */
static bool
is_whole(const Entry *entry, int column)
{
	return !entry->nulls[ENTRY_OLD_KEY] || !is_operation(entry, "UPDATE") ||
		DatumGetBool(DirectFunctionCall2(jsonb_contains, entry->values[column],
										 entry->values[ENTRY_ROW_KEY]));
}

/*
 * Returns the row at a time, or NULL if it did not exist.  The row is
 * determined forward from the entries before that time.  If these entries
 * contain only changed columns, the other columns are determined backward from
 * the later entries.
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
		Entry	   *entry = lfirst(lc);

		if (entry->at <= at)
		{
			any_before = true;
			alive = !entry->nulls[ENTRY_NEW_ROW];
			if (!alive)
			{
				state = NULL;
				whole = false;
			}
			else if (is_whole(entry, ENTRY_NEW_ROW))
			{
				state = renamed(target, entry, ENTRY_NEW_ROW);
				whole = true;
			}
			else
				state = joined(state, renamed(target, entry, ENTRY_NEW_ROW));
		}
		else
		{
			if (whole || (any_before ? !alive : is_operation(entry, "INSERT")) ||
				entry->nulls[ENTRY_OLD_ROW])
				break;
			alive = any_before = true;

			/*
			 * each column's value comes from the first later entry that
			 * contains the column
			 */
			later = joined(renamed(target, entry, ENTRY_OLD_ROW), later);
			if (is_whole(entry, ENTRY_OLD_ROW))
				break;
		}
	}
	return alive ? joined(state, later) : NULL;
}

static TimestampTz
time_argument(FunctionCallInfo fcinfo, int n)
{
	cmig_argument_require(fcinfo, n, "the times", DIFF_CALL);
	return PG_GETARG_TIMESTAMPTZ(n);
}

static Jsonb *
member_of(Jsonb *object, const char *name, int len)
{
	JsonbValue *value = object ? getKeyJsonValueFromContainer(&object->root, name, len, NULL) : NULL;

	return value ? JsonbValueToJsonb(value) : NULL;
}

/*
 * Return one row of audit_diff() for each column of "image" whose value in
 * "old" differs from the value in "new".  If only_new is true, columns that
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
 * Add the table's TRUNCATE entries to a history, because they also remove the
 * row.
 */
static List *
add_truncates(CmigAuditTarget *target, List *history)
{
	Datum		values[1] = {Int64GetDatum((int64) target->table_id << 32)};
	List	   *found = NIL;
	List	   *merged = NIL;
	ListCell   *lc;
	int			next = 0;

	cmig_query_each(&truncates, values, NULL, collect_entry, &found);
	foreach(lc, history)
	{
		Entry	   *entry = lfirst(lc);

		while (next < list_length(found) &&
			   ((Entry *) list_nth(found, next))->seq < entry->seq)
			merged = lappend(merged, list_nth(found, next++));
		merged = lappend(merged, entry);
	}
	while (next < list_length(found))
		merged = lappend(merged, list_nth(found, next++));
	return merged;
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
	cmig_argument_require(fcinfo, 0, "the table", DIFF_CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	history = add_truncates(target, read_history(target, key_argument(fcinfo, 1, target, DIFF_CALL)));
	old = state_at(target, history, time_argument(fcinfo, 2));
	new = state_at(target, history, time_argument(fcinfo, 3));
	put_differences(result, old, old, new, false);
	put_differences(result, new, old, new, true);
	return (Datum) 0;
}

/*
 * Transactions and counts
 */

static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	ReturnSetInfo *result = arg;

	tuplestore_puttuple(result->setResult, row);
}

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
	cmig_query_each(&entries_of_transaction, values, NULL, put_row, fcinfo->resultinfo);
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
	cmig_query_each(&report, values, nulls, put_row, fcinfo->resultinfo);
	return (Datum) 0;
}
