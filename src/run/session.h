/*
 * session.h
 *	  What a script finds in the session, and what is restored after it.
 *
 * A script runs with the caller's settings and privileges, or with
 * cmig.search_path and cmig.role.  When it ends, the session is as it was:
 * settings and role, constraint modes, cursors, temporary objects, and
 * prepared statements.  What the caller had created remains.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SESSION_H
#define CMIG_SESSION_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"
#include "run/deferred.h"

/* The state before a script, and what the hooks have noted since. */
typedef struct CmigSession
{
	MemoryContext context;		/* contains the lists */
	int			guc_level;
	int			temp_count;		/* temporary objects that existed before,
								 * sorted */
	ObjectAddress *temp_objects;
	List	   *prepared;		/* of char *: names of statements that the
								 * script prepared */
	CmigDeferred deferred;		/* deferred events and constraint modes */
} CmigSession;

/* Register cmig.search_path and cmig.role, and install the hooks. */
extern void cmig_session_init(void);

/*
 * Call enter before a script and leave after it.  If an error ends the script,
 * call abandon instead of leave: the end of the transaction restores the rest.
 * Sessions do not nest.
 */
extern void cmig_session_enter(CmigSession *session);
extern void cmig_session_leave(CmigSession *session);
extern void cmig_session_abandon(CmigSession *session);

/* To be called after enter: let the script start with this search_path. */
extern void cmig_session_use_path(const char *path);

/* Is there a script between enter and leave? */
extern bool cmig_session_is_entered(void);

/*
 * The same for a script whose statements are committed one by one.  The caller
 * restores settings and role (saved_settings.h).  The session must be
 * allocated, and the current context be, below PortalContext. leave_steps is
 * for both ways out and needs a transaction.
 */
extern void cmig_session_enter_steps(CmigSession *session);
extern void cmig_session_leave_steps(CmigSession *session);

/*
 * To be called before reading a script without running it: the client gets no
 * messages from the parser.  Returns the GUC nest level, which
 * AtEOXact_GUC(false, ...) ends.
 */
extern int	cmig_session_read_quietly(void);

/* search_path and role with which scripts start, as text. */
extern char *cmig_session_search_path(void);
extern char *cmig_session_role(void);

/*
 * Raise 42501 if the session may not become cmig.role, and say what to grant.
 */
extern void cmig_session_require_member(void);

#endif							/* CMIG_SESSION_H */
