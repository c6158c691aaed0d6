/*
 * lint_tables.c
 *	  Lint: rules about tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/heap.h"
#include "catalog/partition.h"
#include "commands/tablespace.h"

#include "plan/lint.h"

/*
 * cmig.lint rules about whole tables, schemas, and databases.
 */

/* Implements the rule ban-drop-table. */
static void
check_drop_table(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	bool		schemas = drop->removeType == OBJECT_SCHEMA && drop->behavior == DROP_CASCADE;
	ListCell   *lc;

	foreach(lc, schemas || drop->removeType == OBJECT_TABLE ? drop->objects : NIL)
	{
		const char *schema = schemas ? strVal(lfirst(lc)) : NULL;
		Oid			oid = schema && lint->reads_facts ? get_namespace_oid(schema, true) : InvalidOid;
		List	   *tables = OidIsValid(oid) ? cmig_lint_catalog_tables_in(oid) : NIL;
		CmigLintTable *table = tables ? cmig_lint_state_find_oid(lint, linitial_oid(tables)) :
		schema ? NULL : cmig_lint_state_find_names(lint, lfirst(lc), drop->missing_ok);

		if (schema && table)
			cmig_lint_report(lint, NULL, "DROP SCHEMA %s CASCADE deletes the data of %s and of all other tables in the schema, and breaks clients",
							 quote_identifier(schema), cmig_lint_text_table(table));
		else if (schema && !lint->reads_facts && !cmig_lint_objects_schema_is_new(lint, schema, false))
			cmig_lint_report(lint, NULL, "DROP SCHEMA %s CASCADE deletes the data of all tables in the schema, and breaks clients",
							 quote_identifier(schema));
		else if (!schema && cmig_lint_model_is_shared(table))
			cmig_lint_report(lint, NULL, "DROP TABLE deletes the data of %s and breaks clients that use it; first release a version that does not use it",
							 cmig_lint_text_table(table));
	}
}

/* Implements the rule ban-drop-database. */
static void
check_drop_database(CmigLint *lint, Node *node)
{
	cmig_lint_report(lint, NULL, "DROP DATABASE deletes everything in %s",
					 quote_identifier(((DropdbStmt *) node)->dbname));
}

/* Implements the rule ban-truncate-cascade. */
static void
check_truncate(CmigLint *lint, Node *node)
{
	TruncateStmt *truncate = (TruncateStmt *) node;
	bool		known = true;
	List	   *tables = NIL;
	List	   *tree = NIL;
	List	   *names = NIL;
	CmigLintTable *table;
	ListCell   *lc;

	if (truncate->behavior != DROP_CASCADE)
		return;
	foreach(lc, truncate->relations)
	{
		table = cmig_lint_state_find(lint, lfirst(lc), false);
		if (table && OidIsValid(table->oid))
			tables = lappend_oid(tables, table->oid);
		known &= table == NULL || table->origin != CMIG_LINT_UNKNOWN;
	}
	foreach(lc, tables)
		tree = list_concat_unique_oid(tree, cmig_related(CMIG_RELATED_TREE, lfirst_oid(lc)));
	foreach(lc, tree ? heap_truncate_find_FKs(tree) : NIL)
	{
		table = cmig_lint_state_find_oid(lint, lfirst_oid(lc));
		if (table)
			names = lappend(names, cmig_lint_text_table(table));
	}
	if (names != NIL)
		cmig_lint_report(lint, NULL, "TRUNCATE CASCADE also empties %s%s, which %s not listed",
						 (char *) linitial(names),
						 list_length(names) > 1 ? psprintf(" and %d other tables", list_length(names) - 1) : "",
						 list_length(names) > 1 ? "are" : "is");
	else if (!known)
		cmig_lint_report(lint, NULL, "TRUNCATE CASCADE also empties unlisted tables that reference the listed ones");
}

/* Do clients refer to this kind of relation, or an unknown one, in queries? */
static bool
is_table_or_view(char kind)
{
	return kind == 0 || kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_VIEW || kind == RELKIND_MATVIEW || kind == RELKIND_FOREIGN_TABLE;
}

/*
 * Returns a fix that renames the relation and creates a view with the old
 * name.  Returns NULL for materialized views and unknown relations.
 */
static char *
rename_fix(CmigLint *lint, const char *new_schema, const char *new_name)
{
	char	   *name = cmig_lint_text_qualified(lint->target);
	char	   *grants;

	if (lint->target->origin == CMIG_LINT_UNKNOWN || lint->target->kind == RELKIND_MATVIEW)
		return NULL;
	grants = cmig_lint_facts_grants(lint->target->oid, name);
	return psprintf("%s;\nCREATE VIEW %s WITH (security_invoker = true) AS SELECT * FROM %s%s%s",
					lint->statement->text, name, quote_qualified_identifier(new_schema, new_name),
					grants ? ";\n" : "", grants ? grants : "");
}

/* Implements the rule renaming-table. */
static void
check_rename(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;
	AlterObjectSchemaStmt *move = (AlterObjectSchemaStmt *) node;

	if (!cmig_lint_model_is_shared(lint->target) || !is_table_or_view(lint->target->kind))
		return;
	if (IsA(node, AlterObjectSchemaStmt))
		cmig_lint_report(lint, rename_fix(lint, move->newschema, lint->target->name),
						 "SET SCHEMA breaks clients that use %s", cmig_lint_text_table(lint->target));
	else if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_VIEW ||
			 rename->renameType == OBJECT_MATVIEW || rename->renameType == OBJECT_FOREIGN_TABLE)
		cmig_lint_report(lint, rename_fix(lint, lint->target->schema, rename->newname),
						 "RENAME TO %s breaks clients that use %s", quote_identifier(rename->newname),
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule renaming-schema. */
static void
check_rename_schema(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;

	if (rename->renameType == OBJECT_SCHEMA && !cmig_lint_objects_schema_is_new(lint, rename->subname, false))
		cmig_lint_report(lint, NULL, "RENAME TO %s breaks clients that use schema %s, or have it in search_path",
						 quote_identifier(rename->newname), quote_identifier(rename->subname));
}

/*
 * Returns a description of what VACUUM FULL or CLUSTER rewrites, for a
 * message: a large table or "all tables".  Returns NULL if no large table is
 * rewritten.
 */
static char *
compacted(CmigLint *lint, Node *node)
{
	CmigLintTable *table = NULL;
	ListCell   *lc;

	if (IsA(node, ClusterStmt))
	{
		ClusterStmt *cluster = (ClusterStmt *) node;

		if (cluster->relation == NULL)
			return "all tables that were clustered before";
		table = cmig_lint_state_find(lint, cluster->relation, false);
	}
	else
	{
		VacuumStmt *vacuum = (VacuumStmt *) node;

		if (!vacuum->is_vacuumcmd || !cmig_statement_option(vacuum->options, "full", false))
			return NULL;
		if (vacuum->rels == NIL)
			return "all tables";
		foreach(lc, vacuum->rels)
		{
			table = cmig_lint_state_find(lint, lfirst_node(VacuumRelation, lc)->relation, false);
			if (cmig_lint_model_is_large(table))
				break;
		}
	}
	lint->slow = table;
	return cmig_lint_model_is_large(table) ? cmig_lint_text_table(table) : NULL;
}

/*
 * If an ALTER TABLE action rewrites the table, returns a phrase that names the
 * action in a message; otherwise, returns NULL.
 */
static const char *
rewriting_action(CmigLint *lint, AlterTableCmd *command)
{
	ColumnDef  *column;

	switch (command->subtype)
	{
		case AT_SetLogged:
			return lint->target->logged && lint->target->origin == CMIG_LINT_LIVE ? NULL : "SET LOGGED";
		case AT_SetUnLogged:
			return lint->target->logged ? "SET UNLOGGED" : NULL;
		case AT_SetAccessMethod:
			return command->name && OidIsValid(lint->target->method) &&
				get_table_am_oid(command->name, true) == lint->target->method ? NULL : "SET ACCESS METHOD";
		case AT_SetTableSpace:
			return OidIsValid(lint->target->tablespace) &&
				get_tablespace_oid(command->name, true) == lint->target->tablespace ? NULL : "SET TABLESPACE";
		case AT_AddColumn:
			column = (ColumnDef *) command->def;
			if (command->missing_ok && cmig_lint_model_column(lint->target, column->colname))
				return NULL;
			return cmig_lint_types_is_constrained_domain(lint, column->typeName) ?
				"a new column of a domain with a constraint" : NULL;
		default:
			return NULL;
	}
}

/* Implements the rule rewriting-table. */
static void
check_rewrite(CmigLint *lint, Node *node)
{
	RefreshMatViewStmt *refresh = (RefreshMatViewStmt *) node;
	CmigLintTable *view;
	char	   *tables;
	ListCell   *lc;

	if (IsA(node, RefreshMatViewStmt))
	{
		view = refresh->concurrent || refresh->skipData ? NULL : cmig_lint_state_find(lint, refresh->relation, false);
		if (cmig_lint_model_is_large(view))
			cmig_lint_report(lint, psprintf("-- needs a unique index on columns of the view\nREFRESH MATERIALIZED VIEW CONCURRENTLY %s",
											cmig_lint_text_range_var(refresh->relation)),
							 "REFRESH MATERIALIZED VIEW blocks reads of %s while its query runs",
							 cmig_lint_text_table(view));
	}
	else if (IsA(node, VacuumStmt) || IsA(node, ClusterStmt))
	{
		tables = compacted(lint, node);
		if (tables)
			cmig_lint_report(lint, NULL, "%s rewrites %s under an AccessExclusiveLock",
							 IsA(node, VacuumStmt) ? "VACUUM FULL" : "CLUSTER", tables);
	}
	else if (cmig_lint_model_is_large(lint->target) && is_table_or_view(lint->target->kind))
	{
		foreach(lc, ((AlterTableStmt *) node)->cmds)
		{
			const char *why = rewriting_action(lint, lfirst_node(AlterTableCmd, lc));

			if (why)
				cmig_lint_report(lint, NULL, "%s rewrites %s under an AccessExclusiveLock", why,
								 cmig_lint_text_table(lint->target));
		}
	}
}

/* Implements the rule prefer-repack. */
static void
check_repack(CmigLint *lint, Node *node)
{
	if (cmig_has_repack_compat && compacted(lint, node))
		cmig_lint_report(lint, NULL, "REPACK (CONCURRENTLY) rewrites a table without blocking others");
}

/* Implements the rule prefer-single-alter-table. */
static void
check_single_alter(CmigLint *lint, Node *node)
{
	AlterTableStmt *alter = (AlterTableStmt *) node;
	CmigLintTable *table = lint->target;
	char	   *fix = NULL;

	if (alter->objtype != OBJECT_TABLE || !cmig_lint_model_is_shared(table) || !lint->transactional ||
		table->in_revision != lint->revision_number || table->altered_at == 0 ||
		!cmig_lint_alter_is_combinable(alter))
		return;
	if (table->altered_text)
	{
		CmigLintPiece *first = linitial(cmig_lint_source_actions(lint));

		fix = psprintf("%s, %s", table->altered_text, lint->statement->text + first->from);
	}
	cmig_lint_report(lint, fix, "%s is already altered by statement %d; one ALTER TABLE can do both",
					 cmig_lint_text_name(table), table->altered_at);
}

/*
 * cmig.lint rules about partitions.
 */

/* Implements the rule require-concurrent-partition-detach. */
static void
check_detach(CmigLint *lint, AlterTableCmd *command, int number)
{
	PartitionCmd *detach = (PartitionCmd *) command->def;

	if (cmig_lint_model_is_shared(lint->target) && !lint->target->has_default_partition && !detach->concurrent &&
		cmig_lint_model_is_shared(cmig_lint_state_find(lint, detach->name, false)))
		cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s CONCURRENTLY", lint->statement->text),
						 "DETACH PARTITION locks %s against reads and writes",
						 cmig_lint_text_table(lint->target));
}

/*
 * Does the table have a valid CHECK constraint on the column, and is the column
 * known to be not null?  If "name" is NULL, any valid CHECK constraint is
 * sufficient.
 */
static bool
is_restricted(const CmigLintTable *partition, const char *name)
{
	CmigLintColumn *column = name ? cmig_lint_model_column(partition, name) : NULL;
	ListCell   *lc;

	if (column && !column->not_null && !cmig_lint_model_proves_not_null(partition, name, NULL))
		return false;
	foreach(lc, partition->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_CHECK && constraint->validated &&
			(name == NULL || cmig_text_list_has(constraint->columns, name)))
			return true;
	}
	return false;
}

/*
 * Would PostgreSQL scan "table" when a partition is added to "parent"?  It does
 * not if CHECK constraints prove the partition bounds.  This function does not
 * check whether the constraints really imply the bounds.
 */
static bool
is_scanned(CmigLint *lint, const CmigLintTable *parent, CmigLintTable *table)
{
	ListCell   *lc;

	lint->slow = table;
	if (!cmig_lint_model_is_large(table))
		return false;
	cmig_lint_state_load(lint, table);
	if (!OidIsValid(parent->oid))
		return !is_restricted(table, NULL);
	foreach(lc, cmig_lint_facts_partition_key(parent->oid))
	{
		if (!is_restricted(table, lfirst(lc)))
			return true;
	}
	return false;
}

/* Report that adding a partition scans the parent's default partition. */
static void
report_default(CmigLint *lint, const CmigLintTable *parent, const char *action)
{
	Oid			other = OidIsValid(parent->oid) ? get_default_partition_oid(parent->oid) : InvalidOid;
	CmigLintTable *rest = OidIsValid(other) ? cmig_lint_state_find_oid(lint, other) : NULL;

	if (is_scanned(lint, parent, rest))
		cmig_lint_report(lint, NULL, "%s scans the default partition %s under an AccessExclusiveLock; first add a valid CHECK constraint to it that excludes the bounds, and drop the constraint afterward",
						 action, cmig_lint_text_table(rest));
}

/* Implements the rule attaching-partition for ALTER TABLE. */
static void
check_attach(CmigLint *lint, AlterTableCmd *command, int number)
{
	PartitionCmd *attach = (PartitionCmd *) command->def;
	CmigLintTable *partition;

	/* without bounds, it is an action of ALTER INDEX */
	if (attach->bound == NULL)
		return;
	partition = cmig_lint_state_find(lint, attach->name, false);
	if (is_scanned(lint, lint->target, partition))
		cmig_lint_report(lint, NULL, "ATTACH PARTITION scans %s under an AccessExclusiveLock; first add NOT NULL and a valid CHECK constraint that implies the bounds, and drop the constraint afterward",
						 cmig_lint_text_table(partition));
	else
		report_default(lint, lint->target, "ATTACH PARTITION");
}

/* Implements the rule attaching-partition for CREATE TABLE. */
static void
check_new_partition(CmigLint *lint, Node *node)
{
	CreateStmt *create = (CreateStmt *) node;
	CmigLintTable *parent = create->partbound ? cmig_lint_state_find(lint, linitial(create->inhRelations), false) : NULL;

	if (parent != NULL)
		report_default(lint, parent, "CREATE TABLE ... PARTITION OF");
}

/*
 * cmig.lint rule about functions of Citus that move the rows of a table.
 */

#define DISTRIBUTE "create_distributed_table"

/*
 * The functions that move the rows of a table, and where they copy the rows.
 * The first argument of each function is the name of the table.
 */
static const struct
{
	const char *name;
	const char *where;
}			functions[] =

{
	{DISTRIBUTE, "to shards"},
	{"create_reference_table", "to all nodes"},
	{"alter_distributed_table", "to new shards"},
	{"undistribute_table", "to the coordinator"},
};

/* Implements the rule distributing-table. */
static void
check_distribution(CmigLint *lint, Node *node)
{
	List	   *targets = ((SelectStmt *) node)->targetList;
	ListCell   *lc;

	foreach(lc, lint->reads_facts && !cmig_citus_is_installed() ? NIL : targets)
	{
		FuncCall   *call = (FuncCall *) lfirst_node(ResTarget, lc)->val;
		const char *function;
		const char *where = NULL;
		char	   *sql = NULL;
		Node	   *column;
		RangeVar   *name;
		CmigLintTable *table;

		if (call == NULL || !IsA(call, FuncCall) ||
			(list_length(call->funcname) > 1 && strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0))
			continue;
		function = strVal(llast(call->funcname));
		for (int i = 0; i < lengthof(functions); i++)
			if (strcmp(function, functions[i].name) == 0)
				where = functions[i].where;
		name = where ? cmig_locks_constant(cmig_call_argument(call, 0, "table_name")) : NULL;
		table = lint->slow = name ? cmig_lint_state_find(lint, name, false) : NULL;
		if (!cmig_lint_model_is_large(table))
			continue;
		column = cmig_call_argument(call, 1, "distribution_column");
		if (strcmp(function, DISTRIBUTE) == 0 && list_length(targets) == 1 &&
			column && IsA(column, A_Const) && !((A_Const *) column)->isnull &&
			cmig_lint_source_has(lint->statement->text, DISTRIBUTE))
			sql = cmig_lint_source_insert(lint->statement->text, DISTRIBUTE, "_concurrently");
		cmig_lint_report(lint, sql ? psprintf(CMIG_LINT_STEPWISE "%s", sql) : NULL,
						 "%s copies the rows of %s %s, and blocks writes to it meanwhile",
						 function, cmig_lint_text_table(table), where);
	}
}

const CmigLintRule cmig_lint_tables[] = {
	{"ban-drop-table", CMIG_LINT_ERROR, 0, check_drop_table, {T_DropStmt}},
	{"ban-drop-database", CMIG_LINT_ERROR, 0, check_drop_database, {T_DropdbStmt}},
	{"ban-truncate-cascade", CMIG_LINT_ERROR, 0, check_truncate, {T_TruncateStmt}},
	{"renaming-table", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, check_rename, {T_RenameStmt, T_AlterObjectSchemaStmt}},
	{"renaming-schema", CMIG_LINT_WARNING, 0, check_rename_schema, {T_RenameStmt}},
	{"rewriting-table", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_REWRITES, check_rewrite,
	{T_AlterTableStmt, T_VacuumStmt, T_ClusterStmt, T_RefreshMatViewStmt}},
	{"prefer-repack", CMIG_LINT_WARNING, 0, check_repack, {T_VacuumStmt, T_ClusterStmt}},
	{"prefer-single-alter-table", CMIG_LINT_NOTICE, 0, check_single_alter, {T_AlterTableStmt}},
	{"require-concurrent-partition-detach", CMIG_LINT_WARNING, 0, NULL, {T_AlterTableStmt}, AT_DetachPartition, check_detach},
	{"attaching-partition", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FACTS, NULL, {T_AlterTableStmt}, AT_AttachPartition, check_attach},
	{"attaching-partition", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FACTS, check_new_partition, {T_CreateStmt}},
	{"distributing-table", CMIG_LINT_ERROR, CMIG_LINT_SLOW, check_distribution, {T_SelectStmt}},
	{NULL}
};
