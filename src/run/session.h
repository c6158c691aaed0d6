/*
 * session.h
 *	  Sets up the session state for a script, and restores the previous state
 *	  afterward.
 *
 * A script runs with the caller's settings and privileges, or with
 * cmig.search_path and cmig.role.  At the end of the script, settings, role,
 * and constraint modes are restored, and the cursors, temporary objects, and
 * prepared statements that the script has created are removed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SESSION_H
#define CMIG_SESSION_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "run/deferred.h"

/*
 * The state of the session before a script, and what the hooks have recorded
 * while the script runs.
 */
typedef struct CmigSession
{
	MemoryContext context;		/* memory context of the lists */
	int			guc_level;
	int			temp_count;		/* number of objects in temp_objects */
	ObjectAddress *temp_objects;
	List	   *prepared;		/* of char *: names of statements that the
								 * script has prepared */
	CmigDeferred deferred;		/* deferred trigger events and constraint
								 * modes */
} CmigSession;

/* Register cmig.search_path and cmig.role, and install the hooks. */
extern void cmig_session_init(void);

/*
 * Call cmig_session_enter() before a script and cmig_session_leave() after it.
 * If the script ends with an error, call cmig_session_abandon() instead, and
 * roll back the transaction or subtransaction, which restores everything else.
 * Sessions cannot be nested.
 */
extern void cmig_session_enter(CmigSession *session);
extern void cmig_session_leave(CmigSession *session);
extern void cmig_session_abandon(CmigSession *session);

/*
 * Call this after cmig_session_enter() to set a different search_path for the
 * script.
 */
extern void cmig_session_use_path(const char *path);

/* Is a script running, that is, has a session been entered but not left? */
extern bool cmig_session_is_entered(void);

/*
 * Variants of cmig_session_enter() and cmig_session_leave() for a script whose
 * statements are committed one by one.  The caller must restore the settings
 * and the role (see saved_settings.h).  *session must be allocated in
 * PortalContext or one of its children, and the current memory context must be
 * one of these, too.  cmig_session_leave_steps() must be called in a
 * transaction, after success as well as after an error.
 */
extern void cmig_session_enter_steps(CmigSession *session);
extern void cmig_session_leave_steps(CmigSession *session);

/*
 * Call this before parsing a script that is not going to run.  Suppresses the
 * parser's messages to the client.  The caller must pass the returned GUC nest
 * level to AtEOXact_GUC(false, ...) afterward.
 */
extern int	cmig_session_read_quietly(void);

/*
 * Returns the value of cmig.search_path that is in effect, which can be NULL
 * or empty.  Raises error 22023 if it is not a list of names.
 */
extern const char *cmig_session_path_setting(void);

/* Return the search_path and the name of the role that scripts start with. */
extern char *cmig_session_search_path(void);
extern char *cmig_session_role(void);

/*
 * Raises error 42501 if the session user is not allowed to set its role to
 * cmig.role.  The error says what to grant.
 */
extern void cmig_session_require_member(void);

#endif							/* CMIG_SESSION_H */
