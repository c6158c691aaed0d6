/*
 * result.h
 *	  Returns rows from SQL functions that return one text column.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESULT_H
#define CMIG_RESULT_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * The first function adds one row, and the second function adds a row for each
 * element of a List of char *.  The SQL function must have called
 * InitMaterializedSRF() with MAT_SRF_USE_EXPECTED_DESC.
 */
extern void cmig_result_add_text(FunctionCallInfo fcinfo, const char *text);
extern void cmig_result_add_texts(FunctionCallInfo fcinfo, List *texts);

#endif							/* CMIG_RESULT_H */
