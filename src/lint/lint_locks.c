/*
 * lint_locks.c
 *	  Determines a statement's locks on relations that existed before the
 *	  plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/statement_locks.h"
#include "lint/lint_catalog.h"
#include "lint/lint_locks.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"

#include "storage/lock.h"

/*
 * Add a lock on a relation.  If the list already contains such a lock, raises
 * its mode.
 */
static List *
add(List *locks, CmigLintTable *table, LOCKMODE mode, bool dropped)
{
	CmigLintLock *lock;
	ListCell   *lc;

	if (!cmig_lint_model_is_shared(table) || mode < ShareUpdateExclusiveLock)
		return locks;
	foreach(lc, locks)
	{
		lock = lfirst(lc);
		if (lock->table == table)
		{
			lock->mode = Max(lock->mode, mode);
			lock->dropped |= dropped;
			return locks;
		}
	}
	lock = palloc(sizeof(CmigLintLock));
	lock->table = table;
	lock->mode = mode;
	lock->dropped = dropped;
	return lappend(locks, lock);
}

/* Is the statement valid if its relation does not exist, as with IF EXISTS? */
static bool
may_be_missing(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->missing_ok;
		case T_DropStmt:
			return ((DropStmt *) node)->missing_ok;
		case T_RenameStmt:
			return ((RenameStmt *) node)->missing_ok;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->missing_ok;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) node)->missing_ok;
		case T_ViewStmt:
			return true;
		default:
			return false;
	}
}

/* Add locks on the tables that have columns of a domain. */
static List *
add_domain(List *locks, CmigLint *lint, const CmigLock *lock)
{
	Oid			oid;
	int32		typmod;
	const char *new_name;
	ListCell   *lc;

	cmig_lint_types_find(lint, castNode(TypeName, lock->object), &oid, &typmod, &new_name);
	foreach(lc, OidIsValid(oid) ? cmig_lint_catalog_tables_with_type(oid) : NIL)
	{
		locks = add(locks, cmig_lint_state_find_oid(lint, lfirst_oid(lc)), lock->mode, false);
	}
	return locks;
}

List *
cmig_lint_locks_of(CmigLint *lint, Node *statement)
{
	bool		missing_ok = may_be_missing(statement);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, cmig_statement_locks(statement))
	{
		const CmigLock *lock = lfirst(lc);
		CmigLintTable *table;

		if (lock->action == CMIG_LOCK_DOMAIN)
			result = add_domain(result, lint, lock);
		if (lock->relation == NULL || lock->action == CMIG_LOCK_CREATE ||
			lock->action == CMIG_LOCK_UNKNOWN)
			continue;

		/*
		 * If a relation is not found and the lock on it is strong, add an
		 * unknown relation.
		 */
		table = lock->mode < ShareUpdateExclusiveLock ?
			cmig_lint_state_find(lint, lock->relation, true) :
			cmig_lint_state_find_if(lint, lock->relation, missing_ok);
		if (table && table->index_of && (lock->with & CMIG_LOCK_TABLE))
			result = add(result, table->index_of, lock->table_mode, false);
		else
			result = add(result, table, lock->mode, lock->action == CMIG_LOCK_DROP);
	}
	return result;
}
