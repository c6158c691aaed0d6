/*
 * script_settings.h
 *	  Applies a script's changes to search_path and TimeZone while the script
 *	  is read without being run.  These settings affect what names and types
 *	  in the script mean.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_SETTINGS_H
#define CMIG_SCRIPT_SETTINGS_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * If the statement changes search_path or TimeZone, make the same change in
 * this session.  The change lasts until the current subtransaction is rolled
 * back.
 */
extern void cmig_script_settings_follow(Node *statement);

/*
 * If an item of a SELECT list is a call to set_config(), returns the call;
 * otherwise, returns NULL.
 */
extern FuncCall *cmig_script_settings_call(const ResTarget *target);

#endif							/* CMIG_SCRIPT_SETTINGS_H */
