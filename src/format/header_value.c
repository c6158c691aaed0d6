/*
 * header_value.c
 *	  Parses the values in the headers of revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "format/header_value.h"
#include "format/marker.h"
#include "graph/graph.h"
#include "parse/substitute.h"

#include "mb/pg_wchar.h"

char *
cmig_header_value_shortened(const char *name)
{
	int			length = strlen(name);

	if (length <= CMIG_MAX_ID_LENGTH / 2)
		return pstrdup(name);
	length = pg_mbcliplen(name, length, CMIG_MAX_ID_LENGTH / 2);
	return psprintf("%.*s...", length, name);
}

char *
cmig_header_value_quoted(const char *name)
{
	return strchr(name, '"') ? cmig_header_value_shortened(name) : psprintf("\"%s\"", cmig_header_value_shortened(name));
}

CmigNames
cmig_header_value_names(const char *key, const char *value, const char *place)
{
	CmigNames	names = {0, NULL};
	int			allocated = 1;
	const char *repeated;

	if (*value == '\0')
		return names;
	for (const char *p = value; *p; p++)
		if (*p == ',')
			allocated++;
	names.names = palloc(sizeof(char *) * allocated);

	for (;;)
	{
		const char *end = value + strcspn(value, ",");
		char	   *name = cmig_marker_trimmed(value, end);
		char	   *bad = cmig_graph_check_name(name);

		if (bad)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid name %s for %s %s",
							cmig_header_value_quoted(name), key, place),
					 errdetail("The name %s.", bad),
					 errhint("Write ids or labels without quotes, separated by commas, or leave the value empty.")));

		/*
		 * reject "none" and "null", which mean a missing value in Python and
		 * SQL
		 */
		if (pg_strcasecmp(name, "none") == 0 || pg_strcasecmp(name, "null") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid name \"%s\" for %s %s", name, key, place),
					 errhint("To list no names, leave the value of %s empty.", key)));
		names.names[names.count++] = name;
		if (*end == '\0')
			break;
		value = end + 1;
	}

	repeated = cmig_graph_find_repeated(&names);
	if (repeated)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("\"%s\" is listed twice for %s %s",
						repeated, key, place),
				 errhint("Remove or correct one of the two entries.")));
	return names;
}

/* Do the declarations contain a placeholder with this name? */
static bool
is_declared(const CmigNames *declarations, const char *name)
{
	int			length = strlen(name);

	for (int i = 0; i < declarations->count; i++)
		if (strncmp(declarations->names[i], name, length) == 0 &&
			strchr(" ", declarations->names[i][length]) != NULL)
			return true;
	return false;
}

CmigNames
cmig_header_value_placeholders(const char *value, const char *place)
{
	CmigNames	declarations = {0, NULL};

	if (*value == '\0')
		return declarations;
	declarations.names = palloc(sizeof(char *) * strlen(value));
	for (;;)
	{
		const char *end = value + strcspn(value, ",");
		char	   *declaration = cmig_marker_trimmed(value, end);
		char	   *name;
		bool		literal;

		if (!cmig_substitute_parse(declaration, &name, &literal))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid placeholder %s %s", cmig_header_value_quoted(declaration), place),
					 errhint("Write names of lower-case letters, digits, and _, separated by commas. Add \"literal\" after each name that stands for a string, for example: schema, owner literal")));
		if (is_declared(&declarations, name))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("placeholder \"%s\" is declared twice %s", name, place),
					 errhint("Declare it only once.")));
		declarations.names[declarations.count++] = literal ? psprintf("%s literal", name) : name;
		if (*end == '\0')
			break;
		value = end + 1;
	}
	return declarations;
}
