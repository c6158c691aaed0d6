/*
 * audit_install.h
 *	  Reads and changes the audit triggers of a table.
 *
 * Enabling the audit of a table only adds triggers to the table, so disabling
 * the audit leaves the table as it was before.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_INSTALL_H
#define CMIG_AUDIT_INSTALL_H

#include "postgres.h"
#include "audit/audit_options.h"
#include "nodes/pg_list.h"

/* A trigger that a table has or should have. */
typedef struct CmigAuditTrigger
{
	const char *name;
	bool		scripted;		/* was it created by a script from
								 * audit_script()? */
	bool		narrowed;		/* does it have WHEN or UPDATE OF, which
								 * pg_cmig never uses? */
	int16		type;			/* as pg_trigger.tgtype */
	char		enabled;		/* as pg_trigger.tgenabled */
	char	   *args;			/* the arguments, as written in CREATE TRIGGER */
	char	   *statement;		/* for a trigger that the table should have:
								 * the statement that creates it */
	int			nargs;
	char	  **arg_values;
} CmigAuditTrigger;

/*
 * Returns a relation's audit triggers as a list of CmigAuditTrigger.  *cloned
 * is set to true if the relation has a trigger that was cloned from a
 * partitioned table; such triggers are not in the list.
 */
extern List *cmig_audit_install_read(Oid relation, bool *cloned);

/*
 * Returns the triggers that a table with these options should have.  If
 * "row_level" is true, the trigger for INSERT, UPDATE, and DELETE fires for
 * each row.  All other triggers fire for each statement.  If "partitioned" is
 * true, the row-level trigger has the name that is used for partitioned
 * tables.
 */
extern List *cmig_audit_install_wanted(const CmigAuditOptions *options, bool row_level,
									   bool partitioned, const char *table);

/*
 * Raise an error if a trigger that pg_cmig did not create has the name of a
 * wanted trigger, because CREATE OR REPLACE would silently replace it.
 */
extern void cmig_audit_install_refuse_taken(Oid relation, List *have, List *want);

/*
 * Change the relation's existing triggers to the wanted ones with as few
 * statements as possible, and add the statements to *statements.
 */
extern void cmig_audit_install_change(Oid relation, List *have, List *want, const char *table,
									  List **statements);

#endif							/* CMIG_AUDIT_INSTALL_H */
