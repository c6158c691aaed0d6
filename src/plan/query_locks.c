/*
 * query_locks.c
 *	  The locks of queries and of ALTER.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "plan/internal.h"

/* ----------------------------------------------------------------
 * Finds, based on a query's parse tree, the relations that the query reads
 * or writes.
 * ----------------------------------------------------------------
 */

/* State of a walk over a parse tree. */
typedef struct Walk
{
	List	  **locks;
	List	   *before;			/* contents of *locks before the walk */
	List	   *ctes;			/* of char *: names of WITH queries */
	LOCKMODE	mode;			/* lock mode for the relations that are read */
	List	   *chosen;			/* of char *: names in FOR UPDATE OF, or NIL
								 * if the locking clause applies to all
								 * relations */
	bool		planned;
} Walk;

CmigLock *
cmig_query_locks_add(List **locks, const RangeVar *relation, LOCKMODE mode, int with)
{
	CmigLock   *lock = palloc0(sizeof(CmigLock));

	lock->action = CMIG_LOCK_TAKE;
	lock->relation = relation;
	lock->mode = mode;
	lock->with = with;
	*locks = lappend(*locks, lock);
	return lock;
}

void
cmig_query_locks_add_named(List **locks, const RangeVar *relation, LOCKMODE mode, int with)
{
	if (relation != NULL)
		(void) cmig_query_locks_add(locks, relation, mode, with);
}

void
cmig_query_locks_add_created(List **locks, const RangeVar *relation, Node *statement)
{
	CmigLock   *lock;

	if (relation == NULL)
		return;
	lock = cmig_query_locks_add(locks, relation, NoLock, 0);
	lock->action = CMIG_LOCK_CREATE;
	lock->object = statement;
}

RangeVar *
cmig_query_locks_relation(List *name)
{
	return list_length(name) >= 1 && list_length(name) <= 3 ? makeRangeVarFromNameList(name) : NULL;
}

RangeVar *
cmig_query_locks_owner(Node *object)
{
	List	   *name = (List *) object;

	return IsA(name, List) && list_length(name) > 1 ?
		cmig_query_locks_relation(list_copy_head(name, list_length(name) - 1)) : NULL;
}

/* Add a relation that a query uses. */
static void
add_used(Walk *walk, const RangeVar *relation, LOCKMODE mode)
{
	if (relation != NULL)
		(void) cmig_query_locks_add(walk->locks, relation, mode,
									walk->planned ? CMIG_LOCK_CHILDREN | CMIG_LOCK_VIEWED : 0);
}

static bool walk_node(Node *node, void *arg);

/*
 * Returns the names in FOR UPDATE OF.  Returns NIL if a locking clause applies
 * to all relations.
 */
static List *
chosen_names(const List *clauses)
{
	List	   *names = NIL;
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, clauses)
	{
		const LockingClause *clause = lfirst(lc);

		if (clause->lockedRels == NIL)
			return NIL;
		foreach(name, clause->lockedRels)
			names = lappend(names, lfirst_node(RangeVar, name)->relname);
	}
	return names;
}

/* Walk a SELECT.  FOR UPDATE in it does not apply to the outer query. */
static void
walk_select(SelectStmt *select, Walk *walk)
{
	LOCKMODE	mode = walk->mode;
	List	   *chosen = walk->chosen;

	walk->mode = select->lockingClause != NIL ? RowShareLock : AccessShareLock;
	walk->chosen = chosen_names(select->lockingClause);
	(void) raw_expression_tree_walker((Node *) select, walk_node, walk);
	walk->mode = mode;
	walk->chosen = chosen;
}

/*
 * Add the target of a query that writes, and then walk the query's other parts.
 */
static bool
walk_writing(Node *node, RangeVar **target, Walk *walk)
{
	RangeVar   *relation = *target;

	if (IsA(node, InsertStmt))
		cmig_query_locks_add(walk->locks, relation, RowExclusiveLock, CMIG_LOCK_INSERTED);
	else
		add_used(walk, relation, RowExclusiveLock);

	/*
	 * hide the target from the walker, which would add the target again as a
	 * relation that is read
	 */
	*target = NULL;
	(void) raw_expression_tree_walker(node, walk_node, walk);
	*target = relation;
	return false;
}

/*
 * Convert a relation name, which may be qualified and quoted, to a RangeVar.
 * Returns NULL if the string cannot be the name of a relation.
 */
static RangeVar *
named_relation(const char *name)
{
	List	   *parts;
	List	   *names = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || parts == NIL || list_length(parts) > 3)
		return NULL;
	foreach(lc, parts)
		names = lappend(names, makeString(lfirst(lc)));
	return makeRangeVarFromNameList(names);
}

/*
 * Returns the sequence that is named in a call to nextval() or a similar
 * function.  Returns NULL for any other call.
 */
static RangeVar *
called_sequence(const FuncCall *call)
{
	static const char *const names[] = {"nextval", "currval", "setval"};
	Node	   *argument = call->args == NIL ? NULL : linitial(call->args);

	if (list_length(call->funcname) > 1 && strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0)
		return NULL;
	if (argument != NULL && IsA(argument, TypeCast))
		argument = ((TypeCast *) argument)->arg;
	if (argument == NULL || !IsA(argument, A_Const) || ((A_Const *) argument)->isnull ||
		!IsA(&((A_Const *) argument)->val, String))
		return NULL;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(strVal(llast(call->funcname)), names[i]) == 0)
			return named_relation(((A_Const *) argument)->val.sval.sval);
	return NULL;
}

/*
 * Add the sequence that a function call names or, if there is none, the call
 * itself.
 */
static void
add_call(Walk *walk, FuncCall *call)
{
	RangeVar   *sequence = called_sequence(call);
	CmigLock   *lock;

	if (sequence != NULL)
	{
		(void) cmig_query_locks_add(walk->locks, sequence, RowExclusiveLock, 0);
		return;
	}
	lock = cmig_query_locks_add(walk->locks, NULL, NoLock, 0);
	lock->action = CMIG_LOCK_CALL;
	lock->object = (Node *) call;
}

/* raw_expression_tree_walker callback: add the relations that a node uses. */
static bool
walk_node(Node *node, void *arg)
{
	Walk	   *walk = arg;
	RangeVar   *relation;
	bool		chosen;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			relation = (RangeVar *) node;
			/* FOR UPDATE OF locks only the relations that it lists */
			chosen = walk->chosen == NIL ||
				cmig_text_list_has(walk->chosen, relation->alias ? relation->alias->aliasname : relation->relname);
			add_used(walk, relation, walk->mode == RowShareLock && !chosen ? AccessShareLock : walk->mode);
			return false;
		case T_FuncCall:
			if (walk->planned)
				add_call(walk, (FuncCall *) node);
			break;
		case T_LockingClause:
			/* skip a locking clause, whose names refer to relations in FROM */
			return false;
		case T_IntoClause:
			return false;
		case T_CommonTableExpr:
			walk->ctes = lappend(walk->ctes, ((CommonTableExpr *) node)->ctename);
			break;
		case T_SelectStmt:
			walk_select((SelectStmt *) node, walk);
			return false;
		case T_InsertStmt:
			return walk_writing(node, &((InsertStmt *) node)->relation, walk);
		case T_UpdateStmt:
			return walk_writing(node, &((UpdateStmt *) node)->relation, walk);
		case T_DeleteStmt:
			return walk_writing(node, &((DeleteStmt *) node)->relation, walk);
		case T_MergeStmt:
			return walk_writing(node, &((MergeStmt *) node)->relation, walk);
		default:
			break;
	}
	return raw_expression_tree_walker(node, walk_node, arg);
}

/* Is this the name of a WITH query? */
static bool
is_cte(const Walk *walk, const RangeVar *relation)
{
	return relation->schemaname == NULL && cmig_text_list_has(walk->ctes, relation->relname);
}

void
cmig_query_locks(List **locks, Node *query, bool planned)
{
	List	   *found = NIL;
	Walk		walk = {.locks = &found,.mode = AccessShareLock,.planned = planned};
	ListCell   *lc;

	/*
	 * Skip EXECUTE, DECLARE, and REFRESH MATERIALIZED VIEW, which the walker
	 * does not support.  They can occur inside EXPLAIN and CREATE TABLE AS.
	 */
	if (query && IsA(query, CreateTableAsStmt))
		query = ((CreateTableAsStmt *) query)->query;
	if (query && (IsA(query, ExecuteStmt) || IsA(query, DeclareCursorStmt) || IsA(query, RefreshMatViewStmt)))
		return;
	(void) walk_node(query, &walk);
	foreach(lc, found)
	{
		CmigLock   *lock = lfirst(lc);

		if (lock->relation == NULL || lock->mode == RowExclusiveLock || !is_cte(&walk, lock->relation))
			*locks = lappend(*locks, lock);
	}
}

/* ----------------------------------------------------------------
 * Adds the locks that ALTER TABLE and similar statements take.
 *
 * AlterTableGetLockLevel() returns the lock mode for the altered table.  This
 * module adds the locks on other relations.
 * ----------------------------------------------------------------
 */

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

CmigLock *
cmig_alter_locks_part(List **locks, ObjectType type, const RangeVar *relation, const char *name, LOCKMODE mode)
{
	CmigLock   *lock = cmig_query_locks_add(locks, relation, mode, 0);

	lock->action = CMIG_LOCK_PART;
	lock->type = type;
	lock->name = name;
	return lock;
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
	Constraint *constraint;
	RangeVar   *partition;

	switch (command->subtype)
	{
		case AT_AddColumn:
			cmig_alter_locks_foreign_keys(locks, castNode(ColumnDef, command->def)->constraints);
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, command->def);
			cmig_alter_locks_foreign_keys(locks, list_make1(constraint));

			/*
			 * ALTER TABLE renames the index in USING INDEX to the
			 * constraint's name
			 */
			if (constraint->indexname != NULL && constraint->conname != NULL &&
				strcmp(constraint->indexname, constraint->conname) != 0)
				add_index(locks, alter, constraint->indexname, ShareUpdateExclusiveLock);
			/* UNIQUE and EXCLUDE build indexes in the partitions */
			if (alter->relation->inh &&
				(constraint->contype == CONSTR_UNIQUE || constraint->contype == CONSTR_EXCLUSION))
				(void) cmig_query_locks_add(locks, alter->relation, ShareLock, CMIG_LOCK_PARTITIONS);
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
			partition = castNode(PartitionCmd, command->def)->name;
			cmig_query_locks_add(locks, partition, AccessExclusiveLock,
								 CMIG_LOCK_ATTACHED | CMIG_LOCK_REFERENCED | CMIG_LOCK_KEYS)->table_mode = AccessExclusiveLock;
			(void) cmig_query_locks_add(locks, partition, AccessExclusiveLock, CMIG_LOCK_CHILDREN);
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
