/*
 * rls_posture.h
 *	  The findings of cmig.rls_check, and those that need no expression.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_POSTURE_H
#define CMIG_RLS_POSTURE_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

typedef struct CmigRlsFinding
{
	char	   *rule;
	char	   *severity;		/* error, warning, info */
	char	   *object;
	char	   *problem;
	char	   *fix;			/* SQL */
} CmigRlsFinding;

/* A CmigRowCallback: rule, severity, object, problem and fix, to a List **. */
extern void cmig_rls_finding_take(TupleDesc desc, HeapTuple row, void *arg);

/* Add what flags, roles, views, functions and partitions tell. */
extern void cmig_rls_posture_add_findings(ArrayType *schemas, List **findings);

#endif							/* CMIG_RLS_POSTURE_H */
