/*
 * image_same.h
 *	  Quickly checks whether two images are the same.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_SAME_H
#define CMIG_IMAGE_SAME_H

#include "postgres.h"
#include "kinds/image.h"

/*
 * Returns true if both images contain the same objects with the same
 * properties.  Even if the result is false, cmig_compare(), which takes
 * longer, might find no difference.
 */
extern bool cmig_image_same(const CmigImage *a, const CmigImage *b);

#endif							/* CMIG_IMAGE_SAME_H */
