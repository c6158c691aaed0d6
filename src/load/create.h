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
	CmigRevisionText text;		/* id is NULL if it is to be generated;
								 * cmig_create_prepare() sets the edges */
	const char *head;			/* the revision to follow: "head", "base", or
								 * any other identifier */
	bool		splice;			/* is the revision allowed to follow one that
								 * is not a head? */
	bool		placed;			/* are the edges in "text" already set, so
								 * that head, splice, label, and depends are
								 * ignored? */
	char	   *label;			/* branch label, or NULL */
	CmigNames  *depends;		/* identifiers of dependencies, or NULL */
} CmigNewRevision;

/*
 * Check a new revision against the stored revisions, and fill in its id and
 * edges.  Does not store the new revision.
 */
extern void cmig_create_prepare(CmigNewRevision *new);

#endif							/* CMIG_CREATE_H */
