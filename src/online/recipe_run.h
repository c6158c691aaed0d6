/*
 * recipe_run.h
 *	  Functions shared by the online recipes, procedures such as
 *	  cmig.add_foreign_key that change a table in steps and block other
 *	  sessions only briefly.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RECIPE_RUN_H
#define CMIG_RECIPE_RUN_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* The state of a call to a recipe. */
typedef struct CmigRecipe
{
	const char *procedure;
	bool		one_transaction;
	bool		alone;			/* true if the call is not part of a
								 * revision's script */
	Oid			table;
	char	   *table_name;		/* qualified and quoted */
	MemoryContext caller;		/* the caller's memory context */
	MemoryContext context;		/* deleted when the recipe ends */
} CmigRecipe;

/* A constraint as found in the catalogs. */
typedef struct CmigKnownConstraint
{
	bool		exists;
	bool		valid;
	bool		enforced;		/* always true before PostgreSQL 18 */
	char	   *kind;			/* contype */
	char	   *definition;		/* without NOT VALID */
	char	   *condition;		/* of a CHECK constraint; otherwise NULL */
} CmigKnownConstraint;

/*
 * Begin a recipe, after checking how the procedure was called and whether
 * argument 0 is a suitable table.  "call" is an example of a correct call, for
 * hints.
 */
extern void cmig_recipe_begin(CmigRecipe *recipe, FunctionCallInfo fcinfo,
							  const char *procedure, const char *call);

/*
 * The steps of a recipe.  cmig_recipe_run_steps() runs the steps and ends the
 * recipe.  An error's context names the recipe, and its hint says what to do
 * about rows that violate a constraint.
 */
typedef void (*CmigRecipeSteps) (CmigRecipe *recipe, void *arg);
extern void cmig_recipe_run_steps(CmigRecipe *recipe, CmigRecipeSteps steps, void *arg);

/*
 * If a recipe is running outside of a revision, returns the recipe's table;
 * otherwise, returns InvalidOid.
 */
extern Oid	cmig_recipe_table_alone(void);

/*
 * Run a statement and commit it, with retries if it cannot get a lock.
 * Afterwards, there is a snapshot for catalog lookups.  If the whole recipe
 * runs in a single transaction, the statement is run without a commit.
 */
extern void cmig_recipe_run(CmigRecipe *recipe, const char *sql);

/*
 * Read arguments.  Strings and names must not be empty, but an optional name
 * may be null.  "call" is an example of a correct call, for hints.
 * cmig_recipe_columns() returns columns as "a, b" and sets *names to the
 * unquoted names.  cmig_recipe_joined() joins the unquoted names as "a_b" for a
 * constraint name.
 */
extern char *cmig_recipe_text(FunctionCallInfo fcinfo, int n, const char *name, const char *call);
extern char *cmig_recipe_name(FunctionCallInfo fcinfo, int n, const char *call);
extern char *cmig_recipe_optional_name(FunctionCallInfo fcinfo, int n, const char *call);
extern char *cmig_recipe_columns(FunctionCallInfo fcinfo, int n, const char *what,
								 Oid table, List **names);
extern char *cmig_recipe_joined(List *names);

/*
 * Find a table's constraint by name.  In the result, "exists" is false if
 * there is no such constraint.  cmig_recipe_refuse_other() raises an error for
 * a different constraint with the same name.
 */
extern CmigKnownConstraint cmig_recipe_find_constraint(Oid table, const char *name);
extern void cmig_recipe_refuse_other(const CmigRecipe *recipe, const char *name,
									 const char *definition);

#endif							/* CMIG_RECIPE_RUN_H */
