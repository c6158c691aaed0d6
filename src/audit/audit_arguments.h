/*
 * audit_arguments.h
 *	  The arguments of enable_audit() and similar functions.
 *
 * There is an argument for each option.  If it is null, the option is left
 * unchanged.
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
 * Set the options whose arguments are not null.  The first option is argument
 * n.
 */
extern void cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options);

/*
 * Check that all columns exist, that no column is hidden by more than one
 * list, and that no key column is hidden.  Sets the columns' numbers and the
 * anchor (see audit_columns.h).
 */
extern void cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation);

/*
 * The following functions are for calls that audit several tables at once.
 * cmig_audit_arguments_fit() removes a column from the options if the column
 * would be hidden but does not exist in this table, and adds the names of the
 * other hidden columns to *met.  cmig_audit_arguments_require_met() raises an
 * error if an argument names a hidden column that is not in "met".
 */
extern void cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met);
extern void cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met,
											 const char *schema);

#endif							/* CMIG_AUDIT_ARGUMENTS_H */
