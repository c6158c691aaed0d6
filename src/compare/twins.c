/*
 * twins.c
 *	  Finds equivalent indexes of a partition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/attached.h"
#include "compare/twins.h"
#include "kinds/kind_constraint.h"
#include "kinds/kind_index.h"
#include "kinds/kinds.h"

/* Returns the end of the quoted text that begins at "start". */
static const char *
quoted_end(const char *start)
{
	const char *end = strchr(start + 1, *start);

	return end ? end + 1 : start + strlen(start);
}

/*
 * If the text begins with an option that PostgreSQL ignores when it looks for
 * an index to attach, returns the end of the option.  Otherwise returns NULL.
 */
static const char *
option_end(const char *text)
{
	static const char *const options[] = {" DESC", " NULLS FIRST", " NULLS LAST"};

	for (int i = 0; i < lengthof(options); i++)
	{
		const char *end = text + strlen(options[i]);

		if (strncmp(text, options[i], strlen(options[i])) == 0 && strchr(",) ", *end) != NULL)
			return end;
	}
	if (strncmp(text, " WITH (", strlen(" WITH (")) != 0)
		return NULL;
	while (*text != '\0' && *text != ')')
		text = *text == '\'' || *text == '"' ? quoted_end(text) : text + 1;
	return *text == ')' ? text + 1 : NULL;
}

/*
 * Returns an index definition without its name, sort order, and storage
 * parameters.
 */
static char *
without_options(const CmigObject *index)
{
	const char *text = cmig_attached_nameless(index, cmig_index_definition(index));
	StringInfoData shape;

	initStringInfo(&shape);
	while (*text != '\0')
	{
		const char *end = option_end(text);

		if (end == NULL)
		{
			end = *text == '\'' || *text == '"' ? quoted_end(text) : text + 1;
			appendBinaryStringInfo(&shape, text, end - text);
		}
		text = end;
	}
	return shape.data;
}

/*
 * Returns a string that is the same for equivalent indexes, and different for
 * all other indexes.  Returns NULL if the object is not an index.
 */
static const char *
shape_of(const CmigObject *object)
{
	const char *columns,
			   *end;

	if (object->kind != &cmig_kind_index && object->kind != &cmig_kind_constraint)
		return NULL;
	if (object->kind == &cmig_kind_index)
		return without_options(object);
	if (cmig_index_parent(object) == NULL)
		return NULL;
	columns = strchr(cmig_constraint_text(object), '(');
	end = columns ? strstr(columns, ") DEFERRABLE") : NULL;
	return end ? pnstrdup(columns, end + 1 - columns) : columns;
}

static const CmigChange *
change_of(const CmigDifference *difference, const CmigObject *object, bool old)
{
	return (old ? difference->of_from : difference->of_to)[object->index];
}

/* Does the upgrade (or the downgrade, if "old" is true) create the object? */
static bool
is_made(const CmigChange *change, bool old)
{
	return change->action == CMIG_AGAIN || change->action == (old ? CMIG_DROP : CMIG_CREATE);
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

/* Returns the parent index to which an index is attached, or NULL if none. */
static const CmigObject *
attached_to(const CmigDifference *difference, const CmigObject *index, bool old)
{
	const char *name = cmig_index_parent(index);

	return name ? cmig_attached_find(old ? difference->from : difference->to, name) : NULL;
}

/*
 * Is the index "object" of a partitioned table created before the table's
 * index "other"?  If the table is itself a partition, the order of the parent
 * indexes decides.
 */
static bool
comes_first(const CmigDifference *difference, const CmigObject *object, const CmigObject *other, bool old)
{
	const CmigChange *change = change_of(difference, object, old),
			   *others = change_of(difference, other, old);
	bool		made = is_made(change, old);

	if (made != is_made(others, old))
		return !made;
	if (made)
	{
		const CmigObject *above = attached_to(difference, object, old),
				   *other_above = attached_to(difference, other, old);

		if (above == NULL || other_above == NULL || above == other_above)
			return is_before(object, other);
		return comes_first(difference, above, other_above, old);
	}
	return change->from->address.object < others->from->address.object;
}

static List *
append_pair(List *pairs, const CmigObject *first, const CmigObject *second)
{
	CmigTwins  *twins = palloc(sizeof(CmigTwins));

	twins->first = first;
	twins->second = second;
	return lappend(pairs, twins);
}

/*
 * Add two equivalent indexes as a pair, and the indexes to which they are
 * attached as another pair.
 */
static List *
add_twins(List *pairs, const CmigDifference *difference, const CmigObject *object, const CmigObject *other, bool old)
{
	const CmigObject *parent = attached_to(difference, object, old),
			   *others = attached_to(difference, other, old);

	/* an attached index comes before one that is not attached */
	if ((parent == NULL) != (others == NULL) &&
		(cmig_index_parent(object) == NULL) != (cmig_index_parent(other) == NULL))
		return parent != NULL ? append_pair(pairs, object, other) : append_pair(pairs, other, object);

	if (parent == NULL || others == NULL || parent == others)
		return pairs;
	if (!comes_first(difference, parent, others, old))
		return add_twins(pairs, difference, other, object, old);
	if (is_made(change_of(difference, parent, old), old) && is_made(change_of(difference, others, old), old))
		pairs = append_pair(pairs, parent, others);
	return append_pair(pairs, object, other);
}

/* Add the pairs of equivalent indexes of a table to the list. */
static List *
find_in(List *pairs, const CmigDifference *difference, const CmigObject *table, bool old)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		const char *shape = shape_of(child);

		for (const CmigObject *other = child->sibling; shape != NULL && other != NULL; other = other->sibling)
		{
			const char *others = shape_of(other);

			if (others != NULL && child->kind == other->kind && strcmp(shape, others) == 0)
				pairs = add_twins(pairs, difference, child, other, old);
		}
	}
	return pairs;
}

List *
cmig_twins_find(const CmigDifference *difference, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	List	   *pairs = NIL;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i];

		if (link->kind == &cmig_kind_partition && is_made(change_of(difference, link, old), old))
			pairs = find_in(pairs, difference, link->parent, old);
	}
	return pairs;
}

/*
 * Would CREATE TABLE create the second index before the first one?  Also true
 * if CREATE TABLE cannot create the first index.
 */
static bool
is_early(const CmigTwins *twins)
{
	const CmigObject *first = twins->first;

	return is_before(twins->second, first) || first->unfolded ||
		(first->kind->folds != NULL && !first->kind->folds(first));
}

/*
 * For each pair of equivalent indexes, exclude the second index from CREATE
 * TABLE if CREATE TABLE would create it before the first one.
 */
static void
unfold(const CmigDifference *difference, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	List	   *pairs = cmig_twins_find(difference, old);
	bool		again = pairs != NIL;
	ListCell   *cell;

	/* an excluded index can be the first one of another pair */
	while (again)
	{
		again = false;
		foreach(cell, pairs)
		{
			const CmigTwins *twins = lfirst(cell);
			CmigObject *second = image->objects[twins->second->index];

			again |= !second->unfolded && is_early(twins);
			second->unfolded |= is_early(twins);
		}
	}
}

void
cmig_twins_unfold(const CmigDifference *difference)
{
	unfold(difference, true);
	unfold(difference, false);
}

static int
position(const List *riders, const CmigChange *change)
{
	for (int i = 0; i < list_length(riders); i++)
		if (list_nth(riders, i) == change)
			return i;
	return -1;
}

void
cmig_twins_sort(const CmigDifference *difference)
{
	ListCell   *cell;

	foreach(cell, cmig_twins_find(difference, true))
	{
		const CmigTwins *twins = lfirst(cell);
		CmigChange *first = difference->of_from[twins->first->index],
				   *host = first->host;
		int			old = host ? position(host->riders, first) : -1,
					new = host ? position(host->riders, difference->of_from[twins->second->index]) : -1;

		if (new >= 0 && new < old)
			host->riders = list_insert_nth(list_delete_nth_cell(host->riders, old), new, first);
	}
}
