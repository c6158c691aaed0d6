/*
 * target.h
 *	  Runs the target's SQL, which creates its schema, in the shadow.
 *
 * A target is SQL that creates the schema that the database should have, for
 * example the output of pg_dump --schema-only.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_TARGET_H
#define CMIG_SCHEMA_TARGET_H

#include "postgres.h"
#include "parse/script.h"
#include "shadow/shadow.h"
#include "shadow/target_result.h"
#include "shadow/target_state.h"

/* Register the hook that processes the target's utility statements. */
extern void cmig_target_init(void);

/* A repeatable revision's script, to be run after the target's SQL. */
typedef struct CmigTargetScript
{
	const char *revision;
	const char *sql;
} CmigTargetScript;

/*
 * Run the target's SQL.  Call this in a task of cmig_shadow_run().  Settings,
 * the role, and other session state are restored afterwards; the objects
 * that the SQL creates exist until the shadow ends.  An error names the line
 * and the statement.  The result is allocated in the current memory context.
 */
extern CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql);

/*
 * Like cmig_target_run(), but then also run "scripts", a List of
 * CmigTargetScript *. A script that fails is skipped, with a NOTICE unless the
 * target's SQL has already created the script's objects.
 */
extern CmigTarget *cmig_target_run_with(CmigShadow *shadow, const char *sql, List *scripts);

/*
 * For replay: run one statement, unless it changes rows of live tables or sets
 * a sequence's value.  Call this after cmig_session_enter(), while the
 * statements of "state" are being watched (see target_utility.h).
 */
extern void cmig_target_execute(CmigTargetState *state, const CmigStatement *statement);

#endif							/* CMIG_SCHEMA_TARGET_H */
