/*
 * noted.c
 *	  Is it noted when the old build writes?
 *
 * The trigger writes a sequence with the privileges of its owner, which the owner of
 * the expanded table must have: its owner is whoever owned the table then.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "versions/internal.h"

/* A table of which it is not noted. */
typedef struct Unnoted
{
	char	   *table;
	char	   *problem;
	char	   *undo;			/* the statement that undoes it */
	char	   *follows;		/* f: the sequence cannot have the table's
								 * owner */
	char	   *statements;		/* that give it to the owner, an array, or
								 * NULL */
} Unnoted;

/* Stored names can be anything, so they are compared as texts. */
static List *
find_unnoted(const CmigExpansion *expansion, const char *relation, const char *role)
{
	static CmigQuery query = {
		"WITH r AS (SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name, n.nspname"
		"  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		"  WHERE c.relkind = ANY ('{r,p,S}')),"
		" e AS (SELECT DISTINCT c->>0 AS relation, c->>8 AS sequence, m.oid AS member"
		"  FROM cmig.expansion_run x LEFT JOIN pg_roles m ON m.rolname = coalesce($3::name, x.role),"
		"   jsonb_array_elements(x.columns) c"
		"  WHERE x.scope = $1 AND c->>0 = coalesce($2, c->>0) AND c->>8 IS NOT NULL"
		"   AND EXISTS (SELECT FROM cmig.expansion_step s WHERE s.scope = x.scope"
		"    AND s.phase = 'prepare' AND s.relation = c->>0 AND s.done))"
		" SELECT t.oid::regclass, CASE WHEN q.oid IS NULL"
		"   THEN format('sequence %s does not exist', sequence)"
		"   ELSE format('role %I does not have the privileges of %I, the owner of sequence %s',"
		"    o, w, sequence) END,"
		"  CASE WHEN q.oid IS NULL THEN format('CREATE SEQUENCE %s', sequence)"
		"   ELSE format('ALTER TABLE %s OWNER TO %I', t.oid::regclass, w) END,"
		/* one whose role the caller cannot become */
		"  coalesce(pg_has_role(member, t.relowner, 'USAGE')"
		"   AND pg_has_role(member, q.relowner, 'USAGE'), false),"
		"  CASE WHEN q.oid IS NULL OR has_schema_privilege(o, q.relnamespace, 'CREATE') THEN ARRAY[alter]"
		"   ELSE ARRAY[format('GRANT CREATE ON SCHEMA %I TO %I', q.nspname, o), alter,"
		"    format('REVOKE CREATE ON SCHEMA %I FROM %I', q.nspname, o)] END"
		" FROM e JOIN r t ON t.name = e.relation AND t.relkind <> 'S'"
		" LEFT JOIN r q ON q.name = e.sequence AND q.relkind = 'S',"
		" pg_get_userbyid(t.relowner) o, pg_get_userbyid(q.relowner) w,"
		" format('ALTER SEQUENCE %s OWNER TO %I', sequence, o) alter"
		" WHERE q.oid IS NULL OR NOT pg_has_role(t.relowner, q.relowner, 'USAGE')"
		" ORDER BY 1", {TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_list(&query, expansion->scope, relation, role);
}

char *
cmig_versions_unnoted(const CmigExpansion *expansion, const char *relation)
{
	const List *unnoted = find_unnoted(expansion, relation, NULL);
	const Unnoted *first = unnoted ? linitial(unnoted) : NULL;

	return first == NULL ? NULL :
		psprintf("writes of the old build are not noted: %s", first->problem);
}

List *
cmig_versions_unnoted_problems(const CmigExpansion *expansion)
{
	List	   *problems = NIL;

	foreach_ptr(const Unnoted, row, find_unnoted(expansion, NULL, NULL))
	{
		char	   *problem[] = {"warning", psprintf("table %s", row->table),
			psprintf("writes of the old build are not noted in it: %s", row->problem),
			*row->follows == 'f' ? row->undo :
			psprintf("`CALL cmig.expand(%s)` -- or, to undo it: %s",
					 quote_literal_cstr(expansion->revision), row->undo)
		};

		problems = lappend(problems, memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	return problems;
}

List *
cmig_versions_note_again(const CmigExpansion *expansion, const char *role)
{
	static CmigQuery each = {"SELECT unnest($1::text[])", {TEXTOID}};
	List	   *statements = NIL;

	if (strcmp(expansion->state, "abandoning") == 0)
		return NIL;
	foreach_ptr(const Unnoted, row, find_unnoted(expansion, NULL, role))
	{
		if (*row->follows == 't')
			statements = list_concat(statements, cmig_query_list(&each, row->statements));
	}
	return statements;
}
