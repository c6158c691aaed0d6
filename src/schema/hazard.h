/*
 * hazard.h
 *	  What a statement of a difference does to the rows of its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HAZARD_H
#define CMIG_HAZARD_H

#include "postgres.h"
#include "schema/deparse.h"

/*
 * The words, with the size of the table, or NULL.  Only what loses data is a
 * hazard to a table without rows.
 */
extern char *cmig_hazard_text(const CmigDiffRow *row);

#endif							/* CMIG_HAZARD_H */
