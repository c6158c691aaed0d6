/*
 * internal.h
 *	  What the modules of src/audit share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_INTERNAL_H
#define CMIG_AUDIT_INTERNAL_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/base.h"
#include "base/compat.h"

/* in log.c */

/*
 * The columns of cmig_audit.log, in the order of the CREATE TABLE statement in
 * log.c.
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

/*
 * The statements that create the log, and those for a server that was built
 * with lz4, each followed by NULL.
 */
extern const char *const cmig_audit_log_statements[];
extern const char *const cmig_audit_log_lz4_statements[];

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

/* in row.c */

/* How the log shows a column. */
typedef enum CmigAuditHide
{
	CMIG_AUDIT_SHOW,
	CMIG_AUDIT_REDACT,			/* show CMIG_AUDIT_REDACTED instead */
	CMIG_AUDIT_HASH				/* show the HMAC-SHA-256 of the value's text */
} CmigAuditHide;

/* How the values of a column are encoded. */
typedef enum CmigAuditKind
{
	CMIG_AUDIT_BOOL,
	CMIG_AUDIT_INT2,
	CMIG_AUDIT_INT4,
	CMIG_AUDIT_INT8,
	CMIG_AUDIT_NUMERIC,
	CMIG_AUDIT_TEXT,
	CMIG_AUDIT_UUID,
	CMIG_AUDIT_DATETIME,
	CMIG_AUDIT_JSONB,
	CMIG_AUDIT_OUTPUT,			/* built-in types that become a string */
	CMIG_AUDIT_GENERAL			/* converted by to_jsonb() itself */
} CmigAuditKind;

/* A column, and how its values are encoded. */
typedef struct CmigAuditColumn
{
	const char *name;
	int			name_len;
	Datum		name_text;		/* the name as a text datum */
	int			attno;			/* zero-based index into the slot's values */
	Oid			type;			/* base type */
	int16		typlen;
	bool		byval;
	CmigAuditKind kind;
	CmigAuditHide hide;
	bool		in_key;
	bool		calls_out;		/* may the type have a cast to json? */
	FmgrInfo	output;			/* output function or to_jsonb */
	FmgrInfo	plain_output;	/* for hashed columns: the type's output
								 * function */
} CmigAuditColumn;

/* The columns of a table that are logged. */
typedef struct CmigAuditShape
{
	int			count;
	CmigAuditColumn *columns;	/* in the order of jsonb's keys */
	bool		truncate;		/* replace values that are too large, instead
								 * of raising an error? */
	const char *hash_key;		/* the secret key for hashed columns */
	int			hash_key_len;
	Oid			owner;			/* the table's owner; see cmig_type_role() for
								 * the role that runs casts to json */
} CmigAuditShape;

/* An encoded value: its JEntry type and its bytes. */
typedef struct CmigAuditPiece
{
	uint32		type;
	const char *data;
	Size		len;
	bool		aligned;		/* must the value start at a multiple of 4? */
	bool		done;
} CmigAuditPiece;

/*
 * Pin settings so that values are printed as with the default settings.
 * Otherwise, a session's settings could round values, or log them in a form
 * that is read back as a different value.  Returns the level for
 * AtEOXact_GUC(), or 0 if nothing had to be set.
 */
extern int	cmig_audit_row_pin_output(void);

/* Pin settings for reading keys and images, with times in UTC. */
extern int	cmig_audit_row_pin_reader(void);

/*
 * Fill in everything about a column except hide and in_key, in the current
 * memory context.
 */
extern void cmig_audit_row_column(CmigAuditColumn *column, Form_pg_attribute attribute);

/* Sort the columns into jsonb's order of keys. */
extern void cmig_audit_row_sort(CmigAuditShape *shape);

/* Encode one column's value into *piece. */
extern void cmig_audit_row_encode(const CmigAuditShape *shape, CmigAuditColumn *column,
								  Datum value, bool isnull, CmigAuditPiece *piece);

/* Encode a timestamptz in UTC, regardless of the session's time zone. */
extern void cmig_audit_row_encode_utc(Datum value, CmigAuditPiece *piece);

/*
 * Returns true if "a" and "b" are the same value of the column.  TOAST values
 * are fetched only if this cannot be decided without them.
 */
extern bool cmig_audit_row_same(const CmigAuditColumn *column, Datum a, bool a_null,
								Datum b, bool b_null);

/*
 * Assemble the jsonb object of the columns for which chosen[i] is true, or of
 * all columns if "chosen" is NULL.
 */
extern Jsonb *cmig_audit_row_image(const CmigAuditShape *shape,
								   const CmigAuditPiece *pieces, const bool *chosen);

/* The virtual generated columns of a table. */
typedef struct CmigAuditVirtual
{
	int			count;
	int		   *attnos;			/* zero-based indexes into a slot's values */
	Expr	  **expressions;	/* the planned expressions */
} CmigAuditVirtual;

/* The state for computing the virtual columns of rows. */
typedef struct CmigAuditVirtualState
{
	const CmigAuditVirtual *columns;
	ExprContext *context;		/* NULL if the table has no virtual columns */
	ExprState **states;
} CmigAuditVirtualState;

/*
 * Find the virtual columns of a relation that are included in the shape.  The
 * result is allocated in the current memory context.
 */
extern void cmig_audit_virtual_find(CmigAuditVirtual *columns, Relation relation,
									const CmigAuditShape *shape);

/* Prepare to compute the virtual columns, in the current memory context. */
extern void cmig_audit_virtual_begin(CmigAuditVirtualState *state,
									 const CmigAuditVirtual *columns);

/*
 * Compute the virtual columns of a slot that is already deformed, in the
 * current memory context.  cmig_audit_virtual_clear() sets these columns to
 * null again.
 */
extern void cmig_audit_virtual_fill(CmigAuditVirtualState *state, TupleTableSlot *slot);
extern void cmig_audit_virtual_clear(CmigAuditVirtualState *state, TupleTableSlot *slot);

/* Release what cmig_audit_virtual_begin() has prepared. */
extern void cmig_audit_virtual_end(CmigAuditVirtualState *state);

/* in options.c */

/* Operations, as bits. */
#define CMIG_AUDIT_INSERT	1
#define CMIG_AUDIT_UPDATE	2
#define CMIG_AUDIT_DELETE	4
#define CMIG_AUDIT_TRUNCATE 8

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
	char	   *anchor;			/* see audit.h; NULL if the arguments were not
								 * written by pg_cmig */
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

/* in layout.c */

/* One state of a table. */
typedef struct CmigAuditLayout
{
	TimestampTz recorded_at;	/* when this state was first seen */
	Oid			relation;
	char	   *schema_name;
	char	   *table_name;
	Jsonb	   *columns;		/* object: column numbers by name */
	List	   *key_columns;	/* of char *; NIL if the whole row is the key */
	List	   *key_kinds;		/* of char *: the kind of each key column's
								 * type; NIL if unknown */
	char	   *owner;			/* the owner's name; NULL if unknown */
	char	   *database;		/* identifies the database to which the OID
								 * belongs; NULL if unknown */
} CmigAuditLayout;

/* Returns an identifier of this database that no other database has. */
extern char *cmig_audit_layout_database(void);

/*
 * Returns true if a layout's column numbers belong to this relation.
 * "database" identifies the current database: the OID alone is not sufficient,
 * because a dump may have been restored in another database.
 */
extern bool cmig_audit_layout_is_of(const CmigAuditLayout *layout, Oid relation,
									const char *database);

/*
 * Returns the columns that identify a table's rows, as a List of char *, or
 * NIL if there are none.
 */
extern List *cmig_audit_layout_key(Relation relation);

/*
 * Returns the kind of value that each column has in jsonb: "number", "boolean",
 * "string" (for text, uuid, enums, and similar types), or else the type's name.
 * If two types are of the same kind, values that are equal have equal jsonb
 * values.
 */
extern List *cmig_audit_layout_kinds(Relation relation, List *columns);

/*
 * Record a relation's layout under table_id, unless it is the last one
 * recorded.  Runs as the log's owner.  Raises an error if the id belongs to
 * another table that still exists, or to a dropped table whose id the relation
 * is not allowed to use.
 */
extern void cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner);

/* Returns all layouts of a table, oldest first. */
extern List *cmig_audit_layout_read(int32 table_id);

/*
 * Returns the id under which a table is or was audited, or 0 if it never was.
 * An existing relation is found by its OID together with its name, or together
 * with its owner and this database.  If "relation" is InvalidOid, the last
 * table that had the name is found.
 */
extern int32 cmig_audit_layout_find(Oid relation, const char *schema_name,
									const char *table_name);

/* Returns an id that has not been used. */
extern int32 cmig_audit_layout_new_id(void);

/* in options.c */

/* The purposes for which options are resolved. */
typedef enum CmigAuditColumnsUse
{
	CMIG_AUDIT_WRITING,			/* raise an error if a hidden column was
								 * dropped */
	CMIG_AUDIT_CONFIRMING,		/* if a column was dropped, use the column
								 * that now has the dropped column's name; if
								 * there is none, issue a warning and leave
								 * the column out */
	CMIG_AUDIT_READING			/* like CMIG_AUDIT_CONFIRMING, but without
								 * errors and warnings */
} CmigAuditColumnsUse;

/*
 * Set the current name and number of every column in the options.  Names
 * without a number are new and are left unchanged.  Raises an error if it is
 * not known which column is meant, unless "use" is CMIG_AUDIT_READING.
 */
extern void cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation,
									   Oid extension_owner, CmigAuditColumnsUse use);

/*
 * Returns the reason why cmig_audit_columns_resolve() would fail for writing,
 * or NULL if it would not fail.
 */
extern char *cmig_audit_columns_problem(const CmigAuditOptions *options, Oid relation,
										Oid extension_owner);

/* Set the anchor for options whose columns are resolved. */
extern void cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation);

/* in trigger.c */

/*
 * Returns a palloc'd copy of the secret key with which the values of hashed
 * columns are hashed, or NULL if there is no such key.
 */
extern bytea *cmig_audit_table_hash_key(Oid extension_owner);

/* in row.c */

/*
 * Discard the positions, which are valid only within the transaction that ends.
 */
extern void cmig_audit_position_forget(void);

/*
 * Returns the value of seq for an entry with this id.  "command" is the command
 * ID of the statement whose trigger writes the entry.
 */
extern int64 cmig_audit_position_of(CommandId command, int64 id);

/* in retain.c */

/*
 * Create the audit log's partitions for the next months, as the log's owner,
 * if any of the partitions for the next "at_least" months are missing.  Issues
 * a warning if other sessions hold locks on the log for too long.
 */
extern void cmig_audit_retain_ahead(Oid log_owner, int at_least);

/* in script.c */

/*
 * Returns a script that audits the table.  Raises an error for options that
 * need the C trigger.
 */
extern char *cmig_audit_script_text(Relation relation, const CmigAuditOptions *options);

/* in install.c */

/*
 * Set the options whose arguments are not null.  The first option is argument
 * n.
 */
extern void cmig_audit_arguments_read(FunctionCallInfo fcinfo, int n, CmigAuditOptions *options);

/*
 * Check that all columns exist, that no column is hidden by more than one
 * list, and that no key column is hidden.  Sets the columns' numbers and the
 * anchor (see audit.h).
 */
extern void cmig_audit_arguments_check(CmigAuditOptions *options, Relation relation);

/*
 * The following functions are for calls that audit several tables at once.
 * cmig_audit_arguments_fit() removes a column from the options if the column
 * would be hidden but does not exist in this table, and adds the names of the
 * other hidden columns to *met.  cmig_audit_arguments_require_met() raises an
 * error if an argument names a hidden column that is not in "met".
 */
extern void cmig_audit_arguments_fit(CmigAuditOptions *options, Relation relation, List **met);
extern void cmig_audit_arguments_require_met(FunctionCallInfo fcinfo, int n, List *met,
											 const char *schema);

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

/* in target.c */

/*
 * cmig_audit_types_hold() raises an error if one of the types or their
 * components has a cast to json whose function belongs to another role that is
 * not a superuser.  Otherwise, it prevents other sessions from creating such a
 * cast until the types are released.  It returns true if this required a lock;
 * pass the result to cmig_audit_types_release().
 */
extern bool cmig_audit_types_hold(List *types);
extern void cmig_audit_types_release(bool held);

/* A table that is named in an argument, with its layouts. */
typedef struct CmigAuditTarget
{
	int32		table_id;
	Oid			relation;		/* InvalidOid if the table was dropped */
	char	   *name;			/* for messages */
	List	   *layouts;		/* of CmigAuditLayout, oldest first */
	Jsonb	  **renames;		/* for each layout: former and current names
								 * of columns; NULL if they are the same */
	List	   *key_columns;	/* of char *: the current names of the key
								 * columns */
	List	   *key_kinds;		/* of char *; see audit.h */
} CmigAuditTarget;

/*
 * Returns the table in argument n, which is of type regclass or text and must
 * not be null.
 */
extern CmigAuditTarget *cmig_audit_target_argument(FunctionCallInfo fcinfo, int n);

/* Returns the target for an existing table. */
extern CmigAuditTarget *cmig_audit_target_of(Oid relation);

/*
 * Returns an image or key that was logged at the time "at", with the columns'
 * current names and without dropped columns.
 */
extern Jsonb *cmig_audit_target_image(CmigAuditTarget *target, Jsonb *image, TimestampTz at);

/* Did the column that now has this name exist in a layout? */
extern bool cmig_audit_target_had_column(CmigAuditTarget *target, int layout, const char *now);

/*
 * Returns the key in argument n, as a List of Jsonb * with one element for
 * each variant (see the top of this file).  Returns NIL if the argument is
 * null.
 */
extern List *cmig_audit_key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);

/*
 * Returns the names that the key columns had in a layout, in the order of
 * target->key_columns, or NIL if there was no key or the key had other
 * columns.  "layout" is an index into target->layouts.
 */
extern List *cmig_audit_key_in_layout(CmigAuditTarget *target, int layout);

/*
 * Returns true if the key's values have the same kinds in a layout as now, or
 * if their kinds are unknown.
 */
extern bool cmig_audit_key_same_kinds(CmigAuditTarget *target, int layout);

/*
 * Returns the name of a policy on a relation that applies to the caller and
 * could run another role's code, or NULL if there is none.
 */
extern char *cmig_audit_policy_find_foreign(Oid relation);

/* in history.c */

/*
 * Lock the log, and raise an error unless it exists, is trusted, has its
 * original definition, and can be read by the caller.  Every function that
 * reads the log calls this first.
 */
extern void cmig_audit_reader_begin(void);

/*
 * The columns of the log with which every query for changes of rows begins,
 * and their indexes in CmigAuditEntry.  audit_history() returns all columns
 * except for seq and command_id, which follow here, and adds the context of the
 * change.
 */
#define CMIG_ENTRY_COLUMNS_WITH(changed, new_row) \
	"l.id, l.clock_at, l.transaction_id, l.operation, l.row_key, l.old_key, " \
	changed ", l.old_row, " new_row ", l.seq, l.command_id"
#define CMIG_ENTRY_COLUMNS CMIG_ENTRY_COLUMNS_WITH("l.changed", "l.new_row")
#define CMIG_HISTORY_COLUMNS 18

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
	CMIG_ENTRY_NEW_ROW,
	CMIG_ENTRY_CONTEXT			/* the number of columns without the context */
};

/* An entry of the log. */
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
 * Read an entry in the current memory context.  Raises an error if it was
 * changed after pg_cmig wrote it.
 */
extern void cmig_audit_entry_read(CmigAuditEntry *entry, TupleDesc desc, HeapTuple row);

extern bool cmig_audit_entry_is(const CmigAuditEntry *entry, const char *operation);

/*
 * Is the entry's image the whole row, rather than only the changed columns?  An
 * image of only the changed columns does not contain the key.
 */
extern bool cmig_audit_entry_is_whole(const CmigAuditEntry *entry, int column);

/* in image.c */

/* The information that is needed to convert images to a table's rows. */
typedef struct CmigAuditImages
{
	Oid			relation;
	Oid			role;			/* the role that runs the types' code */
	List	   *key_columns;	/* of char *: the current names of the key
								 * columns */
	TimestampTz at;				/* the time as of which rows are requested */
	MemoryContext context;		/* memory context for data that outlives a row */
	FmgrInfo	populate;		/* jsonb_populate_record() for the table's row
								 * type */
	Datum		image;			/* the image that is being converted, or 0 */
} CmigAuditImages;

/* Initialize *images for a table, in the current memory context. */
extern void cmig_audit_image_init(CmigAuditImages *images, Oid relation, Oid owner,
								  List *key_columns, TimestampTz at);

/* Convert an image to a row, without the caller's privileges. */
extern Datum cmig_audit_image_row(CmigAuditImages *images, Datum image);

/*
 * Call work(arg), which converts images to rows.  If an image does not fit the
 * table's current columns, the error names the row and the column.
 */
extern void cmig_audit_image_explain(CmigAuditImages *images, void (*work) (void *arg),
									 void *arg);

/*
 * Raise an error if entries after the time "at" have a key that does not
 * consist of the columns of the table's current key, or whose values are of
 * another kind.  It would not be known to which rows such entries belong.
 */
extern void cmig_audit_as_of_layouts_check_keys(CmigAuditTarget *target, const Datum *range,
												TimestampTz at);

/*
 * Returns the columns that were added after the oldest row entry that follows
 * the time "at".  Without a key, a table's rows are identified by all of their
 * values, except for the values of these columns.
 */
extern List *cmig_audit_as_of_layouts_young(CmigAuditTarget *target, Relation relation,
											const Datum *range, TimestampTz at);

/*
 * Returns the columns to leave out, or NULL if there are none: the columns
 * whose values are not in the log, and the columns in "others".
 */
extern ArrayType *cmig_audit_as_of_layouts_hidden(const CmigAuditTarget *target, Relation relation,
												  Oid extension_owner, const List *others);

#endif							/* CMIG_AUDIT_INTERNAL_H */
