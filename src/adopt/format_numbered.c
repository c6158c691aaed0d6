/*
 * format_numbered.c
 *	  Reads formats whose file names begin with a number.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/format_numbered.h"
#include "adopt/tool_text.h"

/* The parts of a numbered file's name. */
typedef struct NumberedName
{
	char	   *number;
	char	   *title;
	bool		is_up;			/* does the name end in .up.sql? */
	bool		is_down;		/* does the name end in .down.sql? */
	const char *language;		/* if it is not a script */
} NumberedName;

/*
 * Parse a file name such as "<number><separator><title>[.up|.down].sql".  The
 * number may be preceded by letters.  A file whose number is preceded by letters
 * can also be written in a programming language.
 */
static bool
read_name(const char *base, const char *letters, const char *separator, NumberedName *name)
{
	char	   *stem;
	int			digits;

	memset(name, 0, sizeof(NumberedName));
	name->language = *letters ? cmig_import_language(base) : NULL;
	if (name->language == NULL && !cmig_tool_text_ends(base, ".sql"))
		return false;
	stem = cmig_tool_text_without(base, strrchr(base, '.'));
	name->is_up = cmig_tool_text_ends(stem, ".up");
	name->is_down = cmig_tool_text_ends(stem, ".down");
	if (name->is_up || name->is_down)
		stem = cmig_tool_text_without(stem, name->is_up ? ".up" : ".down");
	if (*letters)
	{
		if (*stem == '\0' || strchr(letters, *stem) == NULL)
			return false;
		stem++;
	}
	digits = cmig_tool_text_digits(stem);
	if (digits == 0 || !cmig_tool_text_begins(stem + digits, separator))
		return false;
	name->number = pnstrdup(stem, digits);
	name->title = stem + digits + strlen(separator);
	return true;
}

/*
 * Returns the revision to which the file belongs: for a file with a downgrade
 * script, the revision with the same number, if it has no downgrade script yet.
 * Otherwise adds a revision, so that two files for the same script are an error.
 */
static CmigToolRevision *
numbered_revision(CmigImport *import, CmigToolFile *file, const NumberedName *name)
{
	CmigToolRevision *revision;
	ListCell   *lc;

	foreach(lc, import->revisions)
	{
		revision = lfirst(lc);
		if (name->is_down && revision->text.downgrade_sql == NULL &&
			cmig_tool_text_compare_versions(revision->text.edges.id, name->number) == 0)
			return revision;
	}
	revision = cmig_import_add(import, file, name->number);
	revision->text.edges.message = cmig_tool_text_message(name->title);
	return revision;
}

/*
 * Add the file's script to its revision, and return the revision.  Returns NULL
 * if the file does not belong to the format.  The files with downgrade scripts
 * must be read last.
 */
static CmigToolRevision *
read_file(CmigImport *import, CmigToolFile *file, const char *letters, const char *separator)
{
	NumberedName name;
	CmigToolRevision *revision;

	if (!read_name(file->base, letters, separator, &name))
		return NULL;
	revision = numbered_revision(import, file, &name);
	file->used = true;
	if (name.language)
		cmig_import_not_written(revision, true, psprintf("it is written in %s, in file \"%s\"", name.language, file->name));
	else if (name.is_down)
		revision->text.downgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_DOWNGRADE);
	else
		revision->text.upgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_UPGRADE);
	return revision;
}

/* Add a note to each revision without an upgrade script. */
static void
note_missing_upgrades(CmigImport *import)
{
	ListCell   *lc;

	foreach(lc, import->revisions)
	{
		CmigToolRevision *revision = lfirst(lc);

		if (*revision->text.upgrade_sql == '\0')
			cmig_import_note(revision, "the file with its upgrade script is missing or empty");
	}
}

/*
 * Read the files of golang-migrate and sqlx, which have separate files for the
 * two directions.  If "both" is true, every file has a direction.
 */
static void
read_pairs(CmigImport *import, bool both)
{
	for (int down = 0; down < 2; down++)
		for (int i = 0; i < import->file_count; i++)
		{
			CmigToolFile *file = &import->files[i];
			NumberedName name;
			CmigToolRevision *revision;

			if (!read_name(file->base, "", "_", &name) || name.is_down != (down == 1) || (both && !name.is_up && !name.is_down))
				continue;
			revision = read_file(import, file, "", "_");
			if (!both && cmig_tool_text_begins(file->text, "-- no-transaction"))
				revision->text.edges.transactional = false;
		}
	note_missing_upgrades(import);
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
}

void
cmig_format_golang_migrate(CmigImport *import)
{
	read_pairs(import, true);
}

void
cmig_format_sqlx(CmigImport *import)
{
	read_pairs(import, false);
}

void
cmig_format_refinery(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision = read_file(import, file, "VU", "__");

		if (revision && *file->base == 'U')
			cmig_import_note(revision, "unversioned: refinery runs it even if later versions are already applied; pg_cmig runs it only at its position in the order");
	}
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
}

void
cmig_format_supabase(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		NumberedName name;

		if (read_name(import->files[i].base, "", "_", &name) && !name.is_down)
			read_file(import, &import->files[i], "", "_");
	}
	cmig_import_sort(import, strcmp);
	cmig_import_chain(import);
}
