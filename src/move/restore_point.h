/*
 * restore_point.h
 *	  Implements cmig.restore_point, which creates restore points in the WAL
 *	  before and after a run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESTORE_POINT_H
#define CMIG_RESTORE_POINT_H

#include "postgres.h"

/* Register cmig.restore_point and the transaction callbacks. */
extern void cmig_restore_point_init(void);

/*
 * Call this when a run begins.  Creates the first restore point, and reports
 * the names of both restore points in a NOTICE.  Returns a string for the
 * journal, allocated in the current memory context, or NULL if
 * cmig.restore_point is off.  Raises error 42501 if the user lacks the
 * privilege to create a restore point.
 */
extern char *cmig_restore_point_before(void);

/*
 * Call this when a run is complete.  The run's second restore point is created
 * after the current transaction has committed.  A transaction may contain
 * several runs.
 */
extern void cmig_restore_point_after_commit(void);

#endif							/* CMIG_RESTORE_POINT_H */
