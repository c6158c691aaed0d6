/*
 * file.c
 *	  Where files and sections start.
 *
 * Recognizes the headers and markers of revision files, and the lines
 * "==> name <==" that awk and GNU tail print before each file.  The code that
 * reads files and the code that writes them both use this module, so that they
 * agree on what is a header or a marker.
 *
 * A marker is a comment such as "-- cmig:upgrade", which begins a section and
 * must be alone on its line.  "-- revision: id", the first line of a file, may
 * also follow other text on a line, which happens if files are concatenated
 * and one of them does not end with a newline.  In that case, it counts only
 * if the id is valid and nothing follows the id.
 *
 * Inside quotes and block comments, nothing is a marker.  But a line that
 * would begin a file there is rejected: if a file leaves a quote open, the
 * files after it are inside the quote, and must not become a part of it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "store/internal.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

const char *const cmig_marker_sections[CMIG_SECTION_COUNT] = {
	"header", "upgrade", "downgrade", "verify"
};

const CmigHeaderField cmig_header_fields[CMIG_KEY_COUNT] = {
	[CMIG_KEY_REVISION] = {"revision", CMIG_VALUE_ID, offsetof(CmigRevisionText, edges.id)},
	[CMIG_KEY_REPEATABLE] = {"repeatable", CMIG_VALUE_BOOL,
	offsetof(CmigRevisionText, edges.repeatable),.optional = true},
	[CMIG_KEY_DOWN_REVISION] = {"down_revision", CMIG_VALUE_NAMES,
		offsetof(CmigRevisionText, edges.parents),.is_unmistakable = true,
	.of_graph = "It runs after all other revisions. In depends_on, list the repeatable revisions that must run before it."},
	[CMIG_KEY_DEPENDS_ON] = {"depends_on", CMIG_VALUE_NAMES,
	offsetof(CmigRevisionText, edges.depends),.is_unmistakable = true},
	[CMIG_KEY_BRANCH_LABELS] = {"branch_labels", CMIG_VALUE_NAMES,
		offsetof(CmigRevisionText, edges.labels),.is_unmistakable = true,
	.of_graph = "Remove the line. A repeatable revision does not belong to a branch."},
	[CMIG_KEY_REPLACES] = {"replaces", CMIG_VALUE_NAMES,
		offsetof(CmigRevisionText, edges.replaces),.is_unmistakable = true,
	.optional = true,.of_graph = "Remove the line."},
	[CMIG_KEY_PRECONDITION] = {"precondition", CMIG_VALUE_LINE,
	offsetof(CmigRevisionText, precondition_sql),.optional = true},
	[CMIG_KEY_PLACEHOLDERS] = {"placeholders", CMIG_VALUE_PLACEHOLDERS,
	offsetof(CmigRevisionText, placeholders),.optional = true},
	[CMIG_KEY_MESSAGE] = {"message", CMIG_VALUE_LINE, offsetof(CmigRevisionText, edges.message)},
	[CMIG_KEY_TRANSACTIONAL] = {"transactional", CMIG_VALUE_BOOL,
	offsetof(CmigRevisionText, edges.transactional),.is_unmistakable = true},
	[CMIG_KEY_EXPAND] = {"expand", CMIG_VALUE_EXPAND,
	offsetof(CmigRevisionText, expand),.optional = true},
	[CMIG_KEY_CREATE_DATE] = {"create_date", CMIG_VALUE_DATE,
		offsetof(CmigRevisionText, edges.created_at),.is_unmistakable = true,
	.optional = true}
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

char **
cmig_section_of(CmigRevisionText *revision, CmigSection section)
{
	return section == CMIG_SECTION_UPGRADE ? &revision->upgrade_sql :
		section == CMIG_SECTION_DOWNGRADE ? &revision->downgrade_sql : &revision->verify_sql;
}

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

/* Is the comment preceded only by white space on its line? */
static bool
marker_is_alone(const CmigLexer *lexer)
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

/* Is the text from "start" to "end" a valid id, surrounded by white space? */
static bool
is_id(const char *start, const char *end)
{
	char	   *id = cmig_marker_trimmed(start, end);
	bool		result = cmig_graph_check_name(id) == NULL;

	pfree(id);
	return result;
}

/*
 * Returns the position in the comment where a file starts without a line break
 * before it, as in "SELECT 1;-- revision: 002" or "-- end-- revision: 002".
 * If there are several such positions, returns the last one.  If there is
 * none, returns "end".
 */
static const char *
find_glued(const CmigLexer *lexer, const char *end)
{
	int			length = strlen(CMIG_FILE_START);

	for (const char *p = end - length; p >= lexer->start; p--)
	{
		if (*p == '-' && strncmp(p, CMIG_FILE_START, length) == 0 &&
			(p > lexer->start || !marker_is_alone(lexer)))
			return is_id(p + length, end) ? p : end;
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
	for (prefix_end = word; prefix_end > start &&
		 strchr(" \t:_-.=", prefix_end[-1]) != NULL; prefix_end--)
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
	return result && marker_is_alone(lexer);
}

/*
 * Is the comment in the section "within" a section marker, or apparently meant to be one?  If so,
 * returns CMIG_MARK_SECTION, or CMIG_MARK_MISPLACED if the marker has no effect
 * because other text precedes it on its line, and sets *section to the section
 * that the marker starts, or to -1 if the marker is not correct.
 */
static CmigMark
find_section(const CmigLexer *lexer, const char *end, CmigSection within, int *section)
{
	char	   *word;
	bool		alone = marker_is_alone(lexer);
	bool		exact;
	bool		ignored;
	bool		up;

	*section = -1;
	if (!begins_marker(lexer, end, &word))
		return alone && resembles_marker(lexer, end) ? CMIG_MARK_SECTION : CMIG_MARK_NONE;

	/*
	 * "ignore" and "replay skip" do not begin a section but affect the next
	 * statement; what is wrong in "up" and "down" is reported later
	 */
	if (within == CMIG_SECTION_UPGRADE && cmig_expand_match(lexer, &up) != NULL)
		return CMIG_MARK_NONE;
	ignored = alone && (strncmp(word, "ignore", 6) == 0 || cmig_marker_is_replay_skip(lexer, end));
	exact = memcmp(lexer->start + 2 + strspn(lexer->start + 2, " \t"), "cmig:", 5) == 0;
	for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
		if (alone ? exact && strcmp(word, cmig_marker_sections[i]) == 0 :
			pg_strcasecmp(word, cmig_marker_sections[i]) == 0)
			*section = i;
	pfree(word);
	if (alone)
		return ignored ? CMIG_MARK_NONE : CMIG_MARK_SECTION;
	return *section >= 0 ? CMIG_MARK_MISPLACED : CMIG_MARK_NONE;
}

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

bool
cmig_marker_parse_date(const char *p, TimestampTz *result)
{
	int			century,
				year,
				month,
				day,
				hour = 0,
				minute = 0,
				second = 0,
				fraction = 0,
				sign = 1,
				zone_hour = 0,
				zone_minute = 0;

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
		if (!read_two(&p, &hour) || *p++ != ':' || !read_two(&p, &minute))
			return false;
		if (*p == ':')
		{
			p++;
			if (!read_two(&p, &second))
				return false;
			if (*p == '.')
				for (int unit = 100000; *++p >= '0' && *p <= '9'; unit /= 10)
					fraction += (*p - '0') * unit;
		}
	}

	while (*p == ' ')
		p++;
	if (*p == '+' || *p == '-')
	{
		sign = *p++ == '-' ? -1 : 1;
		if (!read_two(&p, &zone_hour))
			return false;
		if (*p == ':')
			p++;
		if (*p && !read_two(&p, &zone_minute))
			return false;
	}
	else if (strcmp(p, "Z") == 0 || strcmp(p, "UTC") == 0)
		p += strlen(p);
	if (*p != '\0' || hour > 23 || minute > 59 || second > 59 || zone_hour > 15 || zone_minute > 59)
		return false;

	*result = (int64) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
		((int64) hour * 60 + minute - sign * (zone_hour * 60 + zone_minute)) * USECS_PER_MINUTE +
		second * USECS_PER_SEC + fraction;
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

#define NAME_LINE_START "==> "
#define NAME_LINE_END " <=="

/* Is there a "==> name <==" line at p?  White space and a CR may follow it. */
static bool
match_line(const char *p, CmigFileStart *start)
{
	const char *end;

	if (strncmp(p, NAME_LINE_START, strlen(NAME_LINE_START)) != 0)
		return false;
	start->name = p + strlen(NAME_LINE_START);
	start->end = end = start->name + strcspn(start->name, "\n");
	while (end > start->name && cmig_marker_is_blank(end[-1]))
		end--;
	end -= strlen(NAME_LINE_END);
	start->name_end = end;
	return end > start->name &&
		strncmp(end, NAME_LINE_END, strlen(NAME_LINE_END)) == 0;
}

/* Does a "==> name <==" line begin at the current token? */
static bool
is_name_line(const CmigLexer *lexer, CmigFileStart *start)
{
	const char *before;

	if (lexer->type != CMIG_TOKEN_OPERATOR || lexer->next - lexer->start != 3 ||
		!match_line(lexer->start, start))
		return false;
	before = cmig_marker_skip_bom_back(lexer->text, lexer->start);
	return before == lexer->text || before[-1] == '\n';
}

bool
cmig_marker_begins_quoted(const char *p)
{
	int			length = strlen(CMIG_FILE_START);
	CmigFileStart start;

	/* the line may extend beyond the token: a name can contain a quote */
	return *p == '=' ? p[-1] == '\n' && match_line(p, &start) :
		*p == '-' && p[-1] != ' ' && p[-1] != '\t' && strncmp(p, CMIG_FILE_START, length) == 0 &&
		is_id(p + length, p + strcspn(p, "\n"));
}

/*
 * If the current token is a quote or block comment that contains a line that
 * would begin a file or revision outside of it, returns that line; otherwise,
 * returns NULL.
 */
static const char *
find_quoted(const CmigLexer *lexer)
{
	/*
	 * return early for most tokens, which are on one line; only strings,
	 * quoted identifiers, dollar quotes, and block comments can span lines
	 */
	if (lexer->next_line == lexer->line ||
		(lexer->type != CMIG_TOKEN_STRING && lexer->type != CMIG_TOKEN_QUOTED &&
		 lexer->type != CMIG_TOKEN_DOLLAR && lexer->type != CMIG_TOKEN_BLOCK_COMMENT))
		return NULL;
	for (const char *p = lexer->start + 1; p < lexer->next; p++)
		if (cmig_marker_begins_quoted(p))
			return p;
	return NULL;
}

const char *
cmig_file_start_skip_back(const char *text, const char *p)
{
	for (;;)
	{
		const char *before = cmig_marker_skip_bom_back(text, p);

		while (before > text && cmig_marker_is_blank(before[-1]))
			before--;
		if (before == p)
			return p;
		p = before;
	}
}

/*
 * Does the token contain a byte order mark that is not followed by the first
 * line of a file?
 */
static bool
has_bom(const CmigLexer *lexer)
{
	const char *p = lexer->start;
	CmigFileStart start;

	if (lexer->type != CMIG_TOKEN_WORD && lexer->type != CMIG_TOKEN_NUMBER)
		return false;
	while (p < lexer->next && strncmp(p, BYTE_ORDER_MARK, 3) != 0)
		p++;
	if (p == lexer->next)
		return false;
	/* skip byte order marks and white space at the start of a file */
	while (*p && (cmig_marker_is_blank(*p) || strncmp(p, BYTE_ORDER_MARK, 3) == 0))
		p += cmig_marker_is_blank(*p) ? 1 : 3;
	return strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) != 0 &&
		!match_line(p, &start);
}

/*
 * Is a comment in a section a header line, or a misspelled "-- revision: id"
 * line?
 */
static bool
is_header_line(const CmigLexer *lexer, const char *end)
{
	const char *revision = cmig_header_fields[CMIG_KEY_REVISION].key;
	const char *value;
	const char *value_end;
	const char *colon;
	char	   *word;
	bool		result;

	if (!marker_is_alone(lexer))
		return false;

	/* the other keys can also begin ordinary comments */
	for (int i = 0; i < CMIG_KEY_COUNT; i++)
		if (cmig_header_fields[i].is_unmistakable &&
			cmig_marker_match(lexer->start, end, cmig_header_fields[i].key, &value, &value_end))
			return true;

	colon = memchr(lexer->start, ':', end - lexer->start);
	if (colon == NULL || colon - lexer->start > 20)
		return false;
	word = cmig_marker_trimmed(lexer->start + 2, colon);
	for (char *p = word; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	result = strcmp(word, "revisions") != 0 && *word != '\0' &&
		(strcmp(word, "revision id") == 0 || strcmp(word, "revises") == 0 ||
		 varstr_levenshtein_less_equal(word, strlen(word), revision, strlen(revision),
									   1, 1, 1, 1, true) <= 1);
	pfree(word);
	return result && is_id(colon + 1, end);
}

/* "seed.sql", "File: seed.sql", or "seeds/seed.sql: demo data" */
static bool
resembles_file_name(const char *text)
{
	static const char *const labels[] = {"file:", "filename:", "file name:"};
	bool		labelled = false;
	bool		colon;
	int			length;

	for (int i = 0; i < lengthof(labels); i++)
	{
		if (pg_strncasecmp(text, labels[i], strlen(labels[i])) == 0)
		{
			text += strlen(labels[i]);
			text += strspn(text, " \t");
			labelled = true;
			break;
		}
	}
	length = strcspn(text, " \t\r\n:,;");
	if (length <= 4 || pg_strncasecmp(text + length - 4, ".sql", 4) != 0)
		return false;

	/*
	 * accept "seeds/seed.sql: demo data", but not a sentence that begins with
	 * the name of a file
	 */
	colon = text[length] == ':';
	return labelled || colon || text[length] == '\0' || memchr(text, '/', length) != NULL;
}

/*
 * Returns a sentence that says why the current token, which ends at "end" if
 * it is a comment, seems to begin another file, or NULL if it does not seem to.
 * after_statement is true if SQL precedes the token in its section.
 */
static const char *
find_other(const CmigLexer *lexer, const char *end, CmigSection section,
		   bool after_statement)
{
	static const char *const other_tools[] = {
		"+goose ", "+migrate ", "migrate:", "liquibase formatted ", "changeset ",
		"PostgreSQL database dump", "Running upgrade "
	};
	const char *value;
	const char *value_end;
	char	   *text;

	/*
	 * ignore all comments in an upgrade section, because its author may have
	 * copied them from elsewhere
	 */
	if (section == CMIG_SECTION_UPGRADE || !after_statement || !marker_is_alone(lexer))
		return NULL;
	if (strncmp(lexer->start, "\\restrict ", 10) == 0)
		return "The output of pg_dump begins with this command.";
	if (lexer->type == CMIG_TOKEN_BLOCK_COMMENT)
		end -= 2;
	else if (lexer->type != CMIG_TOKEN_LINE_COMMENT)
		return NULL;
	text = cmig_marker_trimmed(lexer->start + 2, end);
	if (resembles_file_name(text))
		return "The comment is the name of a file.";
	if (lexer->type == CMIG_TOKEN_LINE_COMMENT &&
		cmig_marker_match(lexer->start, end, "message", &value, &value_end))
		return "The comment is a header line.";
	for (int i = 0; i < lengthof(other_tools); i++)
		if (pg_strncasecmp(text, other_tools[i], strlen(other_tools[i])) == 0)
			return "Files of other tools begin with a comment like this.";
	pfree(text);
	return NULL;
}

CmigMark
cmig_marker_find(const CmigLexer *lexer, const char *end, CmigSection section,
				 bool after_statement, CmigMarked *marked)
{
	bool		comment = lexer->type == CMIG_TOKEN_LINE_COMMENT;
	const char *value;
	const char *value_end;
	CmigMark	mark;

	if (comment)
	{
		marked->at = find_glued(lexer, end);
		if (marked->at < end)
			return CMIG_MARK_GLUED;
		if (cmig_marker_match(lexer->start, end, "revision", &value, &value_end) &&
			marker_is_alone(lexer))
			return CMIG_MARK_REVISION;
		mark = find_section(lexer, end, section, &marked->section);
		if (mark != CMIG_MARK_NONE)
			return mark;
		if (section != CMIG_SECTION_HEADER && is_header_line(lexer, end))
			return CMIG_MARK_HEADER_LINE;
	}
	else
	{
		if (is_name_line(lexer, &marked->file))
			return CMIG_MARK_FILE;
		marked->reason = "It contains a byte order mark, which usually begins a file.";
		if (has_bom(lexer))
			return CMIG_MARK_BOM;
	}
	if (section == CMIG_SECTION_HEADER)
		return CMIG_MARK_NONE;
	marked->reason = find_other(lexer, end, section, after_statement);
	if (marked->reason != NULL)
		return CMIG_MARK_OTHER;
	marked->at = find_quoted(lexer);
	return marked->at != NULL ? CMIG_MARK_QUOTED : CMIG_MARK_NONE;
}
