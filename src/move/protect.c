/*
 * protect.c
 *	  Implements cmig.set_protect, which protects the database against
 *	  destructive operations.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/database_setting.h"
#include "base/settings.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cmig_set_protect);

Datum
cmig_set_protect(PG_FUNCTION_ARGS)
{
	cmig_database_setting_set("cmig.set_protect()", "cmig.protect", cmig_argument_text(fcinfo, 0));
	PG_RETURN_TEXT_P(cstring_to_text(cmig_settings_protect_stored()));
}
