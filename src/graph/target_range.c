/*
 * target_range.c
 *	  Resolves ranges, as in cmig.history and cmig.export, to revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "graph/identifier.h"
#include "graph/target_range.h"

/* The allowed forms of a range, for the hint if an end is missing. */
#define RANGE_FORMS "from:to, such as base:heads or current:head"

/*
 * Returns the nodes to which one end of a range refers.  If the end does not
 * refer to any node, sets *base to true.
 */
static List *
find_range_end(const CmigGraph *graph, const CmigApplied *applied, const char *text, bool *base)
{
	CmigIdentifier id;
	List	   *found;
	List	   *nodes = NIL;
	ListCell   *lc;
	CmigMarks  *lineage;

	*base = false;
	cmig_identifier_parse(graph, text, RANGE_FORMS, &id);
	lineage = cmig_identifier_lineage(graph, id.label);
	if (id.symbol == NULL || strcmp(id.symbol, "current") == 0)
	{
		/*
		 * ignore version rows of unknown revisions, so that cmig.history
		 * still works
		 */
		found = NIL;
		foreach(lc, applied->nodes)
		{
			if (lineage == NULL || lineage->set[lfirst_int(lc)])
				found = lappend_int(found, lfirst_int(lc));
		}
		if (id.relative && list_length(found) > 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_MULTIPLE_HEADS),
					 errmsg("relative revision \"%s\" is ambiguous with multiple current heads", text),
					 errdetail("The current revisions are %s.", cmig_identifier_list(graph, found)),
					 errhint("Specify a revision, or a branch: <label>@%s.", id.steps_text)));
	}
	else
		found = cmig_identifier_absolute(graph, id.label, id.symbol, id.text);

	if (id.relative)
	{
		if (list_length(found) > 1)
			cmig_identifier_multiple_heads(graph, found, id.text);
		found = list_make1_int(found ? linitial_int(found) : -1);
		linitial_int(found) = id.steps >= 0
			? cmig_identifier_walk_up(graph, &id, linitial_int(found), id.steps, lineage, true)
			: cmig_identifier_walk_down(graph, &id, linitial_int(found), -id.steps, true);
	}
	foreach(lc, found)
	{
		if (lfirst_int(lc) >= 0)
			nodes = lappend_int(nodes, lfirst_int(lc));
	}
	*base = (nodes == NIL);
	return nodes;
}

/*
 * Split a range into its two ends.  If the range contains no colon, the whole
 * range is used for both ends.
 */
static void
split_range(const char *range, const char **from, const char **to)
{
	const char *colon;

	if (range == NULL || range[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the range must not be %s", range ? "empty" : "null"),
				 errhint("Use from:to, such as base:heads or current:head.")));
	colon = strchr(range, ':');
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a range", range),
				 errhint("A range has the form from:to, such as base:heads or current:head.")));

	if (colon == NULL)
		*from = *to = range;
	else
	{
		*from = colon == range ? "base" : pnstrdup(range, colon - range);
		*to = colon[1] == '\0' ? "heads" : colon + 1;
	}
}

/* Returns the nodes in a list as a set. */
static CmigMarks *
marks_of(const CmigGraph *graph, const List *nodes)
{
	CmigMarks  *marks = cmig_graph_marks(graph);
	ListCell   *lc;

	foreach(lc, nodes)
	{
		cmig_graph_mark(marks, lfirst_int(lc));
	}
	return marks;
}

/* Returns the nodes that are in both sets. */
static CmigMarks *
intersect(const CmigGraph *graph, const CmigMarks *a, const CmigMarks *b)
{
	CmigMarks  *both = cmig_graph_marks(graph);

	for (int i = 0; i < graph->count; i++)
		if (a->set[i] && b->set[i])
			cmig_graph_mark(both, i);
	return both;
}

CmigMarks *
cmig_target_range(const CmigGraph *graph, const CmigApplied *applied, const char *range)
{
	CmigMarks  *upper;
	CmigMarks  *lower;
	CmigMarks  *result;
	const char *from;
	const char *to;
	List	   *from_nodes;
	bool		from_base;
	bool		to_base;

	split_range(range, &from, &to);
	from_nodes = find_range_end(graph, applied, from, &from_base);
	upper = marks_of(graph, find_range_end(graph, applied, to, &to_base));

	/*
	 * without ":", the range consists only of the revisions to which the
	 * identifier refers
	 */
	if (from == range && to == range)
		return upper;
	cmig_graph_mark_ancestors(graph, upper, true);

	/*
	 * revisions on a cycle are not below any head, but must be included, so
	 * that users can see and fix them
	 */
	if (graph->defects != NIL && strcmp(to, "heads") == 0)
		for (int i = 0; i < graph->count; i++)
			cmig_graph_mark(upper, i);
	if (from_base)
	{
		const char *at = strchr(from, '@');

		return at == NULL ? upper :
			intersect(graph, upper,
					  cmig_identifier_lineage(graph, pnstrdup(from, at - from)));
	}

	lower = marks_of(graph, from_nodes);
	cmig_graph_mark_descendants(graph, lower, true);
	result = intersect(graph, upper, lower);
	if (result->count == 0 && (from_nodes != NIL || !to_base))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("revision \"%s\" is not an ancestor of revision \"%s\"", from, to),
				 errhint("A range goes from the older to the newer revision.")));
	return result;
}
