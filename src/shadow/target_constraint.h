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
 * Returns the statement, or a copy of it in which ALTER TABLE ... ADD FOREIGN
 * KEY creates a valid constraint without searching the tables for rows that
 * violate it.  Only the schema is compared, and the search takes more time
 * than the rest of the statement.
 */
extern Node *cmig_target_constraint_adapt(Node *statement);

#endif							/* CMIG_TARGET_CONSTRAINT_H */
