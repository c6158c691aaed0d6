/*
 * settings.c
 *	  Settings: values in the session, and stored values.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "common/string.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "storage/fd.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc_tables.h"
#include "utils/tuplestore.h"

#include "base/base.h"

/* ----------------------------------------------------------------
 * Reads the values of settings stored for the database or the server.
 *
 * The session's copy of a setting is not sufficient: a value from the
 * connection options hides the database's value, and if that value is rejected
 * when this library is loaded, only the built-in default remains.
 * ----------------------------------------------------------------
 */

/*
 * Were values set before this library was loaded?  Such values may be invalid.
 */
static bool set_before_load = false;

/*
 * Returns the value stored by ALTER DATABASE or ALTER ROLE ... SET, or NULL if
 * no value is stored.
 */
static char *
find_stored(Oid database, Oid role, const char *setting)
{
	Relation	relation = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *result = NULL;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(relation, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		list = cmig_getattr_compat(tuple, Anum_pg_db_role_setting_setconfig,
											   RelationGetDescr(relation), &isnull);
		Datum	   *items;
		int			count = 0;

		if (!isnull)
			deconstruct_array(DatumGetArrayTypeP(list), TEXTOID, -1, false, TYPALIGN_INT,
							  &items, NULL, &count);
		for (int i = 0; i < count && result == NULL; i++)
		{
			char	   *name;
			char	   *value;

			ParseLongOption(TextDatumGetCString(items[i]), &name, &value);
			if (value != NULL && pg_strcasecmp(name, setting) == 0)
				result = value;
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Returns the value that the command line of the server has for a setting, or
 * NULL.  Only the file that the server writes for pg_ctl has it in a session
 * in which a connection option has replaced it: each argument in quotes.
 */
static char *
find_in_command(const char *setting)
{
	FILE	   *file = AllocateFile("postmaster.opts", PG_BINARY_R);
	StringInfoData line;
	char	   *value = NULL;
	bool		option = false;

	if (file == NULL)
		return NULL;
	initStringInfo(&line);
	(void) pg_get_line_buf(file, &line);
	FreeFile(file);
	for (char *word = strstr(line.data, " \""), *next; word != NULL; word = next)
	{
		char	   *name;
		char	   *found = NULL;

		word += 2;
		next = strstr(word, "\" \"");
		if (next != NULL)
			*next++ = '\0';
		else if (strrchr(word, '"') != NULL)
			*strrchr(word, '"') = '\0';
		if (option)
			ParseLongOption(word, &name, &found);
		else if (strncmp(word, "--", 2) == 0 || (strncmp(word, "-c", 2) == 0 && word[2] != '\0'))
			ParseLongOption(word + 2, &name, &found);
		if (found != NULL && pg_strcasecmp(name, setting) == 0)
			value = found;
		option = !option && strcmp(word, "-c") == 0;
	}
	return value;
}

/*
 * Returns a setting's value on the server's command line or in its
 * configuration files, or NULL if they do not
 * contain the setting.  The files are read with the function behind
 * pg_file_settings.  If a setting occurs more than once, its last line counts.
 */
static char *
find_in_files(const char *setting)
{
	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo	function;
	ReturnSetInfo result = {.type = T_ReturnSetInfo};
	TupleTableSlot *slot;
	char	   *value = find_in_command(setting);

	if (value != NULL)
		return value;
	fmgr_info(F_PG_SHOW_ALL_FILE_SETTINGS, &function);
	result.econtext = CreateStandaloneExprContext();
	result.allowedModes = SFRM_Materialize;
	InitFunctionCallInfoData(*fcinfo, &function, 0, InvalidOid, NULL, (Node *) &result);
	(void) FunctionCallInvoke(fcinfo);

	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		bool		no_name;
		bool		no_value;
		Datum		name = slot_getattr(slot, 4, &no_name);
		Datum		found = slot_getattr(slot, 5, &no_value);

		if (!no_name && !no_value &&
			pg_strcasecmp(TextDatumGetCString(name), setting) == 0)
			value = TextDatumGetCString(found);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(result.econtext, true);
	return value;
}

/*
 * Returns the value stored for a setting by ALTER DATABASE, ALTER ROLE ALL,
 * ALTER SYSTEM, or postgresql.conf.  Returns NULL if no value is stored.  The
 * value is unchecked if it was stored while this library was not loaded.  If
 * "of_role" is true, a value stored for the authenticated user by ALTER ROLE
 * takes precedence, as it does at login.  "of_role" must be false for settings
 * that users can set for themselves.
 */
static char *
stored_setting(const struct config_generic *setting, bool of_role)
{
	char	   *value = NULL;
	Oid			user = GetAuthenticatedUserId();

	if (of_role)
		value = find_stored(MyDatabaseId, user, setting->name);
	if (of_role && value == NULL)
		value = find_stored(InvalidOid, user, setting->name);
	if (value == NULL)
		value = find_stored(MyDatabaseId, InvalidOid, setting->name);
	if (value == NULL)
		value = find_stored(InvalidOid, InvalidOid, setting->name);
	if (value != NULL)
		return value;

	if (setting->source > PGC_S_DEFAULT && setting->source < PGC_S_GLOBAL)
		return pstrdup(GetConfigOption(setting->name, false, false));
	if (setting->source == PGC_S_DEFAULT && !set_before_load)
		return NULL;
	return find_in_files(setting->name);
}

/* ----------------------------------------------------------------
 * General settings, and the effective values of all settings.
 *
 * doc/reference/settings.md describes each setting.
 *
 * A session may set every cmig.* setting that is not superuser-only, with two
 * exceptions:
 *
 * - In a SECURITY DEFINER function, the session's values do not count.  The
 *   only values that count are those set by the function itself (by its SET
 *   clause, or by SET or set_config() in its body), for the database, or for
 *   the server.
 * - cmig.protect, cmig.ddl_policy, cmig.lint_policy, cmig.workload_policy,
 *   cmig.log_runs, and cmig.rls_gate are read at each use from where their owner stored them:
 *   pg_db_role_setting or the configuration files.  The session's copy may be
 *   missing: a value from the connection options hides the database's value,
 *   and if that value is rejected when this library is loaded, only the
 *   built-in default remains.
 *
 * The server records which role set a value (srole).  A value set at login
 * counts as set by the authenticated user, because any role may use ALTER ROLE
 * ... SET for itself.
 * ----------------------------------------------------------------
 */

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

/* Returns a setting, or NULL if the session does not know it. */
static struct config_generic *
lookup_setting(const char *name)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);

	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}

/* Returns one of pg_cmig's settings. */
static struct config_generic *
find_setting(const char *name)
{
	struct config_generic *setting = lookup_setting(name);

	if (setting == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unrecognized configuration parameter \"%s\"", name),
				 errdetail("The pg_cmig library that this session has loaded does not define it."),
				 errhint("Reconnect to load the current library.")));
	return setting;
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

/*
 * Returns the value that is stored for the authenticated user, or NULL.  It is
 * kept until the end of the transaction, because a replay runs thousands of
 * scripts, and reading the configuration files for each would be slow.
 */
static const char *
login_value(struct config_generic *setting)
{
	static LocalTransactionId transaction = InvalidLocalTransactionId;
	static List *known = NIL;	/* of list (setting, value), in
								 * TopTransactionContext */
	MemoryContext caller;
	char	   *value;

	if (transaction != cmig_lxid_compat())
		known = NIL;
	transaction = cmig_lxid_compat();
	foreach_ptr(List, each, known)
	{
		if (linitial(each) == setting)
			return lsecond(each);
	}
	value = stored_setting(setting, true);
	caller = MemoryContextSwitchTo(TopTransactionContext);
	value = value ? pstrdup(value) : NULL;
	known = lappend(known, list_make2(setting, value));
	MemoryContextSwitchTo(caller);
	return value;
}

/*
 * Set a setting to the value that it has after login without options, unless it
 * has it.  In a SECURITY DEFINER function, whose caller may be anybody, the
 * values of roles do not count.  "initial" is used if no value is stored.
 */
static void
set_as_at_login(struct config_generic *setting, const char *initial, GucAction action)
{
	bool		definer = cmig_settings_in_definer_function();
	GucSource	last = definer ? PGC_S_DATABASE : PGC_S_DATABASE_USER;
	const char *value = NULL;

	if (setting == NULL || setting->source <= last)
		return;
	/* otherwise, the session's initial value is that of an option */
	if (setting->reset_source > last)
	{
		value = definer ? stored_setting(setting, false) : login_value(setting);
		if (value == NULL)
			value = initial;
	}
	/* as at login, a name of what does not exist is ignored */
	if (set_config_option(setting->name, value, PGC_USERSET, PGC_S_SESSION, action, true, DEBUG1,
						  false) > 0)
		return;
	value = find_in_files(setting->name);
	cmig_settings_set(setting->name, value != NULL ? value : initial, PGC_USERSET, action);
}

void
cmig_settings_as_at_login(bool storage, GucAction action)
{
	static const char *const others[][2] = {
		{"lc_monetary", "C"}, {"lc_numeric", "C"}, {"lc_time", "C"},
		{"timezone_abbreviations", "Default"},
		{"default_text_search_config", "pg_catalog.simple"}, {"gin_fuzzy_search_limit", "0"},
		{"restrict_nonsystem_relation_kind", ""}, {NULL, NULL}
	};
	static const char *const stored[][2] = {
		{"default_tablespace", ""}, {"default_table_access_method", "heap"},
		{"default_toast_compression", "pglz"}, {NULL, NULL}
	};
	const char *const(*lists[])[2] = {cmig_settings_forms, others, stored};

	/* built-in settings are never moved */
	static struct config_generic *found[3][16];

	for (int list = 0; list < (storage ? 3 : 2); list++)
	{
		for (int i = 0; lists[list][i][0] != NULL; i++)
		{
			Assert(i < lengthof(found[list]));
			if (found[list][i] == NULL)
				found[list][i] = lookup_setting(lists[list][i][0]);
			set_as_at_login(found[list][i], lists[list][i][1], action);
		}
	}
	cmig_settings_unname_tablespace(action);
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
pg_noreturn static void
refuse_value(const struct config_generic *setting, const char *value, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\": \"%s\"", setting->name, value),
			 errdetail("It was set for database \"%s\" or for the server by a session that had not loaded pg_cmig, so the value was not checked.",
					   get_database_name(MyDatabaseId)),
			 errhint("%s%sCorrect it with ALTER SYSTEM, or for the database: SELECT cmig.set_option('%s', '<value>')",
					 hint ? hint : "", hint ? " " : "", setting->name)));
}

/* Parse a stored value.  If value is NULL, returns the built-in default. */
static int
parse_enum(struct config_generic *setting, const char *value)
{
	struct config_enum *record = cmig_setting_compat(setting, enum);
	StringInfoData hint;
	int			result;

	if (value == NULL)
		return record->boot_val;
	if (config_enum_lookup_by_name(record, value, &result))
		return result;
	initStringInfo(&hint);		/* the same hint as PostgreSQL's */
	for (const struct config_enum_entry *option = record->options; option->name; option++)
	{
		if (!option->hidden)
			appendStringInfo(&hint, "%s%s", hint.len > 0 ? ", " : "Available values: ",
							 option->name);
	}
	appendStringInfoChar(&hint, '.');
	refuse_value(setting, value, hint.data);
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
	*stored = stored_setting(*setting, false);
	return false;
}

/*
 * Returns the stored value of a string setting after checking the value as SET
 * would, or the built-in default if the value is NULL.
 */
static const char *
check_text(struct config_generic *setting, const char *stored)
{
	struct config_string *record = cmig_setting_compat(setting, string);
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
		return cmig_setting_compat(setting, bool)->boot_val;
	if (!parse_bool(stored, &result))
		refuse_value(setting, stored, NULL);
	return result;
}

/* Parse a stored value.  If value is NULL, returns the built-in default. */
static int
parse_stored_int(struct config_generic *setting, const char *stored)
{
	struct config_int *record = cmig_setting_compat(setting, int);
	const char *hint = NULL;
	int			result;

	if (stored == NULL)
		return record->boot_val;
	if (!parse_int(stored, &result, setting->flags, &hint) || result < record->min ||
		result > record->max)
		refuse_value(setting, stored, hint);
	return result;
}

int
cmig_settings_int(const char *name, int session)
{
	struct config_generic *setting;
	const char *stored;

	return use_session_value(name, &setting, &stored) ? session : parse_stored_int(setting, stored);
}

double
cmig_settings_real(const char *name, double session)
{
	struct config_generic *setting;
	const char *stored;
	double		result;

	if (use_session_value(name, &setting, &stored))
		return session;
	if (stored == NULL)
		return cmig_setting_compat(setting, real)->boot_val;
	if (!parse_real(stored, &result, setting->flags, NULL))
		refuse_value(setting, stored, NULL);
	return result;
}

const char *
cmig_settings_custom(const char *name)
{
	struct config_generic *setting = lookup_setting(name);

	if (!cmig_settings_in_definer_function() || (setting != NULL && session_counts(setting)))
		return GetConfigOption(name, true, false);
	return setting != NULL ? stored_setting(setting, false) : NULL;
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
	value = stored_setting(setting, true);
	return value ? value : cmig_setting_compat(setting, string)->boot_val;
}

static bool
may_loosen(const char *name, Oid role)
{
	return superuser_arg(role) ||
		cmig_owns_compat(DatabaseRelationId, MyDatabaseId, role) ||
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

int
cmig_settings_guard_enum(const char *name, int session)
{
	struct config_generic *setting = find_setting(name);
	int			owners = parse_enum(setting, stored_setting(setting, false));

	/* in a SECURITY DEFINER function, its owner must have set the value */
	if (setting->source <= PGC_S_DATABASE ||
		(cmig_settings_in_definer_function() && !is_users_own(setting)))
		return owners;
	return session >= owners || session_may_loosen(name) ? session : owners;
}

/* May the session change settings that the guard depends on? */
static bool
is_unguarded(const char *guard)
{
	struct config_generic *setting = find_setting(guard);

	return parse_enum(setting,
					  stored_setting(setting,
									 false)) == cmig_setting_compat(setting, enum)->boot_val ||
		session_may_loosen(guard);
}

const char *
cmig_settings_guarded_text(const char *name, const char *session, const char *guard)
{
	struct config_generic *setting = find_setting(name);

	return is_unguarded(guard) ? cmig_settings_text(name, session) :
		check_text(setting, stored_setting(setting, false));
}

int
cmig_settings_guarded_int(const char *name, int session, const char *guard)
{
	struct config_generic *setting = find_setting(name);

	return is_unguarded(guard) ? cmig_settings_int(name, session) :
		parse_stored_int(setting, stored_setting(setting, false));
}

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

const char *
cmig_settings_protect_name(bool stored)
{
	struct config_generic *setting = find_setting("cmig.protect");

	return cmig_enum_name_compat(setting, stored ?
								 parse_enum(setting, stored_setting(setting, false)) :
								 cmig_settings_protect());
}

char *
cmig_settings_unprotect_hint(bool commits)
{
	if (!cmig_settings_may_unprotect())
		return psprintf("Only the owner of database \"%s\", a superuser, or a role with the SET privilege on parameter cmig.protect can lower it.",
						get_database_name(MyDatabaseId));
	return pstrdup(commits ?
				   "If this is intended, `SET cmig.protect = off first, and RESET cmig.protect afterward.`"
				   : "If this is intended: `BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT`");
}

CmigDdlPolicy
cmig_settings_ddl_policy_stored(void)
{
	struct config_generic *setting = find_setting("cmig.ddl_policy");

	return parse_enum(setting, stored_setting(setting, false));
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
cmig_settings_ddl_exclude(void)
{
	struct config_generic *setting = find_setting("cmig.ddl_exclude");

	return check_text(setting, stored_setting(setting, false));
}

const char *
cmig_settings_ddl_policy_name(CmigDdlPolicy policy)
{
	return cmig_enum_name_compat(find_setting("cmig.ddl_policy"),
								 policy);
}

CmigChecksumPolicy
cmig_settings_checksum_policy(void)
{
	struct config_generic *setting;
	const char *stored;

	return use_session_value("cmig.checksum_policy", &setting, &stored) ? checksum_policy :
		parse_enum(setting, stored);
}

bool
cmig_settings_keep_invalid(GucSource source)
{
	return loading || InitializingParallelWorker ||
		(source >= PGC_S_GLOBAL && source <= PGC_S_DATABASE_USER);
}

const char *
cmig_settings_name(const char *name)
{
	static int	number = 0;

	return cmig_setting_name_compat(name, number++);
}

/* Compare settings by their names, as PostgreSQL 15 sorts them. */
static int
compare_settings(const void *a, const void *b)
{
	const char *left = (*(const struct config_generic *const *) a)->name,
			   *right = (*(const struct config_generic *const *) b)->name;

	for (;; left++, right++)
	{
		char		l = *left >= 'A' && *left <= 'Z' ? *left + ('a' - 'A') : *left,
					r = *right >= 'A' && *right <= 'Z' ? *right + ('a' - 'A') : *right;

		if (l == '\0' || r == '\0')
			return (l != '\0') - (r != '\0');
		if (l != r)
			return l - r;
	}
}

void
cmig_settings_loaded(void)
{
	cmig_setting_names_compat(compare_settings);
	loading = false;
}

/*
 * cmig sets the placeholder, which no library reserves, because the server's
 * library can be older than cmig.
 */
#define CLIENT GetConfigOption("cmig_client.hints", true, false)

bool
cmig_settings_engine(void)
{
	return cmig_text_same(CLIENT, "engine");
}

static const char *
hint_scope(void)
{
	return cmig_text_same(CLIENT, "shell") || cmig_settings_engine() ?
		GetConfigOption("cmig.scope", true, false) : NULL;
}

void
cmig_settings_init(void)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);

	cmig_hint_scope = hint_scope;
	loading = true;
	for (int i = 0; i < count; i++)
		set_before_load |= (all[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			pg_strncasecmp(all[i]->name, "cmig.", strlen("cmig.")) == 0;

	/*
	 * cmig.protect guards against mistakes.  If it is set for the database,
	 * only the database's owner, superusers, and roles with the SET privilege
	 * on cmig.protect can lower it in a session.
	 */
	DefineCustomEnumVariable(cmig_settings_name("cmig.protect"),
							 "Prevents operations that would destroy data: off, base (reset, downgrade to base, purge, prune), on (these and every downgrade).",
							 NULL, &protect, CMIG_PROTECT_OFF,
							 protect_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * cmig.ddl_policy says what happens to schema changes outside of
	 * migrations.
	 */
	DefineCustomEnumVariable(cmig_settings_name("cmig.ddl_policy"),
							 "Sets what happens to DDL outside of a migration run: allow, log (in cmig.ddl_log), or deny.",
							 NULL, &ddl_policy, CMIG_DDL_ALLOW,
							 ddl_policy_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * cmig.checksum_policy says what cmig.load does when the text of an
	 * applied revision differs from the text that was run.
	 */
	DefineCustomEnumVariable(cmig_settings_name("cmig.checksum_policy"),
							 "Sets what happens if the script of an applied revision has changed: error, warn, or ignore.",
							 NULL, &checksum_policy, CMIG_CHECKSUM_ERROR,
							 checksum_options, PGC_USERSET, 0, NULL, NULL, NULL);
}

/* ----------------------------------------------------------------
 * Stores settings for the database, or for a role in it.
 *
 * The work and the permission checks are left to ALTER DATABASE ... SET and
 * ALTER ROLE ... SET.  A database owner who ran these commands directly in a
 * session that has not loaded this library would get an error, because the
 * server would not know the setting.
 * ----------------------------------------------------------------
 */

void
cmig_require_writable(const char *function)
{
	PreventCommandDuringRecovery(function);
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
}

PG_FUNCTION_INFO_V1(cmig_set_option);

/*
 * If two sessions change settings at the same time, one of them waits for the
 * lock taken here.  Without the lock, it would fail with "tuple concurrently
 * updated".
 */
char *
cmig_database_setting_set(const char *function, const char *role, const char *name,
						  const char *value)
{
	const char *database = quote_identifier(get_database_name(MyDatabaseId));
	char	   *sql;

	cmig_require_writable(function);
	if (role)
		(void) get_role_oid(role, false);
	sql = psprintf("%s%s %s %s",
				   role ? psprintf("ALTER ROLE %s IN DATABASE ", quote_identifier(role)) :
				   "ALTER DATABASE ",
				   database, value ? "SET" : "RESET", name);
	if (value)
		sql = psprintf("%s = %s", sql, quote_literal_cstr(value));
	LockSharedObject(DatabaseRelationId, MyDatabaseId, 0, ShareUpdateExclusiveLock);
	cmig_query_command(sql, InvalidOid);
	CommandCounterIncrement();
	return sql;
}

/*
 * cmig.set_option(name, value, role).  The name in the statement is the one
 * that the library has registered, not the one that the caller has written.
 */
Datum
cmig_set_option(PG_FUNCTION_ARGS)
{
	char	   *name = cmig_argument_text(fcinfo, 0);
	char	   *role = PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2));
	struct config_generic *setting = NULL;

	if (name && pg_strncasecmp(name, "cmig.", strlen("cmig.")) == 0)
		setting = lookup_setting(name);
	if (setting == NULL)
		ereport(ERROR,
				(errcode(name ? ERRCODE_UNDEFINED_OBJECT : ERRCODE_INVALID_PARAMETER_VALUE),
				 name ? errmsg("pg_cmig has no setting \"%s\"",
							   strlen(name) > NAMEDATALEN ? "..." : name)
				 : errmsg("the name of the setting must not be null"),
				 errhint("SELECT name, short_desc FROM pg_settings WHERE name LIKE 'cmig.%%'")));
	PG_RETURN_TEXT_P(cstring_to_text(cmig_database_setting_set("cmig.set_option()", role,
															   setting->name,
															   cmig_argument_text(fcinfo, 1))));
}
