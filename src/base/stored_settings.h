/*
 * stored_settings.h
 *	  Reads the values of settings stored for the database or the server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STORED_SETTINGS_H
#define CMIG_STORED_SETTINGS_H

#include "postgres.h"
#include "utils/guc_tables.h"

/* Call this before registering any setting. */
extern void cmig_stored_settings_init(void);

/*
 * Returns the value stored for a setting by ALTER DATABASE, ALTER ROLE ALL,
 * ALTER SYSTEM, or postgresql.conf.  Returns NULL if no value is stored.  The
 * value is unchecked if it was stored while this library was not loaded.  If
 * "of_role" is true, a value stored for the authenticated user by ALTER ROLE
 * takes precedence, as it does at login.  "of_role" must be false for settings
 * that users can set for themselves.
 */
extern char *cmig_stored_setting(const struct config_generic *setting, bool of_role);

#endif							/* CMIG_STORED_SETTINGS_H */
