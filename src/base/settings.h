/*
 * settings.h
 *	  The settings that belong to no room of their own, and whose values count.
 *
 * Each is described in doc/reference.md; the runner registers the settings
 * that scripts run with.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SETTINGS_H
#define CMIG_SETTINGS_H

#include "postgres.h"

typedef enum CmigProtect
{
	CMIG_PROTECT_OFF,			/* the order is that of strictness */
	CMIG_PROTECT_BASE,
	CMIG_PROTECT_ON
} CmigProtect;

typedef enum CmigChecksumPolicy
{
	CMIG_CHECKSUM_ERROR,
	CMIG_CHECKSUM_WARN,
	CMIG_CHECKSUM_IGNORE
} CmigChecksumPolicy;

/* To be called before any other setting is registered. */
extern void cmig_settings_init(void);

/*
 * The value of a setting that counts here, given the session's: in a SECURITY
 * DEFINER function what the function, the database or the server has set.
 */
extern const char *cmig_settings_text(const char *name, const char *session);
extern bool cmig_settings_bool(const char *name, bool session);
extern int	cmig_settings_int(const char *name, int session);

/*
 * The same of a setting for superusers that guards the database, wherever it
 * is called: a value that the server has refused does not hide the owner's.
 */
extern const char *cmig_settings_guard_text(const char *name, const char *session);

/*
 * The protection in force.  Who may not set it for the database can set more
 * than the database has, and not less.
 */
extern CmigProtect cmig_settings_protect(void);
extern const char *cmig_settings_protect_name(void);
extern bool cmig_settings_may_unprotect(void);

/* What the database has, or else the server. */
extern const char *cmig_settings_protect_stored(void);

/* A hint for an error of protection; commits: the call is no part of a transaction. */
extern char *cmig_settings_unprotect_hint(bool commits);

extern CmigChecksumPolicy cmig_settings_checksum_policy(void);

/*
 * Set a setting that every user may set until AtEOXact_GUC() ends the caller's
 * GUC nest level, as the SET clause of a function does.
 */
extern void cmig_settings_override(const char *name, const char *value);

/* The same for search_path, as every query of ours has it. */
extern void cmig_settings_pin_search_path(void);

#endif							/* CMIG_SETTINGS_H */
