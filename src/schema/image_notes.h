/*
 * image_notes.h
 *	  Reads the comments and privileges of an image's objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMAGE_NOTES_H
#define CMIG_IMAGE_NOTES_H

#include "postgres.h"
#include "schema/image_reader.h"

/* Read the comments of all objects. */
extern void cmig_image_read_comments(CmigImageReader *reader);

/* Read the privileges that differ from those of a new object. */
extern void cmig_image_read_grants(CmigImageReader *reader, Datum schemas);

#endif							/* CMIG_IMAGE_NOTES_H */
