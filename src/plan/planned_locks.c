/*
 * planned_locks.c
 *	  The locks of a plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "parser/parser.h"
#include "rewrite/rewriteSupport.h"
#include "storage/lockdefs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "plan/internal.h"
#include "plan/lint.h"
#include "run/run.h"

/*
 * The names that a plan has changed are kept in lint's structure, without the
 * sizes of relations.
 */
CmigPlannedLocks *
cmig_planned_locks_start(void)
{
	CmigPlannedLocks *plan = cmig_lint_state_begin(true, "");

	plan->reads_sizes = false;
	return plan;
}

void
cmig_planned_locks_end_script(CmigPlannedLocks *plan)
{
	cmig_lint_state_drop_temporary(plan);
}

/* ----------------------------------------------------------------
 * Determines the locks that statements would take, without running them.
 *
 * In addition to the locks from statement_locks, this module reads the
 * catalogs to find locks on partitions, indexes, tables on the other side of
 * foreign keys, and objects that are dropped together with another object.  It
 * takes no locks on user tables.  Statements must be passed in execution order,
 * because a statement can refer to names that earlier statements have created,
 * dropped, or renamed.
 * ----------------------------------------------------------------
 */

/*
 * Locks
 */

/* list_sort comparator: strongest lock first, then by name. */
static int
compare_locks(const ListCell *a, const ListCell *b)
{
	const CmigPlannedLock *x = lfirst(a);
	const CmigPlannedLock *y = lfirst(b);

	return x->mode != y->mode ? y->mode - x->mode : strcmp(x->name, y->name);
}

/* Add a lock, or strengthen an existing lock on the same relation. */
static void
add_lock(List **locks, CmigPlannedLock *lock)
{
	ListCell   *lc;

	foreach(lc, *locks)
	{
		CmigPlannedLock *other = lfirst(lc);

		if (other->oid == lock->oid && (OidIsValid(lock->oid) || strcmp(other->name, lock->name) == 0))
		{
			if (lock->mode >= other->mode)
				other->routed = lock->routed && (other->routed || lock->mode > other->mode);
			other->mode = Max(other->mode, lock->mode);
			return;
		}
	}
	*locks = lappend(*locks, lock);
}

/* Add a lock on an existing relation, if this kind of lock is reported. */
static void
add_existing(List **locks, Oid relation, LOCKMODE mode)
{
	CmigPlannedLock *lock;
	char		kind = get_rel_relkind(relation);
	char	   *name = get_rel_name(relation);

	/* the name is NULL if another session has dropped the relation */
	if (name == NULL || !cmig_existing_is_reported(relation, kind) ||
		!cmig_measure_is_reported(kind, mode))
		return;
	lock = palloc0(sizeof(CmigPlannedLock));
	lock->oid = relation;
	lock->mode = mode;
	lock->kind = kind;
	lock->name = quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(relation)), name);
	lock->size = cmig_existing_size_now(relation);
	add_lock(locks, lock);
}

/*
 * Add a lock on a relation that does not exist yet.  "named" is the relation
 * that an earlier statement creates, or NULL; "gone" is the schema in which an
 * earlier statement has dropped the relation, or NULL.
 */
static void
add_missing(List **locks, const RangeVar *relation, const CmigLintTable *named, const char *gone, LOCKMODE mode)
{
	CmigPlannedLock *lock;

	if (named != NULL && named->temporary)
		return;					/* no other session can use the relation */
	lock = palloc0(sizeof(CmigPlannedLock));
	lock->mode = mode;
	lock->name = quote_qualified_identifier(named != NULL ? named->schema : gone != NULL ? gone : relation->schemaname,
											relation->relname);
	lock->is_new = named != NULL;
	add_lock(locks, lock);
}

/* Add a lock on each relation in a list. */
static void
add_all(List **locks, List *relations, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		add_existing(locks, lfirst_oid(lc), mode);
	}
}

/* Add locks on a table's indexes, as requested in lock->with. */
static void
add_indexes(List **locks, const CmigLock *lock, Oid table)
{
	ListCell   *lc;

	foreach(lc, cmig_related_indexes(table))
	{
		Oid			index = lfirst_oid(lc);
		bool		partitioned = get_rel_relkind(index) == RELKIND_PARTITIONED_INDEX;

		if (lock->with & CMIG_LOCK_INDEXES || (lock->with & CMIG_LOCK_STORED && !partitioned))
			add_existing(locks, index, AccessExclusiveLock);
		else if (lock->with & CMIG_LOCK_PARTITIONED && partitioned)
			add_existing(locks, index, ShareUpdateExclusiveLock);
		else if (lock->with & CMIG_LOCK_ATTACHED && get_rel_relispartition(index))
			add_existing(locks, index, AccessExclusiveLock);
	}
}

/*
 * Add locks on a relation and on the related relations that lock->with
 * requests.
 */
static void
add_related(List **locks, const CmigLock *lock, Oid relation)
{
	List	   *tables = list_make1_oid(relation);
	bool		partitioned = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	if (lock->with & CMIG_LOCK_CHILDREN ? lock->relation == NULL || lock->relation->inh :
		lock->with & (partitioned ? CMIG_LOCK_PARTITIONS : CMIG_LOCK_INHERITED))
		tables = cmig_related_children(relation);
	if (lock->with & CMIG_LOCK_REFERENCING)
		tables = cmig_related_referencing(tables);
	add_all(locks, tables, lock->mode);
	foreach(lc, tables)
	{
		Oid			table = lfirst_oid(lc);

		if (lock->with & (CMIG_LOCK_INDEXES | CMIG_LOCK_STORED | CMIG_LOCK_PARTITIONED | CMIG_LOCK_ATTACHED))
			add_indexes(locks, lock, table);
		if (lock->with & CMIG_LOCK_SEQUENCES)
			add_all(locks, getOwnedSequences(table), lock->mode);
		if (lock->with & CMIG_LOCK_REFERENCED)
			add_all(locks, cmig_related_referenced(table),
					lock->mode == RowExclusiveLock ? RowShareLock : ShareRowExclusiveLock);
		if (lock->with & CMIG_LOCK_VIEWED)
			add_all(locks, cmig_related_viewed(table), lock->mode >= ExclusiveLock &&
					get_rel_relkind(table) == RELKIND_MATVIEW ? AccessShareLock : lock->mode);
	}
	if (lock->with & CMIG_LOCK_ROUTED && partitioned)
	{
		List	   *partitions = NIL;

		/* the partitions to which the statement can add rows */
		add_all(&partitions, list_delete_oid(cmig_related_children(relation), relation), lock->mode);
		foreach(lc, partitions)
		{
			((CmigPlannedLock *) lfirst(lc))->routed = true;
			add_lock(locks, lfirst(lc));
		}
	}
	if (lock->with & CMIG_LOCK_TABLE)
		add_existing(locks, IndexGetRelation(relation, true), lock->table_mode);
	if (lock->with & CMIG_LOCK_KEYS)
		add_all(locks, list_delete_oid(heap_truncate_find_FKs(list_make1_oid(relation)), relation), lock->table_mode);
	if (lock->with & CMIG_LOCK_TYPED)
		add_all(locks, cmig_related_typed(relation), lock->mode);
	if (lock->with & CMIG_LOCK_DEFAULT)
		add_all(locks, cmig_related_default(relation), AccessExclusiveLock);
}

/* Add the locks for dropping an object, or for changing a part of a relation. */
static void
add_dropped_object(List **locks, Oid class, Oid oid, int32 sub, bool cascade, LOCKMODE mode)
{
	ObjectAddress object;

	ObjectAddressSubSet(object, class, oid, sub);
	if (OidIsValid(oid))
		add_all(locks, cmig_dropped_locks(&object, cascade), mode);
}

/*
 * Add the locks of a DROP, and record that the relation's name no longer
 * exists.
 */
static void
add_dropped(CmigPlannedLocks *plan, List **locks, const CmigLock *lock)
{
	ObjectAddress object;
	CmigLintTable *named;

	if (lock->relation == NULL)
	{
		if (cmig_dropped_locks_find(lock->type, lock->object, &object))
			add_all(locks, cmig_dropped_locks(&object, lock->cascade), lock->mode);
		return;
	}
	named = cmig_lint_state_find(plan, lock->relation, true);
	if (named == NULL)
		return;
	if (OidIsValid(named->oid))
	{
		add_dropped_object(locks, RelationRelationId, named->oid, 0, lock->cascade, lock->mode);
		if (lock->with & CMIG_LOCK_PARENT)
			add_all(locks, cmig_related_parent(named->oid), AccessExclusiveLock);
	}
	else
		add_missing(locks, lock->relation, named, NULL, lock->mode);
	cmig_lint_state_remove(plan, named);
}

/* Add the locks for dropping a column, including the locks on child tables. */
static void
add_dropped_column(List **locks, const CmigLock *lock, Oid relation)
{
	ListCell   *lc;

	/* with ONLY, the child tables keep the column, but are locked */
	add_existing(locks, relation, AccessExclusiveLock);
	add_all(locks, cmig_related_direct_children(relation), AccessExclusiveLock);
	foreach(lc, lock->relation->inh ? cmig_related_children(relation) : list_make1_oid(relation))
	{
		AttrNumber	attnum = get_attnum(lfirst_oid(lc), lock->name);

		if (attnum != InvalidAttrNumber)
			add_dropped_object(locks, RelationRelationId, lfirst_oid(lc), attnum, lock->cascade, AccessExclusiveLock);
	}
}

/*
 * Add the locks for changing or dropping a trigger, rule, or policy.  A trigger
 * of a partitioned table is also changed in the partitions.
 */
static void
add_trigger_or_similar(List **locks, const CmigLock *lock, Oid relation)
{
	Oid			class = lock->type == OBJECT_TRIGGER ? TriggerRelationId :
	lock->type == OBJECT_RULE ? RewriteRelationId : PolicyRelationId;
	Oid			part = lock->type == OBJECT_TRIGGER ? get_trigger_oid(relation, lock->name, true) :
	lock->type == OBJECT_RULE ? get_rewrite_oid(relation, lock->name, true) :
	get_relation_policy_oid(relation, lock->name, true);

	add_dropped_object(locks, class, part, 0, false, lock->mode);
	if (OidIsValid(part) || !lock->missing_ok)
		add_existing(locks, relation, lock->mode);
}

/* Add the locks of an action on part of an existing relation. */
static void
add_part(List **locks, const CmigLock *lock, Oid relation)
{
	Oid			oid;
	int32		column;
	ListCell   *lc;

	switch (lock->action)
	{
		case CMIG_LOCK_ADD_COLUMN:

			/*
			 * a rewrite also rebuilds the indexes of child tables and
			 * partitions
			 */
			foreach(lc, cmig_column_rewrites(lock->column) ? cmig_related_children(relation) : NIL)
			{
				if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
					add_all(locks, cmig_related_indexes(lfirst_oid(lc)), AccessExclusiveLock);
			}
			break;
		case CMIG_LOCK_DROP_COLUMN:
			add_dropped_column(locks, lock, relation);
			break;
		case CMIG_LOCK_DROP_CONSTRAINT:
			oid = get_relation_constraint_oid(relation, lock->name, true);
			add_dropped_object(locks, ConstraintRelationId, oid, 0, lock->cascade, AccessExclusiveLock);
			break;
		case CMIG_LOCK_RETYPE:
			foreach(lc, cmig_related_children(relation))
				add_all(locks, cmig_related_retyped(lfirst_oid(lc), lock->name, lock->new_type, lock->converts),
						AccessExclusiveLock);
			break;
		case CMIG_LOCK_PART:
			add_trigger_or_similar(locks, lock, relation);
			break;
		case CMIG_LOCK_RENAME_CONSTRAINT:
			/* the constraint's index is renamed, too */
			oid = get_relation_constraint_oid(relation, lock->name, true);
			if (OidIsValid(oid) && OidIsValid(get_constraint_index(oid)))
				add_existing(locks, get_constraint_index(oid), lock->mode);
			break;
		case CMIG_LOCK_IDENTITY:
			foreach(lc, getOwnedSequences(relation))
			{
				if (sequenceIsOwned(lfirst_oid(lc), DEPENDENCY_INTERNAL, &oid, &column) &&
					column == get_attnum(relation, lock->name))
					add_existing(locks, lfirst_oid(lc), lock->mode);
			}
			break;
		case CMIG_LOCK_ACCESS_METHOD:
			oid = cmig_related_method(relation);
			if (!OidIsValid(oid) || oid != get_am_oid(lock->name ? lock->name : default_table_access_method, true))
				add_all(locks, cmig_related_indexes(relation), AccessExclusiveLock);
			break;
		case CMIG_LOCK_VALIDATE:
			add_all(locks, cmig_related_validated(relation, lock->name), RowShareLock);
			break;
		default:
			break;
	}
}

/* Add the locks of DROP OWNED or REASSIGN OWNED. */
static void
add_owned(List **locks, const CmigLock *lock)
{
	bool		drops = lock->action == CMIG_LOCK_DROP_OWNED;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, (List *) lock->object)
	{
		Oid			role = get_rolespec_oid(lfirst_node(RoleSpec, lc), true);

		foreach(lc2, cmig_related_owned(role, SHARED_DEPENDENCY_OWNER))
		{
			const ObjectAddress *object = lfirst(lc2);

			if (drops)
				add_all(locks, cmig_dropped_locks(object, lock->cascade), lock->mode);
			else if (object->classId == RelationRelationId)
				add_related(locks, lock, object->objectId);
		}
		/* DROP OWNED changes the policies that name the role */
		foreach(lc2, drops ? cmig_related_owned(role, SHARED_DEPENDENCY_POLICY) : NIL)
			add_all(locks, cmig_dropped_locks(lfirst(lc2), false), lock->mode);
	}
}

/*
 * Add a function to the list of unknown code if the function's code might take
 * locks.  It might if the function does not exist yet, or if the function is
 * neither in pg_catalog nor immutable.
 */
static void
add_called(const FuncCall *call, List **unknown)
{
	const char *name = strVal(llast(call->funcname));
	int			parts = list_length(call->funcname);
	const char *schema = parts > 1 ? strVal(list_nth(call->funcname, parts - 2)) : NULL;
	List	   *path = fetch_search_path(true);
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	bool		found = false;
	bool		harmless = false;

	for (int i = 0; i < functions->n_members && !(found && !harmless); i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);
		char	   *actual = get_namespace_name(form->pronamespace);

		if (actual == NULL || (schema != NULL ? strcmp(schema, actual) != 0 : !list_member_oid(path, form->pronamespace)))
			continue;
		found = true;
		harmless = form->pronamespace == PG_CATALOG_NAMESPACE || form->provolatile == PROVOLATILE_IMMUTABLE;
		if (!harmless)
			schema = actual;
	}
	ReleaseSysCacheList(functions);
	if (!harmless)
		*unknown = lappend(*unknown, psprintf("the function %s", quote_qualified_identifier(schema, name)));
}

/* Record a relation that a statement creates. */
static void
add_created(CmigPlannedLocks *plan, const CmigLock *lock)
{
	RangeVar	created = *lock->relation;
	char		kind = 0;
	CmigLintTable *table;

	if (lock->object != NULL && IsA(lock->object, CreateStmt) && ((CreateStmt *) lock->object)->partspec != NULL)
		kind = RELKIND_PARTITIONED_TABLE;
	else if (lock->object != NULL && IsA(lock->object, IndexStmt))
	{
		/* an index is created in the schema of its table */
		table = cmig_lint_state_find(plan, ((IndexStmt *) lock->object)->relation, true);
		created.schemaname = table != NULL ? (char *) table->schema : NULL;
		kind = table != NULL && table->kind == RELKIND_PARTITIONED_TABLE ? RELKIND_PARTITIONED_INDEX : RELKIND_INDEX;
	}
	if (created.schemaname == NULL && created.relpersistence != RELPERSISTENCE_TEMP)
		created.schemaname = (char *) cmig_lint_state_creation_schema(plan);
	table = created.schemaname != NULL ? cmig_lint_state_find(plan, &created, true) : NULL;
	/* a statement that replaces a relation, or fails, creates no new one */
	if (table == NULL || !OidIsValid(table->oid))
		(void) cmig_lint_state_add(plan, &created, kind);
}

char *
cmig_planned_locks_failure(CmigPlannedLocks *plan, Node *statement)
{
	plan->session.path = cmig_lint_session_path(namespace_search_path);
	return cmig_lint_state_concurrently_failure(plan, statement, true);
}

/*
 * Apply one entry of a statement's list of locks and actions: add a lock, or
 * record a changed name.
 */
static void
follow(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown)
{
	CmigLintTable *named;
	const char *gone;
	ObjectAddress object;

	switch (lock->action)
	{
		case CMIG_LOCK_UNKNOWN:
			*unknown = lappend(*unknown, unconstify(char *, lock->name));
			return;
		case CMIG_LOCK_CALL:
			add_called((const FuncCall *) lock->object, unknown);
			return;
		case CMIG_LOCK_DROP_OWNED:
		case CMIG_LOCK_REASSIGN_OWNED:
			add_owned(locks, lock);
			return;
		case CMIG_LOCK_CREATE:
			add_created(plan, lock);
			return;
		case CMIG_LOCK_CREATE_SCHEMA:
			cmig_lint_objects_add_schema(plan, lock->name);
			return;
		case CMIG_LOCK_RENAME:
			named = cmig_lint_state_find(plan, lock->relation, true);
			if (named != NULL)
				cmig_lint_state_rename(plan, named, lock->to_schema ? lock->name : named->schema,
									   lock->to_schema ? named->name : lock->name);
			return;
		case CMIG_LOCK_DROP:
			add_dropped(plan, locks, lock);
			return;
		case CMIG_LOCK_DOMAIN:
			/* the tables that have columns of the domain */
			if (cmig_dropped_locks_find(lock->type, lock->object, &object))
				add_all(locks, cmig_related_with_type(object.objectId), lock->mode);
			return;
		case CMIG_LOCK_PUBLICATION:
			add_all(locks, cmig_related_published(lock->name), lock->mode);
			return;
		default:
			break;
	}
	named = cmig_lint_state_look(plan, lock->relation, &gone);
	if (named == NULL || !OidIsValid(named->oid))
	{
		if (lock->action == CMIG_LOCK_TAKE || (lock->action == CMIG_LOCK_PART && (named != NULL || !lock->missing_ok)))
			add_missing(locks, lock->relation, named, gone, lock->mode);
	}
	else if (lock->action == CMIG_LOCK_TAKE)
		add_related(locks, lock, named->oid);
	else
		add_part(locks, lock, named->oid);
}

List *
cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, List **unknown)
{
	List	   *locks = NIL;
	ListCell   *lc;

	*unknown = NIL;
	plan->session.path = cmig_lint_session_path(namespace_search_path);
	if (IsA(statement, AlterTableStmt))
	{
		const AlterTableStmt *alter = (AlterTableStmt *) statement;
		AlterTableType type = linitial_node(AlterTableCmd, alter->cmds)->subtype;
		CmigLintTable *table = cmig_lint_state_find(plan, alter->relation, true);

		if (table != NULL && (type == AT_DetachPartition || type == AT_DetachPartitionFinalize))
			table->detached = true;
	}
	foreach(lc, cmig_statement_locks(statement))
	{
		follow(plan, &locks, lfirst(lc), unknown);
	}
	return locks;
}

List *
cmig_planned_locks_merge(List *locks, List *more)
{
	ListCell   *lc;

	foreach(lc, more)
	{
		add_lock(&locks, lfirst(lc));
	}
	return locks;
}

char *
cmig_planned_locks_text(List *locks)
{
	StringInfoData text;
	ListCell   *lc;

	if (locks == NIL)
		return NULL;
	initStringInfo(&text);
	list_sort(locks, compare_locks);
	foreach(lc, locks)
	{
		const CmigPlannedLock *lock = lfirst(lc);

		if (text.len > 0)
			appendStringInfoChar(&text, '\n');
		if (OidIsValid(lock->oid))
			appendStringInfo(&text, "%s%s", cmig_measure_lock_line(lock->mode, lock->name, lock->kind, lock->size),
							 lock->routed ? ", if it gets rows" : "");
		else
			appendStringInfo(&text, "%s on %s, %s", cmig_measure_mode_name(lock->mode), lock->name,
							 lock->is_new ? "new" : "not found");
	}
	return text.data;
}

/* ----------------------------------------------------------------
 * Applies a script's changes to search_path and TimeZone while the script
 * is read without being run.  These settings affect what names and types
 * in the script mean.
 * ----------------------------------------------------------------
 */

/*
 * Set a setting if it is one of those that matter here.  If "value" is NULL,
 * the setting's default is used.  An invalid value is ignored, because the
 * script's statement will fail when it is run.
 */
static void
follow_setting(const char *name, const char *value)
{
	if (pg_strcasecmp(name, "search_path") == 0 || pg_strcasecmp(name, "timezone") == 0)
		(void) set_config_option(name, value != NULL ? value : GetConfigOptionResetString(name),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

FuncCall *
cmig_script_settings_call(const ResTarget *target)
{
	FuncCall   *call = (FuncCall *) target->val;

	return call != NULL && IsA(call, FuncCall) && list_length(call->args) == 3 &&
		strcmp(strVal(llast(call->funcname)), "set_config") == 0 ? call : NULL;
}

/* Returns the value of a string constant.  Returns NULL for any other node. */
static const char *
string_constant(Node *node)
{
	return IsA(node, A_Const) && !((A_Const *) node)->isnull && IsA(&((A_Const *) node)->val, String) ?
		strVal(&((A_Const *) node)->val) : NULL;
}

void
cmig_script_settings_follow(Node *statement)
{
	VariableSetStmt *set = (VariableSetStmt *) statement;
	ListCell   *lc;

	if (IsA(statement, SelectStmt))
	{
		foreach(lc, ((SelectStmt *) statement)->targetList)
		{
			FuncCall   *call = cmig_script_settings_call(lfirst_node(ResTarget, lc));
			const char *name = call == NULL ? NULL : string_constant(linitial(call->args));
			const char *value = call == NULL ? NULL : string_constant(lsecond(call->args));

			if (name != NULL && value != NULL)
				follow_setting(name, value);
		}
		return;
	}
	if (!IsA(statement, VariableSetStmt))
		return;
	switch (set->kind)
	{
		case VAR_SET_VALUE:
			follow_setting(set->name, ExtractSetVariableArgs(set));
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			follow_setting(set->name, NULL);
			break;
		case VAR_RESET_ALL:
			follow_setting("search_path", NULL);
			follow_setting("timezone", NULL);
			break;
		default:
			break;
	}
}

/* ----------------------------------------------------------------
 * Determines the locks that entire scripts would take, without running
 * them.
 *
 * Names are looked up with the search_path that is used to run scripts,
 * including the changes that the script makes to it.
 * ----------------------------------------------------------------
 */

/* The state of reading a script's locks. */
typedef struct Reading
{
	CmigPlannedLocks *plan;
	const char *sql;
	int			statement;		/* number of the current statement */
	List	   *locks;
	List	   *unknown;		/* of char *: parts that run unknown code */
	List	   *failures;		/* of char *: statements that fail */
} Reading;

/*
 * The maximum number of parts with unknown code that are listed by name.  If
 * there are more, another entry says so.
 */
#define MAX_UNKNOWN 100

/*
 * Subtransaction callback: read a script as the runner does, and collect its
 * locks.
 */
static void
read_script(void *arg)
{
	Reading    *reading = arg;
	CmigScriptReader *script;
	CmigStatement statement;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
	reading->statement = 1;
	script = cmig_script_open(reading->sql);
	while (cmig_script_next(script, &statement))
	{
		List	   *unknown;
		List	   *locks;
		char	   *failure;
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		reading->statement = statement.number;
		failure = cmig_planned_locks_failure(reading->plan, statement.raw->stmt);
		if (failure != NULL)
			reading->failures = lappend(reading->failures, psprintf("statement %d: %s", statement.number, failure));
		locks = cmig_planned_locks_of(reading->plan, statement.raw->stmt, &unknown);
		reading->locks = cmig_planned_locks_merge(reading->locks, locks);
		foreach(lc, unknown)
		{
			int			count = list_length(reading->unknown);

			if (count <= MAX_UNKNOWN && !cmig_text_list_has(reading->unknown, lfirst(lc)))
				reading->unknown = lappend(reading->unknown, pstrdup(count < MAX_UNKNOWN ? lfirst(lc) : "other code"));
		}
		cmig_script_settings_follow(statement.raw->stmt);
		reading->statement++;
	}
}

/* Append a line to a string.  An empty string is NULL. */
static char *
add_line(char *text, char *line)
{
	return text == NULL ? line : psprintf("%s\n%s", text, line);
}

/*
 * Read a script, and collect its locks.  If an error prevents reading the whole
 * script, returns the error.  Otherwise, returns NULL.
 */
static ErrorData *
read_locks(Reading *reading, CmigPlannedLocks *plan, const char *sql)
{
	ErrorData  *error;

	/* spare a long plan a subtransaction for each script that is empty */
	if (sql[strspn(sql, " \t\r\n")] == '\0')
		return NULL;
	reading->plan = plan;
	reading->sql = sql;
	error = cmig_subtransaction_rehearse(read_script, reading);
	cmig_planned_locks_end_script(plan);
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error;
}

List *
cmig_script_locks_list(CmigPlannedLocks *plan, const char *sql, bool *known)
{
	Reading    *reading = palloc0(sizeof(Reading));

	*known = read_locks(reading, plan, sql) == NULL && reading->unknown == NIL;
	return reading->locks;
}

char *
cmig_script_locks(CmigPlannedLocks *plan, const char *sql)
{
	Reading    *reading = palloc0(sizeof(Reading));
	ErrorData  *error = read_locks(reading, plan, sql);
	ListCell   *lc;
	char	   *text = cmig_planned_locks_text(reading->locks);

	foreach(lc, reading->unknown)
	{
		text = add_line(text, psprintf("unknown for %s", (char *) lfirst(lc)));
	}
	foreach(lc, reading->failures)
		text = add_line(text, lfirst(lc));
	if (error != NULL)
		text = add_line(text, psprintf("unknown from statement %d on: %s", reading->statement,
									   error->message));
	return text;
}
