/*
 * match.c
 *	  What happens to each object of two images.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * The differences between two images, as a change for each object.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/* ----------------------------------------------------------------
 * Writes new columns as serial where possible.
 *
 * Without serial, each of these columns would need three statements: one for
 * the sequence, one for the column or its table, and one for OWNED BY.
 * ----------------------------------------------------------------
 */

/* A column type, the type of its sequence, and its pseudo-type. */
typedef struct SerialType
{
	const char *type;
	const char *sequence;		/* the sequence's property "type" */
	const char *serial;
} SerialType;

static const SerialType serial_types[] = {
	{"integer", "integer", "serial"},
	{"bigint", NULL, "bigserial"},
	{"smallint", "smallint", "smallserial"}
};

/* Returns the value of a property, or NULL. */
static const char *
value_of(const CmigObject *object, const char *property)
{
	for (int i = 0; i < object->kind->nproperties; i++)
		if (strcmp(object->kind->properties[i].name, property) == 0)
			return object->values[i];
	return NULL;
}

static const SerialType *
serial_type(const CmigObject *column)
{
	const char *type = value_of(column, "type");

	for (int i = 0; type != NULL && i < lengthof(serial_types); i++)
		if (strcmp(type, serial_types[i].type) == 0)
			return &serial_types[i];
	return NULL;
}

static const CmigObject *
child_of(const CmigObject *object, const CmigKind *kind)
{
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		if (child->kind == kind)
			return child;
	return NULL;
}

/*
 * Returns the name, qualified and quoted, that PostgreSQL chooses for the
 * sequence of a serial column.
 */
static char *
chosen_name(const CmigObject *column)
{
	const CmigObject *table = column->parent;
	int			schema = strlen(table->identity) - strlen(cmig_quote(table->name));

	return psprintf("%.*s%s", schema, table->identity,
					cmig_quote(makeObjectName(table->name, column->name, "seq")));
}

/*
 * Does the sequence lack a comment, and have the privileges of a new sequence?
 */
static bool
is_unannotated(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	CmigDiffOptions own = *options;

	/*
	 * ignore the owner, which is always the table's owner; ADD COLUMN creates
	 * the sequence as that owner
	 */
	own.owners = false;
	if (!column->folded)
		own.role = column->parent->owner;
	own.privileges = own.comments = true;
	return cmig_annotate_create(sequence, &own) == NIL;
}

/* Does the sequence have only the properties that serial would give it? */
static bool
is_plain(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	for (int i = 0; i < sequence->kind->nproperties; i++)
	{
		const char *name = sequence->kind->properties[i].name;
		const char *expected = strcmp(name, "type") == 0 ? serial_type(column)->sequence :
		strcmp(name, "persistence") == 0 ? value_of(column->parent, "persistence") : NULL;

		if ((sequence->kind->properties[i].flags & CMIG_PROPERTY_SILENT) == 0 &&
			!cmig_text_same(sequence->values[i], expected))
			return false;
	}
	return is_unannotated(sequence, column, options) && !sequence->foreign;
}

/*
 * Returns the column's sequence if serial would create the same sequence.
 * Otherwise returns NULL.
 */
static const CmigObject *
serial_sequence(const CmigObject *column, const CmigDiffOptions *options)
{
	const CmigObject *value = child_of(column, &cmig_kind_default);

	if (column->inherited || value == NULL || !value->folded || serial_type(column) == NULL ||
		value_of(column, "not null") == NULL || value_of(column, "of a typed table") != NULL)
		return NULL;
	for (int i = 0; i < value->ndepends; i++)
	{
		const CmigObject *sequence = value->depends[i];

		if (sequence->kind == &cmig_kind_sequence && is_plain(sequence, column, options) &&
			strcmp(sequence->identity, chosen_name(column)) == 0 &&
			strcmp(value->values[0], psprintf("nextval(%s::regclass)", cmig_literal(sequence->identity))) == 0)
			return sequence;
	}
	return NULL;
}

/*
 * Returns the change whose statement creates or drops the column (the table's
 * or the column's own), or NULL if there is none.
 */
static CmigChange *
change_of_column(CmigChange **changes, const CmigObject *column, CmigAction action)
{
	CmigChange *change = changes[column->index];

	if (column->folded)
		change = changes[column->parent->index];
	else if (change->host != NULL)
		return NULL;
	return change->action == action ? change : NULL;
}

/* Mark the columns of one image that can be written as serial. */
static void
mark_image(const CmigImage *image, CmigChange **changes, CmigAction action, const CmigDiffOptions *options)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind != &cmig_kind_column)
			continue;
		object->serial = NULL;
		if (object->parent->kind == &cmig_kind_table && object->parent->values[CMIG_TABLE_IS_PARTITION] == NULL)
		{
			CmigChange *change = change_of_column(changes, object, action);
			const CmigObject *sequence = change ? serial_sequence(object, options) : NULL;
			const CmigObject *owner = sequence ? child_of(sequence, &cmig_kind_sequence_owner) : NULL;

			/*
			 * if the column can be written as serial, and its sequence and
			 * the sequence's OWNED BY undergo the same change as the column,
			 * set the column's field "serial", and make the column's change
			 * the host of the other two changes
			 */
			if (owner == NULL || !cmig_text_same(cmig_sequence_owner_column(owner), object->identity) ||
				changes[sequence->index]->action != action || changes[owner->index]->action != action)
				continue;
			object->serial = serial_type(object)->serial;
			changes[sequence->index]->host = change;
			changes[owner->index]->host = change;
		}
	}
}

void
cmig_serial_mark(CmigDifference *difference)
{
	mark_image(difference->from, difference->of_from, CMIG_DROP, difference->options);
	mark_image(difference->to, difference->of_to, CMIG_CREATE, difference->options);
}

/* ----------------------------------------------------------------
 * Matches the objects in two images, and decides what happens to each.
 *
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.
 * ----------------------------------------------------------------
 */

/* Do the objects differ in a property that is compared? */
static bool
differs(const CmigObject *from, const CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if (!cmig_kind_same_value(&kind->properties[i], from->values[i], to->values[i]))
			return true;
	return false;
}

/* Does the object exist in only one of the images? */
static bool
is_single(const CmigDifference *difference, const CmigObject *object)
{
	return (cmig_image_lookup(difference->from, object->kind, object->identity) == NULL) !=
		(cmig_image_lookup(difference->to, object->kind, object->identity) == NULL);
}

/*
 * Returns true if the object is inherited, and is therefore created or dropped
 * together with the parent's object.
 */
static bool
follows_parent(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *parent = object->parent;

	if (!object->inherited || parent == NULL)
		return false;
	if (parent->kind == &cmig_kind_table &&
		!cmig_table_keeps_inheriting(difference->from, difference->to, object))
		return false;

	/*
	 * an object that belongs to an inherited column is created or dropped
	 * together with the column
	 */
	if (parent->inherited && is_single(difference, parent) && follows_parent(difference, parent))
		return true;

	/*
	 * a default does not follow the parent's default, because defaults of
	 * existing columns are changed table by table
	 */
	if (object->kind == &cmig_kind_default)
		return false;
	return cmig_image_lookup(difference->from, parent->kind, parent->identity) != NULL &&
		cmig_image_lookup(difference->to, parent->kind, parent->identity) != NULL;
}

/* Decide what to do about an object that is in both images. */
static void
compare_pair(CmigDifference *difference, CmigChange *change)
{
	CmigAlter	alter = {.from = change->from,.to = change->to};

	if (differs(change->from, change->to))
		cmig_object_alter(&alter);
	if (alter.unsupported != NULL)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = alter.unsupported;
		return;
	}
	if (alter.again && cmig_children_is_attached(change))
		return;
	if (alter.again)
	{
		change->action = CMIG_AGAIN;
		return;
	}
	change->disturbs = alter.disturbs;
	change->recasts = alter.recasts;
	change->late = alter.late;
	change->ddl = cmig_annotate_alter(change->from, change->to, difference->options);
	change->ddl = alter.late ? list_concat(change->ddl, alter.ddl) : list_concat(alter.ddl, change->ddl);
	change->ddl = list_concat(cmig_annotate_sequence_gone(change->from, change->to, difference->options), change->ddl);
	change->first = alter.first;
	change->last = alter.last;
	if (change->ddl != NIL || change->first != NIL || change->last != NIL || change->disturbs)
		change->action = CMIG_ALTER;
}

/*
 * Returns true for a column of a typed table that keeps its type.  Such a
 * column is added or dropped together with the type's attribute.
 */
static bool
follows_type(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *table = object->parent;

	if (object->kind != &cmig_kind_column || table->values[CMIG_TABLE_OF_TYPE] == NULL)
		return false;
	return cmig_image_lookup(difference->from, table->kind, table->identity) != NULL &&
		cmig_image_lookup(difference->to, table->kind, table->identity) != NULL &&
		cmig_table_keeps_type(cmig_image_lookup(difference->from, table->kind, table->identity),
							  cmig_image_lookup(difference->to, table->kind, table->identity));
}

/*
 * Returns the statements that complete an object that is created together with
 * another object: its owner, privileges, and comments, and for a column, the
 * properties in which it differs from the parent's column.
 */
static List *
completion(const CmigObject *object, const CmigDiffOptions *options)
{
	List	   *ddl = object->kind == &cmig_kind_column ? cmig_column_deviations(object) : NIL;

	return list_concat(ddl, cmig_annotate_create(object, options));
}

/*
 * For an object that is dropped together with another object, returns the
 * statements that reset what completion() sets.  The downgrade first
 * re-creates the object, and then runs their undo statements, which set it
 * again.
 */
static List *
removal(const CmigDifference *difference, const CmigObject *object)
{
	CmigDiffOptions options = *difference->options;
	List	   *ddl = NIL;
	ListCell   *cell;

	options.owners = options.privileges = options.comments = true;
	foreach(cell, completion(object, &options))
	{
		const CmigDdl *entry = lfirst(cell);

		ddl = lcons(linitial(cmig_ddl_append(NIL, entry->undo, entry->sql)), ddl);
	}
	return ddl;
}

/*
 * Returns true for an index that is created, along with its comment, by the
 * statements for the partitioned table's index.
 */
static bool
is_created_with_partial(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const CmigObject *parent = object->kind != &cmig_kind_index ? NULL :
	cmig_children_parent(change->to ? difference->to : difference->from, object);

	return parent != NULL && cmig_index_is_partial(parent);
}

/*
 * Returns true for a constraint that is created or dropped together with a
 * parent table's NOT VALID constraint, after the table itself.
 */
static bool
is_added_later(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (!cmig_children_added_later(change->to ? difference->to : difference->from, object))
		return false;
	return cmig_table_keeps_inheriting(difference->from, difference->to, object);
}

/* Has dropping the object or one of its parents been refused? */
static bool
is_refused(const CmigDifference *difference, const CmigObject *object)
{
	for (; object != NULL; object = object->parent)
	{
		const CmigChange *change = difference->of_from[object->index];

		if (change != NULL && change->action == CMIG_UNSUPPORTED && change->to == NULL)
			return true;
	}
	return false;
}

/*
 * Is the object a privilege, and do the options exclude privileges from the
 * comparison?
 */
static bool
is_ignored(const CmigDifference *difference, const CmigObject *object)
{
	return !difference->options->privileges &&
		(object->kind == &cmig_kind_default_privileges || object->kind == &cmig_kind_member_privilege);
}

/* Add a change for an object, and decide what to do about it. */
static void
add_change(CmigDifference *difference, CmigObject *from, CmigObject *to)
{
	CmigChange *change = &difference->changes[difference->count++];

	change->from = from;
	change->to = to;
	if (from != NULL)
		difference->of_from[from->index] = change;
	if (to != NULL)
		difference->of_to[to->index] = change;
	if (from != NULL && to != NULL && difference->options->models)
	{
		const CmigKind *kind = to->kind;

		/*
		 * copy from "from" to "to" the properties that ORMs cannot define and
		 * that have their default values in "to"
		 */
		for (int i = 0; i < kind->nproperties; i++)
			if ((kind->properties[i].flags & CMIG_PROPERTY_NO_MODEL) != 0 && to->values[i] == NULL)
				cmig_object_set(to, i, from->values[i]);
	}
	if (from != NULL && to != NULL && !difference->options->owners && to->kind == &cmig_kind_table)
		to->owner = from->owner;
	if (is_ignored(difference, from ? from : to))
		return;
	if (from != NULL && to != NULL)
		compare_pair(difference, change);
	else if (to == NULL && difference->options->models && is_refused(difference, from->parent))
		return;
	else if (to == NULL && difference->options->models && cmig_keep_missing(from, difference->to))
	{
		const CmigObject *missing = cmig_keep_missing(from, difference->to);

		/*
		 * Refuse to drop an object that ORMs cannot define.  It depends on
		 * "missing", an object that the target lacks.  The user must decide
		 * whether to drop the object.
		 */
		change->action = CMIG_UNSUPPORTED;
		change->reason = psprintf("the target lacks %s %s, on which it depends", missing->kind->name, missing->identity);
	}
	else
	{
		const CmigObject *object = change->to ? change->to : change->from;

		/* decide what to do about an object that exists in only one image */
		if (object->kind == &cmig_kind_other)
		{
			change->action = CMIG_UNSUPPORTED;
			change->reason = change->to ? "it is missing; objects of this kind are not compared yet" :
				"it is not in the target; objects of this kind are not compared yet";
		}
		else if (is_created_with_partial(difference, change))
			change->action = CMIG_NO_CHANGE;
		else if (follows_type(difference, object) || follows_parent(difference, object) ||
				 is_added_later(difference, change))
		{
			change->ddl = change->to != NULL ? completion(object, difference->options) : removal(difference, object);
			change->action = change->ddl != NIL ? CMIG_ALTER : CMIG_NO_CHANGE;
		}
		else
			change->action = change->to ? CMIG_CREATE : CMIG_DROP;
	}
}

/*
 * Returns true if a partition stays attached to the same table, but its index
 * is attached to another index in the new image.  The partition's index is
 * then dropped with the old parent index, and created with the new one.
 */
static bool
is_moved(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const char *old = cmig_index_parent(from),
			   *new = cmig_index_parent(to);
	const CmigObject *link = cmig_image_lookup(difference->from, &cmig_kind_partition, from->parent->identity),
			   *other = cmig_image_lookup(difference->to, &cmig_kind_partition, to->parent->identity);

	return old != NULL && new != NULL && strcmp(old, new) != 0 &&
		link != NULL && other != NULL && !differs(link, other);
}

/*
 * Returns true if the parent index of a partition's index belongs to different
 * tables in the two images, and one of the two parent indexes exists in only
 * some of the partitions.  DROP INDEX for such a parent index also drops the
 * partition's index, and the statements that create the parent index also
 * create the partition's index.
 */
static bool
moves_with_partial(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *link = cmig_image_lookup(difference->from, &cmig_kind_partition, from->parent->identity),
			   *other = cmig_image_lookup(difference->to, &cmig_kind_partition, to->parent->identity),
			   *old,
			   *new;

	if (link == NULL || other == NULL || strcmp(link->values[CMIG_PARTITION_OF], other->values[CMIG_PARTITION_OF]) == 0)
		return false;
	old = cmig_children_parent(difference->from, from);
	new = cmig_children_parent(difference->to, to);
	return old != NULL && new != NULL && (cmig_index_is_partial(old) || cmig_index_is_partial(new));
}

/* Returns true if ALTER cannot change the old object into the new one. */
static bool
is_renewed(const CmigObject *from, const CmigObject *to)
{
	CmigAlter	alter = {.from = from,.to = to};

	if (!differs(from, to))
		return false;
	cmig_object_alter(&alter);
	return alter.again;
}

/*
 * Returns true if an index or constraint must be dropped and created along
 * with the parent table's index or constraint.  This is the case if it is
 * attached to a different index.  It is also the case if it is inherited in
 * only one image, and the other image lacks the parent table's object or
 * requires that this parent object be re-created.
 */
static bool
is_of_gone_parent(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *parent,
			   *other;

	if (from->kind != &cmig_kind_index && from->kind != &cmig_kind_constraint)
		return false;
	if (from->inherited && to->inherited)
		return is_moved(difference, from, to) || moves_with_partial(difference, from, to);
	if (from->inherited == to->inherited)
		return false;
	parent = from->inherited ? cmig_children_parent(difference->from, from) : cmig_children_parent(difference->to, to);
	if (parent == NULL)
		return false;
	other = cmig_image_lookup(from->inherited ? difference->to : difference->from, parent->kind, parent->identity);
	return other == NULL || (from->inherited ? is_renewed(parent, other) : is_renewed(other, parent));
}

void
cmig_match_objects(CmigDifference *difference)
{
	const CmigImage *from = difference->from,
			   *to = difference->to;
	int			i = 0,
				j = 0;

	while (i < from->count || j < to->count)
	{
		int			order = i == from->count ? 1 : j == to->count ? -1 :
		cmig_object_compare(from->objects[i], to->objects[j]);
		bool		apart;

		/*
		 * objects with different parents do not match, for example a column
		 * of a view and a column of a materialized view
		 */
		apart = order == 0 && is_of_gone_parent(difference, from->objects[i], to->objects[j]);
		apart |= order == 0 && from->objects[i]->parent != NULL && to->objects[j]->parent != NULL &&
			difference->of_from[from->objects[i]->parent->index] !=
			difference->of_to[to->objects[j]->parent->index];
		add_change(difference, order <= 0 ? from->objects[i] : NULL,
				   order >= 0 && !apart ? to->objects[j] : NULL);
		if (apart)
			add_change(difference, NULL, to->objects[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/*
 * If the changed index stays attached to a parent index, returns the change of
 * the parent index.  Otherwise returns NULL.
 */
static CmigChange *
attached_parent(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition, change->to->parent->identity);
	const CmigObject *parent = cmig_index_parent(change->to) ? cmig_children_parent(difference->to, change->to) : NULL;

	if (link == NULL || difference->of_to[link->index]->action != CMIG_NO_CHANGE || parent == NULL)
		return NULL;
	return difference->of_to[parent->index];
}

/*
 * An attached index can be re-created only together with the partitioned
 * table's index.  The sort orders of the two may differ, because PostgreSQL
 * ignores the sort order when it attaches an index.
 */
void
cmig_match_attached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		CmigChange *parent;

		if (!cmig_children_is_attached(change) || cmig_index_parent(change->from) == NULL ||
			!is_renewed(change->from, change->to))
			continue;
		while ((parent = attached_parent(difference, change)) != NULL && parent->from != NULL)
		{
			if (!cmig_children_is_attached(parent))
			{
				parent->action = CMIG_AGAIN;
				parent->ddl = NIL;
			}
			change = parent;
		}
	}
}

void
cmig_match_detached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		bool		moves = change->from == NULL || change->to == NULL;

		/*
		 * set the field "alone" of a partition's attachment to its table, if
		 * the other image lacks this attachment
		 */
		if ((change->to ? change->to : change->from)->kind == &cmig_kind_partition)
		{
			if (!moves)
				moves = strcmp(change->from->values[CMIG_PARTITION_OF], change->to->values[CMIG_PARTITION_OF]) != 0;
			if (change->from != NULL)
				change->from->alone = moves;
			if (change->to != NULL)
				change->to->alone = moves;
		}
	}
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		CmigObject *object = change->to ? change->to : change->from;
		const CmigImage *image = change->to ? difference->to : difference->from;
		CmigObject *link;
		CmigChange *link_change;

		if (!object->inherited || object->alone || object->parent == NULL ||
			object->parent->kind != &cmig_kind_table)
			continue;
		if ((change->from == NULL || change->to == NULL) &&
			change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER)
			continue;
		if (is_created_with_partial(difference, change))
			continue;
		link = cmig_image_lookup(image, &cmig_kind_partition, object->parent->identity);
		if (link == NULL)
			continue;
		link_change = change->to ? difference->of_to[link->index] : difference->of_from[link->index];
		if (link_change->action == CMIG_NO_CHANGE)
			continue;
		if (change->from == NULL || change->to == NULL)
		{
			change->action = change->to ? CMIG_CREATE : CMIG_DROP;
			change->ddl = NIL;
		}
		else if (change->action != CMIG_AGAIN)
		{
			change->from->alone = change->to->alone = true;
			compare_pair(difference, change);
		}
	}
}
