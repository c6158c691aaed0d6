/*
 * ddl_log.c
 *	  Rows of cmig.ddl_log: DDL that no migration run has made.
 *
 * Whoever runs DDL has no privilege on the table, so the row is written as its
 * owner, the bootstrap superuser.  Only superusers could have attached a
 * trigger to the table.
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

/* The text of a statement is cut off after this many bytes. */
#define QUERY_BYTES 1000

/*
 * The text that the client has sent, or NULL.  Statements that can contain a
 * password are left out.
 */
static char *
query_text(const char *command)
{
	static const char *const secrets[] = {"USER MAPPING", "SUBSCRIPTION", "SERVER"};
	int			length;

	if (debug_query_string == NULL)
		return NULL;
	for (int i = 0; i < lengthof(secrets); i++)
	{
		if (strstr(command, secrets[i]) != NULL)
			return NULL;
	}
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
