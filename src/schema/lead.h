/*
 * lead.h
 *	  The places of new tables among the others, by their foreign keys.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LEAD_H
#define CMIG_LEAD_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Decide where tables stand that are created or dropped, whose CREATE TABLE
 * includes foreign keys: a table that another one references is placed right
 * before the first one, by name, that needs it.  Sets lead and turn of the
 * tables of both images.
 */
extern void cmig_lead_tables(CmigDifference *difference);

/* Compare two objects by their places, as cmig_object_compare(). */
extern int	cmig_lead_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_LEAD_H */
