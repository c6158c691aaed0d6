/*
 * generate.c
 *	  cmig.autogenerate.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"

#include "base/errors.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Lays out a difference as the sections of a revision file.
 *
 * Statements about the same table, or other object, are kept together and
 * followed by an empty line.  A hazard is written as a comment above its
 * statement.
 * ----------------------------------------------------------------
 */

/* A section being written. */
typedef struct Section
{
	StringInfoData text;
	const char *group;			/* group of the last statement; NULL if there
								 * is no statement yet */
} Section;

/*
 * Append a one-line comment.  Names in it may contain anything, so line breaks
 * and comment markers are replaced.
 */
static void
section_layout_comment(StringInfo text, const char *comment)
{
	appendStringInfoString(text, "-- ");
	for (const char *p = cmig_text_one_line(pstrdup(comment)); *p; p++)
	{
		appendStringInfoChar(text, *p);
		if (p[0] == '-' && p[1] == '-')
			appendStringInfoChar(text, ' ');
	}
	appendStringInfoChar(text, '\n');
}

/*
 * Start a group of statements, after an empty line unless it is the first
 * group.
 */
static void
start_group(Section *section, const char *group)
{
	if (section->group != NULL && strcmp(section->group, group) != 0)
		appendStringInfoChar(&section->text, '\n');
	section->group = group;
}

/*
 * Could row security apply to the rows with which the statement fills a
 * materialized view?  If the view's owner fills it, this is always possible.
 */
static bool
is_filtered(const CmigDiffLine *line, const char *sql)
{
	if (strcmp(line->kind, "materialized view") != 0)
		return false;
	foreach_node(RawStmt, raw, cmig_raw_parse(sql, RAW_PARSE_DEFAULT))
	{
		if (IsA(raw->stmt, RefreshMatViewStmt))
			return true;
		if (IsA(raw->stmt, CreateTableAsStmt) && line->filtered &&
			!((CreateTableAsStmt *) raw->stmt)->into->skipData)
			return true;
	}
	return false;
}

List *
cmig_section_statements(const char *sql, bool in_block)
{
	List	   *statements = NIL;

	foreach_node(RawStmt, raw, cmig_raw_parse(sql, RAW_PARSE_DEFAULT))
	{
		const char *start = sql + raw->stmt_location;
		char	   *statement = raw->stmt_len > 0 ? pnstrdup(start, raw->stmt_len) : pstrdup(start);
		CmigLexer	lexer;

		statement += strspn(statement, " \n");
		cmig_lexer_init(&lexer, statement);
		cmig_lexer_next_sql(&lexer);
		if (in_block && cmig_lexer_is_word(&lexer, "select"))
			statement = psprintf("PERFORM%s", lexer.next);
		else if (in_block && IsA(raw->stmt, CreateFunctionStmt) &&
				 ((CreateFunctionStmt *) raw->stmt)->sql_body != NULL)
			statement = psprintf("EXECUTE %s", quote_literal_cstr(statement));
		statements = lappend(statements, statement);
	}
	return statements;
}

/* Does the line have a statement of its own, for the upgrade or the downgrade? */
static bool
is_written(const CmigDiffLine *line, bool upgrade)
{
	const char *sql = upgrade ? line->upgrade : line->downgrade;

	return sql != NULL && strcmp(sql, CMIG_NO_STATEMENT) != 0;
}

/*
 * Append the statements of a line, for the upgrade or the downgrade, with a
 * comment above them unless "bare" is true.  Scripts run with row_security =
 * off, so a statement for which is_filtered() returns true would fail.
 * Therefore, row_security is turned on for that statement.
 */
static void
append_line(StringInfo text, const CmigDiffLine *line, bool upgrade, bool in_block, bool bare)
{
	const char *sql = upgrade ? line->upgrade : line->downgrade;
	const char *comment = upgrade ? line->general_hazard : line->undo_hazard;

	if (!upgrade && cmig_text_begins(line->hazard, "data loss"))
		comment = comment ? psprintf("does not restore the data; %s", comment) :
			"does not restore the data";
	for (const char *note = upgrade &&
		 !bare ? line->note : NULL; note != NULL; note = strchr(note, '\n') ?
		 strchr(note, '\n') + 1 : NULL)
		section_layout_comment(text, pnstrdup(note, strcspn(note, "\n")));
	if (*sql == '\0')
		return;
	if (comment != NULL && !bare)
		section_layout_comment(text, comment);
	if (!bare && is_filtered(line, sql))
		sql = psprintf("SET row_security = on;\n%s;\nSET row_security = off", sql);
	foreach_ptr(char, name,
				in_block ? cmig_section_statements(sql, true) : list_make1((void *) sql))
		appendStringInfo(text, "%s;\n", name);
}

char *
cmig_section_layout_block(const List *lines, bool upgrade, bool bare)
{
	StringInfoData block;
	const char *tag = "cmig";

	initStringInfo(&block);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		if (is_written(line, upgrade))
			append_line(&block, line, upgrade, true, bare);
	}
	while (cmig_text_after(block.data, psprintf("$%s$", tag)) != NULL)
		tag = psprintf("%s_", tag);

	/* FOUND is a variable of PL/pgSQL, and may be the name of a column */
	return psprintf("DO $%s$\n%sBEGIN\n%sEND\n$%s$", tag,
					cmig_text_has_word(block.data, "found") ? "#variable_conflict use_column\n" :
					"", block.data, tag);
}

List *
cmig_section_layout_next(const List *lines, int index)
{
	const CmigDiffLine *first = list_nth(lines, index);
	List	   *together = list_make1(unconstify(CmigDiffLine *, first));

	while (first->transaction != 0 && ++index < list_length(lines) &&
		   ((const CmigDiffLine *) list_nth(lines, index))->transaction == first->transaction)
		together = lappend(together, list_nth(lines, index));
	return together;
}

/* Returns "table public.a: reason" for an unsupported change. */
static char *
section_layout_unsupported(const CmigDiffLine *line)
{
	return psprintf("%s %s: %s", line->kind, line->object, line->hazard);
}

/*
 * Does reverting the line's statement drop the whole group?  If so, the
 * downgrade does not need the group's statements that directly precede this
 * drop.  A line that only completes the downgrade creates it.
 */
static bool
drops_group(const CmigDiffLine *line)
{
	return strcmp(line->action, "create") == 0 && is_written(line, true) &&
		is_written(line, false) && line->subject != NULL && line->subject->parent == NULL &&
		line->subject->kind->drop == NULL;
}

/*
 * Does the line at "index" distribute a table that an earlier line creates?  If
 * so, the downgrade drops the table, and need not move the table's rows first.
 */
static bool
distributes_new(const List *lines, int index)
{
	const CmigDiffLine *line = list_nth(lines, index);

	if (strcmp(line->kind, "distribution") != 0 || strcmp(line->action, "create") != 0)
		return false;
	for (int i = 0; i < index; i++)
	{
		const CmigDiffLine *other = list_nth(lines, i);

		if (drops_group(other) && strcmp(other->group, line->group) == 0)
			return true;
	}
	return false;
}

/*
 * Returns the lines that the downgrade section reverts, in reverse order.
 * Leaves out the lines of a group, such as a table, if a statement that drops
 * the whole group directly follows them.
 */
static List *
downgrade_lines(const List *lines)
{
	List	   *result = NIL;

	for (int i = list_length(lines) - 1; i >= 0; i--)
	{
		CmigDiffLine *line = list_nth(lines, i);

		if (!is_written(line, false) || distributes_new(lines, i))
			continue;
		while (result != NIL && drops_group(line) &&
			   strcmp(((CmigDiffLine *) llast(result))->group, line->group) == 0)
			result = list_truncate(result, list_length(result) - 1);
		result = lappend(result, line);
	}
	return result;
}

/*
 * Returns the upgrade or downgrade section.  In a stepwise revision, lines of
 * the same transaction become a single statement.  Unsupported changes are
 * comments at the end of the upgrade section.
 */
static char *
layout(const List *lines, bool upgrade, bool stepwise)
{
	Section		section = {0};
	List	   *chosen = upgrade ? NIL : downgrade_lines(lines);
	bool		distributes = false,
				has_keys = false;

	initStringInfo(&section.text);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		distributes |= strcmp(line->kind, "distribution") == 0;
		has_keys |= strcmp(line->kind, "foreign key") == 0;
		if (upgrade && is_written(line, true))
			chosen = lappend(chosen, line);
	}

	/*
	 * Citus refuses some combinations of distributing tables and changing
	 * foreign keys in a transaction, unless it changes one shard after
	 * another
	 */
	if (distributes && has_keys)
		appendStringInfoString(&section.text,
							   "SET citus.multi_shard_modify_mode = 'sequential';\n");
	for (int i = 0; i < list_length(chosen);)
	{
		CmigDiffLine *line = list_nth(chosen, i);
		List	   *together = stepwise ? cmig_section_layout_next(chosen, i) : list_make1(line);
		const char *sql = upgrade ? line->upgrade : line->downgrade;

		start_group(&section, line->group);
		if (line->transaction != 0 && stepwise &&
			(list_length(together) > 1 ||
			 list_length(cmig_raw_parse(sql, RAW_PARSE_DEFAULT)) > 1))
			appendStringInfo(&section.text, "%s;\n",
							 cmig_section_layout_block(together, upgrade, false));
		else
			append_line(&section.text, line, upgrade, false, false);
		i += list_length(together);
	}
	foreach_ptr(const CmigDiffLine, line, upgrade ? lines : NIL)
	{
		if (line->upgrade != NULL)
			continue;
		start_group(&section, "unsupported");
		section_layout_comment(&section.text,
							   psprintf("unsupported: %s", section_layout_unsupported(line)));
	}
	return section.text.data;
}

void
cmig_generate_arguments(FunctionCallInfo fcinfo, int n, CmigGenerate *generate)
{
	generate->draft.new.text.edges.message = cmig_argument_text(fcinfo, 0);
	cmig_draft_arguments(fcinfo, n, &generate->draft);
	generate->draft.template = cmig_argument_text(fcinfo, n + 5);
}

void
cmig_generate_prepare(CmigGenerate *generate, const char *function)
{
	generate->draft.new.text.edges.transactional = true;
	if (generate->store)
		(void) cmig_change_begin_revisions(function);
	cmig_draft_prepare(&generate->draft);
}

/* Above an unresolved statement; it makes cmig.load reject the file. */
#define RESOLVE_MARKER "-- cmig:resolve"

/*
 * Returns the file's content, with the unresolved statements at the end of its
 * upgrade section.  The content is formatted with a comment in place of each
 * marker, because a marker cannot be formatted.
 */
static char *
content_with_unresolved(CmigGenerate *generate)
{
	CmigRevisionText *revision = &generate->draft.new.text;
	StringInfoData upgrade;
	StringInfoData all;
	char	   *comment = psprintf("-- resolve %s", revision->edges.id);

	initStringInfo(&upgrade);
	initStringInfo(&all);
	appendStringInfoString(&upgrade, revision->upgrade_sql);
	appendStringInfo(&all, "%s%s", revision->upgrade_sql,
					 revision->downgrade_sql ? revision->downgrade_sql : "");
	foreach_ptr(CmigUnresolved, each, generate->unresolved)
		appendStringInfoString(&all, each->sql);
	while (cmig_text_after(all.data, comment) != NULL)
		comment = psprintf("%s+", comment);
	foreach_ptr(CmigUnresolved, unresolved, generate->unresolved)
	{
		appendStringInfo(&upgrade, "\n%s\n", comment);
		section_layout_comment(&upgrade, unresolved->place);
		appendStringInfo(&upgrade, "%s;\n", cmig_section_text_escape(unresolved->sql));
	}
	revision->upgrade_sql = upgrade.data;
	return cmig_text_replace(cmig_draft_content(&generate->draft), psprintf("\n%s\n", comment),
							 "\n" RESOLVE_MARKER "\n");
}

void
cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	CmigRevisionText *text = &generate->draft.new.text;
	bool		irreversible = false;
	StringInfoData hazards;
	char	   *content;
	CmigListing places;
	CmigListing unsupported;

	initStringInfo(&hazards);
	cmig_listing_init(&unsupported, CMIG_LISTING_LINES);
	cmig_listing_init(&places, CMIG_LISTING_LINES);
	text->edges.transactional = true;
	foreach_ptr(CmigDiffLine, line, lines)
	{
		const char *hazard = line->hazard ? line->hazard : line->general_hazard;

		if (line->upgrade == NULL)
		{
			cmig_listing_add(&unsupported, section_layout_unsupported(line));
			hazard = psprintf("unsupported: %s", section_layout_unsupported(line));
		}
		if (hazard != NULL)
			appendStringInfo(&hazards, "%s%s", hazards.len > 0 ? "\n" : "", hazard);
		text->edges.transactional &= !line->stepwise;
		irreversible |= cmig_text_begins(line->hazard, "cannot be reverted");
		if (line->staged != NULL)
			line->upgrade = line->staged;
		if (line->staged_undo != NULL)
			line->downgrade = line->staged_undo;
	}
	foreach_ptr(CmigUnresolved, each, generate->unresolved)
	{
		const char *place = each->place;

		cmig_listing_add(&places, place);
		appendStringInfo(&hazards, "%sunresolved: %s", hazards.len > 0 ? "\n" : "", place);
	}
	if (unsupported.count > 0)
		ereport(WARNING,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg_plural("the revision leaves out %d change that is not supported",
							   "the revision leaves out %d changes that are not supported",
							   unsupported.count, unsupported.count),
				 errdetail("%s", cmig_listing_text(&unsupported)),
				 errhint("Add the missing statements to the revision, or make the change by hand.")));
	if (places.count > 0)
		ereport(WARNING,
				(errmsg_plural("the revision has %d unresolved statement",
							   "the revision has %d unresolved statements",
							   places.count, places.count),
				 errdetail("%s", cmig_listing_text(&places)),
				 errhint("Each statement is at the end of the upgrade section, below a line \"%s\". Keep the statement if a new database needs it; otherwise, delete it. In either case, delete the line \"%s\".",
						 RESOLVE_MARKER, RESOLVE_MARKER)));
	text->upgrade_sql = cmig_section_text_escape(layout(lines, true, !text->edges.transactional));
	text->downgrade_sql = irreversible ? NULL :
		cmig_section_text_escape(layout(lines, false, !text->edges.transactional));

	content = content_with_unresolved(generate);
	if (generate->store)
		cmig_revision_rows_insert(text);
	cmig_result_add_text(fcinfo, text->edges.id, generate->draft.file_name, content,
						 hazards.len > 0 ? hazards.data : NULL);
}

/* ----------------------------------------------------------------
 * Generates the downgrade script of a revision with the header "expand".
 * ----------------------------------------------------------------
 */

/* A table or column that a script renames or drops. */
typedef struct Renamed
{
	const char *schema;
	const char *table;			/* its name after the script */
	const char *column;			/* likewise, or NULL */
	const char *old;
} Renamed;

#define LINE_HINT "Add a line to the upgrade section: -- cmig:down %s.%s = <expression>"

/* Raise error MG006.  "detail" is a sentence about what is lost. */
static void
refuse_downgrade(const char *revision, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_IRREVERSIBLE),
			 errmsg("revision \"%s\" cannot be reverted", revision),
			 errdetail("It has no downgrade section, and none can be generated: %s.", detail),
			 cmig_hint("%s", hint ? hint :
					   "Add a downgrade section to the revision and load it.")));
}

/*
 * What is noted of a script while it is replayed: names and values in a line "down"
 * mean what they meant in the upgrade, so the downgrade begins with the settings that
 * hold at these lines.  As in a database without rows: what code sets because of rows
 * is not seen.
 */
typedef struct Meaning
{
	MemoryContext context;		/* of what is noted */
	bool		transactional;
	const char *path;			/* the search_path with which the downgrade
								 * starts */
	bool		has_downs;		/* has the script lines "down"? */
	List	   *downs;			/* of CmigExpandLine *: those that are below */
	CmigReplayPlan *plan;
	CmigRepeatableRun labels;	/* gives labels of enums their old names */
	List	   *renamed;		/* of Renamed * */
	List	   *renames;		/* from the script's end to its start, as in
								 * cmig.diff */
	CmigSettings *begin;		/* NULL before the first statement */
	Oid			role;			/* with which the script begins */
	Oid			before;			/* that of the session before the statement */
	const char *now;			/* the statements that set what differs from
								 * "begin" */
	int			now_line;		/* the last one that has changed it, or the
								 * role */
	const char *at_downs;		/* "now" at the first line "down", or NULL */
	int			running;		/* the line of a statement that has begun, or
								 * 0 */
	int			unknown;		/* of one whose effect on settings is not
								 * known, or 0 */
	const char *refused;		/* why no downgrade can be generated */
} Meaning;

/* Note why no downgrade can be generated: an error here would be one of the replay. */
static void
refuse_later(Meaning *meaning, int line, const char *what)
{
	if (meaning->refused == NULL)
		meaning->refused = psprintf("line %d%s", line, what);
}

/* A line "down", and the functions of users that it calls. */
typedef struct Calling
{
	const CmigExpandLine *line;
	const char *function;
	MemoryContext context;
} Calling;

/* A check_function_callback: note a function of a user. */
static bool
note_function(Oid function, void *arg)
{
	Calling    *calling = arg;

	if (function < FirstNormalObjectId)
		return false;
	calling->function = MemoryContextStrdup(calling->context, format_procedure(function));
	return true;
}

static bool
note_functions(Node *node, void *calling)
{
	return node != NULL && (check_functions_in_node(node, note_function, calling) ||
							expression_tree_walker(node, note_functions, calling));
}

/* Subtransaction callback: find a function that a line calls. */
static void
find_function(void *arg)
{
	Calling    *calling = arg;
	const CmigExpandLine *line = calling->line;
	RangeVar   *name = makeRangeVar(line->schema, line->relation, -1);
	Relation	relation = table_openrv(name, AccessShareLock);
	ParseState *pstate = make_parsestate(NULL);
	RawStmt    *raw = cmig_raw_parse_one(psprintf("SELECT %s", line->down));
	ResTarget  *target = linitial_node(ResTarget, castNode(SelectStmt, raw->stmt)->targetList);
	Node	   *expr;

	addNSItemToQuery(pstate,
					 addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false,
												   true),
					 false, true, true);
	expr = transformExpr(pstate, target->val, EXPR_KIND_OTHER);
	(void) note_functions(expr, calling);
	free_parsestate(pstate);
	table_close(relation, AccessShareLock);
}

/* The lines "down" above an offset of the script are passed. */
static void
pass_lines(Meaning *meaning, int offset)
{
	while (meaning->downs != NIL && ((CmigExpandLine *) linitial(meaning->downs))->start < offset)
	{
		Calling		calling = {linitial(meaning->downs), NULL, meaning->context};

		meaning->downs = list_delete_first(meaning->downs);
		if (meaning->unknown > 0)
			refuse_later(meaning, meaning->unknown,
						 ", above a line \"cmig:down\", may change what names and values mean");
		if (meaning->at_downs == NULL)
			meaning->at_downs = meaning->now;
		else if (strcmp(meaning->at_downs, meaning->now) != 0)
			refuse_later(meaning, meaning->now_line,
						 ", between its lines \"cmig:down\", changes what names and values mean");
		if (GetUserId() == meaning->role)
			continue;
		/* the downgrade belongs to whoever runs it */
		if (cmig_subtransaction_rehearse(find_function, &calling) != NULL)
			calling.function = calling.line->down;
		if (calling.function != NULL)
			refuse_later(meaning, meaning->now_line,
						 psprintf(" sets another role, and line %d calls %s", calling.line->line,
								  calling.function));
	}
}

/* Note that the statement renames a table or a column. */
static void
note_rename(Meaning *meaning, const RenameStmt *stmt)
{
	bool		column = stmt->renameType == OBJECT_COLUMN;
	Oid			relation = InvalidOid;
	char	   *schema;
	Renamed    *rename = NULL;

	if (stmt->relation != NULL && (column || stmt->renameType == OBJECT_TABLE))
		relation = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(relation))
		return;
	schema = get_namespace_name(get_rel_namespace(relation));
	foreach_ptr(Renamed, other, meaning->renamed)
	{
		if (strcmp(other->table, stmt->relation->relname) != 0 || strcmp(other->schema, schema) != 0)
			continue;
		if (!column)
			other->table = pstrdup(stmt->newname);
		if (column ? other->column != NULL &&
			strcmp(other->column, stmt->subname) == 0 : other->column == NULL)
			rename = other;
	}
	if (rename == NULL)
	{
		rename = palloc0(sizeof(Renamed));
		rename->schema = schema;
		rename->table = pstrdup(column ? stmt->relation->relname : stmt->newname);
		rename->old = pstrdup(column ? stmt->subname : stmt->relation->relname);
		meaning->renamed = lappend(meaning->renamed, rename);
	}
	if (column)
		rename->column = pstrdup(stmt->newname);
}

/*
 * Note that the statement renames a label of an enum.  Labels get their old names, the last
 * one first: rows keep their values, unlike with a type that is created again.
 */
static void
note_label(Meaning *meaning, const AlterEnumStmt *stmt)
{
	Oid			type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(stmt->typeName), true);

	if (meaning->labels.sql == NULL)
		meaning->plan->runs = lappend(meaning->plan->runs, &meaning->labels);
	meaning->labels.sql = psprintf("ALTER TYPE %s RENAME VALUE %s TO %s;\n%s",
								   OidIsValid(type) ? format_type_be_qualified(type) :
								   NameListToQuotedString(stmt->typeName),
								   quote_literal_cstr(stmt->newVal), quote_literal_cstr(stmt->oldVal),
								   meaning->labels.sql ? meaning->labels.sql : "");
}

/* Note the renames that lead back, after the last statement. */
static void
note_renames(Meaning *meaning)
{
	foreach_ptr(const Renamed, rename, meaning->renamed)
	{
		char	   *table = quote_qualified_identifier(rename->schema, rename->table);

		meaning->renames = lappend(meaning->renames,
								   rename->column == NULL ?
								   psprintf("table %s -> %s", table, quote_identifier(rename->old)) :
								   psprintf("column %s.%s -> %s", table, quote_identifier(rename->column),
											quote_identifier(rename->old)));
	}
}

/* Note what a statement has set. */
static void
note_settings(Meaning *meaning, const CmigStatement *statement)
{
	const VariableSetStmt *set = (const VariableSetStmt *) statement->raw->stmt;
	char	   *now = cmig_session_settings_differ(meaning->begin);
	bool		changed = strcmp(now, meaning->now) != 0;

	if (changed || GetUserId() != meaning->before)
		meaning->now_line = statement->line;
	meaning->now = now;
	/* between transactions, what is set for one ends */
	if (changed && !meaning->transactional && !(IsA(set, VariableSetStmt) && !set->is_local) &&
		cmig_statement_set_config_names(statement->raw) == NIL)
		meaning->unknown = statement->line;
}

/* A CmigReplayWatch. */
static void
watch_meaning(const CmigStatement *statement, bool after, void *arg)
{
	Meaning    *meaning = arg;
	const Node *stmt = statement ? statement->raw->stmt : NULL;
	MemoryContext caller = MemoryContextSwitchTo(meaning->context);

	if (meaning->begin == NULL)
	{
		meaning->begin = cmig_session_settings();
		/* the journal may name another one for the upgrade */
		if (!cmig_settings_in_definer_function())
			cmig_session_settings_expect(meaning->begin, "search_path", meaning->path);
		meaning->now = cmig_session_settings_differ(meaning->begin);
		meaning->role = GetUserId();
	}
	if (stmt != NULL && after)
	{
		note_settings(meaning, statement);
		meaning->running = 0;
	}
	else
	{
		/* nobody knows what a statement does that was not run */
		if (meaning->running > 0)
			meaning->unknown = meaning->running;
		pass_lines(meaning, stmt ? statement->offset : INT_MAX);
		meaning->running = stmt ? statement->line : 0;
		meaning->before = GetUserId();
		if (stmt == NULL)
			note_renames(meaning);
		else if (IsA(stmt, RenameStmt))
			note_rename(meaning, (const RenameStmt *) stmt);
		else if (IsA(stmt, AlterEnumStmt) && ((const AlterEnumStmt *) stmt)->oldVal != NULL)
			note_label(meaning, (const AlterEnumStmt *) stmt);
		else if ((IsA(stmt, AlterRoleSetStmt) || IsA(stmt, AlterDatabaseSetStmt)) && meaning->has_downs)
			refuse_later(meaning, statement->line, " changes with which settings sessions begin");
	}
	MemoryContextSwitchTo(caller);
}

/* Raise error MG006 if a table or column of this name was dropped, unless a line computes it. */
static void
require_not_dropped(const List *dropped, const char *table, const char *column, const List *downs,
					int line, const char *revision)
{
	foreach_ptr(const CmigExpandLine, down, column ? downs : NIL)
	{
		if (strcmp(down->relation, table) == 0 && strcmp(down->column, column) == 0)
			return;
	}
	foreach_ptr(const Renamed, each, dropped)
	{
		if (strcmp(each->table, table) == 0 && column != NULL && each->column != NULL &&
			strcmp(each->column, column) == 0)
			refuse_downgrade(revision,
							 psprintf("line %d adds column %s, and the revision drops another one",
									  line, quote_identifier(column)),
							 psprintf(LINE_HINT, quote_identifier(table), quote_identifier(column)));
		if (strcmp(each->table, table) == 0 && column == NULL && each->column == NULL)
			refuse_downgrade(revision,
							 psprintf("line %d creates table %s, and the revision drops another one",
									  line, quote_identifier(table)), NULL);
	}
}

static List *
add_dropped(List *dropped, const char *table, const char *column)
{
	Renamed    *each = palloc0(sizeof(Renamed));

	each->table = pstrdup(table);
	each->column = column ? pstrdup(column) : NULL;
	return lappend(dropped, each);
}

/*
 * Raise error MG006 if the script creates a table or a column with the name of one that
 * it has dropped: the rows of one are not those of the other one.
 */
static void
require_no_successor(const char *sql, const List *downs, const char *revision)
{
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement = {0};
	List	   *dropped = NIL;

	while (cmig_script_next(script, &statement))
	{
		const Node *stmt = statement.raw->stmt;
		const DropStmt *drop = (const DropStmt *) stmt;
		const RenameStmt *rename = (const RenameStmt *) stmt;
		const char *table = IsA(stmt, AlterTableStmt) ?
		((const AlterTableStmt *) stmt)->relation->relname : NULL;
		List	   *cmds = table ? ((const AlterTableStmt *) stmt)->cmds : NIL;
		bool		drops = IsA(stmt, DropStmt) && drop->removeType == OBJECT_TABLE;

		foreach_node(List, name, drops ? drop->objects : NIL)
			dropped = add_dropped(dropped, strVal(llast(name)), NULL);
		foreach_ptr(Renamed, each, IsA(stmt, RenameStmt) &&
					rename->renameType == OBJECT_TABLE ? dropped : NIL)
		{
			if (each->column != NULL && strcmp(each->table, rename->relation->relname) == 0)
				each->table = pstrdup(rename->newname);
		}
		if (IsA(stmt, CreateStmt))
			require_not_dropped(dropped, ((const CreateStmt *) stmt)->relation->relname, NULL,
								downs, statement.line, revision);

		/* columns are dropped before others are added */
		foreach_node(AlterTableCmd, cmd, cmds)
		{
			if (cmd->subtype == AT_DropColumn)
				dropped = add_dropped(dropped, table, cmd->name);
		}
		foreach_node(AlterTableCmd, cmd, cmds)
		{
			if (cmd->subtype == AT_AddColumn)
				require_not_dropped(dropped, table, ((const ColumnDef *) cmd->def)->colname,
									downs, statement.line, revision);
		}
	}
	cmig_script_close(script);
}

char *
cmig_generate_downgrade(const char *revision)
{
	CmigSituation now = cmig_move_read(true);
	int			node = cmig_graph_find_id(now.graph, revision);
	CmigRevisionText *text = cmig_catalog_read_text(revision);
	CmigReplayPlan *from;
	CmigReplayPlan to;
	CmigDiffOptions options = {.privileges = true,.comments = true,.settled = true};
	Meaning		meaning = {.context = CurrentMemoryContext,.labels.node = node};
	CmigScriptReader *reader;
	CmigStatement statement = {0};
	StringInfoData script;
	StringInfoData drops;
	List	   *created = NIL;
	List	   *downs = NIL;
	List	   *lines;
	const char *sql;

	if (node < 0 || text == NULL)
		return NULL;
	from = cmig_replay_plan_nodes(now.graph, list_make1_int(node));
	to = *from;
	to.nodes = palloc(sizeof(int) * from->count);
	to.count = 0;
	/* a scope finds what the revisions of the database have created */
	for (int i = from->count - 1; i >= 0 && now.database != NULL; i--)
		if (now.database->set[from->nodes[i]])
			memmove(from->nodes + i, from->nodes + i + 1, (--from->count - i) * sizeof(int));
	for (int i = 0; i < from->count; i++)
		if (from->nodes[i] != node)
			to.nodes[to.count++] = from->nodes[i];
	options.role = cmig_session_role();
	options.time_zone = cmig_diff_time_zone();
	foreach_ptr(CmigExpandLine, each, cmig_expand_lines(text))
	{
		if (each->down != NULL)
			downs = lappend(downs, each);
	}
	require_no_successor(text->upgrade_sql, downs, revision);
	meaning.transactional = text->edges.transactional;
	meaning.path = cmig_session_search_path();
	meaning.has_downs = downs != NIL;
	meaning.downs = list_copy(downs);
	meaning.plan = from;
	from->watch = watch_meaning;
	from->watch_arg = &meaning;
	options.renames_replayed = &meaning.renames;
	lines = cmig_diff_run_between(from, &to, cmig_managed_of_revisions(), &options,
								  "cmig.downgrade()");
	if (meaning.refused != NULL)
		refuse_downgrade(revision, meaning.refused, NULL);

	initStringInfo(&script);
	appendStringInfo(&script, "%s%s", meaning.at_downs ? meaning.at_downs : "",
					 meaning.labels.sql ? meaning.labels.sql : "");
	initStringInfo(&drops);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		bool		creates = strcmp(line->action, "create") == 0 && line->subject != NULL;

		if (line->upgrade == NULL)
			refuse_downgrade(revision, section_layout_unsupported(line), NULL);
		if (creates && !line->incidental && line->subject->kind != &cmig_kind_column &&
			(line->subject->kind->flags & CMIG_KIND_DATA) != 0)
			refuse_downgrade(revision,
							 psprintf("it drops %s %s, whose rows are lost", line->kind,
									  line->object), NULL);

		/*
		 * a line may read a column that is dropped, whose type may be dropped
		 * after it
		 */
		if (!line->within)
			append_line(downs != NIL && strcmp(line->action, "drop") == 0 && !line->again &&
						(drops.len > 0 || strcmp(line->kind, "column") == 0) ? &drops : &script,
						line, true, false, true);
	}
	foreach_ptr(const CmigExpandLine, line, downs)
		appendStringInfo(&script, "-- cmig:up %s.%s = %s\n",
						 quote_qualified_identifier(line->schema, line->relation),
						 quote_identifier(line->column), line->down);
	appendStringInfoString(&script, drops.data);
	sql = cmig_expand_fill(script.data, revision, true);

	reader = cmig_script_open(sql);
	while (cmig_script_next(reader, &statement))
	{
		const ColumnDef *column = cmig_expand_unfilled(statement.raw, &created);

		if (column != NULL)
			refuse_downgrade(revision,
							 psprintf("column \"%s\", which it drops, must not be null",
									  column->colname),
							 psprintf(LINE_HINT,
									  quote_identifier(((AlterTableStmt *) statement.raw->stmt)->relation->relname), quote_identifier(column->colname)));
	}
	cmig_script_close(reader);
	return unconstify(char *, sql);
}

/* ----------------------------------------------------------------
 * cmig.autogenerate generates the revision that brings the database to a
 * target schema; cmig.require_schema raises an error if such a revision is
 * needed.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_autogenerate_1_2);
PG_FUNCTION_INFO_V1(cmig_require_schema_1_2);

/*
 * Returns true if the argument "source" is "replay" (the schema that the
 * revisions create), and false if it is "live".
 */
static bool
replay_argument(FunctionCallInfo fcinfo, int n)
{
	const char *source = cmig_argument_text(fcinfo, n);

	if (source == NULL || strcmp(source, "live") == 0)
		return false;
	if (strcmp(source, "replay") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid source \"%s\"", source),
				 errhint("Use 'live' for this database, or 'replay' for the schema that the revisions create.")));
	return true;
}

/*
 * Returns a List of CmigDiffLine *: the differences between the source and
 * the target.
 */
static List *
find_differences(const CmigManaged *managed, const char *target_sql,
				 CmigDiffOptions *options, bool replay, const char *function)
{
	CmigSituation now;
	const CmigGraph *graph;

	cmig_scope_refuse(function,
					  "`RESET cmig.scope`. For one schema: `SELECT *"
					  " FROM cmig.diff('<target_sql>', schemas => '{<schema>}')`");
	now = cmig_move_read(true);

	/*
	 * raise an error for an empty target, which is more likely the output of
	 * a failed program than a schema without objects
	 */
	if (target_sql[strspn(target_sql, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target_sql is empty"),
				 errdetail("Everything in the schemas would be dropped."),
				 errhint("If that is what you want, use '-- nothing' as target_sql.")));
	graph = now.graph;
	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigRevisionText *stored = cmig_catalog_read_text(cmig_graph_id(graph, node));
		CmigTargetScript *script = palloc(sizeof(CmigTargetScript));

		if (stored == NULL)
			continue;
		script->revision = cmig_graph_id(graph, node);
		script->sql = cmig_placeholder_values_insert(stored->upgrade_sql, &stored->placeholders,
													 script->revision, "upgrade", NULL);
		options->scripts = lappend(options->scripts, script);
	}
	if (!replay)
		cmig_pending_require_heads(&now);

	/*
	 * an expanded revision counts as applied, but the tables have the shape
	 * before it
	 */
	if (replay || cmig_expansion_read() != NULL)
		return cmig_diff_run_replay(cmig_replay_plan_all(&now), managed, target_sql, options,
									function);
	return cmig_diff_run(managed, target_sql, options, function);
}

/* The stages, for the end of the message, and for the description. */
static const char *const stages[][2] = {
	{"expand", "Adds what the new version of the application needs. The old version can still run."},
	{"fill", "Fills and checks the existing rows. Run this when the new version of the application writes the new columns."},
	{"contract", "Drops what only the old version of the application uses. Run this when it no longer runs."}
};

/* The id of a further revision, if the caller chose the first one's: 008 after 007. */
static char *
next_id(const char *first, int number)
{
	size_t		length = strlen(first);

	if (strspn(first, "0123456789") == length && length < 10)
		return psprintf("%0*d", (int) length, atoi(first) + number);
	return psprintf("%s_%d", first, number + 1);
}

/* Put a row for each stage that has lines; each revision follows the one before. */
static void
put_stages(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	CmigRevision *edges = &generate->draft.new.text.edges;
	const char *message = edges->message,
			   *first = PG_ARGISNULL(2) ? NULL : edges->id;
	List	   *staged[lengthof(stages)] = {NIL};
	int			number = 0;

	foreach_ptr(CmigDiffLine, line, lines)
	{
		List	  **list = &staged[Max(line->stage, 1) - 1];

		*list = lappend(*list, line);
	}
	generate->draft.new.placed = true;
	for (int i = 0; i < lengthof(stages); i++)
	{
		if (staged[i] == NIL)
			continue;
		if (number++ > 0)
		{
			edges->parents = *cmig_argument_one(edges->id);
			edges->labels = edges->depends = (CmigNames)
			{
				0
			};
			edges->id = first ? next_id(first, number - 1) : NULL;
		}
		edges->message = psprintf("%s: %s", message, stages[i][0]);
		generate->draft.new.text.description = pstrdup(stages[i][1]);
		foreach_ptr(CmigDiffLine, other, staged[i])
		{
			if (i == 0 && other->hazards != 0)
				generate->draft.new.text.description =
					pstrdup("Adds what the new version of the application needs. First read the comments: some statements rewrite or block tables, or lose data, while the old version runs.");
		}
		cmig_draft_prepare(&generate->draft);
		cmig_generate_put(fcinfo, generate, staged[i]);
	}
}

CMIG_READER(cmig_autogenerate_1_2)
{
	CmigGenerate generate = {0};
	CmigDiffOptions options = {0};
	const char *target_sql = cmig_argument_text(fcinfo, 1);
	CmigManaged *managed;
	bool		replay;
	List	   *lines;

	InitMaterializedSRF(fcinfo, 0);
	cmig_generate_arguments(fcinfo, 2, &generate);
	managed = cmig_diff_schemas_argument(fcinfo, 8);
	cmig_diff_arguments(fcinfo, 9, &options);
	generate.store = cmig_argument_bool(fcinfo, 15, false);
	replay = replay_argument(fcinfo, 16);
	cmig_diff_exclude_argument(fcinfo, 17, &options);
	options.stages = cmig_argument_bool(fcinfo, 18, false);
	options.concurrently |= options.stages;
	options.prove = cmig_argument_bool(fcinfo, 19, true);

	cmig_generate_prepare(&generate, "cmig.autogenerate()");
	cmig_argument_require(fcinfo, 1, "target_sql",
						  "`SELECT * FROM cmig.autogenerate('<message>', '<target_sql>')`");
	lines = find_differences(managed, target_sql, &options, replay, "cmig.autogenerate()");
	if (lines == NIL)
		ereport(NOTICE,
				(errmsg("the schema does not differ from the target, so there is no revision to write")));
	else if (options.stages)
		put_stages(fcinfo, &generate, lines);
	else
		cmig_generate_put(fcinfo, &generate, lines);
	return (Datum) 0;
}

CMIG_READER(cmig_require_schema_1_2)
{
	const char *target_sql = cmig_argument_text(fcinfo, 0);
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);
	CmigListing differences;
	bool		replay;
	bool		supported = false;
	List	   *lines;

	cmig_argument_require(fcinfo, 0, "target_sql", "SELECT cmig.require_schema('<target_sql>')");
	cmig_diff_arguments(fcinfo, 2, &options);
	options.need_schemas = true;
	replay = replay_argument(fcinfo, 8);
	cmig_diff_exclude_argument(fcinfo, 9, &options);
	lines = find_differences(managed, target_sql, &options, replay, "cmig.require_schema()");
	if (lines == NIL)
		PG_RETURN_VOID();
	cmig_listing_init(&differences, CMIG_LISTING_LINES);
	lines = cmig_diff_line_objects(lines);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		supported |= line->upgrade != NULL;
		if (line->upgrade == NULL)
			cmig_listing_add_format(&differences, "unsupported: %s",
									section_layout_unsupported(line));
		else
			cmig_listing_add_format(&differences, "%s %s %s%s%s", cmig_diff_line_action(line),
									line->kind, line->object,
									line->change ? ": " : "", line->change ? line->change : "");
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("the schema differs from the target"),
			 errdetail_plural("There is %d difference:\n%s", "There are %d differences:\n%s",
							  list_length(lines), list_length(lines),
							  cmig_listing_text(&differences)),
			 supported ? cmig_hint("`SELECT * FROM cmig.autogenerate('<message>', <target_sql>)`") :
			 errhint("Make the changes by hand, or call the function as a role that owns the objects.")));
}
