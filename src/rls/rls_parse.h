/*
 * rls_parse.h
 *	  Parse analysis of a function's body without executing anybody's code.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PARSE_H
#define CMIG_RLS_PARSE_H

#include "postgres.h"
#include "access/htup.h"
#include "nodes/parsenodes.h"

/*
 * Analyze the body of a function.  source: a SELECT; tuple: the function's row
 * in pg_proc; call: the call.  Returns NULL if it cannot be analyzed, or if it
 * contains a literal of a type that does not come with the server.
 */
extern Query *cmig_rls_parse(HeapTuple tuple, FuncExpr *call, const char *source);

#endif							/* CMIG_RLS_PARSE_H */
