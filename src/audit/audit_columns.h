/*
 * audit_columns.h
 *	  Finds the columns to which the names in a table's audit options now
 *	  refer.
 *
 * Options contain the name and number of each column, and the anchor, which
 * identifies the database and table to which the numbers belong.  In that
 * table, the number identifies the column, even if the column was renamed.  In
 * a copy that was restored from a dump, columns have other numbers (because
 * dropped columns are missing), and names can be newer than those in the
 * trigger's arguments, which ALTER TABLE does not change.  In a copy, the
 * column is therefore traced through cmig_audit.layout, in which each state of
 * the table's columns is recorded when the table is written to.  From one
 * state of a table to the next, the column keeps its number.  From the last
 * state of the original table to the first state of the copy, the column keeps
 * its position, provided that all columns up to this position have the same
 * names.  If the dump does not contain the log, the anchor's checksum of these
 * names serves the same purpose.
 *
 * If a column cannot be found in this way, the trigger raises an error instead
 * of guessing.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_COLUMNS_H
#define CMIG_AUDIT_COLUMNS_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "utils/rel.h"

/* The purposes for which options are resolved. */
typedef enum CmigAuditColumnsUse
{
	CMIG_AUDIT_WRITING,			/* raise an error if a hidden column was
								 * dropped */
	CMIG_AUDIT_CONFIRMING,		/* if a column was dropped, use the column
								 * that now has the dropped column's name; if
								 * there is none, issue a warning and leave
								 * the column out */
	CMIG_AUDIT_READING			/* like CMIG_AUDIT_CONFIRMING, but without
								 * errors and warnings */
} CmigAuditColumnsUse;

/*
 * Set the current name and number of every column in the options.  Names
 * without a number are new and are left unchanged.  Raises an error if it is
 * not known which column is meant, unless "use" is CMIG_AUDIT_READING.
 */
extern void cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation,
									   Oid extension_owner, CmigAuditColumnsUse use);

/*
 * Returns the reason why cmig_audit_columns_resolve() would fail for writing,
 * or NULL if it would not fail.
 */
extern char *cmig_audit_columns_problem(const CmigAuditOptions *options, Oid relation,
										Oid extension_owner);

/* Set the anchor for options whose columns are resolved. */
extern void cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation);

#endif							/* CMIG_AUDIT_COLUMNS_H */
