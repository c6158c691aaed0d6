/*
 * format_folders.c
 *	  Reads formats that have a separate folder for each migration.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/format_folders.h"
#include "adopt/tool_text.h"

/* Returns the path of a file named "base" in the same folder as "file". */
static char *
beside(const CmigToolFile *file, const char *base)
{
	return psprintf("%.*s%s", (int) (file->base - file->name), file->name, base);
}

/*
 * Diesel
 */

/*
 * Returns the version of a migration folder: the part of its name before the
 * first underscore, without hyphens.
 */
static char *
diesel_version(const char *folder)
{
	char	   *version = pnstrdup(folder, strcspn(folder, "_"));
	char	   *to = version;

	for (const char *from = version; *from; from++)
		if (*from != '-')
			*to++ = *from;
	*to = '\0';
	return version;
}

/*
 * Does Diesel run the migration without a transaction?  It does unless
 * metadata.toml sets run_in_transaction to true.
 */
static bool
diesel_without_transaction(const CmigToolFile *metadata)
{
	CmigToolLine line;

	for (const char *p = metadata->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *rest = cmig_tool_text_after(&line, "run_in_transaction", true);

		if (rest && *rest == '=')
			return strncmp(rest + 1 + strspn(rest + 1, " \t"), "true", 4) != 0;
	}
	return true;
}

/*
 * Add a revision for a migration folder, which contains up.sql and can also
 * contain down.sql and metadata.toml.
 */
static void
read_diesel(CmigImport *import, CmigToolFile *up)
{
	const char *title = strchr(up->folder, '_');
	CmigToolRevision *revision = cmig_import_add(import, up, diesel_version(up->folder));
	CmigToolFile *down = cmig_import_file(import, beside(up, "down.sql"));
	CmigToolFile *metadata = cmig_import_file(import, beside(up, "metadata.toml"));

	revision->text.edges.message = cmig_tool_text_message(title ? title + 1 : up->folder);
	revision->text.upgrade_sql = cmig_import_whole(import, up, CMIG_SECTION_UPGRADE);
	if (down)
		revision->text.downgrade_sql = cmig_import_whole(import, down, CMIG_SECTION_DOWNGRADE);
	if (metadata && diesel_without_transaction(metadata))
	{
		revision->text.edges.transactional = false;
		if (strstr(metadata->text, "run_in_transaction") == NULL)
			cmig_import_note(revision, "transactional: false, because metadata.toml exists without run_in_transaction");
	}
}

void
cmig_format_diesel(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		if (strcmp(file->base, "up.sql") == 0 && *file->folder && *diesel_version(file->folder))
			read_diesel(import, file);
	}
	cmig_import_sort(import, strcmp);
	cmig_import_chain(import);
}

/*
 * Prisma
 */

/* Add a revision with the folder's name as its id. */
static void
add_folder(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision = cmig_import_add(import, file, cmig_tool_text_id(file->folder));
	const char *title = file->folder + cmig_tool_text_digits(file->folder);

	revision->text.edges.message = cmig_tool_text_message(*title == '_' ? title + 1 : file->folder);
	revision->text.upgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_UPGRADE);
}

void
cmig_format_prisma(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		if (strcmp(file->base, "migration.sql") == 0 && *file->folder)
			add_folder(import, file);
		else if (strcmp(file->base, "migration_lock.toml") == 0)
			file->used = true;
	}
	cmig_import_sort(import, strcmp);
	cmig_import_chain(import);
	import->file_template = "%(rev)s";
}

/*
 * Drizzle
 */

/*
 * Returns the value of "when" in the _journal.json entry with the given tag.
 * Returns 0 if there is no such entry.
 */
static int64
drizzle_time(const CmigToolFile *journal, const char *tag)
{
	char	   *quoted = psprintf("\"%s\"", tag);
	const char *found = journal ? strstr(journal->text, quoted) : NULL;
	const char *entry = found;

	while (entry && entry > journal->text && *entry != '{')
		entry--;
	entry = entry ? strstr(entry, "\"when\"") : NULL;
	if (entry == NULL || entry > found + strcspn(found, "}"))
		return 0;
	entry += strlen("\"when\"");
	entry += strspn(entry, " \t\r\n:");
	return strtoll(entry, NULL, 10);
}

/* Add a revision for one file, with its creation time from the journal. */
static void
add_drizzle_file(CmigImport *import, CmigToolFile *file, const CmigToolFile *journal)
{
	char	   *tag = cmig_tool_text_without(file->base, ".sql");
	const char *title = tag + cmig_tool_text_digits(tag);
	CmigToolRevision *revision = cmig_import_add(import, file, cmig_tool_text_id(tag));
	int64		when = drizzle_time(journal, tag);

	revision->text.edges.message = cmig_tool_text_message(*title == '_' ? title + 1 : tag);
	revision->text.upgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_UPGRADE);
	if (when > 0)
	{
		revision->text.has_created_at = true;
		revision->text.created_at = when * 1000 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	}
	else
		cmig_import_note(revision, "it is not in meta/_journal.json, so drizzle-kit does not run it");
}

/* Is this one of the files in which Drizzle keeps its metadata? */
static bool
is_drizzle_record(const CmigToolFile *file)
{
	return strcmp(file->folder, "meta") == 0 || strcmp(file->base, "snapshot.json") == 0;
}

void
cmig_format_drizzle(CmigImport *import)
{
	CmigToolFile *journal = NULL;

	for (int i = 0; i < import->file_count; i++)
		if (strcmp(import->files[i].base, "_journal.json") == 0)
			journal = &import->files[i];
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		if (is_drizzle_record(file))
			file->used = true;
		else if (strcmp(file->base, "migration.sql") == 0 && *file->folder)
			add_folder(import, file);
		else if (cmig_tool_text_ends(file->base, ".sql") && cmig_tool_text_digits(file->base) > 0)
			add_drizzle_file(import, file, journal);
	}
	cmig_import_sort(import, strcmp);
	cmig_import_chain(import);
	import->file_template = "%(rev)s";
}
