/*
 * tools.c
 *	  The table of migration tools, and cmig.import_tools, which says which of
 *	  them a project and a database use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "funcapi.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "adopt/internal.h"

PG_FUNCTION_INFO_V1(cmig_import_tools);

#define FORMAT(...) &(const struct CmigFormat) {__VA_ARGS__}
#define APPLIED "'applied'"
#define BY_NUMBER(column) "ORDER BY length(t." column "::text), t." column "::text COLLATE \"C\""
#define BY_TEXT(column) "ORDER BY t." column "::text COLLATE \"C\""
#define IS_TRUE(column) "t." column "::text IN ('true', 't')"

static const CmigTool tools[] = {
	{"alembic",.file = "\\.py$",.mark = "^down_revision\\s*[:=]",
		.tables = {{"alembic_version", "version_num"}},
		.columns = {"version_num"},
	.select = "t.version_num::text, 'until'",.rest = BY_TEXT("version_num")},
	{"diesel",.file = "(^|/)\\d[^/]*/up\\.sql$",.is_nested = true,
		.format = FORMAT(cmig_format_diesel,.one_folder_each = true,.compare = strcmp,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"__diesel_schema_migrations", "version"}},
		.columns = {"version", "run_on"},
	.select = "t.version::text, " APPLIED,.rest = BY_TEXT("version")},
	{"django",.file = "(^|/)migrations/[^/]+\\.py$",.mark = "migrations\\.Migration\\)",
		.tables = {{"django_migrations", "applied"}},
		.columns = {"id", "app", "name", "applied"},
	.select = "t.app::text || '.' || t.name::text, " APPLIED,.rest = BY_NUMBER("id")},
	{"drizzle",.file = "(^|/)(meta/_journal|\\d[^/]*/snapshot)\\.json$",.is_nested = true,
		.format = FORMAT(.read = cmig_format_drizzle,.one_folder_each = true,.compare = strcmp,.file_template = "%(rev)s",
						 .keeps = CMIG_KEEPS_SESSION | CMIG_KEEPS_LOCAL),
		.tables = {{"__drizzle_migrations", "hash", "drizzle"}, {"__drizzle_migrations", "hash"}},
		.columns = {"id", "hash", "created_at"},
		.select = "t.created_at::text, " APPLIED,.rest = BY_NUMBER("created_at"),.match =
	CMIG_TOOL_DATE},
	{"engine",
		.tables = {{"version", "version_num", "cmig_engine"}, {"cmig_version", "version_num"}},
		.other_tables = {{"journal", "revision", "cmig_engine"}, {"progress", "revision", "cmig_engine"},
		{"format", "number", "cmig_engine"}, {"ddl_log", "command", "cmig_engine_ddl"}},
		.columns = {"version_num"},
	.select = "t.version_num::text, 'until'",.rest = BY_TEXT("version_num")},
	{"flyway",.file = "(^|/)(V\\d[^/]*|R)__[^/]*\\.(sql|java|kt)$",.joins_folders = true,
		.format = FORMAT(.read = cmig_format_flyway,.style = CMIG_PLACEHOLDER_BRACES,
						 .keeps = CMIG_KEEPS_SESSION & ~CMIG_KEEPS_ROLE),
		.tables = {{"flyway_schema_history", "installed_rank"}, {"schema_version", "installed_rank"}},
		.columns = {"installed_rank", "version", "description", "type", "success", "checksum"},
		.select = "coalesce(t.version::text, 'R_' || replace(t.description::text, ' ', '_')),"
		" CASE WHEN t.type::text ~ '^(UNDO|DELETE)' THEN 'reverted' WHEN NOT " IS_TRUE("success") " THEN 'failed'"
		" WHEN t.type::text ~ 'BASELINE' THEN 'until' WHEN t.version IS NULL THEN 'repeatable'"
		" ELSE 'applied' END, t.checksum::text",
		.rest = "WHERE t.type::text <> 'SCHEMA' " BY_NUMBER("installed_rank"),.match =
	CMIG_TOOL_NUMBER},
	{"golang-migrate",.file = "(^|/)\\d+_[^/]*\\.up\\.([^/.]*[sS][qQ][lL]|go)$",
		.format = FORMAT(.read = cmig_format_golang_migrate,.one_folder = true,.compare = cmig_tool_text_compare_versions,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"schema_migrations", "version"}},
		.columns = {"version", "dirty"},
		.select = "t.version::text, CASE WHEN " IS_TRUE("dirty") " THEN 'failed' ELSE 'until' END",
	.rest = BY_NUMBER("version"),.match = CMIG_TOOL_NUMBER},
	{"goose",.file = "(^|/)\\d[^/]*\\.(sql|go)$",.mark = "^--\\s*\\+goose\\s+[Uu]p|goose\\.AddMigration",
		.format = FORMAT(cmig_format_goose,.one_folder = true,.compare = cmig_tool_text_compare_versions,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"goose_db_version", "version_id"}},
		.columns = {"id", "version_id", "is_applied"},
		.select = "t.version_id::text, CASE WHEN " IS_TRUE("is_applied") " THEN 'applied' ELSE 'reverted' END",
	.rest = "WHERE t.version_id::text <> '0' " BY_NUMBER("id"),.match = CMIG_TOOL_NUMBER},
	{"graphile-migrate",.file = "(^|/)committed/\\d{6}[^/]*\\.sql$",.is_nested = true,
		.format = FORMAT(cmig_format_graphile_migrate,.style = CMIG_PLACEHOLDER_COLON,.compare = cmig_tool_text_compare_versions,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"migrations", "previous_hash", "graphile_migrate"}},
		.other_tables = {{"current", "content", "graphile_migrate"}},
		.columns = {"hash", "filename"},
		.select = "substring(t.filename::text from '^[0-9]+'), " APPLIED,.rest =
	BY_NUMBER("filename"),.match = CMIG_TOOL_NUMBER},
	{"liquibase",.file = "\\.(sql|xml|ya?ml|json)$",.main = "(^|/)(db\\.)?changelog-(master|root)\\.\\w+$",.includes = "<include|\\minclude(All)?\"?\\s*:",.mark = "^\\s*--\\s*liquibase formatted sql|<databaseChangeLog|^[\\s{]*\"?databaseChangeLog\"?\\s*:",
		.format = FORMAT(.read = cmig_format_liquibase,.style = CMIG_PLACEHOLDER_BRACES,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"databasechangelog", "orderexecuted"}},
		.other_tables = {{"databasechangeloglock", "lockgranted"}},
		.columns = {"id", "author", "filename", "exectype", "orderexecuted"},
		.select = "t.author::text || '.' || t.id::text, CASE t.exectype::text WHEN 'FAILED' THEN 'failed' ELSE 'applied' END, NULL,"
		" regexp_replace(t.filename::text, '^.*/|[.][^./]*$', '', 'g')",
	.rest = BY_NUMBER("orderexecuted")},
	{"node-pg-migrate",.file = "(^|/)\\d{13,17}_[^/]+\\.(sql|[cm]?[jt]s)$",.mark = "^-+\\s*[Uu]p\\s+[Mm]igration|\\mpgm\\M",
		.format = FORMAT(cmig_format_node_pg_migrate,.one_folder = true,.compare = cmig_tool_text_compare_versions,.file_template = "%(rev)s",
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"pgmigrations", "run_on"}},
		.columns = {"id", "name", "run_on"},
	.select = "t.name::text, " APPLIED,.rest = BY_NUMBER("id")},
	{"prisma",.file = "(^|/)migration_lock\\.toml$",
		.format = FORMAT(cmig_format_prisma,.one_folder_each = true,.compare = strcmp,.file_template = "%(rev)s",
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"_prisma_migrations", "migration_name"}},
		.columns = {"migration_name", "finished_at", "rolled_back_at", "started_at"},
		.select = "t.migration_name::text, CASE WHEN t.rolled_back_at IS NOT NULL THEN 'reverted' WHEN t.finished_at IS NULL THEN 'failed'"
	" ELSE 'applied' END",.rest = BY_TEXT("migration_name") ", t.started_at"},
	{"refinery",.file = "(^|/)[VU]\\d+__[^/]*\\.(sql|rs)$",.joins_folders = true,
		.format = FORMAT(cmig_format_refinery,.compare = cmig_tool_text_compare_versions,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"refinery_schema_history", "checksum"}},
		.columns = {"version", "applied_on", "checksum"},
	.select = "t.version::text, " APPLIED,.rest = BY_NUMBER("version"),.match = CMIG_TOOL_NUMBER},
	{"sqitch",.file = "(^|/)sqitch\\.plan$",
		.format = FORMAT(.read = cmig_format_sqitch,.style = CMIG_PLACEHOLDER_PSQL),
		.tables = {{"changes", "planned_at", "sqitch"}},
		.other_tables = {{"dependencies", "dependency_id", "sqitch"}, {"events", "change_id", "sqitch"},
		{"projects", "creator_email", "sqitch"}, {"releases", "installer_email", "sqitch"}, {"tags", "tag_id", "sqitch"}},
		.columns = {"change_id", "change", "planned_at", "committed_at"},
		.select = "t.change::text, " APPLIED,.rest = "ORDER BY t.planned_at",.match =
	CMIG_TOOL_OCCURRENCE},
	{"sqlx",.file = "(^|/)migrations/\\d+_[^/]*\\.sql$",
		.format = FORMAT(.read = cmig_format_sqlx,.one_folder = true,.compare = cmig_tool_text_compare_versions,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"_sqlx_migrations", "checksum"}},
		.columns = {"version", "success", "checksum"},
		.select = "t.version::text, CASE WHEN " IS_TRUE("success") " THEN 'applied' ELSE 'failed' END",
	.rest = BY_NUMBER("version"),.match = CMIG_TOOL_NUMBER},
	{"supabase",.file = "(^|/)supabase/migrations/\\d+_[^/]*\\.sql$",
		.format = FORMAT(cmig_format_supabase,.one_folder = true,.compare = strcmp,
						 .keeps = CMIG_KEEPS_TABLES | CMIG_KEEPS_ROLE),
		.tables = {{"schema_migrations", "version", "supabase_migrations"}},
		.columns = {"version", "statements"},
	.select = "t.version::text, " APPLIED,.rest = BY_TEXT("version")},
	{"yoyo",.file = "\\.(sql|py)$",.mark = "^--\\s*depends:|^from yoyo import",
		.format = FORMAT(cmig_format_yoyo,.one_folder = true,.compare = strcmp,
						 .file_template = "%(rev)s",
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"_yoyo_migration", "migration_id"}},
		.other_tables = {{"_yoyo_log", "migration_id"}, {"_yoyo_version", "version"}, {"yoyo_lock", "locked"}},
		.columns = {"migration_hash", "migration_id", "applied_at_utc"},
	.select = "t.migration_id::text, " APPLIED,.rest = BY_TEXT("migration_id")},

	/*
	 * These tools come last because their tables have the same name and
	 * column as golang-migrate's.
	 */
	{"dbmate",.file = "(^|/)\\d[^/]*\\.sql$",.mark = "^--\\s*migrate:up",
		.format = FORMAT(cmig_format_dbmate,.one_folder = true,.compare = strcmp,
						 .keeps = CMIG_KEEPS_SESSION),
		.tables = {{"schema_migrations", "version"}},
		.columns = {"version"},
	.select = "t.version::text, " APPLIED,.rest = BY_TEXT("version")},
	{"rails",.file = "(^|/)(structure\\.sql|db/migrate/\\d+_[^/]*\\.rb)$",
		.format = FORMAT(cmig_format_rails,.compare = cmig_tool_text_compare_versions),
		.tables = {{"schema_migrations", "version"}},
		.other_tables = {{"ar_internal_metadata", "key"}},
		.columns = {"version"},
	.select = "max(t.version::text COLLATE \"C\"), 'until'",.rest = "HAVING count(*) > 0"},

	/* these are only recognized: cmig.baseline() is the way from them */
	{"atlas",.file = "(^|/)atlas\\.sum$",
	.tables = {{"atlas_schema_revisions", "executed_at"}}},
	{"doctrine",.tables = {{"doctrine_migration_versions", "executed_at"}}},
	{"ef-core",.tables = {{"__EFMigrationsHistory", "MigrationId"}}},
	{"knex",.file = "(^|/)knexfile\\.[cm]?[jt]s$",
		.tables = {{"knex_migrations", "batch"}},
	.other_tables = {{"knex_migrations_lock", "is_locked"}}},
	{"mikro-orm",.file = "(^|/)mikro-orm\\.config\\.[cm]?[jt]s$",
	.tables = {{"mikro_orm_migrations", "executed_at"}}},
	{"phinx",.file = "(^|/)phinx\\.(php|ya?ml|json)$",
	.tables = {{"phinxlog", "migration_name"}}},
	{"sequelize",.tables = {{"SequelizeMeta", "name"}}},
	{"sql-migrate",.file = "\\.sql$",.mark = "^--\\s*\\+migrate\\s+Up",
	.tables = {{"gorp_migrations", "applied_at"}}}
};

const CmigTool *
cmig_tool_all(int *count)
{
	*count = lengthof(tools);
	return tools;
}

#define BASELINE \
	"`SELECT * FROM cmig.baseline(message => 'Start')`, and `SELECT * FROM cmig.stamp('head')`"

const CmigTool *
cmig_tool_find(const char *name, bool files)
{
	List	   *names = NIL;
	bool		is_known = false;
	char	   *hint;

	for (int i = 0; i < lengthof(tools); i++)
	{
		bool		is_named = strcmp(tools[i].name, name) == 0;

		is_known |= is_named && tools[i].format == NULL && tools[i].select == NULL;
		if (files ? tools[i].format == NULL : tools[i].select == NULL)
			continue;
		if (is_named)
			return &tools[i];
		names = lappend(names, unconstify(char *, tools[i].name));
	}
	cmig_text_list_sort(names);
	hint = psprintf(files ?
					"The formats are: %s. sqlx is also for plain SQL in files such as 1_name.sql." :
					"The tools are: %s.", cmig_text_join(names, NULL));
	if (is_known)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("migrations of %s cannot be converted", name),
				 cmig_hint("In a database in which they have run: " BASELINE ". %s", hint)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(files ? "unknown format \"%s\"" : "unknown tool \"%s\"", name),
			 cmig_hint("%s For others, in a database in which their migrations have run: " BASELINE, hint)));
}

static bool
matches(const char *pattern, const char *text)
{
	return RE_compile_and_execute(cstring_to_text(pattern), unconstify(char *, text), strlen(text),
								  REG_ADVANCED | REG_NLANCH, C_COLLATION_OID, 0, NULL);
}

/* Does a file look like one of the tool?  A file that has the mark of another tool does not. */
static bool
is_file_of(const CmigTool *tool, const char *name, const char *text)
{
	if (!tool->file || !matches(tool->file, name) || (tool->mark && !matches(tool->mark, text)))
		return false;
	for (int i = 0; tool->mark == NULL && i < lengthof(tools); i++)
		if (tools[i].mark && matches(tools[i].file, name) && matches(tools[i].mark, text))
			return false;
	return true;
}

/*
 * Returns the folder to convert if the tool has this file: that of the file, or
 * its parent if each migration has a folder.
 */
static char *
folder_of(const CmigTool *tool, const char *name)
{
	char	   *folder = pstrdup(name);
	bool		is_nested = tool->is_nested || cmig_tool_text_ends(name, ".rb");

	for (int i = 0; i <= is_nested; i++)
		*(strrchr(folder, '/') ? strrchr(folder, '/') : folder) = '\0';
	return folder;
}

bool
cmig_tool_folder_is_in(const char *folder, const char *other)
{
	size_t		length = strlen(other);

	return length == 0 || (strncmp(folder, other, length) == 0 && strchr("/", folder[length]));
}

/*
 * Returns the folder that contains all folders in which these files are, or NULL
 * if two files have the same version: then, the folders belong to several
 * databases.
 */
static char *
common_folder(const CmigTool *tool, const CmigNames *names, const List *files)
{
	char	   *common = NULL;
	List	   *versions = NIL;

	foreach_int(i, files)
	{
		const char *name = names->names[i];
		const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
		char	   *folder = folder_of(tool, name);

		/* R__one has a name, and V1_2__one a version */
		versions = lappend(versions, pnstrdup(base, *base == 'R' ? strlen(base) : strstr(base, "__") - base));
		if (common == NULL)
			common = folder;
		while (!cmig_tool_folder_is_in(folder, common))
			*(strrchr(common, '/') ? strrchr(common, '/') : common) = '\0';
	}
	cmig_text_list_sort(versions);
	for (int i = 1; i < list_length(versions); i++)
		if (strcmp(list_nth(versions, i - 1), list_nth(versions, i)) == 0)
			return NULL;
	return common;
}

/*
 * Does a folder of classes, such as src/main/java/db, have the place on the class
 * path that one of resources, such as src/main/resources/db, has?  The tool reads
 * both, and cmig import reads the classes with the resources.
 */
static bool
is_on_same_path(const char *classes, const char *resources)
{
	static const char *const languages[] = {"/java/", "/kotlin/"};

	for (int i = 0; i < lengthof(languages); i++)
	{
		const char *at = strstr(classes, languages[i]);

		if (at && strcmp(psprintf("%.*s/resources/%s", (int) (at - classes), classes,
								  at + strlen(languages[i])), resources) == 0)
			return true;
	}
	return false;
}

/* Remove the files whose folder is read with that of another one. */
static List *
without_classes(const CmigTool *tool, const CmigNames *names, List *found)
{
	List	   *rest = NIL;

	foreach_int(i, found)
	{
		char	   *folder = folder_of(tool, names->names[i]);
		bool		is_read = false;

		foreach_int(other, found)
			is_read |= is_on_same_path(folder, folder_of(tool, names->names[other]));
		if (!is_read)
			rest = lappend_int(rest, i);
	}
	return rest;
}

/*
 * Returns the index of the first file in each folder with files that look like
 * files of the tool, without folders in other ones.  If there are main files, or
 * files that include others, these; of a tool that is not converted, the first one.
 * If all folders are to be converted together, returns the first file of all, and
 * sets *folder_of_all to the one that contains them.
 */
static List *
find_files(const CmigTool *tool, const CmigNames *names, const CmigNames *texts, char **folder_of_all)
{
	List	   *found = NIL;
	List	   *all = NIL;
	int			best = 0;

	for (int i = 0; i < names->count; i++)
	{
		char	   *folder;
		int			rank = 0;
		bool		is_new = true;

		CHECK_FOR_INTERRUPTS();
		if (!is_file_of(tool, names->names[i], texts->names[i]))
			continue;
		all = lappend_int(all, i);
		if (tool->main)
			rank = matches(tool->main, names->names[i]) ? 2 : matches(tool->includes, texts->names[i]);
		if (rank > best)
			found = NIL;
		best = Max(best, rank);
		folder = folder_of(tool, names->names[i]);
		for (int n = list_length(found) - 1; n >= 0; n--)
		{
			const char *known = folder_of(tool, names->names[list_nth_int(found, n)]);

			is_new &= tool->format != NULL && !cmig_tool_folder_is_in(folder, known);
			if (is_new && rank == best && cmig_tool_folder_is_in(known, folder))
				found = list_delete_nth_cell(found, n);
		}
		if (is_new && rank == best)
			found = lappend_int(found, i);
	}
	*folder_of_all = tool->joins_folders && list_length(found) > 1 ? common_folder(tool, names, all) : NULL;
	if (*folder_of_all)
		return list_truncate(found, 1);
	return tool->joins_folders ? without_classes(tool, names, found) : found;
}

/*
 * Returns the tool's table in this database, or InvalidOid, and sets *applied to
 * the number of migrations in it, or to -1 and *note to the reason why it is not
 * read.
 */
static Oid
find_table(const CmigTool *tool, int *applied, char **note)
{
	Oid			table = cmig_tool_state_table(tool);

	*applied = -1;
	*note = NULL;
	if (!OidIsValid(table) || tool->select == NULL)
		return table;

	/* a table of this name may be another tool's */
	for (int i = 0; i < CMIG_TOOL_MAX_COLUMNS && tool->columns[i]; i++)
		if (get_attnum(table, tool->columns[i]) == InvalidAttrNumber)
			return InvalidOid;
	*note = cmig_tool_state_refusal(tool, table);
	if (*note)
		return table;
	*applied = 0;
	foreach_ptr(CmigToolApplied, row, cmig_tool_state_read(tool, table))
		* applied += !row->failed;
	return table;
}

Datum
cmig_import_tools(PG_FUNCTION_ARGS)
{
	CmigNames	none = {0};
	const CmigNames *names = PG_ARGISNULL(0) ? &none :
	cmig_import_list_argument(fcinfo, 0, "file_names");
	const CmigNames *texts = PG_ARGISNULL(1) ? &none :
	cmig_import_list_argument(fcinfo, 1, "contents");
	List	   *seen = NIL;

	cmig_import_require_contents(names, texts);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(tools); i++)
	{
		const CmigTool *tool = &tools[i];
		int			applied;
		char	   *note;
		Oid			table = find_table(tool, &applied, &note);
		char	   *folder;
		List	   *files = find_files(tool, names, texts, &folder);

		for (int n = 0; n < Max(list_length(files), 1); n++)
		{
			const char *file = files ? names->names[list_nth_int(files, n)] : NULL;
			bool		has_table = OidIsValid(table) && !list_member_oid(seen, table);
			Datum		values[] = {
				CStringGetTextDatum(tool->name), BoolGetDatum(tool->format != NULL),
				BoolGetDatum(tool->select != NULL),
				file ? CStringGetTextDatum(file) : 0,
				file ? CStringGetTextDatum(folder ? folder : folder_of(tool, file)) : 0,
				ObjectIdGetDatum(table), Int64GetDatum(applied), note ? CStringGetTextDatum(note) : 0
			};
			bool		nulls[] = {false, false, false, file == NULL, file == NULL, !has_table, !has_table ||
			applied < 0, !has_table || note == NULL};

			if (has_table)
				seen = lappend_oid(seen, table);
			cmig_result_add((ReturnSetInfo *) fcinfo->resultinfo, lengthof(values), values, nulls);
		}
	}
	return (Datum) 0;
}
