/*
 * rls_calls.h
 *	  Classifies the functions that an expression calls: built-in functions,
 *	  functions that read the context, and others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_CALLS_H
#define CMIG_RLS_CALLS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/*
 * Returns true if the function may be executed when an expression is evaluated
 * with sample values: it is built in and has no side effects, and only
 * built-in code handles the values of its arguments.
 */
extern bool cmig_rls_calls_builtin(Oid function, List *args, Oid result);

/*
 * Returns true if evaluating the node itself, without the nodes below it, runs
 * only built-in code.  Returns false for columns and function calls.
 */
extern bool cmig_rls_calls_evaluable(Node *node);

/* Does the node read a part of the context with current_setting()? */
extern bool cmig_rls_calls_setting(Node *node);

/* Is the node current_user, session_user, or a synonym? */
extern bool cmig_rls_calls_user(Node *node);

/*
 * Returns true if the node calls a user-defined function that does not return
 * a boolean and whose arguments contain no column.  Such a function may read
 * the context.
 */
extern bool cmig_rls_calls_session_function(Node *node);

/*
 * Does the node read a member of a JSON document, as in claims ->> 'sub', where
 * the document comes from the context?
 */
extern bool cmig_rls_calls_claim(Node *node);

/*
 * Does the node, which may be NULL or a query, read any part of the context?
 */
extern bool cmig_rls_calls_context(Node *node);

#endif							/* CMIG_RLS_CALLS_H */
