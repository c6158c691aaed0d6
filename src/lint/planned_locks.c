/*
 * planned_locks.c
 *	  The locks of a plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"

#include "lint/internal.h"

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

/*
 * Determines the locks that statements would take, without running them.
 *
 * In addition to the locks from statement_locks, this module reads the
 * catalogs to find locks on partitions, indexes, tables on the other side of
 * foreign keys, and objects that are dropped together with another object.  It
 * takes no locks on user tables.  Statements must be passed in execution order,
 * because a statement can refer to names that earlier statements have created,
 * dropped, or renamed.
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
	foreach_ptr(CmigPlannedLock, other, *locks)
	{
		if (other->oid == lock->oid &&
			(OidIsValid(lock->oid) || strcmp(other->name, lock->name) == 0))
		{
			if (lock->mode >= other->mode)
				other->routed = lock->routed && (other->routed || lock->mode > other->mode);
			other->mode = Max(other->mode, lock->mode);
			return;
		}
	}
	*locks = lappend(*locks, lock);
}

/*
 * Add a lock on an existing relation, if this kind of lock is reported.
 * "routed" is as in CmigPlannedLock.
 */
static void
add_existing(List **locks, Oid relation, LOCKMODE mode, bool routed)
{
	CmigPlannedLock *lock;
	char		kind = get_rel_relkind(relation);
	char	   *name = get_rel_name(relation);

	/* the name is NULL if another session has dropped the relation */
	if (name == NULL || !cmig_lock_is_reported(relation, kind, mode))
		return;
	lock = palloc0(sizeof(CmigPlannedLock));
	lock->oid = relation;
	lock->mode = mode;
	lock->kind = kind;
	lock->name = quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(relation)),
											name);
	lock->size = cmig_size_of(relation);
	lock->routed = routed;
	add_lock(locks, lock);
}

/*
 * Add a lock on a relation that does not exist yet.  "named" is the relation
 * that an earlier statement creates, or NULL; "gone" is the schema in which an
 * earlier statement has dropped the relation, or NULL.
 */
static void
add_missing(List **locks, const RangeVar *relation, const CmigLintTable *named, const char *gone,
			LOCKMODE mode)
{
	CmigPlannedLock *lock;

	if (named != NULL && named->temporary)
		return;					/* no other session can use the relation */
	lock = palloc0(sizeof(CmigPlannedLock));
	lock->mode = mode;
	lock->name = quote_qualified_identifier(named != NULL ? named->schema : gone != NULL ? gone :
											relation->schemaname,
											relation->relname);
	lock->is_new = named != NULL;
	add_lock(locks, lock);
}

static void
add_all(List **locks, List *relations, LOCKMODE mode)
{
	foreach_oid(relation, relations)
		add_existing(locks, relation, mode, false);
}

/* Add locks on a relation and on those that lock->with requests. */
static void
add_related(List **locks, const CmigLock *lock, Oid relation)
{
	int			with = lock->with;
	List	   *tables = list_make1_oid(relation);
	bool		partitioned = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;
	List	   *more;

	if (with & CMIG_LOCK_CHILDREN ? lock->relation == NULL || lock->relation->inh :
		with & (partitioned ? CMIG_LOCK_PARTITIONS : CMIG_LOCK_INHERITED))
		tables = cmig_related(CMIG_RELATED_TREE, relation);
	for (more = with & CMIG_LOCK_REFERENCING ? tables : NIL; more != NIL;)
	{
		more = list_difference_oid(heap_truncate_find_FKs(tables), tables);
		tables = list_concat_unique_oid(tables, more);
	}
	add_all(locks, tables, lock->mode);
	foreach_oid(table, tables)
	{
		bool		has_indexes = with & (CMIG_LOCK_INDEXES | CMIG_LOCK_STORED |
										  CMIG_LOCK_PARTITIONED | CMIG_LOCK_ATTACHED);

		foreach_oid(index, has_indexes ? cmig_related(CMIG_RELATED_INDEXES, table) : NIL)
		{
			bool		is_stored = get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX;

			if (with & CMIG_LOCK_INDEXES || (with & CMIG_LOCK_STORED && is_stored) ||
				(with & CMIG_LOCK_ATTACHED && get_rel_relispartition(index)))
				add_existing(locks, index, AccessExclusiveLock, false);
			else if (with & CMIG_LOCK_PARTITIONED && !is_stored)
				add_existing(locks, index, ShareUpdateExclusiveLock, false);
		}
		if (with & CMIG_LOCK_SEQUENCES)
			add_all(locks, getOwnedSequences(table), lock->mode);
		if (with & CMIG_LOCK_REFERENCED)
			add_all(locks, cmig_related(CMIG_RELATED_REFERENCED, table),
					lock->mode == RowExclusiveLock ? RowShareLock : ShareRowExclusiveLock);
		if (with & CMIG_LOCK_VIEWED)
			add_all(locks, cmig_related(CMIG_RELATED_VIEWED, table), lock->mode >= ExclusiveLock &&
					get_rel_relkind(table) == RELKIND_MATVIEW ? AccessShareLock : lock->mode);
	}
	/* the partitions to which the statement can add rows */
	foreach_oid(oid, with & CMIG_LOCK_ROUTED &&
				partitioned ? cmig_related(CMIG_RELATED_TREE, relation) : NIL)
	{
		if (oid != relation)
			add_existing(locks, oid, lock->mode, true);
	}
	if (with & CMIG_LOCK_TABLE)
		add_existing(locks, IndexGetRelation(relation, true), lock->table_mode, false);
	if (with & CMIG_LOCK_KEYS)
		add_all(locks, list_delete_oid(heap_truncate_find_FKs(list_make1_oid(relation)), relation),
				lock->table_mode);
	if (with & CMIG_LOCK_TYPED)
		add_all(locks, cmig_related(CMIG_RELATED_TYPED, relation), lock->mode);
	foreach_oid(oid, with & (CMIG_LOCK_DEFAULT | CMIG_LOCK_DEFAULT_ONLY) ?
				cmig_related(CMIG_RELATED_DEFAULT, relation) : NIL)
		add_all(locks, with & CMIG_LOCK_DEFAULT ? cmig_related(CMIG_RELATED_TREE, oid) :
				list_make1_oid(oid), AccessExclusiveLock);
}

/*
 * Add the locks for dropping an object, if it exists, or for changing a part
 * of a relation.
 */
static void
add_dropped(List **locks, Oid class, Oid oid, int32 sub, bool cascade, LOCKMODE mode)
{
	ObjectAddress object;

	ObjectAddressSubSet(object, class, oid, sub);
	if (OidIsValid(oid))
		add_all(locks, cmig_dropped_locks(&object, cascade), mode);
}

/* Add the locks of an action on part of an existing relation. */
static void
add_part(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, Oid relation)
{
	CmigLintColumn column_now = {.name = lock->name};
	Oid			class;
	Oid			oid = InvalidOid;
	int32		column;
	FormData_pg_class row;
	ListCell   *lc;

	switch (lock->action)
	{
		case CMIG_LOCK_ADD_COLUMN:

			/*
			 * a rewrite also rebuilds the indexes of child tables and
			 * partitions
			 */
			foreach_oid(each,
						cmig_lint_column_rewrites(plan, lock->column) ?
						cmig_related(CMIG_RELATED_TREE, relation) : NIL)
			{
				if (get_rel_relkind(each) != RELKIND_PARTITIONED_TABLE)
					add_all(locks, cmig_related(CMIG_RELATED_INDEXES, each), AccessExclusiveLock);
			}
			break;
		case CMIG_LOCK_DROP_COLUMN:
			/* with ONLY, the child tables keep the column, but are locked */
			add_existing(locks, relation, AccessExclusiveLock, false);
			add_all(locks, cmig_related(CMIG_RELATED_CHILDREN, relation), AccessExclusiveLock);
			foreach(lc, lock->relation->inh ? cmig_related(CMIG_RELATED_TREE, relation) :
					list_make1_oid(relation))
			{
				AttrNumber	attnum = get_attnum(lfirst_oid(lc), lock->name);

				if (attnum != InvalidAttrNumber)
					add_dropped(locks, RelationRelationId, lfirst_oid(lc), attnum, lock->cascade,
								AccessExclusiveLock);
			}
			break;
		case CMIG_LOCK_DROP_CONSTRAINT:
			oid = get_relation_constraint_oid(relation, lock->name, true);
			add_dropped(locks, ConstraintRelationId, oid, 0, lock->cascade, AccessExclusiveLock);
			break;
		case CMIG_LOCK_RETYPE:
			column_now.attnum = get_attnum(relation, lock->name);
			if (column_now.attnum == InvalidAttrNumber)
				break;
			get_atttypetypmodcoll(relation, column_now.attnum, &column_now.type, &column_now.typmod,
								  &column_now.collation);
			foreach(lc, cmig_related(CMIG_RELATED_TREE, relation))
				add_all(locks,
						cmig_related_retyped(lfirst_oid(lc), lock->name,
											 cmig_lint_type_rewrites(plan, &column_now,
																	 lock->column)),
						AccessExclusiveLock);
			break;
		case CMIG_LOCK_PART:
			/* a trigger of a partitioned table is also changed in partitions */
			oid = cmig_part_find(lock->type, relation, lock->name, &class);
			add_dropped(locks, class, oid, 0, false, lock->mode);
			if (OidIsValid(oid) || !lock->missing_ok)
				add_existing(locks, relation, lock->mode, false);
			break;
		case CMIG_LOCK_RENAME_CONSTRAINT:
			/* the constraint's index is renamed, too */
			oid = get_relation_constraint_oid(relation, lock->name, true);
			if (OidIsValid(oid))
				add_existing(locks, get_constraint_index(oid), lock->mode, false);
			break;
		case CMIG_LOCK_IDENTITY:
			foreach(lc, getOwnedSequences(relation))
			{
				if (sequenceIsOwned(lfirst_oid(lc), DEPENDENCY_INTERNAL, &oid, &column) &&
					column == get_attnum(relation, lock->name))
					add_existing(locks, lfirst_oid(lc), lock->mode, false);
			}
			break;
		case CMIG_LOCK_ACCESS_METHOD:
			if (!cmig_role_relation(relation, &row) || !OidIsValid(row.relam) ||
				row.relam != get_am_oid(lock->name ? lock->name :
										default_table_access_method, true))
				add_all(locks, cmig_related(CMIG_RELATED_INDEXES, relation), AccessExclusiveLock);
			break;
		case CMIG_LOCK_VALIDATE:
			oid = get_relation_constraint_oid(relation, lock->name, true);
			add_all(locks, cmig_related(CMIG_RELATED_BY_KEY, oid), RowShareLock);
			break;
		default:
			break;
	}
}

/* Record a relation that a statement creates. */
static void
add_created(CmigPlannedLocks *plan, const CmigLock *lock)
{
	RangeVar	created = *lock->relation;
	char		kind = 0;
	CmigLintTable *table;

	if (lock->object != NULL && IsA(lock->object, CreateStmt) &&
		((CreateStmt *) lock->object)->partspec != NULL)
		kind = RELKIND_PARTITIONED_TABLE;
	else if (lock->object != NULL && IsA(lock->object, IndexStmt))
	{
		/* an index is created in the schema of its table */
		table = cmig_lint_state_find(plan, ((IndexStmt *) lock->object)->relation, true);
		created.schemaname = table != NULL ? (char *) table->schema : NULL;
		kind = table != NULL &&
			table->kind == RELKIND_PARTITIONED_TABLE ? RELKIND_PARTITIONED_INDEX : RELKIND_INDEX;
	}
	if (created.schemaname == NULL && created.relpersistence != RELPERSISTENCE_TEMP)
		created.schemaname = (char *) cmig_lint_state_creation_schema(plan);
	table = created.schemaname != NULL ? cmig_lint_state_find(plan, &created, true) : NULL;
	/* a statement that replaces a relation, or fails, creates no new one */
	if (table == NULL || !OidIsValid(table->oid))
		(void) cmig_lint_state_add(plan, &created, kind);
}

static void follow(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown);

/* Add the locks of what a call runs. */
static void
follow_call(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown)
{
	const FuncCall *call = (const FuncCall *) lock->object;
	bool		known;
	List	   *statements;

	if (!cmig_calls_expand(plan, call, &known, &statements))
	{
		char	   *name = lock->name ? unconstify(char *, lock->name) :
		cmig_call_unknown(plan, call);

		if (name)
			*unknown = lappend(*unknown, name);
	}
	else if (!known)
		*unknown = lappend(*unknown, psprintf("the function %s", NameListToString(call->funcname)));
	foreach_ptr(CmigStatement, statement, statements)
	{
		foreach_ptr(CmigLock, entry, cmig_statement_locks(statement->raw->stmt))
			follow(plan, locks, entry, unknown);
	}
}

/* Apply one entry of a statement's list: add a lock, or record a changed name. */
static void
follow(CmigPlannedLocks *plan, List **locks, const CmigLock *lock, List **unknown)
{
	CmigLintTable *named = NULL;
	Oid			oid = InvalidOid;
	const char *gone = NULL;
	bool		takes = lock->action == CMIG_LOCK_TAKE || lock->action == CMIG_LOCK_SEQUENCE;
	ObjectAddress object;

	if (lock->relation != NULL && lock->action != CMIG_LOCK_CREATE)
		named = cmig_lint_state_look(plan, lock->relation, &gone);
	if (named != NULL)
		oid = named->oid;
	switch (lock->action)
	{
		case CMIG_LOCK_UNKNOWN:
			*unknown = lappend(*unknown, unconstify(char *, lock->name));
			break;
		case CMIG_LOCK_CALL:
			follow_call(plan, locks, lock, unknown);
			break;
		case CMIG_LOCK_DROP_OWNED:
			foreach_ptr(RoleSpec, spec, (List *) lock->object)
				add_dropped(locks, AuthIdRelationId, get_rolespec_oid(spec, true), 0, lock->cascade,
							lock->mode);
			break;
		case CMIG_LOCK_REASSIGN_OWNED:
			foreach_ptr(RoleSpec, role, (List *) lock->object)
			{
				foreach_oid(each, cmig_related(CMIG_RELATED_OWNED, get_rolespec_oid(role, true)))
					add_related(locks, lock, each);
			}
			break;
		case CMIG_LOCK_CREATE:
			add_created(plan, lock);
			break;
		case CMIG_LOCK_CREATE_SCHEMA:
			(void) cmig_lint_objects_schema_is_new(plan, lock->name, true);
			break;
		case CMIG_LOCK_RENAME:
			if (named != NULL)
				cmig_lint_state_rename(plan, named, lock->to_schema ? lock->name : named->schema,
									   lock->to_schema ? named->name : lock->name);
			break;
		case CMIG_LOCK_DROP:
			if (lock->relation == NULL)
			{
				if (cmig_dropped_locks_find(lock->type, lock->object, &object))
					add_all(locks, cmig_dropped_locks(&object, lock->cascade), lock->mode);
				break;
			}
			if (named == NULL)
				break;
			add_dropped(locks, RelationRelationId, oid, 0, lock->cascade, lock->mode);
			/* DROP INDEX also locks partitions that have no index of it */
			if (get_rel_relkind(oid) == RELKIND_PARTITIONED_INDEX)
				add_all(locks, cmig_related(CMIG_RELATED_TREE, IndexGetRelation(oid, true)), lock->mode);
			if (!OidIsValid(oid))
				add_missing(locks, lock->relation, named, NULL, lock->mode);
			else if (lock->with & CMIG_LOCK_PARENT)
				add_all(locks, cmig_related(CMIG_RELATED_PARENT, oid), AccessExclusiveLock);
			cmig_lint_state_remove(plan, named);
			break;
		case CMIG_LOCK_DOMAIN:
			/* the tables that have columns of the domain */
			if (cmig_dropped_locks_find(lock->type, lock->object, &object))
				add_all(locks, cmig_related(CMIG_RELATED_BY_TYPE, object.objectId), lock->mode);
			break;
		case CMIG_LOCK_PUBLICATION:
			add_all(locks, cmig_related(CMIG_RELATED_PUBLISHED,
										get_publication_oid(lock->name, true)), lock->mode);
			break;
		default:
			if (OidIsValid(oid) && takes)
				add_related(locks, lock, oid);
			else if (OidIsValid(oid))
				add_part(plan, locks, lock, oid);
			else if ((takes || lock->action == CMIG_LOCK_PART) &&
					 (named != NULL || !lock->missing_ok))
				add_missing(locks, lock->relation, named, gone, lock->mode);
	}
}

List *
cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, List **unknown, char **failure)
{
	List	   *locks = NIL;

	*unknown = NIL;
	plan->session.path = cmig_lint_session_path(namespace_search_path);
	*failure = cmig_lint_state_concurrently_failure(plan, statement, true);
	if (IsA(statement, AlterTableStmt))
	{
		const AlterTableStmt *alter = (AlterTableStmt *) statement;
		AlterTableType type = linitial_node(AlterTableCmd, alter->cmds)->subtype;
		CmigLintTable *table = cmig_lint_state_find(plan, alter->relation, true);

		if (table != NULL && (type == AT_DetachPartition || type == AT_DetachPartitionFinalize))
			table->detached = true;
	}
	foreach_ptr(CmigLock, lock, cmig_statement_locks(statement))
		follow(plan, &locks, lock, unknown);
	return locks;
}

List *
cmig_planned_locks_merge(List *locks, List *more)
{
	foreach_ptr(CmigPlannedLock, x, more)
		add_lock(&locks, x);
	return locks;
}

char *
cmig_planned_locks_text(List *locks)
{
	char	   *text = NULL;

	list_sort(locks, compare_locks);
	foreach_ptr(const CmigPlannedLock, lock, locks)
	{
		char	   *line = cmig_lock_line(lock->mode, lock->name, lock->kind, lock->size);

		cmig_lock_line_add(&text, psprintf("%s%s", line, !OidIsValid(lock->oid) ?
										   (lock->is_new ? ", new" : ", not found") :
										   lock->routed ? ", if it gets rows" : ""));
	}
	return text;
}

/*
 * Applies a script's changes to search_path and TimeZone while the script
 * is read without being run.  These settings affect what names and types
 * in the script mean.
 */

/*
 * cmig_script_settings_each callback: set a setting if it is one of those that
 * matter here.  If "value" is NULL, the setting's default is used.  An invalid
 * value is ignored, because the script's statement will fail when it is run.
 */
static void
follow_setting(const char *name, const char *value, void *nothing)
{
	if (pg_strcasecmp(name, "search_path") == 0 || pg_strcasecmp(name, "timezone") == 0)
		(void) set_config_option(name, value != NULL ? value : GetConfigOptionResetString(name),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

void
cmig_script_settings_follow(Node *statement)
{
	cmig_script_settings_each(statement, follow_setting, NULL);
}

/*
 * Determines the locks that entire scripts would take, without running
 * them.
 *
 * Names are looked up with the search_path that is used to run scripts,
 * including the changes that the script makes to it.
 */

/* A script, and what has been read of it. */
typedef struct Reading
{
	CmigScriptLocks found;
	CmigPlannedLocks *plan;
	const char *sql;
	void		(*visit) (CmigPlannedLocks *plan, const CmigStatement *statement, void *arg);
	void	   *arg;
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
	CmigScriptLocks *found = &reading->found;
	CmigScriptReader *script;
	CmigStatement statement;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	found->statement = 1;
	script = cmig_script_open(reading->sql);
	while (cmig_script_next(script, &statement))
	{
		List	   *unknown;
		List	   *locks;
		char	   *failure;

		CHECK_FOR_INTERRUPTS();
		found->statement = statement.number;
		reading->plan->session.path = cmig_lint_session_path(namespace_search_path);
		if (reading->visit != NULL)
			reading->visit(reading->plan, &statement, reading->arg);
		locks = cmig_planned_locks_of(reading->plan, statement.raw->stmt, &unknown, &failure);
		if (failure != NULL)
			found->failures = lappend(found->failures,
									  psprintf("statement %d: %s", statement.number, failure));
		found->locks = cmig_planned_locks_merge(found->locks, locks);
		foreach_ptr(char, name, unknown)
		{
			int			count = list_length(found->unknown);

			if (count <= MAX_UNKNOWN && !cmig_text_list_has(found->unknown, name))
				found->unknown = lappend(found->unknown,
										 pstrdup(count < MAX_UNKNOWN ? name : "other code"));
		}
		cmig_script_settings_follow(statement.raw->stmt);
		found->statement++;
	}
}

CmigScriptLocks *
cmig_script_locks_read(CmigPlannedLocks *plan, const char *sql,
					   void (*visit) (CmigPlannedLocks *plan, const CmigStatement *statement,
									  void *arg), void *arg)
{
	Reading    *reading = palloc0(sizeof(Reading));
	CmigScriptLocks *found = &reading->found;

	/* spare a long plan a subtransaction for each script that is empty */
	if (sql[strspn(sql, " \t\r\n")] == '\0')
		return found;
	reading->plan = plan;
	reading->sql = sql;
	reading->visit = visit;
	reading->arg = arg;
	found->error = cmig_subtransaction_rehearse(read_script, reading);
	cmig_lint_state_drop_temporary(plan);
	if (found->error != NULL && found->error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(found->error);
	return found;
}

char *
cmig_script_locks(CmigPlannedLocks *plan, const char *sql)
{
	CmigScriptLocks *found = cmig_script_locks_read(plan, sql, NULL, NULL);
	char	   *text = cmig_planned_locks_text(found->locks);

	foreach_ptr(char, name, found->unknown)
		cmig_lock_line_add(&text, psprintf("unknown for %s", name));
	foreach_ptr(char, failure, found->failures)
		cmig_lock_line_add(&text, failure);
	if (found->error != NULL)
		cmig_lock_line_add(&text, psprintf("unknown from statement %d on: %s", found->statement,
										   found->error->message));
	return text;
}
