/*
 * foreign.c
 *	  Refuses changes to objects that belong to other roles.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/foreign.h"

/*
 * If the changed object is a foreign object or part of one, returns the
 * foreign object.  Otherwise returns NULL.
 */
static const CmigObject *
foreign_root(const CmigDifference *difference, const CmigChange *change)
{
	for (;;)
	{
		const CmigObject *object = change->from ? change->from : change->to;

		if (change->from != NULL && change->from->foreign)
			return change->from;
		if (object->owner != NULL || object->parent == NULL)
			return NULL;
		change = change->from ? difference->of_from[object->parent->index] : difference->of_to[object->parent->index];
	}
}

/* Mark the change as unsupported if it affects a foreign object. */
static void
refuse(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *root = foreign_root(difference, change);
	const CmigChange *root_change;

	if (root == NULL)
		return;
	root_change = difference->of_from[root->index];
	if (root_change->to == NULL && root->may_drop)
		return;
	if (root_change->to == NULL && (root->kind->flags & CMIG_KIND_GLOBAL))
	{
		change->action = CMIG_NO_CHANGE;
		return;
	}
	change->action = CMIG_UNSUPPORTED;
	change->reason = root == change->from ? psprintf("it belongs to role %s", cmig_quote(root->owner)) :
		psprintf("%s %s belongs to role %s", root->kind->name, root->identity, cmig_quote(root->owner));
	change->disturbs = change->recasts = change->late = false;
}

/*
 * Mark the change as unsupported if the database lacks something that the new
 * object needs.
 */
static void
refuse_needing(CmigChange *change)
{
	const CmigObject *to = change->to;

	if (to == NULL || to->needs == NULL)
		return;
	change->action = to->parent != NULL && to->parent->needs != NULL ? CMIG_NO_CHANGE : CMIG_UNSUPPORTED;
	change->reason = unconstify(char *, to->needs);
	change->disturbs = change->recasts = change->late = false;
}

void
cmig_foreign_refuse(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE)
			refuse_needing(&difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE && difference->changes[i].action != CMIG_UNSUPPORTED)
			refuse(difference, &difference->changes[i]);
}

bool
cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *root = foreign_root(difference, change);

	return root != NULL && !(difference->of_from[root->index]->to == NULL && root->may_drop);
}

void
cmig_foreign_prevents(CmigChange *change, const CmigChange *stays)
{
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("%s %s depends on it, and belongs to role %s", stays->from->kind->name,
							  stays->from->identity, cmig_quote(stays->from->owner ? stays->from->owner :
																stays->from->parent->owner));
	change->disturbs = change->recasts = change->late = false;
}
