/*
 * image.h
 *	  Images: all objects of a set of schemas.
 *
 * No database access; image_read.c reads the objects from the database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_H
#define CMIG_IMAGE_H

#include "postgres.h"
#include "kinds/kind.h"
#include "utils/hsearch.h"

/* A dependency, recorded while an image is read. */
typedef struct CmigImageEdge
{
	CmigObject *object;
	CmigObject *on;
} CmigImageEdge;

/* The objects of a set of schemas at one point in time. */
typedef struct CmigImage
{
	int			count;
	int			allocated;
	CmigObject **objects;		/* sorted by kind and identity */
	HTAB	   *addresses;		/* maps CmigAddress to CmigObject */
	CmigImageEdge *edges;		/* used while the image is read */
	int			nedges;
	int			edges_allocated;
} CmigImage;

extern CmigImage *cmig_image_new(void);

/* Add an object to an image, under its address and as a child of its parent. */
extern void cmig_image_add(CmigImage *image, CmigObject *object);

/* Add another address for an object. */
extern void cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object);

/*
 * Returns the object with this address.  If the image lacks it, returns the
 * object that contains it, such as a column's table.  Returns NULL if the
 * image lacks both.
 */
extern CmigObject *cmig_image_find(const CmigImage *image, CmigAddress address);

/* Returns the object with exactly this address, or NULL. */
extern CmigObject *cmig_image_find_exactly(const CmigImage *image, CmigAddress address);

/*
 * Record that one object depends on another.  Repeated calls are ignored, and
 * so are dependencies of an object on itself or on its parent.
 */
extern void cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on);

/*
 * Record that "object" must be created after "on" and dropped before "on",
 * although it does not depend on "on".  This requirement is ignored if it
 * would cause a cycle.
 */
extern void cmig_object_follow(CmigObject *object, CmigObject *on);

/*
 * Sort the objects, and set their "depends" arrays.  Call this after
 * everything has been read.
 */
extern void cmig_image_finish(CmigImage *image);

/*
 * Sort the objects again.  Call this after adding objects, with their
 * "depends" arrays, to a finished image.
 */
extern void cmig_image_sort(CmigImage *image);

/*
 * Returns the object of this kind with this identity, or NULL.  The image must
 * be finished.
 */
extern CmigObject *cmig_image_lookup(const CmigImage *image, const struct CmigKind *kind,
									 const char *identity);

/* Compare objects by kind, then by the bytes of their identity. */
extern int	cmig_object_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_IMAGE_H */
