/*
 * rls_pieces.h
 *	  What functions and patterns over texts are given.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PIECES_H
#define CMIG_RLS_PIECES_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* What makes one text of several, and is worth trying in a key. */
typedef struct CmigRlsPieces
{
	bool		map;			/* a function makes a text of a text that is
								 * compared */
	List	   *pieces;			/* of char *: texts such functions are given;
								 * of patterns what is literal */
	List	   *lengths;		/* of int: numbers such functions are given */
	Node	   *folding;		/* the first function or cast that gives the
								 * same for several texts of a column */
} CmigRlsPieces;

/*
 * A function such as ltrim, lower, replace, or regexp_replace over the row or
 * the context, or a cast that cuts texts off: note what it removes, replaces, or
 * keeps.
 */
extern void cmig_rls_pieces_of_call(CmigRlsPieces *texts, FuncExpr *call);

/* The same of LIKE and regular expressions that are made of the context. */
extern void cmig_rls_pieces_of_pattern(CmigRlsPieces *texts, OpExpr *expr);

#endif							/* CMIG_RLS_PIECES_H */
