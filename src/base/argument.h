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

/* A text argument, palloc'd; NULL where it is null. */
extern char *cmig_argument_text(FunctionCallInfo fcinfo, int n);

/*
 * "upgrade" or "downgrade".  Anything else raises 22023 with the call to type:
 * call is its beginning, such as "SELECT * FROM cmig.plan", and a direction
 * that stands alone is taken for the target that was meant.
 */
extern char *cmig_argument_direction(FunctionCallInfo fcinfo, int n, const char *call);

/* The name of a schema, which must exist; *null is 'n' where it is null, else ' '. */
extern Datum cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null);

/*
 * The elements of a text[].  A null among them raises 22004: what says what may
 * not hold it, hint is NULL for none.
 */
extern CmigNames *cmig_argument_names(ArrayType *array, const char *what, const char *hint);

/*
 * An error context callback while text is parsed that came as an argument, or
 * was made of one: a position is one in that text, the callback's argument, not
 * in the call.
 */
extern void cmig_argument_place_error(void *text);

#endif							/* CMIG_ARGUMENT_H */
