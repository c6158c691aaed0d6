/*
 * image_notes.c
 *	  Reads the comments and privileges of an image's objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "kinds/kinds.h"
#include "schema/image_notes.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"

/*
 * Returns the object whose own address is in the current row.  Returns NULL if
 * the address is an alias (see cmig_image_alias()) or unknown.
 */
static CmigObject *
annotated(const CmigImageReader *reader)
{
	CmigAddress address = cmig_image_reader_address(reader, 0);
	CmigObject *object = cmig_image_find_exactly(reader->image, address);

	return object != NULL && memcmp(&object->address, &address, sizeof(address)) == 0 ? object : NULL;
}

/* Row callback: set the comment of an object, or of its index or sequence. */
static void
add_comment(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;

	cmig_image_reader_row(reader, desc, row);
	object = annotated(reader);
	if (object != NULL)
		object->comment = cmig_image_reader_text(reader, 3);
	else if (cmig_image_reader_address(reader, 0).catalog == RelationRelationId)
	{
		object = cmig_image_find_exactly(reader->image, cmig_image_reader_address(reader, 0));
		if (object != NULL && (object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_column))
			object->index_comment = cmig_image_reader_text(reader, 3);
	}
}

/*
 * Row callback: add a privilege to its object, or to the sequence of its
 * identity column.
 */
static void
add_grant(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object,
			   *sequence = NULL;
	CmigGrant  *grant;

	cmig_image_reader_row(reader, desc, row);
	object = annotated(reader);
	if (object == NULL)
	{
		sequence = cmig_image_find_exactly(reader->image, cmig_image_reader_address(reader, 0));
		if (sequence == NULL || sequence->kind != &cmig_kind_column)
			return;
	}
	grant = palloc0(sizeof(CmigGrant));
	grant->grantee = cmig_image_reader_text(reader, 3);
	grant->privilege = cmig_image_reader_text(reader, 4);
	grant->grantable = cmig_image_reader_bool(reader, 5);
	grant->granted = cmig_image_reader_bool(reader, 6);
	grant->grantor = cmig_image_reader_text(reader, 7);
	if (sequence != NULL)
		sequence->sequence_grants = lappend(sequence->sequence_grants, grant);
	else
		object->grants = lappend(object->grants, grant);
}

void
cmig_image_read_comments(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT classoid, objoid, objsubid, description FROM pg_description"
		" WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass"
	};

	cmig_query_each(&query, NULL, NULL, add_comment, reader);
}

void
cmig_image_read_grants(CmigImageReader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "WITH o (classid, objid, sub, type, owner, acl) AS ("
		"SELECT 'pg_class'::regclass::oid, oid, 0, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner, relacl"
		" FROM pg_class WHERE relnamespace = ANY ($1) AND relacl IS NOT NULL"
		" UNION ALL SELECT 'pg_class'::regclass::oid, c.oid, a.attnum, 'c', c.relowner, a.attacl"
		" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped"
		" WHERE c.relnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_proc'::regclass::oid, oid, 0, 'f', proowner, proacl"
		" FROM pg_proc WHERE pronamespace = ANY ($1) AND proacl IS NOT NULL"
		" UNION ALL SELECT 'pg_type'::regclass::oid, oid, 0, 'T', typowner, typacl"
		" FROM pg_type WHERE typnamespace = ANY ($1) AND typacl IS NOT NULL"
		" UNION ALL SELECT 'pg_namespace'::regclass::oid, oid, 0, 'n', nspowner, nspacl"
		" FROM pg_namespace WHERE oid = ANY ($1) AND nspacl IS NOT NULL"
		" UNION ALL SELECT 'pg_language'::regclass::oid, oid, 0, 'l', lanowner, lanacl"
		" FROM pg_language WHERE oid >= 16384 AND lanacl IS NOT NULL"
		" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass::oid, oid, 0, 'F', fdwowner, fdwacl"
		" FROM pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL"
		" UNION ALL SELECT 'pg_foreign_server'::regclass::oid, oid, 0, 'S', srvowner, srvacl"
		" FROM pg_foreign_server WHERE srvacl IS NOT NULL)"
		" SELECT classid, objid, sub, role, privilege, grantable, granted, grantor FROM (SELECT o.classid, o.objid, o.sub::integer,"
		" CASE e.grantee WHEN 0 THEN 'PUBLIC' WHEN o.owner THEN NULL ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS role,"
		" e.privilege, bool_or(e.grantable) AS grantable, e.granted, min(e.n) AS n,"
		" quote_ident(pg_get_userbyid(nullif(e.grantor, o.owner))) AS grantor"
		" FROM o CROSS JOIN LATERAL (SELECT coalesce(g.grantee, d.grantee) AS grantee,"
		"  coalesce(g.privilege_type, d.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable,"
		"  g.grantee IS NOT NULL AS granted, g.n, g.grantor"
		"  FROM aclexplode(o.acl) WITH ORDINALITY AS g (grantor, grantee, privilege_type, is_grantable, n) FULL JOIN aclexplode(acldefault(o.type, o.owner)) d"
		"   ON d.grantee = g.grantee AND d.privilege_type = g.privilege_type AND g.grantor = o.owner"
		"  WHERE g.grantee IS NULL OR d.grantee IS NULL OR (g.is_grantable AND g.grantee <> o.owner)) e"
		" GROUP BY o.classid, o.objid, o.sub, o.owner, e.grantee, e.privilege, e.granted, e.grantor) q"
		" ORDER BY granted, n, role COLLATE \"C\", privilege COLLATE \"C\"",
		.nargs = 1,.argtypes = {OIDARRAYOID}
	};

	cmig_query_each(&query, &schemas, NULL, add_grant, reader);
}
