/*
 * image_others.c
 *	  Finds the objects that no kind has read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "kinds/kinds.h"
#include "schema/image_others.h"
#include "shadow/shadow_rows.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

/* Row callback: record an object that no kind has read. */
static void
add_unclaimed(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigAddress *address = palloc(sizeof(CmigAddress));

	cmig_image_reader_row(reader, desc, row);
	*address = cmig_image_reader_address(reader, 0);
	if (cmig_image_find_exactly(reader->image, *address) == NULL &&
		!cmig_image_reader_is_member(reader, *address, NULL))
		reader->unclaimed = lappend(reader->unclaimed, address);
	else
		pfree(address);
}

/* Row callback: add an object that no kind has read, with the kind "other". */
static void
add_other(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;
	char	   *type;

	cmig_image_reader_row(reader, desc, row);
	type = cmig_image_reader_text(reader, 3);
	if (type == NULL || strstr(cmig_image_reader_text(reader, 4), CMIG_SHADOW_HIDDEN) != NULL ||
		strcmp(cmig_image_reader_text(reader, 4), "pg_cmig") == 0)
		return;
	object = cmig_object_new(&cmig_kind_other, type,
							 psprintf("%s %s", type, cmig_image_reader_text(reader, 4)));
	object->address = cmig_image_reader_address(reader, 0);
	cmig_object_set(object, 0, cmig_image_reader_text(reader, 5));
	cmig_image_add(reader->image, object);
}

/*
 * Add the objects in reader->unclaimed to the image.  A type is described by
 * its whole catalog row, with names instead of OIDs.
 */
static void
name_unclaimed(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT c, o, 0, i.type::text, i.identity::text,"
		" CASE c WHEN 'pg_type'::regclass THEN (SELECT (to_jsonb(t) - '{oid,typnamespace,typowner,typacl,typarray}'::text[]"
		"  || jsonb_build_object('typrelid', t.typrelid::regclass::text, 'typelem', format_type(t.typelem, NULL),"
		"  'typbasetype', format_type(t.typbasetype, NULL), 'typcollation', t.typcollation::regcollation::text))::text"
		"  FROM pg_type t WHERE t.oid = o) END FROM unnest($1, $2) AS a (c, o)"
		" CROSS JOIN LATERAL pg_identify_object(c, o, 0) i",
		.nargs = 2,.argtypes = {OIDARRAYOID, OIDARRAYOID}
	};
	int			count = list_length(reader->unclaimed);
	Datum	   *catalogs = palloc(sizeof(Datum) * Max(count, 1)),
			   *objects = palloc(sizeof(Datum) * Max(count, 1)),
				values[2];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		CmigAddress *address = list_nth(reader->unclaimed, i);

		catalogs[i] = ObjectIdGetDatum(address->catalog);
		objects[i] = ObjectIdGetDatum(address->object);
	}
	values[0] = PointerGetDatum(construct_array(catalogs, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(objects, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	cmig_query_each(&query, values, NULL, add_other, reader);
}

#define IN_SCHEMAS(catalog, column) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, oid, 0 FROM " catalog " WHERE " column " = ANY ($1)"
#define ON_TABLES(catalog, column, condition) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, x.oid, 0 FROM " catalog " x JOIN pg_class c ON c.oid = x." column \
	" WHERE c.relnamespace = ANY ($1)" condition
#define IN_DATABASE(catalog) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, oid, 0 FROM " catalog " WHERE $2 AND oid >= 16384"

void
cmig_image_read_others(CmigImageReader *reader, Datum schemas, bool all)
{
	static CmigQuery query = {
		.sql = "SELECT 'pg_class'::regclass::oid, oid, 0 FROM pg_class WHERE relnamespace = ANY ($1)"
		IN_SCHEMAS("pg_proc", "pronamespace")
		" UNION ALL SELECT 'pg_type'::regclass::oid, t.oid, 0 FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid"
		" WHERE t.typnamespace = ANY ($1) AND coalesce(c.relkind, 'c') = 'c'"
		" AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)"
		IN_SCHEMAS("pg_operator", "oprnamespace")
		IN_SCHEMAS("pg_opclass", "opcnamespace")
		IN_SCHEMAS("pg_opfamily", "opfnamespace")
		IN_SCHEMAS("pg_collation", "collnamespace")
		IN_SCHEMAS("pg_conversion", "connamespace")
		IN_SCHEMAS("pg_ts_config", "cfgnamespace")
		IN_SCHEMAS("pg_ts_dict", "dictnamespace")
		IN_SCHEMAS("pg_ts_parser", "prsnamespace")
		IN_SCHEMAS("pg_ts_template", "tmplnamespace")
		IN_SCHEMAS("pg_statistic_ext", "stxnamespace")
		ON_TABLES("pg_trigger", "tgrelid", " AND NOT x.tgisinternal AND x.tgparentid = 0"
				  " AND x.tgfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE pn.nspname = 'cmig')")
		ON_TABLES("pg_policy", "polrelid", "")
		ON_TABLES("pg_rewrite", "ev_class", " AND x.rulename <> '_RETURN'")
		IN_DATABASE("pg_cast") " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass"
		" AND d.objid = pg_cast.oid AND d.deptype = 'i')"
		IN_DATABASE("pg_language")
		IN_DATABASE("pg_event_trigger")
		IN_DATABASE("pg_publication")
		IN_DATABASE("pg_foreign_data_wrapper")
		IN_DATABASE("pg_foreign_server")
		IN_DATABASE("pg_transform")
		IN_DATABASE("pg_default_acl")
		IN_DATABASE("pg_am")
		IN_DATABASE("pg_extension"),
		.nargs = 2,.argtypes = {OIDARRAYOID, BOOLOID}
	};
	Datum		values[2];

	values[0] = schemas;
	values[1] = BoolGetDatum(all);
	cmig_query_each(&query, values, NULL, add_unclaimed, reader);
	name_unclaimed(reader);
}
