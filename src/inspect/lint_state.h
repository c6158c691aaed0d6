/*
 * lint_state.h
 *	  What exists when a statement of the plan runs.
 *
 * A name is looked up among what earlier statements have created, renamed, and
 * dropped, then on the live database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_STATE_H
#define CMIG_LINT_STATE_H

#include "postgres.h"
#include "inspect/lint_model.h"
#include "inspect/lint_rule.h"
#include "nodes/parsenodes.h"

/* A type, domain, or enumeration that the plan creates or changes. */
typedef struct CmigLintType
{
	const char *schema;			/* NULL if it is not known */
	const char *name;
	bool		is_new;
	bool		has_constraint; /* a domain */
	bool		has_default;
} CmigLintType;

/* A function that the plan creates. */
typedef struct CmigLintFunction
{
	const char *name;
	bool		is_volatile;
	bool		is_dropped;
	int			created_at;		/* number among all statements of the plan */
} CmigLintFunction;

typedef struct CmigLintState CmigLintState;

/* Start a call, and a revision. */
extern void cmig_lint_state_begin(CmigLint *lint, const char *search_path);
extern void cmig_lint_state_begin_revision(CmigLint *lint);

/*
 * The relation that a name stands for; it is made up if nothing is known about
 * it (CMIG_LINT_UNKNOWN).  NULL if the plan has dropped it, or, with missing_ok,
 * if it is not found.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/* The same for a name as DROP has it, a List of String. */
extern CmigLintTable *cmig_lint_state_find_names(CmigLint *lint, List *names, bool missing_ok);

/* The relation if it has been looked up or created before, else NULL. */
extern CmigLintTable *cmig_lint_state_peek(CmigLint *lint, const RangeVar *name);

/*
 * The live relation that had the name before the plan, if it no longer has it;
 * else NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Something is granted on all tables of a schema. */
extern void cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema);

/* Its columns, constraints, and indexes. */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/* A relation that the plan creates, under a name that it did not have. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);

/* It is dropped, or gets another name. */
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/* The live relation with that OID, or NULL. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/* Start to note what the current revision does with a table. */
extern void cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table);

/* Can the actions of an ALTER TABLE be put into another one? */
extern bool cmig_lint_state_is_combinable(const AlterTableStmt *alter);

/*
 * The first table on which the current transaction holds an
 * AccessExclusiveLock, and the statement that took it; or NULL.
 */
extern CmigLintTable *cmig_lint_state_held(const CmigLint *lint, int *statement);
extern void cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table);

/* Types.  add returns the entry that exists, if there is one. */
extern CmigLintType *cmig_lint_state_type(CmigLint *lint, List *names);
extern CmigLintType *cmig_lint_state_add_type(CmigLint *lint, List *names);

/*
 * The enumeration to which the current transaction has added a value, or NULL;
 * and whether there is any.
 */
extern CmigLintType *cmig_lint_state_new_value(CmigLint *lint, const char *value);
extern bool cmig_lint_state_has_new_values(const CmigLint *lint);
extern void cmig_lint_state_add_value(CmigLint *lint, CmigLintType *type, const char *value);

/* Schemas that the plan creates. */
extern bool cmig_lint_state_is_new_schema(CmigLint *lint, const char *schema);
extern void cmig_lint_state_add_schema(CmigLint *lint, const char *schema);
extern void cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to);

/* Functions that the plan creates, by their last name. */
extern CmigLintFunction *cmig_lint_state_function(CmigLint *lint, const char *name);
extern CmigLintFunction *cmig_lint_state_add_function(CmigLint *lint, const char *name);

/* The function is dropped by the plan, and not created again. */
extern void cmig_lint_state_drop_function(CmigLint *lint, const char *name);
extern bool cmig_lint_state_is_dropped_function(CmigLint *lint, const char *name);

/* Bodies of live functions, a List of CmigLintBody *, read once. */
extern List *cmig_lint_state_bodies(CmigLint *lint);

/* How many statements of the plan have been seen. */
extern int	cmig_lint_state_statements(const CmigLint *lint);
extern void cmig_lint_state_count(CmigLint *lint);

/* Has the plan dropped a live relation? */
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/* Is there a relation of that name, or with a column the live relation, now? */
extern bool cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column);

/* search_path as the script has set it: a List of char *. */
extern void cmig_lint_state_set_path(CmigLint *lint, List *schemas);
extern List *cmig_lint_state_path(const CmigLint *lint);

/* Has the script set this timeout, and not to 0? */
typedef enum CmigLintTimeout
{
	CMIG_LINT_LOCK_TIMEOUT,
	CMIG_LINT_STATEMENT_TIMEOUT
} CmigLintTimeout;

extern bool cmig_lint_state_has_timeout(const CmigLint *lint, CmigLintTimeout timeout);

/* Has the revision been told that it lacks the timeout? */
extern bool cmig_lint_state_is_reported(const CmigLint *lint, CmigLintTimeout timeout);
extern void cmig_lint_state_set_reported(CmigLint *lint, CmigLintTimeout timeout);

/* The same for statements that wait for a lock while another one is held. */
extern bool cmig_lint_state_is_wait_reported(const CmigLint *lint);
extern void cmig_lint_state_set_wait_reported(CmigLint *lint);

/* The time zone that the script has set, or NULL. */
extern const char *cmig_lint_state_time_zone(const CmigLint *lint);

/* A setting was set; value is NULL for its default. */
extern void cmig_lint_state_set(CmigLint *lint, const char *name, const char *value);

/* Are the statement and those before it in one transaction? */
extern bool cmig_lint_state_in_transaction(const CmigLint *lint);

/*
 * The statement with which the script itself has begun a transaction block that
 * is still open, or 0.
 */
extern int	cmig_lint_state_in_block(const CmigLint *lint);
extern void cmig_lint_state_set_block(CmigLint *lint, int statement);

#endif							/* CMIG_LINT_STATE_H */
