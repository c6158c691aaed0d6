/*
 * rls.h
 *	  Row-level security: what to make of a table, and how.
 *
 * enable_rls reads the facts of a table (rls_table.c), plans the policies
 * that its options ask for and the statements that lead there from what is
 * there already (rls_plan.c, rls_policy.c), and runs them (rls_enable.c).
 * What must be put back one day is kept in the COMMENTs of the policies
 * (rls_state.c) and nowhere else, so that a dump carries it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_H
#define CMIG_RLS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* The settings that carry the context. */
#define CMIG_RLS_USER_SETTING	"app.current_user_id"
#define CMIG_RLS_TENANT_SETTING "app.current_tenant_id"

/* Commands, as bits; pg_policy.polcmd has letters for them. */
#define CMIG_RLS_SELECT	1
#define CMIG_RLS_INSERT	2
#define CMIG_RLS_UPDATE	4
#define CMIG_RLS_DELETE	8
#define CMIG_RLS_ALL	15

typedef struct CmigRlsRole
{
	char	   *name;			/* "public" with InvalidOid is PUBLIC */
	Oid			oid;
} CmigRlsRole;

/* What the caller asks for. */
typedef struct CmigRlsOptions
{
	char	   *user_column;	/* NULL: user_id if there is one; '': none */
	char	   *tenant_column;	/* NULL: tenant_id if there is one; '': none */
	List	   *roles;			/* of CmigRlsRole: the application's */
	List	   *bypass_roles;	/* of CmigRlsRole: see and write every row */
	Oid			via;			/* membership table or InvalidOid */
	char	   *via_key;		/* its column that key_column is looked up in */
	char	   *via_user;		/* its column that holds the user */
	char	   *key_column;		/* the target's column that is looked up */
	bool		shared;			/* rows without a key are readable */
	bool		public_read;	/* all rows are readable */
	int			commands;		/* what the roles may do at all */
	bool		force;			/* the owner too */
	bool		column_default; /* the key's default is the context */
	bool		create_index;	/* where none leads with the key */
	bool		require_context;	/* an error, not no rows, when unset */
	List	   *granted;		/* of char *: roles that get the level
								 * application now */
} CmigRlsOptions;

/* What was there before enable_rls, and what it was asked for. */
typedef struct CmigRlsDefault
{
	char	   *column;
	char	   *expression;		/* NULL: it had none */
} CmigRlsDefault;

typedef struct CmigRlsState
{
	bool		enabled;		/* the flags before */
	bool		forced;
	List	   *defaults;		/* of CmigRlsDefault */
	List	   *granted;		/* of char *: roles that got the level
								 * application */
	char	   *user_column;	/* NULL: none */
	char	   *tenant_column;
	char	   *key_column;		/* with via */
	char	   *via;			/* qualified and quoted, or NULL */
	char	   *via_key;
	char	   *via_user;
	bool		shared;
	bool		public_read;
	int			commands;		/* 0 counts as all */
	bool		require_context;
	bool		no_index;		/* create_index => false */
} CmigRlsState;

/* A policy, wanted or there. */
typedef struct CmigRlsPolicy
{
	char	   *name;
	bool		permissive;
	int			commands;		/* CMIG_RLS_ALL or one bit */
	List	   *roles;			/* of CmigRlsRole */
	char	   *qual;			/* as SQL when wanted, as node tree when there */
	char	   *check;
	char	   *about;			/* wanted: first line of the comment; there:
								 * all */
	bool		made;			/* there: enable_rls made it */
} CmigRlsPolicy;

typedef struct CmigRlsColumn
{
	char	   *name;
	char	   *cast;			/* what the setting is cast to; NULL: no key
								 * type */
	char	   *type;			/* as people write it */
	char	   *fallback;		/* the default's expression, NULL for none */
	bool		generated;		/* identity or generated: takes no default */
	char	   *made_index;		/* index that leads with it and that we made */
	bool		indexed;		/* some other index leads with it */
} CmigRlsColumn;

/* The facts of a table. */
typedef struct CmigRlsTable
{
	Oid			relid;
	Oid			owner;
	char	   *name;			/* qualified and quoted */
	char	   *relname;
	char	   *nspname;
	bool		partition;		/* its indexes come from its parent */
	bool		enabled;
	bool		forced;
	List	   *columns;		/* of CmigRlsColumn */
	List	   *policies;		/* of CmigRlsPolicy */
	List	   *made_indexes;	/* of char *: names, in the table's schema */
	CmigRlsState *state;		/* of the policies that we made, or NULL */
} CmigRlsTable;

/* in rls_state.c: texts only */

/* The commands of a mask by name, as in SELECT+INSERT. */
extern char *cmig_rls_state_commands(int mask, const char *separator);
extern char *cmig_rls_state_write(const CmigRlsState *state);

/* NULL when the comment is not of our making. */
extern CmigRlsState *cmig_rls_state_read(const char *comment);

/* in rls_policy.c: texts only */

/* The wanted policies, and the state that their comments will keep. */
extern List *cmig_rls_policy_plan(const CmigRlsOptions *options,
								  const CmigRlsTable *table,
								  const CmigRlsTable *via,
								  CmigRlsState *state);
extern char *cmig_rls_policy_create(const CmigRlsTable *table, const CmigRlsPolicy *policy);
extern char *cmig_rls_policy_alter(const CmigRlsTable *table, const CmigRlsPolicy *policy);
extern char *cmig_rls_policy_comment(const CmigRlsTable *table, const CmigRlsPolicy *policy,
									 const CmigRlsState *state);
extern char *cmig_rls_policy_drop(const CmigRlsTable *table, const CmigRlsPolicy *policy);

/* The expression that reads a setting, cast, once a statement. */
extern char *cmig_rls_policy_context(const char *setting, const char *cast, bool required);

/* The same as a column's default, where a sub-select is not allowed. */
extern char *cmig_rls_policy_default(const char *setting, const char *cast);

/*
 * The call of enable_rls that makes what it made of the table, once more; for
 * a table with a state.
 */
extern char *cmig_rls_policy_call(const CmigRlsTable *table);

/* in rls_table.c: facts */

/* Raise unless the relation is a table that can have policies. */
extern void cmig_rls_table_require(Oid relid);
extern CmigRlsTable *cmig_rls_table_read(Oid relid);
extern CmigRlsColumn *cmig_rls_table_column(const CmigRlsTable *table, const char *name);

/* The target and, parents first, what inherits from it, which is locked. */
extern List *cmig_rls_table_family(Oid relid, LOCKMODE mode);

/* Does the text say the same as the node tree?  Either may be NULL. */
extern bool cmig_rls_table_same(Oid relid, const char *text, const char *tree);

/* in rls_check.c */

/* Raise when the schemas of cmig.rls_gate have findings of level error. */
extern void cmig_rls_gate(void);
extern void cmig_rls_check_init(void);

#endif							/* CMIG_RLS_H */
