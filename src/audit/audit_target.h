/*
 * audit_target.h
 *	  Which table, and which row, a question to the audit log is about.
 *
 * A table is named by regclass or, also when it is gone, by text.  A key is
 * an object of the key's columns, or for a key of one column just its value.
 * Columns may have had other names before; a key has a variant for each.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TARGET_H
#define CMIG_AUDIT_TARGET_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct CmigAuditTarget
{
	int32		table_id;
	Oid			relation;		/* InvalidOid when the table is gone */
	char	   *name;			/* for messages */
	List	   *layouts;		/* of CmigAuditLayout, the oldest first */
	List	   *key_columns;	/* of char *, as they are called now */
	List	   *key_kinds;		/* of char *, see audit_layout.h */
} CmigAuditTarget;

/* From argument n, a regclass or a text. */
extern CmigAuditTarget *cmig_audit_target_argument(FunctionCallInfo fcinfo, int n);

/* For a table that exists. */
extern CmigAuditTarget *cmig_audit_target_of(Oid relation);

/*
 * Argument n as a key, in all variants: a list of Jsonb *.  NIL when the
 * argument is null.
 */
extern List *cmig_audit_target_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);

/*
 * How the key's columns were called when layout held, in the order of
 * key_columns.  NIL when there is no key, or when it was of other columns.
 */
extern List *cmig_audit_target_layout_key(CmigAuditTarget *target, int layout);

/*
 * How columns were called when layout held, and what they are called now:
 * an object with null for dropped ones.  NULL when nothing differs.
 */
extern Jsonb *cmig_audit_target_renames(CmigAuditTarget *target, int layout);

/*
 * Were the values of the key in jsonb then what they are now?  True where that
 * is not known.
 */
extern bool cmig_audit_target_same_kinds(CmigAuditTarget *target, int layout);

/* Was the column that is called so now there when layout held? */
extern bool cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now);

#endif							/* CMIG_AUDIT_TARGET_H */
