/*
 * blocked.c
 *	  What others have created that would stop a contraction or an abandonment.
 *
 * Its statements drop objects on which somebody may have built others meanwhile, and
 * give names that somebody may have taken.  Nothing keeps a role from that which may use
 * a schema or create objects in it, so it is found before the first statement runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "versions/internal.h"
#include "versions/versions.h"

/* A relation that an earlier statement has given another name. */
typedef struct Renamed
{
	Oid			schema;
	const char *name;
	Oid			relation;
} Renamed;

/* The statements of a phase, and what they do. */
typedef struct Walk
{
	const CmigExpansion *expansion;
	const List *steps;			/* rows of cmig.expansion_step */
	const char *phase;
	bool		built;			/* are only names of what exists needed? */
	List	   *dropped;		/* of ObjectAddress * */
	List	   *kept;			/* likewise: what is renamed, moved, replaced,
								 * or saved, and depends on other objects then */
	List	   *renamed;		/* of Renamed * */
	List	   *gone;			/* of char *: columns that somebody renamed,
								 * or dropped, each as a table and a name */
	List	   *kinds;			/* of char *: of what the names are needed */
	List	   *places;			/* of a schema, or the OID of a table */
	List	   *names;
	List	   *rows;			/* what is found: object, problem, fix, owner,
								 * sqlstate, what the owner of the tables can
								 * do, and what it depends on */
} Walk;

static void
add_object(List **objects, Oid class, Oid id, int sub)
{
	ObjectAddress *object = palloc(sizeof(ObjectAddress));

	ObjectAddressSubSet(*object, class, id, sub);
	if (OidIsValid(id))
		*objects = lappend(*objects, object);
}

static void
add_name(Walk *walk, const char *kind, const char *place, const char *name)
{
	walk->kinds = lappend(walk->kinds, pstrdup(kind));
	walk->places = lappend(walk->places, pstrdup(place));
	walk->names = lappend(walk->names, pstrdup(name));
}

/* A relation needs a name, also for its row type, unless it is an index or sequence. */
static void
add_relation_name(Walk *walk, ObjectType type, Oid schema, const char *name)
{
	char	   *place = get_namespace_name(schema);

	if (place == NULL)
		return;
	add_name(walk, "relation", place, name);
	if (type != OBJECT_INDEX && type != OBJECT_SEQUENCE)
		add_name(walk, "type", place, name);
}

/* Returns the schema that the name has, or InvalidOid. */
static Oid
schema_of(const RangeVar *range)
{
	return range->schemaname ? get_namespace_oid(range->schemaname, true) : InvalidOid;
}

/* Returns the relation that the statement finds by this name, or InvalidOid. */
static Oid
find_relation(const Walk *walk, const RangeVar *range)
{
	Oid			schema = schema_of(range);

	foreach_ptr(const Renamed, renamed, walk->renamed)
	{
		if (renamed->schema == schema && strcmp(renamed->name, range->relname) == 0)
			return renamed->relation;
	}
	return cmig_versions_relation(range);
}

static void
add_renamed(Walk *walk, ObjectType type, Oid relation, Oid schema, const char *name)
{
	Renamed    *renamed = palloc(sizeof(Renamed));

	*renamed = (Renamed)
	{
		schema, name, relation
	};
	if (OidIsValid(relation))
		walk->renamed = lcons(renamed, walk->renamed);
	add_object(&walk->kept, RelationRelationId, relation, 0);
	if (OidIsValid(relation) || !walk->built)
		add_relation_name(walk, type, schema, name);
}

/* A column that is dropped, and those of partitions. */
static void
add_column(List **objects, Oid table, const char *name)
{
	foreach_oid(member, OidIsValid(table) ? cmig_inheritors(table, NoLock) : NIL)
	{
		AttrNumber	number = get_attnum(member, name);

		if (number > 0)
			add_object(objects, RelationRelationId, member, number);
	}
}

/* A column that the table must have, unless an earlier statement has given it the name. */
static void
need_column(Walk *walk, Oid table, const char *name)
{
	char	   *place = psprintf("%u", table);

	if (!OidIsValid(table) || get_attnum(table, name) != InvalidAttrNumber ||
		strncmp(name, "cmig_", 5) == 0)
		return;
	foreach_ptr(const char, other, walk->names)
	{
		int			n = foreach_current_index(other);

		if (strcmp(other, name) == 0 && strcmp(list_nth(walk->kinds, n), "column") == 0 &&
			strcmp(list_nth(walk->places, n), place) == 0)
			return;
	}
	walk->gone = lappend(walk->gone, psprintf("%s %s", place, name));
}

static void
walk_rename(Walk *walk, const RenameStmt *stmt)
{
	Oid			relation = stmt->relation ? find_relation(walk, stmt->relation) : InvalidOid;
	char	   *table = psprintf("%u", relation);

	switch (stmt->renameType)
	{
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			/* a partition that was detached keeps its indexes */
			if (!stmt->missing_ok ||
				(OidIsValid(relation) && get_rel_relispartition(IndexGetRelation(relation, true))))
				add_renamed(walk, stmt->renameType, relation, schema_of(stmt->relation),
							stmt->newname);
			break;
		case OBJECT_COLUMN:
			add_column(&walk->kept, relation, stmt->subname);
			need_column(walk, relation, stmt->subname);
			/* names between two others are not of interest */
			if (strncmp(stmt->newname, "cmig_between_", 13) != 0)
				add_name(walk, "column", table, stmt->newname);
			break;
		case OBJECT_TABCONSTRAINT:
			if (OidIsValid(relation))
			{
				Oid			constraint = get_relation_constraint_oid(relation, stmt->subname, true);

				add_object(&walk->kept, ConstraintRelationId, constraint, 0);
				if (OidIsValid(constraint) || !walk->built)
					add_name(walk, "constraint", table, stmt->newname);
			}
			break;
		default:
			break;
	}
}

static void
walk_alter_table(Walk *walk, const AlterTableStmt *stmt)
{
	Oid			relation = find_relation(walk, stmt->relation);

	foreach_node(AlterTableCmd, command, OidIsValid(relation) ? stmt->cmds : NIL)
	{
		Constraint *constraint = (Constraint *) command->def;

		switch (command->subtype)
		{
			case AT_DropColumn:
				add_column(&walk->dropped, relation, command->name);
				if (!command->missing_ok)
					need_column(walk, relation, command->name);
				break;
			case AT_DropConstraint:
				add_object(&walk->dropped, ConstraintRelationId,
						   get_relation_constraint_oid(relation, command->name, true), 0);
				break;
			case AT_ColumnDefault:
				add_object(&walk->dropped, AttrDefaultRelationId,
						   GetAttrDefaultOid(relation, get_attnum(relation, command->name)), 0);
				break;
			case AT_AddConstraint:
				if (constraint->conname != NULL)
					add_name(walk, "constraint", psprintf("%u", relation), constraint->conname);
				break;
			case AT_AlterColumnType:
				add_column(&walk->kept, relation, command->name);
				break;
			default:
				break;
		}
	}
}

/* Returns the part of a table that is dropped. */
static void
add_part(Walk *walk, const DropStmt *stmt, Oid table)
{
	const char *name = strVal(llast(linitial_node(List, stmt->objects)));

	if (stmt->removeType == OBJECT_TRIGGER)
		add_object(&walk->dropped, TriggerRelationId, get_trigger_oid(table, name, true), 0);
	else if (stmt->removeType == OBJECT_POLICY)
		add_object(&walk->dropped, PolicyRelationId, get_relation_policy_oid(table, name, true), 0);
	else
		add_object(&walk->dropped, RewriteRelationId, get_rewrite_oid(table, name, true), 0);
}

/* A statement that replaces an object, whose dependencies change then. */
static void
walk_replaced(Walk *walk, const CreateFunctionStmt *stmt)
{
	char	   *schema;
	char	   *name;
	CatCList   *list;
	Oid			place;

	DeconstructQualifiedName(stmt->funcname, &schema, &name);
	place = schema ? get_namespace_oid(schema, true) : InvalidOid;
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (form->pronamespace == place)
			add_object(&walk->kept, ProcedureRelationId, form->oid, 0);
	}
	ReleaseCatCacheList(list);
}

/* A view that is created, or replaced. */
static void
walk_view(Walk *walk, const ViewStmt *stmt)
{
	Oid			view = find_relation(walk, stmt->view);

	if (stmt->replace && OidIsValid(view) && get_rel_relkind(view) == RELKIND_VIEW)
		add_object(&walk->kept, RelationRelationId, view, 0);
	else
		add_relation_name(walk, OBJECT_VIEW, schema_of(stmt->view), stmt->view->relname);
}

/* The indexes and sequences of a relation move with it, with the names that they have then. */
static void
add_moved(Walk *walk, Oid relation, Oid schema)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	List	   *parts = getOwnedSequences(relation);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parts = lappend_oid(parts, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	foreach_oid(part, parts)
	{
		const char *name = get_rel_name(part);

		foreach_ptr(const Renamed, renamed, walk->renamed)
		{
			if (renamed->relation != part)
				continue;
			name = renamed->name;
			break;
		}
		if (name != NULL)
			add_renamed(walk, OBJECT_INDEX, part, schema, name);
	}
}

/* What is moved to another schema. */
static void
walk_moved(Walk *walk, const AlterObjectSchemaStmt *stmt)
{
	Oid			schema = get_namespace_oid(stmt->newschema, true);

	if (stmt->relation != NULL)
	{
		Oid			relation = find_relation(walk, stmt->relation);

		add_renamed(walk, stmt->objectType, relation, schema, stmt->relation->relname);
		if (OidIsValid(relation))
			add_moved(walk, relation, schema);
	}
	else if (stmt->objectType == OBJECT_TYPE)
	{
		const TypeName *name = makeTypeNameFromNameList(castNode(List, stmt->object));

		add_object(&walk->kept, TypeRelationId, LookupTypeNameOid(NULL, name, true), 0);
	}
}

/* What is dropped, or the table of which a part is; of an abandonment, if it is not left. */
static void
walk_drop(Walk *walk, const char *relation, const Node *stmt)
{
	bool		abandon = strcmp(walk->phase, CMIG_PHASE_ABANDON) == 0;
	bool		part;
	ObjectAddress object = cmig_versions_dropped(walk->expansion, walk->steps, relation, stmt,
												 abandon, &part);

	if (!IsA(stmt, DropStmt) && (!abandon || OidIsValid(object.objectId)))
		walk_alter_table(walk, (const AlterTableStmt *) stmt);
	else if (IsA(stmt, DropStmt) && part)
		add_part(walk, (const DropStmt *) stmt, object.objectId);
	else if (IsA(stmt, DropStmt))
		add_object(&walk->dropped, object.classId, object.objectId, 0);
}

static void
walk_statement(Walk *walk, const char *relation, const Node *stmt)
{
	const IndexStmt *index = (const IndexStmt *) stmt;
	const CreateStmt *table = (const CreateStmt *) stmt;
	const CreateSeqStmt *created = (const CreateSeqStmt *) stmt;

	switch (nodeTag(stmt))
	{
		case T_DropStmt:
		case T_AlterTableStmt:
			walk_drop(walk, relation, stmt);
			break;
		case T_RenameStmt:
			walk_rename(walk, (const RenameStmt *) stmt);
			break;
		case T_AlterObjectSchemaStmt:
			walk_moved(walk, (const AlterObjectSchemaStmt *) stmt);
			break;
		case T_AlterSeqStmt:
			add_object(&walk->kept, RelationRelationId,
					   find_relation(walk, ((const AlterSeqStmt *) stmt)->sequence), 0);
			break;
		case T_CreateFunctionStmt:
			walk_replaced(walk, (const CreateFunctionStmt *) stmt);
			break;
		case T_ViewStmt:
			walk_view(walk, (const ViewStmt *) stmt);
			break;
		case T_CreateStmt:
			add_relation_name(walk, OBJECT_TABLE, schema_of(table->relation),
							  table->relation->relname);
			break;
		case T_CreateSeqStmt:
			add_relation_name(walk, OBJECT_SEQUENCE, schema_of(created->sequence),
							  created->sequence->relname);
			break;
		case T_IndexStmt:
			if (index->idxname != NULL)
				add_relation_name(walk, OBJECT_INDEX, schema_of(index->relation), index->idxname);
			break;
		default:
			break;
	}
}

/* For messages */
static const char *
noun(const char *phase)
{
	return strcmp(phase, CMIG_PHASE_CONTRACT) == 0 ? "contraction" : "abandonment";
}

/* Returns a list as an array of names. */
static CmigNames *
as_names(const List *list)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));

	names->names = palloc(sizeof(char *) * Max(list_length(list), 1));
	foreach_ptr(char, name, list)
		names->names[names->count++] = name;
	return names;
}

/* Returns objects as an array of texts, each with a class, an OID, and a number. */
static CmigNames *
as_addresses(const List *objects)
{
	List	   *texts = NIL;

	foreach_ptr(const ObjectAddress, object, objects)
		texts = lappend(texts, psprintf("%u %u %d", object->classId, object->objectId,
										object->objectSubId));
	return as_names(texts);
}

/*
 * g: what is dropped, $1, with all that goes with it.  k: what is kept, $2.  A row of a
 * view's rule or of a default stands for the view or the column.
 */
#define GOING \
	"WITH RECURSIVE k AS (SELECT split_part(o, ' ', 1)::oid AS class, split_part(o, ' ', 2)::oid" \
	" AS id," \
	"  split_part(o, ' ', 3)::int AS sub FROM unnest($2) o)," \
	" g (class, id, sub) AS (SELECT split_part(o, ' ', 1)::oid, split_part(o, ' ', 2)::oid," \
	"  split_part(o, ' ', 3)::int FROM unnest($1) o" \
	" UNION SELECT d.classid, d.objid, d.objsubid FROM g JOIN pg_depend d ON d.refclassid =" \
	" g.class" \
	"  AND d.refobjid = g.id AND (g.sub = 0 OR d.refobjsubid = g.sub)" \
	"  WHERE d.deptype IN ('a', 'i', 'P', 'S') AND (d.classid, d.objid, d.objsubid) NOT IN (TABLE" \
	" k))"

/* Find what others have built on it. */
static void
find_dependents(Walk *walk)
{
	static CmigQuery query = {
		GOING ", x AS (SELECT DISTINCT"
		"  CASE WHEN v.relkind IN ('v', 'm') THEN 'pg_class'::regclass ELSE d.classid END AS class,"
		"  CASE WHEN v.relkind IN ('v', 'm') THEN v.oid ELSE d.objid END AS id,"
		/* the column of a view is not dropped alone */
		"  CASE WHEN z.relkind IN ('v', 'm') THEN 0 ELSE d.objsubid END AS sub,"
		" d.refclassid, d.refobjid, d.refobjsubid"
		"  FROM g JOIN pg_depend d ON d.refclassid = g.class AND d.refobjid = g.id"
		"   AND (g.sub = 0 OR d.refobjsubid = g.sub)"
		"  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid"
		"  LEFT JOIN pg_class v ON v.oid = w.ev_class"
		"  LEFT JOIN pg_class z ON d.classid = 'pg_class'::regclass AND z.oid = d.objid"
		"  WHERE d.deptype = 'n' AND NOT EXISTS (SELECT FROM g o WHERE o.class = d.classid"
		"   AND o.id = d.objid AND o.sub IN (0, d.objsubid)))"
		" SELECT DISTINCT ON (i.type, i.identity) concat_ws(' ', i.type, i.identity),"
		"  format('it depends on %s, which the %s of revision \"%s\" drops', concat_ws(' ',"
		" r.type, r.identity), $3, $4),"

		/*
		 * no fix loses values of rows: a column that uses a type that is
		 * dropped becomes text
		 */
		"  CASE WHEN x.sub > 0 THEN format(CASE i.type WHEN 'composite type column'"
		"    THEN 'ALTER TYPE %s ALTER ATTRIBUTE %I TYPE text' ELSE 'ALTER TABLE %s ALTER %I"
		" TYPE text' END,"
		"    x.id::regclass, (SELECT attname FROM pg_attribute WHERE attrelid = x.id AND attnum"
		" = x.sub))"
		"   ELSE CASE i.type"
		"   WHEN 'table constraint' THEN format('ALTER TABLE %s DROP CONSTRAINT %I',"
		" c.conrelid::regclass, c.conname)"
		"   WHEN 'domain constraint' THEN format('ALTER DOMAIN %s DROP CONSTRAINT %I',"
		" c.contypid::regtype, c.conname)"
		"   WHEN 'default value' THEN (SELECT format('ALTER TABLE %s ALTER %I DROP %s',"
		" attrelid::regclass,"
		"     attname, CASE attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION' END)"
		"    FROM pg_attribute WHERE attrelid = f.adrelid AND attnum = f.adnum)"
		"   WHEN 'statistics object' THEN format('DROP STATISTICS %s', i.identity)"
		"   WHEN 'publication relation' THEN format('ALTER PUBLICATION %I DROP TABLE %s',"
		" u.pubname, p.prrelid::regclass)"
		"   WHEN 'type' THEN 'DROP TYPE ' || i.identity WHEN 'composite type' THEN 'DROP TYPE ' ||"
		" i.identity"
		"   ELSE format('DROP %s %s', upper(i.type), i.identity) END END,"
		"  pg_get_userbyid(coalesce(CASE x.class WHEN 'pg_class'::regclass THEN (SELECT relowner"
		" FROM pg_class WHERE oid = x.id)"
		"   WHEN 'pg_proc'::regclass THEN (SELECT proowner FROM pg_proc WHERE oid = x.id)"
		"   WHEN 'pg_type'::regclass THEN (SELECT typowner FROM pg_type WHERE oid = x.id)"
		"   WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxowner FROM pg_statistic_ext WHERE"
		" oid = x.id) END, u.pubowner,"
		"   (SELECT relowner FROM pg_class WHERE oid IN (c.conrelid, f.adrelid, t.tgrelid,"
		" y.polrelid, e.ev_class)))),"
		"  '2BP01', CASE WHEN q.relkind IN ('v', 'S', 'm') THEN format('DROP %s %s CASCADE', CASE q.relkind"
		"    WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'MATERIALIZED VIEW' END, q.oid::regclass)"
		"   WHEN r.type = 'table column' THEN format('ALTER TABLE %s DROP COLUMN %I CASCADE', q.oid::regclass,"
		"    (SELECT attname FROM pg_attribute WHERE attrelid = q.oid AND attnum = x.refobjsubid))"
		"   WHEN r.type = 'function' THEN format('DROP FUNCTION %s CASCADE', r.identity) END,"
		"  concat_ws(' ', ' depends on', r.type, r.identity)"
		" FROM x CROSS JOIN LATERAL pg_identify_object(x.class, x.id, x.sub) i"
		" CROSS JOIN LATERAL pg_identify_object(x.refclassid, x.refobjid, x.refobjsubid) r"
		" LEFT JOIN pg_class q ON q.oid = CASE x.refclassid WHEN 'pg_class'::regclass THEN x.refobjid"
		"  WHEN 'pg_type'::regclass THEN (SELECT typrelid FROM pg_type WHERE oid = x.refobjid) END"
		" LEFT JOIN pg_constraint c ON x.class = 'pg_constraint'::regclass AND c.oid = x.id"
		" LEFT JOIN pg_attrdef f ON x.class = 'pg_attrdef'::regclass AND f.oid = x.id"
		" LEFT JOIN pg_trigger t ON x.class = 'pg_trigger'::regclass AND t.oid = x.id"
		" LEFT JOIN pg_policy y ON x.class = 'pg_policy'::regclass AND y.oid = x.id"
		" LEFT JOIN pg_rewrite e ON x.class = 'pg_rewrite'::regclass AND e.oid = x.id"
		" LEFT JOIN (pg_publication_rel p JOIN pg_publication u ON u.oid = p.prpubid)"
		"  ON x.class = 'pg_publication_rel'::regclass AND p.oid = x.id"
		" WHERE (x.class, x.id, x.sub) NOT IN (TABLE k) AND (x.class, x.id, 0) NOT IN (TABLE g)"
		" ORDER BY i.type, i.identity, r.type, r.identity",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID}
	};

	walk->rows = list_concat(walk->rows,
							 cmig_query_list(&query, as_addresses(walk->dropped),
											 as_addresses(walk->kept), noun(walk->phase),
											 walk->expansion->revision));
}

/* Find what has the names. */
static void
find_taken(Walk *walk)
{
	static CmigQuery query = {
		GOING ", n AS (SELECT * FROM unnest($3, $4, $5) n (kind, place, name)),"
		" x AS (SELECT concat_ws(' ', i.type, i.identity) AS object, pg_get_userbyid(c.relowner)"
		" AS owner,"
		"   format('ALTER %s %s', upper(CASE i.type WHEN 'partitioned table' THEN 'table' ELSE"
		" i.type END), i.identity) AS sql, n.name, '42P07' AS state,"
		"   c.relnamespace AS space, 0::oid AS relid"
		"  FROM n JOIN pg_namespace s ON s.nspname = n.place::name JOIN pg_class c ON"
		" c.relnamespace = s.oid"
		"   AND c.relname = n.name::name, pg_identify_object('pg_class'::regclass, c.oid, 0) i"
		"  WHERE n.kind = 'relation' AND ('pg_class'::regclass, c.oid, 0) NOT IN (TABLE g UNION"
		" ALL TABLE k)"
		" UNION SELECT concat_ws(' ', i.type, i.identity), pg_get_userbyid(t.typowner), 'ALTER"
		" TYPE ' || i.identity, n.name, '42710',"
		"   t.typnamespace, 0"
		"  FROM n JOIN pg_namespace s ON s.nspname = n.place::name JOIN pg_type t ON"
		" t.typnamespace = s.oid"
		"   AND t.typname = n.name::name, pg_identify_object('pg_type'::regclass, t.oid, 0) i"
		/* PostgreSQL gives the type of an array another name itself */
		"  WHERE n.kind = 'type' AND t.typrelid = 0 AND t.typelem = 0"
		"   AND ('pg_type'::regclass, t.oid, 0) NOT IN (TABLE g UNION ALL TABLE k)"
		" UNION SELECT format('constraint %I of table %s', c.conname, c.conrelid::regclass),"
		" pg_get_userbyid(r.relowner),"
		"   format('ALTER TABLE %s RENAME CONSTRAINT %I', c.conrelid::regclass, c.conname),"
		" n.name, '42710', 0, c.conrelid"
		"  FROM n JOIN pg_constraint c ON c.conname = n.name::name JOIN pg_class r ON r.oid ="
		" c.conrelid"
		"  WHERE n.kind = 'constraint' AND (c.conrelid = n.place::oid OR c.contype = 'c' AND"
		" c.conrelid IN"
		"    (SELECT relid FROM pg_partition_tree(n.place::oid)))"
		"   AND ('pg_constraint'::regclass, c.oid, 0) NOT IN (TABLE g UNION ALL TABLE k)"
		" UNION SELECT format('column %I of table %s', a.attname, a.attrelid::regclass),"
		" pg_get_userbyid(r.relowner),"
		"   format('ALTER TABLE %s RENAME COLUMN %I', a.attrelid::regclass, a.attname), n.name,"
		" '42701', 0, a.attrelid"
		"  FROM n JOIN pg_attribute a ON a.attname = n.name::name JOIN pg_class r ON r.oid ="
		" a.attrelid"
		"  WHERE n.kind = 'column' AND a.attrelid = n.place::oid AND NOT a.attisdropped"
		"   AND ('pg_class'::regclass, a.attrelid, a.attnum) NOT IN (TABLE g UNION ALL TABLE k))"
		" SELECT object, format('it has a name that the contraction of revision \"%s\" needs', $6),"
		"  format('%s%s TO %I', sql, CASE WHEN relid = 0 THEN ' RENAME' END, o.o), owner, state,"
		" NULL, '' FROM x,"
		"  LATERAL (SELECT o FROM generate_series(1, 1000) i, concat(left(x.name, 59), '_', i) o"
		"   WHERE NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = space AND relname ="
		" o::name)"
		"    AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = space AND typname = o::name)"
		"    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = relid AND conname ="
		" o::name)"
		"    AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relid AND attname ="
		" o::name) ORDER BY i LIMIT 1) o"
		" ORDER BY state = '42P07' DESC, 1",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID}
	};

	if (walk->names == NIL)
		return;
	walk->rows = list_concat(walk->rows,
							 cmig_query_list(&query, as_addresses(walk->dropped),
											 as_addresses(walk->kept), as_names(walk->kinds),
											 as_names(walk->places), as_names(walk->names),
											 walk->expansion->revision));
}

/*
 * Find columns that cannot be dropped or renamed, because a table has got a parent or a
 * type meanwhile.  Those of a partition belong to the table that is expanded.
 */
static void
find_fixed(Walk *walk)
{
	static CmigQuery query = {
		"WITH c AS (SELECT DISTINCT split_part(o, ' ', 2)::oid AS id, split_part(o, ' ',"
		" 3)::int2 AS sub"
		"  FROM unnest($1 || $2) o WHERE split_part(o, ' ', 1)::oid = 'pg_class'::regclass"
		"  AND split_part(o, ' ', 3)::int > 0)"
		" SELECT DISTINCT ON (k.oid, x.fix) format('table %s', k.oid::regclass),"
		"  format('%s, so the %s of revision \"%s\" cannot drop or rename it', x.what, $3,"
		" $4), x.fix,"
		"  pg_get_userbyid(k.relowner), '42P16', NULL, ': ' || x.what"
		" FROM c JOIN pg_class k ON k.oid = c.id JOIN pg_attribute a ON a.attrelid = c.id"
		" AND a.attnum = c.sub,"
		" LATERAL (SELECT format('column %I belongs to type %s', a.attname,"
		" k.reloftype::regtype) AS what,"
		"   format('ALTER TABLE %s NOT OF', k.oid::regclass) AS fix WHERE k.reloftype <> 0"
		"  UNION ALL SELECT format('column %I is inherited from table %s', a.attname,"
		" p.oid::regclass),"
		"   format(CASE p.relkind WHEN 'p' THEN 'ALTER TABLE %2$s DETACH PARTITION %1$s'"
		"    ELSE 'ALTER TABLE %1$s NO INHERIT %2$s' END, k.oid::regclass, p.oid::regclass)"
		"  FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_attribute b"
		"   ON b.attrelid = p.oid AND b.attname = a.attname AND NOT b.attisdropped"
		"  WHERE h.inhrelid = k.oid AND NOT EXISTS (SELECT FROM c o WHERE o.id = p.oid)) x"
		" ORDER BY k.oid, x.fix, x.what",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID}
	};

	walk->rows = list_concat(walk->rows,
							 cmig_query_list(&query, as_addresses(walk->dropped),
											 as_addresses(walk->kept), noun(walk->phase),
											 walk->expansion->revision));
}

/*
 * Find columns that have another name.  If only one column that a trigger of the
 * expansion depends on is not in its arguments, it is that one.
 */
static void
find_gone(Walk *walk)
{
	static CmigQuery query = {
		"SELECT format('column %I of table %s', c.name, k.oid::regclass),"
		"  format('it was renamed or dropped, and the %s of revision \"%s\" needs it', $2, $3),"
		"  CASE WHEN n.count = 1 THEN format('ALTER TABLE %s RENAME COLUMN %I TO %I',"
		" k.oid::regclass, n.name, c.name)"
		"   ELSE 'CALL cmig.abandon()' END, pg_get_userbyid(k.relowner), '42703', NULL, ''"
		" FROM unnest($1) g, LATERAL (SELECT split_part(g, ' ', 1)::oid AS id, substr(g,"
		" strpos(g, ' ') + 1) AS name) c"
		" JOIN pg_class k ON k.oid = c.id,"
		" LATERAL (SELECT count(*), min(a.attname::text) AS name FROM pg_attribute a WHERE"
		" a.attrelid = c.id"
		"  AND a.attname !~ '^cmig_' AND EXISTS (SELECT FROM pg_depend d JOIN pg_trigger t"
		" ON t.oid = d.objid"
		"   JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'cmig'::regnamespace"
		"   WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_class'::regclass"
		"   AND t.tgrelid = c.id AND d.refobjid = c.id AND d.refobjsubid = a.attnum"
		"   AND encode(t.tgargs, 'escape') !~ concat('\\y',"
		" regexp_replace(encode(convert_to(a.attname,"
		" getdatabaseencoding()), 'escape'), '\\W', '\\\\\\&', 'g'), '\\y'))) n"
		" ORDER BY 1",
		{TEXTARRAYOID, TEXTOID, TEXTOID}
	};

	if (walk->gone != NIL)
		walk->rows = list_concat(walk->rows,
								 cmig_query_list(&query, as_names(walk->gone),
												 noun(walk->phase), walk->expansion->revision));
}

/* Subtransaction callback, because anybody's rows may be among the steps: find everything. */
static void
find_all(void *arg)
{
	Walk	   *walk = arg;

	foreach_ptr(CmigValue, step, walk->steps)
	{
		const bool	abandon = strcmp(walk->phase, CMIG_PHASE_ABANDON) == 0;

		if (strcmp(step[1], walk->phase) == 0 && (!abandon || *step[5] == 't'))
			walk_statement(walk, step[2], cmig_raw_parse_one(step[3])->stmt);
	}
	find_gone(walk);
	find_fixed(walk);
	find_taken(walk);
	find_dependents(walk);
}

List *
cmig_versions_blocked_problems(const CmigExpansion *expansion)
{
	static CmigQuery query = {CMIG_STEPS "scope = $1 AND (phase || relation || statement) IS NOT NULL"
	" ORDER BY position", {TEXTOID}};
	static const char *const phases[] = {CMIG_PHASE_CONTRACT, CMIG_PHASE_ABANDON};
	List	   *steps = cmig_query_list(&query, expansion->scope);
	List	   *problems = NIL;

	for (int i = 0; i < lengthof(phases); i++)
	{
		Walk		walk = {.expansion = expansion,.steps = steps,.phase = phases[i],.built = true};
		ErrorData  *error = cmig_subtransaction_try(find_all, &walk);

		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		foreach_ptr(CmigValue, row, error ? NIL : walk.rows)
		{
			char	  **problem = palloc(4 * sizeof(char *));
			char	   *fix = NULL;
			bool		known = false;

			problem[0] = "warning";
			memcpy(problem + 1, row, 3 * sizeof(char *));
			/* what is only dropped would not be replicated any more */
			if (strcmp(phases[i], CMIG_PHASE_CONTRACT) == 0)
				fix = cmig_versions_resync_fix(expansion, row[0]);
			if (fix != NULL)
				problem[3] = fix;
			foreach_ptr(CmigValue, other, problems)
				known |= strcmp(other[1], row[0]) == 0;
			if (!known)
				problems = lappend(problems, problem);
		}
	}
	return problems;
}

void
cmig_versions_require_unblocked(const CmigExpansion *expansion, const List *steps,
								const char *phase)
{
	Walk		walk = {.expansion = expansion,.steps = steps,.phase = phase};
	CmigListing objects;
	StringInfoData fixes;
	char	  **first;
	const char *state;
	bool		others = false;
	List	   *cascades = NIL;

	find_all(&walk);
	if (walk.rows == NIL)
		return;
	first = linitial(walk.rows);
	state = first[4];
	cmig_listing_init(&objects, CMIG_LISTING_LINES);
	initStringInfo(&fixes);
	foreach_ptr(CmigValue, row, walk.rows)
	{
		if (strcmp(row[4], state) != 0)
			continue;
		cmig_listing_add_format(&objects, "%s of role %s%s", row[0], row[3] ? row[3] : "?",
								row[6]);
		others |= row[3] != NULL && !has_privs_of_role(GetUserId(), get_role_oid(row[3], true));
		if (row[5] != NULL && !cmig_text_list_has(cascades, row[5]))
			cascades = lappend(cascades, row[5]);
		if (objects.count <= CMIG_LISTING_MAX)
			appendStringInfo(&fixes, "%s%s", fixes.len > 0 ? "; " : "", row[2]);
	}
	if (others)
		appendStringInfoString(&fixes, " -- as the owner, or as a superuser");
	/* who owns what is dropped may drop all that depends on it */
	if (others && strcmp(phase, CMIG_PHASE_ABANDON) == 0 && cascades != NIL)
	{
		appendStringInfoString(&fixes, "; or, as the owner of the expanded tables: ");
		foreach_ptr(const char, cascade, cascades)
			appendStringInfo(&fixes, "%s%s", foreach_current_index(cascade) ? "; " : "", cascade);
	}
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
			 strcmp(state, "42703") == 0 ?
			 errmsg("columns that the %s of revision \"%s\" needs were renamed or dropped", noun(phase),
					expansion->revision) :
			 strcmp(state, "42P16") == 0 ?
			 errmsg("columns that the %s of revision \"%s\" drops or renames belong to other objects, too",
					noun(phase), expansion->revision) :
			 strcmp(state, "2BP01") != 0 ?
			 errmsg("names that the contraction of revision \"%s\" needs are taken",
					expansion->revision) :
			 errmsg("other objects depend on what the %s of revision \"%s\" drops", noun(phase),
					expansion->revision),
			 errdetail("%s", cmig_listing_text(&objects)),
			 errhint("%s", fixes.data)));
}
