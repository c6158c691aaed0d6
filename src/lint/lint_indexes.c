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
#include "lint/lint_session.h"
#include "lint/lint_source.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"
#include "parse/statement.h"
#include "run/running.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
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

/*
 * Returns an unused name for an unnamed index of the table, which PostgreSQL
 * would choose, too.
 */
static char *
chosen_name(CmigLint *lint, const IndexStmt *index, const CmigLintTable *table)
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
	for (int pass = 0;; pass++)
	{
		char	   *label = pass == 0 ? "idx" : psprintf("idx%d", pass);
		char	   *name = makeObjectName(table->name, columns.data, label);

		if (cmig_lint_state_peek(lint, makeRangeVar((char *) table->schema, name, -1)) == NULL)
			return name;
	}
}

/*
 * Append statements that create the index on all partitions of a table and
 * attach these indexes to the table's index, given its qualified name.
 * Subpartitions are included.  Returns false if the partitions are not known,
 * or if one is a foreign table.
 */
static bool
append_partitions(CmigLint *lint, const IndexStmt *index, const CmigLintTable *table, const char *parent,
				  const char *definition, StringInfo fix)
{
	ListCell   *lc;

	if (!OidIsValid(table->oid) || table->repartitioned)
		return false;
	foreach(lc, cmig_lint_catalog_partitions(table->oid))
	{
		CmigLintTable *partition = cmig_lint_state_find_oid(lint, lfirst_oid(lc));
		bool		divided;
		char	   *name;
		char	   *qualified;

		if (cmig_lint_state_is_gone(lint, lfirst_oid(lc)))
			continue;
		divided = partition && partition->kind == RELKIND_PARTITIONED_TABLE;
		if (partition == NULL || (!divided && partition->kind != RELKIND_RELATION))
			return false;
		name = chosen_name(lint, index, partition);
		qualified = quote_qualified_identifier(partition->schema, name);
		appendStringInfo(fix, ";\nCREATE %sINDEX %s%s ON %s%s%s", index->unique ? "UNIQUE " : "",
						 divided ? "" : "CONCURRENTLY ", quote_identifier(name), divided ? "ONLY " : "",
						 cmig_lint_text_qualified(partition), definition);
		if (divided && !append_partitions(lint, index, partition, qualified, definition, fix))
			return false;
		appendStringInfo(fix, ";\nALTER INDEX %s ATTACH PARTITION %s", parent, qualified);
	}
	return true;
}

/*
 * Returns a fix for a partitioned table: statements that create an index on the
 * parent with ON ONLY, create an index on each partition, and attach these
 * indexes.  If that is not possible, the fix contains instructions instead of
 * SQL for the partitions.  "text" is the statement without CONCURRENTLY.
 */
static char *
partitioned_index_fix(CmigLint *lint, const IndexStmt *index, const char *text)
{
	char	   *name = index->idxname ? index->idxname : chosen_name(lint, index, lint->target);
	const char *definition = cmig_lint_source_behind_name(lint->statement->text, index->relation->location);
	StringInfoData fix;

	if (!cmig_lint_model_is_large_itself(lint->target) || !index->relation->inh)
		return pstrdup(text);
	initStringInfo(&fix);
	appendStringInfo(&fix, CMIG_LINT_STEPWISE "CREATE %sINDEX %s ON ONLY %s%s", index->unique ? "UNIQUE " : "",
					 quote_identifier(name), cmig_lint_text_qualified(lint->target), definition);
	if (append_partitions(lint, index, lint->target, quote_qualified_identifier(lint->target->schema, name),
						  definition, &fix))
		return fix.data;
	return psprintf(CMIG_LINT_STEPWISE
					"-- then the same with CREATE INDEX CONCURRENTLY on each partition,\n"
					"-- and ALTER INDEX ... ATTACH PARTITION for each of these indexes\n%s",
					cmig_lint_source_insert(text, "on", "ONLY"));
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
		fix = partitioned_index_fix(lint, index, lint->statement->text);
	}
	else
		fix = psprintf(CMIG_LINT_STEPWISE "%s",
					   cmig_lint_source_insert(lint->statement->text, "index", "CONCURRENTLY"));
	cmig_lint_report(lint, fix, "CREATE INDEX blocks writes to %s while the index is built",
					 cmig_lint_text_table(table));
}

/*
 * Returns a fix with one DROP INDEX CONCURRENTLY per index, because the command
 * accepts only one index, and none that is partitioned.
 */
static char *
deletion_fix(CmigLint *lint, DropStmt *drop)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, CMIG_LINT_STEPWISE);
	foreach(lc, drop->objects)
	{
		CmigLintTable *index = cmig_lint_state_find_names(lint, lfirst(lc), true);

		appendStringInfo(&text, "%sDROP INDEX %s%s%s", lc == list_head(drop->objects) ? "" : ";\n",
						 index && index->kind == RELKIND_PARTITIONED_INDEX ? "" : "CONCURRENTLY ",
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
		cmig_lint_report(lint, deletion_fix(lint, drop), "DROP INDEX locks %s against reads and writes",
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

CmigLintTable *
cmig_lint_indexes_refuse_concurrently(CmigLint *lint, Node *node)
{
	CmigLintTable *table = lint->target;

	if (!cmig_running_concurrent_ddl())
		return NULL;
	if (IsA(node, IndexStmt) && ((IndexStmt *) node)->concurrent)
		return table && table->kind == RELKIND_PARTITIONED_TABLE ? table : NULL;
	if (IsA(node, DropStmt) && ((DropStmt *) node)->concurrent)
	{
		table = cmig_lint_state_find_names(lint, linitial(((DropStmt *) node)->objects), true);
		return table && table->kind == RELKIND_PARTITIONED_INDEX && !table->temporary ? table : NULL;
	}
	if (IsA(node, AlterTableStmt) && table && OidIsValid(table->oid) && table->has_default_partition &&
		!table->repartitioned && !cmig_lint_state_is_gone(lint, cmig_lint_catalog_default_partition(table->oid)))
	{
		AlterTableCmd *command = linitial_node(AlterTableCmd, ((AlterTableStmt *) node)->cmds);

		return command->subtype == AT_DetachPartition && ((PartitionCmd *) command->def)->concurrent ? table : NULL;
	}
	return NULL;
}

/* Implements the rule ban-concurrently-on-partitioned-table. */
static void
check_partitioned(CmigLint *lint, Node *node)
{
	CmigLintTable *table = cmig_lint_indexes_refuse_concurrently(lint, node);
	char	   *plain;

	if (table == NULL)
		return;
	plain = cmig_lint_source_remove(lint->statement->text, "concurrently");
	if (IsA(node, IndexStmt))
	{
		cmig_lint_report(lint, partitioned_index_fix(lint, (IndexStmt *) node, plain),
						 "CREATE INDEX CONCURRENTLY fails because %s is partitioned", cmig_lint_text_name(table));
		return;
	}
	if (!cmig_lint_session_has_timeout(lint, CMIG_LINT_LOCK_TIMEOUT))
		plain = psprintf("SET lock_timeout = '2s';\n%s", plain);
	cmig_lint_report(lint, plain, IsA(node, DropStmt) ? "DROP INDEX CONCURRENTLY fails because %s is partitioned" :
					 "DETACH PARTITION ... CONCURRENTLY fails because %s has a default partition",
					 cmig_lint_text_name(table));
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
	{"ban-concurrently-on-partitioned-table", CMIG_LINT_ERROR, false, check_partitioned, {T_IndexStmt, T_DropStmt, T_AlterTableStmt}},
	{"require-concurrent-reindex", CMIG_LINT_ERROR, false, check_reindex, {T_ReindexStmt}},
	{"index-with-many-columns", CMIG_LINT_NOTICE, false, check_many_columns, {T_IndexStmt}},
	{NULL}
};
