/*
 * move_argument.h
 *	  Arguments of the functions that move: steps, targets, confirmation.
 *
 * All of them raise 22023 for invalid arguments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_ARGUMENT_H
#define CMIG_MOVE_ARGUMENT_H

#include "postgres.h"
#include "fmgr.h"

/*
 * The first argument, a number of steps, as a relative identifier: "+2", "-1".
 * stepwise: hints name the procedures.
 */
extern char *cmig_move_argument_steps_up(FunctionCallInfo fcinfo, bool stepwise);
extern char *cmig_move_argument_steps_down(FunctionCallInfo fcinfo, bool stepwise);

/*
 * Raise an error for a missing downgrade target, and for words that users try
 * for one step down. call is the beginning of the correct call: "SELECT
 * * FROM cmig.downgrade".
 */
extern void cmig_move_argument_require_target(const char *target, const char *call);

/* Raise an error unless argument n is the name of the database. */
extern void cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo, int n,
													const char *call);

#endif							/* CMIG_MOVE_ARGUMENT_H */
