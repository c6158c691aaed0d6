/*
 * rls_body.h
 *	  What the functions of a policy return, as part of its expression.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BODY_H
#define CMIG_RLS_BODY_H

#include "postgres.h"
#include "nodes/primnodes.h"

/*
 * Settings in bodies that were read, with a number behind: null where one of
 * the function's EXCEPTION handlers decides.
 */
#define CMIG_RLS_FAILURE "cmig.failure"

/*
 * Put the bodies of functions, SQL's and simple ones of PL/pgSQL, in the place
 * of their calls, as far as they can be read; nothing of them is run.  Queries
 * of SECURITY DEFINER functions have hasRowSecurity set: their owner reads.
 */
extern Node *cmig_rls_body_expand(Node *tree);

/* Is it a call of a function that is not the server's own? */
extern bool cmig_rls_body_is_foreign_call(Node *node);

#endif							/* CMIG_RLS_BODY_H */
