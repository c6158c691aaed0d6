/*
 * outside.h
 *	  Finds objects outside the compared schemas that prevent a change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OUTSIDE_H
#define CMIG_OUTSIDE_H

#include "postgres.h"
#include "compare/difference.h"
#include "shadow/managed.h"

/*
 * Mark a change as unsupported if it would drop or retype an object, and a
 * live object that is not compared, such as a view in another schema, depends
 * on that object.  The old image of the difference must be the live one.
 */
extern void cmig_outside_refuse(CmigDifference *difference, const CmigManaged *managed);

#endif							/* CMIG_OUTSIDE_H */
