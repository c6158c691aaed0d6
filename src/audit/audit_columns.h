/*
 * audit_columns.h
 *	  Which columns of a table the names in its audit options are today.
 *
 * Options keep columns with name and number, and the anchor: the database and
 * table that the numbers belong to.  There the number counts, whatever the
 * column is called.  A dump has other numbers (dropped columns are not in it),
 * and its names can be younger than those in the trigger's arguments, which
 * no ALTER TABLE changes.  So in a copy the column is followed through
 * cmig_audit.layout, which has the names of every time at which the table was
 * written: by number within a table, and from a table to its copy by its
 * place among the columns, provided that all columns up to it are called the
 * same.  Where the log is not in the dump, the anchor's checksum of these
 * names says the same.
 *
 * What cannot be told so is never guessed by the trigger: it refuses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_COLUMNS_H
#define CMIG_AUDIT_COLUMNS_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "utils/rel.h"

typedef enum CmigAuditColumnsUse
{
	CMIG_AUDIT_WRITING,			/* a hidden column that is gone is an error */
	CMIG_AUDIT_CONFIRMING,		/* it is forgotten, or one of its name hidden */
	CMIG_AUDIT_READING			/* the same without a word */
} CmigAuditColumnsUse;

/*
 * Give every column of the options the name and number that it has now.
 * Names without a number are new and left alone.  Raises an error when a
 * column cannot be told, except for reading.
 */
extern void cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation,
									   Oid extension_owner, CmigAuditColumnsUse use);

/* What cmig_audit_columns_resolve() would say to a writer, NULL if nothing. */
extern char *cmig_audit_columns_problem(const CmigAuditOptions *options, Oid relation,
										Oid extension_owner);

/* Set the anchor for options whose columns are resolved. */
extern void cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation);

#endif							/* CMIG_AUDIT_COLUMNS_H */
