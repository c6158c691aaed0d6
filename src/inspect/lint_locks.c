/*
 * lint_locks.c
 *	  Which locks a statement takes on relations that exist before the plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/lint_facts.h"
#include "inspect/lint_locks.h"
#include "inspect/lint_state.h"
#include "inspect/lint_types.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"

/* The locks found so far. */
typedef struct Search
{
	CmigLint   *lint;
	List	   *locks;
} Search;

/* Add a lock on a relation, or raise the mode of the one that is there. */
static void
add_table(Search *search, CmigLintTable *table, LOCKMODE mode, bool dropped)
{
	CmigLintLock *lock;
	ListCell   *lc;

	if (!cmig_lint_model_is_shared(table))
		return;
	foreach(lc, search->locks)
	{
		lock = lfirst(lc);
		if (lock->table == table)
		{
			lock->mode = Max(lock->mode, mode);
			lock->dropped |= dropped;
			return;
		}
	}
	lock = palloc(sizeof(CmigLintLock));
	lock->table = table;
	lock->mode = mode;
	lock->dropped = dropped;
	search->locks = lappend(search->locks, lock);
}

static void
add(Search *search, const RangeVar *name, bool missing_ok, LOCKMODE mode)
{
	if (name)
		add_table(search, cmig_lint_state_find(search->lint, name, missing_ok), mode, false);
}

/* The same for a name as DROP and COMMENT have it. */
static void
add_names(Search *search, List *names, bool missing_ok, LOCKMODE mode, bool dropped)
{
	if (names != NIL)
		add_table(search, cmig_lint_state_find_names(search->lint, names, missing_ok), mode, dropped);
}

/* Tables that new foreign keys reference. */
static void
add_referenced(Search *search, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *node = lfirst(lc);

		if (IsA(node, ColumnDef))
			add_referenced(search, ((ColumnDef *) node)->constraints);
		else if (IsA(node, Constraint) && ((Constraint *) node)->contype == CONSTR_FOREIGN)
			add(search, ((Constraint *) node)->pktable, false, ShareRowExclusiveLock);
	}
}

static void
add_alter_table(Search *search, AlterTableStmt *alter)
{
	ListCell   *lc;

	if (search->lint->target == NULL)
		return;
	add_table(search, search->lint->target, AlterTableGetLockLevel(alter->cmds), false);
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddColumn || command->subtype == AT_AddConstraint)
			add_referenced(search, list_make1(command->def));
		else if (command->subtype == AT_AttachPartition)
			add(search, ((PartitionCmd *) command->def)->name, false, AccessExclusiveLock);
		else if (command->subtype == AT_DetachPartition)
			add(search, ((PartitionCmd *) command->def)->name, false, AccessExclusiveLock);
	}
}

static void
add_create_table(Search *search, CreateStmt *create)
{
	ListCell   *lc;

	if (create->if_not_exists && cmig_lint_state_find(search->lint, create->relation, true))
		return;
	add_referenced(search, create->tableElts);
	foreach(lc, create->inhRelations)
	{
		add(search, lfirst(lc), false, create->partbound ? AccessExclusiveLock : ShareUpdateExclusiveLock);
	}
}

/* The relations of a schema that is dropped with them. */
static void
add_schema(Search *search, const char *schema)
{
	Oid			oid = search->lint->reads_facts ? get_namespace_oid(schema, true) : InvalidOid;
	ListCell   *lc;

	foreach(lc, OidIsValid(oid) ? cmig_lint_facts_tables_in(oid) : NIL)
	{
		add_table(search, cmig_lint_state_find_oid(search->lint, lfirst_oid(lc)), AccessExclusiveLock, true);
	}
}

static void
add_drop(Search *search, DropStmt *drop)
{
	ListCell   *lc;
	LOCKMODE	mode = drop->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;

	foreach(lc, drop->objects)
	{
		CmigLintTable *index;

		switch (drop->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_SEQUENCE:
				add_names(search, lfirst(lc), drop->missing_ok, mode, true);
				break;
			case OBJECT_INDEX:
				index = cmig_lint_state_find_names(search->lint, lfirst(lc), drop->missing_ok);
				add_table(search, index && index->index_of ? index->index_of : index, mode, false);
				break;
			case OBJECT_TRIGGER:
			case OBJECT_RULE:
			case OBJECT_POLICY:
				add_names(search, list_copy_head(lfirst(lc), list_length(lfirst(lc)) - 1), drop->missing_ok,
						  mode, false);
				break;
			case OBJECT_SCHEMA:
				if (drop->behavior == DROP_CASCADE)
					add_schema(search, strVal(lfirst(lc)));
				break;
			default:
				break;
		}
	}
}

static void
add_rename(Search *search, RenameStmt *rename)
{
	bool		index = rename->renameType == OBJECT_INDEX ||
	(search->lint->target && search->lint->target->index_of);

	if (search->lint->target)
		add_table(search, search->lint->target, index ? ShareUpdateExclusiveLock : AccessExclusiveLock, false);
}

static void
add_comment(Search *search, CommentStmt *comment)
{
	List	   *names = (List *) comment->object;

	switch (comment->objtype)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
			add_names(search, names, false, ShareUpdateExclusiveLock, false);
			break;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			add_names(search, list_copy_head(names, list_length(names) - 1), false,
					  ShareUpdateExclusiveLock, false);
			break;
		default:
			break;
	}
}

/* Has VACUUM the option FULL, REINDEX the option CONCURRENTLY? */
static bool
has_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return defGetBoolean(lfirst(lc));
	}
	return false;
}

static void
add_vacuum(Search *search, VacuumStmt *vacuum)
{
	ListCell   *lc;

	foreach(lc, vacuum->rels)
	{
		add(search, lfirst_node(VacuumRelation, lc)->relation, false,
			has_option(vacuum->options, "full") ? AccessExclusiveLock : ShareUpdateExclusiveLock);
	}
}

static void
add_reindex(Search *search, ReindexStmt *reindex)
{
	CmigLintTable *table;

	if (reindex->relation == NULL)
		return;
	table = cmig_lint_state_find(search->lint, reindex->relation, false);
	if (table && table->index_of)
		table = table->index_of;
	add_table(search, table, has_option(reindex->params, "concurrently") ? ShareUpdateExclusiveLock : ShareLock, false);
}

/* Tables whose columns have the domain. */
static void
add_domain(Search *search, AlterDomainStmt *alter)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;
	ListCell   *lc;

	if (alter->subtype != 'C' && alter->subtype != 'O' && alter->subtype != 'V')
		return;
	if (alter->subtype == 'C' && ((Constraint *) alter->def)->skip_validation)
		return;
	cmig_lint_types_find(search->lint, makeTypeNameFromNameList(alter->typeName), &oid, &typmod, &new_name);
	foreach(lc, OidIsValid(oid) ? cmig_lint_facts_tables_with_type(oid) : NIL)
	{
		add_table(search, cmig_lint_state_find_oid(search->lint, lfirst_oid(lc)), ShareLock, false);
	}
}

static void
add_all(Search *search, List *names, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (IsA(lfirst(lc), RangeVar))
			add(search, lfirst(lc), false, mode);
	}
}

/* Add the locks of a statement. */
static void
add_statement(Search *search, Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			add_alter_table(search, (AlterTableStmt *) node);
			break;
		case T_CreateStmt:
			add_create_table(search, (CreateStmt *) node);
			break;
		case T_IndexStmt:
			add_table(search, search->lint->target,
					  ((IndexStmt *) node)->concurrent ? ShareUpdateExclusiveLock : ShareLock, false);
			break;
		case T_DropStmt:
			add_drop(search, (DropStmt *) node);
			break;
		case T_RenameStmt:
			add_rename(search, (RenameStmt *) node);
			break;
		case T_AlterObjectSchemaStmt:
			add_table(search, search->lint->target, AccessExclusiveLock, false);
			break;
		case T_TruncateStmt:
			add_all(search, ((TruncateStmt *) node)->relations, AccessExclusiveLock);
			break;
		case T_CreateTrigStmt:
			add(search, ((CreateTrigStmt *) node)->relation, false, ShareRowExclusiveLock);
			add(search, ((CreateTrigStmt *) node)->constrrel, false, ShareRowExclusiveLock);
			break;
		case T_CreatePolicyStmt:
			add(search, ((CreatePolicyStmt *) node)->table, false, AccessExclusiveLock);
			break;
		case T_AlterPolicyStmt:
			add(search, ((AlterPolicyStmt *) node)->table, false, AccessExclusiveLock);
			break;
		case T_RuleStmt:
			add(search, ((RuleStmt *) node)->relation, false, AccessExclusiveLock);
			break;
		case T_CreateStatsStmt:
			add_all(search, ((CreateStatsStmt *) node)->relations, ShareUpdateExclusiveLock);
			break;
		case T_ViewStmt:
			if (((ViewStmt *) node)->replace)
				add(search, ((ViewStmt *) node)->view, true, AccessExclusiveLock);
			break;
		case T_RefreshMatViewStmt:
			add(search, ((RefreshMatViewStmt *) node)->relation, false,
				((RefreshMatViewStmt *) node)->concurrent ? ExclusiveLock : AccessExclusiveLock);
			break;
		case T_ClusterStmt:
			add(search, ((ClusterStmt *) node)->relation, false, AccessExclusiveLock);
			break;
		case T_VacuumStmt:
			add_vacuum(search, (VacuumStmt *) node);
			break;
		case T_ReindexStmt:
			add_reindex(search, (ReindexStmt *) node);
			break;
		case T_LockStmt:
			add_all(search, ((LockStmt *) node)->relations, ((LockStmt *) node)->mode);
			break;
		case T_AlterSeqStmt:
			add(search, ((AlterSeqStmt *) node)->sequence, ((AlterSeqStmt *) node)->missing_ok,
				ShareRowExclusiveLock);
			break;
		case T_CommentStmt:
			add_comment(search, (CommentStmt *) node);
			break;
		case T_AlterDomainStmt:
			add_domain(search, (AlterDomainStmt *) node);
			break;
		default:
			break;
	}
}

List *
cmig_lint_locks_of(CmigLint *lint, Node *statement)
{
	Search		search = {lint, NIL};
	List	   *result = NIL;
	ListCell   *lc;

	add_statement(&search, statement);
	foreach(lc, search.locks)
	{
		CmigLintLock *lock = lfirst(lc);

		if (lock->mode >= ShareUpdateExclusiveLock)
			result = lappend(result, lock);
	}
	return result;
}
