/*
 * formats.c
 *	  Formats of other tools' files.
 *
 * First what the readers of all formats share: placeholders, lines, names, and
 * versions.  The reader of a format finds migrations in a list of files and
 * adds them to a CmigImport, in the order in which the tool runs them.  The
 * result is a revision file for each migration, and notes about features that
 * pg_cmig does not have.  Then the formats with a separate folder for each
 * migration (Diesel, Prisma), yoyo, and Rails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "adopt/internal.h"
#include "base/errors.h"

/* Returns the placeholder with this name, or NULL if there is none. */
static CmigPlaceholder *
find_placeholder(const CmigPlaceholders *placeholders, const char *name, int length)
{
	for (int i = 0; i < placeholders->count; i++)
	{
		CmigPlaceholder *item = &placeholders->items[i];

		if (strlen(item->name) == length && strncmp(item->name, name, length) == 0)
			return item;
	}
	return NULL;
}

/*
 * Returns the value of the placeholder with this name, or NULL if it has none.
 */
static const char *
find_value(const CmigPlaceholders *placeholders, const char *name, int length)
{
	const CmigPlaceholder *item = find_placeholder(placeholders, name, length);

	return item ? item->value : NULL;
}

/*
 * Returns the value of a placeholder.  Raises MG013 if the placeholder has no
 * value.  "at" is the placeholder's position in the text.
 */
static const char *
require_value(const CmigPlaceholders *placeholders, const char *name, int length,
			  const char *text, const char *at, const char *file_name)
{
	const char *value = find_value(placeholders, name, length);
	int			line = 1;

	if (value)
		return value;
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("placeholder \"%.*s\" has no value", length, name),
			 errdetail("It is on line %d of a script in file \"%s\".", line, file_name),
			 cmig_hint("Pass its value: `placeholders => '{\"%.*s\": \"<value>\"}'`", length,
					   name)));
}

/*
 * Append a placeholder that is kept, and remove the quotes around it.  "after"
 * is the text after the placeholder.  Returns the start of the text that
 * remains to be copied.
 */
static const char *
append_kept(StringInfo to, CmigPlaceholder *kept, const char *after)
{
	char		quote = to->len > 0 ? to->data[to->len - 1] : '\0';
	bool		quoted = (quote == '\'' || quote == '"') && *after == quote && after[1] != quote &&
	(to->len == 1 || to->data[to->len - 2] != quote);

	if (quoted)
	{
		to->data[--to->len] = '\0';
		after++;
	}
	if (quoted && quote == '\'')
		kept->as_literal = true;
	else
		kept->as_identifier = true;
	appendStringInfo(to, "${%s}", kept->name);
	return after;
}

/* Returns the length of the name at p, or 0 if there is no name. */
static int
name_length(const char *p)
{
	int			length = 0;

	if (isdigit((unsigned char) *p))
		return 0;
	while (isalnum((unsigned char) p[length]) || p[length] == '_')
		length++;
	return length;
}

/*
 * Returns the value of ${name}, possibly with an operator, as in
 * ${name:-default}.  Returns NULL if there is no value.  "text" begins after
 * the opening brace.  On entry, *length is the length of the text up to the
 * closing brace.  If this text is valid, sets *length to the length of the
 * name.
 */
static const char *
environment_value(const CmigPlaceholders *placeholders, const char *text, int *length)
{
	int			name = name_length(text);
	const char *end = text + *length;
	const char *rest = text + name;
	const char *value;
	bool		colon = name > 0 && rest + 1 < end && rest[0] == ':' && rest[1] == '-';

	if (name == 0 || (!colon && rest < end && *rest != '-' && *rest != '?') ||
		memchr(text, '$', *length))
		return find_value(placeholders, text, *length);
	value = find_value(placeholders, text, name);
	*length = name;
	if (rest == end || *rest == '?' || (value && (*value || !colon)))
		return value;
	rest += colon ? 2 : 1;
	return pnstrdup(rest, end - rest);
}

/*
 * Append the text from "start" to "end", with each ${name} replaced.  If
 * "environment" is true, ${name} can contain an operator, and each $name that
 * has a value is also replaced.
 */
static void
append_braces(StringInfo to, const CmigPlaceholders *placeholders, const char *text,
			  const char *start, const char *end, const char *file_name, bool environment)
{
	const char *close = start;	/* where a name ends, or a line */

	for (const char *p = start; p < end; p++)
	{
		CmigPlaceholder *kept;
		const char *value;
		int			length;
		int			inside;

		if (environment && p[0] == '$' &&
			(value = find_value(placeholders, p + 1, name_length(p + 1))) != NULL &&
			p[1 + name_length(p + 1)] != '$')
		{
			appendStringInfoString(to, value);
			p += name_length(p + 1);
			continue;
		}
		if (p[0] != '$' || p + 1 == end || p[1] != '{')
		{
			appendStringInfoChar(to, *p);
			continue;
		}
		for (close = Max(close, p + 2); close < end && *close != '}' && *close != '\n'; close++)
			;
		length = close - (p + 2);
		if (close >= end || *close != '}' || length == 0)
		{
			appendStringInfoChar(to, *p);
			continue;
		}
		inside = length;
		value = environment ? environment_value(placeholders, p + 2, &length) :
			find_value(placeholders, p + 2, length);
		kept = find_placeholder(placeholders, p + 2, length);
		if (kept && kept->value == NULL)
		{
			p = append_kept(to, kept, p + 3 + inside) - 1;
			continue;
		}
		appendStringInfoString(to,
							   value ? value : require_value(placeholders, p + 2, length, text, p,
															 file_name));
		p += 2 + inside;
	}
}

char *
cmig_placeholder_fill(const CmigPlaceholders *placeholders, const char *text, const char *file_name,
					  bool environment)
{
	StringInfoData result;
	CmigLexer	lexer;
	const char *done = text;

	initStringInfo(&result);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
		{
			append_braces(&result, placeholders, text, done, lexer.start, file_name, environment);
			appendBinaryStringInfo(&result, lexer.start, lexer.next - lexer.start);
			done = lexer.next;
		}
	append_braces(&result, placeholders, text, done, text + strlen(text), file_name, environment);
	return result.data;
}

/* Append a quoted string, and replace the variables in it that have a value. */
static void
append_quoted(StringInfo to, const CmigPlaceholders *placeholders, const char *start,
			  const char *end)
{
	for (const char *p = start; p < end; p++)
	{
		const char *value = NULL;
		int			length = 0;

		if (*p == ':' && (p == start || p[-1] != ':'))
		{
			length = name_length(p + 1);
			value = find_value(placeholders, p + 1, length);
		}
		if (value)
		{
			appendStringInfoString(to, value);
			p += length;
		}
		else
			appendStringInfoChar(to, *p);
	}
}

/*
 * Parse the psql variable that begins with this colon.  Sets *quote to the
 * variable's quote character or '\0'.  Returns false if there is no variable.
 */
static bool
find_variable(const char *colon, const char **name, int *length, char *quote)
{
	*quote = colon[1] == '\'' || colon[1] == '"' ? colon[1] : '\0';
	*name = colon + (*quote ? 2 : 1);
	*length = name_length(*name);
	return *length > 0 && (!*quote || (*name)[*length] == *quote);
}

/*
 * Replace :name, :'name', and :"name" as psql does.  If "everywhere" is true,
 * variables that have a value are also replaced within quotes.  After a command
 * of psql, which can set variables, one without a value remains.
 */
static char *
fill_variables(const CmigPlaceholders *placeholders, const char *text,
			   const char *file_name, bool everywhere)
{
	StringInfoData result;
	CmigLexer	lexer;
	const char *done = text;
	int			brackets = 0;
	bool		commands = false;

	initStringInfo(&result);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		const char *name;
		const char *value;
		int			length;
		char		quote;

		if (everywhere &&
			(lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR ||
			 lexer.type == CMIG_TOKEN_QUOTED))
		{
			appendBinaryStringInfo(&result, done, lexer.start - done);
			append_quoted(&result, placeholders, lexer.start, lexer.next);
			done = lexer.next;
		}
		if (cmig_lexer_is_char(&lexer, '['))
			brackets++;
		else if (cmig_lexer_is_char(&lexer, ']'))
			brackets = Max(brackets - 1, 0);
		commands |= cmig_lexer_is_char(&lexer, '\\');
		if (!cmig_lexer_is_char(&lexer, ':') || brackets > 0 ||
			!find_variable(lexer.start, &name, &length, &quote) ||
			(commands && find_value(placeholders, name, length) == NULL))
			continue;
		value = require_value(placeholders, name, length, text, lexer.start, file_name);
		if (quote == '\'')
			value = quote_literal_cstr(value);
		else if (quote == '"')
			value = quote_identifier(value);
		appendBinaryStringInfo(&result, done, lexer.start - done);
		appendStringInfoString(&result, value);
		done = name + length + (quote ? 1 : 0);
		cmig_lexer_move(&lexer, done, lexer.line);
	}
	appendStringInfoString(&result, done);
	return result.data;
}

bool
cmig_tool_text_line(const char *p, CmigToolLine *line)
{
	if (*p == '\0')
		return false;
	line->start = p;
	line->end = p + strcspn(p, "\n");
	line->next = *line->end ? line->end + 1 : line->end;
	return true;
}

char *
cmig_tool_text_after(const CmigToolLine *line, const char *word, bool indented)
{
	const char *p = line->start;
	int			length = strlen(word);

	while (indented && p < line->end && (*p == ' ' || *p == '\t'))
		p++;
	if (line->end - p < length || pg_strncasecmp(p, word, length) != 0)
		return NULL;
	return cmig_marker_trimmed(p + length, line->end);
}

bool
cmig_tool_text_begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

bool
cmig_tool_text_ends(const char *text, const char *word)
{
	size_t		length = strlen(text);

	return length >= strlen(word) && strcmp(text + length - strlen(word), word) == 0;
}

char *
cmig_tool_text_without(const char *name, const char *ending)
{
	return pnstrdup(name, strlen(name) - strlen(ending));
}

int
cmig_tool_text_digits(const char *text)
{
	return strspn(text, "0123456789");
}

char *
cmig_tool_text_message(const char *name)
{
	char	   *message = pstrdup(name);

	for (char *p = message; *p; p++)
		if (*p == '_' || *p == '-')
			*p = ' ';
	return cmig_marker_trimmed(message, message + strlen(message));
}

char *
cmig_tool_text_id(const char *name)
{
	char	   *id = pstrdup(name);

	for (char *p = id; *p; p++)
		if ((unsigned char) *p <= ' ' || *p == 0x7f || strchr("@:+,;{}\"'", *p))
			*p = '_';
	if (*id == '-')
		*id = '_';
	if (*id && cmig_graph_check_name(id) != NULL)
		id = psprintf("_%s", id);
	return id;
}

int
cmig_tool_text_compare_versions(const char *a, const char *b)
{
	while (*a || *b)
	{
		int			a_length;
		int			b_length;
		int			result;

		a += strspn(a, "0");
		b += strspn(b, "0");
		a_length = cmig_tool_text_digits(a);
		b_length = cmig_tool_text_digits(b);
		if (a_length != b_length)
			return a_length - b_length;
		result = memcmp(a, b, a_length);
		if (result != 0)
			return result;
		a += a_length;
		b += b_length;
		if (*a && !isdigit((unsigned char) *a))
			a++;
		if (*b && !isdigit((unsigned char) *b))
			b++;
	}
	return 0;
}

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

void
cmig_import_note(CmigToolRevision *revision, const char *note)
{
	appendStringInfo(&revision->notes, "%s%s", revision->notes.len > 0 ? "; " : "", note);
}

void
cmig_import_file_note(CmigImport *import, const char *file_name, const char *text)
{
	import->notes = lappend(import->notes,
							list_make2(unconstify(char *, file_name), unconstify(char *, text)));
}

char *
cmig_import_section(CmigImport *import, const CmigToolFile *file, CmigSection section,
					const char *script)
{
	char	   *text = pstrdup(script);
	const char *problem;
	StringInfoData result;
	CmigLexer	lexer;
	bool		after_statement = false;
	int			line;

	if (import->style == CMIG_PLACEHOLDER_BRACES)
		text = cmig_placeholder_fill(import->placeholders, text, file->name, false);
	else if (import->style != CMIG_PLACEHOLDER_NONE)
		text = fill_variables(import->placeholders, text, file->name,
							  import->style == CMIG_PLACEHOLDER_COLON);
	text = cmig_section_text_read(text, text + strlen(text), section, false, NULL);

	/*
	 * insert "|" into line comments that would be mistaken for a header or a
	 * marker, such as "-- downgrade"
	 */
	initStringInfo(&result);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		const char *rest = text;

		if (lexer.type == CMIG_TOKEN_LINE_COMMENT &&
			cmig_section_text_is_mark(&lexer, section, after_statement))
		{
			rest = lexer.start + 2;
			appendBinaryStringInfo(&result, text, rest - text);
			appendStringInfoString(&result, " |");
		}
		after_statement |= lexer.type != CMIG_TOKEN_LINE_COMMENT &&
			lexer.type != CMIG_TOKEN_BLOCK_COMMENT;
		text = unconstify(char *, rest);
	}
	appendStringInfoString(&result, text);
	problem = cmig_section_text_find_problem(result.data, section, &line);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("cannot convert file \"%s\" to a revision", file->name),
				 errdetail("The problem is on line %d of its %s script: %s", line,
						   cmig_marker_sections[section], problem)));
	return result.data;
}

void
cmig_import_scripts(CmigImport *import, CmigToolRevision *revision, const char *up,
					const char *down)
{
	revision->text.upgrade_sql = cmig_import_section(import, revision->file, CMIG_SECTION_UPGRADE,
													 up);
	if (down != NULL)
		revision->text.downgrade_sql = cmig_import_section(import, revision->file,
														   CMIG_SECTION_DOWNGRADE, down);
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
								 quote_literal_cstr(psprintf("the %s of revision %s " CMIG_NOT_WRITTEN, name, revision->text.edges.id)),
								 quote_literal_cstr(psprintf("It could not be converted, because %s.", reason)),
								 quote_literal_cstr(psprintf("Write it in the %s section of its file, and delete this statement.", name))));
	return script.data;
}

void
cmig_import_not_written(CmigToolRevision *revision, bool up, bool down, const char *reason)
{
	if (up)
		revision->text.upgrade_sql = failing_script(revision, CMIG_SECTION_UPGRADE, reason);
	if (down)
		revision->text.downgrade_sql = failing_script(revision, CMIG_SECTION_DOWNGRADE, reason);
	cmig_import_note(revision, psprintf("to be written: %s", reason));
}

void
cmig_import_settings(CmigImport *import, CmigToolRevision *revision, CmigToolFile *file,
					 CmigApplySetting apply)
{
	CmigToolLine line;

	file->used = true;
	for (const char *p = file->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *key = cmig_marker_trimmed(line.start, line.end);
		char	   *value = strpbrk(key, "=:");
		const char *note;

		if (*key == '\0' || strchr("#!;[", *key))
			continue;
		if (value)
			*value++ = '\0';
		value = value ? cmig_marker_trimmed(value, value + strlen(value)) : pstrdup("");
		if (*value == '"' && strchr(value + 1, '"'))
			value = pnstrdup(value + 1, strcspn(value + 1, "\""));
		key = cmig_marker_trimmed(key, key + strlen(key));
		if (apply(import, revision, key, value))
			continue;
		note = psprintf("the setting %s = %s of file \"%s\" is ignored", key, value, file->base);
		if (revision)
			cmig_import_note(revision, note);
		else
			cmig_import_file_note(import, file->name, note);
	}
}

void
cmig_import_refuse(const CmigToolFile *file, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("cannot convert file \"%s\" to a revision", file->name),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/* Raise MG013, because two revisions have the same id or version. */
static void
raise_repeated(const CmigToolRevision *one, const CmigToolRevision *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 strcmp(one->text.edges.id, other->text.edges.id) == 0 ?
			 errmsg("two revisions have the id \"%s\"", one->text.edges.id) :
			 errmsg("revisions \"%s\" and \"%s\" have the same version", one->text.edges.id,
					other->text.edges.id),
			 strcmp(one->file->name, other->file->name) == 0 ?
			 errdetail("Both are in file \"%s\".", one->file->name) :
			 errdetail("They are in the files \"%s\" and \"%s\".", one->file->name,
					   other->file->name)));
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
cmig_import_chain(CmigImport *import)
{
	char	   *previous = NULL;

	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		if (revision->text.edges.repeatable)
			continue;
		if (revision->text.edges.parents.count == 0 && previous != NULL)
			revision->text.edges.parents = *cmig_argument_one(previous);
		previous = revision->text.edges.id;
	}
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
		const char *name = psprintf("${%s}", item->name);

		if (item->value != NULL ||
			(strstr(text->upgrade_sql, name) == NULL &&
			 (text->downgrade_sql == NULL || strstr(text->downgrade_sql, name) == NULL) &&
			 (text->verify_sql == NULL || strstr(text->verify_sql, name) == NULL)))
			continue;
		if (item->as_literal && item->as_identifier)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("placeholder \"%s\" requires a value", item->name),
					 errdetail("It cannot be kept as a placeholder, because it is used as a string in some places, and as an identifier or a part of a string in others."),
					 cmig_hint("Pass its value: `placeholders => '{\"%s\": \"<value>\"}'`",
							   item->name)));
		declarations->names[declarations->count++] = item->as_literal ?
			psprintf("%s literal", item->name) : item->name;
	}
}

/*
 * If pg_cmig would be unable to run the script, add a note.  If the only reason
 * is a statement that cannot run in a transaction, also make the revision
 * nontransactional.  If it is that the script consists of several transactions,
 * join them.
 */
static void
check_script(const CmigImport *import, CmigToolRevision *revision, CmigSection section,
			 char **script)
{
	CmigRevision *edges = &revision->text.edges;
	const char *what = cmig_marker_sections[section];
	const char *sql = cmig_substitute_script(*script, &revision->text.placeholders, edges->id, what,
											 NULL, NULL);
	CmigTextProblem *problem = sql ? cmig_text_check(what, sql, edges->transactional, false, NULL) : NULL;
	char	   *joined = problem ? cmig_script_strip_transactions(*script, true) : NULL;
	int			line;

	if (problem && edges->transactional && cmig_text_check(what, sql, false, false, NULL) == NULL)
	{
		edges->transactional = false;
		cmig_import_note(revision,
						 psprintf("transactional: false, because its %s script has a statement that cannot run in a transaction", what));
	}
	else if (problem && edges->transactional &&
			 cmig_text_check(what, cmig_script_strip_transactions(sql, true), true,
							 false, NULL) == NULL &&
			 cmig_section_text_find_problem(joined, section, &line) == NULL)
	{
		*script = cmig_section_text_read(joined, joined + strlen(joined), section, false, NULL);
		cmig_import_note(revision,
						 psprintf("BEGIN and COMMIT inside its %s script are removed: it is one transaction", what));
	}
	else if (problem)
	{
		cmig_import_note(revision,
						 psprintf("to be written: %s. %s", problem->problem, problem->fix));
		return;
	}
	if (sql)
		cmig_import_note_left(import, revision, section, sql);
}

/*
 * Make the revision nontransactional if the tool runs one of its scripts without a
 * transaction.  If that is not true of the other one, add a note.
 */
static void
check_alone(const CmigImport *import, CmigToolRevision *revision)
{
	CmigRevisionText *text = &revision->text;
	bool		up = revision->alone[CMIG_SECTION_UPGRADE];
	bool		down = revision->alone[CMIG_SECTION_DOWNGRADE];

	if (!up && !down)
		return;
	text->edges.transactional = false;
	if ((!up && *text->upgrade_sql) || (!down && text->downgrade_sql && *text->downgrade_sql))
		cmig_import_note(revision,
						 psprintf("transactional: false, also for its %s script, which %s runs in a transaction", up ? "downgrade" : "upgrade", import->format));
}

void
cmig_import_finish(CmigImport *import)
{
	CmigNames	names = {0};
	const char *repeated;
	const CmigToolRevision *first = NULL;

	names.names = palloc(sizeof(char *) * Max(list_length(import->revisions), 1));
	foreach_ptr(CmigToolRevision, one, import->revisions)
		names.names[names.count++] = one->text.edges.id;
	repeated = cmig_names_repeated(&names);

	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		if (repeated && strcmp(revision->text.edges.id, repeated) == 0)
		{
			if (first)
				raise_repeated(first, revision);
			first = revision;
		}
	}
	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		const char *message = revision->text.edges.message;
		int			length = pg_mbcharcliplen(message, strlen(message), CMIG_MAX_MESSAGE_LENGTH);

		/* the message can be any comment in the tool's file */
		if (message[length] != '\0')
		{
			revision->text.edges.message = pnstrdup(message, length);
			cmig_import_note(revision,
							 psprintf("its message is truncated to %d characters",
									  CMIG_MAX_MESSAGE_LENGTH));
		}
		declare_placeholders(import, &revision->text);
		check_alone(import, revision);
		if (revision->text.edges.repeatable && revision->text.downgrade_sql != NULL)
		{
			revision->text.downgrade_sql = NULL;
			cmig_import_note(revision,
							 "its downgrade script is left out, because downgrades do not run repeatable revisions");
		}
		check_script(import, revision, CMIG_SECTION_UPGRADE, &revision->text.upgrade_sql);
		check_script(import, revision, CMIG_SECTION_DOWNGRADE, &revision->text.downgrade_sql);
		check_script(import, revision, CMIG_SECTION_VERIFY, &revision->text.verify_sql);
	}
	for (int i = 0; i < import->file_count; i++)
		if (!import->files[i].used)
			cmig_import_file_note(import, import->files[i].name,
								  psprintf("left out, because it is not a %s file",
										   import->format));
}

/* Returns the path of a file named "base" in the same folder as "file". */
static char *
beside(const CmigToolFile *file, const char *base)
{
	return psprintf("%.*s%s", (int) (file->base - file->name), file->name, base);
}

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

static bool
apply_diesel(CmigImport *import, CmigToolRevision *revision, const char *key, const char *value)
{
	if (strcmp(key, "run_in_transaction") != 0)
		return false;
	revision->text.edges.transactional = strncmp(value, "true", 4) == 0;
	return true;
}

/*
 * A migration is a folder that contains up.sql and can also contain down.sql
 * and metadata.toml.
 */
void
cmig_format_diesel(CmigImport *import, CmigToolFile *up)
{
	const char *title = strchr(up->folder, '_');
	CmigToolRevision *revision;
	CmigToolFile *down;
	CmigToolFile *metadata;

	if (strcmp(up->base, "up.sql") != 0 || !*up->folder || !*diesel_version(up->folder))
		return;
	revision = cmig_import_add(import, up, diesel_version(up->folder));
	down = cmig_import_file(import, beside(up, "down.sql"));
	metadata = cmig_import_file(import, beside(up, "metadata.toml"));
	revision->text.edges.message = cmig_tool_text_message(title ? title + 1 : up->folder);
	revision->text.upgrade_sql = cmig_import_section(import, up, CMIG_SECTION_UPGRADE, up->text);
	if (down)
		revision->text.downgrade_sql = cmig_import_section(import, down, CMIG_SECTION_DOWNGRADE,
														   down->text);
	if (metadata)
	{
		/*
		 * without the setting, Diesel runs the migration without a
		 * transaction
		 */
		revision->text.edges.transactional = false;
		cmig_import_settings(import, revision, metadata, apply_diesel);
		if (strstr(metadata->text, "run_in_transaction") == NULL)
			cmig_import_note(revision,
							 "transactional: false, because metadata.toml exists without run_in_transaction");
	}
}

CmigToolRevision *
cmig_import_add_named(CmigImport *import, CmigToolFile *file, const char *name)
{
	CmigToolRevision *revision = cmig_import_add(import, file, cmig_tool_text_id(name));
	const char *title = name + cmig_tool_text_digits(name);

	revision->text.edges.message = cmig_tool_text_message(*title == '_' ? title + 1 : name);
	revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE,
													 file->text);
	return revision;
}

static bool
apply_prisma(CmigImport *import, CmigToolRevision *revision, const char *key, const char *value)
{
	return strcmp(key, "provider") == 0 && strcmp(value, "postgresql") == 0;
}

void
cmig_format_prisma(CmigImport *import, CmigToolFile *file)
{
	if (strcmp(file->base, "migration.sql") == 0 && *file->folder)
		(void) cmig_import_add_named(import, file, file->folder);
	else if (strcmp(file->base, "migration_lock.toml") == 0)
		cmig_import_settings(import, NULL, file, apply_prisma);
}

/* Add the words of a line "-- depends:", of which there can be several, to the parents. */
static void
read_depends(CmigToolRevision *revision, char *text)
{
	CmigNames  *parents = &revision->text.edges.parents;
	char	  **names = palloc(sizeof(char *) * (parents->count + strlen(text) + 1));

	for (int i = 0; i < parents->count; i++)
		names[i] = parents->names[i];
	parents->names = names;
	for (char *word = strtok(text, " \t,"); word; word = strtok(NULL, " \t,"))
	{
		int			i = 0;

		while (i < parents->count && strcmp(names[i], cmig_tool_text_id(word)) != 0)
			i++;
		names[i] = cmig_tool_text_id(word);
		parents->count = Max(parents->count, i + 1);
	}
}

/*
 * Read a message and settings from the comments and empty lines at the start of
 * a yoyo file.
 */
static void
read_yoyo_header(CmigToolRevision *revision, const char *text)
{
	CmigToolLine line;

	for (const char *p = text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *comment = cmig_tool_text_after(&line, "--", true);
		char	   *colon = comment ? strchr(comment, ':') : NULL;
		char	   *key = colon ? cmig_marker_trimmed(comment, colon) : NULL;

		if (comment == NULL && *cmig_marker_trimmed(line.start, line.end))
			break;
		if (key && strcmp(key, "depends") == 0)
			read_depends(revision, colon + 1);
		else if (key && strcmp(key, "transactional") == 0)
			revision->text.edges.transactional =
				pg_strcasecmp(cmig_marker_trimmed(colon + 1, colon + strlen(colon)), "false") != 0;
		else if (comment && *revision->text.edges.message == '\0')
			revision->text.edges.message = comment;
	}
}

void
cmig_format_yoyo(CmigImport *import, CmigToolFile *file)
{
	CmigToolRevision *revision;
	CmigToolFile *rollback;
	char	   *stem;

	bool		is_python = cmig_tool_text_ends(file->base, ".py");

	if (!(is_python || cmig_tool_text_ends(file->base, ".sql")) ||
		cmig_tool_text_ends(file->base, ".rollback.sql"))
		return;
	stem = cmig_tool_text_without(file->base, is_python ? ".py" : ".sql");
	if (cmig_tool_text_begins(stem, "post-apply"))
	{
		file->used = true;
		cmig_import_file_note(import, file->name,
							  "yoyo runs this file after each run; run the file in the script that calls cmig.upgrade");
		return;
	}
	revision = cmig_import_add(import, file, cmig_tool_text_id(stem));
	revision->order = pstrdup(file->base);
	if (is_python)
	{
		const char *depends = strstr(file->text, "__depends__");

		if (depends)
			depends += strcspn(depends, "{[(\"'\n");
		if (depends && *depends && *depends != '\n')
		{
			/* the strings in a Python set or list, or one string */
			const char *ends = strchr("\"'", *depends) ? "\n" : "}])";
			char	   *text = pnstrdup(depends, strcspn(depends, ends));

			for (char *p = text; *p; p++)
				if (strchr("{[(\"'\n\t", *p))
					*p = ' ';
			read_depends(revision, text);
		}
		cmig_import_not_written(revision, true, true,
								psprintf("it is written in Python, in file \"%s\"", file->name));
		return;
	}
	read_yoyo_header(revision, file->text);
	revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE,
													 file->text);
	rollback = cmig_import_file(import,
								psprintf("%s.rollback.sql",
										 cmig_tool_text_without(file->name, ".sql")));
	if (rollback)
		revision->text.downgrade_sql = cmig_import_section(import, rollback, CMIG_SECTION_DOWNGRADE,
														   rollback->text);
}

/*
 * Returns the highest version in the VALUES list of INSERT INTO
 * schema_migrations, or NULL if there is none.
 */
static char *
last_version(const char *insert)
{
	char	   *last = NULL;

	for (const char *p = insert; *p && *p != ';'; p++)
		if (*p == '\'' && cmig_tool_text_digits(p + 1) > 0)
		{
			char	   *version = pnstrdup(p + 1, cmig_tool_text_digits(p + 1));

			if (last == NULL || cmig_tool_text_compare_versions(version, last) > 0)
				last = version;
			p += strlen(version) + 1;
		}
	return last;
}

static void
read_structure(CmigImport *import, CmigToolFile *file)
{
	const char *insert = NULL;
	char	   *version;
	CmigToolRevision *revision;
	CmigToolLine line;
	StringInfoData script;
	bool		has_escapes = false;

	for (const char *p = file->text; insert == NULL && cmig_tool_text_line(p, &line); p = line.next)
		if (cmig_tool_text_after(&line, "INSERT INTO \"schema_migrations\"", false) ||
			cmig_tool_text_after(&line, "INSERT INTO schema_migrations", false))
			insert = line.start;
	version = insert ? last_version(insert) : NULL;
	if (version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("file \"%s\" does not insert versions into schema_migrations", file->name),
				 errhint("Set config.active_record.schema_format = :sql, and run: bin/rails db:schema:dump")));
	revision = cmig_import_add(import, file, version);
	revision->text.edges.message = "Schema of structure.sql";

	/*
	 * leave out psql commands, the lines in which pg_dump sets search_path,
	 * and standard_conforming_strings if no string depends on it
	 */
	for (const char *p = file->text; p < insert && cmig_tool_text_line(p, &line); p = line.next)
		has_escapes |= *line.start != '\\' &&
			memchr(line.start, '\\', line.end - line.start) != NULL;
	initStringInfo(&script);
	for (const char *p = file->text; p < insert && cmig_tool_text_line(p, &line); p = line.next)
		if (*line.start != '\\' &&
			!cmig_tool_text_after(&line, "SELECT pg_catalog.set_config('search_path'", false) &&
			!cmig_tool_text_after(&line, "SET search_path", false) &&
			(has_escapes || !cmig_tool_text_after(&line, "SET standard_conforming_strings", false)))
			appendBinaryStringInfo(&script, line.start, Min(line.next, insert) - line.start);
	revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE,
													 script.data);
	cmig_import_note(revision,
					 psprintf("one revision for all migrations up to %s; it also creates schema_migrations and ar_internal_metadata, which only Rails uses", version));
}

void
cmig_format_rails(CmigImport *import, CmigToolFile *file)
{
	if (cmig_tool_text_ends(file->base, "structure.sql"))
		read_structure(import, file);
	else if (cmig_tool_text_ends(file->base, ".rb"))
	{
		/* Rails takes 001 for the number 1 */
		const char *number = file->base + strspn(file->base, "0");
		char	   *version = psprintf("'%.*s'", cmig_tool_text_digits(number), number);
		bool		found = false;

		file->used = true;
		for (int i = 0; i < import->file_count; i++)
			found |= cmig_tool_text_ends(import->files[i].base, "structure.sql") &&
				strstr(import->files[i].text, version) != NULL;
		if (!found)
			cmig_import_file_note(import, file->name,
								  "left out, because structure.sql does not contain it; run it, then bin/rails db:schema:dump");
	}
}
