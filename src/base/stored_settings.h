/*
 * stored_settings.h
 *	  The values that were set for the database or the server, regardless of
 *	  the session.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STORED_SETTINGS_H
#define CMIG_STORED_SETTINGS_H

#include "postgres.h"
#include "utils/guc_tables.h"

/* To be called before any setting is registered. */
extern void cmig_stored_settings_init(void);

/*
 * The text that ALTER DATABASE, ALTER ROLE ALL, ALTER SYSTEM or postgresql.conf
 * has for a setting, or NULL.  It is unchecked if this library was not loaded
 * when it was set.  of_role: what ALTER ROLE has stored for the authenticated
 * user takes precedence, as at login; only for settings that users cannot set
 * for themselves.
 */
extern char *cmig_stored_setting(const struct config_generic *setting, bool of_role);

#endif							/* CMIG_STORED_SETTINGS_H */
