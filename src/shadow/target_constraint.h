/*
 * target_constraint.h
 *	  Adds a target's foreign keys without checking rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_CONSTRAINT_H
#define CMIG_TARGET_CONSTRAINT_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * If the statement is ALTER TABLE ... ADD FOREIGN KEY, returns a copy that
 * creates a valid constraint without checking the rows.  Otherwise returns the
 * statement itself.  The check is not needed, because only the schema is
 * compared, and takes more time than the rest of the statement.
 */
extern Node *cmig_target_constraint_adapt(Node *statement);

#endif							/* CMIG_TARGET_CONSTRAINT_H */
