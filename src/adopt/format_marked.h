/*
 * format_marked.h
 *	  Reads formats that keep the upgrade and the downgrade script in one
 *	  file, separated by comments.
 *
 * The formats are dbmate, goose, node-pg-migrate, and graphile-migrate.  A
 * graphile-migrate file also has special comments, but no downgrade script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMAT_MARKED_H
#define CMIG_FORMAT_MARKED_H

#include "adopt/import.h"

/* CmigFormat readers: add the migrations in import->files as revisions. */
extern void cmig_format_dbmate(CmigImport *import);
extern void cmig_format_goose(CmigImport *import);
extern void cmig_format_node_pg_migrate(CmigImport *import);
extern void cmig_format_graphile_migrate(CmigImport *import);

#endif							/* CMIG_FORMAT_MARKED_H */
