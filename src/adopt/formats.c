/*
 * formats.c
 *	  Lists the formats that can be imported.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/format_flyway.h"
#include "adopt/format_folders.h"
#include "adopt/format_liquibase.h"
#include "adopt/format_marked.h"
#include "adopt/format_numbered.h"
#include "adopt/format_sqitch.h"
#include "adopt/format_whole.h"
#include "adopt/formats.h"

static const CmigFormat formats[] = {
	{"dbmate", cmig_format_dbmate},
	{"diesel", cmig_format_diesel},
	{"drizzle", cmig_format_drizzle},
	{"flyway", cmig_format_flyway, CMIG_PLACEHOLDER_BRACES},
	{"golang-migrate", cmig_format_golang_migrate},
	{"goose", cmig_format_goose},
	{"graphile-migrate", cmig_format_graphile_migrate, CMIG_PLACEHOLDER_COLON},
	{"liquibase", cmig_format_liquibase, CMIG_PLACEHOLDER_BRACES},
	{"node-pg-migrate", cmig_format_node_pg_migrate},
	{"prisma", cmig_format_prisma},
	{"rails", cmig_format_rails},
	{"refinery", cmig_format_refinery},
	{"sqitch", cmig_format_sqitch, CMIG_PLACEHOLDER_PSQL},
	{"sqlx", cmig_format_sqlx},
	{"supabase", cmig_format_supabase},
	{"yoyo", cmig_format_yoyo},
};

/* Returns the names of all formats, separated by commas. */
static char *
all_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < lengthof(formats); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", formats[i].name);
	return names.data;
}

const CmigFormat *
cmig_formats_find(const char *name)
{
	for (int i = 0; i < lengthof(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown format \"%s\"", name),
			 errhint("The formats are: %s.", all_names())));
}
