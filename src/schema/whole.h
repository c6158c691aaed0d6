/*
 * whole.h
 *	  The live schema as the difference from an empty database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WHOLE_H
#define CMIG_WHOLE_H

#include "postgres.h"
#include "schema/compare.h"
#include "schema/managed.h"

/*
 * The statements that create these schemas in a new database, with or without
 * the tables of other migration tools (tool_table.h).  Raises 3F000 if one
 * does not exist.
 */
extern CmigDifference *cmig_whole_difference(const CmigManaged *managed,
											 const CmigDiffOptions *options,
											 bool with_tools);

#endif							/* CMIG_WHOLE_H */
