/*
 * saved_settings.h
 *	  Saves the settings of a session and restores them several transactions
 *	  later.
 *
 * PostgreSQL's GUC nest levels cannot be used for this, because they end with
 * a transaction.
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
