/*
 * rls_pieces.h
 *	  Collects the strings that an expression's text functions and patterns
 *	  use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PIECES_H
#define CMIG_RLS_PIECES_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/*
 * Strings and numbers from the text functions and patterns in an expression.
 * Keys that are made with them are worth trying, because the functions may map
 * several of these keys to the same string.
 */
typedef struct CmigRlsPieces
{
	bool		map;			/* is a compared string the result of a text
								 * function? */
	List	   *pieces;			/* of char *: the constant strings that text
								 * functions take as arguments, and the
								 * literal parts of patterns */
	List	   *lengths;		/* of int: the constant numbers that text
								 * functions take as arguments, and lengths to
								 * which casts truncate strings */
	Node	   *folding;		/* the first function or cast that gives the
								 * same result for several strings in a column */
} CmigRlsPieces;

/*
 * Record the arguments of a function such as ltrim, lower, replace, or
 * regexp_replace that is applied to the row or the context, or the length of a
 * cast that truncates strings.
 */
extern void cmig_rls_pieces_of_call(CmigRlsPieces *texts, FuncExpr *call);

/*
 * Record the constant parts of a LIKE pattern or regular expression that
 * contains the context.
 */
extern void cmig_rls_pieces_of_pattern(CmigRlsPieces *texts, OpExpr *expr);

/*
 * Returns the operands of || or the arguments of concat() as a list of nodes,
 * or NIL for any other node.
 */
extern List *cmig_rls_pieces_joined(Node *node);

#endif							/* CMIG_RLS_PIECES_H */
