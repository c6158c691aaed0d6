/*
 * substitute.h
 *	  Replaces declared placeholders, ${name}, in scripts.
 *
 * Pure.  A declaration is "name", which stands for an identifier, or "name
 * literal", which stands for a string.  A value is always quoted, so it cannot
 * be anything but one identifier or one string.  Placeholders that are not
 * declared are text, and so is everything in comments.
 *
 * In dollar quotes, which may contain another language, values that some
 * language could take for something else are refused.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SUBSTITUTE_H
#define CMIG_SUBSTITUTE_H

#include "postgres.h"
#include "base/revision.h"

/*
 * The value of a placeholder, NULL if it has none; then the placeholder's name
 * takes its place.  literal: it is declared as a literal.
 */
typedef const char *(*CmigSubstituteValue) (const char *name, bool literal, void *arg);

/*
 * Parse a declaration: its name in *name (palloc'd), and whether it is a
 * literal.  False if it is not one.
 */
extern bool cmig_substitute_parse(const char *declaration, char **name, bool *literal);

/*
 * The script with its declared placeholders replaced; the script itself if
 * there are none.  owner is the revision's id, for messages; what is the name of
 * the script, such as "upgrade".  Raises MG013 for a placeholder that is inside
 * quotes or touches another token, and for a declaration that is not valid, and
 * 22023 for a value that cannot stand there.
 */
extern const char *cmig_substitute_script(const char *script, const CmigNames *declarations,
										  const char *owner, const char *what,
										  CmigSubstituteValue value, void *arg);

#endif							/* CMIG_SUBSTITUTE_H */
