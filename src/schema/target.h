/*
 * target.h
 *	  Runs the target's SQL, which creates its schema, in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_TARGET_H
#define CMIG_SCHEMA_TARGET_H

#include "postgres.h"
#include "schema/shadow.h"
#include "schema/target_result.h"

/* Register the hook that processes the target's utility statements. */
extern void cmig_target_init(void);

/*
 * Run the text in a task of cmig_shadow_run().  Settings, the role, and other
 * session state that the text changes are restored afterwards; the objects
 * that it creates exist until the shadow ends.  An error names the line and
 * the statement.  The result is in the current memory context.
 */
extern CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql);

#endif							/* CMIG_SCHEMA_TARGET_H */
