/*
 * kind_range.h
 *	  Range types, and the names of their multirange types.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_RANGE_H
#define CMIG_KIND_RANGE_H

#include "postgres.h"
#include "kinds/kind.h"

/* Do the multirange types of both range types have the same name? */
extern bool cmig_range_shares_multirange(const CmigObject *range, const CmigObject *other);

#endif							/* CMIG_KIND_RANGE_H */
