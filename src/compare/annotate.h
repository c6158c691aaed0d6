/*
 * annotate.h
 *	  Owners, comments, and privileges of objects of all kinds.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ANNOTATE_H
#define CMIG_ANNOTATE_H

#include "postgres.h"
#include "kinds/kind.h"

/* A role's default privileges for new objects of one type in a schema. */
typedef struct CmigInitialGrants
{
	const char *role;			/* unquoted */
	const char *schema;			/* quoted; NULL: for all schemas that have no
								 * entry of their own */
	char		type;			/* as in pg_default_acl */
	List	   *grants;			/* list of CmigGrant */
} CmigInitialGrants;

/* The options of cmig.diff and similar functions. */
typedef struct CmigDiffOptions
{
	bool		models;			/* if true, compare only objects that ORMs can
								 * define */
	bool		owners;
	bool		privileges;
	bool		comments;
	bool		concurrently;	/* if true, generate concurrent statements,
								 * for a stepwise revision */
	bool		no_late;		/* if true, replace enums instead of using
								 * ALTER TYPE ... ADD VALUE */
	bool		all_owners;		/* if true, set the owner even if the owner is
								 * "role" */
	bool		sorted;			/* if true, sort privileges; if false, keep
								 * the order in which they were granted */
	bool		need_schemas;	/* if true, raise an error for a schema that
								 * exists in neither image, and add rows for
								 * other roles' schemas; if false, only issue
								 * messages about them */
	List	   *renames;		/* list of char *: renames as written by the
								 * caller */
	const char *role;			/* the owner of new objects, unquoted */
	List	   *initial;		/* list of CmigInitialGrants */
	List	   *scripts;		/* list of CmigTargetScript: scripts to run
								 * after the target's SQL */
} CmigDiffOptions;

/*
 * Returns the statements, a list of CmigDdl, that set the owner, privileges,
 * and comments of a new object.
 */
extern List *cmig_annotate_create(const CmigObject *object, const CmigDiffOptions *options);

/*
 * Do the statements of cmig_annotate_create() set the owner?  If so, the first
 * statement does.
 */
extern bool cmig_annotate_sets_owner(const CmigObject *object, const CmigDiffOptions *options);

/*
 * Returns the statements that change the owner, privileges, and comments of an
 * existing object from those of "from" to those of "to".
 */
extern List *cmig_annotate_alter(const CmigObject *from, const CmigObject *to,
								 const CmigDiffOptions *options);

/*
 * Returns the statements that remove the privileges and the comment of an
 * identity column's sequence.  Run them before the statements that drop or
 * re-create the sequence.
 */
extern List *cmig_annotate_sequence_gone(const CmigObject *from, const CmigObject *to,
										 const CmigDiffOptions *options);

/* Copy the comments of "from" to "to". */
extern void cmig_annotate_keep_comments(const CmigObject *from, CmigObject *to);

#endif							/* CMIG_ANNOTATE_H */
