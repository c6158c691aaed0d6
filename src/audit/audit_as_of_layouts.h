/*
 * audit_as_of_layouts.h
 *	  Compares a table's former layouts, which its older log entries have,
 *	  with its current columns and key.
 *
 * The parameter "range" contains two Datums, the range of the values of
 * row_hash in the table's entries: the lowest value, and the first value beyond
 * the range.
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
 * Raise an error if entries after the time "at" have a key that does not
 * consist of the columns of the table's current key, or whose values are of
 * another kind.  It would not be known to which rows such entries belong.
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
