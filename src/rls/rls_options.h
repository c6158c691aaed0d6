/*
 * rls_options.h
 *	  The arguments of enable_rls and its family.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OPTIONS_H
#define CMIG_RLS_OPTIONS_H

#include "postgres.h"
#include "fmgr.h"
#include "rls/rls.h"

/*
 * Arguments 1 to 11, which all of them have, and with_via 12 to 15.  Raises
 * where one makes no sense by itself.
 */
extern CmigRlsOptions *cmig_rls_options_read(FunctionCallInfo fcinfo, bool with_via);

/* Raise without roles, and name candidates; where: the table or the schema. */
extern void cmig_rls_options_require_roles(const CmigRlsOptions *options, Oid where);

/* Raise, or warn, where roles together would not do what they look like. */
extern void cmig_rls_options_check_roles(const CmigRlsOptions *options);

#endif							/* CMIG_RLS_OPTIONS_H */
