/*
 * script_check.h
 *	  Finds scripts that cannot run, and applied revisions whose scripts have
 *	  changed, for cmig.check.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_CHECK_H
#define CMIG_SCRIPT_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "report/view.h"

/*
 * Check all scripts, with the settings that are in effect when a script
 * starts.  Sets *has_gaps to true if a placeholder could not be replaced.
 */
extern List *cmig_script_check_add_problems(const CmigView *view, List *problems, bool *has_gaps);

#endif							/* CMIG_SCRIPT_CHECK_H */
