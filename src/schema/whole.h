/*
 * whole.h
 *	  Compares the live schema with an empty database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WHOLE_H
#define CMIG_WHOLE_H

#include "postgres.h"
#include "compare/compare.h"
#include "shadow/managed.h"

/*
 * Returns the difference between an empty database and these schemas.  If
 * "with_tools" is true, this includes the tables of other migration tools (see
 * tool_table.h).  Raises error 3F000 if a schema does not exist.
 */
extern CmigDifference *cmig_whole_difference(const CmigManaged *managed,
											 const CmigDiffOptions *options,
											 bool with_tools);

#endif							/* CMIG_WHOLE_H */
