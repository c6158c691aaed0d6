/*
 * diff_put.c
 *	  Returns lines as rows of cmig.diff, with one statement of the upgrade in
 *	  each row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/raw_parse.h"
#include "schema/diff_line.h"
#include "schema/diff_put.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define COLUMNS 7

/* The rows being returned. */
typedef struct CmigPut
{
	ReturnSetInfo *result;
	int32		step;			/* number of the last row */
} CmigPut;

/*
 * Returns the statements of generated SQL, a List of char *, without
 * semicolons.
 */
static List *
statements_of(char *sql)
{
	List	   *statements = NIL;
	ListCell   *cell;

	if (sql == NULL || strchr(sql, ';') == NULL)
		return sql == NULL ? NIL : list_make1(sql);
	foreach(cell, cmig_raw_parse(sql, RAW_PARSE_DEFAULT))
	{
		const RawStmt *raw = lfirst_node(RawStmt, cell);
		const char *start = sql + raw->stmt_location;
		const char *text = start + strspn(start, " \n");

		statements = lappend(statements, raw->stmt_len == 0 ? pstrdup(text) :
							 pnstrdup(text, raw->stmt_len - (text - start)));
	}
	return statements;
}

/* Put one row into the result. */
static void
put_row(CmigPut *put, const CmigDiffLine *line, const char *action, const char *upgrade,
		const char *downgrade, const char *hazard)
{
	const char *texts[] = {action, line->kind, line->object, upgrade, downgrade, hazard};
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	values[0] = Int32GetDatum(++put->step);
	for (int i = 1; i < COLUMNS; i++)
	{
		nulls[i] = texts[i - 1] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i - 1]);
	}
	tuplestore_putvalues(put->result->setResult, put->result->setDesc, values, nulls);
}

/*
 * If the downgrade cannot be divided among the rows, one row has the whole
 * downgrade.  Returns the index of that row: the first row or, if the upgrade
 * begins with a setting, the row after the setting.
 */
static int
whole_downgrade(const List *upgrades)
{
	return list_length(upgrades) > 2 && strncmp(linitial(upgrades), "SET ", 4) == 0 ? 1 : 0;
}

/*
 * Returns a statement that does nothing, as the downgrade of a row that
 * another row's downgrade reverts.  An empty string, or NULL, would be an
 * error in many programs that run the statements of all rows.
 */
static char *
no_statement(int32 step)
{
	return psprintf("DO $$BEGIN /* reverted with step %d */ END$$", step);
}

/*
 * Put the rows of a line into the result.  The first row has the line's action
 * and hazard.  If the upgrade and the downgrade have the same number of
 * statements, each row has one statement of each, and the statements of the
 * downgrade are in reverse order.
 */
static void
put_line(CmigPut *put, const CmigDiffLine *line)
{
	List	   *upgrades = statements_of(line->upgrade);
	int			rows = list_length(upgrades);
	List	   *downgrades = rows > 1 ? statements_of(line->downgrade) : NIL;
	int			whole = whole_downgrade(upgrades);
	int32		whole_step = put->step + whole + 1;

	if (rows <= 1)
		put_row(put, line, line->action, line->upgrade, line->downgrade, line->hazard);
	for (int i = 0; i < rows && rows > 1; i++)
	{
		const char *downgrade = list_length(downgrades) == rows ? list_nth(downgrades, rows - 1 - i) :
		i == whole || line->downgrade == NULL ? line->downgrade : no_statement(whole_step);

		put_row(put, line, i == 0 ? line->action : "alter", list_nth(upgrades, i), downgrade,
				i == 0 ? line->hazard : NULL);
	}
}

void
cmig_diff_put(FunctionCallInfo fcinfo, const List *lines)
{
	CmigPut		put = {(ReturnSetInfo *) fcinfo->resultinfo};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *cell;

	foreach(cell, lines)
	{
		put_line(&put, lfirst(cell));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
