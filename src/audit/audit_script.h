/*
 * audit_script.h
 *	  Generates a script that audits a table in a database without pg_cmig.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_SCRIPT_H
#define CMIG_AUDIT_SCRIPT_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "utils/rel.h"

/*
 * Returns a script that audits the table.  Raises an error for options that
 * need the C trigger.
 */
extern char *cmig_audit_script_text(Relation relation, const CmigAuditOptions *options);

#endif							/* CMIG_AUDIT_SCRIPT_H */
