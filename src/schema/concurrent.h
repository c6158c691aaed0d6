/*
 * concurrent.h
 *	  Statements that do not block reads and writes, for a stepwise
 *	  revision.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CONCURRENT_H
#define CMIG_CONCURRENT_H

#include "postgres.h"
#include "schema/kind.h"

/*
 * Replace the statements in a list of CmigDdl by concurrent ones, for an
 * object of a live table.
 */
extern void cmig_concurrent_change(const CmigObject *object, List *ddl);

/*
 * The same for a single statement, which is returned if it need not be
 * changed.
 */
extern char *cmig_concurrent_sql(const CmigObject *object, char *sql);

#endif							/* CMIG_CONCURRENT_H */
