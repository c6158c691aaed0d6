/*
 * audit_target.h
 *	  Finds the table and the row about which the audit log is queried.
 *
 * A table is given as regclass or, so that dropped tables can be named, as
 * text.  A key is an object of the key columns, or the value of a single key
 * column.  The key columns may have had other names and types; a key has a
 * variant for each of these.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TARGET_H
#define CMIG_AUDIT_TARGET_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* The table in a call's argument. */
typedef struct CmigAuditTarget
{
	int32		table_id;
	Oid			relation;		/* InvalidOid if the table was dropped */
	char	   *name;			/* for messages */
	List	   *layouts;		/* of CmigAuditLayout, oldest first */
	List	   *key_columns;	/* of char *: the current names of the key
								 * columns */
	List	   *key_kinds;		/* of char *; see audit_layout.h */
} CmigAuditTarget;

/*
 * Returns the table in argument n, which is of type regclass or text and must
 * not be null.
 */
extern CmigAuditTarget *cmig_audit_target_argument(FunctionCallInfo fcinfo, int n);

/* Returns the target for an existing table. */
extern CmigAuditTarget *cmig_audit_target_of(Oid relation);

/*
 * Returns argument n as a key, in each of the variants that are described at
 * the top of this file, as a List of Jsonb *.  Returns NIL if the argument is
 * null.
 */
extern List *cmig_audit_target_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);

/*
 * Returns the names that the key columns had in a layout, in the order of
 * target->key_columns, or NIL if there was no key or the key had other
 * columns.  "layout" is an index into target->layouts.
 */
extern List *cmig_audit_target_layout_key(CmigAuditTarget *target, int layout);

/*
 * Returns an object that maps the column names in a layout to the current
 * names, with null for dropped columns, or NULL if all names are the same.
 */
extern Jsonb *cmig_audit_target_renames(CmigAuditTarget *target, int layout);

/*
 * Returns true if the key's values have the same kinds in a layout as now, or
 * if their kinds are unknown.
 */
extern bool cmig_audit_target_same_kinds(CmigAuditTarget *target, int layout);

/* Did the column that now has this name exist in a layout? */
extern bool cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now);

#endif							/* CMIG_AUDIT_TARGET_H */
