/*
 * audit_reader.h
 *	  What must hold before somebody reads the audit log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_READER_H
#define CMIG_AUDIT_READER_H

#include "postgres.h"

/*
 * What every reader does first: lock the log, and raise an error unless it is
 * there, trusted, as it was made, and readable for the caller.
 */
extern void cmig_audit_reader_begin(void);

#endif							/* CMIG_AUDIT_READER_H */
