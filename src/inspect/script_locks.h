/*
 * script_locks.h
 *	  The locks that whole scripts would take, found without running them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_LOCKS_H
#define CMIG_SCRIPT_LOCKS_H

#include "postgres.h"
#include "inspect/planned_locks.h"

/*
 * The strongest lock that a script takes on each relation, as text, a line
 * each; NULL if it takes none.  Scripts are given in the order in which they
 * would run.  If the script cannot be read to its end, the last line says so.
 */
extern char *cmig_script_locks(CmigPlannedLocks *plan, const char *sql);

/*
 * The same as a List of CmigPlannedLock.  *known is set to false if there may be
 * others.
 */
extern List *cmig_script_locks_list(CmigPlannedLocks *plan, const char *sql, bool *known);

#endif							/* CMIG_SCRIPT_LOCKS_H */
