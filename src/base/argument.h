/*
 * argument.h
 *	  Arguments of SQL functions as C values.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ARGUMENT_H
#define CMIG_ARGUMENT_H

#include "postgres.h"
#include "fmgr.h"
#include "utils/array.h"
#include "base/revision.h"

/* A text argument, palloc'd; NULL if it is null. */
extern char *cmig_argument_text(FunctionCallInfo fcinfo, int n);

/*
 * "upgrade" or "downgrade".  Anything else raises 22023, and the hint is the
 * call to type: call is its beginning, such as "SELECT * FROM cmig.plan".  If
 * the next argument is null, the given text is assumed to be the target.
 */
extern CmigDirection cmig_argument_direction(FunctionCallInfo fcinfo, int n, const char *call);

/* The name of an existing schema, or null; *null is set to 'n' or ' ', as SPI has it. */
extern Datum cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null);

/*
 * The elements of a text[]. A null element raises 22004; "what" names the array
 * in the message, and hint may be NULL.
 */
extern CmigNames *cmig_argument_names(ArrayType *array, const char *what, const char *hint);

/* A boolean argument, or "value" if it is null. */
extern bool cmig_argument_bool(FunctionCallInfo fcinfo, int n, bool value);

/* One name as a list; it may be NULL. */
extern CmigNames *cmig_argument_one(char *name);

/*
 * A text[] argument with one dimension or none.  Raises 22023 otherwise; "what"
 * names its elements in errors, for example "dependencies".
 */
extern CmigNames *cmig_argument_list(FunctionCallInfo fcinfo, int n, const char *what);

/* A text[] argument with at least one revision in it. */
extern CmigNames *cmig_argument_revisions(FunctionCallInfo fcinfo, int n);

/*
 * A text argument that names one revision (NULL if it is null), or several:
 * '{a,b}' arrives as text although a text[] was meant.
 */
extern CmigNames *cmig_argument_target(FunctionCallInfo fcinfo, int n);

/*
 * An error context callback for parsing a text that came as an argument or was
 * built from one.  The position of an error is then a position in that text,
 * which is the callback's argument, and not in the calling statement.
 */
extern void cmig_argument_place_error(void *text);

#endif							/* CMIG_ARGUMENT_H */
