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
 * Choose the places of the tables that are created or dropped and whose CREATE
 * TABLE statement includes foreign keys.  A referenced table comes right
 * before the first table, by name, that references it.  Sets a table's field
 * "lead" to that first table, and "turn" to the table's place among those with
 * the same lead.
 */
extern void cmig_lead_tables(CmigDifference *difference);

/* Like cmig_object_compare(), but tables are compared by "lead" and "turn". */
extern int	cmig_lead_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_LEAD_H */
