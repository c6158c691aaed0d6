/*
 * wrong_call.h
 *	  Calls with a number, or several texts, in place of a revision.
 *
 * Functions that take a revision have a second form, with arguments of type
 * "any" or bigint, that only raises an error which shows the right call.  A
 * correct call never resolves to it: unknown literals, parameters of unknown
 * type, and all types of text prefer the argument of type text.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WRONG_CALL_H
#define CMIG_WRONG_CALL_H

#include "postgres.h"
#include "fmgr.h"
#include "base/compat.h"

/* What a function does with several revisions. */
typedef enum CmigSeveral
{
	CMIG_SEVERAL_NONE,			/* the function takes only one */
	CMIG_SEVERAL_ARRAY,			/* they are passed as an array */
	CMIG_SEVERAL_RANGE			/* two of them are a range */
} CmigSeveral;

/*
 * Raise 22023.  Argument n and those after it, up to last, were given in place
 * of a revision.  call is the beginning of the right call, up to the argument:
 * "SELECT * FROM cmig.show(".
 */
pg_noreturn extern void cmig_wrong_call(FunctionCallInfo fcinfo, int n, int last,
										const char *call, CmigSeveral several);

#endif							/* CMIG_WRONG_CALL_H */
