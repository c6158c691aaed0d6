/*
 * precondition.h
 *	  Checks the result of a revision's precondition.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PRECONDITION_H
#define CMIG_PRECONDITION_H

#include "postgres.h"
#include "run/script_run.h"
#include "tcop/dest.h"

/* Returns a receiver for the rows of a precondition. */
extern DestReceiver *cmig_precondition_receiver(void);

/*
 * Raises error MG017 unless the receiver has received exactly one row, with a
 * single boolean column that is true.
 */
extern void cmig_precondition_require(const DestReceiver *receiver, const CmigRunStep *step);

/* Raises error 0A000 unless the precondition is a single SELECT. */
extern void cmig_precondition_require_select(const CmigStatement *statement, const CmigRunStep *step);

#endif							/* CMIG_PRECONDITION_H */
