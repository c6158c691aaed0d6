/*
 * raw.c
 *	  The only caller of PostgreSQL's parser.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "parse/parse.h"

/*
 * At each operator and each start of a comment, the server's scanner looks at
 * all operator characters that follow without a gap.  Therefore, a long run of
 * such characters takes quadratic time.
 */
#define OPERATOR_CHARACTERS "~!@#^&|`?+-*/%<>="
#define MIN_RUN 64				/* shorter runs may be missed */
#define MAX_LOOKS 10000000		/* how many characters the scanner may look at */

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

/* Call the server's parser, whose scanner reads settings, with fixed ones. */
static List *
parse_pinned(const char *text, RawParseMode mode)
{
	int			quote = backslash_quote;
	bool		standard = cmig_set_standard_strings_compat(true);
	List	   *volatile result = NIL;

	/*
	 * \' in an E string is as safe as '', because the text is in the server's
	 * encoding
	 */
	backslash_quote = BACKSLASH_QUOTE_ON;
	PG_TRY();
	{
		result = raw_parser(text, mode);
	}
	PG_FINALLY();
	{
		backslash_quote = quote;
		(void) cmig_set_standard_strings_compat(standard);
	}
	PG_END_TRY();
	return result;
}

List *
cmig_raw_parse(const char *text, RawParseMode mode)
{
	size_t		length = strlen(text);
	const char *run_end = text;
	uint64		looks = 0;
	CmigLexer	lexer;

	/*
	 * First a quick estimate, which assumes that an operator or comment
	 * starts at each character of a run.
	 */
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
	if (looks <= MAX_LOOKS)
		return parse_pinned(text, mode);

	/* count exactly */
	looks = 0;
	cmig_lexer_init(&lexer, text);
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
	return parse_pinned(text, mode);
}

RawStmt *
cmig_raw_parse_one(const char *text)
{
	List	   *statements = cmig_raw_parse(text, RAW_PARSE_DEFAULT);

	if (statements == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR), errmsg("a statement is empty")));
	return linitial_node(RawStmt, statements);
}

Node *
cmig_statement_expression(const Node *statement)
{
	const SelectStmt *select = (const SelectStmt *) statement;
	SelectStmt	plain = {.type = T_SelectStmt};
	const ResTarget *target;
	const ColumnRef *column;

	/* SELECT WHERE (...) and SELECT UNION (SELECT ...) have no target */
	if (!IsA(statement, SelectStmt) || list_length(select->targetList) != 1)
		return NULL;
	plain.targetList = select->targetList;
	target = linitial_node(ResTarget, select->targetList);
	column = (const ColumnRef *) target->val;
	/* the parser expects that a star has been replaced by columns */
	if (IsA(column, ColumnRef) && IsA(linitial(column->fields), A_Star))
		return NULL;
	return target->name == NULL && equal(select, &plain) ? target->val : NULL;
}
