/*
 * format_whole.h
 *	  Reads yoyo files, and the structure.sql file of Rails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_WHOLE_H
#define CMIG_FORMAT_WHOLE_H

#include "adopt/import.h"

/* CmigFormat readers: add the migrations in import->files as revisions. */
extern void cmig_format_yoyo(CmigImport *import);
extern void cmig_format_rails(CmigImport *import);

#endif							/* CMIG_FORMAT_WHOLE_H */
