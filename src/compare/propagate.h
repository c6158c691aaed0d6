/*
 * propagate.h
 *	  Finds the objects that must be dropped temporarily, or altered, because
 *	  they depend on an object that is dropped or altered.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PROPAGATE_H
#define CMIG_PROPAGATE_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Find the dependents that must be altered or dropped temporarily, and their
 * dependents in turn.  A change is unsupported if a dependent prevents it.
 */
extern void cmig_propagate(CmigDifference *difference);

#endif							/* CMIG_PROPAGATE_H */
