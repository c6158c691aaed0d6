/*
 * backfill_resume.h
 *	  Which backfill a CALL goes on with, and what stands in its way.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RESUME_H
#define CMIG_BACKFILL_RESUME_H

#include "postgres.h"
#include "online/backfill_target.h"
#include "tables/backfill_run.h"

/*
 * Find the state to go on with and tell so, or begin one; true if there was
 * one, which may be done.  Raises MG008 and 55000 where it is not clear which
 * rows are done.
 */
extern bool cmig_backfill_resume_find(const CmigBackfillTarget *target,
									  const CmigBackfillIdentity *identity,
									  Oid caller, CmigBackfillRun *run);

/* In one transaction nothing goes on with what a stepwise run has begun. */
extern void cmig_backfill_resume_refuse(const CmigBackfillTarget *target,
										const CmigBackfillIdentity *identity,
										Oid caller);

/* The place says where it stands in the order of a key: that must be the same. */
extern void cmig_backfill_resume_require_key(const CmigBackfillRun *run,
											 const CmigBackfillPart *part);

#endif							/* CMIG_BACKFILL_RESUME_H */
