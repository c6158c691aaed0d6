/*
 * placeholder_values.h
 *	  Inserts the values of placeholders, which are settings named
 *	  cmig_var.NAME.
 *
 * Like other custom settings, they can be set by any role in its session. A
 * value is inserted as a single identifier or a single string, and only for
 * placeholders that the revision declares.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLACEHOLDER_VALUES_H
#define CMIG_PLACEHOLDER_VALUES_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Returns the script with the values of its placeholders; see
 * cmig_substitute_script(). Raises 42704 if a placeholder has no value, and the
 * errors of that function.
 */
extern const char *cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
												  const char *revision, const char *what);

/*
 * Insert the values into a script that will only be parsed. A placeholder
 * without a value is replaced by its name. Sets *missing to the first such
 * placeholder, or to NULL.
 */
extern const char *cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
											   const char *revision, const char *what,
											   const char **missing);

#endif							/* CMIG_PLACEHOLDER_VALUES_H */
