/*
 * revision.c
 *	  Helper functions for the data structures that describe revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/revision.h"

const char *
cmig_direction_name(CmigDirection direction)
{
	return direction == CMIG_UPGRADE ? "upgrade" : "downgrade";
}

/* A qsort() and bsearch() comparator for strings. */
static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
cmig_names_sort(CmigNames *names)
{
	if (names->count > 1)
		qsort(names->names, names->count, sizeof(char *), compare);
}

bool
cmig_names_has(const CmigNames *sorted, const char *name)
{
	return sorted->count > 0 &&
		bsearch(&name, sorted->names, sorted->count, sizeof(char *), compare) != NULL;
}

bool
cmig_names_same(const CmigNames *a, const CmigNames *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp((*(const CmigRevision *const *) a)->id,
				  (*(const CmigRevision *const *) b)->id);
}

void
cmig_revision_sort_by_id(const CmigRevision **revisions, int count)
{
	qsort(revisions, count, sizeof(CmigRevision *), compare_ids);
}
