/*
 * lead.h
 *	  The places of new tables among other objects, according to their foreign
 *	  keys. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LEAD_H
#define CMIG_LEAD_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Choose the places of tables that are created or dropped and whose CREATE
 * TABLE includes foreign keys: a referenced table is placed right before the
 * first table, by name, that references it.  Sets lead and turn of the tables
 * of both images.
 */
extern void cmig_lead_tables(CmigDifference *difference);

/* Compare two objects by their places, as cmig_object_compare(). */
extern int	cmig_lead_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_LEAD_H */
