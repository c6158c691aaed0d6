/*
 * rls_try.c
 *	  Run a statement as another role and roll it back.
 *
 * The statement runs in a subtransaction, with the context set and
 * row_security on, and with the caller's search_path, which triggers may
 * depend on; what runs with the caller's own rights has a pinned one.
 * Whatever happens, nothing of it stays, and role and settings are
 * as before.
 */
#include "postgres.h"

#include "compat.h"
#include "query.h"
#include "rls.h"
#include "rls_try.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static void
take_counts(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsOutcome *outcome = arg;
	bool		isnull;

	if (TupleDescAttr(desc, 0)->atttypid == TEXTOID)
	{
		outcome->value = cmig_query_text(desc, row, 1);
		return;
	}
	for (int i = 0; i < desc->natts && i < lengthof(outcome->counts); i++)
		outcome->counts[i] = DatumGetInt64(cmig_query_datum(desc, row, i + 1, &isnull));
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value ? value : "", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* Was it a policy that stopped it?  Its SQLSTATE is that of missing rights. */
static bool
stopped_by_policy(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname &&
		strcmp(error->funcname, "ExecWithCheckOptions") == 0;
}

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

CmigRlsOutcome
cmig_rls_try(const CmigRlsAs *as, bool as_role, const char *sql, int nargs, char **args)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	CmigRlsOutcome outcome = {CMIG_RLS_DONE};
	Oid			types[4];
	Datum		values[4];
	char		nulls[5];

	memset(nulls, ' ', sizeof(nulls));
	for (int i = 0; i < nargs; i++)
	{
		types[i] = TEXTOID;
		values[i] = args[i] ? CStringGetTextDatum(args[i]) : (Datum) 0;
		nulls[i] = args[i] ? ' ' : 'n';
	}
	nulls[nargs] = '\0';

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		Oid			caller;
		int			security;

		set_local("row_security", "on");
		GetUserIdAndSecContext(&caller, &security);
		if (as_role)
		{
			set_local(CMIG_RLS_USER_SETTING, as->user);
			set_local(CMIG_RLS_TENANT_SETTING, as->tenant);
			SetUserIdAndSecContext(as->role, security | SECURITY_LOCAL_USERID_CHANGE);
		}
		outcome.rows = (int64) cmig_query_once(sql, nargs, types, values, nulls, !as_role,
											   take_counts, &outcome);
		if (as->probe)
		{
			SetUserIdAndSecContext(caller, security);
			(void) cmig_query_once(as->probe, 0, NULL, NULL, NULL, true, take_counts, &outcome);
		}
		/* gives back the user too */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		outcome = classify(as, error);
	}
	PG_END_TRY();
	return outcome;
}
