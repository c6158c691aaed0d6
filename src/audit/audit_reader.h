/*
 * audit_reader.h
 *	  Checks that it is safe to read the audit log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_READER_H
#define CMIG_AUDIT_READER_H

#include "postgres.h"

/*
 * Lock the log, and raise an error unless it exists, is trusted, has its
 * original definition, and can be read by the caller.  Every function that
 * reads the log calls this first.
 */
extern void cmig_audit_reader_begin(void);

#endif							/* CMIG_AUDIT_READER_H */
