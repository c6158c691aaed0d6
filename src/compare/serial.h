/*
 * serial.h
 *	  Writes new columns as serial where possible.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SERIAL_H
#define CMIG_SERIAL_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Find the columns that are created or dropped, alone or with their tables,
 * and for which the pseudo-type serial would create the same sequence and the
 * same default.  Set their field "serial", and make the change of the column
 * or its table the host of the changes of the sequence and its OWNED BY (see
 * host.h).  Call this when all other hosts are known.
 */
extern void cmig_serial_mark(CmigDifference *difference);

#endif							/* CMIG_SERIAL_H */
