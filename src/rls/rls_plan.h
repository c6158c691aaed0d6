/*
 * rls_plan.h
 *	  Turns the options and the facts of a table into statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PLAN_H
#define CMIG_RLS_PLAN_H

#include "rls/rls.h"

#define CMIG_RLS_INDEX_MARK "[cmig.enable_rls index]"

/*
 * Why enabling this table, one of several, would fail: a sentence and its
 * SQLSTATE; or NULL.  The table must have a key.
 */
extern char *cmig_rls_plan_obstacle(const CmigRlsOptions *options, const CmigRlsTable *table,
									int *sqlstate);

/*
 * The statements that enable the table, without semicolons; none if everything
 * is as wanted.  many: the table is one of several, and options apply only as
 * far as it has the columns.  fresh: plan as if enable_rls had never been
 * called for it.
 */
extern List *cmig_rls_plan_enable(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, bool fresh);

/* The statements that revert what enable_rls did; none if it did nothing. */
extern List *cmig_rls_plan_disable(const CmigRlsTable *table);

/*
 * Does the statement set a default?  Its expression is the table owner's, and
 * even parsing it can execute code (for example, a constant of a composite
 * type whose domain has a check), so it is run as the owner.
 */
extern bool cmig_rls_plan_is_default(const char *statement);

#endif							/* CMIG_RLS_PLAN_H */
