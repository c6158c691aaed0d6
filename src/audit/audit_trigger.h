/*
 * audit_trigger.h
 *	  The trigger that writes the audit log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TRIGGER_H
#define CMIG_AUDIT_TRIGGER_H

#include "postgres.h"

/* Register cmig.audit_skip and the callbacks. */
extern void cmig_audit_trigger_init(void);

#endif							/* CMIG_AUDIT_TRIGGER_H */
