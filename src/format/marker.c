/*
 * marker.c
 *	  Recognizes the headers and markers of revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "format/marker.h"
#include "graph/graph.h"

#include "lib/stringinfo.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

const char *const cmig_marker_sections[CMIG_SECTION_COUNT] = {
	"header", "upgrade", "downgrade", "verify"
};

const char *const cmig_marker_keys[CMIG_KEY_COUNT] = {
	"revision", "repeatable", "down_revision", "depends_on", "branch_labels", "replaces",
	"precondition", "placeholders", "message",
	"transactional", "create_date"
};

bool
cmig_marker_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

char *
cmig_marker_trimmed(const char *start, const char *end)
{
	while (start < end && cmig_marker_is_blank(*start))
		start++;
	while (end > start && cmig_marker_is_blank(end[-1]))
		end--;
	return pnstrdup(start, end - start);
}

/* Headers and markers */

bool
cmig_marker_match(const char *start, const char *end, const char *word,
				  const char **value, const char **value_end)
{
	const char *p = start + 2;
	size_t		length = strlen(word);

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p <= length || strncmp(p, word, length) != 0)
		return false;
	p += length;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p != ':')
		return false;
	p++;
	while (p < end && cmig_marker_is_blank(*p))
		p++;
	while (end > p && cmig_marker_is_blank(end[-1]))
		end--;
	*value = p;
	*value_end = end;
	return true;
}

const char *
cmig_marker_skip_bom_back(const char *text, const char *p)
{
	while (p - text >= 3 && memcmp(p - 3, BYTE_ORDER_MARK, 3) == 0)
		p -= 3;
	return p;
}

bool
cmig_marker_is_alone(const CmigLexer *lexer)
{
	const char *p = lexer->start;

	for (;;)
	{
		p = cmig_marker_skip_bom_back(lexer->text, p);
		if (p == lexer->text || p[-1] == '\n' || p[-1] == '\r')
			return true;
		if (p[-1] != ' ' && p[-1] != '\t')
			return false;
		p--;
	}
}

bool
cmig_marker_is_file_start(const CmigLexer *lexer, const char *end)
{
	const char *value;

	return cmig_marker_match(lexer->start, end, "revision", &value, &end) &&
		cmig_marker_is_alone(lexer);
}

const char *
cmig_marker_find_glued(const CmigLexer *lexer, const char *end)
{
	int			length = strlen(CMIG_FILE_START);

	for (int i = end - lexer->start - length; i >= 0; i--)
	{
		const char *p = lexer->start + i;
		char	   *id;
		bool		legal;

		if (*p != '-' || strncmp(p, CMIG_FILE_START, length) != 0 ||
			(i == 0 && cmig_marker_is_alone(lexer)))
			continue;
		id = cmig_marker_trimmed(p + length, end);
		legal = cmig_graph_check_name(id) == NULL;
		pfree(id);
		if (legal)
			return p;
		break;
	}
	return end;
}

/*
 * Does the comment, which ends at "end", begin with "cmig:", ignoring case?
 * If so, *word is set to a palloc'd copy of the text after the colon.
 */
static bool
begins_marker(const CmigLexer *lexer, const char *end, char **word)
{
	const char *p = lexer->start + 2;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p < 5 || pg_strncasecmp(p, "cmig:", 5) != 0)
		return false;
	*word = cmig_marker_trimmed(p + 5, end);
	return true;
}

/*
 * Returns true if the comment, which ends at "end", looks like a mistyped
 * marker.  The comment must end with the name of a section.  Before the name,
 * it must contain either only "cmig" or "pg_cmig" and any separator, or only a
 * word similar to "cmig" and a colon.
 */
static bool
resembles_marker(const CmigLexer *lexer, const char *end)
{
	const char *start = lexer->start + 2;
	const char *word;
	const char *prefix_end;
	bool		colon = false;
	bool		named = false;
	int			length;

	while (start < end && cmig_marker_is_blank(*start))
		start++;
	while (end > start && cmig_marker_is_blank(end[-1]))
		end--;
	for (word = end; word > start && isalpha((unsigned char) word[-1]); word--)
		;
	for (prefix_end = word; prefix_end > start && strchr(" \t:_-.=", prefix_end[-1]) != NULL; prefix_end--)
		colon |= prefix_end[-1] == ':';
	length = prefix_end - start;
	if (prefix_end == word || length < 3 || length > 7)
		return false;
	for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
		named |= end - word == strlen(cmig_marker_sections[i]) &&
			pg_strncasecmp(word, cmig_marker_sections[i], end - word) == 0;
	if (!named)
		return false;
	if ((length == 4 && pg_strncasecmp(start, "cmig", 4) == 0) ||
		(length == 7 && pg_strncasecmp(start, "pg_cmig", 7) == 0))
		return true;
	return colon &&
		((length == 4 && strspn(start, "cmigCMIG") >= 4) ||
		 varstr_levenshtein_less_equal(start, length, "cmig", 4, 1, 1, 1, 1, true) <= 1);
}

bool
cmig_marker_is_replay_skip(const CmigLexer *lexer, const char *end)
{
	char	   *word;
	bool		result;

	if (!begins_marker(lexer, end, &word))
		return false;
	result = strncmp(word, "replay", 6) == 0 && cmig_marker_is_blank(word[6]) &&
		strcmp(word + 6 + strspn(word + 6, " \t"), "skip") == 0;
	pfree(word);
	return result && cmig_marker_is_alone(lexer);
}

bool
cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section)
{
	char	   *word;
	bool		ignore;

	*section = -1;
	if (!begins_marker(lexer, end, &word))
		return resembles_marker(lexer, end) && cmig_marker_is_alone(lexer);
	if (!cmig_marker_is_alone(lexer))
	{
		pfree(word);
		return false;
	}

	/*
	 * return false for "ignore" and "replay skip", which do not begin a
	 * section but affect the next statement
	 */
	ignore = strncmp(word, "ignore", 6) == 0 || cmig_marker_is_replay_skip(lexer, end);
	if (memcmp(lexer->start + 2 + strspn(lexer->start + 2, " \t"), "cmig:", 5) == 0)
	{
		for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
			if (strcmp(word, cmig_marker_sections[i]) == 0)
				*section = i;
	}
	pfree(word);
	return !ignore;
}

bool
cmig_marker_is_misplaced(const CmigLexer *lexer, const char *end, int *section)
{
	char	   *word;

	if (!begins_marker(lexer, end, &word))
		return false;
	*section = -1;
	for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
		if (pg_strcasecmp(word, cmig_marker_sections[i]) == 0)
			*section = i;
	pfree(word);
	return *section >= 0 && !cmig_marker_is_alone(lexer);
}

const char *
cmig_marker_suggest(const char *word, const char *const *words, int count)
{
	const char *nearest = NULL;
	int			best = 4;
	int			length = strlen(word);
	char	   *lower;

	if (length == 0 || length > 40)
		return NULL;
	lower = pnstrdup(word, length);
	for (char *p = lower; *p; p++)
		*p = *p == ' ' || *p == '-' ? '_' : pg_ascii_tolower((unsigned char) *p);
	if (strcmp(lower, "revises") == 0)
		return cmig_marker_keys[CMIG_KEY_DOWN_REVISION];

	for (int i = 0; i < count; i++)
	{
		int			distance = varstr_levenshtein_less_equal(lower, length,
															 words[i], strlen(words[i]),
															 1, 1, 1, best, true);

		if (distance < best)
		{
			best = distance;
			nearest = words[i];
		}
	}
	pfree(lower);
	return nearest;
}

/*
 * Dates
 */

/* Read two digits, and move *p past them. */
static bool
read_two(const char **p, int *number)
{
	if ((*p)[0] < '0' || (*p)[0] > '9' || (*p)[1] < '0' || (*p)[1] > '9')
		return false;
	*number = ((*p)[0] - '0') * 10 + (*p)[1] - '0';
	*p += 2;
	return true;
}

/* Read a time of day in microseconds, and move *p past it. */
static bool
read_time(const char **p, int64 *time)
{
	int			hour,
				minute,
				second = 0;
	int			fraction = 0;

	if (!read_two(p, &hour) || *(*p)++ != ':' || !read_two(p, &minute))
		return false;
	if (**p == ':')
	{
		(*p)++;
		if (!read_two(p, &second))
			return false;
		if (**p == '.')
		{
			(*p)++;
			for (int unit = 100000; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
				fraction += (**p - '0') * unit;
		}
	}
	*time = ((int64) hour * 60 + minute) * USECS_PER_MINUTE + second * USECS_PER_SEC + fraction;
	return hour <= 23 && minute <= 59 && second <= 59;
}

/* Read a time zone at the end of the text, as an offset in minutes. */
static bool
read_zone(const char *p, int *offset)
{
	int			sign,
				hour,
				minute = 0;

	*offset = 0;
	while (*p == ' ')
		p++;
	if (*p != '+' && *p != '-')
		return *p == '\0' || strcmp(p, "Z") == 0 || strcmp(p, "UTC") == 0;
	sign = *p++ == '-' ? -1 : 1;
	if (!read_two(&p, &hour))
		return false;
	if (*p == ':')
		p++;
	if (*p && !read_two(&p, &minute))
		return false;
	*offset = sign * (hour * 60 + minute);
	return *p == '\0' && hour <= 15 && minute <= 59;
}

bool
cmig_marker_parse_date(const char *p, TimestampTz *result)
{
	int			century,
				year,
				month,
				day;
	int64		time = 0;
	int			offset;

	if (!read_two(&p, &century) || !read_two(&p, &year) || *p++ != '-' ||
		!read_two(&p, &month) || *p++ != '-' || !read_two(&p, &day))
		return false;
	year += century * 100;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;

	if ((*p == ' ' || *p == 'T') && p[1] >= '0' && p[1] <= '9')
	{
		p++;
		if (!read_time(&p, &time))
			return false;
	}
	if (!read_zone(p, &offset))
		return false;
	*result = (int64) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
		time - offset * USECS_PER_MINUTE;
	return true;
}

char *
cmig_marker_format_date(TimestampTz timestamp)
{
	struct pg_tm tm;
	fsec_t		fraction;
	StringInfoData result;

	if (TIMESTAMP_NOT_FINITE(timestamp) ||
		timestamp2tm(timestamp, NULL, &tm, &fraction, NULL, NULL) != 0 ||
		tm.tm_year < 1 || tm.tm_year > 9999)
		return NULL;
	initStringInfo(&result);
	appendStringInfo(&result, "%04d-%02d-%02d %02d:%02d:%02d",
					 tm.tm_year, tm.tm_mon, tm.tm_mday,
					 tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fraction != 0)
		appendStringInfo(&result, ".%06d", (int) fraction);
	appendStringInfoString(&result, "+00");
	return result.data;
}
