/*
 * pending.h
 *	  Raises an error if some revisions have not been applied yet.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PENDING_H
#define CMIG_PENDING_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raises MG010, which lists the pending revisions, unless all nodes (a List of
 * int) are applied.  "target" is the identifier that the user specified for the
 * nodes.  The version rows must be sound.
 */
extern void cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target);

/* Check the version rows, and raise MG010 unless all heads are applied. */
extern void cmig_pending_require_heads(const CmigSituation *now);

#endif							/* CMIG_PENDING_H */
