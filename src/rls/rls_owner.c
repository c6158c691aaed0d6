/*
 * rls_owner.c
 *	  Decides whether a column tells who owns a row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_owner.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

static CmigQuery read_unique = {
	"SELECT 1 FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum = $2 AND (a.attname = 'id'"
	" OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = $2))",
	2, {OIDOID, INT2OID}
};

/*
 * The names of the tables that the column's foreign keys reference, and the
 * names of these tables' columns.
 */
static CmigQuery read_referenced = {
	"SELECT n.name::text FROM pg_constraint c CROSS JOIN LATERAL"
	" (SELECT t.relname AS name FROM pg_class t WHERE t.oid = c.confrelid"
	"  UNION ALL SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attnum > 0 AND NOT a.attisdropped) n"
	" WHERE c.conrelid = $1 AND c.contype = 'f' AND $2 = ANY (c.conkey)",
	2, {OIDOID, INT2OID}
};

bool
cmig_rls_owner_is_named(const char *name)
{
	static const char *const words[] = {
		"tenant", "org", "account", "company", "customer", "workspace", "team", "user", "owner", "client", "member",
		"created_by", "author"
	};

	for (int i = 0; i < lengthof(words); i++)
		if (strncmp(name, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* Callback that records that there is a row. */
static void
take_any(TupleDesc desc, HeapTuple row, void *arg)
{
	*(bool *) arg = true;
}

/* Callback that records whether the name is usual for an owner column. */
static void
take_name(TupleDesc desc, HeapTuple row, void *arg)
{
	char	   *name = cmig_query_text(desc, row, 1);

	*(bool *) arg |= name && cmig_rls_owner_is_named(name);
}

bool
cmig_rls_owner_is_unique(Oid relid, AttrNumber attno)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int16GetDatum(attno)};
	bool		is_unique = false;

	cmig_query_each(&read_unique, values, NULL, take_any, &is_unique);
	return is_unique;
}

bool
cmig_rls_owner_is_told_by(Oid relid, AttrNumber attno)
{
	Datum		values[2] = {ObjectIdGetDatum(relid), Int16GetDatum(attno)};
	char	   *name = get_attname(relid, attno, true);
	bool		refers = false;

	if ((name && cmig_rls_owner_is_named(name)) || cmig_rls_owner_is_unique(relid, attno))
		return true;
	cmig_query_each(&read_referenced, values, NULL, take_name, &refers);
	return refers;
}
