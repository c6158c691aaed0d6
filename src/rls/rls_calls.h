/*
 * rls_calls.h
 *	  What an expression calls: the server's own functions, the context, others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_CALLS_H
#define CMIG_RLS_CALLS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/*
 * May the function be run to try an expression?  It is the server's own,
 * without effects, and only the server's code handles its arguments' types.
 */
extern bool cmig_rls_calls_builtin(Oid function, List *args, Oid result);

/* The parts of the context: current_setting(), current_user and the like ... */
extern bool cmig_rls_calls_setting(Node *node);
extern bool cmig_rls_calls_user(Node *node);

/* ... what a function that cannot be looked into tells without a column ... */
extern bool cmig_rls_calls_session_function(Node *node);

/* ... and a part of a JSON document that is one of them: claims ->> 'sub' */
extern bool cmig_rls_calls_claim(Node *node);

/* Is any of the context in the node, which may be NULL or a query? */
extern bool cmig_rls_calls_context(Node *node);

#endif							/* CMIG_RLS_CALLS_H */
