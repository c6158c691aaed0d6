/*
 * diff_options.h
 *	  The arguments of cmig.diff and its relatives.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_OPTIONS_H
#define CMIG_DIFF_OPTIONS_H

#include "postgres.h"
#include "fmgr.h"
#include "schema/compare.h"
#include "schema/managed.h"

/* Argument n, a text[] of schemas or null. */
extern CmigManaged *cmig_diff_schemas_argument(FunctionCallInfo fcinfo, int n);

/* The arguments owners, privileges, and comments, starting at argument n. */
extern void cmig_diff_annotations(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

/* The argument renames, as argument n: a list of char *. */
extern List *cmig_diff_renames(FunctionCallInfo fcinfo, int n);

/*
 * The arguments compare, owners, privileges, comments, renames, and
 * concurrently, starting at argument n.  Raises 22023 for an invalid value of
 * compare.  With models, privileges are not compared.
 */
extern void cmig_diff_arguments(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options);

#endif							/* CMIG_DIFF_OPTIONS_H */
