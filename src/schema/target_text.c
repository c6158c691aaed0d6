/*
 * target_text.c
 *	  The text of a target.
 *
 * A target's SQL may have been written for psql, and may have comments that
 * give objects' former names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "parser/scansup.h"
#include "utils/builtins.h"

#include "schema/internal.h"

/*
 * psql commands that do not affect the schema.  The first SILENT ones are
 * written by pg_dump, and are removed without a message.  A trailing * matches
 * the rest of any name.
 */
static const char *const harmless[] = {
	"restrict", "unrestrict",
	".", "a", "c", "cd", "conninfo", "connect", "copy", "d*", "echo", "encoding",
	"errverbose", "f", "h", "help", "l", "o", "out", "p", "password", "prompt", "pset",
	"qecho", "r", "sf", "sf+", "sv", "sv+", "set", "t", "T", "timing", "unset", "warn",
	"x", "z"
};

#define SILENT 2

/* A comment "@renamed from=old_name". */
typedef struct Comment
{
	char	   *from;			/* one name, without quotes */
	char	   *schema;			/* what precedes it, or NULL */
	int			anchor;			/* offset of the token next to the comment */
	bool		before;			/* true if the comment is on a separate line
								 * before its object; false if it follows its
								 * object */
} Comment;

/* State used while reading the target's SQL. */
typedef struct Reading
{
	CmigTargetText *text;
	CmigLexer	lexer;
	bool		at_start;		/* true if the position is at the start of a
								 * statement */
	int			parens;
	const char *last;			/* the last token that is not a comment, or
								 * NULL */
} Reading;

static const char *
end_of_line(const char *p)
{
	return p + strcspn(p, "\n");
}

/*
 * Blank out the SQL from the current token to "to", except for line breaks, and
 * continue reading there.
 */
static void
leave_out(Reading *reading, const char *to, bool silently)
{
	CmigLexer  *lexer = &reading->lexer;
	char	   *sql = reading->text->sql + (lexer->start - lexer->text);
	int			line = lexer->line;

	if (!silently && reading->text->first_line == 0)
		reading->text->first_line = line;
	for (const char *p = lexer->start; p < to; p++, sql++)
	{
		if (*sql != '\n' && *sql != '\r')
			*sql = ' ';
		line += *p == '\n';
	}
	cmig_lexer_move(lexer, to, line);
	reading->at_start = true;
	reading->parens = 0;
}

/*
 * Remove the psql command at the current token, up to the end of its line.
 * Returns false if the command must stay, because it could affect the schema.
 */
static bool
leave_out_command(Reading *reading)
{
	const char *name = reading->lexer.next;
	int			length = strcspn(name, " \t\r\n\f;\\");

	for (int i = 0; i < lengthof(harmless); i++)
	{
		int			known = strcspn(harmless[i], "*");

		if ((harmless[i][known] == '*' ? length < known : length != known) ||
			strncmp(harmless[i], name, known) != 0)
			continue;
		reading->text->commands += i >= SILENT;
		leave_out(reading, end_of_line(reading->lexer.start), i < SILENT);
		return true;
	}
	return false;
}

/*
 * If the current COPY statement is COPY ... FROM STDIN, remove the statement
 * and its data.  Otherwise, return false.
 */
static bool
leave_out_copy(Reading *reading)
{
	CmigLexer	ahead = reading->lexer;
	bool		after_from = false;
	bool		from_client = false;
	const char *p;

	while (cmig_lexer_next_sql(&ahead) != CMIG_TOKEN_END && !cmig_lexer_is_char(&ahead, ';'))
	{
		from_client |= after_from && cmig_lexer_is_word(&ahead, "stdin");
		after_from = cmig_lexer_is_word(&ahead, "from");
	}
	if (!from_client)
		return false;
	for (p = end_of_line(ahead.next); *p != '\0'; p = end_of_line(p + 1))
		if (p[1] == '\\' && p[2] == '.' && strchr("\r\n", p[3]) != NULL)
		{
			p += 3;
			break;
		}
	reading->text->copies++;
	leave_out(reading, p, false);
	return true;
}

/* Returns the name that a token is, without quotes, or NULL. */
static char *
name_of(const CmigLexer *token)
{
	char	   *result,
			   *to;

	if (token->type == CMIG_TOKEN_WORD)
		return downcase_truncate_identifier(token->start, token->next - token->start, false);
	if (token->type != CMIG_TOKEN_QUOTED || *token->start != '"' || token->unterminated)
		return NULL;
	to = result = palloc(token->next - token->start);
	for (const char *q = token->start + 1; q < token->next - 1; q++)
	{
		*to++ = *q;
		if (*q == '"')
			q++;
	}
	*to = '\0';
	return result;
}

/*
 * Returns the name after "@renamed from=" in a comment, or NULL.  Sets *schema
 * to what precedes the last part of a qualified name.
 */
static char *
old_name(const char *comment, char **schema)
{
	const char *p = comment + 2;	/* both kinds of comments begin with two
									 * characters */
	CmigLexer	name;

	*schema = NULL;
	p += strspn(p, " \t\r\n\f\v");
	if (strncmp(p, "@rename", 7) != 0)
		return NULL;
	p += p[7] == 'd' ? 8 : 7;
	p += strspn(p, " \t\r\n\f\v");
	if (strncmp(p, "from", 4) != 0)
		return NULL;
	p += 4;
	p += strspn(p, " \t\r\n\f\v");
	if (*p != '=')
		return NULL;

	cmig_lexer_init(&name, p + 1);
	cmig_lexer_next_sql(&name);
	for (;;)
	{
		CmigLexer	part = name;

		cmig_lexer_next_sql(&name);
		if (!cmig_lexer_is_char(&name, '.'))
			return name_of(&part);
		*schema = name_of(&part);
		cmig_lexer_next_sql(&name);
	}
}

/* Record a comment that gives a former name. */
static void
read_comment(Reading *reading)
{
	CmigLexer  *lexer = &reading->lexer;
	char	   *schema,
			   *from = old_name(pnstrdup(lexer->start, lexer->next - lexer->start), &schema);
	const char *p = lexer->start;
	Comment    *comment;

	if (from == NULL)
		return;
	while (p > lexer->text && strchr(" \t\r\f\v", p[-1]) != NULL)
		p--;
	comment = palloc(sizeof(Comment));
	comment->from = from;
	comment->schema = schema;
	comment->before = reading->last == NULL || p == lexer->text || p[-1] == '\n';
	comment->anchor = comment->before ? -1 : reading->last - lexer->text;
	reading->text->comments = lappend(reading->text->comments, comment);
}

CmigTargetText *
cmig_target_text_read(const char *sql)
{
	Reading		reading = {.at_start = true};
	CmigLexer  *lexer = &reading.lexer;
	CmigTargetText *text = palloc0(sizeof(CmigTargetText));
	const char *line_end;

	/*
	 * A copy of the text without a byte order mark at its start.  If the
	 * first line ends with CRLF, every CRLF becomes LF, as in a revision
	 * file.
	 */
	text->sql = pstrdup(strncmp(sql, "\xEF\xBB\xBF", 3) == 0 ? sql + 3 : sql);
	line_end = strchr(text->sql, '\n');
	if (line_end != NULL && line_end > text->sql && line_end[-1] == '\r')
		cmig_section_text_drop_carriage_returns(text->sql);
	reading.text = text;
	cmig_lexer_init(lexer, pstrdup(text->sql));
	while (cmig_lexer_next(lexer) != CMIG_TOKEN_END)
	{
		if (lexer->type == CMIG_TOKEN_LINE_COMMENT || lexer->type == CMIG_TOKEN_BLOCK_COMMENT)
		{
			read_comment(&reading);
			continue;
		}
		if (reading.at_start && cmig_lexer_is_char(lexer, '\\') && leave_out_command(&reading))
			continue;
		if (reading.at_start && cmig_lexer_is_word(lexer, "copy") && leave_out_copy(&reading))
			continue;

		/* anchor the comments before the current token to this token */
		for (int i = list_length(text->comments) - 1; i >= 0; i--)
		{
			Comment    *comment = list_nth(text->comments, i);

			if (comment->before && comment->anchor >= 0)
				break;
			if (comment->before)
				comment->anchor = lexer->start - lexer->text;
		}
		reading.last = lexer->start;
		if (cmig_lexer_is_char(lexer, '('))
			reading.parens++;
		else if (cmig_lexer_is_char(lexer, ')'))
			reading.parens = Max(reading.parens - 1, 0);
		reading.at_start = reading.parens == 0 && cmig_lexer_is_char(lexer, ';');
	}
	return text;
}

/*
 * Returns the column or constraint of the statement that the comment is about,
 * or NULL.  "place" is the comment's offset in the statement.
 */
static const Node *
find_part(const Node *node, const Comment *comment, int place)
{
	List	   *parts = IsA(node, CreateStmt) ? ((const CreateStmt *) node)->tableElts :
	IsA(node, CreateForeignTableStmt) ? ((const CreateForeignTableStmt *) node)->base.tableElts :
	IsA(node, CompositeTypeStmt) ? ((const CompositeTypeStmt *) node)->coldeflist : NIL;
	const Node *found = NULL;

	foreach_ptr(const Node, part, parts)
	{
		int			location;

		if (IsA(part, ColumnDef))
			location = ((const ColumnDef *) part)->location;
		else if (IsA(part, Constraint) && ((const Constraint *) part)->conname != NULL)
			location = ((const Constraint *) part)->location;
		else
			continue;
		if (comment->before ? location >= place : location > place)
			return comment->before ? part : found;
		found = part;
	}
	return comment->before ? NULL : found;
}

/*
 * If the comment belongs to the statement, returns the rename of the object
 * that it is about.
 */
static char *
rename_of(const Comment *comment, const CmigStatement *statement, const RawStmt *raw)
{
	int			place = comment->anchor - statement->offset;
	int			length = strlen(statement->text);
	CmigSubject subject;
	const char *kind;
	const char *name;
	const char *part = NULL;
	char	   *schema;
	bool		moves;			/* from another schema */
	StringInfoData rename;

	if (place < 0 || place > length || !cmig_target_subject(raw->stmt, &subject) ||
		!(subject.flags & CMIG_STATEMENT_RENAMABLE))
		return NULL;
	kind = cmig_target_object_kind(subject.type);
	name = IsA(raw->stmt, IndexStmt) ? ((IndexStmt *) raw->stmt)->idxname :
		IsA(subject.object, String) ? strVal(subject.object) :
		IsA(subject.object, RangeVar) ? ((RangeVar *) subject.object)->relname :
		strVal(llast((List *) subject.object));

	/*
	 * the comment is about the whole statement if it is before the first
	 * word, or after the semicolon
	 */
	if (place != (comment->before ? 0 : length))
	{
		const Node *found = find_part(raw->stmt, comment, place);

		if (found == NULL && comment->before)
			return NULL;
		if (found != NULL && IsA(found, ColumnDef))
		{
			kind = IsA(raw->stmt, CompositeTypeStmt) ? "attribute" : "column";
			part = ((const ColumnDef *) found)->colname;
		}
		else if (found != NULL)
		{
			kind = "constraint";
			part = ((const Constraint *) found)->conname;
		}
	}
	if (name == NULL)
		return NULL;
	/* the relation exists now */
	if (IsA(subject.object, RangeVar))
		subject.flags = 0;
	schema = subject.type == OBJECT_SCHEMA ? NULL : cmig_target_subject_schema(&subject);
	moves = schema != NULL && part == NULL && comment->schema != NULL &&
		strcmp(comment->schema, schema) != 0;
	initStringInfo(&rename);
	appendStringInfo(&rename, "%s ", kind);
	if (schema != NULL)
		appendStringInfo(&rename, "%s.", quote_identifier(moves ? comment->schema : schema));
	if (part != NULL)
		appendStringInfo(&rename, "%s.", quote_identifier(name));
	appendStringInfo(&rename, "%s -> ", quote_identifier(comment->from));
	if (moves)
		appendStringInfo(&rename, "%s.", quote_identifier(schema));
	appendStringInfoString(&rename, quote_identifier(part != NULL ? part : name));
	return rename.data;
}

void
cmig_target_text_renames(CmigTargetState *state, const CmigTargetText *text,
						 const CmigStatement *statement, const RawStmt *raw)
{
	foreach_ptr(Comment, comment, text->comments)
	{
		char	   *rename = rename_of(comment, statement, raw);
		MemoryContext caller = MemoryContextSwitchTo(state->context);

		if (rename != NULL)
			state->target->renames = lappend(state->target->renames, pstrdup(rename));
		MemoryContextSwitchTo(caller);
	}
}
