/*
 * recipe_run.h
 *	  What the online recipes share: how they begin, run a statement and end,
 *	  their arguments, and constraints as they stand in the catalog.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RECIPE_RUN_H
#define CMIG_RECIPE_RUN_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

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

/* A constraint as it stands in the catalog. */
typedef struct CmigKnownConstraint
{
	bool		exists;
	bool		valid;
	bool		enforced;		/* always, before 18 */
	char	   *kind;			/* contype */
	char	   *definition;		/* without NOT VALID */
	char	   *condition;		/* of a CHECK */
} CmigKnownConstraint;

/* First of all: how it was called, and on what table (argument 0). */
extern void cmig_recipe_begin(CmigRecipe *recipe, FunctionCallInfo fcinfo,
							  const char *procedure);

/*
 * Carry out the steps and end.  Errors tell where they were, and what to do
 * about rows that break a constraint.
 */
typedef void (*CmigRecipeSteps) (CmigRecipe *recipe, void *arg);
extern void cmig_recipe_run_steps(CmigRecipe *recipe, CmigRecipeSteps steps, void *arg);

/*
 * One statement, committed, with lock retries; a snapshot to look around with
 * is there afterwards.
 */
extern void cmig_recipe_run(CmigRecipe *recipe, const char *sql);

/* Arguments: text and names that must not be empty, columns, "a_b". */
extern char *cmig_recipe_text(FunctionCallInfo fcinfo, int n, const char *name);
extern char *cmig_recipe_name(FunctionCallInfo fcinfo, int n);
extern char *cmig_recipe_optional_name(FunctionCallInfo fcinfo, int n);
extern char *cmig_recipe_columns(FunctionCallInfo fcinfo, int n, const char *what,
								 Oid table, List **names);
extern char *cmig_recipe_joined(List *names);

/* The constraint of a table by that name, if there is one. */
extern CmigKnownConstraint cmig_recipe_find_constraint(Oid table, const char *name);
extern void cmig_recipe_refuse_other(const CmigRecipe *recipe, const char *name,
									 const char *definition);

#endif							/* CMIG_RECIPE_RUN_H */
