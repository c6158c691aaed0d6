/*
 * rls_trial.h
 *	  The rows and contexts for which a policy's expression is evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_H
#define CMIG_RLS_TRIAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_row.h"

/*
 * Returns a List of Lists of trials (see rls_trial_row.h): one List for each
 * context.  Trials of the same group are adjacent.  If the model has unknown
 * conditions, that is, conditions that cannot be judged, each trial occurs
 * three times in a row: with these conditions true, false, and null.
 */
extern List *cmig_rls_trial_make(const CmigRlsModel *model);

#endif							/* CMIG_RLS_TRIAL_H */
