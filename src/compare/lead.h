/*
 * lead.h
 *	  Decides where new tables are placed among other objects, based on their
 *	  foreign keys.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LEAD_H
#define CMIG_LEAD_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Set the fields "lead" and "turn" of each table that is created or dropped.
 * "lead" is the first table, by name, among the table itself and the tables
 * whose CREATE TABLE statements reference it, directly or through other
 * tables.  "turn" is the table's position among the tables with the same lead:
 * a referenced table comes before the tables that reference it.
 */
extern void cmig_lead_tables(CmigDifference *difference);

/* Like cmig_object_compare(), but tables are compared by "lead" and "turn". */
extern int	cmig_lead_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_LEAD_H */
