/*
 * rename_read.h
 *	  Carries out renames on an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_READ_H
#define CMIG_RENAME_READ_H

#include "postgres.h"
#include "schema/deparse.h"
#include "schema/managed.h"

/*
 * The live image as it is after the renames, which call back for a row each:
 * those of the caller, and those in comments of the target.  from is returned
 * if there are none.  What the server prints names objects by their new names:
 * the catalogs have them for a moment, in a subtransaction, without locks.
 */
extern CmigImage *cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
								   const List *renames, const List *comments,
								   CmigDiffCallback callback, void *arg);

/* Tell the user of renames that look probable. */
extern void cmig_rename_tell(const CmigDifference *difference);

#endif							/* CMIG_RENAME_READ_H */
