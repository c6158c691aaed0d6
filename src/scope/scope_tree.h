/*
 * scope_tree.h
 *	  The text of an expression's or a query's parse tree in a system catalog.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_TREE_H
#define CMIG_SCOPE_TREE_H

#include "scope/scope_name.h"

/*
 * Append a parse tree (pg_node_tree).  The OIDs of the schema's objects are
 * replaced by hashes of their names, and positions in the original statement
 * are left out.
 */
extern void cmig_scope_tree_append(StringInfo buf, const CmigScopeNames *names, const char *tree);

#endif							/* CMIG_SCOPE_TREE_H */
