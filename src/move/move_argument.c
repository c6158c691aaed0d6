/*
 * move_argument.c
 *	  Reads the arguments of the functions that move: steps, targets, and
 *	  confirmation.
 *
 * For likely mistakes, the error's hint shows the call that was probably
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
 * A greater number is taken for the date or time at the start of a revision id.
 */
#define MAX_STEPS 9999999

/* Raise an error if a number is a revision id rather than a number of steps. */
static void
refuse_id(int64 steps, const char *call)
{
	if (steps > MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a revision is a text, not a number"),
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
				 errmsg("an integer for upgrade is a number of steps and must be positive"),
				 stepwise ?
				 errhint("Quote a revision: CALL cmig.upgrade_stepwise('005'); CALL cmig.downgrade_stepwise(-1) goes down.") :
				 errhint("Quote a revision: cmig.upgrade('005'); cmig.downgrade(-1) goes down.")));
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
				 errmsg("an integer for downgrade is a number of steps and must be negative"),
				 stepwise ?
				 errhint("Quote a revision: CALL cmig.downgrade_stepwise('005'); CALL cmig.downgrade_stepwise(-1) reverts one revision.") :
				 errhint("Quote a revision: cmig.downgrade('005'); cmig.downgrade(-1) reverts one revision.")));
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
				 : errmsg("downgrade needs a target"),
				 errhint("%s('-1') reverts the last revision. Name a revision to go down to it, or base to revert all.",
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
				 errdetail("It reverts all revisions, losing the data in the objects that they created, and applies them again."),
				 errhint("Use %s(confirm => %s)", call,
						 quote_literal_cstr(database))));
}
