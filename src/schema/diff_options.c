/*
 * diff_options.c
 *	  The arguments of cmig.diff and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "schema/diff_options.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* How messages refer to the argument that lists schemas */
#define SCHEMAS "the list of schemas"
#define SCHEMAS_HINT "Use ARRAY['<schema>', ...]."

/*
 * Returns the names in an array.  For errors, "what" says what the array
 * contains, and "hint" shows a correct argument.
 */
static CmigNames *
names_argument(ArrayType *array, const char *what, const char *hint)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one-dimensional", what),
				 errhint("%s", hint)));
	return cmig_argument_names(array, what, hint);
}

/*
 * Returns the schemas that the string names: one schema, or several if the
 * string is an array literal such as '{a,b}'.
 */
static CmigNames *
schemas_of_text(char *text)
{
	if (text[0] != '{')
		return cmig_argument_one(text);
	return names_argument(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, text, TEXTOID, -1)),
						  SCHEMAS, SCHEMAS_HINT);
}

CmigManaged *
cmig_diff_schemas_argument(FunctionCallInfo fcinfo, int n)
{
	CmigNames  *names = NULL;

	if (!PG_ARGISNULL(n))
	{
		if (get_fn_expr_argtype(fcinfo->flinfo, n) == TEXTOID)
			names = schemas_of_text(cmig_argument_text(fcinfo, n));
		else
			names = names_argument(PG_GETARG_ARRAYTYPE_P(n), SCHEMAS, SCHEMAS_HINT);
		if (names->count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the list of schemas is empty"),
					 errhint("Leave the argument out to compare all schemas.")));
	}
	return cmig_managed_schemas(names);
}

void
cmig_diff_annotations(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options)
{
	options->owners = cmig_argument_bool(fcinfo, n, false);
	options->privileges = cmig_argument_bool(fcinfo, n + 1, true);
	options->comments = cmig_argument_bool(fcinfo, n + 2, true);
	options->role = GetUserNameFromId(GetUserId(), false);
}

/* Is the argument "models" rather than "all"? */
static bool
models_argument(FunctionCallInfo fcinfo, int n)
{
	const char *compare = cmig_argument_text(fcinfo, n);

	if (compare == NULL || strcmp(compare, "all") == 0)
		return false;
	if (strcmp(compare, "models") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for compare: \"%s\"", compare),
				 errhint("Use 'all' or 'models'.")));
	return true;
}

List *
cmig_diff_renames(FunctionCallInfo fcinfo, int n)
{
	const CmigNames *texts;
	List	   *renames = NIL;

	if (PG_ARGISNULL(n))
		return NIL;
	texts = names_argument(PG_GETARG_ARRAYTYPE_P(n), "the list of renames", "Use ARRAY['table public.a -> b', ...].");
	for (int i = 0; i < texts->count; i++)
		renames = lappend(renames, texts->names[i]);
	return renames;
}

void
cmig_diff_arguments(FunctionCallInfo fcinfo, int n, CmigDiffOptions *options)
{
	options->models = models_argument(fcinfo, n);
	cmig_diff_annotations(fcinfo, n + 1, options);
	/* ignore privileges, which ORMs do not define */
	if (options->models)
		options->privileges = false;
	options->renames = cmig_diff_renames(fcinfo, n + 4);
	options->concurrently = cmig_argument_bool(fcinfo, n + 5, false);
}
