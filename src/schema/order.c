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

#include "schema/kind_table.h"
#include "schema/kinds.h"
#include "schema/lead.h"
#include "schema/order.h"
#include "schema/twins.h"

#include "utils/memutils.h"

/* One node must come before another. */
typedef struct Edge
{
	int			node;
	int			before;			/* this node must come before the node */
	bool		soft;			/* the edge is ignored if it would make a
								 * cycle */
} Edge;

/* The nodes to be sorted, and the edges between them. */
typedef struct Order
{
	CmigDifference *difference;
	int			count;
	CmigNode   *nodes;			/* sorted */
	int			nedges;
	int			allocated;
	Edge	   *edges;
	int		   *start;			/* where each node's edges begin, and the end */
	int		   *before;
} Order;

/*
 * Nodes
 */

/* The object that the node is about. */
static const CmigObject *
node_object(const CmigNode *node)
{
	return node->type <= CMIG_NODE_DROP || node->change->to == NULL ? node->change->from : node->change->to;
}

/* The table next to which an object is sorted, or the object itself. */
static const CmigObject *
sort_root(const CmigObject *object)
{
	while (object->parent != NULL && !(object->kind->flags & CMIG_KIND_LAST))
		object = object->parent;
	return object;
}

static int
compare_objects(const CmigObject *a, const CmigObject *b)
{
	const CmigObject *root = sort_root(a),
			   *other = sort_root(b);
	int			order = root == other ? 0 : cmig_lead_compare(root, other);

	return order ? order : cmig_object_compare(a, b);
}

/* Is the node sorted before those that create or alter objects? */
static bool
is_early(const CmigNode *node)
{
	return node->type <= CMIG_NODE_DROP && !(node->change->from->kind->flags & CMIG_KIND_FINAL);
}

/*
 * The order of nodes without edges: drops first, in reverse order of the
 * objects.
 */
static int
compare_nodes(const void *a, const void *b)
{
	const CmigNode *left = a,
			   *right = b;
	bool		drop = is_early(left),
				other_drop = is_early(right);

	if (drop != other_drop)
		return drop ? -1 : 1;
	if (drop)
	{
		int			order = -compare_objects(node_object(left), node_object(right));

		return order ? order : (int) left->type - (int) right->type;
	}
	if (left->change == right->change)
		return (int) left->type - (int) right->type;
	return compare_objects(node_object(left), node_object(right));
}

static void
add_node(Order *order, CmigChange *change, CmigNodeType type)
{
	order->nodes[order->count].type = type;
	order->nodes[order->count++].change = change;
}

/* The qualified name of an index, or of the index of a constraint, or NULL. */
static const char *
index_name(const CmigObject *object)
{
	if (object->kind == &cmig_kind_index)
		return object->identity;
	return object->kind == &cmig_kind_constraint ? object->kind->index_name(object) : NULL;
}

/* Do the tables have indexes of the same name in the same schema? */
static bool
share_names(const CmigObject *table, const CmigObject *other)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		const char *name = index_name(child);

		for (const CmigObject *same = other->child; name != NULL && same != NULL; same = same->sibling)
			if (index_name(same) != NULL && strcmp(index_name(same), name) == 0)
				return true;
	}
	return false;
}

/*
 * Must a former parent be dropped before a new one is created, because they
 * use the same names?
 */
static bool
parents_share_names(const CmigChange *change)
{
	for (int i = 0; i < change->from->ndepends; i++)
		for (int j = 0; j < change->to->ndepends; j++)
			if (strcmp(change->from->depends[i]->identity, change->to->depends[j]->identity) != 0 &&
				share_names(change->from->depends[i], change->to->depends[j]))
				return true;
	return false;
}

/*
 * Is no column or constraint of the table created or dropped?  Then the new
 * parents are added before the old ones are removed, so that columns that it
 * keeps inheriting do not become its own.
 */
static bool
keeps_columns(const CmigDifference *difference, const CmigChange *change)
{
	if (cmig_table_type(change->from) != NULL || cmig_table_type(change->to) != NULL)
		return false;
	for (const CmigObject *child = change->from->child; child != NULL; child = child->sibling)
		if (difference->of_from[child->index]->to == NULL || difference->of_from[child->index]->action == CMIG_AGAIN)
			return false;
	for (const CmigObject *child = change->to->child; child != NULL; child = child->sibling)
		if (difference->of_to[child->index]->from == NULL)
			return false;
	return true;
}

/* Make the nodes of all changes. */
static void
make_nodes(Order *order)
{
	CmigDifference *difference = order->difference;

	order->nodes = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(CmigNode) * (3 * (Size) difference->count + 1));
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		change->first_node = change->last_node = change->away_node = -1;
		change->part_node = change->join_node = -1;
		if (change->host != NULL)
			continue;
		if (change->action == CMIG_AGAIN && change->away != NULL)
			add_node(order, change, CMIG_NODE_AWAY);
		if ((change->action == CMIG_DROP || change->action == CMIG_AGAIN) && change->dropped_by == NULL)
			add_node(order, change, CMIG_NODE_DROP);
		if (change->action == CMIG_CREATE || change->action == CMIG_AGAIN)
			add_node(order, change, CMIG_NODE_CREATE);
		if (change->action == CMIG_ALTER && !change->late)
			add_node(order, change, CMIG_NODE_ALTER);
		if (change->action == CMIG_ALTER && change->first != NIL && change->last != NIL &&
			change->from->kind == &cmig_kind_table && keeps_columns(difference, change) &&
			!parents_share_names(change))
		{
			change->last = list_concat(change->last, change->first);
			change->first = NIL;
		}
		if (change->action == CMIG_ALTER && change->first != NIL)
			add_node(order, change, CMIG_NODE_PART);
		if (change->action == CMIG_ALTER && change->last != NIL)
			add_node(order, change, CMIG_NODE_JOIN);
		if (change->action == CMIG_UNSUPPORTED)
			add_node(order, change, CMIG_NODE_UNSUPPORTED);
	}
	qsort(order->nodes, order->count, sizeof(CmigNode), compare_nodes);
	for (int i = 0; i < order->count; i++)
	{
		CmigNode   *node = &order->nodes[i];

		if (node->type == CMIG_NODE_AWAY)
		{
			node->change->away_node = i;
			continue;
		}
		if (node->type == CMIG_NODE_PART || node->type == CMIG_NODE_JOIN)
		{
			*(node->type == CMIG_NODE_PART ? &node->change->part_node : &node->change->join_node) = i;
			continue;
		}
		if (node->type != CMIG_NODE_CREATE)
			node->change->first_node = i;
		if (node->type != CMIG_NODE_DROP)
			node->change->last_node = i;
	}
}

/*
 * Edges
 */

/* Add an edge: "before" comes before "node". */
static void
add_edge_soft(Order *order, int node, int before, bool soft)
{
	if (node == before || node < 0 || before < 0)
		return;
	if (order->nedges == order->allocated)
	{
		order->allocated = Max(1024, order->allocated * 2);
		order->edges = order->edges == NULL ? palloc(sizeof(Edge) * order->allocated) :
			repalloc_huge(order->edges, sizeof(Edge) * (Size) order->allocated);
	}
	order->edges[order->nedges++] = (Edge)
	{
		node, before, soft
	};
}

static void
add_edge(Order *order, int node, int before)
{
	add_edge_soft(order, node, before, false);
}

/* The node after which the object no longer exists in its old form, or -1. */
static int
end_node(const Order *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_from[object->index];

	if (change->dropped_by != NULL)
		return change->dropped_by->first_node;
	if (change->part_node >= 0 && object->kind == &cmig_kind_column)
		return change->part_node;
	/* an inherited column is dropped with the parent's */
	if (change->to == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (object->depends[i]->kind == object->kind || object->depends[i]->kind == &cmig_kind_attribute)
				return end_node(order, object->depends[i]);
	return change->host ? change->host->first_node : change->first_node;
}

/* The node after which the object exists in its new form, or -1. */
static int
made_node(const Order *order, const CmigObject *object)
{
	const CmigChange *change = order->difference->of_to[object->index];

	/*
	 * an inherited column exists as soon as the parent's does, a typed
	 * table's column with the attribute
	 */
	if (change->from == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (object->depends[i]->kind == object->kind || object->depends[i]->kind == &cmig_kind_attribute)
				return made_node(order, object->depends[i]);
	if (change->join_node >= 0 && object->kind == &cmig_kind_column)
		return change->join_node;
	return change->host ? change->host->last_node : change->last_node;
}

/* Does the object still depend on the other one after the change? */
static bool
keeps(const Order *order, const CmigObject *object, const CmigObject *on)
{
	const CmigObject *to = order->difference->of_from[object->index]->to;
	const CmigChange *change = order->difference->of_from[on->index];

	for (int i = 0; to != NULL && i < to->ndepends; i++)
		if (order->difference->of_to[to->depends[i]->index] == change)
			return true;
	return false;
}

/* In the old image, object depends on "on": drop the dependent first. */
/*
 * Is it the column of a partition that is detached while the column from which
 * it was inherited changes?
 */
static bool
is_detached(const CmigObject *object, const CmigObject *on)
{
	return object->alone && object->kind == &cmig_kind_column && on->kind == object->kind && on->parent != object->parent;
}

static void
add_old(Order *order, const CmigObject *object, const CmigObject *on)
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
		add_edge(order, node, dependent);

	/*
	 * the old type has its temporary name when dependents are dropped or
	 * change their type
	 */
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node < 0 &&
		(order->nodes[dependent].type == CMIG_NODE_DROP ||
		 (order->nodes[dependent].type == CMIG_NODE_ALTER && !keeps(order, object, on))))
		add_edge(order, order->nodes[node].change->away_node, dependent);
	if (order->nodes[node].change->away_node >= 0 && order->nodes[dependent].change->away_node >= 0)
		add_edge(order, order->nodes[node].change->away_node, order->nodes[dependent].change->away_node);
}

/* In the new image, object depends on "on": create "on" first. */
static void
add_new(Order *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = order->difference->of_to[object->index];
	int			node = made_node(order, object);

	if (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table && change->join_node >= 0)
		node = change->join_node;
	add_edge(order, node, made_node(order, on));
}

/* Add the edges for all dependencies of an image. */
static void
add_dependencies(Order *order, const CmigImage *image,
				 void (*add) (Order *order, const CmigObject *object, const CmigObject *on))
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

/*
 * An object that a text, such as a function body, names is created before the
 * object with that text, and dropped after it.
 */
static void
add_soft(Order *order, const CmigImage *image, bool old)
{
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->nsoft; j++)
		{
			const CmigObject *on = object->soft[j];
			int			node = old ? end_node(order, on) : made_node(order, object),
						before = old ? end_node(order, object) : made_node(order, on);

			if (old && (node < 0 || order->nodes[node].type != CMIG_NODE_DROP))
				continue;
			add_edge_soft(order, node, before, true);
		}
	}
}

/*
 * Add columns in their order, unless a generated column uses one that comes
 * after it.
 */
static void
add_siblings(Order *order)
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
 * The node must come before the drop of a table and of its columns and
 * constraints.
 */
static void
add_part(Order *order, int node, const CmigObject *table)
{
	add_edge(order, end_node(order, table), node);
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		add_edge(order, end_node(order, child), node);
}

/*
 * The node must come after the creation of a table and of its columns and
 * constraints.
 */
static void
add_join(Order *order, int node, const CmigObject *table)
{
	add_edge(order, node, made_node(order, table));
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		add_edge(order, node, made_node(order, child));
}

/* Call add for each table from which the table inherits. */
static void
add_parents(Order *order, int node, const CmigObject *table,
			void (*add) (Order *order, int node, const CmigObject *table))
{
	for (int i = 0; i < table->ndepends; i++)
		if (table->depends[i]->kind == table->kind)
			add(order, node, table->depends[i]);
}

/* Add the edges of NO INHERIT and INHERIT. */
static void
add_inheritance(Order *order)
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
			/* at that time, its type still has its name */
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

/* A name must be free before another object can get it. */
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

/* The name of its index or sequence, or NULL. */
static const char *
second_name(const CmigObject *object)
{
	return object != NULL && object->kind->index_name ? object->kind->index_name(object) : NULL;
}

/*
 * The names that an object has before and after the node: its own, and that of
 * its index or sequence.
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

/* List the names that objects give up, sorted; returns their number. */
static int
list_freed(const Order *order, NameEntry *freed)
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

/* Add edges from those who get a name to those who give it up. */
static void
add_names(Order *order)
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

/* Equivalent indexes are created in order. */
static void
add_twins(Order *order)
{
	ListCell   *cell;

	foreach(cell, cmig_twins_find(order->difference, false))
	{
		const CmigTwins *twins = lfirst(cell);

		add_edge_soft(order, made_node(order, twins->second), made_node(order, twins->first), true);
	}
}

static int
compare_edges(const void *a, const void *b)
{
	const Edge *left = a,
			   *right = b;

	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	if (left->soft != right->soft)
		return left->soft - right->soft;
	return left->before < right->before ? -1 : left->before > right->before;
}

/* Make all edges, sorted by node. */
static void
make_edges(Order *order)
{
	order->nedges = 0;
	add_dependencies(order, order->difference->from, add_old);
	add_dependencies(order, order->difference->to, add_new);
	add_siblings(order);
	add_inheritance(order);
	add_names(order);
	add_twins(order);
	add_soft(order, order->difference->from, true);
	add_soft(order, order->difference->to, false);
	if (order->nedges > 1)
		qsort(order->edges, order->nedges, sizeof(Edge), compare_edges);
	order->start = palloc0(sizeof(int) * (order->count + 1));
	for (int i = 0; i < order->nedges; i++)
		order->start[order->edges[i].node + 1]++;
	for (int i = 0; i < order->count; i++)
		order->start[i + 1] += order->start[i];
}

/*
 * Cycles
 */

/* Does the object depend on something that this change creates? */
static bool
needs(const Order *order, const CmigObject *object, const CmigChange *change, bool old)
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
unfold(const Order *order, CmigObject *parent, const CmigChange *change, bool old)
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
cut_cycle(const Order *order, const int *stack, int from, int to)
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
note_unchecked(const Order *order, const Edge *edge)
{
	const CmigNode *node = &order->nodes[edge->node];

	node = node->type <= CMIG_NODE_DROP ? &order->nodes[edge->before] : node;
	node->change->unchecked = node_object(node)->kind == &cmig_kind_function;
}

/* Ignore a soft edge on the stack; returns false if there is none. */
static bool
skip_soft(Order *order, Walk *walk, int from, int to)
{
	for (int i = from; i <= to; i++)
	{
		Edge	   *edge = &order->edges[walk->next[walk->stack[i]] - 1];

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
walk_from(Order *order, Walk *walk, int node)
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
walk_all(Order *order, Walk *walk)
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
		Order		order = {.difference = difference};
		Walk		walk;

		cmig_lead_tables(difference);
		make_nodes(&order);
		make_edges(&order);
		do
		{
			walk.again = false;
			if (walk_all(&order, &walk))
			{
				*count = walk.count;
				return walk.result;
			}
		} while (walk.again);
		cmig_compare_hosts(difference);
	}
}
