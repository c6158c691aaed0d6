/*
 * lint_partitions.c
 *	  cmig.lint rules about partitions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_catalog.h"
#include "lint/lint_fix.h"
#include "lint/lint_rules.h"
#include "lint/lint_state.h"
#include "lint/lint_text.h"

#include "catalog/pg_constraint.h"

/* Implements the rule require-concurrent-partition-detach. */
static void
check_detach(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	if (!cmig_lint_model_is_shared(lint->target) || lint->target->has_default_partition)
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		PartitionCmd *detach = (PartitionCmd *) command->def;
		CmigLintTable *partition;

		if (command->subtype != AT_DetachPartition || detach->concurrent)
			continue;
		partition = cmig_lint_state_find(lint, detach->name, false);
		if (cmig_lint_model_is_shared(partition))
			cmig_lint_report(lint, psprintf(CMIG_LINT_STEPWISE "%s CONCURRENTLY", lint->statement->text),
							 "DETACH PARTITION locks %s against reads and writes",
							 cmig_lint_text_table(lint->target));
	}
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

	if (column && !column->not_null && !cmig_lint_model_proves_not_null(partition, name))
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
 * Might CHECK constraints prove the partition bounds, so that PostgreSQL does
 * not scan the table?  This function does not check whether the constraints
 * really imply the bounds.
 */
static bool
may_be_proven(const CmigLintTable *parent, const CmigLintTable *partition)
{
	ListCell   *lc;

	if (!OidIsValid(parent->oid))
		return is_restricted(partition, NULL);
	foreach(lc, cmig_lint_catalog_partition_key(parent->oid))
	{
		if (!is_restricted(partition, lfirst(lc)))
			return false;
	}
	return true;
}

/* Would PostgreSQL scan "table" when a partition is added to "parent"? */
static bool
is_scanned(CmigLint *lint, const CmigLintTable *parent, CmigLintTable *table)
{
	if (!cmig_lint_model_is_large(table))
		return false;
	cmig_lint_state_load(lint, table);
	return !may_be_proven(parent, table);
}

/* Report that adding a partition scans the parent's default partition. */
static void
report_default(CmigLint *lint, const CmigLintTable *parent, const char *action)
{
	Oid			other = OidIsValid(parent->oid) ? cmig_lint_catalog_default_partition(parent->oid) : InvalidOid;
	CmigLintTable *rest = OidIsValid(other) ? cmig_lint_state_find_oid(lint, other) : NULL;

	if (is_scanned(lint, parent, rest))
		cmig_lint_report(lint, NULL, "%s scans the default partition %s under an AccessExclusiveLock; first add a valid CHECK constraint to it that excludes the bounds, and drop the constraint afterward",
						 action, cmig_lint_text_table(rest));
}

static void
check_attach_action(CmigLint *lint, const PartitionCmd *attach)
{
	CmigLintTable *partition = cmig_lint_state_find(lint, attach->name, false);

	if (is_scanned(lint, lint->target, partition))
		cmig_lint_report(lint, NULL, "ATTACH PARTITION scans %s under an AccessExclusiveLock; first add NOT NULL and a valid CHECK constraint that implies the bounds, and drop the constraint afterward",
						 cmig_lint_text_table(partition));
	else
		report_default(lint, lint->target, "ATTACH PARTITION");
}

/* Implements the rule attaching-partition. */
static void
check_attach(CmigLint *lint, Node *node)
{
	ListCell   *lc;

	if (IsA(node, CreateStmt))
	{
		CreateStmt *create = (CreateStmt *) node;
		CmigLintTable *parent = create->partbound ? cmig_lint_state_find(lint, linitial(create->inhRelations), false) : NULL;

		if (parent != NULL)
			report_default(lint, parent, "CREATE TABLE ... PARTITION OF");
		return;
	}
	if (lint->target == NULL)
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		/*
		 * skip ATTACH PARTITION without bounds, which is an action of ALTER
		 * INDEX
		 */
		if (command->subtype == AT_AttachPartition && ((PartitionCmd *) command->def)->bound)
			check_attach_action(lint, (PartitionCmd *) command->def);
	}
}

const CmigLintRule cmig_lint_partitions[] = {
	{"require-concurrent-partition-detach", CMIG_LINT_WARNING, false, check_detach, {T_AlterTableStmt}},
	{"attaching-partition", CMIG_LINT_ERROR, false, check_attach, {T_AlterTableStmt, T_CreateStmt}},
	{NULL}
};
