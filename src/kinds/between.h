/*
 * between.h
 *	  Restores BETWEEN in printed SQL.
 *
 * PostgreSQL prints "a BETWEEN 1 AND 9 AND b" as "((a >= 1) AND (a <= 9)) AND
 * b".  When PostgreSQL parses this output, it drops the inner parentheses.  No
 * database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BETWEEN_H
#define CMIG_BETWEEN_H

#include "postgres.h"

/*
 * Returns the SQL rewritten so that PostgreSQL still prints its expressions in
 * the same form after the SQL has been executed.  "sql" may be NULL.  Returns
 * the argument itself if there is nothing to rewrite.
 */
extern const char *cmig_between_restore(const char *sql);

#endif							/* CMIG_BETWEEN_H */
