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
#include "rls/rls_hints.h"

typedef struct CmigRlsModel
{
	List	   *inputs;			/* of CmigRlsInput */
	CmigRlsHints *hints;
	Node	   *expression;		/* its Vars are columns of range table entry 1 */
	bool		reads_tables;
	bool		reads_context;
	bool		null_is_asked;	/* whether a key is null, so sharing is meant */
	CmigRlsForm form;
} CmigRlsModel;

/*
 * role: whom the policy is for, InvalidOid for PUBLIC; tables that are read
 * have the rows that it sees.  no_rows: they have none.  Only functions of the
 * server's own are left in the expression, and none with effects.
 */
extern CmigRlsModel *cmig_rls_model_make(Node *tree, Oid relid, Oid role,
										 const Bitmapset *keys, const Bitmapset *own,
										 bool no_rows);

#endif							/* CMIG_RLS_MODEL_H */
