/*
 * scope.c
 *	  The scope of a call: the database, or one of its schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "run/scope.h"

#include "catalog/namespace.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* Value of cmig.scope. */
static char *scope = NULL;

/* The scope in which the current script started. */
static char pinned[NAMEDATALEN];
static bool is_pinned = false;

const char *
cmig_scope_reserved(const char *name)
{
	if (strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0)
		return "It is a system schema.";
	if (strcmp(name, "cmig") == 0 || strcmp(name, "cmig_audit") == 0)
		return "It belongs to pg_cmig.";
	if (strcmp(name, "public") == 0)
		return "It contains what all scopes share.";
	return NULL;
}

/* GUC check hook of cmig.scope. */
static bool
check_scope(char **newval, void **extra, GucSource source)
{
	const char *reason = *newval ? cmig_scope_reserved(*newval) : NULL;

	if (reason != NULL)
	{
		GUC_check_errdetail("%s", reason);
		return false;
	}
	if (*newval != NULL && strlen(*newval) >= NAMEDATALEN)
	{
		GUC_check_errdetail("The name of a schema has at most %d bytes.", NAMEDATALEN - 1);
		return false;
	}
	return true;
}

const char *
cmig_scope_current(void)
{
	const char *name;

	if (is_pinned)
		return pinned;
	name = cmig_settings_text("cmig.scope", scope);
	return name ? name : "";
}

bool
cmig_scope_is_set(void)
{
	return cmig_scope_current()[0] != '\0';
}

void
cmig_scope_pin(void)
{
	strlcpy(pinned, cmig_scope_current(), sizeof(pinned));
	is_pinned = true;
}

void
cmig_scope_unpin(void)
{
	is_pinned = false;
}

void
cmig_scope_require(void)
{
	const char *name = cmig_scope_current();
	const char *reason;

	if (name[0] == '\0')
		return;
	reason = cmig_scope_reserved(name);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schema \"%s\" cannot be a scope", name),
				 errdetail("%s", reason),
				 errhint("SET cmig.scope = '<schema>', or RESET cmig.scope")));
	if (!OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name),
				 errdetail("The setting cmig.scope names this schema."),
				 errhint("CREATE SCHEMA %s", quote_identifier(name))));
}

void
cmig_scope_refuse(const char *function, const char *hint)
{
	if (cmig_scope_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s does not work in a scope", function),
				 errdetail("cmig.scope is \"%s\".", cmig_scope_current()),
				 errhint("%s", hint)));
}

char *
cmig_scope_text(void)
{
	if (cmig_scope_is_set())
		return psprintf("scope \"%s\"", cmig_scope_current());
	return psprintf("database \"%s\"", get_database_name(MyDatabaseId));
}

char *
cmig_scope_condition(void)
{
	if (cmig_scope_is_set())
		return psprintf(" AND scope = %s", quote_literal_cstr(cmig_scope_current()));
	return pstrdup("");
}

void
cmig_scope_init(void)
{
	DefineCustomStringVariable("cmig.scope",
							   "Sets the schema that migrations run in, with version rows and a journal of its own.",
							   "If empty, they run in the database.",
							   &scope, "", PGC_USERSET, 0,
							   check_scope, NULL, NULL);
}
