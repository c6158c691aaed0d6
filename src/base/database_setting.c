/*
 * database_setting.c
 *	  Setting a parameter for the whole database.
 *
 * ALTER DATABASE ...  SET does the work and decides who may do it.  By itself
 * it would fail for an owner whose session has not loaded this library, since
 * the server does not know the setting then.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/database_setting.h"
#include "base/query.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

/*
 * Of two sessions that alter the database at the same time, one waits for the
 * lock here, since it would fail with "tuple concurrently updated" otherwise.
 */
void
cmig_database_setting_set(const char *function, const char *name, const char *value)
{
	const char *database = quote_identifier(get_database_name(MyDatabaseId));
	char	   *sql;

	PreventCommandDuringRecovery(function);
	PreventCommandIfReadOnly(function);
	if (value)
		sql = psprintf("ALTER DATABASE %s SET %s = %s", database, name, quote_literal_cstr(value));
	else
		sql = psprintf("ALTER DATABASE %s RESET %s", database, name);
	LockSharedObject(DatabaseRelationId, MyDatabaseId, 0, ShareUpdateExclusiveLock);
	(void) cmig_query_once(sql, 0, NULL, NULL, NULL, true, NULL, NULL);
	CommandCounterIncrement();
}
