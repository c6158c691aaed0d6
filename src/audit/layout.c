/*
 * layout.c
 *	  The present and former names of audited tables and their columns.
 *
 * cmig_audit.layout has a row for each state of an audited table: its schema,
 * name, OID, and owner, its column numbers by name, and its key columns.  A
 * row is added when a change is logged and the state differs from the last one
 * recorded, so that old entries can still be read after a rename.
 *
 * The second part of the file finds the columns to which the names in a table's
 * audit options now refer.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/internal.h"
#include "store/store.h"

/*
 * The columns of a row that pg_cmig did not write can be null here: the log's
 * owner can write anything into the table.
 */
static CmigQuery read_layouts = {
	"SELECT l.recorded_at::timestamptz, l.relation::oid, l.schema_name::text, l.table_name::text,"
	" CASE WHEN jsonb_typeof(l.columns::jsonb) = 'object' THEN ARRAY("
	"  SELECT c.key FROM jsonb_each(l.columns::jsonb) c ORDER BY c.value, c.key) END,"
	" ARRAY(SELECT CASE WHEN jsonb_typeof(c.value) = 'number' AND c.value BETWEEN '1' AND '1600'"
	" THEN c.value::text END"
	"  FROM jsonb_each(CASE WHEN jsonb_typeof(l.columns::jsonb) = 'object'"
	" THEN l.columns::jsonb END) c ORDER BY c.value, c.key),"
	" l.key_columns::text[], coalesce(l.key_kinds::text[], '{}'), l.owner::text, l.database::text"
	" FROM cmig_audit.layout l WHERE l.table_id = $1 ORDER BY l.recorded_at, l.ctid",
	{INT4OID},.latest = true
};

static CmigQuery insert_layout = {
	"INSERT INTO cmig_audit.layout (table_id, relation, schema_name, table_name, columns, key_columns, key_kinds, owner, database)"
	" VALUES ($1, $2, $3, $4, (SELECT coalesce(jsonb_object_agg(c.name, c.number::integer), '{}')"
	" FROM unnest($5, $6) c(name, number)), $7, $8, $9, $10)",
	{INT4OID, OIDOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	TEXTOID, TEXTOID}
};

/* $1 is the table's OID, or 0 to find the last table that had the name. */
static CmigQuery find_id = {
	"SELECT l.table_id::integer FROM cmig_audit.layout l"
	" WHERE CASE WHEN $1 = 0::oid THEN ($2 IS NULL OR l.schema_name = $2) AND l.table_name = $3"
	"  ELSE l.relation = $1 AND (l.schema_name = $2 AND l.table_name = $3 OR l.database = $4"
	" AND l.owner = $5) END"
	" ORDER BY l.recorded_at DESC LIMIT 1",
	{OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},.latest = true
};

CmigAuditTrigger
cmig_audit_layout_trigger(const Trigger *trigger)
{
	const char *schema = get_namespace_name(get_func_namespace(trigger->tgfoid));
	const char *function = get_func_name(trigger->tgfoid);

	if (schema == NULL || function == NULL)
		return CMIG_AUDIT_NO_TRIGGER;
	if (strcmp(schema, "cmig") == 0 && strcmp(function, CMIG_AUDIT_FUNCTION) == 0)
		return CMIG_AUDIT_TRIGGER;
	return strcmp(schema, "cmig_audit") == 0 &&
		(strcmp(function, "write") == 0 || strcmp(function, "write_entry") == 0) ?
		CMIG_AUDIT_TRIGGER_OF_SCRIPT : CMIG_AUDIT_NO_TRIGGER;
}

/* The triggers of pg_cmig and of scripts, and the table id in their first argument. */
#define AUDIT_TRIGGERS \
	"pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace" \
	" WHERE (" CMIG_AUDIT_IS_TRIGGER " OR " CMIG_AUDIT_IS_SCRIPT ")"
#define TRIGGER_ID "split_part(encode(t.tgargs, 'escape'), chr(92) || '000', 1)"

/* Returns a row if a relation has audit triggers with a table id. */
static CmigQuery carries_id = {
	"SELECT 1 FROM " AUDIT_TRIGGERS " AND " TRIGGER_ID " = $2::text AND n.nspname = 'cmig'"
	" AND t.tgrelid = $1",
	{OIDOID, INT4OID}
};

/*
 * Returns the next id, or null if it has been used in a layout or in a trigger,
 * and the ids that only triggers have: $1, unless it is null.  They can be ahead
 * of the sequence if triggers outlived the log, a dump was restored over the
 * database, or somebody created a trigger by hand.
 */
static CmigQuery next_table_id = {
	"SELECT CASE WHEN i.id::text <> ALL (s.ids) AND NOT EXISTS"
	"  (SELECT FROM cmig_audit.layout l WHERE l.table_id = i.id) THEN i.id END, s.ids"
	" FROM (SELECT nextval('cmig_audit.table_id_seq')::integer AS id OFFSET 0) i,"
	" (SELECT coalesce($1::text[], ARRAY(SELECT " TRIGGER_ID " FROM " AUDIT_TRIGGERS
	"  EXCEPT SELECT l.table_id::text FROM cmig_audit.layout l)) AS ids OFFSET 0) s",
	{TEXTOID},.latest = true
};

/*
 * Returns the kind of value that a type has in jsonb: "number", "boolean",
 * "string" (for text, uuid, enums, and similar types), or else the type's name,
 * whatever search_path is.  If two types are of the same kind, values that are
 * equal have equal jsonb values.
 */
static char *
kind_of(Oid type)
{
	char	   *name;

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
			if (type_is_enum(type))
				return "string";
			name = format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);
			return name + (strncmp(name, "pg_catalog.", 11) == 0 ? 11 : 0);
	}
}

/*
 * Returns the columns that identify a table's rows, as a List of char *, or
 * NIL if there are none: the primary key, or the replica identity.  *kinds is
 * set to their kinds, unless it is NULL.
 */
List *
cmig_audit_layout_key(Relation relation, List **kinds)
{
	List	   *names = NIL;
	bool		primary = false;

	if (kinds)
		*kinds = NIL;
	foreach_oid(oid, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(oid));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisprimary || (index->indisreplident && !primary))
		{
			primary = index->indisprimary;
			names = NIL;
			if (kinds)
				*kinds = NIL;
			for (int i = 0; i < index->indnkeyatts; i++)
			{
				Form_pg_attribute column = index->indkey.values[i] <= 0 ? NULL :
				TupleDescAttr(RelationGetDescr(relation), index->indkey.values[i] - 1);

				if (column)
					names = lappend(names, pstrdup(NameStr(column->attname)));
				if (column && kinds)
					*kinds = lappend(*kinds, kind_of(column->atttypid));
			}
		}
		ReleaseSysCache(tuple);
	}
	return names;
}

/*
 * Convert a text[] to a List of char *.  Returns false if it is null, contains
 * nulls, or has more than one dimension.
 */
static bool
texts_of(const CmigRow *row, int column, List **texts)
{
	bool		isnull;
	Datum		datum = cmig_query_datum(row, column, TEXTARRAYOID, &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(datum);
	Datum	   *elements;
	int			count;

	if (array == NULL || ARR_NDIM(array) > 1 || array_contains_nulls(array))
		return false;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		*texts = lappend(*texts, TextDatumGetCString(elements[i]));
	return true;
}

/* Returns a List of char * in the form in which queries take it. */
CmigNames *
cmig_audit_names(List *texts)
{
	CmigNames  *names = palloc(sizeof(CmigNames));

	names->count = list_length(texts);
	names->names = palloc(sizeof(char *) * Max(1, names->count));
	for (int i = 0; i < names->count; i++)
		names->names[i] = list_nth(texts, i);
	return names;
}

/* Callback that adds a layout to a list. */
static void
collect_layout(const CmigRow *row, void *arg)
{
	List	  **layouts = arg;
	CmigAuditLayout *layout = palloc0(sizeof(CmigAuditLayout));
	List	   *numbers = NIL;
	bool		sound = true;
	bool		isnull;

	layout->recorded_at = DatumGetTimestampTz(cmig_query_datum(row, 1, TIMESTAMPTZOID,
															   &isnull));
	sound = !isnull;
	layout->relation = DatumGetObjectId(cmig_query_datum(row, 2, OIDOID, &isnull));
	sound = sound && !isnull;
	layout->schema_name = cmig_query_text_or_null(row, 3);
	layout->table_name = cmig_query_text_or_null(row, 4);
	if (!sound || layout->schema_name == NULL || layout->table_name == NULL ||
		!texts_of(row, 5, &layout->names) || !texts_of(row, 6, &numbers) ||
		!texts_of(row, 7, &layout->key_columns) ||
		!texts_of(row, 8, &layout->key_kinds))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a row of table \"cmig_audit.layout\" was changed after pg_cmig wrote it"),
				 errhint("The owner of the log must delete or restore the row.")));
	foreach_ptr(char, number, numbers)
		layout->numbers = lappend_int(layout->numbers, atoi(number));
	layout->owner = cmig_query_text_or_null(row, 9);
	layout->database = cmig_query_text_or_null(row, 10);
	*layouts = lappend(*layouts, layout);
}

/* Returns all layouts of a table, oldest first. */
List *
cmig_audit_layout_read(int32 table_id)
{
	Datum		values[1] = {Int32GetDatum(table_id)};
	List	   *layouts = NIL;

	cmig_query_each(&read_layouts, values, NULL, collect_layout, &layouts);
	return layouts;
}

/* Returns an identifier of this database that no other database has. */
static char *
this_database(void)
{
	return psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId);
}

/*
 * Returns the columns that a table has now, and to which table they belong.
 * Needs no lock on the table.
 */
CmigAuditLayout *
cmig_audit_layout_now(Oid relation)
{
	FormData_pg_class row;
	CmigAuditLayout *layout = palloc0(sizeof(CmigAuditLayout));

	if (!cmig_role_relation(relation, &row))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	layout->relation = relation;
	layout->database = this_database();
	for (AttrNumber n = 1; n <= row.relnatts; n++)
	{
		HeapTuple	column = SearchSysCacheAttNum(relation, n);

		if (!HeapTupleIsValid(column))
			continue;
		layout->numbers = lappend_int(layout->numbers, n);
		layout->names = lappend(layout->names,
								pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(column))->attname)));
		ReleaseSysCache(column);
	}
	return layout;
}

/* Return the position of a column in a layout, or -1. */
static int
layout_place(const CmigAuditLayout *layout, int number)
{
	for (int i = 0; i < list_length(layout->numbers); i++)
		if (list_nth_int(layout->numbers, i) == number)
			return i;
	return -1;
}

int
cmig_audit_layout_place_of_name(const CmigAuditLayout *layout, const char *name)
{
	for (int i = 0; i < list_length(layout->names); i++)
		if (strcmp(list_nth(layout->names, i), name) == 0)
			return i;
	return -1;
}

/*
 * Returns the position of a column of "from" in "to", a later layout of the
 * same table, or -1.  When an expansion is contracted, a column that had been
 * hidden can take the place of the one with its name.
 */
int
cmig_audit_layout_place_later(const CmigAuditLayout *from, const CmigAuditLayout *to,
							  const char *name)
{
	int			place = cmig_audit_layout_place_of_name(from, name);
	int			later = place < 0 ? -1 : layout_place(to, list_nth_int(from->numbers, place));

	if (later >= 0 || place < 0)
		return later;
	place = cmig_audit_layout_place_of_name(from, cmig_version_hidden_name(name));
	later = place < 0 ? -1 : layout_place(to, list_nth_int(from->numbers, place));
	return later >= 0 && strcmp(list_nth(to->names, later), name) == 0 ? later : -1;
}

/* Returns true if both strings are known and equal. */
static bool
known_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Are both lists of strings, which may contain NULL, the same? */
bool
cmig_audit_same_texts(List *a, List *b)
{
	ListCell   *la,
			   *lb;

	if (list_length(a) != list_length(b))
		return false;
	forboth(la, a, lb, b)
	{
		if (!cmig_text_same(lfirst(la), lfirst(lb)))
			return false;
	}
	return true;
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

/* The columns of cmig_audit.layout, as pg_cmig creates it. */
static const CmigAuditColumnType layout_columns[] = {
	{"table_id", INT4OID}, {"recorded_at", TIMESTAMPTZOID}, {"relation", OIDOID},
	{"schema_name", TEXTOID},
	{"table_name", TEXTOID}, {"columns", JSONBOID}, {"key_columns", TEXTARRAYOID},
	{"key_kinds", TEXTARRAYOID},
	{"owner", TEXTOID}, {"database", TEXTOID}
};

enum
{
	LAYOUT_TABLE_ID, LAYOUT_RECORDED_AT, LAYOUT_RELATION, LAYOUT_SCHEMA_NAME, LAYOUT_TABLE_NAME,
	LAYOUT_COLUMNS, LAYOUT_KEY_COLUMNS, LAYOUT_KEY_KINDS, LAYOUT_OWNER, LAYOUT_DATABASE
};

static bool
is_text(Datum value, const char *expected)
{
	return strcmp(TextDatumGetCString(value), expected) == 0;
}

static bool
are_texts(Datum value, List *texts)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	bool		same;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	same = count == list_length(texts);
	for (int i = 0; i < count && same; i++)
		same = !nulls[i] && is_text(elements[i], list_nth(texts, i));
	return same;
}

/* Does the object have the columns and nothing else, each with its number? */
static bool
are_columns(Datum value, const CmigAuditLayout *now)
{
	JsonbContainer *object = &DatumGetJsonbP(value)->root;
	bool		same = JsonContainerIsObject(object) &&
	JsonContainerSize(object) == list_length(now->names);

	for (int i = 0; i < list_length(now->names) && same; i++)
	{
		const char *name = list_nth(now->names, i);
		JsonbValue	number;

		same = getKeyJsonValueFromContainer(object, name, strlen(name), &number) != NULL &&
			number.type == jbvNumeric &&
			DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(number.val.numeric),
											 NumericGetDatum(int64_to_numeric(list_nth_int(now->numbers, i)))));
	}
	return same;
}

/* The index in which a table's last layout is the last entry, or InvalidOid. */
static Oid
index_of_layouts(Relation layouts)
{
	foreach_oid(oid, RelationGetIndexList(layouts))
	{
		Relation	index = index_open(oid, AccessShareLock);
		bool		fits = index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		index->rd_index->indnkeyatts == 2 &&
		index->rd_index->indkey.values[0] == LAYOUT_TABLE_ID + 1 &&
		index->rd_index->indkey.values[1] == LAYOUT_RECORDED_AT + 1 &&
		index->rd_indoption[0] == 0 && index->rd_indoption[1] == 0 &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);

		index_close(index, AccessShareLock);
		if (fits)
			return oid;
	}
	return InvalidOid;
}

/*
 * Is this the last layout that was recorded for the table?  Looks in the way that
 * is quickest, as each session does so for each table that it writes; the result
 * is also false if somebody has altered the log's tables.
 */
static bool
is_last(int32 table_id, const CmigAuditLayout *now)
{
	Relation	layouts = table_open(get_relname_relid("layout",
													   get_namespace_oid("cmig_audit", false)),
									 AccessShareLock);
	TupleDesc	desc = RelationGetDescr(layouts);
	Oid			oid = index_of_layouts(layouts);
	bool		same = OidIsValid(oid) && desc->natts >= lengthof(layout_columns) &&
	!layouts->rd_rel->relhassubclass;

	for (int i = 0; i < lengthof(layout_columns) && same; i++)
		same = TupleDescAttr(desc, i)->atttypid == layout_columns[i].type &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), layout_columns[i].name) == 0;
	if (same)
	{
		Relation	index = index_open(oid, AccessShareLock);
		Snapshot	snapshot = RegisterSnapshot(cmig_latest_snapshot());
		Datum	   *values = palloc(sizeof(Datum) * desc->natts);
		bool	   *nulls = palloc(sizeof(bool) * desc->natts);
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, LAYOUT_TABLE_ID + 1, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(table_id));
		scan = systable_beginscan_ordered(layouts, index, snapshot, 1, &key);
		tuple = systable_getnext_ordered(scan, BackwardScanDirection);
		same = HeapTupleIsValid(tuple);
		if (same)
			heap_deform_tuple(tuple, desc, values, nulls);
		for (int i = 0; i < lengthof(layout_columns) && same; i++)
			same = !nulls[i];
		same = same && DatumGetObjectId(values[LAYOUT_RELATION]) == now->relation &&
			is_text(values[LAYOUT_SCHEMA_NAME], now->schema_name) &&
			is_text(values[LAYOUT_TABLE_NAME], now->table_name) &&
			are_columns(values[LAYOUT_COLUMNS], now) &&
			are_texts(values[LAYOUT_KEY_COLUMNS], now->key_columns) &&
			are_texts(values[LAYOUT_KEY_KINDS], now->key_kinds) &&
			is_text(values[LAYOUT_OWNER], now->owner) &&
			is_text(values[LAYOUT_DATABASE], now->database);
		systable_endscan_ordered(scan);
		UnregisterSnapshot(snapshot);
		index_close(index, AccessShareLock);
	}
	table_close(layouts, AccessShareLock);
	return same;
}

/*
 * Record a relation's layout under table_id, unless it is the last one
 * recorded.  Runs as the log's owner.  Raises an error if the id belongs to
 * another table that still exists, or to a dropped table whose id the relation
 * is not allowed to use.
 *
 * A role that can create audit triggers could use any id for its own table,
 * whose changes would then be logged as the dropped table's changes.
 * Therefore, unless the table belongs to a superuser or the log's owner, it
 * must have the dropped table's owner or, in a copy of the database, its name.
 */
void
cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner)
{
	CmigRole	saved;
	List	   *layouts;
	CmigAuditLayout *last;
	CmigAuditLayout *now = cmig_audit_layout_now(RelationGetRelid(relation));
	Oid			owner = relation->rd_rel->relowner;

	now->schema_name = get_namespace_name(RelationGetNamespace(relation));
	now->table_name = RelationGetRelationName(relation);
	now->key_columns = cmig_audit_layout_key(relation, &now->key_kinds);
	now->owner = GetUserNameFromId(owner, false);
	if (is_last(table_id, now))
		return;

	cmig_role_act_as_owner(&saved, log_owner);
	layouts = cmig_audit_layout_read(table_id);
	last = layouts ? llast(layouts) : NULL;
	if (last && last->relation != now->relation)
	{
		char	   *name = get_rel_name(last->relation);

		/*
		 * The last table still exists if a relation has its OID and also its
		 * name or a trigger with its id.  The OID alone is not sufficient,
		 * because another table can have the same OID after a dump has been
		 * restored.
		 */
		if (name && ((strcmp(name, last->table_name) == 0 &&
					  known_same(get_namespace_name(get_rel_namespace(last->relation)),
								 last->schema_name)) ||
					 cmig_query_do(&carries_id, last->relation, table_id) > 0))
			refuse_id(last, now,
					  "The table was copied together with its triggers. Its changes would be logged as changes of the other table.");
		if (!known_same(last->owner, now->owner) && owner != log_owner && !superuser_arg(owner) &&
			!(last->database && strcmp(last->database, now->database) != 0 &&
			  strcmp(last->schema_name, now->schema_name) == 0 &&
			  strcmp(last->table_name, now->table_name) == 0))
			refuse_id(last, now,
					  psprintf("The table with this ID belonged to role \"%s\" and was dropped. Changes of the new table would be logged as changes of the dropped one.",
							   last->owner ? last->owner : "?"));
	}
	if (last == NULL || last->relation != now->relation ||
		strcmp(last->schema_name, now->schema_name) != 0 ||
		strcmp(last->table_name, now->table_name) != 0 ||
		!equal(last->numbers, now->numbers) || !cmig_audit_same_texts(last->names, now->names) ||
		!cmig_audit_same_texts(last->key_columns, now->key_columns) ||
		!cmig_audit_same_texts(last->key_kinds, now->key_kinds) ||
		!known_same(last->owner, now->owner) || !known_same(last->database, now->database))
	{
		List	   *numbers = NIL;
		int			guc_level;

		foreach_int(number, now->numbers)
			numbers = lappend(numbers, psprintf("%d", number));
		cmig_audit_log_refuse_foreign_code(log_owner);
		guc_level = cmig_audit_log_silence();
		cmig_query_do(&insert_layout, table_id, now->relation, now->schema_name, now->table_name,
					  cmig_audit_names(now->names), cmig_audit_names(numbers),
					  cmig_audit_names(now->key_columns),
					  cmig_audit_names(now->key_kinds), now->owner, now->database);
		AtEOXact_GUC(false, guc_level);
		CommandCounterIncrement();
	}
	cmig_role_return(&saved);
}

/*
 * Returns the id under which a table is or was audited, or 0 if it never was.
 * An existing relation is found by its OID together with its name, or together
 * with its owner and this database.  If "relation" is InvalidOid, the last
 * table that had the name is found.
 */
int32
cmig_audit_layout_find(Oid relation, const char *schema_name, const char *table_name)
{
	char	   *id = cmig_query_value(&find_id, relation, schema_name, table_name, this_database(),
									  !OidIsValid(relation) ? NULL :
									  GetUserNameFromId(cmig_audit_log_table_owner(relation),
														false));

	return id ? atoi(id) : 0;
}

/*
 * Returns an id that has not been used.  *strays, initially NULL, is set to the
 * ids that only triggers have, which are looked for once.
 */
int32
cmig_audit_layout_new_id(char **strays)
{
	char	  **row;

	do
	{
		CHECK_FOR_INTERRUPTS();
		row = cmig_query_row(&next_table_id, *strays);
		*strays = row[1];
	} while (row[0] == NULL);
	return atoi(row[0]);
}

/*
 * The columns that are named in options.
 *
 * Options contain the name and number of each column, and the anchor, which
 * identifies the database and table to which the numbers belong.  In that
 * table, the number identifies the column, even if the column was renamed.  In
 * a copy that was restored from a dump, columns have other numbers (because
 * dropped columns are missing), and names can be newer than those in the
 * trigger's arguments, which ALTER TABLE does not change.  In a copy, the
 * column is therefore traced through the layouts.  From one state of a table to
 * the next, the column keeps its number.  From the last state of the original
 * table to the first state of the copy, the column keeps its position, provided
 * that all columns up to this position have the same names.  If the dump does
 * not contain the log, the anchor's checksum of these names serves the same
 * purpose.
 *
 * If a column cannot be found in this way, the trigger raises an error instead
 * of guessing.
 *
 * An anchor is <database>/<oid>/<count>/<checksum>, with the checksum of the
 * names of the first <count> columns.
 */

/* The states through which the options' columns are traced. */
typedef struct Trail
{
	const CmigAuditOptions *options;
	Oid			relation;
	List	   *layouts;		/* of CmigAuditLayout; the last one is the
								 * current one */
	bool		by_name;		/* is the state to which the numbers belong
								 * unknown, so that columns are found by name
								 * in the first layout? */
	bool		merged;			/* is it an inheritance child, whose columns
								 * can have another order in a dump? */
} Trail;

/* Results of number_now() that are not column numbers. */
#define COLUMN_GONE 0
#define COLUMN_UNKNOWN (-1)

/* Returns the second half of an anchor. */
static char *
checksum(const CmigAuditLayout *layout, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendBinaryStringInfo(&text, list_nth(layout->names, i),
							   strlen(list_nth(layout->names, i)) + 1);
	return psprintf("%d/" UINT64_FORMAT, count,
					DatumGetUInt64(hash_any_extended((unsigned char *) text.data, text.len, 0)));
}

/* Set the anchor for options whose columns are resolved. */
void
cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation)
{
	CmigAuditLayout *now = cmig_audit_layout_now(relation);
	List	   *names = list_concat(list_concat_copy(options->include, options->exclude),
									list_concat_copy(options->redact, options->hash));
	int			count = 0;

	foreach_ptr(CmigAuditName, name, names)
		count = Max(count, layout_place(now, name->attnum) + 1);
	options->anchor = psprintf("%s/%u/%s", now->database, relation, checksum(now, count));
}

/*
 * Returns true if the options were set for the layout's table, or false if that
 * table is a copy of the table for which they were set.
 */
static bool
is_anchored(const CmigAuditOptions *options, const CmigAuditLayout *layout)
{
	char	   *start = psprintf("%s/%u/", layout->database ? layout->database : "?",
								 layout->relation);

	return options->anchor && strncmp(options->anchor, start, strlen(start)) == 0;
}

/*
 * Returns true if a copy's columns still have the names that they had when the
 * anchor was set.
 */
static bool
is_anchored_copy(const CmigAuditOptions *options, const CmigAuditLayout *layout)
{
	char	   *p = options->anchor ? strrchr(options->anchor, '/') : NULL;
	int			count;

	if (p == NULL)
		return false;
	while (p > options->anchor && p[-1] != '/')
		p--;
	count = atoi(p);
	return count > 0 && count <= list_length(layout->names) &&
		strcmp(p, checksum(layout, count)) == 0;
}

/*
 * Returns COLUMN_GONE, COLUMN_UNKNOWN, or a column's number in the next state.
 */
static int
follow(const CmigAuditLayout *from, const CmigAuditLayout *to, int number, bool merged)
{
	int			place = layout_place(from, number);

	if (place < 0)
		return COLUMN_GONE;
	if (from->relation == to->relation && known_same(from->database, to->database))
	{
		place = cmig_audit_layout_place_later(from, to, list_nth(from->names, place));
		return place < 0 ? COLUMN_GONE : list_nth_int(to->numbers, place);
	}
	if (merged)
	{
		for (int i = 0; i < list_length(from->names); i++)
			if (cmig_audit_layout_place_of_name(to, list_nth(from->names, i)) < 0)
				return COLUMN_UNKNOWN;
		place = cmig_audit_layout_place_of_name(to, list_nth(from->names, place));
		return list_nth_int(to->numbers, place);
	}
	if (place >= list_length(to->names))
		return COLUMN_UNKNOWN;
	for (int i = 0; i <= place; i++)
		if (strcmp(list_nth(from->names, i), list_nth(to->names, i)) != 0)
			return COLUMN_UNKNOWN;
	return list_nth_int(to->numbers, place);
}

/*
 * Returns COLUMN_GONE, COLUMN_UNKNOWN, or the current number of a column that
 * is listed in the options.
 */
static int
number_now(const Trail *trail, const CmigAuditName *name)
{
	CmigAuditLayout *state = linitial(trail->layouts);
	int			number = name->attnum;

	if (trail->by_name)
	{
		int			place = cmig_audit_layout_place_of_name(state, name->name);

		if (place < 0 || !is_anchored_copy(trail->options, state))
			return COLUMN_UNKNOWN;
		number = list_nth_int(state->numbers, place);
	}
	else if (layout_place(state, number) < 0)
		return COLUMN_GONE;
	for (int i = 1; i < list_length(trail->layouts) && number > 0; i++)
	{
		number = follow(state, list_nth(trail->layouts, i), number, trail->merged);
		state = list_nth(trail->layouts, i);
	}
	return number;
}

/*
 * Resolve one list of columns.  A dropped column in the include list is not an
 * error, because no other column is logged in its place.
 */
static List *
resolve_list(const Trail *trail, List *names, const char *what, CmigAuditColumnsUse use,
			 StringInfo problems)
{
	const CmigAuditLayout *now = llast(trail->layouts);
	const char *table = get_rel_name(trail->relation);
	bool		hides = names != trail->options->include;
	List	   *resolved = NIL;

	foreach_ptr(CmigAuditName, name, names)
	{
		int			number;

		if (use == CMIG_AUDIT_CONFIRMING && name->attnum == 0)
		{
			resolved = lappend(resolved, name);
			continue;
		}
		number = number_now(trail, name);
		if (problems && (number == COLUMN_UNKNOWN || (number == COLUMN_GONE && hides)))
			appendStringInfo(problems, "%s%s %s", problems->len > 0 ? ", " : "",
							 quote_identifier(name->name),
							 number == COLUMN_GONE ? "(dropped)" : "(unknown)");
		if (number == COLUMN_UNKNOWN && use != CMIG_AUDIT_READING)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot tell which column of table \"%s\" is meant by \"%s\" in its audit options",
							table, name->name),
					 errdetail("The table was restored as a copy, and its columns were renamed or dropped after the options were set."),
					 errhint("Use the current names of the columns: SELECT * FROM cmig.enable_audit(%s, %s => '{...}')",
							 quote_literal_cstr(cmig_query_relation_name(trail->relation)), what)));
		if (number == COLUMN_GONE && use == CMIG_AUDIT_WRITING && hides)
		{
			char	   *literal = quote_literal_cstr(cmig_query_relation_name(trail->relation));

			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("hidden column \"%s\" of audited table \"%s\" was dropped", name->name,
							table),
					 errdetail("The column had this name when the audit options were set. To prevent a replacement column from being logged in clear text, no rows can be written until you confirm the options."),
					 errhint("List the columns to hide in a call of cmig.enable_audit(%s, ...). To keep the other options as they are: SELECT * FROM cmig.enable_audit(%s)",
							 literal, literal)));
		}
		if (number <= 0 && use != CMIG_AUDIT_WRITING &&
			cmig_audit_layout_place_of_name(now, name->name) >= 0)
			number = list_nth_int(now->numbers, cmig_audit_layout_place_of_name(now, name->name));
		if (number > 0)
		{
			name->attnum = number;
			name->name = list_nth(now->names, layout_place(now, number));
			resolved = lappend(resolved, name);
		}
		else if (use == CMIG_AUDIT_CONFIRMING)
			ereport(WARNING,
					(errmsg("column \"%s\" of table \"%s\" was dropped and is no longer listed in %s",
							name->name, table, what)));
	}
	return resolved;
}

/*
 * Set the current name and number of every column in the options.  Names
 * without a number are new and are left unchanged.  Raises an error if it is
 * not known which column is meant, unless "use" is CMIG_AUDIT_READING.  Columns
 * for which writing fails are added to "problems", unless it is NULL.
 */
void
cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation, Oid extension_owner,
						   CmigAuditColumnsUse use, StringInfo problems)
{
	Trail		trail = {options, relation};
	CmigAuditLayout *now;
	CmigRole	saved;
	List	   *layouts = NIL;
	List	   *include;

	if (cmig_audit_options_columns(options) == 0)
		return;
	now = cmig_audit_layout_now(relation);
	trail.merged = !get_rel_relispartition(relation) && has_superclass(relation);
	if (!is_anchored(options, now))
	{
		cmig_role_act_as_owner(&saved, cmig_audit_log_require(extension_owner));
		layouts = cmig_audit_layout_read(options->table_id);
		cmig_role_return(&saved);
		trail.by_name = true;
	}
	foreach_ptr(CmigAuditLayout, layout, layouts)
	{
		if (is_anchored(options, layout))
		{
			trail.by_name = false;
			trail.layouts = NIL;
		}
		trail.layouts = lappend(trail.layouts, layout);
	}
	trail.layouts = lappend(trail.layouts, now);
	include = resolve_list(&trail, options->include, "include", use, problems);
	options->exclude = resolve_list(&trail, options->exclude, "exclude", use, problems);
	options->redact = resolve_list(&trail, options->redact, "redact", use, problems);
	options->hash = resolve_list(&trail, options->hash, "hash", use, problems);

	/*
	 * raise an error if no column is left, because an empty include list
	 * would mean all columns
	 */
	if (options->include && include == NIL && use == CMIG_AUDIT_CONFIRMING)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("all columns to include in the audit of table \"%s\" were dropped",
						get_rel_name(relation)),
				 errhint("List other columns in include, or log all columns: SELECT * FROM cmig.enable_audit(%s, include => '{}')",
						 quote_literal_cstr(cmig_query_relation_name(relation)))));
	options->include = include;
}
