/*
 * audit_retain.h
 *	  The partitions of the audit log: creating and dropping them.
 *
 * Each partition is a month in UTC.  Partitions are created by enable_audit,
 * audit_retain, and at the end of an upgrade, never by the trigger.  Entries
 * after the last of them go to the default partition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_RETAIN_H
#define CMIG_AUDIT_RETAIN_H

#include "postgres.h"

/*
 * Create the partitions of the next months, as the log's owner, if fewer than
 * at_least of them exist.  Raises a warning if others hold locks on the log for
 * too long.
 */
extern void cmig_audit_retain_ahead(Oid log_owner, int at_least);

/* The same at the end of an upgrade; nothing if there is no log. */
extern void cmig_audit_retain_after_upgrade(void);

#endif							/* CMIG_AUDIT_RETAIN_H */
