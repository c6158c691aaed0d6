/*
 * rls_options.h
 *	  The arguments of enable_rls and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OPTIONS_H
#define CMIG_RLS_OPTIONS_H

#include "postgres.h"
#include "fmgr.h"
#include "rls/rls.h"

/*
 * Read the options of enable_rls and similar functions: arguments 1 to 11, and
 * arguments 12 to 15 if "with_via" is true.  Raises an error if an argument is
 * invalid, regardless of the table.
 */
extern CmigRlsOptions *cmig_rls_options_read(FunctionCallInfo fcinfo, bool with_via);

/*
 * If no roles are given, raise an error that suggests some.  "where" is the
 * table or the schema.
 */
extern void cmig_rls_options_require_roles(const CmigRlsOptions *options, Oid where);

/*
 * Raise an error if bypass_roles contains PUBLIC, or if a role would be
 * subject both to the policies for bypass_roles and to the other policies.
 * Issue a warning if row-level security does not apply to one of the roles.
 */
extern void cmig_rls_options_check_roles(const CmigRlsOptions *options);

#endif							/* CMIG_RLS_OPTIONS_H */
