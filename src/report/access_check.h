/*
 * access_check.h
 *	  Who has rights on pg_cmig that cmig.grant_access did not give.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACCESS_CHECK_H
#define CMIG_ACCESS_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct CmigAccessFinding
{
	char	   *severity;		/* warning, or notice for what may be meant */
	char	   *object;
	char	   *problem;
	char	   *fix;
} CmigAccessFinding;

/* The findings about the schemas cmig and cmig_audit, by object. */
extern List *cmig_access_findings(void);

#endif							/* CMIG_ACCESS_CHECK_H */
