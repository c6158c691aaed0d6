/*
 * format_folders.h
 *	  Reads formats that have a separate folder for each migration.
 *
 * The formats are Diesel, Prisma, and Drizzle.  Drizzle can also have a single
 * file for each migration.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_FOLDERS_H
#define CMIG_FORMAT_FOLDERS_H

#include "adopt/import.h"

/* CmigFormat readers: add the migrations in import->files as revisions. */
extern void cmig_format_diesel(CmigImport *import);
extern void cmig_format_prisma(CmigImport *import);
extern void cmig_format_drizzle(CmigImport *import);

#endif							/* CMIG_FORMAT_FOLDERS_H */
