/*
 * audit_log.h
 *	  The schema cmig_audit: the log, its partitions, and the way rows get
 *	  into it.
 *
 * Schema and tables belong to the extension's owner and are no members of the
 * extension.  They are made by fixed statements, run as that owner in a
 * security-restricted context.  Rows are written by direct table access: no
 * trigger, rule, default, check or policy that somebody put on the log is
 * looked at, and what must be evaluated (expressions of an index that the
 * owner added) is evaluated as the owner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_LOG_H
#define CMIG_AUDIT_LOG_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "base/query.h"

/* The columns of cmig_audit.log, in the order of audit_log.c's list. */
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
	CMIG_LOG_COLUMNS			/* how many there are */
} CmigAuditLogColumn;

/* Becoming another role for a while; an error puts the caller back. */
typedef struct CmigAuditRole
{
	Oid			user;
	int			context;
	bool		read_only;		/* XactReadOnly */
} CmigAuditRole;

extern void cmig_audit_log_become(CmigAuditRole *saved, Oid role);

/* The same for code that is a table owner's, not ours. */
extern void cmig_audit_log_act_as(CmigAuditRole *saved, Oid role);

/*
 * The same where that code must not change anything: what was looked at before
 * stays as it was, as the table is locked against other sessions.
 */
extern void cmig_audit_log_act_as_reader(CmigAuditRole *saved, Oid role);
extern void cmig_audit_log_return(const CmigAuditRole *saved);

/* Raises an error if SQL on the log would run code of another role as its owner. */
extern void cmig_audit_log_refuse_foreign_code(Oid log_owner);

/* Run one statement as the current user. */
extern void cmig_audit_log_execute(const char *sql);

/*
 * The same for statements that write into our tables, without firing what
 * somebody who holds TRIGGER put on them.
 */
extern void cmig_audit_log_execute_silently(const char *sql);
extern uint64 cmig_audit_log_write(CmigQuery *query, Datum *values);

/* The role that pg_extension names as the owner of pg_cmig. */
extern Oid	cmig_audit_log_extension_owner(void);

/* May a log that belongs to owner be written for this extension? */
extern bool cmig_audit_log_trusted(Oid owner, Oid extension_owner);

/* cmig_audit.log, InvalidOid if there is none. */
extern Oid	cmig_audit_log_relation(void);

/* The owner of a table; 42P01 where it has been dropped meanwhile. */
extern Oid	cmig_audit_log_table_owner(Oid relation);

/*
 * Make sure that the log is there and fit for use: made if it is missing,
 * refused if it belongs to somebody else.  Returns its owner.
 */
extern Oid	cmig_audit_log_make(Oid extension_owner);

/* Why the log is not fit for use, and what to do. */
typedef struct CmigAuditLogFault
{
	int			sqlstate;
	bool		missing;		/* there is none, so one can be made */
	char	   *problem;
	char	   *detail;			/* NULL if there is nothing to add */
	char	   *fix;
} CmigAuditLogFault;

/* NULL if the log is fit for use. */
extern CmigAuditLogFault *cmig_audit_log_fault(Oid extension_owner);

/*
 * The log's owner, for those who read and maintain it.  Raises an error if
 * there is no log or if it is not as made.
 */
extern Oid	cmig_audit_log_require(Oid extension_owner);

/* Take back what the owner's default privileges granted; 0 is all of the schema. */
extern void cmig_audit_log_close_access(Oid relation);

/* The statements that make the log, one by one; NULL after the last. */
extern const char *const *cmig_audit_log_statements(void);

/* The same for what follows on a server that was built with lz4. */
extern const char *const *cmig_audit_log_lz4_statements(void);

/*
 * Writing
 */
typedef struct CmigAuditWriter CmigAuditWriter;

/*
 * Open the log for entries of a transaction that began at.  Raises an error
 * if the log is missing or belongs to the wrong role.
 */
extern CmigAuditWriter *cmig_audit_writer_open(Oid extension_owner, TimestampTz at);

/* Would entries of a transaction that began at go to the same place? */
extern bool cmig_audit_writer_takes(CmigAuditWriter *writer, TimestampTz at);

/* The next id. */
extern int64 cmig_audit_writer_next_id(CmigAuditWriter *writer);

/*
 * Add an entry.  What the values point to must live until the entry is
 * flushed; returns true when that has happened for all entries.
 */
extern bool cmig_audit_writer_add(CmigAuditWriter *writer, const Datum *values,
								  const bool *nulls, Size size);
extern void cmig_audit_writer_close(CmigAuditWriter *writer);

#endif							/* CMIG_AUDIT_LOG_H */
