/*
 * rls_parse.h
 *	  Analyzes a function's body without executing user-defined code.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PARSE_H
#define CMIG_RLS_PARSE_H

#include "postgres.h"
#include "access/htup.h"
#include "nodes/parsenodes.h"

/*
 * Analyze a function's body.  "tuple" is the function's pg_proc row, "call" is
 * the function call, and "source" is a SELECT that is equivalent to the body.
 * Returns NULL if the body cannot be analyzed or contains a literal of a type
 * that is not built in.
 */
extern Query *cmig_rls_parse(HeapTuple tuple, FuncExpr *call, const char *source);

#endif							/* CMIG_RLS_PARSE_H */
