/*
 * audit_status.h
 *	  Reports what is wrong with the audit log, for cmig.check().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_STATUS_H
#define CMIG_AUDIT_STATUS_H

#include "postgres.h"
#include "audit/audit_log.h"

/*
 * Returns the reason why the log cannot be used.  Returns NULL if the log can
 * be used, or if there is no log and no table is audited. *refused is set to
 * true if tables are audited and writing to them fails.
 */
extern CmigAuditLogFault *cmig_audit_status_fault(bool *refused);

#endif							/* CMIG_AUDIT_STATUS_H */
