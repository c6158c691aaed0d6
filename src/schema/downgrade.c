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
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"

#include "base/errors.h"
#include "schema/internal.h"

/*
 * What holds values: a table or a column of it, a sequence, or an attribute of a
 * composite type of which tables have values.  All are texts.
 */
typedef struct Seen
{
	const char *oid;
	const char *schema;
	const char *table;			/* or the sequence or the type */
	const char *number;			/* 0: the table itself */
	const char *column;			/* or NULL */
	const char *kind;			/* pg_class.relkind */
	const char *own;			/* "t": a column that is not inherited, or a
								 * sequence that is not a column's */
	const char *generated;		/* "t": the column is computed */
} Seen;

/* A label of an enum.  All are texts. */
typedef struct SeenLabel
{
	const char *oid;
	const char *type;
	const char *schema;
	const char *name;			/* of the type */
	const char *label;
} SeenLabel;

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
	List	   *first;			/* of Seen, before the first statement */
	List	   *last;			/* the same after the last one */
	List	   *first_labels;	/* of SeenLabel */
	bool		trying;			/* has watch_values() been called? */
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

/* Returns what the query says of the managed schemas. */
static List *
see(const CmigManaged *managed, CmigQuery *query)
{
	CmigNames	schemas = {0};

	schemas.names = palloc(sizeof(char *) * Max(managed->count, 1));
	for (int i = 0; i < managed->count; i++)
		schemas.names[schemas.count++] = managed->schemas[i].name;
	return cmig_query_list(query, &schemas);
}

/* Returns what holds values in the schemas of the replay, as Seen, by OID and number. */
static List *
see_values(const CmigManaged *managed)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE stored (type) AS (SELECT DISTINCT atttypid"
		"  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
		"  WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"
		" UNION SELECT part FROM stored JOIN pg_type t ON t.oid = type,"
		"  LATERAL (SELECT typelem UNION ALL SELECT typbasetype"
		"  UNION ALL SELECT rngsubtype FROM pg_range WHERE type IN (rngtypid, rngmultitypid)"
		"  UNION ALL SELECT atttypid FROM pg_attribute WHERE typtype = 'c' AND attrelid = typrelid"
		"   AND attnum > 0 AND NOT attisdropped)"
		"  parts (part) WHERE part <> 0)"
		" SELECT c.oid, nspname, relname, a.number, a.name, relkind, a.own, a.generated"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace,"
		"  LATERAL (SELECT 0, NULL::name, relkind <> 'S' OR NOT EXISTS (SELECT FROM pg_depend d"
		"   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
		"    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')), false"
		"   WHERE relkind <> 'c'"
		"  UNION ALL SELECT attnum, attname, attinhcount = 0 AND relkind <> 'c', attgenerated <> '' FROM pg_attribute"
		"  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND relkind <> 'S') a (number, name, own, generated)"
		" WHERE nspname = ANY ($1) AND (relkind IN ('r', 'p', 'S') OR relkind = 'c' AND reltype IN (SELECT type FROM stored))"
		" ORDER BY c.oid, a.number",
		.argtypes = {TEXTARRAYOID}
	};

	return see(managed, &query);
}

/* Returns the labels of enums, as SeenLabel, by OID. */
static List *
see_labels(const CmigManaged *managed)
{
	static CmigQuery query = {
		.sql = "SELECT e.oid, t.oid, nspname, typname, enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid"
		" JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = ANY ($1) ORDER BY e.oid",
		.argtypes = {TEXTARRAYOID}
	};

	return see(managed, &query);
}

/* Compares two OIDs, given as texts. */
static int
compare_oids(const char *a, const char *b)
{
	Oid			oids[] = {strtoul(a, NULL, 10), strtoul(b, NULL, 10)};

	return oids[0] == oids[1] ? 0 : oids[0] < oids[1] ? -1 : 1;
}

/* Compares OID and number. */
static int
compare_seen(const Seen *a, const Seen *b)
{
	int			result = compare_oids(a->oid, b->oid);

	return result != 0 ? result : atoi(a->number) - atoi(b->number);
}

static int
compare_labels(const SeenLabel *a, const SeenLabel *b)
{
	return compare_oids(a->oid, b->oid);
}

static int
compare_names(const Seen *a, const Seen *b)
{
	int			result = strcmp(a->schema, b->schema);

	if (result == 0)
		result = strcmp(a->table, b->table);
	return result != 0 ? result : strcmp(a->column ? a->column : "", b->column ? b->column : "");
}

/* A list_sort_comparator. */
static int
by_name(const ListCell *a, const ListCell *b)
{
	return compare_names(lfirst(a), lfirst(b));
}

typedef int (*Comparison) (const void *a, const void *b);

/* Returns the member of a sorted list that is equal to "one", or NULL. */
static const void *
find_sorted(const List *sorted, const void *one, Comparison compare)
{
	int			low = 0,
				high = list_length(sorted);

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			result = compare(list_nth(sorted, middle), one);

		if (result == 0)
			return list_nth(sorted, middle);
		if (result < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const Seen *
find_seen(const List *seen, const Seen *one)
{
	return find_sorted(seen, one, (Comparison) compare_seen);
}

/* Does a line compute the column, of which the table has another name after the script? */
static bool
is_computed(const Meaning *meaning, const Seen *column)
{
	Seen		key = {.oid = column->oid,.number = "0"};
	const Seen *table = find_seen(meaning->last, &key);

	foreach_ptr(const CmigExpandLine, line, meaning->all_downs)
	{
		if (column->column != NULL && strcmp(line->column, column->column) == 0 &&
			(cmig_expand_is_relation(line, column->schema, column->table) ||
			 (table != NULL && cmig_expand_is_relation(line, table->schema, table->table))))
			return true;
	}
	return false;
}

/* Note the renames that lead back, after the last statement. */
static void
note_renames(Meaning *meaning)
{
	const Seen *table = NULL;

	foreach_ptr(const Seen, row, meaning->first)
	{
		const Seen *same = find_seen(meaning->last, row);

		/* what is in another schema, or inherited, is left to check_values() */
		if (row->column == NULL)
			table = same && strcmp(same->schema, row->schema) == 0 ? same : NULL;
		if (same == NULL || table == NULL || compare_oids(table->oid, row->oid) != 0 ||
			*row->own == 'f' || (*same->own == 'f' && *same->kind != 'S'))
			continue;
		if (strcmp(row->column ? row->column : row->table,
				   row->column ? same->column : same->table) != 0)
			meaning->renames =
				lappend(meaning->renames,
						psprintf("%s %s%s%s -> %s",
								 row->column ? "column" : *row->kind == 'S' ? "sequence" : "table",
								 quote_qualified_identifier(table->schema, table->table),
								 row->column ? "." : "",
								 row->column ? quote_identifier(same->column) : "",
								 quote_identifier(row->column ? row->column : row->table)));
	}
}

/* Is there a label of the type with this text? */
static bool
has_label(const List *labels, const char *type, const char *text)
{
	foreach_ptr(const SeenLabel, each, labels)
	{
		if (strcmp(each->type, type) == 0 && strcmp(each->label, text) == 0)
			return true;
	}
	return false;
}

/* Append a statement that renames a label. */
static void
rename_label(StringInfo sql, SeenLabel *label, const char *name)
{
	appendStringInfo(sql, "ALTER TYPE %s RENAME VALUE %s TO %s;\n",
					 quote_qualified_identifier(label->schema, label->name),
					 quote_literal_cstr(label->label), quote_literal_cstr(name));
	label->label = name;
}

/*
 * Note the statements that give labels their old names, after the last statement: rows keep
 * their values, unlike with a type that is created again.  A rename waits until its name is free.
 */
static void
note_labels(Meaning *meaning)
{
	List	   *now = see_labels(meaning->managed);
	int			number = 0;
	StringInfoData sql;
	bool		any;

	initStringInfo(&sql);
	do
	{
		SeenLabel  *waiting = NULL;

		any = false;
		foreach_ptr(const SeenLabel, row, meaning->first_labels)
		{
			SeenLabel  *label = unconstify(void *, find_sorted(now, row, (Comparison) compare_labels));

			if (label == NULL || strcmp(label->label, row->label) == 0)
				continue;
			if (has_label(now, row->type, row->label))
				waiting = label;
			else
			{
				rename_label(&sql, label, row->label);
				any = true;
			}
		}
		if (waiting != NULL && !any)
		{
			/* the others form a cycle */
			const char *name;

			do
				name = psprintf("cmig_swap_%d", number++);
			while (has_label(now, waiting->type, name));
			rename_label(&sql, waiting, name);
			any = true;
		}
	} while (any);
	if (sql.len == 0)
		return;
	meaning->labels.sql = sql.data;
	meaning->plan->runs = lappend(meaning->plan->runs, &meaning->labels);
}

/* A CmigReplayWatch: note what holds values before and after the script. */
static void
watch_values(const CmigStatement *statement, bool after, void *arg)
{
	Meaning    *meaning = arg;
	MemoryContext caller = MemoryContextSwitchTo(meaning->context);

	if (!meaning->trying)
		meaning->first = see_values(meaning->managed);
	meaning->trying = true;
	if (statement == NULL)
		meaning->last = see_values(meaning->managed);
	MemoryContextSwitchTo(caller);
}

/*
 * A CmigReplayFinish: refuse the statements that have run after the script if they do not lead
 * back to what held the values.  What is still there must have its old name, and what is gone
 * must be new, not another one that the script has left there.
 */
static CmigImage *
check_values(const CmigManaged *managed, CmigImage *image, void *arg)
{
	Meaning    *meaning = arg;
	List	   *now = see_values(meaning->managed);

	list_sort(now, by_name);
	foreach_ptr(const Seen, row, meaning->first)
	{
		const Seen *same = find_seen(meaning->last, row);
		const Seen *found = find_sorted(now, row, (Comparison) compare_names);
		MemoryContext caller;
		const char *name;

		/*
		 * sequences of columns continue after these, and attributes of a type
		 * that is created again are those that the script has chosen
		 */
		if (*row->generated == 't' || (*row->kind == 'S' && *row->own == 'f') || is_computed(meaning, row) ||
			(same ? found != NULL && compare_seen(found, row) == 0 :
			 found == NULL || find_seen(meaning->last, found) == NULL ||
			 (*row->kind == 'c' && compare_oids(found->oid, row->oid) != 0)))
			continue;
		caller = MemoryContextSwitchTo(meaning->context);
		name = quote_qualified_identifier(row->schema, row->table);
		if (row->column != NULL)
			meaning->refused = psprintf("%s %s of %s %s is another one than before",
										*row->kind == 'c' ? "attribute" : "column",
										quote_identifier(row->column),
										*row->kind == 'c' ? "type" : "table", name);
		else
			meaning->refused = psprintf(*row->kind == 'S' ?
										"%s is another sequence than before, with other values" :
										"%s is another table than before, with other rows", name);
		if (row->column != NULL && *row->own == 't')
			meaning->hint = psprintf(LINE_HINT, quote_identifier(row->table),
									 quote_identifier(row->column));
		MemoryContextSwitchTo(caller);
		break;
	}
	return image;
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
		meaning->first = see_values(meaning->managed);
		meaning->first_labels = see_labels(meaning->managed);
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
		{
			meaning->last = see_values(meaning->managed);
			note_renames(meaning);
			note_labels(meaning);
		}
		else if ((IsA(stmt, AlterRoleSetStmt) || IsA(stmt, AlterDatabaseSetStmt)) && meaning->all_downs != NIL)
			refuse_later(meaning, statement->line, " changes with which settings sessions begin");
	}
	MemoryContextSwitchTo(caller);
}

/* In PG_CATCH: refuse the downgrade if the error has this code, and raise it again otherwise. */
static void
refuse_failure(const char *revision, int code, MemoryContext caller)
{
	ErrorData  *error = cmig_error_take(caller);
	char	   *problem = pstrdup(error->detail ? error->detail : error->message);

	if (error->sqlerrcode != code)
		ReThrowError(error);
	if (problem[0] != '\0' && problem[strlen(problem) - 1] == '.')
		problem[strlen(problem) - 1] = '\0';
	refuse_downgrade(revision, psprintf("it would fail: %s", problem), NULL);
}

/* Run the downgrade in the shadow, after the upgrade, and refuse it if values are not led back. */
static void
try_downgrade(const char *revision, const char *sql, Meaning *meaning)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigRepeatableRun run = {.node = meaning->labels.node};
	CmigRevisionText text = {.edges.id = unconstify(char *, revision)};

	/* the lines have been replaced by SQL */
	text.upgrade_sql = pstrdup(sql);
	foreach_ptr(const CmigExpandLine, line, cmig_expand_lines(&text))
		memset(text.upgrade_sql + line->start, ' ', line->end - line->start);
	run.sql = psprintf("SELECT pg_catalog.set_config('search_path', %s, false);\n%s",
					   quote_literal_cstr(meaning->path), text.upgrade_sql);
	meaning->plan->runs = list_make1(&run);
	meaning->plan->watch = watch_values;
	PG_TRY();
	{
		(void) cmig_replay_read(meaning->plan, NULL, false, "cmig.downgrade()", false, check_values,
								meaning);
	}
	PG_CATCH();
	{
		refuse_failure(revision, ERRCODE_CMIG_NOT_REPLAYABLE, caller);
	}
	PG_END_TRY();
	if (meaning->refused != NULL)
		refuse_downgrade(revision, meaning->refused, meaning->hint);
}

/* Returns the difference that leads back, of the revision that is the last one of the plan. */
static List *
read_difference(const char *revision, const CmigReplayPlan *to, Meaning *meaning)
{
	CmigDiffOptions options = {.privileges = true,.comments = true,.settled = true};
	List	   *volatile lines = NIL;

	options.role = cmig_session_role();
	options.time_zone = cmig_diff_time_zone();
	options.converted = unconstify(List *, meaning->all_downs);
	options.renames_replayed = &meaning->renames;
	meaning->plan->watch = watch_meaning;
	meaning->plan->watch_arg = meaning;
	PG_TRY();
	{
		lines = cmig_diff_run_between(meaning->plan, to, meaning->managed, &options,
									  "cmig.downgrade()");
	}
	PG_CATCH();
	{
		/* an old name is taken */
		refuse_failure(revision, ERRCODE_DUPLICATE_OBJECT, meaning->context);
	}
	PG_END_TRY();
	if (meaning->refused != NULL)
		refuse_downgrade(revision, meaning->refused, meaning->hint);
	return lines;
}

/* Append the statements of the difference, and the lines "cmig:down" as those of the way back. */
static void
add_lines(StringInfo script, const List *lines, const List *downs, const char *revision)
{
	StringInfoData drops;
	StringInfoData later;
	int			columns = 0;	/* up to the last one that is not dropped */

	initStringInfo(&drops);
	initStringInfo(&later);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		if (strcmp(line->kind, "column") == 0 && strcmp(line->action, "drop") != 0)
			columns = foreach_current_index(line) + 1;
	}
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		bool		creates = strcmp(line->action, "create") == 0 && line->subject != NULL;
		bool		drops_it = strcmp(line->action, "drop") == 0;
		bool		checks = creates && (line->subject->kind == &cmig_kind_index ||
										 line->subject->kind == &cmig_kind_foreign_key);
		StringInfo	to = script;

		if (line->upgrade == NULL)
			refuse_downgrade(revision, cmig_section_unsupported(line), NULL);
		if (creates && !line->incidental && line->subject->kind != &cmig_kind_column &&
			(line->subject->kind->flags & CMIG_KIND_DATA) != 0)
			refuse_downgrade(revision,
							 psprintf("it drops %s %s, whose rows are lost", line->kind,
									  line->object), NULL);

		/*
		 * a line may read a column that is dropped, whose type may be dropped
		 * after it; indexes, foreign keys, and what may need them are created
		 * when the rows are filled, as other constraints by
		 * cmig_expand_fill()
		 */
		if (downs != NIL && drops_it && !line->again &&
			(drops.len > 0 || strcmp(line->kind, "column") == 0))
			to = &drops;
		else if (downs != NIL && !drops_it && foreach_current_index(line) >= columns &&
				 (later.len > 0 || checks))
			to = &later;
		if (!line->within)
			cmig_section_line(to, line, true, false, true);
	}
	foreach_ptr(const CmigExpandLine, line, downs)
		appendStringInfo(script, "-- cmig:up %s.%s = %s\n",
						 quote_qualified_identifier(line->schema, line->relation),
						 quote_identifier(line->column), line->down);
	appendStringInfo(script, "%s%s", later.data, drops.data);
}

char *
cmig_generate_downgrade(const char *revision)
{
	CmigSituation now = cmig_move_read(true);
	int			node = cmig_graph_find_id(now.graph, revision);
	CmigRevisionText *text = cmig_catalog_read_text(revision);
	CmigReplayPlan *from;
	CmigReplayPlan to;
	Meaning		meaning = {.context = CurrentMemoryContext,.labels.node = node};
	CmigScriptReader *reader;
	CmigStatement statement = {0};
	StringInfoData script;
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

	/*
	 * in a scope, these are those of its tree, whatever is applied in the
	 * database
	 */
	for (int i = 0; i < from->count; i++)
		if (from->nodes[i] != node)
			to.nodes[to.count++] = from->nodes[i];
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
	meaning.managed = cmig_managed_of_revisions();
	lines = read_difference(revision, &to, &meaning);

	initStringInfo(&script);
	appendStringInfo(&script, "%s%s", meaning.at_downs ? meaning.at_downs : "",
					 meaning.labels.sql ? meaning.labels.sql : "");
	add_lines(&script, lines, downs, revision);
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
	try_downgrade(revision, sql, &meaning);
	return script.data;
}
