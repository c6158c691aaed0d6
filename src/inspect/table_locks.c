/*
 * table_locks.c
 *	  Determines which locks a statement about a table, view, or sequence takes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/alter_locks.h"
#include "inspect/query_locks.h"
#include "inspect/table_locks.h"

#include "nodes/makefuncs.h"

/*
 * Add locks on the relations named in foreign keys and LIKE clauses in a table
 * definition.
 */
static void
add_elements(List **locks, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			cmig_alter_locks_foreign_keys(locks, ((ColumnDef *) element)->constraints);
		else if (IsA(element, Constraint))
			cmig_alter_locks_foreign_keys(locks, list_make1(element));
		else if (IsA(element, TableLikeClause))
			cmig_query_locks_add_named(locks, ((TableLikeClause *) element)->relation, AccessShareLock, 0);
	}
}

/* Add the locks of CREATE TABLE or CREATE FOREIGN TABLE. */
static void
add_create_table(List **locks, const CreateStmt *create)
{
	ListCell   *lc;

	foreach(lc, create->inhRelations)
	{
		if (create->partbound != NULL)
			cmig_query_locks_add(locks, lfirst(lc), AccessExclusiveLock,
								 CMIG_LOCK_DEFAULT | CMIG_LOCK_REFERENCED | CMIG_LOCK_PARTITIONED |
								 CMIG_LOCK_KEYS)->table_mode = ShareRowExclusiveLock;
		else
			cmig_query_locks_add_named(locks, lfirst(lc), ShareUpdateExclusiveLock, 0);
	}
	add_elements(locks, create->tableElts);
	add_elements(locks, create->constraints);
	cmig_query_locks_add_created(locks, create->relation);
}

/* Add the locks of CREATE INDEX. */
static void
add_create_index(List **locks, const IndexStmt *index)
{
	RangeVar   *created;

	cmig_query_locks_add_named(locks, index->relation, index->concurrent ? ShareUpdateExclusiveLock : ShareLock,
							   index->relation->inh ? CMIG_LOCK_PARTITIONS : 0);
	if (index->idxname == NULL)
		return;
	created = makeRangeVar(index->relation->schemaname, index->idxname, -1);
	cmig_query_locks_add_created(locks, created);
}

/* Add the locks of CREATE TABLE AS or CREATE MATERIALIZED VIEW. */
static void
add_create_as(List **locks, Node *query, const IntoClause *into)
{
	cmig_query_locks(locks, query, !into->skipData);
	cmig_query_locks_add_created(locks, into->rel);
}

/* Add the locks of REFRESH MATERIALIZED VIEW. */
static void
add_refresh(List **locks, const RefreshMatViewStmt *refresh)
{
	int			with = refresh->skipData ? 0 : CMIG_LOCK_VIEWED;

	if (refresh->concurrent)
		cmig_query_locks_add_named(locks, refresh->relation, ExclusiveLock, with);
	else
		cmig_query_locks_add_named(locks, refresh->relation, AccessExclusiveLock, with | CMIG_LOCK_STORED);
}

/* Add the locks of TRUNCATE. */
static void
add_truncate(List **locks, const TruncateStmt *truncate)
{
	ListCell   *lc;

	foreach(lc, truncate->relations)
	{
		const RangeVar *relation = lfirst(lc);
		int			with = CMIG_LOCK_STORED;

		if (relation->inh)
			with |= CMIG_LOCK_CHILDREN;
		if (truncate->restart_seqs)
			with |= CMIG_LOCK_SEQUENCES;
		if (truncate->behavior == DROP_CASCADE)
			with |= CMIG_LOCK_REFERENCING;
		cmig_query_locks_add_named(locks, relation, AccessExclusiveLock, with);
	}
}

/* Add the lock on the OWNED BY table of CREATE SEQUENCE or ALTER SEQUENCE. */
static void
add_sequence_owner(List **locks, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "owned_by") == 0)
			cmig_query_locks_add_named(locks, cmig_query_locks_owner(option->arg), AccessShareLock, 0);
	}
}

bool
cmig_table_locks(List **locks, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			add_create_table(locks, (CreateStmt *) statement);
			return true;
		case T_CreateForeignTableStmt:
			add_create_table(locks, &((CreateForeignTableStmt *) statement)->base);
			return true;
		case T_IndexStmt:
			add_create_index(locks, (IndexStmt *) statement);
			return true;
		case T_AlterTableStmt:
			cmig_alter_locks(locks, (AlterTableStmt *) statement);
			return true;
		case T_TruncateStmt:
			add_truncate(locks, (TruncateStmt *) statement);
			return true;
		case T_CreateTableAsStmt:
			add_create_as(locks, ((CreateTableAsStmt *) statement)->query,
						  ((CreateTableAsStmt *) statement)->into);
			return true;
		case T_CreateSeqStmt:
			add_sequence_owner(locks, ((CreateSeqStmt *) statement)->options);
			cmig_query_locks_add_created(locks, ((CreateSeqStmt *) statement)->sequence);
			return true;
		case T_AlterSeqStmt:
			cmig_query_locks_add_named(locks, ((AlterSeqStmt *) statement)->sequence, ShareRowExclusiveLock, 0);
			add_sequence_owner(locks, ((AlterSeqStmt *) statement)->options);
			return true;
		case T_ViewStmt:
			cmig_query_locks(locks, ((ViewStmt *) statement)->query, false);
			if (((ViewStmt *) statement)->replace)
				cmig_query_locks_add_named(locks, ((ViewStmt *) statement)->view, AccessExclusiveLock, 0);
			cmig_query_locks_add_created(locks, ((ViewStmt *) statement)->view);
			return true;
		case T_RefreshMatViewStmt:
			add_refresh(locks, (RefreshMatViewStmt *) statement);
			return true;
		default:
			return false;
	}
}
