/*
 * ddl_log.h
 *	  Writes cmig.ddl_log, which records DDL outside of migration runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DDL_LOG_H
#define CMIG_DDL_LOG_H

#include "postgres.h"

/*
 * The columns of cmig.ddl_log that describe a DDL command.  The other columns
 * describe the session.
 */
typedef struct CmigDdlEntry
{
	const char *command;		/* command tag, or "allow_ddl" */
	const char *object_type;	/* NULL if PostgreSQL does not report it */
	const char *object;			/* identity of the object, or NULL */
	const char *reason;			/* reason given to cmig.allow_ddl(), or NULL */
} CmigDdlEntry;

/*
 * Write a row to cmig.ddl_log.  Call this with the privileges of the table's
 * owner, from a SECURITY DEFINER function.
 */
extern void cmig_ddl_log_write(const CmigDdlEntry *entry);

#endif							/* CMIG_DDL_LOG_H */
