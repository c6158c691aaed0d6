/*
 * file_names.c
 *	  Collects revision file names and checks that they are distinct.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "format/file_name.h"
#include "load/file_names.h"

#include "utils/memutils.h"

void
cmig_file_names_init(CmigFileNames *list, const char *template)
{
	memset(list, 0, sizeof(CmigFileNames));
	list->template = template;
	list->scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig file name",
										  ALLOCSET_SMALL_SIZES);
}

void
cmig_file_names_add(const CmigRevisionText *revision, void *arg)
{
	CmigFileNames *list = arg;
	CmigNamedFile *file;
	MemoryContext old;
	char	   *name;

	if (list->count == list->allocated)
	{
		list->allocated = Max(2 * list->allocated, 256);
		list->files = list->files ?
			repalloc_huge(list->files, sizeof(CmigNamedFile) * (Size) list->allocated) :
			palloc(sizeof(CmigNamedFile) * list->allocated);
	}
	file = &list->files[list->count++];
	old = MemoryContextSwitchTo(list->scratch);
	name = cmig_file_name_make(list->template, revision);
	MemoryContextSwitchTo(old);
	file->name = pstrdup(name);
	file->id = pstrdup(revision->edges.id);
	MemoryContextReset(list->scratch);
}

/* A qsort comparator: by file name, then by id. */
static int
compare_files(const void *a, const void *b)
{
	const CmigNamedFile *one = a;
	const CmigNamedFile *other = b;
	int			result = strcmp(one->name, other->name);

	return result ? result : strcmp(one->id, other->id);
}

void
cmig_file_names_require_distinct(CmigFileNames *list)
{
	if (list->count > 1)
		qsort(list->files, list->count, sizeof(CmigNamedFile), compare_files);
	for (int i = 1; i < list->count; i++)
	{
		const CmigNamedFile *one = &list->files[i - 1];
		const CmigNamedFile *other = &list->files[i];

		if (strcmp(one->name, other->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("file name template \"%s\" gives two revisions the same name",
							list->template),
					 errdetail("Revisions \"%s\" and \"%s\" would both be in \"%s\".",
							   one->id, other->id, one->name),
					 strchr(list->template, '%') ? errhint("Put %%(rev)s into the template.")
					 : errhint("Put %%(rev)s into the template. To export several revisions, pass an array: SELECT * FROM cmig.export(ARRAY['%s', '%s'])",
							   one->id, other->id)));
	}
}
