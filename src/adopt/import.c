/*
 * import.c
 *	  Functions shared by the readers of other tools' formats.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/import.h"
#include "base/errors.h"
#include "format/section_text.h"
#include "graph/graph.h"
#include "mb/pg_wchar.h"
#include "parse/lexer.h"
#include "parse/psql_text.h"
#include "parse/substitute.h"
#include "parse/text_check.h"
#include "utils/builtins.h"

CmigToolFile *
cmig_import_file(CmigImport *import, const char *name)
{
	for (int i = 0; i < import->file_count; i++)
		if (strcmp(import->files[i].name, name) == 0)
		{
			import->files[i].used = true;
			return &import->files[i];
		}
	return NULL;
}

CmigToolRevision *
cmig_import_add(CmigImport *import, CmigToolFile *file, const char *id)
{
	CmigToolRevision *revision = palloc0(sizeof(CmigToolRevision));
	char	   *bad = cmig_graph_check_name(id);

	if (bad)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("cannot use \"%s\" from file \"%s\" as a revision id", id, file->name),
				 errdetail("The id %s.", bad),
				 errhint("Rename the migration, both in its files and in the table in which the tool records applied migrations.")));
	file->used = true;
	revision->file = file;
	revision->text.edges.id = pstrdup(id);
	revision->text.edges.message = "";
	revision->text.edges.transactional = true;
	revision->text.description = "";
	revision->text.upgrade_sql = "";
	revision->order = revision->text.edges.id;
	initStringInfo(&revision->notes);
	import->revisions = lappend(import->revisions, revision);
	return revision;
}

/* Append a note.  Notes are separated by semicolons. */
static void
pg_attribute_printf(2, 0)
append_note(StringInfo notes, const char *format, va_list args)
{
	if (notes->len > 0)
		appendStringInfoString(notes, "; ");
	for (;;)
	{
		va_list		copy;
		int			needed;

		va_copy(copy, args);
		needed = appendStringInfoVA(notes, format, copy);
		va_end(copy);
		if (needed == 0)
			break;
		enlargeStringInfo(notes, needed);
	}
}

void
cmig_import_note(CmigToolRevision *revision, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	append_note(&revision->notes, format, args);
	va_end(args);
}

void
cmig_import_file_note(CmigImport *import, const char *file_name, const char *format,...)
{
	CmigImportNote *note = palloc(sizeof(CmigImportNote));
	StringInfoData text;
	va_list		args;

	initStringInfo(&text);
	va_start(args, format);
	append_note(&text, format, args);
	va_end(args);
	note->file_name = file_name;
	note->note = text.data;
	import->notes = lappend(import->notes, note);
}

/* Returns a copy of "text" in which the format's placeholders are replaced. */
static char *
filled(const CmigImport *import, const CmigToolFile *file, const char *text)
{
	switch (import->style)
	{
		case CMIG_PLACEHOLDER_BRACES:
			return cmig_placeholder_fill_braces(import->placeholders, text, file->name);
		case CMIG_PLACEHOLDER_PSQL:
			return cmig_placeholder_fill_variables(import->placeholders, text, file->name, false);
		case CMIG_PLACEHOLDER_COLON:
			return cmig_placeholder_fill_variables(import->placeholders, text, file->name, true);
		case CMIG_PLACEHOLDER_NONE:
			break;
	}
	return pstrdup(text);
}

/*
 * Returns a copy of the text with "|" inserted into the line comment that
 * starts on the given line.  Then, the comment cannot be mistaken for a marker
 * such as "-- downgrade".  Returns NULL if no line comment starts on this line.
 */
static char *
disarm_comment(const char *text, int line)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT && lexer.line == line)
		{
			int			before = lexer.start - text + 2;

			return psprintf("%.*s |%s", before, text, text + before);
		}
	return NULL;
}

/*
 * Change comments that would be mistaken for a revision file's header or
 * markers.  Raises MG013 if a comment cannot be changed.
 */
static char *
disarmed(const CmigToolFile *file, char *text, CmigSection section)
{
	const char *problem;
	int			line;
	int			last_line = 0;

	while ((problem = cmig_section_text_find_problem(text, section, &line)) != NULL)
	{
		char	   *changed = line == last_line ? NULL : disarm_comment(text, line);

		if (changed == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("cannot convert file \"%s\" to a revision", file->name),
					 errdetail("The problem is on line %d of its %s script: %s", line, cmig_marker_sections[section], problem)));
		last_line = line;
		text = changed;
	}
	return text;
}

char *
cmig_import_section(CmigImport *import, const CmigToolFile *file, CmigSection section,
					const char *start, const char *end)
{
	char	   *text = filled(import, file, pnstrdup(start, end - start));

	text = cmig_section_text_read(text, text + strlen(text), section, false);
	return disarmed(file, text, section);
}

char *
cmig_import_whole(CmigImport *import, const CmigToolFile *file, CmigSection section)
{
	return cmig_import_section(import, file, section, file->text, file->text + strlen(file->text));
}

char *
cmig_import_join(const char *first, const char *second)
{
	if (first == NULL || *first == '\0')
		return second ? pstrdup(second) : first ? pstrdup(first) : NULL;
	if (second == NULL || *second == '\0')
		return pstrdup(first);
	return psprintf("%s\n\n%s", first, second);
}

const char *
cmig_import_language(const char *name)
{
	static const char *const languages[][2] = {
		{".go", "Go"}, {".java", "Java"}, {".kt", "Kotlin"}, {".rs", "Rust"}, {".py", "Python"},
		{".js", "JavaScript"}, {".ts", "TypeScript"}
	};
	const char *dot = strrchr(name, '.');

	for (int i = 0; dot && i < lengthof(languages); i++)
		if (strcmp(dot, languages[i][0]) == 0)
			return languages[i][1];
	return NULL;
}

/* Returns a statement that fails, in place of a revision's script. */
static char *
failing_script(const CmigToolRevision *revision, CmigSection section, const char *reason)
{
	const char *name = cmig_marker_sections[section];

	StringInfoData script;

	initStringInfo(&script);
	cmig_psql_append_do(&script,
						psprintf("BEGIN\n\tRAISE EXCEPTION USING ERRCODE = 'feature_not_supported',\n"
								 "\t\tMESSAGE = %s,\n\t\tDETAIL = %s,\n\t\tHINT = %s;\nEND",
								 quote_literal_cstr(psprintf("the %s of revision %s has not been written as SQL", name, revision->text.edges.id)),
								 quote_literal_cstr(psprintf("It could not be converted, because %s.", reason)),
								 quote_literal_cstr(psprintf("Write it in the %s section of its file, and delete this statement.", name))));
	return script.data;
}

void
cmig_import_not_written(CmigToolRevision *revision, bool both, const char *reason)
{
	revision->text.upgrade_sql = failing_script(revision, CMIG_SECTION_UPGRADE, reason);
	if (both)
		revision->text.downgrade_sql = failing_script(revision, CMIG_SECTION_DOWNGRADE, reason);
	cmig_import_note(revision, "to be written: %s", reason);
}

/* Raise MG013, because two revisions have the same id or version. */
static void
raise_repeated(const CmigToolRevision *one, const CmigToolRevision *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("two revisions have the id \"%s\"", one->text.edges.id),
			 strcmp(one->file->name, other->file->name) == 0 ?
			 errdetail("Both are in file \"%s\".", one->file->name) :
			 errdetail("They are in the files \"%s\" and \"%s\".", one->file->name, other->file->name)));
}

static CmigOrderCompare order_compare;

static int
compare_revisions(const ListCell *a, const ListCell *b)
{
	const CmigToolRevision *one = lfirst(a);
	const CmigToolRevision *other = lfirst(b);
	int			result = order_compare(one->order, other->order);

	return result != 0 ? result : strcmp(one->text.edges.id, other->text.edges.id);
}

void
cmig_import_sort(CmigImport *import, CmigOrderCompare compare)
{
	order_compare = compare;
	list_sort(import->revisions, compare_revisions);
	for (int i = 1; i < list_length(import->revisions); i++)
	{
		const CmigToolRevision *one = list_nth(import->revisions, i - 1);
		const CmigToolRevision *other = list_nth(import->revisions, i);

		/* an id that is not only a version contains more than the sort key */
		if (compare(one->order, other->order) == 0 &&
			one->order[strspn(one->order, "0123456789.")] == '\0')
			raise_repeated(one, other);
	}
}

void
cmig_import_set_parent(CmigToolRevision *revision, const char *parent)
{
	CmigNames  *parents = &revision->text.edges.parents;

	parents->count = 1;
	parents->names = palloc(sizeof(char *));
	parents->names[0] = pstrdup(parent);
}

void
cmig_import_chain(CmigImport *import)
{
	char	   *previous = NULL;
	ListCell   *lc;

	foreach(lc, import->revisions)
	{
		CmigToolRevision *revision = lfirst(lc);

		if (revision->text.edges.repeatable)
			continue;
		if (revision->text.edges.parents.count == 0 && previous != NULL)
			cmig_import_set_parent(revision, previous);
		previous = revision->text.edges.id;
	}
}

/* Raise MG013 if two revisions have the same id. */
static void
require_distinct(const CmigImport *import)
{
	CmigNames	names = {0};
	const char *repeated;
	const CmigToolRevision *first = NULL;
	ListCell   *lc;

	names.names = palloc(sizeof(char *) * Max(list_length(import->revisions), 1));
	foreach(lc, import->revisions)
		names.names[names.count++] = ((CmigToolRevision *) lfirst(lc))->text.edges.id;
	repeated = cmig_graph_find_repeated(&names);
	if (repeated == NULL)
		return;
	foreach(lc, import->revisions)
	{
		const CmigToolRevision *revision = lfirst(lc);

		if (strcmp(revision->text.edges.id, repeated) != 0)
			continue;
		if (first)
			raise_repeated(first, revision);
		first = revision;
	}
}

/* A CmigSubstituteValue callback that never returns a value. */
static const char *
no_value(const char *name, bool literal, void *arg)
{
	return NULL;
}

/* Does one of the revision's scripts contain the placeholder? */
static bool
has_placeholder(const CmigRevisionText *text, const char *name)
{
	const char *scripts[] = {text->upgrade_sql, text->downgrade_sql, text->verify_sql};
	char	   *wanted = psprintf("${%s}", name);

	for (int i = 0; i < lengthof(scripts); i++)
		if (scripts[i] != NULL && strstr(scripts[i], wanted) != NULL)
			return true;
	return false;
}

/*
 * Add declarations of the placeholders that are kept in the revision's scripts.
 */
static void
declare_placeholders(const CmigImport *import, CmigRevisionText *text)
{
	CmigNames  *declarations = &text->placeholders;

	declarations->names = palloc(sizeof(char *) * Max(import->placeholders->count, 1));
	for (int i = 0; i < import->placeholders->count; i++)
	{
		const CmigPlaceholder *item = &import->placeholders->items[i];

		if (item->value != NULL || !has_placeholder(text, item->name))
			continue;
		if (item->as_literal && item->as_identifier)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("placeholder \"%s\" requires a value", item->name),
					 errdetail("It cannot be kept as a placeholder, because it is used as a string in some places, and as an identifier or a part of a string in others."),
					 errhint("Pass its value: placeholders => '{\"%s\": \"<value>\"}'", item->name)));
		declarations->names[declarations->count++] = item->as_literal ? psprintf("%s literal", item->name) : item->name;
	}
}

/*
 * If pg_cmig would be unable to run the script, add a note.  If the only reason
 * is a statement that cannot run in a transaction, also make the revision
 * nontransactional.
 */
static void
check_script(CmigToolRevision *revision, const char *what, const char *sql)
{
	CmigRevision *edges = &revision->text.edges;
	CmigTextProblem *problem;

	sql = cmig_substitute_script(sql, &revision->text.placeholders, edges->id, what, no_value, NULL);
	problem = sql ? cmig_text_check(what, sql, edges->transactional, false) : NULL;

	if (problem == NULL)
		return;
	if (edges->transactional && cmig_text_check(what, sql, false, false) == NULL)
	{
		edges->transactional = false;
		cmig_import_note(revision, "transactional: false, because its %s script has a statement that cannot run in a transaction", what);
	}
	else
		cmig_import_note(revision, "to be written: %s. %s", problem->problem, problem->fix);
}

/*
 * Truncate the revision's message if it is too long.  The message can be any
 * comment in the tool's file, so its length is not limited.
 */
static void
cut_message(CmigToolRevision *revision)
{
	const char *message = revision->text.edges.message;
	int			length = pg_mbcharcliplen(message, strlen(message), CMIG_MAX_MESSAGE_LENGTH);

	if (message[length] == '\0')
		return;
	revision->text.edges.message = pnstrdup(message, length);
	cmig_import_note(revision, "its message is truncated to %d characters", CMIG_MAX_MESSAGE_LENGTH);
}

void
cmig_import_finish(CmigImport *import)
{
	ListCell   *lc;

	require_distinct(import);
	foreach(lc, import->revisions)
	{
		CmigToolRevision *revision = lfirst(lc);

		cut_message(revision);
		declare_placeholders(import, &revision->text);
		if (revision->text.edges.repeatable && revision->text.downgrade_sql != NULL)
		{
			revision->text.downgrade_sql = NULL;
			cmig_import_note(revision, "its downgrade script is left out, because downgrades do not run repeatable revisions");
		}
		check_script(revision, "upgrade", revision->text.upgrade_sql);
		check_script(revision, "downgrade", revision->text.downgrade_sql);
		check_script(revision, "verify", revision->text.verify_sql);
	}
	for (int i = 0; i < import->file_count; i++)
		if (!import->files[i].used)
			cmig_import_file_note(import, import->files[i].name, "left out, because it is not a %s file", import->format);
}
