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
#include "store/store.h"

char *
cmig_version_schema_name(const char *revision, const char *schema)
{
	return makeObjectName(schema, revision, NULL);
}

char *
cmig_version_hidden_name(const char *name)
{
	/* long names may differ in what would be cut off only */
	if (strlen(name) + strlen(CMIG_HIDDEN_PREFIX) >= NAMEDATALEN)
		return makeObjectName("cmig_new", name, psprintf("%08x", hash_bytes((const unsigned char *) name, strlen(name))));
	return makeObjectName("cmig_new", name, NULL);
}

static CmigQuery schemas = {"SELECT unnest(schemas) FROM cmig.expansion_run WHERE revision = $1", 1, {TEXTOID}};

CmigExpansion *
cmig_expansion_read(void)
{
	static CmigQuery query = {"SELECT revision, state, NULL, NULL FROM cmig.expansion_run ORDER BY 1 LIMIT 1"};
	static CmigQuery revisions = {"SELECT unnest(revisions) FROM cmig.expansion_run WHERE revision = $1", 1, {TEXTOID}};
	CmigExpansion *expansion;
	StringInfoData path;
	List	   *names;
	ListCell   *cell;

	/* before ALTER EXTENSION ... UPDATE, there is no such table */
	if (!OidIsValid(get_relname_relid("expansion_run", get_namespace_oid("cmig", false))))
		return NULL;
	expansion = (CmigExpansion *) cmig_query_row(&query);
	if (expansion == NULL)
		return NULL;
	initStringInfo(&path);
	names = cmig_query_list(&schemas, expansion->revision);
	foreach(cell, names)
		appendStringInfo(&path, "%s, ", quote_identifier(cmig_version_schema_name(expansion->revision, *(char **) lfirst(cell))));
	foreach(cell, names)
		appendStringInfo(&path, "%s%s", quote_identifier(*(char **) lfirst(cell)), lnext(names, cell) ? ", " : "");
	expansion->search_path = path.data;
	names = cmig_query_list(&revisions, expansion->revision);
	expansion->revisions = palloc(sizeof(CmigNames));
	expansion->revisions->count = 0;
	expansion->revisions->names = palloc(sizeof(char *) * Max(list_length(names), 1));
	foreach(cell, names)
		expansion->revisions->names[expansion->revisions->count++] = *(char **) lfirst(cell);
	return expansion;
}

CmigNames *
cmig_expansion_patterns(const CmigExpansion *expansion)
{
	static const char *const forms[] = {
		"column:%s.*.cmig_state", "column:%s.*.cmig_new_*", "constraint:%s.*.cmig_new_*", "foreign key:%s.*.cmig_new_*",
		"index:%s.cmig_new_*", "statistics:%s.cmig_new_*"
	};
	CmigNames  *patterns = palloc(sizeof(CmigNames));
	List	   *names = cmig_query_list(&schemas, expansion->revision);
	ListCell   *cell;

	patterns->count = 0;
	patterns->names = palloc(sizeof(char *) * list_length(names) * (1 + lengthof(forms)));
	foreach(cell, names)
	{
		const char *real = *(char **) lfirst(cell);

		patterns->names[patterns->count++] = psprintf("schema:%s", cmig_version_schema_name(expansion->revision, real));
		for (int i = 0; i < lengthof(forms); i++)
			patterns->names[patterns->count++] = psprintf(forms[i], cmig_pattern_hide_dots(real));
	}
	return patterns;
}

List *
cmig_expansion_relations(const CmigExpansion *expansion, bool filled)
{
	static CmigQuery query = {
		"SELECT relation FROM cmig.expansion_step WHERE revision = $1 AND relation <> '' AND (phase = 'fill' OR NOT $2)"
		" GROUP BY relation ORDER BY relation COLLATE \"C\"", 2, {TEXTOID, BOOLOID}
	};
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, cmig_query_list(&query, expansion->revision, filled))
		names = lappend(names, *(char **) lfirst(cell));
	return names;
}

void
cmig_expansion_keep(const char *revision)
{
	const CmigExpansion *expansion = cmig_expansion_read();

	if (expansion != NULL && cmig_graph_lists(expansion->revisions, revision))
		cmig_expansion_refuse(expansion, "the scripts of its revisions must not change");
}

void
cmig_expansion_refuse(const CmigExpansion *expansion, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" is expanded, so %s", expansion->revision, what),
			 errdetail("Its state is %s.", expansion->state),
			 strcmp(expansion->state, "expanding") == 0 ?
			 errhint("To go on: CALL cmig.expand(%s), then CALL cmig.contract(). To undo it: CALL cmig.abandon()",
					 quote_literal_cstr(expansion->revision)) :
			 strcmp(expansion->state, "abandoning") == 0 ? errhint("CALL cmig.abandon()") :
			 errhint("To complete it: CALL cmig.contract(). To undo it: CALL cmig.abandon()")));
}
