/*
 * audit.h
 *	  What src/audit provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_H
#define CMIG_AUDIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/compat.h"

/* in log.c */

/* The reason why the log cannot be used, and what to do about it. */
typedef struct CmigAuditLogFault
{
	int			sqlstate;
	bool		missing;		/* does the log not exist, so that it can be
								 * created? */
	char	   *problem;
	char	   *detail;			/* can be NULL */
	char	   *fix;
} CmigAuditLogFault;

/* in retain.c */

/*
 * Create the partitions for the next months at the end of an upgrade.  Does
 * nothing if there is no log, and issues a warning if the log cannot be used.
 */
extern void cmig_audit_retain_after_upgrade(void);

/* in trigger.c */

/* Define settings and register callbacks.  Called by _PG_init. */
extern void cmig_audit_init(void);

/* in enable.c */

/*
 * Returns the reason why the log cannot be used.  Returns NULL if the log can
 * be used, or if there is no log and no table is audited. *refused is set to
 * true if tables are audited and writing to them fails.
 */
extern CmigAuditLogFault *cmig_audit_status_fault(bool *refused);

#endif							/* CMIG_AUDIT_H */
