/*
 * extension_move.h
 *	  Moves extensions to the schemas that they have in the target.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXTENSION_MOVE_H
#define CMIG_EXTENSION_MOVE_H

#include "postgres.h"
#include "compare/deparse.h"
#include "kinds/image.h"
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

#endif							/* CMIG_EXTENSION_MOVE_H */
