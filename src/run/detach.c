/*
 * detach.c
 *	  DETACH PARTITION ... CONCURRENTLY in a transaction.
 *
 * The condition of a partition, and the constraints that may imply it, are read
 * with their constant parts evaluated, as the statement itself does that.  In a
 * comparison, a watch sees what they call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"

#include "run/internal.h"

/*
 * Before PostgreSQL 19, DETACH PARTITION ... CONCURRENTLY adds a CHECK constraint
 * with the condition of the partition, unless other constraints imply it, or its
 * rows are chosen by a hash; DETACH PARTITION does not.  Returns the condition if
 * the statement is the former, otherwise NIL.
 */
static List *
detached_condition(const Node *stmt, Oid *partition)
{
	const PartitionCmd *detach = IsA(stmt, AlterTableStmt) ?
	cmig_statement_detach_concurrently((const AlterTableStmt *) stmt) : NULL;
	Oid			parent;
	Relation	table;
	Relation	part;
	List	   *condition = NIL;

	if (detach == NULL || !CMIG_DETACH_ADDS_CHECK_COMPAT)
		return NIL;
	parent = RangeVarGetRelid(((const AlterTableStmt *) stmt)->relation, NoLock, true);
	*partition = RangeVarGetRelid(detach->name, NoLock, true);
	if (!OidIsValid(parent) || !OidIsValid(*partition) || cmig_citus_manages(*partition) ||
		!cmig_owns_compat(RelationRelationId, parent, GetUserId()) ||
		!cmig_owns_compat(RelationRelationId, *partition, GetUserId()))
		return NIL;
	/* as DETACH PARTITION locks them */
	table = try_relation_open(parent, AccessExclusiveLock);
	part = table != NULL ? try_relation_open(*partition, AccessExclusiveLock) : NULL;
	if (part != NULL && part->rd_rel->relispartition && get_partition_parent(*partition, true) == parent &&
		get_partition_strategy(RelationGetPartitionKey(table)) != PARTITION_STRATEGY_HASH)
	{
		condition = (List *) eval_const_expressions(NULL, (Node *) RelationGetPartitionQual(part));
		if (PartConstraintImpliedByRelConstraint(part, condition))
			condition = NIL;
	}
	if (part != NULL)
		relation_close(part, NoLock);
	if (table != NULL)
		relation_close(table, NoLock);
	return condition;
}

int64
cmig_execute_copy(const RawStmt *original, RawStmt *copy, const char *text, DestReceiver *dest)
{
	Oid			partition = InvalidOid;
	List	   *condition = copy != original ? detached_condition(original->stmt, &partition) : NIL;
	int64		rows = cmig_execute_statement(copy, text, dest);

	if (condition != NIL && !get_rel_relispartition(partition))
	{
		AlterTableUtilityContext context = {.queryString = text,.relid = partition};
		AlterTableStmt *alter = makeNode(AlterTableStmt);
		AlterTableCmd *command = makeNode(AlterTableCmd);
		Constraint *check = makeNode(Constraint);

		check->contype = CONSTR_CHECK;
		check->cooked_expr = nodeToString(make_ands_explicit(condition));
		check->initially_valid = true;
		check->skip_validation = true;
		check->location = -1;
		cmig_check_enforced_compat(check);
		command->subtype = AT_AddConstraint;
		command->def = (Node *) check;
		alter->relation = makeRangeVar(get_namespace_name(get_rel_namespace(partition)),
									   get_rel_name(partition), -1);
		alter->cmds = list_make1(command);
		alter->objtype = OBJECT_TABLE;
		AlterTable(alter, AccessExclusiveLock, &context);
		CommandCounterIncrement();
	}
	return rows;
}
