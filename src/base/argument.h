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

/*
 * Returns a text argument as a palloc'd string, or NULL if the argument is
 * null.
 */
extern char *cmig_argument_text(FunctionCallInfo fcinfo, int n);

/*
 * Raises error 22004 if argument n is null.  "what" is the argument's name in
 * the message, and "call" is a correct call for the hint.  Required arguments
 * have the default NULL, so this also rejects calls that leave one out.
 */
extern void cmig_argument_require(FunctionCallInfo fcinfo, int n, const char *what, const char *call);

/*
 * Returns an argument that must be "upgrade" or "downgrade".  Any other value
 * raises error 22023 with a hint that shows a correct call.  "call" is the
 * beginning of that call, such as "SELECT * FROM cmig.plan".  If the next
 * argument is null, the hint may use the invalid value as the target.
 */
extern CmigDirection cmig_argument_direction(FunctionCallInfo fcinfo, int n, const char *call);

/*
 * Returns an argument that is a schema name, and sets *null to 'n' or ' ', as
 * SPI expects.  Raises an error if the argument is not null and the schema does
 * not exist.
 */
extern Datum cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null);

/*
 * Returns the elements of a text[].  Raises error 22004 if an element is null;
 * "what" is the array's name in the message.  "hint" may be NULL.
 */
extern CmigNames *cmig_argument_names(ArrayType *array, const char *what, const char *hint);

/* Returns a boolean argument, or "value" if the argument is null. */
extern bool cmig_argument_bool(FunctionCallInfo fcinfo, int n, bool value);

/* Returns a list that contains only this name.  "name" may be NULL. */
extern CmigNames *cmig_argument_one(char *name);

/*
 * Returns a text[] argument, which may be empty.  Raises error 22023 if the
 * argument is null or has more than one dimension.  "what" says what the
 * elements are, for messages: for example, "dependencies".
 */
extern CmigNames *cmig_argument_list(FunctionCallInfo fcinfo, int n, const char *what);

/*
 * Returns a text[] argument that must contain at least one revision identifier.
 */
extern CmigNames *cmig_argument_revisions(FunctionCallInfo fcinfo, int n);

/*
 * Returns the revision identifiers in a text argument.  If the argument is
 * null, the list contains one NULL.  An array literal such as '{a,b}' is
 * accepted, too, because an untyped literal arrives here as text even if the
 * user meant a text[].
 */
extern CmigNames *cmig_argument_target(FunctionCallInfo fcinfo, int n);

/*
 * An error context callback for parsing a string that is an argument or was
 * built from one.  The callback's argument is that string.  An error position
 * then refers to the string, not to the calling statement.
 */
extern void cmig_argument_place_error(void *text);

#endif							/* CMIG_ARGUMENT_H */
