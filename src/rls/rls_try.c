/*
 * rls_try.c
 *	  Run a statement as another role and roll it back.
 *
 * The statement runs in a subtransaction and a security-restricted operation,
 * with the context set and row_security on, and with the caller's
 * search_path, which triggers may depend on.  All code of others (policies,
 * triggers, types) runs there, with the role's privileges and never with the
 * caller's: what it prepares for later in the session is refused, and what it
 * changes is gone before the caller's privileges are back.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "base/subtransaction.h"
#include "rls/rls.h"
#include "rls/rls_try.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* The columns of a row, as counts. */
static void
take_counts(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsOutcome *outcome = arg;
	bool		isnull;

	for (int i = 0; i < desc->natts && i < lengthof(outcome->counts); i++)
		outcome->counts[i] = DatumGetInt64(cmig_query_datum(desc, row, i + 1, &isnull));
}

/* Up to the end of the subtransaction. */
static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value ? value : "", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* Was it a policy that stopped it?  Its SQLSTATE is that of missing privileges. */
static bool
stopped_by_policy(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname &&
		strcmp(error->funcname, "ExecWithCheckOptions") == 0;
}

/* What an error says about the attempt. */
static CmigRlsOutcome
classify(const CmigRlsAs *as, ErrorData *error)
{
	CmigRlsOutcome outcome = {CMIG_RLS_FAILED};

	switch (error->sqlerrcode)
	{
			/* what is not about the row must not be taken for a verdict */
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
			/* a missing partition is met before the policies */
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
 * A deferred trigger cannot be queued in a security-restricted operation, as
 * it would fire outside it.  So all fire at the end of their statement.
 */
static void
make_constraints_immediate(void)
{
	ConstraintsSetStmt *all = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(all);
}

/* As the role; returns false if the table was not the one that is tested. */
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

/* An attempt in its subtransaction. */
typedef struct Trial
{
	const CmigRlsAs *as;
	const CmigRlsAttempt *attempt;
	CmigRlsOutcome outcome;
	bool		prepared;		/* the attempt itself has begun */
	bool		same;			/* the table was the one that is tested */
} Trial;

/* Inside the subtransaction. */
static void
run_trial(void *arg)
{
	Trial	   *trial = arg;
	const CmigRlsAs *as = trial->as;
	Oid			caller;
	int			security;

	set_local("row_security", "on");
	set_local(CMIG_RLS_USER_SETTING, as->user);
	set_local(CMIG_RLS_TENANT_SETTING, as->tenant);
	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(as->role, security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
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
	/* without preparation: a deferred trigger of the caller's own statements */
	if (error ? !trial.prepared : !trial.same)
		trial.outcome.kind = CMIG_RLS_FAILED;
	if (error == NULL && !trial.same)
		trial.outcome.message = "The table was renamed or replaced during the attempt.";
	return trial.outcome;
}
