/*
 * audited.h
 *	  Finds out which tables are audited, and how, for cmig.drift.
 *
 * Images leave out the audit log's triggers, because these contain ids.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDITED_H
#define CMIG_AUDITED_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* An audited table, and how it is audited. */
typedef struct CmigAudited
{
	char	   *table;			/* qualified and quoted */
	char	   *how;			/* level, operations, options, and triggers
								 * that are disabled, or enabled ALWAYS or
								 * REPLICA */
} CmigAudited;

/*
 * Returns the audited tables, a list of CmigAudited sorted by table, in the
 * current memory context.  In a shadow (see shadow.h), returns the tables that
 * are audited in the shadow.
 */
extern List *cmig_audited_read(void);

/*
 * Call the callback for each table that is audited differently in the two
 * lists.  "reason" describes the difference and says what to run.
 */
typedef void (*CmigAuditedCallback) (const char *table, const char *reason, void *arg);
extern void cmig_audited_compare(const List *live, const List *revisions,
								 CmigAuditedCallback callback, void *arg);

#endif							/* CMIG_AUDITED_H */
