/*
 * file_start.c
 *	  Finds where files begin in input that contains several files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "format/file_start.h"
#include "graph/graph.h"
#include "parse/text_check.h"

#include "utils/varlena.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
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
	while (*p && (cmig_marker_is_blank(*p) || strncmp(p, BYTE_ORDER_MARK, 3) == 0))
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
 * The state of cmig_file_start_find_hiding(), which searches for the unclosed
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
count_files(const Search *search, const char *p, bool *closed, bool *faulty)
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
		count = before + count_files(search, line, &closed, &faulty);
		search->tries--;
		if (count > search->most && !faulty && (closed || !search->must_close))
		{
			search->most = count;
			raised = true;
		}
	}
	return raised;
}

const CmigQuotedStart *
cmig_file_start_find_hiding(const List *quoted, const CmigLexer *lexer, const char *fault,
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

		search.most += count_files(&search, lexer->next, &search.must_close, &faulty);
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
	while ((p = memchr(p, BYTE_ORDER_MARK[0], lexer->next - p)) != NULL)
	{
		if (strncmp(p, BYTE_ORDER_MARK, 3) == 0)
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

	if (!cmig_marker_is_alone(lexer))
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
	if (section == CMIG_SECTION_UPGRADE || !after_statement || !cmig_marker_is_alone(lexer))
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
