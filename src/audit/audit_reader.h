/*
 * audit_reader.h
 *	  Checks that must succeed before somebody reads the audit log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_READER_H
#define CMIG_AUDIT_READER_H

#include "postgres.h"

/*
 * Every reader calls this first.  It locks the log, and raises an error unless
 * the log exists, is trusted, has its original definition, and can be read by
 * the caller.
 */
extern void cmig_audit_reader_begin(void);

#endif							/* CMIG_AUDIT_READER_H */
