/*
 * options.c
 *	  Storage parameters and column options.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/options.h"

/* Returns the names of the options: "a, c" for "a='b', c='d'". */
static char *
option_names(const char *options)
{
	StringInfoData names;
	bool		quoted = false,
				value = false;

	initStringInfo(&names);
	for (; *options != '\0'; options++)
	{
		if (*options == '\'')
			quoted = !quoted;
		else if (!quoted && *options == '=')
			value = true;
		else if (!quoted && *options == ',')
			value = false;
		if (!value && !quoted && *options != '\'')
			appendStringInfoChar(&names, *options);
	}
	return names.data;
}

char *
cmig_options_prefixed(const char *options, const char *prefix)
{
	StringInfoData result;
	bool		quoted = false;

	initStringInfo(&result);
	appendStringInfoString(&result, prefix);
	for (; *options != '\0'; options++)
	{
		if (*options == '\'')
			quoted = !quoted;
		appendStringInfoChar(&result, *options);
		if (!quoted && options[0] == ',' && options[1] == ' ')
		{
			appendStringInfo(&result, " %s", prefix);
			options++;
		}
	}
	return result.data;
}

/* Returns one statement, such as "ALTER TABLE x RESET (a), SET (b='c')". */
static char *
options_statement(const char *reference, const char *old, const char *new, const char *prefix)
{
	const char *column = strstr(reference, " ALTER COLUMN ");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER %s", reference);
	if (old != NULL)
		appendStringInfo(&sql, " RESET (%s)", cmig_options_prefixed(option_names(old), prefix));
	if (new != NULL)
		appendStringInfo(&sql, "%s%s SET (%s)", old == NULL ? "" : ",",
						 old == NULL || column == NULL ? "" : column, cmig_options_prefixed(new, prefix));
	return sql.data;
}

void
cmig_options_alter(CmigAlter *alter, int property, const char *reference, const char *prefix)
{
	const char *old = alter->from->values[property];
	const char *new = alter->to->values[property];

	if (cmig_alter_differs(alter, property))
		cmig_alter_add(alter, options_statement(reference, old, new, prefix),
					   options_statement(reference, new, old, prefix));
}
