/*
 * serial.h
 *	  Columns of new tables that are written as serial.
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
 * Mark the columns of tables that are created or dropped whose sequence and
 * default are those that "serial" makes: sets serial of the column, and the
 * table's change as the host of the changes of the sequence and of its owner.
 * To be called when all other hosts are known.
 */
extern void cmig_serial_mark(CmigDifference *difference);

#endif							/* CMIG_SERIAL_H */
