/*
 * precondition.h
 *	  What a revision's precondition returns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PRECONDITION_H
#define CMIG_PRECONDITION_H

#include "postgres.h"
#include "run/script_run.h"
#include "tcop/dest.h"

/* A receiver for the rows of a precondition. */
extern DestReceiver *cmig_precondition_receiver(void);

/* Raise MG017 unless it has received a single row, whose only column is true. */
extern void cmig_precondition_require(const DestReceiver *receiver, const CmigRunStep *step);

/* Raise 0A000 unless the statement is a SELECT that is the only one. */
extern void cmig_precondition_require_select(const CmigStatement *statement, const CmigRunStep *step);

#endif							/* CMIG_PRECONDITION_H */
