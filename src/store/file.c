/*
 * file.c
 *	  Where files and sections start.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "graph/graph.h"
#include "parse/parse.h"
#include "store/internal.h"

/* ----------------------------------------------------------------
 * Recognizes the headers and markers of revision files.
 *
 * A marker is a comment such as "-- cmig:upgrade", which begins a section.
 * The code that reads files and the code that writes them both use this
 * module, so that they agree on what is a header or a marker.
 *
 * A marker must be alone on its line.  "-- revision: id", the first line of a
 * file, may also follow other text on a line, which happens if files are
 * concatenated and one of them does not end with a newline.  In that case, it
 * counts only if the id is valid and nothing follows the id.
 * ----------------------------------------------------------------
 */

#define MARKER_BYTE_ORDER_MARK "\xEF\xBB\xBF"

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
	while (p - text >= 3 && memcmp(p - 3, MARKER_BYTE_ORDER_MARK, 3) == 0)
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

bool
cmig_marker_is_file_start(const CmigLexer *lexer, const char *end)
{
	const char *value;

	return cmig_marker_match(lexer->start, end, "revision", &value, &end) &&
		marker_is_alone(lexer);
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
			(i == 0 && marker_is_alone(lexer)))
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
	return result && marker_is_alone(lexer);
}

bool
cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section)
{
	char	   *word;
	bool		ignore;

	*section = -1;
	if (!begins_marker(lexer, end, &word))
		return resembles_marker(lexer, end) && marker_is_alone(lexer);
	if (!marker_is_alone(lexer))
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
	return *section >= 0 && !marker_is_alone(lexer);
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

/* ----------------------------------------------------------------
 * Finds where files begin in input that contains several files.
 *
 * awk and GNU tail print a line "==> name <==" before each file.  Inside
 * quotes and comments, such a line is usually ordinary text.  However, if a
 * file contains an unclosed quote, the "==> name <==" lines of the files after
 * it are inside quotes, too.  In that case, the statement that contains the
 * quote usually has a syntax error, or the name in the line is the one that is
 * expected next.  For a comment, it also matters whether the text that closes
 * the comment belongs to a later file.
 * ----------------------------------------------------------------
 */

#define FILE_START_BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define NAME_LINE_START "==> "
#define NAME_LINE_END " <=="

/*
 * The line "==> name <=="
 */

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

bool
cmig_file_start_match(const CmigLexer *lexer, CmigFileStart *start)
{
	const char *before;

	if (lexer->type != CMIG_TOKEN_OPERATOR || lexer->next - lexer->start != 3 ||
		!match_line(lexer->start, start))
		return false;
	before = cmig_marker_skip_bom_back(lexer->text, lexer->start);
	return before == lexer->text || before[-1] == '\n';
}

/* Skip byte order marks and white space at the start of a file. */
static const char *
skip_to_text(const char *p)
{
	while (*p && (cmig_marker_is_blank(*p) || strncmp(p, FILE_START_BYTE_ORDER_MARK, 3) == 0))
		p += cmig_marker_is_blank(*p) ? 1 : 3;
	return p;
}

/* Lines in quotes that look like the first line of a file */

/*
 * Returns the first line that starts between p and "end" and looks like the
 * first line of a file, or NULL if there is none.  The line may extend beyond
 * "end", because a file name can contain a quote.
 */
static const char *
find_quoted_line(const char *p, const char *end)
{
	CmigFileStart start;

	while ((p = memchr(p, '\n', end - p)) != NULL)
	{
		p++;
		if (p < end &&
			(strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) == 0 ||
			 match_line(p, &start)))
			return p;
	}
	return NULL;
}

/* Can the character be part of a word? */
static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || IS_HIGHBIT_SET(c);
}

const CmigQuotedStart *
cmig_file_start_find_open(const List *quoted, const char *section, const char *end)
{
	const CmigQuotedStart *glued = NULL;
	List	   *checked = NIL;
	int		   *offsets;
	int			first;
	ListCell   *lc;

	offsets = palloc(sizeof(int) * (list_length(quoted) + 1));
	foreach(lc, quoted)
	{
		CmigQuotedStart *start = lfirst(lc);

		if (start->section != section)
			continue;

		/*
		 * report a quote that is directly followed by a word, as in 'a'b:
		 * this is valid SQL, but probably not intended
		 */
		if (start->glued)
		{
			glued = start;
			break;
		}
		offsets[list_length(checked)] = start->token - section;
		checked = lappend(checked, start);
	}
	if (checked == NIL)
		return glued;
	first = cmig_text_find_unparsed(end ? pnstrdup(section, end - section) : section,
									offsets, list_length(checked));
	return first < 0 ? glued : list_nth(checked, first);
}

/*
 * Does a file begin at the line at p?  If "named" is true, the line must be a
 * "==> name <==" line that is followed by the first line of a header;
 * otherwise, it must be the first line of a header.
 */
static bool
begins_file(const char *p, bool named)
{
	CmigFileStart start;

	if (named)
	{
		if (!match_line(p, &start))
			return false;
		p = skip_to_text(start.end);
	}
	return strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) == 0;
}

/*
 * The state of file_start_find_hiding(), which searches for the unclosed
 * quote that causes an error.
 */
typedef struct Search
{
	bool		named;
	const char *fault;			/* the error's position, or NULL */
	bool		must_close;		/* must the text end outside of quotes? */
	int			most;			/* the most files that any attempt has found */
	int			tries;			/* number of attempts left; each takes a pass
								 * over the text */
} Search;

/*
 * Returns the number of files that begin at or after p, assuming that no quote
 * is open at p.  Sets *closed to true if the text ends outside of quotes, and
 * *faulty to true if the error at search->fault would still occur.
 */
static int
file_start_count_files(const Search *search, const char *p, bool *closed, bool *faulty)
{
	CmigLexer	lexer;
	CmigFileStart start;
	int			count = 0;

	*faulty = false;
	cmig_lexer_init(&lexer, p);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END && !lexer.unterminated)
	{
		if (cmig_file_start_match(&lexer, &start))
		{
			bool		begins = begins_file(lexer.start, true);

			count += search->named && begins;
			*faulty |= !begins && start.end == search->fault;
			cmig_lexer_move(&lexer, start.end, lexer.line);
		}
		else if (!search->named && lexer.type == CMIG_TOKEN_LINE_COMMENT)
			count += cmig_marker_is_file_start(&lexer, lexer.next);
	}
	*closed = lexer.type == CMIG_TOKEN_END;
	*faulty |= !*closed && lexer.start == search->fault;
	return count;
}

/*
 * Assume that the token from "token" to token_end really ends where a file
 * begins inside it, and count the files that the input would then contain.
 * "before" is the number of files that begin before the token.  If there are
 * more files than in any attempt so far, and the error would not occur,
 * updates search->most and returns true.
 */
static bool
raises_most(Search *search, const char *token, const char *token_end, int before)
{
	const char *line = token;
	bool		raised = false;

	while (search->tries > 0 && (line = find_quoted_line(line, token_end)) != NULL)
	{
		bool		closed;
		bool		faulty;
		int			count;

		if (!begins_file(line, search->named))
			continue;
		count = before + file_start_count_files(search, line, &closed, &faulty);
		search->tries--;
		if (count > search->most && !faulty && (closed || !search->must_close))
		{
			search->most = count;
			raised = true;
		}
	}
	return raised;
}

/*
 * After an error at the lexer's current token, returns the CmigQuotedStart in
 * the list that is most likely an unclosed quote.  For each element of the
 * list, this function assumes that the quote ends where the next file begins,
 * and counts the files that the input would then contain.  Returns the one
 * with the highest count.  Returns NULL if no count is higher than for the
 * input as it was read, if the error would remain, or if the quote is the
 * token at the error.
 *
 * "files" is the number of files that begin before the error.  A file begins
 * with the header of a revision or, if "named" is true, with a "==> name <=="
 * line above the header.  If the error is that a file has no header, "fault"
 * is the end of that file's "==> name <==" line; otherwise "fault" is NULL.
 */
static const CmigQuotedStart *
file_start_find_hiding(const List *quoted, const CmigLexer *lexer, const char *fault,
					   int files, bool named)
{
	const CmigQuotedStart *result = NULL;
	Search		search = {0};
	ListCell   *lc;

	if (quoted == NIL)
		return NULL;
	search.named = named;
	search.tries = 64;
	search.most = files;
	if (lexer->unterminated)
	{
		search.fault = lexer->start;
		raises_most(&search, lexer->start, lexer->next, files);
	}
	else
	{
		bool		faulty;

		search.most += file_start_count_files(&search, lexer->next, &search.must_close, &faulty);
		search.fault = fault;
	}
	foreach(lc, quoted)
	{
		const CmigQuotedStart *start = lfirst(lc);

		if (raises_most(&search, start->token, start->token_end, start->files))
			result = start;
	}
	return result;
}

/*
 * Files in quotes and comments
 */

/* Returns the length of a file's folder, including the last slash. */
static int
folder_length(const CmigFileStart *file)
{
	int			length = file->name_end - file->name;

	while (length > 0 && file->name[length - 1] != '/')
		length--;
	return length;
}

/*
 * Are the two files in the same folder, and would a shell list "file" before
 * "next"?
 */
static bool
is_ordered(const CmigFileStart *file, const CmigFileStart *next)
{
	int			folder = folder_length(file);
	int			length = file->name_end - file->name;
	int			next_length = next->name_end - next->name;
	int			order;

	if (folder != folder_length(next))
		return false;
	order = strncmp(file->name, next->name, Min(length, next_length));
	return strncmp(file->name, next->name, folder) == 0 &&
		(order < 0 || (order == 0 && length < next_length));
}

/* How certain it is that a file begins in a quote or comment. */
typedef enum Certainty
{
	NO_FILE,
	PERHAPS_FILE,				/* a file begins only if the statement that
								 * contains the token does not parse */
	CERTAIN_FILE
} Certainty;

/*
 * Decide whether a file really begins at p, the start of a line in a token
 * that ends at token_end.  If so, the file that contains the beginning of the
 * token does not close it, and something in the file at p closes it.  "before"
 * is the file that contains the token, or NULL if that file has no name.
 *
 * Returns NO_FILE unless a section marker comes between p and token_end and
 * the file at p ends outside of quotes.  Returns CERTAIN_FILE if the name of
 * the file at p comes between the names of the files before and after it, or
 * if a line comment in the file at p closes the token.  Returns PERHAPS_FILE
 * if a string or another token in the file at p closes the token.
 */
static Certainty
judge_file(const char *p, const char *token_end, const CmigFileStart *before)
{
	CmigLexer	lexer;
	CmigFileStart start;
	CmigFileStart next;
	bool		named = match_line(p, &start);
	bool		has_marker = false;
	bool		expected = named && before != NULL && is_ordered(before, &start);
	bool		clear = true;
	Certainty	certainty = NO_FILE;
	int			section;

	cmig_lexer_init(&lexer, named ? start.end : p);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		bool		after = lexer.start >= token_end;

		if (lexer.unterminated || (after && !has_marker))
			return NO_FILE;
		if (!after && lexer.next >= token_end && lexer.type != CMIG_TOKEN_OPERATOR)
			certainty = lexer.type == CMIG_TOKEN_LINE_COMMENT ? CERTAIN_FILE : PERHAPS_FILE;
		if (cmig_file_start_match(&lexer, &next))
		{
			if (after)
			{
				expected = expected && is_ordered(&start, &next);
				break;
			}
			cmig_lexer_move(&lexer, next.end, lexer.line);
		}
		else if (lexer.type == CMIG_TOKEN_LINE_COMMENT)
		{
			if (after && !named && cmig_marker_is_file_start(&lexer, lexer.next))
				break;
			has_marker |= cmig_marker_find_section(&lexer, lexer.next, &section) && section >= 0;
		}
		else if (lexer.next_line > lexer.line &&
				 find_quoted_line(lexer.start, lexer.next) != NULL)
			clear = false;
	}
	if (!has_marker)
		return NO_FILE;
	if (expected)
		return CERTAIN_FILE;
	return clear ? certainty : Min(certainty, PERHAPS_FILE);
}

/*
 * Returns the first line in the current token that begins a file, or NULL if
 * there is none.  A line that certainly begins a file takes precedence over
 * the first one.  Sets *certain to true if the returned line certainly begins
 * a file.
 */
static const char *
find_file(const CmigLexer *lexer, const CmigFileStart *before, bool *certain)
{
	bool		comment = lexer->type == CMIG_TOKEN_BLOCK_COMMENT;
	const char *line = lexer->start;
	const char *found = NULL;
	CmigFileStart start;

	*certain = false;
	/* limit the number of lines, because each takes a pass over the text */
	for (int tries = 8; tries > 0 && !*certain &&
		 (line = find_quoted_line(line, lexer->next)) != NULL;)
	{
		bool		named = match_line(line, &start);
		Certainty	certainty;

		/*
		 * For a quote, return at least the first line that looks like the
		 * start of a file.  cmig_file_start_find_open() then parses the
		 * statement to decide whether another file has closed the quote.
		 */
		if (found == NULL && !comment)
			found = line;
		if (!begins_file(line, named) || (!comment && (!named || before == NULL)))
			continue;
		certainty = judge_file(line, lexer->next, before);
		*certain = certainty == CERTAIN_FILE &&
			(comment || is_ordered(before, &start));
		if (*certain || (certainty == PERHAPS_FILE && found == NULL))
			found = line;
		tries--;
	}
	return found;
}

CmigQuotedStart *
cmig_file_start_find_quoted(const CmigLexer *lexer, const char *section, const char *name,
							bool *certain)
{
	CmigFileStart before;
	CmigQuotedStart *result;
	const char *line;

	/*
	 * return early for most tokens, which are on one line; only strings,
	 * quoted identifiers, dollar quotes, and block comments can span lines
	 */
	if (lexer->next_line == lexer->line ||
		(lexer->type != CMIG_TOKEN_STRING && lexer->type != CMIG_TOKEN_QUOTED &&
		 lexer->type != CMIG_TOKEN_DOLLAR && lexer->type != CMIG_TOKEN_BLOCK_COMMENT))
		return NULL;
	before.name = name;
	before.name_end = name ? name + strlen(name) : NULL;
	line = find_file(lexer, name ? &before : NULL, certain);
	if (line == NULL)
		return NULL;

	result = palloc0(sizeof(CmigQuotedStart));
	result->token = lexer->start;
	result->token_end = lexer->next;
	result->section = section;
	result->line = lexer->line;
	result->glued = lexer->type != CMIG_TOKEN_BLOCK_COMMENT && is_word_char(*lexer->next);
	result->type = cmig_lexer_type_name(lexer);
	result->start = cmig_marker_trimmed(line, line + strcspn(line, "\n"));
	return result;
}

/*
 * Text that seems to be the start of another file
 */

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

bool
cmig_file_start_has_bom(const CmigLexer *lexer)
{
	const char *p = lexer->start;
	CmigFileStart start;

	if (lexer->type != CMIG_TOKEN_WORD && lexer->type != CMIG_TOKEN_NUMBER)
		return false;
	while ((p = memchr(p, FILE_START_BYTE_ORDER_MARK[0], lexer->next - p)) != NULL)
	{
		if (strncmp(p, FILE_START_BYTE_ORDER_MARK, 3) == 0)
			break;
		p++;
	}
	if (p == NULL)
		return false;
	p = skip_to_text(p);
	return strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) != 0 &&
		!match_line(p, &start);
}

bool
cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end)
{
	static const CmigHeaderKey keys[] = {
		CMIG_KEY_DOWN_REVISION, CMIG_KEY_DEPENDS_ON, CMIG_KEY_BRANCH_LABELS, CMIG_KEY_REPLACES,
		CMIG_KEY_TRANSACTIONAL, CMIG_KEY_CREATE_DATE
	};
	const char *revision = cmig_marker_keys[CMIG_KEY_REVISION];
	const char *value;
	const char *value_end;
	const char *colon;
	char	   *word;
	bool		result;

	if (!marker_is_alone(lexer))
		return false;

	/*
	 * search only for these keys, because the others can also begin ordinary
	 * comments
	 */
	for (int i = 0; i < lengthof(keys); i++)
		if (cmig_marker_match(lexer->start, end, cmig_marker_keys[keys[i]], &value, &value_end))
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
	if (!result)
		return false;
	word = cmig_marker_trimmed(colon + 1, end);
	result = cmig_graph_check_name(word) == NULL;
	pfree(word);
	return result;
}

/*
 * Does the text look like a file name, as in "seed.sql", "File: seed.sql", or
 * "seeds/seed.sql: demo data"?
 */
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
 * Does the text of a comment begin like a comment of another migration tool?
 */
static bool
resembles_other_tool(const char *text)
{
	static const char *const first[] = {
		"+goose ", "+migrate ", "migrate:", "liquibase formatted ", "changeset ",
		"PostgreSQL database dump", "Running upgrade "
	};

	for (int i = 0; i < lengthof(first); i++)
		if (pg_strncasecmp(text, first[i], strlen(first[i])) == 0)
			return true;
	return false;
}

/*
 * Is the current token the command "\restrict <key>", which begins the output
 * of pg_dump?
 */
static bool
begins_dump(const CmigLexer *lexer)
{
	static const char command[] = "\\restrict ";

	return strncmp(lexer->start, command, strlen(command)) == 0;
}

const char *
cmig_file_start_find_other(const CmigLexer *lexer, const char *end, CmigSection section,
						   bool after_statement)
{
	const char *result = NULL;
	const char *value;
	const char *value_end;
	char	   *text;

	/*
	 * ignore all comments in an upgrade section, because its author may have
	 * copied them from elsewhere
	 */
	if (section == CMIG_SECTION_UPGRADE || !after_statement || !marker_is_alone(lexer))
		return NULL;
	if (begins_dump(lexer))
		return "The output of pg_dump begins with this command.";
	if (lexer->type == CMIG_TOKEN_BLOCK_COMMENT)
		end -= 2;
	else if (lexer->type != CMIG_TOKEN_LINE_COMMENT)
		return NULL;
	text = cmig_marker_trimmed(lexer->start + 2, end);
	if (resembles_file_name(text))
		result = "The comment is the name of a file.";
	else if (lexer->type == CMIG_TOKEN_LINE_COMMENT &&
			 cmig_marker_match(lexer->start, end, cmig_marker_keys[CMIG_KEY_MESSAGE], &value, &value_end))
		result = "The comment is a header line.";
	else if (resembles_other_tool(text))
		result = "Files of other tools begin with a comment like this.";
	pfree(text);
	return result;
}

/* ----------------------------------------------------------------
 * Keeps track of positions and unclosed quotes in revision files.
 *
 * An unclosed quote in one file can hide the beginnings of the files after it.
 * The parser then notices a problem only in a later file, but the error must
 * name the quote.
 * ----------------------------------------------------------------
 */

int
cmig_file_reader_line(const CmigFileReader *reader, int line)
{
	return line - reader->lines_before;
}

char *
cmig_file_reader_place(const CmigFileReader *reader, int line)
{
	StringInfoData result;

	initStringInfo(&result);
	if (reader->file)
		appendStringInfo(&result, "in revision %s, ", reader->id);
	else
		appendStringInfoString(&result, "on ");
	appendStringInfo(&result, "line %d", cmig_file_reader_line(reader, line));
	if (reader->name)
		appendStringInfo(&result, " of file \"%s\"", reader->name);
	return result.data;
}

/*
 * Raise an error for "open", a quote that is not closed where its author meant
 * to close it.  "what" names the text that shows this, such as "the
 * statement", and "problem" says what is wrong with that text.
 */
static void
refuse_open_quote(CmigFileReader *reader, const CmigQuotedStart *open, const char *what,
				  const char *problem)
{
	reader->blamed = true;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("unterminated %s %s", open->type, open->place),
			 errdetail("The line \"%s\" is inside the %s, and %s %s.",
					   cmig_header_value_shortened(open->start), open->type, what, problem),
			 errhint("Close the %s. If that line belongs inside it, correct %s instead.", open->type, what)));
}

void
cmig_file_reader_require_closed(CmigFileReader *reader, const char *end)
{
	const CmigQuotedStart *open = reader->suspects == NIL ? NULL :
	cmig_file_start_find_open(reader->suspects, reader->section_start, end);

	if (open)
		refuse_open_quote(reader, open, "the statement", "does not parse");
}

/* Has a revision begun in the current file? */
static bool
has_revision(const CmigFileReader *reader)
{
	return reader->file != NULL || list_length(reader->files) > reader->revisions_before;
}

/*
 * Returns the number of files of the input that have begun so far, not
 * counting a named file whose header has not been read.  If there are no "==>
 * name <==" lines, each header counts as the start of a file.
 */
static int
file_reader_count_files(const CmigFileReader *reader)
{
	if (reader->name_lines == 0)
		return list_length(reader->files) + (reader->file != NULL);
	return reader->name_lines - !has_revision(reader);
}

void
cmig_file_reader_note_quoted(CmigFileReader *reader)
{
	bool		certain = false;
	CmigQuotedStart *quoted;

	quoted = cmig_file_start_find_quoted(&reader->lexer, reader->section_start,
										 reader->name_lines > 0 ? reader->name : NULL,
										 &certain);
	if (quoted == NULL)
		return;
	quoted->place = cmig_file_reader_place(reader, quoted->line);
	quoted->files = file_reader_count_files(reader);
	if (certain)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unterminated %s %s", quoted->type, quoted->place),
				 errdetail("The line \"%s\" is inside the %s, and a revision begins there.",
						   cmig_header_value_shortened(quoted->start), quoted->type),
				 errhint("Close the %s. If that line belongs inside it, indent the line instead.", quoted->type)));
	reader->suspects = lappend(reader->suspects, quoted);
}

void
cmig_file_reader_blame(CmigFileReader *reader)
{
	const CmigQuotedStart *open =
	file_start_find_hiding(reader->suspects, &reader->lexer,
						   has_revision(reader) ? NULL : reader->text,
						   file_reader_count_files(reader), reader->name_lines > 0);

	if (open)
		refuse_open_quote(reader, open, "the text after that line", "cannot be read");
	cmig_file_reader_require_closed(reader, NULL);
}
