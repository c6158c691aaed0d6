/*
 * script_settings.h
 *	  Applies a script's changes to search_path and TimeZone, which affect
 *	  what its names and types mean, while the script is read without being
 *	  run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_SETTINGS_H
#define CMIG_SCRIPT_SETTINGS_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * If the statement sets search_path or TimeZone, set it in this session, until
 * the current subtransaction is rolled back.
 */
extern void cmig_script_settings_follow(Node *statement);

/* Returns the call to set_config() in an item of a SELECT list, or NULL. */
extern FuncCall *cmig_script_settings_call(const ResTarget *target);

#endif							/* CMIG_SCRIPT_SETTINGS_H */
