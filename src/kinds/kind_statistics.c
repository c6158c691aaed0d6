/*
 * kind_statistics.c
 *	  Extended statistics.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	DEFINITION,
	TARGET
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION},
	[TARGET] = {"target"},
};

/*
 * SQL expression for the definition of extended statistics.  PostgreSQL prints
 * the columns in the order of their numbers, which can differ between images,
 * so they are sorted by name instead.
 */
#define SORTED_SQL \
	"coalesce((SELECT replace(pg_get_statisticsobjdef(s.oid)," \
	"  ' ON ' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)," \
	"  ' ON ' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname))" \
	" FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])), pg_get_statisticsobjdef(s.oid))"

static const char statistics_sql[] =
"SELECT 'pg_statistic_ext'::regclass::oid, s.oid, 0, 'pg_class'::regclass::oid, s.stxrelid, 0,"
" s.stxname::text, format('%I.%I', n.nspname, s.stxname), pg_get_userbyid(s.stxowner)::text, false,"
" " SORTED_SQL ", nullif(s.stxstattarget::integer, -1)::text"
" FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace"
" WHERE s.stxnamespace = ANY ($1)";

static void
alter_statistics(CmigAlter *alter)
{
	const char *to = alter->to->values[TARGET];
	const char *from = alter->from->values[TARGET];

	if (alter->from->values[DEFINITION] != NULL && cmig_alter_differs(alter, DEFINITION))
		alter->again = true;
	else if (cmig_alter_differs(alter, TARGET))
		cmig_alter_action(alter, psprintf("SET STATISTICS %s", to ? to : "-1"),
						  psprintf("SET STATISTICS %s", from ? from : "-1"));
}

static List *
create_statistics(const CmigObject *statistics)
{
	List	   *ddl = cmig_ddl_append(NIL, statistics->values[DEFINITION], cmig_kind_drop(statistics));

	return cmig_kind_complete(statistics, ddl, alter_statistics);
}

CmigKind	cmig_kind_statistics = {
	.name = "statistics",.word = "STATISTICS",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_RECAST,
	CMIG_PROPERTIES(properties),
	.sql = statistics_sql,.create = create_statistics,.alter = alter_statistics
};
