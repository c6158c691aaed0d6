/*
 * graph.h
 *	  The revision graph in memory.
 *
 * Pure.  Nodes are numbered 0 .. count-1 in the order of their ids' bytes, so
 * that everything derived from the graph is independent of the order of rows.
 * A graph with defects can be built and looked at; whoever moves along it
 * calls cmig_graph_require_sound() first.
 */
#ifndef CMIG_GRAPH_H
#define CMIG_GRAPH_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "revision.h"

/* A span of node numbers in one of the graph's edge arrays. */
typedef struct CmigEdges
{
	int			count;
	int		   *nodes;
} CmigEdges;

typedef struct CmigNode
{
	const CmigRevision *revision;
	CmigEdges	parents;		/* down_revision, in the order written */
	CmigEdges	depends;		/* depends_on, resolved, without parents */
	CmigEdges	children;		/* whose parent this is */
	CmigEdges	dependents;		/* who depends on it */
} CmigNode;

typedef struct CmigDefect
{
	const char *revision;		/* where it is */
	const char *problem;		/* a sentence without full stop */
	const char *fix;			/* what to do */
} CmigDefect;

typedef struct CmigGraph
{
	int			count;
	CmigNode   *nodes;
	List	   *defects;		/* of CmigDefect *, empty when sound */
	struct cmig_name_hash *names;	/* ids and labels */
} CmigGraph;

/* A set of nodes. */
typedef struct CmigMarks
{
	int			count;			/* how many are set */
	bool	   *set;			/* one for each node */
} CmigMarks;

/* Build from revisions, which must outlive the graph. */
extern CmigGraph *cmig_graph_build(const CmigRevision *revisions, int count);

/* Raise MG005, naming all defects, unless there are none. */
extern void cmig_graph_require_sound(const CmigGraph *graph);

/* What is wrong with an id or label, or NULL: "is longer than ..." etc. */
extern char *cmig_graph_check_name(const char *name);

/* A name that a list holds more than once, or NULL. */
extern const char *cmig_graph_find_repeated(const CmigNames *names);

/* The node of an exact id or, failing that, an exact label; -1 if none. */
extern int	cmig_graph_find_id(const CmigGraph *graph, const char *id);
extern int	cmig_graph_find_name(const CmigGraph *graph, const char *name);

/*
 * Nodes whose id, or one of whose labels, is longer than 3 characters and
 * starts with prefix: a list of int, one entry for each id or label.
 */
extern List *cmig_graph_find_prefix(const CmigGraph *graph, const char *prefix);

/*
 * The ids or labels closest to a mistyped one, for "Did you mean ...?": at
 * most 3, quoted, in the order of their revisions; NULL if none is near.
 */
extern char *cmig_graph_suggest(const CmigGraph *graph, const char *name);

#define cmig_graph_id(graph, node) ((graph)->nodes[node].revision->id)
/* no children: a head; no dependents either: an effective head */
#define cmig_graph_is_head(graph, node) \
	((graph)->nodes[node].children.count == 0)
#define cmig_graph_is_effective_head(graph, node) \
	((graph)->nodes[node].children.count == 0 && \
	 (graph)->nodes[node].dependents.count == 0)
#define cmig_graph_is_base(graph, node) \
	((graph)->nodes[node].parents.count == 0)

extern CmigMarks *cmig_graph_marks(const CmigGraph *graph);
extern bool cmig_graph_mark(CmigMarks *marks, int node);	/* false: was set */

/*
 * Mark everything reached from the marked nodes, themselves included, going
 * down (ancestors) or up (descendants), over dependencies too if asked.
 */
extern void cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks,
									  bool over_depends);
extern void cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks,
										bool over_depends);

/* The lineage of a node: its ancestors and descendants, itself included. */
extern CmigMarks *cmig_graph_lineage(const CmigGraph *graph, int node, bool over_depends);

/*
 * The marked nodes so that parents and dependencies come first, branch by
 * branch.  *count is set; the result is an array of node numbers.
 */
extern int *cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count);

/*
 * The labels shown for each node, as Alembic shows them: those of the node and
 * its ancestors, and those of its descendants up to the next fork or merge.
 */
typedef struct CmigShownLabels
{
	List	  **inherited;		/* of char *; lists are shared, do not change */
	List	  **carried;
} CmigShownLabels;

extern CmigShownLabels *cmig_graph_shown_labels(const CmigGraph *graph);
extern List *cmig_graph_labels(const CmigShownLabels *shown, int node);

#endif							/* CMIG_GRAPH_H */
