/*
 * body_check.h
 *	  Finds the functions that CREATE FUNCTION would reject.
 *
 * CREATE FUNCTION rejects many functions whose bodies name objects that do not
 * exist, or that are found only with another search_path.  Such functions are
 * created while check_function_bodies is off.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BODY_CHECK_H
#define CMIG_BODY_CHECK_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Set the field "unchecked" for the image's functions that CREATE FUNCTION
 * might reject.  The image must match the current catalogs.  Functions that
 * have the same definition in "other" are not checked; "other" may be NULL.
 */
extern void cmig_body_check(CmigImage *image, const CmigImage *other);

/*
 * Set the field "unchecked" for the live functions that are replaced or
 * dropped, and that CREATE FUNCTION might reject.  The downgrade creates these
 * functions again.
 */
extern void cmig_body_check_changed(CmigDifference *difference);

#endif							/* CMIG_BODY_CHECK_H */
