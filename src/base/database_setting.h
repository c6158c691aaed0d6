/*
 * database_setting.h
 *	  Setting a parameter for the whole database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DATABASE_SETTING_H
#define CMIG_DATABASE_SETTING_H

/*
 * ALTER DATABASE ... SET as the current user; without a value, RESET.  function
 * ("cmig.set_protect()") is named by the error on a standby and in a read-only
 * transaction.
 */
extern void cmig_database_setting_set(const char *function, const char *name, const char *value);

#endif							/* CMIG_DATABASE_SETTING_H */
