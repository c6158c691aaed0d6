/*
 * scope_tree.h
 *	  Prepares the parse trees of expressions and queries in the system
 *	  catalogs for hashing.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_TREE_H
#define CMIG_SCOPE_TREE_H

#include "scope/scope_name.h"

/*
 * Append a parse tree (pg_node_tree) to a buffer that will be hashed.  The
 * OIDs of objects in the schema are replaced by hashes of their names, and
 * positions in the original statement are left out.
 */
extern void cmig_scope_tree_append(StringInfo buf, const CmigScopeNames *names, const char *tree);

#endif							/* CMIG_SCOPE_TREE_H */
