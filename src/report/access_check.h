/*
 * access_check.h
 *	  Finds privileges on pg_cmig that cmig.grant_access did not grant.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACCESS_CHECK_H
#define CMIG_ACCESS_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A result row of cmig.check. */
typedef struct CmigAccessFinding
{
	char	   *severity;		/* warning; notice for what may be intended */
	char	   *object;
	char	   *problem;
	char	   *fix;
} CmigAccessFinding;

/*
 * Returns the findings about schemas cmig and cmig_audit, a List of
 * CmigAccessFinding *: warnings first, then sorted by object.
 */
extern List *cmig_access_findings(void);

#endif							/* CMIG_ACCESS_CHECK_H */
