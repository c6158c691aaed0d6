/*
 * expansion.c
 *	  Rows of cmig.expansion_run: is a revision expanded?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "graph/graph.h"
#include "run/run.h"
#include "store/store.h"

char *
cmig_version_schema_name(const char *revision, const char *schema)
{
	char	   *name = psprintf("%s_%s", schema, revision);

	/* long names of scopes may differ in what would be cut off only */
	if (strlen(name) >= NAMEDATALEN)
		return makeObjectName(schema, revision, psprintf("%08x", hash_bytes((const unsigned char *) name, strlen(name))));
	return name;
}

char *
cmig_version_hidden_name(const char *name)
{
	/* long names may differ in what would be cut off only */
	if (strlen(name) + strlen(CMIG_HIDDEN_PREFIX) >= NAMEDATALEN)
		return makeObjectName("cmig_new", name, psprintf("%08x", hash_bytes((const unsigned char *) name, strlen(name))));
	return makeObjectName("cmig_new", name, NULL);
}

/* Before ALTER EXTENSION ... UPDATE, there is no such table. */
static bool
has_table(void)
{
	return OidIsValid(get_relname_relid("expansion_run", get_namespace_oid("cmig", false)));
}

/* Read the row of a scope, or of the database. */
static CmigExpansion *
read_row(const char *scope)
{
	static CmigQuery query = {
		"SELECT revision, state, scope, CASE schemas WHEN '{}' THEN '' ELSE (SELECT concat_ws(', ', string_agg(quote_ident(cmig.version_schema(revision, s)), ', ' ORDER BY n),"
		" CASE scope WHEN '' THEN string_agg(quote_ident(s), ', ' ORDER BY n) ELSE $2 END) FROM unnest(schemas) WITH ORDINALITY u (s, n)) END, NULL"
		" FROM cmig.expansion_run WHERE scope = $1", 2, {TEXTOID, TEXTOID}
	};
	static CmigQuery revisions = {"SELECT n FROM cmig.expansion_run, unnest(revisions) n WHERE scope = $1 AND n IS NOT NULL", 1, {TEXTOID}};
	CmigExpansion *expansion = has_table() ? (CmigExpansion *) cmig_query_row(&query, scope, cmig_session_search_path()) : NULL;
	List	   *names;
	ListCell   *cell;

	if (expansion == NULL)
		return NULL;
	names = cmig_query_list(&revisions, scope);
	expansion->revisions = palloc(sizeof(CmigNames));
	expansion->revisions->count = 0;
	expansion->revisions->names = palloc(sizeof(char *) * Max(list_length(names), 1));
	foreach(cell, names)
		expansion->revisions->names[expansion->revisions->count++] = *(char **) lfirst(cell);
	return expansion;
}

CmigExpansion *
cmig_expansion_read(void)
{
	return read_row(cmig_scope_current());
}

List *
cmig_expansion_schemas(void)
{
	static CmigQuery query = {"SELECT scope, schema, revision FROM cmig.expansion_run, unnest(schemas) schema WHERE schema IS NOT NULL ORDER BY 1, 2"};
	List	   *rows = has_table() ? cmig_query_list(&query) : NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		char	  **row = lfirst(cell);

		row[2] = cmig_version_schema_name(row[2], row[1]);
	}
	return rows;
}

CmigNames *
cmig_expansion_patterns(void)
{
	static const char *const forms[] = {
		"column:%s.*.cmig_state", "column:%s.*.cmig_new_*", "constraint:%s.*.cmig_new_*", "foreign key:%s.*.cmig_new_*",
		"index:%s.cmig_new_*", "statistics:%s.cmig_new_*"
	};
	CmigNames  *patterns = palloc(sizeof(CmigNames));
	List	   *rows = cmig_expansion_schemas();
	ListCell   *cell;

	patterns->count = 0;
	patterns->names = palloc(sizeof(char *) * Max(list_length(rows), 1) * (1 + lengthof(forms)));
	foreach(cell, rows)
	{
		char	  **row = lfirst(cell);

		patterns->names[patterns->count++] = psprintf("schema:%s", row[2]);
		for (int i = 0; i < lengthof(forms); i++)
			patterns->names[patterns->count++] = psprintf(forms[i], cmig_pattern_hide_dots(row[1]));
	}
	return patterns;
}

List *
cmig_expansion_relations(const CmigExpansion *expansion, bool filled)
{
	static CmigQuery query = {
		"SELECT relation FROM cmig.expansion_step WHERE scope = $1 AND relation <> '' AND (phase = 'fill' OR NOT $2)"
		" GROUP BY relation ORDER BY relation COLLATE \"C\"", 2, {TEXTOID, BOOLOID}
	};
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, cmig_query_list(&query, expansion->scope, filled))
		names = lappend(names, *(char **) lfirst(cell));
	return names;
}

void
cmig_expansion_forget(void)
{
	static CmigQuery steps = {"DELETE FROM cmig.expansion_step WHERE scope = $1", 1, {TEXTOID}};
	static CmigQuery run = {"DELETE FROM cmig.expansion_run WHERE scope = $1", 1, {TEXTOID}};

	if (!has_table())
		return;
	cmig_query_do(&steps, cmig_scope_current());
	cmig_query_do(&run, cmig_scope_current());
}

void
cmig_expansion_keep(const char *revision)
{
	static CmigQuery query = {"SELECT scope FROM cmig.expansion_run WHERE $1 = ANY (revisions) ORDER BY 1 LIMIT 1", 1, {TEXTOID}};
	char	   *scope = has_table() ? cmig_query_value(&query, revision) : NULL;

	if (scope != NULL)
		cmig_expansion_refuse(read_row(scope), "the scripts of its revisions must not change");
}

void
cmig_expansion_refuse(const CmigExpansion *expansion, const char *what)
{
	const char *scope = expansion->scope;
	const char *set = scope[0] ? psprintf("SET cmig.scope = %s; ", quote_literal_cstr(scope)) : "";

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" is expanded%s, so %s", expansion->revision,
					scope[0] ? psprintf(" in scope \"%s\"", scope) : "", what),
			 errdetail("Its state is %s.", expansion->state),
			 strcmp(expansion->state, "expanding") == 0 ?
			 errhint("To go on: %sCALL cmig.expand(%s), then CALL cmig.contract(). To undo it: %sCALL cmig.abandon()",
					 set, quote_literal_cstr(expansion->revision), set) :
			 strcmp(expansion->state, "abandoning") == 0 ? errhint("%sCALL cmig.abandon()", set) :
			 errhint("To complete it: %sCALL cmig.contract(). To undo it: %sCALL cmig.abandon()", set, set)));
}
