/*
 * lint_indexes.c
 *	  cmig.lint rules about indexes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_catalog.h"
#include "lint/lint_fix.h"
#include "lint/lint_objects.h"
#include "lint/lint_rules.h"
#include "lint/lint_source.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "parse/statement.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"

/* Does CREATE INDEX IF NOT EXISTS name an index that already exists? */
static bool
index_exists(CmigLint *lint, IndexStmt *index)
{
	RangeVar	name = *index->relation;

	if (!index->if_not_exists || index->idxname == NULL)
		return false;
	name.relname = index->idxname;
	name.schemaname = (char *) lint->target->schema;
	return cmig_lint_state_find(lint, &name, true) != NULL;
}

/* Returns the name that PostgreSQL chooses for an unnamed index. */
static char *
chosen_name(const IndexStmt *index, const char *table)
{
	StringInfoData columns;
	ListCell   *lc;

	initStringInfo(&columns);
	foreach(lc, list_concat_copy(index->indexParams, index->indexIncludingParams))
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		const char *name = element->name ? element->name : FigureIndexColname(element->expr);

		appendStringInfo(&columns, "%s%s", columns.len > 0 ? "_" : "", name ? name : "expr");
	}
	return makeObjectName(table, columns.data, "idx");
}

/*
 * Returns a fix for a partitioned table: statements that create an index on the
 * parent with ON ONLY, create an index on each partition, and attach these
 * indexes.  Returns NULL if a partition is not an ordinary table.
 */
static char *
all_partitions_fix(CmigLint *lint, const IndexStmt *index)
{
	const char *unique = index->unique ? "UNIQUE " : "";
	char	   *name = index->idxname ? index->idxname : chosen_name(index, lint->target->name);
	const char *definition = cmig_lint_source_behind_name(lint->statement->text, index->relation->location);
	StringInfoData fix;
	ListCell   *lc;

	initStringInfo(&fix);
	appendStringInfo(&fix, CMIG_LINT_STEPWISE "CREATE %sINDEX %s ON ONLY %s%s", unique, quote_identifier(name),
					 cmig_lint_text_qualified(lint->target), definition);
	foreach(lc, cmig_lint_catalog_partitions(lint->target->oid))
	{
		CmigLintTable *partition = cmig_lint_state_find_oid(lint, lfirst_oid(lc));
		char	   *part;

		if (partition == NULL || partition->kind != RELKIND_RELATION)
			return NULL;
		part = chosen_name(index, partition->name);
		appendStringInfo(&fix, ";\nCREATE %sINDEX CONCURRENTLY %s ON %s%s", unique, quote_identifier(part),
						 cmig_lint_text_qualified(partition), definition);
		appendStringInfo(&fix, ";\nALTER INDEX %s ATTACH PARTITION %s",
						 quote_qualified_identifier(lint->target->schema, name),
						 quote_qualified_identifier(partition->schema, part));
	}
	return fix.data;
}

/*
 * Returns a fix for a partitioned table.  If the partitions are unknown or are
 * not all ordinary tables, the fix contains instructions instead of SQL for the
 * partitions.
 */
static char *
partitioned_index_fix(CmigLint *lint, const IndexStmt *index)
{
	char	   *fix = OidIsValid(lint->target->oid) && lint->target->origin == CMIG_LINT_LIVE ?
	all_partitions_fix(lint, index) : NULL;

	if (fix)
		return fix;
	return psprintf(CMIG_LINT_STEPWISE
					"-- then the same with CREATE INDEX CONCURRENTLY on each partition,\n"
					"-- and ALTER INDEX ... ATTACH PARTITION for each of these indexes\n%s",
					cmig_lint_source_insert(lint->statement->text, "on", "ONLY"));
}

/* Implements the rule require-concurrent-index-creation. */
static void
check_creation(CmigLint *lint, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;
	CmigLintTable *table = lint->target;
	char	   *fix;

	if (index->concurrent || !cmig_lint_model_is_large_itself(table) || index_exists(lint, index))
		return;
	if (table->kind == RELKIND_PARTITIONED_TABLE)
	{
		if (!index->relation->inh)
			return;
		fix = partitioned_index_fix(lint, index);
	}
	else
		fix = psprintf(CMIG_LINT_STEPWISE "%s",
					   cmig_lint_source_insert(lint->statement->text, "index", "CONCURRENTLY"));
	cmig_lint_report(lint, fix, "CREATE INDEX blocks writes to %s while the index is built",
					 cmig_lint_text_table(table));
}

/*
 * Returns a fix with one DROP INDEX CONCURRENTLY per index, because the command
 * accepts only one index.
 */
static char *
deletion_fix(DropStmt *drop)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, CMIG_LINT_STEPWISE);
	foreach(lc, drop->objects)
	{
		appendStringInfo(&text, "%sDROP INDEX CONCURRENTLY %s%s", lc == list_head(drop->objects) ? "" : ";\n",
						 drop->missing_ok ? "IF EXISTS " : "", NameListToQuotedString(lfirst(lc)));
	}
	return text.data;
}

/* Implements the rule require-concurrent-index-deletion. */
static void
check_deletion(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	ListCell   *lc;

	if (drop->removeType != OBJECT_INDEX || drop->concurrent)
		return;
	foreach(lc, drop->objects)
	{
		CmigLintTable *index = cmig_lint_state_find_names(lint, lfirst(lc), drop->missing_ok);

		if (!cmig_lint_model_is_shared(index) || index->kind == RELKIND_PARTITIONED_INDEX ||
			(index->index_of && !cmig_lint_model_is_shared(index->index_of)))
			continue;
		cmig_lint_report(lint, deletion_fix(drop), "DROP INDEX locks %s against reads and writes",
						 index->index_of ? cmig_lint_text_table(index->index_of) : "its table");
		return;
	}
}

/*
 * Is any table in the schema large?  If "schema" is NULL, all schemas are
 * searched.
 */
static bool
has_large_table(CmigLint *lint, const char *schema)
{
	ListCell   *lc;
	Oid			oid = schema ? get_namespace_oid(schema, true) : InvalidOid;

	if (!lint->reads_facts || (schema && !OidIsValid(oid)))
		return true;
	foreach(lc, cmig_lint_catalog_tables_in(oid))
	{
		if (cmig_lint_model_is_large(cmig_lint_state_find_oid(lint, lfirst_oid(lc))))
			return true;
	}
	return false;
}

/* Returns the statement with CONCURRENTLY inserted after the given word. */
static char *
reindex_fix(CmigLint *lint, const char *word)
{
	return psprintf(CMIG_LINT_STEPWISE "%s", cmig_lint_source_insert(lint->statement->text, word, "CONCURRENTLY"));
}

static void
check_reindex_many(CmigLint *lint, ReindexStmt *reindex)
{
	bool		is_schema = reindex->kind == REINDEX_OBJECT_SCHEMA;

	if (reindex->kind == REINDEX_OBJECT_SYSTEM)
		return;
	if (is_schema && cmig_lint_objects_is_new_schema(lint, reindex->name))
		return;
	if (has_large_table(lint, is_schema ? reindex->name : NULL))
		cmig_lint_report(lint, reindex_fix(lint, is_schema ? "schema" : "database"),
						 "REINDEX blocks writes to each table while its indexes are rebuilt");
}

/* Implements the rule require-concurrent-reindex. */
static void
check_reindex(CmigLint *lint, Node *node)
{
	ReindexStmt *reindex = (ReindexStmt *) node;
	CmigLintTable *table;

	if (cmig_statement_option(reindex->params, "concurrently", false))
		return;
	if (reindex->relation == NULL)
	{
		check_reindex_many(lint, reindex);
		return;
	}
	table = cmig_lint_state_find(lint, reindex->relation, false);
	if (table && table->index_of)
		table = table->index_of;
	if (!cmig_lint_model_is_large(table))
		return;
	cmig_lint_report(lint, reindex_fix(lint, reindex->kind == REINDEX_OBJECT_INDEX ? "index" : "table"),
					 "REINDEX blocks writes to %s, and reads that would use the index, while indexes are rebuilt",
					 cmig_lint_text_table(table));
}

/* Implements the rule index-with-many-columns. */
static void
check_many_columns(CmigLint *lint, Node *node)
{
	IndexStmt  *index = (IndexStmt *) node;

	if (index->unique || list_length(index->indexParams) <= 3 || lint->target == NULL ||
		lint->target->temporary || index_exists(lint, index))
		return;
	cmig_lint_report(lint, NULL, "the index has %d columns of %s; a non-unique index with more than three columns seldom helps",
					 list_length(index->indexParams), cmig_lint_text_name(lint->target));
}

const CmigLintRule cmig_lint_indexes[] = {
	{"require-concurrent-index-creation", CMIG_LINT_ERROR, false, check_creation, {T_IndexStmt}},
	{"require-concurrent-index-deletion", CMIG_LINT_WARNING, false, check_deletion, {T_DropStmt}},
	{"require-concurrent-reindex", CMIG_LINT_ERROR, false, check_reindex, {T_ReindexStmt}},
	{"index-with-many-columns", CMIG_LINT_NOTICE, false, check_many_columns, {T_IndexStmt}},
	{NULL}
};
