/*
 * kind_publication.c
 *	  Publications, and the tables and schemas in them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	ALL_TABLES,
	PUBLISH,
	VIA_ROOT
};

static const CmigProperty properties[] = {
	[ALL_TABLES] = {"all tables"},
	[PUBLISH] = {"publish"},
	[VIA_ROOT] = {"publish via partition root"},
};

static const char publication_sql[] =
"SELECT 'pg_publication'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.pubname::text, quote_ident(p.pubname), pg_get_userbyid(p.pubowner)::text, false,"
" CASE WHEN p.puballtables THEN 't' END,"
" concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,"
"  CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),"
" CASE WHEN p.pubviaroot THEN 't' END"
" FROM pg_publication p WHERE p.oid >= 16384";

/* Returns the list of options for WITH or SET. */
static char *
options(const CmigObject *publication)
{
	return psprintf("publish = '%s', publish_via_partition_root = %s", publication->values[PUBLISH],
					publication->values[VIA_ROOT] ? "true" : "false");
}

static List *
create_publication(const CmigObject *publication)
{
	return cmig_ddl_append(NIL, psprintf("CREATE PUBLICATION %s%s WITH (%s)", publication->identity,
										 publication->values[ALL_TABLES] ? " FOR ALL TABLES" : "",
										 options(publication)),
						   cmig_kind_drop(publication));
}

static void
alter_publication(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, ALL_TABLES))
		alter->again = true;
	else
		cmig_alter_action(alter, psprintf("SET (%s)", options(alter->to)),
						  psprintf("SET (%s)", options(alter->from)));
}

CmigKind	cmig_kind_publication = {
	.name = "publication",.word = "PUBLICATION",
	.flags = CMIG_KIND_GLOBAL,
	CMIG_PROPERTIES(properties),
	.sql = publication_sql,.create = create_publication,.alter = alter_publication
};

/*
 * Members
 */

enum
{
	MEMBER,
	DETAILS
};

static const CmigProperty member_properties[] = {
	[MEMBER] = {"member"},
	[DETAILS] = {"columns and rows", CMIG_PROPERTY_EXPRESSION},
};

static const char table_sql[] =
"SELECT 'pg_publication_rel'::regclass::oid, r.oid, 0, 'pg_publication'::regclass::oid, r.prpubid, 0,"
" c.relname::text, format('%I for %I.%I', p.pubname, n.nspname, c.relname), NULL::text, false,"
" format('TABLE %I.%I', n.nspname, c.relname),"
" concat((SELECT format(' (%s)', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname))"
"  FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]) HAVING count(*) > 0),"
"  ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')"
" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid"
" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.oid >= 16384";

static const char schema_sql[] =
"SELECT 'pg_publication_namespace'::regclass::oid, r.oid, 0, 'pg_publication'::regclass::oid, r.pnpubid, 0,"
" n.nspname::text, format('%I for %I', p.pubname, n.nspname), NULL::text, false,"
" format('TABLES IN SCHEMA %I', n.nspname), ''"
" FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid"
" JOIN pg_namespace n ON n.oid = r.pnnspid WHERE p.oid >= 16384";

/*
 * Returns "TABLE ONLY public.t" for a table, because a table's children are
 * separate members.
 */
static const char *
member_text(const CmigObject *member)
{
	const char *text = member->values[MEMBER];

	return strncmp(text, "TABLE ", 6) == 0 ? psprintf("TABLE ONLY %s", text + 6) : text;
}

static char *
drop_member(const CmigObject *member)
{
	return psprintf("ALTER PUBLICATION %s DROP %s", member->parent->identity, member_text(member));
}

/* Add a table or a schema to the publication. */
static List *
create_member(const CmigObject *member)
{
	return cmig_ddl_append(NIL, psprintf("ALTER PUBLICATION %s ADD %s%s", member->parent->identity,
										 member_text(member), member->values[DETAILS]),
						   drop_member(member));
}

CmigKind	cmig_kind_publication_table = {
	.name = "table of a publication",.word = "TABLE",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(member_properties),
	.sql = table_sql,.create = create_member,.drop = drop_member
};

CmigKind	cmig_kind_publication_schema = {
	.name = "schema of a publication",.word = "SCHEMA",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(member_properties),
	.sql = schema_sql,.create = create_member,.drop = drop_member
};
