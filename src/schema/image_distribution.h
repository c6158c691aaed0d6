/*
 * image_distribution.h
 *	  Adds the distribution of tables by Citus to an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_DISTRIBUTION_H
#define CMIG_IMAGE_DISTRIBUTION_H

#include "postgres.h"
#include "kinds/image.h"

/*
 * Add an object for each table and schema that Citus distributes, or that the
 * target in a shadow distributes.  "schemas" is an oid[].  Call this when the
 * image contains all other objects and their dependencies, before
 * cmig_image_finish().
 */
extern void cmig_image_read_distribution(CmigImage *image, Datum schemas);

#endif							/* CMIG_IMAGE_DISTRIBUTION_H */
