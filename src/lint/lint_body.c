/*
 * lint_body.c
 *	  Finds out whether a function body uses a table or one of its columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_body.h"
#include "parse/lexer.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/scansup.h"
#include "utils/memutils.h"

/*
 * A token.  Words are in lower case; quoted names and strings have no quotes.
 */
typedef struct Token
{
	CmigTokenType type;
	char	   *text;
} Token;

/* A statement in a function body, with some facts about the body. */
typedef struct Statement
{
	const Token *tokens;
	int			count;
	const CmigLintName *name;
	bool		is_trigger;
	bool		has_row;		/* true if the body declares a variable of the
								 * table's row type */
	bool		names_table;	/* true if the statement uses the table */
	int			level;			/* the level of nested strings, starting at 0 */
	List	   *own;			/* of char *: the table's name and its aliases */
	List	   *others;			/* of char *: names of other tables and their
								 * aliases */
} Statement;

static bool search(const char *source, const CmigLintName *name, bool is_trigger, bool names_table, int level);

/* Is the string in a NULL-terminated list of words? */
static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
	{
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

/*
 * Tokens
 */

/*
 * Returns the string without its first and last characters, and with each
 * doubled quote replaced with a single quote.
 */
static char *
unquote(const char *start, int length, char quote)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 1; i < length - 1; i++)
	{
		appendStringInfoChar(&text, start[i]);
		if (start[i] == quote && start[i + 1] == quote)
			i++;
	}
	return text.data;
}

/* Returns the contents of a dollar-quoted string. */
static char *
undollar(const char *start, int length)
{
	int			tag = 1;

	while (tag < length && start[tag] != '$')
		tag++;
	tag++;
	return length >= 2 * tag ? pnstrdup(start + tag, length - 2 * tag) : pstrdup("");
}

/* Returns the text of the current token. */
static char *
token_text(const CmigLexer *lexer)
{
	int			length = lexer->next - lexer->start;
	const char *quote;

	switch (lexer->type)
	{
		case CMIG_TOKEN_WORD:
			return downcase_identifier(lexer->start, length, false, false);
		case CMIG_TOKEN_QUOTED:
			quote = memchr(lexer->start, '"', length);
			return quote ? unquote(quote, lexer->next - quote, '"') : pnstrdup(lexer->start, length);
		case CMIG_TOKEN_STRING:
			quote = memchr(lexer->start, '\'', length);
			return quote ? unquote(quote, lexer->next - quote, '\'') : pnstrdup(lexer->start, length);
		case CMIG_TOKEN_DOLLAR:
			return undollar(lexer->start, length);
		default:
			return pnstrdup(lexer->start, length);
	}
}

/*
 * Returns the tokens of a source string, without comments.  Sets *count to the
 * number of tokens.
 */
static Token *
read_tokens(const char *source, int *count)
{
	int			size = 64;
	Token	   *tokens = palloc(sizeof(Token) * size);
	CmigLexer	lexer;

	*count = 0;
	cmig_lexer_init(&lexer, source);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (*count == size)
		{
			size *= 2;
			tokens = repalloc(tokens, sizeof(Token) * size);
		}
		tokens[*count].type = lexer.type;
		tokens[(*count)++].text = token_text(&lexer);
	}
	return tokens;
}

/* Is token number "i" a word or a quoted name? */
static bool
is_name(const Statement *statement, int i)
{
	return i >= 0 && i < statement->count &&
		(statement->tokens[i].type == CMIG_TOKEN_WORD || statement->tokens[i].type == CMIG_TOKEN_QUOTED);
}

/* Is token number "i" the word, operator, or character "text"? */
static bool
is_token(const Statement *statement, int i, const char *text)
{
	return i >= 0 && i < statement->count &&
		(statement->tokens[i].type == CMIG_TOKEN_WORD || statement->tokens[i].type == CMIG_TOKEN_OPERATOR) &&
		strcmp(statement->tokens[i].text, text) == 0;
}

static bool
is_string(const Token *token)
{
	return token->type == CMIG_TOKEN_STRING || token->type == CMIG_TOKEN_DOLLAR;
}

/*
 * Tables
 */

/*
 * Words that precede a table name (before_table) or a comma-separated list of
 * tables (before_tables).
 */
static const char *const before_table[] = {
	"from", "join", "into", "update", "only", "table", "truncate", "using", "lock", NULL
};
static const char *const before_tables[] = {"from", "using", "table", "truncate", "lock", NULL};

/* Words that start a new clause. */
static const char *const clauses[] = {
	"from", "using", "table", "truncate", "lock", "select", "where", "on", "set", "values", "group", "order", "having",
	"returning", "limit", "window", "into", "update", "then", "loop", NULL
};

/* Words that can be a table's alias only if they are quoted. */
static const char *const no_alias[] = {
	"where", "join", "left", "right", "inner", "outer", "cross", "full", "natural", "on", "using", "set", "order", "group",
	"having", "limit", "offset", "fetch", "for", "union", "except", "intersect", "values", "select", "default", "loop",
	"returning", "when", "then", "window", "tablesample", "overriding", "as", "end", "add", "drop", "alter", "rename", "in",
	"restart", "continue", "cascade", "restrict", "from", "with", "strict", NULL
};

/*
 * Record the table that is named at token number "i", and its alias if there is
 * one.  Sets *next to the number of the token after the table's name.
 */
static void
note_table(Statement *statement, int i, int *next)
{
	const char *schema = NULL;
	const char *name = statement->tokens[i].text;
	bool		ours;
	int			alias;

	*next = i + 1;
	if (is_token(statement, i + 1, ".") && is_name(statement, i + 2))
	{
		schema = name;
		name = statement->tokens[i + 2].text;
		*next = i + 3;
	}
	ours = strcmp(name, statement->name->table) == 0 &&
		(schema == NULL || strcmp(schema, statement->name->schema) == 0);
	alias = is_token(statement, *next, "as") ? *next + 1 : *next;
	if (ours)
	{
		statement->names_table = true;
		statement->own = lappend(statement->own, (char *) name);
	}
	else
		statement->others = lappend(statement->others, (char *) name);
	if (!is_name(statement, alias) ||
		(statement->tokens[alias].type == CMIG_TOKEN_WORD && is_one_of(statement->tokens[alias].text, no_alias)))
		return;
	if (ours)
		statement->own = lappend(statement->own, statement->tokens[alias].text);
	else
		statement->others = lappend(statement->others, statement->tokens[alias].text);
}

/* Find the tables that the statement names, and their aliases. */
static void
find_tables(Statement *statement)
{
	const char *clause = "";

	for (int i = 0; i < statement->count; i++)
	{
		int			next;

		if (statement->tokens[i].type == CMIG_TOKEN_WORD && is_one_of(statement->tokens[i].text, clauses))
			clause = statement->tokens[i].text;
		if (!is_name(statement, i) || i == 0 ||
			(statement->tokens[i].type == CMIG_TOKEN_WORD && is_one_of(statement->tokens[i].text, before_table)))
			continue;
		if ((statement->tokens[i - 1].type == CMIG_TOKEN_WORD && is_one_of(statement->tokens[i - 1].text, before_table)) ||
			(is_token(statement, i - 1, ",") && is_one_of(clause, before_tables)))
		{
			note_table(statement, i, &next);
			i = next - 1;
		}
	}
}

/*
 * Does a type taken from the table, such as account%ROWTYPE, begin at token
 * number "i"?
 */
static bool
is_row_type(const Statement *statement, int i)
{
	return is_name(statement, i) && strcmp(statement->tokens[i].text, statement->name->table) == 0 &&
		is_token(statement, i + 1, "%");
}

/*
 * Columns
 */

/*
 * Is a qualified name, whose last part is token number "i", a reference to a
 * column of the table?
 */
static bool
is_qualified_column(const Statement *statement, int i)
{
	const char *qualifier = is_name(statement, i - 2) ? statement->tokens[i - 2].text : "";

	if (strcmp(qualifier, "new") == 0 || strcmp(qualifier, "old") == 0)
		return statement->is_trigger;
	if (cmig_text_list_has(statement->own, qualifier))
		return true;
	if (cmig_text_list_has(statement->others, qualifier))
		return false;

	/*
	 * the qualifier can only be a variable, which may hold a row of the table
	 */
	return statement->names_table || statement->has_row;
}

/* Is the name at token number "i" a reference to the column? */
static bool
is_column(const Statement *statement, int i)
{
	if (!is_name(statement, i) || strcmp(statement->tokens[i].text, statement->name->column) != 0)
		return false;
	if (is_token(statement, i - 1, "."))
		return is_qualified_column(statement, i);

	/*
	 * the name of an output column, a variable, an argument, or a function
	 * does not refer to the column
	 */
	if (is_token(statement, i - 1, "as") || is_token(statement, i + 1, ":=") ||
		is_token(statement, i + 1, "=>"))
		return false;
	if (is_token(statement, i + 1, "(") && !cmig_text_list_has(statement->own, statement->name->column) &&
		!is_token(statement, i - 1, "into"))
		return false;
	return statement->names_table;
}

/*
 * Dynamic SQL
 */

/*
 * Search a statement's string constants for dynamic SQL.  Returns true if the
 * concatenation of these constants uses the table or column.  A constant that
 * consists only of the table's name counts as a use of the table.
 */
static bool
search_strings(const Statement *statement)
{
	StringInfoData text;
	bool		names_table = statement->names_table;

	initStringInfo(&text);
	for (int i = 0; i < statement->count; i++)
	{
		/* skip RAISE, whose strings are only messages */
		if (is_token(statement, i, "raise"))
			return false;
		if (!is_string(&statement->tokens[i]))
			continue;
		names_table |= strcmp(statement->tokens[i].text, statement->name->table) == 0;
		appendStringInfo(&text, "%s ", statement->tokens[i].text);
	}
	return text.len > 0 && search(text.data, statement->name, statement->is_trigger, names_table,
								  statement->level + 1);
}

/*
 * Bodies
 */

/* Does the statement use the table or column? */
static bool
uses_it(Statement *statement)
{
	find_tables(statement);
	if (statement->name->column == NULL)
		return statement->names_table;
	for (int i = 0; i < statement->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_column(statement, i))
			return true;
	}
	return false;
}

/*
 * Does the source use the table or the column?  "names_table" is true if the
 * source is dynamic SQL in a statement that names the table.
 */
static bool
search(const char *source, const CmigLintName *name, bool is_trigger, bool names_table, int level)
{
	Statement	all = {.name = name};
	bool		is_dynamic = false;
	bool		found = false;

	all.tokens = read_tokens(source, &all.count);
	for (int i = 0; i < all.count; i++)
	{
		all.has_row |= is_row_type(&all, i);
		is_dynamic |= is_token(&all, i, "execute");
	}
	if (name->column == NULL && all.has_row)
		return true;
	for (int from = 0, to; from < all.count && !found; from = to + 1)
	{
		Statement	statement = {.name = name,.is_trigger = is_trigger,.has_row = all.has_row,.names_table = names_table,.level = level};

		for (to = from; to < all.count && !is_token(&all, to, ";"); to++)
			;
		statement.tokens = all.tokens + from;
		statement.count = to - from;
		found = uses_it(&statement) ||
			(is_dynamic && level < CMIG_LINT_MAX_NESTING && search_strings(&statement));
	}
	return found;
}

bool
cmig_lint_body_uses(const char *source, const CmigLintName *name, bool is_trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig body", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		result = search(source, name, is_trigger, false, 0);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}
