/*
 * audit_script.h
 *	  The audit of a table as a script for databases without pg_cmig.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_SCRIPT_H
#define CMIG_AUDIT_SCRIPT_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "utils/rel.h"

/* The script; raises an error for options that need the C trigger. */
extern char *cmig_audit_script_text(Relation relation, const CmigAuditOptions *options);

#endif							/* CMIG_AUDIT_SCRIPT_H */
