/*
 * order_name.c
 *	  The order of steps that use the same name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/order_graph.h"
#include "compare/order_name.h"
#include "kinds/kind.h"

/* A name, and the node after which another object can use it. */
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
 * runs: the name of the object, and the name of its index or sequence.  If the
 * node only alters the object, there is only the latter name, and only if it
 * differs in "other", the object in the other image.  Returns the number of
 * names.
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
		int			node = cmig_order_graph_end(order, object);

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

void
cmig_order_name_add(CmigOrder *order)
{
	const CmigDifference *difference = order->difference;
	NameEntry  *freed = palloc(sizeof(NameEntry) * (2 * difference->from->count + 1));
	int			count = list_freed(order, freed);
	const char *names[2];

	for (int i = 0; count > 0 && i < difference->to->count; i++)
	{
		const CmigObject *object = difference->to->objects[i];
		int			node = cmig_order_graph_made(order, object);

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
				cmig_order_graph_add(order, node, found->node);
		}
	}
	pfree(freed);
}
