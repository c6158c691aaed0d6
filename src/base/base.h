/*
 * base.h
 *	  What src/base provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BASE_H
#define CMIG_BASE_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_class.h"
#include "common/cryptohash.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/snapshot.h"

#include "base/compat.h"

/* Errors of pg_cmig are told from those of the server by their domain. */
#undef TEXTDOMAIN
#define TEXTDOMAIN "pg_cmig"

/* in settings.c */

/* Protection levels, from the lowest to the highest; the code compares them. */
typedef enum CmigProtect
{
	CMIG_PROTECT_OFF,
	CMIG_PROTECT_BASE,
	CMIG_PROTECT_ON
} CmigProtect;

/* The policies for DDL outside of a run, from the least to the most strict. */
typedef enum CmigDdlPolicy
{
	CMIG_DDL_ALLOW,
	CMIG_DDL_LOG,
	CMIG_DDL_DENY
} CmigDdlPolicy;

/* The policies for an applied revision whose text has changed. */
typedef enum CmigChecksumPolicy
{
	CMIG_CHECKSUM_ERROR,
	CMIG_CHECKSUM_WARN,
	CMIG_CHECKSUM_IGNORE
} CmigChecksumPolicy;

/* Call these before registering any other setting, and after all of them. */
extern void cmig_settings_init(void);
extern void cmig_settings_loaded(void);

/* The name to define a setting with, until cmig_settings_loaded(). */
extern const char *cmig_settings_name(const char *name);

/* Do the privileges of a function's owner count, not those of the caller? */
extern bool cmig_settings_in_definer_function(void);

/*
 * Should a check hook accept an invalid value from this source, because the
 * server would otherwise use the default, with only a WARNING?  The functions
 * that use the setting must then refuse the value.
 */
extern bool cmig_settings_keep_invalid(GucSource source);

/*
 * The effective value of a setting, given the session's value, which does not
 * count in a SECURITY DEFINER function unless the function has set it.
 */
extern const char *cmig_settings_text(const char *name, const char *session);
extern bool cmig_settings_bool(const char *name, bool session);
extern int	cmig_settings_int(const char *name, int session);
extern double cmig_settings_real(const char *name, double session);

/*
 * Give the settings that change what a text means the values that a new session
 * of the same role without options would have, so that the same script means the
 * same in each session: those of cmig_settings_forms, those of locales and
 * searches, and, with "storage", those that change where and how a table is
 * stored.
 */
extern void cmig_settings_as_at_login(bool storage, GucAction action);

/*
 * Likewise, for a setting that pg_cmig does not define.  NULL without a value.
 */
extern const char *cmig_settings_custom(const char *name);

/*
 * The same for a superuser-only setting that guards the database.  Unless the
 * session has set it, the stored value is read, because a rejected value from
 * the connection options could hide it.
 */
extern const char *cmig_settings_guard_text(const char *name, const char *session);

/*
 * The same for an enum setting whose values are ordered from the least to the
 * most strict.  The session's value takes effect if it is at least as strict as
 * the stored value, or if the session is allowed to make the setting less strict.
 */
extern int	cmig_settings_guard_enum(const char *name, int session);

/*
 * The same for a setting that a guard setting depends on.  The stored
 * value takes effect if the guard has a stored value other than its default
 * and the session is not allowed to make the guard less strict.
 */
extern const char *cmig_settings_guarded_text(const char *name, const char *session,
											  const char *guard);
extern int	cmig_settings_guarded_int(const char *name, int session, const char *guard);

/*
 * The protection level, its name or that of the stored one, and whether the
 * session is allowed to lower it.
 */
extern CmigProtect cmig_settings_protect(void);
extern const char *cmig_settings_protect_name(bool stored);
extern bool cmig_settings_may_unprotect(void);

/* The hint for a protection error.  Does the failed call commit? */
extern char *cmig_settings_unprotect_hint(bool commits);

/*
 * The policy in effect, and the stored one, which a session can make stricter.
 */
extern CmigDdlPolicy cmig_settings_ddl_policy(void);
extern const char *cmig_settings_ddl_policy_name(CmigDdlPolicy policy);
extern CmigDdlPolicy cmig_settings_ddl_policy_stored(void);

/* The patterns of objects to which it does not apply, as they are stored. */
extern const char *cmig_settings_ddl_exclude(void);

extern CmigChecksumPolicy cmig_settings_checksum_policy(void);

/* Does cmig use this server as an engine, for a database without pg_cmig? */
extern bool cmig_settings_engine(void);

/* in hint.c */

/*
 * Set by settings.c: returns the scope, or an empty string, if hints are for
 * the user of the command cmig, NULL if they are for a user of psql.
 */
extern const char *(*cmig_hint_scope) (void);

/* Returns the text with the commands between backquotes as the session wants them; it may be NULL. */
extern char *cmig_hint_text(const char *text);

/* The same as errhint(), with such commands. */
#define cmig_hint(...) errhint("%s", cmig_hint_text(psprintf(__VA_ARGS__)))

/* in text.c */

/* The state of an allocator.  Initialize it with zeros. */
typedef struct CmigPack
{
	char	   *next;			/* free memory of the current block */
	Size		left;			/* number of bytes at "next" */
} CmigPack;

/* The memory is aligned like palloc's, and not zeroed. */
extern void *cmig_pack_alloc(CmigPack *pack, Size size);
extern char *cmig_pack_string(CmigPack *pack, const char *text, Size length);

/* The maximum number of items that are written.  The rest are only counted. */
#define CMIG_LISTING_MAX 10

/* The format of a list. */
typedef enum CmigListingStyle
{
	CMIG_LISTING_PLAIN,			/* a, b and 3 more */
	CMIG_LISTING_QUOTED,		/* "a", "b" and 3 more */
	CMIG_LISTING_LINES			/* one item on each line, and "And 3 more." on
								 * the last one */
} CmigListingStyle;

/* A list that is being built. */
typedef struct CmigListing
{
	CmigListingStyle style;
	int			count;			/* number of items added */
	StringInfoData text;
} CmigListing;

extern void cmig_listing_init(CmigListing *listing, CmigListingStyle style);
extern void cmig_listing_add(CmigListing *listing, const char *item);

/* Add an item, formatted as by printf.  The format must include any quotes. */
extern void cmig_listing_add_format(CmigListing *listing,
									const char *format,...) pg_attribute_printf(2, 3);

/* Call this once, after the last item. */
extern char *cmig_listing_text(CmigListing *listing);

/* A pattern such as "table:public.job_*", in which * is any text. */
typedef struct CmigPattern
{
	const char *text;			/* the whole pattern; NULL if no caller gave
								 * it */
	char	   *kind;			/* NULL for a pattern without a kind */
	char	   *name;
} CmigPattern;

extern bool cmig_pattern_matches(const char *pattern, const char *text);

/*
 * Returns a copy in which no pattern finds a dot, for the name of a schema that
 * contains one.
 */
extern char *cmig_pattern_hide_dots(const char *name);

/* The number of hexadecimal digits in a checksum. */
#define CMIG_CHECKSUM_DIGITS 64

/* cmig_checksum_finish() returns hexadecimal digits and frees the state. */
extern pg_cryptohash_ctx *cmig_checksum_start(void);
extern void cmig_checksum_add(pg_cryptohash_ctx *checksum, const char *bytes, Size count);
extern char *cmig_checksum_finish(pg_cryptohash_ctx *checksum);

/* Are both strings equal, or both NULL? */
extern bool cmig_text_same(const char *a, const char *b);

/* Is it neither NULL nor ''? */
extern bool cmig_text_is_given(const char *text);

/* Does the text, unless it is NULL, begin with this? */
extern bool cmig_text_begins(const char *text, const char *start);

/*
 * Does the text, such as a list of names, unless it is NULL, contain the word,
 * and not only as part of a longer one?
 */
extern bool cmig_text_has_word(const char *text, const char *word);

/*
 * Returns what follows the first separator in a line such as "a -> b", or NULL.
 * What has to be known of a statement is not looked for in its text.
 */
extern const char *cmig_text_after(const char *text, const char *separator);

/* Returns a copy of the text in which "old" is replaced, wherever it stands. */
extern char *cmig_text_replace(const char *in, const char *old, const char *new);

/* Like psprintf(), for functions with a format of their own. */
extern char *cmig_text_format(const char *format, va_list args) pg_attribute_printf(1, 0);

/* Can the byte be part of an identifier or a key word? */
extern bool cmig_text_is_word(char c);

/* Replace control characters, which could end a comment, in place. */
extern char *cmig_text_one_line(char *comment);

/* A copy that is truncated to "most" bytes and "..." if it is longer. */
extern char *cmig_text_shortened(const char *text, int most);

extern bool cmig_text_list_has(const List *list, const char *text);

/* Sort the list in byte order. */
extern void cmig_text_list_sort(List *list);

/* The texts of a list with commas between them, each quoted if "quote" is given. */
extern char *cmig_text_join(const List *list, const char *(*quote) (const char *));

/* Can the character be part of a name without quotes?  A dollar sign is left out. */
static inline bool
cmig_is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		IS_HIGHBIT_SET(c);
}

/* The maximum length of a revision id or branch label, in bytes. */
#define CMIG_MAX_ID_LENGTH 128

/* The maximum length of a revision's message, in characters. */
#define CMIG_MAX_MESSAGE_LENGTH 1000

/* The direction of a step: which of a revision's scripts it runs. */
typedef enum CmigDirection
{
	CMIG_UPGRADE,
	CMIG_DOWNGRADE
} CmigDirection;

/* "upgrade" or "downgrade", as used in arguments, tables, and messages */
extern const char *cmig_direction_name(CmigDirection direction);

/* A list of names, as in a text[] column. */
typedef struct CmigNames
{
	int			count;
	char	  **names;
} CmigNames;

/* Sort the names in byte order; search a sorted list. */
extern void cmig_names_sort(CmigNames *names);
extern bool cmig_names_has(const CmigNames *sorted, const char *name);

/* Returns a name that is in the list more than once, or NULL. */
extern const char *cmig_names_repeated(const CmigNames *names);

/* Returns the names as a text[]; NULL stands for null. */
extern Datum cmig_names_datum(const CmigNames *names);

/* The names with commas between them. */
extern char *cmig_names_text(const CmigNames *names);

/* Returns a list of the names, for a message. */
extern char *cmig_listing_names(const CmigNames *names, CmigListingStyle style);

/* Do both lists contain the same names in the same order? */
extern bool cmig_names_same(const CmigNames *a, const CmigNames *b);

/* A revision's id and edges, and the details that lists of revisions show. */
typedef struct CmigRevision
{
	char	   *id;
	CmigNames	parents;		/* down_revision */
	CmigNames	depends;		/* depends_on: ids, partial ids or labels */
	CmigNames	labels;			/* branch_labels */
	CmigNames	replaces;		/* ids of the revisions that this one
								 * replaces; the last one follows all others
								 * in the graph; usually empty */
	bool		repeatable;		/* true if the revision is not a node of the
								 * graph: it has no edges except depends, and
								 * runs after the others */
	bool		malformed;		/* true if an array contains nulls or has two
								 * dimensions */
	/* the fields below are NULL or false unless the caller asked for them */
	char	   *message;
	char	   *created_by;
	bool		transactional;
	bool		irreversible;	/* true if there is no downgrade script */
	bool		expands;		/* true if the revision has the header
								 * "expand", so that a downgrade script can be
								 * generated */
	bool		reverts_nothing;	/* true if the downgrade script is empty,
									 * not even a comment, but the upgrade
									 * script is not */
	bool		has_created_at; /* true if created_at is valid */
	TimestampTz created_at;
} CmigRevision;

/* Everything that a revision's file or row contains. */
typedef struct CmigRevisionText
{
	CmigRevision edges;
	char	   *description;	/* never NULL */
	char	   *upgrade_sql;	/* never NULL; '' if there is nothing to run */
	char	   *downgrade_sql;	/* NULL if the revision is irreversible */
	char	   *verify_sql;		/* NULL if there is none */
	char	   *precondition_sql;	/* NULL if there is none */
	char	   *expand;			/* NULL for false, "true", or "strict" */
	CmigNames	placeholders;	/* placeholder declarations */
	char	   *previous_sql;	/* the last script that a repeatable revision
								 * ran, if it differs from the current one;
								 * otherwise NULL */
	char	   *file_name;		/* the file that it was loaded from, or NULL */
	int			file_lines[3];	/* the first lines of the upgrade, downgrade,
								 * and verify scripts in the file, or 0 */
} CmigRevisionText;

/* Returns both, with an underscore between them; a long name ends with a hash. */
extern char *cmig_version_join_name(const char *first, const char *second);

/* Returns the name of the schema with the version of a schema's tables. */
#define cmig_version_schema_name(revision, schema) cmig_version_join_name(schema, revision)

/* Returns the name that a column, index, or constraint has until it is contracted. */
#define cmig_version_hidden_name(name) cmig_version_join_name("cmig_new", name)

/* in library.c */

/* Read and remember the extension's version in this database. */
extern void cmig_library_version_read(void);

/* A hint if the versions did not match when they were last read, or NULL. */
extern const char *cmig_library_version_hint(void);

/*
 * In an error context callback: if the versions did not match, say so in the
 * error's detail and hint, and return true.
 */
extern bool cmig_library_version_explain(void);

/* Raise an error: the SQL declaration of the function is not this library's. */
pg_noreturn extern void cmig_library_version_refuse(void);

/*
 * A function of the library for applications' sessions, which is loaded if it
 * is not; raises an error if an older one is loaded that does not have it.
 */
extern void *cmig_library_session_function(const char *name);

/*
 * The rendezvous variable that points to the ID of the revision that runs.  Only
 * pg_cmig itself can set it, unlike a setting.
 */
#define CMIG_RUNNING_REVISION "cmig_running_revision"

/* As SET would do it, with the privileges of the context; NULL resets. */
extern void cmig_settings_set(const char *name, const char *value, GucContext context,
							  GucAction action);

/*
 * Change a setting of the class USERSET until the caller's GUC nest level
 * ends.
 */
extern void cmig_settings_override(const char *name, const char *value);

/*
 * The settings that change how the text of SQL and of values is read and
 * printed, with PostgreSQL's defaults, which the function sets until the caller's
 * GUC nest level ends.
 */
extern const char *const cmig_settings_forms[][2];
extern void cmig_settings_pin_forms(void);

/*
 * If default_tablespace names the database's own tablespace, make it empty, which is
 * the same, but no error for partitioned tables and indexes.
 */
extern void cmig_settings_unname_tablespace(GucAction action);

/* Override search_path with the value that pg_cmig's queries use. */
extern void cmig_settings_pin_search_path(void);

/* Let views and foreign tables be used, whatever the session's setting is. */
extern void cmig_settings_unrestrict(void);

/* Have the server count scans and rows, also if it does not by default (track_counts). */
extern void cmig_settings_count(void);

/* in argument.c */

/* Returns NULL if the argument is null. */
extern char *cmig_argument_text(FunctionCallInfo fcinfo, int n);

/* Likewise, for an argument of type "any". */
extern char *cmig_argument_any(FunctionCallInfo fcinfo, int n);

/*
 * Raises error 22004 if argument n is null or was left out.  "what" is its name
 * in the message, and "call" is a correct call for the hint.
 */
extern void cmig_argument_require(FunctionCallInfo fcinfo, int n, const char *what,
								  const char *call);

/*
 * Returns an argument that must be "upgrade" or "downgrade".  "call" begins a
 * correct call for the hint, which uses an invalid value as the target if the
 * next argument is null.
 */
extern CmigDirection cmig_argument_direction(FunctionCallInfo fcinfo, const char *call);

/*
 * Returns the name of an existing schema, and sets *null to 'n' or ' ' for
 * SPI.
 */
extern Datum cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null);

/*
 * Returns the elements of a text[].  Raises error 22004 if an element is null;
 * "what" is the array's name in the message.  "hint" may be NULL.
 */
extern PGDLLEXPORT CmigNames *cmig_argument_names(ArrayType *array, const char *what, const char *hint);

/* Returns a boolean argument, or "value" if the argument is null. */
extern bool cmig_argument_bool(FunctionCallInfo fcinfo, int n, bool value);

/* Returns a list that contains only this name.  "name" may be NULL. */
extern CmigNames *cmig_argument_one(char *name);

/*
 * A text[] argument that may be empty, but not null.  "what" says what the
 * elements are, for messages: for example, "dependencies".
 */
extern CmigNames *cmig_argument_list(FunctionCallInfo fcinfo, int n, const char *what);

/*
 * Returns a list of CmigPattern.  A pattern without a kind must contain a dot
 * or an asterisk, because it is compared with qualified names.
 */
extern List *cmig_patterns_read(const CmigNames *texts);

/* Returns a text[] argument with at least one revision identifier. */
extern CmigNames *cmig_argument_revisions(FunctionCallInfo fcinfo, int n);

/*
 * The revision identifiers in a text argument, or one NULL.  An array literal
 * such as '{a,b}' counts as an array, because an untyped literal is text here.
 */
extern CmigNames *cmig_argument_target(FunctionCallInfo fcinfo, int n);

/*
 * An error context callback for parsing "text", to which an error position
 * then refers, instead of the calling statement.
 */
extern void cmig_argument_place_error(void *text);

/*
 * All functions read their arguments in this way: an older SQL script may declare
 * fewer.
 */
static inline const NullableDatum *
cmig_argument(FunctionCallInfo fcinfo, int n)
{
	if (n >= fcinfo->nargs)
		cmig_library_version_refuse();
	return &fcinfo->args[n];
}

#undef PG_GETARG_DATUM
#define PG_GETARG_DATUM(n) (cmig_argument(fcinfo, n)->value)
#undef PG_ARGISNULL
#define PG_ARGISNULL(n) (cmig_argument(fcinfo, n)->isnull)

/*
 * Add a row to a function's result: values, the text of each column, where NULL
 * stands for null, or strings that the types' input functions read.  The number
 * of columns must be the declared one.  cmig_result_add_texts() adds a row of
 * one column for each element of a List of char *.  The SQL function must have
 * called InitMaterializedSRF(), with MAT_SRF_USE_EXPECTED_DESC if it has one
 * column.
 */
extern void cmig_result_add(struct ReturnSetInfo *result, int count, const Datum *values,
							const bool *nulls);
extern void cmig_result_add_row(FunctionCallInfo fcinfo, int count, const char *const *texts);
extern void cmig_result_add_strings(struct ReturnSetInfo *result, int count,
									const char *const *strings);
extern void cmig_result_add_texts(FunctionCallInfo fcinfo, List *texts);

#define cmig_result_add_text(fcinfo, ...) \
	cmig_result_add_row(fcinfo, lengthof(((const char *[]) {__VA_ARGS__})), (const char *[]) {__VA_ARGS__})

/* Raise an error unless the result is declared with that many columns. */
extern void cmig_result_require(TupleDesc desc, int count);

/* Returns the row of a function that returns one. */
extern Datum cmig_result_row(FunctionCallInfo fcinfo, int count, const Datum *values,
							 const bool *nulls);

/* in subtransaction.c */

/*
 * Returns a snapshot of what is committed now, or raises error 25000 during a parallel
 * operation.
 */
extern Snapshot cmig_latest_snapshot(void);

/* A function that does the work of a subtransaction. */
typedef void (*CmigSubtransactionWork) (void *arg);

/*
 * Do the work, and return NULL.  If it fails, everything is rolled back, with
 * the current user and settings, and a copy of the error is returned.  The
 * caller must rethrow what it does not handle, including query cancellation.
 */
extern ErrorData *cmig_subtransaction_try(CmigSubtransactionWork work, void *arg);

/* Like cmig_subtransaction_try(), but always rolls the work back. */
extern ErrorData *cmig_subtransaction_rehearse(CmigSubtransactionWork work, void *arg);

/*
 * In PG_CATCH(): returns a copy of the error in this memory context, which becomes
 * the current one, and ends its handling.  Effects of other sessions are 40001.
 */
extern ErrorData *cmig_error_take(MemoryContext context);

/*
 * In ereport(): the detail of an error that is raised again, of which the server's log
 * has no more than before.
 */
extern int	cmig_error_detail(const ErrorData *error);

/*
 * Returns what can be stored of the error's text where others read it: no values
 * of rows, and no queries of other roles.
 */
extern char *cmig_error_stored(const ErrorData *error);

/*
 * Was the error not caused by the work, so that no caller may handle it: a
 * cancellation, lack of resources, a serialization failure, an internal error?
 */
extern bool cmig_subtransaction_must_rethrow(const ErrorData *error);

/*
 * Has the error this SQLSTATE, and was it raised in this function or source file
 * of the server?  Messages, which are translated, must not be compared.
 */
extern bool cmig_error_is_from(const ErrorData *error, int sqlstate, const char *place);

/*
 * Like cmig_subtransaction_rehearse(), for at most "limit" milliseconds: returns
 * false if it was canceled then.  Rethrows errors that the work did not cause.
 */
extern bool cmig_subtransaction_limited(CmigSubtransactionWork work, void *arg, int limit,
										ErrorData **error);

/*
 * Visit the rows of a table that the caller has locked, and of its children,
 * until the visitor returns false.  Nothing is evaluated, and no policies apply:
 * the caller checks whether the rows may be seen.  Returns false if there are rows
 * that are not stored here, which are not visited.
 */
typedef bool (*CmigRowVisitor) (Relation relation, TupleTableSlot *slot, void *arg);

extern bool cmig_rows_visit(Oid table, CmigRowVisitor visit, void *arg);

/* A callback for a query's rows.  Returns false to stop the query. */
typedef bool (*CmigRowReceiver) (TupleTableSlot *slot, DestReceiver *self);

/* Initialize a receiver, which is usually the first field of a larger struct. */
extern void cmig_row_receiver_init(DestReceiver *receiver, CmigRowReceiver row);

/* in role.c */

/*
 * A predefined role that has hardly any privileges, cannot log in, and cannot
 * be altered.
 */
#define CMIG_ROLE_NOBODY ROLE_PG_STAT_SCAN_TABLES

/* The previous role, and the other state to restore with it. */
typedef struct CmigRole
{
	Oid			user;
	int			context;
	bool		read_only;		/* XactReadOnly */
	int			guc_level;		/* for AtEOXact_GUC(), or 0 */
} CmigRole;

/*
 * Become another role, in a security-restricted operation, with a pinned
 * search_path: code of the role must not find the caller's functions.  What it
 * sets ends with cmig_role_return().
 */
extern void cmig_role_act_as(CmigRole *saved, Oid role);

/*
 * Likewise with the caller's search_path, if names are only looked up, or if the
 * caller can become the role.
 */
extern void cmig_role_look_up_as(CmigRole *saved, Oid role);

/*
 * Likewise, for running pg_cmig's code on tables of the role: even policies
 * with FORCE ROW LEVEL SECURITY do not apply.
 */
extern void cmig_role_act_as_owner(CmigRole *saved, Oid role);

/*
 * Like cmig_role_act_as(), read-only, for code that must not change what the
 * caller has checked and locked.
 */
extern void cmig_role_read_as(CmigRole *saved, Oid role);

/* Return to the caller's role for a while, to write to pg_cmig's tables. */
extern void cmig_role_act_as_caller(CmigRole *saved, Oid caller);

extern void cmig_role_return(const CmigRole *saved);

/*
 * Return the owner of a relation, and of an object in another catalog, or
 * InvalidOid if the object does not exist.
 */
extern Oid	cmig_role_owner_of(Oid relation);
extern Oid	cmig_role_owner_in(Oid catalog, Oid object);

/* Read the columns of a relation's row in pg_class.  Returns false if there is none. */
extern bool cmig_role_relation(Oid relation, FormData_pg_class *row);

/*
 * Has the session, whose user lacks the role's privileges, a temporary schema?
 * Names in code of the role could mean objects in it, whatever search_path is.
 */
extern bool cmig_role_meets_temporary(Oid role);

/*
 * Raise error 42501 if other roles can change a function that the node calls, or
 * add checks or casts to a type that it brings into a query.
 */
extern void cmig_role_require_own_code(Node *node, Oid role);

/*
 * Likewise, for the expressions that belong to the relation: the planner
 * evaluates them, and reads the checks of their types.
 */
extern void cmig_role_require_own_expressions(Oid relation, Oid role);

/* Does an expression call a function for which the callback returns true? */
extern bool cmig_expression_calls(Node *expr, check_function_callback callback, void *arg);

/*
 * SQL for the name of an operator, a row of pg_operator.  The output function of
 * type regoperator ends the server if the operator's schema does not exist, as in a
 * shadow that hides the schema, or has been dropped since the row was read.
 */
#define CMIG_OPERATOR_SQL(alias) \
	"(SELECT format('%I.%s(%s,%s)', n.nspname, " alias ".oprname," \
	" coalesce(format_type(nullif(" alias ".oprleft, 0), NULL), 'NONE')," \
	" coalesce(format_type(nullif(" alias ".oprright, 0), NULL), 'NONE'))" \
	" FROM pg_namespace n WHERE n.oid = " alias ".oprnamespace)"

/*
 * Returns the functions that an expression calls, and its operators, which can have the
 * same function, but another negator, which the planner may call instead.  The text of an
 * expression does not show those of IS DISTINCT FROM, NULLIF, and CASE.
 */
extern List *cmig_expression_called(Node *expr);

/*
 * Returns one of the functions that its text does not show, if its owner lacks the
 * role's privileges, or InvalidOid.
 */
extern Oid	cmig_expression_hidden(Node *expr, Oid role);

/*
 * Analyze a statement in the body of an SQL function, given its pg_proc row;
 * changes the statement.  "call" may be NULL if no argument is polymorphic.
 * Raises error 0A000 for a literal of a type that is not is_safe(), which is
 * never called for a domain.
 */
extern Query *cmig_safe_parse(RawStmt *raw, const char *source, HeapTuple function, FuncExpr *call,
							  bool (*is_safe) (Oid type));

/*
 * Does the type's input function run only C code?  For a domain or a composite
 * type, it can also run check expressions.
 */
extern bool cmig_type_input_is_safe(Oid type);

/*
 * The role that runs the code of a column's type, such as domain checks and
 * casts: the table's owner, if the owners of the type and all its parts have
 * the privileges of that role; otherwise CMIG_ROLE_NOBODY.
 */
extern Oid	cmig_type_role(Oid type, Oid table_owner);

/* Returns the type over which a domain is defined, which can be a domain, too. */
extern Oid	cmig_type_domain_base(Oid domain);

/* in plain.c */

struct CmigQuery;

/*
 * Raise error 55000 if a table of pg_cmig that the query names exists but is not
 * a plain table that belongs to the extension.  After this check, the query
 * returns exactly the table's rows.  The check costs nothing if no table was
 * altered since the query was last checked.
 */
extern void cmig_plain_require(struct CmigQuery *query);

/* in query.c */

/*
 * SQL expression for the options that a column, a row of pg_attribute, was given, or NULL.
 * Later minor releases store one of their own there.
 */
#define CMIG_COLUMN_OPTIONS(column) \
	"(SELECT array_agg(x ORDER BY i) FROM unnest(" column ".attoptions) WITH ORDINALITY x (x, i)" \
	" WHERE x !~ '^pg_attver=')"

/*
 * SQL: the OID of the relation with a name that is stored with its schema, or NULL.  Unlike
 * to_regclass(), this needs no USAGE on the schema, and takes any text.
 */
#define CMIG_RELATION_NAMED(name) \
	"(SELECT c.oid FROM (SELECT CASE WHEN " name " ~" \
	" '^([a-z_][a-z0-9_]*|\"([^\"]|\"\")+\")[.]([a-z_][a-z0-9_]*|\"([^\"]|\"\")+\")$'" \
	" THEN parse_ident(" name ") END) t (p), pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" WHERE n.nspname = p[1] AND c.relname = p[2])"

/*
 * The end of a hint if there is no backup of pg_cmig's tables.  CASCADE would drop policies,
 * defaults, and the triggers of expanded tables: what depends on the extension, the error of
 * DROP names.
 */
#define CMIG_BEGIN_AGAIN \
	", load the revisions and stamp the database after: DROP EXTENSION IF EXISTS pg_cmig; CREATE EXTENSION pg_cmig"

#define CMIG_QUERY_MAX_ARGS 20

struct _SPI_plan;

/* A column of a table of pg_cmig, as it was created. */
typedef struct CmigTableColumn
{
	const char *name;
	Oid			type;
} CmigTableColumn;

/* A query and its plan. */
typedef struct CmigQuery
{
	const char *const sql;		/* cmig_query_make() makes it at run time */
	Oid			argtypes[CMIG_QUERY_MAX_ARGS];	/* the rest is 0 */
	struct _SPI_plan *plan;		/* prepared at first use */
	struct PlannedStmt *lasting;	/* a plan for cmig_query_at_once() */
	bool		users_text;		/* the statement comes from a user:
								 * search_path is not pinned, errors get no
								 * hint about pg_cmig's tables, and each run
								 * uses a custom plan */
	bool		all_rows;		/* raise an error if a policy hides rows */
	List	   *relations;		/* OIDs: besides relations of pg_catalog,
								 * cmig, and cmig_audit, it may read only
								 * these; of a user's text, they are its
								 * targets */
	bool		children;		/* it reads their child tables, too */
	bool		once;			/* the plan is not kept */
	bool		latest;			/* it reads, or changes, what is committed
								 * now, also if the transaction's snapshot is
								 * older, as queries of catalogs alone do */
	uint64		checked;		/* what it reads of pg_cmig: see
								 * cmig_plain_require() */
	bool		selective;		/* it reads few rows by indexes, so that its
								 * plan can last in large catalogs, too */
	Oid			function;		/* if there are no relations, it may call only
								 * functions of pg_catalog and cmig, and this
								 * one */
	const char *table;			/* all that it reads is this table of pg_cmig:
								 * see cmig_plain_scan() */
	const CmigTableColumn *columns;
	int			ncolumns;
} CmigQuery;

/*
 * Returns a query whose text is built at run time, with names of these
 * relations, which the caller has locked before it looked at their owners, kinds,
 * or privileges.  If the text reads any other relation when it is planned,
 * because one was replaced, error 40001 is raised before anything is evaluated.
 */
extern CmigQuery *cmig_query_make(const char *sql, List *relations, int nargs, const Oid *argtypes);

/* The same for queries of pg_cmig's tables and catalogs, whose plan is kept for the session. */
extern CmigQuery *cmig_query_make_lasting(const char *sql, int nargs, const Oid *argtypes);

/*
 * Called before a query is prepared, and again before it runs; only for tests,
 * which replace what it reads.
 */
typedef void (*cmig_query_hook_type) (const char *sql);
extern PGDLLEXPORT cmig_query_hook_type cmig_query_hook;

/* A row of a query's result. */
typedef struct CmigRow
{
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
} CmigRow;

/*
 * A callback for a query's rows.  It must copy whatever it keeps, and it runs
 * with the pinned search_path, unless the query names its table.
 */
typedef void (*CmigRowCallback) (const CmigRow *row, void *arg);

/*
 * In plain.c: lock and check a query's table, if it exists, before the snapshot is taken (an
 * older one shows nothing if the table was truncated meanwhile), then read "columns" of all
 * its rows in any order, and close it.  If that returns false, the query must run.
 */
extern Relation cmig_plain_open(CmigQuery *query);
extern bool cmig_plain_scan(CmigQuery *query, Relation table, Snapshot snapshot,
							CmigRowCallback callback, void *arg, uint64 *count);

/* A row callback that adds the row to its argument, a ReturnSetInfo. */
extern void cmig_query_return_row(const CmigRow *row, void *result);

/* Run a query.  Returns the number of rows processed.  "nulls" may be NULL. */
extern uint64 cmig_query_run(CmigQuery *query, Datum *values, const char *nulls);

/*
 * Run a query and call the callback for each row, in the caller's memory
 * context.  Only a batch of rows is in memory.  Returns their number.
 */
extern uint64 cmig_query_each(CmigQuery *query, Datum *values, const char *nulls,
							  CmigRowCallback callback, void *arg);

/*
 * Returns the first column of the first row as a string, read with the given
 * snapshot; NULL if there is none.  No argument may be null.
 */
extern char *cmig_query_at_snapshot(CmigQuery *query, Datum *values, Snapshot snapshot);

/*
 * Call "work" so that all its queries read with one snapshot, and those that
 * write fail.  "latest" is the snapshot from which PostgreSQL prints
 * definitions.  After an error, the (sub)transaction must be rolled back.
 */
extern void cmig_query_at_once(bool latest, void (*work) (void *), void *arg);

/* Are the catalogs so small that, within cmig_query_at_once(), plans last? */
extern bool cmig_query_plans_last;

/*
 * Run a query that may have no result, as a user's text.  "callback" may be NULL.
 * The whole result is in memory.
 */
extern uint64 cmig_query_once(CmigQuery *query, Datum *values,
							  CmigRowCallback callback, void *arg);

/*
 * Lock a relation, unless "mode" is NoLock, and its schema so that no other
 * session renames it until the end of the transaction.  The relation's name then
 * stands for it.
 */
extern void cmig_query_hold(Oid relation, LOCKMODE mode);

/* The same, but return false instead of raising an error. */
extern bool cmig_query_try_hold(Oid relation, LOCKMODE mode);

/*
 * Lock a row of a catalog, found by its OID, so that no other session renames or drops
 * the object until the end of the transaction.  Returns false if one just has.
 */
extern bool cmig_query_hold_row(Oid catalog, Oid index, Oid object);

/*
 * Run a utility statement that was built at run time, with pinned search_path.
 * "relation" is the user's relation that it names, which must be locked, or
 * InvalidOid.
 */
extern void cmig_query_command(const char *sql, Oid relation);

/*
 * Run utility statements, a List of RawStmt *, with pinned search_path, and such
 * that no event trigger fires.  They name no relation of a user.
 */
extern void cmig_query_silently(List *statements, const char *sql);

/*
 * These functions take the query's arguments as C values, as its argtypes
 * require: const char * for TEXTOID and const CmigNames * for TEXTARRAYOID (a
 * NULL pointer stands for null), bool, int, Oid, double, and int64, which also
 * stands for a TimestampTz.  A row is an array of CmigValue, the values of all
 * columns as text, and can be read as a struct of char *.
 *
 * cmig_query_do() returns the number of rows processed, cmig_query_list() a
 * List of all rows, cmig_query_row() the first row or NULL,
 * cmig_query_value() the first column of the first row, and cmig_query_oids()
 * a List of the OIDs in the first column.  cmig_query_texts() is
 * cmig_query_list() with arguments of any types.
 */
typedef char *CmigValue;

extern uint64 cmig_query_do(CmigQuery *query,...);
extern List *cmig_query_list(CmigQuery *query,...);
extern char **cmig_query_row(CmigQuery *query,...);
extern char *cmig_query_value(CmigQuery *query,...);
extern List *cmig_query_oids(CmigQuery *query,...);
extern List *cmig_query_texts(CmigQuery *query, Datum *values, const char *nulls);

/* Does one of pg_cmig's queries run?  Asked by triggers that it fires. */
extern bool cmig_query_is_writing(void);

/*
 * Returns a column of type text (counting from 1) as a palloc'd string.  If the
 * column is null, cmig_query_text() raises 40001: PostgreSQL's functions that
 * describe objects return null if another session has dropped the object.  Use
 * cmig_query_text_or_null() only if null has another meaning.
 */
extern char *cmig_query_text(const CmigRow *row, int column);
extern char *cmig_query_text_or_null(const CmigRow *row, int column);

/* Bind a string, which may be NULL, to the i-th argument (counting from 0). */
extern void cmig_query_bind_text(Datum *values, char *nulls, int i, const char *value);

/* The value of a column, or "otherwise" if it is null. */
extern bool cmig_query_bool(const CmigRow *row, int column, bool otherwise);
extern int32 cmig_query_int32(const CmigRow *row, int column, int32 otherwise);
extern int64 cmig_query_int64(const CmigRow *row, int column, int64 otherwise);
extern double cmig_query_float8(const CmigRow *row, int column);

/*
 * Returns a column's value.  Raises an error if its type is neither "type" nor
 * binary coercible to it, so that no value is misread, whatever a name in the
 * query stands for.  If "isnull" is NULL, a null raises 40001.
 */
extern Datum cmig_query_datum(const CmigRow *row, int column, Oid type, bool *isnull);

/* Raise error 40001: objects changed while they were read. */
pg_noreturn extern void cmig_query_raise_changed(const char *detail);

/* Open a relation that others can have dropped: error 40001 then, not an internal one. */
extern Relation cmig_query_open(Oid relation, LOCKMODE mode);

/*
 * Returns the quoted and qualified name of a relation.  Raises error 40001 if
 * it no longer exists.
 */
extern char *cmig_query_relation_name(Oid relation);

/* The same, or a text that contains its OID if it was dropped in the meantime. */
extern char *cmig_query_table_name(Oid relation);

/* Likewise, only the name of a relation or schema, not quoted. */
extern char *cmig_query_name(Oid relation);
extern char *cmig_query_schema_name(Oid schema);

/* Read the fixed part of a relation's row of pg_class.  Returns false if there is none. */
extern bool cmig_role_relation(Oid relation, FormData_pg_class *row);

/*
 * Begins the definition of an SQL function that reads the catalogs: an
 * internal error because an object has vanished becomes error 40001.
 */
#define CMIG_READER(name) \
	static Datum name##_body(PG_FUNCTION_ARGS); \
	Datum name(PG_FUNCTION_ARGS) { return cmig_query_call_reader(name##_body, fcinfo); } \
	static Datum name##_body(PG_FUNCTION_ARGS)

extern Datum cmig_query_call_reader(PGFunction function, FunctionCallInfo fcinfo);

/* Free the plan of a query whose text was built at run time. */
extern void cmig_query_free(CmigQuery *query);

/*
 * Commit the transaction of a procedure called at top level, and start the
 * next one, which then has no snapshot.
 */
extern void cmig_query_commit(void);

/* Is the caller running inside a procedure or DO block that can commit? */
extern bool cmig_query_in_procedure(void);

/* in settings.c */

/*
 * Raise error 25006 on a standby, and in a transaction that is READ ONLY, and 25000
 * during a parallel operation.
 */
extern void cmig_require_writable(const char *function);

/*
 * Run ALTER DATABASE or, with a role, ALTER ROLE ... IN DATABASE ... SET for
 * one of pg_cmig's settings; RESET if the value is NULL.  Returns the
 * statement.  "function" is for the error on a standby or in a read-only
 * transaction.
 */
extern char *cmig_database_setting_set(const char *function, const char *role, const char *name,
									   const char *value);

/* in library.c */

/* Callback for each row of a catalog. */
typedef void (*CmigCatalogRow) (HeapTuple row, void *arg);

/* For each row of pg_depend that refers to the object or its columns. */
extern void cmig_catalog_rows_referring(Oid class, Oid object, CmigCatalogRow callback, void *arg);

/* in citus.c */

/*
 * Does Citus manage the table?  It manages distributed tables, reference
 * tables, tables in distributed schemas, and local tables in its metadata.
 */
extern bool cmig_citus_manages(Oid relation);

/*
 * How does Citus store the table?  Returns NULL if not; "h" and the distribution
 * column; "t" for a reference table; "l" for a local one; "s" otherwise.
 */
extern char *cmig_citus_storage(Oid relation);

/* Is Citus installed here, in a version that has distributed schemas? */
extern bool cmig_citus_is_installed(void);

/* Does a shard have copies on several nodes, with other ctids in each? */
extern bool cmig_citus_has_copies(Oid relation);

extern int	cmig_citus_shards(Oid relation);

/*
 * Sets the number of blocks of the table's largest shard, and the estimated
 * number of rows in all shards, 0 without statistics.  Raises an error if a
 * shard cannot be read.  The shards are read in other transactions.
 */
extern void cmig_citus_size(Oid relation, double *blocks, double *rows);

/* A way in which a shard differs from its table. */
typedef struct CmigShardProblem
{
	const char *severity;		/* error, warning, or notice */
	const char *object;			/* such as "policy on app.item" */
	const char *problem;
	const char *fix;			/* SQL, or NULL */
	const char *kind;			/* row-level security, policy, owner,
								 * privilege, index, constraint, shard, or
								 * node for what could not be compared */
} CmigShardProblem;

/*
 * Asks each node how its shards differ from the tables in these schemas, or in
 * all if NULL.  Returns a List of CmigShardProblem *.  The nodes see only what
 * is committed, so a notice names the tables that this transaction has changed.
 */
extern List *cmig_citus_shard_problems(const CmigNames *schemas);

/*
 * Asks each node what could stop a run of the current user there.  Returns a
 * List of rows: item, severity, value, and hint, of which the hint can be NULL.
 */
extern List *cmig_citus_node_problems(void);

/* Does a query return true on all workers?  An error counts as false. */
extern bool cmig_citus_workers_agree(const char *sql);

/* Is the session connected to a worker? */
extern bool cmig_citus_is_worker(void);

/*
 * The process ID of the session on behalf of which Citus opened this one, or 0
 * if there is none.  It is read from application_name, which users can set: all
 * that is certain is that this role is one to which that session can SET ROLE,
 * or a superuser.
 */
extern int	cmig_citus_parent(void);

/* Raise error 0A000 on a worker: only the coordinator has revisions. */
extern void cmig_citus_require_coordinator(const char *command);

/* Warn on a worker, once per statement, that no revisions are found there. */
extern void cmig_citus_warn_worker(void);

/* On a worker, returns a hint that says where the coordinator is, or NULL. */
extern char *cmig_citus_worker_hint(void);

/*
 * Override a setting of Citus, if there is one, until the GUC nest level ends.
 */
extern void cmig_citus_override(const char *name, const char *value);

/*
 * Keep all connections to the nodes when this transaction ends, for the next
 * one.  They are closed at the end of the first one that does not call this.
 */
extern void cmig_citus_keep_connections(void);

/*
 * Set a setting for the transaction on the workers that it uses now or later.
 */
extern void cmig_citus_propagate_setting(const char *name, const char *value);

/*
 * Does the statement only change how Citus stores a table, as
 * create_distributed_table() does, and, if "compared", would diffs show it?
 */
extern bool cmig_citus_is_distribution(const Node *statement, bool compared);

/*
 * Commit the current transaction on all nodes or on none.  Otherwise Citus
 * commits a single shard's changes first, and a crash loses the coordinator's.
 * Returns false if Citus does not allow it.
 */
extern bool cmig_citus_use_two_phases(void);

/*
 * Must the statement run at top level, so that Citus distributes a table that
 * it creates in a distributed schema or moves there?
 */
extern bool cmig_citus_wants_toplevel(const Node *statement);

/* in role.c */

/*
 * Raise error 0A000 for a foreign table or, unless "hint" is NULL, one that
 * Citus manages, or with "children" one that inherits from the table.  "doing"
 * is the function that would give wrong results.
 */
extern void cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint);

/*
 * Returns the table and all tables that inherit from it, locked.  The table is locked
 * first, as ALTER TABLE does, so that no deadlock with it is possible.  Raises error
 * 40001 if the table was dropped.
 */
extern List *cmig_inheritors(Oid table, LOCKMODE mode);

/* Raise error 0A000 for a table whose rows cannot be read block by block. */
extern void cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint);

#endif							/* CMIG_BASE_H */
