/*
 * compat.h
 *	  Hides the differences between the supported server versions.
 *
 * Every difference between PostgreSQL 15 and 19 has a macro or a static inline
 * wrapper here, named cmig_..._compat, or the name that newer versions give it.
 * No other file may test PG_VERSION_NUM.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COMPAT_H
#define CMIG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "pg_cmig needs PostgreSQL 15 or newer"
#elif PG_VERSION_NUM >= 200000 && !defined(CMIG_ANY_SERVER_VERSION)
#error "pg_cmig was never tested with this version of PostgreSQL; to try it anyway: make COPT=-DCMIG_ANY_SERVER_VERSION"
#endif

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "storage/smgr.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#if PG_VERSION_NUM >= 180000
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#endif
/* headers that those of older servers include */
#if PG_VERSION_NUM >= 190000
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#endif

/*
 * PostgreSQL 18 and later define this macro, which is written before a
 * declaration.
 */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* PostgreSQL 19 and later define this statement, which ends a case. */
#ifndef pg_fallthrough
#if defined(__GNUC__)
#define pg_fallthrough __attribute__((fallthrough))
#else
#define pg_fallthrough
#endif
#endif

/*
 * Returns a user column of a row of a table.  Newer minor releases
 * of the servers before PostgreSQL 19 have a heap_getattr() that also looks
 * whether the row is a composite value of an older definition of its type.  It
 * calls a function that older minor releases do not have, into which a library
 * would then not load.
 */
static inline Datum
cmig_getattr_compat(HeapTuple row, int column, TupleDesc desc, bool *isnull)
{
	if (column > HeapTupleHeaderGetNatts(row->t_data))
		return getmissingattr(desc, column, isnull);
	return fastgetattr(row, column, desc, isnull);
}

/*
 * Set standard_conforming_strings for the scanner, and return the former value.
 * In PostgreSQL 19 and later it is always on.
 */
static inline bool
cmig_set_standard_strings_compat(bool value)
{
#if PG_VERSION_NUM < 190000
	bool		former = standard_conforming_strings;

	standard_conforming_strings = value;
	return former;
#else
	return true;
#endif
}

/*
 * The loops over a List of PostgreSQL 17 and later that declare the variable for
 * the elements.
 */
#if PG_VERSION_NUM < 170000
#define cmig_cell_compat(var) (&var##__state.l->elements[var##__state.i])
#define cmig_foreach_compat(declaration, var, list, element) \
	for (ForEachState var##__state = {(list), 0}; var##__state.l != NIL; var##__state.l = NIL) \
		for (declaration; \
			 var##__state.i < var##__state.l->length && (var = (element), true); \
			 var##__state.i++)

#define foreach_ptr(type, var, list) \
	cmig_foreach_compat(type *var, var, list, lfirst(cmig_cell_compat(var)))
#define foreach_node(type, var, list) \
	cmig_foreach_compat(type *var, var, list, lfirst_node(type, cmig_cell_compat(var)))
#define foreach_int(var, list) \
	cmig_foreach_compat(int var, var, list, lfirst_int(cmig_cell_compat(var)))
#define foreach_oid(var, list) \
	cmig_foreach_compat(Oid var, var, list, lfirst_oid(cmig_cell_compat(var)))
#endif

#if PG_VERSION_NUM >= 190000
#define cmig_beginscan_tidrange_compat(relation, snapshot, first, last) \
	table_beginscan_tidrange(relation, snapshot, first, last, 0)
#else
#define cmig_beginscan_tidrange_compat(relation, snapshot, first, last) \
	table_beginscan_tidrange(relation, snapshot, first, last)
#endif

/*
 * Returns the i-th entry (counting from 1) of this backend's copy of the status
 * array.
 */
static inline LocalPgBackendStatus *
cmig_local_beentry_compat(int i)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(i);
#else
	return pgstat_fetch_stat_local_beentry(i);
#endif
}

/*
 * Returns the PGPROC that runs a transaction, or NULL if the transaction has
 * ended.
 */
static inline PGPROC *
cmig_vxid_get_proc_compat(VirtualTransactionId vxid)
{
#if PG_VERSION_NUM >= 170000
	return ProcNumberGetProc(vxid.procNumber);
#else
	return BackendIdGetProc(vxid.backendId);
#endif
}

/* Returns the local ID of the current transaction. */
static inline LocalTransactionId
cmig_lxid_compat(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/* Returns the virtual transaction of an entry of GetLockStatusData(). */
static inline VirtualTransactionId
cmig_lock_vxid_compat(const LockInstanceData *lock)
{
#if PG_VERSION_NUM >= 170000
	return lock->vxid;
#else
	return (VirtualTransactionId)
	{
		lock->backend, lock->lxid
	};
#endif
}

/* Run a query to completion.  The query cannot be run again. */
static inline void
cmig_executor_run_compat(QueryDesc *query)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query, ForwardScanDirection, 0);
#else
	ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

/*
 * Does the role have the privilege on a schema or database?  "class" is the
 * catalog.
 */
static inline bool
cmig_may_compat(Oid class, Oid object, Oid role, AclMode privilege)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(class, object, role, privilege) == ACLCHECK_OK;
#else
	return (class == NamespaceRelationId ? pg_namespace_aclcheck(object, role, privilege) :
			pg_database_aclcheck(object, role, privilege)) == ACLCHECK_OK;
#endif
}

/*
 * Is the role the owner of the relation, schema, database, or extension, or
 * does it have the owner's privileges?
 */
static inline bool
cmig_owns_compat(Oid class, Oid object, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(class, object, role);
#else
	return class == RelationRelationId ? pg_class_ownercheck(object, role) :
		class == NamespaceRelationId ? pg_namespace_ownercheck(object, role) :
		class == DatabaseRelationId ? pg_database_ownercheck(object, role) :
		pg_extension_ownercheck(object, role);
#endif
}

/* Marks a constraint not made by the parser as enforced, as all are before PostgreSQL 18. */
static inline void
cmig_check_enforced_compat(Constraint *check)
{
#if PG_VERSION_NUM >= 180000
	check->is_enforced = true;
#endif
}

/* Is the node a JSON_TABLE or, in an analyzed query, JSON_VALUE or the like? */
static inline bool
cmig_is_json_query_compat(Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, JsonTable) || IsA(node, JsonExpr);
#else
	return false;
#endif
}

/* Is "member" allowed to SET ROLE to "role"? */
static inline bool
cmig_can_set_role_compat(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

/* Returns the columns of "in" by those of "out" with the same names. */
#if PG_VERSION_NUM >= 160000
#define cmig_attrmap_compat(in, out) build_attrmap_by_name(in, out, false)
#else
#define cmig_attrmap_compat(in, out) build_attrmap_by_name(in, out)
#endif

/* The privilege that SET ROLE requires, as pg_has_role() spells it. */
#if PG_VERSION_NUM >= 160000
#define CMIG_SET_ROLE_COMPAT "SET"
#else
#define CMIG_SET_ROLE_COMPAT "MEMBER"
#endif

/* Does this backend hold the lock in exactly this mode? */
static inline bool
cmig_lock_held_compat(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/*
 * Returns all of the session's settings and sets *count to their number.  This
 * is a macro so that only its callers have to include utils/guc_tables.h.
 */
#if PG_VERSION_NUM >= 160000
#define cmig_guc_variables_compat(count) get_guc_variables(count)
#else
#define cmig_guc_variables_compat(count) \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

/*
 * Returns the name under which to define a setting while the library is loaded.
 * Up to PostgreSQL 15, the server sorts all settings for each that is added,
 * which is fast only if the new one is the last.  So it gets a prefix, given the
 * number of settings before; cmig_setting_names_compat() removes the prefixes,
 * and sorts once.  If the session has set the setting before, the server must
 * find this placeholder by its name, and does not sort.
 */
static inline const char *
cmig_setting_name_compat(const char *name, int number)
{
#if PG_VERSION_NUM < 160000
	if (GetConfigOptionFlags(name, true) == 0)
		return psprintf("zzzz%04d.%s", number, name);
#endif
	return name;
}

#if PG_VERSION_NUM >= 160000
#define cmig_setting_names_compat(compare)	((void) (compare))
#else
#define cmig_setting_names_compat(compare) \
do { \
	struct config_generic **settings_ = get_guc_variables(); \
	int			count_ = GetNumConfigOptions(); \
	for (int i_ = 0; i_ < count_; i_++) \
		if ((settings_[i_]->flags & GUC_CUSTOM_PLACEHOLDER) == 0 && \
			strncmp(settings_[i_]->name, "zzzz", 4) == 0 && \
			strncmp(settings_[i_]->name + 8, ".cmig.", 6) == 0) \
			settings_[i_]->name += 9; \
	qsort(settings_, count_, sizeof(struct config_generic *), compare); \
} while (0)
#endif

/*
 * Free the state that is kept between insertions into an index, such as the
 * buffer of a BRIN index.  Call this before closing the index.
 */
static inline void
cmig_index_insert_cleanup_compat(Relation index, struct IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
	index_insert_cleanup(index, info);
#else
	(void) index;
	(void) info;
#endif
}

/*
 * Returns the expression of a virtual generated column, or NULL for any other
 * column.  Before PostgreSQL 18, all generated columns were stored.
 */
static inline Node *
cmig_virtual_column_compat(Relation relation, int attnum)
{
#if PG_VERSION_NUM >= 180000
	if (TupleDescAttr(RelationGetDescr(relation), attnum - 1)->attgenerated ==
		ATTRIBUTE_GENERATED_VIRTUAL)
		return build_generation_expression(relation, attnum);
#endif
	return NULL;
}

/*
 * Let the query's columns refer to its tables.  In PostgreSQL 18 and later, the
 * columns of a query with GROUP BY refer to a range table entry for the groups,
 * which is the last one.
 */
static inline void
cmig_flatten_groups_compat(Query *query)
{
#if PG_VERSION_NUM >= 180000
	if (!query->hasGroupRTE || llast_node(RangeTblEntry, query->rtable)->rtekind != RTE_GROUP)
		return;
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
	query->rtable = list_delete_last(query->rtable);
	query->hasGroupRTE = false;
#endif
}

/* Insert into the indexes of a table in which no row can conflict. */
static inline List *
cmig_insert_index_tuples_compat(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 190000
	return ExecInsertIndexTuples(result, estate, 0, slot, NIL, NULL);
#elif PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false);
#else
	return ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL);
#endif
}

/* Does the operator, or its negator, belong to an ordering index's operators? */
#if PG_VERSION_NUM >= 180000
#define cmig_is_ordering_operator_compat(operator) (get_op_index_interpretation(operator) != NIL)
#else
#define cmig_is_ordering_operator_compat(operator) (get_op_btree_interpretation(operator) != NIL)
#endif

/* Can a partitioned table have a NOT VALID foreign key? */
#define CMIG_PARTITIONED_NOT_VALID_KEYS_COMPAT (PG_VERSION_NUM >= 180000)

/*
 * Can a transaction use the values that it adds to an enum that it has created?
 */
#define CMIG_OWN_ENUM_VALUES_COMPAT (PG_VERSION_NUM >= 170000)

/*
 * The attidentity of column "a" of table "c", as SQL.  Since 17, a partition has
 * the identity of its parent, and cannot have one of its own.
 */
#if PG_VERSION_NUM >= 170000
#define CMIG_IDENTITY_SQL_COMPAT "CASE WHEN c.relispartition THEN '' ELSE a.attidentity END"
#else
#define CMIG_IDENTITY_SQL_COMPAT "a.attidentity"
#endif

/* Can MERGE change rows of a view? */
#define CMIG_VIEWS_TAKE_MERGE_COMPAT (PG_VERSION_NUM >= 170000)

/* whether ATTACH PARTITION does not take a primary key for a unique constraint, or the other way round */
#define CMIG_ATTACH_SAME_TYPE_COMPAT (PG_VERSION_NUM >= 170000)

/* Do GRANT and REVOKE lock the relations that they name? */
#define CMIG_GRANT_LOCKS_COMPAT (PG_VERSION_NUM >= 180000)

/* Does ALTER TABLE ... ADD CONSTRAINT lock child tables for all constraints? */
#define CMIG_CONSTRAINT_LOCKS_CHILDREN_COMPAT (PG_VERSION_NUM >= 180000)

/* Does DETACH PARTITION ... CONCURRENTLY add a CHECK constraint to the partition? */
#define CMIG_DETACH_ADDS_CHECK_COMPAT (PG_VERSION_NUM < 190000)

/* Does a partition lose NOT NULL together with its parent? */
#define CMIG_NOT_NULL_INHERITED_COMPAT (PG_VERSION_NUM >= 180000)

/* Do VACUUM and ANALYZE process child tables, unless ONLY is given? */
#define CMIG_VACUUM_PROCESSES_CHILDREN_COMPAT (PG_VERSION_NUM >= 180000)

/*
 * PostgreSQL 19 parses CLUSTER as a kind of REPACK.  Returns the table of either
 * statement, or NULL.
 */
#if PG_VERSION_NUM >= 190000
#define T_ClusterStmt T_RepackStmt
typedef RepackStmt ClusterStmt;
#define cmig_clustered_compat(stmt) ((stmt)->relation ? (stmt)->relation->relation : NULL)
#define cmig_is_repack_compat(stmt) ((stmt)->command == REPACK_COMMAND_REPACK)
#else
#define cmig_clustered_compat(stmt) ((stmt)->relation)
#define cmig_is_repack_compat(stmt) ((void) (stmt), false)
#endif

/* Does the server have REPACK (CONCURRENTLY)? */
#define cmig_has_repack_compat (PG_VERSION_NUM >= 190000)

/*
 * Is the parsed constraint a key WITHOUT OVERLAPS or a foreign key with
 * PERIOD?
 */
#if PG_VERSION_NUM >= 180000
#define cmig_is_temporal_compat(constraint) ((constraint)->without_overlaps || (constraint)->fk_with_period)
#else
#define cmig_is_temporal_compat(constraint) ((void) (constraint), false)
#endif

/* Is the parsed GENERATED clause STORED? */
#if PG_VERSION_NUM >= 180000
#define cmig_is_stored_compat(constraint) ((constraint)->generated_kind == ATTRIBUTE_GENERATED_STORED)
#else
#define cmig_is_stored_compat(constraint) ((void) (constraint), true)
#endif

/* Does an INSERT, UPDATE or DELETE have a RETURNING clause? */
#if PG_VERSION_NUM >= 180000
#define cmig_returning_compat(stmt) ((stmt)->returningClause ? (stmt)->returningClause->exprs : NIL)
#else
#define cmig_returning_compat(stmt) ((stmt)->returningList)
#endif
#define cmig_returns_compat(stmt) (cmig_returning_compat(stmt) != NIL)

/* Does a MERGE have a RETURNING clause?  It cannot before PostgreSQL 17. */
#if PG_VERSION_NUM >= 170000
#define cmig_merge_returns_compat(stmt) cmig_returns_compat(stmt)
#else
#define cmig_merge_returns_compat(stmt) ((void) (stmt), false)
#endif

/*
 * These macros return the statistics that this backend has collected about a
 * relation since it last reported them.
 */
#if PG_VERSION_NUM >= 160000
#define cmig_counted_scans_compat(status) ((status)->counts.numscans)
#define cmig_counted_blocks_compat(status) ((status)->counts.blocks_fetched)
#define cmig_counted_dead_compat(status) ((status)->counts.delta_dead_tuples)
#define cmig_counted_written_compat(status) ((status)->counts.tuples_inserted + (status)->counts.tuples_updated)
#else
#define cmig_counted_scans_compat(status) ((status)->t_counts.t_numscans)
#define cmig_counted_blocks_compat(status) ((status)->t_counts.t_blocks_fetched)
#define cmig_counted_dead_compat(status) ((status)->t_counts.t_delta_dead_tuples)
#define cmig_counted_written_compat(status) ((status)->t_counts.t_tuples_inserted + (status)->t_counts.t_tuples_updated)
#endif

/*
 * Store the numbers of pages and rows in a table's pg_class row.  Like VACUUM,
 * this updates the row in place, so a rollback does not undo it.
 */
static inline void
cmig_set_row_counts_compat(Relation table, int32 pages, float4 rows, int32 visible, int32 frozen)
{
	vac_update_relstats(table, pages, rows, visible,
#if PG_VERSION_NUM >= 180000
						frozen,
#endif
						table->rd_rel->relhasindex, InvalidTransactionId, InvalidMultiXactId,
						NULL, NULL, true);
}

/* Returns pg_class.relallfrozen, or 0 if the server has no such column. */
#if PG_VERSION_NUM >= 180000
#define cmig_frozen_pages_compat(form) ((form)->relallfrozen)
#else
#define cmig_frozen_pages_compat(form) ((void) (form), 0)
#endif

/*
 * Returns the size in bytes of the main fork of a relation that is not
 * temporary.
 */
static inline int64
cmig_file_size_compat(Oid tablespace, Oid filenode)
{
#if PG_VERSION_NUM >= 160000
	RelFileLocator file = {tablespace, MyDatabaseId, filenode};
#else
	RelFileNode file = {tablespace, MyDatabaseId, filenode};
#endif
#if PG_VERSION_NUM >= 170000
	SMgrRelation storage = smgropen(file, INVALID_PROC_NUMBER);
#else
	SMgrRelation storage = smgropen(file, InvalidBackendId);
#endif

	if (!smgrexists(storage, MAIN_FORKNUM))
		return 0;
	return (int64) smgrnblocks(storage, MAIN_FORKNUM) * BLCKSZ;
}

/*
 * Plan a query, after another module's hook, or as the server does.  These are
 * the parameters of a planner hook, and the arguments that pass them on.
 */
#if PG_VERSION_NUM >= 190000
struct ExplainState;
#define CMIG_PLANNER_PARAMETERS_COMPAT \
	Query *query, const char *text, int options, ParamListInfo params, struct ExplainState *explain
#define CMIG_PLANNER_ARGUMENTS_COMPAT query, text, options, params, explain
#else
#define CMIG_PLANNER_PARAMETERS_COMPAT Query *query, const char *text, int options, ParamListInfo params
#define CMIG_PLANNER_ARGUMENTS_COMPAT query, text, options, params
#endif

#if PG_VERSION_NUM >= 190000
#define cmig_standard_planner_compat(query, text, options) standard_planner(query, text, options, NULL, NULL)
#else
#define cmig_standard_planner_compat(query, text, options) standard_planner(query, text, options, NULL)
#endif

/* ExplainState */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_state.h"
#else
#include "commands/explain.h"
#endif

/* A hook of the planner that can change the size of a relation. */
#if PG_VERSION_NUM >= 190000
#include "optimizer/pathnode.h"
#define cmig_sizes_hook_compat build_simple_rel_hook
#define cmig_sizes_hook_type_compat build_simple_rel_hook_type
#define CMIG_SIZES_PARAMETERS_COMPAT PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define CMIG_SIZES_RELATION_COMPAT (rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid)
#define CMIG_SIZES_INHERITED_COMPAT (rte->inh)
#else
#define cmig_sizes_hook_compat get_relation_info_hook
#define cmig_sizes_hook_type_compat get_relation_info_hook_type
#define CMIG_SIZES_PARAMETERS_COMPAT PlannerInfo *root, Oid relation, bool inherited, RelOptInfo *rel
#define CMIG_SIZES_RELATION_COMPAT relation
#define CMIG_SIZES_INHERITED_COMPAT inherited
#endif

/* Let an Append or MergeAppend, and a plan, not prune children when they start. */
#if PG_VERSION_NUM >= 180000
#define cmig_forget_pruning_compat(append) ((append)->part_prune_index = -1)
#define cmig_forget_all_pruning_compat(plan) \
	((plan)->partPruneInfos = NIL, \
	 (plan)->unprunableRelids = bms_add_range(NULL, 1, list_length((plan)->rtable)))
#else
#define cmig_forget_pruning_compat(append) ((append)->part_prune_info = NULL)
#define cmig_forget_all_pruning_compat(plan) ((void) 0)
#endif

/* Does the plan of an INSERT, UPDATE, DELETE, or MERGE change this table? */
#if PG_VERSION_NUM >= 190000
#define cmig_changes_compat(plan, number) bms_is_member(number, (plan)->resultRelationRelids)
#else
#define cmig_changes_compat(plan, number) list_member_int((plan)->resultRelations, number)
#endif

/* Begin to read all rows of a table. */
#if PG_VERSION_NUM >= 190000
#define cmig_beginscan_compat(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL, 0)
#else
#define cmig_beginscan_compat(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL)
#endif

/*
 * Returns what only a setting of a type has; "type" is enum, string, or similar.
 * The other macro returns the name of a value of an enum.
 */
#if PG_VERSION_NUM >= 190000
#define cmig_setting_compat(setting, type) (&(setting)->_##type)
#define cmig_enum_name_compat(setting, value) config_enum_lookup_by_value(setting, value)
#else
#define cmig_setting_compat(setting, type) ((struct config_##type *) (setting))
#define cmig_enum_name_compat(setting, value) config_enum_lookup_by_value(cmig_setting_compat(setting, enum), value)
#endif

/*
 * A jsonb value that is being built, initially zeroes, and the function that
 * adds to it, which returns the value when it is complete.
 */
#if PG_VERSION_NUM >= 190000
#define CmigJsonbStateCompat JsonbInState
#else
typedef struct CmigJsonbStateCompat
{
	JsonbParseState *parseState;	/* NULL before the value begins */
} CmigJsonbStateCompat;
#endif

static inline JsonbValue *
cmig_push_jsonb_compat(CmigJsonbStateCompat *state, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(state, token, value);
	return state->result;
#else
	return pushJsonbValue(&state->parseState, token, value);
#endif
}

/*
 * The xmin of the row from which PL/pgSQL has compiled a function.  Does it leave
 * the memory of a function that does not compile?
 */
#if PG_VERSION_NUM >= 180000
#define cmig_compiled_xmin_compat(function) ((function)->cfunc.fn_xmin)
#define CMIG_FAILED_COMPILE_LEAKS_COMPAT false
#else
#define cmig_compiled_xmin_compat(function) ((function)->fn_xmin)
#define CMIG_FAILED_COMPILE_LEAKS_COMPAT true
#endif

/* In PostgreSQL 19 and later, this setting cannot be off. */
#if PG_VERSION_NUM >= 190000
static const bool standard_conforming_strings = true;
#endif

/* The names of older servers. */
#if PG_VERSION_NUM >= 190000
#define ALTER_SUBSCRIPTION_REFRESH ALTER_SUBSCRIPTION_REFRESH_PUBLICATION
#define bits16 uint16
#endif

#endif							/* CMIG_COMPAT_H */
