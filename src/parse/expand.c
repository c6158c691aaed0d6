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
 * cmig_expand_whole_uses() finds what hidden columns and views would break in
 * statements of the builds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
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
		depth += (cmig_lexer_is_char(&lexer, '(') ||
				  cmig_lexer_is_char(&lexer, '[')) - (cmig_lexer_is_char(&lexer, ')') ||
													  cmig_lexer_is_char(&lexer, ']'));
		if (depth < 0 || cmig_lexer_is_char(&lexer, ';'))
			return psprintf("The expression must not contain a %s.",
							depth < 0 ? "parenthesis or bracket that closes nothing" : "semicolon");
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

void
cmig_expand_refuse_line(const CmigRevisionText *revision, int line, bool up, const char *problem,
						const char *hint)
{
	int			first = revision->file_lines[0];

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 revision->file_name != NULL ?
			 errmsg("invalid line \"-- cmig:%s\" in revision %s, line %d of file \"%s\"",
					up ? "up" : "down",
					revision->edges.id, line + first - 1, revision->file_name) :
			 errmsg("invalid line \"-- cmig:%s\" in revision %s, line %d%s", up ? "up" : "down",
					revision->edges.id, first > 0 ? line + first - 1 : line,
					first > 0 ? "" : " of its upgrade script"),
			 errdetail("%s", problem),
			 cmig_hint("%s", hint)));
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
	cmig_expand_refuse_line(revision, line->line, line->up != NULL,
							"The revision does not have the header \"expand\".",
							"Add the line \"-- expand: true\" to the header of the file, or call cmig.create_revision(expand => true, ...)");
}

bool
cmig_expand_is_relation(const CmigExpandLine *line, const char *schema, const char *relation)
{
	return strcmp(line->relation, relation) == 0 &&
		(line->schema == NULL || schema == NULL || strcmp(line->schema, schema) == 0);
}

bool
cmig_marker_may_be_in(const char *script, const char *marker)
{
	return strstr(script, marker) != NULL;
}

List *
cmig_expand_lines(const CmigRevisionText *revision)
{
	CmigLexer	lexer;
	List	   *lines = NIL;
	bool		after_statement = true; /* is no statement open? */

	/* most scripts have none */
	if (!cmig_marker_may_be_in(revision->upgrade_sql, "cmig:up") &&
		!cmig_marker_may_be_in(revision->upgrade_sql, "cmig:down"))
		return NIL;
	cmig_lexer_init(&lexer, revision->upgrade_sql);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		bool		up;
		const char *text = cmig_expand_match(&lexer, &up);
		const char *problem;
		const char *hint = SYNTAX_HINT;
		CmigExpandLine *line;

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
			problem = is_alone(&lexer) ? "It stands within a statement." :
				"Other text precedes it.";
			hint = "Put it on a line of its own, after the semicolon of the statement that it belongs to.";
		}
		foreach_ptr(CmigExpandLine, other, problem == NULL ? lines : NIL)
		{
			if (strcmp(other->column, line->column) != 0 || (other->up == NULL) == up ||
				!cmig_expand_is_relation(other, line->schema, line->relation))
				continue;
			problem = "A line above is about the same column.";
			hint = "Keep one of the two.";
		}
		if (problem != NULL)
			cmig_expand_refuse_line(revision, lexer.line, up, problem, hint);
		lines = lappend(lines, line);
	}
	return lines;
}

/* ----------------------------------------------------------------
 * Turns the "up" lines of a script into SQL.
 *
 * The line of a column whose type a statement above changes becomes the USING
 * of that change.  Any other line becomes an UPDATE where it stands; lines that
 * follow each other with no statement between them, for one table, become a
 * single UPDATE, so that all their expressions see the old values.  What the
 * ALTER TABLE statements above demand of the columns becomes a statement after
 * the UPDATE, with the drops of columns that the expressions read.  All line
 * numbers remain the same.
 * ----------------------------------------------------------------
 */

/* An action of ALTER TABLE.  Positions are offsets in the script. */
typedef struct Action
{
	const RangeVar *relation;
	AlterTableCmd *cmd;
	int			statement;		/* where the statement begins */
	int			semicolon;		/* where it ends, with its semicolon */
	int			start;
	int			end;
	int			comma;			/* the comma behind the action, or -1 */
	bool		moved;			/* does the action follow a line's UPDATE? */
} Action;

/* Text that replaces a part of the script, of which only line breaks stay. */
typedef struct Edit
{
	int			start;
	int			end;
	const char *text;
} Edit;

/* An "up" line that becomes SQL. */
typedef struct FillLine
{
	const CmigExpandLine *line;
	const Action *change;		/* the change of type whose USING it is, or
								 * NULL */
	int			statements;		/* number of statements above it */
	List	   *demands;		/* of char *: actions that follow its UPDATE */
} FillLine;

typedef struct Fill
{
	const char *sql;
	FillLine   *lines;
	int			line_count;
	List	   *actions;		/* of Action * */
	List	   *edits;			/* of Edit * */
} Fill;

static void
add_edit(Fill *fill, int start, int end, const char *text)
{
	Edit	   *edit = palloc(sizeof(Edit));

	*edit = (Edit)
	{
		start, end, text
	};
	fill->edits = lappend(fill->edits, edit);
}

/* A list_sort() comparator by position. */
static int
compare_edits(const ListCell *a, const ListCell *b)
{
	const Edit *one = lfirst(a);
	const Edit *other = lfirst(b);

	return one->start != other->start ? one->start - other->start : one->end - other->end;
}

/* Add the actions of an ALTER TABLE statement. */
static void
add_actions(Fill *fill, const CmigStatement *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement->raw->stmt;
	const char *text = statement->text;
	int			length = strlen(text);
	CmigLexer	lexer;
	List	   *actions = NIL;
	int			depth = 0;
	Action	   *action = NULL;
	ListCell   *lc;

	cmig_lexer_init(&lexer, text);
	cmig_lexer_move(&lexer, text + stmt->relation->location, 1);
	do
	{
		cmig_lexer_next_sql(&lexer);
		cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, '.'));
	while (cmig_lexer_is_char(&lexer, '*') || cmig_lexer_is_char(&lexer, ')'))
		cmig_lexer_next_sql(&lexer);

	for (; lexer.type != CMIG_TOKEN_END; cmig_lexer_next_sql(&lexer))
	{
		if (action == NULL)
		{
			action = palloc0(sizeof(Action));
			action->relation = stmt->relation;
			action->statement = statement->offset;
			action->semicolon = statement->offset + length +
				(fill->sql[statement->offset + length] == ';');
			action->start = statement->offset + (lexer.start - text);
			action->comma = -1;
			actions = lappend(actions, action);
		}
		if (depth == 0 && cmig_lexer_is_char(&lexer, ','))
		{
			action->comma = statement->offset + (lexer.start - text);
			action = NULL;
			continue;
		}
		depth += cmig_lexer_is_char(&lexer, '(') || cmig_lexer_is_char(&lexer, '[') ? 1 :
			cmig_lexer_is_char(&lexer, ')') || cmig_lexer_is_char(&lexer, ']') ? -1 : 0;
		action->end = statement->offset + (lexer.next - text);
	}
	if (list_length(actions) != list_length(stmt->cmds))
		return;
	foreach(lc, actions)
		((Action *) lfirst(lc))->cmd = list_nth_node(AlterTableCmd, stmt->cmds,
													 foreach_current_index(lc));
	fill->actions = list_concat(fill->actions, actions);
}

/* Is the line about this column of the action's table? */
static bool
is_about(const FillLine *line, const Action *action, const char *column)
{
	return strcmp(line->line->column, column) == 0 &&
		cmig_expand_is_relation(line->line, action->relation->schemaname,
								action->relation->relname);
}

/*
 * Returns the last line below the action that fills one of the columns, or
 * NULL if there is none.
 */
static FillLine *
find_filling(const Fill *fill, const Action *action, const List *columns)
{
	for (int i = fill->line_count - 1; i >= 0 && fill->lines[i].line->start > action->start; i--)
	{
		ListCell   *lc;

		foreach(lc, columns)
		{
			if (fill->lines[i].change == NULL && is_about(&fill->lines[i], action, lfirst(lc)))
				return &fill->lines[i];
		}
	}
	return NULL;
}

/* A walker that collects the names of columns. */
static bool
collect_columns(Node *node, void *columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		*(List **) columns = lappend(*(List **) columns,
									 strVal(llast(((ColumnRef *) node)->fields)));
	return raw_expression_tree_walker(node, collect_columns, columns);
}

/*
 * Returns the last line below the action whose expression reads the column, or
 * NULL if there is none.
 */
static FillLine *
find_reading(const Fill *fill, const Action *action, const char *column)
{
	for (int i = fill->line_count - 1; i >= 0 && fill->lines[i].line->start > action->start; i--)
	{
		FillLine   *line = &fill->lines[i];
		List	   *columns = NIL;
		const char *problem;

		if (line->change != NULL ||
			!cmig_expand_is_relation(line->line, action->relation->schemaname,
									 action->relation->relname))
			continue;
		(void) collect_columns(parse_expression(line->line->up, &problem), &columns);
		if (cmig_text_list_has(columns, column))
			return line;
	}
	return NULL;
}

/*
 * Returns a column's constraint as an action of ALTER TABLE.  "text" is the
 * constraint as it was written.
 */
static char *
demand_text(const Constraint *constraint, const char *column, const char *text)
{
	CmigLexer	lexer;
	int			split;

	column = quote_identifier(column);
	if (constraint->contype == CONSTR_NOTNULL)
		return psprintf("ALTER COLUMN %s SET NOT NULL", column);
	if (constraint->contype == CONSTR_CHECK)
		return psprintf("ADD %s", text);

	/* a key: insert the column where a constraint of a table names it */
	cmig_lexer_init(&lexer, text);
	cmig_lexer_next_sql(&lexer);
	if (constraint->conname != NULL)
		for (int i = 0; i < 2; i++)
			cmig_lexer_next_sql(&lexer);
	split = lexer.start - text;
	if (constraint->contype == CONSTR_FOREIGN)
		return psprintf("ADD %.*sFOREIGN KEY (%s) %s", split, text, column, text + split);
	if (constraint->contype == CONSTR_PRIMARY)
		cmig_lexer_next_sql(&lexer);
	split = lexer.next - text;
	cmig_lexer_next_sql(&lexer);
	if (cmig_lexer_is_word(&lexer, "nulls"))
	{
		while (!cmig_lexer_is_word(&lexer, "distinct") && lexer.type != CMIG_TOKEN_END)
			cmig_lexer_next_sql(&lexer);
		split = lexer.next - text;
	}
	return psprintf("ADD %.*s (%s)%s", split, text, column, text + split);
}

/* Move the constraints of a new column behind the line that fills it. */
static void
move_constraints(Fill *fill, const Action *action)
{
	const ColumnDef *column = (const ColumnDef *) action->cmd->def;
	FillLine   *line = find_filling(fill, action, list_make1(column->colname));

	foreach_node(Constraint, constraint, line == NULL ? NIL : column->constraints)
	{
		int			start = action->statement + constraint->location;
		int			end = action->end;
		CmigLexer	lexer;
		int			last = start;

		if (constraint->contype != CONSTR_NOTNULL && constraint->contype != CONSTR_CHECK &&
			constraint->contype != CONSTR_PRIMARY && constraint->contype != CONSTR_UNIQUE &&
			constraint->contype != CONSTR_FOREIGN)
			continue;

		/* it ends where the next one begins; DEFERRABLE is a part of it */
		foreach_node(Constraint, next, column->constraints)
		{
			int			at = action->statement + next->location;

			if (at > start && next->contype < CONSTR_ATTR_DEFERRABLE)
				end = Min(end, at);
		}
		if (column->collClause != NULL && action->statement + column->collClause->location > start)
			end = Min(end, action->statement + column->collClause->location);
		cmig_lexer_init(&lexer, pnstrdup(fill->sql + start, end - start));
		while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
			last = start + (lexer.next - lexer.text);
		line->demands = lappend(line->demands,
								demand_text(constraint, column->colname,
											pnstrdup(fill->sql + start, last - start)));
		add_edit(fill, start, last, "");
	}
}

/* Returns the columns of which the action demands something. */
static List *
demanded_columns(const AlterTableCmd *cmd)
{
	const Constraint *constraint = (const Constraint *) cmd->def;
	List	   *columns = NIL;
	List	   *keys;
	ListCell   *lc;

	if (cmd->subtype == AT_SetNotNull)
		return list_make1(cmd->name);
	if (cmd->subtype != AT_AddConstraint || constraint->skip_validation ||
		constraint->indexname != NULL)
		return NIL;
	(void) collect_columns(constraint->raw_expr, &columns);
	keys = constraint->contype == CONSTR_FOREIGN ? constraint->fk_attrs : constraint->keys;
	foreach(lc, keys)
		columns = lappend(columns, strVal(lfirst(lc)));
	foreach(lc, constraint->exclusions)
	{
		const IndexElem *element = linitial_node(IndexElem, (List *) lfirst(lc));

		if (element->name != NULL)
			columns = lappend(columns, element->name);
		(void) collect_columns(element->expr, &columns);
	}
	return columns;
}

/*
 * Move what the statements demand of filled columns behind the lines, and the
 * drops of columns that the lines read.
 */
static void
move_demands(Fill *fill)
{
	ListCell   *lc;

	foreach_ptr(Action, action, fill->actions)
	{
		FillLine   *line;

		if (action->cmd->subtype == AT_AddColumn)
			move_constraints(fill, action);
		line = action->cmd->subtype == AT_DropColumn ?
			find_reading(fill, action, action->cmd->name) :
			find_filling(fill, action, demanded_columns(action->cmd));
		if (line == NULL)
			continue;
		action->moved = true;
		line->demands = lappend(line->demands,
								pnstrdup(fill->sql + action->start, action->end - action->start));
	}

	/* leave no statement without an action, and a comma between those left */
	foreach(lc, fill->actions)
	{
		const Action *first = lfirst(lc);
		bool		any_left = false;
		ListCell   *other;

		if (lc != list_head(fill->actions) &&
			((Action *) lfirst(list_nth_cell(fill->actions,
											 foreach_current_index(lc) - 1)))->statement == first->statement)
			continue;
		for_each_cell(other, fill->actions, lc)
		{
			const Action *action = lfirst(other);
			const Action *next = lnext(fill->actions, other) ? lfirst(lnext(fill->actions, other)) :
			NULL;

			if (action->statement != first->statement)
				break;
			any_left |= !action->moved;
			if (action->moved)
				add_edit(fill, action->start, action->end, "");
			if (action->comma >= 0 && (!any_left || next->moved))
				add_edit(fill, action->comma, action->comma + 1, "");
		}
		if (!any_left)
			add_edit(fill, first->statement, first->semicolon, "");
	}
}

/* Read the statements, as far as the script can be parsed. */
static void
read_actions(Fill *fill)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigScriptReader *script = cmig_script_open(fill->sql);
	CmigStatement statement = {0};

	PG_TRY();
	{
		while (cmig_script_next(script, &statement))
		{
			for (int i = 0; i < fill->line_count; i++)
				fill->lines[i].statements += fill->lines[i].line->start > statement.offset;
			if (IsA(statement.raw->stmt, AlterTableStmt))
				add_actions(fill, &statement);
		}
	}
	PG_CATCH();
	{
		/* the run will report it, with its position */
		MemoryContextSwitchTo(caller);
		(void) cmig_script_error_take();
	}
	PG_END_TRY();
	cmig_script_close(script);
}

/*
 * Find the changes of type whose USING the lines are.  Raises error MG013 if
 * such a change has a USING that was not generated, and if a line could be about
 * several tables with the same name.
 */
static void
find_changes(Fill *fill, const CmigRevisionText *revision, bool generated)
{
	for (int i = 0; i < fill->line_count; i++)
	{
		FillLine   *line = &fill->lines[i];
		const RangeVar *table = NULL;

		foreach_ptr(const Action, action, fill->actions)
		{
			const ColumnDef *column = (const ColumnDef *) action->cmd->def;
			bool		adds = action->cmd->subtype == AT_AddColumn;

			if (action->start > line->line->start)
				break;
			if ((!adds && action->cmd->subtype != AT_AlterColumnType) ||
				!is_about(line, action, adds ? column->colname : action->cmd->name))
				continue;
			if (table != NULL && !cmig_text_same(table->schemaname, action->relation->schemaname))
				cmig_expand_refuse_line(revision, line->line->line, true,
										"There are several tables with this name.",
										"Write the schema in the line, and in the statements that it belongs to.");
			table = action->relation;
			line->change = adds ? NULL : action;
		}
		if (!generated && line->change != NULL &&
			((const ColumnDef *) line->change->cmd->def)->raw_default != NULL)
			cmig_expand_refuse_line(revision, line->line->line, true,
									"The change of the column's type has a USING.",
									"Keep one of the two.");
	}
}

/* Give a change of type this USING, in place of the one that it may have. */
static void
add_using(Fill *fill, const Action *action, const char *expression)
{
	CmigLexer	lexer;
	int			start = action->end;

	cmig_lexer_init(&lexer, pnstrdup(fill->sql + action->start, action->end - action->start));
	while (((const ColumnDef *) action->cmd->def)->raw_default != NULL &&
		   cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END && !cmig_lexer_is_word(&lexer, "using"))
		;
	if (lexer.type != CMIG_TOKEN_END)
		start = action->start + (lexer.start - lexer.text);
	add_edit(fill, start, action->end, psprintf(" USING (%s)", expression));
}

/* Turn the lines into SQL. */
static void
write_lines(Fill *fill)
{
	for (int i = 0; i < fill->line_count; i++)
	{
		const CmigExpandLine *line = fill->lines[i].line;
		char	   *table = quote_qualified_identifier(line->schema, line->relation);
		StringInfoData text;
		List	   *demands = NIL;
		ListCell   *lc;

		if (fill->lines[i].change != NULL)
		{
			add_using(fill, fill->lines[i].change, line->up);
			continue;
		}
		initStringInfo(&text);
		appendStringInfo(&text, "UPDATE %s SET %s = (%s)", table, quote_identifier(line->column),
						 line->up);
		demands = fill->lines[i].demands;

		for (; i + 1 < fill->line_count && fill->lines[i + 1].change == NULL &&
			 fill->lines[i + 1].statements == fill->lines[i].statements &&
			 cmig_expand_is_relation(line, fill->lines[i + 1].line->schema,
									 fill->lines[i + 1].line->relation); i++)
		{
			add_edit(fill, fill->lines[i].line->start, fill->lines[i].line->end, text.data);
			initStringInfo(&text);
			appendStringInfo(&text, ", %s = (%s)",
							 quote_identifier(fill->lines[i + 1].line->column),
							 fill->lines[i + 1].line->up);
			demands = list_concat(demands, fill->lines[i + 1].demands);
		}
		foreach(lc, demands)
			appendStringInfo(&text, "%s %s",
							 foreach_current_index(lc) ? "," : psprintf("; ALTER TABLE %s", table),
							 (char *) lfirst(lc));
		appendStringInfoChar(&text, ';');
		add_edit(fill, fill->lines[i].line->start, fill->lines[i].line->end, text.data);
	}
}

const char *
cmig_expand_fill(const char *sql, const char *revision, bool generated)
{
	CmigRevisionText text = {.edges.id = unconstify(char *,
													revision),.upgrade_sql = unconstify(char *, sql)};
	Fill		fill = {.sql = sql};
	List	   *lines = cmig_expand_lines(&text);
	StringInfoData result;
	int			at = 0;
	ListCell   *lc;

	fill.lines = palloc0(sizeof(FillLine) * (list_length(lines) + 1));
	foreach(lc, lines)
	{
		if (((CmigExpandLine *) lfirst(lc))->up != NULL)
			fill.lines[fill.line_count++].line = lfirst(lc);
	}
	if (fill.line_count == 0)
		return sql;
	read_actions(&fill);
	find_changes(&fill, &text, generated);
	move_demands(&fill);
	write_lines(&fill);

	list_sort(fill.edits, compare_edits);
	initStringInfo(&result);
	foreach_ptr(const Edit, edit, fill.edits)
	{
		if (edit->start < at)
			continue;			/* within a statement that is left out */
		appendBinaryStringInfo(&result, sql + at, edit->start - at);
		appendStringInfoString(&result, edit->text);
		for (at = edit->start; at < edit->end; at++)
			if (sql[at] == '\n')
				appendStringInfoChar(&result, '\n');
	}
	appendStringInfoString(&result, sql + at);
	return result.data;
}

bool
cmig_expand_is_filling(const char *sql, const CmigStatement *statement)
{
	CmigLexer	lexer;
	bool		up;

	if (!IsA(statement->raw->stmt, UpdateStmt) || !cmig_marker_may_be_in(sql, "cmig:up"))
		return false;
	for (int line = 1; line < statement->line; line++)
	{
		sql = strchr(sql, '\n');
		if (sql == NULL)
			return false;
		sql++;
	}
	cmig_lexer_init(&lexer, pnstrdup(sql, strcspn(sql, "\n")));
	(void) cmig_lexer_next(&lexer);
	return cmig_expand_match(&lexer, &up) != NULL && up;
}

const ColumnDef *
cmig_expand_unfilled(const RawStmt *raw, List **created)
{
	const AlterTableStmt *stmt = (const AlterTableStmt *) raw->stmt;

	if (IsA(raw->stmt, CreateStmt))
		*created = lappend(*created, pstrdup(((CreateStmt *) raw->stmt)->relation->relname));
	if (!IsA(stmt, AlterTableStmt) || cmig_text_list_has(*created, stmt->relation->relname))
		return NULL;
	foreach_node(AlterTableCmd, cmd, stmt->cmds)
	{
		const ColumnDef *column = (const ColumnDef *) cmd->def;
		bool		demanding = false;
		bool		filled = false;

		if (cmd->subtype != AT_AddColumn)
			continue;
		foreach_node(Constraint, constraint, column->constraints)
		{
			demanding |= constraint->contype == CONSTR_NOTNULL ||
				constraint->contype == CONSTR_PRIMARY;
			filled |= constraint->contype == CONSTR_DEFAULT ||
				constraint->contype == CONSTR_IDENTITY ||
				constraint->contype == CONSTR_GENERATED;
		}
		filled |= column->typeName->names != NIL &&
			strstr(strVal(llast(column->typeName->names)), "serial") != NULL;
		if (demanding && !filled)
			return column;
	}
	return NULL;
}

void
cmig_expand_require_up(const RawStmt *raw, List **created)
{
	const ColumnDef *column = cmig_expand_unfilled(raw, created);
	const RangeVar *table = column == NULL ? NULL : ((const AlterTableStmt *) raw->stmt)->relation;

	if (column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("column \"%s\" of table \"%s\" must not be null, but nothing fills it",
						column->colname, table->relname),
				 errdetail("The revision has the header \"expand\", so the table may have rows that an older build writes. Nothing has been run."),
				 errhint("Add a line after the statement: -- cmig:up %s.%s = <expression>",
						 quote_qualified_identifier(table->schemaname, table->relname),
						 quote_identifier(column->colname))));
}

/* ----------------------------------------------------------------
 * Statements of the builds
 * ----------------------------------------------------------------
 */

/* A search in one statement. */
typedef struct WholeUses
{
	List	   *found;			/* of CmigWholeUse * */
	List	   *ctes;			/* of CommonTableExpr * */
	List	   *followed;		/* of Node *: queries */
	const List *from;			/* what the current list of results reads */
	const char *how;			/* what find_in_item() looks for, or NULL */
} WholeUses;

static void find_results(Node *stmt, WholeUses *uses);

static void
add_use(WholeUses *uses, const RangeVar *relation, const char *how, bool all_columns)
{
	CmigWholeUse *use = palloc(sizeof(CmigWholeUse));

	use->relation = relation;
	use->how = how;
	use->all_columns = all_columns;
	uses->found = lappend(uses->found, use);
}

/*
 * An item of FROM of which all columns are read, or that is used as "how" says,
 * if it has the name, or any.
 */
static void
find_in_item(Node *item, const char *name, WholeUses *uses)
{
	if (IsA(item, RangeTableSample))
		item = ((RangeTableSample *) item)->relation;
	if (IsA(item, JoinExpr))
	{
		find_in_item(((JoinExpr *) item)->larg, name, uses);
		find_in_item(((JoinExpr *) item)->rarg, name, uses);
	}
	else if (IsA(item, RangeSubselect))
	{
		const Alias *alias = ((RangeSubselect *) item)->alias;

		if (uses->how == NULL &&
			(name == NULL || (alias != NULL && strcmp(alias->aliasname, name) == 0)))
			find_results(((RangeSubselect *) item)->subquery, uses);
	}
	else if (IsA(item, RangeVar))
	{
		const RangeVar *relation = (RangeVar *) item;
		ListCell   *cell;

		if (name != NULL &&
			strcmp(relation->alias ? relation->alias->aliasname : relation->relname, name) != 0)
			return;
		foreach(cell, relation->schemaname == NULL ? uses->ctes : NIL)
		{
			if (strcmp(lfirst_node(CommonTableExpr, cell)->ctename, relation->relname) == 0)
			{
				if (uses->how == NULL)
					find_results(lfirst_node(CommonTableExpr, cell)->ctequery, uses);
				return;
			}
		}
		add_use(uses, relation, uses->how ? uses->how : "reads all columns of", uses->how == NULL);
	}
}

/* A tree walker: results of a query that stand for all columns of a relation. */
static bool
find_star(Node *node, void *context)
{
	WholeUses  *uses = context;

	if (node == NULL || IsA(node, SelectStmt) || IsA(node, SubLink))
		return false;
	if (IsA(node, ColumnRef))
	{
		const List *fields = ((ColumnRef *) node)->fields;
		bool		star = IsA(llast(fields), A_Star);
		const char *name = NULL;
		ListCell   *cell;

		/* a lone name can be that of a whole row */
		if (list_length(fields) > (star ? 1 : 0))
			name = strVal(list_nth(fields, list_length(fields) - (star ? 2 : 1)));
		foreach(cell, star || list_length(fields) == 1 ? uses->from : NIL)
			find_in_item(lfirst(cell), name, uses);
		return false;
	}
	return raw_expression_tree_walker(node, find_star, context);
}

/* What the statement reads, and what it writes. */
static List *
from_of(const Node *stmt)
{
	return IsA(stmt, SelectStmt) ? ((SelectStmt *) stmt)->fromClause : IsA(stmt, InsertStmt) ?
		list_make1(((InsertStmt *) stmt)->relation) :
		IsA(stmt, UpdateStmt) ?
		lcons(((UpdateStmt *) stmt)->relation, list_copy(((UpdateStmt *) stmt)->fromClause)) :
		IsA(stmt, DeleteStmt) ?
		lcons(((DeleteStmt *) stmt)->relation, list_copy(((DeleteStmt *) stmt)->usingClause)) :
		NIL;
}

/* The queries that a statement can name, its own before those around it. */
static List *
with_ctes(const Node *stmt, List *around)
{
	const WithClause *with = IsA(stmt, SelectStmt) ? ((SelectStmt *) stmt)->withClause :
	IsA(stmt, InsertStmt) ? ((InsertStmt *) stmt)->withClause : IsA(stmt, UpdateStmt) ?
	((UpdateStmt *) stmt)->withClause :
	IsA(stmt, DeleteStmt) ? ((DeleteStmt *) stmt)->withClause : NULL;

	return with ? list_concat_copy(with->ctes, around) : around;
}

/* The results of a query, which depend on the number of columns it reads. */
static void
find_results(Node *stmt, WholeUses *uses)
{
	List	   *ctes = uses->ctes;

	check_stack_depth();
	/* a recursive query refers to itself, and others can be named often */
	if (list_member_ptr(uses->followed, stmt))
		return;
	uses->followed = lappend(uses->followed, stmt);
	uses->ctes = with_ctes(stmt, ctes);
	if (IsA(stmt, SelectStmt) && ((SelectStmt *) stmt)->op != SETOP_NONE)
	{
		find_results((Node *) ((SelectStmt *) stmt)->larg, uses);
		find_results((Node *) ((SelectStmt *) stmt)->rarg, uses);
	}
	else if (IsA(stmt, InsertStmt) && ((InsertStmt *) stmt)->selectStmt != NULL)
		find_results(((InsertStmt *) stmt)->selectStmt, uses);
	uses->from = from_of(stmt);
	(void) find_star(IsA(stmt, SelectStmt) ? (Node *) ((SelectStmt *) stmt)->targetList :
					 IsA(stmt, InsertStmt) ? (Node *) cmig_returning_compat((InsertStmt *) stmt) :
					 IsA(stmt, UpdateStmt) ? (Node *) cmig_returning_compat((UpdateStmt *) stmt) :
					 IsA(stmt, DeleteStmt) ? (Node *) cmig_returning_compat((DeleteStmt *) stmt) :
					 NULL, uses);
	uses->ctes = ctes;
}

/* What a column of this name belongs to is used as "how" says. */
static void
find_owner(const ColumnRef *column, const char *how, WholeUses *uses)
{
	int			count = list_length(column->fields);
	ListCell   *cell;

	uses->how = how;
	foreach(cell, unconstify(List *, uses->from))
		find_in_item(lfirst(cell), count > 1 ? strVal(list_nth(column->fields, count - 2)) : NULL,
					 uses);
	uses->how = NULL;
}

/* Columns that are neither grouped nor aggregated follow from a primary key. */
static void
find_ungrouped(const SelectStmt *select, WholeUses *uses)
{
	ListCell   *r;

	foreach(r, select->groupClause ? select->targetList : NIL)
	{
		const ResTarget *result = lfirst_node(ResTarget, r);
		bool		grouped = !IsA(result->val, ColumnRef);

		foreach_ptr(const Node, by, select->groupClause)
		{
			if (IsA(by, ColumnRef) && !grouped)
				grouped = equal(llast(((ColumnRef *) by)->fields),
								llast(((ColumnRef *) result->val)->fields)) ||
					(result->name != NULL &&
					 strcmp(result->name, strVal(llast(((ColumnRef *) by)->fields))) == 0);
			else
				grouped |= IsA(by, GroupingSet) ||
					(IsA(by, A_Const) && IsA(&((A_Const *) by)->val, Integer) &&
					 intVal(&((A_Const *) by)->val) == foreach_current_index(r) + 1);
		}
		if (!grouped)
			find_owner((ColumnRef *) result->val,
					   "has GROUP BY of a primary key, which a view does not have, for", uses);
	}
}

/*
 * A tree walker: what a view does not take, and subqueries that have as many
 * columns as the statement expects, in any part of it.
 */
static bool
find_elsewhere(Node *node, void *context)
{
	static const char *const system_columns[] = {"ctid", "xmin", "xmax", "cmin", "cmax",
	"tableoid"};
	WholeUses  *uses = context;
	const List *from = uses->from;
	List	   *ctes = uses->ctes;

	if (node == NULL)
		return false;
	if (IsA(node, InsertStmt) && ((InsertStmt *) node)->onConflictClause != NULL &&
		((InsertStmt *) node)->onConflictClause->infer != NULL &&
		((InsertStmt *) node)->onConflictClause->infer->conname != NULL)
		add_use(context, ((InsertStmt *) node)->relation,
				"has ON CONFLICT ON CONSTRAINT, which a view does not take, for", false);
	if (IsA(node, SelectStmt) || IsA(node, InsertStmt) || IsA(node, UpdateStmt) ||
		IsA(node, DeleteStmt))
	{
		const Node *where = IsA(node, UpdateStmt) ? ((UpdateStmt *) node)->whereClause :
		IsA(node, DeleteStmt) ? ((DeleteStmt *) node)->whereClause : NULL;

		uses->ctes = with_ctes(node, ctes);
		uses->from = from_of(node);
		if (IsA(node, SelectStmt))
			find_ungrouped((SelectStmt *) node, uses);
		if (where != NULL && IsA(where, CurrentOfExpr))
			add_use(uses, linitial(uses->from),
					"has WHERE CURRENT OF, which a view does not take, for", false);
		(void) raw_expression_tree_walker(node, find_elsewhere, context);
		uses->from = from;
		uses->ctes = ctes;
		return false;
	}
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType != EXISTS_SUBLINK)
		find_results(((SubLink *) node)->subselect, uses);
	uses->from = from;
	if (IsA(node, RangeTableSample) && IsA(((RangeTableSample *) node)->relation, RangeVar))
		add_use(uses, (RangeVar *) ((RangeTableSample *) node)->relation,
				"has TABLESAMPLE, which a view does not take, for", false);
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		for (int i = 0; i < lengthof(system_columns); i++)
			if (strcmp(strVal(llast(((ColumnRef *) node)->fields)), system_columns[i]) == 0)
				find_owner((ColumnRef *) node,
						   psprintf("reads %s, which a view does not have, of", system_columns[i]),
						   uses);
	if (IsA(node, MergeStmt) && !CMIG_VIEWS_TAKE_MERGE_COMPAT)
		add_use(context, ((MergeStmt *) node)->relation,
				"has MERGE, which a view does not take, for", false);
	else if (IsA(node, FuncCall) &&
			 strcmp(strVal(llast(((FuncCall *) node)->funcname)), "pg_get_serial_sequence") == 0)
		add_use(context, NULL, "has pg_get_serial_sequence, which finds no sequence of a view",
				false);
	return raw_expression_tree_walker(node, find_elsewhere, context);
}

List *
cmig_expand_whole_uses(const RawStmt *raw)
{
	WholeUses	uses = {0};
	Node	   *stmt = raw->stmt;
	ListCell   *cell;

	if (IsA(stmt, TruncateStmt))
		foreach(cell, ((TruncateStmt *) stmt)->relations)
			add_use(&uses, lfirst(cell), "has TRUNCATE, which a view does not take, for", false);
	if (IsA(stmt, CopyStmt))
	{
		const CopyStmt *copy = (CopyStmt *) stmt;

		if (copy->relation != NULL && copy->attlist == NIL)
			add_use(&uses, copy->relation, "has COPY without a list of columns for", true);
		else if (copy->relation != NULL && copy->is_from)
			add_use(&uses, copy->relation, "has COPY FROM, which a view does not take, for", false);
	}
	if (cmig_statement_query(stmt) != NULL)
		stmt = cmig_statement_query(stmt);
	if (cmig_statement_flags(stmt) & CMIG_STATEMENT_QUERY)
	{
		find_results(stmt, &uses);
		(void) find_elsewhere(stmt, &uses);
	}
	return uses.found;
}
