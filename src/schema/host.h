/*
 * host.h
 *	  Finds changes that are performed by another change's statement.
 *
 * For example, CREATE TABLE includes the table's columns and constraints, and
 * DROP TABLE drops them.  The table's change is the host of their changes.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HOST_H
#define CMIG_HOST_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Set the hosts, the riders, and "folded" of all changes.  Call this again
 * after an object is excluded from the statement that creates its parent.
 */
extern void cmig_host_find(CmigDifference *difference);

#endif							/* CMIG_HOST_H */
