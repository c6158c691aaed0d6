/*
 * attached.c
 *	  Indexes of partitions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Partition indexes that are attached to indexes of partitioned tables.
 *
 * PostgreSQL creates these indexes together with the partitioned table's index
 * and chooses their names, unless a matching index already exists.
 *
 * No database access.
 *
 * In the functions below, "old" is true if the object is from the old image,
 * so that the downgrade creates it.
 * ----------------------------------------------------------------
 */

/*
 * Returns "a_b_c" for the column list "a, b) INCLUDE (c)", or NULL if the list
 * contains expressions.
 */
static char *
column_names(const char *columns)
{
	StringInfoData names;
	const char *p = columns;

	initStringInfo(&names);
	for (;;)
	{
		bool		quoted = *p == '"';

		for (p += quoted; quoted ? *p != '"' || p[1] == '"' : strchr(" ,)(\"", *p) == NULL; p++)
		{
			appendStringInfoChar(&names, *p);
			p += *p == '"';
		}
		p += quoted;
		while (*p != '\0' && *p != ',' && *p != ')' && *p != '(')
			p++;
		if (cmig_text_begins(p, ") INCLUDE ("))
			p += strlen(") INCLUDE (");
		else if (*p == ',')
			p += 2;
		else
			return *p == ')' ? names.data : NULL;
		appendStringInfoChar(&names, '_');
	}
}

/* Does the index have the name that PostgreSQL would choose? */
static bool
has_default_name(const CmigObject *object)
{
	const char *definition = object->values[CMIG_DEFINITION];
	const char *columns = strchr(definition, '(');
	const char *label = object->kind == &cmig_kind_index ? "idx" : "key";
	char	   *names;

	if (cmig_constraint_type(object) == 'p')
		return strcmp(object->name, makeObjectName(object->parent->name, NULL, "pkey")) == 0;
	names = columns ? column_names(columns + 1) : NULL;
	return names != NULL &&
		strcmp(object->name, makeObjectName(object->parent->name, names, label)) == 0;
}

/*
 * Is the partition's index re-created together with the partitioned table's
 * index?
 */
static bool
is_remade(const CmigDifference *difference, const CmigChange *change)
{
	if (change->from == NULL || change->to == NULL || change->to->alone ||
		cmig_index_parent(change->from) == NULL)
		return false;
	do
	{
		const CmigObject *parent = cmig_attached_parent(change->to ? difference->to :
														difference->from,
														cmig_change_object(change));

		change = parent ? parent->change : NULL;
	} while (change != NULL && change->action != CMIG_AGAIN);
	return change != NULL && !cmig_attached_stays(difference, change->from);
}

/* Is the table a partition that stays attached to its parent? */
static bool
stays_attached(const CmigDifference *difference, const CmigObject *table, bool old)
{
	const CmigObject *link = cmig_image_lookup(cmig_image_of(difference, old), &cmig_kind_partition,
											   table->identity);

	return link != NULL && cmig_change_stays(link->change);
}

bool
cmig_attached_joins(const CmigDifference *difference, const CmigChange *change)
{
	const bool	old = change->to == NULL;
	const CmigObject *object = cmig_change_object(change);
	const CmigObject *parent = (change->from != NULL && !old) || !object->inherited ? NULL :
	cmig_attached_parent(cmig_image_of(difference, old), object);

	/* which one of several equivalent indexes it is attached to may differ */
	return parent != NULL &&
		cmig_image_counterpart(cmig_image_of(difference, !old), object) == NULL &&
		parent->change->from != NULL && parent->change->to != NULL &&
		(parent->change->action == CMIG_NO_CHANGE || parent->change->action == CMIG_ALTER) &&
		!is_remade(difference, parent->change) && stays_attached(difference, object->parent, old);
}

bool
cmig_attached_goes(const CmigDifference *difference, const CmigObject *object, bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);

	while ((object = cmig_attached_parent(image, object)) != NULL)
	{
		if (cmig_index_is_partial(object) && cmig_change_makes(object->change, old) &&
			!(old && cmig_attached_stays(difference, object)))
			return true;
	}
	return false;
}

/*
 * Is the object an index of a partitioned table, or a constraint with such an
 * index?
 */
static bool
is_partitioned(const CmigObject *object)
{
	return cmig_index_name(object) != NULL && object->parent->kind == &cmig_kind_table &&
		object->parent->values[CMIG_TABLE_PARTITION_KEY] != NULL;
}

/*
 * Returns the indexes attached to the index "object", as a list of CmigObject.
 * If only some of the partitions have the index, the list contains all
 * attached indexes.  Otherwise, it contains only the indexes of partitions
 * that stay attached.  Returns NIL if the index's table is not partitioned.
 */
static List *
find_attached(const CmigDifference *difference, const CmigObject *object, bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);
	List	   *found = NIL;

	for (int i = 0; i < image->count && is_partitioned(object); i++)
		if (cmig_index_parent(image->objects[i]) != NULL &&
			strcmp(cmig_index_parent(image->objects[i]), cmig_index_name(object)) == 0 &&
			(cmig_index_is_partial(object) ||
			 stays_attached(difference, image->objects[i]->parent, old)))
			found = lappend(found, image->objects[i]);
	return found;
}

/*
 * Returns the same index of the new image, if it is on the same columns, or
 * NULL.
 */
static const CmigObject *
same_index(const CmigDifference *difference, const CmigObject *from)
{
	const CmigObject *to = cmig_index_name(from) ?
	cmig_image_counterpart(difference->to, from) : NULL;

	if (to == NULL || !cmig_index_same_unattached(from, to))
		return NULL;
	for (int i = 0; i < from->ndepends; i++)
		if (from->depends[i]->kind != &cmig_kind_index &&
			from->depends[i]->change->action != CMIG_NO_CHANGE)
			return NULL;
	return to;
}

/* Does the index have in both images what is attached to it in the old one, at all levels? */
static bool
keeps_attached(const CmigDifference *difference, const CmigObject *from)
{
	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *other = difference->from->objects[i],
				   *to;

		if (!cmig_text_same(cmig_index_parent(other), cmig_index_name(from)))
			continue;
		to = same_index(difference, other);
		if (to == NULL || !cmig_text_same(cmig_index_parent(to), cmig_index_name(from)) ||
			!keeps_attached(difference, other))
			return false;
	}
	return true;
}

/* Is a partition attached to the table, which would get an index for each one of the table? */
static bool
gets_partition(const CmigDifference *difference, const CmigObject *table)
{
	for (int i = 0; i < difference->to->count; i++)
	{
		const CmigObject *link = difference->to->objects[i];

		if (link->kind == &cmig_kind_partition && cmig_change_makes(link->change, false) &&
			strcmp(link->values[CMIG_PARTITION_OF], table->identity) == 0)
			return true;
	}
	return false;
}

/*
 * An index that is attached cannot be detached.  So the downgrade creates again
 * what the upgrade attaches, and the parent index; but the upgrade leaves both
 * as they are.
 */
bool
cmig_attached_stays(const CmigDifference *difference, const CmigObject *from)
{
	const CmigObject *to = from ? same_index(difference, from) : NULL;
	bool		any = false;

	if (to == NULL || !cmig_change_drops(from->change) || cmig_index_parent(from) != NULL)
		return false;
	if (cmig_index_parent(to) != NULL && !stays_attached(difference, from->parent, true))
		return false;
	if (!is_partitioned(from))
		return cmig_index_parent(to) != NULL;
	if (!keeps_attached(difference, from) ||
		(cmig_index_is_partial(to) && gets_partition(difference, to->parent)))
		return false;
	for (int i = 0; i < difference->to->count && !any; i++)
		any = cmig_text_same(cmig_index_parent(difference->to->objects[i]), cmig_index_name(from));
	return any;
}

/*
 * Does the partition that contains "attached" have an unattached object of the
 * same kind: an index, or a constraint with an index?  Creating the
 * partitioned table's index could attach that object instead of "attached".
 */
static bool
has_loose_index(const CmigImage *image, const CmigObject *attached)
{
	const CmigObject *table = cmig_image_lookup(image, &cmig_kind_table,
												attached->parent->identity);

	for (const CmigObject *child = table ? table->child :
		 NULL; child != NULL; child = child->sibling)
		if (child->kind == attached->kind && cmig_index_name(child) != NULL &&
			cmig_index_parent(child) == NULL)
			return true;
	return false;
}

/*
 * Does creating "parent", the partitioned table's index, also create the
 * attached index "object" with its name and properties from the image?
 */
static bool
is_plain(const CmigDifference *difference, const CmigObject *object, const CmigObject *parent,
		 bool old)
{
	if (!has_default_name(object) || object->kind != parent->kind ||
		strcmp(cmig_index_method(object), cmig_index_method(parent)) != 0)
		return false;
	if (object->comment != NULL && is_remade(difference, object->change))
		return false;
	if (!cmig_index_is_like(object, parent) ||
		has_loose_index(difference->from, object) || has_loose_index(difference->to, object))
		return false;
	foreach_ptr(CmigObject, other, find_attached(difference, object, old))
	{
		if (!is_plain(difference, other, object, old))
			return false;
	}
	return true;
}

/*
 * Returns the statements that create an attached index and the indexes
 * attached to it.  "partial" is true if some partitions lack the index.
 */
static List *
creation(const CmigDifference *difference, const CmigObject *object, bool partial, bool old)
{
	const bool	remade = is_remade(difference, object->change);
	CmigObject *alone = cmig_object_copy(object);
	CmigDiffOptions options = *difference->options;
	List	   *ddl;

	alone->folded = false;
	ddl = alone->kind->create(alone);
	cmig_attached_complete(difference, alone, ddl, old);
	options.comments |= old || remade;
	return partial || remade ? list_concat(ddl, cmig_annotate_create(object, &options)) : ddl;
}

/*
 * Does CREATE INDEX on the partitioned table create exactly the indexes in the
 * list "attached", with their names and properties?  Also true if a partition
 * is a foreign table, because an index created with ONLY could then never
 * become valid.
 */
static bool
is_enough(const CmigDifference *difference, const CmigObject *object, const List *attached,
		  bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);
	int			count = 0;
	bool		plain = true;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i];

		if (link->kind != &cmig_kind_partition ||
			strcmp(link->values[CMIG_PARTITION_OF], object->parent->identity) != 0)
			continue;
		if (link->parent->kind != &cmig_kind_table)
			return true;
		count += stays_attached(difference, link->parent, old);
	}
	foreach_ptr(CmigObject, other, attached)
		plain = plain && is_plain(difference, other, object, old);
	return plain && list_length(attached) == count;
}

/* Append a statement to others, which may be NULL. */
static char *
append(const char *sql, const char *statement)
{
	return psprintf("%s%s%s", sql ? sql : "", sql ? ";\n" : "", statement);
}

/*
 * Complete "ddl", the list of CmigDdl that creates a partitioned table's index
 * or constraint.  If PostgreSQL would not create exactly the attached indexes
 * that the image contains, the partitioned table's index is created with ONLY,
 * and the attached indexes are created and attached afterwards.  If some of the
 * partitions are not compared, they are created before, and PostgreSQL attaches them.
 */
void
cmig_attached_complete(const CmigDifference *difference, const CmigObject *object, List *ddl,
					   bool old)
{
	List	   *attached = ddl != NIL ? find_attached(difference, object, old) : NIL;
	bool		partial = attached != NIL && cmig_index_is_partial(object);
	CmigDdl    *first = ddl != NIL ? linitial(ddl) : NULL;
	bool		stays = !old &&
	cmig_attached_stays(difference,
						cmig_image_counterpart(difference->from, object));
	const char *whole = NULL;

	if (first == NULL || !is_partitioned(object) ||
		(!stays && !partial && is_enough(difference, object, attached, old)))
		return;
	if (object->parent->divided && !stays && !partial)
		whole = first->sql;
	if (whole != NULL)
		first->sql = NULL;
	else if (stays || !object->folded)
		first->sql = stays ? NULL : cmig_index_create_only(object);
	first->hazards = stays ? 0 : first->hazards;
	foreach_ptr(const CmigObject, other, attached)
	{
		const CmigObject *from = old ? NULL :
		cmig_image_counterpart(difference->from, other);
		const bool	made = cmig_change_makes(other->change, old);

		/* what is attached in both images stays with its parent */
		if (stays && from != NULL && cmig_index_parent(from) != NULL)
			continue;
		foreach_ptr(CmigDdl, entry, made ||
					(cmig_attached_stays(difference, from) && !is_partitioned(from)) ? NIL :
					creation(difference, other, partial, old))
			first->sql = append(first->sql, entry->sql);
		if (whole == NULL)
			first->sql = append(first->sql, psprintf("ALTER INDEX %s ATTACH PARTITION %s",
													 cmig_index_name(object),
													 cmig_index_name(other)));
	}
	if (whole != NULL)
		first->sql = append(first->sql, whole);
	if (first->sql == NULL)
		first->sql = CMIG_NO_STATEMENT;
}

const CmigObject *
cmig_attached_find(const CmigImage *image, const char *name)
{
	for (int i = 0; i < image->count; i++)
	{
		const char *own = cmig_index_name(image->objects[i]);

		if (own != NULL && strcmp(own, name) == 0)
			return image->objects[i];
	}
	return NULL;
}

const CmigObject *
cmig_attached_parent(const CmigImage *image, const CmigObject *object)
{
	const char *name = cmig_index_parent(object);

	return name ? cmig_attached_find(image, name) : NULL;
}

/* ----------------------------------------------------------------
 * Finds equivalent indexes of a partition.
 *
 * ATTACH PARTITION attaches equivalent indexes in the order in which they
 * were created: the first one to the partitioned table's first such index,
 * and so on.  An attached index cannot be attached to another one, so a
 * rehearsal cannot complete a wrong order.
 * ----------------------------------------------------------------
 */

/*
 * Returns a string that is the same for equivalent indexes and, since only the
 * access method and the first column count, for some others.  Returns NULL if
 * the object has no index.
 */
static const char *
equivalents_shape(const CmigObject *object)
{
	const char *start = cmig_index_name(object) ? cmig_index_method(object) : "";
	const char *columns = strchr(start, '(');

	if (columns == NULL)
		return NULL;
	start = object->kind == &cmig_kind_index ? start : columns;
	return pnstrdup(start, columns - start + strcspn(columns, " ,)"));
}

/* Does "object" come before "other" among a table's children? */
static bool
is_before(const CmigObject *object, const CmigObject *other)
{
	for (; object != NULL; object = object->sibling)
		if (object == other)
			return true;
	return false;
}

/*
 * Is the index "object" of a partitioned table created before the table's
 * index "other"?  If the table is itself a partition, the order of the parent
 * indexes decides.
 */
static bool
comes_first(const CmigDifference *difference, const CmigObject *object, const CmigObject *other,
			bool old)
{
	const CmigChange *change = object->change,
			   *others = other->change;
	const CmigObject *above = cmig_attached_parent(cmig_image_of(difference, old), object),
			   *other_above = cmig_attached_parent(cmig_image_of(difference, old), other);

	if (cmig_change_makes(change, old) != cmig_change_makes(others, old))
		return !cmig_change_makes(change, old);
	/* what is created together with its parent's has no change of its own */
	if (!cmig_change_makes(change, old) && (change->from == NULL) != (others->from == NULL))
		return change->from != NULL;
	if (!cmig_change_makes(change, old) && change->from != NULL)
		return change->from->address.object < others->from->address.object;
	if (above == NULL || other_above == NULL || above == other_above)
		return is_before(object, other);
	return comes_first(difference, above, other_above, old);
}

/*
 * Two equivalent indexes of a partition or of a partitioned table, in the
 * order of their creation.
 */
typedef struct IndexPair
{
	CmigObject *first;
	CmigObject *second;
} IndexPair;

static List *
append_pair(List *pairs, const CmigObject *first, const CmigObject *second)
{
	IndexPair  *pair = palloc(sizeof(IndexPair));

	pair->first = unconstify(CmigObject *, first);
	pair->second = unconstify(CmigObject *, second);
	return lappend(pairs, pair);
}

/*
 * Add two equivalent indexes as a pair, and the indexes to which they are
 * attached as another pair.
 */
static List *
add_pair(List *pairs, const CmigDifference *difference, const CmigObject *object,
		 const CmigObject *other, bool old)
{
	const CmigObject *parent = cmig_attached_parent(cmig_image_of(difference, old), object),
			   *others = cmig_attached_parent(cmig_image_of(difference, old), other);

	/* an attached index comes before one that is not attached */
	if ((parent == NULL) != (others == NULL) &&
		(cmig_index_parent(object) == NULL) != (cmig_index_parent(other) == NULL))
		return parent != NULL ? append_pair(pairs, object, other) :
			append_pair(pairs, other, object);

	if (parent == NULL || others == NULL || parent == others)
		return pairs;
	if (!comes_first(difference, parent, others, old))
		return add_pair(pairs, difference, other, object, old);
	if (cmig_change_makes(parent->change, old) &&
		cmig_change_makes(others->change, old))
		pairs = append_pair(pairs, parent, others);
	return append_pair(pairs, object, other);
}

/*
 * Returns a list of IndexPair: the pairs of equivalent indexes of the
 * partitions that the upgrade (or the downgrade, if "old" is true) attaches,
 * and the pairs of parent indexes to which these indexes are attached.
 */
static List *
find_pairs(const CmigDifference *difference, bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);
	List	   *pairs = NIL;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i];

		if (link->kind != &cmig_kind_partition || !cmig_change_makes(link->change, old))
			continue;
		for (const CmigObject *child = link->parent->child; child != NULL; child = child->sibling)
		{
			const char *shape = equivalents_shape(child);

			for (const CmigObject *other = child->sibling; shape != NULL &&
				 other != NULL; other = other->sibling)
				if (child->kind == other->kind && cmig_text_same(shape, equivalents_shape(other)))
					pairs = add_pair(pairs, difference, child, other, old);
		}
	}
	return pairs;
}

/*
 * For each pair of equivalent indexes, exclude the second index from CREATE
 * TABLE if CREATE TABLE would create it before the first one, or cannot create
 * the first one.  If they are created separately, the second one follows.
 */
void
cmig_equivalents_unfold(CmigDifference *difference)
{
	for (int old = 1; old >= 0; old--)
	{
		List	   *pairs = find_pairs(difference, old);
		bool		again = pairs != NIL;

		foreach_ptr(IndexPair, pair, pairs)
			cmig_object_follow(pair->second, pair->first);
		/* an excluded index can be the first one of another pair */
		while (again)
		{
			again = false;
			foreach_ptr(const IndexPair, pair, pairs)
			{
				const CmigObject *first = pair->first;
				CmigObject *second = pair->second;

				if (second->unfolded || !(is_before(second, first) || first->unfolded ||
										  (first->kind->folds != NULL &&
										   !first->kind->folds(first))))
					continue;
				second->unfolded = again = true;
			}
		}
	}
}

/* Do two indexes or keys of a table have the same columns, in the same way? */
static bool
has_same_columns(const CmigObject *object, const CmigObject *other)
{
	const char *columns[2],
			   *rest;

	if (object->kind == &cmig_kind_index && other->kind == object->kind)
		return strcmp(cmig_index_method(object), cmig_index_method(other)) == 0;
	for (int i = 0; i < 2; i++)
	{
		const CmigObject *one = i == 0 ? object : other;

		columns[i] = one->kind == &cmig_kind_index ? strchr(cmig_index_method(one), '(') :
			cmig_constraint_columns(one, &rest);
	}
	return cmig_text_same(columns[0], columns[1]);
}

/*
 * Would ATTACH PARTITION take "other", which stays, for the index to which the
 * target attaches "object"?
 */
static bool
is_taken(const CmigDifference *difference, const CmigObject *other, const CmigObject *object,
		 bool old)
{
	const CmigObject *above = cmig_attached_parent(cmig_image_of(difference, old), object),
			   *others = cmig_attached_parent(cmig_image_of(difference, old), other);
	const bool	keys = cmig_index_name(other) != NULL && cmig_constraint_type(above) != '\0';

	if (other == object || cmig_index_name(other) == NULL || other->change->from == NULL ||
		other->change->to == NULL || cmig_change_makes(other->change, old) ||
		(keys && cmig_constraint_type(other) == '\0') ||
		(keys && CMIG_ATTACH_SAME_TYPE_COMPAT &&
		 cmig_constraint_type(other) != cmig_constraint_type(above)))
		return false;
	if (cmig_index_is_unique(other) != cmig_index_is_unique(object) ||
		!has_same_columns(other, object) ||
		(others != NULL && comes_first(difference, others, above, old)))
		return false;
	return object->change->from == NULL || cmig_change_makes(object->change, old) ||
		other->change->from->address.object < object->change->from->address.object;
}

/*
 * What ATTACH PARTITION would take instead of an index that the target attaches
 * is made again, so that it comes after that index.
 */
void
cmig_equivalents_renew(CmigDifference *difference)
{
	for (int i = 0; i < difference->from->count + difference->to->count; i++)
	{
		const bool	old = i < difference->from->count;
		const CmigObject *link = old ? difference->from->objects[i] :
		difference->to->objects[i - difference->from->count];

		if (link->kind != &cmig_kind_partition || !cmig_change_makes(link->change, old))
			continue;
		for (const CmigObject *child = link->parent->child; child != NULL; child = child->sibling)
			for (const CmigObject *other = cmig_attached_parent(cmig_image_of(difference, old), child) ?
				 link->parent->child : NULL; other != NULL; other = other->sibling)
				if (is_taken(difference, other, child, old))
				{
					other->change->action = CMIG_AGAIN;
					other->change->alter.ddl = NIL;
				}
	}
}

/*
 * Sort what each change also drops, so that the first index of a
 * pair is re-created first.
 */
void
cmig_equivalents_sort(const CmigDifference *difference)
{
	foreach_ptr(const IndexPair, pair, find_pairs(difference, true))
	{
		CmigChange *first = pair->first->change,
				   *second = pair->second->change;
		List	   *dropped = first->part_of ? first->part_of->also_drops : NIL;
		int			place = 0;

		while (place < list_length(dropped) && list_nth(dropped, place) != first &&
			   list_nth(dropped, place) != second)
			place++;
		if (list_member_ptr(dropped, first) && place < list_length(dropped) &&
			list_nth(dropped, place) == second)
			first->part_of->also_drops = list_insert_nth(list_delete_ptr(dropped, first), place,
														 first);
	}
}
