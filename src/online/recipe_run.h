/*
 * recipe_run.h
 *	  Functions that the online recipes share: beginning, running a statement,
 *	  and ending; arguments; constraints as they are in the catalog.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RECIPE_RUN_H
#define CMIG_RECIPE_RUN_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* A call of a recipe. */
typedef struct CmigRecipe
{
	const char *procedure;
	bool		one_transaction;
	bool		alone;			/* not part of a revision */
	Oid			table;
	char	   *table_name;		/* qualified and quoted */
	MemoryContext caller;
	MemoryContext context;
} CmigRecipe;

/* A constraint as it is in the catalog. */
typedef struct CmigKnownConstraint
{
	bool		exists;
	bool		valid;
	bool		enforced;		/* always true before PostgreSQL 18 */
	char	   *kind;			/* contype */
	char	   *definition;		/* without NOT VALID */
	char	   *condition;		/* of a CHECK */
} CmigKnownConstraint;

/*
 * Begin: check how the procedure was called, and on what table (argument 0).
 */
extern void cmig_recipe_begin(CmigRecipe *recipe, FunctionCallInfo fcinfo,
							  const char *procedure);

/*
 * Run the steps and end.  Errors say during which recipe they occurred, and
 * what to do about rows that violate a constraint.
 */
typedef void (*CmigRecipeSteps) (CmigRecipe *recipe, void *arg);
extern void cmig_recipe_run_steps(CmigRecipe *recipe, CmigRecipeSteps steps, void *arg);

/*
 * The table of the recipe that runs outside of a revision, or InvalidOid.
 */
extern Oid	cmig_recipe_table_alone(void);

/*
 * Run one statement and commit it, retrying if it cannot get a lock;
 * afterwards there is a snapshot for looking at the catalog.
 */
extern void cmig_recipe_run(CmigRecipe *recipe, const char *sql);

/*
 * Arguments: a text and names, which must not be empty; columns as "a, b",
 * with *names set to the unquoted ones; the names as "a_b", for the name of a
 * constraint.
 */
extern char *cmig_recipe_text(FunctionCallInfo fcinfo, int n, const char *name);
extern char *cmig_recipe_name(FunctionCallInfo fcinfo, int n);
extern char *cmig_recipe_optional_name(FunctionCallInfo fcinfo, int n);
extern char *cmig_recipe_columns(FunctionCallInfo fcinfo, int n, const char *what,
								 Oid table, List **names);
extern char *cmig_recipe_joined(List *names);

/*
 * The constraint of a table with that name, if there is one; and the error if
 * it is not the wanted one.
 */
extern CmigKnownConstraint cmig_recipe_find_constraint(Oid table, const char *name);
extern void cmig_recipe_refuse_other(const CmigRecipe *recipe, const char *name,
									 const char *definition);

#endif							/* CMIG_RECIPE_RUN_H */
