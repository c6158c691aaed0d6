/*
 * audit_arguments.h
 *	  The arguments of enable_audit() and its family.
 *
 * Every option is an argument whose null means: as it is.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_ARGUMENTS_H
#define CMIG_AUDIT_ARGUMENTS_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "fmgr.h"
#include "utils/rel.h"

/* Put the arguments that are not null, from number n on, into options. */
extern void cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options);

/*
 * The columns named must exist, each in one list, and a row must stay
 * recognizable.
 */
extern void cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation);

/*
 * For many tables at once: what is to be hidden and is not there is left out.
 * *met collects the columns that were there, and the last function raises an
 * error when one of the arguments' was in no table.
 */
extern void cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met);
extern void cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met,
											 const char *schema);

#endif							/* CMIG_AUDIT_ARGUMENTS_H */
