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

/* A revision to be created. */
typedef struct CmigNewRevision
{
	CmigRevisionText text;		/* if the id is NULL, an id is generated; the
								 * edges are filled in later */
	const char *head;			/* the revision to follow: "head", "base", an
								 * id, ... */
	bool		splice;			/* is the revision allowed to follow one that
								 * is not a head? */
	bool		placed;			/* the edges in "text" are already set, so the
								 * fields head, splice, label, and depends are
								 * ignored */
	char	   *label;			/* NULL: none */
	CmigNames  *depends;		/* NULL: none */
} CmigNewRevision;

/*
 * Check a new revision against the stored revisions, and fill in its id and
 * edges.  Does not store the new revision.
 */
extern void cmig_create_prepare(CmigNewRevision *new);

#endif							/* CMIG_CREATE_H */
