/*
 * format_other.c
 *	  Sqitch, Liquibase, and Drizzle.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "utils/datetime.h"

#include "adopt/internal.h"
#include "base/base.h"
#include "base/errors.h"

/* ----------------------------------------------------------------
 * Reads Sqitch's plan and scripts.
 *
 * The plan has a line for each change, in the order of deployment, and lines
 * for tags.  A change that occurs twice was reworked.  The names of the earlier
 * occurrence's scripts contain a tag that lies between the two occurrences.
 * ----------------------------------------------------------------
 */

/* A change in a Sqitch plan. */
typedef struct SqitchChange
{
	char	   *name;
	char	   *dependencies;	/* the text in brackets, or "" */
	char	   *date;			/* NULL if there is none */
	char	   *note;
	List	   *tags;			/* list of char *: the change's tags */
} SqitchChange;

/* The Sqitch plan being read. */
typedef struct SqitchPlan
{
	CmigImport *import;
	CmigToolFile *file;
	char	   *prefix;			/* the plan's folder, with a trailing slash */
	List	   *changes;		/* list of SqitchChange * */
} SqitchPlan;

/*
 * Parse a line of the plan that describes a change: name [dependencies] date
 * planner <mail> # note
 */
static SqitchChange *
read_change(const char *line)
{
	SqitchChange *change = palloc0(sizeof(SqitchChange));
	int			length = strcspn(line, " \t");
	const char *rest = line + length + strspn(line + length, " \t");
	const char *hash = strstr(rest, " # ");

	change->name = pnstrdup(line, length);
	change->dependencies = pstrdup("");
	if (*rest == '[')
		change->dependencies = pnstrdup(rest + 1, strcspn(rest + 1, "]"));
	/* the first timestamp before the note, such as 2024-01-01T00:00:00Z */
	for (const char *p = rest; *p && p != hash && change->date == NULL; p++)
		if (strspn(p, "0123456789-") == 10 && p[10] == 'T')
			change->date = pnstrdup(p, strcspn(p, " \t"));
	change->note = hash ? cmig_marker_trimmed(hash + 3, hash + strlen(hash)) : pstrdup("");
	for (char *p = change->note; *p; p++)
		if (p[0] == '\\' && p[1] == 'n')
			p[0] = p[1] = ' ';
	return change;
}

static void
read_plan(SqitchPlan *plan)
{
	CmigToolLine plan_line;

	for (const char *p = plan->file->text; cmig_tool_text_line(p, &plan_line); p = plan_line.next)
	{
		const char *line = cmig_marker_trimmed(plan_line.start, plan_line.end);

		if (*line == '\0' || *line == '#' || *line == '%')
			continue;
		if (*line == '@')
		{
			SqitchChange *change = plan->changes != NIL ? llast(plan->changes) : NULL;

			if (change)
				change->tags = lappend(change->tags, pnstrdup(line + 1, strcspn(line + 1, " \t")));
		}
		else if (*line == '-')
			cmig_import_file_note(plan->import, plan->file->name,
								  psprintf("the line \"%s\" is left out, because it reverts a change", line));
		else
			plan->changes = lappend(plan->changes, read_change(line + strspn(line, "+ \t")));
	}
}

/*
 * Returns the name shared by the scripts of change number "i", without folder
 * and extension.  If the change was reworked later, the name contains the first
 * tag between the two occurrences for which there is a deploy script.
 */
static char *
script_name(const SqitchPlan *plan, int i)
{
	const SqitchChange *change = list_nth(plan->changes, i);
	int			next = i + 1;

	while (next < list_length(plan->changes) &&
		   strcmp(((SqitchChange *) list_nth(plan->changes, next))->name, change->name) != 0)
		next++;
	for (int j = i; next < list_length(plan->changes) && j < next; j++)
	{
		foreach_ptr(char, tag, ((SqitchChange *) list_nth(plan->changes, j))->tags)
		{
			char	   *name = psprintf("%s@%s", change->name, tag);

			if (cmig_import_file(plan->import, psprintf("%sdeploy/%s.sql", plan->prefix, name)))
				return name;
		}
	}
	return change->name;
}

/* Returns the start of a ROLLBACK that is the last statement of a script, or NULL. */
static const char *
find_last_rollback(const char *text)
{
	CmigLexer	lexer;
	const char *rollback = NULL;
	bool		first = true;	/* the first word of a statement */

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (cmig_lexer_is_char(&lexer, ';'))
		{
			first = true;
			continue;
		}
		if (first)
			rollback = cmig_lexer_is_word(&lexer, "rollback") ? lexer.start : NULL;
		else if (!cmig_lexer_is_word(&lexer, "work") && !cmig_lexer_is_word(&lexer, "transaction"))
			rollback = NULL;
		first = false;
	}
	return rollback;
}

/*
 * Sqitch's verify scripts end with ROLLBACK.  Remove it, and BEGIN if the script
 * begins with that: a script without BEGIN has no transaction to roll back.
 * Since cmig_section_text_read() removes only BEGIN and COMMIT, it sees these.  A
 * script with other such commands remains as it is.
 */
static char *
without_rollback(char *text)
{
	static const char *const begins[] = {"", "BEGIN;\n"};
	const char *rollback = find_last_rollback(text);

	for (int i = 0; rollback && i < lengthof(begins); i++)
	{
		char	   *script = psprintf("%s%.*sCOMMIT;", begins[i], (int) (rollback - text), text);
		char	   *read = cmig_section_text_read(script, script + strlen(script),
												  CMIG_SECTION_VERIFY, false, NULL);

		if (strcmp(read, script) != 0)
			return read;
	}
	return text;
}

/*
 * Returns the script called "name" in "folder" as a section of a revision
 * file.  Returns NULL if the script does not exist.
 */
static char *
read_script(const SqitchPlan *plan, const char *folder, const char *name, CmigSection section)
{
	CmigToolFile *file = cmig_import_file(plan->import,
										  psprintf("%s%s/%s.sql", plan->prefix, folder, name));
	char	   *text;

	if (file == NULL)
		return NULL;
	text = cmig_import_section(plan->import, file, section, file->text);
	return section == CMIG_SECTION_VERIFY ? without_rollback(text) : text;
}

static void
add_change(SqitchPlan *plan, int i)
{
	const SqitchChange *change = list_nth(plan->changes, i);
	char	   *name = script_name(plan, i);
	const char *at = strchr(name, '@');

	/* the scripts f@v1.sql become the revision f_at_v1 */
	char	   *id = at ? psprintf("%.*s_at_%s", (int) (at - name), name, at + 1) : name;
	CmigToolRevision *revision = cmig_import_add(plan->import, plan->file, cmig_tool_text_id(id));
	CmigNames  *labels = &revision->text.edges.labels;
	char	   *deploy = read_script(plan, "deploy", name, CMIG_SECTION_UPGRADE);
	TimestampTz created_at;

	revision->text.edges.message = *change->note ? change->note :
		cmig_tool_text_message(change->name);
	if (change->date && cmig_marker_parse_date(change->date, &created_at))
	{
		revision->text.edges.has_created_at = true;
		revision->text.edges.created_at = created_at;
	}
	if (deploy)
		revision->text.upgrade_sql = deploy;
	else
		cmig_import_not_written(revision, true, false,
								psprintf("file \"%sdeploy/%s.sql\" does not exist", plan->prefix,
										 name));
	revision->text.downgrade_sql = read_script(plan, "revert", name, CMIG_SECTION_DOWNGRADE);
	revision->text.verify_sql = read_script(plan, "verify", name, CMIG_SECTION_VERIFY);
	for (char *word = strtok(change->dependencies, " \t"); word; word = strtok(NULL, " \t"))
		if (*word == '!')
			cmig_import_note(revision,
							 psprintf("the conflict with \"%s\" is not checked", word + 1));
		else if (strchr(word, ':'))
			cmig_import_note(revision,
							 psprintf("it depends on \"%s\", a change of another project; if both projects use this database, add that change to depends_on", word));

	/* tags become labels, so that they can be used as targets */
	labels->names = palloc(sizeof(char *) * Max(list_length(change->tags), 1));
	foreach_ptr(char, tag, change->tags)
		labels->names[labels->count++] = cmig_tool_text_id(tag);
}

/* The settings that say nothing about the changes. */
static bool
apply_sqitch(CmigImport *import, CmigToolRevision *revision, const char *key, const char *value)
{
	return (strcmp(key, "engine") == 0 && strcmp(value, "pg") == 0) || strcmp(key, "name") == 0 ||
		strcmp(key, "email") == 0;
}

void
cmig_format_sqitch(CmigImport *import)
{
	SqitchPlan	plan = {import};

	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		if (strcmp(file->base, "sqitch.plan") == 0 && plan.file == NULL)
			plan.file = file;
		else if (strcmp(file->base, "sqitch.conf") == 0)
			cmig_import_settings(import, NULL, file, apply_sqitch);
	}
	if (plan.file == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("file \"sqitch.plan\" does not exist"),
				 errdetail("This file specifies the order of the changes.")));
	plan.file->used = true;
	plan.prefix = pnstrdup(plan.file->name, plan.file->base - plan.file->name);
	read_plan(&plan);
	for (int i = 0; i < list_length(plan.changes); i++)
		add_change(&plan, i);
	cmig_import_chain(import);
	import->file_template = "%(rev)s";
}

/* ----------------------------------------------------------------
 * Reads Liquibase formatted SQL, and the SQL that Liquibase generates from
 * other change logs.
 *
 * Each line "--changeset author:id attributes" begins a change set, and the
 * "--rollback" lines of the change set are its downgrade script.  The id of
 * the resulting revision is "author.id".
 * ----------------------------------------------------------------
 */

/* The change set that is being read. */
typedef struct ChangeSet
{
	CmigToolRevision *revision; /* NULL before the file's first change set and
								 * in one that is left out */
	bool		left_out;
	StringInfoData up;			/* without a revision: what precedes the first
								 * change set */
	StringInfoData down;
	bool		has_down;
	bool		in_rollback;	/* true if the current line is inside a
								 * rollback block comment */
} ChangeSet;

/*
 * If the line has the form "--word ..." or "-- word ...", returns the rest of
 * the line.  Otherwise, returns NULL.
 */
static char *
directive(const CmigToolLine *line, const char *word)
{
	char	   *rest = cmig_tool_text_after(line, "--", true);
	CmigToolLine comment;
	char	   *after;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return NULL;
	after = cmig_tool_text_after(&comment, word, true);
	if (after == NULL)
		return NULL;
	/* the directive must be a whole word */
	rest += strspn(rest, " \t") + strlen(word);
	return *rest == '\0' || strchr(" \t:", *rest) ? after : NULL;
}

/*
 * Store the scripts of the current change set in its revision.  Adds a note about
 * statements before the first one, which Liquibase does not run.
 */
static void
end_change_set(CmigImport *import, const CmigToolFile *file, ChangeSet *set)
{
	CmigLexer	lexer;

	if (set->revision != NULL)
		cmig_import_scripts(import, set->revision, set->up.data,
							set->has_down ? set->down.data : NULL);
	else if (!set->left_out)
	{
		cmig_lexer_init(&lexer, set->up.data);
		if (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
			cmig_import_file_note(import, file->name,
								  psprintf("left out from line %d on, because Liquibase does not run what is before the first change set", lexer.line));
	}
}

/* Does Liquibase run a change set with this attribute dbms on PostgreSQL? */
static bool
is_for_postgresql(const char *names)
{
	bool		others = false;

	for (char *name = strtok(pstrdup(names), ", \t"); name; name = strtok(NULL, ", \t"))
	{
		if (pg_strcasecmp(name, "postgresql") == 0 || pg_strcasecmp(name, "all") == 0)
			return true;
		if (pg_strcasecmp(name, "!postgresql") == 0 || pg_strcasecmp(name, "none") == 0)
			return false;
		others = others || *name != '!';
	}
	return !others;
}

/*
 * Apply a change set's attribute, such as runInTransaction:false, to its
 * revision.  Returns false if Liquibase does not run the change set.
 */
static bool
read_attribute(CmigToolRevision *revision, const char *attribute)
{
	if (pg_strncasecmp(attribute, "dbms:", 5) == 0)
		return is_for_postgresql(attribute + 5);
	if (pg_strcasecmp(attribute, "ignore:true") == 0)
		return false;
	if (pg_strcasecmp(attribute, "runInTransaction:false") == 0)
		revision->text.edges.transactional = false;
	else if (pg_strcasecmp(attribute, "runOnChange:true") == 0 ||
			 pg_strcasecmp(attribute, "runAlways:true") == 0)
	{
		revision->text.edges.repeatable = true;
		cmig_import_note(revision,
						 psprintf("%s: pg_cmig runs it after all others, if it has changed",
								  attribute));
	}
	else if (pg_strcasecmp(attribute, "splitStatements:true") != 0 &&
			 pg_strcasecmp(attribute, "splitStatements:false") != 0 &&
			 pg_strncasecmp(attribute, "stripComments:", 14) != 0 &&
			 pg_strncasecmp(attribute, "logicalFilePath:", 16) != 0 &&
			 pg_strcasecmp(attribute, "runInTransaction:true") != 0 &&
			 pg_strcasecmp(attribute, "failOnError:true") != 0 &&
			 pg_strcasecmp(attribute, "ignore:false") != 0)
		cmig_import_note(revision, psprintf("the attribute %s is ignored", attribute));
	return true;
}

/*
 * Returns the word at *text without quotes, and moves *text behind it.  Returns
 * NULL at the end.
 */
static char *
next_word(char **text)
{
	char	   *p = *text + strspn(*text, " \t");
	StringInfoData word;
	bool		quoted = false;

	if (*p == '\0')
		return NULL;
	initStringInfo(&word);
	for (; *p && (quoted || !strchr(" \t", *p)); p++)
		if (*p == '"')
			quoted = !quoted;
		else
			appendStringInfoChar(&word, *p);
	*text = p;
	return word.data;
}

/*
 * Returns what tells a change set from another one of the same author and number in
 * another file: the file's name, without folder and extension, and its id.
 */
static char *
long_id(const char *path, const char *id)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');

	return cmig_tool_text_id(psprintf("%.*s.%s", dot ? (int) (dot - base) : (int) strlen(base),
									  base, id));
}

/* Begin a change set, given the text "author:id attribute:value ...". */
static void
begin_change_set(CmigImport *import, ChangeSet *set, CmigToolFile *file, char *text)
{
	bool		quoted = *text == '"';
	char	   *end = quoted ? strchr(text + 1, '"') : text;
	char	   *colon = end ? strchr(end, ':') : NULL;
	char	   *author = colon ? cmig_marker_trimmed(text + quoted, quoted ? end : colon) : NULL;
	char	   *name;
	char	   *word;

	/* an author can contain spaces, also without quotes */
	if (colon)
		text = colon + 1;
	name = next_word(&text);
	if (author)
		name = psprintf("%s.%s", author, name ? name : "");
	end_change_set(import, file, set);
	memset(set, 0, sizeof(ChangeSet));
	initStringInfo(&set->up);
	initStringInfo(&set->down);
	set->revision = cmig_import_add(import, file, cmig_tool_text_id(name ? name : ""));
	set->revision->order = long_id(file->base, set->revision->text.edges.id);
	while ((word = next_word(&text)) != NULL && set->revision)
		if (!read_attribute(set->revision, word))
		{
			cmig_import_file_note(import, file->name,
								  psprintf("change set %s is left out, because Liquibase does not run it: %s", set->revision->text.edges.id, word));
			import->revisions = list_delete_last(import->revisions);
			set->revision = NULL;
			set->left_out = true;
		}
}

/* Read the text that follows "--rollback", which is SQL or a keyword. */
static void
read_rollback(ChangeSet *set, const char *text)
{
	/* Liquibase reads both as comments */
	if (*text == ':')
		cmig_import_note(set->revision,
						 psprintf("left out, because it is a comment for Liquibase: --rollback%s",
								  text));
	if (*text == ':' || *text == '\0')
		return;

	if (pg_strncasecmp(text, "changesetid:", 12) == 0 ||
		pg_strncasecmp(text, "changesetauthor:", 16) == 0)
	{
		cmig_import_note(set->revision,
						 "its rollback refers to another change set; write the downgrade section by hand");
		set->has_down = false;
		return;
	}
	set->has_down = true;
	if (pg_strcasecmp(text, "empty") != 0 && pg_strcasecmp(text, "not required") != 0)
		appendStringInfo(&set->down, "%s\n", text);
}

/*
 * If the line is a directive, or not in a change set, process it and return
 * true.  Otherwise, the line is part of a script.
 */
static bool
read_directive(CmigImport *import, const CmigToolFile *file, ChangeSet *set,
			   const CmigToolLine *line)
{
	char	   *text;

	if (set->revision == NULL)
	{
		/* what precedes the first change set is for all of them */
		if (!set->left_out &&
			(directive(line, "preconditions") || directive(line, "precondition-sql-check") ||
			 directive(line, "property") || directive(line, "ignoreLines")))
			cmig_import_file_note(import, file->name,
								  psprintf("left out: %.*s", (int) (line->end - line->start),
										   line->start));
		return true;
	}
	if ((text = directive(line, "rollback")) != NULL)
		read_rollback(set, text);
	else if ((text = directive(line, "comment")) != NULL)
		set->revision->text.edges.message = *text == ':' ? text + 1 + strspn(text + 1, " \t") :
			text;
	else if ((text = directive(line, "preconditions")) != NULL ||
			 (text = directive(line, "precondition-sql-check")) != NULL ||
			 (text = directive(line, "property")) != NULL ||
			 (text = directive(line, "rollbackSqlFile")) != NULL ||
			 (text = directive(line, "ignoreLines")) != NULL)
		cmig_import_note(set->revision,
						 psprintf("left out: %.*s", (int) (line->end - line->start), line->start));
	else
		return directive(line, "validCheckSum") != NULL;
	return true;
}

/*
 * If the line belongs to a block comment that begins with "liquibase
 * rollback", process it and return true.
 */
static bool
read_rollback_block(ChangeSet *set, const CmigToolLine *line)
{
	char	   *text = cmig_tool_text_after(line, "/* liquibase rollback", true);

	if (set->revision == NULL)
		return false;
	if (text)
	{
		set->in_rollback = set->has_down = true;
		return true;
	}
	if (!set->in_rollback)
		return false;
	if (cmig_tool_text_after(line, "*/", true))
		set->in_rollback = false;
	else
		appendBinaryStringInfo(&set->down, line->start, line->next - line->start);
	return true;
}

static void
read_file(CmigImport *import, CmigToolFile *file)
{
	ChangeSet	set = {0};
	CmigToolLine line;
	int			ignored = 0;	/* lines that follow; -1: up to the directive */

	file->used = true;
	initStringInfo(&set.up);
	for (const char *p = file->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *text = directive(&line, "ignoreLines");

		if (set.revision == NULL && ignored != 0)
			appendStringInfoChar(&set.up, '\n');
		else if (set.revision == NULL)
			appendBinaryStringInfo(&set.up, line.start, line.next - line.start);
		if (text)
			ignored = pg_strcasecmp(text, ":start") == 0 ? -1 : *text == ':' ?
				Max(atoi(text + 1), 0) : 0;
		else if (ignored != 0)
		{
			ignored -= ignored > 0;
			continue;
		}
		text = directive(&line, "changeset");
		if (text)
			begin_change_set(import, &set, file, text);
		else if (!read_rollback_block(&set, &line) && !read_directive(import, file, &set, &line))
			appendBinaryStringInfo(&set.up, line.start, line.next - line.start);
	}
	end_change_set(import, file, &set);
}

/* The first line of the comments of what Liquibase's updateSQL and futureRollbackSQL print. */
#define UPDATE_SQL "-- Update Database Script"
#define ROLLBACK_SQL "-- SQL to roll back currently unexecuted changes"

/*
 * Returns the id of the change set in a line such as "-- Changeset
 * <file>::<id>::<author>", and its long id, or NULL.
 */
static char *
generated_id(const CmigToolLine *line, const char *word, char **full)
{
	char	   *name = cmig_tool_text_after(line, word, false);
	char	   *id = name ? strstr(name, "::") : NULL;
	char	   *author = NULL;

	for (char *p = id ? id + 2 : NULL; p && (p = strstr(p, "::")) != NULL; p += 2)
		author = p;
	if (author == NULL)
		return NULL;
	author = cmig_tool_text_id(psprintf("%s.%.*s", author + 2, (int) (author - id - 2), id + 2));
	*full = long_id(pnstrdup(name, id - name), author);
	return author;
}

/* What Liquibase prints before a change that can depend on more than the change log. */
#define MAY_DIFFER "-- WARNING The following SQL may change each run"

/*
 * Add a note if Liquibase has not printed all changes of a change set: if the
 * script has only comments, or if no change of rows follows a warning, since
 * that is about rows that Liquibase loads with prepared statements, or about a
 * class of the project.
 */
static void
note_unprinted(CmigToolRevision *revision, const char *script)
{
	static const char *const row_changes[] = {
		"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "DO", "COPY"
	};
	bool		has_statement = false;
	bool		is_expected = false;	/* a change of rows, after a warning */
	bool		is_missing = false;
	CmigToolLine line;

	for (const char *p = script; cmig_tool_text_line(p, &line); p = line.next)
	{
		const char *text = line.start + strspn(line.start, " \t\r");
		bool		is_warning = strncmp(text, MAY_DIFFER, strlen(MAY_DIFFER)) == 0;
		bool		is_found = !is_expected;

		if (text >= line.end)
			continue;
		for (int i = 0; i < lengthof(row_changes) && !is_found; i++)
			is_found = pg_strncasecmp(text, row_changes[i], strlen(row_changes[i])) == 0;
		is_missing |= !is_found;
		is_expected = is_warning;
		has_statement |= strncmp(text, "--", 2) != 0;
	}
	if (!has_statement)
		cmig_import_note(revision,
						 "it has no statement, because Liquibase does not print all changes as SQL: not a tag, a command, a class of the project, or rows that loadData loads with prepared statements");
	else if (is_missing || is_expected)
		cmig_import_note(revision,
						 "some of its changes may be missing, because Liquibase does not print all as SQL: not a class of the project, or rows that loadData loads with prepared statements");
}

/*
 * Append a line of a generated script.  Without a database, Liquibase looks for the
 * name of a primary key in the schema "null", instead of the one that is used.
 */
static void
append_generated(StringInfo script, const CmigToolLine *line)
{
	static const char *const schemas[][2] = {
		{" AND TABLE_SCHEMA = 'null';", " AND TABLE_SCHEMA = current_schema();"},
		{"EXECUTE 'alter table null.", "EXECUTE 'alter table "}
	};
	char	   *text = pnstrdup(line->start, line->next - line->start);

	for (int i = 0; i < lengthof(schemas); i++)
	{
		char	   *at = strstr(text, schemas[i][0]);

		if (at)
			text = psprintf("%.*s%s%s", (int) (at - text), text, schemas[i][1],
							at + strlen(schemas[i][0]));
	}
	appendStringInfoString(script, text);
}

/*
 * Read a script that Liquibase has generated from change logs in XML, YAML, or
 * JSON.  What precedes the first change set, and the statements about
 * Liquibase's own tables, are left out.
 */
static void
read_generated(CmigImport *import, CmigToolFile *file, bool is_rollback)
{
	CmigPlaceholderStyle style = import->style;
	CmigToolRevision *revision = NULL;
	StringInfoData script;
	CmigToolLine line;
	const char *p = file->text;

	file->used = true;
	import->style = CMIG_PLACEHOLDER_NONE;
	initStringInfo(&script);
	for (bool more = true; more; p = line.next)
	{
		char	   *id;
		char	   *full = NULL;
		char	   *comment;

		more = cmig_tool_text_line(p, &line);
		id = more ? generated_id(&line, is_rollback ? "-- Rolling Back ChangeSet:" : "-- Changeset",
								 &full) : NULL;
		if ((id || !more) && revision)
		{
			const char *parameter = strstr(script.data, "${");

			if (parameter && strchr(parameter, '}'))
				cmig_import_note(revision,
								 psprintf("Liquibase has not replaced %.*s, because the parameter has no value", (int) strcspn(parameter, "}") + 1, parameter));
			if (!is_rollback)
				note_unprinted(revision, script.data);
			if (is_rollback)
				revision->text.downgrade_sql = cmig_import_section(import, file,
																   CMIG_SECTION_DOWNGRADE,
																   script.data);
			else
				revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE,
																 script.data);
		}
		if (id)
		{
			resetStringInfo(&script);
			if (!is_rollback)
			{
				revision = cmig_import_add(import, file, id);
				revision->order = full;
			}
			else
			{
				revision = NULL;
				foreach_ptr(CmigToolRevision, other, import->revisions)
				{
					if (strcmp(other->order, full) == 0)
						revision = other;
				}
			}
		}
		else if (!more || revision == NULL ||
				 cmig_tool_text_after(&line, "INSERT INTO databasechangelog ", false) ||
				 cmig_tool_text_after(&line, "INSERT INTO public.databasechangelog ", false) ||
				 cmig_tool_text_after(&line, "DELETE FROM databasechangelog ", false) ||
				 cmig_tool_text_after(&line, "DELETE FROM public.databasechangelog ", false) ||
				 cmig_tool_text_after(&line, "UPDATE databasechangeloglock ", false) ||
				 cmig_tool_text_after(&line, "UPDATE public.databasechangeloglock ", false))
			continue;
		else if (!is_rollback && script.len == 0 && *revision->text.edges.message == '\0' &&
				 strncmp(line.start, MAY_DIFFER, strlen(MAY_DIFFER)) != 0 &&
				 (comment = cmig_tool_text_after(&line, "-- ", false)) != NULL)
			revision->text.edges.message = comment;
		else
			append_generated(&script, &line);
	}
	import->style = style;
}

/* Does the text begin with comments of which one is this line? */
static bool
has_heading(const char *text, const char *heading)
{
	CmigToolLine line;

	for (const char *p = text; cmig_tool_text_line(p, &line) &&
		 cmig_tool_text_after(&line, "--", false); p = line.next)
		if (cmig_tool_text_after(&line, heading, false))
			return true;
	return false;
}

static int
compare_short_ids(const ListCell *a, const ListCell *b)
{
	return strcmp(((const CmigToolRevision *) lfirst(a))->text.edges.id,
				  ((const CmigToolRevision *) lfirst(b))->text.edges.id);
}

/* Give the change sets whose id is that of another one, in another file, their long ids. */
static void
set_long_ids(const CmigImport *import)
{
	List	   *sorted = list_copy(import->revisions);
	CmigToolRevision *last = NULL;
	const char *repeated = NULL;

	list_sort(sorted, compare_short_ids);
	foreach_ptr(CmigToolRevision, revision, sorted)
	{
		const char *id = revision->text.edges.id;

		if (last && strcmp(repeated ? repeated : last->text.edges.id, id) == 0)
		{
			repeated = id;
			last->text.edges.id = last->order;
			revision->text.edges.id = revision->order;
		}
		else
			repeated = NULL;
		last = revision;
	}
}

void
cmig_format_liquibase(CmigImport *import)
{
	int			formatted = 0;

	for (int i = 0; i < import->file_count; i++)
		if (has_heading(import->files[i].text, UPDATE_SQL))
			read_generated(import, &import->files[i], false);
	/* it sets search_path at the beginning of each change set */
	if (list_length(import->revisions) > 0)
		import->keeps &= ~CMIG_KEEPS_PATH;
	if (list_length(import->revisions) > 0)
		cmig_import_file_note(import,
							  ((CmigToolRevision *) linitial(import->revisions))->file->name,
							  "generated by Liquibase, which does not say there which change sets have runOnChange, runAlways, or preconditions, or contexts and labels: unless you have chosen some, those of all are here");
	for (int i = 0; i < import->file_count; i++)
		if (has_heading(import->files[i].text, ROLLBACK_SQL))
			read_generated(import, &import->files[i], true);
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolLine line;

		if (cmig_tool_text_line(file->text, &line) && directive(&line, "liquibase formatted sql"))
		{
			read_file(import, file);
			formatted++;
		}
		else if (!file->used)
		{
			file->used = true;
			cmig_import_file_note(import, file->name, cmig_tool_text_ends(file->base, ".sql") ?
								  "left out, because it does not begin with --liquibase formatted sql" :
								  "left out, because it is not SQL; cmig import liquibase FILE converts a change log in XML, YAML, or JSON");
		}
	}
	set_long_ids(import);
	cmig_import_chain(import);
	if (formatted > 1)
		cmig_import_file_note(import,
							  ((CmigToolRevision *) linitial(import->revisions))->file->name,
							  "the files are in the order of their names; compare this with the order in the change log");
	import->file_template = "%(rev)s";
}

/* ----------------------------------------------------------------
 * Drizzle: a journal in JSON names the files, or each migration has a folder.
 * ----------------------------------------------------------------
 */

/* An entry of Drizzle's journal. */
typedef struct JournalEntry
{
	char	   *dialect;		/* of the journal */
	char	   *number;			/* NULL if the journal has no entries */
	char	   *tag;
	char	   *when;			/* in milliseconds since 1970 */
} JournalEntry;

/* Add the journal's name to an error about its text. */
static void
name_journal(void *arg)
{
	errcontext("file \"%s\"", ((const CmigToolFile *) arg)->name);
}

/* Returns the entries of a journal, or one without a number. */
static List *
journal_entries(CmigToolFile *journal)
{
	static CmigQuery entries = {
		.sql = "SELECT j.journal->>'dialect', e.number, e.entry->>'tag',"
		" substring(e.entry->>'when' FROM '^[0-9]{1,15}')"
		" FROM (SELECT $1::json) j(journal) LEFT JOIN"
		" LATERAL json_array_elements(CASE json_typeof(j.journal->'entries') WHEN 'array' THEN j.journal->'entries' END)"
		"  WITH ORDINALITY e(entry, number) ON true"
		" ORDER BY e.number",
		{TEXTOID}
	};
	ErrorContextCallback callback = {error_context_stack, name_journal, journal};
	List	   *result;

	error_context_stack = &callback;
	result = cmig_query_list(&entries, journal->text);
	error_context_stack = callback.previous;
	return result;
}

/*
 * Add a revision for each entry of a journal, in its order, with its time.
 * Drizzle runs what the journal names, whatever the files are called.
 */
static void
read_journal(CmigImport *import, CmigToolFile *journal)
{
	const char *folder = pnstrdup(journal->name, journal->base - journal->name - strlen("meta/"));
	List	   *entries = journal_entries(journal);
	const char *dialect = ((JournalEntry *) linitial(entries))->dialect;

	journal->used = true;
	if (dialect && strcmp(dialect, "postgresql") != 0 && strcmp(dialect, "pg") != 0)
		cmig_import_file_note(import, journal->name,
							  psprintf("its dialect is %s: the files are not for PostgreSQL",
									   dialect));
	foreach_ptr(JournalEntry, entry, entries)
	{
		CmigToolFile *file;
		CmigToolRevision *revision;

		if (entry->number == NULL)
			break;
		if (entry->tag == NULL)
			cmig_import_refuse(journal, "An entry has no tag.",
							   "Add the name of its file, or delete the entry.");
		file = cmig_import_file(import, psprintf("%s%s.sql", folder, entry->tag));
		if (file == NULL)
			cmig_import_refuse(journal,
							   psprintf("File \"%s%s.sql\", which it names, does not exist.",
										folder, entry->tag),
							   "Restore the file, or delete the entry.");
		revision = cmig_import_add_named(import, file, entry->tag);
		revision->order = psprintf("%010d", list_length(import->revisions));
		if (entry->when)
		{
			revision->text.edges.has_created_at = true;
			revision->text.edges.created_at = strtoll(entry->when, NULL,
													  10) * 1000 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
		}
	}
}

/*
 * Since 1.0, there is no journal: a folder's name begins with the time in UTC
 * that Drizzle's table contains.
 */
static void
set_folder_time(CmigToolRevision *revision, const char *folder)
{
	int			year,
				month,
				day,
				hour,
				minute,
				second;

	if (cmig_tool_text_digits(folder) != 14 ||
		sscanf(folder, "%4d%2d%2d%2d%2d%2d", &year, &month, &day, &hour, &minute, &second) != 6)
		return;
	revision->text.edges.has_created_at = true;
	revision->text.edges.created_at = (date2j(year, month,
											  day) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
		((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
}

void
cmig_format_drizzle(CmigImport *import)
{
	bool		has_journal = false;

	for (int i = 0; i < import->file_count; i++)
		if (strcmp(import->files[i].folder, "meta") == 0 &&
			strcmp(import->files[i].base, "_journal.json") == 0)
		{
			read_journal(import, &import->files[i]);
			has_journal = true;
		}
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		/* the files in which Drizzle keeps its metadata */
		if (strcmp(file->folder, "meta") == 0 || strcmp(file->base, "snapshot.json") == 0)
			file->used = true;
		else if (strcmp(file->base, "migration.sql") == 0 && *file->folder)
			set_folder_time(cmig_import_add_named(import, file, file->folder), file->folder);
		else if (!file->used && cmig_tool_text_ends(file->base, ".sql") &&
				 cmig_tool_text_digits(file->base) > 0)
		{
			file->used = true;
			cmig_import_file_note(import, file->name,
								  has_journal ? "left out, because drizzle-kit runs only what meta/_journal.json names" :
								  "left out, because meta/_journal.json, which names the migrations, is missing");
		}
	}
}
