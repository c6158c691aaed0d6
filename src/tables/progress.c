/*
 * progress.c
 *	  Reads and writes cmig.progress, which records unfinished steps of
 *	  stepwise runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "run/scope.h"
#include "tables/progress.h"
#include "tables/version_rows.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

static const char *const state_names[] = {"running", "in_doubt", "done"};

static CmigQuery read_query = {
	.sql = "SELECT coalesce(revision::text, ''), coalesce(direction::text, ''),"
	" coalesce(statement::integer, 0), coalesce(state::text, ''),"
	" detail::jsonb::text, detail::jsonb->>'checksum' FROM cmig.progress"
	" WHERE scope::text = $1 ORDER BY 1, 2, 3",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery everywhere_query = {
	.sql = "SELECT DISTINCT revision::text FROM cmig.progress WHERE revision IS NOT NULL"
};

static CmigQuery write_query = {
	.sql = "INSERT INTO cmig.progress AS p (revision, direction, statement, state, detail, scope)"
	" VALUES ($1, $2, $3, $4, $5::jsonb, $6)"
	" ON CONFLICT (scope, revision, direction, statement) DO UPDATE"
	" SET state = excluded.state, detail = coalesce(excluded.detail::jsonb, p.detail::jsonb)",
	.nargs = 6,
	.argtypes = {TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID}
};

static CmigQuery remove_query = {
	.sql = "DELETE FROM cmig.progress"
	" WHERE revision::text = $1 AND direction::text = $2 AND statement::integer = $3 AND scope::text = $4",
	.nargs = 4,
	.argtypes = {TEXTOID, TEXTOID, INT4OID, TEXTOID}
};

static CmigQuery clear_query = {
	.sql = "DELETE FROM cmig.progress WHERE revision::text = $1 AND direction::text = $2"
	" AND scope::text = $3",
	.nargs = 3,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID}
};

static CmigQuery clear_all_query = {
	.sql = "DELETE FROM cmig.progress WHERE scope::text = $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * A query that determines whether a revision is stored, and whether it has a
 * version row.
 */
static CmigQuery look_query = {
	.sql = "SELECT EXISTS (SELECT FROM cmig.revision WHERE revision::text = $1),"
	" EXISTS (SELECT FROM cmig.version WHERE revision::text = $1 AND $2 = '' UNION ALL"
	"  SELECT FROM cmig.scope_version WHERE revision::text = $1 AND scope::text = $2)",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

/* Row callback: append the row to a List of CmigProgressRow *. */
static void
collect(TupleDesc desc, HeapTuple tuple, void *arg)
{
	List	  **rows = arg;
	CmigProgressRow *row = palloc0(sizeof(CmigProgressRow));
	char	   *direction = cmig_query_text(desc, tuple, 2);
	char	   *state = cmig_query_text(desc, tuple, 4);

	row->revision = cmig_query_text(desc, tuple, 1);
	row->direction = strcmp(direction, "upgrade") == 0 ? CMIG_UPGRADE : CMIG_DOWNGRADE;
	row->statement = cmig_query_int32(desc, tuple, 3, 0);
	row->detail = cmig_query_text(desc, tuple, 5);
	row->checksum = cmig_query_text(desc, tuple, 6);

	/*
	 * a state that is unknown, because it was written manually, counts as in
	 * doubt
	 */
	row->state = CMIG_PROGRESS_IN_DOUBT;
	for (int i = 0; i < lengthof(state_names); i++)
	{
		if (strcmp(state, state_names[i]) == 0)
			row->state = i;
	}
	*rows = lappend(*rows, row);
}

List *
cmig_progress_read(void)
{
	List	   *rows = NIL;
	Datum		values[1] = {CStringGetTextDatum(cmig_scope_current())};

	cmig_query_each(&read_query, values, NULL, collect, &rows);
	return rows;
}

/*
 * Row callback: append a CmigProgressRow to a list.  Only the row's revision
 * is set.
 */
static void
collect_revision(TupleDesc desc, HeapTuple tuple, void *arg)
{
	List	  **rows = arg;
	CmigProgressRow *row = palloc0(sizeof(CmigProgressRow));

	row->revision = cmig_query_text(desc, tuple, 1);
	*rows = lappend(*rows, row);
}

List *
cmig_progress_everywhere(void)
{
	List	   *rows = NIL;

	cmig_query_each(&everywhere_query, NULL, NULL, collect_revision, &rows);
	return rows;
}

CmigNames *
cmig_progress_begun(void)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	List	   *rows = cmig_progress_read();
	ListCell   *cell;

	names->names = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach(cell, rows)
		names->names[names->count++] = ((CmigProgressRow *) lfirst(cell))->revision;
	return names;
}

/* Does the row belong to the step that runs the revision in this direction? */
static bool
is_of(const CmigProgressRow *row, const char *revision, CmigDirection direction)
{
	return row->direction == direction && strcmp(row->revision, revision) == 0;
}

CmigProgressRow *
cmig_progress_find(List *rows, const char *revision, CmigDirection direction,
				   int statement)
{
	int			low = 0;
	int			high = list_length(rows);
	int			last;

	while (low < high && !is_of(list_nth(rows, low), revision, direction))
		low++;
	last = high - 1;
	while (last > low && !is_of(list_nth(rows, last), revision, direction))
		last--;
	high = last + 1;

	/* binary search in the rows of the step, which are ordered by statement */
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		CmigProgressRow *row = list_nth(rows, middle);

		if (row->statement == statement)
			return row;
		if (row->statement < statement)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool
cmig_progress_has(List *rows, const char *revision)
{
	ListCell   *lc;

	foreach(lc, rows)
	{
		if (strcmp(((CmigProgressRow *) lfirst(lc))->revision, revision) == 0)
			return true;
	}
	return false;
}

void
cmig_progress_write(const char *revision, CmigDirection direction, int statement,
					CmigProgressState state, const char *detail)
{
	Datum		values[6];
	char		nulls[7] = "      ";

	values[0] = CStringGetTextDatum(revision);
	values[1] = CStringGetTextDatum(cmig_direction_name(direction));
	values[2] = Int32GetDatum(statement);
	values[3] = CStringGetTextDatum(state_names[state]);
	values[4] = (Datum) 0;
	values[5] = CStringGetTextDatum(cmig_scope_current());
	if (detail)
		values[4] = CStringGetTextDatum(detail);
	else
		nulls[4] = 'n';
	cmig_query_run(&write_query, values, nulls);
}

void
cmig_progress_remove(const char *revision, CmigDirection direction, int statement)
{
	Datum		values[4];

	values[0] = CStringGetTextDatum(revision);
	values[1] = CStringGetTextDatum(cmig_direction_name(direction));
	values[2] = Int32GetDatum(statement);
	values[3] = CStringGetTextDatum(cmig_scope_current());
	cmig_query_run(&remove_query, values, NULL);
}

void
cmig_progress_clear(const char *revision, CmigDirection direction)
{
	Datum		values[3];

	values[0] = CStringGetTextDatum(revision);
	values[1] = CStringGetTextDatum(cmig_direction_name(direction));
	values[2] = CStringGetTextDatum(cmig_scope_current());
	cmig_query_run(&clear_query, values, NULL);
}

bool
cmig_progress_clear_all(void)
{
	Datum		values[1] = {CStringGetTextDatum(cmig_scope_current())};

	return cmig_query_run(&clear_all_query, values, NULL) > 0;
}

/* The result of look_query. */
typedef struct Look
{
	bool		known;
	bool		named;
} Look;

/* Row callback of look_query: store the row in a Look. */
static void
keep_look(TupleDesc desc, HeapTuple tuple, void *arg)
{
	Look	   *look = arg;

	look->known = cmig_query_bool(desc, tuple, 1, false);
	look->named = cmig_query_bool(desc, tuple, 2, false);
}

const char *
cmig_progress_obstacle(const CmigProgressRow *row)
{
	Look		look = {0};
	Datum		values[2] = {CStringGetTextDatum(row->revision), CStringGetTextDatum(cmig_scope_current())};

	cmig_query_each(&look_query, values, NULL, keep_look, &look);
	if (!look.known)
		return psprintf("The revision is no longer in cmig.revision. Load it again, then call cmig.%s_stepwise again. Or manually revert the statements that have run, then SELECT cmig.stamp('<current revision>', purge => true)",
						cmig_direction_name(row->direction));
	if (look.named != (row->direction == CMIG_DOWNGRADE))
		return psprintf("%s was changed by hand, so no run can reach this revision: SELECT cmig.stamp('<current revision>', purge => true), then call cmig.%s_stepwise again.",
						cmig_version_rows_table(), cmig_direction_name(row->direction));
	return NULL;
}

/*
 * A query for the target of a downgrade that reverts only the revision $1.
 * For a merge, the target is one of its parents.  If several branches are
 * applied, the target is one step down on the branch of the revision.  If the
 * result is null, "-1" is sufficient.
 */
static CmigQuery target_query = {
	.sql = "SELECT CASE WHEN cardinality(down_revision::text[]) > 1 THEN (down_revision::text[])[1]"
	" WHEN CASE WHEN $2 = '' THEN (SELECT count(*) FROM cmig.version)"
	"  ELSE (SELECT count(*) FROM cmig.scope_version WHERE scope::text = $2) END > 1"
	"  THEN revision::text || '@-1' END"
	" FROM cmig.revision WHERE revision::text = $1",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

/*
 * A query for the target of an upgrade that runs the revision $1.  Returns the
 * target "heads" if the revision is repeatable; otherwise no row.
 */
static CmigQuery repeatable_query = {
	.sql = "SELECT 'heads' FROM cmig.revision WHERE revision::text = $1 AND repeatable::boolean",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

char *
cmig_progress_call(const char *revision, CmigDirection direction)
{
	Datum		values[2] = {CStringGetTextDatum(revision), CStringGetTextDatum(cmig_scope_current())};
	char	   *target = NULL;

	cmig_query_each(direction == CMIG_UPGRADE ? &repeatable_query : &target_query, values, NULL,
					cmig_query_keep_text, &target);
	if (target == NULL)
		target = pstrdup(direction == CMIG_UPGRADE ? revision : "-1");
	return psprintf("CALL cmig.%s_stepwise(%s", cmig_direction_name(direction),
					quote_literal_cstr(target));
}

char *
cmig_progress_place(const CmigProgressRow *row)
{
	return psprintf("statement %d is %s; no later statement is complete", row->statement,
					row->state == CMIG_PROGRESS_DONE ? "done" :
					row->state == CMIG_PROGRESS_IN_DOUBT ? "in doubt" : "unfinished");
}

const char *
cmig_progress_next(const CmigProgressRow *row)
{
	const char *obstacle = cmig_progress_obstacle(row);

	if (obstacle != NULL)
		return obstacle;
	return psprintf(row->state == CMIG_PROGRESS_IN_DOUBT ?
					"Check how far the statement got, then %s, in_doubt => 'done') -- or 'again'" : "%s)",
					cmig_progress_call(row->revision, row->direction));
}

void
cmig_progress_require_none(void)
{
	List	   *rows = cmig_progress_read();
	CmigProgressRow *row;
	const char *obstacle;

	if (rows == NIL)
		return;
	row = linitial(rows);
	obstacle = cmig_progress_obstacle(row);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the %s of revision \"%s\" is partially applied",
					cmig_direction_name(row->direction), row->revision),
			 errdetail("A stepwise run did not finish the %s; cmig.progress shows the statements that have run.",
					   cmig_direction_name(row->direction)),
			 obstacle ? errhint("%s", obstacle) :
			 errhint("%s) finishes the %s. Or manually revert the statements that have run, then SELECT cmig.stamp('<current revision>')",
					 cmig_progress_call(row->revision, row->direction),
					 cmig_direction_name(row->direction))));
}
