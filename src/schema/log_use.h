/*
 * log_use.h
 *	  Objects of a target that use an audit log which the database lacks.
 *
 * The schema of the audit log is not compared: cmig.enable_audit creates it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOG_USE_H
#define CMIG_LOG_USE_H

#include "postgres.h"
#include "schema/image.h"

/*
 * In the shadow: note in the image which relations of the audit log's schema
 * its objects use.
 */
extern List *cmig_log_use_read(const CmigImage *image);

/*
 * After the shadow: set "needs" of the objects that use a relation which does
 * not exist, and of those that depend on them.
 */
extern void cmig_log_use_mark(CmigImage *image, const List *uses);

#endif							/* CMIG_LOG_USE_H */
