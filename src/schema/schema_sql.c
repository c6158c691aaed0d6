/*
 * schema_sql.c
 *	  cmig.schema_sql returns the schema as SQL.
 *
 * The schema is compared with an empty database, so the statements are the
 * same as those that cmig.diff would generate.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/deparse.h"
#include "schema/diff_options.h"
#include "schema/whole.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cmig_schema_sql);

/* Row callback: append the statement. */
static void
append_row(const CmigDiffRow *row, void *arg)
{
	StringInfo	sql = arg;

	if (sql->len > 0 && strcmp(row->action, "alter") != 0)
		appendStringInfoChar(sql, '\n');
	if (row->upgrade == NULL)
		appendStringInfo(sql, "-- unsupported: %s %s\n", row->kind, row->object);
	else
		appendStringInfo(sql, "%s;\n", row->upgrade);
}

Datum
cmig_schema_sql(PG_FUNCTION_ARGS)
{
	CmigDiffOptions options = {.all_owners = true,.sorted = true};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 0);
	StringInfoData sql;

	cmig_diff_annotations(fcinfo, 1, &options);
	initStringInfo(&sql);
	cmig_deparse(cmig_whole_difference(managed, &options, true), append_row, &sql);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(sql.data, sql.len));
}
