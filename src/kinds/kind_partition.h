/*
 * kind_partition.h
 *	  Functions with which other modules examine partitions.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_PARTITION_H
#define CMIG_KIND_PARTITION_H

#include "postgres.h"
#include "kinds/kind.h"

/* Returns the qualified name of the table that the partition is attached to. */
extern const char *cmig_partition_of(const CmigObject *partition);

#endif							/* CMIG_KIND_PARTITION_H */
