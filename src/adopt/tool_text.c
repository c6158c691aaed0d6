/*
 * tool_text.c
 *	  Reads lines, names, and versions in other tools' files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "adopt/tool_text.h"
#include "format/marker.h"
#include "graph/graph.h"

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
