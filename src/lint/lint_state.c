/*
 * lint_state.c
 *	  Lint: the plan so far: names, settings, and locks.
 *
 * What the statements read so far have created, dropped, or renamed is kept in
 * one table of names; every other name means what it means in the live
 * catalogs.  planned_locks.c looks up relations in the same table.  All memory
 * belongs to the memory context of the lint call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/partition.h"
#include "miscadmin.h"
#include "utils/varlena.h"

#include "lint/internal.h"

/* The kinds of names, which do not conflict with each other. */
#define RELATION	'r'
#define TYPE		't'
#define FUNCTION	'f'			/* without the schema */
#define SCHEMA		'n'			/* the plan creates the schema */

/* The schema of the temporary relations that a script creates. */
#define TEMPORARY	"pg_temp"

/* A name whose meaning the plan has changed. */
typedef struct Entry
{
	struct
	{
		char		kind;
		char		schema[NAMEDATALEN];
		char		name[NAMEDATALEN];
	}			key;			/* padded with zeros */
	void	   *now;			/* a CmigLintTable, CmigLintType, or
								 * CmigLintFunction; for a relation, NULL if
								 * it was dropped or renamed */
	CmigLintTable *original;	/* the live relation that had this name before
								 * the plan, or NULL */
} Entry;

/* A live relation that has been read. */
typedef struct OidEntry
{
	Oid			oid;
	CmigLintTable *table;
} OidEntry;

/* Find or, if "create" is true, add the entry for a name. */
static Entry *
entry_of(CmigLint *lint, char kind, const char *schema, const char *name, bool create)
{
	Entry		wanted;
	Entry	   *entry;
	bool		found;

	memset(&wanted, 0, sizeof(wanted));
	wanted.key.kind = kind;
	strlcpy(wanted.key.schema, schema, NAMEDATALEN);
	strlcpy(wanted.key.name, name, NAMEDATALEN);
	entry = hash_search(lint->names, &wanted.key, create ? HASH_ENTER : HASH_FIND, &found);
	if (!found && entry)
	{
		entry->now = NULL;
		entry->original = NULL;
	}
	return entry;
}

List *
cmig_lint_session_path(const char *text)
{
	List	   *names;
	List	   *result = NIL;

	if (!SplitIdentifierString(pstrdup(text), ',', &names))
		return list_make1("public");
	foreach_ptr(char, name, names)
	{
		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		if (name[0] != '\0')	/* SET search_path = '' */
			result = lappend(result, name);
	}
	return result;
}

CmigLint *
cmig_lint_state_begin(bool reads_facts, const char *search_path)
{
	CmigLint   *lint = palloc0(sizeof(CmigLint));
	HASHCTL		control = {.hcxt = CurrentMemoryContext};

	lint->context = CurrentMemoryContext;
	lint->reads_facts = lint->reads_sizes = reads_facts;
	control.keysize = sizeof(((Entry *) NULL)->key);
	control.entrysize = sizeof(Entry);
	lint->names = hash_create("pg_cmig lint names", 64, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(OidEntry);
	lint->oids = hash_create("pg_cmig lint oids", 64, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	lint->session.path = lint->session.default_path = cmig_lint_session_path(search_path);
	lint->session.default_timeouts[CMIG_LINT_LOCK_TIMEOUT] = LockTimeout != 0 ||
		cmig_lock_timeout != 0;
	lint->session.default_timeouts[CMIG_LINT_STATEMENT_TIMEOUT] = StatementTimeout != 0;
	return lint;
}

void
cmig_lint_state_begin_revision(CmigLint *lint)
{
	CmigLintSession *session = &lint->session;

	lint->revision_number++;
	lint->altering_since = 0;
	session->path = session->default_path;

	memcpy(session->timeouts, session->default_timeouts, sizeof(session->timeouts));
	session->time_zone = NULL;

	if (!lint->one_transaction)
		session->values = NIL;
	session->in_block = 0;
	session->held = NULL;

	memset(session->reported, 0, sizeof(session->reported));
	session->wait_reported = false;
}

/*
 * Types, functions, and schemas
 */

bool
cmig_lint_objects_schema_is_new(CmigLint *lint, const char *schema, bool change)
{
	return entry_of(lint, SCHEMA, schema, "", change) != NULL;
}

const char *
cmig_lint_state_creation_schema(CmigLint *lint)
{
	List	   *path = lint->session.path;

	foreach_ptr(const char, name, path)
	{
		/* skip schemas that do not exist, such as "$user" in most databases */
		if ((list_length(path) == 1 || cmig_lint_objects_schema_is_new(lint, name, false) ||
			 !lint->reads_facts || OidIsValid(get_namespace_oid(name, true))) &&
			(lint->reads_facts || strcmp(name, GetUserNameFromId(GetUserId(), false)) != 0))
			return name;
	}
	return "public";
}

CmigLintType *
cmig_lint_objects_type(CmigLint *lint, List *names, bool create)
{
	const char *name = strVal(llast(names));
	List	   *schemas = list_length(names) > 1 ?
	list_make1(strVal(list_nth(names, list_length(names) - 2))) : lint->session.path;
	CmigLintType *type;
	Entry	   *entry;

	foreach_ptr(char, each, schemas)
	{
		entry = entry_of(lint, TYPE, each, name, false);
		if (entry)
			return entry->now;
	}
	if (!create)
		return NULL;
	entry = entry_of(lint, TYPE,
					 list_length(names) > 1 ? linitial(schemas) :
					 cmig_lint_state_creation_schema(lint), name, true);
	entry->now = type = MemoryContextAllocZero(lint->context, sizeof(CmigLintType));
	type->schema = entry->key.schema;
	type->name = entry->key.name;
	return type;
}

CmigLintFunction *
cmig_lint_objects_function(CmigLint *lint, const char *name, bool create)
{
	Entry	   *entry = entry_of(lint, FUNCTION, "", name, create);

	if (entry && entry->now == NULL)
		entry->now = MemoryContextAllocZero(lint->context, sizeof(CmigLintFunction));
	return entry ? entry->now : NULL;
}

/*
 * Relations
 */

/* Each relation is read at most once. */
CmigLintTable *
cmig_lint_state_find_oid(CmigLint *lint, Oid oid)
{
	bool		found;
	OidEntry   *entry = hash_search(lint->oids, &oid, HASH_ENTER, &found);
	CmigLintTable *table;
	MemoryContext old;

	if (found)
		return entry->table;
	entry->table = NULL;
	old = MemoryContextSwitchTo(lint->context);
	table = entry->table = cmig_lint_facts_read(oid, lint->reads_sizes);
	MemoryContextSwitchTo(old);
	if (table && (table->kind == RELKIND_INDEX || table->kind == RELKIND_PARTITIONED_INDEX))
		table->index_of = cmig_lint_state_find_oid(lint, IndexGetRelation(oid, true));
	return table;
}

/*
 * Find a relation in one schema.  If the plan has dropped or renamed the
 * relation, sets *gone to the schema unless it is set already.
 */
static CmigLintTable *
find_in_schema(CmigLint *lint, const char *schema, const char *name, const char **gone)
{
	Entry	   *entry = entry_of(lint, RELATION, schema, name, false);
	Oid			oid;

	if (entry)
	{
		if (entry->now == NULL && *gone == NULL)
			*gone = entry->key.schema;
		return entry->now;
	}
	oid = lint->reads_facts ? LookupNamespaceNoError(schema) : InvalidOid;
	if (OidIsValid(oid))
		oid = get_relname_relid(name, oid);
	return OidIsValid(oid) ? cmig_lint_state_find_oid(lint, oid) : NULL;
}

CmigLintTable *
cmig_lint_state_look(CmigLint *lint, const RangeVar *name, const char **gone)
{
	const char *temporary = NULL;
	CmigLintTable *table;

	/* a statement can name any number of relations */
	CHECK_FOR_INTERRUPTS();
	*gone = NULL;
	if (name->schemaname)
		return find_in_schema(lint, name->schemaname, name->relname, gone);
	table = find_in_schema(lint, TEMPORARY, name->relname, &temporary);
	if (table == NULL && strncmp(name->relname, "pg_", 3) == 0)
		table = find_in_schema(lint, "pg_catalog", name->relname, gone);
	foreach_ptr(char, each, lint->session.path)
	{
		if (table)
			break;
		table = find_in_schema(lint, each, name->relname, gone);
	}
	if (*gone == NULL)
		*gone = temporary;
	return table;
}

CmigLintTable *
cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok)
{
	const char *gone;
	CmigLintTable *table = cmig_lint_state_look(lint, name, &gone);

	if (table || gone || missing_ok)
		return table;
	table = cmig_lint_state_add(lint, name, 0);
	table->origin = CMIG_LINT_UNKNOWN;
	table->logged = true;
	table->empty = table->empty_itself = false;
	table->partial = true;
	return table;
}

CmigLintTable *
cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists)
{
	return name ? cmig_lint_state_find(lint, name, if_exists && lint->reads_facts) : NULL;
}

CmigLintTable *
cmig_lint_state_original(CmigLint *lint, const RangeVar *name)
{
	Entry	   *entry = entry_of(lint, RELATION,
								 name->schemaname ? name->schemaname :
								 cmig_lint_state_creation_schema(lint),
								 name->relname, false);

	return entry && entry->now != entry->original ? entry->original : NULL;
}

/* Record that a name now refers to a relation. */
static void
enter(CmigLint *lint, CmigLintTable *table, const char *schema, const char *name)
{
	Entry	   *entry = entry_of(lint, RELATION, schema, name, true);

	entry->now = table;
	table->schema = entry->key.schema;
	table->name = entry->key.name;
	if (table->temporary)
	{
		MemoryContext old = MemoryContextSwitchTo(lint->context);

		lint->temporary = lappend(lint->temporary, table);
		MemoryContextSwitchTo(old);
	}
}

CmigLintTable *
cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind)
{
	CmigLintTable *table = MemoryContextAllocZero(lint->context, sizeof(CmigLintTable));
	const char *schema = name->schemaname;

	table->temporary = name->relpersistence == RELPERSISTENCE_TEMP ||
		(schema && strcmp(schema, TEMPORARY) == 0);
	table->origin = CMIG_LINT_NEW;
	table->kind = kind;
	table->logged = name->relpersistence == RELPERSISTENCE_PERMANENT;
	table->loaded = true;
	table->empty = table->empty_itself = true;
	table->rows = -1;
	table->bytes = -1;
	enter(lint, table,
		  table->temporary ? TEMPORARY : schema ? schema : cmig_lint_state_creation_schema(lint),
		  name->relname);
	return table;
}

void
cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table)
{
	bool		changed = entry_of(lint, RELATION, table->schema, table->name, false) != NULL;
	Entry	   *entry = entry_of(lint, RELATION, table->schema, table->name, true);

	if (!changed && table->origin == CMIG_LINT_LIVE)
		entry->original = table;
	entry->now = NULL;
}

void
cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table, const char *schema, const char *name)
{
	cmig_lint_state_remove(lint, table);
	enter(lint, table, schema, name);
}

List *
cmig_lint_state_in_schema(CmigLint *lint, const char *schema)
{
	HASH_SEQ_STATUS scan;
	Entry	   *entry;
	List	   *tables = NIL;

	hash_seq_init(&scan, lint->names);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->key.kind == RELATION && entry->now && strcmp(entry->key.schema, schema) == 0)
			tables = lappend(tables, entry->now);
	}
	return tables;
}

List *
cmig_lint_state_all_in_schema(CmigLint *lint, const char *schema)
{
	Oid			oid = lint->reads_facts ? get_namespace_oid(schema, true) : InvalidOid;
	List	   *tables = cmig_lint_state_in_schema(lint, schema);

	foreach_oid(each, OidIsValid(oid) ? cmig_lint_catalog_tables_in(oid) : NIL)
	{
		CmigLintTable *table = cmig_lint_state_find_oid(lint, each);

		if (table && cmig_lint_state_exists(lint, table) && strcmp(table->schema, schema) == 0)
			tables = list_append_unique_ptr(tables, table);
	}
	return tables;
}

void
cmig_lint_state_drop_temporary(CmigLint *lint)
{
	foreach_ptr(CmigLintTable, view, lint->temporary)
		cmig_lint_state_remove(lint, view);
	list_free(lint->temporary);
	lint->temporary = NIL;
}

bool
cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table)
{
	Entry	   *entry = entry_of(lint, RELATION, table->schema, table->name, false);

	return entry ? entry->now == table : table->origin == CMIG_LINT_LIVE;
}

bool
cmig_lint_state_is_gone(CmigLint *lint, Oid relation)
{
	CmigLintTable *table = cmig_lint_state_find_oid(lint, relation);

	return table == NULL || !cmig_lint_state_exists(lint, table);
}

char *
cmig_lint_state_concurrently_failure(CmigLint *lint, Node *statement, bool qualified)
{
	RawStmt		raw = {.type = T_RawStmt,.stmt = statement};
	const char *command;
	const RangeVar *relation = NULL;
	CmigLintTable *table;
	const char *name;
	Oid			partition;

	if (!cmig_running_concurrent_ddl() ||
		cmig_statement_classify(&raw, &command) != CMIG_STATEMENT_CONCURRENTLY)
		return NULL;
	if (IsA(statement, IndexStmt))
		relation = ((IndexStmt *) statement)->relation;
	else if (IsA(statement, DropStmt))
		relation = cmig_locks_relation(linitial(((DropStmt *) statement)->objects));
	else if (IsA(statement, AlterTableStmt))
		relation = ((AlterTableStmt *) statement)->relation;
	/* REINDEX processes the partitions one by one */
	table = relation ? cmig_lint_state_find(lint, relation, true) : NULL;
	if (table == NULL)
		return NULL;
	name = qualified ? cmig_lint_text_qualified(table) : cmig_lint_text_name(table);
	if (IsA(statement, IndexStmt))
		return table->kind != RELKIND_PARTITIONED_TABLE ? NULL :
			psprintf("CREATE INDEX CONCURRENTLY fails because %s is partitioned", name);
	/* for a temporary index, CONCURRENTLY is ignored */
	if (IsA(statement, DropStmt))
		return table->kind != RELKIND_PARTITIONED_INDEX || table->temporary ? NULL :
			psprintf("DROP INDEX CONCURRENTLY fails because %s is partitioned", name);
	/* has the plan detached, dropped, or renamed the default partition? */
	partition = table->has_default_partition && OidIsValid(table->oid) && !table->detached ?
		get_default_partition_oid(table->oid) : InvalidOid;
	return !OidIsValid(partition) || cmig_lint_state_is_gone(lint, partition) ? NULL :
		psprintf("DETACH PARTITION ... CONCURRENTLY fails because %s has a default partition",
				 name);
}

/*
 * Settings
 */

void
cmig_script_settings_each(Node *statement,
						  void (*change) (const char *name, const char *value, void *arg),
						  void *arg)
{
	static const char *const all[] = {"lock_timeout", "statement_timeout", "timezone",
	"search_path"};
	VariableSetStmt *set = (VariableSetStmt *) statement;
	StringInfoData text;

	/* SELECT set_config('name', 'value', is_local) */
	foreach_node(ResTarget, target,
				 IsA(statement, SelectStmt) ? ((SelectStmt *) statement)->targetList : NIL)
	{
		FuncCall   *call = (FuncCall *) target->val;
		bool		sets = call && IsA(call, FuncCall) && list_length(call->args) == 3 &&
		strcmp(strVal(llast(call->funcname)), "set_config") == 0;
		const char *name = sets ? cmig_lint_expression_constant(linitial(call->args)) : NULL;
		const char *value = sets ? cmig_lint_expression_constant(lsecond(call->args)) : NULL;

		if (name && value)
			change(name, value, arg);
	}
	if (!IsA(statement, VariableSetStmt))
		return;
	for (int i = 0; i < lengthof(all) && set->kind == VAR_RESET_ALL; i++)
		change(all[i], NULL, arg);
	if (set->kind == VAR_SET_DEFAULT || set->kind == VAR_RESET)
		change(set->name, NULL, arg);
	if (set->kind != VAR_SET_VALUE)
		return;
	initStringInfo(&text);
	foreach_ptr(Node, node, set->args)
	{
		const char *value = cmig_lint_expression_constant(node);

		if (value == NULL)
			value = "?";
		else if (pg_strcasecmp(set->name, "search_path") == 0)
			value = quote_identifier(value);
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", value);
	}
	change(set->name, text.data, arg);
}

/* cmig_script_settings_each callback: record the value of a setting. */
static void
set_session(const char *name, const char *value, void *arg)
{
	static const char *const timeouts[] = {"lock_timeout", "statement_timeout"};	/* by CmigLintTimeout */
	CmigLint   *lint = arg;
	CmigLintSession *session = &lint->session;
	MemoryContext old = MemoryContextSwitchTo(lint->context);

	/* a timeout of 0 in any unit is none */
	for (int i = 0; i < lengthof(timeouts); i++)
		if (pg_strcasecmp(name, timeouts[i]) == 0)
			session->timeouts[i] = value ? strtod(value, NULL) != 0 : session->default_timeouts[i];

	if (pg_strcasecmp(name, "timezone") == 0)
		session->time_zone = value ? pstrdup(value) : NULL;

	else if (pg_strcasecmp(name, "search_path") == 0)
		session->path = value ? cmig_lint_session_path(value) : session->default_path;

	MemoryContextSwitchTo(old);
}

void
cmig_lint_session_follow(CmigLint *lint, Node *statement)
{
	cmig_script_settings_each(statement, set_session, lint);
}

/*
 * Relations in queries
 */

/*
 * Returns the query that the statement runs, or NULL if the statement has none.  EXECUTE
 * and similar statements, which the walker does not support, count as none.
 */
static Node *
query_of(Node *statement)
{
	while (statement != NULL && !(cmig_statement_flags(statement) & CMIG_STATEMENT_QUERY))
		statement = IsA(statement, PrepareStmt) ? NULL : cmig_statement_query(statement);
	return statement;
}

List *
cmig_lint_uses_of(Node *statement)
{
	Node	   *query = IsA(statement, CopyStmt) ? statement : query_of(statement);
	List	   *result = NIL;

	foreach_ptr(const CmigLock, lock, query ? cmig_statement_locks(query) : NIL)
	{
		if (lock->action == CMIG_LOCK_TAKE)
			result = lappend(result, (RangeVar *) lock->relation);
	}
	return result;
}

/*
 * Locks
 */

/* Is the statement valid if its relation does not exist, as with IF EXISTS? */
static bool
may_be_missing(const Node *statement)
{
	return cmig_statement_missing_ok(statement) || IsA(statement, ViewStmt);
}

/* Add a lock, or strengthen an existing lock on the same relation. */
static List *
add_lock(List *locks, CmigLintTable *table, LOCKMODE mode, bool dropped)
{
	CmigLintLock *lock;

	if (!cmig_lint_model_is_shared(table) || mode < ShareUpdateExclusiveLock)
		return locks;
	foreach_ptr(CmigLintLock, each, locks)
	{
		lock = each;
		if (lock->table == table)
		{
			lock->mode = Max(lock->mode, mode);
			lock->dropped |= dropped;
			return locks;
		}
	}
	lock = palloc(sizeof(CmigLintLock));
	lock->table = table;
	lock->mode = mode;
	lock->dropped = dropped;
	return lappend(locks, lock);
}

/* Add the locks of a statement, and those of the functions of pg_cmig that it calls. */
static List *
add_statement(CmigLint *lint, List *result, Node *statement)
{
	bool		missing_ok = may_be_missing(statement);

	foreach_ptr(const CmigLock, lock, cmig_statement_locks(statement))
	{
		CmigLintTable *table;

		if (lock->action == CMIG_LOCK_DOMAIN)
		{
			Oid			domain = cmig_lint_types_find(lint, castNode(TypeName, lock->object)).oid;

			foreach_oid(each, cmig_lint_catalog_tables_with_type(domain))
				result = add_lock(result, cmig_lint_state_find_oid(lint, each), lock->mode, false);
		}
		if (lock->action == CMIG_LOCK_CALL)
		{
			const FuncCall *call = (const FuncCall *) lock->object;
			bool		known;
			bool		runs_code;
			List	   *called;

			if (!cmig_calls_expand(lint, call, &known, &called))
			{
				lint->calls = lappend(lint->calls, lock->object);
				known = cmig_call_unknown(lint, call) == NULL;
			}
			runs_code = lint->runs_code || !known;
			/* a procedure commits, and limits how long it waits for a lock */
			foreach_ptr(CmigStatement, inner, IsA(statement, CallStmt) ? NIL : called)
				result = add_statement(lint, result, inner->raw->stmt);
			lint->runs_code = runs_code;
			lint->called = list_concat(lint->called, called);
		}
		lint->runs_code |= lock->action == CMIG_LOCK_UNKNOWN;
		if (lock->relation == NULL || lock->action == CMIG_LOCK_CREATE)
			continue;

		/*
		 * If a relation is not found and the lock on it is strong, add an
		 * unknown relation.
		 */
		table = lock->mode < ShareUpdateExclusiveLock ?
			cmig_lint_state_find(lint, lock->relation, true) :
			cmig_lint_state_find_if(lint, lock->relation, missing_ok);
		if (table && table->index_of && (lock->with & CMIG_LOCK_TABLE))
			result = add_lock(result, table->index_of, lock->table_mode, false);
		else
			result = add_lock(result, table, lock->mode, lock->action == CMIG_LOCK_DROP);
	}
	return result;
}

CmigLintTable *
cmig_lint_state_find_changed(CmigLint *lint, const CmigEffect *effect)
{
	return cmig_lint_state_find(lint,
								makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(effect->root))), true);
}

/* Returns the locks that the code of the current statement took, as a List of CmigLintLock *. */
static List *
rehearsed_locks(CmigLint *lint)
{
	List	   *locks = NIL;

	foreach_ptr(const CmigEffect, effect, lint->effects &&
				lint->caller == NULL ? lint->effects->effects : NIL)
	{
		CmigLintLock *lock;

		if (effect->type != CMIG_EFFECT_LOCKED || (lint->certain && effect->doubtful) ||
			effect->step != lint->revision_number - 1 ||
			effect->statement != lint->statement->number)
			continue;
		lock = palloc0(sizeof(CmigLintLock));
		lock->table = cmig_lint_state_find_changed(lint, effect);
		lock->mode = effect->mode;
		locks = lappend(locks, lock);
	}
	return locks;
}

void
cmig_lint_state_begin_statement(CmigLint *lint, Node *statement)
{
	const RangeVar *target = IsA(statement, AlterTableStmt) ?
	((AlterTableStmt *) statement)->relation :
	IsA(statement, IndexStmt) ? ((IndexStmt *) statement)->relation :
	IsA(statement, RenameStmt) ? ((RenameStmt *) statement)->relation :
	IsA(statement, AlterObjectSchemaStmt) ? ((AlterObjectSchemaStmt *) statement)->relation : NULL;

	lint->target = target ? cmig_lint_state_find_if(lint, target, may_be_missing(statement)) : NULL;
	if (lint->target)
		cmig_lint_state_load(lint, lint->target);
	lint->called = lint->calls = NIL;
	lint->runs_code = false;
	lint->locks = add_statement(lint, NIL, statement);
	foreach_ptr(const CmigLintLock, lock, rehearsed_locks(lint))
		lint->locks = add_lock(lint->locks, lock->table, lock->mode, false);
}
