/*
 * order_edge.c
 *	  Determines which steps must come before others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/kinds.h"
#include "schema/order_edge.h"
#include "schema/twins.h"

#include "utils/memutils.h"

/*
 * Add an edge: the node "before" must come before "node".  Does nothing if
 * either node is -1, which stands for no node.
 */
static void
add_edge_kind(CmigOrder *order, int node, int before, bool soft, bool weak)
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

static void
add_edge_soft(CmigOrder *order, int node, int before, bool soft)
{
	add_edge_kind(order, node, before, soft, false);
}

static void
add_edge(CmigOrder *order, int node, int before)
{
	add_edge_soft(order, node, before, false);
}

/*
 * Returns the node after which the object no longer exists in its old form, or
 * -1.
 */
static int
end_node(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_from[object->index];

	if (change->dropped_by != NULL)
		return change->dropped_by->first_node;
	if (change->part_node >= 0 && object->kind == &cmig_kind_column)
		return change->part_node;
	/* an inherited column is dropped together with the parent's column */
	if (change->to == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (object->depends[i]->kind == object->kind || object->depends[i]->kind == &cmig_kind_attribute)
				return end_node(order, object->depends[i]);
	return change->host ? change->host->first_node : change->first_node;
}

/* Returns the node after which the object exists in its new form, or -1. */
static int
made_node(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_to[object->index];

	/*
	 * an inherited column exists once the parent's column does, and a typed
	 * table's column once the attribute does
	 */
	if (change->from == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (object->depends[i]->kind == object->kind || object->depends[i]->kind == &cmig_kind_attribute)
				return made_node(order, object->depends[i]);
	if (change->join_node >= 0 && object->kind == &cmig_kind_column)
		return change->join_node;
	return change->host ? change->host->last_node : change->last_node;
}

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
 * Returns true if the node alters an object in a way that its dependents
 * survive.  Dependents that are dropped anyway should be dropped before this
 * node, but need not be.
 */
static bool
is_harmless(const CmigNode *node)
{
	return node->type == CMIG_NODE_ALTER && !node->change->disturbs;
}

/*
 * Add the edges for a dependency in the old image: "object" depends on "on",
 * so "object" is dropped first.
 */
static void
add_old(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = order->difference->of_from[object->index];
	int			node = end_node(order, on),
				dependent = end_node(order, object);

	/* NO INHERIT ends the dependency on a parent table */
	if (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table)
		dependent = change->part_node >= 0 ? change->part_node : change->join_node >= 0 ? change->join_node : dependent;
	if (node < 0 || dependent < 0)
		return;
	if (order->nodes[node].type == CMIG_NODE_DROP ||
		((order->nodes[node].type == CMIG_NODE_ALTER || order->nodes[node].type == CMIG_NODE_PART) &&
		 order->nodes[dependent].type == CMIG_NODE_DROP))
		add_edge_kind(order, node, dependent, false, is_harmless(&order->nodes[node]));

	/*
	 * dependents are dropped, or altered so that they no longer use the old
	 * type, before the type is given its temporary name
	 */
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->trades)
		add_edge(order, dependent, order->nodes[node].change->away_node);
	else if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node < 0 &&
			 (order->nodes[dependent].type == CMIG_NODE_DROP ||
			  (order->nodes[dependent].type == CMIG_NODE_ALTER && !keeps(order, object, on))))
		add_edge(order, order->nodes[node].change->away_node, dependent);
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node >= 0)
		add_edge(order, order->nodes[node].change->away_node, order->nodes[dependent].change->away_node);
}

/*
 * Add the edges for a dependency in the new image: "object" depends on "on",
 * so "on" is created first.
 */
static void
add_new(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = order->difference->of_to[object->index];
	int			node = made_node(order, object);

	if (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table && change->join_node >= 0)
		node = change->join_node;
	add_edge(order, node, made_node(order, on));
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

/* Add the soft edge for an object that mentions another object, "on". */
static void
add_named(CmigOrder *order, const CmigObject *object, const CmigObject *on, bool old)
{
	int			node = old ? end_node(order, on) : made_node(order, object),
				before = old ? end_node(order, object) : made_node(order, on);

	if (old && (node < 0 || order->nodes[node].type != CMIG_NODE_DROP))
		return;
	add_edge_soft(order, node, before, true);
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
 * Add soft edges.  An object that another object mentions, for example in a
 * function body, is created before that object, and dropped after it.  For an
 * SQL function, this includes the columns of the tables that its body
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
				made_node(order, child) < 0)
				continue;
			if (last != NULL && last->kind == child->kind)
				add_edge_soft(order, made_node(order, child), made_node(order, last), true);
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
				add_edge_soft(order, order->difference->of_from[last->index]->first_node, node, true);
			last = child;
		}
	}
}

/*
 * Make the node "before" precede the node after which an object no longer
 * exists in its old form.  The edge is weak if that node alters the object in
 * a way that its dependents survive.
 */
static void
add_end(CmigOrder *order, const CmigObject *object, int before)
{
	int			node = end_node(order, object);

	add_edge_kind(order, node, before, false, node >= 0 && is_harmless(&order->nodes[node]));
}

/*
 * Make the node precede the drop of a table and of its columns and
 * constraints.  Statistics are left out: inheritance does not affect them, and
 * statistics of another parent may have to take their names first.
 */
static void
add_part(CmigOrder *order, int node, const CmigObject *table)
{
	add_end(order, table, node);
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind != &cmig_kind_statistics)
			add_end(order, child, node);
}

/*
 * Make the node follow the creation of a table and of its columns and
 * constraints.
 */
static void
add_join(CmigOrder *order, int node, const CmigObject *table)
{
	add_edge(order, node, made_node(order, table));
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind != &cmig_kind_statistics)
			add_edge(order, node, made_node(order, child));
}

/*
 * Call "add" for each table that this one inherits from, and for the composite
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

/* Add the edges of the nodes that run NO INHERIT and INHERIT. */
static void
add_inheritance(CmigOrder *order)
{
	for (int i = 0; i < order->count; i++)
	{
		const CmigNode *node = &order->nodes[i];
		const CmigChange *change = node->change;

		if (node->type != CMIG_NODE_PART && node->type != CMIG_NODE_JOIN)
			continue;
		add_edge(order, change->first_node, change->part_node);
		add_edge(order, change->join_node, change->last_node);
		if (change->from->kind != &cmig_kind_table)
			continue;
		if (node->type == CMIG_NODE_PART)
		{
			/*
			 * the statement uses the original names of the type and the
			 * tables on which the table depends, so it comes before they are
			 * renamed
			 */
			for (int j = 0; j < change->from->ndepends; j++)
				add_edge(order, order->difference->of_from[change->from->depends[j]->index]->away_node, i);
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

/* A name that is free after a node, so that another object can use it. */
typedef struct NameEntry
{
	const char *name;
	int			node;
} NameEntry;

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const NameEntry *) a)->name, ((const NameEntry *) b)->name);
}

/* Returns the name of the object's index or sequence, or NULL. */
static const char *
second_name(const CmigObject *object)
{
	return object != NULL && object->kind->index_name ? object->kind->index_name(object) : NULL;
}

/*
 * Store in "names" the names that come into use or out of use when the node
 * runs: the object's name, unless the node only alters the object, and the
 * name of its index or sequence, unless "other", the object in the other
 * image, has the same one.  Returns the number of names.
 */
static int
names_of(const CmigNode *node, const CmigObject *object, const CmigObject *other, const char **names)
{
	const char *second = second_name(object);
	const char *others = second_name(other);
	int			count = 0;

	if (node->type != CMIG_NODE_ALTER)
		names[count++] = object->identity;
	else if (second != NULL && others != NULL && strcmp(second, others) == 0)
		second = NULL;
	if (second != NULL)
		names[count++] = second;
	return count;
}

/*
 * List the names of old objects that are dropped, renamed, or altered, with
 * the nodes that make the names available.  The list is sorted.  Returns the
 * number of names.
 */
static int
list_freed(const CmigOrder *order, NameEntry *freed)
{
	const CmigDifference *difference = order->difference;
	const char *names[2];
	int			count = 0;

	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *object = difference->from->objects[i];
		int			node = end_node(order, object);

		if (node >= 0 && order->nodes[node].change->away_node >= 0)
			node = order->nodes[node].change->away_node;
		if (node < 0 || (order->nodes[node].type > CMIG_NODE_DROP && order->nodes[node].type != CMIG_NODE_ALTER))
			continue;
		for (int j = names_of(&order->nodes[node], object, difference->of_from[i]->to, names) - 1; j >= 0; j--)
			freed[count++] = (NameEntry)
		{
			names[j], node
		};
	}
	qsort(freed, count, sizeof(NameEntry), compare_names);
	return count;
}

/* Add edges so that a name is available before another object uses it. */
static void
add_names(CmigOrder *order)
{
	const CmigDifference *difference = order->difference;
	NameEntry  *freed = palloc(sizeof(NameEntry) * (2 * difference->from->count + 1));
	int			count = list_freed(order, freed);
	const char *names[2];

	for (int i = 0; count > 0 && i < difference->to->count; i++)
	{
		const CmigObject *object = difference->to->objects[i];
		int			node = made_node(order, object);

		if (node < 0 || (order->nodes[node].type != CMIG_NODE_CREATE && order->nodes[node].type != CMIG_NODE_ALTER))
			continue;
		for (int j = names_of(&order->nodes[node], object, difference->of_to[i]->from, names) - 1; j >= 0; j--)
		{
			NameEntry	key = {names[j], 0};
			NameEntry  *found = bsearch(&key, freed, count, sizeof(NameEntry), compare_names);

			if (found == NULL)
				continue;
			while (found > freed && compare_names(found - 1, &key) == 0)
				found--;
			for (; found < freed + count && compare_names(found, &key) == 0; found++)
				add_edge(order, node, found->node);
		}
	}
	pfree(freed);
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
		int			first = end_node(order, twins->first),
					second = end_node(order, twins->second);

		if (first >= 0 && second >= 0 && order->nodes[first].type == CMIG_NODE_DROP &&
			order->nodes[second].type == CMIG_NODE_DROP)
			add_edge_soft(order, first, second, true);
	}

	foreach(cell, cmig_twins_find(order->difference, false))
	{
		const CmigTwins *twins = lfirst(cell);

		add_edge_soft(order, made_node(order, twins->second), made_node(order, twins->first), true);
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
	add_siblings(order);
	add_dropped_siblings(order);
	add_inheritance(order);
	add_names(order);
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
