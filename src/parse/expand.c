/*
 * expand.c
 *	  The lines "-- cmig:up" and "-- cmig:down" of upgrade scripts.
 *
 * A line assigns an expression to a column:
 *
 *	-- cmig:up person.first_name = split_part(name, ' ', 1)
 *
 * "up" computes a column of the new shape from the columns of the old one, and
 * "down" the reverse.  cmig_expand_fill() turns the "up" lines into SQL, so
 * that everything that runs, shows, or examines a script sees statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "base/errors.h"
#include "parse/parse.h"

#define SYNTAX_HINT "Write, for example: -- cmig:up person.first_name = split_part(name, ' ', 1)"

const char *
cmig_expand_match(const CmigLexer *lexer, bool *up)
{
	const char *p = lexer->start + 2;

	if (lexer->type != CMIG_TOKEN_LINE_COMMENT)
		return NULL;
	p += strspn(p, " \t");
	if (strncmp(p, "cmig:", 5) != 0)
		return NULL;
	p += 5;
	*up = strncmp(p, "up", 2) == 0;
	if (!*up && strncmp(p, "down", 4) != 0)
		return NULL;
	p += *up ? 2 : 4;
	return p >= lexer->next || *p == ' ' || *p == '\t' || *p == '\r' ? p : NULL;
}

/* Is the comment preceded only by white space on its line? */
static bool
is_alone(const CmigLexer *lexer)
{
	const char *p = lexer->start;

	while (p > lexer->text && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p == lexer->text || p[-1] == '\n' || p[-1] == '\r';
}

/*
 * Returns the only expression of a SELECT, or NULL and the parser's message in
 * *problem.
 */
static Node *
parse_expression(const char *text, const char **problem)
{
	MemoryContext caller = CurrentMemoryContext;
	Node	   *volatile result = NULL;

	*problem = NULL;
	PG_TRY();
	{
		SelectStmt *select = (SelectStmt *) cmig_raw_parse_one(psprintf("SELECT %s", text))->stmt;

		result = linitial_node(ResTarget, select->targetList)->val;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*problem = cmig_script_error_take()->message;
	}
	PG_END_TRY();
	return result;
}

/*
 * Read the name before the equals sign.  Returns a sentence about what is
 * wrong, or NULL.
 */
static const char *
read_name(CmigExpandLine *line, const char *start, const char *end)
{
	CmigLexer	lexer;
	const char *problem;
	char	   *text;
	int			parts = 0;
	Node	   *name;
	List	   *fields;

	start += strspn(start, " \t");
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	text = pnstrdup(start, end - start);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (parts++ % 2 == 0 ? lexer.type != CMIG_TOKEN_WORD && lexer.type != CMIG_TOKEN_QUOTED :
			!cmig_lexer_is_char(&lexer, '.'))
			return psprintf("\"%s\" is not the name of a column.", text);
	}
	if (parts != 3 && parts != 5)
		return "The name before the equals sign must be relation.column or schema.relation.column.";
	name = parse_expression(text, &problem);
	if (name == NULL || !IsA(name, ColumnRef))
		return psprintf("\"%s\" is not the name of a column%s.", text,
						problem ? psprintf(": %s", problem) : "");
	fields = ((ColumnRef *) name)->fields;
	line->schema = parts == 5 ? strVal(linitial(fields)) : NULL;
	line->relation = strVal(list_nth(fields, parts == 5 ? 1 : 0));
	line->column = strVal(llast(fields));
	return NULL;
}

/*
 * Read the rest of a line, which begins at "text".  Returns a sentence about
 * what is wrong, or NULL.
 */
static const char *
read_line(CmigExpandLine *line, const char *text, bool up)
{
	CmigLexer	lexer;
	const char *equals = NULL;
	const char *start = NULL;
	const char *end = NULL;
	const char *problem;
	int			depth = 0;
	char	   *expression;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		if (lexer.unterminated)
			return psprintf("The %s does not end on this line.", cmig_lexer_type_name(&lexer));
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
			continue;
		if (equals == NULL)
		{
			if (cmig_lexer_is_char(&lexer, '='))
				equals = lexer.start;
			continue;
		}
		if (start == NULL)
			start = lexer.start;
		end = lexer.next;
		depth += cmig_lexer_is_char(&lexer, '(') ? 1 : cmig_lexer_is_char(&lexer, ')') ? -1 : 0;
		if (depth < 0 || cmig_lexer_is_char(&lexer, ';'))
			return psprintf("The expression must not contain a %s.",
							depth < 0 ? "parenthesis that closes nothing" : "semicolon");
		if (depth == 0 && cmig_lexer_is_char(&lexer, ','))
			return "There is more than one expression after the equals sign.";
		if (cmig_lexer_is_char(&lexer, '$') && *lexer.next == '{')
			return "Placeholders are not replaced in the line.";
	}
	if (equals == NULL)
		return "There is no equals sign.";
	problem = read_name(line, text, equals);
	if (problem != NULL)
		return problem;
	if (start == NULL)
		return "There is no expression after the equals sign.";
	expression = pnstrdup(start, end - start);
	if (parse_expression(psprintf("(%s)", expression), &problem) == NULL)
		return psprintf("The expression is not valid: %s.", problem);
	if (up)
		line->up = expression;
	else
		line->down = expression;
	return NULL;
}

/* Raise error MG013 for a line, counted from 1 in the script. */
static void
refuse_line(const CmigRevisionText *revision, int line, bool up, const char *problem, const char *hint)
{
	int			first = revision->file_lines[0];

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 revision->file_name != NULL ?
			 errmsg("invalid line \"-- cmig:%s\" in revision %s, line %d of file \"%s\"", up ? "up" : "down",
					revision->edges.id, line + first - 1, revision->file_name) :
			 errmsg("invalid line \"-- cmig:%s\" in revision %s, line %d%s", up ? "up" : "down",
					revision->edges.id, first > 0 ? line + first - 1 : line,
					first > 0 ? "" : " of its upgrade script"),
			 errdetail("%s", problem),
			 errhint("%s", hint)));
}

bool
cmig_expand_header(const char *value, char **expand)
{
	bool		wanted = true;
	bool		strict = pg_strcasecmp(value, "strict") == 0;

	if (!strict && !parse_bool(value, &wanted))
		return false;
	*expand = strict ? "strict" : wanted ? "true" : NULL;
	return true;
}

void
cmig_expand_require_header(const CmigRevisionText *revision)
{
	List	   *lines = cmig_expand_lines(revision);
	CmigExpandLine *line;

	if (lines == NIL || revision->expand != NULL)
		return;
	line = linitial(lines);
	refuse_line(revision, line->line, line->up != NULL,
				"The revision does not have the header \"expand\".",
				"Add the line \"-- expand: true\" to the header of the file, or call cmig.create_revision(expand => true, ...)");
}

static bool
is_same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL || strcmp(a, b) == 0;
}

bool
cmig_expand_is_relation(const CmigExpandLine *line, const char *schema, const char *relation)
{
	return strcmp(line->relation, relation) == 0 && is_same_name(line->schema, schema);
}

List *
cmig_expand_lines(const CmigRevisionText *revision)
{
	CmigLexer	lexer;
	List	   *lines = NIL;
	bool		after_statement = true; /* is no statement open? */

	/* most scripts have none */
	if (strstr(revision->upgrade_sql, "cmig:up") == NULL &&
		strstr(revision->upgrade_sql, "cmig:down") == NULL)
		return NIL;
	cmig_lexer_init(&lexer, revision->upgrade_sql);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		bool		up;
		const char *text = cmig_expand_match(&lexer, &up);
		const char *problem;
		const char *hint = SYNTAX_HINT;
		CmigExpandLine *line;
		ListCell   *lc;

		if (text == NULL)
		{
			if (lexer.type != CMIG_TOKEN_LINE_COMMENT && lexer.type != CMIG_TOKEN_BLOCK_COMMENT)
				after_statement = cmig_lexer_is_char(&lexer, ';');
			continue;
		}
		line = palloc0(sizeof(CmigExpandLine));
		line->line = lexer.line;
		line->start = lexer.start - lexer.text;
		line->end = lexer.next - lexer.text;
		problem = read_line(line, pnstrdup(text, lexer.next - text), up);
		if (problem == NULL && (!is_alone(&lexer) || !after_statement))
		{
			problem = is_alone(&lexer) ? "It stands within a statement." : "Other text precedes it.";
			hint = "Put it on a line of its own, after the semicolon of the statement that it belongs to.";
		}
		foreach(lc, problem == NULL ? lines : NIL)
		{
			CmigExpandLine *other = lfirst(lc);

			if (strcmp(other->column, line->column) != 0 || (other->up == NULL) == up ||
				!cmig_expand_is_relation(other, line->schema, line->relation))
				continue;
			problem = "A line above is about the same column.";
			hint = "Keep one of the two.";
		}
		if (problem != NULL)
			refuse_line(revision, lexer.line, up, problem, hint);
		lines = lappend(lines, line);
	}
	return lines;
}
