/*
 * lint_facts.c
 *	  Lint: relations and types in the live catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_partitioned_table.h"
#include "parser/parse_type.h"

#include "lint/internal.h"

/*
 * Reads facts about partitions, foreign keys, schemas, and types from the
 * catalogs, for cmig.lint.
 */

List *
cmig_lint_catalog_tables_in(Oid schema)
{
	static CmigQuery query = {
		.sql = "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind IN ('r', 'm', 'p')"
		"  AND CASE WHEN $1 <> 0 THEN n.oid = $1 ELSE n.nspname <> 'pg_catalog' END",
		.argtypes = {OIDOID}
	};

	return cmig_query_oids(&query, schema);
}

List *
cmig_lint_catalog_tables_with_type(Oid type)
{
	List	   *result = OidIsValid(type) ? cmig_related(CMIG_RELATED_BY_TYPE, type) : NIL;
	Oid			array = OidIsValid(type) ? get_array_type(type) : InvalidOid;

	return OidIsValid(array) ?
		list_concat_unique_oid(result, cmig_related(CMIG_RELATED_BY_TYPE, array)) : result;
}

bool
cmig_lint_catalog_type_is_used(Oid relation)
{
	Oid			type = get_rel_type_id(relation);

	return OidIsValid(type) && cmig_lint_catalog_tables_with_type(type) != NIL;
}

/*
 * Reads facts about the live database's relations for cmig.lint.
 *
 * Only catalogs and file sizes are read.  No relation lock is kept, nothing
 * waits for a lock, and no user-defined code is called.
 */

/*
 * Add up the sizes and row counts of a table and its children, or only of the
 * table itself.
 */
static void
read_size(CmigLintTable *table, bool has_children)
{
	bool		by_citus = false;
	int64		own = -1;

	table->bytes = table->rows = 0;
	foreach_oid(relation,
				has_children ? cmig_related(CMIG_RELATED_TREE, table->oid) :
				list_make1_oid(table->oid))
	{
		FormData_pg_class row;
		int64		size;

		by_citus |= cmig_citus_manages(relation);
		if (!cmig_role_relation(relation, &row) || strchr("rmt", row.relkind) == NULL)
			continue;
		size = cmig_size_of_file(&row);
		table->bytes += size;
		table->rows = row.reltuples < 0 || table->rows < 0 ? -1 : table->rows + row.reltuples;
		if (relation == table->oid)
			own = size;
	}

	/*
	 * if Citus manages the table, the rows are in shards, whose sizes are not
	 * known here
	 */
	if (by_citus)
		table->bytes = table->rows = -1;
	table->empty = table->bytes == 0;
	table->empty_itself = has_children && own >= 0 ? own == 0 : table->empty;
}

char *
cmig_lint_facts_grants(Oid relation, const char *name)
{
	static CmigQuery query = {
		.sql = "SELECT string_agg(format('GRANT %s ON %s TO %s%s', privileges, $2, grantee, option), E';\n' ORDER BY first)"
		" FROM (SELECT min(a.ordinality) AS first,"
		"  string_agg(a.privilege_type, ', ' ORDER BY array_position('{SELECT,INSERT}', a.privilege_type), a.ordinality) AS privileges,"
		"  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee,"
		"  CASE WHEN bool_or(a.is_grantable) THEN ' WITH GRANT OPTION' ELSE '' END AS option"
		"  FROM pg_class c, aclexplode(c.relacl) WITH ORDINALITY a LEFT"
		" JOIN pg_roles r ON r.oid = a.grantee"
		"  WHERE c.oid = $1 AND a.grantee <> c.relowner AND (a.grantee = 0 OR r.oid IS NOT NULL)"
		"  GROUP BY a.grantor, a.grantee, r.rolname) g",
		.argtypes = {OIDOID, TEXTOID}
	};

	return cmig_query_value(&query, relation, name);
}

List *
cmig_lint_facts_partition_key(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	Form_pg_partitioned_table form;
	List	   *result = NIL;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
	{
		char	   *name = form->partattrs.values[i] != 0 ?
		get_attname(table, form->partattrs.values[i], true) : NULL;

		if (name)
			result = lappend(result, name);
	}
	ReleaseSysCache(tuple);
	return result;
}

CmigLintTable *
cmig_lint_facts_read(Oid relation, bool sizes)
{
	FormData_pg_class row;
	const char *schema;
	CmigLintTable *table;

	if (!cmig_role_relation(relation, &row))
		return NULL;
	schema = isTempNamespace(row.relnamespace) ? "pg_temp" : get_namespace_name(row.relnamespace);
	if (schema == NULL)
		return NULL;			/* just dropped by another session */
	table = palloc0(sizeof(CmigLintTable));
	table->oid = relation;
	table->origin = CMIG_LINT_LIVE;
	table->name = pstrdup(NameStr(row.relname));
	table->schema = schema;
	table->kind = row.relkind;
	table->temporary = row.relpersistence == RELPERSISTENCE_TEMP;
	table->logged = row.relpersistence == RELPERSISTENCE_PERMANENT;
	table->row_security = row.relrowsecurity;
	table->tablespace = OidIsValid(row.reltablespace) ? row.reltablespace : MyDatabaseTableSpace;
	table->method = row.relam;
	if (sizes)
	{
		read_size(table, row.relhassubclass);
		table->citus = cmig_citus_storage(relation);
	}
	if (row.relkind == RELKIND_PARTITIONED_TABLE)
		table->has_default_partition = OidIsValid(get_default_partition_oid(relation));
	return table;
}

/*
 * Looks up types for cmig.lint.
 *
 * Only the catalogs are read.  The only functions called are the type modifier
 * functions of built-in types.
 */

CmigLintSerial
cmig_lint_types_serial(const TypeName *type)
{
	static const char *const names[][2] =	/* by CmigLintSerial */
	{
		{"", ""}, {"smallserial", "serial2"}, {"serial", "serial4"}, {"bigserial", "serial8"}
	};

	for (int i = CMIG_LINT_SMALLSERIAL; i <= CMIG_LINT_BIGSERIAL; i++)
	{
		if (list_length(type->names) == 1 && !type->setof && type->arrayBounds == NIL &&
			(strcmp(strVal(linitial(type->names)), names[i][0]) == 0 ||
			 strcmp(strVal(linitial(type->names)), names[i][1]) == 0))
			return i;
	}
	return CMIG_LINT_NOT_SERIAL;
}

/* Find a type, ignoring its modifier and array bounds. */
static Oid
find_base(CmigLint *lint, List *names)
{
	char	   *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) :
	NULL;
	Oid			type = InvalidOid;

	foreach_ptr(char, name,
				schema ? list_make1(schema) : lcons("pg_catalog", list_copy(lint->session.path)))
	{
		Oid			namespace = lint->reads_facts || strcmp(name, "pg_catalog") == 0 ?
		get_namespace_oid(name, true) : InvalidOid;

		if (OidIsValid(namespace) && !OidIsValid(type))
			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
								   CStringGetDatum(strVal(llast(names))),
								   ObjectIdGetDatum(namespace));
	}
	return type;
}

/* A type whose modifier is looked up. */
typedef struct Modifier
{
	TypeName	type;
	int32		typmod;
} Modifier;

/* Subtransaction callback: call the type modifier function. */
static void
call_modifier(void *arg)
{
	Modifier   *modifier = arg;
	Oid			same;

	typenameTypeIdAndMod(NULL, &modifier->type, &same, &modifier->typmod);
}

/*
 * Returns the type modifier of a built-in type, or -1 if the modifier is not
 * valid.
 */
static int32
find_typmod(const TypeName *type, Oid oid)
{
	Modifier	modifier = {.type = *type};
	ErrorData  *error;

	if (type->typmods == NIL)
		return type->typemod;
	if (oid >= FirstNormalObjectId)
		return -1;
	modifier.type.names = list_make2(makeString("pg_catalog"), llast(type->names));
	modifier.type.arrayBounds = NIL;
	error = cmig_subtransaction_rehearse(call_modifier, &modifier);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error == NULL ? modifier.typmod : -1;
}

CmigLintMeaning
cmig_lint_types_find(CmigLint *lint, const TypeName *type)
{
	static const Oid integers[] = {InvalidOid, INT2OID, INT4OID, INT8OID};	/* by CmigLintSerial */
	CmigLintMeaning result = {integers[cmig_lint_types_serial(type)], -1};
	CmigLintType *entry;

	if (OidIsValid(result.oid) || type->names == NIL || type->pct_type)
		return result;
	entry = cmig_lint_objects_type(lint, type->names, false);
	if (entry && entry->is_new)
	{
		result.new_name = entry->name;
		return result;
	}
	result.oid = find_base(lint, type->names);
	if (!OidIsValid(result.oid))
		return result;
	result.typmod = find_typmod(type, result.oid);
	if (type->arrayBounds != NIL)
		result.oid = get_array_type(result.oid);
	return result;
}

bool
cmig_lint_types_is_new(CmigLint *lint, List *names)
{
	CmigLintType *type = cmig_lint_objects_type(lint, names, false);

	return type && type->is_new;
}

bool
cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names, false) : NULL;
	Oid			oid;

	if (entry && entry->has_constraint)
		return true;
	oid = cmig_lint_types_find(lint, type).oid;
	return OidIsValid(oid) && cmig_domain_is_checked(oid);
}

bool
cmig_lint_types_has_default(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names, false) : NULL;
	Oid			oid;
	HeapTuple	row;
	bool		result;

	if (entry && entry->is_new)
		return entry->has_default;
	oid = cmig_lint_types_find(lint, type).oid;
	row = OidIsValid(oid) ? SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid)) : NULL;
	if (!HeapTupleIsValid(row))
		return false;
	result = !heap_attisnull(row, Anum_pg_type_typdefault, NULL);
	ReleaseSysCache(row);
	return result;
}

bool
cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter)
{
	Oid			oid;

	if (!alter->skipIfNewValExists)
		return false;
	oid = cmig_lint_types_find(lint, makeTypeNameFromNameList(alter->typeName)).oid;
	return OidIsValid(oid) && strlen(alter->newVal) < NAMEDATALEN &&
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(oid),
							  CStringGetDatum(alter->newVal));
}

char *
cmig_lint_types_name(CmigLint *lint, const TypeName *type)
{
	CmigLintMeaning found = cmig_lint_types_find(lint, type);

	if (OidIsValid(found.oid) && cmig_lint_types_serial(type) == CMIG_LINT_NOT_SERIAL)
		return format_type_with_typemod(found.oid, found.typmod);
	return TypeNameToString(type);
}
