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
 * Returns the format called "name".  If there is none, raises 22023 with a list
 * of all names.
 */
extern const CmigFormat *cmig_formats_find(const char *name);

#endif							/* CMIG_FORMATS_H */
