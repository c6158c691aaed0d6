/*
 * audit.h
 *	  What src/audit provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_H
#define CMIG_AUDIT_H

#include "postgres.h"

#include "utils/reltrigger.h"

/*
 * A trigger is one of the audit, or of a script of cmig.audit_script, if it calls
 * these functions, whatever the table's owner calls it.  The conditions are for a
 * function p in a schema n.
 */
#define CMIG_AUDIT_FUNCTION "audit_trigger"
#define CMIG_AUDIT_IS_TRIGGER "(n.nspname = 'cmig' AND p.proname = '" CMIG_AUDIT_FUNCTION "')"
#define CMIG_AUDIT_IS_SCRIPT "(n.nspname = 'cmig_audit' AND p.proname IN ('write', 'write_entry'))"

typedef enum CmigAuditTrigger
{
	CMIG_AUDIT_NO_TRIGGER,
	CMIG_AUDIT_TRIGGER,
	CMIG_AUDIT_TRIGGER_OF_SCRIPT
} CmigAuditTrigger;

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

/* in options.c */

/*
 * Returns the topmost partitioned table from which the relation's trigger was cloned, or
 * the relation itself.
 */
extern Oid	cmig_audit_trigger_root(Oid relation, Oid trigger);

/* in retain.c */

extern void cmig_audit_retain_after_upgrade(void);

/* in trigger.c */

/* Define settings and register callbacks.  Called by _PG_init. */
extern void cmig_audit_init(void);

/* in enable.c */

extern CmigAuditLogFault *cmig_audit_status_fault(bool *refused);
extern List *cmig_audit_status_unkeyed(void);

#endif							/* CMIG_AUDIT_H */
