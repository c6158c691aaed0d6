/*
 * placeholder_values.h
 *	  Replaces placeholders with their values, which are settings named
 *	  cmig_var.NAME.
 *
 * Any role can set these settings in its session.  Therefore, a value is
 * inserted as a single identifier or a single string constant, and only for
 * placeholders that the revision declares.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLACEHOLDER_VALUES_H
#define CMIG_PLACEHOLDER_VALUES_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Returns the script with its placeholders replaced by their values.  Raises
 * error 42704 if a placeholder has no value, and the same errors as
 * cmig_substitute_script(), which describes the arguments.
 */
extern const char *cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
												  const char *revision, const char *what);

/*
 * Like cmig_placeholder_values_insert(), but for a script that will only be
 * parsed.  Replaces placeholders without values by their names, and sets
 * *missing to the first of them, or to NULL if there is none.
 */
extern const char *cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
											   const char *revision, const char *what,
											   const char **missing);

#endif							/* CMIG_PLACEHOLDER_VALUES_H */
