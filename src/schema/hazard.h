/*
 * hazard.h
 *	  Determines the effects of a statement on the rows of its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HAZARD_H
#define CMIG_HAZARD_H

#include "postgres.h"
#include "compare/deparse.h"

/*
 * Returns the hazard as text, with the size of the table, or NULL if there is
 * no hazard.  For a table without rows, only a loss of data is a hazard.
 */
extern char *cmig_hazard_text(const CmigDiffRow *row);

/*
 * Like cmig_hazard_text(), but for an existing table of any size, with or
 * without rows, because the statement will also run in other databases.
 */
extern char *cmig_hazard_general(const CmigDiffRow *row);

/* Like cmig_hazard_general(), but for the statement that reverts the change. */
extern char *cmig_hazard_undo(const CmigDiffRow *row);

#endif							/* CMIG_HAZARD_H */
