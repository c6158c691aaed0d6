/*
 * change.h
 *	  The first steps of every function that writes the catalog.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHANGE_H
#define CMIG_CHANGE_H

#include "postgres.h"

/*
 * Take the run lock until the end of the transaction and start the clock of
 * cmig.run_timeout.  Raises 55000 within a revision's script, and 40001 if the
 * transaction's snapshot does not show the latest version rows.  Version rows
 * of replaced revisions then name the replacing ones. function
 * ("cmig.upgrade()") is named in errors.
 */
extern void cmig_change_begin(const char *function);

#endif							/* CMIG_CHANGE_H */
