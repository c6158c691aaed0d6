/*
 * compare.h
 *	  Finds the differences between two images.
 *
 * The result has a change for each object, even if the object does not change.
 * This module also finds objects that must be dropped temporarily because they
 * depend on an object that changes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COMPARE_H
#define CMIG_COMPARE_H

#include "postgres.h"
#include "compare/difference.h"

extern CmigDifference *cmig_compare(CmigImage *from, CmigImage *to,
									const CmigDiffOptions *options);

#endif							/* CMIG_COMPARE_H */
