/*
 * rls_apply.h
 *	  Runs the statements of cmig.enable_rls and cmig.disable_rls, and grants
 *	  the access that the policies need.
 *
 * The parameter "fcinfo" belongs to the call that returns the statements as its
 * result rows.  "target" is the first column of each row, or NULL if the rows
 * do not have this column.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_APPLY_H
#define CMIG_RLS_APPLY_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "rls/rls.h"
#include "rls/rls_options.h"

/*
 * Warn if FORCE makes the policies apply to the table's owner, because the
 * owner's statements may then see no rows or fail.  The policies apply unless
 * the owner is a member of a bypass role and has the privileges of no role
 * named in options->roles.
 */
extern void cmig_rls_apply_warn_owner(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * If Citus manages the table and the policies call pg_cmig functions, warn
 * about roles that cannot call these functions on the workers.  Returns true
 * if the roles were checked.
 */
extern bool cmig_rls_apply_warn_workers(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * Run the statements, and return them as result rows.  Statements that contain
 * SQL text written by the table's owner are run as the owner.
 */
extern void cmig_rls_apply_run(FunctionCallInfo fcinfo, Oid owner, const char *target, List *statements);

/*
 * Run GRANT and REVOKE statements for access to pg_cmig, and return them as
 * result rows.
 */
extern void cmig_rls_apply_run_access(FunctionCallInfo fcinfo, const char *target, List *statements);

/*
 * Returns the statements that grant access level "application" to the policies'
 * roles.  The roles need it only if options->require_context is true, because
 * the policies then call pg_cmig functions.
 */
extern List *cmig_rls_apply_grant(CmigRlsOptions *options);

/*
 * Revoke access level "application" from the roles that no longer need it for
 * any table.
 */
extern void cmig_rls_apply_revoke(FunctionCallInfo fcinfo, List *granted);

#endif							/* CMIG_RLS_APPLY_H */
