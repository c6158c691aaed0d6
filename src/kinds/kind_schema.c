/*
 * kind_schema.c
 *	  Schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

static const char schema_sql[] =
"SELECT 'pg_namespace'::regclass::oid, n.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" n.nspname::text, quote_ident(n.nspname), pg_get_userbyid(n.nspowner)::text, false"
" FROM pg_namespace n WHERE n.oid = ANY ($1)";

static List *
create_schema(const CmigObject *schema)
{
	return cmig_ddl_append(NIL, psprintf("CREATE SCHEMA %s", schema->identity),
						   psprintf("DROP SCHEMA %s", schema->identity));
}

CmigKind	cmig_kind_schema = {
	.name = "schema",.word = "SCHEMA",.default_type = 'n',.flags = CMIG_KIND_MODEL,
	.sql = schema_sql,.create = create_schema
};
