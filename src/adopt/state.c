/*
 * state.c
 *	  Stamps the migrations that another tool has applied: cmig.import_state.
 *
 * tools.c has the names of the tables in which the tools record applied
 * migrations.  The table may belong to any role.  It is read only if it is an
 * ordinary table whose columns have built-in types, and if no row-level
 * security policies apply to the caller.  The table is read as its owner, so
 * that none of the owner's code runs with the caller's privileges.  The queries
 * cast every column to text, so that an unexpected column type does not cause
 * an error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_crc.h"
#include "utils/rls.h"

#include "adopt/internal.h"
#include "move/move.h"

PG_FUNCTION_INFO_V1(cmig_import_state);

Oid
cmig_tool_state_table(const CmigTool *tool)
{
	for (int i = 0; i < CMIG_TOOL_MAX_TABLES && tool->tables[i].name; i++)
	{
		RangeVar   *relation = makeRangeVar(unconstify(char *, tool->tables[i].schema),
											unconstify(char *, tool->tables[i].name), -1);
		Oid			table = RangeVarGetRelid(relation, NoLock, true);

		if (OidIsValid(table))
			return table;
	}
	return InvalidOid;
}

/*
 * The column types that a tool's table may have.  Only built-in functions run
 * when values of these types are read and sorted.
 */
static const Oid column_types[] = {
	BOOLOID, BPCHAROID, BYTEAOID, DATEOID, INT2OID, INT4OID, INT8OID, NAMEOID, NUMERICOID,
	TEXTARRAYOID,
	TEXTOID, TIMESTAMPOID, TIMESTAMPTZOID, UUIDOID, VARCHAROID
};

char *
cmig_tool_state_refusal(const CmigTool *tool, Oid table)
{
	if (get_rel_relkind(table) != RELKIND_RELATION)
		return pstrdup("It is not an ordinary table.");
	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return pstrdup("You have no SELECT privilege on it.");
	if (!cmig_may_compat(NamespaceRelationId, get_rel_namespace(table), GetUserId(), ACL_USAGE))
		return pstrdup("You have no USAGE privilege on its schema.");
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		return pstrdup("It has row-level security policies that apply to you.");
	for (int i = 0; i < CMIG_TOOL_MAX_COLUMNS && tool->columns[i]; i++)
	{
		AttrNumber	number = get_attnum(table, tool->columns[i]);
		Oid			type;
		int			j;

		if (number <= 0)
			return psprintf("It has no column \"%s\".", tool->columns[i]);
		type = get_atttype(table, number);
		for (j = 0; j < lengthof(column_types) && column_types[j] != type; j++)
			;
		if (j == lengthof(column_types))
			return psprintf("Column \"%s\" has type %s.", tool->columns[i], format_type_be(type));
	}
	return NULL;
}

/* The rows of the tool's table, as they are read. */
typedef struct Rows
{
	List	   *rows;			/* of CmigToolApplied * */
	HTAB	   *names;			/* of NameEntry, by the hash of a name */
} Rows;

/* The rows with one name that are left. */
typedef struct SameName
{
	const char *name;
	int			count;
	List	   *successful;		/* of CmigToolApplied * */
} SameName;

/* An entry of the hash table. */
typedef struct NameEntry
{
	uint32		hash;
	List	   *named;			/* of SameName *: there may be several */
} NameEntry;

static SameName *
find_named(Rows *rows, const char *name)
{
	uint32		hash = hash_bytes((const unsigned char *) name, strlen(name));
	bool		found;
	NameEntry  *entry = hash_search(rows->names, &hash, HASH_ENTER, &found);
	SameName   *named;

	if (!found)
		entry->named = NIL;
	foreach_ptr(SameName, each, entry->named)
	{
		if (strcmp(each->name, name) == 0)
			return each;
	}
	named = palloc0(sizeof(SameName));
	named->name = name;
	entry->named = lappend(entry->named, named);
	return named;
}

/* Row callback: add the row to *arg, which is Rows. */
static void
take_row(const CmigRow *row, void *arg)
{
	Rows	   *rows = arg;
	CmigToolApplied *applied = palloc0(sizeof(CmigToolApplied));
	char	   *name = cmig_query_text_or_null(row, 1);
	char	   *found = cmig_query_text_or_null(row, 2);
	const char *state = found ? found : "failed";
	SameName   *named;

	applied->name = name ? name : pstrdup("");
	applied->failed = strcmp(state, "failed") == 0;
	applied->until = strcmp(state, "until") == 0;
	applied->repeatable = strcmp(state, "repeatable") == 0;
	applied->checksum = row->desc->natts > 2 ? cmig_query_text_or_null(row, 3) : NULL;
	applied->file = row->desc->natts > 3 ? cmig_query_text_or_null(row, 4) : NULL;
	named = find_named(rows, applied->name);
	applied->occurrence = named->count + 1;

	/* a repeatable migration has a row for each of its runs */
	if (named->successful != NIL && (applied->repeatable || strcmp(state, "reverted") == 0))
	{
		((CmigToolApplied *) llast(named->successful))->occurrence = 0;
		named->successful = list_delete_last(named->successful);
		named->count--;
	}
	if (strcmp(state, "reverted") == 0)
		return;
	rows->rows = lappend(rows->rows, applied);
	named->count++;
	if (!applied->failed)
		named->successful = lappend(named->successful, applied);
}

/*
 * Open and lock the table.  Check again that the table may be read, because
 * another session may have altered it in the meantime.
 */
static Relation
open_readable(const CmigTool *tool, Oid table)
{
	Relation	relation = try_table_open(table, AccessShareLock);

	if (relation == NULL || cmig_tool_state_refusal(tool, table) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the migration table of %s was altered or dropped by another session",
						tool->name),
				 errhint("Try again.")));
	return relation;
}

/*
 * The planner evaluates index predicates and expressions, which can contain
 * the owner's code.  Therefore the table is read as its owner, in read-only
 * mode.
 */
List *
cmig_tool_state_read(const CmigTool *tool, Oid table)
{
	HASHCTL		control = {.keysize = sizeof(uint32),.entrysize = sizeof(NameEntry),.hcxt = CurrentMemoryContext};
	Rows		rows = {.names = hash_create("pg_cmig rows", 256, &control,
											 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT)};
	List	   *left = NIL;
	CmigQuery  *query;
	Relation	relation = open_readable(tool, table);
	CmigRole	saved;

	query = cmig_query_make(psprintf("SELECT %s FROM ONLY %s t %s", tool->select,
									 cmig_query_relation_name(table), tool->rest),
							list_make1_oid(table), 0, NULL);
	query->all_rows = true;
	cmig_role_act_as_owner(&saved, relation->rd_rel->relowner);
	XactReadOnly = true;
	/* what the tool has committed, also while its table's lock was waited for */
	query->latest = true;
	cmig_query_each(query, NULL, NULL, take_row, &rows);
	cmig_role_return(&saved);
	table_close(relation, NoLock);
	foreach_ptr(CmigToolApplied, applied, rows.rows)
	{
		/* unless a later row has replaced or reverted it */
		if (applied->occurrence > 0)
			left = lappend(left, applied);
	}
	return left;
}

/* The revisions' creation dates. */
typedef struct Dates
{
	const CmigGraph *graph;
	int64	   *milliseconds;	/* since 1970; 0 if unknown */
} Dates;

static void
take_date(const CmigRevisionText *text, void *arg)
{
	Dates	   *dates = arg;
	int			node = cmig_graph_find_id(dates->graph, text->edges.id);

	if (node >= 0 && text->edges.has_created_at)
		dates->milliseconds[node] = text->edges.created_at / 1000 +
			(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (USECS_PER_DAY / 1000);
}

/*
 * Does the name consist only of digits and dots, so that it can be compared as
 * a version?
 */
static bool
is_version(const char *name)
{
	return *name != '\0' && name[strspn(name, "0123456789._")] == '\0';
}

/*
 * Returns the node for one occurrence of a repeated name.  The last occurrence
 * is the revision whose id is the name itself.  The earlier occurrences are the
 * revisions with ids of the form <name>_at_<tag>, in the order of the graph.
 */
static int
find_occurrence(const CmigToolMatches *matches, const CmigToolApplied *applied)
{
	const CmigGraph *graph = matches->graph;
	CmigMarks  *all = cmig_graph_marks(graph);
	char	   *prefix = psprintf("%s_at_", cmig_tool_text_id(applied->name));
	int			seen = 0;
	int			count;
	int		   *order;

	for (int i = 0; i < graph->count; i++)
		cmig_graph_mark(all, i);
	order = cmig_graph_order(graph, all, &count);
	for (int i = 0; i < count; i++)
		if (cmig_tool_text_begins(cmig_graph_id(graph, order[i]), prefix) &&
			++seen == applied->occurrence)
			return order[i];
	return cmig_graph_find_id(graph, cmig_tool_text_id(applied->name));
}

/* Returns the node for a row in the tool's table, or -1 if there is none. */
static int
find_node(const CmigToolMatches *matches, const Dates *dates, const CmigToolApplied *applied)
{
	const CmigGraph *graph = matches->graph;
	int			node;

	if (*applied->name == '\0')
		return -1;
	if (matches->tool->match == CMIG_TOOL_DATE)
	{
		int64		wanted = strtoll(applied->name, NULL, 10);

		for (int i = 0; i < graph->count; i++)
			if (wanted != 0 && dates->milliseconds[i] == wanted)
				return i;
		return -1;
	}
	if (matches->tool->match == CMIG_TOOL_OCCURRENCE)
		return find_occurrence(matches, applied);
	if (applied->file)
	{
		/* as the names of change sets that are in several files */
		CmigToolApplied *named = palloc0(sizeof(CmigToolApplied));

		named->name = cmig_tool_text_id(psprintf("%s.%s", applied->file, applied->name));
		node = find_node(matches, dates, named);
		if (node >= 0)
			return node;
	}
	node = cmig_graph_find_name(graph, applied->name);
	if (node < 0)
		node = cmig_graph_find_id(graph, cmig_tool_text_id(applied->name));
	if (node < 0)
		node = cmig_repeatables_find(graph, applied->name);
	if (node < 0)
		node = cmig_repeatables_find(graph, cmig_tool_text_id(applied->name));
	if (node >= 0 || matches->tool->match != CMIG_TOOL_NUMBER || !is_version(applied->name))
		return node;
	for (int i = 0; i < graph->count; i++)
		if (is_version(cmig_graph_id(graph, i)) &&
			cmig_tool_text_compare_versions(cmig_graph_id(graph, i), applied->name) == 0)
			return i;
	return -1;
}

/*
 * Returns the node of an applied revision that replaces the migration, together
 * with others, or -1.  The last one that it replaces says whether it is applied
 * (cmig_graph_find_name).
 */
static int
find_squashed(const CmigToolMatches *matches, const char *name)
{
	for (int i = 0; i < matches->graph->count; i++)
	{
		const CmigNames *old = &matches->graph->nodes[i].revision->replaces;

		for (int k = 0; matches->marks->set[i] && k < old->count; k++)
			if (strcmp(old->names[k], name) == 0)
				return i;
	}
	return -1;
}

/*
 * Mark the revisions in rows with state "repeatable" as applied, except those
 * that build on a pending revision.
 */
static void
mark_repeatable(CmigToolMatches *matches)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < list_length(matches->applied); i++)
		{
			const CmigToolApplied *row = list_nth(matches->applied, i);
			int			node = matches->nodes[i];
			bool		ready = row->repeatable && !row->failed && node >= 0 &&
			!cmig_repeatables_is(matches->graph, node);
			int			below;

			for (int k = 0; ready &&
				 (below = cmig_graph_edge_down(&matches->graph->nodes[node], k, true)) >= 0; k++)
				ready = matches->marks->set[below];
			if (ready)
				changed |= cmig_graph_mark(matches->marks, node);
		}
	}
}

CmigToolMatches *
cmig_tool_match(const CmigTool *tool, List *applied)
{
	CmigToolMatches *matches = palloc0(sizeof(CmigToolMatches));
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigMarks  *until;
	Dates		dates = {0};

	matches->tool = tool;
	matches->applied = applied;
	matches->graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(matches->graph, set->repeatables, set->repeatable_count);
	matches->nodes = palloc(sizeof(int) * Max(list_length(applied), 1));
	matches->marks = cmig_graph_marks(matches->graph);
	until = cmig_graph_marks(matches->graph);
	dates.graph = matches->graph;
	if (tool->match == CMIG_TOOL_DATE)
	{
		dates.milliseconds = palloc0(sizeof(int64) * Max(matches->graph->count, 1));
		cmig_catalog_each_name(take_date, &dates);
	}
	for (int i = 0; i < list_length(applied); i++)
	{
		const CmigToolApplied *row = list_nth(applied, i);

		CHECK_FOR_INTERRUPTS();
		matches->nodes[i] = find_node(matches, &dates, row);
		if (matches->nodes[i] >= 0 && !cmig_repeatables_is(matches->graph, matches->nodes[i]) &&
			!row->failed && !row->repeatable)
			cmig_graph_mark(row->until ? until : matches->marks, matches->nodes[i]);
	}
	cmig_graph_mark_ancestors(matches->graph, until, true);
	for (int i = 0; i < matches->graph->count; i++)
		if (until->set[i])
			cmig_graph_mark(matches->marks, i);
	mark_repeatable(matches);
	for (int i = 0; i < list_length(applied); i++)
		if (matches->nodes[i] < 0)
			matches->nodes[i] = find_squashed(matches,
											  ((const CmigToolApplied *) list_nth(applied, i))->name);
	return matches;
}

/*
 * Returns the ids of the applied nodes on which no other applied node builds.
 */
static CmigNames *
find_tops(const CmigToolMatches *matches)
{
	const CmigGraph *graph = matches->graph;
	CmigNames  *tops = palloc0(sizeof(CmigNames));

	tops->names = palloc(sizeof(char *) * Max(matches->marks->count, 1));
	for (int i = 0; i < graph->count; i++)
	{
		int			upper;
		bool		covered = false;

		if (!matches->marks->set[i])
			continue;
		for (int k = 0; (upper = cmig_graph_edge_up(&graph->nodes[i], k, true)) >= 0; k++)
			covered |= matches->marks->set[upper];
		if (!covered)
			tops->names[tops->count++] = cmig_graph_id(graph, i);
	}
	return tops;
}

/*
 * Returns the OID of the table in which the tool records applied migrations.
 * Raises 42P01 if there is no such table, and 42809 if the table cannot belong
 * to the tool.
 */
static Oid
history_table(FunctionCallInfo fcinfo, const CmigTool *tool)
{
	Oid			table = PG_ARGISNULL(1) ? cmig_tool_state_table(tool) : PG_GETARG_OID(1);
	const CmigToolTable *usual = &tool->tables[0];
	char	   *refusal;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist",
						usual->schema ? psprintf("%s.%s", usual->schema, usual->name) :
						usual->name),
				 cmig_hint("If the table has a different name: `SELECT * FROM cmig.import_state(%s, '<schema>.<table>')`", quote_literal_cstr(tool->name))));
	if (get_rel_name(table) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", table)));
	refusal = cmig_tool_state_refusal(tool, table);
	if (refusal)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot read \"%s\" as the migration table of %s", get_rel_name(table),
						tool->name),
				 errdetail("%s", refusal)));
	return table;
}

/*
 * Raise 55000 if an applied revision builds on a revision that is not applied.
 */
static void
require_no_gap(const CmigToolMatches *matches)
{
	const CmigGraph *graph = matches->graph;

	for (int i = 0; i < graph->count; i++)
	{
		int			below;

		for (int k = 0; matches->marks->set[i] &&
			 (below = cmig_graph_edge_down(&graph->nodes[i], k, true)) >= 0; k++)
			if (!matches->marks->set[below])
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("%s has applied revision \"%s\", but not its ancestor \"%s\"",
								matches->tool->name, cmig_graph_id(graph, i),
								cmig_graph_id(graph, below)),
						 errhint("Apply that ancestor with %s first, or change down_revision to match the order in which the revisions were applied.", matches->tool->name)));
	}
}

/*
 * Raise 55000 if pg_cmig has recorded a revision that the tool has not
 * applied.
 */
static void
require_not_ahead(const CmigToolMatches *matches)
{
	CmigNames  *rows = cmig_version_rows_read();

	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_name(matches->graph, rows->names[i]);

		if (node < 0 || !matches->marks->set[node])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" is applied according to cmig.version, but not according to %s", rows->names[i], matches->tool->name),
					 errdetail("The state of another tool can be imported only until pg_cmig runs its first revision."),
					 cmig_hint("If %s is right, reset the state of pg_cmig before you call `cmig.import_state` again: `SELECT cmig.stamp('base')`", matches->tool->name)));
	}
}

/*
 * If row number "i" is that of a repeatable revision, and the script that ran
 * is the one that is stored, record that it ran, and return true.  The tool's
 * checksum is that of Flyway: the CRC-32 of the lines without their ends.
 */
static bool
record_repeatable(const CmigToolMatches *matches, int i)
{
	const CmigToolApplied *applied = list_nth(matches->applied, i);
	CmigRevisionText *text;
	pg_crc32	crc;

	if (applied->failed || applied->checksum == NULL || matches->nodes[i] < 0 ||
		!cmig_repeatables_is(matches->graph, matches->nodes[i]))
		return false;
	text = cmig_catalog_read_text(cmig_graph_id(matches->graph, matches->nodes[i]));
	if (text == NULL)
		return false;
	INIT_TRADITIONAL_CRC32(crc);
	for (const char *p = text->upgrade_sql; *p; p++)
		if (*p != '\n' && *p != '\r')
			COMP_TRADITIONAL_CRC32(crc, p, 1);
	FIN_TRADITIONAL_CRC32(crc);
	if (strcmp(applied->checksum, psprintf("%d", (int32) crc)) != 0)
		return false;
	if (cmig_repeatable_state(matches->graph, matches->nodes[i]) != CMIG_REPEATABLE_CURRENT)
	{
		CmigJournalEntry entry = {
			.direction = "repair",.revision = text->edges.id,
			.checksum = cmig_repeatable_checksum(text->upgrade_sql, text->edges.transactional, true)
		};

		cmig_journal_write(&entry);
	}
	return true;
}

/*
 * Returns a note for row number "i" of the tool's table.  Returns NULL if there
 * is nothing to note.
 */
static char *
row_note(const CmigToolMatches *matches, int i)
{
	const CmigToolApplied *applied = list_nth(matches->applied, i);

	if (applied->failed)
		return psprintf("not stamped: %s did not finish it", matches->tool->name);
	if (matches->nodes[i] < 0)
		return pstrdup("not stamped: no such revision is loaded");
	if (cmig_repeatables_is(matches->graph, matches->nodes[i]))
		return pstrdup("not stamped: it is repeatable and will run with the next upgrade to the heads");
	if (!matches->marks->set[matches->nodes[i]])
		return pstrdup("not stamped: it will run again after the pending revisions below it");
	return NULL;
}

Datum
cmig_import_state(PG_FUNCTION_ARGS)
{
	const CmigTool *tool;
	CmigToolMatches *matches;
	CmigNames  *tops;

	cmig_argument_require(fcinfo, 0, "tool", "`SELECT * FROM cmig.import_state('<tool>')`");
	tool = cmig_tool_find(cmig_argument_text(fcinfo, 0), false);
	InitMaterializedSRF(fcinfo, 0);
	cmig_change_begin("cmig.import_state()");
	matches = cmig_tool_match(tool, cmig_tool_state_read(tool, history_table(fcinfo, tool)));
	tops = find_tops(matches);
	if (tops->count > 0)
	{
		cmig_graph_require_sound(matches->graph);
		require_not_ahead(matches);
		require_no_gap(matches);
		(void) cmig_stamp_targets(tops, false);
	}
	for (int i = 0; i < list_length(matches->applied); i++)
	{
		const CmigToolApplied *applied = list_nth(matches->applied, i);

		cmig_result_add_text(fcinfo, applied->name,
							 matches->nodes[i] < 0 ? NULL :
							 cmig_graph_id(matches->graph, matches->nodes[i]),
							 record_repeatable(matches, i) ? NULL : row_note(matches, i));
	}
	return (Datum) 0;
}
