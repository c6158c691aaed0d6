/*
 * audit_options.c
 *	  Reads and writes the audit options in the arguments of a table's
 *	  triggers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_options.h"
#include "base/compat.h"
#include "base/errors.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

static const char *const operation_names[] = {"insert", "update", "delete", "truncate"};

static const char *
level_name(CmigAuditLevel level)
{
	return level == CMIG_AUDIT_LEVEL_ROW ? "row" :
		level == CMIG_AUDIT_LEVEL_STATEMENT ? "statement" : "auto";
}

CmigAuditOptions *
cmig_audit_options_default(void)
{
	CmigAuditOptions *options = palloc0(sizeof(CmigAuditOptions));

	options->operations = CMIG_AUDIT_ALL;
	options->skip_unchanged = true;
	return options;
}

pg_noreturn static void raise_malformed(void);

static void
raise_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not parse the arguments of an audit trigger"),
			 errhint("Audit triggers must be created by cmig.enable_audit(). Call cmig.disable_audit() and then cmig.enable_audit() for the table.")));
}

static JsonbValue *
member(Jsonb *json, const char *key)
{
	return getKeyJsonValueFromContainer(&json->root, key, strlen(key), NULL);
}

/*
 * Returns a JSON number from 0 to "most", or 0 if "value" is NULL.  Raises an
 * error for any other value.
 */
static int
number_of(const JsonbValue *value, int most)
{
	Datum		number;

	if (value == NULL)
		return 0;
	if (value->type != jbvNumeric)
		raise_malformed();
	number = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_ge, number, NumericGetDatum(int64_to_numeric(0)))) ||
		!DatumGetBool(DirectFunctionCall2(numeric_le, number, NumericGetDatum(int64_to_numeric(most)))))
		raise_malformed();
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

int32
cmig_audit_options_id(const char *argument)
{
	int64		id = 0;

	for (const char *p = argument; *p; p++)
	{
		if (*p < '0' || *p > '9')
			return 0;
		id = id * 10 + (*p - '0');

		/*
		 * The id is the upper half of row_hash.  The hashes that belong to
		 * one id end where those of the next id begin, so the largest int32
		 * is not allowed as an id.
		 */
		if (id >= PG_INT32_MAX)
			return 0;
	}
	return (int32) id;
}

static bool
is_string(const JsonbValue *value, const char *text)
{
	return value && value->type == jbvString &&
		value->val.string.len == strlen(text) &&
		memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

/*
 * Convert a JSON object, which contains column numbers by name, to a list of
 * CmigAuditName.
 */
static List *
names_of(JsonbValue *value)
{
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	CmigAuditName *name = NULL;

	if (value == NULL)
		return NIL;
	if (value->type != jbvBinary)
		raise_malformed();
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			name = palloc0(sizeof(CmigAuditName));
			name->name = pnstrdup(v.val.string.val, v.val.string.len);
			names = lappend(names, name);
		}
		else if (token == WJB_VALUE && name)
			name->attnum = number_of(&v, MaxHeapAttributeNumber);
		else if (token == WJB_BEGIN_ARRAY || token == WJB_ELEM)
			raise_malformed();
	}
	return names;
}

CmigAuditOptions *
cmig_audit_options_parse(int nargs, char **args)
{
	CmigAuditOptions *options = cmig_audit_options_default();
	Jsonb	   *json;
	JsonbValue *value;

	if (nargs != 2)
		raise_malformed();
	options->table_id = cmig_audit_options_id(args[0]);
	if (options->table_id == 0)
		raise_malformed();
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(args[1])));
	if (!JB_ROOT_IS_OBJECT(json))
		raise_malformed();

	value = member(json, "anchor");
	if (value && value->type == jbvString)
		options->anchor = pnstrdup(value->val.string.val, value->val.string.len);
	options->include = names_of(member(json, "include"));
	options->only_included = options->include != NIL;
	options->exclude = names_of(member(json, "exclude"));
	options->redact = names_of(member(json, "redact"));
	options->hash = names_of(member(json, "hash"));
	options->changes_only = is_string(member(json, "image"), "changes");
	options->truncate = is_string(member(json, "oversize"), "truncate");
	options->query_length = number_of(member(json, "query_length"), PG_INT32_MAX);
	value = member(json, "skip_unchanged");
	options->skip_unchanged = !(value && value->type == jbvBool && !value->val.boolean);
	value = member(json, "replicated");
	options->replicated = value && value->type == jbvBool && value->val.boolean;
	value = member(json, "level");
	options->level = is_string(value, "row") ? CMIG_AUDIT_LEVEL_ROW :
		is_string(value, "statement") ? CMIG_AUDIT_LEVEL_STATEMENT : CMIG_AUDIT_LEVEL_AUTO;
	value = member(json, "operations");
	if (value)
	{
		options->operations = 0;
		for (int i = 0; i < lengthof(operation_names); i++)
		{
			JsonbValue	wanted;

			wanted.type = jbvString;
			wanted.val.string.val = (char *) operation_names[i];
			wanted.val.string.len = strlen(operation_names[i]);
			if (value->type == jbvBinary &&
				findJsonbValueFromContainer(value->val.binary.data, JB_FARRAY, &wanted))
				options->operations |= 1 << i;
		}
	}
	return options;
}

/*
 * Append a list of columns as {"name": number, ...} or, for display, as
 * ["name", ...].
 */
static void
append_names(StringInfo text, const char *key, const List *names, bool numbers)
{
	ListCell   *lc;
	bool		first = true;

	if (names == NIL)
		return;
	appendStringInfo(text, ", \"%s\": %c", key, numbers ? '{' : '[');
	foreach(lc, names)
	{
		CmigAuditName *name = lfirst(lc);

		if (!first)
			appendStringInfoString(text, ", ");
		escape_json(text, name->name);
		if (numbers)
			appendStringInfo(text, ": %d", name->attnum);
		first = false;
	}
	appendStringInfoChar(text, numbers ? '}' : ']');
}

char *
cmig_audit_options_text(const CmigAuditOptions *options, bool numbers)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"level\": \"%s\"", level_name(options->level));
	if (options->anchor &&
		(options->include || options->exclude || options->redact || options->hash))
		appendStringInfo(&text, ", \"anchor\": \"%s\"", options->anchor);
	append_names(&text, "include", options->include, numbers);
	append_names(&text, "exclude", options->exclude, numbers);
	append_names(&text, "redact", options->redact, numbers);
	append_names(&text, "hash", options->hash, numbers);
	if (options->changes_only)
		appendStringInfoString(&text, ", \"image\": \"changes\"");
	if (options->operations != CMIG_AUDIT_ALL)
	{
		bool		first = true;

		appendStringInfoString(&text, ", \"operations\": [");
		for (int i = 0; i < lengthof(operation_names); i++)
		{
			if ((options->operations & (1 << i)) == 0)
				continue;
			appendStringInfo(&text, "%s\"%s\"", first ? "" : ", ", operation_names[i]);
			first = false;
		}
		appendStringInfoChar(&text, ']');
	}
	if (!options->skip_unchanged)
		appendStringInfoString(&text, ", \"skip_unchanged\": false");
	if (options->query_length > 0)
		appendStringInfo(&text, ", \"query_length\": %d", options->query_length);
	if (options->replicated)
		appendStringInfoString(&text, ", \"replicated\": true");
	if (options->truncate)
		appendStringInfoString(&text, ", \"oversize\": \"truncate\"");
	appendStringInfoChar(&text, '}');
	return text.data;
}

bool
cmig_audit_options_has(const List *names, const char *column)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(((CmigAuditName *) lfirst(lc))->name, column) == 0)
			return true;
	}
	return false;
}

Oid
cmig_audit_options_root(Oid relation, Oid trigger)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);

	while (OidIsValid(trigger))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(trigger));
		scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
		{
			Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

			relation = form->tgrelid;
			trigger = form->tgparentid;
		}
		else
			trigger = InvalidOid;
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return relation;
}
