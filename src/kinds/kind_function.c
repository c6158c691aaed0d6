/*
 * kind_function.c
 *	  Functions and procedures.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	DEFINITION,
	SQL_BODY,
	TYPE,
	ARGUMENTS,
	RESULT,
	DEFAULTS,
	NAME
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition"},
	[SQL_BODY] = {"body", CMIG_PROPERTY_EXPRESSION},
	[TYPE] = {"type"},
	[ARGUMENTS] = {"arguments"},
	[RESULT] = {"result"},
	[DEFAULTS] = {"number of defaults"},
	[NAME] = {"qualified name", CMIG_PROPERTY_SILENT},
};

/*
 * Query for the functions.  The definition contains a body that is a string,
 * but not one that is stored as a parsed query (BEGIN ATOMIC or RETURN).
 */
static const char function_sql[] =
"SELECT 'pg_proc'::regclass::oid, p.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" p.proname::text, format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),"
" pg_get_userbyid(p.proowner)::text, false,"
" left(d.text, length(d.text) - coalesce(length(d.body), 0)), d.body, p.prokind::text, pg_get_function_identity_arguments(p.oid),"
" pg_get_function_result(p.oid), p.pronargdefaults::text,"
" format('%I.%I', n.nspname, p.proname)"
" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
" CROSS JOIN LATERAL (SELECT rtrim(pg_get_functiondef(p.oid), E'\\n') AS text, rtrim(pg_get_function_sqlbody(p.oid), E'\\n') AS body OFFSET 0) d"
" WHERE p.pronamespace = ANY ($1) AND p.prokind IN ('f', 'p', 'w')"
" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
"  AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i')";

/*
 * Returns the SQL name of the function.  A procedure's name includes the
 * argument modes, because PostgreSQL would otherwise also match the types
 * against all arguments, including OUT arguments.
 */
static char *
reference(const CmigObject *function)
{
	if (*function->values[TYPE] != 'p')
		return psprintf("FUNCTION %s", function->identity);
	return psprintf("PROCEDURE %s(%s)", function->values[NAME], function->values[ARGUMENTS]);
}

bool
cmig_function_is_sql(const CmigObject *object)
{
	return object->kind == &cmig_kind_function && strstr(object->values[DEFINITION], "\n LANGUAGE sql") != NULL;
}

bool
cmig_function_returns(const CmigObject *function, const CmigObject *type)
{
	const char *result = function->values[RESULT];

	if (result != NULL && strncmp(result, "SETOF ", strlen("SETOF ")) == 0)
		result += strlen("SETOF ");
	return result != NULL && strcmp(result, type->identity) == 0;
}

/* Returns the statement that creates or replaces the function. */
static char *
definition(const CmigObject *function)
{
	const char *body = function->values[SQL_BODY];

	return psprintf("%s%s", function->values[DEFINITION], body ? body : "");
}

static List *
create_function(const CmigObject *function)
{
	return cmig_ddl_append(NIL, definition(function), cmig_kind_drop(function));
}

/*
 * Re-create the function if CREATE OR REPLACE cannot make the change in both
 * directions.
 */
static void
alter_function(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, TYPE) || cmig_alter_differs(alter, ARGUMENTS) ||
		cmig_alter_differs(alter, RESULT) || cmig_alter_differs(alter, DEFAULTS))
		alter->again = true;
	else
		cmig_alter_add(alter, definition(alter->to), definition(alter->from));
}

CmigKind	cmig_kind_function = {
	.name = "function",.word = "FUNCTION",.default_type = 'f',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED,
	CMIG_PROPERTIES(properties),
	.sql = function_sql,.create = create_function,.alter = alter_function,.reference = reference
};
