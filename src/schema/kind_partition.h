/*
 * kind_partition.h
 *	  What other modules need to know about partitions. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_PARTITION_H
#define CMIG_KIND_PARTITION_H

#include "postgres.h"
#include "schema/kind.h"

/* The partitioned table to which a partition is attached. */
extern const char *cmig_partition_of(const CmigObject *partition);

#endif							/* CMIG_KIND_PARTITION_H */
