/*
 * rls_parse.h
 *	  Parse analysis of a function's body that runs nobody's code.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PARSE_H
#define CMIG_RLS_PARSE_H

#include "postgres.h"
#include "access/htup.h"
#include "nodes/parsenodes.h"

/*
 * source: a SELECT; tuple: the function's in pg_proc; call: of it.  NULL where
 * it cannot be analyzed, also because it has a literal of a type that is not
 * the server's own.
 */
extern Query *cmig_rls_parse(HeapTuple tuple, FuncExpr *call, const char *source);

#endif							/* CMIG_RLS_PARSE_H */
