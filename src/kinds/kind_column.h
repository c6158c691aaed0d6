/*
 * kind_column.h
 *	  Functions with which other modules examine table columns.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_COLUMN_H
#define CMIG_KIND_COLUMN_H

#include "postgres.h"
#include "kinds/kind.h"

/*
 * SQL expression that converts a storage code, such as attstorage in
 * pg_attribute, to the word used in SET STORAGE.
 */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

/* Returns a column's type as PostgreSQL prints it. */
extern const char *cmig_column_type(const CmigObject *column);

/*
 * Returns the statement that sets the persistence of the column's identity
 * sequence, or NULL if the sequence has the same persistence as the table.
 */
extern char *cmig_column_sequence_persistence(const CmigObject *column);

extern bool cmig_column_is_not_null(const CmigObject *column);

#endif							/* CMIG_KIND_COLUMN_H */
