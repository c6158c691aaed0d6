/*
 * shape.c
 *	  The tables of an image, with what an expansion must know about them.
 *
 * Tables and columns keep their OIDs and numbers when a revision renames them
 * or changes their types, so that two shapes that are read in the same shadow,
 * one before and one after a revision, show what the revision has done.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "versions/internal.h"

/* Returns the OIDs of the objects of a kind, as an array literal. */
static char *
oids_of(const CmigImage *image, const CmigKind *kind)
{
	StringInfoData oids;

	initStringInfo(&oids);
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == kind)
			appendStringInfo(&oids, "%s%u", oids.len > 0 ? "," : "{", image->objects[i]->address.object);
	appendStringInfoString(&oids, oids.len > 0 ? "}" : "{}");
	return oids.data;
}

List *
cmig_shape_views(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid),"
		" coalesce(array_to_string(c.reloptions, ', '), ''), obj_description(c.oid, 'pg_class'),"
		" (SELECT min(v.relname) FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid"
		"  AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid JOIN pg_class v ON v.oid = d.refobjid AND v.relkind = 'v'"
		"  WHERE r.ev_class = c.oid)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[]) ORDER BY n.nspname, c.relname",
		.nargs = 1,.argtypes = {TEXTOID}
	};

	return cmig_query_list(&query, oids_of(image, &cmig_kind_view));
}

List *
cmig_shape_read(const CmigImage *image)
{
	static CmigQuery tables = {
		.sql = "SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind,"
		" EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)), obj_description(c.oid, 'pg_class')"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p') ORDER BY n.nspname, c.relname",
		.nargs = 1,.argtypes = {TEXTOID}
	};
	static CmigQuery columns = {
		.sql = "SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),"
		" CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', n.nspname, l.collname)"
		"  FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation) END,"
		" a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, col_description(a.attrelid, a.attnum),"
		" pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname), t.typnotnull"
		" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_type t ON t.oid = a.atttypid"
		" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
		" WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum",
		.nargs = 1,.argtypes = {TEXTOID}
	};
	static CmigQuery parts = {
		.sql = "SELECT * FROM (SELECT o.oid, o.conrelid, o.conname, o.contype::text, pg_get_constraintdef(o.oid),"
		" CASE WHEN o.contype <> 'f' THEN replace(pg_get_indexdef(o.conindid), format(' INDEX %I ON ', o.conname), ' INDEX ON ') END,"
		" array_to_string(o.conkey, ' '), o.convalidated"
		" FROM pg_constraint o WHERE o.conrelid = ANY ($1::oid[]) AND o.contype IN ('p', 'u', 'x', 'c', 'f')"
		" UNION ALL SELECT i.oid, x.indrelid, i.relname, 'i',"
		" replace(pg_get_indexdef(i.oid), format(' INDEX %I ON ', i.relname), ' INDEX ON '), NULL,"
		" (SELECT string_agg(DISTINCT d.refobjsubid::text, ' ') FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
		"  AND d.objid = i.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid AND d.refobjsubid > 0), x.indisvalid"
		" FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY ($1::oid[])"
		" AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.oid AND o.contype IN ('p', 'u', 'x'))) p (oid, rel, name, kind, definition, index, columns, valid)"
		" ORDER BY kind = 'f', name COLLATE \"C\"",
		.nargs = 1,.argtypes = {TEXTOID}
	};
	char	   *oids = oids_of(image, &cmig_kind_table);
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, cmig_query_list(&tables, oids))
	{
		CmigShapeTable *table = palloc0(sizeof(CmigShapeTable));

		memcpy(table, lfirst(cell), 7 * sizeof(char *));
		result = lappend(result, table);
	}
	foreach(cell, cmig_query_list(&columns, oids))
	{
		CmigShapeTable *table = cmig_shape_table(result, ((CmigShapeColumn *) lfirst(cell))->table);

		if (table != NULL)
			table->columns = lappend(table->columns, lfirst(cell));
	}
	foreach(cell, cmig_query_list(&parts, oids))
	{
		CmigShapeTable *table = cmig_shape_table(result, ((CmigShapePart *) lfirst(cell))->table);

		if (table != NULL)
			table->parts = lappend(table->parts, lfirst(cell));
	}
	return result;
}

CmigShapeTable *
cmig_shape_table(const List *shape, const char *oid)
{
	ListCell   *cell;

	foreach(cell, shape)
		if (strcmp(((CmigShapeTable *) lfirst(cell))->oid, oid) == 0)
		return lfirst(cell);
	return NULL;
}

CmigShapeColumn *
cmig_shape_column(const CmigShapeTable *table, const char *number)
{
	ListCell   *cell;

	foreach(cell, table->columns)
		if (strcmp(((CmigShapeColumn *) lfirst(cell))->number, number) == 0)
		return lfirst(cell);
	return NULL;
}

CmigShapeColumn *
cmig_shape_column_named(const CmigShapeTable *table, const char *name)
{
	ListCell   *cell;

	foreach(cell, table->columns)
		if (strcmp(((CmigShapeColumn *) lfirst(cell))->name, name) == 0)
		return lfirst(cell);
	return NULL;
}
