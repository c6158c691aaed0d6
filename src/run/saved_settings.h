/*
 * saved_settings.h
 *	  Saves a session's settings and restores them after several transactions.
 *
 * PostgreSQL's GUC nest levels cannot be used, because they end with a
 * transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SAVED_SETTINGS_H
#define CMIG_SAVED_SETTINGS_H

#include "postgres.h"

/* The settings saved by cmig_saved_settings_take(). */
typedef struct CmigSavedSettings CmigSavedSettings;

/*
 * Save the value and source of every setting, in the current memory context.
 */
extern CmigSavedSettings *cmig_saved_settings_take(void);

/*
 * Restore the settings that have changed since they were saved.  The restored
 * values remain in effect after the transaction commits.
 */
extern void cmig_saved_settings_put_back(const CmigSavedSettings *saved);

#endif							/* CMIG_SAVED_SETTINGS_H */
