/*
 * outside.h
 *	  Detects statements and functions whose effects a rollback does not undo.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OUTSIDE_H
#define CMIG_OUTSIDE_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * Returns a phrase that says why a utility statement cannot be rolled back, or
 * NULL if it can.  Using or closing a cursor cannot be rolled back if the
 * cursor was opened before the subtransaction "since", because it belongs to
 * the caller.
 */
extern const char *cmig_outside_of_statement(Node *statement, SubTransactionId since);

/*
 * For a function that is about to be called, returns a phrase that says why
 * its effects cannot be rolled back, or NULL if they can.
 */
extern const char *cmig_outside_of_function(Oid function);

/*
 * Like cmig_outside_of_function(), but for a function that the server looks up
 * but may not call, such as the functions of a type or of an operator class.
 * Returns NULL for functions in C, because the server looks up some of them,
 * such as the validator of a foreign-data wrapper, only to create other
 * objects.
 */
extern const char *cmig_outside_of_lookup(Oid function);

#endif							/* CMIG_OUTSIDE_H */
