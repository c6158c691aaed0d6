/*
 * argument.h
 *	  Reads the arguments of SQL functions as C values.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ARGUMENT_H
#define CMIG_ARGUMENT_H

#include "postgres.h"
#include "fmgr.h"
#include "utils/array.h"
#include "base/revision.h"

/* Returns a text argument as a palloc'd string, or NULL if it is null. */
extern char *cmig_argument_text(FunctionCallInfo fcinfo, int n);

/*
 * Raises 22004 if argument n, which is called "what", is null.  A required
 * argument has the default NULL, so that a call without it leads here; the
 * hint is "call", a correct call.
 */
extern void cmig_argument_require(FunctionCallInfo fcinfo, int n, const char *what, const char *call);

/*
 * Returns an argument that must be "upgrade" or "downgrade".  Anything else
 * raises 22023 with a hint that shows a correct call; "call" is the beginning
 * of that call, such as "SELECT * FROM cmig.plan".  If the next argument is
 * null, the hint may use the invalid text as the target.
 */
extern CmigDirection cmig_argument_direction(FunctionCallInfo fcinfo, int n, const char *call);

/*
 * Returns an argument that names a schema, which must exist unless the argument
 * is null.  *null is set to 'n' or ' ', as SPI expects.
 */
extern Datum cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null);

/*
 * Returns the elements of a text[].  A null element raises 22004; "what" names
 * the array in the message, and hint may be NULL.
 */
extern CmigNames *cmig_argument_names(ArrayType *array, const char *what, const char *hint);

/* Returns a boolean argument, or "value" if it is null. */
extern bool cmig_argument_bool(FunctionCallInfo fcinfo, int n, bool value);

/* Returns a list that contains one name, which may be NULL. */
extern CmigNames *cmig_argument_one(char *name);

/*
 * Returns a text[] argument, which may be empty.  Raises 22023 if it is null or
 * has more than one dimension; "what" names its elements in errors, for example
 * "dependencies".
 */
extern CmigNames *cmig_argument_list(FunctionCallInfo fcinfo, int n, const char *what);

/* Returns a text[] argument that must contain at least one revision. */
extern CmigNames *cmig_argument_revisions(FunctionCallInfo fcinfo, int n);

/*
 * Returns the revisions that a text argument names.  The list contains NULL if
 * the argument is null.  '{a,b}' names two: the literal arrives here as text
 * although the user meant a text[].
 */
extern CmigNames *cmig_argument_target(FunctionCallInfo fcinfo, int n);

/*
 * An error context callback for parsing text that is an argument or was built
 * from one.  It makes an error position refer to that text, which is the
 * callback's argument, instead of the calling statement.
 */
extern void cmig_argument_place_error(void *text);

#endif							/* CMIG_ARGUMENT_H */
