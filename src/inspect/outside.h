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
 * If a utility statement cannot be rolled back, returns a phrase that says why;
 * otherwise, returns NULL.  A cursor that was opened before the subtransaction
 * "since" belongs to the caller, so using or closing it cannot be rolled back.
 */
extern const char *cmig_outside_of_statement(Node *statement, SubTransactionId since);

/*
 * If the effects of a function that is about to be called cannot be rolled
 * back, returns a phrase that says why; otherwise, returns NULL.
 */
extern const char *cmig_outside_of_function(Oid function);

/*
 * Like cmig_outside_of_function(), but for a function that the server looks up
 * but may not call, such as the functions of a type or of an operator class.
 * Returns NULL for C functions, because the server looks up some of them only
 * to create other objects.  An example is the validator of a foreign-data
 * wrapper.
 */
extern const char *cmig_outside_of_lookup(Oid function);

#endif							/* CMIG_OUTSIDE_H */
