/*
 * header_value.h
 *	  Parses the values in the headers of revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HEADER_VALUE_H
#define CMIG_HEADER_VALUE_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Returns a copy of a name or other string, truncated so that a message can
 * contain it.
 */
extern char *cmig_header_value_shortened(const char *name);

/*
 * Returns a copy of a name, truncated and in double quotes, or without quotes
 * if the name itself contains one.
 */
extern char *cmig_header_value_quoted(const char *name);

/*
 * Parse a header value that is a list of ids or labels, separated by commas.
 * "key" is the header key, and "place" is the position of the key for the
 * message.  Raises error MG013 if the value is not valid.
 */
extern CmigNames cmig_header_value_names(const char *key, const char *value, const char *place);

/*
 * Parse the value of the key "placeholders", which declares placeholders for
 * values that are supplied at run time.  Each declaration is returned as
 * "name" or "name literal".  "place" is the position of the key for the
 * message.  Raises error MG013 if the value is not valid.
 */
extern CmigNames cmig_header_value_placeholders(const char *value, const char *place);

#endif							/* CMIG_HEADER_VALUE_H */
