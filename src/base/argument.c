/*
 * argument.c
 *	  Arguments of SQL functions as C values.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

char *
cmig_argument_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
cmig_argument_direction(FunctionCallInfo fcinfo, int n, const char *call)
{
	char	   *direction = cmig_argument_text(fcinfo, n);
	bool		alone = direction != NULL && *direction && PG_ARGISNULL(n + 1);
	bool		down;

	if (direction && (strcmp(direction, "upgrade") == 0 || strcmp(direction, "downgrade") == 0))
		return direction;
	down = direction && (*direction == '-' || strcmp(direction, "base") == 0 ||
						 pg_strncasecmp(direction, "down", 4) == 0);
	if (alone && (pg_strncasecmp(direction, "down", 4) == 0 || pg_strncasecmp(direction, "up", 2) == 0))
		alone = false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the direction must be upgrade or downgrade"),
			 errhint("%s('%s', %s)", call, down ? "downgrade" : "upgrade",
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
					 errmsg("%s must not hold null", what),
					 hint ? errhint("%s", hint) : 0));
		names->names[names->count++] = TextDatumGetCString(elements[i]);
	}
	pfree(elements);
	pfree(nulls);
	return names;
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
