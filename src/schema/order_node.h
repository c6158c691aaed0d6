/*
 * order_node.h
 *	  The steps in which changes are made, before they are in order. Pure.
 *
 * A change that drops an object and creates it again has two nodes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_NODE_H
#define CMIG_ORDER_NODE_H

#include "postgres.h"
#include "schema/difference.h"

/* The part of a change that a node executes. */
typedef enum CmigNodeType
{
	CMIG_NODE_AWAY,				/* the old object gets another name */
	CMIG_NODE_DROP,
	CMIG_NODE_PART,				/* NO INHERIT for tables that are no longer
								 * parents */
	CMIG_NODE_JOIN,				/* INHERIT for new parents, once the table has
								 * all of their columns */
	CMIG_NODE_ALTER,
	CMIG_NODE_CREATE,
	CMIG_NODE_UNSUPPORTED
} CmigNodeType;

/* A step in the order of statements. */
typedef struct CmigNode
{
	CmigNodeType type;
	CmigChange *change;
} CmigNode;

/* One node must come before another. */
typedef struct CmigEdge
{
	int			node;
	int			before;			/* this node must come before the node */
	bool		soft;			/* the edge is ignored if it would make a
								 * cycle */
} CmigEdge;

/* The nodes to be sorted, and the edges between them. */
typedef struct CmigOrder
{
	CmigDifference *difference;
	int			count;
	CmigNode   *nodes;			/* sorted */
	int			nedges;
	int			allocated;		/* size of edges */
	CmigEdge   *edges;			/* sorted by node */
	int		   *start;			/* where each node's edges begin, and the end */
} CmigOrder;

/* The object that the node is about. */
extern const CmigObject *cmig_order_node_object(const CmigNode *node);

/*
 * Make the nodes of all changes.  Sorts them: drops come before everything
 * else, and the objects of a table next to it.
 */
extern void cmig_order_node_make(CmigOrder *order);

#endif							/* CMIG_ORDER_NODE_H */
