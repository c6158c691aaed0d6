/*
 * script_locks.h
 *	  Determines the locks that entire scripts would take, without running
 *	  them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_LOCKS_H
#define CMIG_SCRIPT_LOCKS_H

#include "postgres.h"
#include "inspect/planned_locks.h"

/*
 * Returns the locks that a script takes, as a string.  Each line shows the
 * strongest lock on one relation.  Returns NULL if there are no locks.  Scripts
 * must be passed in execution order.  If part of the script cannot be analyzed,
 * additional lines say so.
 */
extern char *cmig_script_locks(CmigPlannedLocks *plan, const char *sql);

/*
 * Like cmig_script_locks(), but returns a List of CmigPlannedLock *.  Sets
 * *known to false if the script might also take other locks.
 */
extern List *cmig_script_locks_list(CmigPlannedLocks *plan, const char *sql, bool *known);

#endif							/* CMIG_SCRIPT_LOCKS_H */
