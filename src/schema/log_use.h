/*
 * log_use.h
 *	  Marks target objects that use an audit log missing from the database.
 *
 * The audit log's schema itself is not compared, because cmig.enable_audit
 * creates it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOG_USE_H
#define CMIG_LOG_USE_H

#include "postgres.h"
#include "schema/image.h"

/*
 * Call this in the shadow.  Returns which relations in the audit log's schema
 * are used by which objects in the image.
 */
extern List *cmig_log_use_read(const CmigImage *image);

/*
 * Call this after the shadow has ended.  Sets "needs" of the objects that use
 * a missing relation, and of those that depend on them.
 */
extern void cmig_log_use_mark(CmigImage *image, const List *uses);

#endif							/* CMIG_LOG_USE_H */
