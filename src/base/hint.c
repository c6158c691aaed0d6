/*
 * hint.c
 *	  Hints, whose commands are written for psql or for cmig.
 *
 * The text of a hint has its commands between backquotes.  A command is a call
 * of a function of pg_cmig, which a SET or RESET of cmig.scope may precede; an
 * argument (name => value); or another SET.  In a session of cmig, it becomes
 * a command or an option of cmig; for all others, only the backquotes go.
 * Commands that cmig does not have are written without backquotes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/base.h"

const char *(*cmig_hint_scope) (void) = NULL;

/*
 * The functions and views whose name and arguments are not those of a verb of
 * cmig.  An argument is a dot if it is one of the verb's, a dash if it is left
 * out, and the name of an option otherwise.
 */
static const struct
{
	const char *name;
	const char *verb;
	const char *arguments;
}			calls[] = {
	{"upgrade_stepwise", "upgrade --stepwise", "."},
	{"downgrade_stepwise", "downgrade --stepwise", "."},
	{"reset_stepwise", "reset --stepwise", ""},
	{"create_revision", "revision", "message - -"},
	{"draft", "revision", "message"},
	{"autogenerate", "revision --autogenerate", "message -"},
	{"merge", "merge", ". message"},
	{"baseline", "baseline", "message rev-id"},
	{"squash", "squash", ". message"},
	{"diff", "diff", "-"},
	{"load", "load", "-"},
	{"upgrade_scopes", "upgrade", "scopes . max-failures"},
	{"create_scope", "create-scope", ". . copy-of"},
	{"import_state", "import --state", ". history-table"},
	{"progress", "status", ""},
	{"backfill_progress", "status", ""},
};

#define LOWER "abcdefghijklmnopqrstuvwxyz_"

/* If the text at "at" begins with the word, advances past it. */
static bool
skip(const char **at, const char *word)
{
	size_t		length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Returns the name at "at", with hyphens instead of underscores, and advances past it. */
static char *
take_name(const char **at)
{
	char	   *name = pnstrdup(*at, strspn(*at, LOWER));

	*at += strlen(name);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '_')
			*c = '-';
	return name;
}

/* Appends the value, quoted for a shell unless it is a word, or a placeholder such as <revision>. */
static void
append_quoted(StringInfo text, const char *value)
{
	const char *end = value[0] == '<' ? value + 1 + strspn(value + 1, LOWER) :
	value + strspn(value, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:+-.,@");

	if (value[0] != '\0' && strcmp(end, value[0] == '<' ? ">" : "") == 0)
	{
		appendStringInfoString(text, value);
		return;
	}
	appendStringInfoChar(text, '\'');
	for (; *value != '\0'; value++)
		appendStringInfo(text, *value == '\'' ? "'\\''" : "%c", *value);
	appendStringInfoChar(text, '\'');
}

/*
 * Returns the value at "at" as words for a shell, and advances past it: a
 * literal, an array of literals, or a name, number, or placeholder, which ends
 * at one of the characters "ends".  "plain" is its last element.
 */
static char *
take_value(const char **at, const char *ends, char **plain)
{
	bool		array = skip(at, "ARRAY[");
	StringInfoData words;

	initStringInfo(&words);
	do
	{
		StringInfoData value;
		bool		escapes = strncmp(*at, "E'", 2) == 0;
		const char *c = *at + escapes;

		initStringInfo(&value);
		if (*c == '\'')
		{
			for (c++; *c != '\0' && (*c != '\'' || c[1] == '\''); c++)
			{
				if (*c == '\'' || (*c == '\\' && escapes && c[1] != '\0'))
					c++;
				appendStringInfoChar(&value, *c);
			}
			*at = c + (*c == '\'');
		}
		else
		{
			appendBinaryStringInfo(&value, *at, strcspn(*at, ends));
			*at += value.len;
		}
		if (words.len > 0)
			appendStringInfoChar(&words, ' ');
		append_quoted(&words, value.data);
		*plain = value.data;
	} while (array && skip(at, ", "));
	skip(at, "]");
	return words.data;
}

/* Appends the option that stands for the argument of a call of the verb. */
static void
append_option(StringInfo text, const char *verb, const char *name, const char *words,
			  const char *plain)
{
	const char *middle = strstr(plain, "\": \"");
	size_t		length = strlen(plain);

	if (strcmp(name, "confirm") == 0)
	{
		if (strcmp(verb, "abandon-partial") == 0)
			appendStringInfoString(text, " --yes");
		if (strcmp(verb, "expand") == 0)
			appendStringInfoString(text, " --confirm");
		if (length > 13 && strcmp(plain + length - 13, ", losing data") == 0)
			appendStringInfoString(text, " --lose-data");
	}
	else if (strcmp(name, "message") == 0)
		appendStringInfo(text, words[0] == '<' ? " -m \"%s\"" : " -m %s", words);
	else if (strcmp(name, "placeholders") == 0 && strncmp(plain, "{\"", 2) == 0 &&
			 middle >= plain + 2)
	{
		/* {"name": "value"} */
		appendStringInfoString(text, " -x ");
		append_quoted(text, pnstrdup(plain + 2, middle - plain - 2));
		appendStringInfoChar(text, '=');
		append_quoted(text, pnstrdup(middle + 4, strcspn(middle + 4, "\"")));
	}
	else if (strcmp(words, "true") == 0)
		appendStringInfo(text, " --%s", name);
	else if (length > 2 && plain[0] == '{')
	{
		/* {a,b} */
		appendStringInfo(text, " --%s ", name);
		append_quoted(text, pnstrdup(plain + 1, length - 2));
	}
	else
		appendStringInfo(text, " --%s %s", name, words);
}

/*
 * Appends the command of cmig that calls the function at "at" with its
 * arguments.  "all" is whether it must show columns that it leaves out.
 */
static void
append_call(StringInfo text, const char *at, bool all, const char *scope)
{
	const char *function = pnstrdup(at, strspn(at, LOWER));
	const char *verb = take_name(&at);
	const char *arguments = ". .";
	char	   *plain;

	for (int i = 0; i < lengthof(calls); i++)
	{
		if (strcmp(function, calls[i].name) == 0)
		{
			verb = calls[i].verb;
			arguments = calls[i].arguments;
		}
	}
	appendStringInfo(text, "cmig %s", verb);
	for (bool more = skip(&at, "(") && *at != ')'; more; more = skip(&at, ", "))
	{
		const char *start = at;
		char	   *name = take_name(&at);
		char	   *words;

		if (!skip(&at, " => "))
		{
			at = start;
			name = pnstrdup(arguments, strcspn(arguments, " "));
			arguments += strlen(name);
			skip(&arguments, " ");
		}
		words = take_value(&at, ",)]", &plain);
		if (strcmp(name, ".") == 0 || strcmp(name, "target") == 0)
			appendStringInfo(text, " %s", strcmp(words, "NULL") == 0 ? "off" : words);
		else if (strcmp(name, "-") != 0)
			append_option(text, verb, name, words, plain);
	}
	if (all)
		appendStringInfoString(text, " -v");
	if (scope[0] != '\0' && strstr(verb, "scope") == NULL &&
		strstr(text->data, " --scopes") == NULL)
	{
		/* a pattern, or any scope: all of them can be run with one command */
		bool		each = strstr(verb, "grade") && strpbrk(scope, "<%") != NULL;

		appendStringInfoString(text, each ? " --scopes " : " --scope ");
		append_quoted(text, each && scope[0] == '<' ? "<pattern>" : scope);
	}
}

/* Appends what is typed with cmig in place of the SQL. */
static void
append_command(StringInfo text, const char *sql, const char *scope)
{
	const char *setting = NULL;
	const char *from;
	char	   *words = "";
	char	   *plain = "true";

	skip(&sql, "BEGIN; ");
	if (skip(&sql, "RESET cmig.scope"))
		setting = scope = "";
	else if (skip(&sql, "SET LOCAL ") || skip(&sql, "SET "))
	{
		skip(&sql, "cmig_var.");
		setting = pnstrdup(sql, strcspn(sql, " "));
		sql += strlen(setting);
		skip(&sql, " = ");
		words = take_value(&sql, sql[strspn(sql, LOWER ", ")] == '\0' ? "" : " ;", &plain);
		scope = plain;
	}
	from = strstr(sql, "cmig.");
	if (from != NULL && (setting == NULL || skip(&sql, "; ")))
		append_call(text, from + strlen("cmig."), memchr(sql, ',', from - sql) != NULL, scope);
	else if (setting != NULL && setting[0] == '\0')
		appendStringInfoString(text, text->len == 0 ? "Leave out --scope" : "leave out --scope");
	else if (setting != NULL && strcmp(setting, "cmig.scope") == 0)
		appendStringInfo(text, "--scope %s", words);
	else if (setting != NULL)
	{
		appendStringInfoString(text, text->len == 0 ? "Add -x " : "add -x ");
		append_quoted(text, setting);
		appendStringInfo(text, "=%s", words);
	}
	else if (strcmp(sql, "CALL") == 0)
		appendStringInfoString(text, "command");
	else
	{
		char	   *name = take_name(&sql);
		StringInfoData option;

		initStringInfo(&option);
		words = skip(&sql, " => ") ? take_value(&sql, "", &plain) : plain;
		append_option(&option, "", name, words, plain);
		appendStringInfoString(text, option.data + strspn(option.data, " "));
	}
}

/*
 * Returns the end of the command that begins behind a backquote, which is the
 * next backquote outside of quotes, NULL if what is between is not a command.
 */
static const char *
command_end(const char *start)
{
	char		quote = '\0';
	const char *text;

	for (const char *at = start; *at != '\0'; at++)
	{
		if (quote == '\0' && *at == '`')
		{
			text = pnstrdup(start, at - start);
			return strstr(text, "cmig.") || strstr(text, "cmig_var.") || strstr(text, " => ") ||
				strcmp(text, "CALL") == 0 ||
				(strchr(text, '_') && text[strspn(text, LOWER)] == '\0') ? at : NULL;
		}
		if (quote == '\0' && (*at == '\'' || *at == '"'))
			quote = *at;
		else if (*at == quote)
			quote = '\0';
	}
	return NULL;
}

char *
cmig_hint_text(const char *text)
{
	const char *scope = cmig_hint_scope ? cmig_hint_scope() : NULL;
	StringInfoData result;

	if (text == NULL)
		return NULL;
	initStringInfo(&result);
	while (*text != '\0')
	{
		const char *end = *text == '`' ? command_end(text + 1) : NULL;

		if (end == NULL)
			appendStringInfoChar(&result, *text++);
		else
		{
			if (scope == NULL)
				appendBinaryStringInfo(&result, text + 1, end - text - 1);
			else
				append_command(&result, pnstrdup(text + 1, end - text - 1), scope);
			text = end + 1;
			/* the comment behind a command, which may be pasted with it */
			if (scope != NULL && skip(&text, " -- "))
				appendStringInfoString(&result, " # ");
		}
	}
	return result.data;
}
