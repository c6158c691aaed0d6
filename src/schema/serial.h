/*
 * serial.h
 *	  New columns that are written as serial.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SERIAL_H
#define CMIG_SERIAL_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Mark the columns that are created or dropped, alone or with their tables, and
 * whose sequence and default are those that "serial" makes: sets serial of the
 * column, and the change of the column or table as the host of the changes of
 * the sequence and of its owner.  To be called when all other hosts are known.
 */
extern void cmig_serial_mark(CmigDifference *difference);

#endif							/* CMIG_SERIAL_H */
