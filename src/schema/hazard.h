/*
 * hazard.h
 *	  Finds what a statement of a difference does to the rows of its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HAZARD_H
#define CMIG_HAZARD_H

#include "postgres.h"
#include "schema/deparse.h"

/*
 * The hazard as a text, with the size of the table, or NULL if there is none.
 * For a table without rows, only a loss of data is a hazard.
 */
extern char *cmig_hazard_text(const CmigDiffRow *row);

/*
 * The same for an existing table of any size, with or without rows, for a
 * statement that will run in other databases, too.
 */
extern char *cmig_hazard_general(const CmigDiffRow *row);

/* The same for the statement that reverts it. */
extern char *cmig_hazard_undo(const CmigDiffRow *row);

#endif							/* CMIG_HAZARD_H */
