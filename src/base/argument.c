/*
 * argument.c
 *	  Arguments and results of SQL functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "base/base.h"

/* ----------------------------------------------------------------
 * Reads the arguments of SQL functions as C values.
 * ----------------------------------------------------------------
 */

#define LIST_HINT "Use ARRAY['<revision>', ...]."

char *
cmig_argument_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
cmig_argument_any(FunctionCallInfo fcinfo, int n)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	Oid			output;
	bool		varlena;

	if (PG_ARGISNULL(n))
		return NULL;
	if (type == UNKNOWNOID)
		return DatumGetCString(PG_GETARG_DATUM(n));
	if (!OidIsValid(type))
		type = TEXTOID;
	getTypeOutputInfo(type, &output, &varlena);
	return OidOutputFunctionCall(output, PG_GETARG_DATUM(n));
}

void
cmig_argument_require(FunctionCallInfo fcinfo, int n, const char *what, const char *call)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what),
				 cmig_hint("%s", call)));
}

CmigDirection
cmig_argument_direction(FunctionCallInfo fcinfo, const char *call)
{
	char	   *direction = cmig_argument_text(fcinfo, 0);
	bool		alone = direction != NULL && *direction && PG_ARGISNULL(1);
	bool		down;

	if (direction && strcmp(direction, "upgrade") == 0)
		return CMIG_UPGRADE;
	if (direction && strcmp(direction, "downgrade") == 0)
		return CMIG_DOWNGRADE;
	down = direction && (*direction == '-' || strcmp(direction, "base") == 0 ||
						 pg_strncasecmp(direction, "down", 4) == 0);
	if (alone && (pg_strncasecmp(direction, "down", 4) == 0 ||
				  pg_strncasecmp(direction, "up", 2) == 0))
		alone = false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the direction must be upgrade or downgrade"),
			 errhint("%s('%s', %s)", call,
					 cmig_direction_name(down ? CMIG_DOWNGRADE : CMIG_UPGRADE),
					 alone ? quote_literal_cstr(direction) : down ? "'-1'" : "'head'")));
}

CmigNames *
cmig_argument_names(ArrayType *array, const char *what, const char *hint)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	names->names = palloc(sizeof(char *) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not contain null", what),
					 hint ? cmig_hint("%s", hint) : 0));
		names->names[names->count++] = TextDatumGetCString(elements[i]);
	}
	pfree(elements);
	pfree(nulls);
	return names;
}

bool
cmig_argument_bool(FunctionCallInfo fcinfo, int n, bool value)
{
	return PG_ARGISNULL(n) ? value : PG_GETARG_BOOL(n);
}

CmigNames *
cmig_argument_one(char *name)
{
	CmigNames  *names = palloc(sizeof(CmigNames));

	names->names = palloc(sizeof(char *));
	names->names[0] = name;
	names->count = 1;
	return names;
}

CmigNames *
cmig_argument_list(FunctionCallInfo fcinfo, int n, const char *what)
{
	char	   *list = psprintf("the list of %s", what);

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be null", list),
				 errhint(LIST_HINT)));
	if (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(n)) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one-dimensional", list),
				 errhint("Use ARRAY['...', '...'].")));
	return cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), list, LIST_HINT);
}

List *
cmig_patterns_read(const CmigNames *texts)
{
	List	   *patterns = NIL;

	for (int i = 0; i < texts->count; i++)
	{
		CmigPattern *pattern = palloc0(sizeof(CmigPattern));
		const char *colon = strchr(texts->names[i], ':');

		pattern->text = texts->names[i];
		pattern->name = pstrdup(colon ? colon + 1 : pattern->text);
		pattern->kind = colon ? pnstrdup(pattern->text, colon - pattern->text) : NULL;
		if (*pattern->name == '\0' || (colon == NULL && strpbrk(pattern->name, ".*") == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid pattern \"%s\"", pattern->text),
					 errdetail("A pattern is schema.name or kind:schema.name, and * stands for any text."),
					 *pattern->name == '\0' ?
					 errhint("For all of them: %s",
							 quote_literal_cstr(psprintf("%s*", pattern->text))) :
					 errhint("For all schemas: %s; for all objects in a schema: %s",
							 quote_literal_cstr(psprintf("*.%s", pattern->name)),
							 quote_literal_cstr(psprintf("%s.*", pattern->name)))));
		patterns = lappend(patterns, pattern);
	}
	return patterns;
}

/* Returns the ids in an array.  Raises an error if the array is empty. */
static CmigNames *
revisions_of_array(ArrayType *array)
{
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of revisions must be a one-dimensional array with at least one element"),
				 errhint(LIST_HINT)));
	return cmig_argument_names(array, "the list of revisions", LIST_HINT);
}

CmigNames *
cmig_argument_revisions(FunctionCallInfo fcinfo, int n)
{
	/* null is an error of any list */
	return PG_ARGISNULL(n) ? cmig_argument_list(fcinfo, n, "revisions") :
		revisions_of_array(PG_GETARG_ARRAYTYPE_P(n));
}

/*
 * No identifier contains a brace, so a string that begins with one is an array.
 */
CmigNames *
cmig_argument_target(FunctionCallInfo fcinfo, int n)
{
	char	   *value = cmig_argument_text(fcinfo, n);
	Datum		array;

	if (value == NULL || value[0] != '{')
		return cmig_argument_one(value);
	array = OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID, -1);
	return revisions_of_array(DatumGetArrayTypeP(array));
}

Datum
cmig_argument_schema(FunctionCallInfo fcinfo, int n, char *null)
{
	*null = PG_ARGISNULL(n) ? 'n' : ' ';
	if (PG_ARGISNULL(n))
		return (Datum) 0;
	(void) get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(n)), false);
	return PG_GETARG_DATUM(n);
}

void
cmig_argument_place_error(void *text)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery((const char *) text);
}

void
cmig_result_require(TupleDesc desc, int count)
{
	/* a call that adds many rows can be canceled */
	CHECK_FOR_INTERRUPTS();
	if (desc->natts != count)
		cmig_library_version_refuse();
}

void
cmig_result_add(ReturnSetInfo *result, int count, const Datum *values, const bool *nulls)
{
	cmig_result_require(result->setDesc, count);
	tuplestore_putvalues(result->setResult, result->setDesc, unconstify(Datum *, values),
						 unconstify(bool *, nulls));
}

void
cmig_result_add_strings(ReturnSetInfo *result, int count, const char *const *strings)
{
	cmig_result_require(result->setDesc, count);
	tuplestore_puttuple(result->setResult,
						BuildTupleFromCStrings(TupleDescGetAttInMetadata(result->setDesc),
											   (char **) strings));
}

void
cmig_result_add_row(FunctionCallInfo fcinfo, int count, const char *const *texts)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *values = palloc0(sizeof(Datum) * count);
	bool	   *nulls = palloc(sizeof(bool) * count);

	cmig_result_require(result->setDesc, count);
	for (int i = 0; i < count; i++)
	{
		if (TupleDescAttr(result->setDesc, i)->atttypid != TEXTOID)
			cmig_library_version_refuse();
		nulls[i] = texts[i] == NULL;
		if (texts[i] != NULL)
			values[i] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
cmig_result_row(FunctionCallInfo fcinfo, int count, const Datum *values, const bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		cmig_library_version_refuse();
	cmig_result_require(desc, count);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), unconstify(Datum *, values),
											 unconstify(bool *, nulls)));
}

void
cmig_result_add_texts(FunctionCallInfo fcinfo, List *texts)
{
	ListCell   *lc;

	foreach(lc, texts)
		cmig_result_add_text(fcinfo, lfirst(lc));
}
