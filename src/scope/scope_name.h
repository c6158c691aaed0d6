/*
 * scope_name.h
 *	  Hashes the names of the objects in a scope's schema, without the schema's
 *	  name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_NAME_H
#define CMIG_SCOPE_NAME_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "utils/hsearch.h"

/* The OIDs of the objects in a schema, and hashes of their names. */
typedef struct CmigScopeNames
{
	const char *schema;			/* schema name, quoted if necessary */
	HTAB	   *table;
} CmigScopeNames;

/*
 * Initialize an empty set of names for a schema, allocated in the current
 * memory context.
 */
extern void cmig_scope_name_begin(CmigScopeNames *names, const char *schema);

/*
 * Record the name of an object in the schema.  "kind" distinguishes objects of
 * different types that have the same name.  If the object belongs to another
 * object, "owner" is the hash of that object's name; otherwise, "owner" is 0.
 */
extern void cmig_scope_name_add(CmigScopeNames *names, Oid object, const char *kind, uint64 owner, const char *name);

/*
 * Returns the hash of the name that was recorded for an object, or the OID of
 * the object if there is none, because it is not in the schema.
 */
extern uint64 cmig_scope_name_of(const CmigScopeNames *names, Oid object);

/*
 * Append a string, which can be NULL, to a buffer that will be hashed.
 * "schema" is the quoted name of the schema; it is replaced wherever it is an
 * identifier in the string.  Different sequences of strings result in
 * different buffers.
 */
extern void cmig_scope_name_append(StringInfo buf, const char *schema, const char *text);

#endif							/* CMIG_SCOPE_NAME_H */
