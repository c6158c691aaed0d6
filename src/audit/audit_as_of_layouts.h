/*
 * audit_as_of_layouts.h
 *	  Compares the layouts with which entries were written with the table as it
 *	  is now.
 *
 * "range" contains the lowest row_hash of the table and the lowest one that is
 * too high.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_AS_OF_LAYOUTS_H
#define CMIG_AUDIT_AS_OF_LAYOUTS_H

#include "postgres.h"
#include "audit/audit_target.h"
#include "datatype/timestamp.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

/*
 * Returns a JSON array [{"columns": renames, "from": time, "to": time}, ...]
 * with the renamed columns of each layout, or NULL if no column was renamed.
 */
extern Jsonb *cmig_audit_as_of_layouts_renames(CmigAuditTarget *target);

/*
 * Raise an error if entries after the time "at" have keys of other columns
 * than the table's current key, or with values of another kind.  It is not
 * known to which rows such entries belong.
 */
extern void cmig_audit_as_of_layouts_check_keys(CmigAuditTarget *target, const Datum *range,
												TimestampTz at);

/*
 * Returns the columns that were added after the oldest row entry that follows
 * the time "at".  Without a key, a table's rows are identified by all of their
 * values, except for the values of these columns.
 */
extern List *cmig_audit_as_of_layouts_young(CmigAuditTarget *target, Relation relation,
											const Datum *range, TimestampTz at);

/*
 * Returns the columns to leave out, or NULL if there are none: the columns
 * whose values are not in the log, and the columns in "others".
 */
extern ArrayType *cmig_audit_as_of_layouts_hidden(const CmigAuditTarget *target, Relation relation,
												  Oid extension_owner, const List *others);

#endif							/* CMIG_AUDIT_AS_OF_LAYOUTS_H */
