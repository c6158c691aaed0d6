/*
 * order_edge.c
 *	  Determines which steps must come before others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/order_edge.h"
#include "compare/order_graph.h"
#include "compare/order_inherit.h"
#include "compare/order_name.h"
#include "compare/twins.h"
#include "kinds/kinds.h"

/* Does "object" still depend on "on" after the change? */
static bool
keeps(const CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigObject *to = order->difference->of_from[object->index]->to;
	const CmigChange *change = order->difference->of_from[on->index];

	for (int i = 0; to != NULL && i < to->ndepends; i++)
		if (order->difference->of_to[to->depends[i]->index] == change)
			return true;
	return false;
}

/*
 * Returns true if "object" is a partition's column, inherited from "on", and
 * the partition is detached during the change.
 */
static bool
is_detached(const CmigObject *object, const CmigObject *on)
{
	return object->alone && object->kind == &cmig_kind_column && on->kind == object->kind && on->parent != object->parent;
}

/*
 * Add the edges for a dependency in the old image: "object" depends on "on",
 * so "object" is dropped first.
 */
static void
add_old(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = order->difference->of_from[object->index];
	int			node = cmig_order_graph_end(order, on),
				dependent = cmig_order_graph_end(order, object);

	/*
	 * a dependency on a parent table ends with the statement that contains NO
	 * INHERIT
	 */
	if (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table)
		dependent = change->part_node >= 0 ? change->part_node : change->join_node >= 0 ? change->join_node : dependent;
	if (node < 0 || dependent < 0)
		return;
	if (order->nodes[node].type == CMIG_NODE_DROP ||
		((order->nodes[node].type == CMIG_NODE_ALTER || order->nodes[node].type == CMIG_NODE_PART) &&
		 order->nodes[dependent].type == CMIG_NODE_DROP))
		cmig_order_graph_add_kind(order, node, dependent, false, cmig_order_graph_is_harmless(&order->nodes[node]));

	/*
	 * dependents are dropped, or altered so that they no longer use the old
	 * type, before the type is given its temporary name
	 */
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->trades)
		cmig_order_graph_add(order, dependent, order->nodes[node].change->away_node);
	else if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node < 0 &&
			 (order->nodes[dependent].type == CMIG_NODE_DROP ||
			  (order->nodes[dependent].type == CMIG_NODE_ALTER && !keeps(order, object, on))))
		cmig_order_graph_add(order, order->nodes[node].change->away_node, dependent);
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node >= 0)
		cmig_order_graph_add(order, order->nodes[node].change->away_node, order->nodes[dependent].change->away_node);
}

/*
 * Does the change give a foreign-data wrapper a validator?  If so, the wrapper
 * is altered after the objects that depend on it; see add_validator().
 */
static bool
gets_validator(const CmigChange *change)
{
	return change->action == CMIG_ALTER && change->to->kind == &cmig_kind_foreign_data_wrapper &&
		cmig_wrapper_gets_validator(change->from, change->to);
}

/*
 * Add the edges for a dependency in the new image: "object" depends on "on",
 * so "on" is created first.
 */
static void
add_new(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = order->difference->of_to[object->index];
	int			node = cmig_order_graph_made(order, object);

	if (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table && change->join_node >= 0)
		node = change->join_node;
	if (change->action == CMIG_ALTER && gets_validator(order->difference->of_to[on->index]))
		return;
	cmig_order_graph_add(order, node, cmig_order_graph_made(order, on));
}

/*
 * Returns the foreign-data wrapper on which the object depends, for example
 * the wrapper of a foreign table's server.  Returns NULL if there is none.
 */
static const CmigObject *
find_wrapper(const CmigObject *object)
{
	while (object != NULL && object->kind != &cmig_kind_foreign_data_wrapper)
	{
		const CmigObject *next = object->parent;

		for (int i = 0; next == NULL && i < object->ndepends; i++)
			if (object->depends[i]->kind == &cmig_kind_server || object->depends[i]->kind == &cmig_kind_foreign_data_wrapper)
				next = object->depends[i];
		object = next;
	}
	return object;
}

/*
 * If the foreign-data wrapper that the object depends on is given a validator,
 * make the wrapper's change come after the object's change.  The validator
 * might reject the object's old options.
 */
static void
add_validator(CmigOrder *order, const CmigObject *object)
{
	const CmigObject *wrapper = find_wrapper(object);
	const CmigChange *change = wrapper && wrapper != object ? order->difference->of_from[wrapper->index] : NULL;

	if (change != NULL && gets_validator(change))
		cmig_order_graph_add(order, change->first_node, cmig_order_graph_end(order, object));
}

/* Call add_validator() for all old objects. */
static void
add_validators(CmigOrder *order)
{
	const CmigImage *image = order->difference->from;

	for (int i = 0; i < image->count; i++)
		add_validator(order, image->objects[i]);
}

/* Add the edges for all dependencies of an image. */
static void
add_dependencies(CmigOrder *order, const CmigImage *image,
				 void (*add) (CmigOrder *order, const CmigObject *object, const CmigObject *on))
{
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->ndepends; j++)
			if (!is_detached(object, object->depends[j]))
				add(order, object, object->depends[j]);
		if (object->parent != NULL)
			add(order, object, object->parent);
	}
}

/* Add the soft edge for "object", which mentions "on". */
static void
add_named(CmigOrder *order, const CmigObject *object, const CmigObject *on, bool old)
{
	int			node = old ? cmig_order_graph_end(order, on) : cmig_order_graph_made(order, object),
				before = old ? cmig_order_graph_end(order, object) : cmig_order_graph_made(order, on);

	if (old && (node < 0 || order->nodes[node].type != CMIG_NODE_DROP))
		return;
	cmig_order_graph_add_soft(order, node, before);
}

/*
 * Add the soft edges between an SQL function and the columns of a relation
 * or type that the function names or returns.
 */
static void
add_named_columns(CmigOrder *order, const CmigObject *function, const CmigObject *on, bool old)
{
	for (const CmigObject *child = on->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column || child->kind == &cmig_kind_attribute)
			add_named(order, function, child, old);
}

/*
 * Add soft edges.  If an object mentions another one, for example in a
 * function body, the mentioned object is created first and dropped last.  For
 * an SQL function, this includes the columns of the tables that its body
 * mentions.
 */
static void
add_soft(CmigOrder *order, const CmigImage *image, bool old)
{
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		bool		function = cmig_function_is_sql(object);

		for (int j = 0; j < object->nsoft; j++)
		{
			add_named(order, object, object->soft[j], old);
			if (function)
				add_named_columns(order, object, object->soft[j], old);
		}
		for (int j = 0; function && j < object->ndepends; j++)
			add_named_columns(order, object, object->depends[j], old);
	}
}

/*
 * Add edges so that the new columns of a table, and the new attributes of a
 * type, are created in order.  The edges are soft, because a generated column
 * may use a later column.
 */
static void
add_siblings(CmigOrder *order)
{
	const CmigImage *image = order->difference->to;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *last = NULL;

		for (const CmigObject *child = image->objects[i]->child; child != NULL; child = child->sibling)
		{
			if (child->address.sub <= 0 || order->difference->of_to[child->index]->host != NULL ||
				cmig_order_graph_made(order, child) < 0)
				continue;
			if (last != NULL && last->kind == child->kind)
				cmig_order_graph_add_soft(order, cmig_order_graph_made(order, child), cmig_order_graph_made(order, last));
			last = child;
		}
	}
}

/*
 * Add edges so that the columns of a table, and the attributes of a type, are
 * dropped in reverse order.  The downgrade then adds them in their original
 * order.
 */
static void
add_dropped_siblings(CmigOrder *order)
{
	const CmigImage *image = order->difference->from;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *last = NULL;

		for (const CmigObject *child = image->objects[i]->child; child != NULL; child = child->sibling)
		{
			int			node = order->difference->of_from[child->index]->first_node;

			if (child->address.sub <= 0 || node < 0 || order->nodes[node].type != CMIG_NODE_DROP)
				continue;
			if (last != NULL && last->kind == child->kind)
				cmig_order_graph_add_soft(order, order->difference->of_from[last->index]->first_node, node);
			last = child;
		}
	}
}

/*
 * Add edges so that equivalent indexes are created in order (see twins.h), and
 * dropped in reverse order.  The downgrade then also creates them in order.
 */
static void
add_twins(CmigOrder *order)
{
	ListCell   *cell;

	foreach(cell, cmig_twins_find(order->difference, true))
	{
		const CmigTwins *twins = lfirst(cell);
		int			first = cmig_order_graph_end(order, twins->first),
					second = cmig_order_graph_end(order, twins->second);

		if (first >= 0 && second >= 0 && order->nodes[first].type == CMIG_NODE_DROP &&
			order->nodes[second].type == CMIG_NODE_DROP)
			cmig_order_graph_add_soft(order, first, second);
	}

	foreach(cell, cmig_twins_find(order->difference, false))
	{
		const CmigTwins *twins = lfirst(cell);

		cmig_order_graph_add_soft(order, cmig_order_graph_made(order, twins->second), cmig_order_graph_made(order, twins->first));
	}
}

static int
compare_edges(const void *a, const void *b)
{
	const CmigEdge *left = a,
			   *right = b;

	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	if (left->soft != right->soft)
		return left->soft - right->soft;
	return left->before < right->before ? -1 : left->before > right->before;
}

void
cmig_order_edge_make(CmigOrder *order)
{
	order->nedges = 0;
	add_dependencies(order, order->difference->from, add_old);
	add_dependencies(order, order->difference->to, add_new);
	add_validators(order);
	add_siblings(order);
	add_dropped_siblings(order);
	cmig_order_inherit_add(order);
	cmig_order_name_add(order);
	add_twins(order);
	add_soft(order, order->difference->from, true);
	add_soft(order, order->difference->to, false);
	if (order->nedges > 1)
		qsort(order->edges, order->nedges, sizeof(CmigEdge), compare_edges);
	order->start = palloc0(sizeof(int) * (order->count + 1));
	for (int i = 0; i < order->nedges; i++)
		order->start[order->edges[i].node + 1]++;
	for (int i = 0; i < order->count; i++)
		order->start[i + 1] += order->start[i];
}
