/*
 * target_text.c
 *	  The text of a target, and which of its statements run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/scansup.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "schema/shadow.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Reads a target's SQL, which may have been written for psql, and may have
 * comments that give objects' former names.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/*
 * psql commands that do not affect the schema.  A trailing * matches the rest
 * of any name.
 */
static const char *const harmless[] = {
	".", "a", "c", "cd", "conninfo", "connect", "copy", "d*", "echo", "encoding",
	"errverbose", "f", "h", "help", "l", "o", "out", "p", "password", "prompt", "pset",
	"qecho", "r", "sf", "sf+", "sv", "sv+", "set", "t", "T", "timing", "unset", "warn",
	"x", "z"
};

/* Commands that pg_dump writes; these are removed without a message. */
static const char *const of_pg_dump[] = {"restrict", "unrestrict"};

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
	int			unanchored;		/* number of comments that belong to the next
								 * token */
} Reading;

/*
 * Leaving out what only psql understands
 */

static const char *
end_of_line(const char *p)
{
	return p + strcspn(p, "\n");
}

/* Blank out a part of the SQL, and continue reading after it. */
static void
leave_out(Reading *reading, const char *from, int line, const char *to, bool silently)
{
	char	   *sql;

	if (!silently && reading->text->first_line == 0)
		reading->text->first_line = line;
	/* blank out a part of the SQL, except for line breaks */
	sql = reading->text->sql;
	for (char *p = sql + (from - reading->lexer.text); p < sql + (to - reading->lexer.text); p++)
		if (*p != '\n' && *p != '\r')
			*p = ' ';
	for (const char *p = from; p < to; p++)
		line += *p == '\n';
	cmig_lexer_move(&reading->lexer, to, line);
	reading->at_start = true;
	reading->parens = 0;
}

/* Is the name in "commands", an array of names of psql commands? */
static bool
is_one_of(const char *name, const char *const *commands, int count)
{
	int			length = strcspn(name, " \t\r\n\f;\\");

	for (int i = 0; i < count; i++)
	{
		int			known = strlen(commands[i]);

		if (commands[i][known - 1] == '*' ?
			length >= known - 1 && strncmp(commands[i], name, known - 1) == 0 :
			length == known && strncmp(commands[i], name, known) == 0)
			return true;
	}
	return false;
}

/*
 * Remove the psql command at the current token, up to the end of its line.
 * Returns false if the command must stay, because it could affect the schema.
 */
static bool
leave_out_command(Reading *reading)
{
	const CmigLexer *lexer = &reading->lexer;

	if (is_one_of(lexer->next, of_pg_dump, lengthof(of_pg_dump)))
		leave_out(reading, lexer->start, lexer->line, end_of_line(lexer->start), true);
	else if (is_one_of(lexer->next, harmless, lengthof(harmless)))
	{
		reading->text->commands++;
		leave_out(reading, lexer->start, lexer->line, end_of_line(lexer->start), false);
	}
	else
		return false;
	return true;
}

/* Returns the end of the data that follows a COPY statement ending at p. */
static const char *
end_of_data(const char *p)
{
	for (p = end_of_line(p); *p != '\0'; p = end_of_line(p))
	{
		p++;
		if (p[0] == '\\' && p[1] == '.' && strchr("\r\n", p[2]) != NULL)
			return p + 2;
	}
	return p;
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

	while (cmig_lexer_next_sql(&ahead) != CMIG_TOKEN_END && !cmig_lexer_is_char(&ahead, ';'))
	{
		from_client |= after_from && cmig_lexer_is_word(&ahead, "stdin");
		after_from = cmig_lexer_is_word(&ahead, "from");
	}
	if (!from_client)
		return false;
	reading->text->copies++;
	leave_out(reading, reading->lexer.start, reading->lexer.line, end_of_data(ahead.next),
			  false);
	return true;
}

/*
 * Comments
 */

static bool
is_first_on_line(const CmigLexer *lexer)
{
	const char *p = lexer->start;

	while (p > lexer->text && strchr(" \t\r\f\v", p[-1]) != NULL)
		p--;
	return p == lexer->text || p[-1] == '\n';
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char) *p))
		p++;
	return p;
}

/* Returns the name after "@renamed from=" in a comment, or NULL. */
static char *
old_name(const char *comment, int length)
{
	const char *end = comment + length;
	const char *p = comment + 2;	/* both kinds of comments begin with two
									 * characters */
	CmigLexer	name;

	p = skip_blanks(p, end);
	if (end - p < 9 || strncmp(p, "@rename", 7) != 0)
		return NULL;
	p = skip_blanks(p + (p[7] == 'd' ? 8 : 7), end);
	if (end - p < 6 || strncmp(p, "from", 4) != 0)
		return NULL;
	p = skip_blanks(p + 4, end);
	if (p == end || *p != '=')
		return NULL;

	/* use only the last part of a qualified name */
	cmig_lexer_init(&name, pnstrdup(p + 1, end - p - 1));
	cmig_lexer_next_sql(&name);
	for (;;)
	{
		CmigLexer	part = name;

		cmig_lexer_next_sql(&name);
		if (cmig_lexer_is_char(&name, '.'))
			cmig_lexer_next_sql(&name);
		else if (part.type == CMIG_TOKEN_WORD)
			return downcase_truncate_identifier(part.start, part.next - part.start, false);
		else if (part.type == CMIG_TOKEN_QUOTED && *part.start == '"' && !part.unterminated)
		{
			char	   *result = palloc(part.next - part.start);
			char	   *to = result;

			for (const char *q = part.start + 1; q < part.next - 1; q++)
			{
				*to++ = *q;
				if (*q == '"')
					q++;
			}
			*to = '\0';
			return result;
		}
		else
			return NULL;
	}
}

/* Record a comment that gives a former name. */
static void
read_comment(Reading *reading)
{
	CmigLexer  *lexer = &reading->lexer;
	char	   *from = old_name(lexer->start, lexer->next - lexer->start);
	CmigTargetComment *comment;

	if (from == NULL)
		return;
	comment = palloc(sizeof(CmigTargetComment));
	comment->from = from;
	comment->before = reading->last == NULL || is_first_on_line(lexer);
	comment->anchor = comment->before ? -1 : reading->last - lexer->text;
	if (comment->before)
		reading->unanchored++;
	reading->text->comments = lappend(reading->text->comments, comment);
}

/*
 * Reading the target's text
 */

CmigTargetText *
cmig_target_text_read(const char *sql)
{
	Reading		reading = {.at_start = true};
	CmigLexer  *lexer = &reading.lexer;
	char	   *copy;
	const char *line_end;

	reading.text = palloc0(sizeof(CmigTargetText));

	/*
	 * A copy of the text without a byte order mark at its start.  If the
	 * first line ends with CRLF, every CRLF becomes LF, as in a revision
	 * file.
	 */
	copy = pstrdup(strncmp(sql, "\xEF\xBB\xBF", 3) == 0 ? sql + 3 : sql);
	line_end = strchr(copy, '\n');
	if (line_end != NULL && line_end > copy && line_end[-1] == '\r')
		cmig_section_text_drop_carriage_returns(copy);
	reading.text->sql = copy;
	cmig_lexer_init(lexer, pstrdup(reading.text->sql));
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
		for (int i = list_length(reading.text->comments); reading.unanchored > 0; i--)
		{
			CmigTargetComment *comment = list_nth(reading.text->comments, i - 1);

			if (comment->anchor < 0)
			{
				comment->anchor = reading.lexer.start - reading.lexer.text;
				reading.unanchored--;
			}
		}
		reading.last = lexer->start;
		if (cmig_lexer_is_char(lexer, '('))
			reading.parens++;
		else if (cmig_lexer_is_char(lexer, ')'))
			reading.parens = Max(reading.parens - 1, 0);
		reading.at_start = reading.parens == 0 && cmig_lexer_is_char(lexer, ';');
	}
	return reading.text;
}

/* Matching comments and objects */

/*
 * Returns the kind of object that a statement creates, as in result rows, or
 * NULL if the statement creates none.  Sets *relation or *names to the
 * object's name.
 */
static const char *
made_object(const Node *node, RangeVar **relation, List **names)
{
	*relation = NULL;
	*names = NIL;
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			*relation = ((const CreateStmt *) node)->relation;
			return "table";
		case T_CreateForeignTableStmt:
			*relation = ((const CreateForeignTableStmt *) node)->base.relation;
			return "foreign table";
		case T_CreateTableAsStmt:
			*relation = ((const CreateTableAsStmt *) node)->into->rel;
			return ((const CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW ?
				"materialized view" : "table";
		case T_ViewStmt:
			*relation = ((const ViewStmt *) node)->view;
			return "view";
		case T_CreateSeqStmt:
			*relation = ((const CreateSeqStmt *) node)->sequence;
			return "sequence";
		case T_CompositeTypeStmt:
			*relation = ((const CompositeTypeStmt *) node)->typevar;
			return "type";
		case T_CreateEnumStmt:
			*names = ((const CreateEnumStmt *) node)->typeName;
			return "type";
		case T_CreateRangeStmt:
			*names = ((const CreateRangeStmt *) node)->typeName;
			return "type";
		case T_CreateDomainStmt:
			*names = ((const CreateDomainStmt *) node)->domainname;
			return "domain";
		case T_CreateFunctionStmt:
			*names = ((const CreateFunctionStmt *) node)->funcname;
			return ((const CreateFunctionStmt *) node)->is_procedure ? "procedure" : "function";
		case T_IndexStmt:
			/* return the table, because the index is created in its schema */
			*relation = ((const IndexStmt *) node)->relation;
			return "index";
		case T_CreateSchemaStmt:
			return "schema";
		default:
			return NULL;
	}
}

/* Returns the columns and constraints in a CREATE statement. */
static List *
made_parts(const Node *node)
{
	if (IsA(node, CreateStmt))
		return ((const CreateStmt *) node)->tableElts;
	if (IsA(node, CreateForeignTableStmt))
		return ((const CreateForeignTableStmt *) node)->base.tableElts;
	if (IsA(node, CompositeTypeStmt))
		return ((const CompositeTypeStmt *) node)->coldeflist;
	return NIL;
}

/*
 * Returns the column or constraint that the comment is about, or NULL.
 * "place" is the comment's offset in the statement.
 */
static const Node *
find_part(const Node *node, const CmigTargetComment *comment, int place)
{
	ListCell   *cell;
	const Node *found = NULL;

	foreach(cell, made_parts(node))
	{
		const Node *part = lfirst(cell);
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

bool
cmig_target_text_renamed(const CmigTargetComment *comment, const RawStmt *raw,
						 int offset, int length, const char **kind,
						 RangeVar **relation, List **names, char **part)
{
	int			place = comment->anchor - offset;
	const Node *found;

	*part = NULL;
	if (place < 0 || place > length)
		return false;
	*kind = made_object(raw->stmt, relation, names);
	if (*kind == NULL)
		return false;

	/*
	 * the comment is about the whole statement if it is before the first
	 * word, or after the semicolon
	 */
	if (place == (comment->before ? 0 : length))
		return true;
	found = find_part(raw->stmt, comment, place);
	if (found == NULL)
		return !comment->before;
	if (IsA(found, ColumnDef))
	{
		*kind = IsA(raw->stmt, CompositeTypeStmt) ? "attribute" : "column";
		*part = ((const ColumnDef *) found)->colname;
	}
	else
	{
		*kind = "constraint";
		*part = ((const Constraint *) found)->conname;
	}
	return true;
}

/* ----------------------------------------------------------------
 * Adds a target's foreign keys without checking rows.
 * ----------------------------------------------------------------
 */

/* Returns the foreign key that the command adds and validates, or NULL. */
static Constraint *
validated(const AlterTableCmd *command)
{
	Constraint *constraint = (Constraint *) command->def;

	if (command->subtype != AT_AddConstraint || constraint == NULL || !IsA(constraint, Constraint) ||
		constraint->contype != CONSTR_FOREIGN || constraint->skip_validation)
		return NULL;
	return constraint;
}

/* Does the ALTER TABLE add and validate a foreign key? */
static bool
has_validated(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		if (validated(lfirst_node(AlterTableCmd, cell)) != NULL)
			return true;
	}
	return false;
}

Node *
cmig_target_constraint_adapt(Node *statement)
{
	AlterTableStmt *alter = (AlterTableStmt *) statement;
	ListCell   *cell;

	if (!IsA(statement, AlterTableStmt) || !has_validated(alter))
		return statement;
	alter = copyObject(alter);
	foreach(cell, alter->cmds)
	{
		Constraint *constraint = validated(lfirst_node(AlterTableCmd, cell));

		if (constraint == NULL)
			continue;
		constraint->skip_validation = true;
		constraint->initially_valid = true;
	}
	return (Node *) alter;
}

/* ----------------------------------------------------------------
 * Leaves out a target's statements that are not about a compared schema.
 * ----------------------------------------------------------------
 */

/*
 * Is this the type of an object that all databases share, or of a large
 * object?
 */
static bool
is_shared_object(ObjectType type)
{
	switch (type)
	{
		case OBJECT_DATABASE:
		case OBJECT_ROLE:
		case OBJECT_TABLESPACE:
		case OBJECT_PARAMETER_ACL:
		case OBJECT_LARGEOBJECT:
			return true;
		default:
			return false;
	}
}

/*
 * Is the statement about the server or the session rather than a schema?
 * Sets *silently if no NOTICE should mention the statement.
 */
static bool
has_no_schema(Node *node, bool *silently)
{
	*silently = false;
	switch (nodeTag(node))
	{
			const VariableSetStmt *set;
			static const char *const names[] = {
				"client_encoding", "idle_in_transaction_session_timeout", "lock_timeout",
				"statement_timeout", "transaction_timeout"
			};

		case T_VariableSetStmt:
			*silently = true;

			/*
			 * A setting that belongs to the caller's session rather than to
			 * the schema is ignored: the caller's timeouts remain in effect,
			 * and messages keep the client's encoding.
			 */
			set = (VariableSetStmt *) node;
			if (set->kind == VAR_SET_MULTI)
				return true;
			for (int i = 0; set->name != NULL && i < lengthof(names); i++)
				if (pg_strcasecmp(names[i], set->name) == 0)
					return true;
			return false;
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_AlterDatabaseStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseRefreshCollStmt:
		case T_AlterSystemStmt:
		case T_CreateTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_DropTableSpaceStmt:
			return true;
		case T_VacuumStmt:
		case T_ReindexStmt:
		case T_CheckPointStmt:
		case T_DiscardStmt:
		case T_DeallocateStmt:
			*silently = true;
			return true;
		case T_ClusterStmt:
			*silently = true;
			return ((ClusterStmt *) node)->relation == NULL;
		case T_CopyStmt:
			return !((CopyStmt *) node)->is_from || ((CopyStmt *) node)->is_program;
		case T_CommentStmt:
			return is_shared_object(((CommentStmt *) node)->objtype);
		case T_SecLabelStmt:
			return is_shared_object(((SecLabelStmt *) node)->objtype);
		case T_AlterOwnerStmt:
			return is_shared_object(((AlterOwnerStmt *) node)->objectType);
		case T_RenameStmt:
			return is_shared_object(((RenameStmt *) node)->renameType);
		case T_GrantStmt:
			return is_shared_object(((GrantStmt *) node)->objtype);
		default:
			return false;
	}
}

bool
cmig_target_filter_is_shared(Node *node)
{
	bool		silently;

	switch (nodeTag(node))
	{
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
			return true;
		case T_CopyStmt:
			return false;
		default:
			return has_no_schema(node, &silently) && !silently;
	}
}

bool
cmig_target_filter_leaves_out(CmigTargetState *state, Node *node)
{
	bool		silently;

	if (!has_no_schema(node, &silently))
		return false;
	if (!silently)
		cmig_target_leave_out(state, GetCommandTagName(CreateCommandTag(node)));
	return true;
}

static const char *
created_schema(const CreateSchemaStmt *create)
{
	return create->schemaname != NULL ? create->schemaname : get_rolespec_name(create->authrole);
}

/*
 * Does the statement create an object, so that a NOTICE should mention it even
 * if the object is in one of pg_cmig's own schemas?  The other statements that
 * pg_dump writes for these schemas are not mentioned.
 */
static bool
creates_object(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_CreateSeqStmt:
		case T_CreateFunctionStmt:
		case T_CreateEnumStmt:
		case T_CreateDomainStmt:
		case T_CompositeTypeStmt:
		case T_ViewStmt:
			return true;
		default:
			return false;
	}
}

bool
cmig_target_filter_is_elsewhere(CmigTargetState *state, Node *statement)
{
	const char *schema = IsA(statement, CreateSchemaStmt) ?
	created_schema((CreateSchemaStmt *) statement) : cmig_target_object_schema(statement);
	Oid			oid = schema == NULL ? InvalidOid : get_namespace_oid(schema, true);

	if (!OidIsValid(oid) || !cmig_shadow_is_live_schema(state->shadow, oid))
		return false;
	if (!cmig_managed_is_own_name(schema))
	{
		MemoryContext caller;

		/*
		 * record the name of a live schema that a left-out statement was
		 * about
		 */
		if (!cmig_text_list_has(state->elsewhere, schema))
		{
			caller = MemoryContextSwitchTo(state->context);
			state->elsewhere = lappend(state->elsewhere, pstrdup(schema));
			MemoryContextSwitchTo(caller);
		}
	}
	if (!cmig_managed_is_own_name(schema) || creates_object(statement))
		cmig_target_leave_out(state, psprintf("%s in schema \"%s\"",
											  GetCommandTagName(CreateCommandTag(statement)),
											  schema));
	return true;
}

bool
cmig_target_filter_subscription(CmigTargetState *state, Node *node)
{
	if (!IsA(node, CreateSubscriptionStmt))
		return IsA(node, AlterSubscriptionStmt) || IsA(node, DropSubscriptionStmt);
	cmig_target_note_missing(state, OBJECT_SUBSCRIPTION,
							 ((CreateSubscriptionStmt *) node)->subname,
							 "subscriptions are not compared");
	return true;
}

bool
cmig_target_filter_is_grant_on_member(const GrantStmt *grant)
{
	Node	   *object;

	if (!IsA(grant, GrantStmt) || grant->targtype != ACL_TARGET_OBJECT)
		return false;
	object = linitial(grant->objects);
	if (IsA(object, RangeVar))
	{
		Oid			relation = RangeVarGetRelid((RangeVar *) object, NoLock, true);

		return OidIsValid(getExtensionOfObject(RelationRelationId, relation));
	}
	if (IsA(object, ObjectWithArgs))
	{
		Oid			function = LookupFuncWithArgs(grant->objtype, (ObjectWithArgs *) object, true);

		return OidIsValid(getExtensionOfObject(ProcedureRelationId, function));
	}
	return false;
}

Node *
cmig_target_filter_grants(CmigTargetState *state, Node *node)
{
	GrantStmt  *grant = (GrantStmt *) node;
	List	   *objects = NIL;
	ListCell   *cell;

	if (!IsA(node, GrantStmt) || grant->targtype != ACL_TARGET_OBJECT || list_length(grant->objects) < 2)
		return node;
	foreach(cell, grant->objects)
	{
		GrantStmt	single = *grant;

		single.objects = list_make1(lfirst(cell));
		if (!cmig_target_filter_is_elsewhere(state, (Node *) &single))
			objects = lappend(objects, lfirst(cell));
	}
	if (objects == NIL)
		return NULL;
	grant = makeNode(GrantStmt);
	*grant = *(GrantStmt *) node;
	grant->objects = objects;
	return (Node *) grant;
}
