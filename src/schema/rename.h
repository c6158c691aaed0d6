/*
 * rename.h
 *	  Objects that the target has under another name.
 *
 * Pure: rename_read.c carries them out.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_H
#define CMIG_RENAME_H

#include "postgres.h"
#include "schema/compare.h"

/* In which order they are carried out. */
typedef enum CmigRenameRank
{
	CMIG_RENAME_SCHEMA,
	CMIG_RENAME_OBJECT,
	CMIG_RENAME_PART,			/* columns, constraints, functions */
	CMIG_RENAME_RANKS
} CmigRenameRank;

typedef struct CmigRename
{
	const char *text;			/* as it was written, or NULL */
	bool		is_comment;		/* in the target, where it stays */
	CmigRenameRank rank;
	CmigAddress address;		/* of the live object */
	char	   *name;			/* the new one, unquoted */
} CmigRename;

/* A statement, and the object with its name before and after. */
typedef struct CmigRenameStep
{
	CmigObject *object;
	char	   *name;
	char	   *identity;		/* with the new name */
	char	   *sql;
	char	   *undo;
} CmigRenameStep;

/* An image without one of two names may still have the other. */
typedef struct CmigRenameNames
{
	List	   *(*parse) (const char *name);	/* of char *; raises an error */
} CmigRenameNames;

/*
 * A list of CmigRename, for "table public.a -> b".  NULL for a comment whose
 * old object does not exist.  Raises 22023 or 42704.
 */
extern List *cmig_rename_add(List *renames, const CmigImage *from, const char *text,
							 bool is_comment, const CmigRenameNames *names);

/*
 * The steps, a list of CmigRenameStep, for all of that rank.  Names are swapped
 * by way of a third one.  Raises 42710 if a name is taken.
 */
extern List *cmig_rename_steps(const CmigImage *image, const List *renames, CmigRenameRank rank);

/*
 * Indexes, constraints, and sequences that differ from those of the target only
 * in a name that was derived: a list of CmigRename.  renames are those that were
 * carried out.
 */
extern List *cmig_rename_derived(const CmigImage *from, const CmigImage *to, const List *renames);

/* Renames that look probable, a list of char *. */
extern List *cmig_rename_guess(const CmigDifference *difference);

#endif							/* CMIG_RENAME_H */
