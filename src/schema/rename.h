/*
 * rename.h
 *	  Objects that the target has under another name.
 *
 * Pure: rename_read.c applies them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_H
#define CMIG_RENAME_H

#include "postgres.h"
#include "schema/compare.h"

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
	const char *text;			/* the rename as the user wrote it, or NULL */
	bool		is_comment;		/* it is from a comment in the target */
	CmigRenameRank rank;
	CmigAddress address;		/* of the live object */
	char	   *name;			/* the new one, unquoted */
} CmigRename;

/* A rename statement and the object that it renames. */
typedef struct CmigRenameStep
{
	CmigObject *object;
	char	   *name;
	char	   *identity;		/* with the new name */
	char	   *sql;
	char	   *undo;
} CmigRenameStep;

/*
 * How to split a qualified name into its parts, which only the caller can do.
 */
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
 * The steps, a list of CmigRenameStep, for all renames of that rank.  Names
 * are swapped through a temporary one.  Raises 42710 if a name is already
 * used.
 */
extern List *cmig_rename_steps(const CmigImage *image, const List *renames, CmigRenameRank rank);

/*
 * A list of CmigRename for indexes, constraints, and sequences that differ
 * from those of the target only in a name that the server derived from another
 * one. The argument renames lists the renames that were already made.
 */
extern List *cmig_rename_derived(const CmigImage *from, const CmigImage *to, const List *renames);

/*
 * A list of CmigRename for attached indexes of partitions that have another
 * name in the target.
 */
extern List *cmig_rename_attached(const CmigImage *from, const CmigImage *to);

/* The offset of an object's own name in its identity. */
extern size_t cmig_rename_name_offset(const CmigObject *object);

#endif							/* CMIG_RENAME_H */
