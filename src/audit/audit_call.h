/*
 * audit_call.h
 *	  Writes the log entries of one call of the audit trigger.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_CALL_H
#define CMIG_AUDIT_CALL_H

#include "postgres.h"
#include "audit/audit_log.h"
#include "audit/audit_table.h"
#include "executor/tuptable.h"

/* One call of the trigger. */
typedef struct CmigAuditCall
{
	CmigAuditTable *table;
	Oid			extension_owner;
	TimestampTz at;
	CommandId	command;
	MemoryContext batch;		/* memory context for values of entries that
								 * are not flushed yet */
	CmigAuditWriter *writer;	/* opened when the first entry is written */
	CmigAuditPiece *old_pieces;
	CmigAuditPiece *new_pieces;
	bool	   *changed;
	Datum	   *names;
	CmigAuditVirtualState virtuals;
	Datum		values[CMIG_LOG_COLUMNS];
	bool		nulls[CMIG_LOG_COLUMNS];
} CmigAuditCall;

/*
 * Initialize a call, and set the values that all of its entries have in
 * common.
 */
extern void cmig_audit_call_begin(CmigAuditCall *call, CmigAuditTable *table, Oid extension_owner,
								  const char *operation);

/*
 * Log the change of one row.  "old" is NULL for an insert, and "new" is NULL
 * for a delete.
 */
extern void cmig_audit_call_log_change(CmigAuditCall *call, TupleTableSlot *old, TupleTableSlot *new);

/* Log an operation on the whole table: TRUNCATE or SKIP. */
extern void cmig_audit_call_log_table(CmigAuditCall *call);

/* Write the entries that have not been flushed yet, and close the log. */
extern void cmig_audit_call_end(CmigAuditCall *call);

#endif							/* CMIG_AUDIT_CALL_H */
