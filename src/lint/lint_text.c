/*
 * lint_text.c
 *	  Formats names for messages and fixes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_text.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

char *
cmig_lint_text_qualified(const CmigLintTable *table)
{
	return pstrdup(quote_qualified_identifier(table->schema, table->name));
}

char *
cmig_lint_text_name(const CmigLintTable *table)
{
	if (table->temporary || (table->schema && strcmp(table->schema, "public") == 0))
		return pstrdup(quote_identifier(table->name));
	return cmig_lint_text_qualified(table);
}

/* Append an approximate number of rows. */
static void
append_rows(StringInfo text, double rows)
{
	if (rows >= 1e6)
		appendStringInfo(text, "about %.1f million rows, ", rows / 1e6);
	else
		appendStringInfo(text, "about %.0f row%s, ", rows, rows == 1 ? "" : "s");
}

char *
cmig_lint_text_table(const CmigLintTable *table)
{
	StringInfoData result;

	initStringInfo(&result);
	appendStringInfoString(&result, cmig_lint_text_name(table));
	if (table->bytes <= 0)
		return result.data;
	appendStringInfoString(&result, " (");
	if (table->rows > 0)
		append_rows(&result, table->rows);
	appendStringInfoString(&result, TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum(table->bytes))));
	if (table->loaded && table->indexes != NIL)
		appendStringInfo(&result, ", %d index%s", list_length(table->indexes),
						 list_length(table->indexes) == 1 ? "" : "es");
	appendStringInfoChar(&result, ')');
	return result.data;
}

char *
cmig_lint_text_range_var(const RangeVar *name)
{
	return pstrdup(quote_qualified_identifier(name->schemaname, name->relname));
}

char *
cmig_lint_text_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
	{
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", quote_identifier(lfirst(lc)));
	}
	return text.data;
}
