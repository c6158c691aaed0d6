/*
 * substitute.h
 *	  Replaces declared placeholders, ${name}, in scripts.
 *
 * A placeholder for an identifier is declared as "name" or "name identifier",
 * and a placeholder for a string as "name literal".  Each value is quoted, so
 * it is always a single identifier or a single string.  Undeclared placeholders
 * and all comments are left unchanged.
 *
 * Dollar quotes may contain code in another language, so a value inserted in a
 * dollar quote must not contain characters that could be special in that
 * language.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SUBSTITUTE_H
#define CMIG_SUBSTITUTE_H

#include "postgres.h"
#include "base/revision.h"

/*
 * A callback that returns the value of a placeholder, or NULL if the
 * placeholder has no value.  In the latter case, the placeholder's name is
 * used as its value.  "literal" is true if the placeholder is declared as a
 * literal.
 */
typedef const char *(*CmigSubstituteValue) (const char *name, bool literal, void *arg);

/*
 * Parse a declaration.  Sets *name to the placeholder's palloc'd name, and
 * *literal to true if the placeholder is a literal.  Returns false if the
 * declaration is not valid.
 */
extern bool cmig_substitute_parse(const char *declaration, char **name, bool *literal);

/*
 * Returns the script with its declared placeholders replaced, or the script
 * itself if it contains none.  For messages, "owner" is the revision's id, and
 * "what" is the name of the script, such as "upgrade".  Raises MG013 for an
 * invalid declaration, and for a placeholder that is inside quotes or touches
 * another token.  Raises 22023 for a value that cannot be used at the
 * placeholder's position.
 */
extern const char *cmig_substitute_script(const char *script, const CmigNames *declarations,
										  const char *owner, const char *what,
										  CmigSubstituteValue value, void *arg);

#endif							/* CMIG_SUBSTITUTE_H */
