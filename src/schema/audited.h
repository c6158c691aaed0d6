/*
 * audited.h
 *	  Which tables are audited, and how, for cmig.drift. Images do not contain
 *	  the triggers of the audit log, because they contain ids.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDITED_H
#define CMIG_AUDITED_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* How a table is audited. */
typedef struct CmigAudited
{
	char	   *table;			/* qualified and quoted */
	char	   *how;			/* level, operations, options, and triggers
								 * that are not enabled as usual */
} CmigAudited;

/*
 * A list of CmigAudited, sorted by table, in the current memory context.  In a
 * shadow, the tables are those of the shadow's log.
 */
extern List *cmig_audited_read(void);

/*
 * Call the callback for each table that is audited differently in the other
 * list, with the statement to run.
 */
typedef void (*CmigAuditedCallback) (const char *table, const char *reason, void *arg);
extern void cmig_audited_compare(const List *live, const List *revisions,
								 CmigAuditedCallback callback, void *arg);

#endif							/* CMIG_AUDITED_H */
