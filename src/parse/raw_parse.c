/*
 * raw_parse.c
 *	  Calls the server's parser, but rejects text that takes very long to
 *	  parse.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/lexer.h"
#include "parse/raw_parse.h"

#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"

/*
 * At each operator and each start of a comment, the server's scanner looks at
 * all operator characters that follow without a gap.  Therefore, a long run of
 * such characters takes quadratic time.
 */
#define OPERATOR_CHARACTERS "~!@#^&|`?+-*/%<>="
#define MIN_RUN 64				/* shorter runs may be missed */
#define MAX_LOOKS 10000000		/* how many characters the scanner may look at */

/*
 * A quick estimate.  Assumes that an operator or comment starts at each
 * character of a run, and returns true if the scanner would then exceed
 * MAX_LOOKS.
 */
static bool
may_take_long(const char *text)
{
	size_t		length = strlen(text);
	uint64		looks = 0;

	for (size_t i = 0; i < length; i += MIN_RUN)
	{
		size_t		first = i;
		size_t		run;

		if (strchr(OPERATOR_CHARACTERS, text[i]) == NULL)
			continue;
		while (first > 0 && strchr(OPERATOR_CHARACTERS, text[first - 1]))
			first--;
		run = strspn(text + first, OPERATOR_CHARACTERS);
		looks += (uint64) run * run;
		i = Max(i, first + run);
	}
	return looks > MAX_LOOKS;
}

/*
 * Returns the number of operator characters, starting at "at", that the scanner
 * looks at.  *run_end is the end of the last run of such characters that was
 * found.  The caller keeps this value between calls.
 */
static uint64
count_looks(const char *at, const char **run_end)
{
	if (at >= *run_end)
		*run_end = at + strspn(at, OPERATOR_CHARACTERS);
	return *run_end - at;
}

/*
 * Count exactly how many characters the scanner would look at.  Raise an error
 * at the token at which the count exceeds MAX_LOOKS.
 */
static void
refuse_long_runs(const char *text)
{
	CmigLexer	lexer;
	const char *run_end = text;
	uint64		looks = 0;

	cmig_lexer_init(&lexer, text);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (looks <= MAX_LOOKS && cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		if (lexer.type == CMIG_TOKEN_OPERATOR)
			looks += count_looks(lexer.start, &run_end);
		else if (lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
			for (const char *at = lexer.start; (at = strstr(at, "/*")) != NULL && at < lexer.next; at += 2)
				looks += count_looks(at, &run_end);
	}
	if (looks > MAX_LOOKS)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("too many comments or operators without a space between them"),
				 errhint("Put spaces between comments and between operators, and end each comment with */."),
				 errposition(pg_mbstrlen_with_len(text, lexer.start - text) + 1)));
}

List *
cmig_raw_parse(const char *text, RawParseMode mode)
{
	if (may_take_long(text))
		refuse_long_runs(text);
	return raw_parser(text, mode);
}

RawStmt *
cmig_raw_parse_one(const char *text)
{
	return linitial_node(RawStmt, cmig_raw_parse(text, RAW_PARSE_DEFAULT));
}

/* A tree walker that sets string constants to NULL. */
static bool
blank_string(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Const) && IsA(&((A_Const *) node)->val, String))
		((A_Const *) node)->isnull = true;
	return raw_expression_tree_walker(node, blank_string, context);
}

void
cmig_raw_parse_blank_strings(Node *raw)
{
	(void) blank_string(raw, NULL);
}
