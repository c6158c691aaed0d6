/*
 * planned_locks.c
 *	  Determines the locks that statements would take, without running them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "inspect/column_rewrite.h"
#include "inspect/dropped_locks.h"
#include "inspect/existing.h"
#include "inspect/measure.h"
#include "inspect/planned_locks.h"
#include "inspect/planned_names.h"
#include "inspect/related.h"
#include "inspect/statement_locks.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "rewrite/rewriteSupport.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* The names changed by the statements that have been read so far. */
struct CmigPlannedLocks
{
	CmigPlannedNames *names;
};

CmigPlannedLocks *
cmig_planned_locks_start(void)
{
	CmigPlannedLocks *plan = palloc0(sizeof(CmigPlannedLocks));

	plan->names = cmig_planned_names_start();
	return plan;
}

void
cmig_planned_locks_end_script(CmigPlannedLocks *plan)
{
	cmig_planned_names_end_script(plan->names);
}

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
	lock->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
	lock->size = cmig_existing_size_now(relation);
	add_lock(locks, lock);
}

/* Add a lock on a relation that does not exist yet. */
static void
add_missing(List **locks, const RangeVar *relation, const CmigPlannedName *named, LOCKMODE mode)
{
	CmigPlannedLock *lock;

	if (named->is_temporary)
		return;					/* no other session can use the relation */
	lock = palloc0(sizeof(CmigPlannedLock));
	lock->mode = mode;
	lock->name = quote_qualified_identifier(named->schema, relation->relname);
	lock->is_new = named->is_new;
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

/* Add locks on the partitions to which a statement can add rows. */
static void
add_routed(List **locks, Oid table, LOCKMODE mode)
{
	List	   *partitions = NIL;
	ListCell   *lc;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return;
	add_all(&partitions, list_delete_oid(cmig_related_children(table), table), mode);
	foreach(lc, partitions)
	{
		CmigPlannedLock *lock = lfirst(lc);

		lock->routed = true;
		add_lock(locks, lock);
	}
}

/*
 * Returns the lock mode for the referenced table of a foreign key, given the
 * lock mode for the referencing table.
 */
static LOCKMODE
referenced_mode(LOCKMODE mode)
{
	return mode == RowExclusiveLock ? RowShareLock : ShareRowExclusiveLock;
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

/* Does lock->with request locks on the relation's child tables? */
static bool
recurses(const CmigLock *lock, Oid relation)
{
	bool		partitioned = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;

	if (lock->with & CMIG_LOCK_CHILDREN)
		return lock->relation == NULL || lock->relation->inh;
	return (lock->with & CMIG_LOCK_PARTITIONS && partitioned) ||
		(lock->with & CMIG_LOCK_INHERITED && !partitioned);
}

/*
 * Add locks on a relation and on the related relations that lock->with
 * requests.
 */
static void
add_related(List **locks, const CmigLock *lock, Oid relation)
{
	List	   *tables = list_make1_oid(relation);
	ListCell   *lc;

	if (recurses(lock, relation))
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
			add_all(locks, cmig_related_sequences(table), lock->mode);
		if (lock->with & CMIG_LOCK_REFERENCED)
			add_all(locks, cmig_related_referenced(table), referenced_mode(lock->mode));
		if (lock->with & CMIG_LOCK_VIEWED)
			add_all(locks, cmig_related_viewed(table), lock->mode >= ExclusiveLock &&
					get_rel_relkind(table) == RELKIND_MATVIEW ? AccessShareLock : lock->mode);
	}
	if (lock->with & CMIG_LOCK_ROUTED)
		add_routed(locks, relation, lock->mode);
	if (lock->with & CMIG_LOCK_TABLE)
		add_existing(locks, cmig_related_table(relation), lock->table_mode);
	if (lock->with & CMIG_LOCK_KEYS)
		add_all(locks, list_delete_oid(cmig_related_keys(relation), relation), lock->table_mode);
	if (lock->with & CMIG_LOCK_TYPED)
		add_all(locks, cmig_related_typed(relation), lock->mode);
	if (lock->with & CMIG_LOCK_DEFAULT)
		add_all(locks, cmig_related_default(relation), AccessExclusiveLock);
}

/*
 * Add the locks of a DROP, and record that the relation's name no longer
 * exists.
 */
static void
add_dropped(CmigPlannedLocks *plan, List **locks, const CmigLock *lock)
{
	ObjectAddress object;

	if (lock->relation == NULL)
	{
		if (cmig_dropped_locks_find(lock->type, lock->object, &object))
			add_all(locks, cmig_dropped_locks(&object, lock->cascade), lock->mode);
		return;
	}
	else
	{
		CmigPlannedName named = cmig_planned_names_find(plan->names, lock->relation);

		if (OidIsValid(named.oid))
		{
			ObjectAddressSet(object, RelationRelationId, named.oid);
			add_all(locks, cmig_dropped_locks(&object, lock->cascade), lock->mode);
			if (lock->with & CMIG_LOCK_PARENT)
				add_all(locks, cmig_related_parent(named.oid), AccessExclusiveLock);
		}
		else if (named.is_new)
			add_missing(locks, lock->relation, &named, lock->mode);
		cmig_planned_names_drop(plan->names, lock->relation);
	}
}

/* Add locks on the tables that have columns of a domain. */
static void
add_domain(List **locks, const CmigLock *lock)
{
	ObjectAddress object;

	if (cmig_dropped_locks_find(lock->type, lock->object, &object))
		add_all(locks, cmig_related_with_type(object.objectId), lock->mode);
}

/* Add the locks for dropping a column, including the locks on child tables. */
static void
add_dropped_column(List **locks, const CmigLock *lock, Oid relation)
{
	List	   *tables = lock->relation->inh ? cmig_related_children(relation) : list_make1_oid(relation);
	ListCell   *lc;

	/* with ONLY, the child tables keep the column, but are locked */
	add_all(locks, cmig_related_direct_children(relation), AccessExclusiveLock);
	foreach(lc, tables)
		add_all(locks, cmig_dropped_locks_column(lfirst_oid(lc), lock->name, lock->cascade), AccessExclusiveLock);
}

/*
 * Add locks on the indexes of a table that is rewritten, and on the indexes of
 * its child tables and partitions.
 */
static void
add_rewritten(List **locks, Oid relation)
{
	ListCell   *lc;

	foreach(lc, cmig_related_children(relation))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
			add_all(locks, cmig_related_indexes(lfirst_oid(lc)), AccessExclusiveLock);
	}
}

/*
 * Add the locks for changing the type of a column, including the locks on child
 * tables.
 */
static void
add_retyped(List **locks, const CmigLock *lock, Oid relation)
{
	ListCell   *lc;

	foreach(lc, cmig_related_children(relation))
		add_all(locks, cmig_related_retyped(lfirst_oid(lc), lock->name, lock->new_type, lock->converts),
				AccessExclusiveLock);
}

/*
 * Returns the address of a trigger, rule, or policy.  If the object does not
 * exist, the objectId of the address is InvalidOid.
 */
static ObjectAddress
find_part(const CmigLock *lock, Oid relation)
{
	ObjectAddress part = InvalidObjectAddress;

	if (lock->type == OBJECT_TRIGGER)
		ObjectAddressSet(part, TriggerRelationId, get_trigger_oid(relation, lock->name, true));
	else if (lock->type == OBJECT_RULE)
		ObjectAddressSet(part, RewriteRelationId, get_rewrite_oid(relation, lock->name, true));
	else
		ObjectAddressSet(part, PolicyRelationId, get_relation_policy_oid(relation, lock->name, true));
	return part;
}

/*
 * Add the locks for changing or dropping a trigger, rule, or policy.  A trigger
 * of a partitioned table is also changed in the partitions.
 */
static void
add_trigger_or_similar(List **locks, const CmigLock *lock, Oid relation)
{
	ObjectAddress part = find_part(lock, relation);

	if (OidIsValid(part.objectId))
		add_all(locks, cmig_dropped_locks(&part, false), lock->mode);
	if (OidIsValid(part.objectId) || !lock->missing_ok)
		add_existing(locks, relation, lock->mode);
}

/* Add a lock on the index that is renamed together with a constraint. */
static void
add_renamed_index(List **locks, const CmigLock *lock, Oid relation)
{
	Oid			constraint = get_relation_constraint_oid(relation, lock->name, true);
	Oid			index = OidIsValid(constraint) ? get_constraint_index(constraint) : InvalidOid;

	if (OidIsValid(index))
		add_existing(locks, index, lock->mode);
}

/* Add the locks of an action on part of an existing relation. */
static void
add_part(List **locks, const CmigLock *lock, Oid relation)
{
	switch (lock->action)
	{
		case CMIG_LOCK_ADD_COLUMN:
			if (cmig_column_rewrites(lock->column))
				add_rewritten(locks, relation);
			break;
		case CMIG_LOCK_DROP_COLUMN:
			add_dropped_column(locks, lock, relation);
			break;
		case CMIG_LOCK_DROP_CONSTRAINT:
			add_all(locks, cmig_dropped_locks_constraint(relation, lock->name, lock->cascade), AccessExclusiveLock);
			break;
		case CMIG_LOCK_RETYPE:
			add_retyped(locks, lock, relation);
			break;
		case CMIG_LOCK_PART:
			add_trigger_or_similar(locks, lock, relation);
			break;
		case CMIG_LOCK_RENAME_CONSTRAINT:
			add_renamed_index(locks, lock, relation);
			break;
		case CMIG_LOCK_IDENTITY:
			add_all(locks, cmig_related_identity(relation, lock->name), lock->mode);
			break;
		case CMIG_LOCK_ACCESS_METHOD:
			if (!cmig_related_has_method(relation, lock->name))
				add_all(locks, cmig_related_indexes(relation), AccessExclusiveLock);
			break;
		case CMIG_LOCK_VALIDATE:
			add_all(locks, cmig_related_validated(relation, lock->name), RowShareLock);
			break;
		default:
			break;
	}
}

/* The argument of drop_owned() and reassign_owned(). */
typedef struct Owned
{
	List	  **locks;
	const CmigLock *lock;
} Owned;

/* Callback: add the locks for dropping an object owned by the role. */
static void
drop_owned(const ObjectAddress *object, void *arg)
{
	Owned	   *owned = arg;

	add_all(owned->locks, cmig_dropped_locks(object, owned->lock->cascade), owned->lock->mode);
}

/*
 * Callback: add the locks for changing the owner of an object owned by the
 * role.
 */
static void
reassign_owned(const ObjectAddress *object, void *arg)
{
	Owned	   *owned = arg;

	if (object->classId == RelationRelationId)
		add_related(owned->locks, owned->lock, object->objectId);
}

/* Add the locks of DROP OWNED or REASSIGN OWNED. */
static void
add_owned(List **locks, const CmigLock *lock)
{
	Owned		owned = {locks, lock};
	bool		drops = lock->action == CMIG_LOCK_DROP_OWNED;
	ListCell   *lc;

	foreach(lc, (List *) lock->object)
	{
		Oid			role = get_rolespec_oid(lfirst_node(RoleSpec, lc), true);

		cmig_related_owned(role, drops ? drop_owned : reassign_owned, &owned);
		if (drops)
			add_all(locks, cmig_related_policed(role), lock->mode);
	}
}

/* Is the schema in search_path? */
static bool
is_in_path(const char *schema)
{
	ListCell   *lc;

	foreach(lc, fetch_search_path(true))
	{
		char	   *name = get_namespace_name(lfirst_oid(lc));

		if (name != NULL && strcmp(name, schema) == 0)
			return true;
	}
	return false;
}

/* Returns the schema that a function call names, or NULL if it names none. */
static const char *
called_schema(const FuncCall *call)
{
	int			count = list_length(call->funcname);

	return count > 1 ? strVal(list_nth(call->funcname, count - 2)) : NULL;
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
	const char *schema = called_schema(call);
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	bool		found = false;
	bool		harmless = false;

	for (int i = 0; i < functions->n_members && !(found && !harmless); i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);
		char	   *actual = get_namespace_name(form->pronamespace);

		if (actual == NULL || (schema != NULL ? strcmp(schema, actual) != 0 : !is_in_path(actual)))
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

/*
 * Apply one entry of a statement's list of locks and actions: add a lock, or
 * record a changed name.
 */
static void
follow(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown)
{
	CmigPlannedName named;

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
			cmig_planned_names_create(plan->names, lock->relation);
			return;
		case CMIG_LOCK_CREATE_SCHEMA:
			cmig_planned_names_create_schema(plan->names, lock->name);
			return;
		case CMIG_LOCK_RENAME:
			cmig_planned_names_rename(plan->names, lock->relation, lock->name, lock->to_schema);
			return;
		case CMIG_LOCK_DROP:
			add_dropped(plan, locks, lock);
			return;
		case CMIG_LOCK_DOMAIN:
			add_domain(locks, lock);
			return;
		case CMIG_LOCK_PUBLICATION:
			add_all(locks, cmig_related_published(lock->name), lock->mode);
			return;
		default:
			break;
	}
	named = cmig_planned_names_find(plan->names, lock->relation);
	if (!OidIsValid(named.oid))
	{
		if (lock->action == CMIG_LOCK_TAKE ||
			(lock->action == CMIG_LOCK_PART && (named.is_new || !lock->missing_ok)))
			add_missing(locks, lock->relation, &named, lock->mode);
	}
	else if (lock->action == CMIG_LOCK_TAKE)
		add_related(locks, lock, named.oid);
	else
		add_part(locks, lock, named.oid);
}

List *
cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, List **unknown)
{
	List	   *locks = NIL;
	ListCell   *lc;

	*unknown = NIL;
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

/* Formats a lock as a line of text. */
static char *
lock_line(const CmigPlannedLock *lock)
{
	if (OidIsValid(lock->oid))
		return psprintf("%s%s", cmig_measure_lock_line(lock->mode, lock->name, lock->kind, lock->size),
						lock->routed ? ", if it gets rows" : "");
	return psprintf("%s on %s, %s", cmig_measure_mode_name(lock->mode), lock->name,
					lock->is_new ? "new" : "not found");
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
		appendStringInfo(&text, "%s%s", text.len > 0 ? "\n" : "", lock_line(lfirst(lc)));
	}
	return text.data;
}
