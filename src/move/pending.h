/*
 * pending.h
 *	  Revisions that are not applied yet, as an error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PENDING_H
#define CMIG_PENDING_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raise MG010 with the pending revisions unless the nodes (a List of int) are
 * applied; target is the text that named them. The version rows must be sound.
 */
extern void cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target);

/* The same for all heads; checks the version rows. */
extern void cmig_pending_require_heads(const CmigSituation *now);

#endif							/* CMIG_PENDING_H */
