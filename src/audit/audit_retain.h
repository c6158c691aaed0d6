/*
 * audit_retain.h
 *	  Creates and drops the partitions of the audit log.
 *
 * Each partition is a month in UTC.  Partitions are created by enable_audit
 * and audit_retain, and at the end of an upgrade, but never by the trigger.
 * Entries after the last partition go to the default partition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_RETAIN_H
#define CMIG_AUDIT_RETAIN_H

#include "postgres.h"

/*
 * Create the audit log's partitions for the next months, as the log's owner,
 * if any of the partitions for the next "at_least" months are missing.  Issues
 * a warning if other sessions hold locks on the log for too long.
 */
extern void cmig_audit_retain_ahead(Oid log_owner, int at_least);

/*
 * Create the partitions for the next months at the end of an upgrade.  Does
 * nothing if there is no log, and issues a warning if the log cannot be used.
 */
extern void cmig_audit_retain_after_upgrade(void);

#endif							/* CMIG_AUDIT_RETAIN_H */
