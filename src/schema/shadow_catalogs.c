/*
 * shadow_catalogs.c
 *	  Catalog rows that the shadow changes or hides.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/attnum.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/proclang.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Changes catalog rows directly, without the usual commands.
 *
 * No privileges are checked, no objects are locked, and no hooks are called,
 * so this is only for changes that are rolled back.  An error is raised if
 * another transaction has changed the row in the meantime.  Changes become
 * visible with CommandCounterIncrement().
 * ----------------------------------------------------------------
 */

/*
 * The tuple lock for updates of pg_class.  VACUUM and CREATE INDEX update rows
 * of this catalog in place, and newer PostgreSQL releases require the tuple
 * lock for any update of them.
 */
#define ROW_LOCK ExclusiveLock

static HeapTuple
find(Relation catalog, Oid object)
{
	return get_catalog_object_by_oid(catalog, get_object_attnum_oid(RelationGetRelid(catalog)),
									 object);
}

/*
 * Returns the object's catalog row, locked if necessary, or NULL if there is
 * no such row.
 */
static HeapTuple
find_to_change(Relation catalog, Oid object)
{
	HeapTuple	row = find(catalog, object);

	while (HeapTupleIsValid(row) && RelationGetRelid(catalog) == RelationRelationId)
	{
		ItemPointerData place = row->t_self;

		LockTuple(catalog, &place, ROW_LOCK);
		row = find(catalog, object);
		if (HeapTupleIsValid(row) && ItemPointerEquals(&place, &row->t_self))
			return row;
		UnlockTuple(catalog, &place, ROW_LOCK);
	}
	return row;
}

void
cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	HeapTuple	row = find_to_change(relation, object);

	if (HeapTupleIsValid(row))
	{
		int			natts = RelationGetDescr(relation)->natts;
		Datum	   *values = palloc0(sizeof(Datum) * natts);
		bool	   *nulls = palloc0(sizeof(bool) * natts);
		bool	   *replace = palloc0(sizeof(bool) * natts);
		ItemPointerData place = row->t_self;
		HeapTuple	changed;

		/* update the row that find_to_change() returned */
		values[column - 1] = value;
		replace[column - 1] = true;
		changed = heap_modify_tuple(row, RelationGetDescr(relation), values, nulls, replace);
		CatalogTupleUpdate(relation, &place, changed);
		if (RelationGetRelid(relation) == RelationRelationId)
			UnlockTuple(relation, &place, ROW_LOCK);
		heap_freetuple(changed);
		pfree(values);
		pfree(nulls);
		pfree(replace);
	}
	table_close(relation, RowExclusiveLock);
}

void
cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name)
{
	NameData	value;

	namestrcpy(&value, name);
	cmig_shadow_rows_set(catalog, object, column, NameGetDatum(&value));
}

Oid
cmig_shadow_rows_schema(Oid catalog, Oid object)
{
	Relation	relation = table_open(catalog, AccessShareLock);
	AttrNumber	column = is_objectclass_supported(catalog) ? get_object_attnum_namespace(catalog) :
	InvalidAttrNumber;
	HeapTuple	row = column == InvalidAttrNumber ? NULL : find(relation, object);
	Oid			schema = InvalidOid;

	if (HeapTupleIsValid(row))
	{
		bool		isnull;

		schema = DatumGetObjectId(cmig_getattr_compat(row, column, RelationGetDescr(relation),
													  &isnull));
	}
	table_close(relation, AccessShareLock);
	return schema;
}

void
cmig_shadow_rows_delete(Oid catalog, Oid object)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	HeapTuple	row = find(relation, object);

	if (HeapTupleIsValid(row))
		CatalogTupleDelete(relation, &row->t_self);
	table_close(relation, RowExclusiveLock);
}

/* Delete all rows of a catalog.  Dependent objects stay. */
static void
shadow_rows_empty(Oid catalog)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
		CatalogTupleDelete(relation, &row->t_self);
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
}

char *
cmig_shadow_hidden_name(Oid object)
{
	return psprintf(CMIG_SHADOW_HIDDEN "%u", object);
}

/* ----------------------------------------------------------------
 * Hides, in the shadow, live objects that do not belong to a schema.
 *
 * If these objects were not hidden, a publication FOR ALL TABLES would
 * include the target's tables, an event trigger would fire for each of them,
 * and CREATE would fail for objects that exist.  Some of the objects belong
 * to other roles, so the caller could not hide them with commands.
 *
 * If only some schemas are compared, the target can use the other objects, which
 * are not compared, and creates none of them; see cmig_target_is_elsewhere().
 * ----------------------------------------------------------------
 */

/*
 * Do other objects still need the hidden object's catalog row?  If so, only
 * the object's name is hidden.
 */
static bool
is_renamed(const CmigHidden *hidden)
{
	return hidden->catalog != CastRelationId && hidden->catalog != TransformRelationId &&
		hidden->catalog != PublicationRelationId && hidden->catalog != EventTriggerRelationId;
}

/* Returns a copy of a catalog's row, or NULL if there is none. */
static HeapTuple
copy_row(Oid catalog, Oid object)
{
	Relation	relation = table_open(catalog, AccessShareLock);
	HeapTuple	row = find(relation, object);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	table_close(relation, AccessShareLock);
	return row;
}

List *
cmig_shadow_global_hide(bool all)
{
	List	   *list = NIL;
	static CmigQuery query = {
		.sql = "SELECT o.catalog, o.oid, o.name::text, o.owner,"
		" (pg_identify_object(o.catalog, o.oid, 0)).identity FROM ("
		"SELECT 'pg_cast'::regclass::oid, oid, NULL, 10::oid FROM pg_cast"
		" UNION ALL SELECT 'pg_transform'::regclass, oid, NULL, 10 FROM pg_transform"
		" UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvname, srvowner"
		" FROM pg_foreign_server"
		" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwname, fdwowner"
		" FROM pg_foreign_data_wrapper"
		" UNION ALL SELECT 'pg_language'::regclass, oid, lanname, lanowner FROM pg_language"
		" UNION ALL SELECT 'pg_am'::regclass, oid, amname, 10 FROM pg_am"
		" UNION ALL SELECT 'pg_publication'::regclass, oid, pubname, pubowner FROM pg_publication"
		" UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtname, evtowner"
		" FROM pg_event_trigger) AS o(catalog, oid, name, owner)"
		" WHERE o.oid >= 16384 AND (o.catalog = 'pg_event_trigger'::regclass OR NOT EXISTS ("
		"SELECT FROM pg_depend d WHERE d.classid = o.catalog AND d.objid = o.oid"
		" AND d.deptype = 'e'))"
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query))
	{
		CmigHidden *hidden = palloc0(sizeof(CmigHidden));

		hidden->catalog = atooid(row[0]);
		hidden->object = atooid(row[1]);
		hidden->name = row[2];
		hidden->owner = atooid(row[3]);
		hidden->identity = row[4];
		list = lappend(list, hidden);
		if (!all && hidden->catalog != PublicationRelationId && hidden->catalog != EventTriggerRelationId)
			continue;
		if (hidden->catalog == CastRelationId)
			hidden->row = copy_row(hidden->catalog, hidden->object);
		if (is_renamed(hidden))
			cmig_shadow_rows_rename(hidden->catalog, hidden->object,
									get_object_attnum_name(hidden->catalog),
									cmig_shadow_hidden_name(hidden->object));
		else
			cmig_shadow_rows_delete(hidden->catalog, hidden->object);
	}
	shadow_rows_empty(PublicationRelRelationId);
	shadow_rows_empty(PublicationNamespaceRelationId);
	shadow_rows_empty(DefaultAclRelationId);
	CommandCounterIncrement();

	/* also hide publications that belong to extensions, if there are any */
	shadow_rows_empty(PublicationRelationId);
	CommandCounterIncrement();
	return list;
}

void
cmig_shadow_global_show(const CmigHidden *hidden)
{
	if (is_renamed(hidden))
		cmig_shadow_rows_rename(hidden->catalog, hidden->object,
								get_object_attnum_name(hidden->catalog), hidden->name);
	else if (hidden->row != NULL)
	{
		Relation	relation = table_open(hidden->catalog, RowExclusiveLock);

		CatalogTupleInsert(relation, heap_copytuple(hidden->row));
		table_close(relation, RowExclusiveLock);
	}
	CommandCounterIncrement();
}

const CmigHidden *
cmig_shadow_global_find(const List *hidden, ObjectType type, Node *object)
{
	const char *name = object && IsA(object, String) ? strVal(object) : NULL;
	const List *parts = (List *) object;
	Oid			catalog,
				oid = InvalidOid;

	switch (type)
	{
		case OBJECT_FOREIGN_SERVER:
			catalog = ForeignServerRelationId;
			break;
		case OBJECT_FDW:
			catalog = ForeignDataWrapperRelationId;
			break;
		case OBJECT_LANGUAGE:
			catalog = LanguageRelationId;
			break;
		case OBJECT_ACCESS_METHOD:
			catalog = AccessMethodRelationId;
			break;
		case OBJECT_CAST:
			catalog = CastRelationId;
			oid = get_cast_oid(LookupTypeNameOid(NULL, linitial_node(TypeName, parts), true),
							   LookupTypeNameOid(NULL, lsecond_node(TypeName, parts), true), true);
			break;
		case OBJECT_TRANSFORM:
			catalog = TransformRelationId;
			oid = get_transform_oid(LookupTypeNameOid(NULL, linitial_node(TypeName, parts), true),
									get_language_oid(strVal(lsecond(parts)), true), true);
			break;
		default:
			return NULL;
	}
	foreach_ptr(const CmigHidden, each, hidden)
	{
		if (each->catalog == catalog && (name ? cmig_text_same(each->name, name) : each->object == oid))
			return each;
	}
	return NULL;
}

/* ----------------------------------------------------------------
 * Filters the rows of the system catalogs that the target's queries see.
 *
 * A target often asks the catalogs whether something exists before it
 * creates it: IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood').
 * Its queries must not find live objects, which keep their names although
 * their schemas have been renamed.  A planner hook adds a condition to each
 * catalog in these queries.
 *
 * The conditions are security quals, which the planner applies to a table's rows
 * before anything else.  They are added after rewriting, so that they also
 * apply to catalogs in system views and in the information schema.  The hook
 * also keeps the target from setting the values of live sequences.
 * ----------------------------------------------------------------
 */

/*
 * Catalogs of parts of relations, and their columns with the OID of the
 * relation.  Other catalogs have a column with the OID of a schema.
 */
static const struct
{
	Oid			catalog;
	AttrNumber	column;
}			parts[] = {
	{AttributeRelationId, Anum_pg_attribute_attrelid},
	{AttrDefaultRelationId, Anum_pg_attrdef_adrelid},
	{IndexRelationId, Anum_pg_index_indrelid},
	{TriggerRelationId, Anum_pg_trigger_tgrelid},
	{PolicyRelationId, Anum_pg_policy_polrelid},
	{RewriteRelationId, Anum_pg_rewrite_ev_class},
};

static planner_hook_type next_planner = NULL;

/* The state of the hook while a target runs in the shadow. */
static MemoryContext context = NULL;	/* memory context of the arrays below */
static const CmigShadow *watched = NULL;
static ArrayType *live_schemas = NULL;
static ArrayType *live_relations = NULL;	/* NULL if not read yet */
static ArrayType *live_sequences = NULL;	/* likewise */
static bool filters = false;
static bool planned = false;	/* true if a query has been planned with
								 * conditions */

bool
cmig_shadow_catalogs_filter(bool on)
{
	bool		former = filters;

	filters = on && live_schemas != NULL;
	return former;
}

void
cmig_shadow_catalogs_watch(const CmigShadow *shadow)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum	   *oids;

	filters = false;
	if (context != NULL)
	{
		MemoryContextDelete(context);
		context = NULL;
	}
	if (planned)
		ResetPlanCache();
	planned = false;
	live_schemas = live_relations = live_sequences = NULL;
	watched = shadow;
	if (shadow == NULL)
		return;
	context = AllocSetContextCreate(TopMemoryContext, "pg_cmig catalogs", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(context);
	oids = palloc(sizeof(Datum) * Max(shadow->count, 1));
	for (int i = 0; i < shadow->count; i++)
		oids[i] = ObjectIdGetDatum(shadow->schemas[i].live);
	live_schemas = construct_array(oids, shadow->count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	MemoryContextSwitchTo(caller);
}

static void
keep_array(const CmigRow *row, void *arg)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	Datum		array = cmig_query_datum(row, 1, OIDARRAYOID, NULL);

	*(ArrayType **) arg = DatumGetArrayTypePCopy(array);
	MemoryContextSwitchTo(caller);
}

/* Returns the relations in live schemas.  Reads them only once. */
static ArrayType *
read_relations(void)
{
	static CmigQuery query = {
		.sql = "SELECT coalesce(array_agg(oid), '{}') FROM pg_class WHERE relnamespace = ANY ($1)",
		.argtypes = {OIDARRAYOID}
	};
	Datum		schemas = PointerGetDatum(live_schemas);
	bool		former = cmig_shadow_catalogs_filter(false);

	if (live_relations == NULL)
		cmig_query_each(&query, &schemas, NULL, keep_array, &live_relations);
	(void) cmig_shadow_catalogs_filter(former);
	return live_relations;
}

/* Returns the sequences that the shadow has not created.  Reads them only once. */
static ArrayType *
read_sequences(void)
{
	static CmigQuery query = {"SELECT oid FROM pg_class WHERE relkind = 'S'"};
	MemoryContext caller;
	bool		former;
	List	   *oids;
	Datum	   *live;
	int			count = 0;

	if (live_sequences != NULL)
		return live_sequences;
	former = cmig_shadow_catalogs_filter(false);
	oids = cmig_query_oids(&query);
	live = palloc(sizeof(Datum) * Max(list_length(oids), 1));
	foreach_oid(oid, oids)
	{
		Relation	sequence = RelationIdGetRelation(oid);

		if (!RelationIsValid(sequence))
			continue;
		if (sequence->rd_createSubid < watched->begun)
			live[count++] = ObjectIdGetDatum(oid);
		RelationClose(sequence);
	}
	caller = MemoryContextSwitchTo(context);
	live_sequences = construct_array(live, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	MemoryContextSwitchTo(caller);
	(void) cmig_shadow_catalogs_filter(former);
	return live_sequences;
}

/*
 * Returns the schemas that the target's queries must not see: the live
 * schemas, and those of the shadow's empty schemas that the target has not
 * created yet.
 */
static ArrayType *
missing_schemas(void)
{
	Datum	   *oids = palloc(sizeof(Datum) * 2 * Max(watched->count, 1));
	bool		former = cmig_shadow_catalogs_filter(false);
	int			count = 0;

	for (int i = 0; i < watched->count; i++)
	{
		const CmigShadowSchema *schema = &watched->schemas[i];

		oids[count++] = ObjectIdGetDatum(schema->live);
		if (cmig_shadow_is_unused(schema))
			oids[count++] = ObjectIdGetDatum(schema->shadow);
	}
	(void) cmig_shadow_catalogs_filter(former);
	return construct_array(oids, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

/* Returns "left = ANY (oids)" or "left <> ALL (oids)". */
static Expr *
compare_with(void *left, bool is_any, Datum oids)
{
	ScalarArrayOpExpr *expression = makeNode(ScalarArrayOpExpr);

	expression->opno = OpernameGetOprid(list_make2(makeString("pg_catalog"),
												   makeString(is_any ? "=" : "<>")), OIDOID,
										OIDOID);
	expression->useOr = is_any;
	expression->args = list_make2(left,
								  makeConst(OIDARRAYOID, -1, InvalidOid, -1, oids, false, false));
	expression->location = -1;
	set_sa_opfuncid(expression);
	return (Expr *) expression;
}

/*
 * Returns the condition for a relation with this range table index, or NULL if
 * it is not a catalog whose rows must be hidden.
 */
static Expr *
condition(Oid relation, int number)
{
	AttrNumber	column = InvalidAttrNumber;
	ArrayType  *oids = live_schemas;

	for (int i = 0; i < lengthof(parts); i++)
		if (parts[i].catalog == relation)
		{
			column = parts[i].column;
			oids = read_relations();
		}
	if (relation == NamespaceRelationId)
	{
		column = Anum_pg_namespace_oid;
		oids = missing_schemas();
	}
	else if (column == InvalidAttrNumber && is_objectclass_supported(relation))
		column = get_object_attnum_namespace(relation);
	if (column == InvalidAttrNumber)
		return NULL;
	return compare_with(makeVar(number, column, OIDOID, -1, InvalidOid, 0), false,
						PointerGetDatum(oids));
}

/*
 * Tree walker: add conditions on the catalogs in a query and its subqueries,
 * and keep it from setting live sequences.
 */
static bool
add_conditions(Node *node, void *arg)
{
	Query	   *query = (Query *) node;
	int			number = 0;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_SETVAL_REGCLASS_INT8 ||
								((FuncExpr *) node)->funcid == F_SETVAL_REGCLASS_INT8_BOOL))
	{
		FuncExpr   *call = (FuncExpr *) node;
		Expr	   *sequence = linitial(call->args);
		RelabelType *oid = makeRelabelType(copyObject(sequence), OIDOID, -1, InvalidOid,
										   COERCE_IMPLICIT_CAST);
		CaseExpr   *either = makeNode(CaseExpr);
		CaseWhen   *when = makeNode(CaseWhen);

		/*
		 * Make a call of setval() skip live sequences, whose values are not
		 * rolled back: its first argument becomes NULL, and setval() is
		 * strict.
		 */
		when->expr = compare_with(oid, true, PointerGetDatum(read_sequences()));
		when->result = (Expr *) makeNullConst(REGCLASSOID, -1, InvalidOid);
		when->location = -1;
		either->casetype = REGCLASSOID;
		either->args = list_make1(when);
		either->defresult = sequence;
		either->location = -1;
		linitial(call->args) = either;
		planned = true;
	}
	if (!IsA(node, Query))
		return expression_tree_walker(node, add_conditions, arg);
	foreach_node(RangeTblEntry, table, query->rtable)
	{
		Expr	   *hidden;

		number++;
		hidden = table->rtekind != RTE_RELATION || number == query->resultRelation ? NULL :
			condition(table->relid, number);
		if (hidden == NULL)
			continue;
		table->securityQuals = lappend(table->securityQuals, hidden);
		planned = true;
	}
	return query_tree_walker(query, add_conditions, arg, 0);
}

/* The planner hook. */
static PlannedStmt *
plan(CMIG_PLANNER_PARAMETERS_COMPAT)
{
	if (filters && query->commandType != CMD_UTILITY)
		(void) add_conditions((Node *) query, NULL);
	if (next_planner)
		return next_planner(CMIG_PLANNER_ARGUMENTS_COMPAT);
	return standard_planner(CMIG_PLANNER_ARGUMENTS_COMPAT);
}

void
cmig_shadow_catalogs_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
}
