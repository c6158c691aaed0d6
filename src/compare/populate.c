/*
 * populate.c
 *	  Finds new materialized views that cannot be filled.
 *
 * Whether a materialized view has data is not compared, so an existing view
 * can lack data although the target's view has data.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/populate.h"
#include "kinds/kinds.h"

/*
 * Does the view depend on a view that cannot be read, or on a column of such a
 * view?  "empty" has an element for each object: true for a view that is known
 * to be unreadable.
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
 * without data?  "stays" is true if the view is not created.  See
 * reads_empty() for "empty".
 */
static bool
is_empty(const CmigChange *change, const CmigObject *view, bool stays, const bool *empty)
{
	const bool	materialized = view->kind == &cmig_kind_materialized_view;

	if (materialized && stays && change->from != NULL)
		return cmig_view_is_empty(change->from);
	return (materialized && cmig_view_is_empty(view)) || reads_empty(view, empty);
}

/*
 * Leave empty the image's materialized views that cannot be filled.  The
 * upgrade creates views of the new image, and the downgrade creates those of
 * the old image that the upgrade drops.
 */
static void
leave_empty(const CmigDifference *difference, const CmigImage *image, bool old)
{
	bool	   *empty = palloc0(sizeof(bool) * (image->count + 1));
	bool	   *stays = palloc0(sizeof(bool) * (image->count + 1));
	bool		again = true;

	for (int i = 0; i < image->count; i++)
		stays[i] = old ? !cmig_change_drops(difference->of_from[i]) : !cmig_change_creates(difference->of_to[i]);
	while (again)
	{
		again = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *view = image->objects[i];

			if ((view->kind != &cmig_kind_view && view->kind != &cmig_kind_materialized_view) || empty[i])
				continue;
			empty[i] = is_empty(old ? difference->of_from[i] : difference->of_to[i], view, stays[i], empty);
			again |= empty[i];
		}
	}
	for (int i = 0; i < image->count; i++)
		if (empty[i] && !stays[i] && image->objects[i]->kind == &cmig_kind_materialized_view)
			cmig_view_leave_empty(image->objects[i]);
	pfree(stays);
	pfree(empty);
}

/* Set the field "empties". */
static void
find_emptied(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		change->empties = cmig_change_creates(change) && change->to->kind == &cmig_kind_materialized_view &&
			cmig_view_is_empty(change->to) && !(change->from != NULL && cmig_view_is_empty(change->from));
	}
}

void
cmig_populate_check(CmigDifference *difference)
{
	leave_empty(difference, difference->to, false);
	find_emptied(difference);
	leave_empty(difference, difference->from, true);
}
