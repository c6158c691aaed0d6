/*
 * session.h
 *	  What a script finds in the session, and what is put back after it.
 *
 * A script runs with the caller's settings and rights, or with
 * cmig.search_path and cmig.role.  When it ends, the session is as it was:
 * settings and role, constraint modes, cursors, temporary objects and
 * prepared statements.  What the caller had made stays.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SESSION_H
#define CMIG_SESSION_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* What was there before a script, and what was seen of it since. */
typedef struct CmigSession
{
	MemoryContext context;		/* holds the lists */
	int			guc_level;
	int			temp_count;		/* temporary objects before, sorted */
	ObjectAddress *temp_objects;
	List	   *prepared;		/* of char *: names that the script prepared */
	List	   *deferred;		/* of Oid: tables that may have deferred
								 * events */
	List	   *constraints;	/* of Oid: constraints whose mode it set */
	bool		set_all;		/* it set the mode of all constraints */
	bool		set_some;		/* it set the mode of any constraint */
} CmigSession;

/* Register cmig.search_path and cmig.role, and the hooks. */
extern void cmig_session_init(void);

/*
 * Before and after a script.  When an error leaves the script, call abandon
 * instead of leave: the transaction's end puts back the rest.  Sessions do
 * not nest.
 */
extern void cmig_session_enter(CmigSession *session);
extern void cmig_session_leave(CmigSession *session);
extern void cmig_session_abandon(CmigSession *session);

/*
 * The same for a script whose statements are committed one by one: settings
 * and role are the caller's business (saved_settings.h), and the session must
 * be allocated, and current be a context, below PortalContext.  leave_steps
 * is for both ways out, in a transaction.
 */
extern void cmig_session_enter_steps(CmigSession *session);
extern void cmig_session_leave_steps(CmigSession *session);

/*
 * Texts that are only read: what the parser has to say of them is not for the
 * client.  Returns the GUC nest level that AtEOXact_GUC(false, ...) ends.
 */
extern int	cmig_session_read_quietly(void);

/* search_path and role that scripts start with, as text. */
extern char *cmig_session_search_path(void);
extern char *cmig_session_role(void);

/* Say what to grant where the session may not become cmig.role. */
extern void cmig_session_require_member(void);

#endif							/* CMIG_SESSION_H */
