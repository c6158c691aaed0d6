/*
 * import.c
 *	  Importing older logs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/palloc.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/xid8.h"

#include "audit/internal.h"
#include "base/base.h"

/* ----------------------------------------------------------------
 * Finds the tables that are named in an older audit table.
 * ----------------------------------------------------------------
 */

/* A table that is named in the source (the older audit table). */
typedef struct ImportTable
{
	char	   *source_schema;	/* NULL if the source has none */
	char	   *source_name;	/* may contain the schema, too */
	char	   *name;
	char	   *found_schema;
	int32		id;
	List	   *key_columns;	/* of char *; NIL if they are unknown */
}			ImportTable;

/* The tables that an import has found, and the schemas in which it looks. */
typedef struct ImportTables
{
	Oid			log_owner;
	MemoryContext context;		/* memory context of everything in this struct */
	List	   *schemas;		/* of char *: schemas of tables that the
								 * source names without a schema */
	List	   *found;			/* of ImportTable */
}			ImportTables;

/* Finds a table by its name and its schema's name. */
static CmigQuery find_table = {
	"SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname = $2"
	" AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cmig', 'cmig_audit')",
	2, {TEXTOID, TEXTOID}
};

static CmigQuery record_gone = {
	"INSERT INTO cmig_audit.layout (table_id, recorded_at, relation, schema_name, table_name, columns, key_columns)"
	" VALUES ($1, '-infinity', 0, $2, $3, '{}', '{}')",
	3, {INT4OID, TEXTOID, TEXTOID}
};

/*
 * Begin an import.  A table that the source names without a schema is looked up
 * in the source's schema and on the caller's search_path.  No other schema is
 * searched, so that entries are not attributed to a table of the same name that
 * another role has created elsewhere.
 */
static ImportTables *
import_tables_begin(Oid log_owner, MemoryContext context, Oid source)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ImportTables *tables = palloc0(sizeof(ImportTables));
	List	   *path = fetch_search_path(false);
	ListCell   *lc;

	tables->log_owner = log_owner;
	tables->context = context;
	tables->schemas = list_make1(get_namespace_name(get_rel_namespace(source)));
	foreach(lc, path)
	{
		if (get_namespace_name(lfirst_oid(lc)))
			tables->schemas = lappend(tables->schemas, get_namespace_name(lfirst_oid(lc)));
	}
	list_free(path);
	MemoryContextSwitchTo(old);
	return tables;
}

/*
 * Search the schemas, in this order, for an existing table with this name.
 * Returns its OID and sets *schema, or returns InvalidOid if there is none.
 */
static Oid
live_table(const char *name, List *schemas, char **schema)
{
	ListCell   *lc;

	foreach(lc, schemas)
	{
		Datum		values[2] = {CStringGetTextDatum(name), CStringGetTextDatum(lfirst(lc))};
		List	   *found = NIL;

		*schema = lfirst(lc);
		cmig_query_each(&find_table, values, NULL, cmig_query_keep_oid, &found);
		if (found)
			return linitial_oid(found);
	}
	return InvalidOid;
}

/*
 * Look for a table of the given name in the schemas: an existing table or,
 * failing that, a table that was audited or imported before.  Returns false if
 * there is no such table.  Runs as the log's owner.
 */
static bool
find_named(ImportTable * table, List *schemas, char *name)
{
	Oid			live = live_table(name, schemas, &table->found_schema);

	ListCell   *lc;

	table->name = name;
	if (!OidIsValid(live))
	{
		table->id = 0;
		foreach(lc, schemas)
		{
			table->found_schema = lfirst(lc);
			table->id = cmig_audit_layout_find(InvalidOid, table->found_schema, name);
			if (table->id != 0)
				break;
		}
		return table->id != 0;
	}
	table->id = cmig_audit_layout_find(live, table->found_schema, name);
	if (table->id == 0)
		table->id = cmig_audit_layout_find(InvalidOid, table->found_schema, name);
	return true;
}

/*
 * Find the table that is named in a row of the source.  Older audit tables
 * often store schema and name in one column, as written by TG_TABLE_SCHEMA ||
 * '.' || TG_TABLE_NAME or by tg_relid::regclass.  Therefore, the following are
 * tried until one of them identifies a table: the name as it is, the parts
 * before and after its dot, and the name as an SQL identifier.
 */
static void
find_table_of(ImportTables * tables, ImportTable * table)
{
	char	   *name = table->source_name;
	char	   *dot = strchr(name, '.');
	List	   *parts = NIL;
	List	   *split = NIL;

	if (table->source_schema)
	{
		(void) find_named(table, list_make1(table->source_schema), name);
		table->found_schema = table->source_schema;
		return;
	}
	if (find_named(table, tables->schemas, name))
		return;
	if (dot && dot != name && dot[1] != '\0' && strchr(dot + 1, '.') == NULL && strchr(name, '"') == NULL)
	{
		split = list_make1(pnstrdup(name, dot - name));
		if (find_named(table, split, dot + 1))
			return;
	}
	if (strpbrk(name, ".\"") && SplitIdentifierString(pstrdup(name), '.', &parts) &&
		(list_length(parts) == 1 || list_length(parts) == 2))
	{
		if (find_named(table, list_length(parts) == 2 ? list_make1(linitial(parts)) : tables->schemas,
					   llast(parts)))
			return;
	}
	else
		parts = NIL;

	/*
	 * the table was dropped and has never been audited, so use the names in
	 * the source
	 */
	table->name = split ? dot + 1 : parts ? llast(parts) : name;
	table->found_schema = split ? linitial(split) :
		list_length(parts) == 2 ? linitial(parts) : linitial(tables->schemas);
}

/* Assign an id to the table, and look up its key columns. */
static void
identify_table(ImportTables * tables, ImportTable * table)
{
	CmigRole	saved;

	cmig_role_act_as_owner(&saved, tables->log_owner);
	find_table_of(tables, table);
	if (table->id == 0)
	{
		Datum		row[3];

		table->id = cmig_audit_layout_new_id();
		row[0] = Int32GetDatum(table->id);
		row[1] = CStringGetTextDatum(table->found_schema);
		row[2] = CStringGetTextDatum(table->name);
		cmig_audit_log_write(&record_gone, row);
	}
	else
	{
		List	   *layouts = cmig_audit_layout_read(table->id);

		if (layouts)
			table->key_columns = ((CmigAuditLayout *) llast(layouts))->key_columns;
	}
	cmig_role_return(&saved);
}

/*
 * Returns the table to which the source refers by the given names.  A table
 * that neither exists nor was ever audited is given an id and a layout.
 */
static ImportTable *
import_table_named(ImportTables * tables, const char *schema_name, const char *name)
{
	ListCell   *lc;
	ImportTable *table;
	MemoryContext old;

	foreach(lc, tables->found)
	{
		table = lfirst(lc);
		if (strcmp(table->source_name, name) == 0 &&
			strcmp(table->source_schema ? table->source_schema : "", schema_name ? schema_name : "") == 0)
			return table;
	}
	old = MemoryContextSwitchTo(tables->context);
	table = palloc0(sizeof(ImportTable));
	table->source_name = pstrdup(name);
	table->source_schema = schema_name ? pstrdup(schema_name) : NULL;
	identify_table(tables, table);
	tables->found = lappend(tables->found, table);
	MemoryContextSwitchTo(old);
	return table;
}

/*
 * Returns an image's members that form the key, or NULL if one of them is
 * missing.
 */
static Jsonb *
import_table_key(const ImportTable * table, Jsonb *image)
{
	JsonbParseState *state = NULL;
	ListCell   *lc;

	if (image == NULL || !JB_ROOT_IS_OBJECT(image) || table->key_columns == NIL)
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, table->key_columns)
	{
		char	   *name = lfirst(lc);
		JsonbValue *value = getKeyJsonValueFromContainer(&image->root, name, strlen(name), NULL);
		JsonbValue	key;

		if (value == NULL)
			return NULL;
		key.type = jbvString;
		key.val.string.val = name;
		key.val.string.len = strlen(name);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* ----------------------------------------------------------------
 * Copies the rows of an older audit table into the log.
 *
 * Only members of the role that owns the log can import, because imported
 * entries can have any content.  A source can run its owner's code (a view's
 * functions, casts of its columns' types), so it is read as its owner, and the
 * caller must be a member of the owner's role.  Imported entries have the time
 * from the source, and a seq that is less than the seq of any other entry, so
 * that they sort before the entries that were logged here.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_import);

/*
 * The seq of an imported entry is its id plus this number, so that imported
 * entries sort before all other entries.
 */
#define IMPORTED_SEQ (-(INT64CONST(1) << 62))

/*
 * A field that can be named in a mapping, and the usual names of source
 * columns for it.
 */
typedef struct Field
{
	const char *name;
	const char *type;
	const char *usual[8];
} Field;

enum
{
	FIELD_TABLE_NAME,
	FIELD_TIME,
	FIELD_OPERATION,
	FIELD_SCHEMA_NAME,
	FIELD_OLD_ROW,
	FIELD_NEW_ROW,
	FIELD_USER_ID,
	FIELD_TENANT_ID,
	FIELD_ROLE,
	FIELD_APPLICATION_NAME,
	FIELD_REASON,
	FIELD_REQUEST_ID,
	FIELD_QUERY,
	FIELDS
};

static const Field fields[FIELDS] = {
	{"table_name", "text", {"table_name", "relname", "tablename"}},
	{"clock_at", "timestamptz", {"clock_at", "timestamp", "logged_at", "created_at", "changed_at", "ts", "action_tstamp_clk"}},
	{"operation", "text", {"operation", "op", "action"}},
	{"schema_name", "text", {"schema_name", "table_schema"}},
	{"old_row", "jsonb", {"old_row", "old_values", "old_data", "old_record"}},
	{"new_row", "jsonb", {"new_row", "new_values", "new_data", "record"}},
	{"user_id", "text", {"user_id", "acting_user_id", "changed_by", "auth_uid"}},
	{"tenant_id", "text", {"tenant_id"}},
	{"role", "text", {"role", "session_user_name", "db_user"}},
	{"application_name", "text", {"application_name"}},
	{"reason", "text", {"reason"}},
	{"request_id", "text", {"request_id"}},
	{"query", "text", {"query", "client_query"}}
};

/* One call of audit_import(). */
typedef struct Import
{
	Oid			extension_owner;
	Oid			log_owner;
	CmigAuditWriter *writer;
	MemoryContext context;		/* memory context for the whole import */
	MemoryContext batch;		/* memory context for values of entries that
								 * are not flushed yet */
	ImportTables *tables;
	int64		count;			/* number of rows so far */
} Import;

/* Returns the source's column for a field, or NULL if there is none. */
static const char *
mapped_column(Jsonb *mapping, const Field *field, Oid source)
{
	JsonbValue *value = mapping ?
	getKeyJsonValueFromContainer(&mapping->root, field->name, strlen(field->name), NULL) : NULL;

	if (value && value->type == jbvNull)
		return NULL;
	if (value)
	{
		char	   *column;

		if (value->type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the mapping for \"%s\" must be a column name", field->name)));
		column = pnstrdup(value->val.string.val, value->val.string.len);
		if (get_attnum(source, column) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" in the mapping does not exist in relation \"%s\"",
							column, get_rel_name(source))));
		return column;
	}
	for (int i = 0; i < lengthof(field->usual) && field->usual[i]; i++)
		if (get_attnum(source, field->usual[i]) > 0)
			return field->usual[i];
	return NULL;
}

/* Raise an error if the mapping contains a field that an import cannot set. */
static void
check_mapping(Jsonb *mapping)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (mapping == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(mapping))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the mapping must be a JSON object"),
				 errhint("Use a mapping such as '{\"clock_at\": \"changed_on\"}'.")));
	it = JsonbIteratorInit(&mapping->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		bool		known = false;
		StringInfoData names;

		if (token != WJB_KEY)
			continue;
		initStringInfo(&names);
		for (int i = 0; i < FIELDS; i++)
		{
			appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", fields[i].name);
			known |= strlen(fields[i].name) == v.val.string.len &&
				memcmp(fields[i].name, v.val.string.val, v.val.string.len) == 0;
		}
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized key \"%.*s\" in the mapping",
							v.val.string.len, v.val.string.val),
					 errhint("Valid keys are %s. The values are names of columns of the source.", names.data)));
	}
}

/*
 * Raise an error if converting the column could run a cast that was created by
 * the owner of the column's type, unless the type's owner has the privileges
 * of the source's owner.
 */
static void
refuse_foreign_type(Oid source, Oid owner, const char *column)
{
	Oid			type = get_atttype(source, get_attnum(source, column));

	if (cmig_type_role(type, owner) == owner)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("column \"%s\" of relation \"%s\" cannot be imported", column, get_rel_name(source)),
			 errdetail("The owner of type %s could run code as role \"%s\".",
					   format_type_be(type), GetUserNameFromId(owner, true)),
			 errhint("Import a copy in which the column has a built-in type.")));
}

/*
 * Returns the query for all fields, oldest rows first.  Fields that the source
 * lacks are null.
 */
static char *
source_query(Oid source, Oid owner, Jsonb *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < FIELDS; i++)
	{
		const char *column = mapped_column(mapping, &fields[i], source);

		if (column == NULL && i <= FIELD_OPERATION)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("relation \"%s\" has no column for \"%s\"", get_rel_name(source), fields[i].name),
					 errhint("Name the column in the mapping: SELECT cmig.audit_import(%s, '{\"%s\": \"<column>\"}')",
							 quote_literal_cstr(cmig_query_relation_name(source)), fields[i].name)));
		if (i > 0)
			appendStringInfoString(&sql, ", ");
		if (column == NULL)
		{
			appendStringInfo(&sql, "NULL::%s", fields[i].type);
			continue;
		}
		refuse_foreign_type(source, owner, column);
		appendStringInfo(&sql, "s.%s::%s", quote_identifier(column), fields[i].type);
	}
	appendStringInfo(&sql, " FROM %s s ORDER BY 2", cmig_query_relation_name(source));
	return sql.data;
}

static const char *
operation_word(const char *operation)
{
	switch (pg_toupper((unsigned char) operation[0]))
	{
		case 'I':
			return "INSERT";
		case 'U':
			return "UPDATE";
		case 'D':
			return "DELETE";
		case 'T':
			return "TRUNCATE";
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized operation \"%s\"", operation),
			 errdetail("Operations in the source must begin with I, U, D, or T.")));
	return NULL;
}

/* Returns the names of the members that differ between two JSON objects. */
static ArrayType *
changed_of(Jsonb *old, Jsonb *new)
{
	JsonbIterator *it = JsonbIteratorInit(&new->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	Datum	   *names = palloc(sizeof(Datum) * (JB_ROOT_COUNT(new) + 1));
	int			count = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		JsonbValue *a,
				   *b;

		if (token != WJB_KEY)
			continue;
		a = getKeyJsonValueFromContainer(&old->root, v.val.string.val, v.val.string.len, NULL);
		b = getKeyJsonValueFromContainer(&new->root, v.val.string.val, v.val.string.len, NULL);
		if (a && b && compareJsonbContainers(&JsonbValueToJsonb(a)->root, &JsonbValueToJsonb(b)->root) == 0)
			continue;
		names[count++] = PointerGetDatum(cstring_to_text_with_len(v.val.string.val, v.val.string.len));
	}
	return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * Returns the image in a field of a source row, or NULL if the field's value
 * is not a JSON object.
 */
static Jsonb *
image_of(TupleDesc desc, HeapTuple row, int field)
{
	bool		isnull;
	Datum		value = cmig_query_datum(desc, row, field + 1, &isnull);
	Jsonb	   *image = isnull ? NULL : DatumGetJsonbPCopy(value);

	return image && JB_ROOT_IS_OBJECT(image) ? image : NULL;
}

/*
 * Open a writer for entries of the given time, unless the current writer
 * accepts them.  Resets the batch, which must not yet contain any values of
 * the current row.
 */
static void
open_writer(Import *import, TimestampTz at)
{
	if (import->writer && cmig_audit_writer_takes(import->writer, at))
		return;
	if (import->writer)
		cmig_audit_writer_close(import->writer);
	MemoryContextReset(import->batch);
	MemoryContextSwitchTo(import->context);
	import->writer = cmig_audit_writer_open(import->extension_owner, at);
	MemoryContextSwitchTo(import->batch);
}

/* The values of an entry, indexed by CmigAuditLogColumn. */
typedef struct Entry
{
	Datum		values[CMIG_LOG_COLUMNS];
	bool		nulls[CMIG_LOG_COLUMNS];
} Entry;

static void
set_value(Entry *entry, CmigAuditLogColumn column, Datum value)
{
	entry->values[column] = value;
	entry->nulls[column] = false;
}

/* Set a key and its hash, by which the entries of a row are found. */
static void
set_key(Entry *entry, const ImportTable * table, CmigAuditLogColumn column,
		CmigAuditLogColumn hash, Jsonb *key)
{
	set_value(entry, column, JsonbPGetDatum(key));
	set_value(entry, hash,
			  Int64GetDatum(cmig_audit_log_row_hash(table->id, JsonbPGetDatum(key))));
}

/*
 * Set the values that every entry has: its table, position, time, and
 * operation.
 */
static void
set_place(Entry *entry, const ImportTable * table, TimestampTz at, int64 id,
		  const char *operation)
{
	set_value(entry, CMIG_LOG_ID, Int64GetDatum(id));
	set_value(entry, CMIG_LOG_SEQ, Int64GetDatum(IMPORTED_SEQ + id));
	set_value(entry, CMIG_LOG_TRANSACTION_ID, FullTransactionIdGetDatum(FullTransactionIdFromU64(0)));
	set_value(entry, CMIG_LOG_TRANSACTION_AT, TimestampTzGetDatum(at));
	set_value(entry, CMIG_LOG_CLOCK_AT, TimestampTzGetDatum(at));
	set_value(entry, CMIG_LOG_ROW_HASH, Int64GetDatum((int64) table->id << 32));
	set_value(entry, CMIG_LOG_TABLE_ID, Int32GetDatum(table->id));
	set_value(entry, CMIG_LOG_COMMAND_ID, Int64GetDatum(0));
	set_value(entry, CMIG_LOG_OPERATION, CStringGetTextDatum(operation_word(operation)));
	set_value(entry, CMIG_LOG_SCHEMA_NAME, CStringGetTextDatum(table->found_schema));
	set_value(entry, CMIG_LOG_TABLE_NAME, CStringGetTextDatum(table->name));
}

/* Set the row before and after the change, and the keys of both. */
static void
set_rows(Entry *entry, const ImportTable * table, Jsonb *old_row, Jsonb *new_row)
{
	Jsonb	   *key = import_table_key(table, new_row ? new_row : old_row);
	Jsonb	   *old_key = new_row ? import_table_key(table, old_row) : NULL;

	if (key)
		set_key(entry, table, CMIG_LOG_ROW_KEY, CMIG_LOG_ROW_HASH, key);
	if (key && old_key && compareJsonbContainers(&key->root, &old_key->root) != 0)
		set_key(entry, table, CMIG_LOG_OLD_KEY, CMIG_LOG_OLD_HASH, old_key);
	if (old_row)
		set_value(entry, CMIG_LOG_OLD_ROW, JsonbPGetDatum(old_row));
	if (new_row)
		set_value(entry, CMIG_LOG_NEW_ROW, JsonbPGetDatum(new_row));
	if (old_row && new_row)
		set_value(entry, CMIG_LOG_CHANGED, PointerGetDatum(changed_of(old_row, new_row)));
}

/* Copy the fields that are stored as text, such as the user and the reason. */
static void
set_texts(Entry *entry, TupleDesc desc, HeapTuple row)
{
	static const int copied[][2] = {
		{FIELD_USER_ID, CMIG_LOG_USER_ID}, {FIELD_TENANT_ID, CMIG_LOG_TENANT_ID},
		{FIELD_ROLE, CMIG_LOG_ROLE}, {FIELD_APPLICATION_NAME, CMIG_LOG_APPLICATION_NAME},
		{FIELD_REASON, CMIG_LOG_REASON}, {FIELD_REQUEST_ID, CMIG_LOG_REQUEST_ID},
		{FIELD_QUERY, CMIG_LOG_QUERY}
	};

	for (int i = 0; i < lengthof(copied); i++)
	{
		char	   *value = cmig_query_text_or_null(desc, row, copied[i][0] + 1);

		if (value)
			set_value(entry, copied[i][1], CStringGetTextDatum(value));
	}
}

/* Callback that writes the entry for one row of the source. */
static void
import_row(TupleDesc desc, HeapTuple row, void *arg)
{
	Import	   *import = arg;
	MemoryContext old = MemoryContextSwitchTo(import->batch);
	Entry		entry = {0};
	ImportTable *table;
	char	   *name;
	char	   *operation;
	Jsonb	   *old_row;
	Jsonb	   *new_row;
	TimestampTz at;
	bool		isnull;

	at = DatumGetTimestampTz(cmig_query_datum(desc, row, FIELD_TIME + 1, &isnull));
	if (!isnull && TIMESTAMP_IS_NOEND(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row of the source has the time \"infinity\""),
				 errdetail("cmig.audit_as_of() would treat the change as later than any requested time."),
				 errhint("Import a view that omits this row or contains the time of the change.")));
	if (!isnull)
		open_writer(import, at);
	name = cmig_query_text_or_null(desc, row, FIELD_TABLE_NAME + 1);
	operation = cmig_query_text_or_null(desc, row, FIELD_OPERATION + 1);
	if (isnull || name == NULL || operation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a row of the source has no table, operation, or time")));
	table = import_table_named(import->tables,
							   cmig_query_text_or_null(desc, row, FIELD_SCHEMA_NAME + 1), name);
	old_row = image_of(desc, row, FIELD_OLD_ROW);
	new_row = image_of(desc, row, FIELD_NEW_ROW);

	memset(entry.nulls, true, sizeof(entry.nulls));
	set_place(&entry, table, at, cmig_audit_writer_next_id(import->writer), operation);
	set_rows(&entry, table, old_row, new_row);
	set_texts(&entry, desc, row);
	import->count++;
	if (cmig_audit_writer_add(import->writer, entry.values, entry.nulls,
							  300 + (old_row ? VARSIZE(old_row) : 0) +
							  (new_row ? VARSIZE(new_row) : 0)))
		MemoryContextReset(import->batch);
	MemoryContextSwitchTo(old);
}

/*
 * Returns a row if the relation is the log, one of its partitions, or a view
 * that reads nothing else.  A view that also reads other tables is accepted as
 * a source.
 */
static CmigQuery is_of_log = {
	"WITH RECURSIVE s(oid) AS (SELECT $1 UNION SELECT d.refobjid FROM s"
	"  JOIN pg_catalog.pg_rewrite r ON r.ev_class = s.oid"
	"  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid"
	"   AND d.refclassid = 'pg_catalog.pg_class'::regclass)"
	" SELECT 'yes' FROM s JOIN pg_catalog.pg_class c ON c.oid = s.oid WHERE c.relkind <> 'v'"
	" HAVING pg_catalog.bool_and(c.oid = $2 OR EXISTS (SELECT FROM pg_catalog.pg_inherits i"
	"  WHERE i.inhrelid = c.oid AND i.inhparent = $2))",
	2, {OIDOID, OIDOID}
};

/* Raise an error if the source is the log or a view of it. */
static void
refuse_log(Oid source)
{
	Datum		values[2] = {ObjectIdGetDatum(source),
	ObjectIdGetDatum(cmig_audit_log_relation())};
	char	   *found = NULL;

	cmig_query_each(&is_of_log, values, NULL, cmig_query_keep_text, &found);
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation \"%s\" is the audit log or a view of it", get_rel_name(source)),
				 errdetail("Importing the audit log would duplicate its entries."),
				 errhint("Name the older audit table whose rows you want to copy into the log.")));
}

/* Raise an error unless the caller may act as the source's owner. */
static void
require_owner(Oid source, Oid owner)
{
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of relation \"%s\" to import it", get_rel_name(source)),
				 errdetail("The import reads the relation as its owner, role \"%s\", because reading it can run that role's code.",
						   GetUserNameFromId(owner, true)),
				 errhint("Import a copy that belongs to you: CREATE TABLE <copy> AS SELECT * FROM %s;",
						 cmig_query_relation_name(source))));
}

/*
 * Read the source as its owner.  Settings that the owner's code changes, and
 * triggers that this code defers, do not outlive the query, which runs in a
 * security-restricted operation and in its own GUC nest level.
 */
static void
read_source(Import *import, Oid source, Jsonb *mapping)
{
	Oid			owner = cmig_audit_log_table_owner(source);
	CmigQuery	query = {0};
	CmigRole	saved;
	int			guc_level;

	require_owner(source, owner);

	/*
	 * Once the source is locked, other sessions cannot replace it or change
	 * its owner, so look up and check its owner again.
	 */
	LockRelationOid(source, AccessShareLock);
	owner = cmig_audit_log_table_owner(source);
	require_owner(source, owner);
	query.sql = source_query(source, owner, mapping);
	guc_level = NewGUCNestLevel();
	cmig_role_act_as(&saved, owner);
	cmig_query_each(&query, NULL, NULL, import_row, import);
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
	cmig_query_free(&query);
}

Datum
cmig_audit_import(PG_FUNCTION_ARGS)
{
	Import		import = {0};
	Jsonb	   *mapping = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);

	cmig_argument_require(fcinfo, 0, "the source", "SELECT cmig.audit_import('<table>')");
	if (get_rel_name(PG_GETARG_OID(0)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the source must be a table or view")));
	import.extension_owner = cmig_audit_log_extension_owner();
	import.log_owner = cmig_audit_log_make(import.extension_owner);
	if (!has_privs_of_role(GetUserId(), import.log_owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the audit log"),
				 errdetail("Only roles with privileges of the log's owner, role \"%s\", can import entries.",
						   GetUserNameFromId(import.log_owner, true))));
	refuse_log(PG_GETARG_OID(0));
	cmig_audit_retain_ahead(import.log_owner, 3);
	check_mapping(mapping);
	import.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig audit import",
										   ALLOCSET_DEFAULT_SIZES);
	import.batch = AllocSetContextCreate(import.context, "pg_cmig audit batch",
										 ALLOCSET_DEFAULT_SIZES);
	import.tables = import_tables_begin(import.log_owner, import.context, PG_GETARG_OID(0));
	read_source(&import, PG_GETARG_OID(0), mapping);
	if (import.writer)
		cmig_audit_writer_close(import.writer);
	MemoryContextDelete(import.context);
	PG_RETURN_INT64(import.count);
}
