/*
 * locks.c
 *	  The locks of a statement, from its parse tree.
 *
 * The parse tree shows which relations are named and how they are locked.  The
 * catalogs are not read, so the result has only flags for locks on other
 * relations, such as partitions, indexes, and tables on the other side of
 * foreign keys, and entries for actions whose locks only the catalogs show.
 * planned_locks.c evaluates these.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/tablecmds.h"
#include "tcop/utility.h"
#include "utils/varlena.h"

#include "lint/internal.h"

/* Append an entry for an action on a relation, or on "name". */
static CmigLock *
act(List **locks, CmigLockAction action, const RangeVar *relation, const char *name)
{
	CmigLock   *lock = palloc0(sizeof(CmigLock));

	lock->action = action;
	lock->relation = relation;
	lock->mode = NoLock;
	lock->name = name;
	*locks = lappend(*locks, lock);
	return lock;
}

/*
 * Append a lock on a relation and, according to "with" (CMIG_LOCK_CHILDREN and
 * so on), on other relations.  Returns NULL if "relation" is NULL, because the
 * statement names none.
 */
static CmigLock *
take(List **locks, const RangeVar *relation, LOCKMODE mode, int with)
{
	CmigLock   *lock;

	if (relation == NULL)
		return NULL;
	lock = act(locks, CMIG_LOCK_TAKE, relation, NULL);
	lock->mode = mode;
	lock->with = with;
	return lock;
}

/* Append an entry for a relation that the statement creates, if it has a name. */
static void
create(List **locks, const RangeVar *relation, Node *statement)
{
	if (relation != NULL)
		act(locks, CMIG_LOCK_CREATE, relation, NULL)->object = statement;
}

/* Append an entry for changing or dropping a trigger, rule, or policy. */
static CmigLock *
change_part(List **locks, ObjectType type, const RangeVar *relation, const char *name,
			LOCKMODE mode)
{
	CmigLock   *lock = act(locks, CMIG_LOCK_PART, relation, name);

	lock->type = type;
	lock->mode = mode;
	return lock;
}

RangeVar *
cmig_locks_relation(List *name)
{
	return list_length(name) >= 1 && list_length(name) <= 3 ? makeRangeVarFromNameList(name) : NULL;
}

Node *
cmig_uncast(Node *node)
{
	while (node != NULL && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	return node;
}

RangeVar *
cmig_locks_constant(Node *node)
{
	A_Const    *constant = (A_Const *) cmig_uncast(node);
	List	   *parts;
	List	   *name = NIL;

	if (constant == NULL || !IsA(constant, A_Const) || constant->isnull ||
		!IsA(&constant->val, String) ||
		!SplitIdentifierString(pstrdup(strVal(&constant->val)), '.', &parts))
		return NULL;
	foreach_ptr(char, part, parts)
		name = lappend(name, makeString(part));
	return cmig_locks_relation(name);
}

RangeVar *
cmig_locks_owner(Node *object)
{
	List	   *name = (List *) object;

	return name && IsA(name, List) ?
		cmig_locks_relation(list_copy_head(name, list_length(name) - 1)) : NULL;
}

bool
cmig_is_relation_type(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_FOREIGN_TABLE || type == OBJECT_VIEW ||
		type == OBJECT_MATVIEW || type == OBJECT_SEQUENCE || type == OBJECT_INDEX;
}

static bool
is_part_of_relation(ObjectType type)
{
	return type == OBJECT_TRIGGER || type == OBJECT_RULE || type == OBJECT_POLICY;
}

/*
 * Queries
 */

/* State of a walk over a query. */
typedef struct Walk
{
	List	   *locks;
	List	   *ctes;			/* of char *: names of WITH queries */
	LOCKMODE	mode;			/* lock mode for the relations that are read */
	List	   *chosen;			/* of char *: names in FOR UPDATE OF, or NIL
								 * if the locking clause applies to all
								 * relations */
	int			with;			/* what is locked with each relation */
	bool		planned;		/* see add_query() */
} Walk;

/*
 * Returns the sequence that is named in a call to nextval() or a similar
 * function.  Returns NULL for any other call.
 */
static RangeVar *
called_sequence(const FuncCall *call)
{
	const char *function = strVal(llast(call->funcname));

	if (strcmp(function, "nextval") != 0 && strcmp(function, "currval") != 0 &&
		strcmp(function, "setval") != 0)
		return NULL;
	if (list_length(call->funcname) > 1 &&
		strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0)
		return NULL;
	return call->args == NIL ? NULL : cmig_locks_constant(linitial(call->args));
}

/* raw_expression_tree_walker callback: add the relations that a node uses. */
static bool
walk_node(Node *node, void *arg)
{
	Walk	   *walk = arg;
	Walk		outer = *walk;
	RangeVar  **target = NULL;
	RangeVar   *relation;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			relation = (RangeVar *) node;
			/* FOR UPDATE OF locks only the relations that it lists */
			take(&walk->locks, relation, walk->mode == RowShareLock && walk->chosen != NIL &&
				 !cmig_text_list_has(walk->chosen,
									 relation->alias ? relation->alias->aliasname :
									 relation->relname) ?
				 AccessShareLock : walk->mode, walk->with);
			return false;
		case T_FuncCall:
			if (!walk->planned)
				break;
			relation = called_sequence((FuncCall *) node);
			if (relation != NULL)
				act(&walk->locks, CMIG_LOCK_SEQUENCE, relation, NULL)->mode = RowExclusiveLock;
			else
				act(&walk->locks, CMIG_LOCK_CALL, NULL, NULL)->object = node;
			break;
		case T_LockingClause:
			/* skip a locking clause, whose names refer to relations in FROM */
		case T_IntoClause:
			return false;
		case T_CommonTableExpr:
			walk->ctes = lappend(walk->ctes, ((CommonTableExpr *) node)->ctename);
			break;
		case T_SelectStmt:
			/* FOR UPDATE in the query does not apply to the outer query */
			walk->mode = ((SelectStmt *) node)->lockingClause != NIL ? RowShareLock :
				AccessShareLock;
			walk->chosen = NIL;
			foreach_ptr(const LockingClause, clause, ((SelectStmt *) node)->lockingClause)
			{
				foreach_node(RangeVar, each, clause->lockedRels)
					walk->chosen = lappend(walk->chosen, each->relname);
				if (clause->lockedRels == NIL)
				{
					walk->chosen = NIL;
					break;
				}
			}
			(void) raw_expression_tree_walker(node, walk_node, walk);
			walk->mode = outer.mode;
			walk->chosen = outer.chosen;
			return false;
		case T_InsertStmt:
			target = &((InsertStmt *) node)->relation;
			break;
		case T_UpdateStmt:
			target = &((UpdateStmt *) node)->relation;
			break;
		case T_DeleteStmt:
			target = &((DeleteStmt *) node)->relation;
			break;
		case T_MergeStmt:
			target = &((MergeStmt *) node)->relation;
			break;
		default:
			break;
	}
	if (target == NULL)
		return raw_expression_tree_walker(node, walk_node, walk);

	/*
	 * hide the target from the walker, which would add the target again as a
	 * relation that is read
	 */
	relation = *target;
	take(&walk->locks, relation, RowExclusiveLock,
		 IsA(node, InsertStmt) ? CMIG_LOCK_INSERTED : walk->with)->object = node;
	*target = NULL;
	(void) raw_expression_tree_walker(node, walk_node, walk);
	*target = relation;
	return false;
}

/*
 * Add the relations used in a query or an expression.  "planned" is true if the
 * query will be planned and run.  In that case, child tables and the relations
 * that views read are also locked.
 */
static void
add_query(List **locks, Node *query, bool planned)
{
	Walk		walk = {.mode = AccessShareLock,.planned = planned};

	/*
	 * Skip EXECUTE, DECLARE, and REFRESH MATERIALIZED VIEW, which the walker
	 * does not support.  They can occur inside EXPLAIN and CREATE TABLE AS.
	 */
	if (query && IsA(query, CreateTableAsStmt))
		query = ((CreateTableAsStmt *) query)->query;
	if (query && (IsA(query, ExecuteStmt) || IsA(query, DeclareCursorStmt) ||
				  IsA(query, RefreshMatViewStmt)))
		return;
	if (planned)
		walk.with = CMIG_LOCK_CHILDREN | CMIG_LOCK_VIEWED;
	(void) walk_node(query, &walk);
	foreach_ptr(CmigLock, lock, walk.locks)
	{
		/* leave out the names of WITH queries */
		if (lock->relation == NULL || lock->mode == RowExclusiveLock ||
			lock->relation->schemaname != NULL ||
			!cmig_text_list_has(walk.ctes, lock->relation->relname))
			*locks = lappend(*locks, lock);
	}
}

/*
 * Tables, sequences, and ALTER
 */

/* Add locks on the tables that the foreign keys in a list reference. */
static void
add_foreign_keys(List **locks, List *constraints)
{
	foreach_ptr(Constraint, constraint, constraints)
	{
		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN)
			take(locks, constraint->pktable, ShareRowExclusiveLock, CMIG_LOCK_CHILDREN);
	}
}

static void
add_create_table(List **locks, CreateStmt *table)
{
	foreach_ptr(RangeVar, parent, table->inhRelations)
	{
		if (table->partbound != NULL)
			take(locks, parent, AccessExclusiveLock, CMIG_LOCK_DEFAULT | CMIG_LOCK_REFERENCED |
				 CMIG_LOCK_PARTITIONED | CMIG_LOCK_KEYS)->table_mode = ShareRowExclusiveLock;
		else
			take(locks, parent, ShareUpdateExclusiveLock, 0);
	}
	foreach_ptr(Node, element, table->tableElts)
	{
		if (IsA(element, ColumnDef))
			add_foreign_keys(locks, ((ColumnDef *) element)->constraints);
		else if (IsA(element, TableLikeClause))
			take(locks, ((TableLikeClause *) element)->relation, AccessShareLock, 0);
	}
	add_foreign_keys(locks, table->tableElts);
	add_foreign_keys(locks, table->constraints);
	create(locks, table->relation, (Node *) table);
}

/* Add the lock on the OWNED BY table of CREATE SEQUENCE or ALTER SEQUENCE. */
static void
add_sequence_owner(List **locks, List *options)
{
	foreach_node(DefElem, option, options)
	{
		if (strcmp(option->defname, "owned_by") == 0)
			take(locks, cmig_locks_owner(option->arg), AccessShareLock, 0);
	}
}

/*
 * Add the locks of ADD CONSTRAINT.  Returns the kinds of related relations
 * that are locked together with the table.
 */
static int
add_constraint(List **locks, const RangeVar *relation, Constraint *constraint)
{
	bool		is_index = constraint->contype == CONSTR_UNIQUE ||
	constraint->contype == CONSTR_EXCLUSION;

	add_foreign_keys(locks, list_make1(constraint));
	/* ALTER TABLE renames the index in USING INDEX to the constraint's name */
	if (constraint->indexname != NULL && constraint->conname != NULL &&
		strcmp(constraint->indexname, constraint->conname) != 0)
		take(locks, makeRangeVar(relation->schemaname, constraint->indexname, -1),
			 ShareUpdateExclusiveLock, 0);

	/*
	 * UNIQUE and EXCLUDE build indexes in the partitions, and DEFERRABLE
	 * needs a trigger
	 */
	if (relation->inh && is_index)
		take(locks, relation, constraint->deferrable ? ShareRowExclusiveLock : ShareLock,
			 CMIG_LOCK_PARTITIONS);
	if (CMIG_CONSTRAINT_LOCKS_CHILDREN_COMPAT)
		return CMIG_LOCK_CHILDREN;
	if (constraint->contype == CONSTR_FOREIGN)
		return CMIG_LOCK_PARTITIONS;
	/* a PRIMARY KEY makes the columns of child tables NOT NULL */
	return is_index || constraint->is_no_inherit ? 0 : CMIG_LOCK_CHILDREN;
}

/*
 * Add the locks of an action on relations other than the altered one.  Returns
 * the kinds of related relations (CMIG_LOCK_*) that the action locks together
 * with the altered relation.
 */
static int
add_command(List **locks, const AlterTableStmt *alter, const AlterTableCmd *command)
{
	const RangeVar *relation = alter->relation;
	bool		cascade = command->behavior == DROP_CASCADE;
	const RangeVar *partition;
	const ReplicaIdentityStmt *identity;

	switch (command->subtype)
	{
		case AT_AddColumn:
			add_foreign_keys(locks, castNode(ColumnDef, command->def)->constraints);
			act(locks, CMIG_LOCK_ADD_COLUMN, relation,
				command->name)->column = (ColumnDef *) command->def;
			return CMIG_LOCK_CHILDREN;
		case AT_DropColumn:
			act(locks, CMIG_LOCK_DROP_COLUMN, relation, command->name)->cascade = cascade;
			return CMIG_LOCK_CHILDREN;
		case AT_DropConstraint:
			act(locks, CMIG_LOCK_DROP_CONSTRAINT, relation, command->name)->cascade = cascade;
			return CMIG_LOCK_CHILDREN;
		case AT_AlterColumnType:
			act(locks, CMIG_LOCK_RETYPE, relation,
				command->name)->column = (ColumnDef *) command->def;
			return CMIG_LOCK_CHILDREN;
		case AT_ValidateConstraint:
			act(locks, CMIG_LOCK_VALIDATE, relation, command->name);
			return CMIG_LOCK_CHILDREN;
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_AlterConstraint:
			return CMIG_LOCK_CHILDREN;
		case AT_AddConstraint:
			return add_constraint(locks, relation, castNode(Constraint, command->def));
		case AT_SetIdentity:
		case AT_DropIdentity:
			act(locks, CMIG_LOCK_IDENTITY, relation, command->name)->mode =
				command->subtype == AT_SetIdentity ? ShareRowExclusiveLock : AccessExclusiveLock;
			return 0;
		case AT_SetAccessMethod:
			act(locks, CMIG_LOCK_ACCESS_METHOD, relation, command->name);
			return 0;
		case AT_ChangeOwner:
		case AT_SetLogged:
		case AT_SetUnLogged:
			return CMIG_LOCK_SEQUENCES | CMIG_LOCK_INDEXES;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			if (relation->inh)
				change_part(locks, OBJECT_TRIGGER, relation, command->name, ShareRowExclusiveLock);
			return 0;
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			return CMIG_LOCK_PARTITIONS;
		case AT_ClusterOn:
			take(locks, makeRangeVar(relation->schemaname, command->name, -1),
				 ShareUpdateExclusiveLock, 0);
			return 0;
		case AT_ReplicaIdentity:
			identity = castNode(ReplicaIdentityStmt, command->def);
			if (identity->identity_type == REPLICA_IDENTITY_INDEX)
				take(locks, makeRangeVar(relation->schemaname, identity->name, -1), ShareLock, 0);
			return 0;
		case AT_AddInherit:
			take(locks, (RangeVar *) command->def, ShareUpdateExclusiveLock, 0);
			return 0;
		case AT_DropInherit:
			take(locks, (RangeVar *) command->def, AccessShareLock, 0);
			return 0;
		case AT_AttachPartition:
			partition = castNode(PartitionCmd, command->def)->name;
			if (alter->objtype == OBJECT_INDEX)
			{
				take(locks, partition, AccessExclusiveLock,
					 CMIG_LOCK_TABLE)->table_mode = AccessShareLock;
				return CMIG_LOCK_TABLE;
			}
			take(locks, partition, AccessExclusiveLock, CMIG_LOCK_CHILDREN);
			return CMIG_LOCK_DEFAULT | CMIG_LOCK_PARTITIONED | CMIG_LOCK_REFERENCED |
				CMIG_LOCK_KEYS;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			partition = castNode(PartitionCmd, command->def)->name;
			take(locks, partition, AccessExclusiveLock, CMIG_LOCK_ATTACHED | CMIG_LOCK_REFERENCED |
				 CMIG_LOCK_KEYS)->table_mode = AccessExclusiveLock;
			take(locks, partition, AccessExclusiveLock, CMIG_LOCK_CHILDREN);
			return command->subtype == AT_DetachPartition ? CMIG_LOCK_DEFAULT_ONLY : 0;
		default:
			return 0;
	}
}

/*
 * Add the locks of a statement with ALTER TABLE actions: ALTER TABLE, ALTER
 * INDEX, ALTER VIEW, and so on.
 */
static void
add_alter(List **locks, const AlterTableStmt *alter)
{
	CmigLock   *lock = take(locks, alter->relation, AlterTableGetLockLevel(alter->cmds), 0);

	foreach_node(AlterTableCmd, command, alter->cmds)
	{
		lock->with |= add_command(locks, alter, command);
		if (alter->objtype == OBJECT_TYPE && command->behavior == DROP_CASCADE)
			lock->with |= CMIG_LOCK_TYPED;
	}
	lock->table_mode = lock->with & CMIG_LOCK_TABLE ? AccessShareLock : ShareRowExclusiveLock;
	/* with ONLY, the children are not locked */
	if (!alter->relation->inh)
		lock->with &= ~(CMIG_LOCK_CHILDREN | CMIG_LOCK_PARTITIONS);
}

/*
 * Other statements
 */

static void
add_drop(List **locks, const DropStmt *drop)
{
	foreach_ptr(Node, object, drop->objects)
	{
		CmigLock   *lock;

		if (is_part_of_relation(drop->removeType))
		{
			RangeVar   *relation = cmig_locks_owner(object);

			if (relation != NULL)
				change_part(locks, drop->removeType, relation, strVal(llast((List *) object)),
							AccessExclusiveLock)->missing_ok = drop->missing_ok;
			continue;
		}
		lock = act(locks, CMIG_LOCK_DROP, NULL, NULL);
		lock->mode = drop->concurrent || drop->removeType == OBJECT_STATISTIC_EXT ?
			ShareUpdateExclusiveLock : AccessExclusiveLock;
		lock->type = drop->removeType;
		lock->object = object;
		lock->cascade = drop->behavior == DROP_CASCADE;
		if (cmig_is_relation_type(drop->removeType))
			lock->relation = cmig_locks_relation((List *) object);
		if (drop->removeType == OBJECT_TABLE || drop->removeType == OBJECT_FOREIGN_TABLE)
			lock->with = CMIG_LOCK_PARENT;
	}
}

/* Add the locks of DROP OWNED or REASSIGN OWNED. */
static void
add_owned(List **locks, CmigLockAction action, List *roles, DropBehavior behavior, int with)
{
	CmigLock   *lock = act(locks, action, NULL, NULL);

	lock->mode = AccessExclusiveLock;
	lock->object = (Node *) roles;
	lock->cascade = behavior == DROP_CASCADE;
	lock->with = with;
}

static void
add_rename(List **locks, const RenameStmt *rename)
{
	if (rename->relation == NULL)
		return;
	switch (rename->renameType)
	{
		case OBJECT_TABCONSTRAINT:
			act(locks, CMIG_LOCK_RENAME_CONSTRAINT, rename->relation,
				rename->subname)->mode = ShareUpdateExclusiveLock;
			pg_fallthrough;
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			take(locks, rename->relation, AccessExclusiveLock,
				 (rename->relation->inh ? CMIG_LOCK_CHILDREN : 0) |
				 (rename->behavior == DROP_CASCADE ? CMIG_LOCK_TYPED : 0));
			break;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			change_part(locks, rename->renameType, rename->relation, rename->subname,
						AccessExclusiveLock);
			break;
		default:
			if (!cmig_is_relation_type(rename->renameType))
				break;
			take(locks, rename->relation,
				 rename->renameType == OBJECT_INDEX ? ShareUpdateExclusiveLock :
				 AccessExclusiveLock, 0);
			act(locks, CMIG_LOCK_RENAME, rename->relation, rename->newname);
	}
}

/* Add the locks of COMMENT, SECURITY LABEL, or ALTER EXTENSION ... ADD. */
static void
add_comment(List **locks, ObjectType type, Node *object)
{
	if (cmig_is_relation_type(type))
		take(locks, cmig_locks_relation((List *) object), ShareUpdateExclusiveLock, 0);
	else if (type == OBJECT_COLUMN)
		take(locks, cmig_locks_owner(object), ShareUpdateExclusiveLock, 0);
	else if (type == OBJECT_TABCONSTRAINT || is_part_of_relation(type))
		take(locks, cmig_locks_owner(object), AccessShareLock, 0);
}

static void
add_vacuum(List **locks, const VacuumStmt *vacuum)
{
	LOCKMODE	mode = vacuum->is_vacuumcmd &&
	cmig_statement_option(vacuum->options, "full", false) ?
	AccessExclusiveLock : ShareUpdateExclusiveLock;

	if (vacuum->rels == NIL)
		act(locks, CMIG_LOCK_UNKNOWN, NULL,
			vacuum->is_vacuumcmd ? "VACUUM of all tables" : "ANALYZE of all tables");
	foreach_node(VacuumRelation, rel, vacuum->rels)
	{
		const RangeVar *relation = rel->relation;

		take(locks, relation, mode, !CMIG_VACUUM_PROCESSES_CHILDREN_COMPAT ? CMIG_LOCK_PARTITIONS :
			 relation->inh ? CMIG_LOCK_CHILDREN : 0);
		/* ANALYZE also reads child tables */
		if (!vacuum->is_vacuumcmd || cmig_statement_option(vacuum->options, "analyze", false))
			take(locks, relation, AccessShareLock, CMIG_LOCK_CHILDREN);
	}
}

static void
add_reindex(List **locks, const ReindexStmt *reindex)
{
	bool		concurrent = cmig_statement_option(reindex->params, "concurrently", false);
	LOCKMODE	mode = concurrent ? ShareUpdateExclusiveLock : ShareLock;

	if (reindex->kind == REINDEX_OBJECT_TABLE)
		take(locks, reindex->relation, mode,
			 CMIG_LOCK_PARTITIONS | (concurrent ? 0 : CMIG_LOCK_STORED));
	else if (reindex->kind == REINDEX_OBJECT_INDEX)
		take(locks, reindex->relation, concurrent ? mode : AccessExclusiveLock,
			 CMIG_LOCK_TABLE)->table_mode = mode;
	else
		act(locks, CMIG_LOCK_UNKNOWN, NULL,
			reindex->kind == REINDEX_OBJECT_SCHEMA ? "REINDEX SCHEMA" :
			reindex->kind == REINDEX_OBJECT_SYSTEM ? "REINDEX SYSTEM" : "REINDEX DATABASE");
}

/* Add locks on the tables listed in a publication. */
static void
add_publication(List **locks, List *objects)
{
	foreach_node(PublicationObjSpec, object, objects)
	{
		if (object->pubobjtype == PUBLICATIONOBJ_TABLE)
			take(locks, object->pubtable->relation, ShareUpdateExclusiveLock,
				 object->pubtable->relation->inh ? CMIG_LOCK_INHERITED : 0);
	}
}

/*
 * Add the locks of the statements in CREATE SCHEMA.  These statements create
 * objects in the new schema.
 */
static void
add_create_schema(List **locks, const CreateSchemaStmt *schema)
{
	if (schema->schemaname != NULL)
		act(locks, CMIG_LOCK_CREATE_SCHEMA, NULL, schema->schemaname);
	foreach_ptr(Node, node, schema->schemaElts)
	{
		List	   *element = cmig_statement_locks(node);

		foreach_ptr(CmigLock, entry, element)
		{
			if (entry->action == CMIG_LOCK_CREATE && entry->relation->schemaname == NULL)
			{
				RangeVar   *created = copyObject(unconstify(RangeVar *, entry->relation));

				created->schemaname = schema->schemaname;
				entry->relation = created;
			}
		}
		*locks = list_concat(*locks, element);
	}
}

/* Add the locks of statements about whole tables, and of those that run code. */
static void
add_maintenance(List **locks, Node *statement)
{
	const TruncateStmt *truncate = (TruncateStmt *) statement;
	const RefreshMatViewStmt *refresh = (RefreshMatViewStmt *) statement;
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_RefreshMatViewStmt:
			take(locks, refresh->relation,
				 refresh->concurrent ? ExclusiveLock : AccessExclusiveLock,
				 (refresh->skipData ? 0 : CMIG_LOCK_VIEWED) |
				 (refresh->concurrent ? 0 : CMIG_LOCK_STORED));
			break;
		case T_TruncateStmt:
			foreach(lc, truncate->relations)
				take(locks, lfirst(lc), AccessExclusiveLock, CMIG_LOCK_STORED |
					 (lfirst_node(RangeVar, lc)->inh ? CMIG_LOCK_CHILDREN : 0) |
					 (truncate->restart_seqs ? CMIG_LOCK_SEQUENCES : 0) |
					 (truncate->behavior == DROP_CASCADE ? CMIG_LOCK_REFERENCING : 0));
			break;
		case T_DropOwnedStmt:
			add_owned(locks, CMIG_LOCK_DROP_OWNED, ((DropOwnedStmt *) statement)->roles,
					  ((DropOwnedStmt *) statement)->behavior, 0);
			break;
		case T_ReassignOwnedStmt:
			add_owned(locks, CMIG_LOCK_REASSIGN_OWNED, ((ReassignOwnedStmt *) statement)->roles,
					  DROP_RESTRICT,
					  CMIG_LOCK_SEQUENCES | CMIG_LOCK_INDEXES);
			break;
		case T_VacuumStmt:
			add_vacuum(locks, (VacuumStmt *) statement);
			break;
		case T_ReindexStmt:
			add_reindex(locks, (ReindexStmt *) statement);
			break;
		case T_ClusterStmt:
			if (take(locks, cmig_clustered_compat((ClusterStmt *) statement), AccessExclusiveLock,
					 CMIG_LOCK_STORED) == NULL)
				act(locks, CMIG_LOCK_UNKNOWN, NULL, "CLUSTER of all tables");
			break;
		case T_LockStmt:
			foreach(lc, ((LockStmt *) statement)->relations)
				take(locks, lfirst(lc), ((LockStmt *) statement)->mode,
					 CMIG_LOCK_VIEWED | (lfirst_node(RangeVar, lc)->inh ? CMIG_LOCK_CHILDREN : 0));
			break;
		case T_CallStmt:
			act(locks, CMIG_LOCK_CALL, NULL,
				"CALL")->object = (Node *) ((CallStmt *) statement)->funccall;
			break;
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_AlterExtensionStmt:
			act(locks, CMIG_LOCK_UNKNOWN, NULL, CreateCommandName(statement));
			break;
		default:
			break;
	}
}

/* Add the locks of statements about parts of tables. */
static void
add_other(List **locks, Node *statement)
{
	union
	{
		AlterDomainStmt *domain;
		CreatePolicyStmt *policy;
		AlterPolicyStmt *altered_policy;
		CreateStatsStmt *statistics;
		AlterPublicationStmt *publication;
		CopyStmt   *copy;
		GrantStmt  *grant;
		AlterObjectSchemaStmt *move;
	}			of = {(void *) statement};
	CmigLock   *lock;

	switch (nodeTag(statement))
	{
		case T_AlterDomainStmt:
			/* if the command checks existing values */
			if (strchr("COV", of.domain->subtype) == NULL ||
				(of.domain->subtype == 'C' && ((Constraint *) of.domain->def)->skip_validation))
				break;
			lock = act(locks, CMIG_LOCK_DOMAIN, NULL, NULL);
			lock->mode = ShareLock;
			lock->type = OBJECT_DOMAIN;
			lock->object = (Node *) makeTypeNameFromNameList(of.domain->typeName);
			break;
		case T_CreatePolicyStmt:
			add_query(locks, of.policy->qual, false);
			add_query(locks, of.policy->with_check, false);
			break;
		case T_RuleStmt:
			/* its actions are analyzed, and with them the locks are taken */
			foreach_ptr(Node, action, ((RuleStmt *) statement)->actions)
			{
				if (!IsA(action, NotifyStmt))
					add_query(locks, action, false);
			}
			add_query(locks, ((RuleStmt *) statement)->whereClause, false);
			break;
		case T_AlterPolicyStmt:
			add_query(locks, of.altered_policy->qual, false);
			add_query(locks, of.altered_policy->with_check, false);
			break;
		case T_CreateStatsStmt:
			/* PostgreSQL rejects anything but a relation name */
			if (IsA(linitial(of.statistics->relations), RangeVar))
				take(locks, linitial(of.statistics->relations), ShareUpdateExclusiveLock, 0);
			break;
		case T_AlterPublicationStmt:
			add_publication(locks, of.publication->pubobjects);
			/* SET also locks the tables that are removed */
			if (of.publication->pubobjects != NIL && of.publication->action == AP_SetObjects)
				act(locks, CMIG_LOCK_PUBLICATION, NULL,
					of.publication->pubname)->mode = ShareUpdateExclusiveLock;
			break;
		case T_CopyStmt:
			take(locks, of.copy->relation, of.copy->is_from ? RowExclusiveLock : AccessShareLock,
				 of.copy->is_from ? CMIG_LOCK_INSERTED : 0);
			add_query(locks, of.copy->query, true);
			break;
		case T_GrantStmt:
			if (CMIG_GRANT_LOCKS_COMPAT && of.grant->targtype == ACL_TARGET_OBJECT &&
				(of.grant->objtype == OBJECT_TABLE || of.grant->objtype == OBJECT_SEQUENCE))
				foreach_ptr(RangeVar, name, of.grant->objects)
					take(locks, name, AccessShareLock, 0);
			break;
		case T_AlterObjectSchemaStmt:
			if (of.move->relation == NULL || !cmig_is_relation_type(of.move->objectType))
				break;
			take(locks, of.move->relation, AccessExclusiveLock, CMIG_LOCK_SEQUENCES);
			act(locks, CMIG_LOCK_RENAME, of.move->relation, of.move->newschema)->to_schema = true;
			break;
		default:
			add_maintenance(locks, statement);
	}
}

List *
cmig_statement_locks(Node *statement)
{
	List	   *result = NIL;
	List	  **locks = &result;
	union
	{
		IndexStmt  *index;
		CreateTableAsStmt *table_as;
		CreateSeqStmt *sequence;
		AlterSeqStmt *altered_sequence;
		ViewStmt   *view;
		CreateTrigStmt *trigger;
		AlterExtensionContentsStmt *member;
	}			of = {(void *) statement};
	CmigSubject subject = {0};

	if (cmig_statement_subject(statement, &subject) && cmig_statement_lock(statement) != NoLock)
		take(locks, (RangeVar *) subject.object, cmig_statement_lock(statement), 0);
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			/* CreateForeignTableStmt begins with a CreateStmt */
			add_create_table(locks, (CreateStmt *) statement);
			break;
		case T_IndexStmt:
			take(locks, of.index->relation,
				 of.index->concurrent ? ShareUpdateExclusiveLock : ShareLock,
				 of.index->relation->inh ? CMIG_LOCK_PARTITIONS : 0);
			if (of.index->idxname != NULL)
				create(locks, makeRangeVar(of.index->relation->schemaname, of.index->idxname, -1),
					   statement);
			break;
		case T_AlterTableStmt:
			add_alter(locks, (AlterTableStmt *) statement);
			break;
		case T_CreateTableAsStmt:
			add_query(locks, of.table_as->query, !of.table_as->into->skipData);
			create(locks, of.table_as->into->rel, NULL);
			break;
		case T_CreateSeqStmt:
			add_sequence_owner(locks, of.sequence->options);
			create(locks, of.sequence->sequence, statement);
			break;
		case T_AlterSeqStmt:
			add_sequence_owner(locks, of.altered_sequence->options);
			break;
		case T_ViewStmt:
			add_query(locks, of.view->query, false);
			if (of.view->replace)
				take(locks, of.view->view, AccessExclusiveLock, 0)->missing_ok = true;
			create(locks, of.view->view, statement);
			break;
		case T_SelectStmt:
			if (((SelectStmt *) statement)->intoClause != NULL)
				create(locks, ((SelectStmt *) statement)->intoClause->rel, statement);
			pg_fallthrough;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			add_query(locks, statement, true);
			break;
		case T_ExplainStmt:
		case T_DeclareCursorStmt:
			add_query(locks, cmig_statement_query(statement), true);
			break;
		case T_CreateSchemaStmt:
			add_create_schema(locks, (CreateSchemaStmt *) statement);
			break;
		case T_CreateTrigStmt:
			take(locks, of.trigger->relation, ShareRowExclusiveLock,
				 of.trigger->row ? CMIG_LOCK_PARTITIONS : 0);
			take(locks, of.trigger->constrrel, AccessShareLock, 0);
			break;
		case T_CreatePublicationStmt:
			add_publication(locks, ((CreatePublicationStmt *) statement)->pubobjects);
			break;
		case T_DropStmt:
			add_drop(locks, (DropStmt *) statement);
			break;
		case T_RenameStmt:
			add_rename(locks, (RenameStmt *) statement);
			break;
		case T_CommentStmt:
		case T_SecLabelStmt:
			add_comment(locks, subject.type, subject.object);
			break;
		case T_AlterExtensionContentsStmt:
			add_comment(locks, of.member->objtype, of.member->object);
			break;
		default:
			add_other(locks, statement);
	}
	/* with IF EXISTS, the relation that the statement is about may be missing */
	if (cmig_statement_missing_ok(statement))
		foreach_ptr(CmigLock, lock, result)
			lock->missing_ok |= equal(lock->relation, subject.object);
	return result;
}
