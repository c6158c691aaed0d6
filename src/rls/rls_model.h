/*
 * rls_model.h
 *	  Turns a policy's expression into one over made-up rows and contexts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_MODEL_H
#define CMIG_RLS_MODEL_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "rls/rls_input.h"

/*
 * Make the model of an expression.  role: the one for which the policy is,
 * InvalidOid for PUBLIC; tables that are read contain the rows that this role
 * sees.  The result calls only functions that come with the server and have no
 * side effects.
 */
extern CmigRlsModel *cmig_rls_model_make(Node *tree, Oid relid, Oid role,
										 const Bitmapset *keys, const Bitmapset *own,
										 CmigRlsTables tables);

#endif							/* CMIG_RLS_MODEL_H */
