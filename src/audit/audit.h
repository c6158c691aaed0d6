/*
 * audit.h
 *	  Turning audit on and off.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_H
#define CMIG_AUDIT_H

#include "postgres.h"

/* Called by _PG_init: define settings, register callbacks. */
extern void cmig_audit_init(void);

#endif							/* CMIG_AUDIT_H */
