/*
 * audit.h
 *	  Enables and disables auditing of tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_H
#define CMIG_AUDIT_H

#include "postgres.h"

/* Define settings and register callbacks.  Called by _PG_init. */
extern void cmig_audit_init(void);

#endif							/* CMIG_AUDIT_H */
