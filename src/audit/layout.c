/*
 * layout.c
 *	  Records the present and former names of audited tables and their
 *	  columns, as layouts.
 *
 * cmig_audit.layout has a row for each state of an audited table: its schema,
 * name, OID, and owner, its column numbers by name, and its key columns.  A
 * row is added when a change is logged and the state differs from the last one
 * recorded, so that old entries can still be read after a rename.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

static CmigQuery read_layouts = {
	"SELECT l.recorded_at::timestamptz, l.relation::oid, l.schema_name::text,"
	" l.table_name::text, l.columns::jsonb, l.key_columns::text[], l.owner::text, l.database::text,"
	" l.key_kinds::text[]"
	" FROM cmig_audit.layout l WHERE l.table_id = $1 ORDER BY l.recorded_at, l.ctid",
	1, {INT4OID}
};

static CmigQuery insert_layout = {
	"INSERT INTO cmig_audit.layout (table_id, relation, schema_name, table_name, columns, key_columns, owner, database, key_kinds)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT4OID, OIDOID, TEXTOID, TEXTOID, JSONBOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTARRAYOID}
};

static CmigQuery find_by_relation = {
	"SELECT l.table_id::integer FROM cmig_audit.layout l"
	" WHERE l.relation = $1 AND (l.schema_name = $2 AND l.table_name = $3"
	"  OR l.database = $4 AND l.owner = $5)"
	" ORDER BY l.recorded_at DESC LIMIT 1",
	5, {OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static CmigQuery find_by_name = {
	"SELECT l.table_id::integer FROM cmig_audit.layout l"
	" WHERE ($1 IS NULL OR l.schema_name = $1) AND l.table_name = $2"
	" ORDER BY l.recorded_at DESC LIMIT 1",
	2, {TEXTOID, TEXTOID}
};

/* Returns a row if a relation has audit triggers with a table id. */
static CmigQuery carries_id = {
	"SELECT 1 FROM pg_catalog.pg_trigger t"
	" JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig'"
	" WHERE t.tgrelid = $1 AND pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'),"
	"  pg_catalog.chr(92) || '000', 1) = $2::text",
	2, {OIDOID, INT4OID}
};

static CmigQuery next_table_id = {
	"SELECT pg_catalog.nextval('cmig_audit.table_id_seq')::integer", 0
};

/*
 * Returns a row if the id has been used in a layout or in any trigger.  Such an
 * id can be ahead of the sequence if triggers outlived the log, a dump was
 * restored over the database, or somebody created a trigger by hand.
 */
static CmigQuery uses_id = {
	"SELECT 1 WHERE EXISTS (SELECT FROM cmig_audit.layout l WHERE l.table_id = $1)"
	" OR EXISTS (SELECT FROM pg_catalog.pg_trigger t"
	"  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
	"  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
	"  WHERE (n.nspname = 'cmig' AND p.proname = 'audit_trigger' OR n.nspname = 'cmig_audit' AND p.proname = 'write')"
	"  AND pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), pg_catalog.chr(92) || '000', 1) = $1::text)",
	1, {INT4OID}
};

/* Returns the columns of an index in their order. */
static List *
index_columns(Relation relation, Form_pg_index index)
{
	List	   *names = NIL;

	for (int i = 0; i < index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->indkey.values[i];

		if (attnum > 0)
			names = lappend(names,
							pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation),
														  attnum - 1)->attname)));
	}
	return names;
}

List *
cmig_audit_layout_key(Relation relation)
{
	List	   *oids = RelationGetIndexList(relation);
	List	   *primary = NIL;
	List	   *identity = NIL;
	ListCell   *lc;

	foreach(lc, oids)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisprimary)
			primary = index_columns(relation, index);
		else if (index->indisreplident)
			identity = index_columns(relation, index);
		ReleaseSysCache(tuple);
	}
	list_free(oids);
	return primary ? primary : identity;
}

/* Returns the kind of a type; see audit.h. */
static char *
kind_of(Oid type)
{
	type = getBaseType(type);
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return "number";
		case BOOLOID:
			return "boolean";
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
		case UUIDOID:
			return "string";
		default:
			return type_is_enum(type) ? "string" : format_type_be(type);
	}
}

List *
cmig_audit_layout_kinds(Relation relation, List *columns)
{
	List	   *kinds = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		Oid			type = get_atttype(RelationGetRelid(relation),
									   get_attnum(RelationGetRelid(relation), lfirst(lc)));

		kinds = lappend(kinds, OidIsValid(type) ? kind_of(type) : "?");
	}
	return kinds;
}

/* Returns a relation's columns as a JSON object {"column": number, ...}. */
static Jsonb *
columns_of(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	StringInfoData text;
	bool		first = true;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		if (!first)
			appendStringInfoString(&text, ", ");
		escape_json(&text, NameStr(attribute->attname));
		appendStringInfo(&text, ": %d", attribute->attnum);
		first = false;
	}
	appendStringInfoChar(&text, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

/*
 * Convert a text[] to a List of char *.  Returns false if it contains nulls or
 * has more than one dimension.
 */
static bool
texts_of(Datum datum, List **texts)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	Datum	   *elements;
	int			count;

	*texts = NIL;
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		return false;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		*texts = lappend(*texts, TextDatumGetCString(elements[i]));
	return true;
}

/* Is the value an object whose members are column numbers? */
static bool
has_column_numbers(Jsonb *columns)
{
	JsonbIterator *it = JsonbIteratorInit(&columns->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	Datum		low = NumericGetDatum(int64_to_numeric(1));
	Datum		high = NumericGetDatum(int64_to_numeric(MaxHeapAttributeNumber));

	if (!JB_ROOT_IS_OBJECT(columns))
		return false;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE &&
			(v.type != jbvNumeric ||
			 !DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(v.val.numeric), low)) ||
			 !DatumGetBool(DirectFunctionCall2(numeric_le, NumericGetDatum(v.val.numeric), high))))
			return false;
	}
	return true;
}

/* Fill in a layout.  Returns false if pg_cmig did not write the row. */
static bool
read_layout(TupleDesc desc, HeapTuple row, CmigAuditLayout *layout)
{
	bool		isnull;
	Datum		kinds;

	for (int i = 1; i <= 6; i++)
	{
		(void) cmig_query_datum(desc, row, i, &isnull);
		if (isnull)
			return false;
	}
	layout->recorded_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 1, &isnull));
	layout->relation = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	layout->schema_name = cmig_query_text(desc, row, 3);
	layout->table_name = cmig_query_text(desc, row, 4);
	layout->columns = DatumGetJsonbPCopy(cmig_query_datum(desc, row, 5, &isnull));
	layout->owner = cmig_query_text_or_null(desc, row, 7);
	layout->database = cmig_query_text_or_null(desc, row, 8);
	kinds = cmig_query_datum(desc, row, 9, &isnull);
	if (!isnull && !texts_of(kinds, &layout->key_kinds))
		return false;
	return texts_of(cmig_query_datum(desc, row, 6, &isnull), &layout->key_columns) &&
		has_column_numbers(layout->columns);
}

static ArrayType *
array_of(List *texts)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(1, list_length(texts)));
	ListCell   *lc;
	int			count = 0;

	foreach(lc, texts)
	{
		elements[count++] = CStringGetTextDatum(lfirst(lc));
	}
	return construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * Callback that adds a layout to a list.  Raises an error for an invalid row,
 * because the log's owner can write anything into the table.
 */
static void
collect_layout(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **layouts = arg;
	CmigAuditLayout *layout = palloc0(sizeof(CmigAuditLayout));

	if (!read_layout(desc, row, layout))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a row of table \"cmig_audit.layout\" was changed after pg_cmig wrote it"),
				 errhint("The owner of the log must delete or restore the row.")));
	*layouts = lappend(*layouts, layout);
}

List *
cmig_audit_layout_read(int32 table_id)
{
	Datum		values[1] = {Int32GetDatum(table_id)};
	List	   *layouts = NIL;

	cmig_query_each(&read_layouts, values, NULL, collect_layout, &layouts);
	return layouts;
}

static bool
same_names(List *a, List *b)
{
	ListCell   *la,
			   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		if (strcmp(lfirst(la), lfirst(lb)) != 0)
			return false;
	}
	return true;
}

char *
cmig_audit_layout_database(void)
{
	return psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId);
}

bool
cmig_audit_layout_is_of(const CmigAuditLayout *layout, Oid relation, const char *database)
{
	return layout->relation == relation &&
		(layout->database == NULL || database == NULL || strcmp(layout->database, database) == 0);
}

/* Returns a relation's current layout. */
static CmigAuditLayout *
layout_of(Relation relation)
{
	CmigAuditLayout *layout = palloc0(sizeof(CmigAuditLayout));

	layout->relation = RelationGetRelid(relation);
	layout->schema_name = get_namespace_name(RelationGetNamespace(relation));
	layout->table_name = RelationGetRelationName(relation);
	layout->columns = columns_of(relation);
	layout->key_columns = cmig_audit_layout_key(relation);
	layout->key_kinds = cmig_audit_layout_kinds(relation, layout->key_columns);
	layout->owner = GetUserNameFromId(relation->rd_rel->relowner, false);
	layout->database = cmig_audit_layout_database();
	return layout;
}

/* Returns true if both strings are known and equal. */
static bool
known_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool
same_layout(const CmigAuditLayout *a, const CmigAuditLayout *b)
{
	return a->relation == b->relation &&
		strcmp(a->schema_name, b->schema_name) == 0 &&
		strcmp(a->table_name, b->table_name) == 0 &&
		compareJsonbContainers(&a->columns->root, &b->columns->root) == 0 &&
		same_names(a->key_columns, b->key_columns) && same_names(a->key_kinds, b->key_kinds) &&
		known_same(a->owner, b->owner) && known_same(a->database, b->database);
}

/* Insert a layout of the table with this id into cmig_audit.layout. */
static void
insert(int32 table_id, const CmigAuditLayout *layout)
{
	Datum		values[9];

	values[0] = Int32GetDatum(table_id);
	values[1] = ObjectIdGetDatum(layout->relation);
	values[2] = CStringGetTextDatum(layout->schema_name);
	values[3] = CStringGetTextDatum(layout->table_name);
	values[4] = JsonbPGetDatum(layout->columns);
	values[5] = PointerGetDatum(array_of(layout->key_columns));
	values[6] = CStringGetTextDatum(layout->owner);
	values[7] = CStringGetTextDatum(layout->database);
	values[8] = PointerGetDatum(array_of(layout->key_kinds));
	cmig_audit_log_write(&insert_layout, values);
}

/*
 * Returns true if a layout's table still exists: a relation with the layout's
 * OID that also has the layout's name or a trigger with the table's id.  The
 * OID alone is not sufficient, because another table can have the same OID
 * after a dump has been restored.
 */
static bool
is_there(int32 table_id, const CmigAuditLayout *layout)
{
	char	   *name = get_rel_name(layout->relation);
	Datum		values[2] = {ObjectIdGetDatum(layout->relation), Int32GetDatum(table_id)};

	if (name == NULL)
		return false;
	return (strcmp(name, layout->table_name) == 0 &&
			strcmp(get_namespace_name(get_rel_namespace(layout->relation)),
				   layout->schema_name) == 0) ||
		cmig_query_run(&carries_id, values, NULL) > 0;
}

/*
 * Returns true if a table is allowed to continue with the id of a dropped
 * table.  "last" is the dropped table's last layout, and "now" is the layout of
 * the table that belongs to "owner".  A role that can create audit triggers
 * could use any id for its own table, whose changes would then be logged as the
 * dropped table's changes.  Therefore, unless the table belongs to a superuser
 * or the log's owner, it must have the dropped table's owner or, in a copy of
 * the database, its name.
 */
static bool
may_go_on(const CmigAuditLayout *last, const CmigAuditLayout *now, Oid owner, Oid log_owner)
{
	return known_same(last->owner, now->owner) ||
		owner == log_owner || superuser_arg(owner) ||
		(last->database && strcmp(last->database, now->database) != 0 &&
		 strcmp(last->schema_name, now->schema_name) == 0 &&
		 strcmp(last->table_name, now->table_name) == 0);
}

/* Raise an error for a trigger that has the id of another table. */
static void
refuse_id(const CmigAuditLayout *last, const CmigAuditLayout *now, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit trigger of table \"%s.%s\" has the ID of table \"%s.%s\"",
					now->schema_name, now->table_name, last->schema_name, last->table_name),
			 errdetail("%s", detail),
			 errhint("Call cmig.disable_audit() and then cmig.enable_audit() for table \"%s.%s\".",
					 now->schema_name, now->table_name)));
}

void
cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner)
{
	CmigRole	saved;
	List	   *layouts;
	CmigAuditLayout *last;
	CmigAuditLayout *now = layout_of(relation);

	cmig_role_act_as_owner(&saved, log_owner);
	layouts = cmig_audit_layout_read(table_id);
	last = layouts ? llast(layouts) : NULL;
	if (last && last->relation != now->relation)
	{
		if (is_there(table_id, last))
			refuse_id(last, now, "The table was copied together with its triggers. Its changes would be logged as changes of the other table.");
		if (!may_go_on(last, now, relation->rd_rel->relowner, log_owner))
			refuse_id(last, now, psprintf("The table with this ID belonged to role \"%s\" and was dropped. Changes of the new table would be logged as changes of the dropped one.",
										  last->owner ? last->owner : "?"));
	}
	if (last == NULL || !same_layout(last, now))
	{
		cmig_audit_log_refuse_foreign_code(log_owner);
		insert(table_id, now);
		CommandCounterIncrement();
	}
	cmig_role_return(&saved);
}

static void
take_id(TupleDesc desc, HeapTuple row, void *arg)
{
	*(int32 *) arg = cmig_query_int32(desc, row, 1, 0);
}

int32
cmig_audit_layout_find(Oid relation, const char *schema_name, const char *table_name)
{
	int32		id = 0;

	if (OidIsValid(relation))
	{
		Datum		values[5];

		values[0] = ObjectIdGetDatum(relation);
		values[1] = CStringGetTextDatum(schema_name);
		values[2] = CStringGetTextDatum(table_name);
		values[3] = CStringGetTextDatum(cmig_audit_layout_database());
		values[4] = CStringGetTextDatum(GetUserNameFromId(cmig_audit_log_table_owner(relation),
														  false));
		cmig_query_each(&find_by_relation, values, NULL, take_id, &id);
	}
	else
	{
		Datum		values[2] = {schema_name ? CStringGetTextDatum(schema_name) : (Datum) 0,
		CStringGetTextDatum(table_name)};

		cmig_query_each(&find_by_name, values, schema_name ? "  " : "n ", take_id, &id);
	}
	return id;
}

int32
cmig_audit_layout_new_id(void)
{
	int32		id = 0;

	for (;;)
	{
		Datum		values[1];

		CHECK_FOR_INTERRUPTS();
		cmig_query_each(&next_table_id, NULL, NULL, take_id, &id);
		values[0] = Int32GetDatum(id);
		if (cmig_query_run(&uses_id, values, NULL) == 0)
			return id;
	}
}
