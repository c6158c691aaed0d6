/*
 * rls_posture.h
 *	  Rules of cmig.rls_check that need no expression.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_POSTURE_H
#define CMIG_RLS_POSTURE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

/* Add what flags, roles, views, functions and partitions tell. */
extern void cmig_rls_posture_add_findings(ArrayType *schemas, List **findings);

#endif							/* CMIG_RLS_POSTURE_H */
