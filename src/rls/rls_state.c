/*
 * rls_state.c
 *	  Reads and writes the state in policy comments: the options of
 *	  enable_rls, and what disable_rls has to restore.
 *
 * The state is a string such as "[cmig.enable_rls rls=off force=off ...]" at
 * the end of a comment.  It consists of words of the form name=value, in which
 * %XX stands for a character that would end a word.  Unknown words are
 * ignored, so that a later version can add words.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls.h"

#include "lib/stringinfo.h"

#define STATE_MARK "[cmig.enable_rls"

static const struct
{
	int			bit;
	const char *name;
}			commands[] = {
	{CMIG_RLS_SELECT, "SELECT"},
	{CMIG_RLS_INSERT, "INSERT"},
	{CMIG_RLS_UPDATE, "UPDATE"},
	{CMIG_RLS_DELETE, "DELETE"}
};

char *
cmig_rls_state_commands(int mask, const char *separator)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(commands); i++)
		if (mask & commands[i].bit)
			appendStringInfo(&text, "%s%s", text.len ? separator : "", commands[i].name);
	return text.data;
}

/*
 * Append the word "name=value", with special characters in the value escaped.
 */
static void
append_word(StringInfo text, const char *name, const char *value)
{
	appendStringInfo(text, " %s=", name);
	for (const char *p = value; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c <= ' ' || c == '%' || c == '=' || c == ']' || c == ',' || c == 0x7f)
			appendStringInfo(text, "%%%02X", c);
		else
			appendStringInfoChar(text, *p);
	}
}

char *
cmig_rls_state_write(const CmigRlsState *state)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, STATE_MARK);
	append_word(&text, "rls", state->enabled ? "on" : "off");
	append_word(&text, "force", state->forced ? "on" : "off");
	if (state->tenant_column)
		append_word(&text, "tenant_column", state->tenant_column);
	if (state->user_column)
		append_word(&text, "user_column", state->user_column);
	if (state->via)
	{
		append_word(&text, "key_column", state->key_column);
		append_word(&text, "via", state->via);
		append_word(&text, "via_key", state->via_key);
		append_word(&text, "via_user", state->via_user);
	}
	if (state->shared)
		append_word(&text, "shared", "on");
	if (state->public_read)
		append_word(&text, "public_read", "on");
	if (state->commands != 0 && state->commands != CMIG_RLS_ALL)
		append_word(&text, "commands", cmig_rls_state_commands(state->commands, "+"));
	if (state->require_context)
		append_word(&text, "require_context", "on");
	if (state->no_index)
		append_word(&text, "index", "off");
	foreach(lc, state->defaults)
	{
		CmigRlsDefault *was = lfirst(lc);

		append_word(&text, "default_of", was->column);
		if (was->expression)
			append_word(&text, "was", was->expression);
	}
	foreach(lc, state->granted)
	{
		append_word(&text, "granted", lfirst(lc));
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

/* Returns the value of a hexadecimal digit, or -1 for any other character. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Returns the unescaped value that starts at *p and ends at a space or at the
 * closing bracket.
 */
static char *
read_word(const char **p)
{
	StringInfoData value;

	initStringInfo(&value);
	for (; **p && **p != ' ' && **p != ']'; (*p)++)
	{
		if (**p == '%' && hex_digit((*p)[1]) >= 0 && hex_digit((*p)[2]) >= 0)
		{
			appendStringInfoChar(&value, (char) (hex_digit((*p)[1]) * 16 + hex_digit((*p)[2])));
			*p += 2;
		}
		else
			appendStringInfoChar(&value, **p);
	}
	return value.data;
}

static int
read_commands(const char *value)
{
	int			mask = 0;

	for (int i = 0; i < lengthof(commands); i++)
		if (strstr(value, commands[i].name))
			mask |= commands[i].bit;
	return mask;
}

/*
 * Returns the address of the state's string member in which a word with this
 * name is stored, or NULL if there is none.
 */
static char **
text_member(CmigRlsState *state, const char *name)
{
	if (strcmp(name, "tenant_column") == 0)
		return &state->tenant_column;
	if (strcmp(name, "user_column") == 0)
		return &state->user_column;
	if (strcmp(name, "key_column") == 0)
		return &state->key_column;
	if (strcmp(name, "via") == 0)
		return &state->via;
	if (strcmp(name, "via_key") == 0)
		return &state->via_key;
	if (strcmp(name, "via_user") == 0)
		return &state->via_user;
	return NULL;
}

/* Store the value of a word.  Unknown names are ignored. */
static void
read_member(CmigRlsState *state, const char *name, char *value)
{
	char	  **member = text_member(state, name);

	if (member)
		*member = value;
	else if (strcmp(name, "rls") == 0)
		state->enabled = strcmp(value, "on") == 0;
	else if (strcmp(name, "force") == 0)
		state->forced = strcmp(value, "on") == 0;
	else if (strcmp(name, "shared") == 0)
		state->shared = true;
	else if (strcmp(name, "public_read") == 0)
		state->public_read = true;
	else if (strcmp(name, "commands") == 0)
		state->commands |= read_commands(value);
	else if (strcmp(name, "require_context") == 0)
		state->require_context = true;
	else if (strcmp(name, "index") == 0)
		state->no_index = strcmp(value, "off") == 0;
	else if (strcmp(name, "default_of") == 0)
	{
		CmigRlsDefault *was = palloc0(sizeof(CmigRlsDefault));

		was->column = value;
		state->defaults = lappend(state->defaults, was);
	}
	else if (strcmp(name, "was") == 0 && state->defaults != NIL)
		((CmigRlsDefault *) llast(state->defaults))->expression = value;
	else if (strcmp(name, "granted") == 0)
		state->granted = lappend(state->granted, value);
}

CmigRlsState *
cmig_rls_state_read(const char *comment)
{
	CmigRlsState *state;
	const char *p = comment ? strstr(comment, STATE_MARK) : NULL;

	if (p == NULL || p[strlen(STATE_MARK)] != ' ')
		return NULL;

	state = palloc0(sizeof(CmigRlsState));
	p += strlen(STATE_MARK);
	while (*p == ' ')
	{
		const char *equal = strchr(++p, '=');
		char	   *name;

		if (equal == NULL)
			break;
		name = pnstrdup(p, equal - p);
		p = equal + 1;
		read_member(state, name, read_word(&p));
	}
	return state;
}
