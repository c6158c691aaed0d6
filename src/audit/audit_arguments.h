/*
 * audit_arguments.h
 *	  The arguments of enable_audit() and similar functions. Every option is an
 *	  argument; null leaves the option as it is.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_ARGUMENTS_H
#define CMIG_AUDIT_ARGUMENTS_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "fmgr.h"
#include "utils/rel.h"

/* Set the options for which the arguments, from number n on, are not null. */
extern void cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options);

/*
 * Check that all columns exist and are in one list only, and that no column of
 * the key is hidden; set their numbers and the anchor.
 */
extern void cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation);

/*
 * For many tables at once: leave out columns to hide that the table does not
 * have.  *met collects those that some table has, and the second function raises
 * an error if a column of the arguments is not among them.
 */
extern void cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met);
extern void cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met,
											 const char *schema);

#endif							/* CMIG_AUDIT_ARGUMENTS_H */
