/*
 * rls_document.h
 *	  Finds the members of a JSON document that an expression reads.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_DOCUMENT_H
#define CMIG_RLS_DOCUMENT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/* Is the node of type json or jsonb? */
extern bool cmig_rls_document_is(Node *node);

/*
 * Returns the paths (each a List of char *) that an operator, function, or
 * subscript reads from a document, or NIL for any other node.  *column is set
 * to the document.
 */
extern List *cmig_rls_document_paths(Node *node, Node **column);

#endif							/* CMIG_RLS_DOCUMENT_H */
