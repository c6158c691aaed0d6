/*
 * script_error.h
 *	  Errors that the server's parser raises for the statements of a script.
 *	  Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_ERROR_H
#define CMIG_SCRIPT_ERROR_H

#include "postgres.h"
#include "parse/script.h"

/*
 * To be called in PG_CATCH(), in the memory context of the caller: takes the
 * error if the script is wrong, and throws it again otherwise.
 */
extern ErrorData *cmig_script_error_take(void);

/* The line of the script in which the statement has the error. */
extern int	cmig_script_error_line(const CmigStatement *statement, const ErrorData *error);

#endif							/* CMIG_SCRIPT_ERROR_H */
