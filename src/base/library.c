/*
 * library.c
 *	  What both libraries need: settings for a while, rows of pg_depend, the
 *	  version of the SQL objects, and functions of the library for applications'
 *	  sessions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "base/base.h"

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
cmig_settings_count(void)
{
	cmig_settings_set("track_counts", "on", PGC_SUSET, GUC_ACTION_SAVE);
}

void
cmig_settings_pin_search_path(void)
{
	static const char path[] = "pg_catalog, pg_temp";

	if (strcmp(namespace_search_path, path) != 0)
		cmig_settings_override("search_path", path);
}

void
cmig_settings_unrestrict(void)
{
	/* not every minor version has it */
	const char *kinds = GetConfigOption("restrict_nonsystem_relation_kind", true, false);

	if (cmig_text_is_given(kinds))
		cmig_settings_override("restrict_nonsystem_relation_kind", "");
}

const char *const cmig_settings_forms[][2] = {
	{"array_nulls", "on"}, {"bytea_output", "hex"}, {"datestyle", "ISO, MDY"},
	{"extra_float_digits", "1"}, {"intervalstyle", "postgres"},
	{"quote_all_identifiers", "off"}, {"standard_conforming_strings", "on"}, {"timezone", "UTC"},
	{"transform_null_equals", "off"},
	{"xmlbinary", "base64"}, {"xmloption", "content"}, {NULL, NULL}
};

void
cmig_settings_pin_forms(void)
{
	for (int i = 0; cmig_settings_forms[i][0] != NULL; i++)
		cmig_settings_override(cmig_settings_forms[i][0], cmig_settings_forms[i][1]);
}

void
cmig_settings_unname_tablespace(GucAction action)
{
	const char *name = GetConfigOption("default_tablespace", false, false);

	if (name[0] != '\0' && get_tablespace_oid(name, true) == MyDatabaseTableSpace)
		cmig_settings_set("default_tablespace", "", PGC_USERSET, action);
}

void
cmig_catalog_rows_referring(Oid class, Oid object, CmigCatalogRow callback, void *arg)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(relation, DependReferenceIndexId, true, NULL, lengthof(keys), keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		callback(row, arg);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

void *
cmig_library_session_function(const char *name)
{
	void	   *function = load_external_function("$libdir/pg_cmig_session", name, false, NULL);

	if (function == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this session has loaded a library of another version of pg_cmig"),
				 errhint("Reconnect to load the current library.")));
	return function;
}

/* ----------------------------------------------------------------
 * Checks whether the library and the extension have the same version.
 *
 * After pg_cmig's files are updated, a database keeps the old tables until
 * ALTER EXTENSION ... UPDATE, and a session keeps the old library until it
 * ends.
 * ----------------------------------------------------------------
 */

/* default_version in pg_cmig.control when this library was built */
#define CMIG_LIBRARY_VERSION "1.2"

static char library_problem[128];	/* empty if the versions are the same */
static const char *library_hint;

void
cmig_library_version_read(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("pg_cmig"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		char	   *version = TextDatumGetCString(cmig_getattr_compat(tuple,
																	  Anum_pg_extension_extversion,
																	  RelationGetDescr(catalog),
																	  &isnull));
		int			number[2] = {0, 0};
		int			own[2] = {0, 0};

		sscanf(version, "%d.%d", &number[0], &number[1]);
		sscanf(CMIG_LIBRARY_VERSION, "%d.%d", &own[0], &own[1]);
		library_problem[0] = '\0';
		if (strcmp(version, CMIG_LIBRARY_VERSION) != 0)
			snprintf(library_problem, sizeof(library_problem),
					 "pg_cmig has version %.20s in this database, but this session has loaded the library of version %s",
					 version, CMIG_LIBRARY_VERSION);
		library_hint = number[0] < own[0] ||
			(number[0] == own[0] && number[1] < own[1]) ? "ALTER EXTENSION pg_cmig UPDATE" :
			"Reconnect to load the library of that version.";
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

const char *
cmig_library_version_hint(void)
{
	return library_problem[0] != '\0' ? library_hint : NULL;
}

bool
cmig_library_version_explain(void)
{
	if (library_problem[0] == '\0')
		return false;
	errdetail("%s.", library_problem);
	errhint("%s", library_hint);
	return true;
}

void
cmig_library_version_refuse(void)
{
	cmig_library_version_read();
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 library_problem[0] != '\0' ? errmsg("%s", library_problem) :
			 errmsg("the function is declared otherwise than by version %s of pg_cmig",
					CMIG_LIBRARY_VERSION),
			 errhint("%s", library_problem[0] != '\0' ? library_hint :
					 "ALTER EXTENSION pg_cmig UPDATE")));
}
