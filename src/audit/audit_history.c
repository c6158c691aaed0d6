/*
 * audit_history.c
 *	  Returns the history of a row, across changes of its key.
 *
 * cmig.audit_history() runs with the privileges of its caller, who needs SELECT
 * on cmig_audit.log and cmig_audit.layout; policies on the log apply.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_history.h"
#include "audit/audit_key.h"
#include "audit/audit_log.h"
#include "audit/audit_reader.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(cmig_audit_history);

/* A correct call, for hints. */
#define CALL "SELECT * FROM cmig.audit_history('<table>', '<key>')"

/*
 * Query for the entries of one key.  It is run for each key that a row has
 * had.
 */
static CmigQuery entries_of_key = {
	"SELECT " CMIG_ENTRY_COLUMNS ", l.seq, l.command_id FROM cmig_audit.log l"
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
compare_entries(const void *a, const void *b)
{
	const CmigAuditEntry *left = *(CmigAuditEntry *const *) a;
	const CmigAuditEntry *right = *(CmigAuditEntry *const *) b;

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

void
cmig_audit_history_collect(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **entries = arg;
	CmigAuditEntry *entry = palloc0(sizeof(CmigAuditEntry));
	bool		no_seq;
	bool		no_command;

	for (int i = 0; i < CMIG_HISTORY_COLUMNS; i++)
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
	entry->id = DatumGetInt64(entry->values[CMIG_ENTRY_ID]);
	entry->at = DatumGetTimestampTz(entry->values[CMIG_ENTRY_CLOCK_AT]);
	entry->seq = DatumGetInt64(cmig_query_datum(desc, row, CMIG_HISTORY_COLUMNS + 1, &no_seq));
	entry->command = DatumGetInt64(cmig_query_datum(desc, row, CMIG_HISTORY_COLUMNS + 2, &no_command));
	check_entry(entry, !no_seq && !no_command);
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
	cmig_query_each(&entries_of_key, values, NULL, cmig_audit_history_collect, &found);
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

List *
cmig_audit_history_read(CmigAuditTarget *target, List *keys)
{
	Walk		walk = {0};
	CmigAuditEntry **sorted;
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

	sorted = palloc(sizeof(CmigAuditEntry *) * Max(1, list_length(walk.entries)));
	foreach(lc, walk.entries)
	{
		sorted[count++] = lfirst(lc);
	}
	qsort(sorted, count, sizeof(CmigAuditEntry *), compare_entries);
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

List *
cmig_audit_history_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target, const char *call)
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
	cmig_argument_require(fcinfo, 0, "the table", CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	foreach(lc, cmig_audit_history_read(target, cmig_audit_history_key(fcinfo, 1, target, CALL)))
	{
		CmigAuditEntry *entry = lfirst(lc);

		tuplestore_putvalues(result->setResult, result->setDesc, entry->values, entry->nulls);
	}
	return (Datum) 0;
}
