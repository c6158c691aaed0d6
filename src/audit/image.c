/*
 * image.c
 *	  A row as an image, and the layouts that it had.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * Converts row images in the log (the jsonb values in old_row and
 * new_row) to rows of a table.
 *
 * The conversion calls code of the columns' types (input functions, domain
 * checks).  The table's owner has chosen the types, so this code runs as that
 * role.
 *
 * After ALTER COLUMN TYPE, a column may no longer accept a value.
 * PostgreSQL's error names neither the column nor the row.  Therefore, if
 * there is an error, each column is tried in a subtransaction afterward.
 * ----------------------------------------------------------------
 */

/* Maximum length of a value in an error message, in bytes. */
#define SHOWN_LENGTH 100

/* Prepare a call of jsonb_populate_record() for a row type. */
static void
prepare(FmgrInfo *populate, Oid row_type)
{
	List	   *arguments = list_make2(makeNullConst(row_type, -1, InvalidOid),
									   makeNullConst(JSONBOID, -1, InvalidOid));

	fmgr_info(F_JSONB_POPULATE_RECORD, populate);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, row_type, arguments,
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   populate);
}

void
cmig_audit_image_init(CmigAuditImages *images, Oid relation, Oid owner,
					  List *key_columns, TimestampTz at)
{
	images->relation = relation;
	images->role = cmig_type_role(get_rel_type_id(relation), owner);
	images->key_columns = key_columns;
	images->at = at;
	images->context = CurrentMemoryContext;
	images->image = (Datum) 0;
	prepare(&images->populate, get_rel_type_id(relation));
}

/*
 * Convert an image to a row of the same type as "base".  Runs as the given
 * role.
 */
static Datum
populate_as(Oid role, FmgrInfo *populate, NullableDatum base, Datum image)
{
	LOCAL_FCINFO(fcinfo, 2);
	CmigRole	saved;
	Datum		row;

	InitFunctionCallInfoData(*fcinfo, populate, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0] = base;
	fcinfo->args[1].value = image;
	fcinfo->args[1].isnull = false;
	cmig_role_read_as(&saved, role);
	row = FunctionCallInvoke(fcinfo);
	cmig_role_return(&saved);
	return row;
}

Datum
cmig_audit_image_row(CmigAuditImages *images, Datum image)
{
	NullableDatum base = {(Datum) 0, true};
	Datum		row;

	/*
	 * check the image, because the log's owner may have changed it in any way
	 */
	if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(image)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("an entry of the audit log was changed after pg_cmig wrote it"),
				 errdetail("It contains a row image that is not a JSON object.")));
	images->image = image;
	row = populate_as(images->role, &images->populate, base, image);
	images->image = (Datum) 0;
	return row;
}

/*
 * Finding the column
 */

/* Returns true if the error could have been caused by a value. */
static bool
is_of_value(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* A column of an image that is converted separately from the other columns. */
typedef struct ColumnTrial
{
	const CmigAuditImages *images;
	Form_pg_attribute attribute;
	Datum		image;
} ColumnTrial;

/* Convert a single column, to find out whether it is the one that fails. */
static void
populate_column(void *arg)
{
	ColumnTrial *trial = arg;
	Form_pg_attribute attribute = trial->attribute;
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	Datum		values[1] = {0};
	bool		nulls[1] = {true};
	NullableDatum base = {(Datum) 0, false};
	FmgrInfo	populate;

	TupleDescInitEntry(desc, 1, NameStr(attribute->attname), attribute->atttypid,
					   attribute->atttypmod, attribute->attndims);
	TupleDescInitEntryCollation(desc, 1, attribute->attcollation);
	base.value = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	prepare(&populate, RECORDOID);
	(void) populate_as(trial->images->role, &populate, base, trial->image);
}

/* Returns true if the column accepts its value in the image. */
static bool
column_takes(const CmigAuditImages *images, Form_pg_attribute attribute, Datum image)
{
	ColumnTrial trial = {images, attribute, image};
	ErrorData  *error = cmig_subtransaction_rehearse(populate_column, &trial);

	if (error && !is_of_value(error))
		ReThrowError(error);
	return error == NULL;
}

static JsonbValue *
member(Jsonb *image, const char *name)
{
	return getKeyJsonValueFromContainer(&image->root, name, strlen(name), NULL);
}

static char *
value_text(JsonbValue *value)
{
	Jsonb	   *json = JsonbValueToJsonb(value);

	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

/* Returns the row's key as JSON, or NULL if there is none. */
static char *
key_text(const CmigAuditImages *images, Jsonb *image)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, images->key_columns)
	{
		JsonbValue *value = member(image, lfirst(lc));

		if (value == NULL)
			return NULL;
		appendStringInfoString(&text, text.len == 0 ? "{" : ", ");
		escape_json(&text, lfirst(lc));
		appendStringInfo(&text, ": %s", value_text(value));
	}
	if (text.len == 0)
		return NULL;
	appendStringInfoChar(&text, '}');
	return text.data;
}

/*
 * Raise an error that names the row and the column whose logged value cannot
 * be converted.
 */
static void
raise_misfit(const CmigAuditImages *images, Jsonb *image, const char *column,
			 ErrorData *error)
{
	const char *table = get_rel_name(images->relation);
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(images->relation)),
												  table);
	char	   *key = key_text(images, image);
	char	   *value = value_text(member(image, column));

	if (strlen(value) > SHOWN_LENGTH)
		value = psprintf("%s...", pnstrdup(value, pg_mbcliplen(value, strlen(value), SHOWN_LENGTH)));
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("column \"%s\" of table \"%s\" does not accept a logged value: %s",
					column, table, error->message),
			 key ? errdetail("As of %s, the log contains the value %s in the row with key %s.",
							 timestamptz_to_str(images->at), value, key) :
			 errdetail("As of %s, the log contains the value %s in a row.",
					   timestamptz_to_str(images->at), value),
			 key ? errhint("To see the row as it was logged: SELECT * FROM cmig.audit_history(%s, %s)",
						   quote_literal_cstr(name), quote_literal_cstr(key)) :
			 errhint("Look the row up in cmig_audit.log, or use a time after the column's type was changed.")));
}

/*
 * Find the column that does not accept its value in the image, and raise an
 * error that names this column.  Returns if there is no such column.
 */
static void
explain(const CmigAuditImages *images, Jsonb *image, ErrorData *error)
{
	Relation	relation = table_open(images->relation, AccessShareLock);
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(relation));

	table_close(relation, AccessShareLock);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && member(image, NameStr(attribute->attname)) &&
			!column_takes(images, attribute, JsonbPGetDatum(image)))
			raise_misfit(images, image, NameStr(attribute->attname), error);
	}
}

/* A function that converts images, and the image for which it failed. */
typedef struct ImageWork
{
	CmigAuditImages *images;
	void		(*work) (void *arg);
	void	   *arg;
	Jsonb	   *failed;			/* a copy of the image that was being read */
} ImageWork;

/*
 * Run work->work().  If it fails, copy the image that was being converted,
 * because its memory may be freed with the subtransaction.
 */
static void
run_work(void *arg)
{
	ImageWork  *work = arg;
	CmigAuditImages *images = work->images;

	PG_TRY();
	{
		work->work(work->arg);
	}
	PG_CATCH();
	{
		MemoryContext old = MemoryContextSwitchTo(images->context);

		if (images->image != (Datum) 0)
			work->failed = DatumGetJsonbPCopy(images->image);
		MemoryContextSwitchTo(old);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
cmig_audit_image_explain(CmigAuditImages *images, void (*work) (void *arg), void *arg)
{
	ImageWork	run = {images, work, arg, NULL};
	ErrorData  *error = cmig_subtransaction_try(run_work, &run);

	if (error == NULL)
		return;
	if (run.failed && is_of_value(error))
		explain(images, run.failed, error);
	ReThrowError(error);
}

/* ----------------------------------------------------------------
 * Compares a table's former layouts, which its older log entries have,
 * with its current columns and key.
 *
 * The parameter "range" contains two Datums, the range of the values of
 * row_hash in the table's entries: the lowest value, and the first value beyond
 * the range.
 *
 * These functions find out which columns cmig.audit_as_of must leave out, and
 * whether it can identify the rows at all.
 * ----------------------------------------------------------------
 */

static CmigQuery entries_between = {
	"SELECT 'yes' FROM cmig_audit.log l WHERE l.row_hash >= $1 AND l.row_hash < $2"
	" AND l.row_key IS NOT NULL AND l.clock_at > $3 AND l.clock_at < $4 LIMIT 1",
	4, {INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

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
