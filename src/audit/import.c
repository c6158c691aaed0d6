/*
 * import.c
 *	  Importing older logs.
 *
 * Only members of the role that owns the log can import, because imported
 * entries can have any content.  A source can run its owner's code (a view's
 * functions, casts of its columns' types), so it is read as its owner, and the
 * caller must be a member of the owner's role.  Imported entries have the time
 * from the source, and a seq that is less than the seq of any other entry, so
 * that they sort before the entries that were logged here.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/palloc.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit/internal.h"

/* A table that is named in the source (the older audit table). */
typedef struct ImportTable
{
	char	   *source_schema;	/* NULL if the source has none */
	char	   *source_name;	/* may contain the schema, too */
	char	   *name;
	char	   *found_schema;
	int32		id;
	List	   *key_columns;	/* of char *; NIL if they are unknown */
} ImportTable;

/* One call of audit_import(). */
typedef struct Import
{
	Oid			extension_owner;
	Oid			log_owner;
	CmigAuditWriter *writer;
	MemoryContext context;		/* memory context for the whole import */
	MemoryContext batch;		/* memory context for values of entries that
								 * are not flushed yet */
	List	   *schemas;		/* of char *: schemas of tables that the
								 * source names without a schema */
	List	   *tables;			/* of ImportTable: those found so far */
	char	   *stray_ids;		/* for cmig_audit_layout_new_id() */
	int64		count;			/* number of rows so far */
	Datum		values[CMIG_LOG_COLUMNS];	/* of the current entry */
	bool		nulls[CMIG_LOG_COLUMNS];
} Import;

/*
 * The table that a row of the source names: its schema, its name, and its OID
 * if it exists.  $1 is the schema in the source or null, $2 the name, $3 the
 * schemas of tables without one.  Older audit tables often store schema and
 * name in one column, as written by TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME or
 * by tg_relid::regclass.  Therefore, the following are tried until one of them
 * identifies a table that exists or is in the log: the name as it is, the parts
 * before and after its dot, and the name as an SQL identifier.
 */
#define IDENTIFIER "(\"([^\"]|\"\")+\"|[[:alpha:]_][[:alnum:]_$]*)"

static CmigQuery find_table = {
	"SELECT p.schema, p.name, t.oid FROM ("
	"SELECT 1, s.n, s.s, $2 FROM unnest(CASE WHEN $1 IS NULL THEN $3"
	" ELSE ARRAY[$1] END) WITH ORDINALITY s(s, n)"
	" UNION ALL SELECT 2, 1, split_part($2, '.', 1), split_part($2, '.', 2) WHERE $1 IS NULL"
	" AND $2 ~ '^[^.\"]+[.][^.\"]+$'"
	" UNION ALL SELECT 3, s.n, s.s, i.i[cardinality(i.i)] FROM parse_ident(CASE WHEN $1 IS NULL"
	" AND $2 ~ '[.\"]'"
	"   AND $2 ~ '^" IDENTIFIER "([.]" IDENTIFIER ")?$' THEN $2 END) i(i)"
	"  JOIN unnest(CASE WHEN cardinality(i.i) = 2 THEN i.i[1:1]"
	" ELSE $3 END) WITH ORDINALITY s(s, n) ON i.i IS NOT NULL) p(try, n, schema, name)"
	" LEFT JOIN (SELECT c.oid, c.relname, n.nspname FROM pg_catalog.pg_class c"
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	"  WHERE c.relkind IN ('r', 'p')"
	" AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cmig', 'cmig_audit')) t"
	"  ON t.relname = p.name AND t.nspname = p.schema"
	" CROSS JOIN LATERAL (SELECT t.oid IS NULL AND NOT EXISTS (SELECT FROM cmig_audit.layout l"
	" WHERE l.schema_name = p.schema AND l.table_name = p.name)) u(unknown)"
	" ORDER BY u.unknown, u.unknown AND p.try = 1, p.try, t.oid IS NULL, p.n LIMIT 1",
	{TEXTOID, TEXTOID, TEXTARRAYOID}
};

static CmigQuery record_gone = {
	"INSERT INTO cmig_audit.layout (table_id, recorded_at, relation, schema_name, table_name, columns, key_columns)"
	" VALUES ($1, '-infinity', 0, $2, $3, '{}', '{}')",
	{INT4OID, TEXTOID, TEXTOID}
};

/*
 * Returns the table to which the source refers by the given names.  A table
 * that neither exists nor was ever audited is given an id and a layout.
 */
static ImportTable *
table_named(Import *import, const char *schema_name, const char *name)
{
	ImportTable *table;
	MemoryContext old;
	CmigRole	saved;
	List	   *layouts;
	char	  **row;
	int			guc_level;

	foreach_ptr(ImportTable, each, import->tables)
	{
		table = each;
		if (strcmp(table->source_name, name) == 0 &&
			cmig_text_same(table->source_schema, schema_name))
			return table;
	}
	old = MemoryContextSwitchTo(import->context);
	table = palloc0(sizeof(ImportTable));
	table->source_name = pstrdup(name);
	table->source_schema = schema_name ? pstrdup(schema_name) : NULL;
	cmig_role_act_as_owner(&saved, import->log_owner);
	row = cmig_query_row(&find_table, table->source_schema, table->source_name,
						 cmig_audit_names(import->schemas));
	table->found_schema = row[0];
	table->name = row[1];
	table->id = row[2] ? cmig_audit_layout_find(atooid(row[2]), row[0], row[1]) : 0;
	if (table->id == 0)
		table->id = cmig_audit_layout_find(InvalidOid, row[0], row[1]);
	if (table->id == 0)
	{
		table->id = cmig_audit_layout_new_id(&import->stray_ids);
		guc_level = cmig_audit_log_silence();
		cmig_query_do(&record_gone, table->id, table->found_schema, table->name);
		AtEOXact_GUC(false, guc_level);
	}
	layouts = cmig_audit_layout_read(table->id);
	if (layouts)
		table->key_columns = ((CmigAuditLayout *) llast(layouts))->key_columns;
	cmig_role_return(&saved);
	import->tables = lappend(import->tables, table);
	MemoryContextSwitchTo(old);
	return table;
}

/*
 * Returns an image's members that form the key, or NULL if one of them is
 * missing.
 */
static Jsonb *
key_of(const ImportTable *table, Jsonb *image)
{
	CmigJsonbStateCompat state = {0};

	if (image == NULL || table->key_columns == NIL)
		return NULL;
	foreach_ptr(char, column, table->key_columns)
	{
		JsonbValue *value = getKeyJsonValueFromContainer(&image->root, column, strlen(column),
														 NULL);

		if (value == NULL)
			return NULL;
		cmig_audit_put_member(&state, column, value);
	}
	return JsonbValueToJsonb(cmig_push_jsonb_compat(&state, WJB_END_OBJECT, NULL));
}

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
	FIELDS,						/* the number of fields; computed columns
								 * follow */
	FIELD_WORD = FIELDS,
	FIELD_CHANGED
};

static const Field fields[FIELDS] = {
	{"table_name", "text", {"table_name", "relname", "tablename"}},
	{"clock_at", "timestamptz",
		{"clock_at", "timestamp", "logged_at", "created_at", "changed_at", "ts",
	"action_tstamp_clk"}},
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
	static CmigQuery unknown_key = {
		"SELECT k, array_to_string($2, ', ') FROM jsonb_object_keys($1::jsonb) k"
		" WHERE k <> ALL ($2) LIMIT 1",
		{TEXTOID, TEXTARRAYOID}
	};
	char	   *names[FIELDS];
	CmigNames	known = {FIELDS, names};
	char	  **unknown;

	if (!JB_ROOT_IS_OBJECT(mapping))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the mapping must be a JSON object"),
				 errhint("Use a mapping such as '{\"clock_at\": \"changed_on\"}'.")));
	for (int i = 0; i < FIELDS; i++)
		names[i] = (char *) fields[i].name;
	unknown = cmig_query_row(&unknown_key, JsonbToCString(NULL, &mapping->root, VARSIZE(mapping)),
							 &known);
	if (unknown)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized key \"%s\" in the mapping", unknown[0]),
				 errhint("Valid keys are %s. The values are names of columns of the source.",
						 unknown[1])));
}

/*
 * Returns the query for all fields, oldest rows first.  Fields that the source
 * lacks are null.  Images that are not objects become null.  FIELD_WORD is the
 * operation as it is logged, and FIELD_CHANGED the names of the columns that an
 * update changed.
 */
static char *
source_query(Oid source, Oid owner, Jsonb *mapping)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT s.*, CASE pg_catalog.upper(\"left\"(s.operation, 1))"
						   " WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' WHEN 'D' THEN 'DELETE'"
						   " WHEN 'T' THEN 'TRUNCATE' END,"
						   " CASE WHEN s.old_row IS NOT NULL AND s.new_row IS NOT NULL"
						   " THEN ARRAY(SELECT n.key FROM pg_catalog.jsonb_each(s.new_row) n"
						   "  WHERE s.old_row -> n.key IS DISTINCT FROM n.value) END"
						   " FROM (SELECT ");
	for (int i = 0; i < FIELDS; i++)
	{
		const char *column = mapped_column(mapping, &fields[i], source);
		Oid			type;

		if (column == NULL && i <= FIELD_OPERATION)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("relation \"%s\" has no column for \"%s\"", get_rel_name(source),
							fields[i].name),
					 errhint("Name the column in the mapping: SELECT cmig.audit_import(%s, '{\"%s\": \"<column>\"}')",
							 quote_literal_cstr(cmig_query_relation_name(source)),
							 fields[i].name)));
		if (i > 0)
			appendStringInfoString(&sql, ", ");
		if (column == NULL)
		{
			appendStringInfo(&sql, "NULL::%s AS %s", fields[i].type, fields[i].name);
			continue;
		}

		/*
		 * the type's owner could create a cast that runs as the source's
		 * owner
		 */
		type = get_atttype(source, get_attnum(source, column));
		if (cmig_type_role(type, owner) != owner)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("column \"%s\" of relation \"%s\" cannot be imported", column,
							get_rel_name(source)),
					 errdetail("The owner of type %s could run code as role \"%s\".",
							   format_type_be(type), GetUserNameFromId(owner, true)),
					 errhint("Import a copy in which the column has a built-in type.")));
		column = psprintf("s.%s::%s", quote_identifier(column), fields[i].type);
		if (i == FIELD_OLD_ROW || i == FIELD_NEW_ROW)
			column = psprintf("CASE WHEN pg_catalog.jsonb_typeof(%s) = 'object' THEN %s END",
							  column, column);
		appendStringInfo(&sql, "%s AS %s", column, fields[i].name);
	}
	appendStringInfo(&sql, " FROM %s s OFFSET 0) s ORDER BY s.clock_at",
					 cmig_query_relation_name(source));
	return sql.data;
}

static void
set_value(Import *import, CmigAuditLogColumn column, Datum value)
{
	import->values[column] = value;
	import->nulls[column] = false;
}

/* Set a key and its hash, by which the entries of a row are found. */
static void
set_key(Import *import, const ImportTable *table, CmigAuditLogColumn column,
		CmigAuditLogColumn hash, Jsonb *key)
{
	set_value(import, column, JsonbPGetDatum(key));
	set_value(import, hash,
			  Int64GetDatum(cmig_audit_log_row_hash(table->id, JsonbPGetDatum(key))));
}

/* Callback that writes the entry for one row of the source. */
static void
import_row(const CmigRow *row, void *arg)
{
	/* the fields that are copied as they are */
	static const int copied[][3] = {
		{FIELD_WORD, CMIG_LOG_OPERATION, TEXTOID}, {FIELD_OLD_ROW, CMIG_LOG_OLD_ROW, JSONBOID},
		{FIELD_NEW_ROW, CMIG_LOG_NEW_ROW, JSONBOID},
		{FIELD_CHANGED, CMIG_LOG_CHANGED, TEXTARRAYOID},
		{FIELD_USER_ID, CMIG_LOG_USER_ID, TEXTOID}, {FIELD_TENANT_ID, CMIG_LOG_TENANT_ID, TEXTOID},
		{FIELD_ROLE, CMIG_LOG_ROLE, TEXTOID},
		{FIELD_APPLICATION_NAME, CMIG_LOG_APPLICATION_NAME, TEXTOID},
		{FIELD_REASON, CMIG_LOG_REASON, TEXTOID}, {FIELD_REQUEST_ID, CMIG_LOG_REQUEST_ID, TEXTOID},
		{FIELD_QUERY, CMIG_LOG_QUERY, TEXTOID}
	};
	Import	   *import = arg;
	MemoryContext old = MemoryContextSwitchTo(import->batch);
	ImportTable *table;
	char	   *name;
	char	   *operation;
	Jsonb	   *rows[2] = {NULL, NULL};
	Jsonb	   *key;
	Jsonb	   *old_key;
	TimestampTz at;
	Size		size = 300;
	int64		id;
	bool		isnull;

	at = DatumGetTimestampTz(cmig_query_datum(row, FIELD_TIME + 1, TIMESTAMPTZOID, &isnull));
	if (!isnull && TIMESTAMP_IS_NOEND(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row of the source has the time \"infinity\""),
				 errdetail("cmig.audit_as_of() would treat the change as later than any requested time."),
				 errhint("Import a view that omits this row or contains the time of the change.")));

	/*
	 * The entries of a month go to one partition.  The batch, which is reset
	 * with the writer, does not yet contain any values of this row.
	 */
	if (!isnull && (import->writer == NULL || !cmig_audit_writer_takes(import->writer, at)))
	{
		if (import->writer)
			cmig_audit_writer_close(import->writer);
		MemoryContextReset(import->batch);
		MemoryContextSwitchTo(import->context);
		import->writer = cmig_audit_writer_open(import->extension_owner, at);
		MemoryContextSwitchTo(import->batch);
	}
	name = cmig_query_text_or_null(row, FIELD_TABLE_NAME + 1);
	operation = cmig_query_text_or_null(row, FIELD_OPERATION + 1);
	if (isnull || name == NULL || operation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a row of the source has no table, operation, or time")));
	table = table_named(import, cmig_query_text_or_null(row, FIELD_SCHEMA_NAME + 1), name);

	memset(import->nulls, true, sizeof(import->nulls));
	for (int i = 0; i < lengthof(copied); i++)
	{
		Datum		value = cmig_query_datum(row, copied[i][0] + 1, copied[i][2], &isnull);

		if (isnull && copied[i][0] == FIELD_WORD)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized operation \"%s\"", operation),
					 errdetail("Operations in the source must begin with I, U, D, or T.")));
		if (isnull)
			continue;
		value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		set_value(import, copied[i][1], value);
		size += VARSIZE(DatumGetPointer(value));
		if (copied[i][0] == FIELD_OLD_ROW || copied[i][0] == FIELD_NEW_ROW)
			rows[copied[i][0] == FIELD_NEW_ROW] = DatumGetJsonbP(value);
	}
	id = cmig_audit_writer_next_id(import->writer);
	set_value(import, CMIG_LOG_ID, Int64GetDatum(id));
	set_value(import, CMIG_LOG_SEQ, Int64GetDatum(IMPORTED_SEQ + id));
	set_value(import, CMIG_LOG_TRANSACTION_ID,
			  FullTransactionIdGetDatum(FullTransactionIdFromU64(0)));
	set_value(import, CMIG_LOG_TRANSACTION_AT, TimestampTzGetDatum(at));
	set_value(import, CMIG_LOG_CLOCK_AT, TimestampTzGetDatum(at));
	set_value(import, CMIG_LOG_ROW_HASH, Int64GetDatum((int64) table->id << 32));
	set_value(import, CMIG_LOG_TABLE_ID, Int32GetDatum(table->id));
	set_value(import, CMIG_LOG_COMMAND_ID, Int64GetDatum(0));
	set_value(import, CMIG_LOG_SCHEMA_NAME, CStringGetTextDatum(table->found_schema));
	set_value(import, CMIG_LOG_TABLE_NAME, CStringGetTextDatum(table->name));
	key = key_of(table, rows[1] ? rows[1] : rows[0]);
	old_key = rows[1] ? key_of(table, rows[0]) : NULL;
	if (key)
		set_key(import, table, CMIG_LOG_ROW_KEY, CMIG_LOG_ROW_HASH, key);
	if (key && old_key && compareJsonbContainers(&key->root, &old_key->root) != 0)
		set_key(import, table, CMIG_LOG_OLD_KEY, CMIG_LOG_OLD_HASH, old_key);
	import->count++;
	if (cmig_audit_writer_add(import->writer, import->values, import->nulls, size))
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
	"  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass"
	" AND d.objid = r.oid"
	"   AND d.refclassid = 'pg_catalog.pg_class'::regclass)"
	" SELECT 'yes' FROM s JOIN pg_catalog.pg_class c ON c.oid = s.oid WHERE c.relkind <> 'v'"
	" HAVING pg_catalog.bool_and(c.oid = $2 OR EXISTS (SELECT FROM pg_catalog.pg_inherits i"
	"  WHERE i.inhrelid = c.oid AND i.inhparent = $2))",
	{OIDOID, OIDOID}
};

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
 * Returns the source and the relations that views, policies, and child tables add
 * to it, locked so that none can be replaced or added.  Raises an error if another
 * role can replace a view that the owner would read.
 */
static List *
lock_source(Oid source, Oid owner)
{
	static CmigQuery reached = {
		"WITH RECURSIVE s (oid) AS (SELECT $1 UNION SELECT n.oid FROM s, LATERAL ("
		"  SELECT d.refobjid FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid"
		" AND c.relkind IN ('r', 'p', 'v', 'm', 'f') WHERE d.refclassid = 'pg_class'::regclass"
		"   AND (d.classid = 'pg_rewrite'::regclass AND d.objid IN (SELECT r.oid FROM pg_rewrite r"
		" WHERE r.ev_class = s.oid AND r.ev_type = '1')"
		"    OR d.classid = 'pg_policy'::regclass AND d.objid IN (SELECT p.oid FROM pg_policy p"
		" WHERE p.polrelid = s.oid))"
		"  UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = s.oid) n (oid))"
		" SELECT oid FROM s ORDER BY oid", {OIDOID}
	};
	List	   *locked = NIL;
	List	   *found;

	while ((found = list_difference_oid(cmig_query_oids(&reached, source), locked)) != NIL)
	{
		foreach_oid(each, found)
		{
			LockRelationOid(each, ShareUpdateExclusiveLock);
			locked = lappend_oid(locked, each);
		}
	}
	foreach_oid(each, locked)
	{
		if (get_rel_relkind(each) == RELKIND_VIEW &&
			!has_privs_of_role(cmig_audit_log_table_owner(each), owner))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("relation \"%s\" cannot be imported", cmig_query_name(source)),
					 errdetail("The owner of view %s could run code as role \"%s\".",
							   cmig_query_relation_name(each), GetUserNameFromId(owner, true)),
					 errhint("Import a copy: CREATE TABLE <copy> AS SELECT * FROM %s",
							 cmig_query_relation_name(source))));
	}
	return locked;
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
	CmigQuery  *query;
	CmigRole	saved;

	require_owner(source, owner);

	/*
	 * Once the source is locked, other sessions cannot replace it or change
	 * its owner, so look up and check its owner again.
	 */
	LockRelationOid(source, AccessShareLock);
	owner = cmig_audit_log_table_owner(source);
	require_owner(source, owner);
	query = cmig_query_make(source_query(source, owner, mapping), lock_source(source, owner), 0,
							NULL);
	query->children = true;
	/* an entry that is left out would be missing for good */
	query->all_rows = true;
	cmig_role_act_as(&saved, owner);
	cmig_query_each(query, NULL, NULL, import_row, import);
	cmig_role_return(&saved);
}

Datum
cmig_audit_import(PG_FUNCTION_ARGS)
{
	Import		import = {0};
	Jsonb	   *mapping = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	MemoryContext old;

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
	if (cmig_query_value(&is_of_log, PG_GETARG_OID(0), cmig_audit_log_relation()))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation \"%s\" is the audit log or a view of it",
						get_rel_name(PG_GETARG_OID(0))),
				 errdetail("Importing the audit log would duplicate its entries."),
				 errhint("Name the older audit table whose rows you want to copy into the log.")));
	cmig_audit_retain_ahead(import.log_owner, 3);
	if (mapping)
		check_mapping(mapping);
	import.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig audit import",
										   ALLOCSET_DEFAULT_SIZES);
	import.batch = AllocSetContextCreate(import.context, "pg_cmig audit batch",
										 ALLOCSET_DEFAULT_SIZES);

	/*
	 * A table that the source names without a schema is looked up in the
	 * source's schema and on the caller's search_path.  No other schema is
	 * searched, so that entries are not attributed to a table of the same
	 * name that another role has created elsewhere.
	 */
	old = MemoryContextSwitchTo(import.context);
	import.schemas = list_make1(get_namespace_name(get_rel_namespace(PG_GETARG_OID(0))));
	foreach_oid(schema, fetch_search_path(false))
	{
		if (get_namespace_name(schema))
			import.schemas = lappend(import.schemas, get_namespace_name(schema));
	}
	MemoryContextSwitchTo(old);
	read_source(&import, PG_GETARG_OID(0), mapping);
	if (import.writer)
		cmig_audit_writer_close(import.writer);
	MemoryContextDelete(import.context);
	PG_RETURN_INT64(import.count);
}
