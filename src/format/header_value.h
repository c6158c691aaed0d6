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

/* Returns a copy of a name or other string, shortened for a message. */
extern char *cmig_header_value_shortened(const char *name);

/*
 * Returns a shortened copy of a name in double quotes, or without quotes if the
 * name itself contains one.
 */
extern char *cmig_header_value_quoted(const char *name);

/*
 * Parse a header value that is a list of ids or labels, separated by commas.
 * Raises MG013 if the value is not valid; "place" is the key's position for the
 * message.
 */
extern CmigNames cmig_header_value_names(const char *key, const char *value, const char *place);

/*
 * Parse the value of the key "placeholders", a list of declarations.  Each is
 * returned as "name" or "name literal".  Raises MG013 if the value is not
 * valid.
 */
extern CmigNames cmig_header_value_placeholders(const char *value, const char *place);

#endif							/* CMIG_HEADER_VALUE_H */
