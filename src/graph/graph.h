/*
 * graph.h
 *	  What src/graph provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_H
#define CMIG_GRAPH_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/base.h"
#include "base/compat.h"

/* in graph.c */

/* A range of node numbers in one of the graph's edge arrays. */
typedef struct CmigEdges
{
	int			count;
	int		   *nodes;
} CmigEdges;

/* A revision and its neighbors. */
typedef struct CmigNode
{
	const CmigRevision *revision;
	CmigEdges	parents;		/* the revisions in down_revision, in that
								 * order */
	CmigEdges	depends;		/* the revisions in depends_on, without
								 * parents */
	CmigEdges	children;		/* nodes whose "parents" include this one */
	CmigEdges	dependents;		/* nodes whose "depends" include this one */
} CmigNode;

/* A defect of the graph, such as a missing revision. */
typedef struct CmigDefect
{
	const char *revision;		/* id of the defective revision */
	const char *problem;		/* clause without a period, such as "it
								 * depends on itself" */
	const char *fix;			/* how to fix the problem */
} CmigDefect;

/* All revisions.  A node is identified by its index in "nodes". */
typedef struct CmigGraph
{
	int			count;
	CmigNode   *nodes;
	int			repeatable_count;	/* number of repeatable revisions, which
									 * follow the graph's nodes and have no
									 * edges */
	List	   *defects;		/* of CmigDefect *; NIL if sound */
	struct cmig_name_hash *names;	/* ids and labels */
	List	   *replacing;		/* of int: nodes that replace revisions */

	/*
	 * The following fields are NULL unless cmig_trees_separate() has set
	 * them. Both are indexed by node.
	 */
	int		   *trees;			/* number of the node's tree */
	CmigEdges  *outside;		/* dependencies on nodes of other trees */
} CmigGraph;

/* Build a graph from revisions, which must outlive the graph. */
extern CmigGraph *cmig_graph_build(const CmigRevision *revisions, int count);

/* Returns the ids of the nodes as a list for a message: a, b and 3 more. */
extern char *cmig_graph_ids_text(const CmigGraph *graph, const int *nodes, int count);

/* Raise error MG005, with a list of the defects, if the graph has any. */
extern void cmig_graph_require_sound(const CmigGraph *graph);

/*
 * Returns the reason why an id or label is not valid, such as "is empty", or
 * NULL if it is valid.
 */
extern char *cmig_graph_check_name(const char *name);

/*
 * Returns a name that is in the list more than once, or NULL if there is none.
 */
extern const char *cmig_graph_find_repeated(const CmigNames *names);

/* Does the list, which need not be sorted, contain the name? */
extern bool cmig_graph_lists(const CmigNames *names, const char *name);

/*
 * Return the node with exactly this id, or -1 if there is none.
 * cmig_graph_find_name() also accepts a label, or the id of the last revision
 * that the node replaces.
 */
extern int	cmig_graph_find_id(const CmigGraph *graph, const char *id);
extern int	cmig_graph_find_name(const CmigGraph *graph, const char *name);

/*
 * Returns the ids or labels that are most similar to "name", for "Did you mean
 * ...?": at most 3, quoted, in the order of their revisions.  Returns NULL if
 * none is similar.  Names of the node "except" are left out, because that node
 * contains the mistyped reference; "except" can be -1.
 */
extern char *cmig_graph_suggest(const CmigGraph *graph, const char *name, int except);

#define cmig_graph_id(graph, node) ((graph)->nodes[node].revision->id)

/*
 * A head has no children.  An effective head has neither children nor
 * dependents.  A base has no parents.
 */
#define cmig_graph_is_head(graph, node) \
	((graph)->nodes[node].children.count == 0)
#define cmig_graph_is_effective_head(graph, node) \
	((graph)->nodes[node].children.count == 0 && \
	 (graph)->nodes[node].dependents.count == 0)

/*
 * Iterate over a node's edges: return the node to which its k-th edge down or
 * up leads, or -1 if there are only k edges.  Parents or children come first,
 * and then, if over_depends is true, dependencies or dependents.
 */
static inline int
cmig_graph_edge_down(const CmigNode *node, int k, bool over_depends)
{
	if (k < node->parents.count)
		return node->parents.nodes[k];
	k -= node->parents.count;
	if (over_depends && k < node->depends.count)
		return node->depends.nodes[k];
	return -1;
}

static inline int
cmig_graph_edge_up(const CmigNode *node, int k, bool over_depends)
{
	if (k < node->children.count)
		return node->children.nodes[k];
	k -= node->children.count;
	if (over_depends && k < node->dependents.count)
		return node->dependents.nodes[k];
	return -1;
}

/* A set of nodes. */
typedef struct CmigMarks
{
	int			count;			/* number of nodes in the set */
	bool	   *set;			/* indexed by node */
} CmigMarks;

/*
 * The first function creates an empty set.  The second function adds a node to
 * a set, and returns false if the node is already in the set.
 */
extern CmigMarks *cmig_graph_marks(const CmigGraph *graph);
extern bool cmig_graph_mark(CmigMarks *marks, int node);

/*
 * Add all ancestors, or all descendants, of the marked nodes to the set.  If
 * over_depends is true, depends_on edges are followed, too.
 */
extern void cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks,
									  bool over_depends);
extern void cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks,
										bool over_depends);

/*
 * Returns the marked nodes as an array of *count node numbers, branch by
 * branch, with each node after its parents and dependencies.
 */
extern int *cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count);

/*
 * The labels displayed for each node, as in Alembic: the labels of the node,
 * its ancestors, and its descendants up to the next fork or merge.
 */
typedef struct CmigShownLabels
{
	List	  **inherited;		/* indexed by node: labels of the node and its
								 * ancestors; the lists of char * must not be
								 * changed */
	List	  **carried;		/* indexed by node: labels of the node's
								 * descendants up to the next fork or merge */
} CmigShownLabels;

extern CmigShownLabels *cmig_graph_shown_labels(const CmigGraph *graph);

/* Returns a new list of all labels displayed for a node. */
extern List *cmig_graph_labels(const CmigShownLabels *shown, int node);

#define cmig_repeatables_is(graph, node) ((node) >= (graph)->count)

/*
 * Add repeatable revisions to a graph that has none, in the order in which
 * they run: each one after the revisions in its depends_on, and otherwise in
 * the byte order of their ids.  Defects of these revisions are added to the
 * graph.  The revisions must outlive the graph.
 */
extern void cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count);

/* Returns the repeatable revision with this id, or -1 if there is none. */
extern int	cmig_repeatables_find(const CmigGraph *graph, const char *id);

/* Returns the node with this id, repeatable or not, or -1 if there is none. */
extern int	cmig_repeatables_find_any(const CmigGraph *graph, const char *id);

/* Returns an array, indexed by node, of the number of each node's tree. */
extern int *cmig_trees_find(const CmigGraph *graph);

/*
 * Set graph->trees to the number of each node's tree.  Remove the depends_on
 * edges between trees from the nodes' "depends" and "dependents", and add them
 * to graph->outside.
 */
extern void cmig_trees_separate(CmigGraph *graph);

/* Are the nodes in the same tree?  The trees must have been separated. */
#define cmig_trees_same(graph, a, b) ((graph)->trees[a] == (graph)->trees[b])

/* in plan.c */

/*
 * The version rows, and the revisions that are applied according to them.
 */
typedef struct CmigApplied
{
	const CmigNames *rows;
	List	   *nodes;			/* of int: the nodes of the known rows */
	List	   *unknown;		/* of char *: rows whose revisions are unknown */
	CmigMarks  *applied;		/* the rows' nodes and their ancestors,
								 * including ancestors over depends_on */
} CmigApplied;

extern CmigApplied *cmig_applied_find(const CmigGraph *graph, const CmigNames *rows);

/*
 * Raise an error if the version rows are not valid.  The first function raises
 * error MG001 if a row names an unknown revision.  The second function raises
 * error MG004 if a row is an ancestor of another row; if over_depends is true,
 * ancestors over depends_on count, too.
 */
extern void cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied);
extern void cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
									   bool over_depends);

/*
 * Returns a node in the list that is an ancestor of another node in the list,
 * and sets *above to that other node.  Returns -1 if there is none.  If
 * over_depends is true, ancestors over depends_on count, too.
 */
extern int	cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends,
								 int *above);

/* in target.c */

/*
 * Returns the heads of a lineage, or of the whole graph if "lineage" is NULL.
 * If "effective" is true, heads that have dependents are left out.
 */
extern List *cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage,
								   bool effective);

/*
 * Returns the nodes to which the edges lead.  If "within" is not NULL, only
 * nodes in that set are returned.
 */
extern List *cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within);

/* Returns a list of nodes for a message: "a", "b", "c" and N more. */
extern char *cmig_identifier_list(const CmigGraph *graph, List *nodes);

/*
 * Returns the nodes to which an absolute identifier refers, or NIL for base.
 */
extern List *cmig_target_absolute(const CmigGraph *graph, const char *target);

/*
 * Returns the nodes to which the absolute identifiers in "targets" refer.
 * Raises error MG004 if one node is an ancestor of another; if over_depends is
 * true, ancestors over depends_on count, too.
 */
extern List *cmig_target_list(const CmigGraph *graph, const CmigNames *targets,
							  bool over_depends);

/*
 * Returns the nodes to which an upgrade leads.  If there are several targets,
 * all must be absolute.
 */
extern List *cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								 const CmigNames *targets);

/* The target of a downgrade. */
typedef struct CmigDowngradeTarget
{
	const char *text;			/* as typed */
	int			node;			/* the revision to keep; -1: base */
	List	   *roots;			/* of int: nodes to revert, together with
								 * their descendants */
	bool		to_base;		/* true if the target is "base", so that
								 * everything is reverted */
} CmigDowngradeTarget;

extern CmigDowngradeTarget *cmig_target_downgrade(const CmigGraph *graph,
												  const CmigApplied *applied,
												  const char *target);

/* The target of a stamp. */
typedef struct CmigStampTarget
{
	List	   *nodes;			/* of int: the nodes to stamp */
	bool		base;			/* is any of the targets base or label@base? */
	CmigMarks  *base_lineage;	/* if "base" is true, the lineage whose rows
								 * are removed, or NULL for all rows */
} CmigStampTarget;

extern CmigStampTarget *cmig_target_stamp(const CmigGraph *graph,
										  const CmigApplied *applied,
										  const CmigNames *targets);

/*
 * Returns the revisions in a range, which is "from:to" or one identifier.  A
 * relative number that leads beyond an end of the graph stops at that end.
 */
extern CmigMarks *cmig_target_range(const CmigGraph *graph, const CmigApplied *applied,
									const char *range);

/* in plan.c */

/*
 * A step of a plan: a revision to apply or revert, and the version rows that
 * the step changes.  The arrays in "removed" and "added" can belong to the
 * graph, so they must not be changed.  They can also point into the step
 * itself, so the step must not be copied.
 */
typedef struct CmigPlanStep
{
	int			node;
	CmigEdges	removed;		/* nodes whose rows are deleted */
	CmigEdges	added;			/* nodes whose rows are added */
} CmigPlanStep;

/* The steps of a run, in order. */
typedef struct CmigPlan
{
	CmigDirection direction;
	int			count;
	CmigPlanStep *steps;
	const char *target;			/* the target that the user specified, as an
								 * SQL expression; or NULL */
} CmigPlan;

/*
 * Plan an upgrade, which applies the targets and everything that they need,
 * except for revisions that are already applied.  Each revision comes after
 * the revisions that it needs.
 */
extern CmigPlan *cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								   List *targets);

/* Is the plan an upgrade after which all revisions are applied? */
extern bool cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied,
									const CmigPlan *plan);

/*
 * Add a step for a repeatable revision, given its node in the plan's graph.
 * The step does not change the version rows.  Call this at most once for each
 * revision.
 */
extern void cmig_plan_add_repeatable(CmigPlan *plan, int node);

/*
 * Plan a downgrade, which reverts the target's roots and their descendants,
 * except for revisions that are not applied.  If there is nothing to revert,
 * raises error MG004, unless the target is a current revision or base.
 */
extern CmigPlan *cmig_plan_downgrade(const CmigGraph *graph, const CmigApplied *applied,
									 const CmigDowngradeTarget *target);

/* The version rows that a stamp removes and adds. */
typedef struct CmigStampPlan
{
	List	   *removed;		/* of char *: ids */
	List	   *added;			/* of int: nodes */
} CmigStampPlan;

extern CmigStampPlan *cmig_plan_stamp(const CmigGraph *graph, const CmigApplied *applied,
									  const CmigStampTarget *target);

/* in replaces.c */

/* The part of the database's state that decides which revisions count. */
typedef struct CmigPlace
{
	const CmigNames *rows;		/* the version rows */
	const CmigNames *begun;		/* revisions that are partially applied or
								 * partially reverted */
} CmigPlace;

/* The state of the revisions that are replaced by another revision. */
typedef enum CmigReplacesState
{
	CMIG_REPLACES_NONE,			/* no replaced revision is applied */
	CMIG_REPLACES_SOME,			/* some are applied and some are not, or one
								 * is partially applied */
	CMIG_REPLACES_TURN,			/* all are applied, and a version row still
								 * names a replaced revision */
	CMIG_REPLACES_ALL			/* the replacing revision counts as applied */
} CmigReplacesState;

/*
 * Returns true if any revision replaces others.  If none does, all revisions
 * count.
 */
extern bool cmig_replaces_any(const CmigRevision *revisions, int count);

/*
 * Returns the state of the revisions that "revision" replaces.  "revisions"
 * must contain all stored revisions.
 */
extern CmigReplacesState cmig_replaces_state(const CmigRevision *revisions, int count,
											 const CmigPlace *place, const CmigRevision *revision);

/*
 * Raises error MG005 if a revision replaces itself, if two revisions replace
 * each other, perhaps through others, or if two revisions replace the same
 * revision and neither of them replaces the other.
 */
extern void cmig_replaces_require_sound(const CmigRevision *revisions, int count);

/*
 * Returns the revisions in the "replaces" of "revision" that are not loaded
 * and are not replaced by another loaded revision in that list.  "revisions"
 * must contain all stored revisions.
 */
extern CmigNames *cmig_replaces_missing(const CmigRevision *revisions, int count,
										const CmigRevision *revision);

/*
 * Remove the revisions that are ignored, and change references to them into
 * references to revisions that count.  Keeps the order of the remaining
 * revisions, and returns their number.
 */
extern int	cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place);

#endif							/* CMIG_GRAPH_H */
