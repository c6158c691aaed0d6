/*
 * target_state.h
 *	  A target whose SQL is running, and what is known of it so far.
 *
 * Shared by the modules target_*; others use target.h.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_STATE_H
#define CMIG_TARGET_STATE_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "schema/shadow.h"
#include "schema/target_result.h"

typedef struct CmigTargetState
{
	CmigShadow *shadow;
	CmigTarget *target;
	MemoryContext context;		/* of the result */
	SubTransactionId subtransaction;	/* that the target runs in */
	int			line;			/* of the statement of the text that runs */
	List	   *left_out;		/* of char *: statements without effect on a
								 * schema that is compared */
	List	   *missing;		/* of CmigTargetMissing */
} CmigTargetState;

/* An object that the target names and that a note says is not there. */
typedef struct CmigTargetMissing
{
	ObjectType	type;
	char	   *name;
	bool		is_shown;		/* it is there as it is live, and is another
								 * role's: what the target says of it does not
								 * count */
} CmigTargetMissing;

/* Note that something could not be carried out; all is copied. */
extern void cmig_target_note(CmigTargetState *state, const char *kind, const char *object,
							 const char *reason);

/* The same for a whole object without a schema, which statements may name later. */
extern void cmig_target_note_missing(CmigTargetState *state, ObjectType type,
									 const char *name, const char *reason);

/* An object of another role that the target names is there as it is live. */
extern void cmig_target_add_shown(CmigTargetState *state, ObjectType type, const char *name);

/* The entry of such an object, or NULL. */
extern const CmigTargetMissing *cmig_target_find_missing(const CmigTargetState *state,
														 ObjectType type, const char *name);

/* A statement is left out; what is its name, such as "CREATE DATABASE". */
extern void cmig_target_leave_out(CmigTargetState *state, const char *what);

/* NOTICEs about what was left out. */
extern void cmig_target_tell_left_out(const CmigTargetState *state);

#endif							/* CMIG_TARGET_STATE_H */
