/*
 * order_node.h
 *	  Creates the nodes to be ordered: the steps of each change.
 *
 * A change that drops and re-creates an object has a node for each of these
 * steps.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_NODE_H
#define CMIG_ORDER_NODE_H

#include "postgres.h"
#include "compare/difference.h"

/* The step of a change that a node stands for. */
typedef enum CmigNodeType
{
	CMIG_NODE_AWAY,				/* the old object is renamed */
	CMIG_NODE_DROP,
	CMIG_NODE_PART,				/* NO INHERIT for tables that are no longer
								 * parents */
	CMIG_NODE_JOIN,				/* INHERIT for new parents, once the table has
								 * all of their columns */
	CMIG_NODE_ALTER,
	CMIG_NODE_CREATE,
	CMIG_NODE_UNSUPPORTED
} CmigNodeType;

/* A node: a step of a change. */
typedef struct CmigNode
{
	CmigNodeType type;
	CmigChange *change;
} CmigNode;

/* An edge: one node must come before another. */
typedef struct CmigEdge
{
	int			node;
	int			before;			/* the node that must come before "node" */
	bool		soft;			/* true if the edge is ignored when it would
								 * create a cycle */
	bool		weak;			/* true for a soft edge that is ignored before
								 * other soft edges */
} CmigEdge;

/* The nodes to be sorted, and the edges between them. */
typedef struct CmigOrder
{
	CmigDifference *difference;
	int			count;
	CmigNode   *nodes;			/* sorted */
	int			nedges;
	int			allocated;		/* allocated size of "edges" */
	CmigEdge   *edges;			/* sorted by node */
	int		   *start;			/* the index of each node's first edge, and
								 * nedges as the last element */
} CmigOrder;

/* Returns the object that the node creates, alters, or drops. */
extern const CmigObject *cmig_order_node_object(const CmigNode *node);

/*
 * Create the nodes of all changes, sorted: drops come before everything
 * else, and a table's objects are next to the table.
 */
extern void cmig_order_node_make(CmigOrder *order);

#endif							/* CMIG_ORDER_NODE_H */
