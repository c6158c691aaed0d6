/*
 * internal.h
 *	  What the modules of this folder share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_INTERNAL_H
#define CMIG_RLS_INTERNAL_H

#include "postgres.h"
#include "base/base.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* The names of the settings that contain the current user and tenant. */
#define CMIG_RLS_USER_SETTING	"app.current_user_id"
#define CMIG_RLS_TENANT_SETTING "app.current_tenant_id"

/* SQL commands, as bits.  (pg_policy.polcmd uses letters instead.) */
#define CMIG_RLS_SELECT	1
#define CMIG_RLS_INSERT	2
#define CMIG_RLS_UPDATE	4
#define CMIG_RLS_DELETE	8
#define CMIG_RLS_ALL	15

/* A role named in the options of enable_rls. */
typedef struct CmigRlsRole
{
	char	   *name;			/* "public", with InvalidOid, stands for
								 * PUBLIC */
	Oid			oid;
} CmigRlsRole;

/* The options of one call of enable_rls. */
typedef struct CmigRlsOptions
{
	char	   *user_column;	/* NULL: user_id if that column exists; '':
								 * none */
	char	   *tenant_column;	/* NULL: tenant_id if that column exists; '':
								 * none */
	List	   *roles;			/* of CmigRlsRole: the roles of the
								 * application */
	List	   *bypass_roles;	/* of CmigRlsRole: roles that can see and
								 * write every row */
	Oid			via;			/* membership table, which contains the keys
								 * that a user can access; InvalidOid: none */
	char	   *via_key;		/* the membership table's column that is
								 * compared with key_column */
	char	   *via_user;		/* the membership table's column that contains
								 * the user */
	char	   *key_column;		/* the protected table's column whose value is
								 * looked up in via_key */
	bool		shared;			/* can the roles read rows whose key is null? */
	bool		public_read;	/* can the roles read all rows? */
	int			commands;		/* the commands that the roles may use */
	bool		force;			/* also use FORCE ROW LEVEL SECURITY, so that
								 * the policies apply to the owner? */
	bool		column_default; /* set the default of the key column to the
								 * current user or tenant? */
	bool		create_index;	/* create an index on the key if there is
								 * none? */
	bool		require_context;	/* without a context, raise an error
									 * instead of returning no rows? */
	List	   *granted;		/* of char *: roles to which this call grants
								 * access level "application" */
} CmigRlsOptions;

/* A column's default before enable_rls changed it. */
typedef struct CmigRlsDefault
{
	char	   *column;
	char	   *expression;		/* NULL: the column had no default */
} CmigRlsDefault;

/*
 * The changes that enable_rls made to a table, and the table's former state.
 */
typedef struct CmigRlsState
{
	bool		enabled;		/* relrowsecurity before enable_rls */
	bool		forced;
	List	   *defaults;		/* of CmigRlsDefault */
	List	   *granted;		/* of char *: roles to which access level
								 * "application" was granted */
	char	   *user_column;	/* NULL: none */
	char	   *tenant_column;
	char	   *key_column;		/* NULL unless "via" is set */
	char	   *via;			/* the membership table, qualified and quoted;
								 * NULL: none */
	char	   *via_key;
	char	   *via_user;
	bool		shared;
	bool		public_read;
	int			commands;		/* 0 means all commands */
	bool		require_context;
	bool		no_index;		/* was create_index => false given? */
} CmigRlsState;

/* A policy that a table has ("existing") or should have ("wanted"). */
typedef struct CmigRlsPolicy
{
	char	   *name;
	bool		permissive;
	int			commands;		/* CMIG_RLS_ALL, or the bit for one command */
	List	   *roles;			/* of CmigRlsRole */
	char	   *qual;			/* wanted policy: SQL text; existing policy:
								 * node tree */
	char	   *check;
	char	   *about;			/* wanted policy: the first line of its
								 * comment; existing policy: the whole comment */
	bool		made;			/* existing policy: did enable_rls create it? */
} CmigRlsPolicy;

/* A table column, with the properties that policies depend on. */
typedef struct CmigRlsColumn
{
	char	   *name;
	char	   *cast;			/* type to which a setting is cast to compare
								 * it with this column; NULL: the column
								 * cannot be a key */
	char	   *type;			/* the type as format_type() shows it */
	char	   *fallback;		/* the default's expression; NULL: none */
	bool		generated;		/* is it an identity or generated column,
								 * which cannot have a default? */
	char	   *made_index;		/* an index created by enable_rls whose first
								 * column is this one; NULL: none */
	bool		indexed;		/* is this the first column of an index that
								 * enable_rls did not create? */
} CmigRlsColumn;

/* What enable_rls needs to know about a table. */
typedef struct CmigRlsTable
{
	Oid			relid;
	Oid			owner;
	char	   *name;			/* qualified and quoted */
	char	   *relname;
	char	   *nspname;
	bool		partition;		/* is it a partition, whose indexes come from
								 * its parent? */
	bool		by_citus;		/* true if Citus manages the table; its
								 * policies must then not contain sub-selects */
	bool		enabled;
	bool		forced;
	List	   *columns;		/* of CmigRlsColumn */
	List	   *policies;		/* of CmigRlsPolicy */
	List	   *made_indexes;	/* of char *: indexes that enable_rls created,
								 * in the table's schema */
	CmigRlsState *state;		/* the state in the comments of policies that
								 * enable_rls created; NULL: none */
} CmigRlsTable;

extern char *cmig_rls_state_write(const CmigRlsState *state);

/* Parses a policy's comment.  Returns NULL if enable_rls did not write it. */
extern CmigRlsState *cmig_rls_state_read(const char *comment);

/*
 * Returns the policies that the table should have.  The key columns are taken
 * from "state".
 */
extern List *cmig_rls_policy_plan(const CmigRlsOptions *options,
								  const CmigRlsTable *table,
								  const CmigRlsTable *via,
								  CmigRlsState *state);
extern char *cmig_rls_policy_create(const CmigRlsTable *table, const CmigRlsPolicy *policy);
extern char *cmig_rls_policy_alter(const CmigRlsTable *table, const CmigRlsPolicy *policy);
extern char *cmig_rls_policy_comment(const CmigRlsTable *table, const CmigRlsPolicy *policy,
									 const CmigRlsState *state);
extern char *cmig_rls_policy_drop(const CmigRlsTable *table, const CmigRlsPolicy *policy);

/*
 * Like cmig_rls_policy_context, but for a column default, in which a
 * sub-select is not allowed.
 */
extern char *cmig_rls_policy_default(const char *setting, const char *cast);

/*
 * Returns, as SQL, a call of enable_rls with the options in the table's state.
 * table->state must not be NULL.
 */
extern char *cmig_rls_policy_call(const CmigRlsTable *table);

/*
 * Raise an error unless the relation is a table that can have policies and the
 * current user owns it.
 */
extern void cmig_rls_table_require(Oid relid);
extern CmigRlsTable *cmig_rls_table_read(Oid relid);
extern CmigRlsColumn *cmig_rls_table_column(const CmigRlsTable *table, const char *name);

/*
 * Lock a table and all tables that inherit from it, and return their OIDs,
 * parents first.
 */
extern List *cmig_rls_table_family(Oid relid, LOCKMODE mode);

/*
 * Returns true if the SQL text, once parsed, is equal to the node tree.  Two
 * NULL pointers are equal.
 */
extern bool cmig_rls_table_same(Oid relid, const char *text, const char *tree);

/*
 * Returns true if the table has a key column: one that is named in the
 * options, or one that has a usual name.
 */
extern bool cmig_rls_keys_exist(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * Set the key columns in the state.  If there are none, raises an error that
 * lists the possible columns.  If "many" is true, the table is one of several,
 * and options that name nonexistent columns are ignored.
 */
extern void cmig_rls_keys_resolve(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, CmigRlsState *state);

/*
 * Read the options of enable_rls and similar functions: arguments 1 to 11, and
 * arguments 12 to 15 if "with_via" is true.  Raises an error if an argument is
 * invalid, regardless of the table.
 */
extern CmigRlsOptions *cmig_rls_options_read(FunctionCallInfo fcinfo, bool with_via);

/*
 * If no roles are given, raise an error that suggests some.  "where" is the
 * table or the schema.
 */
extern void cmig_rls_options_require_roles(const CmigRlsOptions *options, Oid where);

/*
 * Raise an error if bypass_roles contains PUBLIC, or if a role would be
 * subject both to the policies for bypass_roles and to the other policies.
 * Issue a warning if row-level security does not apply to one of the roles.
 */
extern void cmig_rls_options_check_roles(const CmigRlsOptions *options);

#define CMIG_RLS_INDEX_MARK "[cmig.enable_rls index]"

/*
 * If row-level security cannot be enabled on the table, returns the reason and
 * sets *sqlstate; otherwise, returns NULL.  Calls for several tables use this
 * to report all such tables at once.  The table must have a key.
 */
extern char *cmig_rls_plan_obstacle(const CmigRlsOptions *options, const CmigRlsTable *table,
									int *sqlstate);

/*
 * Returns the statements, without semicolons, that enable row-level security
 * on the table, or NIL if nothing has to change.  "via" is the membership
 * table or NULL.  If "many" is true, the table is one of several, and options
 * that name nonexistent columns are ignored.  If "fresh" is true, plans as if
 * enable_rls had never been called for the table.
 */
extern List *cmig_rls_plan_enable(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, bool fresh);

/*
 * Returns the statements that revert what enable_rls did, or NIL if there is
 * nothing to revert.
 */
extern List *cmig_rls_plan_disable(const CmigRlsTable *table);

/*
 * Returns true if the statement sets a default.  Such a statement must be run
 * as the table's owner, because the default is an expression that the owner
 * can change, and even parsing it can execute code (for example, for a
 * constant of a composite type whose domain has a check).
 */
extern bool cmig_rls_plan_is_default(const char *statement);

/*
 * The table passed to cmig.rls_test ("the table under test"), identified by its
 * OID.  It remains open until cmig_rls_rows_close() is called, and locked until
 * the end of the transaction.
 */
typedef struct CmigRlsRows
{
	Relation	relation;
	char	   *nspname;		/* schema name when the table was opened */
	char	   *relname;
	char		relkind;
	Oid			owner;
	bool		readable;		/* may the caller see every row? */
} CmigRlsRows;

/* One key of the table under test. */
typedef struct CmigRlsKey
{
	char	   *what;			/* kind of key: "user", "tenant", or "key" */
	char	   *name;			/* the column's name */
	char	   *type;			/* SQL name of the base type, qualified */
	Oid			base_type;
	bool		generated;
	char	   *value;			/* the value in the context; NULL: none */
	List	   *members;		/* of Datum *: the values that match the
								 * context */
	char	   *mine;			/* SQL condition: the row matches the context */
} CmigRlsKey;

/* Open the table and lock it, or close it. */
extern void cmig_rls_rows_open(CmigRlsRows *rows, Oid relid);
extern void cmig_rls_rows_close(CmigRlsRows *rows);

/*
 * Convert a string to a value of the key's type.  Returns NULL for a number
 * that is out of range; raises an error for any other invalid string.
 */
extern Datum *cmig_rls_rows_datum(const CmigRlsKey *key, const char *text);

/*
 * Returns the number of rows or, if "key" is not NULL, the number of rows that
 * have "value" in this key.  Returns -1 if the caller is not allowed to know
 * the number.
 */
extern int64 cmig_rls_rows_count(const CmigRlsRows *rows, const CmigRlsKey *key,
								 const char *value);

/*
 * Returns, as text, the smallest value of the key that does not match the
 * context, or NULL if there is none.
 */
extern char *cmig_rls_rows_strange(const CmigRlsRows *rows, const CmigRlsKey *key);

/* The role, context, and table of an attempt. */
typedef struct CmigRlsAs
{
	Oid			role;
	char	   *user;			/* the user in the context; NULL: none */
	char	   *tenant;
	bool		partitioned;	/* is the table partitioned or a partition? */
	CmigRlsRows rows;			/* the table passed to cmig.rls_test */
} CmigRlsAs;

/* A statement to try, and what to read from its result. */
typedef struct CmigRlsAttempt
{
	const char *sql;
	int			nargs;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
	CmigRowCallback row;		/* callback for each result row; NULL: store
								 * the row's numbers in counts */
	void	   *arg;
	const CmigRlsKey *key;		/* if not NULL: before the rollback, count the
								 * rows that have "value" in this key */
	const char *value;
} CmigRlsAttempt;

/*
 * The kind of outcome.  PostgreSQL checks policies before constraints, so a
 * row that violates a unique or foreign key constraint has passed row-level
 * security.
 */
typedef enum CmigRlsOutcomeKind
{
	CMIG_RLS_DONE,
	CMIG_RLS_REFUSED,			/* stopped by a policy */
	CMIG_RLS_CONSTRAINT,		/* stopped by a constraint, after the policies */
	CMIG_RLS_FAILED				/* stopped by anything else */
} CmigRlsOutcomeKind;

/* The outcome of an attempt. */
typedef struct CmigRlsOutcome
{
	CmigRlsOutcomeKind kind;
	int64		counts[3];		/* the numbers in the result row */
	int64		rows;
	int64		strange;		/* number of rows with the attempt's "value"
								 * in its key; -1 if unknown */
	char	   *message;		/* the error's message */
	char	   *detail;			/* an additional remark for the user; NULL:
								 * none */
} CmigRlsOutcome;

/*
 * Run the statement as the role and roll it back.  Errors that concern the
 * session rather than the row, such as a cancel request, are rethrown.
 */
extern CmigRlsOutcome cmig_rls_try(const CmigRlsAs *as, const CmigRlsAttempt *attempt);

/* The values for a copy of a row. */
typedef struct CmigRlsCopy
{
	List	   *columns;		/* of char *: the columns to which the copy
								 * gives values */
	List	   *made;			/* of char *: for each column, SQL for a new
								 * value, or NULL to copy the old value */
	Oid		   *types;
	Datum	   *values;			/* the values of the copied row */
	bool	   *nulls;
} CmigRlsCopy;

/*
 * Read a row to copy.  If "own" is not NULL, it is an SQL condition, and a row
 * that satisfies it is copied if the role can read one.  Otherwise, any row
 * that the caller can see is copied.  Returns NULL if there is no row to copy.
 */
extern CmigRlsCopy *cmig_rls_copy_read(const CmigRlsAs *as, const char *name,
									   List *keys, const char *own);

/*
 * Returns a statement that inserts a copy of the row.  The keys in the copy
 * match the context, except that the key "strange" has the value "other".
 */
extern CmigRlsAttempt cmig_rls_copy_insert(const CmigRlsCopy *copy, const char *name, List *keys,
										   const CmigRlsKey *strange, const char *other);

/* How to recognize the rows that belong to the context. */
typedef struct CmigRlsOwn
{
	List	   *keys;			/* of CmigRlsKey */
	char	   *condition;		/* SQL condition: the row matches the context */
	char	   *shared;			/* SQL condition: the row is shared by
								 * everybody */
	bool		possible;		/* can any row match the context? */
} CmigRlsOwn;

#endif							/* CMIG_RLS_INTERNAL_H */
