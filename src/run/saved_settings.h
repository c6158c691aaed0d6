/*
 * saved_settings.h
 *	  The settings of a session, to be restored after several transactions.
 *
 * The server's nested levels of settings end with a transaction; this does
 * not.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SAVED_SETTINGS_H
#define CMIG_SAVED_SETTINGS_H

#include "postgres.h"

/* What cmig_saved_settings_take() has saved. */
typedef struct CmigSavedSettings CmigSavedSettings;

/*
 * Save the value and source of every setting, in the current memory context.
 */
extern CmigSavedSettings *cmig_saved_settings_take(void);

/*
 * Restore the settings that have changed since.  The values remain in effect
 * once the transaction is committed.
 */
extern void cmig_saved_settings_put_back(const CmigSavedSettings *saved);

#endif							/* CMIG_SAVED_SETTINGS_H */
