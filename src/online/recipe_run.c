/*
 * recipe_run.c
 *	  Functions shared by the online recipes.
 *
 * If cmig.concurrent_ddl is off, the statements run in the caller's
 * transaction, without CONCURRENTLY.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/local_rows.h"
#include "base/query.h"
#include "move/nontransactional.h"
#include "move/toplevel.h"
#include "online/recipe_run.h"
#include "parse/raw_parse.h"
#include "run/execute.h"
#include "run/lock_wait.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/running.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

static CmigQuery constraint_query = {
	.sql = "SELECT convalidated, contype::text,"
	" regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''),"
	" pg_get_expr(conbin, conrelid),"
	" coalesce((to_jsonb(c)->>'conenforced')::boolean, true)"
	" FROM pg_constraint c WHERE conrelid = $1 AND conname = $2::name",
	.nargs = 2,
	.argtypes = {OIDOID, TEXTOID}
};

/*
 * Beginning and ending
 */

/* See cmig_recipe_table_alone(). */
static Oid	table_alone = InvalidOid;

void
cmig_recipe_begin(CmigRecipe *recipe, FunctionCallInfo fcinfo, const char *procedure, const char *call)
{
	const char *name;

	recipe->procedure = procedure;
	recipe->one_transaction = !cmig_running_concurrent_ddl();
	recipe->alone = cmig_running_revision() == NULL;
	recipe->caller = CurrentMemoryContext;
	if (recipe->alone)
		cmig_run_limit_start();
	if (!recipe->one_transaction)
		cmig_toplevel_require(fcinfo, procedure);
	PreventCommandIfReadOnly(procedure);
	cmig_citus_require_coordinator(procedure);
	recipe->context = recipe->one_transaction ?
		AllocSetContextCreate(CurrentMemoryContext, "pg_cmig recipe", ALLOCSET_DEFAULT_SIZES) :
		cmig_toplevel_context("pg_cmig recipe");
	MemoryContextSwitchTo(recipe->context);
	if (!recipe->one_transaction)
	{
		if (!PG_ARGISNULL(0))
			cmig_toplevel_reach_table(PG_GETARG_OID(0), procedure, recipe->alone);
		cmig_toplevel_snapshot();
	}

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("%s", call)));
	recipe->table = PG_GETARG_OID(0);
	name = get_rel_name(recipe->table);
	if (get_rel_relkind(recipe->table) != RELKIND_RELATION &&
		get_rel_relkind(recipe->table) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name ? name : psprintf("%u", recipe->table)),
				 errdetail("%s supports only tables and partitioned tables.", procedure)));
	cmig_local_rows_require_reachable(recipe->table, true, procedure);
	recipe->table_name =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(recipe->table)),
								   get_rel_name(recipe->table));
}

/*
 * End the recipe's call.  Commits unless the recipe runs in the caller's
 * transaction, and frees the recipe's memory.
 */
static void
finish(CmigRecipe *recipe)
{
	if (!recipe->one_transaction)
		cmig_toplevel_commit();
	MemoryContextSwitchTo(recipe->caller);
	MemoryContextDelete(recipe->context);
}

/*
 * Error context callback: name the procedure and the table in the context, and
 * add a hint if rows violate the constraint.  The argument is the recipe.
 */
static void
describe_error(void *arg)
{
	cmig_lock_wait_explain();
	switch (geterrcode())
	{
		case ERRCODE_CHECK_VIOLATION:
		case ERRCODE_NOT_NULL_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			errhint("Some rows violate the constraint%s. Correct these rows, for example with CALL cmig.backfill, and repeat this CALL.",
					((CmigRecipe *) arg)->one_transaction ? "" : "; new violations are already rejected");
			break;
		case ERRCODE_UNIQUE_VIOLATION:
			errhint("Remove the duplicates and repeat this CALL. The repeated CALL drops the index that the failed build left behind.");
			break;
	}
	errcontext("pg_cmig: %s of %s", ((CmigRecipe *) arg)->procedure, ((CmigRecipe *) arg)->table_name);
}

Oid
cmig_recipe_table_alone(void)
{
	return table_alone;
}

void
cmig_recipe_run_steps(CmigRecipe *recipe, CmigRecipeSteps steps, void *arg)
{
	ErrorContextCallback callback;

	callback.callback = describe_error;
	callback.arg = recipe;
	callback.previous = error_context_stack;
	PG_TRY();
	{
		error_context_stack = &callback;
		if (recipe->alone)
		{
			table_alone = recipe->table;
			cmig_lock_wait_watch(GetUserId());
		}
		steps(recipe, arg);
	}
	PG_CATCH();
	{
		table_alone = InvalidOid;
		if (recipe->alone)
			cmig_lock_wait_unwatch();
		PG_RE_THROW();
	}
	PG_END_TRY();
	table_alone = InvalidOid;
	error_context_stack = callback.previous;
	if (recipe->alone)
		cmig_lock_wait_unwatch();
	finish(recipe);
}

void
cmig_recipe_run(CmigRecipe *recipe, const char *sql)
{
	if (recipe->one_transaction)
	{
		cmig_execute_statement(cmig_raw_parse_one(sql),
							   sql, None_Receiver);
		return;
	}
	cmig_toplevel_commit();
	cmig_lock_wait_forget();
	cmig_runner_restart_timeout();
	cmig_toplevel_run_sql(sql, psprintf("%s of %s", recipe->procedure, recipe->table_name));
	cmig_nontransactional_note_own_work();
	cmig_toplevel_snapshot();
}

/*
 * Arguments
 */

char *
cmig_recipe_text(FunctionCallInfo fcinfo, int n, const char *name, const char *call)
{
	char	   *value = cmig_argument_text(fcinfo, n);

	if (value == NULL || value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("%s", call)));
	return value;
}

char *
cmig_recipe_name(FunctionCallInfo fcinfo, int n, const char *call)
{
	char	   *value = cmig_recipe_text(fcinfo, n, "the name", call);

	truncate_identifier(value, strlen(value), true);
	return value;
}

char *
cmig_recipe_optional_name(FunctionCallInfo fcinfo, int n, const char *call)
{
	return PG_ARGISNULL(n) ? NULL : cmig_recipe_name(fcinfo, n, call);
}

/*
 * Returns a list of columns from a text[] argument, or from a text argument
 * that contains a name or an array literal such as '{a,b}'.
 */
static ArrayType *
array_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *value;
	Datum		name;

	if (get_fn_expr_argtype(fcinfo->flinfo, n) != TEXTOID)
		return PG_GETARG_ARRAYTYPE_P(n);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (value[0] == '{')
		return DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID, -1));
	name = CStringGetTextDatum(value);
	return construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT);
}

char *
cmig_recipe_columns(FunctionCallInfo fcinfo, int n, const char *what, Oid table, List **names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count = 0;
	StringInfoData list;

	*names = NIL;
	if (!PG_ARGISNULL(n))
		deconstruct_array(array_argument(fcinfo, n), TEXTOID, -1, false, TYPALIGN_INT,
						  &elements, &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must name at least one column", what),
				 errhint("Use ARRAY['<column>', ...].")));
	initStringInfo(&list);
	for (int i = 0; i < count; i++)
	{
		char	   *name = nulls[i] ? NULL : TextDatumGetCString(elements[i]);

		if (name == NULL || name[strspn(name, " \t\r\n")] == '\0')
			ereport(ERROR,
					(errcode(name == NULL ? ERRCODE_NULL_VALUE_NOT_ALLOWED :
							 ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not contain %s", what,
							name == NULL ? "null" : "an empty name"),
					 errhint("Use ARRAY['<column>', ...].")));
		if (get_attnum(table, name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name, get_rel_name(table))));
		for (int j = 0; j < i; j++)
		{
			if (strcmp(list_nth(*names, j), name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" appears twice in %s", name, what)));
		}
		*names = lappend(*names, name);
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", quote_identifier(name));
	}
	return list.data;
}

char *
cmig_recipe_joined(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
	{
		appendStringInfo(&text, "%s%s", text.len > 0 ? "_" : "", (char *) lfirst(lc));
	}
	return text.data;
}

/*
 * Catalog lookups
 */

/* Callback that reads a row of constraint_query. */
static void
keep_constraint(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigKnownConstraint *constraint = arg;
	bool		isnull;

	constraint->exists = true;
	constraint->valid = DatumGetBool(cmig_query_datum(desc, row, 1, &isnull));
	constraint->kind = cmig_query_text(desc, row, 2);
	constraint->definition = cmig_query_text(desc, row, 3);
	constraint->condition = cmig_query_text(desc, row, 4);
	constraint->enforced = DatumGetBool(cmig_query_datum(desc, row, 5, &isnull));
}

CmigKnownConstraint
cmig_recipe_find_constraint(Oid table, const char *name)
{
	CmigKnownConstraint constraint = {0};
	Datum		values[2] = {ObjectIdGetDatum(table), CStringGetTextDatum(name)};

	cmig_query_each(&constraint_query, values, NULL, keep_constraint, &constraint);
	return constraint;
}

void
cmig_recipe_refuse_other(const CmigRecipe *recipe, const char *name, const char *definition)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("constraint \"%s\" of table %s already exists with a different definition",
					name, recipe->table_name),
			 errdetail("The existing constraint is: %s.", definition),
			 errhint("Choose another name, or drop the existing constraint first.")));
}
