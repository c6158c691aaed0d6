/*
 * managed.c
 *	  The schemas that cmig.diff compares.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "shadow/managed.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

static int
compare_schemas(const void *a, const void *b)
{
	return strcmp(((const CmigManagedSchema *) a)->name, ((const CmigManagedSchema *) b)->name);
}

bool
cmig_managed_is_own_name(const char *schema)
{
	return strcmp(schema, "cmig") == 0 || strcmp(schema, "cmig_audit") == 0;
}

static void
add_schema(CmigManaged *managed, char *name, Oid oid)
{
	CmigManagedSchema *schema = &managed->schemas[managed->count++];

	schema->name = name;
	schema->oid = oid;
	schema->owned = OidIsValid(oid) && cmig_owns_schema_compat(oid, GetUserId());
}

static void
add_row(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigManaged *managed = arg;
	bool		isnull;

	managed->schemas = managed->schemas == NULL ? palloc(sizeof(CmigManagedSchema)) :
		repalloc(managed->schemas, (managed->count + 1) * sizeof(CmigManagedSchema));
	add_schema(managed, cmig_query_text(desc, row, 2),
			   DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull)));
}

/* Add every schema in the database that can be compared. */
static void
add_all(CmigManaged *managed)
{
	static CmigQuery query = {
		.sql = "SELECT n.oid, n.nspname::text FROM pg_namespace n"
		" WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL ('{information_schema,cmig,cmig_audit}')"
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass"
		" AND d.objid = n.oid AND d.deptype = 'e')"
	};

	cmig_query_each(&query, NULL, NULL, add_row, managed);
}

/* Add the named schemas. */
static void
add_named(CmigManaged *managed, const CmigNames *names)
{
	managed->schemas = palloc(sizeof(CmigManagedSchema) * Max(names->count, 1));
	for (int i = 0; i < names->count; i++)
	{
		char	   *name = names->names[i];
		bool		repeated = false;

		if (strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0 ||
			cmig_managed_is_own_name(name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("schema \"%s\" cannot be compared", name),
					 errdetail("It belongs to the server or to pg_cmig.")));
		for (int j = 0; j < managed->count; j++)
			repeated |= strcmp(managed->schemas[j].name, name) == 0;
		if (!repeated)
			add_schema(managed, pstrdup(name), get_namespace_oid(name, true));
	}
}

CmigManaged *
cmig_managed_schemas(const CmigNames *names)
{
	CmigManaged *managed = palloc0(sizeof(CmigManaged));

	managed->all = names == NULL;
	if (names == NULL)
		add_all(managed);
	else
		add_named(managed, names);
	if (managed->count > 1)
		qsort(managed->schemas, managed->count, sizeof(CmigManagedSchema), compare_schemas);
	return managed;
}

void
cmig_managed_add_audit(CmigManaged *managed)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	if (!OidIsValid(schema))
		return;
	managed->schemas = managed->schemas == NULL ? palloc(sizeof(CmigManagedSchema)) :
		repalloc(managed->schemas, (managed->count + 1) * sizeof(CmigManagedSchema));
	add_schema(managed, pstrdup("cmig_audit"), schema);
	qsort(managed->schemas, managed->count, sizeof(CmigManagedSchema), compare_schemas);
}

const CmigManaged *
cmig_managed_with(const CmigManaged *managed, char *name, Oid oid)
{
	CmigManaged *more = palloc(sizeof(CmigManaged));

	*more = *managed;
	more->schemas = palloc(sizeof(CmigManagedSchema) * (managed->count + 1));
	memcpy(more->schemas, managed->schemas, sizeof(CmigManagedSchema) * managed->count);
	add_schema(more, name, oid);
	qsort(more->schemas, more->count, sizeof(CmigManagedSchema), compare_schemas);
	return more;
}

CmigNames *
cmig_managed_names(const CmigManaged *managed)
{
	CmigNames  *names;

	if (managed->all)
		return NULL;
	names = palloc(sizeof(CmigNames));
	names->count = managed->count;
	names->names = palloc(sizeof(char *) * Max(managed->count, 1));
	for (int i = 0; i < managed->count; i++)
		names->names[i] = managed->schemas[i].name;
	return names;
}
