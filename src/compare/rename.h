/*
 * rename.h
 *	  Computes the renames of objects that have a different name in the
 *	  target.
 *
 * This module finds the rename statements; rename_read.c applies them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_H
#define CMIG_RENAME_H

#include "postgres.h"
#include "compare/compare.h"

/* The order in which objects are renamed. */
typedef enum CmigRenameRank
{
	CMIG_RENAME_SCHEMA,
	CMIG_RENAME_OBJECT,
	CMIG_RENAME_PART,			/* columns, constraints, functions */
	CMIG_RENAME_RANKS
} CmigRenameRank;

/* A rename that the user requested, or that was derived from another one. */
typedef struct CmigRename
{
	const char *text;			/* the rename as the user wrote it, or the
								 * object's identity if the rename is derived */
	bool		is_comment;		/* true if the rename comes from a comment in
								 * the target */
	CmigRenameRank rank;
	CmigAddress address;		/* address of the live object */
	char	   *name;			/* new name, unquoted */
} CmigRename;

/* A rename statement and the object that it renames. */
typedef struct CmigRenameStep
{
	CmigObject *object;
	char	   *name;
	char	   *identity;		/* the object's identity after the rename */
	char	   *sql;
	char	   *undo;
} CmigRenameStep;

/* The caller's function that splits a qualified name into its parts. */
typedef struct CmigRenameNames
{
	List	   *(*parse) (const char *name);	/* returns a list of char *,
												 * or raises an error */
} CmigRenameNames;

/*
 * Parse a rename such as "table public.a -> b", and add it to the list.  A
 * rename in a comment is ignored if the old object does not exist.  Raises
 * error 22023 if the rename is invalid, and 42704 if the old object does not
 * exist.
 */
extern List *cmig_rename_add(List *renames, const CmigImage *from, const char *text,
							 bool is_comment, const CmigRenameNames *names);

/*
 * Returns a list of CmigRenameStep: the steps for all renames of the given
 * rank.  If objects swap names, one of them is given a temporary name first.
 * Raises error 42710 if a name is already in use.
 */
extern List *cmig_rename_steps(const CmigImage *image, const List *renames, CmigRenameRank rank);

/*
 * Returns a list of CmigRename for indexes, constraints, and sequences that
 * differ from the target's only in a name that PostgreSQL derives from the
 * name of another object.  "renames" lists the renames done so far.
 */
extern List *cmig_rename_derived(const CmigImage *from, const CmigImage *to, const List *renames);

/*
 * Returns a list of CmigRename for attached partition indexes that have a
 * different name in the target.
 */
extern List *cmig_rename_attached(const CmigImage *from, const CmigImage *to);

/* Returns the offset of an object's own name in its identity. */
extern size_t cmig_rename_name_offset(const CmigObject *object);

#endif							/* CMIG_RENAME_H */
