/*
 * verify.h
 *	  Checks the rows that verify_sql returns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERIFY_H
#define CMIG_VERIFY_H

#include "postgres.h"
#include "run/script_run.h"
#include "tcop/dest.h"

/*
 * Returns a receiver that raises error MG009 for a row whose first boolean
 * column is not true.  Rows without a boolean column pass.
 */
extern DestReceiver *cmig_verify_receiver(CmigScriptRun *run);

#endif							/* CMIG_VERIFY_H */
