/*
 * compare.c
 *	  The changes between two images.
 *
 * The result has a change for each object, even if the object does not change.
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.  If an object is dropped, or altered in a way that its dependents do
 * not survive, its dependents are dropped first and re-created afterwards.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "schema/internal.h"

/*
 * Enum labels
 */

/* The maximum depth of nested types in which an enum is searched. */
#define MAX_NESTING 16

/*
 * Does the object depend on the enum "type", or on a domain, range, or
 * composite type that contains it?
 */
static bool
contains_type(const CmigObject *object, const CmigObject *type, int depth)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (on == type)
			return true;
		if (!(on->kind->flags & CMIG_KIND_TYPE) || depth >= MAX_NESTING)
			continue;
		if (contains_type(on, type, depth + 1))
			return true;
		for (const CmigObject *child = on->child; child != NULL; child = child->sibling)
			if (contains_type(child, type, depth + 1))
				return true;
	}
	return false;
}

/*
 * Does the object use this label of the enum "type", which can be part of a
 * literal, such as of an array?  A new label cannot be used in the transaction
 * that adds it.
 */
static bool
uses_label(const CmigObject *object, const CmigObject *type, const char *label)
{
	bool		found = false;

	for (int i = 0; i < object->kind->nproperties; i++)
	{
		const char *value = object->values[i];

		if (value == NULL || !cmig_text_has_word(value, label))
			continue;
		if (cmig_text_has_word(value, type->identity))
			return true;
		found = true;
	}
	if (!found || object->kind == &cmig_kind_function || contains_type(object, type, 0))
		return found;
	/* the bounds of a partition have the types of its columns */
	for (const CmigObject *child = object->kind == &cmig_kind_partition ? object->parent->child :
		 NULL;
		 child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && contains_type(child, type, 0))
			return true;
	return false;
}

/* Does any created or changed object use the label? */
static bool
is_label_used(const CmigDifference *difference, const CmigObject *type, const char *label)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (change->to != NULL && change->to != type && change->action != CMIG_NO_CHANGE &&
			uses_label(change->to, type, label))
			return true;
	}
	return false;
}

/*
 * Decide how enum labels are added.  If an enum's new labels cannot be added
 * after all other changes, the enum is replaced.  This is the case if
 * something uses the labels, or if the options do not allow late changes.
 */
static void
decide_late(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (!change->alter.late)
			continue;
		foreach_ptr(char, name, cmig_enum_added(change->from, change->to))
		{
			if (!difference->options->no_late && !is_label_used(difference, change->to, name))
				continue;
			change->alter.late = false;
			change->action = CMIG_AGAIN;
			change->alter.ddl = NIL;
			break;
		}
	}
}

static void leave_out(CmigDifference *difference, const CmigObject *object,
					  const CmigObject *whole);

void
cmig_compare_refuse(CmigDifference *difference, CmigChange *change, char *reason)
{
	if (change->from == NULL)
	{
		cmig_change_refuse(change, reason);
		change->to->separate = true;
		leave_out(difference, change->to, change->to);
	}
	/* a table can get other columns, even if it is not changed itself */
	else if (cmig_table_is(change->from) && change->action != CMIG_DROP &&
			 change->action != CMIG_AGAIN)
		cmig_change_refuse(change, reason);
	else
		cmig_change_keep(change, reason);
}

/*
 * An object is not created, because "whole", the object itself or an ancestor,
 * is not.  Leave out its parts and what is created together with it, such as the
 * columns that inherit it, and mark the changes that depend on these.
 */
static void
leave_out(CmigDifference *difference, const CmigObject *object, const CmigObject *whole)
{
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
	{
		child->change->action = CMIG_NO_CHANGE;
		leave_out(difference, child, whole);
	}
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		bool		together = change->action == CMIG_NO_CHANGE && change->from == NULL &&
		change->to->parent != NULL && change->to->parent->change->from != NULL;

		if (change->to == NULL || (cmig_change_stays(change) && !together))
			continue;
		for (int j = 0; j < change->to->ndepends && change->action != CMIG_UNSUPPORTED; j++)
		{
			if (change->to->depends[j] != object)
				continue;
			if (together)
				leave_out(difference, change->to, whole);
			else
				cmig_compare_refuse(difference, change,
									psprintf("it depends on %s, which is not created",
											 cmig_object_title(whole)));
		}
	}
}

/*
 * Some enums cannot be replaced, and keep their labels.  Mark the changes that
 * use a label which is therefore missing.
 */
static void
refuse_labels(CmigDifference *difference)
{
	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigChange *type = difference->from->objects[i]->change;

		if (type->action != CMIG_UNSUPPORTED || type->to == NULL ||
			type->from->kind != &cmig_kind_enum || type->to->kind != &cmig_kind_enum)
			continue;
		foreach_ptr(char, name, cmig_enum_new(type->from, type->to))
		{
			for (int j = 0; j < difference->count; j++)
			{
				CmigChange *change = &difference->changes[j];

				if (change->to != NULL && change->to != type->to &&
					change->action != CMIG_NO_CHANGE &&
					change->action != CMIG_UNSUPPORTED && uses_label(change->to, type->to, name))
					cmig_compare_refuse(difference, change,
										psprintf("it uses the new value '%s' of enum %s; add the value in an earlier revision",
												 name, type->to->identity));
			}
		}
	}
}

/*
 * For re-created objects, keep the old owner, privileges, or comments if the
 * options exclude them from the comparison.
 */
static void
keep_annotations(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->action != CMIG_AGAIN)
			continue;
		cmig_annotate_keep(change->from, change->to, difference->options);
		change->to->keeps = true;

		if (change->to->kind != &cmig_kind_materialized_view)
			continue;

		/*
		 * OWNER TO would fail, and REFRESH would then run the view's code as
		 * the caller, so leave the view empty; pg_dump -s writes WITH NO DATA
		 * for all materialized views
		 */
		if (change->from->unownable)
			cmig_object_set(change->to, CMIG_VIEW_EMPTY, "t");
		else if (change->from->values[CMIG_VIEW_EMPTY] == NULL)
			cmig_object_set(change->to, CMIG_VIEW_EMPTY, NULL);
	}
}

/*
 * Passes
 */

/* Decide what happens to each object, as far as the two versions say. */
static void
match(CmigDifference *difference)
{
	cmig_match_objects(difference);
	cmig_colocation_renew_keys(difference);
	cmig_match_attached(difference);
}

/* Mark the changes that an obstacle prevents, and those that these prevent. */
static void
refuse_obstacles(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		const CmigObject *object = change->to != NULL ? change->to :
		change->from->parent != NULL ? change->from->parent->change->to : NULL;

		if (change->from != NULL && change->from->obstacle != NULL)
			object = change->from;
		else if (change->action == CMIG_NO_CHANGE)
			continue;
		/* the change of the whole object reports the obstacle */
		while (object != NULL && object->obstacle == NULL)
			object = object->parent;
		if (object == NULL)
			continue;
		cmig_compare_refuse(difference, change, unconstify(char *, object->obstacle));
		if (object != change->from &&
			(object != change->to || (object->parent != NULL && object->parent->obstacle != NULL)))
			change->action = CMIG_NO_CHANGE;
	}
}

static void
refuse(CmigDifference *difference)
{
	cmig_foreign_refuse(difference);
	cmig_family_exclude(difference);
	refuse_obstacles(difference);
}

static void
propagate(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		change->differs = change->action != CMIG_NO_CHANGE;
		if (change->alter.late)
			change->irreversible = change->from->lasting;
	}
	cmig_propagate(difference);
	refuse_labels(difference);
}

/*
 * Returns the partitioned tables that are referenced by foreign keys which the
 * change keeps.
 */
static List *
find_referenced(const CmigImage *image)
{
	List	   *tables = NIL;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *key = image->objects[i];

		if (key->kind != &cmig_kind_foreign_key || key->change->action == CMIG_DROP ||
			key->change->action == CMIG_CREATE)
			continue;
		for (int j = 0; j < key->ndepends; j++)
		{
			CmigObject *table = cmig_object_root(key->depends[j]);

			if (table->kind == &cmig_kind_table && table->values[CMIG_TABLE_PARTITION_KEY] != NULL)
				tables = list_append_unique_ptr(tables, table);
		}
	}
	return tables;
}

/* Is the partition below one of these partitioned tables? */
static bool
is_below(const CmigImage *image, const CmigObject *link, const List *tables)
{
	while (link != NULL)
	{
		CmigObject *table = cmig_image_lookup(image, &cmig_kind_table,
											  link->values[CMIG_PARTITION_OF]);

		if (table != NULL && list_member_ptr(tables, table))
			return true;
		link = cmig_image_lookup(image, &cmig_kind_partition, link->values[CMIG_PARTITION_OF]);
	}
	return false;
}

/*
 * PostgreSQL drops a partition of a table that a foreign key references only
 * after it is detached; a statement that fails cannot be completed.
 */
static void
separate_partitions(const CmigImage *image)
{
	const List *referenced = find_referenced(image);

	for (int i = 0; i < image->count && referenced != NIL; i++)
		if (image->objects[i]->kind == &cmig_kind_partition &&
			is_below(image, image->objects[i], referenced))
			image->objects[i]->separate = true;
}

static void
unfold(CmigDifference *difference)
{
	separate_partitions(difference->from);
	/* the downgrade drops those that are new */
	separate_partitions(difference->to);
	cmig_equivalents_unfold(difference);
}

static void
settle_values(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].away != NULL)
			cmig_replace_finish(&difference->changes[i]);
	keep_annotations(difference);
	cmig_populate_check(difference);
}

static void
find_hosts(CmigDifference *difference)
{
	cmig_parts_find(difference);
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].irreversible != NULL && difference->changes[i].part_of != NULL)
			difference->changes[i].part_of->irreversible = difference->changes[i].irreversible;
}

/* What a pass may change. */
#define ACTIONS	0x01			/* actions, and the statements that alter */
#define NOTES	0x02			/* other fields of changes, except for PARTS */
#define PARTS	0x04			/* "part_of", "also_drops"; "folded" of
								 * objects */
#define MARKS	0x08			/* other flags of objects */
#define VALUES	0x10			/* properties and annotations of objects */

/*
 * The passes, in order.  Each one assumes what the comment says, and changes
 * nothing but what its flags say, which an assertion checks.
 */
static const struct
{
	void		(*run) (CmigDifference *difference);
	int			changes;
}			passes[] = {

	/* The images are sorted, and there are no changes yet. */
	{match, ACTIONS | NOTES | PARTS | MARKS | VALUES},
	/* Each object has a change, which follows only from its two versions. */
	{refuse, ACTIONS | MARKS},
	/* What is created or changed is known, except for dependents. */
	{decide_late, ACTIONS},
	/* What happens to partitions is known, except for dependents. */
	{cmig_match_detached, ACTIONS | MARKS},
	/* Only dependents are missing.  From here on, only they get a change. */
	{propagate, ACTIONS | NOTES | MARKS | VALUES},
	/* Partitions that dependents made to be detached are known, too. */
	{cmig_match_detached, ACTIONS | MARKS},
	/* No object gets another action, other than through its parent table. */
	{cmig_children_keep, ACTIONS | NOTES | MARKS},
	/* All actions are known.  What cannot be part of another statement? */
	{unfold, MARKS},
	/* The new objects get what the old ones keep. */
	{settle_values, NOTES | VALUES},
	/* Actions, marks, and values are final. */
	{find_hosts, NOTES | PARTS}
};

#ifdef USE_ASSERT_CHECKING

static uint32
add_text(uint32 hash, const char *text)
{
	return hash_combine(hash, text ? hash_bytes((const unsigned char *) text, strlen(text)) : 0);
}

/* Returns a hash of what one of the flags above stands for. */
static uint32
state_of(const CmigDifference *difference, int flag)
{
	uint32		hash = 0;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *objects[] = {change->from, change->to};

		if (flag == ACTIONS)
			hash = hash_combine(hash,
								change->action * 16 + list_length(change->alter.ddl) +
								list_length(change->alter.first) +
								list_length(change->alter.last));
		else if (flag == NOTES)
			hash = hash_combine(add_text(hash, change->irreversible),
								change->differs + 2 * change->only + 4 * change->untyped +
								8 * change->swaps_type +
								16 * change->empties + 32 * (change->away != NULL));
		else if (flag == PARTS)
			hash = hash_combine(hash,
								(change->part_of != NULL) + 2 * (change->dropped_by != NULL) +
								4 * change->undone_with_type +
								8 * list_length(change->also_drops));
		for (int j = 0; j < lengthof(objects); j++)
		{
			const CmigObject *object = objects[j];

			if (object != NULL && flag == PARTS)
				hash = hash_combine(hash, object->folded);
			else if (object != NULL && flag == MARKS)
				hash = hash_combine(hash,
									object->alone + 2 * object->separate + 4 * object->unfolded +
									8 * object->recurses + 16 * object->unchecked);
			for (int p = 0; object != NULL && flag == VALUES && p < object->kind->nproperties; p++)
				hash = add_text(hash, object->values[p]);
			if (object != NULL && flag == VALUES)
				hash = add_text(add_text(hash, object->owner), object->comment);
		}
	}
	return hash;
}

#endif

static void
run_passes(CmigDifference *difference)
{
	for (int i = 0; i < lengthof(passes); i++)
	{
#ifdef USE_ASSERT_CHECKING
		uint32		before[5];

		for (int flag = 0; flag < lengthof(before); flag++)
			before[flag] = state_of(difference, 1 << flag);
#endif
		passes[i].run(difference);
#ifdef USE_ASSERT_CHECKING
		for (int flag = 0; flag < lengthof(before); flag++)
			Assert((passes[i].changes & 1 << flag) != 0 ||
				   before[flag] == state_of(difference, 1 << flag));
#endif
	}
}

CmigDifference *
cmig_compare(CmigImage *from, CmigImage *to, const CmigDiffOptions *options)
{
	CmigDifference *difference = palloc0(sizeof(CmigDifference));

	if (options->models)
		cmig_keep_unknown(from, to);
	difference->from = from;
	difference->to = to;
	difference->options = options;
	difference->changes = MemoryContextAllocExtended(CurrentMemoryContext,
													 sizeof(CmigChange) * ((Size) from->count +
																		   to->count + 1),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < from->count; i++)
		from->objects[i]->change = NULL;
	for (int i = 0; i < to->count; i++)
		to->objects[i]->change = NULL;
	cmig_colocation_settle(from, to);
	run_passes(difference);
	return difference;
}

/* ----------------------------------------------------------------
 * Finds new columns whose position will differ from the target.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/* The maximum number of columns that the NOTICE names. */
#define MAX_NAMED 10

void
cmig_column_order_tell(const CmigDifference *difference)
{
	StringInfoData list;
	int			count = 0;

	initStringInfo(&list);
	for (int i = 0; i < difference->count && !difference->options->models; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *next = NULL;

		/* is the column new, but followed by an existing one in the target? */
		if (change->action == CMIG_CREATE && change->part_of == NULL &&
			change->to->kind == &cmig_kind_column)
			next = change->to->sibling;
		while (next != NULL &&
			   (next->kind != &cmig_kind_column || next->address.sub <= change->to->address.sub ||
				next->change->from == NULL))
			next = next->sibling;
		if (next != NULL && count++ < MAX_NAMED)
			appendStringInfo(&list, "%s%s", count > 1 ? "\n" : "", change->to->identity);
	}
	if (count > MAX_NAMED)
		appendStringInfo(&list, "\nand %d more", count - MAX_NAMED);
	if (count > 0)
		ereport(NOTICE,
				(errmsg("new columns are added at the end of the table, not at their position in the target"),
				 errdetail_internal("%s", list.data)));
}
