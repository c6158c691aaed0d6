/*
 * applied.c
 *	  Determines which revisions are applied according to the version rows.
 *
 * This file also raises the errors for version rows that are not valid: rows
 * with unknown revisions, and rows that are ancestors of other rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "graph/applied.h"

#include "utils/builtins.h"

#include "lib/stringinfo.h"

CmigApplied *
cmig_applied_find(const CmigGraph *graph, const CmigNames *rows)
{
	CmigApplied *applied = palloc0(sizeof(CmigApplied));

	applied->rows = rows;
	applied->applied = cmig_graph_marks(graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(graph, rows->names[i]);

		if (node < 0)
			applied->unknown = lappend(applied->unknown, rows->names[i]);
		else
		{
			applied->nodes = lappend_int(applied->nodes, node);
			cmig_graph_mark(applied->applied, node);
		}
	}
	cmig_graph_mark_ancestors(graph, applied->applied, true);
	return applied;
}

/*
 * Raise an error if a loaded revision replaces "row", an unknown revision that
 * has a version row.  The loaded revision cannot replace "row" yet, because
 * only some of the revisions that it replaces are applied, and at least one is
 * not loaded.
 */
static void
refuse_replaced_row(const CmigGraph *graph, const char *row)
{
	for (int node = 0; node < graph->count; node++)
	{
		const CmigNames *old = &graph->nodes[node].revision->replaces;
		CmigListing list;
		bool		found = false;

		cmig_listing_init(&list, CMIG_LISTING_QUOTED);
		for (int i = 0; i < old->count; i++)
		{
			found |= strcmp(old->names[i], row) == 0;
			cmig_listing_add(&list, old->names[i]);
		}
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
					 errmsg("revision \"%s\" cannot replace \"%s\" yet", cmig_graph_id(graph, node), row),
					 errdetail("It replaces %s. Some of these revisions are applied, and at least one is not loaded.", cmig_listing_text(&list)),
					 errhint("Load the files of the replaced revisions, and upgrade. The files are needed until all of these revisions are applied. If the schema already has everything in \"%s\": SELECT cmig.stamp(%s, purge => true)",
							 cmig_graph_id(graph, node), quote_literal_cstr(cmig_graph_id(graph, node)))));
	}
}

void
cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied)
{
	const char *row;

	if (applied->unknown == NIL)
		return;
	row = linitial(applied->unknown);
	refuse_replaced_row(graph, row);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
			 errmsg("can't locate revision identified by \"%s\"", row),
			 errdetail("According to cmig.version it is applied, but it is not in cmig.revision."),
			 errhint("Load the missing revision, or record the revision that the schema matches: SELECT cmig.stamp('<revision>', purge => true)")));
}

int
cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends, int *above)
{
	CmigMarks  *below = cmig_graph_marks(graph);
	ListCell   *lc;
	int			overlap = -1;

	if (list_length(nodes) < 2)
		return -1;
	foreach(lc, nodes)
	{
		const CmigNode *node = &graph->nodes[lfirst_int(lc)];

		for (int i = 0; i < node->parents.count; i++)
			cmig_graph_mark(below, node->parents.nodes[i]);
		for (int i = 0; over_depends && i < node->depends.count; i++)
			cmig_graph_mark(below, node->depends.nodes[i]);
	}
	cmig_graph_mark_ancestors(graph, below, over_depends);
	foreach(lc, nodes)
	{
		if (below->set[lfirst_int(lc)])
		{
			overlap = lfirst_int(lc);
			break;
		}
	}
	if (overlap >= 0)
	{
		CmigMarks  *over = cmig_graph_marks(graph);

		cmig_graph_mark(over, overlap);
		cmig_graph_mark_descendants(graph, over, over_depends);
		foreach(lc, nodes)
		{
			if (lfirst_int(lc) != overlap && over->set[lfirst_int(lc)])
				*above = lfirst_int(lc);
		}
	}
	return overlap;
}

/*
 * Returns the cmig.stamp() call that keeps the version rows in "rows", except
 * for those that are ancestors of others.  The call names each row to keep,
 * because a stamp with "purge" removes all other rows.
 */
static char *
stamp_call(const CmigGraph *graph, List *rows, bool over_depends)
{
	StringInfoData targets;
	int			above;
	int			overlap;

	rows = list_copy(rows);
	while ((overlap = cmig_applied_overlap(graph, rows, over_depends, &above)) >= 0)
		rows = list_delete_int(rows, overlap);
	if (list_length(rows) == 1)
		return psprintf("SELECT cmig.stamp('%s', purge => true)",
						cmig_graph_id(graph, linitial_int(rows)));
	initStringInfo(&targets);
	for (int i = 0; i < list_length(rows); i++)
		appendStringInfo(&targets, "%s'%s'", i > 0 ? ", " : "",
						 cmig_graph_id(graph, list_nth_int(rows, i)));
	return psprintf("SELECT cmig.stamp(ARRAY[%s], purge => true)", targets.data);
}

void
cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
						   bool over_depends)
{
	int			above = -1;
	int			overlap;

	/*
	 * if a row's revision is unknown, we cannot tell whether the row is an
	 * ancestor of another row
	 */
	if (applied->unknown != NIL)
		return;
	overlap = cmig_applied_overlap(graph, applied->nodes, over_depends, &above);
	if (overlap < 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("version row \"%s\" overlaps with version row \"%s\"",
					cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 errdetail("\"%s\" is an ancestor of \"%s\", so cmig.version must not contain both. Restoring a dump into a database that is in use can cause this.",
					   cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 errhint("Find out which of the two revisions the schema matches, and record that revision: %s",
					 stamp_call(graph, applied->nodes, over_depends))));
}
