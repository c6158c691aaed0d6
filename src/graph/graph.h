/*
 * graph.h
 *	  What src/graph provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_H
#define CMIG_GRAPH_H

#include "postgres.h"

#include "base/base.h"

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

/* Returns why an id or label is not valid, such as "is empty", or NULL. */
extern char *cmig_graph_check_name(const char *name);

/* Does the list, which need not be sorted, contain the name? */
extern bool cmig_graph_lists(const CmigNames *names, const char *name);

/*
 * Return the node with this id, or -1.  The second function also accepts a
 * label, or the id of the last revision that the node replaces.
 */
extern int	cmig_graph_find_id(const CmigGraph *graph, const char *id);
extern int	cmig_graph_find_name(const CmigGraph *graph, const char *name);

/*
 * Returns up to 3 ids or labels that are similar to "name", for "Did you mean
 * ...?", or NULL.  Names of the node "except", which contains the mistyped
 * reference, are left out.
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
 * Return the node to which a node's k-th edge down or up leads, or -1.  If
 * over_depends is true, dependencies or dependents follow parents or children.
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

/* Create an empty set; add a node, and return false if it was in the set. */
extern CmigMarks *cmig_graph_marks(const CmigGraph *graph);
extern bool cmig_graph_mark(CmigMarks *marks, int node);

/* Is no child or dependent of the node in the set? */
extern bool cmig_graph_is_topmost(const CmigGraph *graph, const CmigMarks *marks, int node);

/* Add all ancestors or descendants of the marked nodes to the set. */
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
 * Add repeatable revisions and their defects to a graph that has none, in the
 * order in which they run: after those in their depends_on, and otherwise in
 * the byte order of their ids.  The revisions must outlive the graph.
 */
extern void cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count);

/* Return the repeatable revision, or any node, with this id, or -1. */
extern int	cmig_repeatables_find(const CmigGraph *graph, const char *id);
extern int	cmig_repeatables_find_any(const CmigGraph *graph, const char *id);

/* Returns an array, indexed by node, of the number of each node's tree. */
extern int *cmig_trees_find(const CmigGraph *graph);

/* Set graph->trees, and move depends_on edges between trees to "outside". */
extern void cmig_trees_separate(CmigGraph *graph);

/* Are the nodes in the same tree?  The trees must have been separated. */
#define cmig_trees_same(graph, a, b) ((graph)->trees[a] == (graph)->trees[b])

/* in plan.c */

/* The version rows, and the revisions that are applied according to them. */
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
 * Raise MG001 if a row names an unknown revision, and MG004 if a row is an
 * ancestor of another row.
 */
extern void cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied);
extern void cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
									   bool over_depends);

/*
 * Returns a node in the list that is an ancestor of another one, *above, or -1
 * if there is none.
 */
extern int	cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends,
								 int *above);

/* in target.c */

/*
 * Returns the heads of a lineage (NULL: of the graph).  If "effective" is true,
 * heads that have dependents are left out.
 */
extern List *cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage,
								   bool effective);

/* Returns the nodes to which the edges lead; only those in "within", if set. */
extern List *cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within);

/* Returns a list of nodes for a message: "a", "b", "c" and N more. */
extern char *cmig_identifier_list(const CmigGraph *graph, List *nodes);

/* Returns the nodes to which an absolute identifier refers; NIL for base. */
extern PGDLLEXPORT List *cmig_target_absolute(const CmigGraph *graph, const char *target);

/*
 * The same for several identifiers.  Raises MG004 if one node is an ancestor
 * of another.
 */
extern List *cmig_target_list(const CmigGraph *graph, const CmigNames *targets,
							  bool over_depends);

/* Returns the nodes to which an upgrade leads.  Several targets are absolute. */
extern List *cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								 const CmigNames *targets);

/* The target of a downgrade. */
typedef struct CmigDowngradeTarget
{
	const char *text;			/* as typed */
	int			node;			/* the revision to keep; -1: base */
	List	   *roots;			/* of int: nodes to revert, together with
								 * their descendants */
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
 * Returns the revisions in "from:to", or of one identifier.  A relative number
 * that leads beyond an end of the graph stops at that end.
 */
extern CmigMarks *cmig_target_range(const CmigGraph *graph, const CmigApplied *applied,
									const char *range);

/* in plan.c */

/*
 * A step of a plan: a revision to apply or revert, and the version rows that
 * the step changes.  "removed" or "added" can point into the step itself, so
 * the step must not be copied.
 */
typedef struct CmigPlanStep
{
	int			node;
	CmigEdges	removed;		/* nodes whose rows are deleted */
	CmigEdges	added;			/* nodes whose rows are added */
	uint64		text;			/* hash of its texts, once they have been read */
} CmigPlanStep;

/* The steps of a run, in order. */
typedef struct CmigPlan
{
	CmigDirection direction;
	int			count;
	CmigPlanStep *steps;
	const char *target;			/* the target that the user specified, as an
								 * SQL expression; or NULL */
	bool		unrelated;		/* of other branches than an expansion: must
								 * not alter its tables */
} CmigPlan;

/*
 * Plan an upgrade, which applies the targets and everything that they need,
 * each revision after those that it needs.
 */
extern CmigPlan *cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								   List *targets);

/* Is the plan an upgrade after which all revisions are applied? */
extern bool cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied,
									const CmigPlan *plan);

/* Add a repeatable revision's step.  Call this once for each revision. */
extern void cmig_plan_add_repeatable(CmigPlan *plan, int node);

/*
 * Plan a downgrade, which reverts the target's roots and their descendants.
 * Raises MG004 if there is nothing to revert, unless the target is a current
 * revision or base.
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

/* Does any revision replace others?  If none does, all revisions count. */
extern bool cmig_replaces_any(const CmigRevision *revisions, int count);

/* "revisions" must contain all stored revisions here and below. */
extern CmigReplacesState cmig_replaces_state(const CmigRevision *revisions, int count,
											 const CmigPlace *place, const CmigRevision *revision);

/*
 * Raises MG005 if revisions replace themselves or each other, or if two of
 * them replace the same one and neither of them replaces the other.
 */
extern void cmig_replaces_require_sound(const CmigRevision *revisions, int count);

/*
 * Returns the revisions in the "replaces" of "revision" that are not loaded and
 * not replaced by another loaded revision in that list.
 */
extern CmigNames *cmig_replaces_missing(const CmigRevision *revisions, int count,
										const CmigRevision *revision);

/*
 * Remove the ignored revisions, let references to them refer to those that
 * count, and return the number of the latter, whose order remains.
 */
extern int	cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place);

#endif							/* CMIG_GRAPH_H */
