/*
 * diff_line.c
 *	  Keeps the rows of a difference in a list.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/diff_line.h"
#include "schema/hazard.h"

static char *
copy(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

/*
 * Returns the name of the group that the object's statements belong to in a
 * revision file.
 */
static char *
group_of(const CmigObject *object)
{
	if (object == NULL)
		return "";
	while (object->parent != NULL)
		object = object->parent;
	return psprintf("%s %s", object->kind->name, object->identity);
}

void
cmig_diff_line_add(const CmigDiffRow *row, void *lines)
{
	List	  **list = lines;
	CmigDiffLine *line = palloc0(sizeof(CmigDiffLine));

	line->action = copy(row->action);
	line->kind = copy(row->kind);
	line->object = copy(row->object);
	line->upgrade = copy(row->upgrade);
	line->downgrade = copy(row->downgrade);
	line->hazard = cmig_hazard_text(row);
	line->general_hazard = cmig_hazard_general(row);
	line->undo_hazard = cmig_hazard_undo(row);
	line->group = group_of(row->subject);
	line->stepwise = row->stepwise;
	line->again = row->again;
	line->incidental = row->incidental;
	line->filtered = row->filtered;
	*list = lappend(*list, line);
}

List *
cmig_diff_line_objects(const List *lines)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, lines)
	{
		CmigDiffLine *line = lfirst(cell);

		if (!line->incidental)
			result = lappend(result, line);
	}
	return result != NIL ? result : list_copy(lines);
}

const char *
cmig_diff_line_action(const CmigDiffLine *line)
{
	return line->again ? "alter" : line->action;
}

void
cmig_diff_line_add_unsupported(List **lines, const char *kind, const char *object,
							   const char *reason)
{
	CmigDiffRow row = {"unsupported", kind, object, NULL, NULL, reason};

	cmig_diff_line_add(&row, lines);
}
