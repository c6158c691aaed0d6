/*
 * library_version.h
 *	  Checks whether the library and the extension have the same version.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LIBRARY_VERSION_H
#define CMIG_LIBRARY_VERSION_H

/* default_version in pg_cmig.control when this library was built */
#define CMIG_LIBRARY_VERSION "1.2"

/* Read and remember the extension's version in this database. */
extern void cmig_library_version_read(void);

/*
 * Returns a hint on how to resolve a version mismatch, or NULL if the versions
 * matched when the extension's version was last read.  Does not access the
 * database.
 */
extern const char *cmig_library_version_hint(void);

#endif							/* CMIG_LIBRARY_VERSION_H */
