/*
 * backfill_resume.h
 *	  Which backfill a CALL resumes, and what prevents that.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RESUME_H
#define CMIG_BACKFILL_RESUME_H

#include "postgres.h"
#include "online/backfill_target.h"
#include "tables/backfill_run.h"

/*
 * Find the state of a backfill to resume and report it, or begin one.  Returns
 * whether there was one, which may be done.  Raises MG008 or 55000 if it is
 * not clear which rows are done.
 */
extern bool cmig_backfill_resume_find(const CmigBackfillTarget *target,
									  const CmigBackfillIdentity *identity,
									  Oid caller, CmigBackfillRun *run);

/*
 * Raise an error if a stepwise run has begun the backfill, which cannot be
 * resumed within one transaction.
 */
extern void cmig_backfill_resume_refuse(const CmigBackfillTarget *target,
										const CmigBackfillIdentity *identity,
										Oid caller);

/*
 * Raise an error unless the key is the same as before, since the place is a
 * position in the order of that key.
 */
extern void cmig_backfill_resume_require_key(const CmigBackfillRun *run,
											 const CmigBackfillPart *part);

#endif							/* CMIG_BACKFILL_RESUME_H */
