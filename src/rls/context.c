/*
 * context.c
 *	  The context: the current user and tenant.
 *
 * The context consists of two ordinary settings, so that applications can also
 * SET them.  An unset setting and '' both mean that there is no context.
 * Anyone who can run SQL can change the settings, so the settings protect
 * against mistakes in the application but not against SQL injection.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/errors.h"
#include "rls/internal.h"

PG_FUNCTION_INFO_V1(cmig_set_context);
PG_FUNCTION_INFO_V1(cmig_clear_context);
PG_FUNCTION_INFO_V1(cmig_context);
PG_FUNCTION_INFO_V1(cmig_current_user_id);
PG_FUNCTION_INFO_V1(cmig_current_tenant_id);
PG_FUNCTION_INFO_V1(cmig_require_user_id);
PG_FUNCTION_INFO_V1(cmig_require_tenant_id);

/*
 * Set a setting for the transaction if "is_local" is true, otherwise for the
 * session.  A NULL value clears the setting.
 */
static void
set_setting(const char *name, const char *value, bool is_local)
{
	if (value == NULL)
		value = "";
	cmig_settings_set(name, value, superuser() ? PGC_SUSET : PGC_USERSET,
					  is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET);
	if (IsTransactionBlock())
		cmig_citus_propagate_setting(name, value);
}

/* Returns a setting's value, or NULL if the setting is unset or ''. */
static const char *
get_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value && value[0] ? value : NULL;
}

Datum
cmig_set_context(PG_FUNCTION_ARGS)
{
	bool		is_local = PG_ARGISNULL(2) ? true : PG_GETARG_BOOL(2);

	/*
	 * In a call without arguments, these have type "any" and their defaults,
	 * which are nulls of unknown type.  An explicit NULL is accepted: it has
	 * another type, or makes the server choose the function with arguments of
	 * type text.
	 */
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1) &&
		get_fn_expr_argtype(fcinfo->flinfo, 0) == UNKNOWNOID &&
		get_fn_expr_argtype(fcinfo->flinfo, 1) == UNKNOWNOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("set_context requires a user or a tenant"),
				 errdetail("To clear the context, use cmig.clear_context()."),
				 errhint("SELECT cmig.set_context('<user>', '<tenant>')")));

	/*
	 * Outside a transaction block, a local setting ends with this statement,
	 * so setting it is a mistake.  If there is an error context, however,
	 * another function called this one and may use the setting later.
	 */
	if (is_local && !IsTransactionBlock() && error_context_stack == NULL)
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("the context ends with this statement"),
				 errdetail("It is local to the transaction, and there is no transaction block."),
				 errhint("Run BEGIN first, or use cmig.set_context(..., is_local => false) for the whole session.")));

	set_setting(CMIG_RLS_USER_SETTING, cmig_argument_any(fcinfo, 0), is_local);
	set_setting(CMIG_RLS_TENANT_SETTING, cmig_argument_any(fcinfo, 1), is_local);
	PG_RETURN_VOID();
}

/* Clear the context for the session, including local settings. */
Datum
cmig_clear_context(PG_FUNCTION_ARGS)
{
	set_setting(CMIG_RLS_USER_SETTING, "", false);
	set_setting(CMIG_RLS_TENANT_SETTING, "", false);
	PG_RETURN_VOID();
}

Datum
cmig_context(PG_FUNCTION_ARGS)
{
	const char *user = get_setting(CMIG_RLS_USER_SETTING);
	const char *tenant = get_setting(CMIG_RLS_TENANT_SETTING);
	Datum		values[2] = {0};
	bool		nulls[2];

	nulls[0] = (user == NULL);
	nulls[1] = (tenant == NULL);
	if (user)
		values[0] = CStringGetTextDatum(user);
	if (tenant)
		values[1] = CStringGetTextDatum(tenant);
	return cmig_result_row(fcinfo, lengthof(values), values, nulls);
}

/*
 * Returns a setting's value.  If it is not set, returns null or, if the value
 * is "required", as in messages, raises an error.
 */
static Datum
context_value(FunctionCallInfo fcinfo, const char *name, const char *required)
{
	const char *value = get_setting(name);

	if (value)
		PG_RETURN_TEXT_P(cstring_to_text(value));
	if (required)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NO_CONTEXT),
				 errmsg("there is no %s in the context", required),
				 errdetail("The setting %s is not set, and a policy requires it.", name),
				 errhint("Set the context at the start of the transaction: BEGIN; SELECT cmig.set_context('<user>', '<tenant>')")));
	PG_RETURN_NULL();
}

Datum
cmig_current_user_id(PG_FUNCTION_ARGS)
{
	return context_value(fcinfo, CMIG_RLS_USER_SETTING, NULL);
}

Datum
cmig_current_tenant_id(PG_FUNCTION_ARGS)
{
	return context_value(fcinfo, CMIG_RLS_TENANT_SETTING, NULL);
}

Datum
cmig_require_user_id(PG_FUNCTION_ARGS)
{
	return context_value(fcinfo, CMIG_RLS_USER_SETTING, "user");
}

Datum
cmig_require_tenant_id(PG_FUNCTION_ARGS)
{
	return context_value(fcinfo, CMIG_RLS_TENANT_SETTING, "tenant");
}
