/*
 * rls_sandbox.h
 *	  Evaluates other roles' expressions without giving their code any
 *	  privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_SANDBOX_H
#define CMIG_RLS_SANDBOX_H

#include "postgres.h"
#include "base/base.h"

/* The role for a task that needs no privileges. */
#define CMIG_RLS_NOBODY CMIG_ROLE_NOBODY

/* A function that runs in the sandbox. */
typedef void (*CmigRlsTask) (void *arg);

/*
 * Run the task in a subtransaction that is rolled back, including its locks
 * and settings; memory that the task has allocated is kept.  If a role is
 * given, the task runs as this role in a security-restricted operation.
 * Returns 0, or the SQLSTATE of the task's error.  Errors that the task did
 * not cause, such as a cancel request or lack of memory, are rethrown.
 */
extern int	cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg);

#endif							/* CMIG_RLS_SANDBOX_H */
