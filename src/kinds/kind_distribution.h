/*
 * kind_distribution.h
 *	  What other modules need to know about the distribution of tables.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_DISTRIBUTION_H
#define CMIG_KIND_DISTRIBUTION_H

#include "postgres.h"
#include "kinds/kind.h"

/* The properties of a distribution. */
enum
{
	CMIG_DISTRIBUTION_METHOD,	/* one of the CMIG_DISTRIBUTED_... words */
	CMIG_DISTRIBUTION_COLUMN,	/* name of the distribution column, not quoted */
	CMIG_DISTRIBUTION_COLOCATED,	/* the table that identifies the
									 * co-location group, or NULL if it is
									 * this table; see colocation.h */
	CMIG_DISTRIBUTION_SHARDS,	/* number of shards, or NULL if it is not
								 * compared */
	CMIG_DISTRIBUTION_GROUP,	/* number of the co-location group in the
								 * image */
	CMIG_DISTRIBUTION_COUNT,	/* number of shards, even if it is not
								 * compared */
	CMIG_DISTRIBUTION_DEFAULT	/* not NULL if Citus chose the group */
};

/* The values of the property CMIG_DISTRIBUTION_METHOD. */
#define CMIG_DISTRIBUTED_BY_COLUMN	"column"
#define CMIG_DISTRIBUTED_BY_SCHEMA	"schema"
#define CMIG_DISTRIBUTED_SINGLE		"single shard"
#define CMIG_DISTRIBUTED_REFERENCE	"reference"
#define CMIG_DISTRIBUTED_LOCAL		"local"
#define CMIG_DISTRIBUTED_OTHERWISE	"other"

/* Does the distribution have this method? */
extern bool cmig_distribution_is(const CmigObject *distribution, const char *method);

/* Can other tables be co-located with the distribution's table? */
extern bool cmig_distribution_has_group(const CmigObject *distribution);

#endif							/* CMIG_KIND_DISTRIBUTION_H */
