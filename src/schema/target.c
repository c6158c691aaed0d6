/*
 * target.c
 *	  Runs the SQL that makes the target's schema, in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"
#include "base/query.h"
#include "schema/target.h"
CmigTarget *
cmig_target_run(CmigShadow *shadow, const char *sql)
{
	(void) cmig_query_once(sql, 0, NULL, NULL, NULL, false, NULL, NULL);
	return palloc0(sizeof(CmigTarget));
}
