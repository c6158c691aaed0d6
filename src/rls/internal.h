/*
 * internal.h
 *	  What the modules of this folder share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_INTERNAL_H
#define CMIG_RLS_INTERNAL_H

#include "postgres.h"
#include "access/attnum.h"
#include "base/base.h"
#include "nodes/bitmapset.h"

/* The names of the settings that contain the current user and tenant. */
#define CMIG_RLS_USER_SETTING	"app.current_user_id"
#define CMIG_RLS_TENANT_SETTING "app.current_tenant_id"

/*
 * SQL commands, as bits.  (pg_policy.polcmd uses letters instead.)  A list of
 * roles is a List of OIDs in which ACL_ID_PUBLIC stands for PUBLIC.
 */
#define CMIG_RLS_SELECT	1
#define CMIG_RLS_INSERT	2
#define CMIG_RLS_UPDATE	4
#define CMIG_RLS_DELETE	8
#define CMIG_RLS_ALL	15

/* table.c */

/* A column's default before enable_rls changed it. */
typedef struct CmigRlsDefault
{
	char	   *column;
	char	   *expression;		/* NULL: the column had no default */
} CmigRlsDefault;

/*
 * How the row-level security of a table is set up: the options of a call of
 * enable_rls or, once the keys are resolved, what the comments of the policies
 * record, together with the table's former state.
 */
typedef struct CmigRlsSetup
{
	/*
	 * The key columns.  As an option, NULL is the column with the usual name,
	 * user_id or tenant_id, if it exists, and '' is none.  Resolved, NULL is
	 * none.
	 */
	char	   *user_column;
	char	   *tenant_column;
	char	   *key_column;		/* the column that is looked up in via_key */
	char	   *via;			/* membership table as SQL: the keys that a
								 * user can access; NULL: none */
	char	   *via_key;		/* its column that is compared with key_column */
	char	   *via_user;		/* its column that contains the user */
	bool		shared;			/* can the roles read rows whose key is null? */
	bool		public_read;	/* can the roles read all rows? */
	int			commands;		/* the commands that the roles may use */
	bool		create_index;
	bool		require_context;	/* raise an error without a context? */
	List	   *granted;		/* of char *: roles that were given access
								 * level "application" for the policies */

	/* options that are not recorded */
	struct CmigRlsTable *via_table;
	List	   *roles;			/* the roles of the application */
	List	   *bypass_roles;	/* roles that can see and write every row */
	bool		force;			/* do the policies apply to the owner? */
	bool		column_default; /* is the context the key's default? */

	/* the former state of the table */
	bool		enabled;		/* relrowsecurity */
	bool		forced;
	List	   *defaults;		/* of CmigRlsDefault */
} CmigRlsSetup;

/* A table's policy: one that exists, or one that enable_rls is to create. */
typedef struct CmigRlsPolicy
{
	char	   *name;
	Oid			relid;
	char	   *table;			/* qualified and quoted */
	bool		permissive;
	int			commands;
	List	   *roles;
	char	   *qual_text;		/* SQL or, if it exists, a node tree */
	char	   *check_text;
	char	   *comment;		/* if it is to be created, without the setup */
	CmigRlsSetup *setup;		/* NULL: not created by enable_rls */

	/* for rls_check; see check.c */
	Node	   *qual;
	Node	   *check;
	struct CmigRlsExpression *in_qual;
	struct CmigRlsExpression *in_check;
	Bitmapset  *keys;			/* what the table's policies compare with the
								 * context */
} CmigRlsPolicy;

/* A table column, with the properties that policies depend on, as text. */
typedef struct CmigRlsColumn
{
	char	   *name;
	char	   *type_oid;
	char	   *type;			/* the type as format_type() shows it */
	char	   *fallback;		/* the default's expression; NULL: none */
	char	   *generated;		/* or an identity, so without a default; NULL:
								 * no */
	char	   *made_index;		/* an index by enable_rls that begins with the
								 * column */
	char	   *indexed;		/* another index begins with it; NULL: no */
	char	   *cast;			/* type to which a setting is cast for a
								 * comparison; NULL: this cannot be a key */
} CmigRlsColumn;

/* A table, for enable_rls and rls_test. */
typedef struct CmigRlsTable
{
	Oid			relid;
	Oid			owner;
	char	   *name;			/* qualified and quoted */
	char	   *relname;
	char	   *nspname;
	char		relkind;
	bool		partition;		/* do its indexes come from its parent? */
	bool		by_citus;		/* must its policies not contain sub-selects,
								 * because Citus manages it? */
	bool		enabled;
	bool		forced;
	List	   *columns;		/* of CmigRlsColumn */
	List	   *policies;		/* of CmigRlsPolicy */
	CmigRlsSetup *setup;		/* of policies by enable_rls; NULL: none */
} CmigRlsTable;

extern void cmig_rls_table_require(Oid relid);
extern CmigRlsTable *cmig_rls_table_read(Oid relid);
extern List *cmig_rls_policies_read(Oid relid);
extern void *cmig_rls_find(const List *list, const char *name);
extern char *cmig_rls_commands_text(int commands, const char *separator);
extern char *cmig_rls_role_text(Oid role);
extern char *cmig_rls_array_text(const List *names);
extern char *cmig_rls_setup_write(const CmigRlsSetup *setup);
extern void cmig_rls_setup_word(StringInfo text, const char *name, const char *value);
extern bool cmig_rls_same_expression(Oid relid, const char *text, const char *tree);
extern bool cmig_rls_may(Oid relid, Oid role, AclMode mode);
extern char *cmig_rls_policy_drop(const CmigRlsPolicy *policy);

/* policies.c */

/* A comment that marks an index as created by enable_rls. */
#define CMIG_RLS_INDEX_MARK "[cmig.enable_rls index]"

extern CmigRlsColumn *cmig_rls_key_column(const CmigRlsTable *table, const char *name,
										  const char *argument);
extern bool cmig_rls_has_key(const CmigRlsSetup *options, const CmigRlsTable *table);
extern List *cmig_rls_plan_enable(const CmigRlsSetup *options, const CmigRlsTable *table, bool many,
								  bool fresh);
extern List *cmig_rls_plan_disable(const CmigRlsTable *table);
extern bool cmig_rls_plan_is_default(const char *statement);

/* nodes.c */

typedef void (*CmigRlsTask) (void *arg);
typedef bool (*CmigRlsNodeTest) (Node *node);

extern int	cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg);
extern bool cmig_rls_is_not_null(Oid relid, AttrNumber column);
extern bool cmig_rls_is_equality(Oid opno);

/*
 * If the value is equal to another one, is what it is made of, unless it uses no
 * column?  Not if it is converted to a type such as citext or char(n), whose equality
 * ignores a part of it, or if the collation is not deterministic and not its own.
 */
extern bool cmig_rls_tells_apart(Node *value, Oid collation);

/*
 * The node inside conversions that only relabel its type, collations, and plain
 * sub-selects (unwrap), and also inside casts (bare).
 */
extern Node *cmig_rls_unwrap(Node *node);
extern Node *cmig_rls_bare(Node *node);

/* Values of built-in types, and their text, which is NULL for a null. */
extern bool cmig_rls_sample_is_builtin(Oid type);
extern Const *cmig_rls_sample_const(Oid type, const char *text);
extern char *cmig_rls_sample_text(const Const *value);

/* What evaluating a node, without the nodes below it, runs. */
extern Oid	cmig_rls_operator(Node *node, List **args);
extern bool cmig_rls_is_foreign_call(Node *node);
extern bool cmig_rls_calls_builtin(Oid function, List *args, Node *call);
extern bool cmig_rls_calls_evaluable(Node *node);
extern Node *cmig_rls_expand(Node *tree);

/* Copies a node, or reads a stored one; takes steps for the memory that this takes. */
extern void *cmig_rls_copy(const void *node);
extern Node *cmig_rls_read(const char *stored);

/* Returns the number of nodes of an expression. */
extern int	cmig_rls_count(Node *node);

extern bool cmig_rls_in_words(const char *name, const char *words, bool prefix);

/* Is the test true for the node, which may be NULL, or for any below it? */
extern bool cmig_rls_any(Node *node, CmigRlsNodeTest test);

/* A test for cmig_rls_any(). */
extern bool cmig_rls_is_column(Node *node);

/*
 * How a node reads the context: with current_setting(); as current_user,
 * session_user, or a synonym; by a user-defined function that does not return a
 * boolean and whose arguments contain no column; or in a part of the node, which
 * may be NULL or a query.
 */
extern bool cmig_rls_calls_setting(Node *node);
extern bool cmig_rls_calls_user(Node *node);
extern bool cmig_rls_calls_session_function(Node *node);
extern bool cmig_rls_calls_context(Node *node);

/* cases.c, prove.c */

/* How an expression's result depends on the row. */
typedef enum CmigRlsTruth
{
	CMIG_RLS_DEPENDS,			/* on the row or the context */
	CMIG_RLS_ALWAYS,
	CMIG_RLS_NEVER				/* the result is false or null */
} CmigRlsTruth;

/* The results of a condition, as bits, and of an expression of any type. */
#define IS_TRUE_BIT		1
#define IS_FALSE_BIT	2
#define IS_NULL_BIT		4
#define VALUE_NULL		8
#define VALUE_NOT_NULL	16

/* What is the same during a proof. */
typedef struct CmigRlsProof
{
	Oid			relid;			/* the policy's table */
	Oid			role;			/* InvalidOid: PUBLIC */
	int			relations;		/* number of relations; 0 is the policy's row */
	int			nesting;
	bool		any_role;		/* is the role not known? */
} CmigRlsProof;

/* A query around a node, or, at depth 0, the policy itself. */
typedef struct CmigRlsScope
{
	CmigRlsProof *proof;
	struct CmigRlsScope *outer;
	int			depth;
	bool		definer;		/* do the policies of tables not apply? */
	Query	   *query;
	int		   *relations;		/* of each range table entry: its number */
	struct CmigRlsRow **rows;	/* of each sub-select: its row */
} CmigRlsScope;

/* A condition that holds in a case. */
typedef struct CmigRlsLiteral
{
	Node	   *node;
	int			result;			/* one of the bits above */
	const CmigRlsScope *scope;
	bool		implied;		/* does it follow from another condition? */
	bool		asked;			/* does the expression test for null? */
} CmigRlsLiteral;

/* What holds of the conditions, and the relations that are tied. */
typedef struct CmigRlsCase
{
	List	   *literals;
	Bitmapset  *tied;
	List	   *links;			/* pairs of int: relations with equal keys */
} CmigRlsCase;

/* A row that a query returns: the case, and the query and its tables. */
typedef struct CmigRlsRow
{
	CmigRlsCase *facts;
	CmigRlsScope *scope;
} CmigRlsRow;

/* Where the value of an expression comes from. */
typedef enum CmigRlsOrigin
{
	FROM_CONSTANT,
	FROM_CONTEXT,
	FROM_COLUMN,
	FROM_ELSEWHERE
} CmigRlsOrigin;

/* One of the values that an expression can have, and the case in which it has it. */
typedef struct CmigRlsValue
{
	CmigRlsCase *facts;
	CmigRlsOrigin origin;
	Node	   *node;
	CmigRlsScope *scope;
	Const	   *constant;		/* if it is a constant, even if converted */
	bool		fallback;		/* of COALESCE, or a branch of CASE? */
	int			relation;		/* if it comes from a column */
	Oid			relid;
	AttrNumber	attno;
} CmigRlsValue;

/* Were there too many cases, so that some are missing? */
extern bool cmig_rls_gave_up;

/*
 * Calls the function, in memory of its own that is freed afterward.  Returns false if
 * it has taken too many steps, or too much memory, whatever the expression is: a
 * table's owner writes it, and others have it checked.
 */
extern bool cmig_rls_within_limits(void (*prove) (void *argument), void *argument);

/*
 * Takes steps of a proof; an error if none are left, which cmig_rls_within_limits() catches,
 * without a cleanup: nothing may be open.  Outside of a proof, only looks for interrupts.
 */
extern void cmig_rls_step(int count);

extern CmigRlsCase *cmig_rls_no_facts(void);
extern CmigRlsCase *cmig_rls_both(const CmigRlsCase *a, const CmigRlsCase *b);
extern List *cmig_rls_product(List *a, List *b);
extern List *cmig_rls_single(Node *node, int result, const CmigRlsScope *scope);
extern List *cmig_rls_mark_literals(List *cases, size_t flag);
extern bool cmig_rls_is_tied(const CmigRlsCase *facts, int relation);
extern bool cmig_rls_compare_constants(OpExpr *expr, Const *left, Const *right, bool *result);
extern List *cmig_rls_cases_of_branches(Node *node, int want, CmigRlsScope *scope);
extern List *cmig_rls_values_of(Node *node, CmigRlsScope *scope);
extern List *cmig_rls_null_cases(Node *node, bool null, CmigRlsScope *scope);
extern List *cmig_rls_not_null(Node *node, CmigRlsScope *scope);
extern List *cmig_rls_compare(OpExpr *expr, int want, CmigRlsScope *scope);
extern List *cmig_rls_compare_any(ScalarArrayOpExpr *expr, int want, CmigRlsScope *scope);
extern List *cmig_rls_equal_values(List *left, List *right);
extern List *cmig_rls_rows_of(Query *query, CmigRlsScope *outer, bool aggregated);
extern List *cmig_rls_cases_of(Node *node, int want, CmigRlsScope *scope);
extern CmigRlsTruth cmig_rls_truth(Node *tree, Oid relid);

/* What is known about the rows that an expression lets through, best first. */
typedef enum CmigRlsVerdictKind
{
	CMIG_RLS_TIED,				/* only rows that belong to the context */
	CMIG_RLS_MARKED,			/* also rows that are marked for everybody */
	CMIG_RLS_DOUBT,				/* that is not known */
	CMIG_RLS_FOREIGN,			/* rows of others, the same for everybody */
	CMIG_RLS_OPEN				/* all rows, if the session is so */
} CmigRlsVerdictKind;

typedef struct CmigRlsVerdict
{
	CmigRlsVerdictKind kind;
	char	   *condition;		/* for rows of others; NULL: always, or it
								 * cannot be shown */
	char	   *function;		/* a function whose body could not be read */
	bool		context;		/* does that depend on the context? */
	bool		setting;		/* does it depend on a setting? */
	bool		tables;			/* does it depend on other tables? */
	bool		null_key;		/* are these rows whose key is null? */
} CmigRlsVerdict;

extern CmigRlsVerdict cmig_rls_prove(Node *tree, Oid relid, Oid role);
extern bool cmig_rls_shows_only_own(Oid function);
extern bool cmig_rls_names_owner(const char *name);
extern bool cmig_rls_may_own(Oid relid, AttrNumber attno);

/* run.c */

/* A row of others that an expression lets through. */
typedef struct CmigRlsLeak
{
	bool		found;
	bool		unset;			/* only without a context? */
	bool		nobody;			/* is its key null? */
	char	   *row;
	char	   *context;
} CmigRlsLeak;

extern void cmig_rls_run(Node *tree, Oid relid, Oid role, CmigRlsLeak *leak);

/* forms.c */

/* A problem in the form of an expression. */
typedef struct CmigRlsForm
{
	const char *rule;
	char	   *problem;
	const char *advice;			/* NULL: the expression can be repaired */
} CmigRlsForm;

/* Properties of an expression. */
typedef struct CmigRlsExpression
{
	CmigRlsTruth truth;
	Bitmapset  *columns;		/* of the row that are used; 0: the whole row */
	Bitmapset  *keys;			/* compared with a value that is the same for
								 * all rows */
	Bitmapset  *context_keys;	/* of these: compared with the context */
	Bitmapset  *empty_keys;		/* of these: compared with a setting, which is
								 * '' after a transaction with SET LOCAL */
	bool		runs;			/* calls a function for each row that is not
								 * immutable */
	List	   *forms;			/* of CmigRlsForm */
} CmigRlsExpression;

extern CmigRlsExpression *cmig_rls_expr_read(Node *tree, Oid relid, bool is_check);
extern char *cmig_rls_repair_text(Node *tree, Oid relid, bool *changed);

/* check.c */

/*
 * A problem that a rule has found: a row of cmig.rls_rules.  The severity is
 * error if rows of others can be read or written, warning if they may be, or if
 * queries are slow or fail, and notice if it is often intended.
 */
typedef struct CmigRlsFinding
{
	const char *rule;
	const char *severity;
	const char *object;
	const char *problem;
	char	   *fix;			/* SQL, or advice as a comment; or NULL */
	char	   *definer;		/* OID of one that sees every row, or NULL */
} CmigRlsFinding;

extern void cmig_rls_report(List **findings, const char *rule, const char *severity,
							const CmigRlsPolicy *policy, const char *problem, char *fix);
extern char *cmig_rls_advice(const CmigRlsPolicy *policy, bool is_check, const char *advice);
extern char *cmig_rls_try_it(const CmigRlsPolicy *policy);
extern bool cmig_rls_binds(const CmigRlsPolicy *policy, Oid role);

/* findings.c */
extern void cmig_rls_check_rows(const CmigRlsPolicy *policy, const List *siblings, List **findings);

#endif							/* CMIG_RLS_INTERNAL_H */
