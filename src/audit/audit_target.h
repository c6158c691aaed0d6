/*
 * audit_target.h
 *	  The table and the row about which the audit log is queried.
 *
 * A table is given as regclass or, so that dropped tables can be named, as text.
 * A key is an object of the key's columns, or the value of a key with one
 * column.  Columns can have had other names and types; a key has a variant for
 * each of these.
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
	List	   *layouts;		/* of CmigAuditLayout, the oldest first */
	List	   *key_columns;	/* of char *, with their present names */
	List	   *key_kinds;		/* of char *, see audit_layout.h */
} CmigAuditTarget;

/* The table in argument n, a regclass or a text. */
extern CmigAuditTarget *cmig_audit_target_argument(FunctionCallInfo fcinfo, int n);

/* For a table that exists. */
extern CmigAuditTarget *cmig_audit_target_of(Oid relation);

/*
 * Argument n as a key, in all variants: a list of Jsonb *.  NIL if the
 * argument is null.
 */
extern List *cmig_audit_target_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);

/*
 * The names that the key's columns had in a layout (an index into layouts), in
 * the order of key_columns.  NIL if there is no key, or if it had other columns.
 */
extern List *cmig_audit_target_layout_key(CmigAuditTarget *target, int layout);

/*
 * An object that maps the names of the columns in a layout to their present
 * names, with null for dropped ones.  NULL if all names are the same.
 */
extern Jsonb *cmig_audit_target_renames(CmigAuditTarget *target, int layout);

/*
 * Do the values of the key have the same kinds in a layout as now?  True if
 * that is not known.
 */
extern bool cmig_audit_target_same_kinds(CmigAuditTarget *target, int layout);

/* Did the column with this present name exist in a layout? */
extern bool cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now);

#endif							/* CMIG_AUDIT_TARGET_H */
