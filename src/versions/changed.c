/*
 * changed.c
 *	  What was changed by hand since a revision was expanded.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "versions/internal.h"
#include "versions/versions.h"

/* The kind of a row in "columns" of cmig.expansion_run that cmig_versions_properties() returns */
#define PROPERTY "property"

#define CHANGES_HINT \
	"Undo the change, `CALL cmig.contract()`, and make it again. " ABANDON_HINT
#define ABANDON_HINT "Or `CALL cmig.abandon()`, and expand the revision again: what is there then is kept."

#define TRIGGER_FUNCTIONS "'cmig.expansion_begin()'::regprocedure, 'cmig.expansion_write()'::regprocedure"

/* Is it one of the triggers of table e?  Its arguments survive a dump, unlike OIDs. */
#define IS_TRIGGER \
	"t.tgfoid IN (" TRIGGER_FUNCTIONS ") AND t.tgparentid = 0" \
	" AND position('\\x00'::bytea || convert_to(e.sequence, getdatabaseencoding()) || '\\x00'::bytea IN '\\x00'::bytea || t.tgargs) > 0"

/*
 * The tables, triggers, and schemas that have another name, or, if $2, were dropped: what,
 * its name now, or NULL, the statement that renames it, or NULL, and the one that undoes that.
 */
static CmigQuery moved = {
	"WITH e AS MATERIALIZED (SELECT relation, n.oid, version, sequence,"
	"  (database = $3 AND id = n.oid::text) IS TRUE AS known FROM (SELECT DISTINCT"
	"    c->>0, c->>1, coalesce(c->>8, c->>1), c->>9, c->>10 FROM cmig.expansion_run r,"
	"    jsonb_array_elements(r.columns) c WHERE r.scope = $1 AND c->>0 <> '')"
	"   c (relation, version, sequence, database, id),"
	"   LATERAL (SELECT " CMIG_RELATION_NAMED("relation") " OFFSET 0) n (oid)),"
	" g AS (SELECT e.relation, t.* FROM e JOIN pg_trigger t ON t.tgrelid = e.oid"
	" AND " IS_TRIGGER "),"
	/* only for these, all triggers are looked at */
	" l AS MATERIALIZED (SELECT * FROM e WHERE relation NOT IN (SELECT relation FROM g)),"
	" x AS (SELECT e.relation, t.tgrelid AS oid, "
	CMIG_RELATION_NAMED("e.sequence") " AS voucher FROM l e, pg_trigger t WHERE " IS_TRIGGER
	"  UNION SELECT e.relation, d.refobjid, w.ev_class FROM e"
	" JOIN pg_rewrite w ON w.ev_class = " CMIG_RELATION_NAMED("e.version")
	"   JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid"
	" AND d.refclassid = 'pg_class'::regclass"
	"   JOIN pg_class k ON k.oid = d.refobjid AND k.relkind IN ('r', 'p')"
	" WHERE w.rulename = '_RETURN' AND d.refobjid IS DISTINCT FROM e.oid"
	"   AND NOT e.known)"
	" SELECT 'table ' || x.relation, x.oid::regclass::text,"
	"  CASE WHEN NOT EXISTS (SELECT FROM pg_class v WHERE v.oid = x.voucher"
	"    AND v.relowner = k.relowner) THEN NULL WHEN"
	" to_regnamespace(quote_ident(i.i[1])) IS NULL"
	" THEN format('ALTER SCHEMA %I RENAME TO %I', n.nspname, i.i[1])"
	"   WHEN n.nspname <> i.i[1] THEN format('ALTER TABLE %s SET SCHEMA %I',"
	" x.oid::regclass, i.i[1])"
	"   ELSE format('%sALTER TABLE %s RENAME TO %I', 'ALTER TABLE ' ||"
	" " CMIG_RELATION_NAMED("x.relation")
	"::regclass || ' RENAME TO <another name>; ', x.oid::regclass, i.i[2]) END,"
	"  CASE WHEN to_regnamespace(quote_ident(i.i[1])) IS NULL"
	" THEN format('ALTER SCHEMA %I RENAME TO %I', i.i[1], n.nspname)"
	"   WHEN n.nspname <> i.i[1] THEN format('ALTER TABLE %I.%I SET SCHEMA %I', i.i[1],"
	" k.relname, n.nspname)"
	"   WHEN " CMIG_RELATION_NAMED("x.relation") " IS NULL"
	" THEN format('ALTER TABLE %s RENAME TO %I', x.relation, k.relname) END"
	" FROM x JOIN pg_class k ON k.oid = x.oid"
	" JOIN pg_namespace n ON n.oid = k.relnamespace, parse_ident(x.relation) i (i)"
	" UNION ALL SELECT 'trigger of table ' || relation, quote_ident(tgname), format('ALTER"
	" TRIGGER %I ON %s RENAME TO %I', tgname, tgrelid::regclass,"
	"  CASE tgfoid WHEN 'cmig.expansion_write()'::regprocedure THEN '" CMIG_EXPANSION_WRITE "'"
	" ELSE '" CMIG_EXPANSION_BEGIN "' END), ''"
	"  FROM g WHERE tgname NOT IN ('" CMIG_EXPANSION_BEGIN "', '" CMIG_EXPANSION_WRITE "')"
	" UNION ALL SELECT 'schema ' || quote_ident(v), quote_ident(n.nspname), format('ALTER"
	" SCHEMA %I RENAME TO %I', n.nspname, v), ''"
	" FROM cmig.expansion_run r, unnest(r.schemas) s, cmig.version_schema(r.revision, s) v,"
	" pg_namespace n"
	" WHERE r.scope = $1 AND " CMIG_VERSION_CREATED " AND " CMIG_VERSION_RENAMED
	" UNION ALL SELECT 'table ' || s.relation, NULL, NULL, NULL"
	" FROM (SELECT DISTINCT relation FROM cmig.expansion_step WHERE $2 AND scope = $1"
	"  AND relation <> '' OFFSET 0) s WHERE "
	CMIG_RELATION_NAMED("s.relation") " IS NULL ORDER BY 2, 1",
	{TEXTOID, BOOLOID, TEXTOID}
};

char *
cmig_versions_require_tables(const CmigExpansion *expansion, List **back)
{
	char	  **row = cmig_query_row(&moved, expansion->scope, back == NULL,
									 cmig_versions_database());

	if (row != NULL && row[2] != NULL && row[3] != NULL && back != NULL)
	{
		*back = lcons(row[3], *back);
		return row[2];
	}
	if (row != NULL && row[1] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s does not exist", row[0]),
				 errdetail("It is expanded, and has been dropped since then."),
				 cmig_hint("`CALL cmig.abandon()`")));
	if (row != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of the expansion is now %s", row[0], row[1]),
				 row[2] ? errdetail("It was renamed or moved while the revision is expanded.") :
				 errdetail("It has the trigger, or is what the view of the new version reads, but its owner is not that of the view and of the sequence beside it."),
				 row[2] ? errhint("%s", row[2]) : 0));
	return NULL;
}

/*
 * Sets "intact" to the OIDs of the partitions whose triggers of expansions
 * are as they were inserted, and "born" to those of them that were created as
 * partitions: ATTACH PARTITION updates the rows of all columns that there are.
 * Whether a row was updated is told by the row itself.  Its command identifier does
 * not tell it, because an update that is rolled back overwrites it.
 */
static void
partitions_intact(Oid table, CmigNames *intact, CmigNames *born)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	Relation	attributes = table_open(AttributeRelationId, AccessShareLock);
	List	   *family = cmig_inheritors(table, NoLock);
	Oid			cmig = get_namespace_oid("cmig", false);

	intact->names = palloc(sizeof(char *) * list_length(family));
	born->names = palloc(sizeof(char *) * list_length(family));
	foreach_oid(relid, family)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;
		HeapTupleHeader own = NULL;
		bool		updated = false;
		bool		inserted = false;

		ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(relid));
		scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Oid			function = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;

			if ((tuple->t_data->t_infomask & HEAP_UPDATED) != 0 &&
				get_func_namespace(function) == cmig &&
				strncmp(get_func_name(function), "expansion_", strlen("expansion_")) == 0)
				updated = true;
		}
		systable_endscan(scan);
		if (updated)
			continue;
		intact->names[intact->count++] = psprintf("%u", relid);

		/* columns of the system, which come first, are never updated */
		ScanKeyInit(&key, Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(relid));
		scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			if (((Form_pg_attribute) GETSTRUCT(tuple))->attnum < 0)
				own = heap_copytuple(tuple)->t_data;
			else if (own != NULL && (tuple->t_data->t_infomask & HEAP_UPDATED) == 0 &&
					 HeapTupleHeaderGetRawXmin(tuple->t_data) == HeapTupleHeaderGetRawXmin(own) &&
					 HeapTupleHeaderGetRawCommandId(tuple->t_data) ==
					 HeapTupleHeaderGetRawCommandId(own))
				inserted = true;
		}
		systable_endscan(scan);
		if (inserted)
			born->names[born->count++] = psprintf("%u", relid);
	}
	table_close(attributes, AccessShareLock);
	table_close(triggers, AccessShareLock);
}

char **
cmig_versions_broken_trigger(const CmigExpansion *expansion, const List *steps, const char *relation)
{
	/*
	 * What altered a trigger has also changed the transaction of its row, but
	 * not that of what was recorded when it was created: that it depends on
	 * the state, or that it is a partition's.  A dump has none of this.  One
	 * that was created by hand may depend on a column, too, but then it has a
	 * condition or columns.  A partition's is as old as the table's, or as
	 * the partition itself, and as they were created; otherwise the partition
	 * was attached, and may have been updated before, or was written while
	 * they were disabled.
	 */
	static CmigQuery query = {
		"SELECT format('default of column %I', attname), attrelid::regclass::text, false FROM"
		" pg_attribute"
		" WHERE attrelid = " CMIG_RELATION_NAMED("$1") " AND NOT attisdropped"
		" AND (attname = '" CMIG_STATE_COLUMN "' OR attname::text IN (SELECT c->>5 FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $2 AND c->>0 = $1))"
		"  AND NOT EXISTS (SELECT FROM pg_attrdef f JOIN pg_depend d ON d.classid ="
		" 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_proc'::regclass"
		"   JOIN pg_proc p ON p.oid = d.refobjid AND p.proname = 'expansion_mark' AND"
		" p.pronamespace = 'cmig'::regnamespace WHERE f.adrelid = attrelid AND f.adnum = attnum)"
		" UNION SELECT format('trigger %I', n), r::regclass::text,"
		" r = ANY ($6::text[]::oid[]) AND EXISTS (SELECT FROM"
		" pg_trigger g WHERE g.tgrelid = r AND g.tgname = n::name AND g.tgparentid <> 0) FROM"
		" unnest($4::text[], $5::text[]) s (n, definition),"
		" (SELECT " CMIG_RELATION_NAMED("$1") " UNION SELECT relid"
		" FROM pg_partition_tree("
		CMIG_RELATION_NAMED("$1") ")) t (r) WHERE NOT EXISTS (SELECT FROM pg_trigger g"
		" WHERE tgrelid = r AND tgname = n::name AND tgenabled = 'A' AND tgfoid IN (" TRIGGER_FUNCTIONS ")"
		"  AND tgqual IS NULL AND tgattr = '' AND concat(tgtype, ' ', encode(tgargs, 'hex')) ="
		" definition"
		"  AND (EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass"
		" AND d.objid = g.oid AND d.xmin = g.xmin AND (d.refobjsubid <> 0 OR g.tgparentid <> 0"
		"    AND (EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = "
		CMIG_RELATION_NAMED("$1") " AND o.tgname ="
		" g.tgname AND o.xmin = g.xmin) OR r = ANY ($7::text[]::oid[]) AND EXISTS"
		" (SELECT FROM pg_attribute a"
		" WHERE a.attrelid = r AND a.attnum = -1 AND a.xmin = g.xmin))))"
		"   OR EXISTS (SELECT FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE"
		" scope = $2 AND c->>0 = $1 AND c->>9 <> $3)))"
		" ORDER BY 1 DESC, 2 LIMIT 1", {TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID}
	};
	Oid			table = cmig_versions_relation_named(relation);
	CmigNames	intact = {0};
	CmigNames	born = {0};
	CmigNames	names = {.names = palloc(sizeof(char *) * list_length(steps))};
	CmigNames	definitions = {.names = palloc(sizeof(char *) * list_length(steps))};

	foreach_ptr(CmigValue, step, steps)
	{
		const CreateTrigStmt *trigger = strcmp(step[1], CMIG_PHASE_PREPARE) == 0 && strcmp(step[2], relation) == 0 ?
		(CreateTrigStmt *) cmig_raw_parse_one(step[3])->stmt : NULL;
		StringInfoData definition;

		if (trigger == NULL || !IsA(trigger, CreateTrigStmt))
			continue;
		initStringInfo(&definition);
		appendStringInfo(&definition, "%d ", trigger->row | trigger->timing | trigger->events);
		foreach_ptr(Node, argument, trigger->args)
		{
			for (const char *byte = strVal(argument);; byte++)
			{
				appendStringInfo(&definition, "%02x", (unsigned char) *byte);
				if (*byte == '\0')
					break;
			}
		}
		names.names[names.count++] = trigger->trigname;
		definitions.names[definitions.count++] = definition.data;
	}
	if (OidIsValid(table))
		partitions_intact(table, &intact, &born);
	return cmig_query_row(&query, relation, expansion->scope, cmig_versions_database(), &names,
						  &definitions,
						  &intact, &born);
}

void
cmig_versions_require_gone(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT format('column %I of table %s', a.attname, a.attrelid::regclass), format('ALTER"
		" TABLE %s DROP COLUMN %I', a.attrelid::regclass, a.attname)"
		" FROM cmig.expansion_step s"
		" JOIN pg_attrdef f ON f.adrelid = " CMIG_RELATION_NAMED("s.relation")
		" JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum"
		" WHERE s.scope = $1 AND EXISTS (SELECT FROM pg_depend d"
		" WHERE d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid"
		" AND d.refclassid = 'pg_proc'::regclass"
		"  AND d.refobjid::regproc::text IN ('cmig.expansion_mark', 'cmig.expansion_unset'))"
		/* if the table has its triggers, they are another expansion's */
		" AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = f.adrelid"
		" AND t.tgfoid IN (" TRIGGER_FUNCTIONS ") AND NOT EXISTS (SELECT"
		" FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c,"
		" LATERAL (SELECT coalesce(c->>8, c->>1)) e (sequence) WHERE r.scope = $1 AND " IS_TRIGGER "))"
		" UNION SELECT format('schema %I', n.nspname), NULL"
		" FROM cmig.expansion_run r, unnest(r.schemas) s JOIN pg_namespace n ON true"
		" WHERE r.scope = $1 AND " CMIG_VERSION_NAMED
		" ORDER BY 2 NULLS FIRST, 1", {TEXTOID}
	};
	char	  **row = cmig_query_row(&query, expansion->scope);

	if (row == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s of the new version would remain", row[0]),
			 row[1] != NULL ? errdetail("It was renamed since it was created.") :
			 errdetail("According to cmig.expansion_step, the statements that created it have not run."),
			 row[1] != NULL ? errhint("%s", row[1]) :
			 errhint("If they have: UPDATE cmig.expansion_step SET done = true WHERE phase = 'prepare' AND scope = %s. If the schema is not the expansion's, rename it.", quote_literal_cstr(expansion->scope))));
}

char *
cmig_versions_former_name(const RangeVar *table, const char *name, const char *sql)
{
	/* as it was planned, nothing else had this definition */
	static CmigQuery query = {
		"(SELECT format('ALTER INDEX %s RENAME TO %I', c.oid::regclass, $2) FROM pg_index i"
		" JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid"
		" WHERE t.oid = " CMIG_RELATION_NAMED("$1") " AND NOT EXISTS (SELECT FROM pg_class o"
		" WHERE o.relnamespace = t.relnamespace AND o.relname = $2::name)"
		"  AND pg_get_indexdef(c.oid) = replace(replace($3, ' CONCURRENTLY ', ' '), format('"
		" INDEX %I ON ', $2), format(' INDEX %I ON ', c.relname)) ORDER BY 1 LIMIT 1)"
		" UNION ALL (SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', $1, k.conname, $2)"
		" FROM pg_constraint k"
		"  WHERE k.conrelid = " CMIG_RELATION_NAMED("$1") " AND NOT EXISTS (SELECT FROM pg_constraint o"
		" WHERE o.conrelid = k.conrelid AND o.conname = $2::name)"
		"  AND replace($3, ' NOT VALID', '') = format('ALTER TABLE %s ADD CONSTRAINT %I %s', $1,"
		" $2, replace(pg_get_constraintdef(k.oid), ' NOT VALID', '')) ORDER BY 1 LIMIT 1)",
		{TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_value(&query, quote_qualified_identifier(table->schemaname, table->relname),
							name, sql);
}

/*
 * What partitions have that were created meanwhile, the foreign keys that
 * PostgreSQL keeps for each partition, what others have built on hidden columns,
 * and the columns of indexes, which partitions can only rename with the others.
 */
char *
cmig_versions_left_name(const char *table)
{
	static CmigQuery query = {
		"WITH tree AS (SELECT $1::oid AS relid UNION SELECT relid"
		" FROM pg_partition_tree($1::oid::regclass)),"
		" x AS (SELECT format('ALTER INDEX %s RENAME TO', c.oid::regclass) AS sql, c.relname AS"
		" old, c.relnamespace AS space, NULL::oid AS relid, NULL::oid AS index"
		"   FROM tree JOIN pg_index i ON i.indrelid = relid JOIN pg_class c ON c.oid = i.indexrelid"
		"  UNION ALL SELECT format('ALTER TABLE %s RENAME CONSTRAINT %I TO',"
		" k.conrelid::regclass, k.conname), k.conname, NULL, k.conrelid, NULL FROM pg_constraint"
		" k"

		/*
		 * another role's foreign keys are not the expansion's, whatever their
		 * names are
		 */
		"  WHERE (k.conrelid IN (TABLE tree) OR k.conparentid <> 0 AND k.confrelid IN (TABLE tree)"
		"  AND EXISTS (SELECT FROM pg_class r JOIN pg_class t ON t.relowner = r.relowner"
		" WHERE r.oid = k.conrelid AND t.oid = $1::oid))"
		" AND (k.contype IN ('c', 'n') AND k.conislocal AND k.coninhcount = 0 OR k.contype = 'f')"
		"  UNION ALL SELECT format('ALTER TABLE %s RENAME COLUMN %I TO', c.oid::regclass,"
		" a.attname), a.attname, NULL, NULL, c.oid"
		" FROM tree JOIN pg_index i ON i.indrelid = relid JOIN pg_class c ON c.oid ="
		" i.indexrelid JOIN pg_attribute a ON a.attrelid = c.oid"
		"  WHERE NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) p"
		" WHERE NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = p.relid AND o.attname"
		" = a.attname)))"
		" SELECT format('%s %I', sql, n) FROM x, LATERAL (SELECT n, g FROM replace(old, '" CMIG_HIDDEN_PREFIX "', '') r, generate_series(0, 999) g, concat(left(r, 60), nullif(g, 0)) n"
		"   WHERE NOT EXISTS (SELECT FROM pg_class o WHERE o.relnamespace = space"
		" AND o.relname = n::name)"
		"    AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = relid"
		" AND o.conname = n::name)"
		"    AND n::name <> ALL (ARRAY(SELECT o.attname FROM pg_attribute o WHERE o.attrelid IN"
		" (SELECT index UNION SELECT p.relid FROM pg_partition_tree(index) p))) ORDER BY g LIMIT"
		" 1) n"
		" WHERE strpos(old, '" CMIG_HIDDEN_PREFIX "') > 0 ORDER BY g, 1 LIMIT 1", {TEXTOID}
	};

	return cmig_query_value(&query, table);
}

List *
cmig_versions_kept(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT DISTINCT format('GRANT %s ON SEQUENCE %s TO %s%s', g.privilege_type, s.oid::regclass, " GRANTEE ", " GRANT_OPTION "), s.oid::regclass::text"
		"  FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		" JOIN pg_attribute o ON o.attrelid = " CMIG_RELATION_NAMED("(c->>0)")
		" AND o.attname::text = c->>3 AND NOT o.attisdropped"
		"  JOIN pg_attribute h ON h.attrelid = o.attrelid AND h.attname::text = c->>5"
		" AND NOT h.attisdropped JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass"
		" AND d.refobjid = o.attrelid AND d.refobjsubid = o.attnum"
		"   AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'"
		" JOIN pg_class s ON s.oid = d.objid, aclexplode(s.relacl) g"
		" WHERE r.scope = $1 AND c->>2 = 'change' AND g.grantee <> s.relowner"

		/*
		 * what columns had before is in the plan: the revision keeps or
		 * changes it
		 */
		" UNION SELECT format('ALTER TABLE ONLY %s ALTER %I %s', o.attrelid::regclass,"
		" h.attname, sql), NULL"
		"  FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		"  JOIN pg_attribute o ON o.attrelid = " CMIG_RELATION_NAMED("(c->>0)")
		"  AND o.attname::text = c->>3 AND NOT o.attisdropped"
		"  JOIN pg_attribute h ON h.attrelid = o.attrelid AND h.attname::text = c->>5"
		"  AND NOT h.attisdropped CROSS JOIN LATERAL (SELECT 'SET STATISTICS ' || o.attstattarget"
		"   WHERE o.attstattarget >= 0 AND coalesce(h.attstattarget, -1) < 0"
		"   UNION ALL SELECT format('SET (%s)', string_agg(x, ', ')) FROM unnest(" CMIG_COLUMN_OPTIONS("o") ") x"
		"   WHERE " CMIG_COLUMN_OPTIONS("h") " IS NULL HAVING count(*) > 0) x (sql)"
		" WHERE r.scope = $1 AND c->>2 = 'change' AND NOT EXISTS (SELECT FROM"
		"  jsonb_array_elements(r.columns) p WHERE p->>2 = '" PROPERTY "' AND p->>3 ="
		"  format('column %I of table %s (options, privileges)', o.attname,"
		" o.attrelid::regclass))"
		" ORDER BY 1", {TEXTOID}
	};
	List	   *kept = cmig_versions_privileges(expansion);
	int			level = NewGUCNestLevel();

	cmig_versions_pin_settings();
	kept = list_concat(kept, cmig_query_list(&query, expansion->scope));
	AtEOXact_GUC(false, level);
	return kept;
}

/* Stored names can be anything, so they are compared as texts. */
#define RELATIONS "(SELECT r.*, format('%I.%I', n.nspname, r.relname) AS name FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace)"

/*
 * A restore may give the objects to another role, which then is that of the expansion, too.
 * It lists privileges in another order, with the owner as the grantor of all.
 */
#define ROLE_VALUE(oid, role) "nullif(pg_get_userbyid(" oid ")::text, " role ")"
#define PRIVILEGES_VALUE(privileges, role) \
	"(SELECT jsonb_agg(DISTINCT jsonb_build_array(" ROLE_VALUE("x.grantee", role) "," \
	" x.grantee = 0, x.privilege_type, x.is_grantable)) FROM aclexplode(" privileges ") x)"

/* All that statistics are; first their definition. */
#define STATISTICS_VALUE(role) \
	"jsonb_build_array(pg_get_statisticsobjdef(s.oid), nullif(stxstattarget, -1), " \
	ROLE_VALUE("stxowner", role) ", obj_description(s.oid, 'pg_statistic_ext')) "

/*
 * Of each column that is replaced, and in each partition: its properties, and what
 * would go with it, with a digest of the definition, except for indexes that another
 * session builds, or has failed to.  "Own" are those that a new partition also
 * has; what partitions inherit is the parent's.  A column that others use, such as views, triggers, and policies,
 * can neither be dropped nor, in an upgrade, get another type; but an enum can get
 * labels, so these are here, too.
 */
#define PROPERTIES(columns, role) \
	"WITH a AS (SELECT DISTINCT t.attrelid, t.attnum FROM " columns " n (relation, name)" \
	"  JOIN " RELATIONS " k ON k.name = n.relation CROSS JOIN LATERAL (SELECT k.oid UNION SELECT relid FROM pg_partition_tree(k.oid)) y (oid)" \
	"  JOIN pg_attribute t ON t.attrelid = y.oid AND t.attname::text = n.name AND NOT t.attisdropped)," \
	" o AS (SELECT class, id, sub, min(relation COLLATE \"C\") AS relation FROM (SELECT 'pg_class'::regclass::oid, attrelid, attnum, attrelid::regclass::text FROM a" \
	"   UNION ALL SELECT v.class, v.id, 0, n.relation FROM " columns " n (relation, name), LATERAL (SELECT 'pg_type'::regclass::oid, oid FROM pg_type WHERE typtype = 'e'" \
	"     AND format('%I.%I', typnamespace::regnamespace, typname) = n.relation UNION ALL SELECT 'pg_class'::regclass, k.oid FROM " RELATIONS " k WHERE k.name = n.relation" \
	"    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE format('%s.%I(%s)', pronamespace::regnamespace, proname, pg_get_function_identity_arguments(oid)) = n.relation)" \
	"    v (class, id) WHERE n.name = ''" \
	"   UNION ALL SELECT d.classid, d.objid, d.objsubid, attrelid::regclass::text FROM a" \
	"   JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum AND d.deptype <> 'i') x (class, id, sub, relation)" \
	"  WHERE class = ANY ('{pg_class,pg_constraint,pg_attrdef,pg_statistic_ext," \
	"pg_type,pg_proc,pg_policy,pg_trigger,pg_rewrite}'::regclass[]) GROUP BY class, id, sub)," \
	" q AS (SELECT class, id, sub, i.type || ' ' || i.identity AS name, o.relation, sub > 0 OR" \
	" class = 'pg_attrdef'::regclass AS own, jsonb_build_array(" \
	"  (SELECT jsonb_build_array(format_type(atttypid, atttypmod), attnotnull, attstorage, attcompression, attidentity, col_description(id, sub)," \
	"    (SELECT jsonb_build_array(seqincrement, seqmin, seqmax, seqstart, seqcache, seqcycle, obj_description(objid, 'pg_class')) FROM pg_depend JOIN pg_sequence ON seqrelid = objid" \
	"     WHERE classid = 'pg_class'::regclass AND refclassid = classid AND refobjid = id AND refobjsubid = sub AND deptype = 'i'))" \
	"   FROM pg_attribute WHERE class = 'pg_class'::regclass AND attrelid = id AND attnum = sub AND sub > 0)," \
	"  (SELECT jsonb_build_array(pg_get_indexdef(indexrelid), indisclustered, indisreplident, obj_description(indexrelid, 'pg_class')) FROM pg_index" \
	"   WHERE sub = 0 AND indexrelid = CASE WHEN class = 'pg_class'::regclass THEN id WHEN k.contype <> 'f' THEN k.conindid END)," \
	"  pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')," \
	"  (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE class = 'pg_attrdef'::regclass AND oid = id)," \
	"  (SELECT " STATISTICS_VALUE(role) "FROM pg_statistic_ext s" \
	" WHERE class = 'pg_statistic_ext'::regclass AND s.oid = id)," \
	"  (SELECT jsonb_build_array(" ROLE_VALUE("typowner", role) "," \
	" obj_description(id, 'pg_type'), " \
	PRIVILEGES_VALUE("coalesce(typacl, acldefault('T', typowner))", role) "," \
	" (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = id))" \
	"   FROM pg_type WHERE class = 'pg_type'::regclass AND oid = id)," \
	"  (SELECT CASE relkind WHEN 'v' THEN to_jsonb(" ROLE_VALUE("relowner", role) ") ELSE" \
	" jsonb_build_array(" ROLE_VALUE("relowner", role) ", " \
	PRIVILEGES_VALUE("coalesce(relacl, acldefault('r', relowner))", role) "," \
	" obj_description(id, 'pg_class')," \
	"    reloptions, (SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace)," \
	"    (SELECT amname FROM pg_am m WHERE m.oid = relam)," \
	"    (SELECT jsonb_agg(jsonb_build_array(pg_get_indexdef(indexrelid), indisclustered," \
	" obj_description(indexrelid, 'pg_class')," \
	"      (SELECT jsonb_agg(nullif(attstattarget, -1) ORDER BY attnum) FROM pg_attribute" \
	" WHERE attrelid = indexrelid)) ORDER BY indexrelid::regclass::text)" \
	"     FROM pg_index WHERE indrelid = id)," \
	"    (SELECT jsonb_agg(" STATISTICS_VALUE(role) "ORDER BY stxname)" \
	"     FROM pg_statistic_ext s WHERE stxrelid = id)," \
	"    (SELECT jsonb_agg(jsonb_build_array(attname, " PRIVILEGES_VALUE("attacl", role) "," \
	" nullif(attstattarget, -1)," \
	" " CMIG_COLUMN_OPTIONS("pg_attribute") ", attstorage, attcompression, col_description(id, attnum)) ORDER BY attnum)" \
	"     FROM pg_attribute WHERE attrelid = id AND attnum > 0)," \
	"    (SELECT jsonb_agg(jsonb_build_array(provider, objsubid, label)" \
	" ORDER BY provider, objsubid) FROM pg_seclabel" \
	"     WHERE classoid = 'pg_class'::regclass AND objoid = id)) END" \
	"   FROM pg_class WHERE class = 'pg_class'::regclass AND oid = id AND sub = 0" \
	" AND relkind IN ('v', 'm'))," \
	"  (SELECT jsonb_build_array(polcmd, polpermissive," \
	" ARRAY(SELECT r::regrole::text FROM unnest(polroles) r ORDER BY 1)," \
	" pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)," \
	" obj_description(id, 'pg_policy'))" \
	"   FROM pg_policy WHERE class = 'pg_policy'::regclass AND oid = id)," \
	"  (SELECT jsonb_build_array(pg_get_triggerdef(id), g.tgenabled," \
	" obj_description(id, 'pg_trigger')," \
	"    (SELECT jsonb_agg(concat(x.tgrelid::regclass, ' ', x.tgenabled)" \
	" ORDER BY x.tgrelid::regclass::text)" \
	"     FROM pg_partition_tree(g.tgrelid) JOIN pg_trigger x ON x.tgrelid = relid" \
	" AND x.tgname = g.tgname AND x.tgenabled <> g.tgenabled))" \
	"   FROM pg_trigger g WHERE class = 'pg_trigger'::regclass AND g.oid = id)," \
	"  (SELECT jsonb_build_array(pg_get_ruledef(id), ev_enabled," \
	" obj_description(id, 'pg_rewrite'))" \
	"   FROM pg_rewrite WHERE class = 'pg_rewrite'::regclass AND oid = id)," \
	"  (SELECT " ROLE_VALUE("proowner", role) " FROM pg_proc" \
	" WHERE class = 'pg_proc'::regclass AND oid = id)) AS value" \
	"  FROM o LEFT JOIN pg_constraint k ON class = 'pg_constraint'::regclass AND k.oid = id, pg_identify_object(class, id, sub) i" \
	"  WHERE (k.oid IS NULL OR k.contype <> 'n' AND k.coninhcount = 0 AND k.conparentid = 0)" \
	"  AND NOT EXISTS (SELECT FROM pg_class WHERE class = 'pg_class'::regclass AND oid = id AND sub = 0 AND relispartition)" \
	"  AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_index ON indexrelid = c.oid" \
	" WHERE class = 'pg_class'::regclass AND c.oid = id AND sub = 0 AND c.relkind = 'i' AND NOT indisvalid)" \
	"  AND NOT EXISTS (SELECT FROM pg_trigger WHERE class = 'pg_trigger'::regclass AND oid = id" \
	" AND (tgparentid <> 0 OR tgisinternal OR tgfoid IN (SELECT oid FROM pg_proc" \
	" WHERE pronamespace = 'cmig'::regnamespace)))" \
	"  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE class = 'pg_rewrite'::regclass" \
	" AND oid = id AND rulename = '_RETURN')" \
	"  UNION ALL SELECT 0, attrelid, attnum, format('column %I of table %s (options, privileges)', attname, attrelid::regclass), attrelid::regclass::text, true," \
	"   jsonb_build_array(attstattarget, coalesce(" CMIG_COLUMN_OPTIONS("pg_attribute") ", '{}')," \
	" CASE WHEN relispartition THEN " PRIVILEGES_VALUE("attacl", role) " END)" \
	"  FROM a JOIN pg_attribute USING (attrelid, attnum) JOIN pg_class c ON c.oid = attrelid" \
	" WHERE relispartition OR attstattarget >= 0" \
	" OR " CMIG_COLUMN_OPTIONS("pg_attribute") " IS NOT NULL)," \
	" p AS (SELECT *, md5(value::text) AS digest FROM q)"

List *
cmig_versions_properties(const List *columns, Snapshot begun)
{
	static CmigQuery query = {
		PROPERTIES("unnest($1::text[], $2::text[])", "current_user")
		" SELECT '', NULL, '" PROPERTY "', name, relation, NULL, digest, value, NULL"
		" FROM p ORDER BY name",
		{TEXTARRAYOID, TEXTARRAYOID}
	};

	/*
	 * functions that print definitions do not use the snapshot, so look at
	 * rows, too
	 */
	static CmigQuery at_snapshot = {
		PROPERTIES("unnest($1::text[], $2::text[])", "current_user")
		" SELECT md5(coalesce(jsonb_agg(jsonb_build_array(name, digest,"
		" ARRAY(SELECT xmin::text FROM pg_attribute WHERE sub > 0 AND attrelid = id AND attnum ="
		" sub"
		"  UNION SELECT xmin::text FROM pg_constraint WHERE class = 'pg_constraint'::regclass"
		" AND oid = id"
		"  UNION SELECT xmin::text FROM pg_index WHERE class = 'pg_class'::regclass AND"
		" indexrelid = id"
		"  UNION SELECT xmin::text FROM pg_attrdef WHERE class = 'pg_attrdef'::regclass AND oid"
		" = id"
		"  UNION SELECT xmin::text FROM pg_statistic_ext WHERE class ="
		" 'pg_statistic_ext'::regclass AND oid = id"
		"  UNION SELECT xmin::text FROM pg_policy WHERE class = 'pg_policy'::regclass AND oid = id"
		"  UNION SELECT xmin::text FROM pg_trigger WHERE class = 'pg_trigger'::regclass AND oid = id"
		"  UNION SELECT xmin::text FROM pg_rewrite WHERE class = 'pg_rewrite'::regclass AND oid = id))"
		" ORDER BY name), '[]')::text) FROM p",
		{TEXTARRAYOID, TEXTARRAYOID}
	};
	Datum		values[2];
	char	   *then;
	CmigNames	relations = {.names = palloc(sizeof(char *) * Max(list_length(columns), 1))};
	CmigNames	names = {.names = palloc(sizeof(char *) * Max(list_length(columns), 1))};
	List	   *result;
	int			level;

	foreach_ptr(CmigValue, column, columns)
	{
		bool		whole = strcmp(column[2], ENUM) == 0 || strcmp(column[2], READER) == 0;

		if (!whole && strcmp(column[2], "change") != 0)
			continue;
		relations.names[relations.count++] = column[whole ? 3 : 0];
		names.names[names.count++] = whole ? "" : column[3];
	}
	level = NewGUCNestLevel();
	cmig_versions_pin_settings();
	values[0] = cmig_names_datum(&relations);
	values[1] = cmig_names_datum(&names);
	then = cmig_query_at_snapshot(&at_snapshot, values, begun);
	result = cmig_query_list(&query, &relations, &names);
	if (strcmp(then, cmig_query_at_snapshot(&at_snapshot, values, cmig_latest_snapshot())) != 0)
		cmig_query_raise_changed("A column that the revision replaces, or what depends on it, was altered.");
	AtEOXact_GUC(false, level);
	return result;
}

/*
 * The privileges and security labels of a hidden column are those of the column that it
 * replaces, and the privileges of a view, materialized view, or function in a schema of the version are no
 * more than those of the real one, unless the revision creates that again.  What the
 * view of a table lets a role do, the columns of the table decide.
 */
static CmigQuery privileges = {
	"WITH c AS (SELECT c FROM cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope ="
	" $1),"
	" h AS (SELECT k.oid, k.relowner, o.attnum, o.attacl, h.attnum AS number, h.attacl AS own,"
	" format('column %I of table %s', h.attname, k.oid::regclass) AS object,"
	"   format('(%I) ON %s', h.attname, k.oid::regclass) AS what, format('%s.%I',"
	" k.oid::regclass, h.attname) AS name"
	"  FROM c JOIN " RELATIONS " k ON k.name = c->>0 JOIN pg_attribute o ON o.attrelid = k.oid AND o.attname::text = c->>3 AND NOT o.attisdropped"
	"  JOIN pg_attribute h ON h.attrelid = k.oid AND h.attname::text = c->>5 AND NOT"
	" h.attisdropped WHERE c->>2 = 'change'),"
	" x (object, what, real, own, owners, follows) AS (SELECT object, what, attacl, own,"
	" ARRAY[relowner], true FROM h"
	" UNION ALL SELECT c->>6 || ' ' || (c->>4), 'ON ' || (c->>4), o.relacl, h.relacl,"
	" ARRAY[o.relowner, h.relowner], false FROM c"
	"  JOIN " RELATIONS " o ON o.name = c->>3 JOIN " RELATIONS " h ON h.name = c->>4 WHERE c->>2 = '" READER "'"
	" UNION ALL SELECT c->>6 || ' ' || (c->>4), 'ON ROUTINE ' || (c->>4), coalesce(o.proacl,"
	" acldefault('f', o.proowner)), coalesce(h.proacl, acldefault('f', h.proowner)),"
	" ARRAY[o.proowner, h.proowner], false FROM c"
	"  JOIN pg_proc o ON format('%s.%I(%s)', o.pronamespace::regnamespace, o.proname,"
	" pg_get_function_identity_arguments(o.oid)) = c->>3"
	"  JOIN pg_proc h ON format('%s.%I(%s)', h.pronamespace::regnamespace, h.proname, pg_get_function_identity_arguments(h.oid)) = c->>4 WHERE c->>2 = '" READER "' AND c->>6 = 'ROUTINE'"
	" UNION ALL SELECT 'type ' || (c->>4), 'ON TYPE ' || (c->>4), coalesce(o.typacl,"
	" acldefault('T', o.typowner)), coalesce(h.typacl, acldefault('T', h.typowner)),"
	" ARRAY[o.typowner, h.typowner], true FROM c"
	"  JOIN pg_type o ON format('%I.%I', o.typnamespace::regnamespace, o.typname) = c->>3 JOIN pg_type h ON format('%I.%I', h.typnamespace::regnamespace, h.typname) = c->>4 WHERE c->>2 = '" ENUM "'"
	" UNION ALL SELECT format('schema %I', h.nspname), format('ON SCHEMA %I', h.nspname),"
	" (SELECT array_agg(makeaclitem(grantee, grantor, privilege_type, false)) FROM"
	" aclexplode(o.nspacl) WHERE privilege_type = 'USAGE'), h.nspacl,"
	"  ARRAY[o.nspowner, h.nspowner, 'pg_database_owner'::regrole], true FROM cmig.expansion_run"
	" r, unnest(r.schemas) s, pg_namespace o, pg_namespace h"
	"  WHERE r.scope = $1 AND o.nspname::text = s AND h.nspname::text ="
	" cmig.version_schema(r.revision, s))"
	" SELECT format('REVOKE %s %s FROM %s CASCADE', g.privilege_type, what, " GRANTEE "), NULL, 1, object FROM x, LATERAL"
	"  (SELECT grantee, privilege_type, is_grantable FROM aclexplode(own) EXCEPT SELECT grantee,"
	" privilege_type, is_grantable FROM aclexplode(real)) g WHERE grantee <> ALL (owners)"
	" UNION SELECT format('GRANT %s %s TO %s%s', g.privilege_type, what, " GRANTEE ", " GRANT_OPTION "), NULL, 2, object FROM x, LATERAL"
	"  (SELECT grantee, privilege_type, is_grantable FROM aclexplode(real) EXCEPT SELECT"
	" grantee, privilege_type, is_grantable FROM aclexplode(own)) g WHERE follows AND grantee <>"
	" ALL (owners)"
	" UNION SELECT format('SECURITY LABEL FOR %I ON COLUMN %s IS %L', provider, name, max(label)"
	" FILTER (WHERE objsubid = attnum)), NULL, 2, object"
	"  FROM h JOIN pg_seclabel l ON classoid = 'pg_class'::regclass AND objoid = oid AND"
	" objsubid IN (attnum, number)"
	"  GROUP BY provider, name, object HAVING count(*) <> 2 OR min(label) <> max(label)"
	" ORDER BY 3, 1", {TEXTOID}
};

List *
cmig_versions_privileges(const CmigExpansion *expansion)
{
	List	   *relations = cmig_query_do(&privileges, expansion->scope) > 0 ?
	cmig_expansion_relations(expansion) : NIL;

	/* until they have run, the names stand for what was looked at */
	foreach_ptr(const char, relation, relations)
		(void) cmig_versions_hold(relation);
	return cmig_query_list(&privileges, expansion->scope);
}

/* Of the rows m: what differs, and statements that undo it. */
#define UNDONE \
	" w AS (SELECT object, live, string_agg(e.key, ', ' ORDER BY e.key) AS words," \
	"  CASE WHEN bool_and(undo IS NOT NULL) AND (live OR $4) THEN string_agg(undo, '; ' ORDER" \
	" BY e.key) END AS undo" \
	" FROM m JOIN pg_attribute t ON t.attrelid = relid AND t.attnum = number," \
	" format('ALTER TABLE ONLY %s ALTER %I', relid::regclass, t.attname) z (z)," \
	" jsonb_each(new) e, LATERAL (SELECT CASE key" \
	"  WHEN 'NOT NULL' THEN concat(z, CASE old->>key WHEN 'true' THEN ' SET' ELSE ' DROP' END," \
	" ' NOT NULL')" \
	"  WHEN 'storage' THEN concat(z, ' SET STORAGE ', CASE old->>key WHEN 'p' THEN 'PLAIN'" \
	"   WHEN 'm' THEN 'MAIN' WHEN 'e' THEN 'EXTERNAL' ELSE 'EXTENDED' END)" \
	"  WHEN 'compression' THEN concat(z, ' SET COMPRESSION ', CASE old->>key WHEN 'p' THEN" \
	" 'pglz'" \
	"   WHEN 'l' THEN 'lz4' ELSE 'DEFAULT' END)" \
	"  WHEN 'comment' THEN format('COMMENT ON COLUMN %s.%I IS %L', relid::regclass, t.attname," \
	" old->>key)" \
	"  WHEN 'default' THEN concat(z, coalesce(' SET DEFAULT ' || (old->>key), ' DROP DEFAULT'))" \
	"  WHEN 'statistics target' THEN concat(z, ' SET STATISTICS ', coalesce(old->>key, '-1'))" \
	"  WHEN 'options' THEN concat_ws('; ', (SELECT format('%s RESET (%s)', z," \
	" string_agg(split_part(o, '=', 1), ', '))" \
	"    FROM unnest(" CMIG_COLUMN_OPTIONS("t") ") o HAVING count(*) > 0), (SELECT format('%s SET (%s)', z," \
	" string_agg(o, ', '))" \
	"    FROM jsonb_array_elements_text(CASE jsonb_typeof(old->key) WHEN 'array' THEN old->key" \
	" ELSE '[]' END) o HAVING count(*) > 0))" \
	"  WHEN 'privileges' THEN CASE WHEN old->>key IS NULL THEN (SELECT" \
	" string_agg(format('REVOKE %s (%I) ON %s FROM %s'," \
	"    g.privilege_type, t.attname, relid::regclass, " GRANTEE "), '; ') FROM" \
	" aclexplode(t.attacl) g) END END) u (undo)" \
	" WHERE e.value IS DISTINCT FROM old->key GROUP BY object, live),"

/*
 * Returns rows for cmig.check(), with two more columns: what was done, and what undoes it,
 * or NULL.  What is made from stored texts, which anybody may have written, is only told
 * of an expansion that is "verified".
 */
static List *
find_changes(const CmigExpansion *expansion, bool verified)
{
	static CmigQuery query = {
		PROPERTIES("(SELECT CASE c->>2 WHEN 'change' THEN c->>0 ELSE c->>3 END,"
				   " CASE c->>2 WHEN 'change' THEN c->>3 ELSE '' END"
				   " FROM cmig.expansion_run, jsonb_array_elements(columns) c"
				   " WHERE scope = $1 AND c->>2 IN ('change', '" ENUM "', '" READER "'))",
				   "(SELECT role FROM cmig.expansion_run WHERE scope = $1)")
		", s AS (SELECT c->>3 AS name, c->>4 AS relation, c->>6 AS digest, c->7 AS old FROM"
		" cmig.expansion_run, jsonb_array_elements(columns) c WHERE scope = $1 AND c->>2 = '" PROPERTY "'),"
		" c AS (SELECT name, class, id, sub, value AS new, old, CASE WHEN s.digest IS NULL THEN"
		" 'added'"
		"  WHEN p.digest IS NULL THEN 'dropped' ELSE 'changed' END AS what"
		" FROM p FULL JOIN s USING (name) WHERE p.digest IS DISTINCT FROM s.digest"
		/* a partition that is new, or gone */
		" AND (s.digest IS NOT NULL OR NOT p.own OR p.relation IN (SELECT relation FROM s) AND"
		" name NOT LIKE '%(options, privileges)')"
		" AND (p.digest IS NOT NULL OR s.relation IN (SELECT relation FROM p) OR s.relation IN"
		" (SELECT e->>3 FROM cmig.expansion_run, jsonb_array_elements(columns) e"
		" WHERE scope = $1 AND e->>2 = '" READER "'))),"
		/* what columns have now, and had before */
		" m (object, relid, number, new, old, live) AS ("
		"SELECT name, id, sub, jsonb_build_object('type', new->0->0, 'NOT NULL', new->0->1,"
		" 'storage',"
		"  new->0->2, 'compression', new->0->3, 'identity', new->0->6, 'comment', new->0->5),"
		"  jsonb_build_object('type', old->0->0, 'NOT NULL', old->0->1, 'storage', old->0->2,"
		"  'compression', old->0->3, 'identity', old->0->6, 'comment', old->0->5), false"
		" FROM c WHERE what = 'changed' AND class = 'pg_class'::regclass AND sub > 0"
		" UNION ALL SELECT name, adrelid, adnum, jsonb_build_object('default', new->4),"
		"  jsonb_build_object('default', old->4), false"
		" FROM c JOIN pg_attrdef f ON class = 'pg_attrdef'::regclass AND f.oid = id WHERE what ="
		" 'changed'"
		" UNION ALL SELECT name, id, sub, jsonb_build_object('statistics target', nullif(new->>0,"
		" '-1'),"
		"  'options', new->1, 'privileges', new->2), jsonb_build_object('statistics target',"
		"  nullif(old->>0, '-1'), 'options', coalesce(old->1, '[]'), 'privileges',"
		" coalesce(old->2, 'null')), false"
		" FROM c WHERE class = 0"
		/* a new partition has its parent's */
		" UNION ALL SELECT format('column %I of table %s', c.attname, c.attrelid::regclass),"
		" c.attrelid,"
		"  c.attnum, jsonb_build_object('NOT NULL', c.attnotnull, 'storage', c.attstorage,"
		" 'compression',"
		"  c.attcompression, 'comment', coalesce(col_description(c.attrelid, c.attnum), d.d),"
		" 'statistics target',"
		"  coalesce(nullif(c.attstattarget, -1), o.attstattarget), 'options',"
		" coalesce(" CMIG_COLUMN_OPTIONS("c") ", " CMIG_COLUMN_OPTIONS("o") "),"
		"  'privileges', c.attacl::text, 'default', (SELECT pg_get_expr(adbin, adrelid) FROM"
		" pg_attrdef"
		"   WHERE adrelid = c.attrelid AND adnum = c.attnum)),"
		"  jsonb_build_object('NOT NULL', o.attnotnull, 'storage', o.attstorage, 'compression',"
		"  o.attcompression, 'comment', d.d, 'statistics target', o.attstattarget, 'options',"
		" " CMIG_COLUMN_OPTIONS("o") ","
		"  'privileges', NULL, 'default', (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef"
		"   WHERE adrelid = o.attrelid AND adnum = o.attnum)), true"
		" FROM a JOIN pg_attribute c USING (attrelid, attnum) JOIN pg_inherits h ON h.inhrelid ="
		" c.attrelid"
		" JOIN pg_attribute o ON o.attrelid = h.inhparent AND o.attname = c.attname"
		" CROSS JOIN LATERAL col_description(o.attrelid, o.attnum) d (d)"
		" WHERE c.attrelid::regclass::text NOT IN (SELECT relation FROM s)),"
		UNDONE
		" x AS (SELECT c.name AS object, c.what, w.words, CASE WHEN what = 'changed' THEN w.undo"
		"  WHEN class = 'pg_constraint'::regclass THEN (SELECT format('ALTER TABLE %s DROP"
		" CONSTRAINT %I', conrelid::regclass, conname)"
		"   FROM pg_constraint WHERE oid = id)"
		"  WHEN class = 'pg_attrdef'::regclass THEN (SELECT format('ALTER TABLE ONLY %s ALTER %I"
		" DROP %s', adrelid::regclass, attname,"
		"    CASE attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)"
		"   FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE"
		" pg_attrdef.oid = id)"
		"  WHEN class = 'pg_statistic_ext'::regclass THEN replace(c.name, 'statistics object',"
		" 'DROP STATISTICS')"
		"  WHEN class = ANY ('{pg_policy,pg_trigger,pg_rewrite}'::regclass[])"
		"   THEN regexp_replace(c.name, '^[a-z]+', 'DROP ' || upper(split_part(c.name, ' ', 1)))"
		"  WHEN class = 'pg_class'::regclass THEN (SELECT CASE relkind WHEN 'S' THEN format('ALTER"
		" SEQUENCE %s OWNED BY NONE', id::regclass)"
		"   WHEN 'i' THEN format('DROP INDEX %s', id::regclass) WHEN 'I' THEN format('DROP INDEX"
		" %s', id::regclass) END FROM pg_class WHERE oid = id)"
		"  WHEN what = 'dropped' AND $4 THEN coalesce(old->1->>0, old->5->>0, old->9->>0,"
		" old->10->>0, (SELECT"
		" format('ALTER TABLE %s ADD CONSTRAINT %s %s', r[2], r[1], old->>2)"
		"   FROM regexp_match(c.name, '^table constraint (.*) on (.*)$') r"
		" WHERE r IS NOT NULL)) END AS undo"
		"  FROM c LEFT JOIN w ON w.object = c.name AND NOT w.live UNION ALL SELECT object,"
		" 'changed', words, undo FROM w WHERE live)"
		" SELECT 'warning', object, format('it was %s since revision \"%s\" was expanded, and the"
		" contraction would lose that', concat(what, ' (' || words || ')'), $2), coalesce(undo || ' -- make the change again after cmig.contract',"
		" $3),"
		" concat(what, ' (' || words || ')'), undo FROM x ORDER BY object", {TEXTOID, TEXTOID, TEXTOID, BOOLOID}
	};
	int			level = NewGUCNestLevel();
	List	   *result;

	cmig_versions_pin_settings();
	result = cmig_query_list(&query, expansion->scope, expansion->revision, CHANGES_HINT, verified);
	AtEOXact_GUC(false, level);
	return result;
}

/* How long cmig_expansion_changes() looks, and waits for a lock, in milliseconds. */
#define LOOK_MS 5000
#define LOCK_TIMEOUT "50ms"
#define WAIT_MS 1000

/* The state column of a table. */
#define STATE_OF(table) \
	"SELECT FROM pg_attribute WHERE attrelid = " table " AND attname = '" CMIG_STATE_COLUMN "'" \
	" AND atttypid = 'text'::regtype AND NOT attisdropped"

/*
 * Returns problems: what is dropped, has another name, or is disabled, and, with "owners",
 * what does not have the owner that it should have.
 */
static List *
find_missing(const CmigExpansion *expansion, bool owners)
{
	static CmigQuery query = {
		"WITH t AS (SELECT DISTINCT c->>0 AS relation, c->>1 AS version,"
		"  " CMIG_RELATION_NAMED("(c->>0)") " AS oid, EXISTS (SELECT FROM cmig.expansion_step s"
		"   WHERE s.scope = $1 AND s.relation = c->>0 AND s.phase = '" CMIG_PHASE_FILL "') AS stated"
		"  FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c WHERE r.scope = $1"
		"   AND EXISTS (SELECT FROM cmig.expansion_step s WHERE s.scope = $1"
		"    AND s.relation = c->>0 AND s.phase = '" CMIG_PHASE_PREPARE "' AND s.done))"
		" SELECT 'error', 'view ' || version,"
		"  'it was dropped or renamed, so the new build finds another table', $3 FROM t"
		"  WHERE oid IS NOT NULL AND version <> ''"
		"   AND " CMIG_RELATION_NAMED("version") " IS NULL"
		" UNION SELECT 'error', 'column " CMIG_STATE_COLUMN " of table ' || relation,"
		"  'it was dropped or altered, so it is not known which rows are filled', $4 FROM t"
		"  WHERE oid IS NOT NULL AND stated AND NOT EXISTS (" STATE_OF("oid") ")"
		" UNION SELECT 'warning', format('schema %I', n.nspname), format('it belongs to role %s, but"
		" schema %I, whose version it is, to role %s', n.nspowner::regrole, s, b.nspowner::regrole),"
		"  format('ALTER SCHEMA %I OWNER TO %s', n.nspname, b.nspowner::regrole)"
		"  FROM cmig.expansion_run r, unnest(r.schemas) s, pg_namespace b, pg_namespace n"
		"  WHERE r.scope = $1 AND b.nspname::text = s AND $5 AND NOT " CMIG_VERSION_OWNER
		"   AND n.nspname::text = cmig.version_schema(r.revision, s) AND " CMIG_VERSION_CREATED
		" UNION SELECT 'error', 'view ' || version,"
		"  CASE WHEN own THEN 'it has lost its check option, which tells for which version an"
		" INSERT is' ELSE 'it was replaced, and does not tell for which version a write is' END,"
		"  CASE WHEN own THEN format('ALTER VIEW %s SET (check_option = local)', v.oid::regclass)"
		"   ELSE $3 END"
		"  FROM t JOIN pg_class v ON v.oid = " CMIG_RELATION_NAMED("version") " AND v.relkind = 'v',"
		"  LATERAL (SELECT EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.objid = w.oid"
		"   AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass"
		"   AND d.refobjid = 'cmig.expansion_view()'::regprocedure WHERE w.ev_class = v.oid)) x (own)"
		"  WHERE NOT (own AND 'check_option=local' = ANY (coalesce(v.reloptions, '{}')))"
		"   AND EXISTS (SELECT FROM cmig.expansion_step s"
		"    WHERE s.scope = $1 AND s.relation = t.relation AND s.phase = '" CMIG_PHASE_FILL "')"
		" UNION SELECT 'error', format('trigger %I on %s', n, y.oid::regclass),"
		"  'it was dropped or disabled, so the two versions of a row can differ', $2 FROM t,"
		"  LATERAL (SELECT t.oid UNION SELECT relid FROM pg_partition_tree(t.oid)) y (oid),"
		"  unnest('{" CMIG_EXPANSION_BEGIN "," CMIG_EXPANSION_WRITE "}'::text[]) n"
		"  WHERE stated AND EXISTS (" STATE_OF("t.oid") ")"
		"   AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = y.oid AND tgname = n::name"
		"    AND tgenabled = 'A') ORDER BY 2", {TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
	};
	const char *abandon = "`CALL cmig.abandon()`";
	const char *expand = psprintf("`CALL cmig.expand(%s)`",
								  quote_literal_cstr(expansion->revision));
	List	   *problems = NIL;
	List	   *seen = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&moved, expansion->scope, true,
												cmig_versions_database()))
	{
		const char *problem[] = {
			"error", row[0], "it is expanded, and has been dropped since then", abandon
		};

		/* what has another name comes first */
		if (cmig_text_list_has(seen, row[1] == NULL || row[2] == NULL ? row[0] : row[2]))
			continue;
		seen = lappend(lappend(seen, row[0]), row[2] == NULL ? row[0] : row[2]);
		if (row[1] != NULL)
		{
			problem[2] = psprintf("it is expanded, and is now %s", row[1]);
			problem[3] = row[2];
		}
		problems = lappend(problems, memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	return problems ? problems :
		cmig_query_list(&query, expansion->scope, expand, psprintf("%s, and expand it again", abandon), abandon, owners);
}

/*
 * Returns problems: relations that stored statements name, partitions of these, and relations in
 * the schemas of the version, whose owners have other privileges than a role that has stored them.
 */
static List *
find_owners(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"WITH r AS (SELECT * FROM cmig.expansion_run WHERE scope = $1),"
		" m AS (SELECT oid, rolname FROM pg_roles WHERE rolname::text IN (SELECT role FROM r UNION"
		"  SELECT role FROM cmig.expansion_step WHERE scope = $1)),"
		" k (oid, owner, known) AS (SELECT y.oid, c->>4, EXISTS (SELECT FROM pg_trigger"
		"   WHERE tgrelid = y.oid AND tgfoid IN (" TRIGGER_FUNCTIONS "))"
		"  FROM r, jsonb_array_elements(r.columns) c JOIN " RELATIONS " t"
		"   ON 'relation ' || t.name = c->>3,"
		"  LATERAL (SELECT t.oid UNION SELECT relid FROM pg_partition_tree(t.oid)) y (oid)"
		"  WHERE c->>2 = 'bound' UNION ALL SELECT k.oid, NULL, true"
		"  FROM r, unnest(r.schemas) s, pg_namespace n JOIN pg_class k ON k.relnamespace = n.oid"
		"  WHERE n.nspname::text = cmig.version_schema(r.revision, s) AND " CMIG_VERSION_CREATED
		"   AND k.relkind IN ('v', 'm', 'S'))"
		" SELECT 'error', lower(what) || ' ' || c.oid::regclass,"
		" format('it belongs to role %I, whose"
		" privileges role %I, which expanded revision \"%s\", does not have: it can neither be"
		" contracted nor abandoned', o.rolname, m.rolname, r.revision),"
		"  format('ALTER %s %s OWNER TO %I%s', what, c.oid::regclass,"
		"  coalesce(w.rolname, m.rolname),"
		/* whoever has stored the row may not have owned it */
		"  CASE WHEN NOT known THEN ' -- if that is whose it was' END)"
		" FROM r, m, (SELECT oid, max(owner), bool_or(known) FROM k GROUP BY oid)"
		"  k (oid, owner, known) JOIN pg_class c ON c.oid = k.oid"
		" JOIN pg_roles o ON o.oid = c.relowner"
		" LEFT JOIN pg_roles w ON w.rolname::text = owner, LATERAL (SELECT CASE relkind"
		"  WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'"
		"  ELSE 'TABLE' END) x (what)"
		" WHERE NOT pg_has_role(m.oid, o.oid, 'USAGE') AND owner IS DISTINCT FROM o.rolname::text"
		/* what others have owned is only referred to */
		" AND (known OR pg_has_role(m.oid, w.oid, 'USAGE'))"
		/* nor is what only has the name of what the contraction creates */
		" AND (known OR NOT EXISTS (SELECT FROM pg_namespace u, pg_namespace n"
		"  JOIN pg_class k ON k.relnamespace = n.oid WHERE u.oid = c.relnamespace"
		"   AND n.nspname::text = cmig.version_schema(r.revision, u.nspname::text)"
		"   AND k.relname = c.relname AND " CMIG_VERSION_CREATED ")"
		"  OR EXISTS (SELECT FROM jsonb_array_elements(r.columns) e WHERE e->>1 <> ''"
		"   AND " CMIG_RELATION_NAMED("(e->>0)") " = c.oid))"
		/* what belongs to a column has the owner of its table */
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid"
		"  AND d.classid = 'pg_class'::regclass AND d.refobjsubid <> 0"
		"  AND d.deptype IN ('a', 'i')) ORDER BY 2, 3",
		{TEXTOID}
	};

	return cmig_query_list(&query, expansion->scope);
}

/* A default, or NULL if it is a NULL of some type, which a view does not have. */
#define DEFAULT_OF(d) "substring(pg_get_expr(" d ".adbin, " d ".adrelid), '^(?!NULL::).*')"

/*
 * Returns problems: defaults that columns of both versions have got meanwhile.  The view
 * keeps the former ones.
 */
static List *
find_defaults(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"WITH c AS MATERIALIZED (SELECT c->>0 AS relation, c->>1 AS version, c->>2 AS kind,"
		"  c->>3 AS old, c->>4 AS new FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		"  WHERE r.scope = $1 AND (c->>1 IS NOT NULL OR c->>2 = '" OTHER_DEFAULT "')),"
		" t AS (SELECT relation, " CMIG_RELATION_NAMED("relation") " AS oid,"
		"  " CMIG_RELATION_NAMED("version") " AS view"
		"  FROM (SELECT DISTINCT relation, version FROM c WHERE version IS NOT NULL) d)"
		" SELECT 'warning', format('column %I of view %s', v.attname, v.attrelid::regclass),"
		" 'it no longer has the default of the table, which was changed while a revision is expanded',"
		" format('ALTER VIEW %s ALTER %I %s', v.attrelid::regclass, v.attname,"
		"  coalesce('SET DEFAULT ' || n.now, 'DROP DEFAULT'))"
		" FROM t JOIN pg_class k ON k.oid = t.view AND k.relkind = 'v'"
		" JOIN pg_attribute v ON v.attrelid = t.view AND NOT v.attisdropped"
		" LEFT JOIN c ON c.relation = t.relation AND c.new = v.attname::text"
		" JOIN pg_attribute o ON o.attrelid = t.oid AND o.attnum > 0 AND NOT o.attisdropped"
		"  AND o.attgenerated = '' AND o.attname::text = coalesce(c.old, v.attname::text)"
		" LEFT JOIN pg_attrdef d ON d.adrelid = o.attrelid AND d.adnum = o.attnum"
		" LEFT JOIN pg_attrdef w ON w.adrelid = v.attrelid AND w.adnum = v.attnum"
		" CROSS JOIN LATERAL (SELECT " DEFAULT_OF("d") ") n (now)"
		/* the other ones have a hidden column */
		" WHERE coalesce(c.kind, 'rename') = 'rename'"
		" AND NOT EXISTS (SELECT FROM c e WHERE e.kind = '" OTHER_DEFAULT "'"
		"  AND e.old = t.relation AND e.new = v.attname::text)"
		" AND n.now IS DISTINCT FROM " DEFAULT_OF("w") " ORDER BY 2", {TEXTOID}
	};
	int			level = NewGUCNestLevel();
	List	   *result;

	cmig_versions_pin_settings();
	result = cmig_query_list(&query, expansion->scope);
	AtEOXact_GUC(false, level);
	return result;
}

/* The argument of find_problems(), and what it has found. */
typedef struct ProblemSearch
{
	const CmigExpansion *expansion;
	List	   *problems;
} ProblemSearch;

/* Subtransaction callback: add the problems of the expansion. */
static void
find_problems(void *arg)
{
	static CmigQuery filled = {
		"SELECT DISTINCT s.relation FROM cmig.expansion_step s JOIN " RELATIONS " k ON k.name = s.relation"
		" WHERE s.scope = $1 AND s.phase = '" CMIG_PHASE_FILL "' ORDER BY 1", {TEXTOID}
	};
	static CmigQuery trees = {
		"SELECT DISTINCT k.oid FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		" JOIN " RELATIONS " k ON k.name = c->>0 WHERE r.scope = $1 AND k.relkind = 'p' ORDER BY 1", {TEXTOID}
	};
	ProblemSearch *search = arg;
	const CmigExpansion *expansion = search->expansion;
	List	   *problems;
	List	   *missing;
	List	   *owners;

	cmig_settings_override("lock_timeout", LOCK_TIMEOUT);

	/*
	 * pg_partition_tree() locks partitions only, and what drops one waits for
	 * it with a lock of the table
	 */
	foreach_ptr(CmigValue, tree, cmig_query_list(&trees, expansion->scope))
		LockRelationOid(atooid(tree[0]), AccessShareLock);
	problems = cmig_versions_role_problems(expansion);
	/* owners are compared with that role */
	missing = find_missing(expansion, problems == NIL);
	if (problems != NIL)
	{
		search->problems = list_concat(problems, missing);
		return;
	}
	problems = find_changes(expansion, false);
	foreach_ptr(CmigValue, table, cmig_query_list(&filled, expansion->scope))
	{
		foreach_ptr(CmigValue, row, cmig_versions_obstacles(table[0]))
		{
			const char *problem[] = {"error", psprintf("%s on %s", row[0], row[3]), psprintf("it is in the way of revision \"%s\", which is expanded. %s", expansion->revision, row[1]), row[2]};

			problems = lappend(problems, memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
		}
	}
	foreach_ptr(CmigValue, row, cmig_query_list(&privileges, expansion->scope))
	{
		const char *problem[] = {"warning", row[3], "its privileges or security labels are not those of what it replaces while a revision is expanded",
			psprintf("`CALL cmig.expand(%s)` -- runs: %s", quote_literal_cstr(expansion->revision), row[0])
		};

		problems = lappend(problems, memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	problems = list_concat(problems, find_defaults(expansion));
	problems = list_concat(problems, cmig_versions_replication_problems(expansion));
	owners = find_owners(expansion);
	problems = list_concat(problems, owners);
	/* what has another name or owner also seems to be somebody else's */
	problems = list_concat(problems, missing || owners ? missing :
						   list_concat(cmig_versions_refused_problems(expansion),
									   list_concat(cmig_versions_unnoted_problems(expansion),
												   cmig_versions_blocked_problems(expansion))));
	search->problems = problems;
}

List *
cmig_expansion_changes(void)
{
	ProblemSearch search = {.expansion = cmig_expansion_read()};
	ErrorData  *error = NULL;
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAIT_MS);
	bool		ended;

	if (search.expansion == NULL)
		return NIL;

	/*
	 * A session that waits for a lock that was taken here, while this one
	 * waits for it, could be the victim of a deadlock.  So each wait is
	 * short, and no lock is held from one to the next.
	 */
	do
	{
		ended = cmig_subtransaction_limited(find_problems, &search, LOOK_MS, &error);
	} while (ended && error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE &&
			 GetCurrentTimestamp() < end);
	if (!ended || (error && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE))
	{
		const char *problem[] = {
			"warning", "expansion",
			psprintf("cannot tell what was changed since revision \"%s\" was expanded: %s",
					 search.expansion->revision,
					 ended ? "another session has locked a table" : "that takes too long"),
			"`SELECT relation::regclass, pid FROM pg_locks"
			" WHERE mode = 'AccessExclusiveLock' AND granted`"
		};

		return list_make1(memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	if (error)
		ReThrowError(error);
	return search.problems;
}

void
cmig_versions_require_unchanged(const CmigExpansion *expansion)
{
	List	   *changes = find_changes(expansion, true);
	CmigListing listing;
	StringInfoData undo;
	bool		known = true;

	if (changes == NIL)
		return;
	cmig_listing_init(&listing, CMIG_LISTING_LINES);
	initStringInfo(&undo);
	foreach_ptr(CmigValue, row, changes)
	{
		cmig_listing_add(&listing, psprintf("%s was %s", row[1], row[4]));
		known &= row[5] != NULL && strchr(row[5], '`') == NULL;
		appendStringInfo(&undo, "%s; ", row[5] ? row[5] : "");
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of columns that revision \"%s\" replaces would be lost", expansion->revision),
			 errdetail("Since it was expanded:\n%s", cmig_listing_text(&listing)),
			 known && listing.count <= CMIG_LISTING_MAX ?
			 cmig_hint("%s`CALL cmig.contract()`, and make the change again. " ABANDON_HINT, undo.data) :
			 cmig_hint("%s", CHANGES_HINT)));
}

char *
cmig_versions_audit_before(const CmigExpansion *expansion, const char *relation)
{
	static CmigQuery query = {
		"WITH o AS (SELECT l.key AS list, n FROM cmig.audit_status((SELECT nspname::text FROM"
		" pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE c.oid ="
		" " CMIG_RELATION_NAMED("$1") ")) s,"
		"  jsonb_each(s.options::jsonb) l,"
		"  jsonb_array_elements_text(CASE WHEN l.key IN ('exclude', 'include', 'redact', 'hash')"
		" THEN l.value ELSE '[]' END) n"
		"  WHERE s.level IS NOT NULL AND "
		CMIG_RELATION_NAMED("s.target") " = " CMIG_RELATION_NAMED("$1") "),"
		" d AS (SELECT DISTINCT ON (c->>5) o.list, c->>5 FROM o, cmig.expansion_run r,"
		" jsonb_array_elements(r.columns) c"
		"  WHERE r.scope = $2 AND c->>0 = $1 AND CASE WHEN quote_ident(o.n) = o.n"
		"   THEN ' ' || (c->>6) || ' ' ~ ('[^a-z0-9_]' || o.n || '[^a-z0-9_]') ELSE"
		" position(quote_ident(o.n) IN c->>6) > 0 END"
		"  AND NOT EXISTS (SELECT FROM o WHERE o.n = c->>5 OR (c->>3 = c->>4 AND o.n = c->>4))"
		"  ORDER BY c->>5, array_position(ARRAY['exclude', 'redact', 'hash'], o.list)),"
		" a AS (SELECT list, array_agg(n) AS names FROM (TABLE o UNION ALL TABLE d) x GROUP BY"
		" list)"
		" SELECT t.oid, (SELECT count(*) FROM cmig.enable_audit(t.oid::regclass, (SELECT names"
		" FROM a WHERE list = 'exclude'),"
		"  (SELECT names FROM a WHERE list = 'include'), (SELECT names FROM a WHERE list ="
		" 'redact'), (SELECT names FROM a WHERE list = 'hash')))"
		" FROM pg_class t WHERE t.oid = "
		CMIG_RELATION_NAMED("$1") " AND (SELECT bool_and(g.tgenabled <> 'D')"
		" FROM pg_trigger g"
		"  WHERE g.tgrelid = t.oid AND g.tgfoid = 'cmig.audit_trigger()'::regprocedure)", {TEXTOID, TEXTOID}
	};

	return cmig_query_value(&query, relation, expansion->scope);
}

void
cmig_versions_audit_after(const char *oid)
{
	static CmigQuery query = {
		"SELECT count(*) FROM cmig.enable_audit($1::oid::regclass)", {TEXTOID}
	};

	(void) cmig_query_do(&query, oid);
}

char *
cmig_versions_shape(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"SELECT json_agg(json_build_array(format('%I.%I', s, c.relname), a.attname,"
		" a.atttypid::bigint)) FROM cmig.expansion_run r, unnest(r.schemas) s, pg_class c"
		" JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
		" AND a.attnum > 0 AND NOT a.attisdropped"
		" WHERE r.scope = $1 AND c.relkind = 'v'"
		" AND n.nspname::text = cmig.version_schema(r.revision, s)"
		" AND format('%I.%I', n.nspname, c.relname) IN (SELECT e->>1"
		" FROM jsonb_array_elements(r.columns) e)", {TEXTOID}
	};

	return cmig_query_value(&query, expansion->scope);
}

void
cmig_versions_require_shape(const char *shape)
{
	static CmigQuery query = {
		"SELECT format('column %I of table %s', e->>1, e->>0) FROM json_array_elements($1::json) e"
		" WHERE NOT EXISTS (SELECT FROM pg_attribute"
		" WHERE attrelid = "
		CMIG_RELATION_NAMED("(e->>0)") " AND attname::text = e->>1 AND NOT attisdropped"
		" AND atttypid::bigint::text = e->>2) ORDER BY 1 LIMIT 1", {TEXTOID}
	};
	char	   *column = shape ? cmig_query_value(&query, shape) : NULL;

	if (column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s would be missing after the contraction", column),
				 errdetail("The new version has it. It was renamed, dropped, or altered while the revision is expanded."),
				 cmig_hint("`SELECT * FROM cmig.%sdrift()`", cmig_scope_is_set() ? "scope_" : "")));
}
