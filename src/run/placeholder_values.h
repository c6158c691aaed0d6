/*
 * placeholder_values.h
 *	  The values of placeholders: settings named cmig_var.NAME.
 *
 * Any role may set them, for its session, as for current_setting().  A value is
 * inserted as one identifier or one string, and only where the revision declares
 * the placeholder.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLACEHOLDER_VALUES_H
#define CMIG_PLACEHOLDER_VALUES_H

#include "postgres.h"
#include "base/revision.h"

/*
 * The script with the values of its placeholders; see cmig_substitute_script().
 * Raises 42704 for one without a value, and what that function raises.
 */
extern const char *cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
												  const char *revision, const char *what);

/*
 * The same for a script that is only parsed: the names stand for values that are
 * missing.  *missing is set to the first of these, or to NULL.
 */
extern const char *cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
											   const char *revision, const char *what,
											   const char **missing);

#endif							/* CMIG_PLACEHOLDER_VALUES_H */
