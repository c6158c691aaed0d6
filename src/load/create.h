/*
 * create.h
 *	  New revisions: cmig.create_revision, cmig.merge and cmig.draft.
 *
 * Who stores one holds the run lock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CREATE_H
#define CMIG_CREATE_H

#include "postgres.h"
#include "base/revision.h"
#include "tables/catalog.h"

typedef struct CmigNewRevision
{
	CmigRevisionText text;		/* id NULL: generate one; edges not filled */
	const char *head;			/* what it follows: head, base, an id, ... */
	bool		splice;			/* it may follow a revision that is no head */
	char	   *label;			/* NULL: none */
	CmigNames  *depends;		/* NULL: none */
} CmigNewRevision;

/*
 * Check, fill in the edges, and store nothing.  Returns what is stored
 * already, without details.
 */
extern CmigRevisionSet *cmig_create_prepare(CmigNewRevision *new);

/* Check, store, and return the id. */
extern char *cmig_create_new(CmigNewRevision *new);

/* Store a revision that follows several, and return its id. */
extern char *cmig_create_merge(const CmigNames *revisions, const char *message,
							   const char *id, bool splice, char *label);

#endif							/* CMIG_CREATE_H */
