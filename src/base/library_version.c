/*
 * library_version.c
 *	  Checks whether the library and the extension have the same version.
 *
 * After pg_cmig's files are updated, a database keeps the old tables until
 * ALTER EXTENSION ... UPDATE, and a session keeps the old library until it
 * ends.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/library_version.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

static char hint[256];			/* empty if the versions are the same */

/* Is the version, in the form "1.2", older than this library? */
static bool
is_older(const char *version)
{
	int			major = 0;
	int			minor = 0;
	int			own_major = 0;
	int			own_minor = 0;

	sscanf(version, "%d.%d", &major, &minor);
	sscanf(CMIG_LIBRARY_VERSION, "%d.%d", &own_major, &own_minor);
	return major < own_major || (major == own_major && minor < own_minor);
}

/* Set the hint, given the version of the extension in this database. */
static void
set_hint(const char *version)
{
	hint[0] = '\0';
	if (strcmp(version, CMIG_LIBRARY_VERSION) != 0)
		snprintf(hint, sizeof(hint),
				 "Extension pg_cmig has version %.20s in this database, but this session has loaded the library of version %s. %s",
				 version, CMIG_LIBRARY_VERSION,
				 is_older(version) ? "Update the extension first: ALTER EXTENSION pg_cmig UPDATE"
				 : "Reconnect to load the library of that version.");
}

void
cmig_library_version_read(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(catalog);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("pg_cmig"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum	   *values = palloc(sizeof(Datum) * desc->natts);
		bool	   *nulls = palloc(sizeof(bool) * desc->natts);

		heap_deform_tuple(tuple, desc, values, nulls);
		set_hint(TextDatumGetCString(values[Anum_pg_extension_extversion - 1]));
		pfree(values);
		pfree(nulls);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

const char *
cmig_library_version_hint(void)
{
	return hint[0] != '\0' ? hint : NULL;
}
