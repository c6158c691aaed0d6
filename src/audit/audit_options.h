/*
 * audit_options.h
 *	  Reads and writes the audit options in the arguments of a table's
 *	  triggers.
 *
 * The first argument is the table's permanent id, and the second argument
 * contains the options as the text of a jsonb, so that pg_dump includes both.
 * The options contain the name and the number of each column; audit_columns.h
 * explains which of the two counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_OPTIONS_H
#define CMIG_AUDIT_OPTIONS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* Operations, as bits. */
#define CMIG_AUDIT_INSERT	1
#define CMIG_AUDIT_UPDATE	2
#define CMIG_AUDIT_DELETE	4
#define CMIG_AUDIT_TRUNCATE 8
#define CMIG_AUDIT_ALL		15

/* Whether a trigger fires for each row or for each statement. */
typedef enum CmigAuditLevel
{
	CMIG_AUDIT_LEVEL_AUTO,
	CMIG_AUDIT_LEVEL_ROW,
	CMIG_AUDIT_LEVEL_STATEMENT
} CmigAuditLevel;

/* A column in one of the options' lists. */
typedef struct CmigAuditName
{
	char	   *name;
	AttrNumber	attnum;			/* 0 if unknown */
} CmigAuditName;

/* The audit options of a table. */
typedef struct CmigAuditOptions
{
	int32		table_id;
	char	   *anchor;			/* see audit_columns.h; NULL if the arguments
								 * were not written by pg_cmig */
	List	   *include;		/* of CmigAuditName */
	bool		only_included;	/* was an include list given, even if none of
								 * its columns is left? */
	List	   *exclude;
	List	   *redact;
	List	   *hash;
	int			operations;		/* bit mask of CMIG_AUDIT_INSERT and so on */
	CmigAuditLevel level;
	bool		changes_only;	/* log only the columns that an update
								 * changed? */
	bool		skip_unchanged; /* leave out updates that change nothing? */
	bool		replicated;		/* log replicated changes, too? */
	bool		truncate;		/* replace values that are too large for
								 * jsonb? */
	int			query_length;	/* maximum length of the query in an entry, in
								 * bytes; 0 to leave it out */
} CmigAuditOptions;

/* Returns the default options. */
extern CmigAuditOptions *cmig_audit_options_default(void);

/*
 * Returns the table's id in a trigger's first argument, or 0 if it is not an
 * id.
 */
extern int32 cmig_audit_options_id(const char *argument);

/* Parse a trigger's arguments.  Raises an error if they are malformed. */
extern CmigAuditOptions *cmig_audit_options_parse(int nargs, char **args);

/*
 * Returns the options as text.  If "numbers" is true, the text is a trigger's
 * second argument; otherwise, it is for display and has no column numbers.
 */
extern char *cmig_audit_options_text(const CmigAuditOptions *options, bool numbers);

/* Is the column named in the list? */
extern bool cmig_audit_options_has(const List *names, const char *column);

/*
 * Returns the table to which the options belong: the topmost partitioned table
 * from which the relation's trigger was cloned, or the relation itself.
 */
extern Oid	cmig_audit_options_root(Oid relation, Oid trigger);

#endif							/* CMIG_AUDIT_OPTIONS_H */
