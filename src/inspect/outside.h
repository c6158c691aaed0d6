/*
 * outside.h
 *	  Statements and functions whose effects a rollback does not undo.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OUTSIDE_H
#define CMIG_OUTSIDE_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * Why a utility statement cannot be rolled back, as a phrase; NULL if it can.
 * Cursors that were opened before the subtransaction since belong to the caller.
 */
extern const char *cmig_outside_of_statement(Node *statement, SubTransactionId since);

/* The same for a function that is about to be called. */
extern const char *cmig_outside_of_function(Oid function);

#endif							/* CMIG_OUTSIDE_H */
