/*
 * audit_key.h
 *	  Reads the key of the row about which the audit log is queried.
 *
 * A key is a JSON object with a member for each key column, or the value of a
 * single key column.  The key columns may have had other names and types in the
 * past.  Therefore, a key has variants, one for each of these.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_KEY_H
#define CMIG_AUDIT_KEY_H

#include "postgres.h"
#include "audit/audit_target.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * Returns the key in argument n, as a List of Jsonb * with one element for
 * each variant (see the top of this file).  Returns NIL if the argument is
 * null.
 */
extern List *cmig_audit_key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);

/*
 * Returns the names that the key columns had in a layout, in the order of
 * target->key_columns, or NIL if there was no key or the key had other
 * columns.  "layout" is an index into target->layouts.
 */
extern List *cmig_audit_key_in_layout(CmigAuditTarget *target, int layout);

/*
 * Returns true if the key's values have the same kinds in a layout as now, or
 * if their kinds are unknown.
 */
extern bool cmig_audit_key_same_kinds(CmigAuditTarget *target, int layout);

#endif							/* CMIG_AUDIT_KEY_H */
