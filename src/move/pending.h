/*
 * pending.h
 *	  Raises an error if revisions are pending, that is, not applied yet.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PENDING_H
#define CMIG_PENDING_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raises error MG010, with a list of the pending revisions, unless all nodes
 * in "nodes" (a List of int) are applied.  "target" is the identifier that the
 * user specified for these nodes.  The version rows must be sound.
 */
extern void cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target);

/*
 * Check the version rows, and raise error MG010 unless all heads and
 * repeatable revisions are applied.
 */
extern void cmig_pending_require_heads(const CmigSituation *now);

#endif							/* CMIG_PENDING_H */
