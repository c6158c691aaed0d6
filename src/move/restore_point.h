/*
 * restore_point.h
 *	  Restore points in the WAL before and after a run, cmig.restore_point.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESTORE_POINT_H
#define CMIG_RESTORE_POINT_H

#include "postgres.h"

/* Register the setting, and what happens at commit. */
extern void cmig_restore_point_init(void);

/*
 * To be called when a run begins: create a restore point, and report it in a
 * NOTICE.  Returns a text for the journal in the current memory context, or
 * NULL if the setting is off. Raises 42501 without the privilege for it.
 */
extern char *cmig_restore_point_before(void);

/*
 * To be called when the run is complete: create another one once the
 * transaction has committed. A transaction can have several runs.
 */
extern void cmig_restore_point_after_commit(void);

#endif							/* CMIG_RESTORE_POINT_H */
