/*
 * serial.h
 *	  Writes new columns as serial where possible.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SERIAL_H
#define CMIG_SERIAL_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Mark columns that are created or dropped, alone or with their tables, if
 * "serial" would create the same sequence and the same default.  Sets
 * "serial" of the column, and makes the change of the column or table the
 * host of the changes of the sequence and its owner.  Call this when all
 * other hosts are known.
 */
extern void cmig_serial_mark(CmigDifference *difference);

#endif							/* CMIG_SERIAL_H */
