/*
 * populate.c
 *	  Finds new materialized views that cannot be filled.
 *
 * Whether a materialized view has data is not compared, so an existing one can
 * lack the data that it has in the target.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/populate.h"
#include "kinds/kinds.h"

/*
 * Does the view depend on a view that cannot be read, or on a column of one?
 * "empty" is indexed by object, and is true for the views found so far that
 * cannot be read.
 */
static bool
reads_empty(const CmigObject *view, const bool *empty)
{
	for (int i = 0; i < view->ndepends; i++)
	{
		const CmigObject *on = view->depends[i];

		if (empty[on->index] || (on->parent != NULL && empty[on->parent->index]))
			return true;
	}
	return false;
}

/*
 * Will reading the view fail, because it is or reads a materialized view
 * without data?  See reads_empty() for "empty".
 */
static bool
is_empty(const CmigDifference *difference, const CmigObject *view, const bool *empty)
{
	const CmigChange *change = difference->of_to[view->index];

	if (view->kind == &cmig_kind_materialized_view && change->from != NULL && !cmig_change_creates(change))
		return cmig_view_is_empty(change->from);
	return reads_empty(view, empty);
}

void
cmig_populate_check(CmigDifference *difference)
{
	const CmigImage *image = difference->to;
	bool	   *empty = palloc0(sizeof(bool) * (image->count + 1));
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigKind *kind = image->objects[i]->kind;

			if ((kind != &cmig_kind_view && kind != &cmig_kind_materialized_view) || empty[i])
				continue;
			empty[i] = is_empty(difference, image->objects[i], empty);
			again |= empty[i];
		}
	}
	for (int i = 0; i < image->count; i++)
		if (empty[i] && image->objects[i]->kind == &cmig_kind_materialized_view &&
			cmig_change_creates(difference->of_to[i]))
			cmig_view_leave_empty(image->objects[i]);
	pfree(empty);
}
