/*
 * saved_settings.h
 *	  The settings of a session, to be put back after several transactions.
 *
 * A nest level of settings ends with its transaction; this does not.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SAVED_SETTINGS_H
#define CMIG_SAVED_SETTINGS_H

#include "postgres.h"

typedef struct CmigSavedSettings CmigSavedSettings;

/* Note value and source of every setting, in the current memory context. */
extern CmigSavedSettings *cmig_saved_settings_take(void);

/*
 * Put back what has changed since.  It holds from now on, once the
 * transaction is committed.
 */
extern void cmig_saved_settings_put_back(const CmigSavedSettings *saved);

#endif							/* CMIG_SAVED_SETTINGS_H */
