/*
 * directory.h
 *	  Revision files in a directory on the server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIRECTORY_H
#define CMIG_DIRECTORY_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Read the .sql files of a directory on the server, in the order of their
 * names: a List of CmigRevisionFile *.  Raises 42501 unless the caller may
 * read server files.
 */
extern List *cmig_directory_read(const char *path);

#endif							/* CMIG_DIRECTORY_H */
