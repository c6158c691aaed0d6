/*
 * settings.c
 *	  General settings, and the effective values of all settings.
 *
 * A session may set every cmig.* setting that is not superuser-only, with two
 * exceptions:
 *
 * - In a SECURITY DEFINER function, the session's values do not count.  The
 *   only values that count are those set by the function itself (by its SET
 *   clause, or by SET or set_config() in its body), for the database, or for
 *   the server.
 * - cmig.protect, cmig.ddl_policy, cmig.lint_policy, and cmig.rls_gate are read
 *   at each use from where their owner stored them: pg_db_role_setting or the
 *   configuration files.  The session's copy may be missing: a value from the
 *   connection options hides the database's value, and if that value is
 *   rejected when this library is loaded, only the built-in default remains.
 *
 * The server records which role set a value (srole).  A value set at login
 * counts as set by the authenticated user, because any role may use ALTER ROLE
 * ... SET for itself.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/stored_settings.h"

#include "access/parallel.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/*
 * True while the library is being loaded, when values that were set earlier
 * are checked.
 */
static bool loading = false;

static int	protect = CMIG_PROTECT_OFF;
static int	ddl_policy = CMIG_DDL_ALLOW;
static int	checksum_policy = CMIG_CHECKSUM_ERROR;

static const struct config_enum_entry protect_options[] = {
	{"off", CMIG_PROTECT_OFF, false},
	{"base", CMIG_PROTECT_BASE, false},
	{"on", CMIG_PROTECT_ON, false},
	{"false", CMIG_PROTECT_OFF, true},
	{"true", CMIG_PROTECT_ON, true},
	{NULL, 0, false}
};

static const struct config_enum_entry ddl_policy_options[] = {
	{"allow", CMIG_DDL_ALLOW, false},
	{"log", CMIG_DDL_LOG, false},
	{"deny", CMIG_DDL_DENY, false},
	{"off", CMIG_DDL_ALLOW, true},
	{NULL, 0, false}
};

static const struct config_enum_entry checksum_options[] = {
	{"error", CMIG_CHECKSUM_ERROR, false},
	{"warn", CMIG_CHECKSUM_WARN, false},
	{"ignore", CMIG_CHECKSUM_IGNORE, false},
	{NULL, 0, false}
};

/*
 * Effective values
 */

/* Find one of pg_cmig's settings by its lower-case name. */
static struct config_generic *
find_setting(const char *name)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);

	for (int i = 0; i < count; i++)
	{
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("unrecognized configuration parameter \"%s\"", name),
			 errdetail("The pg_cmig library that this session has loaded does not define it."),
			 errhint("Reconnect to load the current library.")));
}

bool
cmig_settings_in_definer_function(void)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	return (context & (SECURITY_LOCAL_USERID_CHANGE |
					   SECURITY_RESTRICTED_OPERATION)) != 0;
}

/* Was the session's value set by the current user? */
static bool
is_users_own(const struct config_generic *setting)
{
	Oid			setter = setting->source >= PGC_S_INTERACTIVE ?
	setting->srole : GetAuthenticatedUserId();

	return setter == GetUserId();
}

/*
 * Does the session's value count?  In a SECURITY DEFINER function, the value
 * counts only if the function's owner set it or if it comes from the database
 * or the server.  A default does not count, because it is also in effect if a
 * stored value was rejected.
 */
static bool
session_counts(const struct config_generic *setting)
{
	if (!cmig_settings_in_definer_function())
		return true;
	if (setting->source <= PGC_S_DATABASE)
		return setting->source > PGC_S_DEFAULT;
	return is_users_own(setting);
}

/* Raise an error for a stored value that SET would reject. */
static void
refuse_value(const struct config_generic *setting, const char *value, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\": \"%s\"", setting->name, value),
			 errdetail("It was set for database \"%s\" or for the server by a session that had not loaded pg_cmig, so the value was not checked.",
					   get_database_name(MyDatabaseId)),
			 errhint("Correct it with ALTER DATABASE %s SET %s = ... or ALTER SYSTEM.%s%s",
					 quote_identifier(get_database_name(MyDatabaseId)),
					 setting->name, hint ? " " : "", hint ? hint : "")));
}

/* Returns a hint that lists an enum setting's values, as PostgreSQL's does. */
static char *
list_options(const struct config_enum *record)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const struct config_enum_entry *option = record->options; option->name; option++)
	{
		if (!option->hidden)
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "Available values: ",
							 option->name);
	}
	appendStringInfoChar(&text, '.');
	return text.data;
}

/* Parse a stored value.  If value is NULL, returns the built-in default. */
static int
parse_enum(struct config_generic *setting, const char *value)
{
	struct config_enum *record = (struct config_enum *) setting;
	int			result;

	if (value == NULL)
		return record->boot_val;
	if (!config_enum_lookup_by_name(record, value, &result))
		refuse_value(setting, value, list_options(record));
	return result;
}

/*
 * Returns true if the session's value takes effect.  Otherwise, sets *setting
 * to the setting and *stored to the value that takes effect instead; NULL means
 * the built-in default.
 */
static bool
use_session_value(const char *name, struct config_generic **setting, const char **stored)
{
	if (!cmig_settings_in_definer_function())
		return true;
	*setting = find_setting(name);
	if (session_counts(*setting))
		return true;
	*stored = cmig_stored_setting(*setting, false);
	return false;
}

int
cmig_settings_enum(const char *name, int session)
{
	struct config_generic *setting;
	const char *stored;

	return use_session_value(name, &setting, &stored) ? session : parse_enum(setting, stored);
}

/*
 * Returns the stored value of a string setting after checking the value as SET
 * would, or the built-in default if the value is NULL.
 */
static const char *
check_text(struct config_generic *setting, const char *stored)
{
	struct config_string *record = (struct config_string *) setting;
	char	   *value = stored ? pstrdup(stored) : NULL;
	void	   *extra = NULL;

	if (value == NULL)
		return record->boot_val;
	if (record->check_hook && !record->check_hook(&value, &extra, PGC_S_TEST))
		refuse_value(setting, stored, NULL);
	return value;
}

const char *
cmig_settings_text(const char *name, const char *session)
{
	struct config_generic *setting;
	const char *stored;

	if (use_session_value(name, &setting, &stored))
		return session;
	Assert(setting->vartype == PGC_STRING);
	return check_text(setting, stored);
}

bool
cmig_settings_bool(const char *name, bool session)
{
	struct config_generic *setting;
	const char *stored;
	bool		result;

	if (use_session_value(name, &setting, &stored))
		return session;
	if (stored == NULL)
		return ((struct config_bool *) setting)->boot_val;
	if (!parse_bool(stored, &result))
		refuse_value(setting, stored, NULL);
	return result;
}

int
cmig_settings_int(const char *name, int session)
{
	struct config_generic *setting;
	const char *stored;
	const char *hint = NULL;
	int			result;

	if (use_session_value(name, &setting, &stored))
		return session;
	if (stored == NULL)
		return ((struct config_int *) setting)->boot_val;
	if (!parse_int(stored, &result, setting->flags, &hint) ||
		result < ((struct config_int *) setting)->min ||
		result > ((struct config_int *) setting)->max)
		refuse_value(setting, stored, hint);
	return result;
}

const char *
cmig_settings_custom(const char *name)
{
	int			count;
	struct config_generic **all;

	if (!cmig_settings_in_definer_function())
		return GetConfigOption(name, true, false);
	all = cmig_guc_variables_compat(&count);
	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return session_counts(all[i]) ? GetConfigOption(name, true, false) :
				cmig_stored_setting(all[i], false);
	}
	return NULL;
}

const char *
cmig_settings_guard_text(const char *name, const char *session)
{
	struct config_generic *setting = find_setting(name);
	const char *value;

	/*
	 * use a value that was set in the session, because the server lets only
	 * authorized roles set this setting; in a SECURITY DEFINER function, the
	 * current user must have set it
	 */
	if (setting->source > PGC_S_DATABASE_USER &&
		(!cmig_settings_in_definer_function() || is_users_own(setting)))
		return session;
	value = cmig_stored_setting(setting, true);
	return value ? value : ((struct config_string *) setting)->boot_val;
}

/*
 * Is the role allowed to make the setting less strict than the database's
 * value?
 */
static bool
may_loosen(const char *name, Oid role)
{
	return superuser_arg(role) ||
		cmig_owns_database_compat(MyDatabaseId, role) ||
		pg_parameter_aclcheck(name, role, ACL_SET) == ACLCHECK_OK;
}

/*
 * Is the current user allowed to make the setting less strict than the
 * database's value?  Outside of SECURITY DEFINER functions, this is also true
 * if the session user is allowed to do so.
 */
static bool
session_may_loosen(const char *name)
{
	return may_loosen(name, GetUserId()) ||
		(!cmig_settings_in_definer_function() && may_loosen(name, GetSessionUserId()));
}

/*
 * Returns true if the value was set in the session or, in a SECURITY DEFINER
 * function, by the function's owner.
 */
static bool
is_of_session(const struct config_generic *setting)
{
	return setting->source > PGC_S_DATABASE &&
		(!cmig_settings_in_definer_function() || is_users_own(setting));
}

int
cmig_settings_guard_enum(const char *name, int session)
{
	struct config_generic *setting = find_setting(name);
	int			owners = parse_enum(setting, cmig_stored_setting(setting, false));

	if (!is_of_session(setting))
		return owners;
	return session >= owners || session_may_loosen(name) ? session : owners;
}

const char *
cmig_settings_guarded_text(const char *name, const char *session, const char *guard)
{
	struct config_generic *setting = find_setting(guard);
	char	   *stored = cmig_stored_setting(setting, false);

	if (parse_enum(setting, stored) == ((struct config_enum *) setting)->boot_val ||
		session_may_loosen(guard))
		return cmig_settings_text(name, session);
	setting = find_setting(name);
	return check_text(setting, cmig_stored_setting(setting, false));
}

/*
 * This module's settings
 */

bool
cmig_settings_may_unprotect(void)
{
	return session_may_loosen("cmig.protect");
}

CmigProtect
cmig_settings_protect(void)
{
	return cmig_settings_guard_enum("cmig.protect", protect);
}

static const char *
protect_name(CmigProtect level)
{
	return config_enum_lookup_by_value((struct config_enum *) find_setting("cmig.protect"),
									   level);
}

const char *
cmig_settings_protect_name(void)
{
	return protect_name(cmig_settings_protect());
}

const char *
cmig_settings_protect_stored(void)
{
	struct config_generic *setting = find_setting("cmig.protect");

	return protect_name(parse_enum(setting, cmig_stored_setting(setting, false)));
}

char *
cmig_settings_unprotect_hint(bool commits)
{
	if (!cmig_settings_may_unprotect())
		return psprintf("Only the owner of database \"%s\", a superuser, or a role with the SET privilege on parameter cmig.protect can lower it.",
						get_database_name(MyDatabaseId));
	return pstrdup(commits ?
				   "If this is intended, SET cmig.protect = off first, and RESET cmig.protect afterward."
				   : "If this is intended: BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT");
}

CmigDdlPolicy
cmig_settings_ddl_policy_stored(void)
{
	struct config_generic *setting = find_setting("cmig.ddl_policy");

	return parse_enum(setting, cmig_stored_setting(setting, false));
}

CmigDdlPolicy
cmig_settings_ddl_policy(void)
{
	int			stored = cmig_settings_ddl_policy_stored();

	/*
	 * use the stored value, which may have changed since the session started
	 */
	if (find_setting("cmig.ddl_policy")->source <= PGC_S_DATABASE)
		return stored;
	return Max(ddl_policy, stored);
}

const char *
cmig_settings_ddl_policy_name(CmigDdlPolicy policy)
{
	return config_enum_lookup_by_value((struct config_enum *) find_setting("cmig.ddl_policy"),
									   policy);
}

CmigChecksumPolicy
cmig_settings_checksum_policy(void)
{
	return cmig_settings_enum("cmig.checksum_policy", checksum_policy);
}

bool
cmig_settings_keep_invalid(GucSource source)
{
	return loading || InitializingParallelWorker ||
		(source >= PGC_S_GLOBAL && source <= PGC_S_DATABASE_USER);
}

void
cmig_settings_loaded(void)
{
	loading = false;
}

void
cmig_settings_set(const char *name, const char *value, GucContext context, GucAction action)
{
	(void) set_config_option(name, value, context, PGC_S_SESSION, action, true, 0, false);
}

void
cmig_settings_override(const char *name, const char *value)
{
	cmig_settings_set(name, value, PGC_USERSET, GUC_ACTION_SAVE);
}

void
cmig_settings_pin_search_path(void)
{
	cmig_settings_override("search_path", "pg_catalog, pg_temp");
}

void
cmig_settings_init(void)
{
	loading = true;
	cmig_stored_settings_init();

	/*
	 * cmig.protect guards against mistakes.  If it is set for the database,
	 * only the database's owner, superusers, and roles with the SET privilege
	 * on cmig.protect can lower it in a session.
	 */
	DefineCustomEnumVariable("cmig.protect",
							 "Prevents operations that would destroy data: off, base (reset, downgrade to base, purge, prune), on (these and every downgrade).",
							 NULL, &protect, CMIG_PROTECT_OFF,
							 protect_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * cmig.ddl_policy says what happens to schema changes outside of
	 * migrations.
	 */
	DefineCustomEnumVariable("cmig.ddl_policy",
							 "Sets what happens to DDL outside of a migration run: allow, log (in cmig.ddl_log), or deny.",
							 NULL, &ddl_policy, CMIG_DDL_ALLOW,
							 ddl_policy_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * cmig.checksum_policy says what cmig.load does when the text of an
	 * applied revision differs from the text that was run.
	 */
	DefineCustomEnumVariable("cmig.checksum_policy",
							 "Sets what happens if the script of an applied revision has changed: error, warn, or ignore.",
							 NULL, &checksum_policy, CMIG_CHECKSUM_ERROR,
							 checksum_options, PGC_USERSET, 0, NULL, NULL, NULL);
}
