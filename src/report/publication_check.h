/*
 * publication_check.h
 *	  Finds publications and subscriptions that contain pg_cmig's tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PUBLICATION_CHECK_H
#define CMIG_PUBLICATION_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A publication or subscription, for a row of cmig.check. */
typedef struct CmigPublicationFinding
{
	char	   *object;
	bool		is_subscription;
}			CmigPublicationFinding;

/* Returns a list of CmigPublicationFinding *, sorted by name. */
extern List *cmig_publication_findings(void);

#endif							/* CMIG_PUBLICATION_CHECK_H */
