/*
 * format_folders.h
 *	  Formats that have a folder for each migration.
 *
 * Pure.  Diesel, Prisma, and Drizzle, which has both forms.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_FOLDERS_H
#define CMIG_FORMAT_FOLDERS_H

#include "adopt/import.h"

extern void cmig_format_diesel(CmigImport *import);
extern void cmig_format_prisma(CmigImport *import);
extern void cmig_format_drizzle(CmigImport *import);

#endif							/* CMIG_FORMAT_FOLDERS_H */
