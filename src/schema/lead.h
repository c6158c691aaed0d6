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
#include "schema/difference.h"

/*
 * Place the tables that are created or dropped and whose CREATE TABLE
 * statement includes foreign keys.  A referenced table comes right before the
 * first table, by name, that references it.  Sets "lead" and "turn" of the
 * tables in both images.
 */
extern void cmig_lead_tables(CmigDifference *difference);

/* Like cmig_object_compare(), but tables are compared by their places. */
extern int	cmig_lead_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_LEAD_H */
