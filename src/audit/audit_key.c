/*
 * audit_key.c
 *	  Reads the key of the row about which the audit log is queried.
 *
 * A key can be given as a value, as an object, or as text.  It is converted to
 * each form in which the log can contain it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_key.h"
#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_row.h"
#include "audit/audit_types.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"
#include "base/type_role.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

/* Returns the JSON object {"column": value}. */
static Jsonb *
object_of(const char *column, Jsonb *value)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	escape_json(&text, column);
	appendStringInfo(&text, ": %s}", JsonbToCString(NULL, &value->root, VARSIZE(value)));
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

/* Returns the result of to_jsonb() for a value of the given type. */
static Jsonb *
to_jsonb_of(Oid type, Datum value)
{
	FmgrInfo	function;
	Node	   *argument = (Node *) makeNullConst(type, -1, InvalidOid);

	fmgr_info(F_TO_JSONB, &function);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &function);
	return DatumGetJsonbP(FunctionCall1(&function, value));
}

static CmigQuery sample_key = {
	"SELECT l.row_key::text FROM cmig_audit.log l"
	" WHERE l.row_hash >= $1 AND l.row_hash < $2 AND l.row_key IS NOT NULL LIMIT 1",
	2, {INT8OID, INT8OID}
};

/* Returns true if a dropped table's only key column contains numbers. */
static bool
gone_key_is_number(CmigAuditTarget *target)
{
	Datum		values[2] = {Int64GetDatum((int64) target->table_id << 32),
	Int64GetDatum(((int64) target->table_id + 1) << 32)};
	char	   *text = NULL;
	Jsonb	   *key;
	JsonbValue *value;

	cmig_query_each(&sample_key, values, NULL, cmig_query_keep_text, &text);
	if (text == NULL)
		return false;
	key = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	if (!JB_ROOT_IS_OBJECT(key))
		return false;
	value = getKeyJsonValueFromContainer(&key->root, linitial(target->key_columns),
										 strlen(linitial(target->key_columns)), NULL);
	return value && value->type == jbvNumeric;
}

/*
 * Convert a key value that is given as text, using the column's type.  The
 * type's code (domain checks, a cast to json) does not run as the caller.
 */
static Jsonb *
value_of_text(CmigAuditTarget *target, const char *column, char *text)
{
	Oid			type = TEXTOID;
	int32		typmod = -1;
	Oid			input;
	Oid			parameter;
	CmigRole	saved;
	Jsonb	   *value;
	int			guc_level;

	if (!OidIsValid(target->relation))
	{
		if (gone_key_is_number(target))
			type = NUMERICOID;
		getTypeInputInfo(type, &input, &parameter);
		return to_jsonb_of(type, OidInputFunctionCall(input, text, parameter, -1));
	}

	get_atttypetypmodcoll(target->relation,
						  get_attnum(target->relation, column),
						  &type, &typmod, &parameter);
	getTypeInputInfo(type, &input, &parameter);
	guc_level = NewGUCNestLevel();
	cmig_role_read_as(&saved, cmig_type_role(type, cmig_audit_log_table_owner(target->relation)));

	/*
	 * Apply the type modifier only to char(n), because a key contains the
	 * trailing blanks of a char(n) value.
	 */
	value = to_jsonb_of(type, OidInputFunctionCall(input, text, parameter,
												   type == BPCHAROID ? typmod : -1));
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
	return value;
}

/* Raise an error that shows how to write the key. */
static void
raise_key(CmigAuditTarget *target, const char *problem)
{
	StringInfoData columns;
	ListCell   *lc;

	initStringInfo(&columns);
	appendStringInfoChar(&columns, '{');
	foreach(lc, target->key_columns)
	{
		if (columns.len > 1)
			appendStringInfoString(&columns, ", ");
		escape_json(&columns, lfirst(lc));
		appendStringInfoString(&columns, ": ...");
	}
	appendStringInfoChar(&columns, '}');
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", problem),
			 target->key_columns ?
			 errhint("The key of table \"%s\" is %s.", target->name, columns.data) :
			 errhint("Table \"%s\" has no key. Use the whole row as jsonb.", target->name)));
}

/*
 * Convert the strings in the object, using the types of the key columns: for
 * example, a number given as a string, or a time in another time zone.
 */
static Jsonb *
with_types(CmigAuditTarget *target, Jsonb *object)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	foreach(lc, target->key_columns)
	{
		const char *column = lfirst(lc);
		JsonbValue *value = getKeyJsonValueFromContainer(&object->root, column,
														 strlen(column), NULL);
		Jsonb	   *member = value->type == jbvString &&
		get_atttype(target->relation, get_attnum(target->relation, column)) != JSONBOID ?
		value_of_text(target, column,
					  pnstrdup(value->val.string.val, value->val.string.len)) :
		JsonbValueToJsonb(value);

		if (text.len > 1)
			appendStringInfoString(&text, ", ");
		escape_json(&text, column);
		appendStringInfo(&text, ": %s", JsonbToCString(NULL, &member->root, VARSIZE(member)));
	}
	appendStringInfoChar(&text, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

/*
 * Returns the names that the key columns had in a layout, or NIL if the table
 * had a different key.  Sets *kinds to the kinds of the columns' values, or to
 * NIL if these are unknown.
 */
static List *
key_then(CmigAuditTarget *target, int layout, List **kinds)
{
	CmigAuditLayout *then = list_nth(target->layouts, layout);
	bool		known = list_length(then->key_kinds) == list_length(then->key_columns);
	List	   *names = NIL;
	ListCell   *lc;

	*kinds = NIL;
	if (list_length(then->key_columns) != list_length(target->key_columns))
		return NIL;
	foreach(lc, target->key_columns)
	{
		int			found = -1;

		for (int i = 0; i < list_length(then->key_columns); i++)
		{
			char	   *now = cmig_audit_target_name_now(target, layout, list_nth(then->key_columns, i));

			if (now && strcmp(now, lfirst(lc)) == 0)
				found = i;
		}
		if (found < 0)
			return NIL;
		names = lappend(names, list_nth(then->key_columns, found));
		if (known)
			*kinds = lappend(*kinds, list_nth(then->key_kinds, found));
	}
	return names;
}

List *
cmig_audit_key_in_layout(CmigAuditTarget *target, int layout)
{
	List	   *kinds;

	return key_then(target, layout, &kinds);
}

bool
cmig_audit_key_same_kinds(CmigAuditTarget *target, int layout)
{
	List	   *kinds;
	ListCell   *a,
			   *b;

	(void) key_then(target, layout, &kinds);
	if (kinds == NIL || list_length(kinds) != list_length(target->key_kinds))
		return true;
	forboth(a, kinds, b, target->key_kinds)
	{
		if (strcmp(lfirst(a), lfirst(b)) != 0)
			return false;
	}
	return true;
}

/*
 * Returns true if the string is a number in the form in which PostgreSQL
 * prints it.
 */
static bool
is_number(const char *text)
{
	const char *digits = text + (*text == '-');
	const char *end = digits + strspn(digits, "0123456789");

	if (end == digits || (*digits == '0' && end - digits > 1))
		return false;
	if (*end == '.' && end[1] != '\0')
		end += 1 + strspn(end + 1, "0123456789");
	return *end == '\0';
}

/*
 * Convert a key value to another kind if its text does not change, as for 5
 * and "5", or true and "true".  Returns any other value unchanged.
 */
static JsonbValue *
value_of_kind(JsonbValue *value, const char *kind)
{
	JsonbValue *other = palloc(sizeof(JsonbValue));
	char	   *text;

	*other = *value;
	if (strcmp(kind, "string") == 0 && (value->type == jbvNumeric || value->type == jbvBool))
	{
		text = value->type == jbvBool ? (value->val.boolean ? "true" : "false") :
			DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		other->type = jbvString;
		other->val.string.val = text;
		other->val.string.len = strlen(text);
		return other;
	}
	if (value->type != jbvString)
		return other;
	text = pnstrdup(value->val.string.val, value->val.string.len);
	if (strcmp(kind, "number") == 0 && is_number(text))
	{
		other->type = jbvNumeric;
		other->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
																 ObjectIdGetDatum(InvalidOid),
																 Int32GetDatum(-1)));
	}
	else if (strcmp(kind, "boolean") == 0 && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
	{
		other->type = jbvBool;
		other->val.boolean = strcmp(text, "true") == 0;
	}
	return other;
}

/*
 * Returns the key as it was logged with a layout: with the column names in
 * that layout and, if "kinds" is not NIL, with values of these kinds.
 */
static Jsonb *
key_as_logged(CmigAuditTarget *target, Jsonb *object, List *names, List *kinds)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < list_length(names); i++)
	{
		char	   *now = list_nth(target->key_columns, i);
		JsonbValue *value = getKeyJsonValueFromContainer(&object->root, now, strlen(now), NULL);
		JsonbValue	key;

		key.type = jbvString;
		key.val.string.val = list_nth(names, i);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, kinds ? value_of_kind(value, list_nth(kinds, i)) : value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Add a form of the key, unless it is already in the list. */
static List *
add_variant(List *variants, Jsonb *variant)
{
	ListCell   *lc;

	foreach(lc, variants)
	{
		if (compareJsonbContainers(&((Jsonb *) lfirst(lc))->root, &variant->root) == 0)
			return variants;
	}
	return lappend(variants, variant);
}

/*
 * Returns all forms of the key that log entries may contain.  There can be
 * several, because the key columns may have had other names and types.
 */
static List *
variants_of(CmigAuditTarget *target, Jsonb *object)
{
	List	   *variants = list_make1(object);

	for (int i = 0; i < list_length(target->layouts); i++)
	{
		List	   *kinds;
		List	   *names = key_then(target, i, &kinds);

		if (names == NIL)
			continue;
		variants = add_variant(variants, key_as_logged(target, object, names, NIL));
		if (kinds)
			variants = add_variant(variants, key_as_logged(target, object, names, kinds));
	}
	return variants;
}

List *
cmig_audit_key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	char	   *written = NULL;
	Jsonb	   *key;
	bool		is_object;
	ListCell   *lc;
	int			guc_level;

	if (PG_ARGISNULL(n))
		return NIL;
	guc_level = cmig_audit_row_pin_reader();
	if (type == UNKNOWNOID)
		written = pstrdup(DatumGetCString(PG_GETARG_DATUM(n)));
	else if (type == TEXTOID || type == VARCHAROID)
		written = text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (written == NULL)
	{
		bool		held = cmig_audit_types_hold(list_make1_oid(type));

		key = to_jsonb_of(type, PG_GETARG_DATUM(n));
		cmig_audit_types_release(held);
	}
	else
	{
		char	   *p = written;

		while (*p == ' ')
			p++;
		if (*p == '{')
			key = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(p)));
		else
		{
			if (list_length(target->key_columns) != 1)
				raise_key(target, "the key must be a JSON object");
			key = value_of_text(target, linitial(target->key_columns), written);
		}
	}
	is_object = JB_ROOT_IS_OBJECT(key);
	if (!is_object)
	{
		if (list_length(target->key_columns) != 1 || !JB_ROOT_IS_SCALAR(key))
			raise_key(target, "the key must be a JSON object");
		key = object_of(linitial(target->key_columns), key);
	}
	if (target->key_columns && JB_ROOT_COUNT(key) != list_length(target->key_columns))
		raise_key(target, "the given key does not have the same columns as the table's key");
	foreach(lc, target->key_columns)
	{
		if (getKeyJsonValueFromContainer(&key->root, lfirst(lc), strlen(lfirst(lc)), NULL) == NULL)
			raise_key(target, "the given key does not have the same columns as the table's key");
	}
	/* convert an object's values; a single value has already been converted */
	if (is_object && target->key_columns && OidIsValid(target->relation))
		key = with_types(target, key);
	AtEOXact_GUC(false, guc_level);
	return variants_of(target, key);
}
