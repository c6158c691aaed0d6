/*
 * image_read.h
 *	  Reads all objects of schemas into an image.
 *
 * Each kind is read by one query; dependencies, comments, and privileges by one
 * for all kinds.  Names in what the server prints are qualified.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_READ_H
#define CMIG_IMAGE_READ_H

#include "postgres.h"
#include "schema/image.h"
#include "schema/managed.h"

/*
 * The objects of the schemas that exist; if all schemas are meant, those without
 * a schema, too.  What belongs to an extension is left out.  In the current
 * memory context.
 */
extern CmigImage *cmig_image_read(const CmigManaged *managed);

#endif							/* CMIG_IMAGE_READ_H */
