/*
 * deparse.h
 *	  Generates the statements for a difference, in the order of execution.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DEPARSE_H
#define CMIG_DEPARSE_H

#include "postgres.h"
#include "compare/compare.h"

/* A row of a difference, as in the result of cmig.diff. */
typedef struct CmigDiffRow
{
	const char *action;			/* create, alter, drop, unsupported */
	const char *kind;
	const char *object;
	const char *upgrade;		/* upgrade and downgrade are NULL for an
								 * unsupported change */
	const char *downgrade;
	const char *hazard;			/* a hazard that does not depend on rows, or
								 * NULL */
	bool		stepwise;		/* true if the statement has a concurrent
								 * form, for a stepwise revision */
	bool		again;			/* true if the object is dropped and created
								 * again */
	bool		incidental;		/* true if the object is the same in both
								 * images, or if another row shows its change */
	bool		filtered;		/* true if row security applies to the rows of
								 * the materialized view; see force.h */
	const CmigObject *subject;	/* the object; NULL for a part of the target
								 * that could not be executed */
	int			undo_hazards;	/* CMIG_HAZARD_... flags of downgrade */
	const CmigDdl *ddl;			/* NULL, or the statement, for hazards that
								 * depend on the table's rows */
	const CmigObject *table;	/* the object's live table, or NULL if the
								 * table is new */
} CmigDiffRow;

typedef void (*CmigDiffCallback) (const CmigDiffRow *row, void *arg);

/* Call the callback for each row of the difference. */
extern void cmig_deparse(CmigDifference *difference, CmigDiffCallback callback, void *arg);

#endif							/* CMIG_DEPARSE_H */
