/*
 * bodies.h
 *	  Finds the objects that function bodies mention.
 *
 * For a body that is a string, PostgreSQL records no dependencies.  However,
 * CREATE FUNCTION checks some of these bodies, so the objects that they
 * mention must already exist.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BODIES_H
#define CMIG_BODIES_H

#include "kinds/image.h"

/*
 * For each function in the image, record that it must be created after the
 * objects that its body mentions (see cmig_object_follow()).
 */
extern void cmig_bodies_read(CmigImage *image);

#endif							/* CMIG_BODIES_H */
