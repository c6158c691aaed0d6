/*
 * rename_read.h
 *	  Applies renames to an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_READ_H
#define CMIG_RENAME_READ_H

#include "postgres.h"
#include "schema/deparse.h"
#include "schema/managed.h"

/*
 * The live image after the renames of the caller and of comments in the
 * target. The callback is called with a row for each rename.  If there are
 * none, from is returned.  The catalogs contain the new names only during a
 * subtransaction, without locks, so that the definitions printed by the server
 * use them.
 */
extern CmigImage *cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
								   const List *renames, const List *comments,
								   CmigDiffCallback callback, void *arg);

/*
 * The same within a shadow, in a subtransaction that the caller rolls back.
 */
extern CmigImage *cmig_rename_read_here(const CmigManaged *managed, CmigImage *from, CmigImage *to,
										const List *renames, const List *comments,
										CmigDiffCallback callback, void *arg);

/* Report changes that are probably renames. */
extern void cmig_rename_tell(const CmigDifference *difference);

#endif							/* CMIG_RENAME_READ_H */
