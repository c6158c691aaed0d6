/*
 * audit_history.h
 *	  Returns the history of a row, across changes of its key.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_HISTORY_H
#define CMIG_AUDIT_HISTORY_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "audit/audit_target.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * The number of result columns of audit_history(), and the log columns from
 * which the result is computed.
 */
#define CMIG_HISTORY_COLUMNS 18
#define CMIG_ENTRY_COLUMNS \
	"l.id, l.clock_at, l.transaction_id, l.operation, l.row_key, l.old_key," \
	" l.changed, l.old_row, l.new_row, l.user_id, l.tenant_id, l.role," \
	" l.session_role, l.application_name, l.client_address, l.revision," \
	" l.reason, l.request_id"

/* The indexes of the first columns in CMIG_ENTRY_COLUMNS. */
enum
{
	CMIG_ENTRY_ID,
	CMIG_ENTRY_CLOCK_AT,
	CMIG_ENTRY_TRANSACTION_ID,
	CMIG_ENTRY_OPERATION,
	CMIG_ENTRY_ROW_KEY,
	CMIG_ENTRY_OLD_KEY,
	CMIG_ENTRY_CHANGED,
	CMIG_ENTRY_OLD_ROW,
	CMIG_ENTRY_NEW_ROW
};

/* An entry of a row's history. */
typedef struct CmigAuditEntry
{
	int64		id;
	int64		seq;
	int64		command;
	TimestampTz at;
	Datum		values[CMIG_HISTORY_COLUMNS];
	bool		nulls[CMIG_HISTORY_COLUMNS];
} CmigAuditEntry;

/*
 * Returns the history of the rows that had one of the keys, as a List of
 * CmigAuditEntry *: each entry once, in the order of the changes.
 */
extern List *cmig_audit_history_read(CmigAuditTarget *target, List *keys);

/*
 * Returns the key in argument n, as cmig_audit_key_argument() does, but raises
 * an error if the argument is null.  If the argument cannot be read, the error
 * context names the table.  "call" is an example of a correct call, for the
 * hint.
 */
extern List *cmig_audit_history_key(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target,
									const char *call);

/*
 * Query callback that appends an entry to the List * to which "entries" points.
 * The query returns CMIG_ENTRY_COLUMNS, l.seq, and l.command_id.
 */
extern void cmig_audit_history_collect(TupleDesc desc, HeapTuple row, void *entries);

#endif							/* CMIG_AUDIT_HISTORY_H */
