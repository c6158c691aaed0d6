/*
 * row_key.c
 *	  The table and the key that a caller names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "audit/internal.h"

/*
 * Protects against casts of user-defined types when values are converted to
 * jsonb.
 *
 * For a user-defined type, to_jsonb() calls a cast to json, which it looks up
 * for each value.  The type's owner can create such a cast at any moment,
 * without a lock on tables that use the type, so a single check is not
 * sufficient.
 */

/* The types in $1 and all of their components. */
#define USED_TYPES \
	"WITH RECURSIVE used(type) AS (SELECT unnest($1::oid[]) UNION" \
	"  SELECT i.type FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type, LATERAL (" \
	"   VALUES (t.typelem), (t.typbasetype)" \
	"   UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a" \
	"    WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) i(type) WHERE i.type <> 0)"

/*
 * The composite types among USED_TYPES, and the types for which another role
 * can create a cast.  to_jsonb() does not look for casts of domains and
 * arrays.
 */
static CmigQuery changeable = {
	USED_TYPES
	" SELECT nullif(t.typrelid, 0), nullif(r.oid, 0) FROM used u"
	" JOIN pg_catalog.pg_type t ON t.oid = u.type"
	" LEFT JOIN pg_catalog.pg_roles r ON r.oid = t.typowner AND t.typtype IN ('e', 'r', 'm')"
	"  AND NOT r.rolsuper AND r.rolname <> current_user"
	" WHERE t.typrelid <> 0 OR r.oid IS NOT NULL ORDER BY 1",
	{TEXTOID}
};

/*
 * A function that belongs to another role and casts one of the types to json.
 */
static CmigQuery foreign_casts = {
	USED_TYPES
	" SELECT p.oid::regprocedure::text FROM pg_catalog.pg_cast c"
	" JOIN used u ON u.type = c.castsource"
	" JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc"
	" JOIN pg_catalog.pg_roles r ON r.oid = p.proowner"
	" WHERE c.casttarget = 'json'::regtype AND NOT r.rolsuper AND r.rolname <> current_user"
	" ORDER BY 1 LIMIT 1",
	{TEXTOID}
};

/*
 * Raises an error if one of the types or their components has a cast to json
 * whose function belongs to another role that is not a superuser.  Otherwise,
 * prevents other sessions from creating such a cast until the types are
 * released.  Returns true if this required a lock; pass the result to
 * cmig_audit_types_release().
 */
bool
cmig_audit_types_hold(List *types)
{
	StringInfoData oids;
	List	   *locked = NIL;
	bool		castable;
	bool		more;
	char	   *function;

	initStringInfo(&oids);
	foreach_oid(type, types)
	{
		/* skip built-in types, for which only superusers can create casts */
		if (type >= FirstNormalObjectId)
			appendStringInfo(&oids, "%s%u", oids.len == 0 ? "{" : ",", type);
	}
	if (oids.len == 0)
		return false;
	appendStringInfoChar(&oids, '}');

	/*
	 * Lock composite types, so that ALTER TYPE cannot add an attribute whose
	 * type has a cast to json.  The types may have changed before they were
	 * locked, so look again until no more types are found.
	 */
	do
	{
		more = castable = false;
		foreach_ptr(CmigValue, values, cmig_query_list(&changeable, oids.data))
		{
			char	  **row = values;	/* composite type, owner */
			Oid			composite = row[0] ? atooid(row[0]) : InvalidOid;

			castable |= row[1] != NULL;
			if (!OidIsValid(composite) || list_member_oid(locked, composite))
				continue;
			LockRelationOid(composite, AccessShareLock);
			locked = lappend_oid(locked, composite);
			more = true;
		}
	} while (more);

	/*
	 * CREATE CAST waits for the lock on pg_cast.  On a standby, this lock
	 * cannot be taken, and a cast that is created on the primary cannot be
	 * prevented.
	 */
	castable = castable && !RecoveryInProgress();
	if (castable)
		LockRelationOid(CastRelationId, ShareLock);
	function = cmig_query_value(&foreign_casts, oids.data);
	if (function)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a cast to json calls function %s, which belongs to another role",
						function),
				 errdetail("Reading the rows would run the function with your privileges."),
				 errhint("Run the query as the role that owns the function.")));
	return castable;
}

void
cmig_audit_types_release(bool held)
{
	if (held)
		UnlockRelationOid(CastRelationId, ShareLock);
}

/*
 * Finds the table about which the audit log is queried, and the present
 * names of its columns.
 *
 * A table is given as regclass or, so that dropped tables can be named, as
 * text.
 */

/*
 * Fill in the target for an existing table.  The id is that of the table's
 * audit triggers, among which the table's own triggers take precedence over a
 * trigger that was cloned from a partitioned table.
 */
static void
fill_live(CmigAuditTarget *target, Oid oid)
{
	Relation	relation = cmig_query_open(oid, AccessShareLock);
	TriggerDesc *desc = CopyTriggerDesc(relation->trigdesc);

	target->relation = oid;
	target->key_columns = cmig_audit_layout_key(relation, &target->key_kinds);
	for (int i = 0; desc && i < desc->numtriggers; i++)
	{
		if (desc->triggers[i].tgnargs == 2 &&
			cmig_audit_layout_trigger(&desc->triggers[i]) == CMIG_AUDIT_TRIGGER &&
			(target->table_id == 0 || !desc->triggers[i].tgisclone))
			target->table_id = cmig_audit_options_id(desc->triggers[i].tgargs[0]);
	}
	if (target->table_id == 0)
		target->table_id =
			cmig_audit_layout_find(oid, get_namespace_name(RelationGetNamespace(relation)),
								   RelationGetRelationName(relation));
	table_close(relation, AccessShareLock);
}

/* Raise an error unless the table is in the log, and read its layouts. */
static void
require_found(CmigAuditTarget *target)
{
	if (target->table_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not in the audit log", target->name),
				 errhint("To list the tables that are or were audited: SELECT DISTINCT schema_name, table_name FROM cmig_audit.layout")));
	target->layouts = cmig_audit_layout_read(target->table_id);
	if (OidIsValid(target->relation))
		target->now = cmig_audit_layout_now(target->relation);
	if (!OidIsValid(target->relation) && target->layouts)
	{
		target->key_columns = ((CmigAuditLayout *) llast(target->layouts))->key_columns;
		target->key_kinds = ((CmigAuditLayout *) llast(target->layouts))->key_kinds;
	}
}

/* Returns the target for an existing table. */
CmigAuditTarget *
cmig_audit_target_of(Oid relation)
{
	CmigAuditTarget *target = palloc0(sizeof(CmigAuditTarget));

	target->name = get_rel_name(relation);
	if (target->name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	fill_live(target, relation);
	require_found(target);
	return target;
}

/*
 * Returns the table in argument n, which is of type regclass or text and must
 * not be null.
 */
CmigAuditTarget *
cmig_audit_target_argument(FunctionCallInfo fcinfo)
{
	CmigAuditTarget *target;
	List	   *names;
	RangeVar   *name;
	Oid			oid;

	if (get_fn_expr_argtype(fcinfo->flinfo, 0) == REGCLASSOID)
		return cmig_audit_target_of(PG_GETARG_OID(0));

	target = palloc0(sizeof(CmigAuditTarget));
	target->name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	names = textToQualifiedNameList(PG_GETARG_TEXT_PP(0));
	name = makeRangeVarFromNameList(names);
	oid = RangeVarGetRelid(name, NoLock, true);
	if (OidIsValid(oid) && get_rel_relkind(oid) != RELKIND_RELATION &&
		get_rel_relkind(oid) != RELKIND_PARTITIONED_TABLE)
		oid = InvalidOid;
	if (OidIsValid(oid))
		fill_live(target, oid);
	if (target->table_id == 0)
	{
		/*
		 * the audited table was dropped, and an unaudited table may have its
		 * name now, so search the layouts for the name
		 */
		target->relation = InvalidOid;
		target->table_id = cmig_audit_layout_find(InvalidOid, name->schemaname, name->relname);
	}
	require_found(target);
	return target;
}

/*
 * Former names of columns
 */

/*
 * Returns the current name of a column in a layout, or NULL if the column was
 * dropped.  The layout's column "name" is found in the table by its number
 * or, if the table has been restored from a dump since, by its name.  "first"
 * is an index into target->layouts.
 */
static char *
name_now(CmigAuditTarget *target, int first, char *name)
{
	for (int i = first; i < list_length(target->layouts) && name; i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		CmigAuditLayout *next = i + 1 < list_length(target->layouts) ?
		list_nth(target->layouts, i + 1) :
		target->now;
		int			place;

		/* the OID alone is not sufficient; see cmig_audit_layout_record() */
		if (next && layout->relation == next->relation &&
			(layout->database == NULL || next->database == NULL ||
			 strcmp(layout->database, next->database) == 0))
		{
			place = cmig_audit_layout_place_later(layout, next, name);
			name = place < 0 ? NULL : list_nth(next->names, place);
		}
		else if (next && next != target->now && cmig_audit_layout_place_of_name(next, name) < 0)
			name = NULL;
	}
	return name;
}

/*
 * Returns the current names of a layout's columns, with NULL for dropped
 * columns.
 */
List *
cmig_audit_target_names(CmigAuditTarget *target, int layout)
{
	List	   *names = NIL;

	foreach_ptr(char, name, ((CmigAuditLayout *) list_nth(target->layouts, layout))->names)
		names = lappend(names, name_now(target, layout, name));
	return names;
}

/*
 * Returns an image or key that was logged at the time "at", with the columns'
 * current names and without dropped columns.
 */
Jsonb *
cmig_audit_target_image(CmigAuditTarget *target, Jsonb *image, TimestampTz at)
{
	int			last = list_length(target->layouts) - 1;
	int			layout = last;
	List	   *now;
	CmigJsonbStateCompat state = {0};
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	bool		keep = false;

	if (layout < 0)
		return image;
	if (target->renames == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(target));

		target->renames = palloc(sizeof(List *) * (last + 1));
		for (int i = 0; i <= last; i++)
		{
			target->renames[i] = cmig_audit_target_names(target, i);
			if (cmig_audit_same_texts(target->renames[i],
									  ((CmigAuditLayout *) list_nth(target->layouts, i))->names))
				target->renames[i] = NIL;
		}
		MemoryContextSwitchTo(old);
	}
	while (layout > 0 && ((CmigAuditLayout *) list_nth(target->layouts, layout))->recorded_at > at)
		layout--;
	now = target->renames[layout];
	if (now == NIL)
		return image;

	cmig_push_jsonb_compat(&state, WJB_BEGIN_OBJECT, NULL);
	it = JsonbIteratorInit(&image->root);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *name = pnstrdup(v.val.string.val, v.val.string.len);
			int			place = cmig_audit_layout_place_of_name(list_nth(target->layouts, layout),
																name);

			if (place >= 0)
				name = list_nth(now, place);
			keep = name != NULL;
			if (keep)
			{
				v.val.string.val = name;
				v.val.string.len = strlen(name);
				cmig_push_jsonb_compat(&state, WJB_KEY, &v);
			}
		}
		else if (token == WJB_VALUE && keep)
			cmig_push_jsonb_compat(&state, WJB_VALUE, &v);
	}
	return JsonbValueToJsonb(cmig_push_jsonb_compat(&state, WJB_END_OBJECT, NULL));
}

/*
 * Reads the key of the row about which the audit log is queried.
 *
 * A key is a JSON object with a member for each key column, or the value of a
 * single key column.  It can be given as a value, as an object, or as text.  It
 * is converted to each form in which the log can contain it.
 */

/* Add a member to the object that is being built. */
void
cmig_audit_put_member(CmigJsonbStateCompat *state, char *name, JsonbValue *value)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = name;
	key.val.string.len = strlen(name);
	if (state->parseState == NULL)
		cmig_push_jsonb_compat(state, WJB_BEGIN_OBJECT, NULL);
	cmig_push_jsonb_compat(state, WJB_KEY, &key);
	cmig_push_jsonb_compat(state, WJB_VALUE, value);
}

/* Convert a document to a value of an object. */
static void
take_value(Jsonb *json, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(json))
		JsonbExtractScalar(&json->root, value);
	else
		JsonbToJsonbValue(json, value);
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

/*
 * Convert a key value that is given as text, using the column's type.  The
 * type's code (domain checks, a cast to json) does not run as the caller.
 */
static Jsonb *
value_of_text(CmigAuditTarget *target, const char *column, char *text)
{
	Oid			type;
	int32		typmod;
	Oid			input;
	Oid			parameter;
	CmigRole	saved;
	Jsonb	   *value;

	/* the kinds of a dropped table's key determine the forms of the key */
	if (!OidIsValid(target->relation))
		return to_jsonb_of(TEXTOID, CStringGetTextDatum(text));
	get_atttypetypmodcoll(target->relation,
						  get_attnum(target->relation, column),
						  &type, &typmod, &parameter);
	getTypeInputInfo(type, &input, &parameter);
	cmig_role_read_as(&saved,
					  cmig_audit_row_role(type, cmig_audit_log_table_owner(target->relation)));

	/*
	 * Apply the type modifier only to char(n), because a key contains the
	 * trailing blanks of a char(n) value.
	 */
	value = to_jsonb_of(type, OidInputFunctionCall(input, text, parameter,
												   type == BPCHAROID ? typmod : -1));
	cmig_role_return(&saved);
	return value;
}

/* Raise an error that shows how to write the key. */
static void
raise_key(CmigAuditTarget *target, const char *problem)
{
	StringInfoData columns;

	initStringInfo(&columns);
	appendStringInfoChar(&columns, '{');
	foreach_ptr(char, column, target->key_columns)
	{
		if (columns.len > 1)
			appendStringInfoString(&columns, ", ");
		escape_json(&columns, column);
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
	CmigJsonbStateCompat state = {0};

	foreach_ptr(char, column, target->key_columns)
	{
		JsonbValue *value = getKeyJsonValueFromContainer(&object->root, column,
														 strlen(column), NULL);

		if (value->type == jbvString &&
			get_atttype(target->relation, get_attnum(target->relation, column)) != JSONBOID)
			take_value(value_of_text(target, column,
									 pnstrdup(value->val.string.val, value->val.string.len)),
					   value);
		cmig_audit_put_member(&state, column, value);
	}
	return JsonbValueToJsonb(cmig_push_jsonb_compat(&state, WJB_END_OBJECT, NULL));
}

/*
 * Returns the names that the key columns had in a layout, in the order of
 * target->key_columns, or NIL if the table had no key or a different key.  Sets
 * *kinds to the kinds of the columns' values, or to NIL if these are unknown.
 */
List *
cmig_audit_key_then(CmigAuditTarget *target, int layout, List **kinds)
{
	CmigAuditLayout *then = list_nth(target->layouts, layout);
	bool		known = list_length(then->key_kinds) == list_length(then->key_columns);
	List	   *names = NIL;

	*kinds = NIL;
	if (list_length(then->key_columns) != list_length(target->key_columns))
		return NIL;
	foreach_ptr(char, column, target->key_columns)
	{
		int			found = list_length(then->key_columns) - 1;

		for (; found >= 0; found--)
		{
			char	   *now = name_now(target, layout, list_nth(then->key_columns, found));

			if (now && strcmp(now, column) == 0)
				break;
		}
		if (found < 0)
			return NIL;
		names = lappend(names, list_nth(then->key_columns, found));
		if (known)
			*kinds = lappend(*kinds, list_nth(then->key_kinds, found));
	}
	return names;
}

/*
 * The key $1 as it was logged with the column names $3 in place of $2 and, if
 * $4 is not null, with values of these kinds.  A value is converted if its text
 * does not change, as for 5 and "5", or true and "true".
 */
static CmigQuery key_form = {
	"SELECT jsonb_object_agg(k.name, CASE"
	" WHEN k.kind = 'string' AND jsonb_typeof(k.value) IN ('number', 'boolean')"
	" THEN to_jsonb(k.text)"
	" WHEN k.kind = 'number' AND jsonb_typeof(k.value) = 'string'"
	" AND k.text ~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?$' THEN to_jsonb(k.text::numeric)"
	" WHEN k.kind = 'boolean' AND jsonb_typeof(k.value) = 'string' AND k.text IN ('true', 'false')"
	" THEN to_jsonb(k.text::boolean)"
	" ELSE k.value END) FROM (SELECT n.name, n.kind, o.o -> n.now AS value, o.o ->> n.now AS text"
	"  FROM (SELECT $1::jsonb) o(o), unnest($2, $3, $4) n(now, name, kind)) k",
	{TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

/* Add a form of the key, unless it is already in the list. */
static List *
add_form(List *forms, CmigAuditTarget *target, List *names, List *kinds)
{
	Jsonb	   *key = linitial(forms);
	char	   *text = cmig_query_value(&key_form, JsonbToCString(NULL, &key->root, VARSIZE(key)),
										cmig_audit_names(target->key_columns),
										cmig_audit_names(names),
										kinds ? cmig_audit_names(kinds) : NULL);
	Jsonb	   *form = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

	foreach_ptr(Jsonb, each, forms)
	{
		if (compareJsonbContainers(&each->root, &form->root) == 0)
			return forms;
	}
	return lappend(forms, form);
}

/*
 * Returns the key in argument n, as a List of Jsonb * with one element for each
 * form that log entries may contain: the key columns may have had other names
 * and types.  Returns NIL if the argument is null.
 */
List *
cmig_audit_key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	char	   *written = NULL;
	CmigJsonbStateCompat state = {0};
	JsonbValue	value;
	Jsonb	   *key;
	bool		is_object;
	List	   *forms;
	int			guc_level;

	if (PG_ARGISNULL(n))
		return NIL;
	guc_level = cmig_audit_row_pin(true, true);
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
		take_value(key, &value);
		cmig_audit_put_member(&state, linitial(target->key_columns), &value);
		key = JsonbValueToJsonb(cmig_push_jsonb_compat(&state, WJB_END_OBJECT, NULL));
	}
	if (target->key_columns && JB_ROOT_COUNT(key) != list_length(target->key_columns))
		raise_key(target, "the given key does not have the same columns as the table's key");
	foreach_ptr(char, column, target->key_columns)
	{
		if (getKeyJsonValueFromContainer(&key->root, column, strlen(column), NULL) == NULL)
			raise_key(target, "the given key does not have the same columns as the table's key");
	}
	/* convert an object's values; a single value has already been converted */
	if (is_object && target->key_columns && OidIsValid(target->relation))
		key = with_types(target, key);
	AtEOXact_GUC(false, guc_level);

	forms = list_make1(key);
	for (int i = 0; i < list_length(target->layouts); i++)
	{
		List	   *kinds;
		List	   *names = cmig_audit_key_then(target, i, &kinds);

		if (names)
			forms = add_form(forms, target, names, NIL);
		if (names && kinds)
			forms = add_form(forms, target, names, kinds);
	}
	return forms;
}
