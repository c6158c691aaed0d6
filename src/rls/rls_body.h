/*
 * rls_body.h
 *	  Replaces function calls in a policy's expression with the functions'
 *	  bodies.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BODY_H
#define CMIG_RLS_BODY_H

#include "postgres.h"
#include "nodes/primnodes.h"

/*
 * Prefix of the invented settings that represent a failure; a number follows.
 * If such a setting is null, the value comes from a function's EXCEPTION
 * handler.
 */
#define CMIG_RLS_FAILURE "cmig.failure"

/*
 * Replace calls of SQL functions and of simple PL/pgSQL functions with the
 * functions' bodies, where these can be read.  Nothing is executed.
 * hasRowSecurity is set in queries from SECURITY DEFINER functions, because
 * the function's owner runs them.
 */
extern Node *cmig_rls_body_expand(Node *tree);

/* Does the node call a function that is not built into PostgreSQL? */
extern bool cmig_rls_body_is_foreign_call(Node *node);

#endif							/* CMIG_RLS_BODY_H */
