/*
 * order_graph.c
 *	  The graph of nodes: adding edges, and finding the nodes of an object.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/order_graph.h"
#include "kinds/kinds.h"

#include "utils/memutils.h"

void
cmig_order_graph_add_kind(CmigOrder *order, int node, int before, bool soft, bool weak)
{
	if (node == before || node < 0 || before < 0)
		return;
	if (order->nedges == order->allocated)
	{
		order->allocated = Max(1024, order->allocated * 2);
		order->edges = order->edges == NULL ? palloc(sizeof(CmigEdge) * order->allocated) :
			repalloc_huge(order->edges, sizeof(CmigEdge) * (Size) order->allocated);
	}
	order->edges[order->nedges++] = (CmigEdge)
	{
		node, before, soft || weak, weak
	};
}

void
cmig_order_graph_add_soft(CmigOrder *order, int node, int before)
{
	cmig_order_graph_add_kind(order, node, before, true, false);
}

void
cmig_order_graph_add(CmigOrder *order, int node, int before)
{
	cmig_order_graph_add_kind(order, node, before, false, false);
}

/*
 * Is "on" the parent table's column or the type's attribute from which the
 * column "object" comes?  A generated column also depends on other columns of
 * its own table.
 */
static bool
is_origin(const CmigObject *object, const CmigObject *on)
{
	return (on->kind == object->kind && on->parent != object->parent) || on->kind == &cmig_kind_attribute;
}

int
cmig_order_graph_end(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_from[object->index];

	if (change->dropped_by != NULL)
		return change->dropped_by->first_node;
	if (change->part_node >= 0 && object->kind == &cmig_kind_column)
		return change->part_node;

	/*
	 * an inherited column is dropped by the statement that drops the parent's
	 * column
	 */
	if (change->to == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (is_origin(object, object->depends[i]))
				return cmig_order_graph_end(order, object->depends[i]);
	return change->host ? change->host->first_node : change->first_node;
}

int
cmig_order_graph_made(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_to[object->index];

	/*
	 * an inherited column is created by the statement that creates the
	 * parent's column, and a typed table's column by the statement that
	 * creates the attribute
	 */
	if (change->from == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (is_origin(object, object->depends[i]))
				return cmig_order_graph_made(order, object->depends[i]);
	if (change->join_node >= 0 && object->kind == &cmig_kind_column)
		return change->join_node;
	return change->host ? change->host->last_node : change->last_node;
}

bool
cmig_order_graph_is_harmless(const CmigNode *node)
{
	return node->type == CMIG_NODE_ALTER && !node->change->disturbs;
}
