/*
 * image.h
 *	  All objects of some schemas.
 *
 * Pure: image_read.c fills it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_H
#define CMIG_IMAGE_H

#include "postgres.h"
#include "schema/kind.h"
#include "utils/hsearch.h"

typedef struct CmigImage
{
	int			count;
	int			allocated;
	CmigObject **objects;		/* sorted by kind and identity */
	HTAB	   *addresses;		/* CmigAddress to CmigObject */
	List	   *edges;			/* while it is read */
} CmigImage;

extern CmigImage *cmig_image_new(void);

/* Put an object into an image, under its address and as a child of its parent. */
extern void cmig_image_add(CmigImage *image, CmigObject *object);

/* Another address under which an object is known. */
extern void cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object);

/* The object with the address, or the one that it is part of, or NULL. */
extern CmigObject *cmig_image_find(const CmigImage *image, CmigAddress address);

/* The object with exactly this address, or NULL. */
extern CmigObject *cmig_image_find_exactly(const CmigImage *image, CmigAddress address);

/* One object needs another; repeated and to itself is ignored. */
extern void cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on);

/* One object is made after another, if both are made. */
extern void cmig_object_follow(CmigObject *object, CmigObject *on);

/* To be called once all is read: sort, and set depends. */
extern void cmig_image_finish(CmigImage *image);

/* The object of that kind with that identity, or NULL; after cmig_image_finish(). */
extern CmigObject *cmig_image_lookup(const CmigImage *image, const struct CmigKind *kind,
									 const char *identity);

/* How objects are sorted: by kind, then by the bytes of their identity. */
extern int	cmig_object_compare(const CmigObject *a, const CmigObject *b);

#endif							/* CMIG_IMAGE_H */
