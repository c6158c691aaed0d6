/*
 * move_argument.h
 *	  Reads arguments for upgrades and downgrades: steps, targets, and
 *	  confirmation.
 *
 * All functions in this file raise error 22023 for invalid arguments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_ARGUMENT_H
#define CMIG_MOVE_ARGUMENT_H

#include "postgres.h"
#include "fmgr.h"

/*
 * Return the first argument of the SQL call, a number of steps, as a relative
 * identifier such as "+2" or "-1".  If "stepwise" is true, hints mention the
 * stepwise procedures instead of the functions.
 */
extern char *cmig_move_argument_steps_up(FunctionCallInfo fcinfo, bool stepwise);
extern char *cmig_move_argument_steps_down(FunctionCallInfo fcinfo, bool stepwise);

/*
 * Raises an error if the downgrade target is missing, or if it is a word such
 * as "previous", with which users may try to downgrade by one step.  "call" is
 * the beginning of the correct call, such as "SELECT * FROM cmig.downgrade".
 */
extern void cmig_move_argument_require_target(const char *target, const char *call);

/*
 * Raises an error unless argument n, with which users confirm an operation, is
 * the name of the current database.
 */
extern void cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo, int n,
													const char *call);

#endif							/* CMIG_MOVE_ARGUMENT_H */
