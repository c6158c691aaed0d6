/*
 * row_change.h
 *	  Statements that may change rows, judged by their parse trees.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROW_CHANGE_H
#define CMIG_ROW_CHANGE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * The command of a statement that changes rows, or may do so in a function or
 * block that it runs; NULL for others.
 */
extern const char *cmig_row_change_command(const RawStmt *raw);

#endif							/* CMIG_ROW_CHANGE_H */
