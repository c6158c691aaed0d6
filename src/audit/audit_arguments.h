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

/*
 * Set the options for which an argument is given, that is, not null.  Argument
 * n is the first option.
 */
extern void cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options);

/*
 * Check that all columns exist, that no column is hidden by more than one
 * list, and that no key column is hidden.  Sets the columns' numbers and the
 * anchor.
 */
extern void cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation);

/*
 * These functions are for calls that audit many tables at once.  The first
 * function removes columns to hide that the table does not have, and adds the
 * others to *met.  The second function raises an error if a column to hide in
 * the arguments is not in met.
 */
extern void cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met);
extern void cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met,
											 const char *schema);

#endif							/* CMIG_AUDIT_ARGUMENTS_H */
