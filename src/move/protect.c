/*
 * protect.c
 *	  Protection of the database against destructive moves: set_protect.
 *
 * ALTER DATABASE ...  SET does the work and decides who may do it.  By itself
 * it would fail for an owner whose session has not loaded this library, since
 * the server does not know the setting then.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/settings.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cmig_set_protect);

/*
 * Of two sessions that alter the database at the same time, one waits for the
 * lock here, since it would fail with "tuple concurrently updated" otherwise.
 */
Datum
cmig_set_protect(PG_FUNCTION_ARGS)
{
	char	   *level = cmig_argument_text(fcinfo, 0);
	const char *database = quote_identifier(get_database_name(MyDatabaseId));
	char	   *sql;

	PreventCommandDuringRecovery("cmig.set_protect()");
	PreventCommandIfReadOnly("cmig.set_protect()");
	if (level)
		sql = psprintf("ALTER DATABASE %s SET cmig.protect = %s", database,
					   quote_literal_cstr(level));
	else
		sql = psprintf("ALTER DATABASE %s RESET cmig.protect", database);
	LockSharedObject(DatabaseRelationId, MyDatabaseId, 0, ShareUpdateExclusiveLock);
	(void) cmig_query_once(sql, 0, NULL, NULL, NULL, true, NULL, NULL);
	CommandCounterIncrement();
	PG_RETURN_TEXT_P(cstring_to_text(cmig_settings_protect_stored()));
}
