/*
 * keep.c
 *	  Keeps objects that the target lacks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "compare/keep.h"
#include "kinds/kind_partition.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

/* The state of copying objects from one image to another. */
typedef struct Keep
{
	const CmigImage *from;
	CmigImage  *to;
	CmigObject **copies;		/* indexed like from->objects: the object in
								 * "to", or NULL */
	bool	   *kept;			/* indexed like from->objects: true if the
								 * object is kept */
} Keep;

/*
 * Returns the target's object with the same kind and identity as "object", or
 * NULL.
 */
static CmigObject *
counterpart(const CmigImage *to, const CmigObject *object)
{
	return cmig_image_lookup(to, object->kind, object->identity);
}

/* Does the target contain the object, or is the object kept? */
static bool
remains(const Keep *keep, const CmigObject *object)
{
	return keep->copies[object->index] != NULL || keep->kept[object->index];
}

/* Do the object's parent and all objects on which it depends remain? */
static bool
can_stay(const Keep *keep, const CmigObject *object)
{
	if (object->parent != NULL && !remains(keep, object->parent))
		return false;
	for (int i = 0; i < object->ndepends; i++)
		if (!remains(keep, object->depends[i]))
			return false;
	return true;
}

/* Returns true for an index that cmig.enable_rls created. */
static bool
is_rls_index(const CmigObject *object)
{
	return object->kind == &cmig_kind_index && object->comment != NULL &&
		strstr(object->comment, "[cmig.enable_rls index]") != NULL;
}

/*
 * A CmigKeepCandidate: returns true for an index that cmig.enable_rls created,
 * for an object that ORMs cannot define, and for an object that belongs to
 * such an object.
 */
static bool
is_unknown(const CmigObject *object, void *arg)
{
	if (is_rls_index(object))
		return true;
	for (; object != NULL; object = object->parent)
		if ((object->kind->flags & CMIG_KIND_MODEL) == 0)
			return object->kind != &cmig_kind_other;
	return false;
}

/*
 * Decide which objects are kept: all candidates except those that cannot stay.
 */
static void
decide(Keep *keep, CmigKeepCandidate is_candidate, void *arg)
{
	bool		changed = true;

	for (int i = 0; i < keep->from->count; i++)
	{
		keep->copies[i] = counterpart(keep->to, keep->from->objects[i]);
		keep->kept[i] = keep->copies[i] == NULL && is_candidate(keep->from->objects[i], arg);
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < keep->from->count; i++)
		{
			if (!keep->kept[i] || can_stay(keep, keep->from->objects[i]))
				continue;
			keep->kept[i] = false;
			changed = true;
		}
	}
}

/* Returns a copy of the object that has no parent, children, or siblings. */
static CmigObject *
copy(const CmigObject *object)
{
	CmigObject *result = cmig_object_copy(object);

	result->parent = result->child = result->last_child = result->sibling = NULL;
	return result;
}

/* Make "result", the copy of "object", refer to objects in the target. */
static void
connect(const Keep *keep, const CmigObject *object, CmigObject *result)
{
	if (object->parent != NULL)
		result->parent = keep->copies[object->parent->index];
	result->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
	for (int i = 0; i < object->ndepends; i++)
		result->depends[i] = keep->copies[object->depends[i]->index];
	result->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
	result->nsoft = 0;
	for (int i = 0; i < object->nsoft; i++)
		if (keep->copies[object->soft[i]->index] != NULL)
			result->soft[result->nsoft++] = keep->copies[object->soft[i]->index];
}

void
cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg)
{
	Keep		keep = {from, to};
	bool		any = false;

	keep.copies = palloc0(sizeof(CmigObject *) * Max(from->count, 1));
	keep.kept = palloc0(sizeof(bool) * Max(from->count, 1));
	decide(&keep, is_candidate, arg);
	for (int i = 0; i < from->count; i++)
		if (keep.kept[i])
			keep.copies[i] = copy(from->objects[i]);
	for (int i = 0; i < from->count; i++)
	{
		if (!keep.kept[i])
			continue;
		connect(&keep, from->objects[i], keep.copies[i]);
		cmig_image_add(to, keep.copies[i]);
		any = true;
	}
	if (any)
		cmig_image_sort(to);
	pfree(keep.copies);
	pfree(keep.kept);
}

/* Do objects of these kinds share a namespace? */
static bool
share_names(const CmigKind *kind, const CmigKind *other)
{
	return kind != other && (kind->flags & other->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0;
}

/* Mark an object and its children as impossible to create. */
static void
set_needs(CmigObject *object, const char *reason)
{
	object->needs = reason;
	for (CmigObject *child = object->child; child != NULL; child = child->sibling)
		set_needs(child, reason);
}

/*
 * If a kept object has the name of an object that models define, mark the
 * latter object as impossible to create.
 */
static void
refuse_taken(const CmigImage *to, const CmigObject *kept)
{
	static CmigKind *const kinds[] = {&cmig_kind_table, &cmig_kind_sequence, &cmig_kind_index, &cmig_kind_enum};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		CmigObject *object = share_names(kinds[i], kept->kind) ? cmig_image_lookup(to, kinds[i], kept->identity) : NULL;

		if (object != NULL)
			set_needs(object, psprintf("%s %s has the same name, and ORMs cannot define it", kept->kind->name, kept->identity));
	}
}

void
cmig_keep_unknown(const CmigImage *from, CmigImage *to)
{
	cmig_keep(from, to, is_unknown, NULL);
	for (int i = 0; i < from->count; i++)
		if (is_unknown(from->objects[i], NULL) && counterpart(to, from->objects[i]) != NULL)
			refuse_taken(to, from->objects[i]);
}

const CmigObject *
cmig_keep_missing(const CmigObject *object, const CmigImage *to)
{
	if (!is_unknown(object, NULL) || counterpart(to, object) != NULL ||
		(object->parent != NULL && counterpart(to, object->parent) == NULL))
		return NULL;
	for (int i = 0; i < object->ndepends; i++)
		if (counterpart(to, object->depends[i]) == NULL)
			return object->depends[i];
	return NULL;
}

/*
 * Partitions
 */

/*
 * Mark the partitions that are left out: those of a table whose partitions the
 * target does not create, and their own partitions.  Adds the topmost of these
 * tables to the listing, and returns the number of partitions.
 */
static int
mark_partitions(const CmigImage *image, const CmigImage *target, bool *marked, CmigListing *tables)
{
	bool	   *divided = palloc0(Max(target->count, 1));	/* by index in "target" */
	bool	   *listed = palloc0(Max(image->count, 1));
	int			count = 0;
	bool		changed = true;

	for (int i = 0; i < target->count; i++)
	{
		const CmigObject *link = target->objects[i];
		const CmigObject *table = link->kind != &cmig_kind_partition ? NULL :
		cmig_image_lookup(target, &cmig_kind_table, cmig_partition_of(link));

		if (table != NULL)
			divided[table->index] = true;
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *link = image->objects[i];
			const CmigObject *table = link->kind != &cmig_kind_partition || marked[link->parent->index] ? NULL :
			cmig_image_lookup(image, &cmig_kind_table, cmig_partition_of(link));
			const CmigObject *other = table ? counterpart(target, table) : NULL;

			if (table == NULL || counterpart(target, link->parent) != NULL ||
				(!marked[table->index] && (other == NULL || divided[other->index] || !cmig_table_same_key(table, other))))
				continue;
			if (!marked[table->index] && !listed[table->index])
				cmig_listing_add(tables, table->identity);
			listed[table->index] = marked[link->parent->index] = changed = true;
			count++;
		}
	}
	return count;
}

/*
 * Also mark what belongs to marked objects: their children, the sequences that
 * their columns own, and their places in publications.
 */
static void
mark_parts(const CmigImage *image, bool *marked)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];
			int			whole = object->kind == &cmig_kind_sequence_owner ? object->parent->index :
			object->kind == &cmig_kind_publication_table ? i : -1;
			bool		mark = object->parent != NULL && marked[object->parent->index];

			for (int j = 0; whole >= 0 && !marked[whole] && j < object->ndepends; j++)
				if (marked[object->depends[j]->index])
					marked[whole] = changed = true;
			if (mark && !marked[i])
				marked[i] = changed = true;
		}
	}
}

/* Remove the marked objects from an array of objects.  Returns the new length. */
static int
remove_marked(CmigObject **objects, int count, const bool *marked)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (!marked[objects[i]->index])
			objects[kept++] = objects[i];
	return kept;
}

void
cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates)
{
	bool	   *marked = palloc0(Max(image->count, 1));
	CmigListing tables;
	int			count;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);
	count = mark_partitions(image, target, marked, &tables);
	if (count == 0)
		return;
	mark_parts(image, marked);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		CmigObject **next = &object->child;

		if (marked[i])
			(void) hash_search(image->addresses, &object->address, HASH_REMOVE, NULL);
		object->ndepends = remove_marked(object->depends, object->ndepends, marked);
		object->nsoft = remove_marked(object->soft, object->nsoft, marked);
		object->last_child = NULL;
		while (*next != NULL)
		{
			if (marked[(*next)->index])
				*next = (*next)->sibling;
			else
			{
				object->last_child = *next;
				next = &(*next)->sibling;
			}
		}
	}
	image->count = remove_marked(image->objects, image->count, marked);
	cmig_image_sort(image);
	ereport(NOTICE,
			(errmsg_plural("%d partition was left unchanged", "%d partitions were left unchanged", count, count),
			 errdetail("%s no partitions of %s.", creates, cmig_listing_text(&tables))));
}
