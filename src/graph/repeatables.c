/*
 * repeatables.c
 *	  Repeatable revisions, which run after an upgrade to the heads.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "graph/repeatables.h"

#include "utils/memutils.h"

/*
 * Returns the index of the revision with this id, or -1 if there is none.  The
 * array is sorted by id.
 */
static int
find_sorted(const CmigRevision *const *sorted, int count, const char *id)
{
	int			low = 0;
	int			high = count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			result = strcmp(id, sorted[middle]->id);

		if (result == 0)
			return middle;
		if (result < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/*
 * Add a defect for each problem of a repeatable revision that loading would
 * have rejected.  Only rows that were written manually have such problems.
 */
static void
check_row(CmigGraph *graph, const CmigRevision *revision)
{
	char	   *bad = cmig_graph_check_name(revision->id);

	if (bad)
		cmig_graph_add_defect(graph, revision->id, "Give the revision another id.", "its id %s", bad);
	if (revision->malformed)
		cmig_graph_add_defect(graph, revision->id,
							  "Make depends_on and placeholders one-dimensional arrays without nulls.",
							  "one of its arrays contains NULL or has more than one dimension");
	if (revision->parents.count + revision->labels.count + revision->replaces.count > 0)
		cmig_graph_add_defect(graph, revision->id,
							  "Make down_revision, branch_labels, and replaces empty.",
							  "it is repeatable, but has a down_revision, a branch label, or a replaced revision");
}

/*
 * Add a defect for each name in depends_on that is unknown or is the revision
 * itself.
 */
static void
check_depends(CmigGraph *graph, const CmigRevision *const *sorted, int count, const CmigRevision *revision)
{
	for (int i = 0; i < revision->depends.count; i++)
	{
		const char *name = revision->depends.names[i];

		if (strcmp(name, revision->id) == 0)
			cmig_graph_add_defect(graph, revision->id, "Remove the reference.", "it depends on itself");
		else if (find_sorted(sorted, count, name) < 0 && cmig_graph_find_name(graph, name) < 0)
			cmig_graph_add_defect(graph, revision->id,
								  psprintf("Load revision \"%s\", or correct the reference.", name),
								  "its depends_on \"%s\" is not present", name);
	}
}

/*
 * Does revision i depend on a repeatable revision that does not have its
 * position in the order yet?
 */
static bool
must_wait(const CmigRevision *const *sorted, int count, const bool *placed, int i)
{
	const CmigNames *depends = &sorted[i]->depends;

	for (int j = 0; j < depends->count; j++)
	{
		int			other = find_sorted(sorted, count, depends->names[j]);

		if (other >= 0 && other != i && !placed[other])
			return true;
	}
	return false;
}

/*
 * Returns the index of the next revision in the order, or -1 if none can come
 * next.
 */
static int
find_next(const CmigRevision *const *sorted, int count, const bool *placed)
{
	for (int i = 0; i < count; i++)
		if (!placed[i] && !must_wait(sorted, count, placed, i))
			return i;
	return -1;
}

/*
 * Store the revisions after the graph's nodes, in the order in which they run.
 */
static void
place_all(CmigGraph *graph, const CmigRevision *const *sorted, int count)
{
	bool	   *placed = palloc0(sizeof(bool) * count);

	for (int i = 0; i < count; i++)
	{
		int			next = find_next(sorted, count, placed);

		if (next < 0)
		{
			for (next = 0; placed[next]; next++)
				;
			cmig_graph_add_defect(graph, sorted[next]->id, "Remove a name from depends_on.",
								  "it depends on repeatable revisions that depend on it");
		}
		placed[next] = true;
		graph->nodes[graph->count + i].revision = sorted[next];
	}
	pfree(placed);
}

void
cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count)
{
	const CmigRevision **sorted;

	if (count <= 0)
		return;
	sorted = palloc(sizeof(CmigRevision *) * count);
	for (int i = 0; i < count; i++)
		sorted[i] = &revisions[i];
	cmig_revision_sort_by_id(sorted, count);
	graph->nodes = repalloc_huge(graph->nodes, sizeof(CmigNode) * (Size) (graph->count + count));
	memset(&graph->nodes[graph->count], 0, sizeof(CmigNode) * count);
	graph->repeatable_count = count;
	for (int i = 0; i < count; i++)
	{
		check_row(graph, sorted[i]);
		check_depends(graph, sorted, count, sorted[i]);
	}
	place_all(graph, sorted, count);
	pfree(sorted);
}

int
cmig_repeatables_find(const CmigGraph *graph, const char *id)
{
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (strcmp(cmig_graph_id(graph, i), id) == 0)
			return i;
	return -1;
}

int
cmig_repeatables_find_any(const CmigGraph *graph, const char *id)
{
	int			node = cmig_graph_find_id(graph, id);

	return node >= 0 ? node : cmig_repeatables_find(graph, id);
}
