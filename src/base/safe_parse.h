/*
 * safe_parse.h
 *	  Analyzes statements without executing user-defined code.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SAFE_PARSE_H
#define CMIG_SAFE_PARSE_H

#include "postgres.h"
#include "access/htup.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

/*
 * Analyze a statement in the body of an SQL function, given the function's
 * pg_proc row.  "call" may be NULL if none of the function's arguments is
 * polymorphic.  Changes the statement.
 *
 * The callback is_safe() decides whether literals may be converted to a type.
 * It is never called for a domain.  Raises error 0A000 for a literal of a type
 * for which the callback returns false.
 */
extern Query *cmig_safe_parse(RawStmt *raw, const char *source, HeapTuple function, FuncExpr *call,
							  bool (*is_safe) (Oid type));

#endif							/* CMIG_SAFE_PARSE_H */
