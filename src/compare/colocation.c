/*
 * colocation.c
 *	  Compares how Citus distributes tables: makes the distributions in two
 *	  images comparable.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "compare/colocation.h"
#include "compare/keep.h"
#include "kinds/kind_distribution.h"
#include "kinds/kinds.h"

/*
 * Returns the distribution's counterpart in another image, if both belong to
 * co-location groups.  Otherwise returns NULL.
 */
static CmigObject *
counterpart(const CmigObject *object, const CmigImage *other)
{
	CmigObject *result = cmig_image_lookup(other, object->kind, object->identity);

	if (result == NULL || !cmig_distribution_has_group(object) || !cmig_distribution_has_group(result))
		return NULL;
	return result;
}

/*
 * Set *start and *end to the range that distributions occupy in the image's
 * sorted list of objects.
 */
static void
find_range(const CmigImage *image, int *start, int *end)
{
	*start = 0;
	while (*start < image->count && image->objects[*start]->kind->place < cmig_kind_distribution.place)
		(*start)++;
	*end = *start;
	while (*end < image->count && image->objects[*end]->kind == &cmig_kind_distribution)
		(*end)++;
}

/*
 * Returns the distribution that identifies the co-location group of "member",
 * which must have a group.  All distributions of the image are between "start"
 * and "end".
 */
static CmigObject *
representative(const CmigImage *image, int start, int end, const CmigImage *other, const CmigObject *member)
{
	CmigObject *first = NULL;

	for (int i = start; i < end; i++)
	{
		CmigObject *object = image->objects[i];

		if (!cmig_text_same(object->values[CMIG_DISTRIBUTION_GROUP], member->values[CMIG_DISTRIBUTION_GROUP]))
			continue;
		if (counterpart(object, other) != NULL)
			return object;
		if (first == NULL)
			first = object;
	}
	return first;
}

/*
 * For each table of the image that is in a co-location group, record which
 * table identifies the group.
 */
static void
set_colocated(const CmigImage *image, const CmigImage *other)
{
	int			start,
				end;

	find_range(image, &start, &end);
	for (int i = start; i < end; i++)
	{
		CmigObject *object = image->objects[i],
				   *first;

		if (!cmig_distribution_has_group(object))
			continue;
		first = representative(image, start, end, other, object);
		cmig_object_set(object, CMIG_DISTRIBUTION_COLOCATED, first == object ? NULL : first->identity);
		if (first != object)
			cmig_object_follow(object, first);
	}
}

/*
 * Returns true if Citus chose the co-location group and the number of shards
 * of "object", and the number differs in the other image.  The number then
 * comes from the setting citus.shard_count, which may have changed since the
 * table was distributed.
 */
static bool
is_free(const CmigObject *object, const CmigObject *other)
{
	return object->values[CMIG_DISTRIBUTION_DEFAULT] != NULL && object->values[CMIG_DISTRIBUTION_SHARDS] == NULL &&
		!cmig_text_same(object->values[CMIG_DISTRIBUTION_COUNT], other->values[CMIG_DISTRIBUTION_COUNT]);
}

/* Copy a property from one object to another. */
static void
copy(const CmigObject *from, CmigObject *to, int property)
{
	cmig_object_set(to, property, from->values[property]);
}

/*
 * For the properties that one image leaves to Citus, use the other image's
 * values.
 */
static void
settle(CmigObject *from, CmigObject *to)
{
	bool		from_free = is_free(from, to),
				to_free = is_free(to, from);

	if (to_free)
		copy(from, to, CMIG_DISTRIBUTION_COLOCATED);
	else if (from_free)
		copy(to, from, CMIG_DISTRIBUTION_COLOCATED);
	if (to->values[CMIG_DISTRIBUTION_SHARDS] == NULL ||
		(to->values[CMIG_DISTRIBUTION_COLOCATED] != NULL &&
		 cmig_text_same(from->values[CMIG_DISTRIBUTION_COLOCATED], to->values[CMIG_DISTRIBUTION_COLOCATED])))
		copy(from, to, CMIG_DISTRIBUTION_SHARDS);
	else if (from->values[CMIG_DISTRIBUTION_SHARDS] == NULL)
		copy(to, from, CMIG_DISTRIBUTION_SHARDS);
}

void
cmig_colocation_settle(const CmigImage *from, const CmigImage *to)
{
	int			start,
				end;

	set_colocated(from, to);
	set_colocated(to, from);
	find_range(from, &start, &end);
	for (int i = start; i < end; i++)
	{
		CmigObject *other = counterpart(from->objects[i], to);

		if (other != NULL)
			settle(from->objects[i], other);
	}
}

/* Does the foreign key depend on a distribution that is created? */
static bool
gets_distributed(const CmigDifference *difference, const CmigObject *key)
{
	for (int i = 0; i < key->ndepends; i++)
		if (key->depends[i]->kind == &cmig_kind_distribution &&
			difference->of_to[key->depends[i]->index]->action == CMIG_CREATE)
			return true;
	return false;
}

void
cmig_colocation_renew_keys(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from == NULL || change->to == NULL || change->to->kind != &cmig_kind_foreign_key ||
			(change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER) ||
			!gets_distributed(difference, change->to))
			continue;
		change->action = CMIG_AGAIN;
		change->ddl = NIL;
	}
}

/* A CmigKeepCandidate: returns true if the object is a distribution. */
static bool
is_distribution(const CmigObject *object, void *arg)
{
	return object->kind == &cmig_kind_distribution;
}

void
cmig_colocation_keep(const CmigImage *from, CmigImage *to)
{
	cmig_keep(from, to, is_distribution, NULL);
}
