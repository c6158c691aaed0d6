/*
 * rls_sandbox.h
 *	  Judging what others have written without their code getting any privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_SANDBOX_H
#define CMIG_RLS_SANDBOX_H

#include "postgres.h"
#include "catalog/pg_authid.h"

/*
 * A role of the server's own with hardly any privileges, and none to log in, which
 * nobody can alter.  What expressions compute needs none.
 */
#define CMIG_RLS_NOBODY ROLE_PG_STAT_SCAN_TABLES

typedef void (*CmigRlsTask) (void *arg);

/*
 * Run the task in a subtransaction that is rolled back, with its locks and
 * settings; memory stays.  With a role: as that role, in a security-restricted
 * operation.  Returns 0, or the SQLSTATE of the task's error.  Errors that are
 * not about the task, a cancel request or no memory, are raised.
 */
extern int	cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg);

#endif							/* CMIG_RLS_SANDBOX_H */
