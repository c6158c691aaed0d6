/*
 * audit_diff.c
 *	  Returns the differences between a row's states at two times.
 *
 * cmig.audit_diff() runs with the privileges of its caller, who needs SELECT on
 * cmig_audit.log and cmig_audit.layout; policies on the log apply.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_history.h"
#include "audit/audit_layout.h"
#include "audit/audit_reader.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(cmig_audit_diff);

/* A correct call, for hints. */
#define CALL "SELECT * FROM cmig.audit_diff('<table>', '<key>', now() - interval '1 day')"

static CmigQuery truncates = {
	"SELECT " CMIG_ENTRY_COLUMNS ", l.seq, l.command_id FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE'",
	1, {INT8OID}
};

/* Returns an image of the entry with the columns' current names. */
static Jsonb *
renamed(CmigAuditTarget *target, const CmigAuditEntry *entry, int column)
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

static bool
is_operation(const CmigAuditEntry *entry, const char *operation)
{
	text	   *t = DatumGetTextPP(entry->values[CMIG_ENTRY_OPERATION]);

	return VARSIZE_ANY_EXHDR(t) == strlen(operation) &&
		memcmp(VARDATA_ANY(t), operation, strlen(operation)) == 0;
}

/*
 * Returns true if the entry's image is the whole row, rather than only the
 * changed columns.
 */
static bool
is_whole(const CmigAuditEntry *entry, int column)
{
	return !entry->nulls[CMIG_ENTRY_OLD_KEY] || !is_operation(entry, "UPDATE") ||
		DatumGetBool(DirectFunctionCall2(jsonb_contains, entry->values[column],
										 entry->values[CMIG_ENTRY_ROW_KEY]));
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
			else if (is_whole(entry, CMIG_ENTRY_NEW_ROW))
			{
				state = renamed(target, entry, CMIG_ENTRY_NEW_ROW);
				whole = true;
			}
			else
				state = joined(state, renamed(target, entry, CMIG_ENTRY_NEW_ROW));
		}
		else
		{
			if (whole || (any_before ? !alive : is_operation(entry, "INSERT")) ||
				entry->nulls[CMIG_ENTRY_OLD_ROW])
				break;
			alive = any_before = true;

			/*
			 * add the entry's old values; values of the entries read before
			 * take precedence over them
			 */
			later = joined(renamed(target, entry, CMIG_ENTRY_OLD_ROW), later);
			if (is_whole(entry, CMIG_ENTRY_OLD_ROW))
				break;
		}
	}
	return alive ? joined(state, later) : NULL;
}

static TimestampTz
time_argument(FunctionCallInfo fcinfo, int n)
{
	cmig_argument_require(fcinfo, n, "the times", CALL);
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
	List	   *found = NIL;
	List	   *merged = NIL;
	ListCell   *lc;
	int			next = 0;

	cmig_query_each(&truncates, values, NULL, cmig_audit_history_collect, &found);
	foreach(lc, history)
	{
		CmigAuditEntry *entry = lfirst(lc);

		while (next < list_length(found) &&
			   ((CmigAuditEntry *) list_nth(found, next))->seq < entry->seq)
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
	cmig_argument_require(fcinfo, 0, "the table", CALL);
	target = cmig_audit_target_argument(fcinfo, 0);
	history = add_truncates(target, cmig_audit_history_read(target, cmig_audit_history_key(fcinfo, 1, target, CALL)));
	old = state_at(target, history, time_argument(fcinfo, 2));
	new = state_at(target, history, time_argument(fcinfo, 3));
	put_differences(result, old, old, new, false);
	put_differences(result, new, old, new, true);
	return (Datum) 0;
}
