/*
 * rls_try.c
 *	  Runs a statement as another role and rolls it back.
 *
 * The statement runs in a subtransaction and a security-restricted operation,
 * with the context set, row_security on, and the caller's search_path, on
 * which triggers may depend.  Code that belongs to other roles (policies,
 * triggers, types) runs there with the tested role's privileges and never with
 * the caller's.  Anything that would take effect later in the session is
 * refused, and all changes are rolled back before the caller's privileges are
 * restored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "rls/rls.h"
#include "rls/rls_try.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Callback that stores the numbers in a result row in the outcome's counts. */
static void
take_counts(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsOutcome *outcome = arg;
	bool		isnull;

	for (int i = 0; i < desc->natts && i < lengthof(outcome->counts); i++)
		outcome->counts[i] = DatumGetInt64(cmig_query_datum(desc, row, i + 1, &isnull));
}

/* Set a setting until the end of the subtransaction. */
static void
set_local(const char *name, const char *value)
{
	cmig_settings_set(name, value ? value : "", PGC_SUSET, GUC_ACTION_LOCAL);
}

/*
 * Returns true if a policy stopped the statement.  The SQLSTATE alone does not
 * tell, because it is the same for a missing privilege.
 */
static bool
stopped_by_policy(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname &&
		strcmp(error->funcname, "ExecWithCheckOptions") == 0;
}

/*
 * Convert an error to an outcome.  An error that the attempted change did not
 * cause, such as a query cancel, is rethrown.
 */
static CmigRlsOutcome
classify(const CmigRlsAs *as, ErrorData *error)
{
	CmigRlsOutcome outcome = {CMIG_RLS_FAILED};

	switch (error->sqlerrcode)
	{
			/* rethrow errors that do not concern the row */
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		case ERRCODE_OUT_OF_MEMORY:
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			ReThrowError(error);
			break;
		case ERRCODE_UNIQUE_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
		case ERRCODE_NOT_NULL_VIOLATION:
		case ERRCODE_EXCLUSION_VIOLATION:
			outcome.kind = CMIG_RLS_CONSTRAINT;
			break;
		case ERRCODE_CHECK_VIOLATION:

			/*
			 * in a partitioned table, the error may also be about a missing
			 * partition, which is reported before the policies are checked
			 */
			outcome.kind = as->partitioned ? CMIG_RLS_FAILED : CMIG_RLS_CONSTRAINT;
			break;
		default:
			if (stopped_by_policy(error))
				outcome.kind = CMIG_RLS_REFUSED;
			break;
	}
	outcome.message = pstrdup(error->message);
	return outcome;
}

/*
 * Make all constraints immediate.  A deferred trigger cannot be queued in a
 * security-restricted operation, because the trigger would fire after the
 * operation.
 */
static void
make_constraints_immediate(void)
{
	ConstraintsSetStmt *all = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(all);
}

/*
 * Run the statement as the role.  Returns false if the statement has renamed
 * or replaced the table under test.
 */
static bool
run_attempt(const CmigRlsAs *as, const CmigRlsAttempt *attempt, CmigRlsOutcome *outcome)
{
	if (!cmig_rls_rows_same(&as->rows))
		return false;
	outcome->rows = (int64) cmig_query_once(attempt->sql, attempt->nargs, attempt->types,
											attempt->values, attempt->nulls, false,
											attempt->row ? attempt->row : take_counts,
											attempt->row ? attempt->arg : outcome);
	CommandCounterIncrement();
	if (!cmig_rls_rows_same(&as->rows))
		return false;
	if (attempt->key)
		outcome->strange = cmig_rls_rows_count(&as->rows, attempt->key, attempt->value);
	return true;
}

/* An attempt, and what is known about it after the subtransaction. */
typedef struct Trial
{
	const CmigRlsAs *as;
	const CmigRlsAttempt *attempt;
	CmigRlsOutcome outcome;
	bool		prepared;		/* true if the statement itself was started */
	bool		same;			/* true if the table was not renamed or
								 * replaced */
} Trial;

/*
 * Subtransaction callback: set the context, switch to the tested role, and run
 * the attempt.
 */
static void
run_trial(void *arg)
{
	Trial	   *trial = arg;
	const CmigRlsAs *as = trial->as;
	CmigRole	former;

	set_local("row_security", "on");
	set_local(CMIG_RLS_USER_SETTING, as->user);
	set_local(CMIG_RLS_TENANT_SETTING, as->tenant);
	cmig_role_act_as(&former, as->role);
	make_constraints_immediate();
	trial->prepared = true;
	trial->same = run_attempt(as, trial->attempt, &trial->outcome);
}

CmigRlsOutcome
cmig_rls_try(const CmigRlsAs *as, const CmigRlsAttempt *attempt)
{
	Trial		trial = {as, attempt, {CMIG_RLS_DONE,.strange = -1}};
	ErrorData  *error = cmig_subtransaction_rehearse(run_trial, &trial);

	if (error)
		trial.outcome = classify(as, error);

	/*
	 * An error before the statement is started says nothing about the
	 * policies: it comes from a deferred trigger event that one of the
	 * caller's statements has queued.
	 */
	if (error ? !trial.prepared : !trial.same)
		trial.outcome.kind = CMIG_RLS_FAILED;
	if (error == NULL && !trial.same)
		trial.outcome.message = "The table was renamed or replaced during the test.";
	return trial.outcome;
}
