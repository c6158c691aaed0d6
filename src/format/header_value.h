/*
 * header_value.h
 *	  The names in the headers of revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HEADER_VALUE_H
#define CMIG_HEADER_VALUE_H

#include "postgres.h"
#include "base/revision.h"

/* A name as written, shortened for a message. */
extern char *cmig_header_value_shortened(const char *name);

/* The same in double quotes, unless it contains a double quote. */
extern char *cmig_header_value_quoted(const char *name);

/*
 * The value of a key that is a list of ids or labels, separated by commas.
 * Raises MG013; place says for the message where the key is.
 */
extern CmigNames cmig_header_value_names(const char *key, const char *value, const char *place);

/*
 * The value of the key placeholders: declarations, each "name" or "name
 * literal".  Raises MG013.
 */
extern CmigNames cmig_header_value_placeholders(const char *value, const char *place);

#endif							/* CMIG_HEADER_VALUE_H */
