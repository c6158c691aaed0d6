/*
 * target_state.h
 *	  The state of a target while its SQL is running.
 *
 * Shared by the modules target_* and replay; other modules use target.h.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_STATE_H
#define CMIG_TARGET_STATE_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "shadow/shadow.h"
#include "shadow/target_result.h"

/* A target whose SQL is running. */
typedef struct CmigTargetState
{
	CmigShadow *shadow;
	CmigTarget *target;
	MemoryContext context;		/* memory context of the result */
	SubTransactionId subtransaction;	/* the shadow's subtransaction */
	int			line;			/* the line of the current statement */
	List	   *left_out;		/* list of char *: statements left out because
								 * they are not about a compared schema */
	List	   *elsewhere;		/* list of char *: live schemas of statements
								 * that were left out */
	List	   *missing;		/* list of CmigTargetMissing */
} CmigTargetState;

/* An object that the target names but does not create. */
typedef struct CmigTargetMissing
{
	ObjectType	type;
	char	   *name;
	bool		is_shown;		/* true if the live object belongs to another
								 * role, so that the target's statements about
								 * it are ignored */
} CmigTargetMissing;

/*
 * Add a note that the target's statement about this object was not executed,
 * and return the note.  All arguments are copied.
 */
extern CmigTargetNote *cmig_target_note(CmigTargetState *state, const char *kind, const char *object,
										const char *reason);

/*
 * Add a note about an object that has no schema.  Later statements may name
 * this object.
 */
extern void cmig_target_note_missing(CmigTargetState *state, ObjectType type,
									 const char *name, const char *reason);

/*
 * Remove the notes about an object, because a later statement of the target
 * reverts the statement that the notes are about.
 */
extern void cmig_target_forget(CmigTargetState *state, const char *kind, const char *object);

/*
 * Record another role's object that the target names.  The live object is left
 * as it is.
 */
extern void cmig_target_add_shown(CmigTargetState *state, ObjectType type, const char *name);

/*
 * Returns the entry for a missing or shown object, or NULL if there is none.
 */
extern const CmigTargetMissing *cmig_target_find_missing(const CmigTargetState *state,
														 ObjectType type, const char *name);

/*
 * Record a statement that is left out.  "what" is its name, such as "CREATE
 * DATABASE".
 */
extern void cmig_target_leave_out(CmigTargetState *state, const char *what);

/* Issue a NOTICE about the statements that were left out. */
extern void cmig_target_tell_left_out(const CmigTargetState *state);

#endif							/* CMIG_TARGET_STATE_H */
