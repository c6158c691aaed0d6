/*
 * wrong_call.h
 *	  Raises errors for calls that pass a number or several strings as a
 *	  revision, or too many arguments.
 *
 * A function that takes a revision has a variant with arguments of type "any"
 * or bigint.  That variant raises an error that shows the correct call.  A
 * correct call never resolves to the variant: for literals and parameters of
 * unknown type and for all string types, the variant with an argument of type
 * text takes precedence.
 *
 * Functions that are often typed by hand also have a variant whose last
 * argument is VARIADIC "any" and comes after as many arguments as the function
 * accepts.  It raises an error that says how many arguments
 * the function accepts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WRONG_CALL_H
#define CMIG_WRONG_CALL_H

#include "postgres.h"
#include "fmgr.h"
#include "base/compat.h"

/* The way in which a function accepts several revisions. */
typedef enum CmigSeveral
{
	CMIG_SEVERAL_NONE,			/* the function accepts only one revision */
	CMIG_SEVERAL_ARRAY,			/* it accepts several as an array */
	CMIG_SEVERAL_RANGE			/* it accepts two as a range */
} CmigSeveral;

/*
 * Raise error 22023 because the arguments "n" to "last" (counted from 0) were
 * not passed in the correct form for a revision.  "call" is the beginning of
 * the correct call, up to the argument, such as "SELECT * FROM cmig.show(".
 * "several" says whether the function accepts more than one revision.
 */
pg_noreturn extern void cmig_wrong_call(FunctionCallInfo fcinfo, int n, int last,
										const char *call, CmigSeveral several);

#endif							/* CMIG_WRONG_CALL_H */
