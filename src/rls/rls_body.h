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
 * The prefix of an invented setting that represents the failure of a PL/pgSQL
 * block; a number follows.  If the setting is null, the block is assumed to
 * fail, and its EXCEPTION handler returns the value.
 */
#define CMIG_RLS_FAILURE "cmig.failure"

/*
 * Replace calls of SQL functions and of simple PL/pgSQL functions with the
 * functions' bodies, if these can be read.  Nothing is executed.  In the body
 * of a SECURITY DEFINER function, hasRowSecurity is set in each query to show
 * that the query runs as the function's owner.
 */
extern Node *cmig_rls_body_expand(Node *tree);

/*
 * Returns true if the node calls a function that is not built into PostgreSQL.
 */
extern bool cmig_rls_body_is_foreign_call(Node *node);

#endif							/* CMIG_RLS_BODY_H */
