/*
 * downgrade.c
 *	  Generates the downgrade script of a revision with the header "expand".
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

/* A table, or a column of it that is not inherited.  All are texts. */
typedef struct Seen
{
	const char *oid;
	const char *schema;
	const char *table;
	const char *number;			/* 0: the table itself */
	const char *column;			/* or NULL */
} Seen;

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
	const List *all_downs;		/* of CmigExpandLine *: the lines "down" */
	List	   *downs;			/* those that are below */
	CmigReplayPlan *plan;
	CmigRepeatableRun labels;	/* gives labels of enums their old names */
	const CmigManaged *managed;
	List	   *tables;			/* what see_tables() has seen at the start */
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
	const char *hint;			/* or NULL */
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
	(void) cmig_expression_calls(expr, note_function, calling);
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
		ErrorData  *error;

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
		error = cmig_subtransaction_rehearse(find_function, &calling);
		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		if (error != NULL)
			calling.function = calling.line->down;
		if (calling.function != NULL)
			refuse_later(meaning, meaning->now_line,
						 psprintf(" sets another role, and line %d calls %s", calling.line->line,
								  calling.function));
	}
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

/* Returns the tables and columns that the replay has created so far, as Seen, by OID and number. */
static List *
see_tables(const Meaning *meaning)
{
	static CmigQuery query = {
		.sql = "SELECT c.oid, nspname, relname, a.number, a.name"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, LATERAL (SELECT 0, NULL::name"
		"  UNION ALL SELECT attnum, attname FROM pg_attribute"
		"  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attinhcount = 0) a (number, name)"
		" WHERE relkind IN ('r', 'p') AND nspname = ANY ($1) ORDER BY c.oid, a.number",
		.argtypes = {TEXTARRAYOID}
	};
	CmigNames	schemas = {0};

	schemas.names = palloc(sizeof(char *) * Max(meaning->managed->count, 1));
	for (int i = 0; i < meaning->managed->count; i++)
		schemas.names[schemas.count++] = meaning->managed->schemas[i].name;
	return cmig_query_list(&query, &schemas);
}

/* Compares OID and number. */
static int
compare_seen(const Seen *a, const Seen *b)
{
	Oid			tables[] = {strtoul(a->oid, NULL, 10), strtoul(b->oid, NULL, 10)};

	return tables[0] != tables[1] ? (tables[0] < tables[1] ? -1 : 1) : atoi(a->number) - atoi(b->number);
}

static bool
has_seen(const List *seen, const Seen *one)
{
	foreach_ptr(const Seen, each, seen)
	{
		if (compare_seen(each, one) == 0)
			return true;
	}
	return false;
}

/* Does a line compute the column, of which the table has another name after the script? */
static bool
is_computed(const Meaning *meaning, const Seen *column, const Seen *table)
{
	foreach_ptr(const CmigExpandLine, line, meaning->all_downs)
	{
		if (strcmp(line->column, column->column) == 0 &&
			(cmig_expand_is_relation(line, column->schema, column->table) ||
			 cmig_expand_is_relation(line, table->schema, table->table)))
			return true;
	}
	return false;
}

/*
 * Refuse the downgrade if a table that is gone, or a column of the "table", has a successor: a
 * new one with its name, which the difference would take for it, with other rows.
 */
static void
refuse_successor(Meaning *meaning, const Seen *gone, const Seen *table, const List *after)
{
	foreach_ptr(const Seen, each, after)
	{
		if ((each->column == NULL) != (gone->column == NULL) ||
			(gone->column == NULL ? strcmp(each->table, gone->table) != 0 ||
			 strcmp(each->schema, gone->schema) != 0 :
			 strcmp(each->oid, gone->oid) != 0 || strcmp(each->column, gone->column) != 0) ||
			has_seen(meaning->tables, each) ||
			(gone->column != NULL && is_computed(meaning, gone, table)))
			continue;
		if (meaning->refused != NULL)
			return;
		meaning->refused =
			psprintf(gone->column != NULL ? "column %s of table %s is another one than before" :
					 "%s%s is another table than before, with other rows",
					 gone->column != NULL ? quote_identifier(gone->column) : "",
					 quote_qualified_identifier(each->schema, each->table));
		if (gone->column != NULL)
			meaning->hint = psprintf(LINE_HINT, quote_identifier(each->table),
									 quote_identifier(each->column));
	}
}

/* Note the renames that lead back, after the last statement. */
static void
note_renames(Meaning *meaning)
{
	List	   *after = see_tables(meaning);
	const Seen *table = NULL;
	int			i = 0;

	foreach_ptr(const Seen, row, meaning->tables)
	{
		const Seen *same;

		while (i < list_length(after) && compare_seen(list_nth(after, i), row) < 0)
			i++;
		same = i < list_length(after) && compare_seen(list_nth(after, i), row) == 0 ?
			list_nth(after, i) : NULL;
		/* a table in another schema is created again, and so refused below */
		if (row->column == NULL)
			table = same = same && strcmp(same->schema, row->schema) == 0 ? same : NULL;
		if (same == NULL && (table != NULL || row->column == NULL))
			refuse_successor(meaning, row, table, after);
		else if (table != NULL &&
				 strcmp(row->column ? row->column : row->table,
						row->column ? same->column : same->table) != 0)
			meaning->renames =
				lappend(meaning->renames,
						psprintf("%s %s%s%s -> %s", row->column ? "column" : "table",
								 quote_qualified_identifier(table->schema, table->table),
								 row->column ? "." : "",
								 row->column ? quote_identifier(same->column) : "",
								 quote_identifier(row->column ? row->column : row->table)));
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
		meaning->tables = see_tables(meaning);
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
		else if (IsA(stmt, AlterEnumStmt) && ((const AlterEnumStmt *) stmt)->oldVal != NULL)
			note_label(meaning, (const AlterEnumStmt *) stmt);
		else if ((IsA(stmt, AlterRoleSetStmt) || IsA(stmt, AlterDatabaseSetStmt)) && meaning->all_downs != NIL)
			refuse_later(meaning, statement->line, " changes with which settings sessions begin");
	}
	MemoryContextSwitchTo(caller);
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
	meaning.transactional = text->edges.transactional;
	meaning.path = cmig_session_search_path();
	meaning.all_downs = downs;
	meaning.downs = list_copy(downs);
	meaning.plan = from;
	from->watch = watch_meaning;
	from->watch_arg = &meaning;
	options.renames_replayed = &meaning.renames;
	meaning.managed = cmig_managed_of_revisions();
	lines = cmig_diff_run_between(from, &to, meaning.managed, &options,
								  "cmig.downgrade()");
	if (meaning.refused != NULL)
		refuse_downgrade(revision, meaning.refused, meaning.hint);

	initStringInfo(&script);
	appendStringInfo(&script, "%s%s", meaning.at_downs ? meaning.at_downs : "",
					 meaning.labels.sql ? meaning.labels.sql : "");
	initStringInfo(&drops);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		bool		creates = strcmp(line->action, "create") == 0 && line->subject != NULL;

		if (line->upgrade == NULL)
			refuse_downgrade(revision, cmig_section_unsupported(line), NULL);
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
			cmig_section_line(downs != NIL && strcmp(line->action, "drop") == 0 && !line->again &&
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
