/*
 * drawing.h
 *	  Builds the picture of a range of revisions and their states.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DRAWING_H
#define CMIG_DRAWING_H

#include "postgres.h"
#include "picture/picture.h"
#include "report/view.h"

/* Returns the picture of the revisions in the range. */
extern CmigPicture cmig_drawing_read(const CmigView *view, const CmigMarks *range);

#endif							/* CMIG_DRAWING_H */
