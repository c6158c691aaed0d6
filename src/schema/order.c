/*
 * order.c
 *	  Finds an order in which the changes between two images can be made.
 *
 * First the nodes are sorted: drops come before everything else, and the
 * objects of a table next to it.  Then each node is placed after all nodes
 * that must come before it, and otherwise in that order, so that a change of
 * one object does not move other statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/host.h"
#include "schema/kinds.h"
#include "schema/lead.h"
#include "schema/order.h"
#include "schema/order_edge.h"

/*
 * Cycles
 */

/* Does the object depend on something that this change creates? */
static bool
needs(const CmigOrder *order, const CmigObject *object, const CmigChange *change, bool old)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];
		const CmigChange *other = old ? order->difference->of_from[on->index] : order->difference->of_to[on->index];

		if (other == change || other->host == change)
			return true;
	}
	return false;
}

/*
 * Exclude the objects that need the change from the statement that creates
 * their parent.
 */
static bool
unfold(const CmigOrder *order, CmigObject *parent, const CmigChange *change, bool old)
{
	bool		done = false;

	for (CmigObject *child = parent->child; child != NULL; child = child->sibling)
	{
		CmigChange *own = old ? order->difference->of_from[child->index] : order->difference->of_to[child->index];

		done |= unfold(order, child, change, old);
		if (own->host == NULL || child->apart || child->address.sub > 0 || !needs(order, child, change, old))
			continue;
		if (own->from)
			own->from->apart = true;
		if (own->to)
			own->to->apart = true;
		done = true;
	}
	return done;
}

/*
 * Break the cycle on the stack; returns false if no object can be excluded
 * from a statement.
 */
static bool
cut_cycle(const CmigOrder *order, const int *stack, int from, int to)
{
	bool		done = false;

	for (int i = from; i <= to && !done; i++)
	{
		const CmigNode *node = &order->nodes[stack[i]];
		const CmigNode *before = &order->nodes[stack[i == to ? from : i + 1]];

		if (node->type == CMIG_NODE_CREATE)
			done = unfold(order, node->change->to, before->change, false);
		if (!done && before->type == CMIG_NODE_DROP)
			done = unfold(order, before->change->from, node->change, true);
	}
	return done;
}

/*
 * Walk
 */

/* A depth-first walk over the nodes, without recursion. */
typedef struct Walk
{
	CmigNode   *result;
	int			count;
	char	   *state;			/* for each node: 0 not visited, 1 on the
								 * stack, 2 done */
	int		   *next;			/* the node's next edge */
	int		   *stack;
	bool		again;			/* walk again with the same edges */
} Walk;

/*
 * Note that objects that a function's body names will not exist when the
 * function is created, in the upgrade or in the downgrade.
 */
static void
note_unchecked(const CmigOrder *order, const CmigEdge *edge)
{
	const CmigNode *node = &order->nodes[edge->node];

	node = node->type <= CMIG_NODE_DROP ? &order->nodes[edge->before] : node;
	node->change->unchecked = cmig_order_node_object(node)->kind == &cmig_kind_function;
}

/* Ignore a soft edge on the stack; returns false if there is none. */
static bool
skip_soft(CmigOrder *order, Walk *walk, int from, int to)
{
	for (int i = from; i <= to; i++)
	{
		CmigEdge   *edge = &order->edges[walk->next[walk->stack[i]] - 1];

		if (!edge->soft)
			continue;
		note_unchecked(order, edge);
		edge->before = edge->node;
		walk->again = true;
		return true;
	}
	return false;
}

/*
 * Visit a node; returns false if a cycle was broken, so that the walk must
 * start again.
 */
static bool
walk_from(CmigOrder *order, Walk *walk, int node)
{
	int			depth = 0;

	walk->stack[0] = node;
	walk->state[node] = 1;
	while (depth >= 0)
	{
		int			current = walk->stack[depth];

		if (walk->next[current] == order->start[current + 1])
		{
			walk->state[current] = 2;
			walk->result[walk->count++] = order->nodes[current];
			depth--;
			continue;
		}
		node = order->edges[walk->next[current]++].before;
		if (node == current)
			continue;
		if (walk->state[node] == 0)
		{
			walk->state[node] = 1;
			walk->stack[++depth] = node;
		}
		else if (walk->state[node] == 1)
		{
			int			from = depth;

			while (walk->stack[from] != node)
				from--;
			if (cut_cycle(order, walk->stack, from, depth) || skip_soft(order, walk, from, depth))
				return false;
			/* otherwise the edge is ignored */
		}
	}
	return true;
}

/* Visit all nodes; returns false if a cycle was broken. */
static bool
walk_all(CmigOrder *order, Walk *walk)
{
	int			size = Max(order->count, 1);

	walk->count = 0;
	walk->result = palloc(sizeof(CmigNode) * size);
	walk->state = palloc0(size);
	walk->stack = palloc(sizeof(int) * size);
	walk->next = palloc(sizeof(int) * size);
	memcpy(walk->next, order->start, sizeof(int) * order->count);
	for (int i = 0; i < order->count; i++)
		if (walk->state[i] == 0 && !walk_from(order, walk, i))
			return false;
	return true;
}

CmigNode *
cmig_order(CmigDifference *difference, int *count)
{
	for (;;)
	{
		CmigOrder	order = {.difference = difference};
		Walk		walk;

		cmig_lead_tables(difference);
		cmig_order_node_make(&order);
		cmig_order_edge_make(&order);
		do
		{
			walk.again = false;
			if (walk_all(&order, &walk))
			{
				*count = walk.count;
				return walk.result;
			}
		} while (walk.again);
		cmig_host_find(difference);
	}
}
