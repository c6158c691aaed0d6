/*
 * format_flyway.h
 *	  Reads Flyway files: versioned (V), undo (U), repeatable (R), and
 *	  baseline (B).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_FLYWAY_H
#define CMIG_FORMAT_FLYWAY_H

#include "adopt/import.h"

/* A CmigFormat reader: adds the migrations in import->files as revisions. */
extern void cmig_format_flyway(CmigImport *import);

#endif							/* CMIG_FORMAT_FLYWAY_H */
