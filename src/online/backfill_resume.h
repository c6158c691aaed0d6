/*
 * backfill_resume.h
 *	  Finds the backfill that a CALL resumes, and checks that it can be
 *	  resumed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RESUME_H
#define CMIG_BACKFILL_RESUME_H

#include "postgres.h"
#include "online/backfill_target.h"
#include "tables/backfill_run.h"

/*
 * Find the state of a backfill to resume, or begin a new backfill.  Returns
 * true if a state was found, which may be that of a finished backfill.  Raises
 * MG008 or 55000 if it is unclear which rows have been updated.
 */
extern bool cmig_backfill_resume_find(const CmigBackfillTarget *target,
									  const CmigBackfillIdentity *identity,
									  Oid caller, CmigBackfillRun *run);

/*
 * Raise an error if the backfill was begun by a run that committed its batches,
 * because such a backfill cannot be resumed within a single transaction.
 */
extern void cmig_backfill_resume_refuse(const CmigBackfillTarget *target,
										const CmigBackfillIdentity *identity,
										Oid caller);

/*
 * Raise an error if the part's key has changed since the backfill began,
 * because the stored position is a position in the order of the old key.
 */
extern void cmig_backfill_resume_require_key(const CmigBackfillRun *run,
											 const CmigBackfillPart *part);

#endif							/* CMIG_BACKFILL_RESUME_H */
