/*
 * audit_read.h
 *	  Asking the audit log: the history of a row, a transaction, a report.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_READ_H
#define CMIG_AUDIT_READ_H

#include "postgres.h"
#include "fmgr.h"

/* What every reader does first: the log must be there and be trusted. */
extern void cmig_audit_read_begin(FunctionCallInfo fcinfo);

#endif							/* CMIG_AUDIT_READ_H */
