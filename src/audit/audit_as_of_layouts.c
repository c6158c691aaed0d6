/*
 * audit_as_of_layouts.c
 *	  Compares a table's former layouts, which its older log entries have,
 *	  with its current columns and key.
 *
 * These functions find out which columns cmig.audit_as_of must rename, which
 * columns it must leave out, and whether it can identify the rows at all.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_as_of_layouts.h"
#include "audit/audit_columns.h"
#include "audit/audit_key.h"
#include "audit/audit_layout.h"
#include "audit/audit_options.h"
#include "base/compat.h"
#include "base/query.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static CmigQuery entries_between = {
	"SELECT 'yes' FROM cmig_audit.log l WHERE l.row_hash >= $1 AND l.row_hash < $2"
	" AND l.row_key IS NOT NULL AND l.clock_at > $3 AND l.clock_at < $4 LIMIT 1",
	4, {INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

/*
 * Returns the time when a layout was recorded, as text.  The text is copied,
 * because timestamptz_to_str() uses the same buffer each time.
 */
static char *
time_text(const CmigAuditLayout *layout)
{
	return pstrdup(timestamptz_to_str(layout->recorded_at));
}

Jsonb *
cmig_audit_as_of_layouts_renames(CmigAuditTarget *target)
{
	StringInfoData text;
	bool		any = false;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < list_length(target->layouts); i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		Jsonb	   *renames = cmig_audit_target_renames(target, i);

		if (renames == NULL)
			continue;
		appendStringInfo(&text, "%s{\"columns\": %s, \"from\": \"%s\", \"to\": \"%s\"}",
						 any ? ", " : "",
						 JsonbToCString(NULL, &renames->root, VARSIZE(renames)),
						 i == 0 ? "-infinity" : time_text(layout),
						 i + 1 < list_length(target->layouts) ?
						 time_text(list_nth(target->layouts, i + 1)) : "infinity");
		any = true;
	}
	appendStringInfoChar(&text, ']');
	return any ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data))) : NULL;
}

/* Does the log contain row entries after the time "at" with this layout? */
static bool
has_entries(const CmigAuditTarget *target, int layout, const Datum *range, TimestampTz at)
{
	TimestampTz from = ((CmigAuditLayout *) list_nth(target->layouts, layout))->recorded_at;
	TimestampTz to = layout + 1 < list_length(target->layouts) ?
	((CmigAuditLayout *) list_nth(target->layouts, layout + 1))->recorded_at : DT_NOEND;
	Datum		values[4] = {range[0], range[1]};
	char	   *found = NULL;

	if (to <= at)
		return false;
	values[2] = TimestampTzGetDatum(layout > 0 ? Max(at, from - 1) : at);
	values[3] = TimestampTzGetDatum(to);
	cmig_query_each(&entries_between, values, NULL, cmig_query_keep_text, &found);
	return found != NULL;
}

List *
cmig_audit_as_of_layouts_young(CmigAuditTarget *target, Relation relation, const Datum *range, TimestampTz at)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *names = NIL;

	for (int i = 0; i < list_length(target->layouts); i++)
	{
		if (!has_entries(target, i, range, at))
			continue;
		for (int n = 0; n < desc->natts; n++)
		{
			char	   *name = NameStr(TupleDescAttr(desc, n)->attname);

			if (!TupleDescAttr(desc, n)->attisdropped &&
				!cmig_audit_target_had_column(target, i, name))
				names = lappend(names, pstrdup(name));
		}
	}
	return names;
}

/* Raise an error if a hidden column has become part of the key. */
static void
refuse_hidden_key(const CmigAuditTarget *target, const List *hidden)
{
	const ListCell *lc,
			   *k;

	foreach(lc, hidden)
	{
		const char *name = ((CmigAuditName *) lfirst(lc))->name;

		foreach(k, target->key_columns)
		{
			if (strcmp(lfirst(k), name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("key column \"%s\" of table \"%s\" is hidden in the log",
								name, target->name),
						 errdetail("Without this column, log entries cannot be matched to rows."),
						 errhint("Call cmig.enable_audit() with redact, hash, and exclude lists that omit the column, and use a time after that call.")));
		}
	}
}

ArrayType *
cmig_audit_as_of_layouts_hidden(const CmigAuditTarget *target, Relation relation, Oid extension_owner,
								const List *others)
{
	bool		with_excluded = target->key_columns == NIL;
	CmigAuditOptions *options = NULL;
	List	   *names = NIL;
	Datum	   *elements;
	ListCell   *lc;
	int			count = 0;

	for (int i = 0; relation->trigdesc && i < relation->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &relation->trigdesc->triggers[i];

		if (strncmp(trigger->tgname, "cmig_audit_", 11) == 0 && trigger->tgnargs == 2)
			options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	}
	if (options)
	{
		cmig_audit_columns_resolve(options, RelationGetRelid(relation), extension_owner,
								   CMIG_AUDIT_READING);
		names = list_concat(options->redact, options->hash);
		refuse_hidden_key(target, names);
		refuse_hidden_key(target, options->exclude);
		if (with_excluded)
			names = list_concat(names, options->exclude);
	}
	if (names == NIL && others == NIL)
		return NULL;
	elements = palloc(sizeof(Datum) * (list_length(names) + list_length(others)));
	foreach(lc, names)
	{
		elements[count++] = CStringGetTextDatum(((CmigAuditName *) lfirst(lc))->name);
	}
	foreach(lc, others)
	{
		elements[count++] = CStringGetTextDatum(lfirst(lc));
	}
	return construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * Returns a list of columns for messages, with their types if these are known.
 */
static char *
columns_text(List *names, List *kinds)
{
	StringInfoData text;

	if (names == NIL)
		return "the whole row";
	initStringInfo(&text);
	for (int i = 0; i < list_length(names); i++)
	{
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", quote_identifier(list_nth(names, i)));
		if (i < list_length(kinds))
			appendStringInfo(&text, " (%s)", (char *) list_nth(kinds, i));
	}
	return text.data;
}

void
cmig_audit_as_of_layouts_check_keys(CmigAuditTarget *target, const Datum *range, TimestampTz at)
{
	for (int i = 0; i < list_length(target->layouts); i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		bool		same_columns = (target->key_columns == NIL && layout->key_columns == NIL) ||
		cmig_audit_key_in_layout(target, i) != NIL;

		if ((same_columns && cmig_audit_key_same_kinds(target, i)) ||
			!has_entries(target, i, range, at))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the key of table \"%s\" has changed since the given time", target->name),
				 errdetail("At that time, rows were identified by %s. Now, they are identified by %s.",
						   columns_text(layout->key_columns, same_columns ? layout->key_kinds : NIL),
						   columns_text(target->key_columns, same_columns ? target->key_kinds : NIL)),
				 errhint("Use a time after the change, or look the rows up in cmig_audit.log.")));
	}
}
