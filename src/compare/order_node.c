/*
 * order_node.c
 *	  Creates the nodes to be ordered: the steps of each change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/lead.h"
#include "compare/order_node.h"
#include "kinds/column_inherit.h"
#include "kinds/kind_column.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

#include "utils/memutils.h"

const CmigObject *
cmig_order_node_object(const CmigNode *node)
{
	return node->type <= CMIG_NODE_DROP || node->change->to == NULL ? node->change->from : node->change->to;
}

/*
 * Returns the object next to which "object" is sorted, usually its table.
 * Returns "object" itself if it has no parent or its kind has the flag LAST.
 */
static const CmigObject *
sort_root(const CmigObject *object)
{
	while (object->parent != NULL && !(object->kind->flags & CMIG_KIND_LAST))
		object = object->parent;
	return object;
}

/*
 * Compare objects so that a table and its columns, indexes, and so on are next
 * to each other.
 */
static int
compare_objects(const CmigObject *a, const CmigObject *b)
{
	const CmigObject *root = sort_root(a),
			   *other = sort_root(b);
	int			order = root == other ? 0 : cmig_lead_compare(root, other);

	return order ? order : cmig_object_compare(a, b);
}

/*
 * Does the node drop or rename an old object, so that it comes before nodes
 * that create or alter objects?  Objects whose kind is FINAL are an exception.
 */
static bool
is_early(const CmigNode *node)
{
	return node->type <= CMIG_NODE_DROP && !(node->change->from->kind->flags & CMIG_KIND_FINAL);
}

/*
 * A qsort comparator that does not consider edges.  Nodes that drop or rename
 * old objects come first, in reverse order of the objects.  The other nodes
 * are sorted by their objects.
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
		int			order = -compare_objects(cmig_order_node_object(left), cmig_order_node_object(right));

		return order ? order : (int) left->type - (int) right->type;
	}
	if (left->change == right->change)
		return (int) left->type - (int) right->type;
	return compare_objects(cmig_order_node_object(left), cmig_order_node_object(right));
}

static void
add_node(CmigOrder *order, CmigChange *change, CmigNodeType type)
{
	order->nodes[order->count].type = type;
	order->nodes[order->count++].change = change;
}

/*
 * Returns the qualified name of an index or of a constraint's index.  Returns
 * NULL if the object has no index.
 */
static const char *
index_name(const CmigObject *object)
{
	if (object->kind == &cmig_kind_index)
		return object->identity;
	return object->kind == &cmig_kind_constraint ? object->kind->index_name(object) : NULL;
}

/* Do the tables have indexes with the same name in the same schema? */
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
 * Must an old parent be dropped before a new parent is created, because their
 * indexes have the same names?
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
 * Does an inherited column change its type because its table has another
 * parent?
 */
static bool
is_adapted(const CmigChange *change)
{
	return change->disturbs && change->from->kind == &cmig_kind_column && change->from->inherited &&
		change->to->inherited && !cmig_column_stays_inherited(change->from, change->to);
}

/*
 * Returns true if no column or constraint of the table is created or
 * dropped, and no column must change for a new parent.  In this case, new
 * parents are added before old ones are removed, so that columns that stay
 * inherited do not become local ones.
 */
static bool
keeps_columns(const CmigDifference *difference, const CmigChange *change)
{
	if (cmig_table_type(change->from) != NULL || cmig_table_type(change->to) != NULL)
		return false;
	for (const CmigObject *child = change->from->child; child != NULL; child = child->sibling)
		if (difference->of_from[child->index]->to == NULL || difference->of_from[child->index]->action == CMIG_AGAIN ||
			is_adapted(difference->of_from[child->index]))
			return false;
	for (const CmigObject *child = change->to->child; child != NULL; child = child->sibling)
		if (difference->of_to[child->index]->from == NULL)
			return false;
	return true;
}

/* Record in each change the numbers of its nodes. */
static void
number_nodes(CmigOrder *order)
{
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

void
cmig_order_node_make(CmigOrder *order)
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
		if (cmig_change_drops(change) && change->away != NULL)
			add_node(order, change, CMIG_NODE_AWAY);
		if (cmig_change_drops(change) && change->dropped_by == NULL)
			add_node(order, change, CMIG_NODE_DROP);
		if (cmig_change_creates(change))
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
	number_nodes(order);
}
