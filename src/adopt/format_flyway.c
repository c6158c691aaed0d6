/*
 * format_flyway.c
 *	  Reads Flyway files: versioned (V), undo (U), repeatable (R), and
 *	  baseline (B).
 *
 * Versions are written as in flyway_schema_history, with dots between their
 * parts.  A baseline is a script that new databases run instead of the
 * versions up to the baseline's version.  A baseline becomes a revision that
 * replaces these versions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/format_flyway.h"
#include "adopt/tool_text.h"

/* The parts of a Flyway file name. */
typedef struct FlywayName
{
	char		kind;			/* V, U, R, or B */
	char	   *version;		/* "" for R */
	char	   *title;
} FlywayName;

/*
 * Parse a file name such as "V1_2__title.sql".  Returns false if the name does
 * not have this form.
 */
static bool
read_name(const char *base, FlywayName *name)
{
	const char *separator = strstr(base, "__");
	int			length;

	if (separator == NULL || strchr("VURB", *base) == NULL ||
		!(cmig_tool_text_ends(base, ".sql") || cmig_import_language(base)))
		return false;
	name->kind = *base;
	length = separator - base - 1;
	name->version = pnstrdup(base + 1, length);
	name->title = cmig_tool_text_without(separator + 2, strrchr(base, '.'));
	for (char *p = name->version; *p; p++)
		if (*p == '_')
			*p = '.';
	return (name->kind == 'R') == (length == 0) &&
		strspn(name->version, "0123456789.") == length;
}

/* Does "<file>.conf" set executeInTransaction to false? */
static bool
without_transaction(CmigImport *import, const CmigToolFile *file)
{
	CmigToolFile *conf = cmig_import_file(import, psprintf("%s.conf", file->name));
	CmigToolLine line;

	for (const char *p = conf ? conf->text : ""; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *value = cmig_tool_text_after(&line, "executeInTransaction", true);

		if (value && *value == '=')
			return pg_strncasecmp(value + 1 + strspn(value + 1, " \t"), "false", 5) == 0;
	}
	return false;
}

/* Add a revision with the given id for a file. */
static CmigToolRevision *
add_file(CmigImport *import, CmigToolFile *file, const char *id, const FlywayName *name)
{
	CmigToolRevision *revision = cmig_import_add(import, file, id);

	revision->text.edges.message = cmig_tool_text_message(name->title);
	if (cmig_import_language(file->base))
		cmig_import_not_written(revision, name->kind == 'V', psprintf("it is written in %s, in file \"%s\"", cmig_import_language(file->base), file->name));
	else
		revision->text.upgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_UPGRADE);
	if (without_transaction(import, file))
		revision->text.edges.transactional = false;
	return revision;
}

/* Add revisions for the V (versioned) files, in version order. */
static void
add_versions(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		FlywayName	name;

		if (read_name(import->files[i].base, &name) && name.kind == 'V')
			add_file(import, &import->files[i], name.version, &name);
	}
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
}

/* Returns the revision with this version, or NULL if there is none. */
static CmigToolRevision *
find_version(const CmigImport *import, const char *version)
{
	ListCell   *lc;

	foreach(lc, import->revisions)
	{
		CmigToolRevision *revision = lfirst(lc);

		if (cmig_tool_text_compare_versions(revision->text.edges.id, version) == 0)
			return revision;
	}
	return NULL;
}

/*
 * Add each U (undo) file as the downgrade script of the revision with the same
 * version.
 */
static void
add_undo(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		FlywayName	name;
		CmigToolRevision *revision;

		if (!read_name(file->base, &name) || name.kind != 'U')
			continue;
		file->used = true;
		revision = find_version(import, name.version);
		if (revision && cmig_import_language(file->base))
			cmig_import_note(revision, "to be written: its downgrade is written in %s, in file \"%s\"", cmig_import_language(file->base), file->name);
		else if (revision)
			revision->text.downgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_DOWNGRADE);
		else
			cmig_import_file_note(import, file->name, "left out, because there is no V file of version %s", name.version);
	}
}

/*
 * Record which versions a baseline replaces.  The first "count" revisions of
 * the import are the versions; the baseline replaces those that are not later
 * than "version".
 */
static void
set_replaces(const CmigImport *import, CmigToolRevision *baseline, const char *version, int count)
{
	CmigNames  *replaces = &baseline->text.edges.replaces;
	ListCell   *lc;

	replaces->names = palloc(sizeof(char *) * (count + 1));
	foreach(lc, import->revisions)
	{
		const CmigToolRevision *revision = lfirst(lc);

		if (revision != baseline && foreach_current_index(lc) < count &&
			cmig_tool_text_compare_versions(revision->text.edges.id, version) <= 0)
			replaces->names[replaces->count++] = revision->text.edges.id;
	}
	if (replaces->count == 0)
		replaces->names[replaces->count++] = pstrdup(version);
}

/*
 * Make a baseline the parent of each later version that has no parent yet.  A
 * later version lacks a parent if the versions that the baseline replaces have
 * no files.
 */
static void
follow_baseline(const CmigImport *import, CmigToolRevision *baseline, const char *version)
{
	ListCell   *lc;

	foreach(lc, import->revisions)
	{
		CmigToolRevision *revision = lfirst(lc);

		if (revision != baseline && revision->text.edges.parents.count == 0 &&
			cmig_tool_text_compare_versions(revision->text.edges.id, version) > 0)
			cmig_import_set_parent(revision, baseline->text.edges.id);
	}
}

/*
 * Add a revision for the newest B (baseline) file.  Each older B file is left
 * out, with a note.
 */
static void
add_baseline(CmigImport *import)
{
	CmigToolFile *newest = NULL;
	FlywayName	newest_name;
	CmigToolRevision *baseline;
	int			count = list_length(import->revisions);

	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		FlywayName	name;

		if (!read_name(file->base, &name) || name.kind != 'B')
			continue;
		file->used = true;
		if (newest && cmig_tool_text_compare_versions(name.version, newest_name.version) < 0)
		{
			cmig_import_file_note(import, file->name, "left out, because there is a newer baseline");
			continue;
		}
		if (newest)
			cmig_import_file_note(import, newest->name, "left out, because there is a newer baseline");
		newest = file;
		newest_name = name;
	}
	if (newest == NULL)
		return;
	baseline = add_file(import, newest, psprintf("B%s", newest_name.version), &newest_name);
	set_replaces(import, baseline, newest_name.version, count);
	follow_baseline(import, baseline, newest_name.version);
	cmig_import_note(baseline, "it counts as applied in databases that have run version %s", newest_name.version);
}

/*
 * Add revisions for the R (repeatable) files.  Both Flyway and pg_cmig run
 * them in the order of their descriptions.
 */
static void
add_repeatable(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		FlywayName	name;
		CmigToolRevision *revision;

		if (!read_name(import->files[i].base, &name) || name.kind != 'R')
			continue;
		revision = add_file(import, &import->files[i], cmig_tool_text_id(psprintf("R_%s", name.title)), &name);
		revision->file_template = "%(rev)s";
		revision->text.edges.repeatable = true;
	}
}

/*
 * Is this the name of a callback script, which Flyway runs before or after an
 * event?
 */
static bool
is_callback(const char *base)
{
	return cmig_tool_text_begins(base, "before") || cmig_tool_text_begins(base, "after") ||
		cmig_tool_text_begins(base, "createSchema");
}

void
cmig_format_flyway(CmigImport *import)
{
	add_versions(import);
	add_undo(import);
	add_baseline(import);
	add_repeatable(import);
	for (int i = 0; i < import->file_count; i++)
		if (!import->files[i].used && is_callback(import->files[i].base))
		{
			import->files[i].used = true;
			cmig_import_file_note(import, import->files[i].name, "pg_cmig has no callbacks; run this file in the script that calls cmig.upgrade");
		}
}
