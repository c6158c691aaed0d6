/*
 * settings.h
 *	  Settings that belong to no other module, and which values take effect.
 *
 * Each is described in doc/reference.md.  The runner registers the settings
 * that scripts run with.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SETTINGS_H
#define CMIG_SETTINGS_H

#include "postgres.h"
#include "utils/guc.h"

/* From the least to the most protection; levels are compared. */
typedef enum CmigProtect
{
	CMIG_PROTECT_OFF,
	CMIG_PROTECT_BASE,
	CMIG_PROTECT_ON
} CmigProtect;

/* What happens to DDL outside of a run; from the least to the most strict. */
typedef enum CmigDdlPolicy
{
	CMIG_DDL_ALLOW,
	CMIG_DDL_LOG,
	CMIG_DDL_DENY
} CmigDdlPolicy;

/* What happens if the text of an applied revision has changed. */
typedef enum CmigChecksumPolicy
{
	CMIG_CHECKSUM_ERROR,
	CMIG_CHECKSUM_WARN,
	CMIG_CHECKSUM_IGNORE
} CmigChecksumPolicy;

/* To be called before any other setting is registered. */
extern void cmig_settings_init(void);

/*
 * Is the current code running with the privileges of a function's owner
 * instead of its caller's?
 */
extern bool cmig_settings_in_definer_function(void);

/*
 * The effective value of a setting, given the session's value. In a SECURITY
 * DEFINER function, it is the value that the function, the database, or the
 * server has set, not the caller's value.
 */
extern const char *cmig_settings_text(const char *name, const char *session);
extern bool cmig_settings_bool(const char *name, bool session);
extern int	cmig_settings_int(const char *name, int session);
extern int	cmig_settings_enum(const char *name, int session);

/*
 * The same for a setting that pg_cmig does not define, such as
 * cmig_var.schema; NULL if it has no value.
 */
extern const char *cmig_settings_custom(const char *name);

/*
 * The same for a superuser-only setting that guards the database.  It is read
 * from where it is stored even outside of such functions, so that a value from
 * the connection that the server has refused does not hide the stored one.
 */
extern const char *cmig_settings_guard_text(const char *name, const char *session);

/*
 * The same for an enumeration that guards the database, ordered from the least
 * to the most strict value.  The session's value counts if it is stricter than
 * the stored one, or if the session may set it for the database.
 */
extern int	cmig_settings_guard_enum(const char *name, int session);

/*
 * The same for a text on which such a guard depends: if the guard is stored for
 * the database, and the session may not set that, the stored text counts.
 */
extern const char *cmig_settings_guarded_text(const char *name, const char *session,
											  const char *guard);

/* The protection in force. */
extern CmigProtect cmig_settings_protect(void);
extern const char *cmig_settings_protect_name(void);
extern bool cmig_settings_may_unprotect(void);

/* The level that is stored for the database, or else for the server. */
extern const char *cmig_settings_protect_stored(void);

/* The hint of a protection error; commits: the call cannot be in a transaction block. */
extern char *cmig_settings_unprotect_hint(bool commits);

/*
 * The policy on DDL: the one that is stored for the database, or else for the
 * server.  A session can make it stricter for itself.
 */
extern CmigDdlPolicy cmig_settings_ddl_policy(void);
extern const char *cmig_settings_ddl_policy_name(CmigDdlPolicy policy);
extern CmigDdlPolicy cmig_settings_ddl_policy_stored(void);

extern CmigChecksumPolicy cmig_settings_checksum_policy(void);

/*
 * Set a setting as SET in the session would, with the privileges that context
 * implies.  Without a value, reset it.
 */
extern void cmig_settings_set(const char *name, const char *value, GucContext context,
							  GucAction action);

/*
 * Set a setting that every user may set, until AtEOXact_GUC() ends the caller's
 * GUC nest level, as the SET clause of a function does.
 */
extern void cmig_settings_override(const char *name, const char *value);

/* Pin search_path in this way, as for every query of pg_cmig. */
extern void cmig_settings_pin_search_path(void);

#endif							/* CMIG_SETTINGS_H */
