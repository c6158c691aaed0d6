/*
 * rename_read.h
 *	  Applies renames to an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_READ_H
#define CMIG_RENAME_READ_H

#include "postgres.h"
#include "compare/deparse.h"
#include "shadow/managed.h"

/*
 * Returns the live image after the renames given by the caller and by comments
 * in the target, or "from" if there are no renames.  Calls the callback with a
 * row for each rename.  The objects are renamed in the catalogs, without
 * locks, in a subtransaction that is rolled back, so that PostgreSQL prints
 * definitions with the new names.
 */
extern CmigImage *cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
								   const List *renames, const List *comments,
								   CmigDiffCallback callback, void *arg);

/*
 * Like cmig_rename_read(), but within a shadow, in a subtransaction that the
 * caller rolls back.
 */
extern CmigImage *cmig_rename_read_here(const CmigManaged *managed, CmigImage *from, CmigImage *to,
										const List *renames, const List *comments,
										CmigDiffCallback callback, void *arg);

/* Issue a NOTICE for each change that is probably a rename. */
extern void cmig_rename_tell(const CmigDifference *difference);

#endif							/* CMIG_RENAME_READ_H */
