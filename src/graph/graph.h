/*
 * graph.h
 *	  The revision graph in memory.
 *
 * Pure.  Nodes are numbered 0 .. count-1 in the order of their ids' bytes, so
 * that everything derived from the graph is independent of the order of rows.
 * A graph with defects can be built and looked at; a function that moves along
 * it must call cmig_graph_require_sound() first.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_H
#define CMIG_GRAPH_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

/* A span of node numbers in one of the graph's edge arrays. */
typedef struct CmigEdges
{
	int			count;
	int		   *nodes;
} CmigEdges;

/* A revision and its neighbors. */
typedef struct CmigNode
{
	const CmigRevision *revision;
	CmigEdges	parents;		/* down_revision, in the order written */
	CmigEdges	depends;		/* depends_on, resolved, without parents */
	CmigEdges	children;		/* the nodes whose parent this is */
	CmigEdges	dependents;		/* the nodes that depend on this one */
} CmigNode;

/* A defect of the revisions, for cmig.check(). */
typedef struct CmigDefect
{
	const char *revision;		/* the id of the revision that has it */
	const char *problem;		/* a sentence without full stop */
	const char *fix;			/* what to do */
} CmigDefect;

/* All revisions; a node is known by its index in nodes. */
typedef struct CmigGraph
{
	int			count;
	CmigNode   *nodes;
	int			repeatable_count;	/* after the nodes of the graph:
									 * repeatable revisions, without edges;
									 * see repeatables.h */
	List	   *defects;		/* of CmigDefect *, empty when sound */
	struct cmig_name_hash *names;	/* ids and labels */
	List	   *replacing;		/* of int: nodes that replace revisions */
} CmigGraph;

/* Build from revisions, which must outlive the graph. */
extern CmigGraph *cmig_graph_build(const CmigRevision *revisions, int count);

/*
 * Add a defect of a revision.  The problem is format with its arguments, a
 * sentence without full stop.
 */
extern void cmig_graph_add_defect(CmigGraph *graph, const char *revision, const char *fix,
								  const char *format,...) pg_attribute_printf(4, 5);

/* The ids of nodes in a message: a, b and 3 more */
extern char *cmig_graph_ids_text(const CmigGraph *graph, const int *nodes, int count);

/* Raise MG005, listing the defects, if there are any. */
extern void cmig_graph_require_sound(const CmigGraph *graph);

/* Why an id or label is not valid, such as "is empty"; NULL if it is valid. */
extern char *cmig_graph_check_name(const char *name);

/* A name that is in the list more than once, or NULL. */
extern const char *cmig_graph_find_repeated(const CmigNames *names);

/*
 * The node of an exact id or, failing that, an exact label or the last
 * revision that a node replaces; -1 if none.
 */
extern int	cmig_graph_find_id(const CmigGraph *graph, const char *id);
extern int	cmig_graph_find_name(const CmigGraph *graph, const char *name);

/*
 * Nodes whose id, or one of whose labels, is longer than 3 characters and
 * starts with prefix: a list of int, one entry for each id or label.
 */
extern List *cmig_graph_find_prefix(const CmigGraph *graph, const char *prefix);

/*
 * The ids or labels closest to a mistyped one, for "Did you mean ...?": at
 * most 3, quoted, in the order of their revisions; NULL if none is near.  Those
 * of the node except, such as the one that has the mistyped reference, are
 * left out; -1 for none.
 */
extern char *cmig_graph_suggest(const CmigGraph *graph, const char *name, int except);

#define cmig_graph_id(graph, node) ((graph)->nodes[node].revision->id)
/* no children: a head; no dependents either: an effective head */
#define cmig_graph_is_head(graph, node) \
	((graph)->nodes[node].children.count == 0)
#define cmig_graph_is_effective_head(graph, node) \
	((graph)->nodes[node].children.count == 0 && \
	 (graph)->nodes[node].dependents.count == 0)
#define cmig_graph_is_base(graph, node) \
	((graph)->nodes[node].parents.count == 0)

/*
 * The k-th edge down or up, -1 after the last one: parents or children first,
 * then dependencies or dependents if over_depends.
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
