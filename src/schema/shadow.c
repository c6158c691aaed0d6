/*
 * shadow.c
 *	  The shadow: a subtransaction in which the managed schemas are empty.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "schema/internal.h"

/*
 * The arguments of cmig_shadow_run() and cmig_shadow_rename(), for the code
 * that these functions share.
 */
typedef struct ShadowRun
{
	const char *caller;
	void		(*prepare) (struct ShadowRun *run);
	bool		prepared;
	CmigShadowTask task;
	void	   *arg;
	/* for cmig_shadow_run() */
	const CmigManaged *managed;
	CmigShadow *shadow;
	/* for cmig_shadow_rename() */
	Oid			schema;
	const char *name;
} ShadowRun;

/* What cmig_shadow_run() or cmig_shadow_rename() is running, or NULL. */
static const ShadowRun *running = NULL;

bool
cmig_managed_is_own_name(const char *schema)
{
	return strcmp(schema, "cmig") == 0 || strcmp(schema, "cmig_audit") == 0;
}

bool
cmig_managed_is_reserved_name(const char *schema)
{
	return cmig_managed_is_own_name(schema) || strncmp(schema, "pg_", 3) == 0 ||
		strcmp(schema, "information_schema") == 0;
}

/* Add a schema; the array has room for a power of 2. */
static void
add_schema(CmigManaged *managed, char *name, Oid oid)
{
	CmigManagedSchema *schema;

	if (managed->count == 0)
		managed->schemas = palloc(sizeof(CmigManagedSchema));
	else if ((managed->count & (managed->count - 1)) == 0)
		managed->schemas = repalloc(managed->schemas,
									2 * managed->count * sizeof(CmigManagedSchema));
	schema = &managed->schemas[managed->count++];
	schema->name = name;
	schema->oid = oid;
	schema->owned = OidIsValid(oid) && cmig_owns_compat(NamespaceRelationId, oid, GetUserId());
}

/* Add every schema in the database that can be compared. */
static void
add_all(void *managed)
{
	static CmigQuery query = {
		.sql = "SELECT n.oid, n.nspname::text FROM pg_namespace n"
		" WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL ('{information_schema,cmig,cmig_audit}')"
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass"
		" AND d.objid = n.oid AND d.deptype = 'e')"
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query))
		add_schema(managed, row[1], atooid(row[0]));
}

/* In a shadow: did another session create the schema after the live ones were hidden? */
static bool
is_of_another(Oid schema)
{
	HeapTuple	row = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool		result = HeapTupleIsValid(row) && !cmig_shadow_is_live_schema(running->shadow, schema) &&
	!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));

	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	return result;
}

static void
leave_out_others(CmigManaged *managed)
{
	int			kept = 0;

	for (int i = 0; i < managed->count; i++)
		if (!is_of_another(managed->schemas[i].oid))
			managed->schemas[kept++] = managed->schemas[i];
	managed->count = kept;
}

CmigManaged *
cmig_managed_schemas(const CmigNames *names)
{
	CmigManaged *managed = palloc0(sizeof(CmigManaged));

	managed->all = names == NULL;
	if (names == NULL)
		cmig_query_at_once(true, add_all, managed);
	else
	{
		for (int i = 0; i < names->count; i++)
		{
			char	   *name = names->names[i];

			CHECK_FOR_INTERRUPTS();
			if (cmig_managed_is_reserved_name(name))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("schema \"%s\" cannot be compared", name),
						 errdetail("It belongs to the server or to pg_cmig.")));
			add_schema(managed, pstrdup(name), get_namespace_oid(name, true));
		}
	}
	if (managed->count > 1)
	{
		int			count = 1;

		/* names may be repeated */
		qsort(managed->schemas, managed->count, sizeof(CmigManagedSchema), pg_qsort_strcmp);
		for (int i = 1; i < managed->count; i++)
		{
			if (strcmp(managed->schemas[i].name, managed->schemas[count - 1].name) != 0)
				managed->schemas[count++] = managed->schemas[i];
		}
		managed->count = count;
	}
	if (cmig_shadow_hides_live() && running->prepared)
		leave_out_others(managed);
	return managed;
}

CmigManaged *
cmig_managed_of_revisions(void)
{
	return cmig_managed_schemas(cmig_scope_is_set() ?
								cmig_argument_one(pstrdup(cmig_scope_current())) : NULL);
}

const CmigManaged *
cmig_managed_with(const CmigManaged *managed, char *name, Oid oid)
{
	CmigManaged *more = palloc0(sizeof(CmigManaged));

	more->all = managed->all;
	for (int i = 0; i < managed->count; i++)
		add_schema(more, managed->schemas[i].name, managed->schemas[i].oid);
	add_schema(more, name, oid);
	qsort(more->schemas, more->count, sizeof(CmigManagedSchema), pg_qsort_strcmp);
	return more;
}

Oid
cmig_managed_live(const CmigManaged *managed, const char *name)
{
	for (int i = 0; i < managed->count; i++)
	{
		if (managed->schemas[i].owned && strcmp(managed->schemas[i].name, name) == 0)
			return managed->schemas[i].oid;
	}
	return InvalidOid;
}

void
cmig_managed_require_owned(const CmigManaged *managed, const char *detail)
{
	for (int i = 0; i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid) && !managed->schemas[i].owned)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of schema %s", managed->schemas[i].name),
					 errdetail("%s", detail),
					 errhint("Leave out the schema, or call the function as the schema's owner.")));
}

void
cmig_managed_require_exist(const CmigManaged *managed)
{
	for (int i = 0; i < managed->count; i++)
		if (!OidIsValid(managed->schemas[i].oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", managed->schemas[i].name),
					 errhint("To see the names: SELECT nspname FROM pg_catalog.pg_namespace")));
}

CmigNames *
cmig_managed_names(const CmigManaged *managed)
{
	CmigNames  *names;

	if (managed->all)
		return NULL;
	names = palloc(sizeof(CmigNames));
	names->count = managed->count;
	names->names = palloc(sizeof(char *) * Max(managed->count, 1));
	for (int i = 0; i < managed->count; i++)
		names->names[i] = managed->schemas[i].name;
	return names;
}

/* ----------------------------------------------------------------
 * After SQL has run in a shadow, restores session state that the
 * rollback does not restore.
 *
 * A rollback does not affect session-level advisory locks, which this module
 * restores.  A rollback also leaves the values of sequences and the result of
 * lastval() changed, but these cannot be restored.
 * ----------------------------------------------------------------
 */

/*
 * Values of the fourth field in an advisory lock's tag.  They show whether SQL
 * functions took the lock with one key or with two.
 */
#define FIELD4_ONE_KEY 1
#define FIELD4_TWO_KEYS 2

/* An advisory lock that the session holds. */
typedef struct SessionLock
{
	LOCKTAG		tag;
	LOCKMODE	mode;
} SessionLock;

/*
 * Returns a list of SessionLock: the advisory locks that the session has taken
 * with SQL functions.
 */
static List *
session_locks(void)
{
	LockData   *all = GetLockStatusData();
	List	   *found = NIL;

	for (int i = 0; i < all->nelements; i++)
	{
		const LockInstanceData *held = &all->locks[i];

		if (held->pid != MyProcPid || held->locktag.locktag_type != LOCKTAG_ADVISORY ||
			(held->locktag.locktag_field4 != FIELD4_ONE_KEY &&
			 held->locktag.locktag_field4 != FIELD4_TWO_KEYS))
			continue;
		for (LOCKMODE mode = ShareLock; mode <= ExclusiveLock; mode++)
		{
			SessionLock *lock;

			if (!(held->holdMask & LOCKBIT_ON(mode)))
				continue;
			lock = palloc(sizeof(SessionLock));
			lock->tag = held->locktag;
			lock->mode = mode;
			found = lappend(found, lock);
		}
	}
	return found;
}

static bool
has(const List *locks, const SessionLock *lock)
{
	foreach_ptr(const SessionLock, other, locks)
	{
		if (other->mode == lock->mode && memcmp(&other->tag, &lock->tag, sizeof(LOCKTAG)) == 0)
			return true;
	}
	return false;
}

/*
 * After the rollback, release the session's advisory locks that are not in
 * "before", and reacquire the locks in "before" that were released.
 */
static void
restore_locks(const List *before)
{
	List	   *after = session_locks();

	foreach_ptr(const SessionLock, lock, after)
	{
		/* release the lock as often as it was taken */
		while (!has(before, lock) && cmig_lock_held_compat(&lock->tag, lock->mode) &&
			   LockRelease(&lock->tag, lock->mode, true))
			;
	}
	foreach_ptr(const SessionLock, lock, before)
	{
		if (!has(after, lock) &&
			LockAcquire(&lock->tag, lock->mode, true, true) == LOCKACQUIRE_NOT_AVAIL)
			ereport(WARNING,
					(errmsg("an advisory lock of this session was lost"),
					 errdetail("The target or replay released the lock, and another session has acquired it.")));
	}
}

/* ----------------------------------------------------------------
 * Runs a task while the database's managed schemas are empty.
 *
 * A shadow is a subtransaction that is always rolled back.  In it, the managed
 * schemas (see schema.h) are renamed, and empty schemas with their names,
 * owners, privileges, and comments are created.  Extension members in these
 * schemas are moved to the new ones.  Objects that have no schema and do not
 * belong to an extension are hidden: publications, event triggers, casts,
 * servers, languages and the like, and default privileges.  Extensions are
 * also hidden (see shadow_is_hidden()) until the target's SQL creates
 * them.  Objects that exist outside of the shadow are called live.
 *
 * Live tables are not locked.  Other sessions notice nothing, except that a
 * session that alters a managed schema itself, or an extension in one, has to
 * wait until the shadow has ended.
 *
 * Everything is done by changing catalog rows in one subtransaction, whose
 * rollback restores the former state.  The caller's privileges are not
 * checked, except that the caller must own the schemas, and so could rename
 * and re-create them with SQL commands.
 *
 * If another transaction is changing one of these rows, the shadow waits for
 * it and, once that transaction has committed, starts over.
 * ----------------------------------------------------------------
 */

/*
 * The maximum number of attempts to create a shadow while other sessions keep
 * changing the same catalog rows.
 */
#define ATTEMPTS 10

static void
set_name(Oid schema, const char *name)
{
	cmig_shadow_rows_rename(NamespaceRelationId, schema, Anum_pg_namespace_nspname, name);
	CommandCounterIncrement();
}

/* Returns an unused name for a schema. */
static char *
away_name(Oid schema)
{
	char	   *name = psprintf(CMIG_AWAY_PREFIX "%u", schema);

	for (int i = 1; OidIsValid(get_namespace_oid(name, true)); i++)
		name = psprintf(CMIG_AWAY_PREFIX "%u_%d", schema, i);
	return name;
}

/*
 * Returns a copy of the schema's privileges, or NULL for the default
 * privileges.  Sets *owner to the schema's owner.
 */
static Acl *
copy_privileges(Oid schema, Oid *owner)
{
	HeapTuple	row = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Datum		datum;
	bool		isnull;
	Acl		   *acl;

	if (!HeapTupleIsValid(row))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a schema was concurrently dropped by another session")));
	*owner = ((Form_pg_namespace) GETSTRUCT(row))->nspowner;
	datum = SysCacheGetAttr(NAMESPACEOID, row, Anum_pg_namespace_nspacl, &isnull);
	acl = isnull ? NULL : DatumGetAclPCopy(datum);
	ReleaseSysCache(row);
	return acl;
}

/* Is the schema public compared, although it does not exist? */
static bool
lacks_public(const CmigManaged *managed)
{
	for (int i = 0; i < managed->count; i++)
		if (strcmp(managed->schemas[i].name, "public") == 0)
			return !OidIsValid(managed->schemas[i].oid);
	return managed->all && !OidIsValid(get_namespace_oid("public", true));
}

/*
 * List the managed schemas that the caller owns.  Raises an error for another
 * role's schema if it was named explicitly.
 */
static void
choose_schemas(CmigShadow *shadow, const char *caller)
{
	const CmigManaged *managed = shadow->managed;

	shadow->schemas = palloc0(sizeof(CmigShadowSchema) * (managed->count + 1));
	for (int i = 0; i < managed->count; i++)
	{
		const CmigManagedSchema *schema = &managed->schemas[i];

		if (schema->owned)
		{
			shadow->schemas[shadow->count].name = schema->name;
			shadow->schemas[shadow->count++].live = schema->oid;
		}
	}
	if (!managed->all)
		cmig_managed_require_owned(managed,
								   psprintf("%s creates the target's objects in the schema and rolls them back.", caller));
}

/* Row callback: copy the array of live schemas. */
static void
copy_live(const CmigRow *row, void *arg)
{
	CmigShadow *shadow = arg;

	shadow->live = DatumGetArrayTypePCopy(cmig_query_datum(row, 1, OIDARRAYOID, NULL));
}

/*
 * Make the default operator classes of live schemas ordinary ones: a type has one for each
 * access method, in whatever schema it is, and the target creates it again.
 */
static void
hide_defaults(const CmigShadow *shadow)
{
	StringInfoData schemas;
	static CmigQuery query = {
		.sql = "SELECT o.oid FROM pg_opclass o"
		" WHERE o.opcdefault AND o.opcnamespace = ANY ($1::oid[])"
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_opclass'::regclass"
		" AND d.objid = o.oid AND d.deptype = 'e')",
		.argtypes = {TEXTOID}
	};

	initStringInfo(&schemas);
	for (int i = 0; i < shadow->count; i++)
		appendStringInfo(&schemas, "%s%u", i == 0 ? "" : ",", shadow->schemas[i].live);
	foreach_oid(oid, cmig_query_oids(&query, psprintf("{%s}", schemas.data)))
		cmig_shadow_rows_set(OperatorClassRelationId, oid, Anum_pg_opclass_opcdefault,
							 BoolGetDatum(false));
	CommandCounterIncrement();
}

/* Hide the live objects, and create the empty schemas. */
static void
prepare_shadow(ShadowRun *run)
{
	CmigShadow *shadow = palloc0(sizeof(CmigShadow));

	/*
	 * TOAST schemas are left out, because TOAST tables belong to tables in
	 * other schemas
	 */
	static CmigQuery query = {
		.sql = "SELECT ARRAY(SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_t')"
	};

	run->shadow = shadow;
	shadow->managed = run->managed;
	choose_schemas(shadow, run->caller);
	cmig_query_each(&query, NULL, NULL, copy_live, shadow);
	shadow->xid = GetCurrentTransactionId();
	shadow->begun = GetCurrentSubTransactionId();

	/*
	 * hide objects without a schema first, because default privileges would
	 * otherwise apply to the new schemas
	 */
	shadow->hidden = cmig_shadow_global_hide(run->managed->all);

	/*
	 * Create schema public as in a new database if it does not exist, because
	 * targets expect it.  It is compared only if the target uses it.
	 */
	if (lacks_public(shadow->managed))
		shadow->schemas[shadow->count++].name = "public";
	for (int i = 0; i < shadow->count; i++)
	{
		CmigShadowSchema *schema = &shadow->schemas[i];
		Oid			owner = ROLE_PG_DATABASE_OWNER;
		Acl		   *acl;
		char	   *comment = "standard public schema";

		/*
		 * rename the live schema, and create an empty one with its name and
		 * properties
		 */
		if (OidIsValid(schema->live))
		{
			acl = copy_privileges(schema->live, &owner);
			comment = GetComment(schema->live, NamespaceRelationId, 0);
			set_name(schema->live, away_name(schema->live));
		}
		else
			acl = DatumGetAclP(OidInputFunctionCall(F_ARRAY_IN,
													"{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}",
													ACLITEMOID, -1));
		schema->shadow = NamespaceCreate(schema->name, owner, false);
		CommandCounterIncrement();
		if (acl != NULL)
			cmig_shadow_rows_set(NamespaceRelationId, schema->shadow, Anum_pg_namespace_nspacl,
								 PointerGetDatum(acl));
		if (comment != NULL)
			CreateComments(schema->shadow, NamespaceRelationId, 0, comment);
		CommandCounterIncrement();
	}
	hide_defaults(shadow);
	cmig_shadow_extension_hide(shadow);
}

/*
 * Give the schema its new name.  Another schema that has this name is first
 * given a temporary name.  Members of extensions in the schema are not compared,
 * and stay in a schema with the former name.
 */
static void
prepare_rename(ShadowRun *run)
{
	Oid			other = get_namespace_oid(run->name, true);
	char	   *former = get_namespace_name(run->schema);

	if (other == run->schema)
		return;
	if (OidIsValid(other))
		set_name(other, away_name(other));
	set_name(run->schema, run->name);
	cmig_shadow_extension_move(InvalidOid, run->schema,
							   NamespaceCreate(former, BOOTSTRAP_SUPERUSERID, false));
}

/*
 * Did the error occur because another transaction has changed the same catalog
 * rows and committed?
 */
static bool
is_concurrent_change(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION;
}

/*
 * Subtransaction callback: prepare the shadow or the rename, and run the task.
 */
static void
work(void *arg)
{
	ShadowRun  *run = arg;
	ErrorContextCallback callback;

	callback.callback = cmig_lock_wait_explain_callback;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	running = run;
	run->prepared = false;
	cmig_lock_wait_watch(GetUserId());
	cmig_run_lock_shadow();
	InvalidateCatalogSnapshot();
	run->prepare(run);
	run->prepared = true;
	run->task(run->shadow, run->arg);
	error_context_stack = callback.previous;
}

/*
 * Run the task in a shadow.  Start over if another session has changed a
 * catalog row that the shadow must change.
 */
static void
run_shadow(ShadowRun *run)
{
	if (running != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called by SQL that it runs", run->caller)));
	cmig_require_writable(run->caller);
	cmig_citus_require_coordinator(run->caller);
	cmig_running_require_idle(run->caller);
	cmig_extension_share();
	cmig_run_limit_start();
	cmig_lock_wait_reset();

	for (int i = 1;; i++)
	{
		ErrorData  *error;
		List	   *locks = session_locks();
		int			level = NewGUCNestLevel();

		/* run work() in a subtransaction, and roll the subtransaction back */
		cmig_settings_as_at_login(true, GUC_ACTION_SAVE);
		cmig_citus_override("citus.enable_ddl_propagation", "off");
		cmig_distribution_record_reset(true);
		error = cmig_subtransaction_rehearse(work, run);
		AtEOXact_GUC(false, level);
		cmig_distribution_record_reset(false);
		running = NULL;
		cmig_lock_wait_unwatch();

		restore_locks(locks);
		if (error == NULL)
			return;
		if (run->prepared || !is_concurrent_change(error))
			ReThrowError(error);
		if (i == ATTEMPTS)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("schemas or extensions were concurrently changed by other sessions"),
					 errdetail("The last error was: %s.", error->message),
					 errhint("Call %s again.", run->caller)));
		FreeErrorData(error);
		CHECK_FOR_INTERRUPTS();
	}
}

void
cmig_shadow_run(const CmigManaged *managed, const char *caller, CmigShadowTask task, void *arg)
{
	ShadowRun	run = {
		.caller = caller,.prepare = prepare_shadow,.task = task,.arg = arg,.managed = managed
	};

	run_shadow(&run);
}

void
cmig_shadow_rename(Oid schema, const char *name, const char *caller,
				   CmigShadowTask task, void *arg)
{
	ShadowRun	run = {
		.caller = caller,.prepare = prepare_rename,.task = task,.arg = arg,
		.schema = schema,.name = name
	};

	run_shadow(&run);
}

/* Functions for tasks */

bool
cmig_shadow_hides_live(void)
{
	return running != NULL && running->prepare == prepare_shadow;
}

CmigShadowSchema *
cmig_shadow_find(CmigShadow *shadow, const char *name)
{
	for (int i = 0; i < shadow->count; i++)
		if (strcmp(shadow->schemas[i].name, name) == 0)
			return &shadow->schemas[i];
	return NULL;
}

bool
cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema)
{
	const Oid  *live = (const Oid *) ARR_DATA_PTR(shadow->live);

	for (int i = ArrayGetNItems(ARR_NDIM(shadow->live), ARR_DIMS(shadow->live)) - 1; i >= 0; i--)
		if (live[i] == schema)
			return true;
	return false;
}

bool
cmig_shadow_is_in_use(Oid schema, bool by_members)
{
	static CmigQuery query = {
		.sql = "WITH x AS (SELECT oid FROM pg_extension WHERE NOT $2 OR extname ~ '^cmig_hidden_')"
		" SELECT FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1"
		" AND NOT EXISTS (SELECT FROM pg_depend e JOIN x ON x.oid = e.refobjid"
		"  WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')"
		" AND NOT (d.classid = 'pg_extension'::regclass AND d.objid IN (SELECT oid FROM x))"
		" LIMIT 1",
		.argtypes = {OIDOID, BOOLOID}
	};

	return cmig_query_do(&query, schema, by_members) > 0;
}

bool
cmig_shadow_is_unused(const CmigShadowSchema *schema)
{
	return OidIsValid(schema->shadow) && !schema->created && !schema->given &&
		(strcmp(schema->name, "public") != 0 || !OidIsValid(schema->live)) &&
		!cmig_shadow_is_in_use(schema->shadow, true);
}

CmigManaged *
cmig_shadow_schemas(CmigShadow *shadow)
{
	for (int i = 0; i < shadow->count; i++)
		if (cmig_shadow_is_unused(&shadow->schemas[i]))
			cmig_shadow_rows_delete(NamespaceRelationId, shadow->schemas[i].shadow);
	CommandCounterIncrement();
	return cmig_shadow_managed(shadow);
}

CmigManaged *
cmig_shadow_managed(CmigShadow *shadow)
{
	CmigManaged *managed;
	int			kept = 0;

	managed = cmig_managed_schemas(cmig_managed_names(shadow->managed));
	for (int i = 0; i < managed->count; i++)
	{
		bool		is_away = false;

		for (int j = 0; j < shadow->count && shadow->managed->all; j++)
			is_away |= OidIsValid(shadow->schemas[j].live) &&
				shadow->schemas[j].live == managed->schemas[i].oid;
		if (!is_away)
			managed->schemas[kept++] = managed->schemas[i];
	}
	managed->count = kept;
	return managed;
}
