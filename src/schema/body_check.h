/*
 * body_check.h
 *	  Which functions the server would refuse to create.
 *
 * If check_function_bodies is off, a function can be created although its body
 * names objects that do not exist, or that only another search_path finds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BODY_CHECK_H
#define CMIG_BODY_CHECK_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Mark the functions of an image that is now in the catalogs, and that the other
 * image does not have in the same form.
 */
extern void cmig_body_check(CmigImage *image, const CmigImage *other);

/* Mark the live functions that the changes replace or drop. */
extern void cmig_body_check_changed(CmigDifference *difference);

#endif							/* CMIG_BODY_CHECK_H */
