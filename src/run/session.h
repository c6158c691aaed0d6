/*
 * session.h
 *	  Defines the session state that a script starts with, and what is
 *	  restored after the script.
 *
 * A script runs with the caller's settings and privileges, or with
 * cmig.search_path and cmig.role.  At the script's end, the session is restored
 * to its previous state: settings and role, constraint modes, cursors,
 * temporary objects, and prepared statements.  Anything that the caller had
 * created is kept.
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
 * The session's state before a script, and what the hooks have recorded since.
 */
typedef struct CmigSession
{
	MemoryContext context;		/* memory context of the lists */
	int			guc_level;
	int			temp_count;		/* number of temp_objects */
	ObjectAddress *temp_objects;
	List	   *prepared;		/* of char *: names of prepared statements */
	CmigDeferred deferred;		/* deferred events and constraint modes */
} CmigSession;

/* Register cmig.search_path and cmig.role, and install the hooks. */
extern void cmig_session_init(void);

/*
 * Call cmig_session_enter() before a script and cmig_session_leave() after it.
 * If an error ends the script, call cmig_session_abandon() instead; the end of
 * the transaction restores everything else.  Sessions cannot be nested.
 */
extern void cmig_session_enter(CmigSession *session);
extern void cmig_session_leave(CmigSession *session);
extern void cmig_session_abandon(CmigSession *session);

/*
 * Call this after cmig_session_enter() to start the script with a different
 * search_path.
 */
extern void cmig_session_use_path(const char *path);

/* Is a script running, that is, has a session been entered but not left? */
extern bool cmig_session_is_entered(void);

/*
 * Variants of cmig_session_enter() and cmig_session_leave() for a script whose
 * statements are committed one by one.  The caller must restore the settings
 * and the role (see saved_settings.h). *session must be allocated in
 * PortalContext or one of its children, and the current memory context must be
 * one of these, too.  cmig_session_leave_steps() must be called in a
 * transaction, after success as well as after an error.
 */
extern void cmig_session_enter_steps(CmigSession *session);
extern void cmig_session_leave_steps(CmigSession *session);

/*
 * Call this before parsing a script that is not going to run.  Suppresses the
 * parser's messages to the client.  Returns the GUC nest level to be passed to
 * AtEOXact_GUC(false, ...).
 */
extern int	cmig_session_read_quietly(void);

/*
 * Returns the effective value of cmig.search_path, which can be NULL or empty.
 * Raises 22023 if it is not a list of names.
 */
extern const char *cmig_session_path_setting(void);

/* Return the search_path and the role that scripts start with, as strings. */
extern char *cmig_session_search_path(void);
extern char *cmig_session_role(void);

/*
 * Raises 42501 if the session is not allowed to set its role to cmig.role.  The
 * error says what to grant.
 */
extern void cmig_session_require_member(void);

#endif							/* CMIG_SESSION_H */
