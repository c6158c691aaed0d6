/*
 * load_judge.h
 *	  Checks whether changes to applied revisions are allowed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOAD_JUDGE_H
#define CMIG_LOAD_JUDGE_H

#include "postgres.h"
#include "load/load_compare.h"

/*
 * Raise error MG008 for changes to applied revisions that are not allowed.
 * Depending on cmig.checksum_policy, changes to scripts cause only a warning
 * or are ignored.  If accept_changes is true, sets needs_repair in the items
 * whose new script must be recorded in the journal.
 */
extern void cmig_load_judge(CmigLoad *load, bool accept_changes);

/*
 * Does the new header of the item list the revision with this id as a parent
 * or dependency?
 */
extern bool cmig_load_names(const CmigLoad *load, const CmigLoadItem *item, const char *id);

#endif							/* CMIG_LOAD_JUDGE_H */
