/*
 * lint_facts.c
 *	  Lint: relations and types in the live catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "base/base.h"
#include "base/compat.h"
#include "plan/internal.h"
#include "plan/lint.h"

/* ----------------------------------------------------------------
 * Reads facts about partitions, foreign keys, schemas, and types from the
 * catalogs, for cmig.lint.
 * ----------------------------------------------------------------
 */

List *
cmig_lint_catalog_referencing(List *tables)
{
	List	   *tree = NIL;
	ListCell   *lc;

	foreach(lc, tables)
	{
		tree = list_concat_unique_oid(tree, cmig_related(CMIG_RELATED_TREE, lfirst_oid(lc)));
	}
	return heap_truncate_find_FKs(tree);
}

List *
cmig_lint_catalog_tables_in(Oid schema)
{
	static CmigQuery query = {
		.sql = "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind IN ('r', 'm', 'p')"
		"  AND CASE WHEN $1 <> 0 THEN n.oid = $1 ELSE n.nspname <> 'pg_catalog' END",
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(schema);
	List	   *result = NIL;

	cmig_query_each(&query, &value, NULL, cmig_query_keep_oid, &result);
	return result;
}

List *
cmig_lint_catalog_tables_with_type(Oid type)
{
	List	   *result = OidIsValid(type) ? cmig_related(CMIG_RELATED_BY_TYPE, type) : NIL;
	Oid			array = OidIsValid(type) ? get_array_type(type) : InvalidOid;

	return OidIsValid(array) ? list_concat_unique_oid(result, cmig_related(CMIG_RELATED_BY_TYPE, array)) : result;
}

bool
cmig_lint_catalog_type_is_used(Oid relation)
{
	Oid			type = get_rel_type_id(relation);

	return OidIsValid(type) && cmig_lint_catalog_tables_with_type(type) != NIL;
}

List *
cmig_lint_catalog_partition_key(Oid table)
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

/* ----------------------------------------------------------------
 * Reads facts about the live database's relations for cmig.lint.
 *
 * Only catalogs and file sizes are read.  No relation lock is kept, nothing
 * waits for a lock, and no user-defined code is called.
 * ----------------------------------------------------------------
 */

/*
 * Returns the size of a relation's main fork.  If the relation is locked,
 * returns the size according to pg_class.
 */
static int64
file_size(Oid relation, Form_pg_class form)
{
	Datum		size;

	LOCAL_FCINFO(fcinfo, 2);

	if (!ConditionalLockRelationOid(relation, AccessShareLock))
		return (int64) form->relpages * BLCKSZ;
	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(relation);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = CStringGetTextDatum("main");
	fcinfo->args[1].isnull = false;
	size = pg_relation_size(fcinfo);
	UnlockRelationOid(relation, AccessShareLock);
	return fcinfo->isnull ? 0 : DatumGetInt64(size);
}

/* Does this kind of relation store rows? */
static bool
has_storage(char kind)
{
	return kind == RELKIND_RELATION || kind == RELKIND_MATVIEW || kind == RELKIND_TOASTVALUE;
}

/* Add one relation's size and row count to the table's totals. */
static void
add_file_size(CmigLintTable *table, Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (has_storage(form->relkind))
	{
		table->bytes += file_size(relation, form);
		if (form->reltuples < 0)
			table->rows = -1;
		else if (table->rows >= 0)
			table->rows += form->reltuples;
	}
	ReleaseSysCache(tuple);
}

/* Add up the sizes of a table and its children. */
static void
read_size(CmigLintTable *table, bool has_children)
{
	List	   *tree = has_children ? cmig_related(CMIG_RELATED_TREE, table->oid) : list_make1_oid(table->oid);
	bool		by_citus = false;
	ListCell   *lc;

	table->bytes = 0;
	table->rows = 0;
	foreach(lc, tree)
	{
		add_file_size(table, lfirst_oid(lc));
		by_citus |= cmig_citus_manages(lfirst_oid(lc));
	}

	/*
	 * if Citus manages the table, the rows are in shards, whose sizes are not
	 * known here
	 */
	if (by_citus)
		table->bytes = table->rows = -1;
	table->empty = table->bytes == 0;
	table->empty_itself = table->empty;
	list_free(tree);
}

/* Returns a relation's privileges.  Returns NULL for default privileges. */
static Acl *
read_acl(HeapTuple tuple)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);

	return isnull ? NULL : DatumGetAclPCopy(value);
}

/* Do roles other than the owner have privileges? */
static bool
has_grants(HeapTuple tuple, Oid owner)
{
	Acl		   *acl = read_acl(tuple);

	for (int i = 0; acl && i < ACL_NUM(acl); i++)
	{
		if (ACL_DAT(acl)[i].ai_grantee != owner && ACLITEM_GET_PRIVS(ACL_DAT(acl)[i]) != 0)
			return true;
	}
	return false;
}

/* Returns the names of table privileges, separated by commas. */
static char *
privilege_names(AclMode privileges)
{
	static const struct
	{
		AclMode		bit;
		const char *name;
	}			all[] =

	{
		{ACL_SELECT, "SELECT"},
		{ACL_INSERT, "INSERT"},
		{ACL_UPDATE, "UPDATE"},
		{ACL_DELETE, "DELETE"},
		{ACL_TRUNCATE, "TRUNCATE"},
		{ACL_REFERENCES, "REFERENCES"},
		{ACL_TRIGGER, "TRIGGER"},
	};
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(all); i++)
	{
		if (privileges & all[i].bit)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", all[i].name);
	}
	return names.data;
}

char *
cmig_lint_facts_grants(Oid relation, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	StringInfoData grants;
	Acl		   *acl;
	Oid			owner;

	initStringInfo(&grants);
	if (!HeapTupleIsValid(tuple))
		return grants.data;
	acl = read_acl(tuple);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	for (int i = 0; acl && i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];
		char	   *privileges = privilege_names(ACLITEM_GET_PRIVS(*item));
		char	   *role = item->ai_grantee == ACL_ID_PUBLIC ? "PUBLIC" : GetUserNameFromId(item->ai_grantee, true);

		if (item->ai_grantee == owner || role == NULL || privileges[0] == '\0')
			continue;
		appendStringInfo(&grants, "%sGRANT %s ON %s TO %s%s", grants.len > 0 ? ";\n" : "", privileges, name,
						 item->ai_grantee == ACL_ID_PUBLIC ? role : quote_identifier(role),
						 ACLITEM_GET_GOPTIONS(*item) ? " WITH GRANT OPTION" : "");
	}
	return grants.data;
}

bool
cmig_lint_facts_has_default_privileges(void)
{
	static CmigQuery query = {.sql = "SELECT FROM pg_default_acl WHERE defaclobjtype = 'r' LIMIT 1"};

	return cmig_query_run(&query, NULL, NULL) > 0;
}

CmigLintTable *
cmig_lint_facts_read(Oid relation, bool sizes)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	const char *schema;
	CmigLintTable *table;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	schema = isTempNamespace(form->relnamespace) ? "pg_temp" : get_namespace_name(form->relnamespace);
	if (schema == NULL)
	{
		/* the schema has just been dropped by another session */
		ReleaseSysCache(tuple);
		return NULL;
	}
	table = palloc0(sizeof(CmigLintTable));
	table->oid = relation;
	table->origin = CMIG_LINT_LIVE;
	table->name = pstrdup(NameStr(form->relname));
	table->schema = schema;
	table->kind = form->relkind;
	table->temporary = form->relpersistence == RELPERSISTENCE_TEMP;
	table->logged = form->relpersistence == RELPERSISTENCE_PERMANENT;
	table->row_security = form->relrowsecurity;
	table->has_grants = has_grants(tuple, form->relowner);
	table->tablespace = OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace;
	table->method = form->relam;
	if (sizes)
		read_size(table, form->relhassubclass);
	if (sizes && form->relhassubclass && has_storage(form->relkind))
		table->empty_itself = file_size(relation, form) == 0;
	if (form->relkind == RELKIND_PARTITIONED_TABLE)
		table->has_default_partition = OidIsValid(get_default_partition_oid(relation));
	ReleaseSysCache(tuple);
	return table;
}

/* Read the table's columns from the catalogs. */
static void
load_columns(CmigLintTable *table)
{
	Relation	attributes = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table->oid));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTGreaterStrategyNumber, F_INT2GT,
				Int16GetDatum(0));
	scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
		CmigLintColumn *column;

		if (form->attisdropped)
			continue;
		column = palloc0(sizeof(CmigLintColumn));
		column->name = pstrdup(NameStr(form->attname));
		column->attnum = form->attnum;
		column->type = form->atttypid;
		column->typmod = form->atttypmod;
		column->collation = form->attcollation;
		column->not_null = form->attnotnull;
		column->has_default = form->atthasdef || form->attidentity;
		table->columns = lappend(table->columns, column);
	}
	systable_endscan(scan);
	table_close(attributes, AccessShareLock);
}

/*
 * Returns the names of the columns with the given attribute numbers, and "" for
 * each number that is not found.
 */
static List *
column_names(const CmigLintTable *table, const int16 *numbers, int count)
{
	List	   *result = NIL;

	for (int i = 0; i < count; i++)
	{
		CmigLintColumn *column = cmig_lint_model_column_numbered(table, numbers[i]);

		result = lappend(result, column ? (char *) column->name : "");
	}
	return result;
}

/* Returns the columns that a stored CHECK expression proves to be not null. */
static List *
proven_columns(const CmigLintTable *table, Node *expression)
{
	if (IsA(expression, NullTest))
	{
		NullTest   *test = (NullTest *) expression;

		if (test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var))
		{
			int16		number = ((Var *) test->arg)->varattno;

			return column_names(table, &number, 1);
		}
	}
	else if (IsA(expression, BoolExpr) && ((BoolExpr *) expression)->boolop == AND_EXPR)
	{
		List	   *result = NIL;
		ListCell   *lc;

		foreach(lc, ((BoolExpr *) expression)->args)
		{
			result = list_concat(result, proven_columns(table, lfirst(lc)));
		}
		return result;
	}
	return NIL;
}

/* Returns the constraint described by a pg_constraint row. */
static CmigLintConstraint *
read_constraint(const CmigLintTable *table, Relation catalog, HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	CmigLintConstraint *constraint = palloc0(sizeof(CmigLintConstraint));
	Datum		values[Natts_pg_constraint];
	bool		nulls[Natts_pg_constraint];

	constraint->name = pstrdup(NameStr(form->conname));
	constraint->type = form->contype;
	constraint->validated = form->convalidated;
	heap_deform_tuple(tuple, RelationGetDescr(catalog), values, nulls);
	if (!nulls[Anum_pg_constraint_conkey - 1])
	{
		ArrayType  *array = DatumGetArrayTypeP(values[Anum_pg_constraint_conkey - 1]);

		constraint->columns = column_names(table, (int16 *) ARR_DATA_PTR(array),
										   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	}
	if (!nulls[Anum_pg_constraint_conbin - 1])
		constraint->proves_not_null = proven_columns(table, stringToNode(TextDatumGetCString(values[Anum_pg_constraint_conbin - 1])));
	return constraint;
}

/* Read the table's constraints from the catalogs. */
static void
load_constraints(CmigLintTable *table)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table->oid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		table->constraints = lappend(table->constraints, read_constraint(table, constraints, tuple));
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
}

/*
 * Returns the columns used in an attribute of pg_index that contains
 * expressions.
 */
static List *
expression_columns(const CmigLintTable *table, HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(INDEXRELID, tuple, attribute, &isnull);
	Bitmapset  *numbers = NULL;
	List	   *result = NIL;
	int			i = -1;

	if (isnull)
		return NIL;
	pull_varattnos(stringToNode(TextDatumGetCString(value)), 1, &numbers);
	while ((i = bms_next_member(numbers, i)) >= 0)
	{
		int16		number = i + FirstLowInvalidHeapAttributeNumber;

		result = list_concat(result, column_names(table, &number, 1));
	}
	return result;
}

/* Read the table's indexes from the catalogs. */
static void
load_indexes(CmigLintTable *table)
{
	Relation	indexes = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table->oid));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		CmigLintIndex *index = palloc0(sizeof(CmigLintIndex));

		index->name = get_rel_name(form->indexrelid);
		index->usable = form->indisvalid && heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		index->keys = column_names(table, form->indkey.values, form->indnkeyatts);
		index->has_expression = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ||
			!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL);
		index->method = cmig_related_method(form->indexrelid);
		if (index->has_expression)
			index->uses = list_concat(expression_columns(table, tuple, Anum_pg_index_indexprs),
									  expression_columns(table, tuple, Anum_pg_index_indpred));
		table->indexes = lappend(table->indexes, index);
	}
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
}

void
cmig_lint_facts_load(CmigLintTable *table)
{
	load_columns(table);
	load_constraints(table);
	load_indexes(table);
}

/* ----------------------------------------------------------------
 * Looks up types for cmig.lint.
 *
 * Only the catalogs are read.  The only functions called are the type modifier
 * functions of built-in types.
 * ----------------------------------------------------------------
 */

CmigLintSerial
cmig_lint_types_serial(const TypeName *type)
{
	const char *name;

	if (list_length(type->names) != 1 || type->setof || type->arrayBounds != NIL)
		return CMIG_LINT_NOT_SERIAL;
	name = strVal(linitial(type->names));
	if (strcmp(name, "smallserial") == 0 || strcmp(name, "serial2") == 0)
		return CMIG_LINT_SMALLSERIAL;
	if (strcmp(name, "serial") == 0 || strcmp(name, "serial4") == 0)
		return CMIG_LINT_SERIAL;
	if (strcmp(name, "bigserial") == 0 || strcmp(name, "serial8") == 0)
		return CMIG_LINT_BIGSERIAL;
	return CMIG_LINT_NOT_SERIAL;
}

/* Find a type in one schema. */
static Oid
find_in_schema(const char *schema, const char *name)
{
	Oid			namespace = get_namespace_oid(schema, true);

	return OidIsValid(namespace) ?
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
						ObjectIdGetDatum(namespace)) : InvalidOid;
}

/* Find a type, ignoring its modifier and array bounds. */
static Oid
find_base(CmigLint *lint, List *names)
{
	const char *name = strVal(llast(names));
	Oid			type;
	ListCell   *lc;

	if (list_length(names) > 1)
	{
		const char *schema = strVal(list_nth(names, list_length(names) - 2));

		if (!lint->reads_facts && strcmp(schema, "pg_catalog") != 0)
			return InvalidOid;
		return find_in_schema(schema, name);
	}
	type = find_in_schema("pg_catalog", name);
	if (!lint->reads_facts)
		return type;
	foreach(lc, lint->session.path)
	{
		if (OidIsValid(type))
			break;
		type = find_in_schema(lfirst(lc), name);
	}
	return type;
}

/* Release a resource owner's resources, and delete it. */
static void
release(ResourceOwner owner, bool success)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, success, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, success, false);
	ResourceOwnerDelete(owner);
}

/*
 * Returns the type modifier of a built-in type, or -1 if the modifier is not
 * valid.
 *
 * Type modifier functions only read their argument, so their errors can be
 * caught without a subtransaction.  If an error occurs, the resource owner
 * releases the catalog row that is in use.
 */
static int32
find_typmod(const TypeName *type, Oid oid)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner;
	volatile int32 result = -1;
	TypeName	base = *type;
	Oid			same;
	int32		typmod;

	if (type->typmods == NIL)
		return type->typemod;
	if (oid >= FirstNormalObjectId)
		return -1;
	base.names = list_make2(makeString("pg_catalog"), llast(type->names));
	base.arrayBounds = NIL;
	owner = ResourceOwnerCreate(caller, "pg_cmig type modifier");
	CurrentResourceOwner = owner;
	PG_TRY();
	{
		typenameTypeIdAndMod(NULL, &base, &same, &typmod);
		result = typmod;
		CurrentResourceOwner = caller;
		release(owner, true);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		CurrentResourceOwner = caller;
		release(owner, false);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

void
cmig_lint_types_find(CmigLint *lint, const TypeName *type, Oid *oid, int32 *typmod, const char **new_name)
{
	static const Oid integers[] = {InvalidOid, INT2OID, INT4OID, INT8OID};	/* by CmigLintSerial */
	CmigLintType *entry;

	*typmod = -1;
	*new_name = NULL;
	*oid = integers[cmig_lint_types_serial(type)];
	if (OidIsValid(*oid))
		return;
	if (type->names == NIL || type->pct_type)
		return;
	entry = cmig_lint_objects_type(lint, type->names, false);
	if (entry && entry->is_new)
	{
		*new_name = entry->name;
		return;
	}
	*oid = find_base(lint, type->names);
	if (!OidIsValid(*oid))
		return;
	*typmod = find_typmod(type, *oid);
	if (type->arrayBounds != NIL)
		*oid = get_array_type(*oid);
}

Oid
cmig_lint_types_oid(CmigLint *lint, const TypeName *type)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	return oid;
}

bool
cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid)
{
	const char *name;

	if (type->names == NIL || type->pct_type)
		return false;

	/*
	 * compare internal names such as int4, to which the grammar converts
	 * names such as int
	 */
	if (list_length(type->names) > 2 ||
		(list_length(type->names) == 2 && strcmp(strVal(linitial(type->names)), "pg_catalog") != 0))
		return false;
	name = strVal(llast(type->names));
	switch (oid)
	{
		case INT2OID:
			return strcmp(name, "int2") == 0;
		case INT4OID:
			return strcmp(name, "int4") == 0;
		case BPCHAROID:
			return strcmp(name, "bpchar") == 0;
		case VARCHAROID:
			return strcmp(name, "varchar") == 0;
		case TIMESTAMPOID:
			return strcmp(name, "timestamp") == 0;
		case JSONOID:
			return strcmp(name, "json") == 0;
		default:
			return find_base(lint, type->names) == oid;
	}
}

bool
cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names, false) : NULL;
	Oid			oid;

	if (entry && entry->has_constraint)
		return true;
	oid = cmig_lint_types_oid(lint, type);
	return OidIsValid(oid) && cmig_domain_is_checked(oid);
}

/* Does the type have a default value? */
static bool
has_default(Oid type)
{
	HeapTuple	row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		result;

	if (!HeapTupleIsValid(row))
		return false;
	result = !heap_attisnull(row, Anum_pg_type_typdefault, NULL);
	ReleaseSysCache(row);
	return result;
}

bool
cmig_lint_types_has_default(CmigLint *lint, const TypeName *type)
{
	CmigLintType *entry = type->names ? cmig_lint_objects_type(lint, type->names, false) : NULL;
	Oid			oid;

	if (entry && entry->is_new)
		return entry->has_default;
	oid = cmig_lint_types_oid(lint, type);
	return OidIsValid(oid) && has_default(oid);
}

bool
cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter)
{
	Oid			oid;

	if (!alter->skipIfNewValExists)
		return false;
	oid = cmig_lint_types_oid(lint, makeTypeNameFromNameList(alter->typeName));
	return OidIsValid(oid) && strlen(alter->newVal) < NAMEDATALEN &&
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(oid), CStringGetDatum(alter->newVal));
}

char *
cmig_lint_types_name(CmigLint *lint, const TypeName *type)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;

	cmig_lint_types_find(lint, type, &oid, &typmod, &new_name);
	if (OidIsValid(oid) && cmig_lint_types_serial(type) == CMIG_LINT_NOT_SERIAL)
		return format_type_with_typemod(oid, typmod);
	return TypeNameToString(type);
}
