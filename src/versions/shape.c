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

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "versions/internal.h"

/* Returns the OIDs of the objects of a kind, as an array literal. */
static char *
oids_of(const CmigImage *image, const CmigKind *kind)
{
	StringInfoData oids;

	initStringInfo(&oids);
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == kind)
			appendStringInfo(&oids, "%s%u", oids.len > 0 ? "," : "{",
							 image->objects[i]->address.object);
	appendStringInfoString(&oids, oids.len > 0 ? "}" : "{}");
	return oids.data;
}

List *
cmig_shape_enums(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT t.oid, n.nspname, t.typname, format('%I.%I', n.nspname, t.typname),"
		" coalesce(string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder), ''),"
		" coalesce(json_object_agg(e.oid, e.enumlabel) FILTER (WHERE e.oid IS NOT NULL), '{}')"
		" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT"
		" JOIN pg_enum e ON e.enumtypid = t.oid"
		" WHERE t.oid = ANY ($1::oid[]) GROUP BY t.oid, n.oid ORDER BY n.nspname, t.typname",
		.argtypes = {TEXTOID}
	};

	return cmig_query_list(&query, oids_of(image, &cmig_kind_enum));
}

List *
cmig_shape_readers(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE reads (key, other) AS ("
		" SELECT 'c' || w.ev_class, CASE d.refclassid WHEN 'pg_class'::regclass THEN 'c' ELSE 'p'"
		" END || d.refobjid"
		" FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass"
		" AND d.objid = w.oid"
		" WHERE w.ev_class = ANY ($1::oid[] || $2::oid[]) AND d.refobjid <> w.ev_class"
		"  AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[] || $2::oid[])"
		"   OR d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY ($3::oid[]))"
		" UNION SELECT 'p' || d.objid, CASE d.refclassid WHEN 'pg_class'::regclass THEN 'c'"
		" ELSE 'p' END || d.refobjid"
		" FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = ANY ($3::oid[])"
		" AND d.refobjid <> d.objid"
		"  AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[] || $2::oid[])"
		"   OR d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY ($3::oid[]))),"
		" depth (key, n) AS (SELECT key, 1 FROM reads UNION SELECT r.key, n + 1 FROM depth d"
		" JOIN reads r ON r.other = d.key WHERE n < 100)"
		" SELECT r.*, t.* FROM (SELECT 'c' || c.oid AS key, CASE c.relkind WHEN 'v' THEN 'VIEW'"
		" ELSE 'MATERIALIZED VIEW' END, n.nspname, quote_ident(c.relname),"
		"  format(CASE c.relkind WHEN 'v' THEN 'CREATE OR REPLACE VIEW %I.%I%s%s%s AS %s'"
		" ELSE 'CREATE MATERIALIZED VIEW %I.%I%s%s%s AS %s WITH NO DATA' END,"
		"   n.nspname, c.relname, ' USING ' || quote_ident(m.amname), ' WITH (' || array_to_string(c.reloptions, ', ') || ')',"
		"   ' TABLESPACE ' || quote_ident(s.spcname), rtrim(pg_get_viewdef(c.oid), ';')),"
		"  obj_description(c.oid, 'pg_class'), NULL, NULL, '', 'f',"
		"  CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid) OR EXISTS (SELECT"
		" FROM pg_attrdef f WHERE f.adrelid = c.oid)"
		"   OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid"
		" AND w.rulename <> '_RETURN') THEN 'It has triggers, rules, or defaults.' END"
		"  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT"
		" JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace"
		"  WHERE c.oid = ANY ($1::oid[] || $2::oid[])"
		"  UNION ALL SELECT 'p' || p.oid, 'ROUTINE', n.nspname, format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),"
		"  pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), CASE"
		" WHEN p.prosqlbody IS NULL THEN p.prosrc END,"
		"  (SELECT substr(o, length('search_path=') + 1) FROM unnest(p.proconfig) o"
		" WHERE starts_with(o, 'search_path=')),"
		"  (SELECT coalesce(string_agg(format(' %s ', c.oid), ''), '') FROM pg_type y LEFT"
		" JOIN pg_type e ON e.oid = y.typelem AND y.typcategory = 'A'"
		"   JOIN pg_class c ON c.oid = coalesce(e.typrelid, y.typrelid) AND c.relkind IN ('r', 'p')"
		"   WHERE y.oid = p.prorettype OR y.oid = ANY (coalesce(p.proallargtypes, p.proargtypes))),"
		"  p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype), NULL"
		"  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
		" WHERE p.oid = ANY ($3::oid[])) r"
		"  (key, kind, schema, signature, definition, comment, body, path, types, trigger, unfit),"
		" LATERAL (SELECT (SELECT coalesce(string_agg(format(' %s ', e.other), ''), '')"
		" FROM reads e WHERE e.key = r.key)) t (reads)"
		" ORDER BY (SELECT coalesce(max(d.n), 0) FROM depth d"
		" WHERE d.key = r.key), kind DESC, schema, signature",
		.argtypes = {TEXTOID, TEXTOID, TEXTOID}
	};
	List	   *result = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&query, oids_of(image, &cmig_kind_view),
												oids_of(image, &cmig_kind_materialized_view),
												oids_of(image, &cmig_kind_function)))
	{
		CmigShapeReader *reader = palloc0(sizeof(CmigShapeReader));

		memcpy(reader, row, 12 * sizeof(char *));
		result = lappend(result, reader);
	}
	return result;
}

/* Returns the qualified name of a table or, of a partition, that of its root. */
static char *
root_name(Oid table)
{
	List	   *ancestors = get_rel_relispartition(table) ? get_partition_ancestors(table) : NIL;

	if (ancestors != NIL)
		table = llast_oid(ancestors);
	return psprintf("%s.%s",
					quote_identifier(cmig_query_schema_name(get_rel_namespace(table))),
					quote_identifier(cmig_query_name(table)));
}

/* query_tree_walker callback: append what it inserts into, updates, or merges into. */
static bool
find_written(Node *node, void *found)
{
	const Query *query = (const Query *) node;

	if (node == NULL || !IsA(node, Query))
		return node != NULL && expression_tree_walker(node, find_written, found);
	if (query->resultRelation > 0 && query->commandType != CMD_DELETE)
		*(List **) found = lappend(*(List **) found,
								   root_name(rt_fetch(query->resultRelation, query->rtable)->relid));
	return query_tree_walker((Query *) query, find_written, found, 0);
}

/* Returns what a body writes that is not a string. */
static List *
written_by_body(Oid routine)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(routine));
	bool		null;
	Datum		body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &null);
	List	   *written = NIL;

	if (!null)
		find_written(stringToNode(TextDatumGetCString(body)), &written);
	ReleaseSysCache(tuple);
	return written;
}

List *
cmig_shape_reader_written(const CmigShapeReader *reader)
{
	Oid			oid = strtoul(reader->key + 1, NULL, 10);
	Relation	view;
	Query	   *query;
	List	   *written = NIL;

	if (reader->kind[0] != 'V')
		return reader->kind[0] == 'R' ? written_by_body(oid) : NIL;
	view = table_open(oid, AccessShareLock);
	query = get_view_query(view);
	if (view_query_is_auto_updatable(query, false) == NULL)
	{
		int			from = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;

		written = list_make1(root_name(rt_fetch(from, query->rtable)->relid));
	}
	table_close(view, AccessShareLock);
	return written;
}

const CmigObject *
cmig_shape_reader_object(const CmigShapeReader *reader, const CmigImage *image)
{
	CmigAddress address = {reader->key[0] == 'c' ? RelationRelationId : ProcedureRelationId,
	strtoul(reader->key + 1, NULL, 10), 0};

	return cmig_image_find_exactly(image, address);
}

char *
cmig_shape_reader_name(const CmigShapeReader *reader, const char *schema)
{
	return psprintf("%s.%s", quote_identifier(schema), reader->signature);
}

List *
cmig_shape_read(const CmigImage *image)
{
	static CmigQuery tables = {
		.sql = "SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relkind,"
		" CASE WHEN c.relispartition THEN 'p' WHEN c.relkind = 'p' THEN EXISTS (SELECT"
		" FROM pg_partition_tree(c.oid) y JOIN pg_class f ON f.oid = y.relid"
		"   WHERE f.relkind NOT IN ('r', 'p'))::text"
		"  ELSE EXISTS (SELECT FROM pg_inherits i"
		" WHERE c.oid IN (i.inhparent, i.inhrelid))::text END, obj_description(c.oid, 'pg_class')"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p') ORDER BY n.nspname, c.relname",
		.argtypes = {TEXTOID}
	};
	static CmigQuery columns = {
		.sql = "SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),"
		" CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', n.nspname, l.collname)"
		"  FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace"
		" WHERE l.oid = a.attcollation) END,"
		" a.attnotnull, pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN '0'::oid ELSE d.adrelid END), a.attidentity, a.attgenerated, col_description(a.attrelid, a.attnum),"
		" o.name,"
		" CASE WHEN t.typtype <> 'd' THEN 'f' WHEN (WITH RECURSIVE d AS (SELECT t.oid, t.typbasetype, t.typnotnull"
		" UNION ALL SELECT b.oid, b.typbasetype, b.typnotnull FROM d"
		" JOIN pg_type b ON b.oid = d.typbasetype)"
		"  SELECT bool_or(d.typnotnull OR d.oid IN (SELECT o.contypid FROM pg_constraint o"
		" WHERE o.contypid <> 0)) FROM d) THEN 't'"
		" WHEN t.typdefault IS NOT NULL THEN 'd' ELSE 'f' END,"
		" (SELECT format('INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s', q.seqincrement, q.seqmin, q.seqmax, q.seqstart, q.seqcache)"
		"  || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END FROM pg_sequence q WHERE q.seqrelid = o.oid),"
		" c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) y"
		" JOIN pg_partitioned_table p ON p.partrelid = y.relid"
		"  JOIN pg_attribute k ON k.attrelid = y.relid AND k.attnum = ANY (p.partattrs::int2[])"
		" WHERE k.attname = a.attname), o.oid"
		" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
		" JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_type t ON t.oid = a.atttypid"
		" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
		" LEFT JOIN LATERAL (SELECT s.oid, format('%I.%I', m.nspname, s.relname) FROM pg_depend e"
		" JOIN pg_class s ON s.oid = e.objid AND s.relkind = 'S'"
		"  JOIN pg_namespace m ON m.oid = s.relnamespace WHERE e.classid = 'pg_class'::regclass"
		" AND e.refclassid = e.classid AND e.refobjid = a.attrelid"
		"  AND e.refobjsubid = a.attnum AND e.deptype IN ('a', 'i') ORDER BY 1"
		" LIMIT 1) o (oid, name) ON true"
		" WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped"
		" ORDER BY a.attrelid, a.attnum",
		.argtypes = {TEXTOID}
	};
	static CmigQuery parts = {
		.sql = "SELECT p.oid, rel, name, kind, definition, m.method, m.unique, columns, valid, deferred, refers, sets_default,"
		" (SELECT json_object_agg(c.indrelid::regclass, c.indexrelid::regclass)"
		" FROM pg_partition_tree(key) y JOIN pg_index c ON c.indexrelid = y.relid)"
		" FROM (SELECT o.oid, o.conrelid, o.conname, o.contype::text, pg_get_constraintdef(o.oid),"
		" array_to_string(o.conkey, ' '), o.convalidated,"
		" concat(CASE WHEN o.condeferrable THEN ' DEFERRABLE' END, CASE WHEN o.condeferred"
		" THEN ' INITIALLY DEFERRED' END),"
		" nullif(o.confrelid, 0)::regclass::text, 'd' IN (o.confupdtype, o.confdeltype), o.conindid"
		" FROM pg_constraint o WHERE o.conrelid = ANY ($1::oid[])"
		" AND o.contype IN ('p', 'u', 'x', 'c', 'f') AND o.conparentid = 0"
		" UNION ALL SELECT i.oid, x.indrelid, i.relname, 'i', NULL,"
		" (SELECT string_agg(DISTINCT d.refobjsubid::text, ' ') FROM pg_depend d"
		" WHERE d.classid = 'pg_class'::regclass"
		"  AND d.objid = i.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid"
		" AND d.refobjsubid > 0), x.indisvalid,"
		" NULL, NULL, false, i.oid"
		" FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = ANY ($1::oid[])"
		" AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.oid"
		" AND o.contype IN ('p', 'u', 'x')))"
		" p (oid, rel, name, kind, definition, columns, valid, deferred, refers, sets_default, key)"
		" LEFT JOIN (pg_index x JOIN pg_class c ON c.oid = x.indexrelid"
		" JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace)"
		"  ON x.indexrelid = key AND kind <> 'f'"
		" LEFT JOIN LATERAL " CMIG_INDEX_METHOD_SQL("pg_get_indexdef(x.indexrelid)", "x", "c", "n",
													"t") " m ON true"
		" ORDER BY kind = 'f', name COLLATE \"C\"",
		.argtypes = {TEXTOID}
	};
	char	   *oids = oids_of(image, &cmig_kind_table);
	List	   *result = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&tables, oids))
	{
		CmigShapeTable *table = palloc0(sizeof(CmigShapeTable));

		memcpy(table, row, 7 * sizeof(char *));
		result = lappend(result, table);
	}
	foreach_ptr(CmigShapeColumn, column, cmig_query_list(&columns, oids))
	{
		CmigShapeTable *table = cmig_shape_table(result, column->table);

		if (table != NULL)
			table->columns = lappend(table->columns, column);
	}
	foreach_ptr(CmigShapePart, part, cmig_query_list(&parts, oids))
	{
		CmigShapeTable *table = cmig_shape_table(result, part->table);

		if (table != NULL)
			table->parts = lappend(table->parts, part);
	}
	return result;
}

CmigShapeTable *
cmig_shape_table(const List *shape, const char *oid)
{
	foreach_ptr(CmigShapeTable, table, shape)
	{
		if (strcmp(table->oid, oid) == 0)
			return table;
	}
	return NULL;
}

CmigShapeColumn *
cmig_shape_column(const CmigShapeTable *table, const char *number)
{
	foreach_ptr(CmigShapeColumn, column, table->columns)
	{
		if (strcmp(column->number, number) == 0)
			return column;
	}
	return NULL;
}

CmigShapeColumn *
cmig_shape_column_named(const CmigShapeTable *table, const char *name)
{
	foreach_ptr(CmigShapeColumn, column, table->columns)
	{
		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/*
 * Does it keep values, or find them by its position, and is it not followed as a table's
 * column is?
 */
static bool
is_found_by_name(const CmigObject *object)
{
	return object->kind == &cmig_kind_sequence || object->kind == &cmig_kind_attribute ||
		(object->kind == &cmig_kind_column && object->parent != NULL &&
		 object->parent->kind == &cmig_kind_foreign_table);
}

void
cmig_shape_require_same(const CmigImage *before, const CmigImage *after)
{
	for (int i = 0; i < before->count; i++)
	{
		const CmigObject *a = before->objects[i];
		const CmigObject *b;
		const char *why = NULL;

		if (!is_found_by_name(a))
			continue;
		b = cmig_image_find_exactly(after, a->address);
		if (b != NULL ? strcmp(a->identity, b->identity) != 0 :
			a->kind == &cmig_kind_sequence &&
			SearchSysCacheExists1(RELOID, ObjectIdGetDatum(a->address.object)))
			why = "The revision renames or moves it.";
		for (int j = 0; j < after->count && b == NULL && why == NULL; j++)
		{
			if (after->objects[j]->kind == a->kind &&
				strcmp(after->objects[j]->identity, a->identity) == 0)
				why = "The revision replaces it by another one of that name.";
		}
		if (why != NULL)
			cmig_versions_refuse(psprintf("%s %s", a->kind->name, a->identity),
								 psprintf("%s Its values would not be those after an upgrade.",
										  why));
	}
}
