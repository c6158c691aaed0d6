/*
 * audit_options.h
 *	  How a table is audited: the options in its triggers' arguments.
 *
 * The first argument is the table's permanent id, the second the options as
 * jsonb text, so that pg_dump carries both.  Columns are kept with name and
 * number; audit_columns.h says which of the two counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_OPTIONS_H
#define CMIG_AUDIT_OPTIONS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

#define CMIG_AUDIT_INSERT	1
#define CMIG_AUDIT_UPDATE	2
#define CMIG_AUDIT_DELETE	4
#define CMIG_AUDIT_TRUNCATE 8
#define CMIG_AUDIT_ALL		15

typedef enum CmigAuditLevel
{
	CMIG_AUDIT_LEVEL_AUTO,
	CMIG_AUDIT_LEVEL_ROW,
	CMIG_AUDIT_LEVEL_STATEMENT
} CmigAuditLevel;

typedef struct CmigAuditName
{
	char	   *name;
	AttrNumber	attnum;			/* 0 where it is not known */
} CmigAuditName;

typedef struct CmigAuditOptions
{
	int32		table_id;
	char	   *anchor;			/* see audit_columns.h; NULL when not made by
								 * us */
	List	   *include;		/* of CmigAuditName */
	bool		only_included;	/* also when none of those is left */
	List	   *exclude;
	List	   *redact;
	List	   *hash;
	int			operations;		/* CMIG_AUDIT_... */
	CmigAuditLevel level;
	bool		changes_only;	/* of updates, only what changed */
	bool		skip_unchanged;
	bool		replicated;		/* fires for replicated changes too */
	bool		truncate;		/* mark values too large for jsonb */
	int			query_length;	/* bytes of the query's text; 0 is none */
} CmigAuditOptions;

/* What a table has when nothing is asked for. */
extern CmigAuditOptions *cmig_audit_options_default(void);

/* The table's id in a trigger's first argument, 0 if it is none. */
extern int32 cmig_audit_options_id(const char *argument);

/* From the arguments of a trigger; raises an error if they are not ours. */
extern CmigAuditOptions *cmig_audit_options_parse(int nargs, char **args);

/* The second argument; without the numbers of columns, what a reader sees. */
extern char *cmig_audit_options_text(const CmigAuditOptions *options, bool numbers);

/* Is the column named in the list? */
extern bool cmig_audit_options_has(const List *names, const char *column);

/*
 * The table that the options speak of: the topmost partitioned table whose
 * trigger was cloned to the relation's, else the relation itself.
 */
extern Oid	cmig_audit_options_root(Oid relation, Oid trigger);

#endif							/* CMIG_AUDIT_OPTIONS_H */
