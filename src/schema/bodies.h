/*
 * bodies.h
 *	  Which objects the body of a function names.
 *
 * Pure.  The server does not record dependencies of a body that is a string,
 * but it checks some bodies when the function is created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BODIES_H
#define CMIG_BODIES_H

#include "schema/image.h"

/* Set the soft dependencies of the functions of an image. */
extern void cmig_bodies_read(CmigImage *image);

#endif							/* CMIG_BODIES_H */
