/*
 * audit_target.h
 *	  Finds the table about which the audit log is queried, and the present
 *	  names of its columns.
 *
 * A table is given as regclass or, so that dropped tables can be named, as
 * text.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TARGET_H
#define CMIG_AUDIT_TARGET_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* A table that is named in an argument, with its layouts. */
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
 * Returns the current name of a column in a layout, or NULL if the column was
 * dropped.  The layout's column "name" is found in the table by its number
 * or, if the table has been restored from a dump since, by its name.  "layout" is an index into
 * target->layouts.
 */
extern char *cmig_audit_target_name_now(CmigAuditTarget *target, int layout, char *name);

/*
 * Returns an object that maps the column names in a layout to the current
 * names, with null for dropped columns, or NULL if all names are the same.
 */
extern Jsonb *cmig_audit_target_renames(CmigAuditTarget *target, int layout);

/* Did the column that now has this name exist in a layout? */
extern bool cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now);

#endif							/* CMIG_AUDIT_TARGET_H */
