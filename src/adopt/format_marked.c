/*
 * format_marked.c
 *	  Formats with markers or numbers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "adopt/internal.h"

/* ----------------------------------------------------------------
 * Reads formats whose file names begin with a number.
 *
 * The formats are golang-migrate, sqlx, refinery, and the Supabase CLI.  Each
 * file contains one script.  The upgrade and the downgrade script of a
 * migration can be in two files with the same number.
 * ----------------------------------------------------------------
 */

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
 * number may be preceded by letters.  A file whose number is preceded by letters,
 * or whose name has a direction, can also be written in a programming language.
 * If "both" is true, every name has a direction, the last one counts, and what
 * follows it does not.
 */
static bool
read_numbered_name(const char *base, const char *letters, const char *separator, bool both,
				   NumberedName *name)
{
	const char *end = strrchr(base, '.');
	char	   *stem;
	int			digits;

	memset(name, 0, sizeof(NumberedName));
	name->language = cmig_import_language(base);
	if (end == NULL || (!both && name->language == NULL && strcmp(end, ".sql") != 0))
		return false;
	for (const char *p = both ? strchr(base, '.') : NULL; p; p = strchr(p + 1, '.'))
		if (cmig_tool_text_begins(p, ".up.") || cmig_tool_text_begins(p, ".down."))
			end = strchr(p + 1, '.');
	stem = cmig_tool_text_without(base, end);
	name->is_up = cmig_tool_text_ends(stem, ".up");
	name->is_down = cmig_tool_text_ends(stem, ".down");
	if (name->language && !*letters && !name->is_up && !name->is_down)
		return false;
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
 * Add the file's script to its revision, and return the revision.  Returns NULL
 * if the file does not belong to the format.  The files with downgrade scripts
 * must be read last: such a file belongs to the revision with the same number in
 * its folder, if that has no downgrade script yet.  Any other file adds a revision, so that
 * two files for the same script are an error.
 */
static CmigToolRevision *
read_file(CmigImport *import, CmigToolFile *file, const char *letters, const char *separator,
		  bool both)
{
	NumberedName name;
	CmigToolRevision *revision = NULL;

	if (!read_numbered_name(file->base, letters, separator, both, &name))
		return NULL;
	foreach_ptr(CmigToolRevision, other, import->revisions)
	{
		if (name.is_down && revision == NULL && other->text.downgrade_sql == NULL &&
			strcmp(cmig_tool_file_folder(other->file), cmig_tool_file_folder(file)) == 0 &&
			cmig_tool_text_compare_versions(other->text.edges.id, name.number) == 0)
			revision = other;
	}
	if (revision == NULL)
	{
		revision = cmig_import_add(import, file, name.number);
		revision->text.edges.message = cmig_tool_text_message(name.title);
	}
	file->used = true;
	if (name.language)
		cmig_import_not_written(revision, !name.is_down, !name.is_up,
								psprintf("it is written in %s, in file \"%s\"", name.language,
										 file->name));
	else if (name.is_down)
		revision->text.downgrade_sql = cmig_import_section(import, file, CMIG_SECTION_DOWNGRADE,
														   file->text);
	else
		revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE,
														 file->text);
	return revision;
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

			if (!read_numbered_name(file->base, "", "_", both, &name) || name.is_down != (down == 1) ||
				(both && !name.is_up && !name.is_down))
				continue;
			revision = read_file(import, file, "", "_", both);
			if (!both && cmig_tool_text_begins(file->text, "-- no-transaction"))
				revision->alone[down ? CMIG_SECTION_DOWNGRADE : CMIG_SECTION_UPGRADE] = true;
		}
	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		if (*revision->text.upgrade_sql == '\0')
			cmig_import_note(revision, "the file with its upgrade script is missing or empty");
	}
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
cmig_format_refinery(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision = read_file(import, file, "VU", "__", false);

	if (revision && *file->base == 'U')
		cmig_import_note(revision,
						 "unversioned: refinery runs it even if later versions are already applied; pg_cmig runs it only at its position in the order");
}

void
cmig_format_supabase(CmigImport *import, CmigToolFile *file)
{
	NumberedName name;

	if (read_numbered_name(file->base, "", "_", false, &name) && !name.is_down)
		read_file(import, file, "", "_", false);
}

/* ----------------------------------------------------------------
 * Reads formats that keep the upgrade and the downgrade script in one
 * file, separated by comments.
 *
 * The formats are dbmate, goose, and node-pg-migrate, and graphile-migrate,
 * whose files have a header in comments, but no downgrade script.
 * ----------------------------------------------------------------
 */

/* The kinds of lines in a migration file. */
typedef enum MarkedLine
{
	LINE_TEXT,
	LINE_UP,
	LINE_DOWN,
	LINE_DROPPED				/* a directive that is left out of both
								 * scripts */
} MarkedLine;

/* The scripts found so far in the file that is being read. */
typedef struct MarkedFile
{
	StringInfoData before;		/* text before the first marker */
	StringInfoData up;
	StringInfoData down;
	bool		has_up;
	bool		has_down;
} MarkedFile;

typedef MarkedLine (*ClassifyLine) (CmigToolRevision *revision, const CmigToolLine *line);

/*
 * Split a file's lines into the upgrade script and the downgrade script.
 * Raises MG013 for a line that is a marker except for its indentation, with
 * which some versions of the tools take it for a comment, and for a second
 * marker of a direction and SQL before the first one, for which the tools reject
 * the file, or ignore SQL.
 * "required" is the marker of the upgrade if the file must have it, or NULL.
 */
static void
read_lines(CmigToolRevision *revision, const char *text, ClassifyLine classify,
		   const char *required, MarkedFile *marked)
{
	CmigToolLine line;
	CmigToolLine inner;
	CmigLexer	lexer;
	StringInfo	to = &marked->before;
	bool		down_first = false;
	int			number = 0;

	memset(marked, 0, sizeof(MarkedFile));
	initStringInfo(&marked->before);
	initStringInfo(&marked->up);
	initStringInfo(&marked->down);
	for (const char *p = text; cmig_tool_text_line(p, &line); p = line.next)
	{
		MarkedLine	kind = classify(revision, &line);

		number++;
		if ((kind == LINE_UP && marked->has_up) || (kind == LINE_DOWN && marked->has_down))
			cmig_import_refuse(revision->file,
							   psprintf("Line %d is a second marker of its direction: %.*s", number,
										(int) (line.end - line.start), line.start),
							   "Put all SQL of the direction after its first marker, or divide the file.");
		switch (kind)
		{
			case LINE_UP:
				to = &marked->up;
				marked->has_up = true;
				break;
			case LINE_DOWN:
				to = &marked->down;
				marked->has_down = true;
				down_first = !marked->has_up;
				break;
			case LINE_TEXT:
				inner = line;
				inner.start += strspn(inner.start, " \t");
				if (inner.start > line.start && inner.start < inner.end &&
					classify(revision, &inner) != LINE_TEXT)
					cmig_import_refuse(revision->file,
									   psprintf("Line %d is indented: %.*s", number,
												(int) (inner.end - inner.start), inner.start),
									   "Remove the spaces before it if it is a marker, or the line if it is not.");
				appendBinaryStringInfo(to, line.start, line.next - line.start);
				break;
			case LINE_DROPPED:
				/* keep the line numbers for the error below */
				if (to == &marked->before)
					appendStringInfoChar(to, '\n');
				break;
		}
	}
	cmig_lexer_init(&lexer, marked->before.data);
	if ((marked->has_up || marked->has_down) && cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
		cmig_import_refuse(revision->file,
						   psprintf("The statement on line %d is before the first marker.",
									lexer.line),
						   "Move it after the marker.");
	if (required && !marked->has_up)
		cmig_import_refuse(revision->file, psprintf("It has no line \"%s\".", required),
						   "Add this line before the SQL of the upgrade.");
	if (required && down_first)
		cmig_import_refuse(revision->file,
						   psprintf("The marker of the downgrade is before \"%s\".", required),
						   "Move the SQL of the downgrade to the end of the file.");
}

/*
 * Add a revision for a file named "<digits>[_-.]title<ending>".  Returns NULL
 * if the file's name does not have this form.
 */
static CmigToolRevision *
add_numbered(CmigImport *import, CmigToolFile *file, const char *ending)
{
	int			digits = cmig_tool_text_digits(file->base);
	CmigToolRevision *revision;
	char	   *title;

	if (digits == 0 || !cmig_tool_text_ends(file->base, ending))
		return NULL;
	revision = cmig_import_add(import, file, pnstrdup(file->base, digits));
	title = cmig_tool_text_without(file->base + digits, ending);
	revision->text.edges.message = cmig_tool_text_message(title + strspn(title, "_-."));
	return revision;
}

/*
 * dbmate
 */

static MarkedLine
classify_dbmate(CmigToolRevision *revision, const CmigToolLine *line)
{
	char	   *rest = cmig_tool_text_after(line, "--", false);
	CmigToolLine comment;
	bool		is_up;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return LINE_TEXT;
	is_up = cmig_tool_text_begins(rest, "migrate:up");
	if (!is_up && !cmig_tool_text_begins(rest, "migrate:down"))
		return LINE_TEXT;
	rest += strlen(is_up ? "migrate:up" : "migrate:down");
	if (*rest && !isspace((unsigned char) *rest))
		return LINE_TEXT;
	for (char *word = strtok(rest, " \t"); word; word = strtok(NULL, " \t"))
		if (strcmp(word, "transaction:false") == 0)
			revision->alone[is_up ? CMIG_SECTION_UPGRADE : CMIG_SECTION_DOWNGRADE] = true;
		else if (strcmp(word, "transaction:true") != 0)
			cmig_import_note(revision,
							 psprintf("unknown option \"%s\" of migrate:%s", word,
									  is_up ? "up" : "down"));
	return is_up ? LINE_UP : LINE_DOWN;
}

void
cmig_format_dbmate(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision = add_numbered(import, file, ".sql");
	MarkedFile	marked;

	if (revision == NULL)
		return;
	revision->order = pstrdup(file->base);
	read_lines(revision, file->text, classify_dbmate, "-- migrate:up", &marked);
	cmig_import_scripts(import, revision, marked.up.data,
						marked.has_down ? marked.down.data : NULL);
}

/*
 * goose
 */

/*
 * The lines ENVSUB ON and ENVSUB OFF are not recognized here, because
 * substitute_environment() has already removed them.
 */
static MarkedLine
classify_goose(CmigToolRevision *revision, const CmigToolLine *line)
{
	char	   *rest = cmig_tool_text_after(line, "--", false);
	CmigToolLine comment;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return LINE_TEXT;
	rest = cmig_tool_text_after(&comment, "+goose", false);
	if (rest == NULL)
		return LINE_TEXT;
	if (pg_strcasecmp(rest, "up") == 0)
		return LINE_UP;
	if (pg_strcasecmp(rest, "down") == 0)
		return LINE_DOWN;
	if (pg_strcasecmp(rest, "no transaction") == 0)
		revision->text.edges.transactional = false;
	else if (pg_strcasecmp(rest, "statementbegin") != 0 && pg_strcasecmp(rest, "statementend") != 0)
		cmig_import_note(revision, psprintf("unknown annotation \"+goose %s\"", rest));
	return LINE_DROPPED;
}

/*
 * Returns the file's text without ENVSUB lines.  Between ENVSUB ON and ENVSUB
 * OFF, environment variables are replaced.
 */
static char *
substitute_environment(CmigImport *import, const CmigToolFile *file)
{
	StringInfoData result;
	StringInfoData newlines;	/* one newline for each line read so far, so
								 * that errors have the right line numbers */
	CmigToolLine line;
	bool		on = false;

	initStringInfo(&result);
	initStringInfo(&newlines);
	for (const char *p = file->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *rest = cmig_tool_text_after(&line, "-- +goose envsub", false);

		if (rest)
			on = pg_strcasecmp(rest, "on") == 0;
		else if (on)
		{
			char	   *text = psprintf("%s%.*s", newlines.data, (int) (line.next - line.start),
										line.start);

			appendStringInfoString(&result,
								   cmig_placeholder_fill(import->placeholders, text, file->name,
														 true) + newlines.len);
		}
		else
			appendBinaryStringInfo(&result, line.start, line.next - line.start);
		appendStringInfoChar(&newlines, '\n');
	}
	return result.data;
}

void
cmig_format_goose(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision = add_numbered(import, file, ".sql");
	MarkedFile	marked;

	if (revision == NULL)
	{
		revision = cmig_tool_text_ends(file->base, "_test.go") ? NULL :
			add_numbered(import, file, ".go");
		if (revision)
			cmig_import_not_written(revision, true, true,
									psprintf("it is written in Go, in file \"%s\"", file->name));
		return;
	}
	read_lines(revision, substitute_environment(import, file), classify_goose, "-- +goose Up",
			   &marked);
	cmig_import_scripts(import, revision, marked.up.data,
						marked.has_down ? marked.down.data : NULL);
}

/*
 * node-pg-migrate
 */

/*
 * Is this a line such as "-- Up Migration"?  Any number of hyphens and spaces
 * is accepted, and the words can be in upper or lower case.
 */
static bool
is_direction(const CmigToolLine *line, const char *word)
{
	char	   *rest = cmig_tool_text_after(line, "--", true);

	if (rest == NULL)
		return false;
	rest += strspn(rest, "- \t");
	if (pg_strncasecmp(rest, word, strlen(word)) != 0)
		return false;
	rest += strlen(word);
	if (!isspace((unsigned char) *rest))
		return false;
	rest += strspn(rest, " \t");
	return pg_strncasecmp(rest, "migration", strlen("migration")) == 0;
}

static MarkedLine
classify_node_pg_migrate(CmigToolRevision *revision, const CmigToolLine *line)
{
	if (is_direction(line, "up"))
		return LINE_UP;
	return is_direction(line, "down") ? LINE_DOWN : LINE_TEXT;
}

void
cmig_format_node_pg_migrate(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision;
	MarkedFile	marked;
	char	   *stem;

	const char *language = cmig_tool_text_digits(file->base) > 0 ?
	cmig_import_language(file->base) : NULL;

	if (language == NULL && !cmig_tool_text_ends(file->base, ".sql"))
		return;
	stem = cmig_tool_text_without(file->base, strrchr(file->base, '.'));
	revision = cmig_import_add(import, file, cmig_tool_text_id(stem));
	stem += cmig_tool_text_digits(stem);
	revision->text.edges.message = cmig_tool_text_message(stem + strspn(stem, "_-"));
	if (language)
	{
		cmig_import_not_written(revision, true, true,
								psprintf("it is written in %s, in file \"%s\"; use the output of \"node-pg-migrate up --dry-run\"", language, file->name));
		return;
	}
	read_lines(revision, file->text, classify_node_pg_migrate, NULL, &marked);
	if (!marked.has_up)
		appendStringInfoString(&marked.up, marked.before.data);
	cmig_import_scripts(import, revision, marked.up.data,
						marked.has_down ? marked.down.data : NULL);
}

/*
 * graphile-migrate
 */

/*
 * Apply the header of a committed migration, whose lines have the form "--! Key"
 * or "--! Key: value".  Returns the text after it, with
 * empty lines in its place.  Only the first line of this text can be one more
 * setting; later ones that begin with "--!" are comments.
 */
static char *
read_graphile_header(CmigToolRevision *revision, const char *text)
{
	const char *start = text;
	StringInfoData body;
	CmigToolLine line;
	char	   *rest;

	for (; cmig_tool_text_line(text, &line); text = line.next)
	{
		CmigToolLine header;
		char	   *value;
		const char *end;

		rest = cmig_tool_text_after(&line, "--! ", false);
		if (rest == NULL || !isupper((unsigned char) *rest) || !cmig_tool_text_line(rest, &header))
			break;
		for (end = rest; isalnum((unsigned char) *end) || *end == '_'; end++)
			;
		if (*end && *end != ':')
			break;
		if ((value = cmig_tool_text_after(&header, "Message:", false)) != NULL)
			revision->text.edges.message = value;
		else if (!cmig_tool_text_after(&header, "Previous:", false) &&
				 !cmig_tool_text_after(&header, "Hash:", false) &&
				 !cmig_tool_text_after(&header, "AllowInvalidHash", false))
			cmig_import_note(revision, psprintf("unknown header \"--! %s\"", rest));
	}
	text += strspn(text, " \t\n");
	if (cmig_tool_text_line(text, &line) &&
		(rest = cmig_tool_text_after(&line, "--!", false)) != NULL &&
		cmig_tool_text_begins(rest, "no-transaction"))
	{
		revision->text.edges.transactional = false;
		text = line.next;
	}
	initStringInfo(&body);
	for (; start < text; start++)
		if (*start == '\n')
			appendStringInfoChar(&body, '\n');
	appendStringInfoString(&body, text);
	return body.data;
}

void
cmig_format_graphile_migrate(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision;

	if (strcmp(file->name, "current.sql") == 0 || strstr(file->name, "/current.sql") != NULL ||
		cmig_tool_text_begins(file->name, "current/") || strstr(file->name, "/current/") != NULL)
	{
		file->used = true;
		cmig_import_file_note(import, file->name,
							  "not committed yet; commit it with graphile-migrate, or write it as a revision");
		return;
	}
	revision = add_numbered(import, file, ".sql");
	if (revision != NULL)
		cmig_import_scripts(import, revision, read_graphile_header(revision, file->text), NULL);
}

/* ----------------------------------------------------------------
 * Reads Flyway files: versioned (V), undo (U), repeatable (R), and
 * baseline (B).
 *
 * Versions are written as in flyway_schema_history, with dots between their
 * parts.  A baseline is a script that new databases run instead of the
 * versions up to the baseline's version.  A baseline becomes a revision that
 * replaces these versions.
 * ----------------------------------------------------------------
 */

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
read_flyway_name(const char *base, FlywayName *name)
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

/*
 * Apply a setting of a migration's own configuration file.  find_flyway() has
 * read shouldExecute.
 */
static bool
apply_flyway(CmigImport *import, CmigToolRevision *revision, const char *key, const char *value)
{
	if (strcmp(key, "executeInTransaction") == 0)
		revision->text.edges.transactional = pg_strcasecmp(value, "false") != 0;
	else if (strcmp(key, "placeholderReplacement") == 0)
	{
		if (pg_strcasecmp(value, "false") == 0)
			import->style = CMIG_PLACEHOLDER_NONE;
	}
	else
		return strcmp(key, "shouldExecute") == 0 ||
			(strcmp(key, "encoding") == 0 && pg_strcasecmp(value, "UTF-8") == 0);
	return true;
}

/* Returns the script of a file as a section, with the settings of the file. */
static char *
flyway_section(CmigImport *import, CmigToolRevision *revision, CmigToolFile *file,
			   CmigSection section)
{
	CmigToolFile *conf = cmig_import_file(import, psprintf("%s.conf", file->name));
	CmigPlaceholderStyle style = import->style;
	char	   *result = NULL;

	if (conf)
	{
		cmig_import_settings(import, revision, conf, apply_flyway);
		revision->alone[section] = !revision->text.edges.transactional;
		revision->text.edges.transactional = true;
	}
	if (cmig_import_language(file->base) == NULL)
		result = cmig_import_section(import, file, section, file->text);
	import->style = style;
	return result;
}

/*
 * Is this a file of this kind that Flyway runs?  A file that it does not run is
 * left out, with a note.
 */
static bool
find_flyway(CmigImport *import, CmigToolFile *file, char kind, FlywayName *name)
{
	CmigToolFile *conf;
	CmigToolLine line;

	if (!read_flyway_name(file->base, name) || name->kind != kind)
		return false;
	conf = cmig_import_file(import, psprintf("%s.conf", file->name));
	for (const char *p = conf ? conf->text : ""; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *value = cmig_tool_text_after(&line, "shouldExecute", true);

		if (value == NULL || *value != '=')
			continue;
		value = cmig_placeholder_fill(import->placeholders, value, conf->name, false);
		value = cmig_marker_trimmed(value + 1, value + strlen(value));
		if (pg_strcasecmp(value, "false") == 0)
		{
			file->used = true;
			cmig_import_file_note(import, file->name, "left out, because shouldExecute is false");
			return false;
		}
		if (pg_strcasecmp(value, "true") != 0)
			cmig_import_refuse(file,
							   psprintf("In file \"%s\", shouldExecute is: %s", conf->name, value),
							   "Set shouldExecute to true or false.");
	}
	return true;
}

/* Add a revision with the given id for a file. */
static CmigToolRevision *
add_file(CmigImport *import, CmigToolFile *file, const char *id, const FlywayName *name)
{
	CmigToolRevision *revision = cmig_import_add(import, file, id);
	char	   *script = flyway_section(import, revision, file, CMIG_SECTION_UPGRADE);

	revision->text.edges.message = cmig_tool_text_message(name->title);
	if (script)
		revision->text.upgrade_sql = script;
	else
		cmig_import_not_written(revision, true, name->kind == 'V',
								psprintf("it is written in %s, in file \"%s\"",
										 cmig_import_language(file->base), file->name));
	return revision;
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

		if (!find_flyway(import, file, 'U', &name))
			continue;
		file->used = true;
		revision = NULL;
		foreach_ptr(CmigToolRevision, other, import->revisions)
		{
			if (cmig_tool_text_compare_versions(other->text.edges.id, name.version) == 0)
				revision = other;
		}
		if (revision && cmig_import_language(file->base))
			cmig_import_not_written(revision, false, true,
									psprintf("its downgrade is written in %s, in file \"%s\"",
											 cmig_import_language(file->base), file->name));
		else if (revision)
			revision->text.downgrade_sql = flyway_section(import, revision, file,
														  CMIG_SECTION_DOWNGRADE);
		else
			cmig_import_file_note(import, file->name,
								  psprintf("left out, because there is no V file of version %s",
										   name.version));
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
	CmigNames  *replaces;

	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		FlywayName	name;

		if (!find_flyway(import, file, 'B', &name))
			continue;
		file->used = true;
		if (newest && cmig_tool_text_compare_versions(name.version, newest_name.version) < 0)
		{
			cmig_import_file_note(import, file->name,
								  "left out, because there is a newer baseline");
			continue;
		}
		if (newest)
			cmig_import_file_note(import, newest->name,
								  "left out, because there is a newer baseline");
		newest = file;
		newest_name = name;
	}
	if (newest == NULL)
		return;
	baseline = add_file(import, newest, psprintf("B%s", newest_name.version), &newest_name);

	/*
	 * The baseline replaces the versions that are not later.  A later version
	 * lacks a parent if the replaced versions have no files; the baseline
	 * becomes its parent.
	 */
	replaces = &baseline->text.edges.replaces;
	replaces->names = palloc(sizeof(char *) * list_length(import->revisions));
	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		if (revision == baseline)
			continue;
		if (cmig_tool_text_compare_versions(revision->text.edges.id, newest_name.version) <= 0)
			replaces->names[replaces->count++] = revision->text.edges.id;
		else if (revision->text.edges.parents.count == 0)
			revision->text.edges.parents = *cmig_argument_one(baseline->text.edges.id);
	}
	if (replaces->count == 0)
		replaces->names[replaces->count++] = pstrdup(newest_name.version);
	cmig_import_note(baseline,
					 psprintf("it counts as applied in databases that have run version %s",
							  newest_name.version));
}

void
cmig_format_flyway(CmigImport *import)
{
	FlywayName	name;

	for (int i = 0; i < import->file_count; i++)
		if (find_flyway(import, &import->files[i], 'V', &name))
			add_file(import, &import->files[i], name.version, &name);
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
	add_undo(import);
	add_baseline(import);
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision;

		/* Flyway and pg_cmig run these in the order of their descriptions */
		if (find_flyway(import, file, 'R', &name))
		{
			revision = add_file(import, file, cmig_tool_text_id(psprintf("R_%s", name.title)),
								&name);
			revision->file_template = "%(rev)s";
			revision->text.edges.repeatable = true;
		}
		if (!file->used && (cmig_tool_text_begins(file->base, "before") ||
							cmig_tool_text_begins(file->base, "after") ||
							cmig_tool_text_begins(file->base, "createSchema")))
		{
			file->used = true;
			cmig_import_file_note(import, file->name,
								  "pg_cmig has no callbacks; run this file in the script that calls cmig.upgrade");
		}
	}
}
