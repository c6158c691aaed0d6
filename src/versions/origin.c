/*
 * origin.c
 *	  Which version of an expanded table a row is written through.
 *
 * In the view, the table has an alias, under which the rewriter makes it the target;
 * that it came from the FROM clause of a view cannot be written in a statement.  As
 * users can create views, each view that the statement writes, and that gives the table
 * the alias, must be in the schema of the version.  The hook that looks for it is there
 * when the condition of the view was evaluated, which is planned for INSERTs because of
 * its check option.
 *
 * An INSERT of the table that names the state has a whole row of it.  One that does not
 * evaluates the default, a call of cmig.expansion_mark().  Functions and triggers may
 * insert into the same or another table meanwhile, so a mark belongs to a statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "audit/audit.h"
#include "versions/internal.h"

PG_FUNCTION_INFO_V1(cmig_expansion_mark);
PG_FUNCTION_INFO_V1(cmig_expansion_unset);
PG_FUNCTION_INFO_V1(cmig_expansion_begin);

/*
 * A default that a running statement evaluates.  It exists until the memory of
 * the statement is freed, so that a mark that no row of the table has taken,
 * such as that of a copy of the table with its defaults, is forgotten.
 */
typedef struct Mark
{
	MemoryContextCallback callback;
	dlist_node	node;
	MemoryContext context;		/* of the statement, or within it */
	uint8		kind;			/* CMIG_MARK_... */
	bool		set;
} Mark;

static dlist_head pending = DLIST_STATIC_INIT(pending);

/* Of all statements that write, the last one first. */
static dlist_head origins = DLIST_STATIC_INIT(origins);

/* Memory context callback */
static void
forget_mark(void *arg)
{
	dlist_delete(&((Mark *) arg)->node);
}

/* Memory context callback: the statement ends. */
static void
forget_origin(void *arg)
{
	dlist_delete(&((CmigOrigin *) arg)->node);
}

/* Memory context callback: a trigger of a user may have ended the row before our last one fires. */
static void
forget_row(void *arg)
{
	CmigOrigin *row = arg;

	row->relation = InvalidOid;
	row->moved = row->shown = NULL;
}

CmigOrigin *
cmig_versions_origin(MemoryContext context)
{
	CmigOrigin *row;
	dlist_iter	iter;

	dlist_foreach(iter, &origins)
	{
		row = dlist_container(CmigOrigin, node, iter.cur);
		if (row->context == context)
			return row;
	}
	row = MemoryContextAllocZero(context, sizeof(CmigOrigin));
	row->context = context;
	row->end.func = forget_origin;
	row->end.arg = row;
	dlist_push_head(&origins, &row->node);
	MemoryContextRegisterResetCallback(context, &row->end);
	return row;
}

/* Which defaults were evaluated for the row?  "context" is its statement's. */
static uint8
take_marks(MemoryContext context)
{
	uint8		found = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &pending)
	{
		Mark	   *mark = dlist_container(Mark, node, iter.cur);
		MemoryContext c = mark->set ? mark->context : NULL;

		while (c != NULL && c != context)
			c = MemoryContextGetParent(c);
		if (c == NULL)
			continue;
		found |= mark->kind;
		mark->set = false;
	}
	return found;
}

static Datum
set_mark(FunctionCallInfo fcinfo, uint8 kind)
{
	Mark	   *mark = fcinfo->flinfo->fn_extra;

	if (mark == NULL)
	{
		mark = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Mark));
		mark->context = fcinfo->flinfo->fn_mcxt;
		mark->kind = kind;
		mark->callback.func = forget_mark;
		mark->callback.arg = mark;
		dlist_push_head(&pending, &mark->node);
		MemoryContextRegisterResetCallback(mark->context, &mark->callback);
		fcinfo->flinfo->fn_extra = mark;
	}
	mark->set = true;
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

Datum
cmig_expansion_mark(PG_FUNCTION_ARGS)
{
	/* by such a default, a hidden column is only known */
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return set_mark(fcinfo, CMIG_MARK_STATE);
}

Datum
cmig_expansion_unset(PG_FUNCTION_ARGS)
{
	return set_mark(fcinfo, CMIG_MARK_VIEW);
}

TriggerData *
cmig_versions_require_trigger(FunctionCallInfo fcinfo, const char *name)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s is a trigger function that only cmig.expand uses", name)));
	return data;
}

Oid
cmig_versions_root_of(Relation relation)
{
	List	   *ancestors = relation->rd_rel->relispartition ?
	get_partition_ancestors(RelationGetRelid(relation)) : NIL;

	return ancestors != NIL ? llast_oid(ancestors) : RelationGetRelid(relation);
}

/* Does a running statement write the table, or one of whose partitions it is, through the view? */
static bool
is_written_viewed(Oid table)
{
	List	   *tables = get_rel_relispartition(table) ? get_partition_ancestors(table) : NIL;
	dlist_iter	iter;

	tables = lappend_oid(tables, table);
	dlist_foreach(iter, &origins)
	{
		CmigOrigin *statement = dlist_container(CmigOrigin, node, iter.cur);

		foreach_oid(written, tables)
		{
			if (list_member_oid(statement->tables, written))
				return true;
		}
	}
	return false;
}

bool
cmig_versions_is_cascade(const TriggerData *data, bool *viewed)
{
	Oid			table;
	bool		of_key = false;

	*viewed = false;
	if (!InNoForceRLSOperation())
		return false;
	table = cmig_versions_root_of(data->tg_relation);
	if (cmig_role_owner_of(table) != GetUserId())
		return false;
	foreach_ptr(const ForeignKeyCacheInfo, key, copyObject(RelationGetFKeyList(data->tg_relation)))
	{
		Bitmapset  *columns = NULL;

		for (int i = 0; i < key->nkeys; i++)
			columns = bms_add_member(columns, key->conkey[i] - FirstLowInvalidHeapAttributeNumber);
		if (!bms_is_subset(data->tg_updatedcols, columns))
			continue;
		of_key = true;
		*viewed |= is_written_viewed(key->confrelid);
	}
	return of_key;
}

bool
cmig_versions_is_copied(void)
{
	return SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ||
		(error_context_stack != NULL && error_context_stack->callback == CopyFromErrorCallback);
}

/* Does the trigger have this name and function? */
static bool
is_trigger(const Trigger *trigger, const char *name, const char *function)
{
	char	   *called = strcmp(trigger->tgname, name) == 0 &&
	TRIGGER_FOR_BEFORE(trigger->tgtype) ? get_func_name(trigger->tgfoid) : NULL;

	return called != NULL && strcmp(called, function) == 0 &&
		get_func_namespace(trigger->tgfoid) == get_namespace_oid("cmig", false);
}

bool
cmig_versions_is_writer(const Trigger *trigger)
{
	return is_trigger(trigger, CMIG_EXPANSION_WRITE, "expansion_write");
}

bool
cmig_versions_is_ours(const Trigger *trigger)
{
	return cmig_versions_is_writer(trigger) ||
		is_trigger(trigger, CMIG_EXPANSION_BEGIN, "expansion_begin");
}

/* Does it fire in the session before rows are inserted or updated? */
static bool
fires_before_row(const Trigger *trigger)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
		(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype)) &&
		trigger->tgenabled != TRIGGER_DISABLED &&
		trigger->tgenabled != (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
							   TRIGGER_FIRES_ON_ORIGIN : TRIGGER_FIRES_ON_REPLICA);
}

void
cmig_versions_require_order(Relation relation, const Trigger *trigger)
{
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];
		Oid			table = RelationGetRelid(relation);

		if (!fires_before_row(other) || (strcmp(other->tgname, CMIG_EXPANSION_BEGIN) >= 0 &&
										 strcmp(other->tgname, trigger->tgname) <= 0))
			continue;
		if (other->tgisclone)
			table = cmig_audit_trigger_root(table, other->tgoid);
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of expanded table \"%s\" fires before or after those of the expansion",
						other->tgname, RelationGetRelationName(relation)),
				 errdetail("They have to be first and last. What it changes would be in one of the two versions only."),
				 errhint("ALTER TRIGGER %s ON %s RENAME TO <a name that begins with a letter of ASCII>",
						 quote_identifier(other->tgname),
						 cmig_query_relation_name(table))));
	}
}

Oid
cmig_versions_sequence_of(Relation relation, const Trigger *trigger)
{
	List	   *names;
	Oid			sequence = InvalidOid;
	Oid			table = RelationGetRelid(relation);

	/* the owner of a partition cannot change a trigger of its parent */
	if (trigger->tgisclone)
		table = cmig_audit_trigger_root(table, trigger->tgoid);
	if (SplitIdentifierString(pstrdup(trigger->tgargs[2]), '.', &names) && list_length(names) == 2)
		sequence = get_relname_relid(lsecond(names), get_namespace_oid(linitial(names), true));
	if (!OidIsValid(sequence) || get_rel_relkind(sequence) != RELKIND_SEQUENCE ||
		strncmp(lsecond(names), CMIG_OLD_PREFIX, strlen(CMIG_OLD_PREFIX)) != 0 ||
		!has_privs_of_role(cmig_role_owner_of(table), cmig_role_owner_of(sequence)))
		return InvalidOid;
	return sequence;
}

/* expression_tree_walker callback: does it call the function of this name in schema cmig? */
static bool
calls(Node *node, void *function)
{
	const char *name = node != NULL && IsA(node, FuncExpr) ?
	get_func_name(((FuncExpr *) node)->funcid) : NULL;

	if (name != NULL && strcmp(name, function) == 0 &&
		get_func_namespace(((FuncExpr *) node)->funcid) == get_namespace_oid("cmig", false))
		return true;
	return node != NULL && expression_tree_walker(node, calls, function);
}

void
cmig_versions_require_marked(Relation relation, AttrNumber number)
{
	if (TupleDescAttr(RelationGetDescr(relation), number - 1)->atthasdef &&
		calls(build_column_default(relation, number), "expansion_mark"))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("hidden columns of relation \"%s\" do not have their defaults",
					RelationGetRelationName(relation)),
			 errdetail("These tell for which of the two versions a row is. They were dropped or replaced, or the table was attached as a partition, which does not get them from its parent."),
			 !relation->rd_rel->relispartition ? cmig_hint("`CALL cmig.expand()`") :
			 errhint("Detach it, create a partition with CREATE TABLE ... PARTITION OF, and insert the rows there.")));
}

/* What cmig.expansion_begin() keeps for a statement. */
typedef struct Beginning
{
	CmigWriting *statement;		/* if triggers of users fire, or NULL */
} Beginning;

static Beginning *
begin_statement(const TriggerData *data, MemoryContext context)
{
	Relation	relation = data->tg_relation;
	Beginning  *beginning = MemoryContextAllocZero(context, sizeof(Beginning));
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	const Trigger *writer = NULL;
	bool		users = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (cmig_versions_is_writer(trigger))
			writer = trigger;
		users |= fires_before_row(trigger) && !cmig_versions_is_ours(trigger);
	}
	if (users && writer != NULL)
		beginning->statement = cmig_versions_statement(relation, writer, NULL, context);
	return beginning;
}

bool
cmig_versions_has_state(TupleTableSlot *slot, AttrNumber number, const char *state)
{
	bool		null;
	Datum		value = slot_getattr(slot, number, &null);
	const		text *t = null ? NULL : DatumGetTextPP(value);

	return t != NULL && VARSIZE_ANY_EXHDR(t) == strlen(state) &&
		memcmp(VARDATA_ANY(t), state, strlen(state)) == 0;
}

Datum
cmig_expansion_begin(PG_FUNCTION_ARGS)
{
	TriggerData *data = cmig_versions_require_trigger(fcinfo, "cmig.expansion_begin()");
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Beginning  *beginning = fcinfo->flinfo->fn_extra;
	bool		update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	CmigOrigin *row;
	HeapTuple	tuple;

	if (beginning == NULL)
		beginning = fcinfo->flinfo->fn_extra = begin_statement(data, context);
	row = cmig_versions_origin(context);
	row->relation = RelationGetRelid(data->tg_relation);
	row->marks = update ? 0 : take_marks(context);
	row->checked = false;
	row->moved = NULL;
	row->shown = NULL;
	/* only a row that was already written does not have the defaults */
	if (!update && data->tg_relation->rd_rel->relispartition && row->source != NULL &&
		(row->marks & CMIG_MARK_STATE) == 0)
		row->moved = heap_copytuple(data->tg_trigtuple);
	tuple = beginning->statement == NULL ? NULL :
		cmig_versions_show(fcinfo, beginning->statement, row);
	if (row->moved != NULL || row->shown != NULL)
	{
		MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

		callback->func = forget_row;
		callback->arg = row;
		MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	}
	return PointerGetDatum(tuple != NULL ? tuple : update ? data->tg_newtuple : data->tg_trigtuple);
}

/*
 * Returns the schema of the version and, in that schema, the object that the table's trigger
 * names: the sequence or, if there is none, the view.  NIL if nothing is written for the version.
 */
static List *
version_names(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);
	const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	List	   *found = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		List	   *names;

		if (cmig_versions_is_writer(trigger) && trigger->tgnargs >= 3 &&
			SplitIdentifierString(pstrdup(trigger->tgargs[2]), '.', &names) &&
			list_length(names) == 2)
			found = names;
	}
	table_close(relation, AccessShareLock);
	return found;
}

/* Raise an error about a view like that of a version that is not in its schema. */
static void
refuse_pretender(Relation view, Oid table, const List *names)
{
	const char *object = lsecond(names);
	const char *name = RelationGetRelationName(view);
	const char *qualified = cmig_query_relation_name(RelationGetRelid(view));
	const char *place = quote_identifier(linitial(names));
	Oid			here = RelationGetNamespace(view);
	Oid			version = get_namespace_oid(linitial(names), true);
	char	   *undo = NULL;

	if (!OidIsValid(version) && OidIsValid(get_relname_relid(object, here)))
		undo = psprintf("ALTER SCHEMA %s RENAME TO %s",
						quote_identifier(cmig_query_schema_name(here)), place);
	else if (OidIsValid(version) && !OidIsValid(get_relname_relid(name, version)) &&
			 (strcmp(object, name) == 0 ||
			  strcmp(object, cmig_version_join_name(CMIG_OLD_PREFIX, name)) == 0))
		undo = psprintf("ALTER VIEW %s SET SCHEMA %s", qualified, place);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view %s is not in schema %s, which has the new version of table %s",
					qualified, place, cmig_query_relation_name(table)),
			 errdetail("It is a copy of the view of that version, or was moved, so it is not"
					   " known for which version a write is."),
			 undo ? errhint("As its owner: %s", undo) :
			 errhint("Write through the view in schema %s, or through one that reads it.", place)));
}

/*
 * Does a view through which the table is written only pretend to be the one of a version?
 * One that looks the same is an error: somebody may have moved it, or renamed its schema.
 */
static bool
has_pretender(EState *estate, Oid table)
{
	List	   *names = version_names(table);
	Oid			version = names ? get_namespace_oid(linitial(names), true) : InvalidOid;
	bool		found = false;

	foreach_node(RangeTblEntry, entry, estate->es_range_table)
	{
		Relation	view;
		bool		pretends = false;

		/* a view that is only read has a weaker lock */
		if (entry->rtekind != RTE_RELATION || entry->relkind != RELKIND_VIEW ||
			entry->rellockmode != RowExclusiveLock)
			continue;
		view = table_open(entry->relid, AccessShareLock);
		foreach_node(RangeTblEntry, from, get_view_query(view)->rtable)
		{
			pretends |= from->rtekind == RTE_RELATION && from->relid == table && from->alias != NULL &&
				strcmp(from->alias->aliasname, CMIG_VERSION_ALIAS) == 0 &&
				RelationGetNamespace(view) != version;
		}
		if (pretends && names != NIL &&
			calls((Node *) get_view_query(view)->jointree->quals, "expansion_view"))
			refuse_pretender(view, table, names);
		found |= pretends;
		table_close(view, AccessShareLock);
	}
	return found;
}

/* Does it write a table through the view of a version? */
static bool
writes_view(const ModifyTableState *node)
{
	EState	   *estate = node->ps.state;
	const ResultRelInfo *table = node->rootResultRelInfo;
	const RangeTblEntry *entry = exec_rt_fetch(table->ri_RangeTableIndex, estate);
	const TriggerDesc *triggers = table->ri_TrigDesc;
	bool		written = false;

	/* a table that the statement itself names is not in a FROM clause */
	if (!entry->inFromCl || entry->alias == NULL ||
		strcmp(entry->alias->aliasname, CMIG_VERSION_ALIAS) != 0)
		return false;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		written |= cmig_versions_is_writer(&triggers->triggers[i]);
	return written && !has_pretender(estate, entry->relid);
}

/* Run a node, and the nodes below it, which can write other tables. */
static TupleTableSlot *
run_node(PlanState *node, bool viewed)
{
	CmigOrigin *row = cmig_versions_origin(node->state->es_query_cxt);
	bool		outer = row->viewed;
	TupleTableSlot *result;

	row->viewed = viewed;
	result = row->run(node);
	row->viewed = outer;
	return result;
}

/* Run a node that writes through the view, or one that writes the table itself. */
static TupleTableSlot *
run_viewed(PlanState *node)
{
	return run_node(node, true);
}

static TupleTableSlot *
run_direct(PlanState *node)
{
	return run_node(node, false);
}

/* Take note that the statement of the context writes the table through the view. */
static void
note_table(MemoryContext context, const ModifyTableState *node)
{
	CmigOrigin *statement = cmig_versions_origin(context);
	MemoryContext old = MemoryContextSwitchTo(context);

	statement->tables = lappend_oid(statement->tables,
									RelationGetRelid(node->rootResultRelInfo->ri_RelationDesc));
	MemoryContextSwitchTo(old);
}

void
cmig_versions_note_targets(const QueryDesc *query)
{
	List	   *nodes = list_copy(query->estate->es_auxmodifytables);
	List	   *viewed = NIL;

	/* what a rule adds is in the list, too */
	if (IsA(query->planstate, ModifyTableState))
		nodes = list_append_unique_ptr(nodes, query->planstate);
	foreach_node(ModifyTableState, node, nodes)
	{
		if (writes_view(node))
		{
			viewed = lappend(viewed, node);
			note_table(query->estate->es_query_cxt, node);
		}
	}
	foreach_node(ModifyTableState, node, viewed != NIL ? nodes : NIL)
	{
		cmig_versions_origin(query->estate->es_query_cxt)->run = node->ps.ExecProcNodeReal;
		ExecSetExecProcNode(&node->ps, list_member_ptr(viewed, node) ? run_viewed : run_direct);
	}
}

bool
cmig_versions_is_viewed(FunctionCallInfo fcinfo)
{
	return cmig_versions_origin(fcinfo->flinfo->fn_mcxt)->viewed;
}
