/*
 * audit_import_table.c
 *	  Finds the tables that are named in an older audit table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_import_table.h"
#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

/* The tables that an import has found, and the schemas in which it looks. */
struct CmigAuditImportTables
{
	Oid			log_owner;
	MemoryContext context;		/* memory context of everything in this struct */
	List	   *schemas;		/* of char *: schemas of tables that the
								 * source names without a schema */
	List	   *found;			/* of CmigAuditImportTable */
};

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

/* Callback that stores the OID in a row of the query find_table. */
static void
take_table(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;

	*(Oid *) arg = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
}

CmigAuditImportTables *
cmig_audit_import_tables_begin(Oid log_owner, MemoryContext context, Oid source)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	CmigAuditImportTables *tables = palloc0(sizeof(CmigAuditImportTables));
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
		Oid			found = InvalidOid;

		*schema = lfirst(lc);
		cmig_query_each(&find_table, values, NULL, take_table, &found);
		if (OidIsValid(found))
			return found;
	}
	return InvalidOid;
}

/*
 * Search the schemas, in this order, for a dropped table with this name.
 * Returns its id and sets *schema, or returns 0 if there is none.
 */
static int32
gone_table(const char *name, List *schemas, char **schema)
{
	ListCell   *lc;

	foreach(lc, schemas)
	{
		int32		id = cmig_audit_layout_find(InvalidOid, lfirst(lc), name);

		*schema = lfirst(lc);
		if (id != 0)
			return id;
	}
	return 0;
}

/*
 * Look for a table of the given name in the schemas: an existing table or,
 * failing that, a table that was audited or imported before.  Returns false if
 * there is no such table.  Runs as the log's owner.
 */
static bool
find_named(CmigAuditImportTable *table, List *schemas, char *name)
{
	Oid			live = live_table(name, schemas, &table->found_schema);

	table->name = name;
	if (!OidIsValid(live))
	{
		table->id = gone_table(name, schemas, &table->found_schema);
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
find_table_of(CmigAuditImportTables *tables, CmigAuditImportTable *table)
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
identify_table(CmigAuditImportTables *tables, CmigAuditImportTable *table)
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

CmigAuditImportTable *
cmig_audit_import_table_named(CmigAuditImportTables *tables, const char *schema_name, const char *name)
{
	ListCell   *lc;
	CmigAuditImportTable *table;
	MemoryContext old;

	foreach(lc, tables->found)
	{
		table = lfirst(lc);
		if (strcmp(table->source_name, name) == 0 &&
			strcmp(table->source_schema ? table->source_schema : "", schema_name ? schema_name : "") == 0)
			return table;
	}
	old = MemoryContextSwitchTo(tables->context);
	table = palloc0(sizeof(CmigAuditImportTable));
	table->source_name = pstrdup(name);
	table->source_schema = schema_name ? pstrdup(schema_name) : NULL;
	identify_table(tables, table);
	tables->found = lappend(tables->found, table);
	MemoryContextSwitchTo(old);
	return table;
}

Jsonb *
cmig_audit_import_table_key(const CmigAuditImportTable *table, Jsonb *image)
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
