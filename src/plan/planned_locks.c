/*
 * planned_locks.c
 *	  The locks of a plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
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
#include "run/run.h"

/* ----------------------------------------------------------------
 * Looks up relation names as they are after the statements of a plan that
 * have been read so far.
 * ----------------------------------------------------------------
 */

/* The names that statements have created, dropped, or changed. */
typedef struct CmigPlannedNames CmigPlannedNames;

/* A relation that a statement names. */
typedef struct CmigPlannedName
{
	Oid			oid;			/* InvalidOid if the relation does not exist */
	bool		is_new;			/* true if an earlier statement has created
								 * the relation */
	bool		is_temporary;	/* true for a temporary relation of the script */
	char		kind;			/* as in pg_class.relkind, of a new relation;
								 * 0 if that is not known */
	char	   *schema;			/* NULL if the name is unqualified and the
								 * relation is not known */
} CmigPlannedName;

/* The schema of the temporary relations that a script creates. */
#define TEMPORARY "pg_temp"

/* A change to what a relation name refers to. */
typedef struct Change
{
	char	   *schema;			/* NULL if the name was unqualified and there
								 * was no schema to create it in; TEMPORARY
								 * for a temporary relation */
	Oid			oid;			/* OID of the relation; InvalidOid if the plan
								 * has created or dropped it */
	bool		gone;
	char		kind;			/* as in CmigPlannedName */
} Change;

/* The changes to the same relation name in all schemas. */
typedef struct Entry
{
	char		name[NAMEDATALEN];	/* hash key */
	List	   *changes;		/* of Change *, latest first */
} Entry;

/* The names that statements have created, dropped, or changed. */
struct CmigPlannedNames
{
	MemoryContext context;
	HTAB	   *entries;		/* of Entry; NULL if there are none */
	List	   *temporary;		/* of char *: names of temporary relations */
	List	   *schemas;		/* of char *: schemas that the plan creates */
};

/* Start without changes.  The state lives in the current memory context. */
static CmigPlannedNames *
planned_names_start(void)
{
	CmigPlannedNames *names = palloc0(sizeof(CmigPlannedNames));

	names->context = CurrentMemoryContext;
	return names;
}

/*
 * search_path
 */

/* Returns the existing schemas in search_path, as a List of char *. */
static List *
existing_path(bool implicit)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, fetch_search_path(implicit))
	{
		char	   *name = get_namespace_name(lfirst_oid(lc));

		if (name != NULL)
			result = lappend(result, name);
	}
	return result;
}

/*
 * Returns the schemas in search_path, including those that the plan creates.
 * "implicit" says whether to include pg_catalog.
 */
static List *
current_path(const CmigPlannedNames *names, bool implicit)
{
	List	   *existing = existing_path(implicit);
	List	   *result = NIL;
	List	   *path;
	ListCell   *lc;

	if (names->schemas == NIL || !SplitIdentifierString(pstrdup(namespace_search_path), ',', &path))
		return existing;
	foreach(lc, path)
	{
		char	   *name = lfirst(lc);

		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		if (cmig_text_list_has(names->schemas, name) || cmig_text_list_has(existing, name))
			result = lappend(result, name);
	}
	return list_concat(result, existing);
}

/*
 * Returns the schema in which a relation with an unqualified name is created.
 * Returns NULL if there is none.
 */
static char *
creation_schema(const CmigPlannedNames *names)
{
	List	   *path = current_path(names, false);

	return path == NIL ? NULL : linitial(path);
}

/*
 * Changes
 */

/* Is this the schema TEMPORARY? */
static bool
is_temporary(const char *schema)
{
	return schema != NULL && strcmp(schema, TEMPORARY) == 0;
}

/*
 * Returns the latest change to what the entry's name refers to in a schema.
 * Returns NULL if there is none.
 */
static const Change *
find_in(const Entry *entry, const char *schema)
{
	ListCell   *lc;

	foreach(lc, entry->changes)
	{
		const Change *change = lfirst(lc);

		if (change->schema != NULL && strcmp(change->schema, schema) == 0)
			return change;
	}
	return NULL;
}

/* Look up a name in a schema as if the plan had made no changes. */
static Oid
existing_relation(const char *schema, const char *name)
{
	Oid			oid = get_namespace_oid(schema, true);

	return OidIsValid(oid) ? get_relname_relid(name, oid) : InvalidOid;
}

/* Returns what a name refers to after a change. */
static CmigPlannedName
changed_name(const Change *change)
{
	CmigPlannedName result = {
		.oid = change->oid,
		.is_new = !OidIsValid(change->oid) && !change->gone,
		.is_temporary = is_temporary(change->schema),
		.kind = change->kind,
		.schema = change->schema
	};

	return result;
}

/*
 * Look up an unqualified name.  A temporary relation hides other relations.  If
 * the plan has removed the name from one schema, it may still exist in a schema
 * later in search_path.
 */
static CmigPlannedName
find_unqualified(const CmigPlannedNames *names, const Entry *entry)
{
	CmigPlannedName result = {.oid = InvalidOid};
	const Change *change = find_in(entry, TEMPORARY);
	ListCell   *lc;

	if (change != NULL && !change->gone)
		return changed_name(change);
	foreach(lc, current_path(names, true))
	{
		const char *schema = lfirst(lc);
		Oid			oid;

		change = find_in(entry, schema);
		if (change != NULL)
		{
			if (!change->gone)
				return changed_name(change);
			if (result.schema == NULL)
				result = changed_name(change);
			continue;
		}
		oid = existing_relation(schema, entry->name);
		if (OidIsValid(oid))
			return (CmigPlannedName)
		{
			.oid = oid
		};
	}
	return result;
}

/* Look up a relation as the next statement would. */
static CmigPlannedName
planned_names_find(const CmigPlannedNames *names, const RangeVar *relation)
{
	const Entry *entry = names->entries == NULL ? NULL :
	hash_search(names->entries, relation->relname, HASH_FIND, NULL);
	const Change *change = NULL;
	CmigPlannedName result = {.schema = relation->schemaname};

	if (relation->schemaname == NULL && entry != NULL)
		return find_unqualified(names, entry);
	if (entry != NULL)
		change = find_in(entry, relation->schemaname);
	if (change != NULL)
		return changed_name(change);
	if (relation->schemaname == NULL)
		result.oid = RelnameGetRelid(relation->relname);
	else
		result.oid = existing_relation(relation->schemaname, relation->relname);
	return result;
}

/* Returns an empty hash table of entries. */
static HTAB *
make_entries(MemoryContext context)
{
	HASHCTL		control = {.keysize = NAMEDATALEN,.entrysize = sizeof(Entry),.hcxt = context};

	return hash_create("pg_cmig planned names", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Record what a name refers to after the current statement. */
static void
change(CmigPlannedNames *names, const char *schema, const char *name, Oid oid, bool gone, char kind)
{
	MemoryContext old = MemoryContextSwitchTo(names->context);
	Change	   *latest = palloc(sizeof(Change));
	bool		found;
	Entry	   *entry;

	if (names->entries == NULL)
		names->entries = make_entries(names->context);
	entry = hash_search(names->entries, name, HASH_ENTER, &found);
	if (!found)
		entry->changes = NIL;
	latest->schema = schema != NULL ? pstrdup(schema) : NULL;
	latest->oid = oid;
	latest->gone = gone;
	latest->kind = kind;
	entry->changes = lcons(latest, entry->changes);
	if (is_temporary(schema))
		names->temporary = lappend(names->temporary, pstrdup(name));
	MemoryContextSwitchTo(old);
}

/* Returns the schema of a relation that has been found. */
static char *
schema_of(const CmigPlannedName *found)
{
	return OidIsValid(found->oid) ? get_namespace_name(get_rel_namespace(found->oid)) : found->schema;
}

/* Record that a statement creates a relation or a schema. */
static void
planned_names_create(CmigPlannedNames *names, const RangeVar *relation, char kind)
{
	const char *schema = relation->schemaname;
	RangeVar	qualified = *relation;

	if (relation->relpersistence == RELPERSISTENCE_TEMP || is_temporary(schema))
	{
		change(names, TEMPORARY, relation->relname, InvalidOid, false, kind);
		return;
	}
	if (schema == NULL)
		schema = creation_schema(names);
	qualified.schemaname = unconstify(char *, schema);
	if (schema == NULL || !OidIsValid(planned_names_find(names, &qualified).oid))
		change(names, schema, relation->relname, InvalidOid, false, kind);
}

static void
planned_names_create_schema(CmigPlannedNames *names, const char *schema)
{
	MemoryContext old = MemoryContextSwitchTo(names->context);

	names->schemas = lappend(names->schemas, pstrdup(schema));
	MemoryContextSwitchTo(old);
}

/* Record that a statement drops a relation. */
static void
planned_names_drop(CmigPlannedNames *names, const RangeVar *relation)
{
	CmigPlannedName found = planned_names_find(names, relation);

	if (OidIsValid(found.oid) || found.is_new)
		change(names, schema_of(&found), relation->relname, InvalidOid, true, 0);
}

/*
 * Record that a relation is renamed to "new_name" or, if "to_schema" is true,
 * is moved to the schema "new_name".
 */
static void
planned_names_rename(CmigPlannedNames *names, const RangeVar *relation,
					 const char *new_name, bool to_schema)
{
	CmigPlannedName found = planned_names_find(names, relation);
	char	   *schema = schema_of(&found);

	if (!OidIsValid(found.oid) && !found.is_new)
		return;
	change(names, schema, relation->relname, InvalidOid, true, 0);
	if (to_schema)
		change(names, new_name, relation->relname, found.oid, false, found.kind);
	else
		change(names, schema, new_name, found.oid, false, found.kind);
}

/*
 * Forget the temporary relations of a script, which are dropped when the script
 * ends.
 */
static void
planned_names_end_script(CmigPlannedNames *names)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, names->temporary)
	{
		Entry	   *entry = hash_search(names->entries, lfirst(lc), HASH_FIND, NULL);

		foreach(lc2, entry->changes)
		{
			if (is_temporary(((const Change *) lfirst(lc2))->schema))
				entry->changes = foreach_delete_current(entry->changes, lc2);
		}
	}
	names->temporary = NIL;
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

/* What the statements that have been read so far have changed. */
struct CmigPlannedLocks
{
	CmigPlannedNames *names;
	List	   *detached;		/* OIDs of tables from which partitions were
								 * detached */
};

CmigPlannedLocks *
cmig_planned_locks_start(void)
{
	CmigPlannedLocks *plan = palloc0(sizeof(CmigPlannedLocks));

	plan->names = planned_names_start();
	return plan;
}

void
cmig_planned_locks_end_script(CmigPlannedLocks *plan)
{
	planned_names_end_script(plan->names);
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
	lock->name = quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(relation)), name);
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
		CmigPlannedName named = planned_names_find(plan->names, lock->relation);

		if (OidIsValid(named.oid))
		{
			ObjectAddressSet(object, RelationRelationId, named.oid);
			add_all(locks, cmig_dropped_locks(&object, lock->cascade), lock->mode);
			if (lock->with & CMIG_LOCK_PARENT)
				add_all(locks, cmig_related_parent(named.oid), AccessExclusiveLock);
		}
		else if (named.is_new)
			add_missing(locks, lock->relation, &named, lock->mode);
		planned_names_drop(plan->names, lock->relation);
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

/* Returns the kind of a relation, or 0 if it is not known. */
static char
kind_of(const CmigPlannedName *found)
{
	return OidIsValid(found->oid) ? get_rel_relkind(found->oid) : found->kind;
}

/* Record a relation that a statement creates. */
static void
add_created(CmigPlannedLocks *plan, const CmigLock *lock)
{
	RangeVar	created = *lock->relation;
	char		kind = 0;

	if (lock->object != NULL && IsA(lock->object, CreateStmt) && ((CreateStmt *) lock->object)->partspec != NULL)
		kind = RELKIND_PARTITIONED_TABLE;
	else if (lock->object != NULL && IsA(lock->object, IndexStmt))
	{
		CmigPlannedName table = planned_names_find(plan->names, ((IndexStmt *) lock->object)->relation);

		/* an index is created in the schema of its table */
		created.schemaname = schema_of(&table);
		if (kind_of(&table) == RELKIND_PARTITIONED_TABLE)
			kind = RELKIND_PARTITIONED_INDEX;
	}
	planned_names_create(plan->names, &created, kind);
}

/*
 * Does the table have a default partition that the plan has not detached,
 * dropped, or renamed?
 */
static bool
has_default(const CmigPlannedLocks *plan, Oid table)
{
	Oid			partition = get_default_partition_oid(table);
	char	   *name = OidIsValid(partition) && !list_member_oid(plan->detached, table) ? get_rel_name(partition) : NULL;

	return name != NULL &&
		planned_names_find(plan->names, makeRangeVar(get_namespace_name(get_rel_namespace(partition)), name, -1)).oid == partition;
}

char *
cmig_planned_locks_failure(const CmigPlannedLocks *plan, Node *statement)
{
	const RangeVar *relation = cmig_concurrently_relation(statement);
	CmigPlannedName named;

	if (relation == NULL)
		return NULL;
	named = planned_names_find(plan->names, relation);
	return cmig_concurrently_failure(statement, quote_qualified_identifier(schema_of(&named), relation->relname),
									 kind_of(&named), named.is_temporary,
									 OidIsValid(named.oid) && has_default(plan, named.oid));
}

/* Record the table from which the statement detaches a partition, if any. */
static void
note_detached(CmigPlannedLocks *plan, const AlterTableStmt *alter)
{
	MemoryContext old = MemoryContextSwitchTo(plan->names->context);
	AlterTableType type = linitial_node(AlterTableCmd, alter->cmds)->subtype;

	if (type == AT_DetachPartition || type == AT_DetachPartitionFinalize)
		plan->detached = list_append_unique_oid(plan->detached, planned_names_find(plan->names, alter->relation).oid);
	MemoryContextSwitchTo(old);
}

/*
 * Apply one entry of a statement's list of locks and actions: add a lock, or
 * record a changed name.
 */
static void
planned_locks_follow(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown)
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
			add_created(plan, lock);
			return;
		case CMIG_LOCK_CREATE_SCHEMA:
			planned_names_create_schema(plan->names, lock->name);
			return;
		case CMIG_LOCK_RENAME:
			planned_names_rename(plan->names, lock->relation, lock->name, lock->to_schema);
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
	named = planned_names_find(plan->names, lock->relation);
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
	if (IsA(statement, AlterTableStmt))
		note_detached(plan, (AlterTableStmt *) statement);
	foreach(lc, cmig_statement_locks(statement))
	{
		planned_locks_follow(plan, &locks, lfirst(lc), unknown);
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

/* ----------------------------------------------------------------
 * Applies a script's changes to search_path and TimeZone while the script
 * is read without being run.  These settings affect what names and types
 * in the script mean.
 * ----------------------------------------------------------------
 */

/* Is this one of the settings that this module tracks? */
static bool
is_followed(const char *name)
{
	return pg_strcasecmp(name, "search_path") == 0 || pg_strcasecmp(name, "timezone") == 0;
}

/*
 * Set a setting if this module tracks it.  If "value" is NULL, the setting's
 * default is used.  An invalid value is ignored, because the script's statement
 * will fail when it is run.
 */
static void
script_settings_follow(const char *name, const char *value)
{
	if (is_followed(name))
		(void) set_config_option(name, value != NULL ? value : GetConfigOptionResetString(name),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

/* Apply the change made by SET or RESET. */
static void
follow_set(VariableSetStmt *set)
{
	switch (set->kind)
	{
		case VAR_SET_VALUE:
			if (is_followed(set->name))
				script_settings_follow(set->name, ExtractSetVariableArgs(set));
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			script_settings_follow(set->name, NULL);
			break;
		case VAR_RESET_ALL:
			script_settings_follow("search_path", NULL);
			script_settings_follow("timezone", NULL);
			break;
		default:
			break;
	}
}

/* Returns the value of a string constant.  Returns NULL for any other node. */
static const char *
string_constant(Node *node)
{
	return IsA(node, A_Const) && !((A_Const *) node)->isnull && IsA(&((A_Const *) node)->val, String) ?
		strVal(&((A_Const *) node)->val) : NULL;
}

FuncCall *
cmig_script_settings_call(const ResTarget *target)
{
	FuncCall   *call = (FuncCall *) target->val;

	return call != NULL && IsA(call, FuncCall) && list_length(call->args) == 3 &&
		strcmp(strVal(llast(call->funcname)), "set_config") == 0 ? call : NULL;
}

/* Apply the change made by SELECT set_config('name', 'value', is_local). */
static void
follow_set_config(const SelectStmt *select)
{
	ListCell   *lc;

	foreach(lc, select->targetList)
	{
		FuncCall   *call = cmig_script_settings_call(lfirst_node(ResTarget, lc));
		const char *name;
		const char *value;

		if (call == NULL)
			continue;
		name = string_constant(linitial(call->args));
		value = string_constant(lsecond(call->args));
		if (name != NULL && value != NULL)
			script_settings_follow(name, value);
	}
}

void
cmig_script_settings_follow(Node *statement)
{
	if (IsA(statement, VariableSetStmt))
		follow_set((VariableSetStmt *) statement);
	else if (IsA(statement, SelectStmt))
		follow_set_config((SelectStmt *) statement);
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

/* Add a word to a list if it is not there yet and the list is not full. */
static List *
add_word(List *words, const char *word)
{
	if (list_length(words) > MAX_UNKNOWN || cmig_text_list_has(words, word))
		return words;
	return lappend(words, pstrdup(list_length(words) < MAX_UNKNOWN ? word : "other code"));
}

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
			reading->unknown = add_word(reading->unknown, lfirst(lc));
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
