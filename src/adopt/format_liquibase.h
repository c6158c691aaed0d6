/*
 * format_liquibase.h
 *	  Reads Liquibase formatted SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_LIQUIBASE_H
#define CMIG_FORMAT_LIQUIBASE_H

#include "adopt/import.h"

/* A CmigFormat reader: adds the migrations in import->files as revisions. */
extern void cmig_format_liquibase(CmigImport *import);

#endif							/* CMIG_FORMAT_LIQUIBASE_H */
