/*
 * internal.h
 *	  What the modules of src/audit share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_INTERNAL_H
#define CMIG_AUDIT_INTERNAL_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "audit/audit.h"
#include "base/base.h"

/* in log.c */

/*
 * The columns of cmig_audit.log, in the order of the CREATE TABLE statement in
 * the view cmig.audit_text.
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

/* The names and types of the log's columns, in this order. */
typedef struct CmigAuditColumnType
{
	const char *name;
	Oid			type;
} CmigAuditColumnType;

extern const CmigAuditColumnType cmig_audit_log_columns[];

extern void cmig_audit_log_refuse_foreign_code(Oid log_owner);
extern int	cmig_audit_log_silence(void);
extern Oid	cmig_audit_log_extension_owner(void);
extern Oid	cmig_audit_log_relation(void);
extern Oid	cmig_audit_log_table_owner(Oid relation);
extern CmigAuditLogFault *cmig_audit_log_fault(Oid extension_owner);
extern CmigAuditLogFault *cmig_audit_log_fault_now(Oid extension_owner);
extern void cmig_audit_log_raise_fault(Oid extension_owner, bool may_be_missing);
extern Oid	cmig_audit_log_require(Oid extension_owner);
extern Oid	cmig_audit_log_reader(Oid extension_owner);
extern bytea *cmig_audit_log_hash_key(Oid extension_owner);
extern int64 cmig_audit_log_row_hash(int32 table_id, Datum key);

typedef struct CmigAuditWriter CmigAuditWriter;

extern CmigAuditWriter *cmig_audit_writer_open(Oid extension_owner, TimestampTz at);
extern bool cmig_audit_writer_takes(CmigAuditWriter *writer, TimestampTz at);
extern int64 cmig_audit_writer_next_id(CmigAuditWriter *writer);
extern bool cmig_audit_writer_add(CmigAuditWriter *writer, const Datum *values,
								  const bool *nulls, Size size);
extern void cmig_audit_writer_close(CmigAuditWriter *writer);

/* in create.c */

extern void cmig_audit_log_execute(const char *sql);
extern void cmig_audit_log_drop_part(const char *name);
extern char *cmig_audit_log_text(const char *name);
extern void cmig_audit_log_close_access(Oid relation);
extern Oid	cmig_audit_log_make(Oid extension_owner);

/* in options.c */

/* Operations, as bits. */
#define CMIG_AUDIT_INSERT	1
#define CMIG_AUDIT_UPDATE	2
#define CMIG_AUDIT_DELETE	4
#define CMIG_AUDIT_TRUNCATE 8

/* Whether a trigger fires for each row or for each statement. */
enum
{
	CMIG_AUDIT_LEVEL_AUTO,
	CMIG_AUDIT_LEVEL_ROW,
	CMIG_AUDIT_LEVEL_STATEMENT
};

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
	char	   *anchor;			/* see layout.c; NULL if the arguments were
								 * not written by pg_cmig */
	List	   *include;		/* of CmigAuditName */
	List	   *exclude;
	List	   *redact;
	List	   *hash;
	int			operations;		/* bit mask of CMIG_AUDIT_INSERT and so on */
	int			level;			/* CMIG_AUDIT_LEVEL_AUTO and so on */
	int			changes_only;	/* log only the columns that an update
								 * changed? */
	int			skip_unchanged; /* leave out updates that change nothing? */
	int			replicated;		/* log replicated changes, too? */
	int			truncate;		/* replace values that are too large for
								 * jsonb? */
	int			query_length;	/* maximum length of the query in an entry, in
								 * bytes; 0 to leave it out */
} CmigAuditOptions;

extern CmigAuditOptions *cmig_audit_options_default(void);
extern bool cmig_audit_options_has(const List *names, const char *column);
extern int	cmig_audit_options_columns(const CmigAuditOptions *options);

/*
 * Returns the table's id in a trigger's first argument, or 0 if it is not an
 * id.
 */
extern int32 cmig_audit_options_id(const char *argument);
extern CmigAuditOptions *cmig_audit_options_parse(int nargs, char **args);
extern char *cmig_audit_options_text(const CmigAuditOptions *options, bool numbers);
extern void cmig_audit_options_read(FunctionCallInfo fcinfo, int first, CmigAuditOptions *options);
extern void cmig_audit_options_check(CmigAuditOptions *options, Relation relation);
extern void cmig_audit_options_fit(CmigAuditOptions *options, Relation relation, List **met);

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
	bool	   *key;			/* which columns belong to the key */
	List	   *hidden;			/* of int: columns that an expansion has added */
	bool		names;			/* see cmig_audit_row_pin() */
	bool		utc;			/* the same */
	bool		zoned_key;		/* is a key column a timestamptz? */
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
} CmigAuditPiece;

extern int	cmig_audit_row_pin(bool utc, bool names);
extern Oid	cmig_audit_row_role(Oid type, Oid owner);
extern List *cmig_audit_row_hidden(Relation relation);
extern void cmig_audit_row_shape(CmigAuditShape *shape, const CmigAuditOptions *options,
								 bool only_included, Relation relation, List *key);
extern void cmig_audit_row_encode(const CmigAuditShape *shape, CmigAuditColumn *column,
								  Datum value, bool isnull, CmigAuditPiece *piece);
extern void cmig_audit_row_encode_utc(Datum value, CmigAuditPiece *piece);
extern bool cmig_audit_row_same(const CmigAuditColumn *column, Datum a, bool a_null,
								Datum b, bool b_null);
extern Jsonb *cmig_audit_row_image(const CmigAuditShape *shape,
								   const CmigAuditPiece *pieces, const bool *chosen);

/* in layout.c */

/* A state of a table: the layout that it has or had. */
typedef struct CmigAuditLayout
{
	TimestampTz recorded_at;	/* when this state was first seen */
	Oid			relation;
	char	   *database;		/* identifies the database to which the OID
								 * belongs; NULL if unknown */
	List	   *names;			/* of char *: the columns */
	List	   *numbers;		/* of int: the columns' numbers, ascending */
	/* the fields below are not set by cmig_audit_layout_now() */
	char	   *schema_name;
	char	   *table_name;
	List	   *key_columns;	/* of char *; NIL if the whole row is the key */
	List	   *key_kinds;		/* of char *: the kind of each key column's
								 * type; NIL if unknown */
	char	   *owner;			/* the owner's name; NULL if unknown */
} CmigAuditLayout;


/* The same as CMIG_AUDIT_IS_TRIGGER and CMIG_AUDIT_IS_SCRIPT. */
extern CmigAuditTrigger cmig_audit_layout_trigger(const Trigger *trigger);

extern List *cmig_audit_layout_key(Relation relation, List **kinds);
extern CmigAuditLayout *cmig_audit_layout_now(Oid relation);
extern void cmig_audit_layout_record(int32 table_id, Relation relation, Oid log_owner);
extern List *cmig_audit_layout_read(int32 table_id);
extern int	cmig_audit_layout_place_of_name(const CmigAuditLayout *layout, const char *name);
extern int	cmig_audit_layout_place_later(const CmigAuditLayout *from, const CmigAuditLayout *to,
										  const char *name);
extern int32 cmig_audit_layout_find(Oid relation, const char *schema_name,
									const char *table_name);
extern int32 cmig_audit_layout_new_id(char **strays);
extern CmigNames *cmig_audit_names(List *texts);
extern bool cmig_audit_same_texts(List *a, List *b);

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

extern void cmig_audit_columns_resolve(CmigAuditOptions *options, Oid relation,
									   Oid extension_owner, CmigAuditColumnsUse use,
									   StringInfo problems);
extern void cmig_audit_columns_anchor(CmigAuditOptions *options, Oid relation);

/* in retain.c */

extern void cmig_audit_retain_ahead(Oid log_owner, int at_least);

/* in row_key.c */

extern bool cmig_audit_types_hold(List *types);
extern void cmig_audit_types_release(bool held);

/* A table that is named in an argument, with its layouts. */
typedef struct CmigAuditTarget
{
	int32		table_id;
	Oid			relation;		/* InvalidOid if the table was dropped */
	char	   *name;			/* for messages */
	List	   *layouts;		/* of CmigAuditLayout, oldest first */
	CmigAuditLayout *now;		/* the current layout; NULL if the table was
								 * dropped */
	List	  **renames;		/* for each layout: the current names of its
								 * columns; NIL if they are the same */
	List	   *key_columns;	/* of char *: the current names of the key
								 * columns */
	List	   *key_kinds;		/* of char *; see CmigAuditLayout */
} CmigAuditTarget;

extern CmigAuditTarget *cmig_audit_target_argument(FunctionCallInfo fcinfo);
extern CmigAuditTarget *cmig_audit_target_of(Oid relation);
extern Jsonb *cmig_audit_target_image(CmigAuditTarget *target, Jsonb *image, TimestampTz at);
extern List *cmig_audit_target_names(CmigAuditTarget *target, int layout);
extern List *cmig_audit_key_argument(FunctionCallInfo fcinfo, int n, CmigAuditTarget *target);
extern List *cmig_audit_key_then(CmigAuditTarget *target, int layout, List **kinds);
extern void cmig_audit_put_member(CmigJsonbStateCompat *state, char *name, JsonbValue *value);

/* in history.c */

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

/* What the order of the log's entries depends on. */
typedef struct CmigAuditPlace
{
	int64		seq;
	int64		command;
	int64		id;
} CmigAuditPlace;

/* An entry of the log. */
typedef struct CmigAuditEntry
{
	CmigAuditPlace place;
	TimestampTz at;
	Datum		values[CMIG_HISTORY_COLUMNS];
	bool		nulls[CMIG_HISTORY_COLUMNS];
} CmigAuditEntry;

extern int	cmig_audit_place_compare(const CmigAuditPlace *left, const CmigAuditPlace *right);
extern void cmig_audit_entry_read(CmigAuditEntry *entry, const CmigRow *row);
extern bool cmig_audit_entry_is(const CmigAuditEntry *entry, const char *operation);
extern bool cmig_audit_entry_is_whole(const CmigAuditEntry *entry, int column);

#endif							/* CMIG_AUDIT_INTERNAL_H */
