/*
 * image_read.h
 *	  Reads all objects of schemas into an image.
 *
 * There is one query for each kind, and one each for the dependencies,
 * comments, and privileges of all kinds.  Names in the printed definitions are
 * qualified.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_READ_H
#define CMIG_IMAGE_READ_H

#include "postgres.h"
#include "kinds/image.h"
#include "shadow/managed.h"

/*
 * Returns an image of those schemas that exist, allocated in the current
 * memory context.  If all schemas are compared, it includes objects without a
 * schema.  Extension members are left out.
 */
extern CmigImage *cmig_image_read(const CmigManaged *managed);

#endif							/* CMIG_IMAGE_READ_H */
