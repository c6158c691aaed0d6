/*
 * rls_calls.h
 *	  Classifies the functions that an expression calls: functions of the server,
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
 * May the function be executed to try an expression?  Yes if it comes with the
 * server, has no side effects, and if the values of its arguments are handled
 * only by code of the server.
 */
extern bool cmig_rls_calls_builtin(Oid function, List *args, Oid result);

/*
 * May the node be evaluated to try an expression, apart from what is below it?
 * Yes if it is of a kind whose evaluation uses only code of the server.
 * Columns and function calls are not of these kinds.
 */
extern bool cmig_rls_calls_evaluable(Node *node);

/*
 * Does the node read a part of the context: by current_setting(),
 * current_user, and the like ...
 */
extern bool cmig_rls_calls_setting(Node *node);
extern bool cmig_rls_calls_user(Node *node);

/* ... by a function whose body cannot be read and that gets no column ... */
extern bool cmig_rls_calls_session_function(Node *node);

/*
 * ... or from a member of a JSON document that is such a part, as in claims
 * ->> 'sub'?
 */
extern bool cmig_rls_calls_claim(Node *node);

/* Does the node, which may be NULL or a query, contain any of these? */
extern bool cmig_rls_calls_context(Node *node);

#endif							/* CMIG_RLS_CALLS_H */
