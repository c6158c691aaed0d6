/*
 * settings.h
 *	  General settings, and the effective values of all settings.
 *
 * doc/reference.md describes each setting.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SETTINGS_H
#define CMIG_SETTINGS_H

#include "postgres.h"
#include "utils/guc.h"

/* Protection levels, from the lowest to the highest; the code compares them. */
typedef enum CmigProtect
{
	CMIG_PROTECT_OFF,
	CMIG_PROTECT_BASE,
	CMIG_PROTECT_ON
} CmigProtect;

/* The policies for DDL outside of a run, from the least to the most strict. */
typedef enum CmigDdlPolicy
{
	CMIG_DDL_ALLOW,
	CMIG_DDL_LOG,
	CMIG_DDL_DENY
} CmigDdlPolicy;

/* The policies for an applied revision whose text has changed. */
typedef enum CmigChecksumPolicy
{
	CMIG_CHECKSUM_ERROR,
	CMIG_CHECKSUM_WARN,
	CMIG_CHECKSUM_IGNORE
} CmigChecksumPolicy;

/* Call this before registering any other setting. */
extern void cmig_settings_init(void);

/*
 * Is the current code running with the privileges of a function's owner instead
 * of those of the caller?
 */
extern bool cmig_settings_in_definer_function(void);

/* Call this after registering all settings. */
extern void cmig_settings_loaded(void);

/*
 * Should a check hook accept an invalid value from this source?  It should if
 * the server would otherwise use the default instead, with only a WARNING.  The
 * functions that use the setting must then refuse the value.
 */
extern bool cmig_settings_keep_invalid(GucSource source);

/*
 * Each of these functions returns the effective value of a setting, given the
 * session's value.  In a SECURITY DEFINER function, the effective value is the
 * one set by the function, for the database, or for the server, not the one
 * set by the caller.
 */
extern const char *cmig_settings_text(const char *name, const char *session);
extern bool cmig_settings_bool(const char *name, bool session);
extern int	cmig_settings_int(const char *name, int session);
extern int	cmig_settings_enum(const char *name, int session);

/*
 * Returns the effective value of a setting that pg_cmig does not define, such
 * as cmig_var.schema, or NULL if it has no value.
 */
extern const char *cmig_settings_custom(const char *name);

/*
 * Returns the effective value of a superuser-only setting that guards the
 * database.  Unless the session has set it, the stored value is read even
 * outside of SECURITY DEFINER functions, because a rejected value from the
 * connection options could hide it.
 */
extern const char *cmig_settings_guard_text(const char *name, const char *session);

/*
 * Returns the effective value of an enum setting that guards the database and
 * whose values are ordered from the least to the most strict.  The session's
 * value takes effect if it is at least as strict as the stored value, or if the
 * session is allowed to make the setting less strict.
 */
extern int	cmig_settings_guard_enum(const char *name, int session);

/*
 * Returns the effective value of a string setting that a guard setting depends
 * on.  The stored string takes effect if the guard has a stored value other
 * than its default and the session is not allowed to make the guard less
 * strict.
 */
extern const char *cmig_settings_guarded_text(const char *name, const char *session,
											  const char *guard);

/*
 * Return the protection level in effect, its name, and whether the session is
 * allowed to lower it.
 */
extern CmigProtect cmig_settings_protect(void);
extern const char *cmig_settings_protect_name(void);
extern bool cmig_settings_may_unprotect(void);

/*
 * Returns the protection level stored for the database or, if there is none,
 * for the server.
 */
extern const char *cmig_settings_protect_stored(void);

/*
 * Returns the hint for a protection error.  "commits" is true if the failed
 * call is not allowed in a transaction block.
 */
extern char *cmig_settings_unprotect_hint(bool commits);

/*
 * Returns the DDL policy stored for the database or, if there is none, for the
 * server.  A session can make the policy stricter for itself.
 */
extern CmigDdlPolicy cmig_settings_ddl_policy(void);
extern const char *cmig_settings_ddl_policy_name(CmigDdlPolicy policy);
extern CmigDdlPolicy cmig_settings_ddl_policy_stored(void);

extern CmigChecksumPolicy cmig_settings_checksum_policy(void);

/*
 * Change a setting as SET would, with the privileges that "context" implies.
 * If "value" is NULL, reset the setting.
 */
extern void cmig_settings_set(const char *name, const char *value, GucContext context,
							  GucAction action);

/*
 * Change a setting that any user is allowed to change.  Like a function's SET
 * clause, the change lasts until AtEOXact_GUC() ends the caller's GUC nest
 * level.
 */
extern void cmig_settings_override(const char *name, const char *value);

/* Override search_path with the value that pg_cmig's queries use. */
extern void cmig_settings_pin_search_path(void);

#endif							/* CMIG_SETTINGS_H */
