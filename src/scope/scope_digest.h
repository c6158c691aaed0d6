/*
 * scope_digest.h
 *	  Computes hashes of the schemas of many scopes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_DIGEST_H
#define CMIG_SCOPE_DIGEST_H

#include "postgres.h"
#include "scope/scope_row.h"

/*
 * Returns a hash for each of the schemas, in the same order.  The schemas must
 * exist, and must be sorted by name in byte order.
 *
 * Two schemas that have the same hash have the same objects with the same
 * properties, apart from the schema's name.  Two schemas that have different
 * hashes might also be equal.
 */
extern char **cmig_scope_digest(char *const *schemas, int count, const CmigScopeOptions *options);

#endif							/* CMIG_SCOPE_DIGEST_H */
