/*
 * rls_body.h
 *	  Replaces function calls in a policy's expression by the functions' bodies.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BODY_H
#define CMIG_RLS_BODY_H

#include "postgres.h"
#include "nodes/primnodes.h"

/*
 * Prefix of invented settings, each followed by a number: if such a setting is
 * null, an EXCEPTION handler of a function decides.
 */
#define CMIG_RLS_FAILURE "cmig.failure"

/*
 * Replace calls of SQL functions and of simple PL/pgSQL functions by the
 * functions' bodies, as far as these can be read.  Nothing is executed.
 * Queries from SECURITY DEFINER functions get hasRowSecurity set, because they
 * are run by the function's owner.
 */
extern Node *cmig_rls_body_expand(Node *tree);

/* Is the node a call of a function that does not come with the server? */
extern bool cmig_rls_body_is_foreign_call(Node *node);

#endif							/* CMIG_RLS_BODY_H */
