/*
 * database_setting.h
 *	  Sets a parameter for the whole database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DATABASE_SETTING_H
#define CMIG_DATABASE_SETTING_H

/*
 * Run ALTER DATABASE ... SET as the current user, or ALTER DATABASE ... RESET
 * if "value" is NULL.  "function" is the name of the SQL function, such as
 * "cmig.set_protect()", for the error raised on a standby or in a read-only
 * transaction.
 */
extern void cmig_database_setting_set(const char *function, const char *name, const char *value);

#endif							/* CMIG_DATABASE_SETTING_H */
