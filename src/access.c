/*
 * access.c
 *	  Levels of access to pg_cmig's own schema: grant_access, revoke_access.
 *
 * Nothing is granted to PUBLIC by the installation.  A level is a list of
 * GRANTs, made here and shown to the caller.  "application" is what a role
 * that serves users needs: the context of row-level security and nothing of
 * the migrations.
 */
#include "postgres.h"

#include "access.h"
#include "compat.h"
#include "errors.h"
#include "query.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(cmig_grant_access);
PG_FUNCTION_INFO_V1(cmig_revoke_access);

/* What GRANT and REVOKE take between the verb and the role. */
static const char *const application[] = {
	"USAGE ON SCHEMA cmig",
	"EXECUTE ON FUNCTION cmig.set_context(text, text, boolean)",
	"EXECUTE ON FUNCTION cmig.set_context(\"any\", \"any\", boolean)",
	"EXECUTE ON FUNCTION cmig.clear_context()",
	"EXECUTE ON FUNCTION cmig.context()",
	"EXECUTE ON FUNCTION cmig.current_user_id()",
	"EXECUTE ON FUNCTION cmig.current_tenant_id()",
	"EXECUTE ON FUNCTION cmig.require_user_id()",
	"EXECUTE ON FUNCTION cmig.require_tenant_id()",
	NULL
};

/* Each level is the lists that it consists of. */
static const struct
{
	const char *name;
	const char *const *lists[4];
}			levels[] = {
	{"application", {application}}
};

static char *
level_names(void)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(levels); i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", levels[i].name);
	return text.data;
}

/* "verb what preposition role" for everything in a level. */
static List *
level_statements(const char *verb, const char *preposition, const char *role, const char *level)
{
	List	   *statements = NIL;

	for (int i = 0; i < lengthof(levels); i++)
	{
		if (level == NULL || strcmp(levels[i].name, level) != 0)
			continue;
		for (int j = 0; levels[i].lists[j]; j++)
			for (const char *const *what = levels[i].lists[j]; *what; what++)
				statements = lappend(statements, psprintf("%s %s %s %s", verb, *what, preposition, role));
		return statements;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 level ? errmsg("there is no access level \"%s\"", level)
			 : errmsg("the access level must not be null"),
			 errhint("The levels are: %s.", level_names())));
	return NIL;
}

List *
cmig_access_grants(const char *role, const char *level)
{
	return level_statements("GRANT", "TO", role, level);
}

List *
cmig_access_revokes_level(const char *role, const char *level)
{
	return level_statements("REVOKE", "FROM", role, level);
}

List *
cmig_access_revokes(const char *role)
{
	return list_make3(psprintf("REVOKE ALL ON ALL ROUTINES IN SCHEMA cmig FROM %s", role),
					  psprintf("REVOKE ALL ON ALL TABLES IN SCHEMA cmig FROM %s", role),
					  psprintf("REVOKE ALL ON SCHEMA cmig FROM %s", role));
}

/* The role argument as it stands in a statement. */
static char *
role_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *name;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the role must not be null"),
				 errhint("Name the role, as in cmig.grant_access('app', 'application').")));
	name = NameStr(*PG_GETARG_NAME(n));
	if (strcmp(name, "public") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("access to pg_cmig is not given to PUBLIC"),
				 errhint("Name the roles that need it.")));
	if (!OidIsValid(get_role_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errhint("CREATE ROLE %s; names are taken as they are, case and all.",
						 quote_identifier(name))));
	return pstrdup(quote_identifier(name));
}

/* Run the statements and return them. */
static Datum
carry_out(FunctionCallInfo fcinfo, List *statements)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	foreach(lc, statements)
	{
		Datum		values[1] = {CStringGetTextDatum(lfirst(lc))};
		bool		nulls[1] = {false};

		(void) cmig_query_once(lfirst(lc), 0, NULL, NULL, NULL, true, NULL, NULL);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_grant_access(PG_FUNCTION_ARGS)
{
	char	   *role = role_argument(fcinfo, 0);
	char	   *level = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	return carry_out(fcinfo, cmig_access_grants(role, level));
}

Datum
cmig_revoke_access(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	return carry_out(fcinfo, cmig_access_revokes(role_argument(fcinfo, 0)));
}
