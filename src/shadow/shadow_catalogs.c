/*
 * shadow_catalogs.c
 *	  Filters the rows of the system catalogs that the target's queries see.
 *
 * A planner hook adds conditions on the catalogs to the target's queries.  The
 * conditions are security quals, which the planner applies to a table's rows
 * before anything else.  They are added after rewriting, so that they also
 * apply to catalogs in system views and in the information schema.  The hook
 * also keeps the target from setting the values of live sequences.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "run/outside.h"
#include "shadow/shadow_catalogs.h"

#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

/* A catalog, and its column with the OID of a schema or relation. */
typedef struct FilteredCatalog
{
	Oid			catalog;
	AttrNumber	column;
	bool		is_relation;
} FilteredCatalog;

static const FilteredCatalog filtered[] = {
	{NamespaceRelationId, Anum_pg_namespace_oid},
	{RelationRelationId, Anum_pg_class_relnamespace},
	{TypeRelationId, Anum_pg_type_typnamespace},
	{ProcedureRelationId, Anum_pg_proc_pronamespace},
	{ConstraintRelationId, Anum_pg_constraint_connamespace},
	{OperatorRelationId, Anum_pg_operator_oprnamespace},
	{OperatorClassRelationId, Anum_pg_opclass_opcnamespace},
	{OperatorFamilyRelationId, Anum_pg_opfamily_opfnamespace},
	{CollationRelationId, Anum_pg_collation_collnamespace},
	{ConversionRelationId, Anum_pg_conversion_connamespace},
	{StatisticExtRelationId, Anum_pg_statistic_ext_stxnamespace},
	{TSConfigRelationId, Anum_pg_ts_config_cfgnamespace},
	{TSDictionaryRelationId, Anum_pg_ts_dict_dictnamespace},
	{TSParserRelationId, Anum_pg_ts_parser_prsnamespace},
	{TSTemplateRelationId, Anum_pg_ts_template_tmplnamespace},
	{AttributeRelationId, Anum_pg_attribute_attrelid, true},
	{AttrDefaultRelationId, Anum_pg_attrdef_adrelid, true},
	{IndexRelationId, Anum_pg_index_indrelid, true},
	{TriggerRelationId, Anum_pg_trigger_tgrelid, true},
	{PolicyRelationId, Anum_pg_policy_polrelid, true},
	{RewriteRelationId, Anum_pg_rewrite_ev_class, true},
};

static planner_hook_type next_planner = NULL;

/* The state of the hook while a target runs in the shadow. */
static MemoryContext context = NULL;	/* memory context of the arrays below */
static const CmigShadow *watched = NULL;
static ArrayType *live_schemas = NULL;
static ArrayType *live_relations = NULL;	/* NULL if not read yet */
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
	live_schemas = live_relations = NULL;
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
keep_array(TupleDesc desc, HeapTuple row, void *arg)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		isnull;
	Datum		array = cmig_query_datum(desc, row, 1, &isnull);

	*(ArrayType **) arg = DatumGetArrayTypePCopy(array);
	MemoryContextSwitchTo(caller);
}

/* Returns the relations in live schemas.  Reads them only once. */
static ArrayType *
read_relations(void)
{
	static CmigQuery query = {
		.sql = "SELECT coalesce(array_agg(oid), '{}') FROM pg_class WHERE relnamespace = ANY ($1)",
		.nargs = 1,.argtypes = {OIDARRAYOID}
	};
	Datum		schemas = PointerGetDatum(live_schemas);
	bool		former = cmig_shadow_catalogs_filter(false);

	if (live_relations == NULL)
		cmig_query_each(&query, &schemas, NULL, keep_array, &live_relations);
	(void) cmig_shadow_catalogs_filter(former);
	return live_relations;
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

static const FilteredCatalog *
find_catalog(Oid relation)
{
	for (int i = 0; i < lengthof(filtered); i++)
		if (filtered[i].catalog == relation)
			return &filtered[i];
	return NULL;
}

/* Returns "left = ANY (oids)" or "left <> ALL (oids)". */
static Expr *
compare_with(void *left, bool is_any, Datum oids)
{
	ScalarArrayOpExpr *expression = makeNode(ScalarArrayOpExpr);

	expression->opno = OpernameGetOprid(list_make2(makeString("pg_catalog"), makeString(is_any ? "=" : "<>")), OIDOID, OIDOID);
	expression->useOr = is_any;
	expression->args = list_make2(left, makeConst(OIDARRAYOID, -1, InvalidOid, -1, oids, false, false));
	expression->location = -1;
	set_sa_opfuncid(expression);
	return (Expr *) expression;
}

/* Returns the condition for the catalog with this range table index. */
static Expr *
condition(const FilteredCatalog *catalog, int number)
{
	ArrayType  *oids = catalog->is_relation ? read_relations() :
	catalog->catalog == NamespaceRelationId ? missing_schemas() : live_schemas;

	return compare_with(makeVar(number, catalog->column, OIDOID, -1, InvalidOid, 0), false, PointerGetDatum(oids));
}

/*
 * Make a call of setval() skip live sequences, whose values are not rolled
 * back: its first argument becomes NULL, and setval() is strict.
 */
static void
skip_live_sequences(FuncExpr *call)
{
	Expr	   *sequence = linitial(call->args);
	RelabelType *oid = makeRelabelType(copyObject(sequence), OIDOID, -1, InvalidOid, COERCE_IMPLICIT_CAST);
	CaseExpr   *either = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);

	when->expr = compare_with(oid, true, watched->sequences);
	when->result = (Expr *) makeNullConst(REGCLASSOID, -1, InvalidOid);
	when->location = -1;
	either->casetype = REGCLASSOID;
	either->args = list_make1(when);
	either->defresult = sequence;
	either->location = -1;
	linitial(call->args) = either;
	planned = true;
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
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_SETVAL_REGCLASS_INT8 ||
								((FuncExpr *) node)->funcid == F_SETVAL_REGCLASS_INT8_BOOL))
		skip_live_sequences((FuncExpr *) node);
	if (!IsA(node, Query))
		return expression_tree_walker(node, add_conditions, arg);
	foreach(cell, query->rtable)
	{
		RangeTblEntry *table = lfirst_node(RangeTblEntry, cell);
		const FilteredCatalog *catalog;

		number++;
		if (number == query->resultRelation && table->relkind == RELKIND_FOREIGN_TABLE)
			cmig_outside_raise(psprintf("%s is a foreign table", get_rel_name(table->relid)));
		if (table->rtekind != RTE_RELATION || number == query->resultRelation)
			continue;
		catalog = find_catalog(table->relid);
		if (catalog != NULL)
		{
			table->securityQuals = lappend(table->securityQuals, condition(catalog, number));
			planned = true;
		}
	}
	return query_tree_walker(query, add_conditions, arg, 0);
}

/* The planner hook. */
static PlannedStmt *
plan(Query *query, const char *text, int options, ParamListInfo params)
{
	if (filters && query->commandType != CMD_UTILITY)
		(void) add_conditions((Node *) query, NULL);
	if (next_planner)
		return next_planner(query, text, options, params);
	return standard_planner(query, text, options, params);
}

void
cmig_shadow_catalogs_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
}
