/*
 * format_numbered.h
 *	  Reads formats whose file names begin with a number.
 *
 * The formats are golang-migrate, sqlx, refinery, and the Supabase CLI.  Each
 * file contains one script.  The upgrade and the downgrade script of a
 * migration can be in two files with the same number.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_NUMBERED_H
#define CMIG_FORMAT_NUMBERED_H

#include "adopt/import.h"

/* CmigFormat readers: add the migrations in import->files as revisions. */
extern void cmig_format_golang_migrate(CmigImport *import);
extern void cmig_format_sqlx(CmigImport *import);
extern void cmig_format_refinery(CmigImport *import);
extern void cmig_format_supabase(CmigImport *import);

#endif							/* CMIG_FORMAT_NUMBERED_H */
