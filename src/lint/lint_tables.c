/*
 * lint_tables.c
 *	  Lint: rules about tables, and what Citus does with them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/heap.h"
#include "catalog/partition.h"
#include "catalog/pg_authid.h"
#include "commands/tablespace.h"

#include "lint/internal.h"

/*
 * cmig.lint rules about whole tables, schemas, and databases.
 */

/* Do other sessions use the table, or does dropping it drop one that they use? */
static bool
is_lost(CmigLint *lint, const CmigLintTable *table)
{
	return table != NULL && (cmig_lint_model_is_shared(table) || table->adopts) &&
		cmig_lint_state_exists(lint, table) &&
		(table->kind == RELKIND_RELATION || table->kind == RELKIND_PARTITIONED_TABLE ||
		 table->kind == RELKIND_MATVIEW);
}

/* Returns the first table that is lost with the schema, also if it was moved there, or NULL. */
static CmigLintTable *
lost_with_schema(CmigLint *lint, const char *schema)
{
	CmigLintTable *found = NULL;

	foreach_ptr(CmigLintTable, table, cmig_lint_state_all_in_schema(lint, schema))
	{
		if (is_lost(lint, table) && (found == NULL || strcmp(table->name, found->name) < 0))
			found = table;
	}
	return found;
}

/* Implements the rule ban-drop-table for DROP OWNED. */
static void
check_drop_owned(CmigLint *lint, Node *node)
{
	foreach_node(RoleSpec, spec, ((DropOwnedStmt *) node)->roles)
	{
		Oid			role = lint->reads_facts &&
		spec->roletype != ROLESPEC_PUBLIC ? get_rolespec_oid(spec, true) : InvalidOid;
		ObjectAddress owner = {AuthIdRelationId, role, 0};

		foreach_oid(each,
					OidIsValid(role) ?
					cmig_dropped_locks(&owner,
									   ((DropOwnedStmt *) node)->behavior == DROP_CASCADE) :
					NIL)
		{
			const CmigLintTable *table = cmig_lint_state_find_oid(lint, each);

			if (!is_lost(lint, table) || cmig_role_owner_of(each) != role)
				continue;
			cmig_lint_report(lint, NULL,
							 "DROP OWNED deletes the data of %s and of all other tables of role %s, and breaks clients",
							 cmig_lint_text_table(table),
							 quote_identifier(GetUserNameFromId(role, false)));
			break;
		}
	}
}

/* Implements the rule ban-drop-table. */
static void
check_drop_table(CmigLint *lint, Node *node)
{
	DropStmt   *drop = (DropStmt *) node;
	bool		schemas = drop->removeType == OBJECT_SCHEMA && drop->behavior == DROP_CASCADE;

	foreach_ptr(List, item, schemas || drop->removeType == OBJECT_TABLE ? drop->objects : NIL)
	{
		const char *schema = schemas ? strVal(item) : NULL;
		CmigLintTable *table = schema ? lost_with_schema(lint, schema) :
		cmig_lint_state_find_if(lint, cmig_locks_relation(item), drop->missing_ok);

		if (schema && table)
			cmig_lint_report(lint, NULL,
							 "DROP SCHEMA %s CASCADE deletes the data of %s and of all other tables in the schema, and breaks clients",
							 quote_identifier(schema), cmig_lint_text_table(table));
		else if (schema && !lint->reads_facts &&
				 !cmig_lint_objects_schema_is_new(lint, schema, false))
			cmig_lint_report(lint, NULL,
							 "DROP SCHEMA %s CASCADE deletes the data of all tables in the schema, and breaks clients",
							 quote_identifier(schema));
		else if (!schema && cmig_lint_model_is_shared(table))
			cmig_lint_report(lint, NULL,
							 "DROP TABLE deletes the data of %s and breaks clients that use it; first release a version that does not use it",
							 cmig_lint_text_table(table));
		else if (!schema && is_lost(lint, table))
			cmig_lint_report(lint, NULL,
							 "DROP TABLE deletes the data of tables that existed before and are now partitions or children of %s",
							 cmig_lint_text_name(table));
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
	foreach_ptr(RangeVar, relation, truncate->relations)
	{
		table = cmig_lint_state_find(lint, relation, false);
		if (table && OidIsValid(table->oid))
			tables = lappend_oid(tables, table->oid);
		known &= table == NULL || table->origin != CMIG_LINT_UNKNOWN;
	}
	foreach_oid(each, tables)
		tree = list_concat_unique_oid(tree, cmig_related(CMIG_RELATED_TREE, each));
	foreach(lc, tree ? heap_truncate_find_FKs(tree) : NIL)
	{
		table = cmig_lint_state_find_oid(lint, lfirst_oid(lc));
		if (table)
			names = lappend(names, cmig_lint_text_table(table));
	}
	if (names != NIL)
		cmig_lint_report(lint, NULL, "TRUNCATE CASCADE also empties %s%s, which %s not listed",
						 (char *) linitial(names),
						 list_length(names) > 1 ?
						 psprintf(" and %d other tables", list_length(names) - 1) : "",
						 list_length(names) > 1 ? "are" : "is");
	else if (!known)
		cmig_lint_report(lint, NULL,
						 "TRUNCATE CASCADE also empties unlisted tables that reference the listed ones");
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
						 "SET SCHEMA breaks clients that use %s",
						 cmig_lint_text_table(lint->target));
	else if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_VIEW ||
			 rename->renameType == OBJECT_MATVIEW || rename->renameType == OBJECT_FOREIGN_TABLE)
		cmig_lint_report(lint, rename_fix(lint, lint->target->schema, rename->newname),
						 "RENAME TO %s breaks clients that use %s",
						 quote_identifier(rename->newname),
						 cmig_lint_text_table(lint->target));
}

/* Implements the rule renaming-schema. */
static void
check_rename_schema(CmigLint *lint, Node *node)
{
	RenameStmt *rename = (RenameStmt *) node;

	if (rename->renameType == OBJECT_SCHEMA &&
		!cmig_lint_objects_schema_is_new(lint, rename->subname, false))
		cmig_lint_report(lint, NULL,
						 "RENAME TO %s breaks clients that use schema %s, or have it in search_path",
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

	if (IsA(node, ClusterStmt))
	{
		ClusterStmt *cluster = (ClusterStmt *) node;

		if (cmig_statement_option(cluster->params, "concurrently", false))
			return NULL;
		if (cmig_clustered_compat(cluster) == NULL)
			return cmig_is_repack_compat(cluster) ? "all tables" :
				"all tables that were clustered before";
		table = cmig_lint_state_find(lint, cmig_clustered_compat(cluster), false);
	}
	else
	{
		VacuumStmt *vacuum = (VacuumStmt *) node;

		if (!vacuum->is_vacuumcmd || !cmig_statement_option(vacuum->options, "full", false))
			return NULL;
		if (vacuum->rels == NIL)
			return "all tables";
		foreach_node(VacuumRelation, rel, vacuum->rels)
		{
			table = cmig_lint_state_find(lint, rel->relation, false);
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
			return lint->target->logged &&
				lint->target->origin == CMIG_LINT_LIVE ? NULL : "SET LOGGED";
		case AT_SetUnLogged:
			return lint->target->logged ? "SET UNLOGGED" : NULL;
		case AT_SetAccessMethod:
			return command->name && OidIsValid(lint->target->method) &&
				get_table_am_oid(command->name, true) == lint->target->method ? NULL :
				"SET ACCESS METHOD";
		case AT_SetTableSpace:
			return OidIsValid(lint->target->tablespace) &&
				get_tablespace_oid(command->name, true) == lint->target->tablespace ? NULL :
				"SET TABLESPACE";
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

	if (IsA(node, RefreshMatViewStmt))
	{
		view = refresh->concurrent ||
			refresh->skipData ? NULL : cmig_lint_state_find(lint, refresh->relation, false);
		if (cmig_lint_model_is_large(view))
			cmig_lint_report(lint,
							 psprintf("-- needs a unique index on columns of the view\nREFRESH MATERIALIZED VIEW CONCURRENTLY %s",
									  cmig_lint_text_range_var(refresh->relation)),
							 "REFRESH MATERIALIZED VIEW blocks reads of %s while its query runs",
							 cmig_lint_text_table(view));
	}
	else if (IsA(node, VacuumStmt) || IsA(node, ClusterStmt))
	{
		tables = compacted(lint, node);
		if (tables)
			cmig_lint_report(lint, NULL, "%s rewrites %s under an AccessExclusiveLock",
							 IsA(node, VacuumStmt) ? "VACUUM FULL" :
							 cmig_is_repack_compat((ClusterStmt *) node) ? "REPACK" : "CLUSTER",
							 tables);
	}
	else if (cmig_lint_model_is_large(lint->target) && is_table_or_view(lint->target->kind))
	{
		foreach_node(AlterTableCmd, cmd, ((AlterTableStmt *) node)->cmds)
		{
			const char *why = rewriting_action(lint, cmd);

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
		cmig_lint_report(lint, NULL,
						 "REPACK (CONCURRENTLY) rewrites a table without blocking others");
}

/* Implements the rule prefer-single-alter-table. */
static void
check_single_alter(CmigLint *lint, Node *node)
{
	AlterTableStmt *alter = (AlterTableStmt *) node;
	CmigLintTable *table = lint->target;
	char	   *fix = NULL;

	/* generated files have one action in each statement, for review */
	if (alter->objtype != OBJECT_TABLE || !cmig_lint_model_is_shared(table) ||
		!lint->transactional ||
		(lint->revision && list_length(alter->cmds) == 1 &&
		 alter->relation->schemaname != NULL &&
		 alter->relation->location == strlen("ALTER TABLE ")) ||
		table->in_revision != lint->revision_number || table->altered_at <= lint->altering_since ||
		!cmig_lint_alter_is_combinable(alter))
		return;
	if (table->altered_text)
	{
		CmigLintPiece *first = linitial(cmig_lint_source_actions(lint));

		fix = psprintf("%s, %s", table->altered_text, lint->statement->text + first->from);
	}
	cmig_lint_report(lint, fix,
					 "%s is already altered by statement %d; one ALTER TABLE can do both",
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

	if (cmig_lint_model_is_shared(lint->target) && !lint->target->has_default_partition &&
		!detach->concurrent &&
		cmig_lint_model_is_shared(cmig_lint_state_find(lint, detach->name, false)))
		cmig_lint_report(lint,
						 psprintf(CMIG_LINT_STEPWISE "%s CONCURRENTLY", lint->statement->text),
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

	if (column && !column->not_null && !cmig_lint_model_proves_not_null(partition, name, NULL))
		return false;
	foreach_ptr(CmigLintConstraint, constraint, partition->constraints)
	{
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
	lint->slow = table;
	if (!cmig_lint_model_is_large(table))
		return false;
	cmig_lint_state_load(lint, table);
	if (!OidIsValid(parent->oid))
		return !is_restricted(table, NULL);
	foreach_ptr(char, name, cmig_lint_facts_partition_key(parent->oid))
	{
		if (!is_restricted(table, name))
			return true;
	}
	return false;
}

/* Report that adding a partition scans the parent's default partition. */
static void
report_default(CmigLint *lint, const CmigLintTable *parent, const char *action)
{
	Oid			other = OidIsValid(parent->oid) ? get_default_partition_oid(parent->oid) :
	InvalidOid;
	CmigLintTable *rest = OidIsValid(other) ? cmig_lint_state_find_oid(lint, other) : NULL;

	if (is_scanned(lint, parent, rest))
		cmig_lint_report(lint, NULL,
						 "%s scans the default partition %s under an AccessExclusiveLock; first add a valid CHECK constraint to it that excludes the bounds, and drop the constraint afterward",
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
		cmig_lint_report(lint, NULL,
						 "ATTACH PARTITION scans %s under an AccessExclusiveLock; first add NOT NULL and a valid CHECK constraint that implies the bounds, and drop the constraint afterward",
						 cmig_lint_text_table(partition));
	else
		report_default(lint, lint->target, "ATTACH PARTITION");
}

/* Implements the rule attaching-partition for CREATE TABLE. */
static void
check_new_partition(CmigLint *lint, Node *node)
{
	CreateStmt *create = (CreateStmt *) node;
	CmigLintTable *parent = create->partbound ?
	cmig_lint_state_find(lint, linitial(create->inhRelations), false) : NULL;

	if (parent != NULL)
		report_default(lint, parent, "CREATE TABLE ... PARTITION OF");
}

/*
 * cmig.lint rules about Citus.
 */

#define DISTRIBUTE "create_distributed_table"
#define COPIES(where) "copies the rows of %s " where ", and blocks writes to it meanwhile"
#define MOVES "moves shards to other nodes while the transaction holds its locks; run it outside of revisions, or citus_rebalance_start()"

/*
 * Functions of Citus, and what they do, with %s for the table, which is their
 * first argument, or NULL.  "storage" is how Citus then stores it, as returned
 * by cmig_citus_storage(), without the column, or "" for not at all.
 */
typedef struct CitusFunction
{
	const char *name;
	const char *does;
	const char *storage;
} CitusFunction;

static const CitusFunction functions[] = {
	{DISTRIBUTE, COPIES("to shards"), "h"},
	{"create_distributed_table_concurrently", NULL, "h"},
	{"create_reference_table", COPIES("to all nodes"), "t"},
	{"citus_add_local_table_to_metadata", NULL, "l"},
	{"alter_distributed_table", COPIES("to new shards"), NULL},
	{"undistribute_table", COPIES("to the coordinator"), ""},
	{"alter_table_set_access_method", COPIES("to a new table"), NULL},
	{"citus_schema_distribute",
		"copies the rows of all tables in the schema to shards, and blocks writes to them meanwhile",
	NULL},
	{"citus_schema_undistribute",
	"copies the rows of all tables in the schema to the coordinator, and blocks writes to them meanwhile", NULL},
	{"rebalance_table_shards", MOVES, NULL},
	{"citus_drain_node", MOVES, NULL},
	{"citus_move_shard_placement", MOVES, NULL},
	{"citus_copy_shard_placement", MOVES, NULL},
	{"replicate_table_shards", MOVES, NULL},
	{"isolate_tenant_to_new_shard", COPIES("to new shards"), NULL},
	{"citus_split_shard_by_split_points", MOVES, NULL},
};

/* Returns the description of a called function of Citus, or NULL, and its table. */
static const CitusFunction *
citus_function(CmigLint *lint, const FuncCall *call, CmigLintTable **table)
{
	RangeVar   *name = cmig_locks_constant(cmig_call_argument(call, 0, "table_name"));

	if (list_length(call->funcname) > 1 &&
		strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0)
		return NULL;
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(strVal(llast(call->funcname)), functions[i].name) != 0)
			continue;
		*table = name &&
			(functions[i].storage || strchr(functions[i].does, '%')) ?
			cmig_lint_state_find(lint, name, false) : NULL;
		return &functions[i];
	}
	return NULL;
}

/* The calls in the statement, if they can be calls of functions of Citus. */
static List *
citus_calls(const CmigLint *lint)
{
	return lint->calls && lint->reads_facts && !cmig_citus_is_installed() ? NIL : lint->calls;
}

/* Returns the distribution column that a call of create_distributed_table() names, or NULL. */
static const char *
named_column(const FuncCall *call)
{
	return cmig_lint_expression_constant(cmig_call_argument(call, 1, "distribution_column"));
}

void
cmig_lint_citus_apply(CmigLint *lint)
{
	foreach_ptr(FuncCall, call, citus_calls(lint))
	{
		CmigLintTable *table;
		const CitusFunction *function = citus_function(lint, call, &table);
		const char *column = named_column(call);

		if (function && function->storage && table)
			table->citus = *function->storage == '\0' ? NULL : *function->storage != 'h' ?
				function->storage :
				column ? psprintf("h%s", column) : "s";
	}
}

/* Implements the rule distributing-table. */
static void
check_distribution(CmigLint *lint, Node *node)
{
	foreach_ptr(FuncCall, call, citus_calls(lint))
	{
		CmigLintTable *table;
		const CitusFunction *function = citus_function(lint, call, &table);
		bool		alone = IsA(node, SelectStmt) &&
		list_length(((SelectStmt *) node)->targetList) == 1 &&
		linitial_node(ResTarget, ((SelectStmt *) node)->targetList)->val == (Node *) call;
		char	   *sql = NULL;

		lint->slow = function ? table : NULL;
		if (function == NULL || function->does == NULL ||
			(strchr(function->does, '%') && !cmig_lint_model_is_large(table)))
			continue;
		if (function == functions && alone && named_column(call) &&
			cmig_lint_source_has(lint->statement->text, DISTRIBUTE))
			sql = cmig_lint_source_insert(lint->statement->text, DISTRIBUTE, "_concurrently");
		cmig_lint_report(lint, sql ? psprintf(CMIG_LINT_STEPWISE "%s", sql) : NULL,
						 "%s %s", function->name,
						 psprintf(function->does, table ? cmig_lint_text_table(table) : ""));
	}
}

/* Report a key of a distributed table without its distribution column. */
static void
check_citus_key(CmigLint *lint, const CmigLintTable *table, const char *column, const char *what,
				List *columns)
{
	if (column && !cmig_text_list_has(columns, column))
		cmig_lint_report(lint, NULL,
						 "%s fails on %s, because it does not include the distribution column %s",
						 what, cmig_lint_text_name(table), quote_identifier(column));
}

/* Report a foreign key that Citus does not allow. */
static void
check_citus_reference(CmigLint *lint, const CmigLintTable *table, const char *column,
					  const Constraint *key, const char *own)
{
	CmigLintTable *other = cmig_lint_state_find(lint, key->pktable, true);
	const char *remote = other && other->citus && *other->citus == 'h' ? other->citus + 1 : NULL;
	List	   *columns = cmig_lint_alter_columns(key, column);
	List	   *keys;
	bool		matches = false;

	if (other == NULL || other->origin == CMIG_LINT_UNKNOWN || other == table ||
		(other->citus && *other->citus == 's') ||
		(table->citus && *table->citus == 's'))
		return;
	keys = cmig_lint_model_referenced(lint, other, key);
	for (int i = 0; own && remote && i < Min(list_length(columns), list_length(keys)); i++)
		matches |= strcmp(list_nth(columns, i), own) == 0 && strcmp(list_nth(keys, i), remote) == 0;
	if (own ? !matches && !(other->citus && *other->citus == 't') : remote != NULL)
		cmig_lint_report(lint, NULL,
						 "the foreign key from %s to %s fails: Citus allows those of distributed tables only to reference tables, and with both distribution columns to each other",
						 cmig_lint_text_name(table), cmig_lint_text_name(other));
}

/* Implements the rule unsupported-by-citus. */
static void
check_citus(CmigLint *lint, Node *node)
{
	InsertStmt *insert = (InsertStmt *) node;
	RangeVar   *name = IsA(node, UpdateStmt) ? ((UpdateStmt *) node)->relation :
	IsA(node, InsertStmt) ? insert->relation :
	IsA(node, CreateTrigStmt) ? ((CreateTrigStmt *) node)->relation : NULL;
	CmigLintTable *table = name ? cmig_lint_state_find(lint, name, true) : lint->target;
	const char *column = table && table->citus && *table->citus == 'h' ? table->citus + 1 : NULL;
	const char *unsafe = GetConfigOption("citus.enable_unsafe_triggers", true, false);

	foreach_ptr(FuncCall, call, citus_calls(lint))
	{
		CmigLintTable *other;
		const CitusFunction *function = citus_function(lint, call, &other);

		if (function == NULL || other == NULL ||
			strncmp(function->name, DISTRIBUTE, strlen(DISTRIBUTE)) != 0)
			continue;
		cmig_lint_state_load(lint, other);
		foreach_ptr(CmigLintConstraint, key, other->constraints)
		{
			if (key->type == CONSTRAINT_PRIMARY || key->type == CONSTRAINT_UNIQUE)
				check_citus_key(lint, other, named_column(call),
								psprintf("%s with %s", function->name, quote_identifier(key->name)),
								key->columns);
		}
	}
	foreach_node(ResTarget, each,
				 !column ? NIL : IsA(node, UpdateStmt) ? ((UpdateStmt *) node)->targetList :
				 IsA(node, InsertStmt) &&
				 insert->onConflictClause ? insert->onConflictClause->targetList : NIL)
	{
		if (strcmp(each->name, column) == 0)
			cmig_lint_report(lint, NULL,
							 "the statement fails, because it changes the distribution column %s of %s; delete the rows, and insert them again",
							 quote_identifier(column), cmig_lint_text_name(table));
	}
	if (IsA(node, CreateTrigStmt) && table && table->citus && strchr("ht", *table->citus) &&
		!(unsafe && strcmp(unsafe, "on") == 0))
		cmig_lint_report(lint, NULL,
						 "CREATE TRIGGER fails, because Citus does not run triggers of %s, whose rows are in shards", cmig_lint_text_name(table));
	if (IsA(node, IndexStmt) && table && ((IndexStmt *) node)->unique)
		check_citus_key(lint, table, column, "a unique index",
						cmig_lint_index_columns((IndexStmt *) node));
	foreach_ptr(const CmigLintAdded, added,
				IsA(node, AlterTableStmt) && table ? cmig_lint_added(lint, node) : NIL)
	{
		const Constraint *key = added->constraint;
		const char *own = added->column ? added->column->colname : NULL;
		const char *what = key->contype == CONSTR_PRIMARY ? "PRIMARY KEY" :
		key->contype == CONSTR_UNIQUE ? "UNIQUE" : NULL;

		if (what && key->indexname == NULL)
			check_citus_key(lint, table, column, what, cmig_lint_alter_columns(key, own));
		else if (key->contype == CONSTR_FOREIGN)
			check_citus_reference(lint, table, own, key, column);
	}
}

const CmigLintRule cmig_lint_tables[] = {
	{"ban-drop-table", CMIG_LINT_ERROR, 0, check_drop_table, {T_DropStmt}},
	{"ban-drop-table", CMIG_LINT_ERROR, 0, check_drop_owned, {T_DropOwnedStmt}},
	{"ban-drop-database", CMIG_LINT_ERROR, 0, check_drop_database, {T_DropdbStmt}},
	{"ban-truncate-cascade", CMIG_LINT_ERROR, 0, check_truncate, {T_TruncateStmt}},
	{"renaming-table", CMIG_LINT_WARNING, CMIG_LINT_EXPAND, check_rename,
	{T_RenameStmt, T_AlterObjectSchemaStmt}},
	{"renaming-schema", CMIG_LINT_WARNING, 0, check_rename_schema, {T_RenameStmt}},
	{"rewriting-table", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_REWRITES, check_rewrite,
	{T_AlterTableStmt, T_VacuumStmt, T_ClusterStmt, T_RefreshMatViewStmt}},
	{"prefer-repack", CMIG_LINT_WARNING, 0, check_repack, {T_VacuumStmt, T_ClusterStmt}},
	{"prefer-single-alter-table", CMIG_LINT_NOTICE, 0, check_single_alter, {T_AlterTableStmt}},
	{"require-concurrent-partition-detach", CMIG_LINT_WARNING, 0, NULL, {T_AlterTableStmt},
	AT_DetachPartition, check_detach},
	{"attaching-partition", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FACTS, NULL,
	{T_AlterTableStmt}, AT_AttachPartition, check_attach},
	{"attaching-partition", CMIG_LINT_ERROR, CMIG_LINT_SLOW | CMIG_LINT_FACTS, check_new_partition,
	{T_CreateStmt}},
	{"distributing-table", CMIG_LINT_ERROR, CMIG_LINT_SLOW, check_distribution},
	{"unsupported-by-citus", CMIG_LINT_ERROR, CMIG_LINT_CALLED | CMIG_LINT_FACTS, check_citus},
	{NULL}
};
