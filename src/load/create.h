/*
 * create.h
 *	  Checks new revisions for cmig.create_revision and cmig.draft.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CREATE_H
#define CMIG_CREATE_H

#include "postgres.h"
#include "base/revision.h"

/* A revision that is to be created. */
typedef struct CmigNewRevision
{
	CmigRevisionText text;		/* if the id is NULL, one is generated; the
								 * edges are filled in later */
	const char *head;			/* the revision to follow: head, base, an id,
								 * ... */
	bool		splice;			/* may follow a revision that is not a head */
	bool		placed;			/* the edges in text are already set, so head,
								 * splice, label, and depends are ignored */
	char	   *label;			/* NULL: none */
	CmigNames  *depends;		/* NULL: none */
} CmigNewRevision;

/*
 * Check a new revision against the stored ones and fill in its id and edges.
 * Does not store it.
 */
extern void cmig_create_prepare(CmigNewRevision *new);

#endif							/* CMIG_CREATE_H */
