/*
 * round_trip_row.c
 *	  Collects the result rows of cmig.round_trip.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/compare.h"
#include "compare/deparse.h"
#include "inspect/round_trip_row.h"
#include "run/script_run.h"
#include "schema/diff_line.h"
#include "schema/image_same.h"

#include "miscadmin.h"
#include "utils/memutils.h"

static const char *
copy(const char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

void
cmig_round_trip_row_add(CmigRoundTripRows *rows, const CmigRoundTripRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	CmigRoundTripRow *kept = palloc(sizeof(CmigRoundTripRow));

	*kept = *row;
	kept->kind = copy(row->kind);
	kept->object = copy(row->object);
	kept->missing_sql = copy(row->missing_sql);
	kept->message = copy(row->message);
	rows->rows = lappend(rows->rows, kept);
	MemoryContextSwitchTo(caller);
}

void
cmig_round_trip_row_add_error(CmigRoundTripRows *rows, const char *revision,
							  const char *problem, const ErrorData *error)
{
	CmigRoundTripRow row = {revision, problem};

	row.message = psprintf("%s\n%s", error->detail != NULL ? error->detail : error->message,
						   cmig_script_run_place(error));
	cmig_round_trip_row_add(rows, &row);
}

/* Returns the name of the problem that a difference indicates. */
static const char *
problem_of(const CmigDiffLine *line, CmigRoundTripCheck check)
{
	const char *action;

	switch (check)
	{
		case CMIG_CHECK_SECOND_UPGRADE:
			return "second upgrade differs";
		case CMIG_CHECK_ORDER:
			return "order of branches matters";
		case CMIG_CHECK_DOWNGRADE:
			break;
	}
	action = cmig_diff_line_action(line);
	return strcmp(action, "drop") == 0 ? "left behind" :
		strcmp(action, "create") == 0 ? "not restored" : "left changed";
}

/*
 * Append the line's statement to a row.  A statement that is only an
 * intermediate step belongs to the row of the preceding difference or, if there
 * is none, to the first row.
 */
static void
add_line(CmigRoundTripRow *row, const CmigDiffLine *line)
{
	if (line->upgrade == NULL)
		row->message = line->hazard;
	else
		row->missing_sql = row->missing_sql == NULL ? line->upgrade :
			psprintf("%s;\n%s", row->missing_sql, line->upgrade);
}

void
cmig_round_trip_row_compare(CmigRoundTripRows *rows, const char *revision,
							CmigRoundTripCheck check, CmigImage *from, CmigImage *to)
{
	CmigDiffOptions options = {.owners = true,.privileges = true,.comments = true};
	List	   *lines = NIL;
	List	   *objects;
	CmigRoundTripRow row = {revision};
	ListCell   *cell;

	if (cmig_image_same(from, to))
		return;
	options.role = GetUserNameFromId(GetUserId(), false);
	cmig_deparse(cmig_compare(from, to, &options), cmig_diff_line_add, &lines);
	objects = cmig_diff_line_objects(lines);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (list_member_ptr(objects, line))
		{
			if (row.object != NULL)
			{
				cmig_round_trip_row_add(rows, &row);
				row.missing_sql = row.message = NULL;
			}
			row.problem = problem_of(line, check);
			row.kind = line->kind;
			row.object = line->object;
		}
		add_line(&row, line);
	}
	if (row.object != NULL)
		cmig_round_trip_row_add(rows, &row);
}
