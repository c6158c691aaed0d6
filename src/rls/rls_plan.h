/*
 * rls_plan.h
 *	  Plans the statements that enable and disable row-level security on a
 *	  table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PLAN_H
#define CMIG_RLS_PLAN_H

#include "rls/rls.h"

#define CMIG_RLS_INDEX_MARK "[cmig.enable_rls index]"

/*
 * If row-level security cannot be enabled on the table, returns the reason and
 * sets *sqlstate; otherwise, returns NULL.  Calls for several tables use this
 * to report all such tables at once.  The table must have a key.
 */
extern char *cmig_rls_plan_obstacle(const CmigRlsOptions *options, const CmigRlsTable *table,
									int *sqlstate);

/*
 * Returns the statements, without semicolons, that enable row-level security
 * on the table, or NIL if nothing has to change.  "via" is the membership
 * table or NULL.  If "many" is true, the table is one of several, and options
 * that name nonexistent columns are ignored.  If "fresh" is true, plans as if
 * enable_rls had never been called for the table.
 */
extern List *cmig_rls_plan_enable(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, bool fresh);

/*
 * Returns the statements that revert what enable_rls did, or NIL if there is
 * nothing to revert.
 */
extern List *cmig_rls_plan_disable(const CmigRlsTable *table);

/*
 * Returns true if the statement sets a default.  Such a statement must be run
 * as the table's owner, because the default is an expression that the owner
 * can change, and even parsing it can execute code (for example, for a
 * constant of a composite type whose domain has a check).
 */
extern bool cmig_rls_plan_is_default(const char *statement);

#endif							/* CMIG_RLS_PLAN_H */
