/*
 * ddl_log.h
 *	  Rows of cmig.ddl_log: DDL that no migration run has made.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DDL_LOG_H
#define CMIG_DDL_LOG_H

#include "postgres.h"

/* What was done; the rest of the row describes the session. */
typedef struct CmigDdlEntry
{
	const char *command;		/* a command tag, or "allow_ddl" */
	const char *object_type;	/* NULL if the server does not report it */
	const char *object;			/* its identity, or NULL */
	const char *reason;			/* of cmig.allow_ddl(), or NULL */
} CmigDdlEntry;

/*
 * Write a row.  Must be called with the privileges of the table's owner, from a
 * SECURITY DEFINER function.
 */
extern void cmig_ddl_log_write(const CmigDdlEntry *entry);

#endif							/* CMIG_DDL_LOG_H */
