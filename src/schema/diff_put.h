/*
 * diff_put.h
 *	  Returns lines as rows of cmig.diff, with one statement of the upgrade in
 *	  each row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_PUT_H
#define CMIG_DIFF_PUT_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * Put the lines, a List of CmigDiffLine *, into the caller's materialized
 * result.  A line whose upgrade has several statements becomes several rows.
 */
extern void cmig_diff_put(FunctionCallInfo fcinfo, const List *lines);

#endif							/* CMIG_DIFF_PUT_H */
