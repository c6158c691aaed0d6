/*
 * wrong_call.c
 *	  Raises errors for calls that pass a number or several strings as a
 *	  revision, or too many arguments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "base/revision.h"
#include "tables/wrong_call.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(cmig_too_many_arguments);

/* Used in hints in place of an argument that cannot be shown. */
#define PLACEHOLDER "<revision>"

/* The maximum number of arguments in a hint; further ones are left out. */
#define MAX_SHOWN 10

/*
 * A query for the id that begins with the number $1, ignoring leading zeros.
 * Returns no row unless exactly one id begins with that number.
 */
static CmigQuery find_number = {
	"SELECT min(r.revision::text) FROM cmig.revision r"
	" WHERE ltrim(substring(r.revision::text FROM '^[0-9]+'), '0') = ltrim($1, '0')"
	" HAVING count(*) = 1",
	1, {TEXTOID}
};

/* Returns an integer as text, or NULL if the type is not an integer type. */
static char *
integer_text(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return psprintf("%d", DatumGetInt16(value));
		case INT4OID:
			return psprintf("%d", DatumGetInt32(value));
		case INT8OID:
			return psprintf(INT64_FORMAT, DatumGetInt64(value));
		default:
			return NULL;
	}
}

/*
 * Returns the id that the user probably means by a number, such as '001' for
 * 1, or the number itself.
 */
static char *
revision_of_number(char *number)
{
	Datum		values[1];
	char	   *found = NULL;

	if (*number == '-')
		return number;
	values[0] = CStringGetTextDatum(number);
	(void) cmig_query_each(&find_number, values, NULL, cmig_query_keep_text, &found);
	return found != NULL ? found : number;
}

/* Returns a string for a hint, or PLACEHOLDER if it is longer than any id. */
static char *
short_text(char *text)
{
	return strlen(text) > CMIG_MAX_ID_LENGTH ? PLACEHOLDER : text;
}

/*
 * Returns an argument as a string for the hint.  If it is an integer, returns
 * the id that the user probably means, and sets *is_number to true.
 */
static char *
argument_text(FunctionCallInfo fcinfo, int n, bool *is_number)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	char	   *number;

	if (PG_ARGISNULL(n))
		return PLACEHOLDER;
	switch (type)
	{
		case UNKNOWNOID:
			return short_text(PG_GETARG_CSTRING(n));
		case NAMEOID:
			return pstrdup(NameStr(*PG_GETARG_NAME(n)));
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return short_text(TextDatumGetCString(PG_GETARG_DATUM(n)));
	}
	number = integer_text(type, PG_GETARG_DATUM(n));
	if (number == NULL)
		return PLACEHOLDER;
	*is_number = true;
	return revision_of_number(number);
}

/* Returns the arguments of the correct call, as SQL, for the hint. */
static char *
right_arguments(FunctionCallInfo fcinfo, int n, int count, CmigSeveral several,
				bool *is_number)
{
	StringInfoData text;

	initStringInfo(&text);
	if (count > 1 && several == CMIG_SEVERAL_RANGE)
	{
		char	   *from = argument_text(fcinfo, n, is_number);

		return quote_literal_cstr(psprintf("%s:%s", from,
										   argument_text(fcinfo, n + 1, is_number)));
	}
	if (count == 1 || several != CMIG_SEVERAL_ARRAY)
		return quote_literal_cstr(argument_text(fcinfo, n, is_number));
	appendStringInfoString(&text, "ARRAY[");
	for (int i = 0; i < Min(count, MAX_SHOWN); i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 quote_literal_cstr(argument_text(fcinfo, n + i, is_number)));
	appendStringInfoChar(&text, ']');
	return text.data;
}

void
cmig_wrong_call(FunctionCallInfo fcinfo, int n, int last, const char *call,
				CmigSeveral several)
{
	int			count = Min(last, PG_NARGS() - 1) - n + 1;
	bool		is_number = false;
	char	   *arguments = right_arguments(fcinfo, n, count, several, &is_number);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 count == 1 && is_number ? errmsg("a revision must be text, not a number")
			 : count == 1 ? errmsg("a revision must be text")
			 : several == CMIG_SEVERAL_ARRAY ? errmsg("several revisions must be passed as an array")
			 : several == CMIG_SEVERAL_RANGE ? errmsg("a range must be passed as a single string")
			 : errmsg("only one revision can be passed"),
			 errhint("%s%s)", call, arguments)));
}

/*
 * The implementation of the variants with a VARIADIC argument, which
 * PostgreSQL calls if there are too many arguments.  Before that argument, a
 * variant has as many arguments as the function accepts.
 */
Datum
cmig_too_many_arguments(PG_FUNCTION_ARGS)
{
	Oid			function = fcinfo->flinfo->fn_oid;
	char	   *name = get_func_name(function);
	int			count = get_func_nargs(function) - 1;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 count == 0 ? errmsg("cmig.%s takes no arguments", name)
			 : errmsg_plural("cmig.%s takes at most %d argument",
							 "cmig.%s takes at most %d arguments", count, name, count),
			 count == 0 ? errhint("SELECT * FROM cmig.%s()", name)
			 : errhint("SELECT * FROM cmig.help('%s')", name)));
	return (Datum) 0;
}
