/*
 * concurrent.h
 *	  Statements that do not block reads and writes, for stepwise revisions.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CONCURRENT_H
#define CMIG_CONCURRENT_H

#include "postgres.h"
#include "kinds/kind.h"

/*
 * Replace the statements in a list of CmigDdl with their concurrent forms.
 * The object must belong to a live table.
 */
extern void cmig_concurrent_change(const CmigObject *object, List *ddl);

/*
 * Returns the concurrent form of a single statement, or the statement itself
 * if there is no such form.
 */
extern char *cmig_concurrent_sql(const CmigObject *object, char *sql);

#endif							/* CMIG_CONCURRENT_H */
