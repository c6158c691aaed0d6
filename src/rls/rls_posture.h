/*
 * rls_posture.h
 *	  Rules of cmig.rls_check about flags, roles, and dependencies.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_POSTURE_H
#define CMIG_RLS_POSTURE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

/* Add findings about flags, roles, views, functions, and partitions. */
extern void cmig_rls_posture_add_findings(ArrayType *schemas, List **findings);

#endif							/* CMIG_RLS_POSTURE_H */
