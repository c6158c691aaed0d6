/*
 * progress.c
 *	  Rows of cmig.progress, cmig.backfill_run, cmig.run_control, and
 *	  cmig.measured.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "storage/block.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "run/run.h"
#include "store/internal.h"

/* ----------------------------------------------------------------
 * Reads and writes cmig.progress, which records unfinished steps of
 * stepwise runs.
 *
 * There is a row for each statement of a nontransactional revision that may
 * have had an effect.  All rows of a step are deleted at the end of the step.
 * A row has one of these states:
 *
 * - "running": The statement was started at top level.  The catalogs (or, for
 *   a pg_cmig procedure, its own records) show what the statement has done.
 * - "in_doubt": The statement has committed some of its work, but has not
 *   ended.
 * - "done": The statement has run.
 *
 * A statement without a row has had no effect.
 * ----------------------------------------------------------------
 */

static const char *const state_names[] = {"running", "in_doubt", "done"};

/*
 * Returns a List of CmigProgressRow *, given a query's rows with the columns
 * revision, scope, direction, and optionally statement, state, detail,
 * checksum, and abandoned.  A state that is unknown, because it was written manually, counts
 * as in doubt.
 */
static List *
make_rows(List *rows, bool complete)
{
	ListCell   *lc;

	foreach(lc, rows)
	{
		char	  **values = lfirst(lc);
		CmigProgressRow *row = palloc0(sizeof(CmigProgressRow));

		row->revision = values[0];
		row->scope = values[1];
		row->direction = strcmp(values[2], "upgrade") == 0 ? CMIG_UPGRADE : CMIG_DOWNGRADE;
		if (complete)
		{
			row->statement = atoi(values[3]);
			row->state = CMIG_PROGRESS_IN_DOUBT;
			for (int i = 0; i < lengthof(state_names); i++)
				if (strcmp(values[4], state_names[i]) == 0)
					row->state = i;
			row->detail = values[5];
			row->checksum = values[6];
			row->abandoned = values[7] != NULL;
		}
		lfirst(lc) = row;
	}
	return rows;
}

List *
cmig_progress_read(void)
{
	static CmigQuery query = {
		"SELECT coalesce(revision::text, ''), scope::text, coalesce(direction::text, ''),"
		" coalesce(statement::integer, 0), coalesce(state::text, ''),"
		" detail::jsonb::text, detail::jsonb->>'checksum', detail::jsonb->>'abandoned' FROM cmig.progress"
		" WHERE scope::text = $1 ORDER BY 1, 3, 4",
		{TEXTOID},.table = "progress"
	};

	return make_rows(cmig_query_list(&query, cmig_scope_current()), true);
}

List *
cmig_progress_everywhere(void)
{
	static CmigQuery query = {
		"SELECT DISTINCT revision::text, coalesce(scope::text, ''), coalesce(direction::text, '')"
		" FROM cmig.progress"
		" WHERE revision IS NOT NULL ORDER BY 1, 2, 3"
	};

	return make_rows(cmig_query_list(&query), false);
}

CmigNames *
cmig_progress_begun(void)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	List	   *rows = cmig_progress_read();

	names->names = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach_ptr(CmigProgressRow, row, rows)
		names->names[names->count++] = row->revision;
	return names;
}

CmigProgressRow *
cmig_progress_find(List *rows, const char *revision, CmigDirection direction,
				   int statement)
{
	foreach_ptr(CmigProgressRow, row, rows)
	{
		if ((statement == 0 || (row->statement == statement && row->direction == direction)) &&
			strcmp(row->revision, revision) == 0)
			return row;
	}
	return NULL;
}

void
cmig_progress_write(const char *revision, CmigDirection direction, int statement,
					CmigProgressState state, const char *detail)
{
	static CmigQuery query = {
		"INSERT INTO cmig.progress AS p (revision, direction, statement, state, detail, scope)"
		" VALUES ($1, $2, $3, $4, $5::jsonb, $6)"
		" ON CONFLICT (scope, revision, direction, statement) DO UPDATE"
		" SET state = excluded.state, detail = coalesce(excluded.detail::jsonb, p.detail::jsonb)",
		{TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID}
	};

	cmig_query_do(&query, revision, cmig_direction_name(direction), statement, state_names[state],
				  detail,
				  cmig_scope_current());
}

void
cmig_progress_abandon(const char *revision, CmigDirection direction)
{
	static CmigQuery query = {
		"UPDATE cmig.progress SET detail = coalesce(detail::jsonb, '{}') || '{\"abandoned\": true}'"
		" WHERE scope::text = $3 AND revision::text = $1 AND direction::text = $2",
		{TEXTOID, TEXTOID, TEXTOID}
	};

	cmig_query_do(&query, revision, cmig_direction_name(direction), cmig_scope_current());
}

bool
cmig_progress_clear(const char *revision, CmigDirection direction, int statement)
{
	static CmigQuery query = {
		"DELETE FROM cmig.progress WHERE scope::text = $4 AND ($1 IS NULL OR"
		" revision::text = $1 AND direction::text = $2 AND ($3 = 0 OR statement::integer = $3))",
		{TEXTOID, TEXTOID, INT4OID, TEXTOID}
	};

	return cmig_query_do(&query, revision, cmig_direction_name(direction), statement,
						 cmig_scope_current()) > 0;
}

/*
 * If no run can finish the step to which the row belongs, returns a hint that
 * says why and what to do.  Otherwise returns NULL.
 */
static const char *
find_obstacle(const CmigProgressRow *row)
{
	/* is the revision stored, and does it have a version row? */
	static CmigQuery query = {
		"SELECT EXISTS (SELECT FROM cmig.revision WHERE revision::text = $1),"
		" EXISTS (SELECT FROM cmig.version WHERE revision::text = $1 AND $2 = '' UNION ALL"
		"  SELECT FROM cmig.scope_version WHERE revision::text = $1 AND scope::text = $2)",
		{TEXTOID, TEXTOID}
	};
	const char *direction = cmig_direction_name(row->direction);
	char	  **look = cmig_query_row(&query, row->revision, cmig_scope_current());

	if (row->abandoned)
		return psprintf("`CALL cmig.abandon_partial(%s)` -- lists the statements that remain to be reverted",
						quote_literal_cstr(row->revision));
	if (*look[0] != 't')
		return psprintf("The revision is no longer stored. Restore its file and load it, then call `cmig.%s_stepwise` again. Or manually revert the statements that have run, then `SELECT cmig.stamp('<current revision>', purge => true)`",
						direction);
	if ((*look[1] == 't') != (row->direction == CMIG_DOWNGRADE))
		return psprintf("%s was changed by hand, so no run can reach this revision: `SELECT cmig.stamp('<current revision>', purge => true)`, then call `cmig.%s_stepwise` again.",
						cmig_version_rows_table(), direction);
	return NULL;
}

/*
 * A repeatable revision runs in an upgrade to "heads".  The target of a
 * downgrade that reverts only a merge is one of its parents.  If several
 * branches are applied, the target is one step down on the branch of the
 * revision; otherwise, "-1" is sufficient.
 */
char *
cmig_progress_call(const char *scope, const char *revision, CmigDirection direction,
				   const char *more)
{
	static CmigQuery query = {
		"SELECT CASE WHEN $3 = 'upgrade' THEN CASE WHEN repeatable::boolean THEN 'heads' END"
		" WHEN cardinality(down_revision::text[]) > 1 THEN (down_revision::text[])[1]"
		" WHEN CASE WHEN $2 = '' THEN (SELECT count(*) FROM cmig.version)"
		"  ELSE (SELECT count(*) FROM cmig.scope_version WHERE scope::text = $2) END > 1"
		"  THEN revision::text || '@-1' END"
		" FROM cmig.revision WHERE revision::text = $1",
		{TEXTOID, TEXTOID, TEXTOID}
	};
	const char *name = cmig_direction_name(direction);
	const char *target = cmig_query_value(&query, revision, scope, name);

	if (target == NULL)
		target = direction == CMIG_UPGRADE ? revision : "-1";
	return psprintf("`%sCALL cmig.%s_stepwise(%s%s)`",
					strcmp(scope, cmig_scope_current()) == 0 ? "" :
					scope[0] == '\0' ? "RESET cmig.scope; " :
					psprintf("SET cmig.scope = %s; ", quote_literal_cstr(scope)),
					name, quote_literal_cstr(target), more);
}

char *
cmig_progress_place(const CmigProgressRow *row)
{
	if (row->abandoned)
		return pstrdup("it was being reverted; an unknown part of it remains");
	return psprintf("statement %d is %s; no later statement is complete", row->statement,
					row->state == CMIG_PROGRESS_DONE ? "done" :
					row->state == CMIG_PROGRESS_IN_DOUBT ? "in doubt" : "unfinished");
}

const char *
cmig_progress_next(const CmigProgressRow *row)
{
	const char *obstacle = find_obstacle(row);

	if (obstacle != NULL)
		return obstacle;
	return psprintf(row->state == CMIG_PROGRESS_IN_DOUBT ?
					"Check how far the statement got, then %s -- or 'again'" :
					cmig_settings_engine() ?
					"%s -- or manually revert its statements, then `SELECT cmig.stamp('<current revision>')`" :
					cmig_scope_is_set() ? "%s" :
					"%s -- or, to revert it: `CALL cmig.abandon_partial(%s)`",
					cmig_progress_call(row->scope, row->revision, row->direction,
									   row->state == CMIG_PROGRESS_IN_DOUBT ?
									   ", in_doubt => 'done'" : ""),
					quote_literal_cstr(row->revision));
}

void
cmig_progress_require_none(const char *revision, CmigDirection direction)
{
	List	   *rows = cmig_progress_read();
	CmigProgressRow *row;
	const char *obstacle;

	if (rows == NIL)
		return;
	row = linitial(rows);
	if (revision && strcmp(row->revision, revision) == 0 && row->direction == direction)
		return;
	obstacle = find_obstacle(row);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the %s of revision \"%s\" is partially applied",
					cmig_direction_name(row->direction), row->revision),
			 errdetail("A stepwise run did not finish the %s; %s shows the statements that have run.",
					   cmig_direction_name(row->direction),
					   cmig_settings_engine() ? "cmig_engine.progress" : "cmig.progress"),
			 obstacle ? cmig_hint("%s", obstacle) :
			 cmig_hint(cmig_scope_is_set() || cmig_settings_engine() ?
					   "%s finishes the %s. Or manually revert the statements that have run, then `SELECT cmig.stamp('<current revision>')`" :
					   "%s finishes the %s. `CALL cmig.abandon_partial(%s)` lists the statements that revert it.",
					   cmig_progress_call(row->scope, row->revision, row->direction, ""),
					   cmig_direction_name(row->direction), quote_literal_cstr(row->revision))));
}

/* ----------------------------------------------------------------
 * Reads the revisions that count.
 *
 * Either a revision that replaces others counts, or the revisions that it
 * replaces count, as described in graph/graph.h.  Revisions that do not count are
 * ignored.
 * ----------------------------------------------------------------
 */

CmigPlace *
cmig_active_place(void)
{
	CmigPlace  *place = palloc(sizeof(CmigPlace));

	place->rows = cmig_version_rows_read();
	place->begun = cmig_progress_begun();
	return place;
}

/*
 * Returns the first revision whose turn has come: the version row of the last
 * revision that it replaces must become its own.  Returns NULL if there is
 * none.
 */
static const CmigRevision *
find_turn(const CmigRevisionSet *set, const CmigPlace *place)
{
	for (int i = 0; i < set->count; i++)
		if (set->revisions[i].replaces.count > 0 &&
			cmig_replaces_state(set->revisions, set->count, place,
								&set->revisions[i]) == CMIG_REPLACES_TURN)
			return &set->revisions[i];
	return NULL;
}

CmigRevisionSet *
cmig_active_read(bool with_details)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(with_details);

	set->settled = true;
	if (cmig_replaces_any(set->revisions, set->count))
	{
		const CmigPlace *place = cmig_active_place();

		set->settled = find_turn(set, place) == NULL;
		set->count = cmig_replaces_resolve(set->revisions, set->count, place);
	}
	return set;
}

bool
cmig_active_needed_in_scopes(const CmigNames *replaced)
{
	const CmigNames *rows = cmig_version_rows_of(CMIG_ROWS_OF_SCOPES);
	List	   *begun = rows->count > 0 ? cmig_progress_everywhere() : NIL;

	for (int i = 0; i < replaced->count; i++)
	{
		const char *name = replaced->names[i];

		/*
		 * ignore a version row for the last revision, because a scope with
		 * such a row has applied all replaced revisions
		 */
		if ((i < replaced->count - 1 && cmig_names_has(rows, name)) ||
			cmig_progress_find(begun, name, CMIG_UPGRADE, 0))
			return true;
	}
	return false;
}

/* What cmig_upgrade_call() has to upgrade in the database or in the scopes. */
typedef struct Upgraded
{
	List	   *nodes;
	bool		stepwise;
} Upgraded;

/*
 * Returns the target of an upgrade of the nodes: those that have no child
 * among them.  If there are several, it is an array or, if "one" is true, a
 * placeholder.  Scopes that are between revisions that a node replaces do not
 * know its id, so the target is then the head of its branch.
 */
static char *
upgraded_target(const CmigGraph *graph, const List *nodes, bool one)
{
	CmigMarks  *marks = cmig_graph_marks(graph);
	StringInfoData buf;
	int			count = 0;

	initStringInfo(&buf);
	foreach_int(number, nodes)
		cmig_graph_mark(marks, number);
	foreach_int(each, nodes)
	{
		const CmigNode *node = &graph->nodes[each];
		const char *target = node->revision->id;

		if (cmig_identifier_edges(&node->children, marks) != NIL)
			continue;
		if (node->revision->replaces.count > 0 && one)
		{
			List	   *labels = cmig_graph_labels(cmig_graph_shown_labels(graph), each);

			target = labels == NIL ? "head" : psprintf("%s@head", (char *) linitial(labels));
		}
		appendStringInfo(&buf, "%s%s", count++ > 0 ? ", " : "", quote_literal_cstr(target));
	}
	return count == 1 ? buf.data : one ? "'<revision>'" : psprintf("ARRAY[%s]", buf.data);
}

bool *
cmig_upgrade_of_scopes(const CmigGraph *graph)
{
	const CmigMarks *applied = cmig_applied_find(graph,
												 cmig_version_rows_of(CMIG_ROWS_OF_DATABASE))->applied;
	int		   *trees = cmig_trees_find(graph);
	bool	   *is_tree = palloc0(Max(graph->count, 1));
	bool	   *result = palloc(Max(graph->count, 1));
	const CmigNames *tried = cmig_version_rows_of(CMIG_ROWS_TRIED);

	/* a scope may have applied revisions that the node replaces */
	for (int i = 0; i < graph->count; i++)
	{
		const CmigNames *old = &graph->nodes[i].revision->replaces;

		is_tree[trees[i]] |= cmig_names_has(tried, cmig_graph_id(graph, i));
		for (int j = 0; j < old->count; j++)
			is_tree[trees[i]] |= cmig_names_has(tried, old->names[j]);
	}
	for (int i = 0; i < graph->count; i++)
		if (applied->set[i])
			is_tree[trees[i]] = false;
	for (int i = 0; i < graph->count; i++)
		result[i] = is_tree[trees[i]];
	return result;
}

char *
cmig_upgrade_call(const CmigGraph *graph, const List *nodes, const char *target, bool stepwise)
{
	enum
	{
		IN_DATABASE, IN_SCOPES
	};
	const CmigNames *tried = cmig_scope_is_set() ? NULL : cmig_version_rows_of(CMIG_ROWS_TRIED);
	bool	   *of_scopes;
	Upgraded	upgraded[2] = {{NIL, stepwise}, {NIL, stepwise}};
	List	   *all = NIL;
	char	   *in_database;
	char	   *in_scopes;

	foreach_int(node, nodes)
	{
		upgraded[IN_DATABASE].stepwise |= !graph->nodes[node].revision->transactional;
		if (!cmig_repeatables_is(graph, node))
			all = lappend_int(all, node);
	}
	in_database = psprintf("`%s(%s)`",
						   upgraded[IN_DATABASE].stepwise ? "CALL cmig.upgrade_stepwise" :
						   "SELECT * FROM cmig.upgrade",
						   target || all == NIL ? quote_literal_cstr(target ? target : "heads") :
						   upgraded_target(graph, all, false));

	/*
	 * repeatable revisions alone are pending only where all others are
	 * applied
	 */
	if (tried == NULL || tried->count == 0 || (all == NIL && nodes != NIL))
		return in_database;
	if (all == NIL)
		return "`SELECT * FROM cmig.status()`";
	/* all runs in scopes failed before it was known which tree is theirs */
	if (tried->count == 1 && tried->names[0][0] == '\0')
		return "`SELECT * FROM cmig.scopes()`";

	of_scopes = cmig_upgrade_of_scopes(graph);
	upgraded[IN_DATABASE].stepwise = stepwise;
	foreach_int(number, all)
	{
		Upgraded   *place = &upgraded[of_scopes[number] ? IN_SCOPES : IN_DATABASE];

		place->nodes = lappend_int(place->nodes, number);
		place->stepwise |= !graph->nodes[number].revision->transactional;
	}
	if (upgraded[IN_SCOPES].nodes == NIL)
		return in_database;
	in_scopes = psprintf("`CALL cmig.upgrade_scopes('<pattern>', %s)`",
						 upgraded_target(graph, upgraded[IN_SCOPES].nodes, true));
	if (upgraded[IN_DATABASE].nodes == NIL)
		return in_scopes;
	return psprintf("`%s(%s)` -- in the database; in the scopes: %s",
					upgraded[IN_DATABASE].stepwise ? "CALL cmig.upgrade_stepwise" :
					"SELECT * FROM cmig.upgrade",
					upgraded_target(graph, upgraded[IN_DATABASE].nodes, false), in_scopes);
}

CmigMarks *
cmig_active_separate(CmigGraph *graph)
{
	CmigMarks  *marks;

	if (!cmig_scope_is_set())
		return NULL;

	/*
	 * Find the revisions that are applied in the database before separating
	 * the trees.  A revision is also applied if an applied revision depends
	 * on it, and separating the trees removes such dependencies.
	 */
	marks = cmig_applied_find(graph, cmig_version_rows_of(CMIG_ROWS_OF_DATABASE))->applied;
	cmig_trees_separate(graph);
	return marks;
}

void
cmig_active_settle(void)
{
	const CmigRevisionSet *set;
	const CmigRevision *revision;
	Oid			version;

	/* most often there is none, which is known without reading the graph */
	if (!cmig_catalog_has_replacing())
		return;

	/*
	 * An author is not allowed to change version rows; in that case, the next
	 * run by a migrator changes them.
	 */
	version = get_relname_relid("version", get_namespace_oid("cmig", false));
	if (OidIsValid(version) &&
		pg_class_aclcheck(version, GetUserId(), ACL_UPDATE) != ACLCHECK_OK)
		return;
	set = cmig_catalog_read_revisions(false);
	while ((revision = find_turn(set, cmig_active_place())) != NULL)
	{
		CmigRevisionText *text = cmig_catalog_read_text(revision->id);
		CmigJournalEntry entry = {.revision = revision->id,.direction = "stamp"};

		cmig_version_rows_replace(revision->replaces.names[revision->replaces.count - 1],
								  revision->id);
		entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
		entry.message = psprintf("replaces %s",
								 cmig_listing_names(&revision->replaces, CMIG_LISTING_PLAIN));
		cmig_journal_write(&entry);
	}
}

bool
cmig_active_is_settled(void)
{
	return !cmig_catalog_has_replacing() || cmig_active_read(false)->settled;
}

/* ----------------------------------------------------------------
 * Reads and writes cmig.backfill_run, which records the progress of
 * backfills.
 *
 * The row of a backfill is updated in the transaction of each batch, so it is
 * correct even after a crash.
 *
 * Backfills of several tables may start at the same time, so the ids of rows
 * come from a sequence.  If the sequence has been set back by restoring a dump
 * into a live database, the next id is the greatest existing id plus one.
 * ----------------------------------------------------------------
 */

/* Write the row of this table, which the trigger then does not check again. */
#define WRITE_ROW(table, statement) \
	do \
	{ \
		cmig_backfill_row_table = (table); \
		PG_TRY(); \
		{ \
			statement; \
		} \
		PG_FINALLY(); \
		{ \
			cmig_backfill_row_table = InvalidOid; \
		} \
		PG_END_TRY(); \
	} while (0)

/* Before version 1.2, the table does not have this column. */
static bool
has_column(const char *name)
{
	return get_attnum(get_relname_relid("backfill_run", get_namespace_oid("cmig", false)),
					  name) != InvalidAttrNumber;
}

/* The maximum number of ids to try when a row is inserted. */
#define MAX_ATTEMPTS 100

/*
 * Raise an error because a row was changed manually so that its backfill
 * cannot be resumed.  "column" is the column whose value is not valid.
 */
static void
refuse_row(int64 id, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("row %lld of cmig.backfill_run was changed by hand", (long long) id),
			 errdetail("Column \"%s\" has a value that a backfill does not store.", column),
			 errhint("To start over: DELETE FROM cmig.backfill_run WHERE id = %lld;",
					 (long long) id)));
}

/*
 * Returns the elements of a text[] column.  Raises an error if the array has
 * more than one dimension or contains nulls.  "id" and "name" identify the row
 * and the column in the error.
 */
static CmigNames
names_of(const CmigRow *row, int column, int64 id, const char *name)
{
	CmigNames	none = {0};
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTARRAYOID, &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(value);

	if (isnull)
		return none;
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		refuse_row(id, name);
	return *cmig_argument_names(array, name, NULL);
}

/* Is the string a block number in the format that update_query stores? */
static bool
is_block(const char *text)
{
	Size		digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 10 && text[digits] == '\0' &&
		strtoull(text, NULL, 10) <= MaxBlockNumber;
}

/*
 * Raise an error if a row contains values with which a batch could not run.
 * Migrators are allowed to write to cmig.backfill_run, so all values that
 * batches use as indexes or arguments are checked.  If the table is read block
 * by block, "place" and "bound" must each be a block number.  If the table is
 * read in the order of a key, they must have as many values as the key has
 * columns.
 */
static void
require_valid(const CmigBackfillRun *run, bool by_key)
{
	bool		walks = run->relation != NULL;
	int			values = by_key ? run->key.count : 1;
	const char *bad = run->method == NULL ||
	strcmp(run->method, by_key ? "key" : "ctid") != 0 ? "method" :
	run->pass < 1 ? "pass" : run->rows < 0 ? "rows" : run->rows_of_pass < 0 ? "rows_of_pass" :
	run->batches < 0 ? "batches" : walks && (run->key.count > 0) != by_key ? "key" :
	walks && (run->bound.count != values && (run->bound.count != 0 || !by_key)) ? "bound" :
	walks && (run->place.count != run->bound.count && (run->place.count != 0 || !by_key)) ?
	"place" :
	walks && !by_key && !is_block(run->bound.names[0]) ? "bound" :
	walks && !by_key && !is_block(run->place.names[0]) ? "place" : NULL;

	if (bad != NULL)
		refuse_row(run->id, bad);
}

/*
 * Raise an error if the row does not tell in this database which table it is
 * about, and the current role cannot write it.
 */
static void
require_known(const CmigBackfillRun *run)
{
	if (!run->unknown || cmig_backfill_row_any())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("row %lld of cmig.backfill_run was written in another database",
					(long long) run->id),
			 errdetail("It is about a table that was named %s there.", run->target),
			 cmig_hint("If this is the table that has the name now, as the extension's owner: UPDATE cmig.backfill_run SET target = target WHERE id = %lld, then repeat the `CALL`. To start over, as the extension's owner: DELETE FROM cmig.backfill_run WHERE id = %lld",
					   (long long) run->id, (long long) run->id)));
}

/* Row callback of find_query: store the row in a CmigBackfillRun. */
static void
collect_run(const CmigRow *row, void *arg)
{
	CmigBackfillRun *run = arg;

	run->id = cmig_query_int64(row, 1, 0);
	run->done = cmig_query_bool(row, 2, false);
	run->method = cmig_query_text_or_null(row, 3);
	run->pass = cmig_query_int32(row, 4, 0);
	run->relation = cmig_query_text_or_null(row, 5);
	run->key = names_of(row, 6, run->id, "key");
	run->place = names_of(row, 7, run->id, "place");
	run->bound = names_of(row, 8, run->id, "bound");
	run->total = cmig_query_float8(row, 9);
	run->passed = cmig_query_float8(row, 10);
	run->rows = cmig_query_int64(row, 11, -1);
	run->rows_of_pass = cmig_query_int64(row, 12, -1);
	run->batches = cmig_query_int64(row, 13, -1);
	run->parts = names_of(row, 14, run->id, "parts");
	run->target = cmig_query_text_or_null(row, 15);
	run->unknown = !cmig_query_bool(row, 16, false);
	run->part_ids = run->unknown ? NULL : cmig_query_text_or_null(row, 17);
}

/*
 * Conditions on a row, given target_id of a table: is the row about this table, was
 * it written in another database, and was it written in this one?
 */
#define IS_ABOUT(id, name) \
	"(split_part(target_id::text, ' ', 1) = " id " OR target::text = " name \
	" AND substr(split_part(target_id::text, ' ', 1), strpos(target_id::text, '/'))" \
	"  = substr(" id ", strpos(" id ", '/')))"
#define IS_OF_THIS(id) "starts_with(target_id::text, regexp_replace(" id ", '[^/]*$', ''))"
#define IS_UNKNOWN(id, name) "(target::text = " name " AND " IS_OF_THIS(id) " IS NOT TRUE)"

#define FIND_RUN(known, part_ids, condition) \
	"SELECT id::bigint, state::text = 'done', method::text, pass::integer," \
	" relation::text, key::text[], place::text[], bound::text[]," \
	" total::double precision, passed::double precision, rows::bigint," \
	" rows_of_pass::bigint, batches::bigint, parts::text[], target::text, " known " AS known," \
	" " part_ids \
	" FROM cmig.backfill_run WHERE " condition \
	" AND set_sql::text = $2 AND where_sql::text IS NOT DISTINCT FROM $3" \
	" AND revision::text IS NOT DISTINCT FROM $4" \
	" AND direction::text IS NOT DISTINCT FROM $5" \
	" AND statement::integer IS NOT DISTINCT FROM $6 AND scope::text = $7" \
	" AND (state::text <> 'done' OR statement::integer IS NOT NULL)" \
	" ORDER BY known DESC, id::bigint DESC LIMIT 1"

/* Continue a backfill whose table has another name since the row was written. */
static void
follow_name(CmigBackfillRun *run, const char *target)
{
	static CmigQuery query = {
		"UPDATE cmig.backfill_run SET target = $2 WHERE id::bigint = $1", {INT8OID, TEXTOID}
	};

	if (cmig_text_same(run->target, target))
		return;
	if (cmig_text_same(run->relation, run->target))
		run->relation = pstrdup(target);
	WRITE_ROW(run->table, (void) cmig_query_do(&query, run->id, target));
}

bool
cmig_backfill_run_find(const CmigBackfillIdentity *identity, CmigBackfillRun *run)
{
	static CmigQuery query = {
		FIND_RUN("coalesce(" IS_ABOUT("$8", "$1") ", false)",
				 "nullif(split_part(target_id::text, ' ', 2), '')",
				 "(" IS_ABOUT("$8", "$1") " OR " IS_UNKNOWN("$8", "$1") ")"),
		{TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID}
	};
	static CmigQuery query_1_1 = {
		FIND_RUN("true", "NULL::text", "target::text = $1 AND $8 IS NOT NULL"),
		{TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID}
	};
	Datum		values[8];
	char		nulls[9] = "        ";

	cmig_query_bind_text(values, nulls, 0, identity->target);
	cmig_query_bind_text(values, nulls, 1, identity->set_sql);
	cmig_query_bind_text(values, nulls, 2, identity->where_sql);
	cmig_query_bind_text(values, nulls, 3, identity->revision);
	cmig_query_bind_text(values, nulls, 4, identity->direction);
	values[5] = Int32GetDatum(identity->statement);
	nulls[5] = identity->revision ? ' ' : 'n';
	cmig_query_bind_text(values, nulls, 6, cmig_scope_current());
	cmig_query_bind_text(values, nulls, 7, cmig_backfill_row_id(identity->table));
	run->table = identity->table;
	if (cmig_query_each(has_column("target_id") ? &query : &query_1_1, values, nulls, collect_run,
						run) == 0)
		return false;
	if (run->done)
		return true;
	require_known(run);
	require_valid(run, identity->by_key);
	follow_name(run, identity->target);
	return true;
}

static CmigQuery last_id_query = {
	"SELECT max(id::bigint)::text FROM cmig.backfill_run"
};

/*
 * Returns an id that is greater than those of all existing rows.  As for an
 * identity column, the caller needs no privileges on the sequence.
 */
static int64
next_id(void)
{
	Oid			sequence = get_relname_relid("backfill_run_id_seq",
											 get_namespace_oid("cmig", false));
	char	   *last;
	int64		id;

	if (!OidIsValid(sequence))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("sequence cmig.backfill_run_id_seq does not exist"),
				 errhint("The tables of pg_cmig were dropped or altered. Restore them from a backup. If there is none" CMIG_BEGIN_AGAIN)));
	id = nextval_internal(sequence, false);
	last = cmig_query_at_snapshot(&last_id_query, NULL, cmig_latest_snapshot());
	if (last != NULL)
	{
		int64		last_id = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(last)));

		if (last_id < PG_INT64_MAX)
			id = Max(id, last_id + 1);
	}
	return id;
}

/* Insert the row with an id.  Returns false if there is one with this id. */
static bool
insert_row(const CmigBackfillIdentity *identity, const CmigBackfillRun *run)
{
	static CmigQuery query = {
		"INSERT INTO cmig.backfill_run (id, target, set_sql, where_sql, revision,"
		" direction, statement, state, method, total, parts, started_at, updated_at, scope)"
		" OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $5 IS NOT NULL"
		" THEN $7 END,"
		" 'running', $8, $9, nullif($10, '{}'), clock_timestamp(),"
		" clock_timestamp(), $11) ON CONFLICT (id) DO NOTHING",
		{INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID,
		TEXTOID, FLOAT8OID, TEXTARRAYOID, TEXTOID}
	};
	uint64		count;

	cmig_backfill_row_parts = run->part_ids;
	WRITE_ROW(identity->table, count =
			  cmig_query_do(&query, run->id, identity->target, identity->set_sql,
							identity->where_sql, identity->revision, identity->direction,
							identity->statement, run->method, run->total, &run->parts,
							cmig_scope_current()));
	return count == 1;
}

void
cmig_backfill_run_insert(const CmigBackfillIdentity *identity, CmigBackfillRun *run)
{
	/*
	 * Try several ids, because another session may choose the same id while
	 * the sequence is behind the greatest existing id.
	 */
	for (int i = 0; i < MAX_ATTEMPTS; i++)
	{
		run->id = next_id();
		if (insert_row(identity, run))
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not insert a row for this backfill into cmig.backfill_run"),
			 errhint("Drop the triggers and rules on cmig.backfill_run, then call cmig.backfill again.")));
}

void
cmig_backfill_run_update(const CmigBackfillRun *run, int64 active_us)
{
	static CmigQuery query = {
		"UPDATE cmig.backfill_run SET state = $2, pass = $3, relation = $4,"
		" place = CASE WHEN $2 <> 'done' THEN $5 END, bound = CASE WHEN $2 <> 'done' THEN $6 END, total = $7, passed = $8, rows = $9,"
		" rows_of_pass = $10, batches = $11,"
		" active = active::interval + $12 * interval '1 microsecond', key = nullif($13, '{}'),"
		" updated_at = clock_timestamp() WHERE id::bigint = $1",
		{INT8OID, TEXTOID, INT4OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID,
		FLOAT8OID, FLOAT8OID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTARRAYOID}
	};

	uint64		count;

	WRITE_ROW(run->table, count =
			  cmig_query_do(&query, run->id, run->done ? "done" : "running", run->pass,
							run->relation, &run->place, &run->bound, run->total, run->passed,
							run->rows, run->rows_of_pass, run->batches, active_us, &run->key));
	if (count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the row of this backfill in cmig.backfill_run was deleted"),
				 errhint("Do not delete rows of cmig.backfill_run before the backfill has ended.")));
}

#define UNFINISHED(table) \
	"SELECT id::bigint, coalesce(target::text, ''), coalesce(set_sql::text, '')," \
	" coalesce(statement::integer, 0), rows::bigint, t FROM cmig.backfill_run" \
	" CROSS JOIN LATERAL (SELECT " table ") l (t)" \
	" WHERE (revision::text = $1 AND direction::text = $2 AND statement::integer IS NOT NULL" \
	"   OR $1 IS NULL AND revision::text IS NULL AND t <> 'other')" \
	" AND state::text <> 'done' AND where_sql::text IS NULL AND rows::bigint > 0" \
	" AND id::bigint <> $3 AND scope::text = $5 ORDER BY id::bigint DESC"

List *
cmig_backfill_run_unfinished(const CmigBackfillIdentity *identity, int64 own_id)
{
	static CmigQuery query = {
		UNFINISHED("CASE WHEN " IS_ABOUT("$6", "$4") " OR " IS_UNKNOWN("$6", "$4") " THEN 'same'"
				   " WHEN target::text = $4 AND NOT EXISTS (SELECT FROM pg_class c"
				   "  WHERE c.oid::text = split_part(split_part(target_id::text, ' ', 1), '/', 3)) THEN 'gone' ELSE 'other' END"),
		{TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID}
	};
	static CmigQuery query_1_1 = {
		UNFINISHED("CASE WHEN target::text = $4 AND $6 IS NOT NULL THEN 'same' ELSE 'other' END"),
		{TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID}
	};

	List	   *rows = cmig_query_list(has_column("target_id") ? &query : &query_1_1,
									   identity->revision, identity->direction, own_id,
									   identity->target, cmig_scope_current(),
									   cmig_backfill_row_id(identity->table));

	/* the table that has the name now may contain rows that were updated */
	foreach_ptr(CmigBackfillUnfinished, each, rows)
	{
		if (own_id == 0 && identity->where_sql == NULL && strcmp(each->table, "gone") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("a backfill of an earlier table %s is partially applied", each->target),
					 errdetail("It has updated %s rows of a table that was dropped, with SET %s. A new backfill updates all rows of the table that has this name now.",
							   each->rows, each->set_sql),
					 errhint("DELETE FROM cmig.backfill_run WHERE id = %s", each->id)));
	}
	return rows;
}

/* Act as the owner of the table, who writes the rows of all backfills. */
static void
act_as_owner(CmigRole *caller)
{
	cmig_role_act_as_owner(caller, cmig_role_owner_of(get_relname_relid("backfill_run",
																		get_namespace_oid("cmig", false))));
}

bool
cmig_backfill_run_settle(const char *revision, const char *direction)
{
	static CmigQuery query = {
		"UPDATE cmig.backfill_run SET statement = NULL"
		" WHERE ($1 IS NULL OR revision::text = $1 AND direction::text = $2)"
		" AND statement::integer IS NOT NULL AND scope::text = $3",
		{TEXTOID, TEXTOID, TEXTOID}
	};
	const char *scope = cmig_scope_current();
	CmigRole	caller;
	bool		any;

	if (revision != NULL && *scope == '\0')
		cmig_control_forget("revision", revision);
	/* whoever may stamp a revision need not be able to update its tables */
	act_as_owner(&caller);
	any = cmig_query_do(&query, revision, direction, scope) > 0;
	cmig_role_return(&caller);
	return any;
}

void
cmig_backfill_run_note(const CmigBackfillRun *run, double rows_total, const char *error)
{
	static CmigQuery query = {
		"UPDATE cmig.backfill_run SET last_error = $3,"
		" rows_total = CASE WHEN $2 < 0 THEN rows_total ELSE $2::bigint END WHERE id::bigint = $1",
		{INT8OID, FLOAT8OID, TEXTOID}
	};

	if (has_column("rows_total"))
		WRITE_ROW(run->table, (void) cmig_query_do(&query, run->id, rows_total, error));
}

void
cmig_backfill_run_remove(const CmigBackfillRun *run)
{
	static CmigQuery query = {"DELETE FROM cmig.backfill_run WHERE id::bigint = $1", {INT8OID}};

	WRITE_ROW(run->table, (void) cmig_query_do(&query, run->id));
}

void
cmig_backfill_run_forget_state(const char *scope)
{
	static CmigQuery query = {
		"DELETE FROM cmig.backfill_run WHERE set_sql = '" CMIG_STATE_COLUMN " = NULL'"
		" AND state <> 'done' AND where_sql IS NOT NULL"
		" AND target IN (SELECT relation FROM cmig.expansion_step WHERE scope = $1)", {TEXTOID}
	};
	CmigRole	caller;

	/* the name in a row can be that of another table */
	act_as_owner(&caller);
	cmig_query_do(&query, scope);
	cmig_role_return(&caller);
}

void
cmig_backfill_run_replace(const CmigBackfillIdentity *identity)
{
	static CmigQuery query = {
		"DELETE FROM cmig.backfill_run WHERE revision::text = $1 AND direction::text = $2"
		" AND statement::integer = $3 AND state::text <> 'done' AND scope::text = $4",
		{TEXTOID, TEXTOID, INT4OID, TEXTOID}
	};
	const char *scope = cmig_scope_current();
	CmigRole	caller;

	if (identity->revision == NULL)
		return;
	/* an earlier version of the statement may have been about another table */
	act_as_owner(&caller);
	cmig_query_do(&query, identity->revision, identity->direction, identity->statement, scope);
	cmig_role_return(&caller);
}

/* ----------------------------------------------------------------
 * Reads and writes cmig.run_control, in which other sessions pause and limit
 * backfills.  Before version 1.2, the table does not exist.
 * ----------------------------------------------------------------
 */

bool
cmig_control_is_revision(const char *id)
{
	static CmigQuery query = {
		"SELECT FROM cmig.revision WHERE revision::text = $1 UNION ALL"
		" SELECT FROM cmig.backfill_run WHERE revision::text = $1 AND state::text <> 'done'",
		{TEXTOID}
	};

	return cmig_query_do(&query, id) > 0;
}

void
cmig_control_pause(const CmigControlTarget *target)
{
	static CmigQuery query = {
		"INSERT INTO cmig.run_control (kind, name, paused) VALUES ($1, $2, true)"
		" ON CONFLICT (kind, name) DO UPDATE SET paused = true, role = DEFAULT, changed_at = DEFAULT",
		{TEXTOID, TEXTOID}
	};

	cmig_query_do(&query, target->kind, target->name);
}

/* Delete rows that no longer say anything. */
static void
remove_empty_controls(void)
{
	static CmigQuery query = {
		"DELETE FROM cmig.run_control WHERE NOT paused AND max_rows_per_second IS NULL"
	};

	cmig_query_do(&query);
}

bool
cmig_control_resume(const CmigControlTarget *target)
{
	static CmigQuery query = {
		"UPDATE cmig.run_control SET paused = false, role = DEFAULT, changed_at = DEFAULT"
		" WHERE paused AND ($1 = 'all' OR kind::text = $1 AND name::text = $2)",
		{TEXTOID, TEXTOID}
	};
	bool		any = cmig_query_do(&query, target->kind, target->name) > 0;

	remove_empty_controls();
	return any;
}

int
cmig_control_throttle(const CmigControlTarget *target, int max_rows_per_second)
{
	static CmigQuery limit = {
		"INSERT INTO cmig.run_control (kind, name, max_rows_per_second) VALUES ($1, $2, $3)"
		" ON CONFLICT (kind, name) DO UPDATE SET max_rows_per_second = $3, role = DEFAULT, changed_at = DEFAULT"
		" RETURNING (SELECT c.max_rows_per_second FROM cmig.run_control c WHERE c.kind = 'all'"
		" AND c.kind <> $1 AND c.max_rows_per_second < $3)",
		{TEXTOID, TEXTOID, INT4OID}
	};
	static CmigQuery lift = {
		"UPDATE cmig.run_control SET max_rows_per_second = NULL, role = DEFAULT, changed_at = DEFAULT"
		" WHERE max_rows_per_second IS NOT NULL AND ($1 = 'all' OR kind::text = $1"
		" AND name::text = $2)",
		{TEXTOID, TEXTOID}
	};

	if (max_rows_per_second > 0)
	{
		const char *all = cmig_query_value(&limit, target->kind, target->name, max_rows_per_second);

		return all ? atoi(all) : 0;
	}
	cmig_query_do(&lift, target->kind, target->name);
	remove_empty_controls();
	return 0;
}

/*
 * Is there the table, and may the role use it?  A role that was given single
 * privileges by hand can run backfills without it.
 */
static bool
has_table(const char *name, AclMode privileges)
{
	Oid			table = get_relname_relid(name, get_namespace_oid("cmig", false));

	return OidIsValid(table) && pg_class_aclcheck(table, GetUserId(), privileges) == ACLCHECK_OK;
}

void
cmig_control_forget(const char *kind, const char *name)
{
	static CmigQuery query = {
		"DELETE FROM cmig.run_control WHERE ctid = ANY (ARRAY(SELECT ctid FROM cmig.run_control"
		" WHERE kind::text = $1 AND name::text = $2 FOR UPDATE SKIP LOCKED))",
		{TEXTOID, TEXTOID}
	};

	if (has_table("run_control", ACL_DELETE))
		cmig_query_do(&query, kind, name);
}

int64
cmig_control_return(const CmigControlTarget *target, ReturnSetInfo *result)
{
	static CmigQuery query = {
		"SELECT target::text, revision::text, state::text, paused_by::text, max_rows_per_second::integer"
		" FROM cmig.backfill_progress WHERE state::text NOT IN ('done', 'abandoned')"
		" AND ($1 = 'all' OR $1 = 'revision' AND revision::text = $2 OR $1 = 'relation'"
		" AND target::text = $2)"
		" ORDER BY id",
		{TEXTOID, TEXTOID}
	};
	Datum		values[2] = {CStringGetTextDatum(target->kind), CStringGetTextDatum(target->name)};

	return cmig_query_each(&query, values, NULL, cmig_query_return_row, result);
}

CmigControl
cmig_control_read(const CmigBackfillIdentity *identity)
{
	static CmigQuery query = {
		"SELECT (array_agg(name::text ORDER BY kind::text, name::text)"
		" FILTER (WHERE paused::boolean))[1],"
		" coalesce(min(max_rows_per_second::integer), 0) FROM cmig.run_control"
		" WHERE kind::text = 'all' OR kind::text = 'relation' AND name::text = $1"
		" OR kind::text = 'revision' AND name::text = $2",
		{TEXTOID, TEXTOID}
	};
	CmigControl control = {0};

	if (has_table("run_control", ACL_SELECT))
	{
		char	  **row = cmig_query_row(&query, identity->target, identity->revision);

		control.paused_by = row[0];
		control.max_rows_per_second = atoi(row[1]);
	}
	return control;
}

/* ----------------------------------------------------------------
 * Writes cmig.measured: what cmig.metrics cannot find in other tables.  No row
 * is updated, so no session waits for another one.
 * ----------------------------------------------------------------
 */

void
cmig_measured_note(const char *name, const char *labels, double value, bool replace)
{
	static CmigQuery insert = {
		"INSERT INTO cmig.measured (name, labels, value) SELECT $1, $2::jsonb, $3 WHERE NOT $4"
		" OR NOT EXISTS"
		" (SELECT FROM cmig.measured WHERE name::text = $1 AND labels::text = $2::jsonb::text"
		" AND at::timestamptz = now())",
		{TEXTOID, TEXTOID, FLOAT8OID, BOOLOID}
	};
	static CmigQuery delete = {
		"DELETE FROM cmig.measured WHERE ctid = ANY (ARRAY(SELECT ctid FROM cmig.measured"
		" WHERE name::text = $1 AND labels::text = $2::jsonb::text"
		" AND (at::timestamptz <> now() OR value::double precision <> $3) FOR UPDATE SKIP LOCKED))",
		{TEXTOID, TEXTOID, FLOAT8OID}
	};

	if (XactReadOnly || RecoveryInProgress() || !has_table("measured", ACL_INSERT) ||
		!has_table("measured", ACL_DELETE))
		return;
	/* in REPEATABLE READ, a row that another session has deleted is an error */
	if (replace && !IsolationUsesXactSnapshot())
		cmig_query_do(&delete, name, labels, value);
	cmig_query_do(&insert, name, labels, value, replace);
}
