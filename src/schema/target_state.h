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
#include "schema/shadow.h"
#include "schema/target_result.h"

/* A target that is being run. */
typedef struct CmigTargetState
{
	CmigShadow *shadow;
	CmigTarget *target;
	MemoryContext context;		/* memory context of the result */
	SubTransactionId subtransaction;	/* the shadow in which the target runs */
	int			line;			/* the part of the text that is being run */
	List	   *left_out;		/* of char *: statements that do not affect a
								 * schema that is compared */
	List	   *elsewhere;		/* of char *: live schemas about which there
								 * were statements */
	List	   *missing;		/* of CmigTargetMissing */
} CmigTargetState;

/* An object that the target names but does not create, as a note says. */
typedef struct CmigTargetMissing
{
	ObjectType	type;
	char	   *name;
	bool		is_shown;		/* the object is live and belongs to another
								 * role, so the target's statements about it
								 * are ignored */
} CmigTargetMissing;

/* Note that something could not be executed; all arguments are copied. */
extern CmigTargetNote *cmig_target_note(CmigTargetState *state, const char *kind, const char *object,
										const char *reason);

/* The same for an object without a schema, which later statements may name. */
extern void cmig_target_note_missing(CmigTargetState *state, ObjectType type,
									 const char *name, const char *reason);

/* Remove such notes, because the target has reverted the statement. */
extern void cmig_target_forget(CmigTargetState *state, const char *kind, const char *object);

/*
 * Note an object of another role that the target names, and that is left as it
 * is live.
 */
extern void cmig_target_add_shown(CmigTargetState *state, ObjectType type, const char *name);

/* The entry for such an object, or NULL. */
extern const CmigTargetMissing *cmig_target_find_missing(const CmigTargetState *state,
														 ObjectType type, const char *name);

/*
 * Note that a statement is left out; what is its name, such as "CREATE
 * DATABASE".
 */
extern void cmig_target_leave_out(CmigTargetState *state, const char *what);

/* Issue the NOTICEs about statements that were left out. */
extern void cmig_target_tell_left_out(const CmigTargetState *state);

#endif							/* CMIG_TARGET_STATE_H */
