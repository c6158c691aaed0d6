/*
 * image_reader.h
 *	  The state of reading an image, and functions that read the columns of a
 *	  query's row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_READER_H
#define CMIG_IMAGE_READER_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "kinds/image.h"
#include "kinds/kind.h"
#include "utils/hsearch.h"

/* The state of reading an image from the catalogs. */
typedef struct CmigImageReader
{
	CmigImage  *image;
	HTAB	   *members;		/* the extension members: a hash table of
								 * Member */
	const CmigKind *kind;		/* the kind being read */
	List	   *unclaimed;		/* list of CmigAddress *: objects that no kind
								 * has read */
	MemoryContext scratch;		/* reset after each object */
	char	   *block;			/* block from which memory for objects and
								 * their strings is taken */
	Size		room;			/* number of unused bytes at the start of
								 * "block" */
	char	  **last;			/* for each column: its value in the preceding
								 * object */
	char	  **row;			/* the properties in the current row, in
								 * "scratch" */
	HTAB	   *shared;			/* hash table of SharedValues for the kind
								 * being read */
	Datum	   *values;			/* the columns of the current row */
	bool	   *nulls;
	int			ncolumns;
} CmigImageReader;

/* Read the columns of a row into the reader. */
extern void cmig_image_reader_row(CmigImageReader *reader, TupleDesc desc, HeapTuple row);

/*
 * Returns the address in the three columns that start at "column", counting
 * from 0.
 */
extern CmigAddress cmig_image_reader_address(const CmigImageReader *reader, int column);

/*
 * Return the value of a column.  For an SQL null, the result is NULL or false.
 */
extern char *cmig_image_reader_text(const CmigImageReader *reader, int column);
extern bool cmig_image_reader_bool(const CmigImageReader *reader, int column);

/* Find the extension members and their array types. */
extern void cmig_image_reader_find_members(CmigImageReader *reader);

/*
 * Is this object an extension member?  If so, and if "extension" is not NULL,
 * sets *extension to the address of the extension.
 */
extern bool cmig_image_reader_is_member(const CmigImageReader *reader, CmigAddress address,
										CmigAddress *extension);

#endif							/* CMIG_IMAGE_READER_H */
