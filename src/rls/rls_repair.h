/*
 * rls_repair.h
 *	  Repairs known mistakes in policies' expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_REPAIR_H
#define CMIG_RLS_REPAIR_H

#include "nodes/nodes.h"

/*
 * Returns the repaired expression as text: settings are read once per
 * statement, with missing_ok and NULLIF, and IN (SELECT ...) becomes = ANY
 * (ARRAY(SELECT ...)).
 */
extern char *cmig_rls_repair_text(Node *tree, Oid relid);

/* Would cmig_rls_repair_text() change anything? */
extern bool cmig_rls_repair_applies(Node *tree, Oid relid);

/*
 * Returns an OR expression without the branches that do not use the row, as
 * text.  Returns NULL if the expression is not an OR, or if no branches, or
 * all of them, would be left.
 */
extern char *cmig_rls_repair_without_branch(Node *tree, Oid relid);

#endif							/* CMIG_RLS_REPAIR_H */
