/*
 * diff_options.h
 *	  The arguments of cmig.diff and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_OPTIONS_H
#define CMIG_DIFF_OPTIONS_H

#include "postgres.h"
#include "fmgr.h"
#include "compare/compare.h"
#include "shadow/managed.h"

/*
 * Returns the schemas in argument n: a text[], or text that is one name or an
 * array literal.  SQL null means all schemas.
 */
extern CmigManaged *cmig_diff_schemas_argument(FunctionCallInfo fcinfo, int n);

/*
 * Read the arguments owners, privileges, and comments, starting at argument n.
 */
extern void cmig_diff_annotations(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

/* Returns the renames in argument n, a list of char *. */
extern List *cmig_diff_renames(FunctionCallInfo fcinfo, int n);

/*
 * Read the arguments compare, owners, privileges, comments, renames, and
 * concurrently, starting at argument n.  Raises error 22023 if the value of
 * compare is invalid.  If compare is "models", privileges are not compared.
 */
extern void cmig_diff_arguments(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

#endif							/* CMIG_DIFF_OPTIONS_H */
