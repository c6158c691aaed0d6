/*
 * rls_plan.h
 *	  From the facts of a table and the options to the statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_PLAN_H
#define CMIG_RLS_PLAN_H

#include "rls/rls.h"

#define CMIG_RLS_INDEX_MARK "[cmig.enable_rls index]"

/*
 * Why enabling the table, one of several, would fail: a sentence, and its
 * SQLSTATE; or NULL.  For a table that has a key.
 */
extern char *cmig_rls_plan_obstacle(const CmigRlsOptions *options, const CmigRlsTable *table,
									int *sqlstate);

/*
 * The statements that enable, as texts without a semicolon; none when all is
 * as wanted.  many: of several tables, each with the columns that it has.
 * fresh: as from a table that enable_rls has not touched yet.
 */
extern List *cmig_rls_plan_enable(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, bool fresh);

/* The statements that revert what enable_rls made; none if it made nothing. */
extern List *cmig_rls_plan_disable(const CmigRlsTable *table);

/*
 * Is it a statement that sets a default?  Its expression is the table owner's,
 * and already reading it can run code (a constant of a composite type with the
 * check of a domain in it): it runs as that role.
 */
extern bool cmig_rls_plan_is_default(const char *statement);

#endif							/* CMIG_RLS_PLAN_H */
