/*
 * graph.h
 *	  The graph of revisions in memory.
 *
 * Nodes are numbered from 0 to count - 1 in the byte order of their ids, so
 * that nothing derived from the graph depends on the order of table rows.  A
 * graph with defects can be built and displayed, but a function that runs,
 * creates, or loads revisions must call cmig_graph_require_sound() first.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_H
#define CMIG_GRAPH_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

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
									 * edges; see repeatables.h */
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

/*
 * Record a defect of a revision.  The format and its arguments describe the
 * problem, without a period at the end; "fix" is a sentence that says how to
 * fix it.
 */
extern void cmig_graph_add_defect(CmigGraph *graph, const char *revision, const char *fix,
								  const char *format,...) pg_attribute_printf(4, 5);

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

/*
 * Return the node with exactly this id, or -1 if there is none.
 * cmig_graph_find_name() also accepts a label, or the id of the last revision
 * that the node replaces.
 */
extern int	cmig_graph_find_id(const CmigGraph *graph, const char *id);
extern int	cmig_graph_find_name(const CmigGraph *graph, const char *name);

/*
 * Returns the nodes whose id or label starts with "prefix" and is longer than
 * 3 characters.  The result is a list of int with one entry for each matching
 * id or label.
 */
extern List *cmig_graph_find_prefix(const CmigGraph *graph, const char *prefix);

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
#define cmig_graph_is_base(graph, node) \
	((graph)->nodes[node].parents.count == 0)

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

#endif							/* CMIG_GRAPH_H */
