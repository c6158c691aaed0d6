/*
 * database_setting.c
 *	  Sets a parameter for the whole database.
 *
 * The work and the permission checks are left to ALTER DATABASE ... SET.  A
 * database owner who ran that command directly in a session that has not loaded
 * this library would get an error, because the server would not know the
 * setting.
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
 * If two sessions alter the database at the same time, one of them waits for
 * the lock taken here.  Without the lock, it would fail with "tuple
 * concurrently updated".
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
