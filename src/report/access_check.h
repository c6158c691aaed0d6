/*
 * access_check.h
 *	  Finds privileges on pg_cmig's objects that cmig.grant_access did not
 *	  grant.
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
	char	   *severity;		/* "warning", or "notice" if the privilege may
								 * be intended */
	char	   *object;
	char	   *problem;
	char	   *fix;
} CmigAccessFinding;

/*
 * Returns the findings about the schemas cmig and cmig_audit as a List of
 * CmigAccessFinding *.  Warnings come first; findings of the same severity are
 * sorted by object.
 */
extern List *cmig_access_findings(void);

#endif							/* CMIG_ACCESS_CHECK_H */
