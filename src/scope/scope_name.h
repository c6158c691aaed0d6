/*
 * scope_name.h
 *	  The names of the objects in a scope's schema, without the schema's name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_NAME_H
#define CMIG_SCOPE_NAME_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "utils/hsearch.h"

/* The OIDs of a schema's objects, and hashes of their names. */
typedef struct CmigScopeNames
{
	const char *schema;			/* the schema's name as in SQL */
	HTAB	   *table;
} CmigScopeNames;

/* Make "names" empty.  The memory is allocated in the current context. */
extern void cmig_scope_name_begin(CmigScopeNames *names, const char *schema);

/*
 * Record the name of one of the schema's objects.  "owner" is the hash of the
 * name of the object that it belongs to, or 0.
 */
extern void cmig_scope_name_add(CmigScopeNames *names, Oid object, const char *kind, uint64 owner, const char *name);

/*
 * Returns the hash of the name of an object in the schema, or the OID of
 * another object.
 */
extern uint64 cmig_scope_name_of(const CmigScopeNames *names, Oid object);

/*
 * Append a string, in which the schema's name, as in SQL, is replaced wherever
 * it is an identifier.  The string can be NULL.  Different strings remain
 * different, whatever is appended after them.
 */
extern void cmig_scope_name_append(StringInfo buf, const char *schema, const char *text);

#endif							/* CMIG_SCOPE_NAME_H */
