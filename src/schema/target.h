/*
 * target.h
 *	  Runs the SQL that makes the target's schema, in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_TARGET_H
#define CMIG_SCHEMA_TARGET_H

#include "postgres.h"
#include "schema/shadow.h"
#include "schema/target_result.h"

/* Register the hook that sees the target's statements. */
extern void cmig_target_init(void);

/*
 * Run the text in a task of cmig_shadow_run().  The settings, the role and
 * whatever else the text changed in the session are as before afterwards;
 * what it made is there until the shadow ends.  An error names line and
 * statement.  The result is in the current memory context.
 */
extern CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql);

#endif							/* CMIG_SCHEMA_TARGET_H */
