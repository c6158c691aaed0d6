/*
 * alter_locks.c
 *	  Determines the locks of ALTER TABLE and similar statements.
 *
 * AlterTableGetLockLevel() returns the lock mode for the altered table.  This
 * module adds the locks on other relations.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "inspect/alter_locks.h"
#include "inspect/query_locks.h"

#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"

void
cmig_alter_locks_foreign_keys(List **locks, List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN &&
			constraint->pktable != NULL)
			(void) cmig_query_locks_add(locks, constraint->pktable, ShareRowExclusiveLock,
										CMIG_LOCK_CHILDREN);
	}
}

/* Does the action recurse to child tables by default? */
static bool
is_recursive(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_DropColumn:
		case AT_DropConstraint:
		case AT_AlterColumnType:
		case AT_ValidateConstraint:
		case AT_AlterConstraint:
			return true;
		default:
			return false;
	}
}

/*
 * If the action also locks relations that only the catalogs show, record the
 * action.  planned_locks.c later reads the catalogs to find these relations.
 */
static void
add_action(List **locks, const AlterTableStmt *alter, const AlterTableCmd *command)
{
	CmigLockAction action;
	CmigLock   *lock;

	switch (command->subtype)
	{
		case AT_AddColumn:
			action = CMIG_LOCK_ADD_COLUMN;
			break;
		case AT_DropColumn:
			action = CMIG_LOCK_DROP_COLUMN;
			break;
		case AT_DropConstraint:
			action = CMIG_LOCK_DROP_CONSTRAINT;
			break;
		case AT_AlterColumnType:
			action = CMIG_LOCK_RETYPE;
			break;
		case AT_ValidateConstraint:
			action = CMIG_LOCK_VALIDATE;
			break;
		case AT_SetIdentity:
		case AT_DropIdentity:
			action = CMIG_LOCK_IDENTITY;
			break;
		case AT_SetAccessMethod:
			action = CMIG_LOCK_ACCESS_METHOD;
			break;
		default:
			return;
	}
	lock = cmig_query_locks_add(locks, alter->relation, NoLock, 0);
	lock->action = action;
	lock->name = command->name;
	if (action == CMIG_LOCK_IDENTITY)
		lock->mode = command->subtype == AT_SetIdentity ? ShareRowExclusiveLock : AccessExclusiveLock;
	lock->cascade = command->behavior == DROP_CASCADE;
	if (action == CMIG_LOCK_ADD_COLUMN)
		lock->column = castNode(ColumnDef, command->def);
	if (action == CMIG_LOCK_RETYPE)
	{
		lock->new_type = ((ColumnDef *) command->def)->typeName;
		lock->converts = ((ColumnDef *) command->def)->raw_default != NULL;
	}
}

/* Add a lock on one of the table's indexes, given the index's name. */
static void
add_index(List **locks, const AlterTableStmt *alter, char *name, LOCKMODE mode)
{
	(void) cmig_query_locks_add(locks, makeRangeVar(alter->relation->schemaname, name, -1), mode, 0);
}

/*
 * If the index in a USING INDEX clause does not have the same name as the
 * constraint, add a lock on the index, because ALTER TABLE renames it.
 */
static void
add_constraint_index(List **locks, const AlterTableStmt *alter, const Constraint *constraint)
{
	if (constraint->indexname != NULL && constraint->conname != NULL &&
		strcmp(constraint->indexname, constraint->conname) != 0)
		add_index(locks, alter, constraint->indexname, ShareUpdateExclusiveLock);
}

/*
 * Add locks on the partitions in which a new UNIQUE or EXCLUDE constraint
 * builds indexes.
 */
static void
add_partition_indexes(List **locks, const AlterTableStmt *alter, const Constraint *constraint)
{
	if (alter->relation->inh &&
		(constraint->contype == CONSTR_UNIQUE || constraint->contype == CONSTR_EXCLUSION))
		(void) cmig_query_locks_add(locks, alter->relation, ShareLock, CMIG_LOCK_PARTITIONS);
}

CmigLock *
cmig_alter_locks_part(List **locks, ObjectType type, const RangeVar *relation, const char *name, LOCKMODE mode)
{
	CmigLock   *lock = cmig_query_locks_add(locks, relation, mode, 0);

	lock->action = CMIG_LOCK_PART;
	lock->type = type;
	lock->name = name;
	return lock;
}

/* Add the locks on a partition that is detached, and on related tables. */
static void
add_detached(List **locks, const RangeVar *partition)
{
	cmig_query_locks_add(locks, partition, AccessExclusiveLock,
						 CMIG_LOCK_ATTACHED | CMIG_LOCK_REFERENCED | CMIG_LOCK_KEYS)->table_mode = AccessExclusiveLock;
	(void) cmig_query_locks_add(locks, partition, AccessExclusiveLock, CMIG_LOCK_CHILDREN);
}

/* Extend a lock on an index to include AccessShareLock on the index's table. */
static void
read_table(CmigLock *lock)
{
	lock->with |= CMIG_LOCK_TABLE;
	lock->table_mode = AccessShareLock;
}

/* Add locks on the relations that are named in an action. */
static void
add_named(List **locks, const AlterTableStmt *alter, const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
			cmig_alter_locks_foreign_keys(locks, castNode(ColumnDef, command->def)->constraints);
			break;
		case AT_AddConstraint:
			cmig_alter_locks_foreign_keys(locks, list_make1(command->def));
			add_constraint_index(locks, alter, castNode(Constraint, command->def));
			add_partition_indexes(locks, alter, castNode(Constraint, command->def));
			break;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			if (alter->relation->inh)
				cmig_alter_locks_part(locks, OBJECT_TRIGGER, alter->relation, command->name, ShareRowExclusiveLock);
			break;
		case AT_ClusterOn:
			add_index(locks, alter, command->name, ShareUpdateExclusiveLock);
			break;
		case AT_ReplicaIdentity:
			if (castNode(ReplicaIdentityStmt, command->def)->identity_type == REPLICA_IDENTITY_INDEX)
				add_index(locks, alter, castNode(ReplicaIdentityStmt, command->def)->name, ShareLock);
			break;
		case AT_AddInherit:
			(void) cmig_query_locks_add(locks, (RangeVar *) command->def, ShareUpdateExclusiveLock, 0);
			break;
		case AT_DropInherit:
			(void) cmig_query_locks_add(locks, (RangeVar *) command->def, AccessShareLock, 0);
			break;
		case AT_AttachPartition:
			if (alter->objtype == OBJECT_INDEX)
				read_table(cmig_query_locks_add(locks, castNode(PartitionCmd, command->def)->name,
												AccessExclusiveLock, 0));
			else
				(void) cmig_query_locks_add(locks, castNode(PartitionCmd, command->def)->name,
											AccessExclusiveLock, CMIG_LOCK_CHILDREN);
			break;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			add_detached(locks, castNode(PartitionCmd, command->def)->name);
			break;
		default:
			break;
	}
}

/*
 * Returns the kinds of related relations (CMIG_LOCK_*) that a new constraint
 * locks together with its table.  A PRIMARY KEY also locks child tables,
 * because it makes their columns NOT NULL.
 */
static int
constraint_reach(const Constraint *constraint)
{
	if (CMIG_CONSTRAINT_LOCKS_CHILDREN_COMPAT)
		return CMIG_LOCK_CHILDREN;
	switch (constraint->contype)
	{
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			return 0;
		case CONSTR_FOREIGN:
			return CMIG_LOCK_PARTITIONS;
		default:
			return constraint->is_no_inherit ? 0 : CMIG_LOCK_CHILDREN;
	}
}

/*
 * Returns the kinds of related relations (CMIG_LOCK_*) that the action locks
 * together with the altered table.
 */
static int
reach(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_ChangeOwner:
		case AT_SetLogged:
		case AT_SetUnLogged:
			return CMIG_LOCK_SEQUENCES | CMIG_LOCK_INDEXES;
		case AT_AttachPartition:
			return CMIG_LOCK_DEFAULT | CMIG_LOCK_PARTITIONED | CMIG_LOCK_REFERENCED | CMIG_LOCK_KEYS;
		case AT_DetachPartition:
			return CMIG_LOCK_DEFAULT;
		case AT_AddConstraint:
			return constraint_reach(castNode(Constraint, command->def));
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			return CMIG_LOCK_PARTITIONS;
		default:
			return is_recursive(command) ? CMIG_LOCK_CHILDREN : 0;
	}
}

void
cmig_alter_locks(List **locks, const AlterTableStmt *alter)
{
	CmigLock   *lock = cmig_query_locks_add(locks, alter->relation,
											AlterTableGetLockLevel(alter->cmds), 0);
	ListCell   *lc;

	lock->table_mode = ShareRowExclusiveLock;
	foreach(lc, alter->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (alter->objtype == OBJECT_INDEX && command->subtype == AT_AttachPartition)
			read_table(lock);
		else
			lock->with |= reach(command);
		if (alter->objtype == OBJECT_TYPE && command->behavior == DROP_CASCADE)
			lock->with |= CMIG_LOCK_TYPED;
		add_named(locks, alter, command);
		add_action(locks, alter, command);
	}
	/* with ONLY, the children are not locked */
	if (!alter->relation->inh)
		lock->with &= ~(CMIG_LOCK_CHILDREN | CMIG_LOCK_PARTITIONS);
}
