/*
 * image.h
 *	  An image: all objects of some schemas.
 *
 * Pure: image_read.c reads the objects from the database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_H
#define CMIG_IMAGE_H

#include "postgres.h"
#include "schema/kind.h"
#include "utils/hsearch.h"

/* The objects of a set of schemas at one point in time. */
typedef struct CmigImage
{
	int			count;
	int			allocated;
	CmigObject **objects;		/* sorted by kind and identity */
	HTAB	   *addresses;		/* CmigAddress to CmigObject */
	List	   *edges;			/* while it is being read */
} CmigImage;

extern CmigImage *cmig_image_new(void);

/* Add an object to an image, under its address and as a child of its parent. */
extern void cmig_image_add(CmigImage *image, CmigObject *object);

/* Add another address by which an object can be found. */
extern void cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object);

/*
 * The object with this address, or the object of which it is a part, or NULL.
 */
extern CmigObject *cmig_image_find(const CmigImage *image, CmigAddress address);

/* The object with exactly this address, or NULL. */
extern CmigObject *cmig_image_find_exactly(const CmigImage *image, CmigAddress address);

/*
 * Note that one object depends on another; repeated calls, and an object that
 * depends on itself, are ignored.
 */
extern void cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on);

/* Note that one object must be created after another, if both are created. */
extern void cmig_object_follow(CmigObject *object, CmigObject *on);

/*
 * To be called when everything has been read: sorts the objects, and sets
 * depends.
 */
extern void cmig_image_finish(CmigImage *image);

/*
 * Sort the objects again, after some were added to a finished image with their
 * depends.
 */
extern void cmig_image_sort(CmigImage *image);

/* The object of that kind with that identity, or NULL; after cmig_image_finish(). */
extern CmigObject *cmig_image_lookup(const CmigImage *image, const struct CmigKind *kind,
									 const char *identity);

/* How objects are sorted: by kind, then by the bytes of their identity. */
extern int	cmig_object_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_IMAGE_H */
