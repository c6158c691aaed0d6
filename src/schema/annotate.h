/*
 * annotate.h
 *	  What objects of all kinds have: owner, comment, privileges.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ANNOTATE_H
#define CMIG_ANNOTATE_H

#include "postgres.h"
#include "schema/kind.h"

typedef struct CmigDiffOptions
{
	bool		models;			/* only what ORMs know */
	bool		owners;
	bool		privileges;
	bool		comments;
	bool		concurrently;	/* for a stepwise revision */
	bool		no_late;		/* no ALTER TYPE ... ADD VALUE */
	bool		all_owners;		/* owners are set even if it is the role */
	bool		sorted;			/* privileges are, otherwise in the order of
								 * granting */
	List	   *renames;		/* of char *, as they were written */
	const char *role;			/* to whom new objects belong, unquoted */
} CmigDiffOptions;

/* The statements, a list of CmigDdl, that give a new object what it has. */
extern List *cmig_annotate_create(const CmigObject *object, const CmigDiffOptions *options);

/* The statements that give it what another image says. */
extern List *cmig_annotate_alter(const CmigObject *from, const CmigObject *to,
								 const CmigDiffOptions *options);

/* Let the one have the comments of the other. */
extern void cmig_annotate_keep_comments(const CmigObject *from, CmigObject *to);

#endif							/* CMIG_ANNOTATE_H */
