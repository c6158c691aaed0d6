/*
 * target_constraint.c
 *	  Adds a target's foreign keys without checking rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "shadow/target_constraint.h"

#include "nodes/parsenodes.h"

/* Returns the foreign key that the command adds and validates, or NULL. */
static Constraint *
validated(const AlterTableCmd *command)
{
	Constraint *constraint = (Constraint *) command->def;

	if (command->subtype != AT_AddConstraint || constraint == NULL || !IsA(constraint, Constraint) ||
		constraint->contype != CONSTR_FOREIGN || constraint->skip_validation)
		return NULL;
	return constraint;
}

/* Does the ALTER TABLE add and validate a foreign key? */
static bool
has_validated(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		if (validated(lfirst_node(AlterTableCmd, cell)) != NULL)
			return true;
	}
	return false;
}

Node *
cmig_target_constraint_adapt(Node *statement)
{
	AlterTableStmt *alter = (AlterTableStmt *) statement;
	ListCell   *cell;

	if (!IsA(statement, AlterTableStmt) || !has_validated(alter))
		return statement;
	alter = copyObject(alter);
	foreach(cell, alter->cmds)
	{
		Constraint *constraint = validated(lfirst_node(AlterTableCmd, cell));

		if (constraint == NULL)
			continue;
		constraint->skip_validation = true;
		constraint->initially_valid = true;
	}
	return (Node *) alter;
}
