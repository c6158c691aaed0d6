/*
 * rls_model.h
 *	  Converts a policy's expression to an expression over made-up rows and
 *	  contexts.
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
 * Build the model of an expression.  "role" is the role to which the policy
 * applies, or InvalidOid for PUBLIC; sub-selects read only the rows that this
 * role sees.  "keys" and "own" are as for cmig_rls_leak_find().  The result
 * calls only built-in functions without side effects.
 */
extern CmigRlsModel *cmig_rls_model_make(Node *tree, Oid relid, Oid role,
										 const Bitmapset *keys, const Bitmapset *own,
										 CmigRlsTables tables);

#endif							/* CMIG_RLS_MODEL_H */
