/*
 * result.h
 *	  Results of SQL functions that return a column of texts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESULT_H
#define CMIG_RESULT_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * Add a row with a text, or one for each text of a List of char *.  The function
 * has called InitMaterializedSRF() with MAT_SRF_USE_EXPECTED_DESC.
 */
extern void cmig_result_add_text(FunctionCallInfo fcinfo, const char *text);
extern void cmig_result_add_texts(FunctionCallInfo fcinfo, List *texts);

#endif							/* CMIG_RESULT_H */
