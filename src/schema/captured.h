/*
 * captured.h
 *	  Records revisions that cmig.capture has written as applied when they are
 *	  loaded.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CAPTURED_H
#define CMIG_CAPTURED_H

#include "postgres.h"
#include "base/revision.h"

/* Record in the journal that the revision was captured in this database. */
extern void cmig_captured_journal(const CmigRevisionText *text, TimestampTz started_at);

/*
 * See cmig_load_at_end.  Stamps each new revision that was captured in
 * this database while scripts ran as the same role as now, if its parents are applied, and if there is no
 * drift once it is applied.  Otherwise issues a NOTICE.
 */
extern void cmig_captured_loaded(const CmigRevisionText *const *added, int count);

#endif							/* CMIG_CAPTURED_H */
