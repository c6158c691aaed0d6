/*
 * access_check.h
 *	  Privileges on pg_cmig that cmig.grant_access did not grant.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACCESS_CHECK_H
#define CMIG_ACCESS_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A row of the result of cmig.check. */
typedef struct CmigAccessFinding
{
	char	   *severity;		/* warning, or notice for what may be intended */
	char	   *object;
	char	   *problem;
	char	   *fix;
} CmigAccessFinding;

/*
 * The findings about schemas cmig and cmig_audit (List of CmigAccessFinding
 * *), by object.
 */
extern List *cmig_access_findings(void);

#endif							/* CMIG_ACCESS_CHECK_H */
