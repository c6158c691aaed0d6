/*
 * placeholder_values.h
 *	  Replaces placeholders with their values, which are settings named
 *	  cmig_var.NAME.
 *
 * Like other custom settings, these can be set by any role in its session.  A
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
 * Returns the script with its placeholders replaced by their values; see
 * cmig_substitute_script().  Raises 42704 if a placeholder has no value, and
 * the same errors as that function.
 */
extern const char *cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
												  const char *revision, const char *what);

/*
 * Like cmig_placeholder_values_insert(), but for a script that will only be
 * parsed.  A placeholder without a value is replaced by its name.  Sets
 * *missing to the first such placeholder, or to NULL.
 */
extern const char *cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
											   const char *revision, const char *what,
											   const char **missing);

#endif							/* CMIG_PLACEHOLDER_VALUES_H */
