/*
 * rls_model.h
 *	  A policy's expression as one over made up rows and contexts.
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
 * role: whom the policy is for, InvalidOid for PUBLIC; tables that are read
 * have the rows that it sees.  Only functions of the server's own are left in
 * the expression, and none with effects.
 */
extern CmigRlsModel *cmig_rls_model_make(Node *tree, Oid relid, Oid role,
										 const Bitmapset *keys, const Bitmapset *own,
										 CmigRlsTables tables);

#endif							/* CMIG_RLS_MODEL_H */
