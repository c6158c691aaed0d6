/*
 * rls_sandbox.c
 *	  Evaluates other roles' expressions without giving their code any
 *	  privileges.
 *
 * Only built-in functions are called to evaluate an expression (rls_calls.c),
 * and no literal is parsed by the input function of a user-defined type
 * (rls_parse.c).  The sandbox is a second line of defense in case these
 * modules overlook something: user-defined code would run as a role without
 * privileges, and could neither switch to another role nor leave anything
 * behind.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_sandbox.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Switch to the role until the subtransaction ends. */
static void
become(Oid role)
{
	CmigRole	former;

	cmig_role_act_as(&former, role);
	if (role == CMIG_RLS_NOBODY)
		cmig_settings_pin_search_path();
}

/* A task, and the role that runs it. */
typedef struct SandboxRun
{
	Oid			role;
	CmigRlsTask task;
	void	   *arg;
} SandboxRun;

/* Subtransaction callback: run the task as its role. */
static void
run_task(void *arg)
{
	SandboxRun *run = arg;

	if (OidIsValid(run->role))
		become(run->role);
	run->task(run->arg);
}

int
cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg)
{
	SandboxRun	run = {role, task, arg};
	ErrorData  *error = cmig_subtransaction_rehearse(run_task, &run);
	int			sqlstate;
	int			category;

	if (error == NULL)
		return 0;
	sqlstate = error->sqlerrcode;
	category = ERRCODE_TO_CATEGORY(sqlstate);
	if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	FreeErrorData(error);
	return sqlstate;
}
