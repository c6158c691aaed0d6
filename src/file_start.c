/*
 * file_start.c
 *	  Where a file begins in a text of many, and what only looks as if one did.
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "file_start.h"
#include "graph.h"
#include "text_check.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define NAME_LINE_START "==> "
#define NAME_LINE_END " <=="

/*
 * The line "==> name <=="
 */

/* Is it the line that starts at p?  Blanks and a CR may follow. */
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

/*
 * First lines in quotes
 */

/* The first line in the current token that would begin a file, or NULL. */
static const char *
find_quoted_line(const CmigLexer *lexer)
{
	const char *p = lexer->start;
	CmigFileStart start;

	/* most tokens are on one line */
	if (lexer->next_line == lexer->line)
		return NULL;
	while ((p = memchr(p, '\n', lexer->next - p)) != NULL)
	{
		p++;
		if (strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) == 0 ||
			(match_line(p, &start) && start.end < lexer->next))
			return p;
	}
	return NULL;
}

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || IS_HIGHBIT_SET(c);
}

List *
cmig_file_start_note_quoted(List *quoted, const CmigLexer *lexer, const char *section)
{
	const char *line;
	CmigQuotedStart *start;

	if ((lexer->type != CMIG_TOKEN_STRING && lexer->type != CMIG_TOKEN_QUOTED &&
		 lexer->type != CMIG_TOKEN_DOLLAR) ||
		(line = find_quoted_line(lexer)) == NULL)
		return quoted;
	start = palloc(sizeof(CmigQuotedStart));
	start->offset = lexer->start - section;
	start->line = lexer->line;
	start->glued = is_word_char(*lexer->next);
	start->type = cmig_lexer_type_name(lexer);
	start->start = cmig_marker_trimmed(line, line + strcspn(line, "\n"));
	return lappend(quoted, start);
}

const CmigQuotedStart *
cmig_file_start_find_open(const List *quoted, const char *section)
{
	int			count = 0;
	int		   *offsets;
	int			first;
	ListCell   *lc;

	if (quoted == NIL)
		return NULL;
	offsets = palloc(sizeof(int) * list_length(quoted));
	foreach(lc, quoted)
	{
		const CmigQuotedStart *start = lfirst(lc);

		/* 'a'b is SQL, but nobody writes it */
		if (start->glued)
			break;
		offsets[count++] = start->offset;
	}
	first = cmig_text_find_unparsed(section, offsets, count);
	pfree(offsets);
	if (first < 0)
		first = count;
	return first < list_length(quoted) ? list_nth(quoted, first) : NULL;
}

/*
 * What seems to begin another file
 */

bool
cmig_file_start_has_bom(const CmigLexer *lexer)
{
	const char *p = lexer->start;
	CmigFileStart start;

	if (lexer->type != CMIG_TOKEN_WORD && lexer->type != CMIG_TOKEN_NUMBER)
		return false;
	while ((p = memchr(p, BYTE_ORDER_MARK[0], lexer->next - p)) != NULL)
	{
		if (strncmp(p, BYTE_ORDER_MARK, 3) == 0)
			break;
		p++;
	}
	if (p == NULL)
		return false;
	while (strncmp(p, BYTE_ORDER_MARK, 3) == 0)
		p += 3;
	return strncmp(p, CMIG_FILE_START, strlen(CMIG_FILE_START)) != 0 &&
		!match_line(p, &start);
}

bool
cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end)
{
	static const CmigHeaderKey keys[] = {
		CMIG_KEY_DOWN_REVISION, CMIG_KEY_DEPENDS_ON, CMIG_KEY_BRANCH_LABELS,
		CMIG_KEY_TRANSACTIONAL, CMIG_KEY_CREATE_DATE
	};
	const char *revision = cmig_marker_keys[CMIG_KEY_REVISION];
	const char *value;
	const char *value_end;
	const char *colon;
	char	   *word;
	bool		result;

	if (!cmig_marker_is_alone(lexer))
		return false;
	/* the other keys are words that comments begin with */
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

/* "-- seed.sql", "-- File: seed.sql" */
static bool
resembles_file_name(const char *text)
{
	static const char *const labels[] = {"file:", "filename:", "file name:"};
	int			length;

	for (int i = 0; i < lengthof(labels); i++)
	{
		if (pg_strncasecmp(text, labels[i], strlen(labels[i])) == 0)
		{
			text += strlen(labels[i]);
			text += strspn(text, " \t");
			break;
		}
	}
	length = strlen(text);
	return length > 4 && strpbrk(text, " \t") == NULL &&
		pg_strcasecmp(text + length - 4, ".sql") == 0;
}

/* What other tools write into files of their own. */
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

const char *
cmig_file_start_find_other(const CmigLexer *lexer, const char *end, CmigSection section,
						   bool after_statement)
{
	const char *result = NULL;
	char	   *text;

	/* an upgrade may have been pasted from elsewhere with all its comments */
	if (section == CMIG_SECTION_UPGRADE || !after_statement || !cmig_marker_is_alone(lexer))
		return NULL;
	text = cmig_marker_trimmed(lexer->start + 2, end);
	if (resembles_file_name(text))
		result = "The comment is the name of a file.";
	else if (resembles_other_tool(text))
		result = "With such a comment the files of other tools begin.";
	pfree(text);
	return result;
}
