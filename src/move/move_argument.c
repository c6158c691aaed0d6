/*
 * move_argument.c
 *	  Reads arguments for upgrades and downgrades: steps, targets, and
 *	  confirmation.
 *
 * For likely mistakes, the hint of the error shows the call that was probably
 * intended.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "move/move_argument.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/*
 * The highest number of steps that is accepted.  A higher number is assumed to
 * be a revision id that begins with a date or time.
 */
#define MAX_STEPS 9999999

/*
 * Raise an error if "steps" seems to be a revision id instead of a number of
 * steps.  "call" is the beginning of the call for the hint.
 */
static void
refuse_id(int64 steps, const char *call)
{
	if (steps > MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a revision must be text, not a number"),
				 errhint("%s('" INT64_FORMAT "')", call, steps)));
}

char *
cmig_move_argument_steps_up(FunctionCallInfo fcinfo, bool stepwise)
{
	int64		steps = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);

	refuse_id(steps, stepwise ? "CALL cmig.upgrade_stepwise" : "SELECT * FROM cmig.upgrade");
	if (steps <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an integer passed to upgrade is a number of steps and must be positive"),
				 stepwise ?
				 errhint("To specify a revision, quote it: CALL cmig.upgrade_stepwise('005'); use CALL cmig.downgrade_stepwise(-1) to go down.") :
				 errhint("To specify a revision, quote it: cmig.upgrade('005'); use cmig.downgrade(-1) to go down.")));
	return psprintf("+" INT64_FORMAT, steps);
}

char *
cmig_move_argument_steps_down(FunctionCallInfo fcinfo, bool stepwise)
{
	int64		steps = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);

	refuse_id(steps, stepwise ? "CALL cmig.downgrade_stepwise" : "SELECT * FROM cmig.downgrade");
	if (steps >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an integer passed to downgrade is a number of steps and must be negative"),
				 stepwise ?
				 errhint("To specify a revision, quote it: CALL cmig.downgrade_stepwise('005'); use CALL cmig.downgrade_stepwise(-1) to revert one revision.") :
				 errhint("To specify a revision, quote it: cmig.downgrade('005'); use cmig.downgrade(-1) to revert one revision.")));
	return psprintf(INT64_FORMAT, steps);
}

void
cmig_move_argument_require_target(const char *target, const char *call)
{
	if (target == NULL || strcmp(target, "previous") == 0 ||
		strcmp(target, "prev") == 0 || strcmp(target, "last") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("\"%s\" is not a downgrade target", target)
				 : errmsg("downgrade requires a target"),
				 errhint("%s('-1') reverts the last revision. Specify a revision to go down to, or base to revert all.",
						 call)));
}

void
cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo, int n,
										const char *call)
{
	char	   *confirm = cmig_argument_text(fcinfo, n);
	char	   *database = get_database_name(MyDatabaseId);

	if (confirm == NULL || strcmp(confirm, database) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reset must be confirmed with the name of the database"),
				 errdetail("It reverts all revisions, which destroys the data in the objects that they created, and then applies them again."),
				 errhint("Use %s(confirm => %s)", call,
						 quote_literal_cstr(database))));
}
