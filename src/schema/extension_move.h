/*
 * extension_move.h
 *	  Moves extensions to the schemas that they have in the target, and keeps
 *	  those that no revision has created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXTENSION_MOVE_H
#define CMIG_EXTENSION_MOVE_H

#include "postgres.h"
#include "compare/deparse.h"
#include "kinds/image.h"
#include "move/move.h"
#include "shadow/managed.h"

/* Must any extension be moved? */
extern bool cmig_extension_move_needed(const CmigImage *from, const CmigImage *to);

/*
 * Move the extensions in the catalogs, in a subtransaction that the caller
 * rolls back, and pass the statements to the callback.  Schemas that do not
 * exist are created.  Returns the schemas to read afterwards.
 */
extern const CmigManaged *cmig_extension_move(const CmigManaged *managed, const CmigImage *from,
											  const CmigImage *to, CmigDiffCallback callback, void *arg);

/*
 * Returns the names of the extensions that applied revisions have created, as a
 * List of char *.  Scripts are only searched for CREATE EXTENSION, also in the
 * bodies of functions and DO blocks.
 */
extern List *cmig_extension_created(const CmigSituation *now);

/*
 * Issue a NOTICE about extensions that are not dropped because no applied
 * revision has created them.  "names" is a List of char *; does nothing if it
 * is NIL.
 */
extern void cmig_extension_tell_kept(List *names);

/*
 * Add to "target" the extensions that only "live" contains and that no applied
 * revision has created, and their schemas.
 */
extern void cmig_extension_keep(const CmigImage *live, CmigImage *target);

#endif							/* CMIG_EXTENSION_MOVE_H */
