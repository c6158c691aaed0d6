/*
 * order.c
 *	  Finds an order for the changes between two images.
 *
 * Nodes are sorted first: drops come before everything else, and a table's
 * objects are next to the table.  Then each node is placed after all nodes
 * that must precede it.  Otherwise the sort order is kept, so that changing
 * one object does not move other statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/host.h"
#include "compare/lead.h"
#include "compare/order.h"
#include "compare/order_edge.h"
#include "kinds/kinds.h"

/*
 * Cycles
 */

/*
 * Does the object depend on an object that the change creates (or drops, if
 * "old" is true)?
 */
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
 * Exclude from the statement of "parent" those of its children that depend on
 * an object that the change creates (or drops, if "old" is true), by setting
 * their field "apart".  Returns true if there are any such children.
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
 * Break the cycle formed by the nodes at positions "from" through "to" of the
 * stack, by excluding an object from its parent's statement.  Returns the
 * position of the node whose edge to the next node is no longer needed, or -1
 * if no object can be excluded.
 */
static int
cut_cycle(const CmigOrder *order, const int *stack, int from, int to)
{
	/* try the last edge first, because then no node has to be visited again */
	for (int n = 0, i = to; n <= to - from; n++, i = from + n - 1)
	{
		const CmigNode *node = &order->nodes[stack[i]];
		const CmigNode *before = &order->nodes[stack[i == to ? from : i + 1]];

		if (node->type == CMIG_NODE_CREATE &&
			unfold(order, node->change->to, before->change, false))
			return i;
		if (before->type == CMIG_NODE_DROP &&
			unfold(order, before->change->from, node->change, true))
			return i;
	}
	return -1;
}

/*
 * Walk
 */

/* A depth-first walk over the nodes, without recursion. */
typedef struct Walk
{
	CmigNode   *result;
	int			count;
	char	   *state;			/* for each node: 0 if not visited, 1 if on
								 * the stack, 2 if done */
	int		   *next;			/* for each node: index of the edge to follow
								 * next */
	int		   *stack;
	bool		again;			/* true if the walk must be repeated with the
								 * same edges */
	bool		cut;			/* true if statements were split, so that the
								 * edges must be rebuilt */
} Walk;

/*
 * Mark the function of an ignored soft edge as unchecked: its body names an
 * object that does not exist when the upgrade or the downgrade creates the
 * function.
 */
static void
note_unchecked(const CmigOrder *order, const CmigEdge *edge)
{
	const CmigNode *node = &order->nodes[edge->node];

	node = node->type <= CMIG_NODE_DROP ? &order->nodes[edge->before] : node;
	node->change->unchecked = cmig_order_node_object(node)->kind == &cmig_kind_function;
}

/*
 * Break a cycle of nodes on the stack by ignoring a soft edge, preferably a
 * weak one.  Returns the position on the stack of the node that has the edge,
 * or -1 if no edge is soft.
 */
static int
skip_soft(CmigOrder *order, Walk *walk, int from, int to)
{
	int			place = -1;
	CmigEdge   *edge;

	for (int i = from; i <= to; i++)
	{
		edge = &order->edges[walk->next[walk->stack[i]] - 1];
		if (edge->soft && (place < 0 || edge->weak))
			place = i;
		if (edge->weak)
			break;
	}
	if (place < 0)
		return -1;
	edge = &order->edges[walk->next[walk->stack[place]] - 1];
	if (!edge->weak)
		note_unchecked(order, edge);
	edge->before = edge->node;
	return place;
}

/*
 * Ignore all edges that require the next node on the stack to come before the
 * node at the position "place".
 */
static void
skip_edges(CmigOrder *order, const Walk *walk, int place)
{
	int			node = walk->stack[place],
				before = order->edges[walk->next[node] - 1].before;

	for (int i = order->start[node]; i < order->start[node + 1]; i++)
		if (order->edges[i].before == before)
			order->edges[i].before = node;
}

/*
 * Break the cycle that ends at the top of the stack, and go back to the node
 * whose edge is no longer needed, so that the same walk finds other cycles.
 * Returns the new top of the stack.
 */
static int
break_cycle(CmigOrder *order, Walk *walk, int from, int top)
{
	int			place = cut_cycle(order, walk->stack, from, top);

	if (place >= 0)
	{
		skip_edges(order, walk, place);
		walk->cut = true;
	}
	else
	{
		place = skip_soft(order, walk, from, top);
		walk->again |= place >= 0;
	}

	/*
	 * go back to the node at "place"; if "place" is -1, the walk only ignores
	 * the edge that closes the cycle
	 */
	for (int i = place + 1; place >= 0 && i <= top; i++)
	{
		walk->state[walk->stack[i]] = 0;
		walk->next[walk->stack[i]] = order->start[walk->stack[i]];
	}
	return place >= 0 ? place : top;
}

/* Visit a node after all nodes that must come before it. */
static void
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
			depth = break_cycle(order, walk, from, depth);
		}
	}
}

/* Visit all nodes.  The caller uses the result only if no cycle was broken. */
static void
walk_all(CmigOrder *order, Walk *walk)
{
	walk->count = 0;
	walk->again = walk->cut = false;
	memset(walk->state, 0, order->count);
	memcpy(walk->next, order->start, sizeof(int) * order->count);
	for (int i = 0; i < order->count; i++)
		if (walk->state[i] == 0)
			walk_from(order, walk, i);
}

/*
 * Put the nodes in order.  Returns false if statements were split to break a
 * cycle.  The split adds nodes and edges, so *result is then not valid.
 */
static bool
place_nodes(CmigOrder *order, CmigNode **result)
{
	int			size = Max(order->count, 1);
	Walk		walk = {0};

	walk.result = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CmigNode) * (Size) size);
	walk.state = palloc(size);
	walk.stack = palloc(sizeof(int) * size);
	walk.next = palloc(sizeof(int) * size);
	do
		walk_all(order, &walk);
	while (walk.again && !walk.cut);
	*result = walk.result;
	pfree(walk.state);
	pfree(walk.stack);
	pfree(walk.next);
	return !walk.cut;
}

CmigNode *
cmig_order(CmigDifference *difference, int *count)
{
	for (;;)
	{
		CmigOrder	order = {.difference = difference};
		CmigNode   *result;
		bool		done;

		cmig_lead_tables(difference);
		cmig_order_node_make(&order);
		cmig_order_edge_make(&order);
		done = place_nodes(&order, &result);
		*count = order.count;
		pfree(order.nodes);
		pfree(order.start);
		if (order.edges != NULL)
			pfree(order.edges);
		if (done)
			return result;
		pfree(result);
		cmig_host_find(difference);
	}
}
