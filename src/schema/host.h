/*
 * host.h
 *	  Finds the changes that are made by the statement of another change. Pure.
 *
 * The CREATE statement of a table includes its columns and constraints, and
 * DROP TABLE drops them.  The table's change is the host of their changes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HOST_H
#define CMIG_HOST_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Set the hosts, the riders, and "folded" of all changes.  To be called again
 * when an object was excluded from the statement that creates its parent.
 */
extern void cmig_host_find(CmigDifference *difference);

#endif							/* CMIG_HOST_H */
