/*
 * lint.h
 *	  What the modules of lint share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_LINT_H
#define CMIG_PLAN_LINT_H

#include "postgres.h"

#include "access/attnum.h"
#include "catalog/objectaddress.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/hsearch.h"

#include "plan/plan.h"

/* in lint_source.c */

/* A column of a table. */
typedef struct CmigLintColumn
{
	const char *name;
	bool		is_new;			/* true if an earlier statement of the plan
								 * has added the column */
	AttrNumber	attnum;			/* 0 for a new column */
	Oid			type;			/* InvalidOid if unknown */
	int32		typmod;
	Oid			collation;
	const char *type_name;		/* name of the type if the plan creates the
								 * type; otherwise NULL */
	bool		not_null;
	bool		has_default;	/* true if the column has a default, or if it
								 * is an identity or generated column */
} CmigLintColumn;

/* A constraint of a table. */
typedef struct CmigLintConstraint
{
	const char *name;			/* NULL if chosen by PostgreSQL */
	char		type;			/* as in pg_constraint.contype */
	bool		validated;
	int			added_in;		/* number of the revision that adds the
								 * constraint; 0 for a live constraint */
	List	   *columns;		/* of char *: column names */
	List	   *proves_not_null;	/* of char *: columns that the CHECK
									 * expression requires to be not null */
} CmigLintConstraint;

/* An index of a table. */
typedef struct CmigLintIndex
{
	const char *name;			/* NULL if chosen by PostgreSQL */
	bool		is_new;
	bool		unique;
	bool		usable;			/* true if the index is valid and not partial */
	bool		has_expression; /* true if a key column or the predicate
								 * contains an expression */
	Oid			method;			/* InvalidOid if unknown */
	List	   *keys;			/* of char *: names of the key columns; "" for
								 * an expression */
	List	   *uses;			/* of char *: columns used in expressions */
} CmigLintIndex;

/* Returns the column with this name, or NULL if there is none. */
extern CmigLintColumn *cmig_lint_model_column(const CmigLintTable *table, const char *name);

/*
 * Return the constraint or the index with this name, or NULL if there is none.
 */
extern CmigLintConstraint *cmig_lint_model_constraint(const CmigLintTable *table, const char *name);
extern CmigLintIndex *cmig_lint_model_index(const CmigLintTable *table, const char *name);

/* Does a validated CHECK constraint prove that the column has no nulls? */
extern bool cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column);

/* Is there a usable index that starts with these columns, in any order? */
extern bool cmig_lint_model_has_index_on(const CmigLintTable *table, List *columns);

/*
 * Did the relation exist before the plan, and does it have rows?  Only such
 * relations take long to scan, rewrite, or index.
 */
static inline bool
cmig_lint_model_is_large(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary && !table->empty;
}

/*
 * Is the relation large even without its children?  This matters for statements
 * with ONLY and for indexes.
 */
static inline bool
cmig_lint_model_is_large_itself(const CmigLintTable *table)
{
	return cmig_lint_model_is_large(table) && !table->empty_itself;
}

/* Did the relation exist before the plan, so that other sessions can use it? */
static inline bool
cmig_lint_model_is_shared(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary;
}

/* Returns the columns that a raw CHECK expression proves to be not null. */
extern List *cmig_lint_model_not_null_columns(Node *expression);

/*
 * Converts a list of String nodes to a List of char *, in the current memory
 * context.
 */
extern List *cmig_lint_model_names(List *strings);

/*
 * Returns the names of the columns in a raw expression, without duplicates, as
 * a List of char *.
 */
extern List *cmig_lint_expression_columns(Node *expression);

/* Returns a constant's text, or NULL if the node is not a constant. */
extern const char *cmig_lint_expression_constant(Node *node);

/*
 * Insert "word" after the first occurrence of the word "after".  Returns a new
 * string.
 */
extern char *cmig_lint_source_insert(const char *text, const char *after, const char *word);

/*
 * Append "suffix" to the first occurrence of the word "word".  Returns a new
 * string, or NULL if the statement does not contain the word.
 */
extern char *cmig_lint_source_extend(const char *text, const char *word, const char *suffix);

/* Remove the first occurrence of a word.  Returns a new string. */
extern char *cmig_lint_source_remove(const char *text, const char *word);

/* Does the statement contain the word? */
extern bool cmig_lint_source_has(const char *text, const char *word);

/* A piece of the statement's text, given as byte offsets. */
typedef struct CmigLintPiece
{
	int			from;
	int			to;
} CmigLintPiece;

/*
 * Splits an ALTER TABLE statement at the commas between its actions.  Returns a
 * List of CmigLintPiece *. The text before the first piece is, for example,
 * "ALTER TABLE public.t ".
 */
extern List *cmig_lint_source_actions(const char *text);

/*
 * Returns the text of an expression, type, or similar piece that starts at a
 * byte offset.  The piece ends before a comma, a closing parenthesis, or one of
 * "words", unless that token is nested in parentheses.  "words" is a
 * NULL-terminated array or a NULL pointer.
 */
extern char *cmig_lint_source_from(const char *text, int offset, const char *const *words);

/*
 * Returns the text that follows the name at a byte offset.  The name may be
 * schema-qualified.
 */
extern const char *cmig_lint_source_behind_name(const char *text, int offset);

/*
 * Returns the identifiers that PostgreSQL would truncate, as a List of char *
 * without quotes.
 */
extern List *cmig_lint_source_long_names(const char *text);

/* A rule named in a comment. */
typedef struct CmigLintIgnore
{
	char	   *name;			/* as written; empty if the comment names no
								 * rule */
	int			line;			/* line number of the comment, starting at 1 */
	bool		used;			/* true if this rule name has suppressed a
								 * finding */
} CmigLintIgnore;

/*
 * Returns the rules named in the comments between two byte offsets of a script,
 * as a List of CmigLintIgnore *.  "first_line" is the line number at offset
 * "from".
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* Quick test: might the script contain a cmig:ignore comment? */
extern bool cmig_lint_ignore_may_occur(const char *script);

/* Is "name" the rule's name, or the rule's name in the linter squawk? */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

/*
 * The maximum nesting level of strings that are searched for dynamic SQL.
 * Strings that are nested more deeply are ignored.
 */
#define CMIG_LINT_MAX_NESTING 8

/* A name to search for in a body. */
typedef struct CmigLintName
{
	const char *schema;
	const char *table;
	const char *column;			/* NULL for the table itself */
} CmigLintName;

/*
 * Does the body use the table or the column?  "is_trigger" is true if the
 * function is called by a trigger on the table.  In that case, NEW and OLD are
 * rows of the table.
 */
extern bool cmig_lint_body_uses(const char *source, const CmigLintName *name, bool is_trigger);

/* in lint_facts.c */

/* A check that can be performed only after all statements have been seen. */
typedef struct CmigLintDeferred
{
	CmigLintFinding *finding;	/* withdrawn if holds() returns false */
	bool		whole_plan;		/* true to wait for the end of the plan, not
								 * just of the revision */
	bool		(*holds) (CmigLint *lint, void *arg);
	void	   *arg;
} CmigLintDeferred;

/*
 * Report a finding of the current rule for the current statement.  "fix" may be
 * NULL.  The message and the fix are copied.
 */
extern CmigLintFinding *cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
			pg_attribute_printf(3, 4);

/*
 * Keep the finding only if holds() returns true at the end of the revision or,
 * if "whole_plan" is true, at the end of the plan.  "arg" must be allocated in
 * the lint call's memory context.
 */
extern void cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
								   bool (*holds) (CmigLint *lint, void *arg), void *arg);

/* Returns "error", "warning", or "notice". */
extern const char *cmig_lint_severity_name(CmigLintSeverity severity);

/*
 * Returns the OIDs of other tables that have foreign keys to the given tables.
 */
extern List *cmig_lint_catalog_referencing(List *tables);

/*
 * Returns the OIDs of the tables in a schema.  InvalidOid stands for all
 * schemas.
 */
extern List *cmig_lint_catalog_tables_in(Oid schema);

/*
 * Returns the OIDs of the tables with columns whose type is the given type or
 * its array type.
 */
extern List *cmig_lint_catalog_tables_with_type(Oid type);

/* Does any table have a column of the relation's row type? */
extern bool cmig_lint_catalog_type_is_used(Oid relation);

/*
 * Returns the columns of a partition key, without expressions, as a List of
 * char *.
 */
extern List *cmig_lint_catalog_partition_key(Oid table);

/* Returns a relation's OID, or InvalidOid if the relation does not exist. */
extern Oid	cmig_lint_facts_find(const char *schema, const char *name);

/*
 * Returns a description of a relation in the current memory context, with empty
 * lists.  Returns NULL if the relation does not exist.
 */
extern CmigLintTable *cmig_lint_facts_read(Oid relation);

/* Fill in the lists of a table: its columns, constraints, and indexes. */
extern void cmig_lint_facts_load(CmigLintTable *table);

/* Does any role have default privileges in the database? */
extern bool cmig_lint_facts_has_default_privileges(void);

/*
 * Returns GRANT commands, separated by semicolons, that copy a relation's
 * privileges to the relation called "name".  The owner's privileges are left
 * out.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

/* in lint_code.c */

/* Kinds of objects that can depend on a relation or a type. */
typedef enum CmigLintDependentKind
{
	CMIG_LINT_VIEW,
	CMIG_LINT_POLICY,
	CMIG_LINT_FUNCTION,			/* a function with a parsed body */
	CMIG_LINT_FOREIGN_KEY,		/* a foreign key of another table */
	CMIG_LINT_COLUMN			/* a column of a given type */
} CmigLintDependentKind;

/* An object that depends on a relation, a column, or a type. */
typedef struct CmigLintDependent
{
	CmigLintDependentKind kind;
	char	   *description;	/* such as "view v"; may be NULL */
	Oid			relation;		/* for a view, the view itself; for a policy,
								 * foreign key, or column, its table */
	char	   *name;			/* name of a policy, function, or foreign key */
	AttrNumber	column;			/* for a column, its attribute number */
	Oid			type;			/* for a column, its type */
} CmigLintDependent;

/*
 * Returns the dependent object at an address, without a description.  Returns
 * NULL if the object's kind is not in CmigLintDependentKind.
 */
extern CmigLintDependent *cmig_lint_code_dependent(const ObjectAddress *object);

/*
 * Returns the objects that depend on a column or, if "column" is 0, on any
 * part of the relation, as a List of CmigLintDependent *. Objects that belong
 * to the relation are left out, except for policies that use the column.
 */
extern List *cmig_lint_code_dependents(Oid table, AttrNumber column);

/*
 * Returns the columns whose type is the given type or its array type, as a List
 * of CmigLintDependent *.
 */
extern List *cmig_lint_code_columns(Oid type);

/* A function whose body is a string. */
typedef struct CmigLintBody
{
	Oid			oid;
	char	   *name;
	char	   *source;
} CmigLintBody;

/*
 * Returns all user-defined SQL and PL/pgSQL functions with a string body, as a
 * List of CmigLintBody *.
 */
extern List *cmig_lint_code_bodies(void);

/* Returns the OIDs of the functions that a table's triggers call. */
extern List *cmig_lint_code_trigger_functions(Oid table);

/*
 * Does the body contain the word as an identifier?  "level" is the level of
 * nested strings, starting at 0.
 */
extern bool cmig_lint_code_names(const char *source, const char *word, int level);

/* in lint_session.c */

/* Start a lint call, or start the next revision of a lint call. */
extern void cmig_lint_session_begin(CmigLint *lint, const char *search_path);
extern void cmig_lint_session_begin_revision(CmigLint *lint);

/* Timeouts. */
typedef enum CmigLintTimeout
{
	CMIG_LINT_LOCK_TIMEOUT,
	CMIG_LINT_STATEMENT_TIMEOUT
} CmigLintTimeout;

/* An enum value that the current transaction has added. */
typedef struct CmigLintNewValue
{
	struct CmigLintType *type;
	const char *value;
	const char *revision;		/* the revision that has added the value; NULL
								 * for cmig.lint_sql */
}			CmigLintNewValue;

/* The settings and the transaction at this point of the script. */
struct CmigLintSession
{
	List	   *path;			/* of char *: search_path */
	List	   *default_path;
	bool		timeouts[2];	/* by CmigLintTimeout: true if the timeout is
								 * set */
	bool		default_timeouts[2];
	const char *time_zone;		/* NULL if the script sets none */
	List	   *values;			/* of CmigLintNewValue *: added by the current
								 * transaction */
	int			in_block;		/* number of the statement that began the
								 * transaction block of a nontransactional
								 * script; 0 outside of a block */
	bool		reported[2];	/* by CmigLintTimeout: true if it has been
								 * reported that the timeout is not set */
	bool		wait_reported;	/* true if it has been reported that a
								 * statement waits for a lock while another
								 * lock is held */
	CmigLintTable *held;		/* first table that the transaction has locked
								 * with AccessExclusiveLock */
	int			held_since;		/* number of the statement that took the lock
								 * on "held" */
};

/* Record the new value of a setting.  NULL stands for the default value. */
extern void cmig_lint_session_set(CmigLint *lint, const char *name, const char *value);
extern void cmig_lint_session_apply_set(CmigLint *lint, VariableSetStmt *statement);

/* Does the current statement run in any kind of transaction? */
extern bool cmig_lint_session_in_transaction(const CmigLint *lint);
extern void cmig_lint_session_apply_transaction(CmigLint *lint, TransactionStmt *statement);

/*
 * Find, or add, an enum value that the current transaction has added.  The
 * first function returns NULL if there is no such value.
 */
extern const CmigLintNewValue *cmig_lint_session_new_value(const CmigLint *lint, const char *value);
extern void cmig_lint_session_add_value(CmigLint *lint, struct CmigLintType *type, const char *value);

/* in lint_state.c */

/* A type, domain, or enum that the plan creates or changes. */
typedef struct CmigLintType
{
	const char *schema;			/* NULL if unknown */
	const char *name;
	bool		is_new;			/* true if the plan creates the type */
	bool		has_constraint; /* true if the type is a domain with a
								 * constraint */
	bool		has_default;
} CmigLintType;

/* A function that the plan creates or drops. */
typedef struct CmigLintFunction
{
	const char *name;
	bool		is_volatile;
	bool		is_dropped;
	int			created_at;		/* number of the statement that creates the
								 * function; 0 if the plan has dropped the
								 * function */
} CmigLintFunction;

/*
 * cmig_lint_objects_type() finds a type.  cmig_lint_objects_add_type() adds a
 * type or, if the type was added before, returns its entry.
 */
extern CmigLintType *cmig_lint_objects_type(CmigLint *lint, List *names);
extern CmigLintType *cmig_lint_objects_add_type(CmigLint *lint, List *names);

/*
 * Has the plan created the schema?  cmig_lint_objects_add_schema() records this
 * fact.
 */
extern bool cmig_lint_objects_is_new_schema(CmigLint *lint, const char *schema);
extern void cmig_lint_objects_add_schema(CmigLint *lint, const char *schema);

/*
 * The first function records that the plan drops or changes a policy on a live
 * table.  The second one checks whether the plan has done so.
 */
extern void cmig_lint_objects_change_policy(CmigLint *lint, Oid table, const char *name);
extern bool cmig_lint_objects_is_policy_changed(CmigLint *lint, Oid table, const char *name);

/*
 * Find or add a function that the plan creates or drops.  "name" is the
 * function's name without the schema.
 */
extern CmigLintFunction *cmig_lint_objects_function(CmigLint *lint, const char *name);
extern CmigLintFunction *cmig_lint_objects_add_function(CmigLint *lint, const char *name);

/* Record that the plan drops a function. */
extern void cmig_lint_objects_drop_function(CmigLint *lint, const char *name);

/*
 * Returns the bodies of live functions as a List of CmigLintBody *.  The
 * catalog is read only once.
 */
extern List *cmig_lint_objects_bodies(CmigLint *lint);

/* Start a lint call. */
extern void cmig_lint_state_begin(CmigLint *lint, const char *search_path);

/*
 * Returns the relation with this name.  Returns NULL if the plan has dropped or
 * renamed the relation.  If there was no such relation, the result depends on
 * "missing_ok".  If "missing_ok" is true, returns NULL; otherwise, returns a
 * new relation with origin CMIG_LINT_UNKNOWN.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/*
 * Find the relation that a statement names.  "if_exists" is true if the
 * statement has an IF EXISTS clause.  In that case, the result is NULL if the
 * relation does not exist.  However, if the live database is not read, the
 * relation is assumed to exist.
 */
extern CmigLintTable *cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists);

/*
 * Like cmig_lint_state_find_if(), but for a relation's name in a DROP
 * statement, which is a List of String nodes.
 */
extern CmigLintTable *cmig_lint_state_find_names(CmigLint *lint, List *names, bool if_exists);

/*
 * Like cmig_lint_state_find(), but returns NULL if the relation is not found,
 * and never adds an unknown relation.
 */
extern CmigLintTable *cmig_lint_state_peek(CmigLint *lint, const RangeVar *name);

/*
 * If a live relation had this name before the plan but no longer has it,
 * returns the live relation.  Otherwise, returns NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Record a GRANT on all tables in a schema. */
extern void cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema);

/*
 * Read a relation's columns, constraints, and indexes if they have not been
 * read before.
 */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/* Add a relation that the plan creates. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);

/* Record that a relation is dropped or renamed. */
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/* Record that all known relations of a schema are dropped. */
extern void cmig_lint_state_remove_schema(CmigLint *lint, const char *schema);

/* Does this relation still exist under its name? */
extern bool cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table);

/* Returns the live relation with this OID, or NULL if there is none. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/* Reset a table's per-revision fields if they belong to an earlier revision. */
extern void cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table);

/* Can this ALTER TABLE be combined with another ALTER TABLE? */
extern bool cmig_lint_state_is_combinable(const AlterTableStmt *alter);

/*
 * Record that the current transaction holds an AccessExclusiveLock on the
 * table.
 */
extern void cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table);

/* Record that a schema is renamed, together with all its known relations. */
extern void cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to);

/* Has the plan dropped a live relation? */
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/*
 * Is there a table with this name at this point in the plan and, if "column"
 * is not NULL, does it have this column?  "relation" is the OID of the live
 * table that had the name.
 */
extern bool cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column);

/* in lint_facts.c */

/* The serial types, which create a sequence. */
typedef enum CmigLintSerial
{
	CMIG_LINT_NOT_SERIAL,
	CMIG_LINT_SMALLSERIAL,
	CMIG_LINT_SERIAL,
	CMIG_LINT_BIGSERIAL
} CmigLintSerial;

/* Which serial type is this, if any? */
extern CmigLintSerial cmig_lint_types_serial(const TypeName *type);

/*
 * Look up a type.  Sets *typmod to the type modifier, and *oid to the type's
 * OID, or to InvalidOid if the type is unknown.  If the plan creates the type,
 * sets *oid to InvalidOid and *new_name to the type's name; otherwise, sets
 * *new_name to NULL.
 */
extern void cmig_lint_types_find(CmigLint *lint, const TypeName *type,
								 Oid *oid, int32 *typmod, const char **new_name);

/* Like cmig_lint_types_find(), but returns only the OID. */
extern Oid	cmig_lint_types_oid(CmigLint *lint, const TypeName *type);

/* Is the type the built-in type "oid", or an array of that type? */
extern bool cmig_lint_types_is(CmigLint *lint, const TypeName *type, Oid oid);

/* Is the type a domain with a CHECK or NOT NULL constraint? */
extern bool cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type);

/* Does the type have a default value, as a domain can? */
extern bool cmig_lint_types_has_default(CmigLint *lint, const TypeName *type);

/*
 * Does the value in ALTER TYPE ... ADD VALUE IF NOT EXISTS already exist in the
 * live database?
 */
extern bool cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter);

/* Returns a type's name for use in messages. */
extern char *cmig_lint_types_name(CmigLint *lint, const TypeName *type);

/* in lint_code.c */

/*
 * Returns the name of a volatile function called in an expression, or NULL if
 * there is none.
 */
extern const char *cmig_lint_volatile_function(CmigLint *lint, Node *expression);

/* in lint_apply.c */

/* The effect of a column type change on the table. */
typedef enum CmigLintChange
{
	CMIG_LINT_CHANGE_NOTHING,
	CMIG_LINT_CHANGE_REWRITE,
	CMIG_LINT_CHANGE_SCAN,		/* scans the table to recheck CHECK
								 * constraints */
	CMIG_LINT_CHANGE_INDEX		/* rebuilds indexes */
} CmigLintChange;

/* Returns the effect of changing a column's type to the type in "to". */
extern CmigLintChange cmig_lint_type_change(CmigLint *lint, CmigLintTable *table,
											const CmigLintColumn *column, const ColumnDef *to);

/* in lint_state.c */

/*
 * Returns the relations used in a SELECT, INSERT, UPDATE, DELETE, MERGE, or
 * COPY, or in the query of CREATE TABLE AS or EXPLAIN, as a List of RangeVar *.
 * WITH queries are left out.  Returns NIL for other statements.
 */
extern List *cmig_lint_uses_of(Node *statement);

/* Does the statement read or write a relation that existed before the plan? */
extern bool cmig_lint_uses_shared(CmigLint *lint, Node *statement);

/*
 * Returns the tables that the statement updates, as a List of CmigLintTable *.
 */
extern List *cmig_lint_uses_updated(CmigLint *lint, Node *statement);

/* in lint_session.c */

/* A relation, and the strongest lock that a statement takes on it. */
typedef struct CmigLintLock
{
	CmigLintTable *table;
	LOCKMODE	mode;
	bool		dropped;		/* true if the statement drops the relation */
} CmigLintLock;

/*
 * Returns the statement's locks on relations that existed before the plan, as a
 * List of CmigLintLock *. Only locks stronger than those of INSERT are
 * included.
 */
extern List *cmig_lint_locks_of(CmigLint *lint, Node *statement);

/* in lint_apply.c */

/*
 * Returns a constraint's name, or the name that PostgreSQL chooses if the
 * constraint is unnamed.  For a new table, "table" is NULL, and "table_name" is
 * the table's name.  For a column constraint, "column" is the column's name;
 * otherwise, "column" is NULL.  "earlier" is the list of constraint names that
 * the same statement has already added.
 */
extern char *cmig_lint_alter_constraint_name(const CmigLintTable *table, const char *table_name,
											 const Constraint *constraint, const char *column,
											 List *earlier);

/*
 * Remove a column together with its indexes and constraints, or remove a
 * constraint together with its index.
 */
extern void cmig_lint_alter_drop_column(CmigLintTable *table, const char *name);
extern void cmig_lint_alter_drop_constraint(CmigLintTable *table, const char *name);

/* in lint_cascade.c */

/* Record the query of a view that the plan creates or replaces. */
extern void cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query);

/*
 * Record the objects that CASCADE drops together with an object.  The object
 * itself is not recorded.
 */
extern void cmig_lint_cascade_relation(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_cascade_column(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_constraint(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_function(CmigLint *lint, const char *name);
extern void cmig_lint_cascade_type(CmigLint *lint, TypeName *name);

/*
 * Record the objects that CASCADE drops together with a schema, including the
 * schema's relations.
 */
extern void cmig_lint_cascade_schema(CmigLint *lint, const char *name);

/*
 * Record the objects that CASCADE drops together with an object of a kind for
 * which there is no function above.
 */
extern void cmig_lint_cascade_other(CmigLint *lint, ObjectType type, Node *name);

/* in lint_apply.c */

/* Update the lint state after a statement has been checked. */
extern void cmig_lint_apply(CmigLint *lint, Node *statement);

/* in lint_source.c */

/*
 * Returns a relation's name for messages, quoted as in SQL and without the
 * schema public.
 */
extern char *cmig_lint_text_name(const CmigLintTable *table);

/*
 * Returns a relation's name with its size, as in "t (about 300 rows, 24 kB, 2
 * indexes)".
 */
extern char *cmig_lint_text_table(const CmigLintTable *table);

/* Returns a relation's qualified and quoted name. */
extern char *cmig_lint_text_qualified(const CmigLintTable *table);

/*
 * Returns a relation's name, qualified only if it is qualified in the
 * statement, and quoted if necessary.
 */
extern char *cmig_lint_text_range_var(const RangeVar *name);

/* Returns quoted names, separated by commas. */
extern char *cmig_lint_text_names(List *names);

/* in lint_columns.c */

/* Prefix for fixes that must run in a nontransactional revision. */
#define CMIG_LINT_STEPWISE "-- in a revision with \"transactional: false\"\n"

/*
 * Returns the ALTER TABLE statement that is being checked, with one action
 * (counted from 0) replaced.  If "replacement" is NULL, the action is removed.
 * The result ends with a semicolon and a newline.  If no action remains, the
 * result is empty.
 */
extern char *cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement);

/*
 * Returns the text of all actions of the ALTER TABLE statement that is being
 * checked.
 */
extern char *cmig_lint_fix_actions(CmigLint *lint);

/*
 * Returns the text of one action (counted from 0) of the ALTER TABLE statement
 * that is being checked.
 */
extern char *cmig_lint_fix_action(CmigLint *lint, int action);

/* Returns the text of a clause of ADD COLUMN, such as a DEFAULT clause. */
extern char *cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column, const Constraint *clause);

/*
 * Returns the text of an ADD COLUMN action without the given clauses.
 * "clauses" is a List of Constraint *.
 */
extern char *cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column, List *clauses);

/* in lint.c */

/*
 * Arrays of rules, in the order in which they are applied.  An entry without a
 * name ends each array.
 */
extern const CmigLintRule cmig_lint_indexes[];	/* in lint_constraints.c */
extern const CmigLintRule cmig_lint_columns[];
extern const CmigLintRule cmig_lint_constraints[];
extern const CmigLintRule cmig_lint_tables[];
extern const CmigLintRule cmig_lint_dependents[];	/* in lint_cascade.c */
extern const CmigLintRule cmig_lint_others[];	/* in lint_rules.c */

/* in lint_constraints.c */

/*
 * If the statement fails because of CONCURRENTLY, returns a sentence that says
 * so.  Otherwise, returns NULL.
 */
extern char *cmig_lint_indexes_concurrently_failure(CmigLint *lint, Node *node);

/* in lint_code.c */

/*
 * Can an integer column in CREATE TABLE or ALTER TABLE keep its type?  It can
 * if a CHECK constraint compares the column with a constant, because such a
 * column contains a quantity rather than generated ids.  It also can if the
 * column references a column whose type is not larger.  "constraints" is a List
 * of Constraint * with the statement's table constraints.
 */
extern bool cmig_lint_integers_suffice(CmigLint *lint, const ColumnDef *column,
									   const char *name, List *constraints);

#endif							/* CMIG_PLAN_LINT_H */
