/*
 * script_error.h
 *	  Handles errors that the server's parser raises for a script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_ERROR_H
#define CMIG_SCRIPT_ERROR_H

#include "postgres.h"
#include "parse/script.h"

/*
 * Call this in PG_CATCH() after switching back to the caller's memory context.
 * Returns a copy of the error if the script's text caused it, and rethrows any
 * other error.
 */
extern ErrorData *cmig_script_error_take(void);

/* Returns the script line of an error in a statement. */
extern int	cmig_script_error_line(const CmigStatement *statement, const ErrorData *error);

#endif							/* CMIG_SCRIPT_ERROR_H */
