/*
 * file_name.h
 *	  The names of revision files, built from a template.
 *
 * Pure.  A template has the tokens of Alembic's file_template: %(rev)s,
 * %(slug)s, %(epoch)s, and %(year)d, %(month).2d, %(day).2d, %(hour).2d,
 * %(minute).2d, %(second).2d of create_date in UTC.  A name depends only on the
 * template and the revision, so it is the same in every database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_NAME_H
#define CMIG_FILE_NAME_H

#include "postgres.h"
#include "base/revision.h"

#define CMIG_FILE_NAME_TEMPLATE "%(rev)s_%(slug)s"

/*
 * The file name of a revision, made of its id, message and created_at, and
 * ending in .sql.  Raises 22023 for a bad template, and for a name that is not a
 * path below the current folder.
 */
extern char *cmig_file_name_make(const char *template, const CmigRevisionText *revision);

#endif							/* CMIG_FILE_NAME_H */
