/*
 * order_inherit.c
 *	  The order of the steps that run NO INHERIT and INHERIT.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/order_graph.h"
#include "compare/order_inherit.h"
#include "kinds/kinds.h"

/*
 * Make the node "before" precede the node that drops or alters an old object.
 * The edge is weak if the alteration does not affect the object's
 * dependents.
 */
static void
add_end(CmigOrder *order, const CmigObject *object, int before)
{
	int			node = cmig_order_graph_end(order, object);

	cmig_order_graph_add_kind(order, node, before, false, node >= 0 && cmig_order_graph_is_harmless(&order->nodes[node]));
}

/*
 * Make the node precede the nodes that drop or alter a table, its columns, and
 * its constraints.  Statistics are left out: inheritance does not affect them,
 * and they may have to be dropped earlier, so that another parent's statistics
 * can have the same names.
 */
static void
add_part(CmigOrder *order, int node, const CmigObject *table)
{
	add_end(order, table, node);
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind != &cmig_kind_statistics)
			add_end(order, child, node);
}

/* Does the change of a column only drop NOT NULL? */
static bool
only_drops_not_null(const CmigChange *change)
{
	ListCell   *cell;

	if (change->action != CMIG_ALTER || change->to->kind != &cmig_kind_column || change->ddl == NIL)
		return false;
	foreach(cell, change->ddl)
		if (strstr(((const CmigDdl *) lfirst(cell))->sql, " DROP NOT NULL") == NULL)
		return false;
	return true;
}

/*
 * Make "node", which adds parents to a table, follow the creation of "child".
 * Exception: if "node" also removes the table's old parents, a column's NOT
 * NULL is dropped after "node", because an old parent may require NOT NULL.
 */
static void
join_child(CmigOrder *order, int node, const CmigObject *table, const CmigObject *child)
{
	const CmigChange *change = order->difference->of_to[child->index],
			   *join = order->nodes[node].change;

	if (join->to == table && join->part_node < 0 && only_drops_not_null(change))
		cmig_order_graph_add(order, change->first_node, node);
	else
		cmig_order_graph_add(order, node, cmig_order_graph_made(order, child));
}

/*
 * Make the node follow the creation of a table and of its columns and
 * constraints.
 */
static void
add_join(CmigOrder *order, int node, const CmigObject *table)
{
	cmig_order_graph_add(order, node, cmig_order_graph_made(order, table));
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind != &cmig_kind_statistics)
			join_child(order, node, table, child);
}

/*
 * Call "add" for each table from which "table" inherits, and for the composite
 * type on which it is based (CREATE TABLE OF).
 */
static void
add_parents(CmigOrder *order, int node, const CmigObject *table,
			void (*add) (CmigOrder *order, int node, const CmigObject *table))
{
	for (int i = 0; i < table->ndepends; i++)
		if (table->depends[i]->kind == table->kind || table->depends[i]->kind == &cmig_kind_composite)
			add(order, node, table->depends[i]);
}

void
cmig_order_inherit_add(CmigOrder *order)
{
	for (int i = 0; i < order->count; i++)
	{
		const CmigNode *node = &order->nodes[i];
		const CmigChange *change = node->change;

		if (node->type != CMIG_NODE_PART && node->type != CMIG_NODE_JOIN)
			continue;
		cmig_order_graph_add(order, change->first_node, change->part_node);
		cmig_order_graph_add(order, change->join_node, change->last_node);
		if (change->from->kind != &cmig_kind_table)
			continue;
		if (node->type == CMIG_NODE_PART)
		{
			/*
			 * the node's statement uses the original names of the type and
			 * the tables on which the table depends, so it comes before they
			 * are renamed
			 */
			for (int j = 0; j < change->from->ndepends; j++)
				cmig_order_graph_add(order, order->difference->of_from[change->from->depends[j]->index]->away_node, i);
			add_part(order, i, change->from);
			add_parents(order, i, change->from, add_part);
		}
		else if (node->type == CMIG_NODE_JOIN)
		{
			add_join(order, i, change->to);
			add_parents(order, i, change->to, add_join);
			if (change->part_node < 0)
				add_parents(order, i, change->from, add_part);
		}
	}
}
