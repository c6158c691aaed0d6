/*
 * file_name.h
 *	  Builds the names of revision files from a template.
 *
 * A template contains the tokens of Alembic's file_template: %(rev)s for the
 * id, %(slug)s for the message, and, for created_at in UTC, %(epoch)s,
 * %(year)d, %(month).2d, %(day).2d, %(hour).2d, %(minute).2d, and
 * %(second).2d.  A name depends only on the template and the revision, so it
 * is the same in every database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_NAME_H
#define CMIG_FILE_NAME_H

#include "postgres.h"
#include "base/revision.h"

#define CMIG_FILE_NAME_TEMPLATE "%(rev)s_%(slug)s"

/*
 * Returns a revision's file name.  The name is built from the revision's id,
 * message, and created_at, and ends in .sql.  Raises error 22023 for an
 * invalid template and for a name that is not a path below the current folder.
 */
extern char *cmig_file_name_make(const char *template, const CmigRevisionText *revision);

#endif							/* CMIG_FILE_NAME_H */
