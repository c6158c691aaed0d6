/*
 * image_others.h
 *	  Finds the objects that no kind has read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_OTHERS_H
#define CMIG_IMAGE_OTHERS_H

#include "postgres.h"
#include "schema/image_reader.h"

/*
 * Find the objects that no kind has read, and add them with the kind "other".
 * If "all" is true, this includes objects without a schema.
 */
extern void cmig_image_read_others(CmigImageReader *reader, Datum schemas, bool all);

#endif							/* CMIG_IMAGE_OTHERS_H */
