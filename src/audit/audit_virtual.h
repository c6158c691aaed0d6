/*
 * audit_virtual.h
 *	  Computes the values of virtual generated columns, which rows do not
 *	  contain.
 *
 * Before PostgreSQL 18 no column is virtual, and all of these functions do
 * nothing.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_VIRTUAL_H
#define CMIG_AUDIT_VIRTUAL_H

#include "postgres.h"

#include "audit/audit_row.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* The virtual generated columns of a table. */
typedef struct CmigAuditVirtual
{
	int			count;
	int		   *attnos;			/* zero-based indexes into a slot's values */
	Expr	  **expressions;	/* the planned expressions */
} CmigAuditVirtual;

/* The state for computing the virtual columns of rows. */
typedef struct CmigAuditVirtualState
{
	const CmigAuditVirtual *columns;
	ExprContext *context;		/* NULL if the table has no virtual columns */
	ExprState **states;
} CmigAuditVirtualState;

/*
 * Find the virtual columns of a relation that are included in the shape.  The
 * result is allocated in the current memory context.
 */
extern void cmig_audit_virtual_find(CmigAuditVirtual *columns, Relation relation,
									const CmigAuditShape *shape);

/* Prepare to compute the virtual columns, in the current memory context. */
extern void cmig_audit_virtual_begin(CmigAuditVirtualState *state,
									 const CmigAuditVirtual *columns);

/*
 * Compute the virtual columns of a slot that is already deformed, in the
 * current memory context.  cmig_audit_virtual_clear() sets these columns to
 * null again.
 */
extern void cmig_audit_virtual_fill(CmigAuditVirtualState *state, TupleTableSlot *slot);
extern void cmig_audit_virtual_clear(CmigAuditVirtualState *state, TupleTableSlot *slot);

/* Release what cmig_audit_virtual_begin() has prepared. */
extern void cmig_audit_virtual_end(CmigAuditVirtualState *state);

#endif							/* CMIG_AUDIT_VIRTUAL_H */
