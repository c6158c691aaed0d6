/*
 * format_sqitch.h
 *	  Reads Sqitch's plan and scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_SQITCH_H
#define CMIG_FORMAT_SQITCH_H

#include "adopt/import.h"

/* A CmigFormat reader: adds the migrations in import->files as revisions. */
extern void cmig_format_sqitch(CmigImport *import);

#endif							/* CMIG_FORMAT_SQITCH_H */
