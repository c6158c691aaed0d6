/*
 * library_version.h
 *	  Do the library and the extension's tables have the same version?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LIBRARY_VERSION_H
#define CMIG_LIBRARY_VERSION_H

/* default_version in pg_cmig.control when this library was built */
#define CMIG_LIBRARY_VERSION "1.0"

/* Read and remember the version of the extension in this database. */
extern void cmig_library_version_read(void);

/*
 * A hint that says how to get the same versions, if they differed when last
 * read; otherwise NULL.  Does not access the database.
 */
extern const char *cmig_library_version_hint(void);

#endif							/* CMIG_LIBRARY_VERSION_H */
