/*
 * image_same.c
 *	  Quickly checks whether two images are the same.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "schema/image_same.h"

static bool
same_grants(const List *a, const List *b)
{
	ListCell   *x;
	ListCell   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
	{
		const CmigGrant *one = lfirst(x);
		const CmigGrant *other = lfirst(y);

		if (one->grantable != other->grantable || one->granted != other->granted ||
			!cmig_text_same(one->grantee, other->grantee) ||
			!cmig_text_same(one->privilege, other->privilege))
			return false;
	}
	return true;
}

/* Are the objects equal in everything that is compared? */
static bool
same_object(const CmigObject *a, const CmigObject *b)
{
	if (a->kind != b->kind || a->inherited != b->inherited ||
		!cmig_text_same(a->identity, b->identity) || !cmig_text_same(a->owner, b->owner) ||
		!cmig_text_same(a->comment, b->comment) || !cmig_text_same(a->index_comment, b->index_comment) ||
		!same_grants(a->grants, b->grants))
		return false;
	for (int i = 0; i < a->kind->nproperties; i++)
		if (!cmig_text_same(a->values[i], b->values[i]))
			return false;
	return true;
}

bool
cmig_image_same(const CmigImage *a, const CmigImage *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (!same_object(a->objects[i], b->objects[i]))
			return false;
	return true;
}
