/*
 * ddl_log.c
 *	  Writes cmig.ddl_log, which records DDL outside of migration runs.
 *
 * Roles that run DDL have no privileges on cmig.ddl_log.  Its rows are
 * therefore written as its owner, the bootstrap superuser.  Only superusers
 * can attach a trigger to the table, so no other role's code can run with the
 * owner's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "guard/ddl_log.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "mb/pg_wchar.h"

/* Maximum length of the recorded query text, in bytes. */
#define QUERY_BYTES 1000

/*
 * Does a string constant, or the value of a connection option, begin at
 * "text"?
 */
static bool
is_value(const char *text)
{
	return *text == '\'' || *text == '$' || text[-1] == '=' ||
		pg_strncasecmp(text, "E'", 2) == 0 || pg_strncasecmp(text, "U&'", 3) == 0;
}

/*
 * Can the query string contain a password?  It can if the command has
 * connection options, or if the string contains a word that ends with
 * "password" and is followed by a value.  The string may also contain
 * statements other than the recorded one.
 */
static bool
may_have_secret(const char *command, const char *text)
{
	static const char *const commands[] = {"USER MAPPING", "SUBSCRIPTION", "SERVER"};

	for (int i = 0; i < lengthof(commands); i++)
	{
		if (strstr(command, commands[i]) != NULL)
			return true;
	}
	while ((text = strcasestr(text, "password")) != NULL)
	{
		text += strlen("password");
		if (is_value(text + strspn(text, " \t\r\n=")))
			return true;
	}
	return false;
}

/*
 * Returns the beginning of the query string that the client sent, or NULL if
 * it can contain a password.
 */
static char *
query_text(const char *command)
{
	int			length;

	if (debug_query_string == NULL || may_have_secret(command, debug_query_string))
		return NULL;
	length = pg_mbcliplen(debug_query_string, strlen(debug_query_string), QUERY_BYTES);
	return pnstrdup(debug_query_string, length);
}

void
cmig_ddl_log_write(const CmigDdlEntry *entry)
{
	static CmigQuery query = {
		.sql = "INSERT INTO cmig.ddl_log (at, command, object_type, object, role, session_role,"
		" application_name, client_address, transaction_id, query, reason)"
		" VALUES (clock_timestamp(), $1, $2, $3, $4, session_user, $5,"
		" inet_client_addr(), pg_current_xact_id(), $6, $7)",
		.nargs = 7,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};
	Datum		values[7];
	char		nulls[8] = "nnnnnnn";

	cmig_query_bind_text(values, nulls, 0, entry->command);
	cmig_query_bind_text(values, nulls, 1, entry->object_type);
	cmig_query_bind_text(values, nulls, 2, entry->object);
	cmig_query_bind_text(values, nulls, 3, GetUserNameFromId(GetOuterUserId(), false));
	cmig_query_bind_text(values, nulls, 4, application_name);
	cmig_query_bind_text(values, nulls, 5, query_text(entry->command));
	cmig_query_bind_text(values, nulls, 6, entry->reason);
	(void) cmig_query_run(&query, values, nulls);
}
