/*
 * lint_source.c
 *	  Lint: texts and expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"

#include "lint/internal.h"

CmigLintFinding *
cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintFinding *finding = palloc0(sizeof(CmigLintFinding));
	StringInfoData message;
	va_list		args;

	CHECK_FOR_INTERRUPTS();
	initStringInfo(&message);
	if (lint->caller)
	{
		/* the fix does the slow part first, so that the call need not */
		appendStringInfoString(&message, "in this call, ");
		fix = fix && IsA(lint->statement->raw->stmt, IndexStmt) ?
			psprintf("%s;\n-- then, in another revision\n%s", fix, lint->caller->text) : NULL;
	}
	va_start(args, format);
	appendStringInfoString(&message, cmig_text_format(format, args));
	va_end(args);
	finding->rule = lint->rule;
	finding->severity = lint->rule->severity;
	/* what only takes time is no error if it takes little */
	if ((lint->rule->flags & CMIG_LINT_SLOW) &&
		cmig_lint_model_is_small(lint->slow ? lint->slow : lint->target, lint->small))
		finding->severity = CMIG_LINT_NOTICE;
	if (lint->expand && (lint->rule->flags & (CMIG_LINT_EXPAND | CMIG_LINT_FILL)))
		finding->severity = CMIG_LINT_NOTICE;
	finding->revision = lint->revision;
	if (lint->statement)
	{
		finding->statement = lint->statement->number;
		finding->line = lint->statement->line;
	}
	if (lint->slow || lint->target || lint->locks != NIL)
		finding->relation = (lint->slow ? lint->slow : lint->target ? lint->target :
							 ((CmigLintLock *) linitial(lint->locks))->table)->oid;
	finding->rewrites = lint->rule->flags & CMIG_LINT_REWRITES;
	finding->message = message.data;
	finding->fix = fix ? pstrdup(fix) : NULL;
	lint->findings = lappend(lint->findings, finding);
	MemoryContextSwitchTo(old);
	return finding;
}

void
cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
					   bool (*holds) (CmigLint *lint, const CmigLintDeferred *deferred),
					   CmigLintTable *table, const RangeVar *name, const char *part)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintDeferred *deferred = palloc(sizeof(CmigLintDeferred));

	deferred->finding = finding;
	deferred->whole_plan = whole_plan;
	deferred->holds = holds;
	deferred->since = lint->statement_number;
	deferred->table = table;
	deferred->name = name ? copyObject((RangeVar *) name) : NULL;
	deferred->part = part ? pstrdup(part) : NULL;
	lint->deferred = lappend(lint->deferred, deferred);
	MemoryContextSwitchTo(old);
}

/* Returns the element of a list whose first field is the name, or NULL. */
static void *
find_named(const List *list, const char *name)
{
	foreach_ptr(CmigValue, row, list)
	{
		const char *other = *row;

		if (other && strcmp(other, name) == 0)
			return row;
	}
	return NULL;
}

CmigLintColumn *
cmig_lint_model_column(const CmigLintTable *table, const char *name)
{
	return find_named(table->columns, name);
}

CmigLintConstraint *
cmig_lint_model_constraint(const CmigLintTable *table, const char *name)
{
	return find_named(table->constraints, name);
}

CmigLintIndex *
cmig_lint_model_index(const CmigLintTable *table, const char *name)
{
	return find_named(table->indexes, name);
}

bool
cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column,
								const AlterTableStmt *alter)
{

	foreach_ptr(CmigLintConstraint, constraint, table->constraints)
	{
		bool		proves = constraint->validated &&
		cmig_text_list_has(constraint->proves_not_null, column);

		/* ALTER TABLE drops constraints before it performs other actions */
		foreach_node(AlterTableCmd, command, proves && alter ? alter->cmds : NIL)
			proves &= command->subtype != AT_DropConstraint ||
			strcmp(command->name, constraint->name) != 0;
		if (proves)
			return true;
	}
	return false;
}

List *
cmig_lint_model_names(List *strings)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, strings)
		result = lappend(result, pstrdup(strVal(lfirst(lc))));
	return result;
}

List *
cmig_lint_model_referenced(CmigLint *lint, CmigLintTable *table, const Constraint *key)
{
	cmig_lint_state_load(lint, table);
	foreach_ptr(const CmigLintConstraint, constraint, key->pk_attrs ? NIL : table->constraints)
	{
		if (constraint->type == CONSTRAINT_PRIMARY)
			return constraint->columns;
	}
	return cmig_lint_model_names(key->pk_attrs);
}

List *
cmig_lint_index_columns(const IndexStmt *index)
{
	List	   *result = NIL;

	foreach_node(IndexElem, element, index->indexParams)
		result = lappend(result, pstrdup(element->name ? element->name : ""));
	return result;
}

/*
 * Finds columns and constants in raw expressions.
 */

/*
 * raw_expression_tree_walker callback: add column names to a List *, without
 * duplicates.
 */
static bool
collect_columns(Node *node, void *context)
{
	List	  **columns = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(((ColumnRef *) node)->fields);

		if (IsA(last, String) && !cmig_text_list_has(*columns, strVal(last)))
			*columns = lappend(*columns, pstrdup(strVal(last)));
		return false;
	}
	return raw_expression_tree_walker(node, collect_columns, context);
}

List *
cmig_lint_expression_columns(Node *expression)
{
	List	   *columns = NIL;

	(void) collect_columns(expression, &columns);
	return columns;
}

bool
cmig_lint_is_null(Node *node)
{
	node = cmig_uncast(node);
	return node == NULL || (IsA(node, A_Const) && ((A_Const *) node)->isnull);
}

const char *
cmig_lint_expression_constant(Node *node)
{
	A_Const    *constant = (A_Const *) cmig_uncast(node);

	if (constant == NULL || !IsA(constant, A_Const) || constant->isnull)
		return NULL;
	switch (nodeTag(&constant->val))
	{
		case T_Integer:
			return psprintf("%d", intVal(&constant->val));
		case T_Float:
			return constant->val.fval.fval;
		case T_String:
			return strVal(&constant->val);
		default:
			return NULL;
	}
}

/*
 * Extracts and edits pieces of a statement's text for suggested fixes.
 *
 * The "text" arguments must contain a single valid statement without a
 * semicolon.
 */

/* Advance to the next occurrence of "word".  Returns false if there is none. */
static bool
find_word(CmigLexer *lexer, const char *word)
{
	while (cmig_lexer_next_sql(lexer) != CMIG_TOKEN_END)
	{
		if (cmig_lexer_is_word(lexer, word))
			return true;
	}
	return false;
}

char *
cmig_lint_source_insert(const char *sql, const char *after, const char *text)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, sql);
	if (!find_word(&lexer, after))
		return pstrdup(sql);
	return psprintf("%.*s%s%s", (int) (lexer.next - sql), sql, text, lexer.next);
}

char *
cmig_lint_source_remove(const char *text, const char *word)
{
	CmigLexer	lexer;
	const char *rest;

	cmig_lexer_init(&lexer, text);
	if (!find_word(&lexer, word))
		return pstrdup(text);
	rest = lexer.next;
	while (*rest == ' ')
		rest++;
	if (*rest == '\0')
	{
		while (lexer.start > text && strchr(" \t\r\n", lexer.start[-1]))
			lexer.start--;
		return pnstrdup(text, lexer.start - text);
	}
	return psprintf("%.*s%s", (int) (lexer.start - text), text, rest);
}

bool
cmig_lint_source_has(const char *text, const char *word)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, text);
	return find_word(&lexer, word);
}

const char *
cmig_lint_source_behind_name(const char *text, int offset)
{
	CmigLexer	lexer;
	const char *behind;

	cmig_lexer_init(&lexer, text);
	cmig_lexer_move(&lexer, text + offset, 1);
	do
	{
		(void) cmig_lexer_next_sql(&lexer);
		behind = lexer.next;
		(void) cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, '.'));
	return behind;
}

/* Process a token, updating the nesting depth of parentheses and brackets. */
static void
count_depth(const CmigLexer *lexer, int *depth)
{
	if (cmig_lexer_is_char(lexer, '(') || cmig_lexer_is_char(lexer, '['))
		(*depth)++;
	else if (cmig_lexer_is_char(lexer, ')') || cmig_lexer_is_char(lexer, ']'))
		(*depth)--;
}

List *
cmig_lint_source_actions(const CmigLint *lint)
{
	const char *text = lint->statement->text;
	CmigLexer	lexer;
	List	   *result = NIL;
	CmigLintPiece *piece = NULL;
	int			depth = 0;

	cmig_lexer_init(&lexer, text);
	cmig_lexer_move(&lexer,
					cmig_lint_source_behind_name(text,
												 ((AlterTableStmt *) lint->statement->raw->stmt)->relation->location), 1);
	cmig_lexer_next_sql(&lexer);
	/* the ends of ONLY (name) and name * */
	if (cmig_lexer_is_char(&lexer, ')') || cmig_lexer_is_char(&lexer, '*'))
		cmig_lexer_next_sql(&lexer);
	for (; lexer.type != CMIG_TOKEN_END; cmig_lexer_next_sql(&lexer))
	{
		if (depth == 0 && cmig_lexer_is_char(&lexer, ','))
		{
			piece = NULL;
			continue;
		}
		if (piece == NULL)
		{
			piece = palloc(sizeof(CmigLintPiece));
			piece->from = lexer.start - text;
			result = lappend(result, piece);
		}
		count_depth(&lexer, &depth);
		piece->to = lexer.next - text;
	}
	return result;
}

int
cmig_lint_source_end(const char *text, int offset)
{
	CmigLexer	lexer;
	const char *end = text + offset;
	int			depth = 0;

	cmig_lexer_init(&lexer, text + offset);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (depth == 0 && (cmig_lexer_is_char(&lexer, ',') || cmig_lexer_is_char(&lexer, ')')))
			break;
		count_depth(&lexer, &depth);
		end = lexer.next;
	}
	return end - text;
}

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

List *
cmig_lint_source_long_names(const char *text)
{
	CmigLexer	lexer;
	List	   *result = NIL;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		char	   *name;

		/* skip U&"...", which may contain escapes */
		if ((lexer.type != CMIG_TOKEN_WORD &&
			 (lexer.type != CMIG_TOKEN_QUOTED || *lexer.start != '"')) ||
			lexer.next - lexer.start < NAMEDATALEN)
			continue;
		name = lexer.type == CMIG_TOKEN_WORD ? pnstrdup(lexer.start, lexer.next - lexer.start) :
			unquote(lexer.start, lexer.next - lexer.start, '"');
		if (strlen(name) >= NAMEDATALEN)
			result = lappend(result, name);
	}
	return result;
}

/*
 * Reads comments that suppress cmig.lint rules: -- cmig:ignore rule, rule.
 */

#define MARKER "cmig:ignore"

/* Rules that have different names in cmig.lint and in the linter squawk. */
static const struct
{
	const char *alias;
	const char *rule;
}			aliases[] =

{
	{"prefer-timestamptz", "prefer-timestamp-tz"},
	{"require-timeout-settings", "require-lock-timeout"},
	{"require-timeout-settings", "require-statement-timeout"},
};

bool
cmig_lint_ignore_is(const char *name, const char *rule)
{
	if (pg_strcasecmp(name, rule) == 0)
		return true;
	for (int i = 0; i < lengthof(aliases); i++)
		if (strcmp(aliases[i].rule, rule) == 0 && pg_strcasecmp(aliases[i].alias, name) == 0)
			return true;
	return false;
}

/*
 * Add the rules that are named in a comment.  The list of rules ends at "--",
 * after which the comment can give a reason.  If the comment names no rule, add
 * an empty name.
 */
static List *
read_comment(List *ignores, const char *text, int length, int line)
{
	char	   *comment = pnstrdup(text + 2, length - 2);
	char	   *p = comment + strspn(comment, " \t\r\n");
	int			count;

	if (strncmp(p, MARKER, strlen(MARKER)) != 0 || strchr(" \t\r\n:", p[strlen(MARKER)]) == NULL)
		return ignores;
	p += strlen(MARKER);
	for (count = 0;; count++)
	{
		CmigLintIgnore *ignore = palloc0(sizeof(CmigLintIgnore));
		int			name_length;

		p += strspn(p, " \t\r\n:,");
		name_length = strncmp(p, "--", 2) == 0 ? 0 : strcspn(p, " \t\r\n:,*/");
		if (name_length == 0 && count > 0)
			return ignores;
		ignore->name = pnstrdup(p, name_length);
		ignore->line = line;
		ignores = lappend(ignores, ignore);
		if (name_length == 0)
			return ignores;
		p += name_length;
	}
}

List *
cmig_lint_ignore_read(const char *script, int from, int to, int first_line)
{
	CmigLexer	lexer;
	List	   *ignores = NIL;

	cmig_lexer_init(&lexer, script);
	cmig_lexer_move(&lexer, script + from, first_line);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END && lexer.start < script + to)
	{
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
			ignores = read_comment(ignores, lexer.start, lexer.next - lexer.start, lexer.line);
	}
	return ignores;
}

/*
 * Finds out whether a function body uses a table or one of its columns.
 *
 * The body is SQL or PL/pgSQL text.  The search processes the tokens of one
 * statement at a time.  It looks for the table's name and aliases, and
 * determines the table to which a column name belongs.  Strings are searched
 * only if the body executes dynamic SQL.
 */

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
	const RangeVar *table;
	const char *column;			/* NULL for the table itself */
	bool		is_trigger;
	bool		has_row;		/* true if the body declares a variable of the
								 * table's row type */
	bool		names_table;	/* true if the statement, or the one that
								 * executes it, uses the table */
	int			level;			/* the level of nested strings, starting at 0 */
	List	   *own;			/* of char *: the table's name and its aliases */
	List	   *others;			/* of char *: names of other tables and their
								 * aliases */
} Statement;

/*
 * The maximum nesting level of strings that are searched for dynamic SQL.
 * Strings that are nested more deeply are ignored.
 */
#define MAX_NESTING 8

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
	"from", "using", "table", "truncate", "lock", "select", "where", "on", "set", "values", "group",
	"order", "having",
	"returning", "limit", "window", "into", "update", "then", "loop", NULL
};

/* Words that can be a table's alias only if they are quoted. */
static const char *const no_alias[] = {
	"where", "join", "left", "right", "inner", "outer", "cross", "full", "natural", "on", "using",
	"set", "order", "group",
	"having", "limit", "offset", "fetch", "for", "union", "except", "intersect", "values", "select",
	"default", "loop",
	"returning", "when", "then", "window", "tablesample", "overriding", "as", "end", "add", "drop",
	"alter", "rename", "in",
	"restart", "continue", "cascade", "restrict", "from", "with", "strict", NULL
};

static bool search(const char *source, const Statement *in);

/* Returns the text of the current token. */
static char *
token_text(const CmigLexer *lexer)
{
	int			length = lexer->next - lexer->start;
	char		mark = lexer->type == CMIG_TOKEN_QUOTED ? '"' : '\'';
	const char *quote = memchr(lexer->start, mark, length);
	int			tag = 1;

	switch (lexer->type)
	{
		case CMIG_TOKEN_WORD:
			return downcase_identifier(lexer->start, length, false, false);
		case CMIG_TOKEN_QUOTED:
		case CMIG_TOKEN_STRING:
			return quote ? unquote(quote, lexer->next - quote, mark) :
				pnstrdup(lexer->start, length);
		case CMIG_TOKEN_DOLLAR:
			while (tag < length && lexer->start[tag] != '$')
				tag++;
			tag++;
			return length >= 2 * tag ? pnstrdup(lexer->start + tag, length - 2 * tag) : pstrdup("");
		default:
			return pnstrdup(lexer->start, length);
	}
}

/* Is token number "i" a word or a quoted name? */
static bool
is_name(const Statement *statement, int i)
{
	return i >= 0 && i < statement->count &&
		(statement->tokens[i].type == CMIG_TOKEN_WORD ||
		 statement->tokens[i].type == CMIG_TOKEN_QUOTED);
}

/* Is token number "i" the word, operator, or character "text"? */
static bool
is_token(const Statement *statement, int i, const char *text)
{
	return i >= 0 && i < statement->count &&
		(statement->tokens[i].type == CMIG_TOKEN_WORD ||
		 statement->tokens[i].type == CMIG_TOKEN_OPERATOR) &&
		strcmp(statement->tokens[i].text, text) == 0;
}

/* Is token number "i" a word in this NULL-terminated list? */
static bool
is_word_in(const Statement *statement, int i, const char *const *words)
{
	for (; *words; words++)
		if (statement->tokens[i].type == CMIG_TOKEN_WORD && is_token(statement, i, *words))
			return true;
	return false;
}

/* Find the tables that the statement names, and their aliases. */
static void
find_tables(Statement *statement)
{
	const Token *tokens = statement->tokens;
	bool		lists_tables = false;	/* in a clause that lists tables? */

	for (int i = 0; i < statement->count; i++)
	{
		bool		qualified = is_token(statement, i + 1, ".") && is_name(statement, i + 2);
		int			last = qualified ? i + 2 : i;
		int			alias = is_token(statement, last + 1, "as") ? last + 2 : last + 1;
		bool		ours;
		List	  **names;

		if (is_word_in(statement, i, clauses))
			lists_tables = is_word_in(statement, i, before_tables);
		if (i == 0 || !is_name(statement, i) || is_word_in(statement, i, before_table) ||
			!(is_word_in(statement, i - 1, before_table) ||
			  (is_token(statement, i - 1, ",") && lists_tables)))
			continue;
		ours = strcmp(tokens[last].text, statement->table->relname) == 0 &&
			(!qualified || strcmp(tokens[i].text, statement->table->schemaname) == 0);
		statement->names_table |= ours;
		names = ours ? &statement->own : &statement->others;
		*names = lappend(*names, tokens[last].text);
		if (is_name(statement, alias) && !is_word_in(statement, alias, no_alias))
			*names = lappend(*names, tokens[alias].text);
		i = last;
	}
}

/* Is the name at token number "i" a reference to the column? */
static bool
is_column(const Statement *statement, int i)
{
	const char *qualifier;

	if (!is_name(statement, i) || strcmp(statement->tokens[i].text, statement->column) != 0)
		return false;
	if (is_token(statement, i - 1, "."))
	{
		qualifier = is_name(statement, i - 2) ? statement->tokens[i - 2].text : "";
		if (strcmp(qualifier, "new") == 0 || strcmp(qualifier, "old") == 0)
			return statement->is_trigger;

		/*
		 * a qualifier that is not a table can only be a variable, which may
		 * hold a row of the table
		 */
		return cmig_text_list_has(statement->own, qualifier) ||
			(!cmig_text_list_has(statement->others, qualifier) &&
			 (statement->names_table || statement->has_row));
	}

	/*
	 * the name of an output column, a variable, an argument, or a function
	 * does not refer to the column
	 */
	if (is_token(statement, i - 1, "as") || is_token(statement, i + 1, ":=") ||
		is_token(statement, i + 1, "=>"))
		return false;
	if (is_token(statement, i + 1, "(") && !cmig_text_list_has(statement->own, statement->column) &&
		!is_token(statement, i - 1, "into"))
		return false;
	return statement->names_table;
}

/*
 * Search a statement's string constants for dynamic SQL.  Returns true if the
 * concatenation of these constants uses the table or column.  A constant that
 * consists only of the table's name counts as a use of the table.
 */
static bool
search_strings(const Statement *statement)
{
	StringInfoData text;
	Statement	inner = *statement;

	initStringInfo(&text);
	inner.level++;
	for (int i = 0; i < statement->count; i++)
	{
		/* skip RAISE, whose strings are only messages */
		if (is_token(statement, i, "raise"))
			return false;
		if (statement->tokens[i].type != CMIG_TOKEN_STRING &&
			statement->tokens[i].type != CMIG_TOKEN_DOLLAR)
			continue;
		inner.names_table |= strcmp(statement->tokens[i].text, statement->table->relname) == 0;
		appendStringInfo(&text, "%s ", statement->tokens[i].text);
	}
	return text.len > 0 && inner.level <= MAX_NESTING && search(text.data, &inner);
}

/*
 * Does the source, which is the body or dynamic SQL in a statement, use the
 * table or the column that "in" names?
 */
static bool
search(const char *source, const Statement *in)
{
	Statement	all = *in;
	Token	   *tokens = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(Token) * (strlen(source) + 1));
	bool		is_dynamic = false;
	bool		found = false;
	CmigLexer	lexer;

	all.tokens = tokens;
	all.own = all.others = NIL;
	all.has_row = false;
	cmig_lexer_init(&lexer, source);
	for (all.count = 0; cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END; all.count++)
	{
		tokens[all.count].type = lexer.type;
		tokens[all.count].text = token_text(&lexer);
	}
	for (int i = 0; i < all.count; i++)
	{
		/* a type taken from the table, such as account%ROWTYPE */
		all.has_row |= is_name(&all, i) && strcmp(tokens[i].text, all.table->relname) == 0 &&
			is_token(&all, i + 1, "%");
		is_dynamic |= is_token(&all, i, "execute");
	}
	if (all.column == NULL && all.has_row)
		return true;
	for (int from = 0, to; from < all.count && !found; from = to + 1)
	{
		Statement	statement = all;

		CHECK_FOR_INTERRUPTS();
		for (to = from; to < all.count && !is_token(&all, to, ";"); to++)
			;
		statement.tokens = tokens + from;
		statement.count = to - from;
		find_tables(&statement);
		found = statement.column == NULL && statement.names_table;
		for (int i = 0; statement.column != NULL && i < statement.count && !found; i++)
			found = is_column(&statement, i);
		found |= is_dynamic && search_strings(&statement);
	}
	return found;
}

bool
cmig_lint_body_uses(const char *source, const RangeVar *table, const char *column, bool is_trigger)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig body",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Statement	body = {.table = table,.column = column,.is_trigger = is_trigger};
	bool		result = search(source, &body);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/*
 * Formats names for messages and fixes.
 */

char *
cmig_lint_text_qualified(const CmigLintTable *table)
{
	return quote_qualified_identifier(table->schema, table->name);
}

char *
cmig_lint_text_name(const CmigLintTable *table)
{
	if (table->temporary || (table->schema && strcmp(table->schema, "public") == 0))
		return pstrdup(quote_identifier(table->name));
	return cmig_lint_text_qualified(table);
}

char *
cmig_lint_text_table(const CmigLintTable *table)
{
	StringInfoData result;

	initStringInfo(&result);
	appendStringInfoString(&result, cmig_lint_text_name(table));
	if (table->bytes <= 0)
		return result.data;
	appendStringInfoString(&result, " (");
	if (table->rows >= 1e6)
		appendStringInfo(&result, "about %.1f million rows, ", table->rows / 1e6);
	else if (table->rows > 0)
		appendStringInfo(&result, "about %.0f row%s, ", table->rows, table->rows == 1 ? "" : "s");
	appendStringInfoString(&result, cmig_size_text(table->bytes));
	if (table->loaded && table->indexes != NIL)
		appendStringInfo(&result, ", %d index%s", list_length(table->indexes),
						 list_length(table->indexes) == 1 ? "" : "es");
	appendStringInfoChar(&result, ')');
	return result.data;
}

char *
cmig_lint_text_range_var(const RangeVar *name)
{
	return quote_qualified_identifier(name->schemaname, name->relname);
}
