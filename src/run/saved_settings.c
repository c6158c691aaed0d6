/*
 * saved_settings.c
 *	  Saves the settings of a session and restores them several transactions
 *	  later.
 *
 * A setting that was set in the session is set to its old value.  A setting
 * whose value came from elsewhere is reset, which also restores the source of
 * its value.  PostgreSQL rereads configuration files only between commands
 * from the client, so only the script can have changed a setting in the
 * meantime.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "run/saved_settings.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/* The saved state of a setting. */
typedef struct SavedSetting
{
	char	   *name;
	char	   *value;
	GucSource	source;
} SavedSetting;

/* The settings of a session when they were saved. */
struct CmigSavedSettings
{
	int			count;
	SavedSetting *settings;		/* sorted by name */
};

/* Can a script change the setting with SET? */
static bool
is_changeable(const struct config_generic *setting)
{
	return setting->context == PGC_USERSET || setting->context == PGC_SUSET;
}

/*
 * Returns true for a setting that is not restored: transaction
 * characteristics, which end with the transaction, and the seed of random(),
 * which cannot be read.
 */
static bool
is_left_alone(const char *name)
{
	return strcmp(name, "transaction_isolation") == 0 ||
		strcmp(name, "transaction_read_only") == 0 ||
		strcmp(name, "transaction_deferrable") == 0 ||
		strcmp(name, "seed") == 0;
}

/* Is the current user allowed to read the setting's value? */
static bool
may_read(const struct config_generic *setting)
{
	return (setting->flags & GUC_SUPERUSER_ONLY) == 0 ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS);
}

/* qsort and bsearch comparator: by name. */
static int
compare_settings(const void *a, const void *b)
{
	return strcmp(((const SavedSetting *) a)->name, ((const SavedSetting *) b)->name);
}

CmigSavedSettings *
cmig_saved_settings_take(void)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);
	CmigSavedSettings *saved = palloc0(sizeof(CmigSavedSettings));

	saved->settings = palloc(sizeof(SavedSetting) * count);
	for (int i = 0; i < count; i++)
	{
		SavedSetting *setting = &saved->settings[saved->count];

		if (!is_changeable(all[i]) || is_left_alone(all[i]->name) || !may_read(all[i]))
			continue;
		setting->name = pstrdup(all[i]->name);
		setting->value = GetConfigOptionByName(all[i]->name, NULL, false);
		setting->source = all[i]->source;
		saved->count++;
	}
	qsort(saved->settings, saved->count, sizeof(SavedSetting), compare_settings);
	return saved;
}

/*
 * Restore a setting.  "setting" is its saved state, or NULL if the setting did
 * not exist when the settings were saved.
 */
static void
put_back(const char *name, const SavedSetting *setting)
{
	const char *value = NULL;

	if (setting != NULL && setting->source >= PGC_S_INTERACTIVE)
		value = setting->value;
	cmig_settings_set(name, value, PGC_SUSET, GUC_ACTION_SET);
}

/*
 * Does the setting differ from its saved state?  "setting" is NULL if the
 * setting did not exist when the settings were saved.
 */
static bool
has_changed(const struct config_generic *now, const SavedSetting *setting)
{
	char	   *value;
	bool		changed;

	if (setting == NULL)
		return now->source >= PGC_S_INTERACTIVE;
	if (now->source != setting->source)
		return true;
	if (now->source < PGC_S_INTERACTIVE)
		return false;
	value = GetConfigOptionByName(now->name, NULL, false);
	changed = strcmp(value, setting->value) != 0;
	pfree(value);
	return changed;
}

/*
 * The settings that are restored first, because restoring other settings may
 * require the privileges of the original role.
 */
static const char *const first[] = {"session_authorization", "role"};

void
cmig_saved_settings_put_back(const CmigSavedSettings *saved)
{
	int			count;
	struct config_generic **all;
	char	  **changed;
	int			nchanged = 0;

	for (int i = 0; i < lengthof(first); i++)
	{
		SavedSetting key = {.name = (char *) first[i]};
		SavedSetting *setting = bsearch(&key, saved->settings, saved->count,
										sizeof(SavedSetting), compare_settings);

		if (setting != NULL &&
			strcmp(GetConfigOptionByName(first[i], NULL, false), setting->value) != 0)
			put_back(first[i], setting);
	}

	/*
	 * collect the names first, because changing a setting may add entries to
	 * PostgreSQL's table of settings
	 */
	all = cmig_guc_variables_compat(&count);
	changed = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
	{
		SavedSetting key = {.name = (char *) all[i]->name};
		SavedSetting *setting;

		if (!is_changeable(all[i]) || is_left_alone(all[i]->name) || !may_read(all[i]))
			continue;
		setting = bsearch(&key, saved->settings, saved->count,
						  sizeof(SavedSetting), compare_settings);
		if (has_changed(all[i], setting))
			changed[nchanged++] = pstrdup(all[i]->name);
	}
	for (int i = 0; i < nchanged; i++)
	{
		SavedSetting key = {.name = changed[i]};

		put_back(changed[i], bsearch(&key, saved->settings, saved->count,
									 sizeof(SavedSetting), compare_settings));
	}
}
