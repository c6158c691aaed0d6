/*
 * scope.h
 *	  Determines the scope of a call: the database, or one of its schemas.
 *
 * A schema that is a scope has its own version rows, journal, progress, and
 * run lock.  The setting cmig.scope contains the schema's name, or an empty
 * string for the database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_H
#define CMIG_SCOPE_H

#include "postgres.h"

/* Register cmig.scope. */
extern void cmig_scope_init(void);

/*
 * Returns the name of the current scope, or "" for the database.  While a
 * script runs, this is the scope in which the script started, even if the
 * script changes the setting.
 */
extern const char *cmig_scope_current(void);

/* Is the current scope a schema? */
extern bool cmig_scope_is_set(void);

/*
 * Keep the current scope until cmig_scope_unpin(), even if the setting changes.
 */
extern void cmig_scope_pin(void);
extern void cmig_scope_unpin(void);

/*
 * Returns a sentence that says why a schema cannot be a scope, or NULL if it
 * can be one.
 */
extern const char *cmig_scope_reserved(const char *name);

/*
 * Raises an error if the current scope is a schema that does not exist (3F000)
 * or that cannot be a scope (22023).
 */
extern void cmig_scope_require(void);

/*
 * Raises error 42501 if the current scope is a schema that is not safe.  This
 * is the case if a role that is not trusted can create objects in the schema,
 * or owns an object in it that scripts would use in place of another object.
 * Scripts find unqualified names in the scope's schema first, so such a role
 * could replace the functions that scripts call.  The current role,
 * superusers, and the owner of the database are trusted.  "path" is the value
 * of cmig.search_path; it can be empty or NULL.
 */
extern void cmig_scope_require_safe(const char *path);

/* Was the error raised because the schema of the scope is not safe? */
extern bool cmig_scope_is_refusal(const ErrorData *error);

/*
 * Raises error 0A000 if the current scope is a schema, because "function",
 * such as "cmig.squash()", does not work there.  "hint" says what to do
 * instead.
 */
extern void cmig_scope_refuse(const char *function, const char *hint);

/* Returns the current scope for messages: scope "x", or database "x". */
extern char *cmig_scope_text(void);

/*
 * Returns, for use in hints, a condition that selects the current scope's rows
 * in a table with the column scope: " AND scope = 'x'", or "" for the
 * database.
 */
extern char *cmig_scope_condition(void);

#endif							/* CMIG_SCOPE_H */
