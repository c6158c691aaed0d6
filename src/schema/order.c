/*
 * order.c
 *	  The order of the steps.
 *
 * A node is a step of a change: a change that drops and re-creates an object
 * has a node for each of these steps.  An object is dropped before the objects
 * that it depends on, and created after them.  A name must be free before
 * another object can take it.  A cycle is broken by creating an object in a
 * separate statement instead of as part of another object's statement.
 *
 * Nodes are sorted first: drops come before everything else, and a table's
 * objects are next to the table.  If the user must fill a new column, tables
 * and columns that have no successor are dropped after almost everything else,
 * because the values may come from them.  Then each node is placed after all nodes
 * that must precede it.  Otherwise the sort order is kept, so that changing
 * one object does not move other statements.
 *
 * If the options ask for statements of a stepwise revision, the nodes also say
 * which of them must run in one transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "schema/internal.h"

/*
 * How strong an edge is.  Of a cycle, the weakest edge is ignored, if any is not
 * hard.
 */
typedef enum CmigEdgeStrength
{
	CMIG_EDGE_HARD,
	CMIG_EDGE_SOFT,
	CMIG_EDGE_MENTION,			/* a body that nothing checks may mean
								 * something else by the word */
	CMIG_EDGE_WEAK,
} CmigEdgeStrength;

/* An edge: one node must come before another. */
typedef struct CmigEdge
{
	int			node;
	int			before;			/* the node that must come before "node" */
	CmigEdgeStrength strength;
} CmigEdge;

/* The nodes to be sorted, and the edges between them. */
struct CmigOrder
{
	CmigDifference *difference;
	int			count;
	CmigOrderNode *nodes;		/* sorted */
	CmigOrderSteps *steps;		/* of all changes */
	int			nedges;
	int			allocated;		/* allocated size of "edges" */
	CmigEdge   *edges;			/* sorted by node */
	int		   *start;			/* the index of each node's first edge, and
								 * nedges as the last element */
};

/* Nodes */

/* Returns the object that the node creates, alters, or drops. */
static const CmigObject *
object_of(const CmigOrderNode *node)
{
	return node->type <= CMIG_NODE_DROP ||
		node->change->to == NULL ? node->change->from : node->change->to;
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
	int			order = root == other ? 0 : cmig_families_compare(root, other);

	return order ? order : cmig_object_compare(a, b);
}

/*
 * Does the node drop or rename an old object, so that it comes before nodes
 * that create or alter objects?  Unless tables get other parents, so is a column that may be renamed, which
 * then is next to the new column.
 */
static bool
is_early(const CmigOrderNode *node, bool parents_change)
{
	const CmigChange *change = node->change;

	return node->type <= CMIG_NODE_DROP &&
		(change->question == NULL || change->from->kind != &cmig_kind_column || parents_change);
}

/*
 * Is this a new column that the user must fill, in the upgrade or, if "old" is
 * true, in the downgrade?
 */
static bool
is_filled(const CmigChange *change, bool old)
{
	const CmigObject *column = old ? change->from : change->to;

	return change->action == (old ? CMIG_DROP : CMIG_CREATE) && change->part_of == NULL &&
		column->kind == &cmig_kind_column && column->parent->change->from != NULL &&
		column->parent->change->to != NULL &&
		cmig_column_must_be_filled(column);
}

/* Does the node drop something whose rows or values could fill a column? */
static bool
is_late(const CmigOrderNode *node)
{
	const CmigChange *change = node->change;

	return node->type == CMIG_NODE_DROP && change->action == CMIG_DROP &&
		(change->from->kind == &cmig_kind_column || change->from->kind == &cmig_kind_table ||
		 change->from->kind == &cmig_kind_enum);
}

/*
 * A qsort comparator that does not consider edges.  Nodes that drop or rename
 * old objects are sorted in reverse order of the objects.  The other nodes are
 * sorted by their objects.
 */
static int
compare_nodes(const void *a, const void *b)
{
	const CmigOrderNode *left = a,
			   *right = b;

	if (left->stage != right->stage)
		return (int) left->stage - (int) right->stage;
	if (left->stage == CMIG_STAGE_EARLY || left->stage == CMIG_STAGE_LATE)
	{
		int			order = -compare_objects(object_of(left), object_of(right));

		return order ? order : (int) left->type - (int) right->type;
	}
	if (left->change == right->change)
		return (int) left->type - (int) right->type;
	return compare_objects(object_of(left), object_of(right));
}

/*
 * Create the nodes of all changes, sorted: drops come before everything
 * else, and a table's objects are next to the table.
 */
static void
make_nodes(CmigOrder *order)
{
	CmigDifference *difference = order->difference;
	bool		parents_change = false;
	bool		fills = false,
				fills_old = false,
				has_new = false;

	order->nodes = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(CmigOrderNode) * (3 * (Size) difference->count +
																   1));
	order->steps = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(CmigOrderSteps) * ((Size) difference->count + 1));
	memset(order->steps, -1, sizeof(CmigOrderSteps) * difference->count);
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		bool		has[CMIG_NODE_UNSUPPORTED + 1];

		change->steps = &order->steps[i];
		if (change->part_of != NULL)
			continue;
		has[CMIG_NODE_AWAY] = cmig_change_drops(change) && change->away != NULL;
		has[CMIG_NODE_DROP] = cmig_change_drops(change) && change->dropped_by == NULL;
		has[CMIG_NODE_PART] = change->action == CMIG_ALTER && change->alter.first != NIL;
		has[CMIG_NODE_JOIN] = change->action == CMIG_ALTER && change->alter.last != NIL;
		has[CMIG_NODE_ALTER] = change->action == CMIG_ALTER && !change->alter.late;
		has[CMIG_NODE_CREATE] = cmig_change_creates(change);
		has[CMIG_NODE_UNSUPPORTED] = change->action == CMIG_UNSUPPORTED;
		parents_change |= has[CMIG_NODE_PART] || has[CMIG_NODE_JOIN];
		fills |= is_filled(change, false);
		fills_old |= is_filled(change, true);
		has_new |= change->action == CMIG_CREATE && change->to->kind == &cmig_kind_column;
		for (CmigNodeType type = CMIG_NODE_AWAY; type <= CMIG_NODE_UNSUPPORTED; type++)
			if (has[type])
				order->nodes[order->count++] = (CmigOrderNode)
			{
				type, change
			};
	}
	for (int j = 0; j < order->count; j++)
	{
		CmigOrderNode *node = &order->nodes[j];

		node->stage = object_of(node)->kind->flags & CMIG_KIND_FINAL ? CMIG_STAGE_FINAL :
			(fills || (fills_old && has_new)) && !parents_change &&
			is_late(node) ? CMIG_STAGE_LATE :
			is_early(node, parents_change) ? CMIG_STAGE_EARLY : CMIG_STAGE_USUAL;
	}
	qsort(order->nodes, order->count, sizeof(CmigOrderNode), compare_nodes);
	for (int j = 0; j < order->count; j++)
	{
		const CmigOrderNode *node = &order->nodes[j];
		CmigOrderSteps *steps = node->change->steps;

		if (node->type == CMIG_NODE_AWAY)
			steps->away = j;
		else if (node->type == CMIG_NODE_PART)
			steps->part = j;
		else if (node->type == CMIG_NODE_JOIN)
			steps->join = j;
		else
		{
			if (node->type != CMIG_NODE_CREATE)
				steps->first = j;
			if (node->type != CMIG_NODE_DROP)
				steps->last = j;
		}
	}
}

/* The graph of nodes */

/*
 * Add an edge: the node "before" must come before "node".  Does nothing if
 * either node is -1, which stands for no node.
 */
static void
add_kind(CmigOrder *order, int node, int before, CmigEdgeStrength strength)
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
		node, before, strength
	};
}

/* Add a soft edge, such as one between a function and what its body names. */
static void
add_soft(CmigOrder *order, int node, int before)
{
	add_kind(order, node, before, CMIG_EDGE_SOFT);
}

static void
add(CmigOrder *order, int node, int before)
{
	add_kind(order, node, before, CMIG_EDGE_HARD);
}

/*
 * Is "on" the parent table's column or the type's attribute from which the
 * column "object" comes?  A generated column also depends on other columns of
 * its own table.
 */
static bool
is_origin(const CmigObject *object, const CmigObject *on)
{
	return (on->kind == object->kind && on->parent != object->parent) ||
		on->kind == &cmig_kind_attribute;
}

/*
 * Returns the node after which the object no longer exists in its old form, or
 * -1 if there is none.
 */
static int
ended(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = object->change;

	if (change->dropped_by != NULL)
		return change->dropped_by->steps->first;
	if (change->steps->part >= 0 && object->kind == &cmig_kind_column)
		return change->steps->part;

	/*
	 * an inherited column is dropped by the statement that drops the parent's
	 * column
	 */
	if (change->to == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (is_origin(object, object->depends[i]))
				return ended(order, object->depends[i]);
	return change->part_of ? change->part_of->steps->first : change->steps->first;
}

/*
 * Returns the node after which the object exists in its new form, or -1 if
 * there is none.
 */
static int
made(const CmigOrder *order, const CmigObject *object)
{
	const CmigChange *change = object->change;

	/*
	 * an inherited column is created by the statement that creates the
	 * parent's column, and a typed table's column by the statement that
	 * creates the attribute
	 */
	if (change->from == NULL && change->action == CMIG_NO_CHANGE)
		for (int i = 0; i < object->ndepends; i++)
			if (is_origin(object, object->depends[i]))
				return made(order, object->depends[i]);
	if (change->steps->join >= 0 && object->kind == &cmig_kind_column)
		return change->steps->join;
	return change->part_of ? change->part_of->steps->last : change->steps->last;
}

/*
 * Returns true if the node alters an object in a way that its dependents
 * survive.  Dependents that are dropped anyway should be dropped before this
 * node, but need not be.
 */
static bool
is_harmless(const CmigOrderNode *node)
{
	return node->type == CMIG_NODE_ALTER && !node->change->alter.disturbs;
}

/* A name that comes into use, or out of use, when a node runs. */
typedef struct NameUse
{
	const char *name;			/* first, as they are sorted by it */
	int			node;
	bool		freed;
} NameUse;

/*
 * Add edges so that a name is available before another object uses it: the
 * name of the object, or of its index or sequence.  If a node only alters an
 * object, only the latter name can change.
 */
static void
add_names(CmigOrder *order)
{
	const CmigDifference *difference = order->difference;
	NameUse    *uses = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(NameUse) * (2 * ((Size) difference->from->count + difference->to->count) + 1));
	int			count = 0;

	for (int i = 0; i < difference->from->count + difference->to->count; i++)
	{
		const bool	freed = i < difference->from->count;
		const CmigObject *object = freed ? difference->from->objects[i] :
		difference->to->objects[i - difference->from->count];
		const CmigObject *other = freed ? object->change->to : object->change->from;
		const char *second = cmig_object_index(object);
		int			node = freed ? ended(order, object) : made(order, object);
		bool		alters;

		if (freed && node >= 0 && order->nodes[node].change->steps->away >= 0)
			node = order->nodes[node].change->steps->away;
		if (node < 0)
			continue;
		alters = order->nodes[node].type == CMIG_NODE_ALTER;
		if (!alters && (freed ? order->nodes[node].type > CMIG_NODE_DROP :
						order->nodes[node].type != CMIG_NODE_CREATE))
			continue;
		if (!alters)
			uses[count++] = (NameUse)
		{
			object->identity, node, freed
		};
		if (second == NULL ||
			(alters && other != NULL && cmig_text_same(second, cmig_object_index(other))))
			continue;
		uses[count++] = (NameUse)
		{
			second, node, freed
		};
	}
	qsort(uses, count, sizeof(NameUse), pg_qsort_strcmp);
	for (int i = 0; i < count; i++)
		for (int step = -1; step <= 1 && !uses[i].freed; step += 2)
			for (int j = i + step; j >= 0 && j < count &&
				 strcmp(uses[j].name, uses[i].name) == 0; j += step)
				if (uses[j].freed)
					add(order, uses[i].node, uses[j].node);
	pfree(uses);
}

/* NO INHERIT and INHERIT */

/*
 * Make the node precede the nodes that drop or alter a table, its columns, and
 * its constraints.  Statistics are left out: inheritance does not affect them,
 * and they may have to be dropped earlier, so that another parent's statistics
 * can have the same names.
 */
static void
add_part(CmigOrder *order, int node, const CmigObject *table)
{
	for (const CmigObject *object = table; object != NULL; object = object == table ? table->child :
		 object->sibling)
	{
		int			end = object->kind == &cmig_kind_statistics ? -1 : ended(order, object);

		if (end >= 0)
			add_kind(order, end, node,
					 is_harmless(&order->nodes[end]) ? CMIG_EDGE_WEAK : CMIG_EDGE_HARD);
	}
}

/*
 * Make the node, which adds parents to a table, follow the creation of a table
 * and of its columns and constraints.
 */
static void
add_join(CmigOrder *order, int node, const CmigObject *table)
{
	for (const CmigObject *object = table; object != NULL; object = object == table ? table->child :
		 object->sibling)
	{
		if (object->kind != &cmig_kind_statistics)
			add(order, node, made(order, object));
	}
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
		if (cmig_table_is(table->depends[i]) || table->depends[i]->kind == &cmig_kind_composite)
			add(order, node, table->depends[i]);
}

/* Add the edges of the nodes that run NO INHERIT and INHERIT. */
static void
add_inheritance(CmigOrder *order)
{
	for (int i = 0; i < order->count; i++)
	{
		const CmigOrderNode *node = &order->nodes[i];
		const CmigChange *change = node->change;

		if (node->type != CMIG_NODE_PART && node->type != CMIG_NODE_JOIN)
			continue;
		add(order, change->steps->first, change->steps->part);
		add(order, change->steps->join, change->steps->last);
		if (!cmig_table_is(change->from))
			continue;
		if (node->type == CMIG_NODE_PART)
		{
			/*
			 * the node's statement uses the original names of the type and
			 * the tables on which the table depends, so it comes before they
			 * are renamed
			 */
			for (int j = 0; j < change->from->ndepends; j++)
				add(order, change->from->depends[j]->change->steps->away, i);
			add_part(order, i, change->from);
			add_parents(order, i, change->from, add_part);
		}
		else if (node->type == CMIG_NODE_JOIN)
		{
			add_join(order, i, change->to);
			add_parents(order, i, change->to, add_join);
		}
	}
}

/* Edges */

/*
 * Add the edges for a dependency in the old image: "object" depends on "on",
 * so "object" is dropped first.
 */
static void
add_old(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = object->change;
	int			node = ended(order, on),
				dependent = ended(order, object),
				away;

	/*
	 * a dependency on a parent table ends with the statement that contains NO
	 * INHERIT
	 */
	if (cmig_table_is(object) && cmig_table_is(on))
		dependent = change->steps->part >= 0 ? change->steps->part :
			change->steps->join >= 0 ? change->steps->join : dependent;
	if (node < 0 || dependent < 0)
		return;
	if (order->nodes[node].type == CMIG_NODE_DROP ||
		((order->nodes[node].type == CMIG_NODE_ALTER ||
		  order->nodes[node].type == CMIG_NODE_PART) &&
		 (order->nodes[dependent].type == CMIG_NODE_DROP ||
		  object->kind == &cmig_kind_replica_identity)))
		add_kind(order, node, dependent,
				 is_harmless(&order->nodes[node]) ? CMIG_EDGE_WEAK : CMIG_EDGE_HARD);

	/*
	 * dependents are dropped, or altered so that they no longer use the old
	 * type, before the type is given its temporary name
	 */
	away = order->nodes[node].change->steps->away;
	if (away < 0)
		return;
	if (order->nodes[dependent].change->swaps_type)
		add(order, dependent, away);
	else if (order->nodes[dependent].change->steps->away < 0 &&
			 (order->nodes[dependent].type == CMIG_NODE_DROP ||
			  (order->nodes[dependent].type == CMIG_NODE_ALTER &&
			   cmig_change_lets_go(on->change, change))))
		add(order, away, dependent);
	add(order, away, order->nodes[dependent].change->steps->away);
}

/*
 * Add the edges for a dependency in the new image: "object" depends on "on",
 * so "on" is created first.
 */
static void
add_new(CmigOrder *order, const CmigObject *object, const CmigObject *on)
{
	const CmigChange *change = object->change;
	int			node = made(order, object);

	if (cmig_table_is(object) && cmig_table_is(on) && change->steps->join >= 0)
		node = change->steps->join;
	add(order, node, made(order, on));
}

/*
 * The attributes of a composite type can be altered while nothing uses the type:
 * before "object" gets it, and after "object" has lost it.
 */
static void
add_attributes(CmigOrder *order, const CmigObject *object, const CmigObject *on, bool old)
{
	const CmigObject *other = old ? object->change->to : object->change->from;

	for (int i = 0; other != NULL && i < other->ndepends; i++)
		if (strcmp(other->depends[i]->identity, on->identity) == 0)
			return;
	for (const CmigObject *child = on->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_attribute && object->kind != child->kind)
			add_soft(order, old ? ended(order, child) : made(order, object),
					 old ? ended(order, object) : made(order, child));
}

/* Add the edges for all dependencies of both images. */
static void
add_dependencies(CmigOrder *order, bool old)
{
	const CmigImage *image = old ? order->difference->from : order->difference->to;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->ndepends + (object->parent != NULL); j++)
		{
			const CmigObject *on = j < object->ndepends ? object->depends[j] : object->parent;

			if (old)
				add_old(order, object, on);
			else
				add_new(order, object, on);
			add_attributes(order, object, on, old);
		}
	}
}

/*
 * Add the edge for "object", which mentions "on".  The server does not check the
 * body of a function that is not written in SQL, and a call is sure, but the name
 * of a table may be that of a variable.
 */
static void
add_named(CmigOrder *order, const CmigObject *object, const CmigObject *on, bool old)
{
	int			node = old ? ended(order, on) : made(order, object);
	bool		sure = object->kind != &cmig_kind_function || cmig_function_is_sql(object) ||
	on->kind == object->kind;

	if (!old || (node >= 0 && order->nodes[node].type == CMIG_NODE_DROP))
		add_kind(order, node, old ? ended(order, object) : made(order, on),
				 sure ? CMIG_EDGE_SOFT : CMIG_EDGE_MENTION);
}

/*
 * If an object mentions another one, for example in a function body, the
 * mentioned object is created first and dropped last.  For an SQL function,
 * this includes the columns of the tables and types that it mentions or
 * returns.
 */
static void
add_mentioned(CmigOrder *order, bool old)
{
	const CmigImage *image = old ? order->difference->from : order->difference->to;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		bool		function = cmig_function_is_sql(object);

		for (int j = 0; j < object->nsoft + (function ? object->ndepends : 0); j++)
		{
			const CmigObject *on = j < object->nsoft ? object->soft[j] :
			object->depends[j - object->nsoft];

			if (j < object->nsoft)
				add_named(order, object, on, old);
			for (const CmigObject *child = function ? on->child :
				 NULL; child != NULL; child = child->sibling)
				if (child->kind == &cmig_kind_column || child->kind == &cmig_kind_attribute)
					add_named(order, object, child, old);
		}
	}
}

/*
 * Add edges so that the new columns of a table, and the new attributes of a
 * type, are created in order, and old ones are dropped in reverse order, so that
 * the downgrade creates them in order.  The edges are soft, because a generated
 * column may use a later column.
 */
static void
add_siblings(CmigOrder *order, bool old)
{
	const CmigImage *image = old ? order->difference->from : order->difference->to;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *last = NULL;
		int			last_node = -1;

		for (const CmigObject *child = image->objects[i]->child; child != NULL; child = child->sibling)
		{
			const CmigChange *change = child->change;
			int			node = old ? change->steps->first : change->part_of ? -1 :
			made(order, child);

			if (child->address.sub <= 0 || node < 0 ||
				(old && order->nodes[node].type != CMIG_NODE_DROP))
				continue;
			if (last != NULL && last->kind == child->kind)
				add_soft(order, old ? last_node : node, old ? node : last_node);
			last = child;
			last_node = node;
		}
	}
}

/*
 * An index of a partitioned table is complete if all partitions have it when it
 * is created.  So it is created after the partitions that go are gone, and
 * dropped before new ones come, so that the downgrade creates it without them.
 */
static void
add_partitions(CmigOrder *order, bool old)
{
	const CmigImage *image = old ? order->difference->from : order->difference->to;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i],
				   *table = link->kind == &cmig_kind_partition &&
		cmig_change_makes(link->change, old) ?
		cmig_image_lookup(old ? order->difference->to : order->difference->from,
						  &cmig_kind_table, link->values[CMIG_PARTITION_OF]) : NULL;

		for (const CmigObject *child = table ? table->child : NULL; child != NULL; child = child->sibling)
			if (cmig_index_name(child) != NULL)
				add_soft(order, old ? made(order, child) : made(order, link),
						 old ? ended(order, link) : ended(order, child));
	}
}

static int
compare_edges(const void *a, const void *b)
{
	const CmigEdge *left = a,
			   *right = b;

	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	if ((left->strength == CMIG_EDGE_HARD) != (right->strength == CMIG_EDGE_HARD))
		return left->strength == CMIG_EDGE_HARD ? -1 : 1;
	if (left->before != right->before)
		return left->before < right->before ? -1 : 1;
	return (int) left->strength - (int) right->strength;
}

/* Sort the edges, and set order->start.  Call this after adding edges. */
static void
sort_edges(CmigOrder *order)
{
	if (order->nedges > 1)
		qsort(order->edges, order->nedges, sizeof(CmigEdge), compare_edges);
	order->start = palloc0(sizeof(int) * (order->count + 1));
	for (int i = 0; i < order->nedges; i++)
		order->start[order->edges[i].node + 1]++;
	for (int i = 0; i < order->count; i++)
		order->start[i + 1] += order->start[i];
}

/* Build all edges between the nodes, sorted by node. */
static void
make_edges(CmigOrder *order)
{
	order->nedges = 0;
	for (int old = 1; old >= 0; old--)
	{
		add_dependencies(order, old);
		add_mentioned(order, old);
		add_siblings(order, old);
		add_partitions(order, old);
	}
	add_inheritance(order);
	add_names(order);
	sort_edges(order);
}

/* Cycles */

/*
 * Exclude from the statement of "parent" those of its children that depend on
 * an object that the change creates (or drops, if "old" is true), by setting
 * their field "separate".  Returns true if there are any such children.
 */
static bool
unfold(CmigObject *parent, const CmigChange *change)
{
	bool		done = false;

	for (CmigObject *child = parent->child; child != NULL; child = child->sibling)
	{
		CmigChange *own = child->change;
		bool		needs = false;

		done |= unfold(child, change);
		if (own->part_of == NULL || child->separate || child->address.sub > 0)
			continue;
		for (int i = 0; i < child->ndepends; i++)
		{
			const CmigChange *other = child->depends[i]->change;

			needs |= other == change || other->part_of == change;
		}
		if (!needs)
			continue;
		if (own->from)
			own->from->separate = true;
		if (own->to)
			own->to->separate = true;
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
		const CmigOrderNode *node = &order->nodes[stack[i]];
		const CmigOrderNode *before = &order->nodes[stack[i == to ? from : i + 1]];

		if (node->type == CMIG_NODE_CREATE &&
			unfold(node->change->to, before->change))
			return i;
		if (before->type == CMIG_NODE_DROP &&
			unfold(before->change->from, node->change))
			return i;
	}
	return -1;
}

/* A depth-first walk over the nodes, without recursion. */
typedef struct Walk
{
	CmigOrderNode *result;
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
 * Break a cycle of nodes on the stack by ignoring its weakest edge.  Returns the
 * position on the stack of the node that has the edge, or -1 if all are hard.
 */
static int
skip_soft(CmigOrder *order, Walk *walk, int from, int to)
{
	int			place = -1;
	CmigEdge   *edge = NULL;

	for (int i = from; i <= to; i++)
	{
		CmigEdge   *other = &order->edges[walk->next[walk->stack[i]] - 1];

		if (other->strength <= (edge == NULL ? CMIG_EDGE_HARD : edge->strength))
			continue;
		edge = other;
		place = i;
	}
	if (edge == NULL)
		return -1;
	if (edge->strength != CMIG_EDGE_WEAK)
	{
		const CmigOrderNode *node = &order->nodes[edge->node];

		/*
		 * Mark the function of an ignored soft edge as unchecked: its body
		 * names an object that does not exist when the upgrade or the
		 * downgrade creates the function.
		 */
		node = node->type <= CMIG_NODE_DROP ? &order->nodes[edge->before] : node;
		if (node->change->from != NULL)
			node->change->from->unchecked |= cmig_function_is_sql(node->change->from);
		if (node->change->to != NULL)
			node->change->to->unchecked |= cmig_function_is_sql(node->change->to);
	}
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
			order->nodes[current].place = walk->count;
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
			int			place;

			while (walk->stack[from] != node)
				from--;

			/*
			 * break the cycle that ends at the top of the stack, and go back
			 * to the node whose edge is no longer needed, so that the same
			 * walk finds other cycles
			 */
			place = cut_cycle(order, walk->stack, from, depth);
			if (place >= 0)
			{
				skip_edges(order, walk, place);
				walk->cut = true;
			}
			else
			{
				place = skip_soft(order, walk, from, depth);
				walk->again |= place >= 0;
			}

			/*
			 * go back to the node at "place"; if "place" is -1, the walk only
			 * ignores the edge that closes the cycle
			 */
			for (int i = place + 1; place >= 0 && i <= depth; i++)
			{
				walk->state[walk->stack[i]] = 0;
				walk->next[walk->stack[i]] = order->start[walk->stack[i]];
			}
			depth = place >= 0 ? place : depth;
		}
	}
}

/*
 * Put the nodes in order.  Returns false if statements were split to break a
 * cycle.  The split adds nodes and edges, so *result is then not valid.
 */
static bool
place_nodes(CmigOrder *order, CmigOrderNode **result)
{
	int			size = Max(order->count, 1);
	Walk		walk = {0};

	walk.result = *result = MemoryContextAllocHuge(CurrentMemoryContext,
												   sizeof(CmigOrderNode) * (Size) size);
	walk.state = palloc(size);
	walk.stack = palloc(sizeof(int) * size);
	walk.next = palloc(sizeof(int) * size);
	do
	{
		walk.count = 0;
		walk.again = walk.cut = false;
		memset(walk.state, 0, order->count);
		memcpy(walk.next, order->start, sizeof(int) * order->count);
		for (int i = 0; i < order->count; i++)
			if (walk.state[i] == 0)
				walk_from(order, &walk, i);
	} while (walk.again && !walk.cut);
	pfree(walk.state);
	pfree(walk.stack);
	pfree(walk.next);
	return !walk.cut;
}

/* Transactions */

/* A qsort comparator that compares nodes by their places. */
static int
compare_places(const void *a, const void *b)
{
	return ((const CmigOrderNode *) a)->place - ((const CmigOrderNode *) b)->place;
}

/* Does the node drop or create an index or constraint of a table? */
static bool
is_demand(const CmigOrderNode *node, CmigNodeType type)
{
	const CmigKind *kind = object_of(node)->kind;

	return node->type == type &&
		(kind == &cmig_kind_index || kind == &cmig_kind_constraint ||
		 kind == &cmig_kind_foreign_key);
}

/*
 * Mark the nodes that create an index or constraint that needs something else
 * of the transaction, so that it cannot be created before.  Likewise, mark those
 * that drop one, if the downgrade cannot create it before.
 */
static void
mark_needs(CmigOrder *order)
{
	for (int i = 0; i < order->nedges; i++)
	{
		CmigOrderNode *node = &order->nodes[order->edges[i].node];
		CmigOrderNode *before = &order->nodes[order->edges[i].before];

		if (node == before || node->transaction == 0 || node->transaction != before->transaction)
			continue;
		node->needs |= is_demand(node, CMIG_NODE_CREATE) && !is_demand(before, CMIG_NODE_DROP);
		before->needs |= is_demand(before, CMIG_NODE_DROP) && !is_demand(node, CMIG_NODE_CREATE);
	}
}

/*
 * Reorder the nodes so that those which must run in one transaction are next
 * to each other, and number these transactions.  They are the strongly
 * connected components of the graph, found with Tarjan's algorithm, which
 * also returns them in order: what must run before a transaction precedes it.
 */
static void
group_nodes(CmigOrder *order, CmigOrderNode *result)
{
	int		   *at = palloc(sizeof(int) * (order->count + 1));	/* node, by its place */
	int		   *found = palloc0(sizeof(int) * (order->count + 1));	/* order of visits; -1:
																	 * done */
	int		   *low = palloc(sizeof(int) * (order->count + 1));
	int		   *next = palloc(sizeof(int) * (order->count + 1));
	int		   *path = palloc(sizeof(int) * (order->count + 1));
	int		   *open = palloc(sizeof(int) * (order->count + 1));
	int			count = 0,
				visits = 0,
				opened = 0,
				transactions = 0;

	pfree(order->start);
	for (int i = 0; i < order->nedges; i++)
		if (order->edges[i].strength == CMIG_EDGE_WEAK ||
			order->nodes[order->edges[i].before].type == CMIG_NODE_UNSUPPORTED)
			order->edges[i].before = order->edges[i].node;
	cmig_commit_join(order->difference, order->nodes, order->count, add, order);
	sort_edges(order);
	for (int i = 0; i < order->count; i++)
		at[order->nodes[i].place] = i;
	for (int place = 0; place < order->count; place++)
	{
		int			depth = found[at[place]] == 0 ? 0 : -1;

		path[0] = at[place];
		while (depth >= 0)
		{
			int			node = path[depth];

			if (found[node] == 0)
			{
				found[node] = low[node] = ++visits;
				next[node] = order->start[node];
				open[opened++] = node;
			}
			if (next[node] < order->start[node + 1])
			{
				int			before = order->edges[next[node]++].before;

				if (found[before] == 0)
					path[++depth] = before;
				else if (found[before] > 0)
					low[node] = Min(low[node], found[before]);
				continue;
			}
			if (low[node] == found[node])
			{
				int			first = count;

				do
				{
					result[count++] = order->nodes[open[--opened]];
					found[open[opened]] = -1;
				} while (open[opened] != node);
				qsort(&result[first], count - first, sizeof(CmigOrderNode), compare_places);
				if (count - first > 1)
					transactions++;
				for (int i = first; i < count && count - first > 1; i++)
					order->nodes[at[result[i].place]].transaction = transactions;
			}
			if (--depth >= 0)
				low[path[depth]] = Min(low[path[depth]], low[node]);
		}
	}
	mark_needs(order);
	for (int i = 0; i < count; i++)
		result[i] = order->nodes[at[result[i].place]];
}

CmigOrderNode *
cmig_order(CmigDifference *difference, int *count)
{
	for (;;)
	{
		CmigOrder	order = {.difference = difference};
		CmigOrderNode *result;
		bool		done;

		cmig_families_rank(difference);
		make_nodes(&order);
		make_edges(&order);
		done = place_nodes(&order, &result);
		if (done && difference->options->concurrently)
			group_nodes(&order, result);
		*count = order.count;
		pfree(order.nodes);
		pfree(order.steps);
		pfree(order.start);
		if (order.edges != NULL)
			pfree(order.edges);
		if (done)
			return result;
		pfree(result);
		cmig_parts_find(difference);
	}
}
