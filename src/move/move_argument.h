/*
 * move_argument.h
 *	  Arguments of the moving verbs: steps, targets, confirmation.
 *
 * All of these raise 22023 for what cannot be meant.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_ARGUMENT_H
#define CMIG_MOVE_ARGUMENT_H

#include "postgres.h"
#include "fmgr.h"

/*
 * The first argument, a number of steps, as a relative identifier: "+2", "-1".
 * stepwise: the hint names the procedures.
 */
extern char *cmig_move_argument_steps_up(FunctionCallInfo fcinfo, bool stepwise);
extern char *cmig_move_argument_steps_down(FunctionCallInfo fcinfo, bool stepwise);

/*
 * Refuse a missing downgrade target, and words that people type for one step
 * down.  call is the beginning of the right call: "SELECT * FROM cmig.downgrade".
 */
extern void cmig_move_argument_require_target(const char *target, const char *call);

/* Refuse a destructive call unless argument n is the name of the database. */
extern void cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo, int n,
													const char *call);

#endif							/* CMIG_MOVE_ARGUMENT_H */
