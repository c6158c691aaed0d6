/*
 * audited.h
 *	  Which tables are audited, and how, for drift.
 *
 * Images leave out the triggers of the audit log, because they contain ids.
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
 * A list of CmigAudited, sorted by table, in the current memory context.  Of
 * the live log, or in a shadow of the log there.
 */
extern List *cmig_audited_read(void);

/*
 * Call back for each table that is audited in another way than in the other
 * list, with what is to be done about it.
 */
typedef void (*CmigAuditedCallback) (const char *table, const char *reason, void *arg);
extern void cmig_audited_compare(const List *live, const List *revisions,
								 CmigAuditedCallback callback, void *arg);

#endif							/* CMIG_AUDITED_H */
