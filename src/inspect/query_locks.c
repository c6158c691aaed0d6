/*
 * query_locks.c
 *	  Finds the relations that a query reads or writes, based on its parse
 *	  tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "inspect/query_locks.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/varlena.h"

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
cmig_query_locks_add_created(List **locks, const RangeVar *relation)
{
	if (relation != NULL)
		cmig_query_locks_add(locks, relation, NoLock, 0)->action = CMIG_LOCK_CREATE;
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

/*
 * Add a relation that is read.  The lock has the query's mode, unless the query
 * has a FOR UPDATE OF list that does not contain the relation.
 */
static void
add_read(Walk *walk, const RangeVar *relation)
{
	const char *name = relation->alias ? relation->alias->aliasname : relation->relname;

	add_used(walk, relation, walk->mode == RowShareLock && walk->chosen != NIL &&
			 !cmig_text_list_has(walk->chosen, name) ? AccessShareLock : walk->mode);
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

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			add_read(walk, (RangeVar *) node);
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
