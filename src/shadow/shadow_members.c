/*
 * shadow_members.c
 *	  Moves extension members between schemas in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "shadow/shadow_members.h"
#include "shadow/shadow_rows.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "utils/builtins.h"

static Oid
oid_column(TupleDesc desc, HeapTuple row, int column)
{
	bool		isnull;

	return DatumGetObjectId(cmig_query_datum(desc, row, column, &isnull));
}

static void
add_member(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigMembers *members = arg;
	CmigMember *member;

	/* if the array, whose size is a power of 2, is full, double its size */
	if ((members->count & (members->count - 1)) == 0)
		members->members = members->count == 0 ? palloc(sizeof(CmigMember)) :
			repalloc(members->members, 2 * members->count * sizeof(CmigMember));
	member = &members->members[members->count++];
	member->catalog = oid_column(desc, row, 1);
	member->object = oid_column(desc, row, 2);
	member->extension = oid_column(desc, row, 3);
}

/*
 * List extension members, together with the objects that belong to them: row
 * types, array types, constraints, indexes, and owned sequences.
 */
CmigMembers *
cmig_shadow_members_list(void)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE m(classid, objid, extension) AS ("
		"SELECT d.classid, d.objid, d.refobjid FROM pg_depend d"
		" WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
		" UNION "
		"SELECT d.classid, d.objid, m.extension FROM m"
		" JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid"
		" LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid"
		" WHERE d.deptype = 'i' AND d.classid <> 'pg_extension'::regclass"
		" OR d.deptype = 'a' AND (d.classid = 'pg_constraint'::regclass OR c.relkind IN ('i', 'I', 'S')))"
		" SELECT classid, objid, extension FROM m WHERE classid IN ("
		"'pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass,"
		" 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_collation'::regclass,"
		" 'pg_conversion'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass,"
		" 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass, 'pg_ts_parser'::regclass,"
		" 'pg_ts_template'::regclass) ORDER BY 1, 2"
	};
	CmigMembers *members = palloc0(sizeof(CmigMembers));

	cmig_query_each(&query, NULL, NULL, add_member, members);
	return members;
}

void
cmig_shadow_members_move(const CmigMembers *members, Oid extension, Oid from, Oid to)
{
	for (int i = 0; i < members->count; i++)
	{
		const CmigMember *member = &members->members[i];

		if (!OidIsValid(extension) || member->extension == extension)
			(void) cmig_shadow_rows_move(member->catalog, member->object, from, to);
	}
	CommandCounterIncrement();
}

bool
cmig_shadow_members_has_relation(const CmigMembers *members, Oid relation)
{
	for (int i = 0; i < members->count; i++)
		if (members->members[i].catalog == RelationRelationId &&
			members->members[i].object == relation)
			return true;
	return false;
}

/*
 * Extensions
 */

/* The extensions found so far. */
typedef struct Extensions
{
	CmigExtension *extensions;
	int			count;
} Extensions;

static void
add_extension(TupleDesc desc, HeapTuple row, void *arg)
{
	Extensions *list = arg;
	CmigExtension *extension;

	list->extensions = list->count == 0 ? palloc(sizeof(CmigExtension)) :
		repalloc(list->extensions, (list->count + 1) * sizeof(CmigExtension));
	extension = &list->extensions[list->count++];
	extension->oid = oid_column(desc, row, 1);
	extension->name = cmig_query_text(desc, row, 2);
	extension->schema = oid_column(desc, row, 3);
	extension->declared = true;
}

CmigExtension *
cmig_shadow_extension_list(int *count)
{
	static CmigQuery query = {
		.sql = "SELECT oid, extname::text, extnamespace FROM pg_extension"
		" WHERE oid >= 16384 AND extname <> 'pg_cmig' ORDER BY 1"
	};
	Extensions	list = {0};

	StaticAssertStmt(FirstNormalObjectId == 16384, "as in the query");
	cmig_query_each(&query, NULL, NULL, add_extension, &list);
	*count = list.count;
	return list.extensions;
}

void
cmig_shadow_extension_hide(CmigExtension *extension)
{
	cmig_shadow_rows_rename(ExtensionRelationId, extension->oid, Anum_pg_extension_extname,
							cmig_shadow_hidden_name(extension->oid));
	extension->declared = false;
	CommandCounterIncrement();
}

void
cmig_shadow_extension_declare(CmigExtension *extension)
{
	cmig_shadow_rows_rename(ExtensionRelationId, extension->oid, Anum_pg_extension_extname,
							extension->name);
	extension->declared = true;
	CommandCounterIncrement();
}

void
cmig_shadow_extension_set_schema(const CmigExtension *extension, Oid from, Oid to)
{
	cmig_shadow_rows_set(ExtensionRelationId, extension->oid, Anum_pg_extension_extnamespace,
						 ObjectIdGetDatum(to));
	(void) changeDependencyFor(ExtensionRelationId, extension->oid, NamespaceRelationId, from, to);
	CommandCounterIncrement();
}

void
cmig_shadow_extension_set_version(const CmigExtension *extension, const char *version)
{
	cmig_shadow_rows_set(ExtensionRelationId, extension->oid, Anum_pg_extension_extversion,
						 CStringGetTextDatum(version));
	CommandCounterIncrement();
}
