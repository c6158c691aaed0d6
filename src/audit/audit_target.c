/*
 * audit_target.c
 *	  Finds the table about which the audit log is queried, and the present
 *	  names of its columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_options.h"
#include "audit/audit_target.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/role.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/*
 * Returns the id in a table's audit triggers, or 0 if there is none.  The
 * table's own triggers take precedence over a trigger that was cloned from a
 * partitioned table.
 */
static int32
id_of_triggers(Relation relation)
{
	int32		id = 0;

	Oid			function = LookupFuncName(list_make2(makeString("cmig"), makeString("audit_trigger")),
										  0, NULL, true);
	TriggerDesc *desc = relation->trigdesc;

	if (desc == NULL || !OidIsValid(function))
		return 0;
	for (int i = 0; i < desc->numtriggers; i++)
	{
		if (desc->triggers[i].tgfoid == function && desc->triggers[i].tgnargs == 2 &&
			(id == 0 || !desc->triggers[i].tgisclone))
			id = cmig_audit_options_id(desc->triggers[i].tgargs[0]);
	}
	return id;
}

/* Fill in the target for an existing table. */
static void
fill_live(CmigAuditTarget *target, Oid oid)
{
	Relation	relation = table_open(oid, AccessShareLock);

	target->relation = oid;
	target->key_columns = cmig_audit_layout_key(relation);
	target->key_kinds = cmig_audit_layout_kinds(relation, target->key_columns);
	target->table_id = id_of_triggers(relation);
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
	if (!OidIsValid(target->relation) && target->layouts)
	{
		target->key_columns = ((CmigAuditLayout *) llast(target->layouts))->key_columns;
		target->key_kinds = ((CmigAuditLayout *) llast(target->layouts))->key_kinds;
	}
}

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

CmigAuditTarget *
cmig_audit_target_argument(FunctionCallInfo fcinfo, int n)
{
	CmigAuditTarget *target;
	List	   *names;
	RangeVar   *name;
	Oid			oid;

	if (get_fn_expr_argtype(fcinfo->flinfo, n) == REGCLASSOID)
		return cmig_audit_target_of(PG_GETARG_OID(n));

	target = palloc0(sizeof(CmigAuditTarget));
	target->name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	names = textToQualifiedNameList(PG_GETARG_TEXT_PP(n));
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
 * Returns the number of a column in a layout, or 0 if the layout does not have
 * it.
 */
static int
number_in(const CmigAuditLayout *layout, const char *name, int len)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&layout->columns->root, name, len, NULL);

	return value ? DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric))) : 0;
}

/*
 * Returns the name that a layout has for a column number, or NULL if it has
 * none.
 */
static char *
name_in(const CmigAuditLayout *layout, int number)
{
	JsonbIterator *it = JsonbIteratorInit(&layout->columns->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	char	   *name = NULL;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE &&
				 DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(v.val.numeric))) == number)
			return name;
	}
	return NULL;
}

static char *
live_name(Oid relation, AttrNumber number)
{
	HeapTuple	tuple = SearchSysCacheAttNum(relation, number);
	char	   *name;

	if (!HeapTupleIsValid(tuple))	/* dropped */
		return NULL;
	name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
	return name;
}

char *
cmig_audit_target_name_now(CmigAuditTarget *target, int first, char *name)
{
	for (int i = first; i < list_length(target->layouts) && name; i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		int			number = number_in(layout, name, strlen(name));

		if (i + 1 < list_length(target->layouts))
		{
			CmigAuditLayout *next = list_nth(target->layouts, i + 1);

			if (cmig_audit_layout_is_of(next, layout->relation, layout->database))
				name = name_in(next, number);
			else if (number_in(next, name, strlen(name)) == 0)
				name = NULL;
		}
		else if (OidIsValid(target->relation) &&
				 cmig_audit_layout_is_of(layout, target->relation, cmig_audit_layout_database()))
			name = live_name(target->relation, number);
	}
	return name;
}

bool
cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now)
{
	CmigAuditLayout *then = list_nth(target->layouts, layout);
	JsonbIterator *it = JsonbIteratorInit(&then->columns->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = cmig_audit_target_name_now(target, layout, pnstrdup(v.val.string.val, v.val.string.len));
		if (name && strcmp(name, now) == 0)
			return true;
	}
	return false;
}

Jsonb *
cmig_audit_target_renames(CmigAuditTarget *target, int layout)
{
	CmigAuditLayout *from = list_nth(target->layouts, layout);
	JsonbIterator *it = JsonbIteratorInit(&from->columns->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	StringInfoData text;
	bool		differs = false;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *name;
		char	   *now;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(v.val.string.val, v.val.string.len);
		now = cmig_audit_target_name_now(target, layout, name);
		if (now == NULL || strcmp(now, name) != 0)
			differs = true;
		if (text.len > 1)
			appendStringInfoString(&text, ", ");
		escape_json(&text, name);
		appendStringInfoString(&text, ": ");
		if (now)
			escape_json(&text, now);
		else
			appendStringInfoString(&text, "null");
	}
	appendStringInfoChar(&text, '}');
	return differs ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data))) : NULL;
}
