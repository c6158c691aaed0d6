/*
 * concurrent.h
 *	  Statements that let others read and write meanwhile, for a stepwise
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

/* Change the statements, a list of CmigDdl, for an object of a live table. */
extern void cmig_concurrent_change(const CmigObject *object, List *ddl);

/* The same for a single statement; it is returned if there is nothing to do. */
extern char *cmig_concurrent_sql(const CmigObject *object, char *sql);

#endif							/* CMIG_CONCURRENT_H */
