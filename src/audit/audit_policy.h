/*
 * audit_policy.h
 *	  Checks policies on the log, which are evaluated with a reader's
 *	  privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_POLICY_H
#define CMIG_AUDIT_POLICY_H

#include "postgres.h"

/*
 * Returns the name of a policy on a relation that applies to the caller and
 * could run another role's code, or NULL if there is none.
 */
extern char *cmig_audit_policy_find_foreign(Oid relation);

#endif							/* CMIG_AUDIT_POLICY_H */
