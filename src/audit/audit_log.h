/*
 * audit_log.h
 *	  The schema cmig_audit: the log, its partitions, and writing to it.
 *
 * The schema and its tables belong to the extension's owner and are not members
 * of the extension.  They are created by fixed statements that run as that
 * owner in a security-restricted operation.  Rows are written by direct table
 * access: triggers, rules, defaults, checks, and policies on the log have no
 * effect, and expressions of an index that the owner has added are evaluated
 * as the owner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_LOG_H
#define CMIG_AUDIT_LOG_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "base/query.h"

/*
 * The columns of cmig_audit.log, in the order of the CREATE TABLE statement in
 * audit_log.c.
 */
typedef enum CmigAuditLogColumn
{
	CMIG_LOG_ID,
	CMIG_LOG_SEQ,
	CMIG_LOG_TRANSACTION_ID,
	CMIG_LOG_TRANSACTION_AT,
	CMIG_LOG_CLOCK_AT,
	CMIG_LOG_ROW_HASH,
	CMIG_LOG_OLD_HASH,
	CMIG_LOG_TABLE_ID,
	CMIG_LOG_COMMAND_ID,
	CMIG_LOG_BACKEND_PID,
	CMIG_LOG_OPERATION,
	CMIG_LOG_SCHEMA_NAME,
	CMIG_LOG_TABLE_NAME,
	CMIG_LOG_ROW_KEY,
	CMIG_LOG_OLD_KEY,
	CMIG_LOG_OLD_ROW,
	CMIG_LOG_NEW_ROW,
	CMIG_LOG_CHANGED,
	CMIG_LOG_USER_ID,
	CMIG_LOG_TENANT_ID,
	CMIG_LOG_ROLE,
	CMIG_LOG_SESSION_ROLE,
	CMIG_LOG_APPLICATION_NAME,
	CMIG_LOG_CLIENT_ADDRESS,
	CMIG_LOG_REVISION,
	CMIG_LOG_REASON,
	CMIG_LOG_REQUEST_ID,
	CMIG_LOG_QUERY,
	CMIG_LOG_COLUMNS			/* the number of columns */
} CmigAuditLogColumn;

/*
 * Raise an error if SQL on the log would run another role's code as the log's
 * owner.
 */
extern void cmig_audit_log_refuse_foreign_code(Oid log_owner);

/* Run one statement as the current user. */
extern void cmig_audit_log_execute(const char *sql);

/*
 * Run statements that write to pg_cmig's tables, without firing triggers that
 * roles with the TRIGGER privilege have created on them.
 */
extern void cmig_audit_log_execute_silently(const char *sql);
extern uint64 cmig_audit_log_write(CmigQuery *query, Datum *values);

/* Returns the owner of the extension pg_cmig, as recorded in pg_extension. */
extern Oid	cmig_audit_log_extension_owner(void);

/* Can a log that belongs to "owner" be trusted? */
extern bool cmig_audit_log_trusted(Oid owner, Oid extension_owner);

/* Returns the OID of cmig_audit.log, or InvalidOid if it does not exist. */
extern Oid	cmig_audit_log_relation(void);

/*
 * Returns the owner of a table.  Raises an error (SQLSTATE 42P01) if the table
 * was dropped in the meantime.
 */
extern Oid	cmig_audit_log_table_owner(Oid relation);

/*
 * Create the log if it is missing.  Raises an error if it cannot be used, for
 * example because it belongs to another role.  Returns its owner.
 */
extern Oid	cmig_audit_log_make(Oid extension_owner);

/* The reason why the log cannot be used, and what to do about it. */
typedef struct CmigAuditLogFault
{
	int			sqlstate;
	bool		missing;		/* does the log not exist, so that it can be
								 * created? */
	char	   *problem;
	char	   *detail;			/* can be NULL */
	char	   *fix;
} CmigAuditLogFault;

/* Returns the reason why the log cannot be used, or NULL if it can be used. */
extern CmigAuditLogFault *cmig_audit_log_fault(Oid extension_owner);

/*
 * Returns the log's owner, for reading and maintaining the log.  Raises an
 * error if the log is missing or cannot be used.
 */
extern Oid	cmig_audit_log_require(Oid extension_owner);

/*
 * Revoke what the owner's default privileges have granted on a relation or, if
 * "relation" is InvalidOid, on the schema and everything in it.
 */
extern void cmig_audit_log_close_access(Oid relation);

/* Returns the statements that create the log, followed by NULL. */
extern const char *const *cmig_audit_log_statements(void);

/* Returns additional statements for a server that was built with lz4. */
extern const char *const *cmig_audit_log_lz4_statements(void);

/*
 * Writing
 */
typedef struct CmigAuditWriter CmigAuditWriter;

/*
 * Open the log for entries of a transaction that began at the time "at".
 * Raises an error if the log is missing or belongs to a role that is not
 * trusted.
 */
extern CmigAuditWriter *cmig_audit_writer_open(Oid extension_owner, TimestampTz at);

/*
 * Returns true if the writer's partition accepts entries of a transaction that
 * began at the time "at".
 */
extern bool cmig_audit_writer_takes(CmigAuditWriter *writer, TimestampTz at);

/* Returns the id of the next entry. */
extern int64 cmig_audit_writer_next_id(CmigAuditWriter *writer);

/*
 * Add an entry of about "size" bytes.  The data to which the values point must
 * live until the entry is flushed.  Returns true if all entries were flushed.
 */
extern bool cmig_audit_writer_add(CmigAuditWriter *writer, const Datum *values,
								  const bool *nulls, Size size);

/* Flush the entries and close the log. */
extern void cmig_audit_writer_close(CmigAuditWriter *writer);

/* Returns the value of row_hash for a key of a table. */
extern int64 cmig_audit_log_row_hash(int32 table_id, Datum key);

#endif							/* CMIG_AUDIT_LOG_H */
