/*
 * annotate.h
 *	  Owners, comments, and privileges of objects of all kinds. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ANNOTATE_H
#define CMIG_ANNOTATE_H

#include "postgres.h"
#include "schema/kind.h"

/*
 * The privileges that new objects of one type get in a schema, by default
 * privileges.
 */
typedef struct CmigInitialGrants
{
	const char *schema;			/* quoted, or NULL for all other schemas */
	char		type;			/* as in pg_default_acl */
	List	   *grants;			/* of CmigGrant */
} CmigInitialGrants;

/* The options of cmig.diff and similar functions. */
typedef struct CmigDiffOptions
{
	bool		models;			/* compare only objects that ORMs can define */
	bool		owners;
	bool		privileges;
	bool		comments;
	bool		concurrently;	/* generate concurrent statements, for a
								 * stepwise revision */
	bool		no_late;		/* replace enums instead of using ALTER TYPE
								 * ... ADD VALUE */
	bool		all_owners;		/* set owners even if the owner is role */
	bool		sorted;			/* sort privileges; otherwise they are in the
								 * order of granting */
	bool		need_schemas;	/* a schema that cannot be compared is
								 * reported as an error or a row, not as a
								 * message */
	List	   *renames;		/* of char *, as they were written */
	const char *role;			/* the owner of new objects, unquoted */
	List	   *initial;		/* of CmigInitialGrants */
	List	   *scripts;		/* of CmigTargetScript: what runs after the
								 * target's SQL */
} CmigDiffOptions;

/*
 * The statements, a list of CmigDdl, that set the owner, privileges, and
 * comments of a new object.
 */
extern List *cmig_annotate_create(const CmigObject *object, const CmigDiffOptions *options);

/*
 * The statements that change those of an existing object to those of another
 * image.
 */
extern List *cmig_annotate_alter(const CmigObject *from, const CmigObject *to,
								 const CmigDiffOptions *options);

/*
 * Statements to be run before those that alter a column which is no longer an
 * identity: they remove the privileges and the comment of its sequence.
 */
extern List *cmig_annotate_sequence_gone(const CmigObject *from, const CmigObject *to,
										 const CmigDiffOptions *options);

/* Copy the comments from one object to the other. */
extern void cmig_annotate_keep_comments(const CmigObject *from, CmigObject *to);

#endif							/* CMIG_ANNOTATE_H */
