/*
 * rls.h
 *	  Types and functions for row-level security that several modules use.
 *
 * The context is the current user and tenant, which the application sets.  A
 * key is a column that identifies the user or tenant to which a row belongs.
 *
 * enable_rls reads the table's properties (rls_table.c), plans the policies
 * and the statements that create them (rls_plan.c, rls_policy.c), and runs
 * these statements (rls_enable.c).  Whatever disable_rls must restore is stored
 * in the policies' comments (rls_state.c) and nowhere else, so that a dump
 * contains it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_H
#define CMIG_RLS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

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

/* in rls_state.c: builds and parses the state in policy comments */

/* Returns the names of the commands in a mask, such as "SELECT+INSERT". */
extern char *cmig_rls_state_commands(int mask, const char *separator);
extern char *cmig_rls_state_write(const CmigRlsState *state);

/* Parses a policy's comment.  Returns NULL if enable_rls did not write it. */
extern CmigRlsState *cmig_rls_state_read(const char *comment);

/* in rls_policy.c: plans policies and builds SQL text */

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
 * Returns an SQL expression that reads a setting and casts it to a type.  The
 * expression is a sub-select, so that it is evaluated once per statement,
 * unless the table's policies must not contain sub-selects.  If "required" is
 * true, the expression raises an error if the setting is missing or empty.
 */
extern char *cmig_rls_policy_context(const CmigRlsTable *table, const char *setting,
									 const char *cast, bool required);

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

/* in rls_table.c: reads the catalogs */

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

/* in rls_check.c */

/*
 * Raise an error if cmig.rls_check has findings of severity error in the
 * schemas listed in cmig.rls_gate.
 */
extern void cmig_rls_gate(void);
extern void cmig_rls_check_init(void);

#endif							/* CMIG_RLS_H */
