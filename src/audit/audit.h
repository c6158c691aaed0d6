/*
 * audit.h
 *	  What src/audit provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_H
#define CMIG_AUDIT_H

#include "postgres.h"

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

extern void cmig_audit_retain_after_upgrade(void);

/* in trigger.c */

/* Define settings and register callbacks.  Called by _PG_init. */
extern void cmig_audit_init(void);

/* in enable.c */

extern CmigAuditLogFault *cmig_audit_status_fault(bool *refused);

#endif							/* CMIG_AUDIT_H */
