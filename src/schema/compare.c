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

#include "schema/internal.h"

/*
 * Re-create the indexes that were created with ON ONLY on a partitioned table,
 * because otherwise ATTACH PARTITION would also create them in the partition.
 * "link" is the changed attachment of a partition to this table.
 */
static void
renew_only_indexes(CmigDifference *difference, const CmigObject *link)
{
	const CmigObject *table = cmig_image_lookup(difference->to, &cmig_kind_table, link->values[CMIG_PARTITION_OF]);

	for (const CmigObject *child = table ? table->child : NULL; child != NULL; child = child->sibling)
	{
		CmigChange *change = child->change;

		if (child->kind == &cmig_kind_index && (change->action == CMIG_NO_CHANGE || change->action == CMIG_ALTER) &&
			change->from != NULL && strstr(child->values[CMIG_DEFINITION], " ON ONLY ") != NULL)
		{
			change->action = CMIG_AGAIN;
			change->alter.ddl = NIL;
		}
	}
}

/*
 * Returns the partitioned tables that are referenced by foreign keys which the
 * change keeps.
 */
static List *
find_referenced(const CmigDifference *difference)
{
	List	   *tables = NIL;

	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *key = difference->from->objects[i];

		if (key->kind != &cmig_kind_foreign_key || difference->from->objects[i]->change->action == CMIG_DROP)
			continue;
		for (int j = 0; j < key->ndepends; j++)
		{
			CmigObject *table = cmig_object_root(key->depends[j]);

			if (table->kind == &cmig_kind_table && table != key->parent && table->values[CMIG_TABLE_PARTITION_KEY] != NULL)
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
		CmigObject *table = cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]);

		if (table != NULL && list_member_ptr(tables, table))
			return true;
		link = cmig_image_lookup(image, &cmig_kind_partition, link->values[CMIG_PARTITION_OF]);
	}
	return false;
}

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
 * Does the text contain the label, other than as a part of a longer word?  The
 * label can be part of a literal, such as of an array.
 */
static bool
has_label(const char *text, const char *label)
{
	for (const char *found = text; (found = strstr(found, label)) != NULL; found++)
	{
		const char *end = found + strlen(label);

		if (!(found > text && cmig_is_word(found[-1]) && cmig_is_word(found[0])) &&
			!(end > found && cmig_is_word(end[-1]) && cmig_is_word(*end)))
			return true;
		if (end == found)
			break;
	}
	return false;
}

/*
 * Does the object use this label of the enum "type"?  A new label cannot be
 * used in the transaction that adds it.
 */
static bool
uses_label(const CmigObject *object, const CmigObject *type, const char *label)
{
	bool		found = false;

	for (int i = 0; i < object->kind->nproperties; i++)
	{
		const char *value = object->values[i];

		if (value == NULL || !has_label(value, label))
			continue;
		if (strstr(value, type->identity) != NULL)
			return true;
		found = true;
	}
	if (!found || object->kind == &cmig_kind_function || contains_type(object, type, 0))
		return found;
	/* the bounds of a partition have the types of its columns */
	for (const CmigObject *child = object->kind == &cmig_kind_partition ? object->parent->child : NULL;
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

static void leave_out(CmigDifference *difference, const CmigObject *object, const CmigObject *whole);

void
cmig_compare_refuse(CmigDifference *difference, CmigChange *change, char *reason)
{
	cmig_change_refuse(change, reason);
	change->to->apart = true;
	if (change->from == NULL)
		leave_out(difference, change->to, change->to);
}

/*
 * An object is not created, because "whole", the object itself or an ancestor,
 * is not.  Leave out its parts, and mark the changes that depend on it.
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

		if (change->to == NULL || change->action == CMIG_NO_CHANGE || change->action == CMIG_UNSUPPORTED)
			continue;
		for (int j = 0; j < change->to->ndepends && change->action != CMIG_UNSUPPORTED; j++)
			if (change->to->depends[j] == object)
				cmig_compare_refuse(difference, change, psprintf("it depends on %s %s, which is not created", whole->kind->name, whole->identity));
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

		if (type->action != CMIG_UNSUPPORTED || type->to == NULL || type->from->kind != &cmig_kind_enum || type->to->kind != &cmig_kind_enum)
			continue;
		foreach_ptr(char, name, cmig_enum_new(type->from, type->to))
			for (int j = 0; j < difference->count; j++)
		{
			CmigChange *change = &difference->changes[j];

			if (change->to != NULL && change->to != type->to && change->action != CMIG_NO_CHANGE &&
				change->action != CMIG_UNSUPPORTED && uses_label(change->to, type->to, name))
				cmig_compare_refuse(difference, change, psprintf("it uses the new value '%s' of enum %s; add the value in an earlier revision",
																 name, type->to->identity));
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

CmigDifference *
cmig_compare(CmigImage *from, CmigImage *to, const CmigDiffOptions *options)
{
	CmigDifference *difference = palloc0(sizeof(CmigDifference));
	const List *referenced;

	if (options->models)
		cmig_keep_unknown(from, to);
	difference->from = from;
	difference->to = to;
	difference->options = options;
	difference->changes = MemoryContextAllocHuge(CurrentMemoryContext,
												 sizeof(CmigChange) * Max(from->count + to->count, 1));
	memset(difference->changes, 0, sizeof(CmigChange) * (from->count + to->count));
	for (int i = 0; i < from->count; i++)
		from->objects[i]->change = NULL;
	for (int i = 0; i < to->count; i++)
		to->objects[i]->change = NULL;
	cmig_colocation_settle(from, to);
	cmig_match_objects(difference);
	cmig_colocation_renew_keys(difference);
	cmig_match_attached(difference);
	cmig_foreign_refuse(difference);
	cmig_family_exclude(difference);
	decide_late(difference);
	cmig_match_detached(difference);
	for (int i = 0; i < difference->count; i++)
		difference->changes[i].differs = difference->changes[i].action != CMIG_NO_CHANGE;
	cmig_propagate(difference);
	refuse_labels(difference);
	cmig_match_detached(difference);
	cmig_children_keep(difference);
	/* Re-create indexes that attaching or detaching partitions would change */
	for (int j = 0; j < difference->count; j++)
	{
		const CmigChange *change = &difference->changes[j];
		const CmigObject *link = change->to ? change->to : change->from;

		if (link->kind == &cmig_kind_partition && change->action != CMIG_NO_CHANGE)
			renew_only_indexes(difference, link);
	}
	cmig_attached_settle(difference);

	/*
	 * Set the field "apart" of a partitioned table's index if some or all
	 * partitions lack the index.  If such an index is dropped, it is dropped
	 * before the partitions are detached, and a downgrade re-creates it after
	 * they are attached again.  Also set it for the partitions of tables that
	 * a foreign key references.  PostgreSQL drops such a partition only after
	 * it is detached.
	 */
	referenced = find_referenced(difference);
	for (int k = 0; k < difference->from->count; k++)
	{
		CmigObject *object = difference->from->objects[k];

		if (object->kind == &cmig_kind_index &&
			(cmig_index_is_partial(object) || strstr(object->values[CMIG_DEFINITION], " ON ONLY ") != NULL))
			object->apart = true;
		if (object->kind == &cmig_kind_partition && referenced != NIL && is_below(difference->from, object, referenced))
			object->apart = true;
	}
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].away != NULL)
			cmig_replace_finish(&difference->changes[i]);
	keep_annotations(difference);
	cmig_populate_check(difference);
	cmig_twins_unfold(difference);
	cmig_host_find(difference);
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].irreversible != NULL && difference->changes[i].host != NULL)
			difference->changes[i].host->irreversible = difference->changes[i].irreversible;
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
		if (change->action == CMIG_CREATE && change->host == NULL && change->to->kind == &cmig_kind_column)
			next = change->to->sibling;
		while (next != NULL && (next->kind != &cmig_kind_column || next->address.sub <= change->to->address.sub ||
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
