/*
 * colocation.h
 *	  Compares how Citus distributes tables: makes the distributions in two
 *	  images comparable.
 *
 * Citus numbers the groups of co-located tables.  The numbers differ between
 * images, so a group is identified by one of its tables: the first one that is
 * distributed in both images, if there is one.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLOCATION_H
#define CMIG_COLOCATION_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Set the properties of all distributions so that they can be compared.  Where
 * one image leaves a property to Citus, the other image's value is used.
 */
extern void cmig_colocation_settle(const CmigImage *from, const CmigImage *to);

/*
 * Re-create the foreign keys of tables that become distributed, because Citus
 * refuses to distribute tables one after the other while they reference each
 * other.
 */
extern void cmig_colocation_renew_keys(CmigDifference *difference);

/*
 * Keep the live database's distributions.  Call this if the target does not
 * say how tables are distributed.
 */
extern void cmig_colocation_keep(const CmigImage *from, CmigImage *to);

#endif							/* CMIG_COLOCATION_H */
