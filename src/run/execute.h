/*
 * execute.h
 *	  Runs one statement, without the communication with a client.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXECUTE_H
#define CMIG_EXECUTE_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"

/*
 * Analyze, rewrite, plan, and run a statement below the top level.  Returns the
 * number of rows processed, or CMIG_NO_ROWS if the command does not report a
 * row count.
 */
#define CMIG_NO_ROWS INT64CONST(-1)
extern int64 cmig_execute_statement(RawStmt *raw, const char *text, DestReceiver *dest);

#endif							/* CMIG_EXECUTE_H */
