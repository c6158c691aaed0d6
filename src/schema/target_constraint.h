/*
 * target_constraint.h
 *	  Foreign keys in a target's statements: their rows are not checked.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_CONSTRAINT_H
#define CMIG_TARGET_CONSTRAINT_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * The statement, or a copy of it in which ALTER TABLE ... ADD FOREIGN KEY
 * makes a valid constraint without a query that searches the tables for rows
 * that violate it.  Only the schema is compared, and such a query takes more
 * time than the rest of the statement.
 */
extern Node *cmig_target_constraint_adapt(Node *statement);

#endif							/* CMIG_TARGET_CONSTRAINT_H */
