/*
 * formats.h
 *	  Lists the formats that can be imported.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORMATS_H
#define CMIG_FORMATS_H

#include "adopt/import.h"

/* A format and the function that reads it. */
typedef struct CmigFormat
{
	const char *name;
	void		(*read) (CmigImport *import);
	CmigPlaceholderStyle style;
} CmigFormat;

/*
 * Returns the format with this name.  Raises 22023, listing all names, if
 * there is none.
 */
extern const CmigFormat *cmig_formats_find(const char *name);

#endif							/* CMIG_FORMATS_H */
