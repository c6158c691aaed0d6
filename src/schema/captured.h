/*
 * captured.h
 *	  When a revision that cmig.capture has written is loaded, records it as
 *	  applied.
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
 * A function for the hook cmig_load_at_end.  Stamps each new revision that
 * cmig.capture wrote in this database, if its parents are applied, if stamping
 * it leaves no drift, and if scripts run as the same role as they did in
 * cmig.capture.  Otherwise, issues a NOTICE.
 */
extern void cmig_captured_loaded(const CmigRevisionText *const *added, int count);

#endif							/* CMIG_CAPTURED_H */
