/*
 * image_read.h
 *	  Reads all objects of schemas into an image.
 *
 * There is one query for each kind, and one for dependencies, comments, and
 * privileges of all kinds.  Names in definitions that the server prints are
 * qualified.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_READ_H
#define CMIG_IMAGE_READ_H

#include "postgres.h"
#include "schema/image.h"
#include "schema/managed.h"

/*
 * The objects in those schemas that exist; if all schemas are compared, also
 * objects without a schema.  Members of extensions are left out.  Allocated in
 * the current memory context.
 */
extern CmigImage *cmig_image_read(const CmigManaged *managed);

#endif							/* CMIG_IMAGE_READ_H */
