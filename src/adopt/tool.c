/*
 * tool.c
 *	  Describes the tables in which other tools record applied migrations.
 *
 * The queries that read these tables cast every column to text, so that an
 * unexpected column type does not cause an error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/tool.h"
#include "base/text_list.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#define APPLIED "'applied'"
#define BY_NUMBER(column) "ORDER BY length(t." column "::text), t." column "::text COLLATE \"C\""
#define BY_TEXT(column) "ORDER BY t." column "::text COLLATE \"C\""
#define IS_TRUE(column) "t." column "::text IN ('true', 't')"

static const CmigTool tools[] = {
	{"alembic", {"version_num"},
	"t.version_num::text, 'until'", BY_TEXT("version_num")},
	{"diesel", {"version", "run_on"},
	"t.version::text, " APPLIED, BY_TEXT("version")},
	{"drizzle", {"id", "hash", "created_at"},
	"t.created_at::text, " APPLIED, BY_NUMBER("created_at"), CMIG_TOOL_DATE},
	{"flyway", {"installed_rank", "version", "description", "type", "success"},
	"coalesce(t.version::text, 'R_' || replace(t.description::text, ' ', '_')),"
	" CASE WHEN t.type::text ~ '^(UNDO|DELETE)' THEN 'reverted' WHEN NOT " IS_TRUE("success") " THEN 'failed'"
	" WHEN t.type::text ~ 'BASELINE' THEN 'until' WHEN t.version IS NULL THEN 'repeatable' ELSE 'applied' END",
	"WHERE t.type::text <> 'SCHEMA' " BY_NUMBER("installed_rank"), CMIG_TOOL_NUMBER},
	{"golang-migrate", {"version", "dirty"},
	"t.version::text, CASE WHEN " IS_TRUE("dirty") " THEN 'failed' ELSE 'until' END", BY_NUMBER("version"),
	CMIG_TOOL_NUMBER},
	{"goose", {"id", "version_id", "is_applied"},
	"t.version_id::text, CASE WHEN " IS_TRUE("is_applied") " THEN 'applied' ELSE 'reverted' END",
	"WHERE t.version_id::text <> '0' " BY_NUMBER("id"), CMIG_TOOL_NUMBER},
	{"graphile-migrate", {"hash", "filename"},
	"substring(t.filename::text from '^[0-9]+'), " APPLIED, BY_NUMBER("filename"), CMIG_TOOL_NUMBER},
	{"liquibase", {"id", "author", "exectype", "orderexecuted"},
	"t.author::text || '.' || t.id::text, CASE t.exectype::text WHEN 'FAILED' THEN 'failed' ELSE 'applied' END",
	BY_NUMBER("orderexecuted")},
	{"node-pg-migrate", {"id", "name", "run_on"},
	"t.name::text, " APPLIED, BY_NUMBER("id")},
	{"prisma", {"migration_name", "finished_at", "rolled_back_at", "started_at"},
	"t.migration_name::text, CASE WHEN t.rolled_back_at IS NOT NULL THEN 'reverted' WHEN t.finished_at IS NULL THEN 'failed'"
	" ELSE 'applied' END", BY_TEXT("migration_name") ", t.started_at"},
	{"refinery", {"version", "applied_on", "checksum"},
	"t.version::text, " APPLIED, BY_NUMBER("version"), CMIG_TOOL_NUMBER},
	{"sqitch", {"change_id", "change", "planned_at", "committed_at"},
	"t.change::text, " APPLIED, "ORDER BY t.planned_at", CMIG_TOOL_OCCURRENCE},
	{"sqlx", {"version", "success", "checksum"},
	"t.version::text, CASE WHEN " IS_TRUE("success") " THEN 'applied' ELSE 'failed' END", BY_NUMBER("version"),
	CMIG_TOOL_NUMBER},
	{"supabase", {"version", "statements"},
	"t.version::text, " APPLIED, BY_TEXT("version")},
	{"yoyo", {"migration_hash", "migration_id", "applied_at_utc"},
	"t.migration_id::text, " APPLIED, BY_TEXT("migration_id")},

	/*
	 * These tools come last because their tables have the same name and
	 * column as golang-migrate's.
	 */
	{"dbmate", {"version"},
	"t.version::text, " APPLIED, BY_TEXT("version")},
	{"rails", {"version"},
	"max(t.version::text COLLATE \"C\"), 'until'", "HAVING count(*) > 0"},
};

const CmigTool *
cmig_tool_all(int *count)
{
	*count = lengthof(tools);
	return tools;
}

/* Returns the names of all tools, sorted. */
static char *
list_names(void)
{
	List	   *names = NIL;
	StringInfoData text;
	ListCell   *lc;

	for (int i = 0; i < lengthof(tools); i++)
		names = lappend(names, unconstify(char *, tools[i].name));
	cmig_text_list_sort(names);
	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", (char *) lfirst(lc));
	return text.data;
}

const CmigTool *
cmig_tool_find(const char *name)
{
	for (int i = 0; i < lengthof(tools); i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown tool \"%s\"", name),
			 errhint("The tools are: %s.", list_names())));
}
