/*
 * stored_settings.c
 *	  Reads the values of settings stored for the database or the server.
 *
 * The session's copy of a setting is not sufficient: a value from the
 * connection options hides the database's value, and if that value is rejected
 * when this library is loaded, only the built-in default remains.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/stored_settings.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/*
 * Were values set before this library was loaded?  Such values may be invalid.
 */
static bool set_before_load = false;

/* Was a cmig.* value set before the library could check it? */
static bool
any_placeholder(void)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);

	for (int i = 0; i < count; i++)
	{
		if ((all[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			pg_strncasecmp(all[i]->name, "cmig.", strlen("cmig.")) == 0)
			return true;
	}
	return false;
}

void
cmig_stored_settings_init(void)
{
	set_before_load = any_placeholder();
}

/*
 * Returns a setting's value in an array of name=value strings, or NULL if the
 * array does not contain the setting.
 */
static char *
find_in_list(Datum list, const char *setting)
{
	Datum	   *items;
	int			count;
	char	   *result = NULL;

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
	return result;
}

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
		Datum		list = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
										RelationGetDescr(relation), &isnull);

		if (!isnull)
			result = find_in_list(list, setting);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Returns a setting's value in the configuration files, or NULL if they do not
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
	char	   *value = NULL;

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

char *
cmig_stored_setting(const struct config_generic *setting, bool of_role)
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
