/*
 * workload_plan.c
 *	  How the server would execute queries, planned on empty copies of the live
 *	  tables with the sizes and statistics of the live ones.
 *
 * The server's planner looks at the blocks of a table, and takes none for a
 * new one.  Hooks replace what it finds for a copy by what the catalogs say about
 * the live table.  Statistics whose values have another type than the copy's
 * column are used with converted values, or without them.
 *
 * No function that a user has defined is called: a watch refuses it.  Then the
 * query is planned again with functions that are volatile, so that the planner
 * does not want to know their results, and operators without estimators.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "commands/explain.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/functions.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/selfuncs.h"
#include "utils/snapmgr.h"

#include "workload/internal.h"

/* ----------------------------------------------------------------
 * Sizes and statistics.
 * ----------------------------------------------------------------
 */

/* A column of a copy, as it was before the scripts ran. */
typedef struct CopiedColumn
{
	AttrNumber	live;			/* 0 if the live table has no such column */
	Oid			type;			/* of the live column */
	int32		typmod;
	Oid			collation;
} CopiedColumn;

/* A copy, and the live table or index. */
typedef struct CopiedRelation
{
	Oid			copy;			/* hash key */
	Oid			live;
	bool		readable;		/* may the current role read its rows? */
	bool		imported;		/* are its statistics those of another
								 * database? */
	CmigRelationSize size;		/* negative if it is not known */
	int			count;
	CopiedColumn *columns;		/* of a table */
} CopiedRelation;

struct CmigWorkloadSizes
{
	HTAB	   *relations;		/* of CopiedRelation */
	HTAB	   *stats;			/* of another database, or NULL */
	bool		analyzed;		/* are columns of another type analyzed again? */
	CmigQueryPlan *plan;		/* that is being made */
};

/* The sizes in use while queries are planned, or NULL. */
static CmigWorkloadSizes *sizes = NULL;

static CopiedRelation *
enter(CmigWorkloadSizes *into, Oid copy, Oid live)
{
	CopiedRelation *entry = hash_search(into->relations, &copy, HASH_ENTER, NULL);
	const CmigStats *stats = into->stats ? cmig_workload_stats_find(into->stats, live, 0, false) :
	NULL;
	FormData_pg_class row;

	*entry = (CopiedRelation)
	{
		.copy = copy,.live = live,.imported = stats != NULL
	};
	entry->size.pages = entry->size.tuples = -1;
	if (stats != NULL)
		entry->size = stats->size;
	else if (cmig_role_relation(live, &row))
	{
		entry->size.pages = row.relpages;
		entry->size.tuples = row.reltuples;
		entry->size.visible = row.relallvisible;
	}
	entry->readable = pg_class_aclcheck(live, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		(check_enable_rls(live, InvalidOid, true) != RLS_ENABLED ||
		 has_privs_of_role(GetUserId(), cmig_role_owner_of(live)));
	return entry;
}

/*
 * No hook replaces extended statistics: give those of the copy the rows of the live
 * ones.  Those of expressions and of columns with a number or type of their own in
 * the copy are left out.
 */
static void
copy_extended_statistics(const CopiedRelation *entry)
{
	/* each has its table's schema, in which names are unique */
	static CmigQuery query = {
		"SELECT o.oid, s.oid FROM pg_statistic_ext o JOIN pg_class oc ON oc.oid = o.stxrelid"
		" AND oc.relnamespace = o.stxnamespace"
		" JOIN pg_statistic_ext s ON s.stxname = o.stxname AND s.stxkeys::text = o.stxkeys::text"
		" AND s.stxexprs IS NULL JOIN pg_class c ON c.oid = s.stxrelid"
		" AND c.relnamespace = s.stxnamespace"
		" WHERE oc.oid = $1 AND c.oid = $2 AND NOT EXISTS (SELECT FROM unnest(s.stxkeys) k LEFT"
		" JOIN (pg_attribute oa JOIN pg_attribute a USING (attnum, attname))"
		"  ON oa.attrelid = oc.oid AND a.attrelid = c.oid AND a.attnum = k WHERE a.atttypid IS NULL"
		" OR a.atttypid >= 16384)", {OIDOID, OIDOID}
	};

	Relation	catalog = table_open(StatisticExtDataRelationId, RowExclusiveLock);

	foreach_ptr(CmigValue, objects, cmig_query_list(&query, entry->copy, entry->live))
	{
		for (int inherited = 0; inherited <= 1; inherited++)
		{
			HeapTuple	row = SearchSysCache2(STATEXTDATASTXOID,
											  ObjectIdGetDatum(strtoul(objects[1], NULL, 10)),
											  BoolGetDatum(inherited));
			Datum		values[Natts_pg_statistic_ext_data] =
			{ObjectIdGetDatum(strtoul(objects[0], NULL, 10))};
			bool		nulls[Natts_pg_statistic_ext_data] = {false};
			bool		replaced[Natts_pg_statistic_ext_data] = {true};

			if (!HeapTupleIsValid(row))
				continue;
			CatalogTupleInsert(catalog,
							   heap_modify_tuple(row, RelationGetDescr(catalog), values, nulls,
												 replaced));
			ReleaseSysCache(row);
		}
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Remember which live table and indexes the copy stands for.  While the live
 * table is locked, its columns keep their types, and so do their statistics.
 */
static void
enter_table(CmigWorkloadSizes *into, Oid copy, Oid live)
{
	Relation	locked = try_relation_open(live, AccessShareLock);
	Relation	relation;
	TupleDesc	desc;
	CopiedRelation *entry;

	if (locked == NULL)
		return;
	relation = table_open(copy, AccessShareLock);
	desc = RelationGetDescr(relation);
	entry = enter(into, copy, live);
	entry->count = desc->natts;
	entry->columns = palloc0(sizeof(CopiedColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		AttrNumber	attnum = column->attisdropped ? InvalidAttrNumber :
		get_attnum(live, NameStr(column->attname));

		if (attnum <= 0)
			continue;
		entry->columns[i].live = attnum;
		get_atttypetypmodcoll(live, attnum, &entry->columns[i].type, &entry->columns[i].typmod,
							  &entry->columns[i].collation);
		/* a type of the user has a copy, too */
		if (entry->columns[i].type >= FirstNormalObjectId &&
			entry->columns[i].type != column->atttypid)
			entry->columns[i].type = InvalidOid;
	}
	foreach_oid(index, RelationGetIndexList(relation))
	{
		Oid			live_index = get_relname_relid(get_rel_name(index), get_rel_namespace(live));

		if (OidIsValid(live_index))
			enter(into, index, live_index)->readable = entry->readable;
	}
	if (entry->readable && !entry->imported && RelationGetStatExtList(locked) != NIL)
		copy_extended_statistics(entry);
	table_close(relation, AccessShareLock);
	relation_close(locked, NoLock);
}

CmigWorkloadSizes *
cmig_workload_sizes_read(const CmigCopiedTable *tables, int count, HTAB *stats)
{
	CmigWorkloadSizes *result = palloc0(sizeof(CmigWorkloadSizes));
	HASHCTL		control =
	{.keysize = sizeof(Oid),.entrysize = sizeof(CopiedRelation),.hcxt = CurrentMemoryContext};

	result->stats = stats;
	result->relations = hash_create("pg_cmig sizes", 256, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < count; i++)
		enter_table(result, tables[i].copy, tables[i].live);
	return result;
}

static const CopiedRelation *
find(Oid copy)
{
	return sizes ? hash_search(sizes->relations, &copy, HASH_FIND, NULL) : NULL;
}

/* Set what the planner would find in an index of the live table. */
static void
set_index_size(IndexOptInfo *index, const RelOptInfo *rel)
{
	const CopiedRelation *entry = find(index->indexoid);

	if (entry != NULL && entry->size.pages >= 0)
	{
		index->pages = entry->size.pages;
		index->tuples = Min(entry->size.tuples < 0 ? rel->tuples : entry->size.tuples, rel->tuples);
	}
	else
	{
		Relation	relation = index_open(index->indexoid, NoLock);
		TupleDesc	desc = RelationGetDescr(relation);
		double		width = sizeof(IndexTupleData) + sizeof(ItemIdData);

		/* the scripts create it */
		for (int i = 0; i < desc->natts; i++)
			width += get_typavgwidth(TupleDescAttr(desc, i)->atttypid,
									 TupleDescAttr(desc, i)->atttypmod);
		index_close(relation, NoLock);
		index->tuples = rel->tuples;
		index->pages = ceil(index->tuples * MAXALIGN((Size) width) / (BLCKSZ * 0.9)) + 1;
	}
	/* of a B-tree without its leaves, as _bt_getrootheight() counts it */
	index->tree_height = index->pages > 1 ? ceil(log(index->pages) / log(250)) : 0;
}

/*
 * Hook of the planner: a copy is as large as the live table.  Tables of extensions
 * have no copies.
 */
static void
set_sizes(CMIG_SIZES_PARAMETERS_COMPAT)
{
	const CopiedRelation *entry = find(CMIG_SIZES_RELATION_COMPAT);

	/* a new partition of a live table is empty */
	if (rel->rtekind == RTE_RELATION && rel->reloptkind == RELOPT_BASEREL && entry == NULL)
	{
		Relation	table = table_open(CMIG_SIZES_RELATION_COMPAT, NoLock);

		/* have the scripts created it? */
		sizes->plan->unsized |= table->rd_createSubid != InvalidSubTransactionId;
		table_close(table, NoLock);
	}
	/* without statistics, the planner's own guess is as good */
	if (CMIG_SIZES_INHERITED_COMPAT || entry == NULL || entry->size.tuples < 0)
		return;
	rel->pages = entry->size.pages;
	rel->tuples = entry->size.tuples;
	rel->allvisfrac = entry->size.pages > 0 ? Min(1.0, entry->size.visible / entry->size.pages) : 0;
	foreach_ptr(IndexOptInfo, index, rel->indexlist)
		set_index_size(index, rel);
}

/* Returns a copy of the row of pg_statistic for a column of the live relation, or NULL. */
static HeapTuple
copy_statistics(const CopiedRelation *entry, AttrNumber column, bool inherited)
{
	const CmigStats *stats = entry->imported ?
	cmig_workload_stats_find(sizes->stats, entry->live, column, inherited) : NULL;

	if (entry->imported)
		return stats ? heap_copytuple(stats->row) : NULL;
	return SearchSysCacheCopy3(STATRELATTINH, ObjectIdGetDatum(entry->live), Int16GetDatum(column),
							   BoolGetDatum(inherited));
}

/* Let the planner use them, without values if these must not be read, or not be converted. */
static bool
use_statistics(const CopiedRelation *entry, AttrNumber column, bool inherited, Oid from, Oid to,
			   bool same_collation, VariableStatData *data)
{
	HeapTuple	row = copy_statistics(entry, column, inherited);
	int			i = 0;

	data->acl_ok = entry->readable || entry->imported;
	if (row == NULL || (data->acl_ok && same_collation && cmig_workload_stats_convert(&row, from, to)))
		i = STATISTIC_NUM_SLOTS;
	for (; i < STATISTIC_NUM_SLOTS; i++)
		(&((Form_pg_statistic) GETSTRUCT(row))->stakind1)[i] = 0;
	data->statsTuple = row;
	data->freefunc = heap_freetuple;
	return true;
}

/* Hook of the planner: a column of a copy has the statistics of the live one. */
static bool
find_statistics(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *data)
{
	const CopiedRelation *entry = rte->rtekind == RTE_RELATION ? find(rte->relid) : NULL;
	const CopiedColumn *column = entry && attnum > 0 &&
	attnum <= entry->count ? &entry->columns[attnum - 1] : NULL;
	Oid			type,
				collation;
	int32		typmod;

	if (column == NULL || column->live == 0)
		return false;
	get_atttypetypmodcoll(rte->relid, attnum, &type, &typmod, &collation);
	if (OidIsValid(column->type) && type != column->type)
	{
		sizes->plan->retyped = true;
		if (!sizes->analyzed)
			return true;
	}
	return use_statistics(entry, column->live, rte->inh, column->type, type,
						  collation == column->collation, data);
}

/* Hook of the planner: so has an expression of an index. */
static bool
find_index_statistics(PlannerInfo *root, Oid index, AttrNumber attnum, VariableStatData *data)
{
	const CopiedRelation *entry = find(index);
	Oid			type,
				live_type,
				collation,
				live_collation;
	int32		typmod;

	if (entry == NULL ||
		!SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(entry->live), Int16GetDatum(attnum)))
		return entry != NULL;
	get_atttypetypmodcoll(index, attnum, &type, &typmod, &collation);
	get_atttypetypmodcoll(entry->live, attnum, &live_type, &typmod, &live_collation);
	return use_statistics(entry, attnum, false, live_type,
						  type < FirstNormalObjectId ? type : InvalidOid, collation == live_collation, data);
}

static int32
find_width(Oid relation, AttrNumber attnum)
{
	const CopiedRelation *entry = find(relation);
	AttrNumber	live = entry && attnum > 0 &&
	attnum <= entry->count ? entry->columns[attnum - 1].live : 0;
	HeapTuple	row;

	if (live == 0)
		return 0;
	if (!entry->imported)
		return get_attavgwidth(entry->live, live);
	row = copy_statistics(entry, live, false);
	return row ? ((Form_pg_statistic) GETSTRUCT(row))->stawidth : 0;
}

/* ----------------------------------------------------------------
 * Plans a query.
 * ----------------------------------------------------------------
 */

/* A query that is being planned. */
typedef struct Planning
{
	CmigWorkloadQuery *query;
	CmigQueryPlan *plan;
	MemoryContext context;		/* of the plan */
	MemoryContext scratch;
	bool		searching;		/* for the function to which it belongs? */
	const CmigQueryPlan *former;	/* NULL, or one with whose types of
									 * parameters the query is only analyzed */
} Planning;

/*
 * Describe the columns of the result.  Append the OIDs of their types, because a
 * type with the same name can be another one.
 */
static char *
describe_columns(const Query *query, StringInfo types)
{
	StringInfoData text;
	List	   *targets = query->commandType == CMD_SELECT ? query->targetList :
	query->returningList;

	initStringInfo(&text);
	foreach_node(TargetEntry, target, targets)
	{
		Node	   *value = (Node *) target->expr;

		if (target->resjunk)
			continue;
		appendStringInfo(types, "%u ", exprType(value));
		appendStringInfo(&text, "%s%s %s", text.len ? ", " : "",
						 quote_identifier(target->resname ? target->resname : ""),
						 format_type_with_typemod(exprType(value), exprTypmod(value)));
		if (OidIsValid(exprCollation(value)) && exprCollation(value) != DEFAULT_COLLATION_OID)
		{
			const char *collation = get_collation_name(exprCollation(value));

			appendStringInfo(&text, " COLLATE %s", quote_identifier(collation ? collation : ""));
		}
	}
	return text.data;
}

/* Returns true if the value is NULL in any row. */
static bool
is_null(const Query *query, Node *value)
{
	const RangeTblEntry *rte;

	while (IsA(value, CoerceToDomain))
		value = (Node *) ((CoerceToDomain *) value)->arg;
	if (IsA(value, Const))
		return ((Const *) value)->constisnull;
	if (!IsA(value, Var) || ((Var *) value)->varlevelsup != 0 || ((Var *) value)->varattno <= 0)
		return false;
	rte = rt_fetch(((Var *) value)->varno, query->rtable);
	foreach_node(List, row, rte->rtekind == RTE_VALUES ? rte->values_lists : NIL)
	{
		if (is_null(query, list_nth(row, ((Var *) value)->varattno - 1)))
			return true;
	}
	return false;
}

/* Returns true if neither the column nor its domain accepts NULL. */
static bool
refuses_null(Form_pg_attribute column)
{
	bool		refuses = column->attnotnull;

	for (Oid type = column->atttypid; !refuses && get_typtype(type) == TYPTYPE_DOMAIN;)
	{
		HeapTuple	row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		if (!HeapTupleIsValid(row))
			break;
		refuses = ((Form_pg_type) GETSTRUCT(row))->typnotnull;
		type = ((Form_pg_type) GETSTRUCT(row))->typbasetype;
		ReleaseSysCache(row);
	}
	return refuses;
}

/*
 * Returns why a command of the rewritten query fails: a column gets NULL, or an
 * INSERT gives it no value, although it does not accept NULL.
 */
static char *
find_null(const Query *query, CmdType command, const List *targets)
{
	Relation	relation = table_open(rt_fetch(query->resultRelation, query->rtable)->relid, NoLock);
	TupleDesc	desc = RelationGetDescr(relation);
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);

	/* a trigger can change the row before it is written */
	bool		changed = triggers &&
	(command == CMD_INSERT ? triggers->trig_insert_before_row ||
	 triggers->trig_insert_instead_row :
	 triggers->trig_update_before_row ||
	 triggers->trig_update_instead_row);
	char	   *missing = NULL;

	for (int i = 0; i < desc->natts && missing == NULL &&
		 relation->rd_rel->relkind != RELKIND_VIEW && !changed; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		bool		given = command == CMD_UPDATE;
		bool		null = false;

		if (column->attisdropped || column->attgenerated || !refuses_null(column))
			continue;
		foreach_node(TargetEntry, target, targets)
		{
			if (target->resno == column->attnum && !target->resjunk)
			{
				given = true;
				null |= is_null(query, (Node *) target->expr);
			}
		}
		if (null || !given)
			missing = psprintf("null value in column %s of relation %s violates the not-null constraint",
							   quote_identifier(NameStr(column->attname)),
							   quote_identifier(RelationGetRelationName(relation)));
	}
	table_close(relation, NoLock);
	return missing;
}

/* Returns the first such reason in a rewritten query and its WITH clause, or NULL. */
static char *
find_missing(const Query *query)
{
	char	   *missing = NULL;

	foreach_node(CommonTableExpr, cte, query->cteList)
	{
		if (missing == NULL && IsA(cte->ctequery, Query))
			missing = find_missing(castNode(Query, cte->ctequery));
	}
	if (missing != NULL || query->resultRelation == 0)
		return missing;
	if (query->commandType == CMD_INSERT || query->commandType == CMD_UPDATE)
		missing = find_null(query, query->commandType, query->targetList);
	if (missing == NULL && query->onConflict != NULL &&
		query->onConflict->action == ONCONFLICT_UPDATE)
		missing = find_null(query, CMD_UPDATE, query->onConflict->onConflictSet);
	foreach_node(MergeAction, action, query->mergeActionList)
	{
		if (missing == NULL &&
			(action->commandType == CMD_INSERT || action->commandType == CMD_UPDATE))
			missing = find_null(query, action->commandType, action->targetList);
	}
	return missing;
}

/* Refuses functions of users; see make_plan(). */
static CmigOutsideWatch functions;

static void
refuse(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("planning would call a function, and %s", reason)));
}

/*
 * Tree walker: refuse an aggregate whose state the executor reads from the text of
 * its initial value when it starts a window.  The state's type can be a domain, which
 * has code.  (For other aggregates, the planner reads it.)
 */
static bool
refuse_state(Node *node, void *context)
{
	HeapTuple	row;

	if (node == NULL)
		return false;
	if (IsA(node, WindowFunc) && ((WindowFunc *) node)->winagg &&
		((WindowFunc *) node)->winfnoid >= FirstNormalObjectId)
	{
		row = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(((WindowFunc *) node)->winfnoid));
		if (HeapTupleIsValid(row) &&
			(((Form_pg_aggregate) GETSTRUCT(row))->aggtranstype >= FirstNormalObjectId ||
			 ((Form_pg_aggregate) GETSTRUCT(row))->aggmtranstype >= FirstNormalObjectId))
			refuse("the state of an aggregate has a type that a user has defined");
		if (HeapTupleIsValid(row))
			ReleaseSysCache(row);
	}
	return expression_tree_walker(node, refuse_state, context);
}

/*
 * Let the executor evaluate nothing when it starts the plan: not the conditions by
 * which it prunes partitions, nor initial values of windows.
 */
static void
forget_values(Plan *plan)
{
	List	   *children = NIL;

	if (plan == NULL)
		return;
	if (IsA(plan, WindowAgg))
		(void) refuse_state((Node *) plan->targetlist, NULL);
	if (IsA(plan, Append))
	{
		cmig_forget_pruning_compat((Append *) plan);
		children = ((Append *) plan)->appendplans;
	}
	else if (IsA(plan, MergeAppend))
	{
		cmig_forget_pruning_compat((MergeAppend *) plan);
		children = ((MergeAppend *) plan)->mergeplans;
	}
	else if (IsA(plan, SubqueryScan))
		forget_values(((SubqueryScan *) plan)->subplan);
	foreach_ptr(Plan, child, children)
		forget_values(child);
	forget_values(plan->lefttree);
	forget_values(plan->righttree);
}

/*
 * Let the executor check privileges and what it knows before it runs a plan.
 * Nothing runs.  If "state" is not NULL, append the plan as EXPLAIN shows it.
 */
static void
start_plan(PlannedStmt *plan, const char *text, ExplainState *state)
{
	QueryDesc  *query;

	/* what does not run need not be compiled */
	plan->jitFlags = 0;
	cmig_forget_all_pruning_compat(plan);
	forget_values(plan->planTree);
	foreach_ptr(Plan, subplan, plan->subplans)
		forget_values(subplan);
	query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, NULL,
							NULL, 0);
	standard_ExecutorStart(query, EXEC_FLAG_EXPLAIN_ONLY);
	if (state != NULL)
		ExplainPrintPlan(state, query);
	standard_ExecutorEnd(query);
	FreeQueryDesc(query);
}

/* Returns the row of the copy of the query's function.  If it is in SQL, check it. */
static HeapTuple
find_function(Planning *planning)
{
	Oid			function = planning->query->copy;
	HeapTuple	row;
	bool		isnull;

	planning->searching = true;
	if (!SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function)))
		function = DatumGetObjectId(DirectFunctionCall1(regprocedurein,
														CStringGetDatum(planning->query->function)));
	planning->query->copy = function;
	row = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(row) ||
		strcmp(TextDatumGetCString(SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull)),
			   planning->query->body) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function has another body")));
	planning->searching = false;
	if (planning->query->head == NULL)
		(void) OidFunctionCall1(F_FMGR_SQL_VALIDATOR, ObjectIdGetDatum(function));
	return row;
}

static void
refuse_utility(void *arg pg_attribute_unused())
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a utility statement has no plan")));
}

/* Tree walker: append parameters, constants, and names of columns to a list. */
static bool
add_leaf(Node *node, void *context)
{
	if (node != NULL && (IsA(node, ParamRef) || IsA(node, A_Const) || IsA(node, ColumnRef)))
		*(List **) context = lappend(*(List **) context, node);
	return node != NULL && raw_expression_tree_walker(node, add_leaf, context);
}

/*
 * If both expressions read columns and differ only in parameters, or in parameters in
 * place of constants, let both have the same parameters.  A query can have millions of
 * pairs, so each one's memory is freed.
 */
static bool
unify(Node *one, Node *other)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig expressions",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Node	   *pairs[][2] = {{copyObject(one), copyObject(other)}, {one, other}};
	bool		same = true;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < lengthof(pairs) && same; i++)
	{
		List	   *leaves[2] = {NIL, NIL};
		bool		reads = false;
		ListCell   *a,
				   *b;

		(void) add_leaf(pairs[i][0], &leaves[0]);
		(void) add_leaf(pairs[i][1], &leaves[1]);
		forboth(a, leaves[0], b, leaves[1])
		{
			ParamRef   *parameter = IsA(lfirst(b), ParamRef) ? lfirst(b) : lfirst(a);

			reads |= IsA(lfirst(a), ColumnRef);
			if (!IsA(parameter, ParamRef) || IsA(lfirst(a), ColumnRef) || IsA(lfirst(b), ColumnRef))
				continue;
			/* a constant is larger */
			memmove(lfirst(a), parameter, sizeof(ParamRef));
			memmove(lfirst(b), parameter, sizeof(ParamRef));
		}
		same = reads && equal(pairs[i][0], pairs[i][1]);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return same;
}

/*
 * Tree walker: pg_stat_statements replaces a literal only where the parser has kept
 * its expression, so that one in GROUP BY, DISTINCT, or ORDER BY is no longer the same
 * as in the rest of the query.  "context" is the list of these expressions.
 */
static bool
unify_expressions(Node *node, void *context)
{
	if (node != NULL && IsA(node, SelectStmt))
	{
		SelectStmt *select = (SelectStmt *) node;
		List	   *grouped = list_concat_copy(select->groupClause, select->distinctClause);
		List	   *others = list_make5(select->fromClause, select->whereClause, select->withClause,
										select->larg, select->rarg);

		foreach_node(ResTarget, target, list_member_ptr(grouped, NULL) ? select->targetList : NIL)
			grouped = lappend(grouped, target->val);
		(void) unify_expressions((Node *) list_make4(select->targetList, select->havingClause,
													 select->sortClause, select->windowClause),
								 grouped);
		return unify_expressions((Node *) others, NIL);
	}
	foreach_ptr(Node, other, node ? context : NIL)
	{
		if (other != NULL && other != node && nodeTag(other) == nodeTag(node) && unify(node, other))
			return false;
	}
	return node != NULL && raw_expression_tree_walker(node, unify_expressions, context);
}

/* The protocol cannot pass more. */
#define MOST_PARAMETERS PG_UINT16_MAX

/*
 * Tree walker: put the parameters back for which the text of the query, "context", has
 * literals.
 */
static bool
put_parameters(Node *node, void *context)
{
	const CmigWorkloadQuery *query = context;

	if (node != NULL && IsA(node, A_Const) &&
		list_member_int(query->literals, ((A_Const *) node)->location))
	{
		ParamRef   *parameter = makeNode(ParamRef);

		parameter->location = ((A_Const *) node)->location;
		parameter->number = strtol(query->text + parameter->location + 1, NULL, 10);
		StaticAssertStmt(sizeof(ParamRef) <= sizeof(A_Const),
						 "a parameter must fit in place of a constant");
		memcpy(node, parameter, sizeof(ParamRef));
	}
	if (node != NULL && IsA(node, ParamRef) && ((ParamRef *) node)->number > MOST_PARAMETERS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_ARGUMENTS),
				 errmsg("a query cannot have more than %d parameters", MOST_PARAMETERS)));
	return node != NULL && raw_expression_tree_walker(node, put_parameters, context);
}

/*
 * pg_stat_statements also replaces literals by parameters where the grammar only
 * accepts a literal, as in "date $1".  If that is the error, put a literal of the
 * same length there, which parse() replaces by the parameter, and return true.
 */
static bool
put_literal(CmigWorkloadQuery *query, const ErrorData *error)
{
	MemoryContext caller;
	char	   *place = query->sql;
	int			length;

	CHECK_FOR_INTERRUPTS();
	if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR || error->cursorpos <= 0 ||
		query->function != NULL)
		return false;
	place += pg_mbcharcliplen(place, strlen(place), error->cursorpos - 1);
	length = *place == '$' ? strspn(place + 1, "0123456789") : 0;
	if (length == 0)
		return false;
	place[0] = place[length] = '\'';
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(query));
	query->literals = lappend_int(query->literals, place - query->sql);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * Returns the one statement of the query, which has a plan.  Set *contained if
 * another statement contains it, such as DECLARE: its result is not that of a
 * prepared statement.
 */
static RawStmt *
parse(CmigWorkloadQuery *origin, bool unified, bool *contained)
{
	Node	   *query;
	List	   *statements = cmig_raw_parse(origin->sql, RAW_PARSE_DEFAULT);
	RawStmt    *raw = list_length(statements) == 1 ? linitial_node(RawStmt, statements) : NULL;

	if (raw == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the text is not one statement")));
	query = cmig_workload_query_in(raw->stmt);
	*contained = query != raw->stmt;
	raw->stmt = query;
	if (!(cmig_statement_flags(raw->stmt) & CMIG_STATEMENT_QUERY))
		refuse_utility(NULL);
	(void) put_parameters(raw->stmt, origin);
	if (unified)
		(void) unify_expressions(raw->stmt, NIL);
	return raw;
}

/* Returns a query in a function in PL/pgSQL, or NULL if it has no plan. */
static Query *
analyze_in_body(Planning *planning, HeapTuple function)
{
	const CmigWorkloadQuery *query = planning->query;
	Oid			table;
	Query	   *result;

	planning->searching = true;
	table = query->head->table ?
		DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(query->head->table))) :
		InvalidOid;
	/* what is wrong with the function is told once */
	planning->searching = query->number > 0;
	cmig_workload_plpgsql_compile(query->head, ((Form_pg_proc) GETSTRUCT(function))->oid, table);
	planning->searching = false;
	if (query->number == 0)
		return NULL;
	result = cmig_workload_plpgsql_analyze(query);
	if (result->commandType != CMD_UTILITY)
		return result;
	if (!IsA(result->utilityStmt, CallStmt))
		refuse_utility(NULL);
	return NULL;
}

static Query *
analyze(Planning *planning, RawStmt *raw, HeapTuple function)
{
	const char *source = planning->query->sql;
	const CmigQueryPlan *former = planning->former;
	bool		stored = function && !heap_attisnull(function, Anum_pg_proc_prosqlbody, NULL);
	bool		isnull;
	Query	   *query;

	for (int i = 0; former != NULL && i < former->count; i++)
		if (OidIsValid(former->types[i]) &&
			!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(former->types[i])))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the type of parameter $%d is dropped", i + 1)));
	if (stored)
	{
		/* names in the text may be older than the query */
		Datum		body = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosqlbody, &isnull);
		Node	   *node = stringToNode(TextDatumGetCString(body));
		List	   *queries = IsA(node, List) ? linitial_node(List, (List *) node) : list_make1(node);

		if (planning->query->number >= list_length(queries))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("the function has another body")));
		query = list_nth_node(Query, queries, planning->query->number);
		AcquireRewriteLocks(query, true, false);
	}
	else if (function != NULL)
		query = parse_analyze_withcb(raw, source, (ParserSetupHook) sql_fn_parser_setup,
									 prepare_sql_fn_parse_info(function, NULL, InvalidOid), NULL);
	else if (former != NULL)
		query = parse_analyze_fixedparams(raw, source, former->types, former->count, NULL);
	else
		query = parse_analyze_varparams(raw, source, &planning->plan->types, &planning->plan->count,
										NULL);
	if (query->commandType == CMD_UTILITY)
		refuse_utility(NULL);
	return query;
}

/* Subtransaction callback: analyze, rewrite, and plan a query. */
static void
make_plan(void *arg)
{
	Planning   *planning = arg;
	CmigQueryPlan *plan = planning->plan;
	MemoryContext caller = MemoryContextSwitchTo(planning->scratch);
	const char *text = planning->query->sql;
	ExplainState *state = planning->query->explained ? NewExplainState() : NULL;
	bool		contained = false;
	RawStmt    *raw = planning->query->head ? NULL :
	parse(planning->query, plan->unified, &contained);
	HeapTuple	function = planning->query->function ? find_function(planning) : NULL;
	Query	   *query;
	StringInfoData types;
	Oid		   *kept;
	char	   *columns;
	char	   *missing = NULL;
	CmigRole	saved;

	/* the end of the subtransaction restores the caller */
	if (OidIsValid(planning->query->runs_as))
		cmig_role_look_up_as(&saved, planning->query->runs_as);
	query = raw ? analyze(planning, raw, function) : analyze_in_body(planning, function);
	if (planning->former != NULL)
	{
		MemoryContextSwitchTo(caller);
		return;
	}
	if (state != NULL)
		state->costs = false;
	/* the columns of a function's result were checked */
	initStringInfo(&types);
	columns = function || contained ? "" : describe_columns(query, &types);
	plan->reads = query != NULL && (query->rtable != NIL || query->hasSubLinks);
	foreach_node(Query, rewritten, query ? QueryRewrite(query) : NIL)
	{
		PlannedStmt *planned;

		if (rewritten->commandType == CMD_UTILITY)
			continue;
		if (missing == NULL)
			missing = find_missing(rewritten);
		planned = cmig_standard_planner_compat(rewritten, text, CURSOR_OPT_PARALLEL_OK);
		plan->cost += planned->planTree->total_cost;
		functions.when_called = true;
		start_plan(planned, text, state);
		functions.when_called = false;
	}
	plan->columns = MemoryContextStrdup(planning->context, columns);
	plan->column_types = MemoryContextStrdup(planning->context, types.data);
	kept = MemoryContextAllocZero(planning->context, sizeof(Oid) * (plan->count + 1));
	for (int i = 0; i < plan->count; i++)
		kept[i] = plan->types[i];
	plan->types = kept;
	plan->shape = state ? MemoryContextStrdup(planning->context, state->str->data) : NULL;
	plan->missing = missing ? MemoryContextStrdup(planning->context, missing) : NULL;
	MemoryContextSwitchTo(caller);
}

/*
 * Set "stale" of a query's plan after the revisions: analyze it with parameters of the
 * types that they had.
 */
static void
find_stale(CmigWorkloadQuery *query, CmigQueryPlan *plan)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	Planning	planning = {.query = query,.plan = plan,.former = before};
	ErrorData  *error;

	if (before->error != NULL || plan->error != NULL ||
		(before->count == plan->count &&
		 memcmp(before->types, plan->types, sizeof(Oid) * plan->count) == 0))
		return;
	planning.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan",
											 ALLOCSET_DEFAULT_SIZES);
	error = cmig_subtransaction_rehearse(make_plan, &planning);
	MemoryContextDelete(planning.scratch);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	plan->stale = error ? error->message : NULL;
}

static CmigQueryPlan *
plan_query(CmigWorkloadQuery *query)
{
	CmigQueryPlan *plan = palloc0(sizeof(CmigQueryPlan));
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	Planning	planning = {.query = query,.plan = plan,.context = CurrentMemoryContext};
	ErrorContextCallback *callbacks = error_context_stack;
	ErrorData  *error,
			   *first;
	bool		internal;

	planning.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan",
											 ALLOCSET_DEFAULT_SIZES);
	sizes->plan = plan;

	/*
	 * an internal error is about the query, and not about what the check
	 * reads
	 */
	error_context_stack = NULL;
	first = error = cmig_subtransaction_rehearse(make_plan, &planning);
	while (error != NULL && put_literal(query, error))
		error = cmig_subtransaction_rehearse(make_plan, &planning);
	/* about the text as it is */
	if (error != NULL && error->sqlerrcode == ERRCODE_SYNTAX_ERROR)
		error = cmig_workload_has_plan(query->sql) ? first :
			cmig_subtransaction_rehearse(refuse_utility, NULL);

	/*
	 * a query that needs no unified parameters before the scripts must not
	 * break after them
	 */
	if (error != NULL &&
		(error->sqlerrcode == ERRCODE_GROUPING_ERROR ||
		 error->sqlerrcode == ERRCODE_INVALID_COLUMN_REFERENCE) &&
		(before == NULL || before->error != NULL || before->unified))
	{
		plan->unified = true;
		plan->count = 0;
		plan->types = NULL;
		error = cmig_subtransaction_rehearse(make_plan, &planning);
	}
	error_context_stack = callbacks;
	MemoryContextDelete(planning.scratch);
	if (error == NULL)
		return plan;
	internal = ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INTERNAL_ERROR;
	if (cmig_subtransaction_must_rethrow(error) && !internal)
		ReThrowError(error);
	plan->error = planning.searching ? pstrdup("it is dropped or replaced, or was not copied") :
		error->message;
	plan->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	plan->utility = cmig_error_is_from(error, ERRCODE_FEATURE_NOT_SUPPORTED, "refuse_utility");
	plan->refused = internal || planning.searching ||
		(query->head && error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE) ||
		cmig_error_is_from(error, ERRCODE_INSUFFICIENT_PRIVILEGE, "outside.c") ||
		cmig_error_is_from(error, ERRCODE_INSUFFICIENT_PRIVILEGE, "refuse");
	return plan;
}

/* ----------------------------------------------------------------
 * Plans several queries.
 * ----------------------------------------------------------------
 */

/*
 * Take the estimators from the operators of roles that are no superusers, because
 * an estimator calls the operator's function, which can be any, with values of
 * the statistics.  In "schemas", which are those of the copies, take them from
 * all operators, and make functions volatile.
 */
static void
blind_planner(const List *schemas)
{
	static const Oid catalogs[] = {OperatorRelationId, ProcedureRelationId};

	for (int i = 0; i < (schemas == NIL ? 1 : lengthof(catalogs)); i++)
	{
		Relation	catalog = table_open(catalogs[i], RowExclusiveLock);
		SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
		HeapTuple	row;

		while (HeapTupleIsValid(row = systable_getnext(scan)))
		{
			Form_pg_operator operator = (Form_pg_operator) GETSTRUCT(row);
			Form_pg_proc function = (Form_pg_proc) GETSTRUCT(row);
			Oid			oid = i == 0 ? operator->oid : function->oid;
			Oid			schema = i == 0 ? operator->oprnamespace : function->pronamespace;
			HeapTuple	copy;

			if (oid < FirstNormalObjectId ||
				((i > 0 || superuser_arg(operator->oprowner)) &&
				 (!list_member_oid(schemas, schema) ||
				  OidIsValid(getExtensionOfObject(catalogs[i], oid)))))
				continue;
			copy = heap_copytuple(row);
			if (i == 0)
				((Form_pg_operator) GETSTRUCT(copy))->oprrest =
					((Form_pg_operator) GETSTRUCT(copy))->oprjoin = InvalidOid;
			else
				((Form_pg_proc) GETSTRUCT(copy))->provolatile = PROVOLATILE_VOLATILE;
			CatalogTupleUpdate(catalog, &copy->t_self, copy);
			heap_freetuple(copy);
		}
		systable_endscan(scan);
		table_close(catalog, RowExclusiveLock);
	}
	CommandCounterIncrement();
}

/* The queries to plan. */
typedef struct Batch
{
	const List *queries;		/* of CmigWorkloadQuery */
	int			phase;
	const List *schemas;		/* to be blinded, or NIL */
} Batch;

/* Subtransaction callback: plan the queries. */
static void
plan_batch(void *arg)
{
	const Batch *batch = arg;

	functions = (CmigOutsideWatch)
	{
		.refuse = refuse,.distrusts = 'u',.strict = true,.trusts = GetUserId(),.because =
			"queries are only planned",.mark = GetCurrentTransactionId()
	};
	(void) cmig_outside_watch(&functions);
	blind_planner(batch->schemas);
	cmig_workload_plpgsql_forget();
	foreach_ptr(CmigWorkloadQuery, query, batch->queries)
	{
		CmigQueryPlan **plan = &query->plans[batch->phase];
		int			level = NewGUCNestLevel();

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(CmigValue, setting, query->settings)
			cmig_settings_override(setting[0], setting[1]);
		if (query->path != NULL)
			cmig_settings_override("search_path", query->path);
		functions.when_called = false;
		*plan = plan_query(query);
		(*plan)->blind = batch->schemas != NIL;
		if (batch->phase == CMIG_WORKLOAD_AFTER)
			find_stale(query, *plan);
		AtEOXact_GUC(false, level);
	}
}

void
cmig_workload_plan(const List *queries, CmigWorkloadPhase phase, CmigWorkloadSizes *live,
				   const List *schemas)
{
	Batch		batch = {.queries = queries,.phase = phase};
	get_relation_stats_hook_type stats_hook = get_relation_stats_hook;
	get_index_stats_hook_type index_hook = get_index_stats_hook;
	get_attavgwidth_hook_type width_hook = get_attavgwidth_hook;
	post_parse_analyze_hook_type analyze_hook = post_parse_analyze_hook;
	cmig_sizes_hook_type_compat sizes_hook = cmig_sizes_hook_compat;
	const CmigOutsideWatch *former;

	if (queries == NIL)
		return;
	sizes = live;
	sizes->analyzed = phase == CMIG_WORKLOAD_ANALYZED;
	get_relation_stats_hook = find_statistics;
	get_index_stats_hook = find_index_statistics;
	get_attavgwidth_hook = find_width;
	post_parse_analyze_hook = NULL;
	cmig_sizes_hook_compat = set_sizes;
	former = cmig_outside_watch(NULL);
	PG_TRY();
	{
		/* then blindly those whose planning would call functions */
		while (batch.queries != NIL)
		{
			List	   *refused = NIL;
			ErrorData  *error = cmig_subtransaction_rehearse(plan_batch, &batch);

			if (error != NULL)
				ReThrowError(error);
			foreach_ptr(CmigWorkloadQuery, query, batch.schemas == NIL &&
						schemas != NIL ? batch.queries : NIL)
			{
				if (query->plans[phase]->refused)
					refused = lappend(refused, query);
			}
			batch.queries = refused;
			batch.schemas = schemas;
		}
	}
	PG_FINALLY();
	{
		(void) cmig_outside_watch(former);
		sizes = NULL;
		get_relation_stats_hook = stats_hook;
		get_index_stats_hook = index_hook;
		get_attavgwidth_hook = width_hook;
		post_parse_analyze_hook = analyze_hook;
		cmig_sizes_hook_compat = sizes_hook;
	}
	PG_END_TRY();

	/*
	 * forget operators by the schemas of the copies, which a session would
	 * keep
	 */
	CallSyscacheCallbacks(OPERNAMENSP, 0);
}
