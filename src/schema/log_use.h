/*
 * log_use.h
 *	  Marks target objects that use an audit log that the database lacks.
 *
 * The audit log's schema itself is not compared, because cmig.enable_audit
 * creates it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOG_USE_H
#define CMIG_LOG_USE_H

#include "postgres.h"
#include "kinds/image.h"

/*
 * Returns a list of the objects in the image that use relations in the audit
 * log's schema, for cmig_log_use_mark().  Call this in the shadow.
 */
extern List *cmig_log_use_read(const CmigImage *image);

/*
 * Set the field "needs" of the objects that use a relation that the database
 * lacks, and of the objects that depend on them.  "uses" is the result of
 * cmig_log_use_read().  Call this after the shadow has ended.
 */
extern void cmig_log_use_mark(CmigImage *image, const List *uses);

#endif							/* CMIG_LOG_USE_H */
